//! Live masks of many lanes at once (`docs/semantics.md` §3 and §4). A lane is one pass of one image.

use super::dense::LaneWords;
use super::devices::UnitLanes;
use crate::random::{LANES, LaneBits, Lanes, transpose};

/// How the dropout units of one layer decide in each lane.
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
    Devices(UnitLanes),
}

impl Masks {
    /// Writes the live bits of the next image of every lane, for a layer of `neurons` neurons.
    pub fn next_image(&mut self, neurons: usize, all_live: &[u64], live: &mut [LaneWords]) {
        if let Masks::Devices(units) = self {
            let dropped = units.next_image();
            for (live, dropped) in live.iter_mut().zip(dropped.chunks(64)) {
                let mut kept = [[0; LANES / 64]; 64];
                kept.iter_mut().zip(dropped).for_each(|(kept, dropped)| *kept = dropped.map(|bits| !bits));
                words(&kept, live);
            }
            return;
        }
        for (word, (live, &all)) in live.iter_mut().zip(all_live).enumerate() {
            match self {
                Masks::Constant { live: constant } => live.as_flattened_mut().fill(if *constant { all } else { 0 }),
                Masks::Drawn { lanes, code, code_bits } => {
                    let kept = next_kept(lanes, *code, *code_bits, (neurons - 64 * word).min(64));
                    words(&kept, live);
                }
                Masks::Devices(_) => {}
            }
        }
    }
}

/// The live word of each lane, from the lanes that keep each of its neurons.
fn words(kept: &[LaneBits; 64], live: &mut LaneWords) {
    for (q, live) in live.as_flattened_mut().as_chunks_mut::<64>().0.iter_mut().enumerate() {
        *live = kept.map(|bits| bits[q]);
        transpose(live);
    }
}

/// The draws of the next `neurons` (64 at most) neurons: which lanes keep each of them.
fn next_kept(lanes: &mut Lanes, code: u32, code_bits: u32, neurons: usize) -> [LaneBits; 64] {
    let k = code_bits as usize;
    // Below the lowest 1 of the code, the bits of a draw cannot make it less than the code.
    let lowest = code.trailing_zeros() as usize;
    let mut kept = [[0; LANES / 64]; 64];
    for (kept, draw) in kept[..neurons].iter_mut().zip(lanes.next_bits(neurons * k).chunks_exact(k)) {
        // From the least significant bit up: r >= code where r has the greater bit, or equal bits and r >= code below.
        let mut at_least = draw[lowest];
        for (j, bits) in draw.iter().enumerate().skip(lowest + 1) {
            let one = code >> j & 1 == 1;
            for (at_least, bit) in at_least.iter_mut().zip(bits) {
                *at_least = if one { bit & *at_least } else { bit | *at_least };
            }
        }
        *kept = at_least;
    }
    kept
}
