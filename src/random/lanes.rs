//! 256 LFSRs side by side: one vector holds one output bit of each, so that one instruction steps them all.
//!
//! The output bits of a Galois LFSR obey the recurrence of its feedback polynomial:
//! out(n + bits) = out(n) ^ XOR of out(n + bits − 1 − i) over the bits i of the mask below the highest.
//! So the states themselves are not needed: the last `bits` output bits stand for them. Other sources draw lane by lane.

use super::{Galois, Generator, RandomError, galois, mask_of};

/// Streams read in step.
pub const LANES: usize = 256;

/// One bit of every stream: that of stream l is bit l % 64 of word l / 64.
pub type LaneBits = [u64; LANES / 64];

/// Output bits made at a time; every tap of the contract's masks lies at least so far back (a test holds it).
const CHUNK: usize = 8;

/// Up to [`LANES`] streams of one source, read in step.
#[derive(Clone, Debug)]
pub struct Lanes(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Sliced(Sliced),
    Drawn(Drawn),
}

impl Lanes {
    /// The streams that start in `states` (the lanes beyond them give zeros), for the mask of width `bits`.
    pub fn new(bits: u32, states: &[u64]) -> Result<Lanes, RandomError> {
        Ok(Lanes(Kind::Sliced(Sliced::new(bits, states)?)))
    }

    /// The streams of a source that are in `states`.
    pub fn of(generator: &Generator, states: Vec<u64>) -> Result<Lanes, RandomError> {
        if generator.is_sliced() {
            return Lanes::new(generator.lfsr_bits(), &states);
        }
        Ok(Lanes(Kind::Drawn(Drawn { generator: generator.clone(), states, out: vec![] })))
    }

    /// The next `count` output bits of all streams, in order: bits of draws, whole draws of most sources.
    pub fn next_bits(&mut self, count: usize) -> &[LaneBits] {
        match &mut self.0 {
            Kind::Sliced(lanes) => lanes.next_bits(count),
            Kind::Drawn(lanes) => lanes.next_bits(count),
        }
    }
}

/// Streams of any source, drawn one by one.
#[derive(Clone, Debug)]
struct Drawn {
    generator: Generator,
    states: Vec<u64>,
    out: Vec<LaneBits>,
}

impl Drawn {
    /// `count` is a multiple of a draw's bits.
    fn next_bits(&mut self, count: usize) -> &[LaneBits] {
        let k = self.generator.code_bits() as usize;
        debug_assert!(count.is_multiple_of(k), "{count} bits are no draws of {k}");
        self.out.resize(count, [0; LANES / 64]);
        // As many draws as a word holds go through one transposition.
        for out in self.out.chunks_mut(64 / k * k) {
            for (q, states) in self.states.chunks_mut(64).enumerate() {
                let mut words = [0; 64];
                for (word, state) in words.iter_mut().zip(states) {
                    for at in (0..out.len()).step_by(k) {
                        *word |= self.generator.draw(state) << at;
                    }
                }
                transpose(&mut words);
                out.iter_mut().zip(words).for_each(|(out, word)| out[q] = word);
            }
        }
        &self.out
    }
}

/// Up to [`LANES`] Galois LFSRs of equal width.
#[derive(Clone, Debug)]
struct Sliced {
    bits: usize,
    /// How far behind the new bit, minus `bits`, the bits lie that XOR into it.
    taps: Vec<usize>,
    /// Output bits from the last call's first on.
    out: Vec<LaneBits>,
    /// How many of them are consumed.
    used: usize,
}

impl Sliced {
    fn new(bits: u32, states: &[u64]) -> Result<Sliced, RandomError> {
        let mask = mask_of(bits)?;
        let mut out = vec![[0; LANES / 64]; bits as usize];
        for (q, states) in states.chunks(64).enumerate() {
            let mut words = [0; 64];
            for (word, &state) in words.iter_mut().zip(states) {
                *word = Galois::new(bits, mask, state)?.draw(bits);
            }
            transpose(&mut words);
            out.iter_mut().zip(words).for_each(|(out, word)| out[q] = word);
        }
        let taps = (0..bits as usize).filter(|i| mask >> (bits as usize - 1 - i) & 1 == 1).collect();
        Ok(Sliced { bits: bits as usize, taps, out, used: 0 })
    }

