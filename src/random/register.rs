//! One register of any family, step by step: the plain reading of `docs/semantics.md` §4.

use super::galois::{self, ones};
use super::{Family, RandomError, Source, mask_of};

/// A register of a linear family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    family: Family,
    bits: u32,
    /// Mask, taps or rules of the family.
    mask: u64,
    state: u64,
}

/// Cells of the automata that follow rule 150: the first vectors of the longest period in order of value (a test proves it).
const RULES: [(u32, u64); 2] = [(32, 0x54), (64, 0x14)];

/// Bits of the first register of a pair, and the masks of both.
pub(super) const FIRST: u32 = 33;
const PAIR: [u64; 2] = [1 << 32 | 1 << 19, 1 << 30 | 1 << 27];

impl Register {
    /// `state` must not be 0 (of a pair: neither register's) and must fit.
    pub fn new(family: Family, bits: u32, state: u64) -> Result<Register, RandomError> {
        Source::from(family).check(bits)?;
        let rules = RULES.iter().find(|rules| rules.0 == bits).map_or(0, |rules| rules.1);
        let mask = match family {
            Family::Galois => mask_of(bits)?,
            Family::Taps { mask } => mask,
            Family::Fibonacci => mask_of(bits)?.reverse_bits() >> (64 - bits),
            Family::Automaton => rules,
            Family::Xorshift | Family::Lut | Family::Pair => 0,
            Family::Replay { .. } => return Err(RandomError::Recorded),
        };
        let empty = state == 0 || family == Family::Pair && (state & ones(FIRST) == 0 || state >> FIRST == 0);
        if empty || state > ones(bits) {
            return Err(RandomError::State { bits, state });
        }
        Ok(Register { family, bits, mask, state })
    }

    pub fn state(&self) -> u64 {
        self.state
    }

    /// The state that follows `state`.
    pub(super) fn after(&self, s: u64) -> u64 {
        let (w, all) = (self.bits, ones(self.bits));
        match self.family {
            Family::Galois | Family::Taps { .. } => galois::step(self.mask, s),
            Family::Fibonacci => s >> 1 | u64::from((s & self.mask).count_ones() & 1) << (w - 1),
            Family::Automaton => (s << 1 ^ s >> 1 ^ s & self.mask) & all,
            Family::Xorshift => {
                let (a, b, c) = if w == 64 { (13, 7, 17) } else { (13, 17, 5) };
                let s = (s ^ s << a) & all;
                let s = s ^ s >> b;
                (s ^ s << c) & all
            }
            Family::Lut => {
                let (b, c) = if w == 64 { (12, 43) } else { (25, 26) };
                let bit = |at: u32| s >> (at % w) & 1;
                (0..w).fold(0, |next, i| {
                    let t = i * (i + 1) / 2;
                    let last = if i > 0 { bit(5 * t + c) } else { 0 };
                    next | (bit(i + 1) ^ bit(t) ^ bit(3 * t + b) ^ last) << i
                })
            }
            Family::Pair => {
                let (first, second) = (s & ones(FIRST), s >> FIRST);
                galois::step(PAIR[0], first) | galois::step(PAIR[1], second) << FIRST
            }
            Family::Replay { .. } => s,
        }
    }

    /// The draw of `k` bits that the state `s` gives.
    pub(super) fn drawn(&self, s: u64, k: u32) -> u64 {
        if !self.family.is_serial() {
            return (0..k).fold(0, |r, j| r | (s >> (j * (self.bits / 16)) & 1) << j);
        }
        let second = if self.family == Family::Pair { FIRST } else { 0 };
        let (mut s, mut r) = (s, 0);
        for j in 0..k {
            r |= ((s ^ if second > 0 { s >> second } else { 0 }) & 1) << j;
            s = self.after(s);
        }
        r
    }

    pub fn step(&mut self) {
        self.state = self.after(self.state);
    }

    /// A draw of `k` bits, 1 to 16, after which the register moves on by `steps`.
    pub fn draw(&mut self, k: u32, steps: u32) -> u64 {
        let r = self.drawn(self.state, k);
        (0..steps).for_each(|_| self.step());
        r
    }
}
