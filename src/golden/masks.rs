//! Live masks of up to 64 passes at once (`docs/semantics.md` §3 and §4).

use crate::random::{Lanes, transpose};

/// How the dropout units of one layer decide in the passes of a block.
pub(super) enum Masks {
    /// The same for every neuron, pass and image, so that no draw need be known.
    Constant {
        live: bool,
    },
    Drawn {
        lanes: Lanes,
        code: u32,
        code_bits: u32,
    },
}

impl Masks {
    /// Writes the live bits of the next image: `all_live.len()` words for each of `passes` passes.
    pub fn next_image(&mut self, neurons: usize, all_live: &[u64], passes: usize, live: &mut Vec<u64>) {
        let words = all_live.len();
        live.clear();
        live.resize(words * passes, 0);
        match self {
            Masks::Constant { live: false } => {}
            Masks::Constant { live: true } => live.chunks_exact_mut(words).for_each(|l| l.copy_from_slice(all_live)),
            Masks::Drawn { lanes, code, code_bits } => {
                for word in 0..words {
                    let mut kept = next_kept(lanes, *code, *code_bits, (neurons - 64 * word).min(64));
                    transpose(&mut kept);
                    for (pass, &bits) in kept[..passes].iter().enumerate() {
                        live[pass * words + word] = bits;
                    }
                }
            }
        }
    }
}

/// Draws for the next `neurons` (64 at most) neurons in all passes: bit t of word u says that neuron u lives in pass t.
fn next_kept(lanes: &mut Lanes, code: u32, code_bits: u32, neurons: usize) -> [u64; 64] {
    let k = code_bits as usize;
    // Below the lowest 1 of the code, the bits of a draw cannot make it less than the code.
    let lowest = code.trailing_zeros() as usize;
    let mut kept = [0; 64];
    for (live, draw) in kept.iter_mut().zip(lanes.next_bits(neurons * k).chunks_exact(k)) {
        // From the least significant bit up: r >= code where r has the greater bit, or equal bits and r >= code below.
        let mut at_least = draw[lowest];
        for (j, bit) in draw.iter().enumerate().skip(lowest + 1) {
            at_least = if code >> j & 1 == 1 { bit & at_least } else { bit | at_least };
        }
        *live = at_least;
    }
    kept
}