    fn next_bits(&mut self, count: usize) -> &[LaneBits] {
        self.out.copy_within(self.used..self.used + self.bits, 0);
        self.used = count;
        let made = count.next_multiple_of(CHUNK);
        if self.out.len() < self.bits + made {
            self.out.resize(self.bits + made, [0; LANES / 64]);
        }
        for start in (0..made).step_by(CHUNK) {
            let (known, new) = self.out[start..].split_at_mut(self.bits);
            let mut sum = [[0; LANES / 64]; CHUNK];
            for &tap in &self.taps {
                for (s, w) in sum.as_flattened_mut().iter_mut().zip(known[tap..tap + CHUNK].as_flattened()) {
                    *s ^= w;
                }
            }
            new[..CHUNK].copy_from_slice(&sum);
        }
        &self.out[..count]
    }
}

/// Exchanges rows and columns of a 64 × 64 matrix of bits: bit c of word r becomes bit r of word c.
pub(crate) fn transpose(words: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = galois::ones(32);
    while width > 0 {
        for block in words.chunks_exact_mut(2 * width) {
            let (low, high) = block.split_at_mut(width);
            for (a, b) in low.iter_mut().zip(high) {
                let swapped = (*a >> width ^ *b) & mask;
                *a ^= swapped << width;
                *b ^= swapped;
            }
        }
        width /= 2;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Family, Source, WIDTHS, root_from_seed};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_tap_lies_a_chunk_back() {
        for bits in WIDTHS {
            let lanes = Sliced::new(bits, &[1]).unwrap();
            assert!(lanes.taps.iter().all(|tap| tap + CHUNK <= lanes.bits), "width {bits}: {:?}", lanes.taps);
        }
    }

    proptest! {
        #[test]
        fn lanes_are_the_streams_they_started_from(
            bits in prop::sample::select(&WIDTHS[..]), seed in any::<u64>(), streams in 1usize..=LANES,
            counts in prop::collection::vec(0usize..200, 1..5),
        ) {
            let states: Vec<u64> = (0..streams as u64).map(|t| root_from_seed(seed ^ t, bits)).collect();
            let mut lfsrs: Vec<Galois> = states.iter().map(|&s| Galois::of_width(bits, s).unwrap()).collect();
            let mut lanes = Lanes::new(bits, &states).unwrap();
            for count in counts {
                for &bits in lanes.next_bits(count) {
                    let mut expected = [0; LANES / 64];
                    for (l, lfsr) in lfsrs.iter_mut().enumerate() {
                        expected[l / 64] |= u64::from(lfsr.step()) << (l % 64);
                    }
                    prop_assert_eq!(bits, expected);
                }
            }
        }

        #[test]
        fn lanes_of_other_sources_are_their_streams(
            family in prop::sample::select(&[Family::Fibonacci, Family::Automaton, Family::Pair, Family::Galois][..]),
            k in 1u32..=16, steps in 1u32..20, seed in any::<u64>(), streams in 1usize..=LANES,
            counts in prop::collection::vec(0usize..20, 1..5),
        ) {
            let source = Source { steps: Some(steps), ..family.into() };
            let generator = Generator::new(source, 64, k, &[]).unwrap();
            let states: Vec<u64> = (0..streams as u64).map(|t| generator.root(seed ^ t)).collect();
            let mut single: Vec<_> = states.iter().map(|&state| generator.stream(state)).collect();
            let mut lanes = Lanes::of(&generator, states).unwrap();
            for count in counts {
                for draw in lanes.next_bits(count * k as usize).chunks_exact(k as usize) {
                    for (l, stream) in single.iter_mut().enumerate() {
                        let due = stream.draw();
                        let bit = |j: usize| draw[j][l / 64] >> (l % 64) & 1;
                        prop_assert_eq!((0..k as usize).fold(0, |r, j| r | bit(j) << j), due);
                    }
                }
            }
        }

        #[test]
        fn transposing_exchanges_rows_and_columns(words in prop::array::uniform32(any::<u64>())) {
            let mut matrix = [0; 64];
            matrix[..32].copy_from_slice(&words);
            let before = matrix;
            transpose(&mut matrix);
            for (r, c) in (0..64).flat_map(|r| (0..64).map(move |c| (r, c))) {
                prop_assert_eq!(matrix[c] >> r & 1, before[r] >> c & 1);
            }
        }
    }
}
