//! Sums of an array that is read in parts (`docs/semantics.md` §9), 32 columns at once: the columns are passes that share a
//! neuron's weights, or neurons that share a pass's inputs.
//!
//! Every group of word lines begins at a byte. Bytes of the columns lie side by side, so that matches of a group are counted, converted
//! and added for all columns together.

use super::dense::{GROUP, LaneWords, Operand};
use super::reads::{Errors, Keys};
use super::windows::Piece;
use crate::net::{Array, BitMatrix};

/// A byte, or a count, of each column.
type Bytes = [u8; GROUP];

/// The weights of a layer as its array holds them.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    rows: usize,
    /// Bytes of a neuron.
    bytes: usize,
    /// Where groups are no whole bytes: from bits of the inputs to bits in which they are.
    spread: Option<Vec<Piece>>,
    groups: Vec<Group>,
    /// Neuron by neuron.
    by_row: Vec<u8>,
    /// The same of 32 neurons side by side, byte by byte.
    by_column: Vec<Bytes>,
    kind: Kind,
    half: i32,
    shift: u32,
    low: i32,
    high: i32,
    errors: Option<Errors>,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    bytes: usize,
    gain: i32,
}

/// How sums of groups are converted.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Clipped alone, in bytes, of which so many can be added; groups of one byte or more.
    Clipped {
        adds: usize,
        single: bool,
    },
    /// In 16 bits, of which so many can be added.
    Narrow {
        adds: usize,
    },
    Wide,
}

/// The inputs of 32 passes, or of one, byte by byte as the array takes them, and how many are live in each group.
pub(super) struct Inputs<B, N, S> {
    x: Vec<B>,
    live: Vec<B>,
    counts: Vec<N>,
    /// The same in bytes, where sums are only clipped.
    small: Vec<S>,
}

/// Inputs of one pass, and of a group of lanes.
pub(super) type One = Inputs<u8, i16, i8>;
pub(super) type Lanes = Inputs<Bytes, [i16; GROUP], [i8; GROUP]>;

impl Parts {
    pub fn new(weights: &BitMatrix, array: &Array) -> Parts {
        let (rows, inputs) = (weights.rows(), weights.cols());
        let group = |g: usize| Group { bytes: array.group_size(g, inputs).div_ceil(8), gain: array.gain(g) as i32 };
        let groups: Vec<Group> = (0..array.groups(inputs)).map(group).collect();
        let bytes = groups.iter().map(|group| group.bytes).sum();
        let each = 8 * array.group.div_ceil(8);
        let spread = (!array.group.is_multiple_of(8) && groups.len() > 1).then(|| {
            let of_group = |g: usize| Piece::run(g * array.group, g * each, array.group_size(g, inputs));
            (0..groups.len()).flat_map(of_group).collect()
        });
        let converter = array.converter;
        let half = if converter.shift > 0 { 1 << (converter.shift - 1) } else { 0 };
        let (low, high) = (-(1 << (converter.bits - 1)), (1 << (converter.bits - 1)) - 1);
        let plain = array.gains.iter().all(|&gain| gain == 256) && converter.shift == 0;
        // What a group gives, at most.
        let most = array.group as i32 + half;
        let kind = match array.group {
            ..=63 if plain && array.errors.is_none() => {
                let adds = 127 / (array.group as i32).min(-low) as usize;
                Kind::Clipped { adds, single: array.group <= 8 }
            }
            ..=64 => Kind::Narrow { adds: (i32::from(i16::MAX) / most) as usize },
            _ => Kind::Wide,
        };
        let errors = array.errors.as_ref().map(|errors| Errors::new(errors, groups.len()));
        let (by_row, by_column) = (vec![], vec![]);
        let shift = converter.shift;
        let mut parts = Parts { rows, bytes, spread, groups, by_row, by_column, kind, half, shift, low, high, errors };
        for row in 0..rows {
            let words = parts.spread(weights.row(row));
            parts.by_row.extend((0..bytes).map(|b| (words[b / 8] >> (8 * (b % 8))) as u8));
        }
        for first in (0..rows).step_by(GROUP) {
            let byte =
                |b: usize| std::array::from_fn(|i| parts.by_row.get((first + i) * bytes + b).copied().unwrap_or(0));
            parts.by_column.extend((0..bytes).map(byte));
        }
        parts
    }

    /// Bits of inputs where the array takes them.
    fn spread<'a>(&self, words: &'a [u64]) -> std::borrow::Cow<'a, [u64]> {
        let Some(pieces) = &self.spread else { return words.into() };
        let mut out = vec![0; self.bytes.div_ceil(8)];
        for piece in pieces {
            out[piece.to / 64] |= piece.moved(words[piece.from / 64]);
        }
        out.into()
    }

    /// The inputs of one pass.
    pub fn inputs(&self, operand: Operand) -> One {
        let [x, live] = [operand.x, operand.live].map(|words| {
            let words = self.spread(words);
            (0..self.bytes).map(|b| (words[b / 8] >> (8 * (b % 8))) as u8).collect::<Vec<u8>>()
        });
        let mut at = 0;
        let count = |group: &Group| {
            at += group.bytes;
            live[at - group.bytes..at].iter().map(|byte| byte.count_ones() as i16).sum()
        };
        let counts: Vec<i16> = self.groups.iter().map(count).collect();
        let small = self.small(&counts, |n| n as i8);
        Inputs { x, live, counts, small }
    }

    fn small<N: Copy, S>(&self, counts: &[N], small: impl Fn(N) -> S) -> Vec<S> {
        let clips = matches!(self.kind, Kind::Clipped { .. });
        counts.iter().filter(|_| clips).map(|&n| small(n)).collect()
    }

    /// Those of a group of lanes.
    pub fn lane_inputs(&self, lanes: usize, x: &[LaneWords], live: &[LaneWords]) -> Lanes {
        let [x, live] = [x, live].map(|words| {
            let mut bytes: Vec<Bytes> = Vec::with_capacity(self.bytes.next_multiple_of(8));
            let mut push = |word: &[u64; GROUP]| {
                (0..8).for_each(|b| bytes.push(std::array::from_fn(|i| (word[i] >> (8 * b)) as u8)));
            };
            match &self.spread {
                None => words[..self.bytes.div_ceil(8)].iter().for_each(|word| push(&word[lanes])),
                Some(pieces) => {
                    let mut out = vec![[0; GROUP]; self.bytes.div_ceil(8)];
                    for piece in pieces {
                        for (to, &from) in out[piece.to / 64].iter_mut().zip(&words[piece.from / 64][lanes]) {
                            *to |= piece.moved(from);
                        }
                    }
                    out.iter().for_each(push);
                }
            }
            bytes
        });
        let mut at = 0;
        let count = |group: &Group| {
            let mut counts = [0; GROUP];
            for live in &live[at..at + group.bytes] {
                counts.iter_mut().zip(live).for_each(|(n, live)| *n += live.count_ones() as i16);
            }
            at += group.bytes;
            counts
        };
        let counts: Vec<[i16; GROUP]> = self.groups.iter().map(count).collect();
        let small = self.small(&counts, |counts| counts.map(|n| n as i8));
        Inputs { x, live, counts, small }
    }

    /// The sums of all neurons for the inputs of one pass, plane `plane`; reads err by its key, if there is one.
    pub fn sums(&self, inputs: &One, plane: usize, first: usize, key: Option<u64>) -> Vec<i64> {
        let mut sums = Vec::with_capacity(self.rows);
        for block in (0..self.rows).step_by(GROUP) {
            let weights = &self.by_column[block / GROUP * self.bytes..][..self.bytes];
            let matches = |b: usize| {
                let (x, live) = (inputs.x[b], inputs.live[b]);
                weights[b].map(|w| (!(w ^ x) & live).count_ones() as u8)
            };
            let counts = |g: usize| [inputs.counts[g]; GROUP];
            let small = |g: usize| [inputs.small[g]; GROUP];
            let of_block = match (&self.errors, key) {
                (Some(errors), Some(key)) => {
                    let keys = Keys::all(key);
                    self.convert(matches, counts, small, |g, m, n| {
                        errors.apply(g, plane, |i| first + block + i, &keys, m, n)
                    })
                }
                _ => self.convert(matches, counts, small, |_, _, _| ()),
            };
            sums.extend(of_block.iter().take(self.rows - block).map(|&sum| i64::from(sum)));
        }
        sums
    }

    /// The sums of neuron `row` for those of a group of lanes.
    pub fn lane_sums(
        &self,
        row: usize,
        inputs: &Lanes,
        plane: usize,
        first: usize,
        keys: Option<&Keys>,
    ) -> [i32; GROUP] {
        let weights = &self.by_row[row * self.bytes..][..self.bytes];
        let (x, live) = (&inputs.x[..self.bytes], &inputs.live[..self.bytes]);
        let matches = |b: usize| {
            let (w, mut counts) = (weights[b], [0; GROUP]);
            for ((count, x), live) in counts.iter_mut().zip(&x[b]).zip(&live[b]) {
                *count = (!(w ^ x) & live).count_ones() as u8;
            }
            counts
        };
        let (counts, small) = (|g: usize| inputs.counts[g], |g: usize| inputs.small[g]);
        match (&self.errors, keys) {
            (Some(errors), Some(keys)) => {
                self.convert(matches, counts, small, |g, m, n| errors.apply(g, plane, |_| first + row, keys, m, n))
            }
            _ => self.convert(matches, counts, small, |_, _, _| ()),
        }
    }

    /// Sums of what the groups give: `matches` of a byte, `counts` of a group's live inputs, and what `err` makes of its matches.
    #[inline(always)]
    fn convert(
        &self,
        matches: impl Fn(usize) -> Bytes,
        counts: impl Fn(usize) -> [i16; GROUP],
        small: impl Fn(usize) -> [i8; GROUP],
        err: impl Fn(usize, &mut [i16; GROUP], &[i16; GROUP]),
    ) -> [i32; GROUP] {
        match self.kind {
            Kind::Clipped { adds, single: true } => self.clipped(adds, matches, small),
            Kind::Clipped { adds, single: false } => {
                let each = self.groups[0].bytes;
                let of_group = |g: usize| {
                    let mut all = [0; GROUP];
                    for b in g * each..g * each + self.groups[g].bytes {
                        all.iter_mut().zip(matches(b)).for_each(|(all, m)| *all += m);
                    }
                    all
                };
                self.clipped(adds, of_group, small)
            }
            Kind::Narrow { adds } => self.narrow(adds, matches, counts, err),
            Kind::Wide => self.wide(matches, counts),
        }
    }

    #[inline(always)]
    fn clipped(
        &self,
        adds: usize,
        matches: impl Fn(usize) -> Bytes,
        counts: impl Fn(usize) -> [i8; GROUP],
    ) -> [i32; GROUP] {
        let (low, high) = (self.low.max(-127) as i8, self.high.min(127) as i8);
        let mut sums = [0; GROUP];
        for first in (0..self.groups.len()).step_by(adds) {
            let mut some = [0i8; GROUP];
            for g in first..self.groups.len().min(first + adds) {
                for ((some, m), n) in some.iter_mut().zip(matches(g)).zip(counts(g)) {
                    *some += (2 * m as i8 - n).max(low).min(high);
                }
            }
            sums.iter_mut().zip(some).for_each(|(sum, some)| *sum += i32::from(some));
        }
        sums
    }

    #[inline(always)]
    fn narrow(
        &self,
        adds: usize,
        matches: impl Fn(usize) -> Bytes,
        counts: impl Fn(usize) -> [i16; GROUP],
        err: impl Fn(usize, &mut [i16; GROUP], &[i16; GROUP]),
    ) -> [i32; GROUP] {
        let (low, high) = (self.low.max(i16::MIN.into()) as i16, self.high.min(i16::MAX.into()) as i16);
        let (half, shift) = (self.half as i16, self.shift);
        let (mut sums, mut some, mut at) = ([0; GROUP], [0i16; GROUP], 0);
        for (g, group) in self.groups.iter().enumerate() {
            let mut m = [0i16; GROUP];
            for b in at..at + group.bytes {
                m.iter_mut().zip(matches(b)).for_each(|(all, m)| *all += i16::from(m));
            }
            at += group.bytes;
            let n = counts(g);
            err(g, &mut m, &n);
            let gain = group.gain as i16;
            for ((some, m), n) in some.iter_mut().zip(m).zip(n) {
                // At a gain of 1 this is the sum itself.
                let scaled = ((2 * m - n) * gain + 128) >> 8;
                *some += ((scaled + half) >> shift).max(low).min(high) << shift;
            }
            if (g + 1) % adds == 0 || g + 1 == self.groups.len() {
                sums.iter_mut().zip(&mut some).for_each(|(sum, some)| *sum += i32::from(std::mem::take(some)));
            }
        }
        sums
    }

    #[inline(always)]
    fn wide(&self, matches: impl Fn(usize) -> Bytes, counts: impl Fn(usize) -> [i16; GROUP]) -> [i32; GROUP] {
        let (mut sums, mut at) = ([0; GROUP], 0);
        for (group, g) in self.groups.iter().zip(0..) {
            let mut m = [0i32; GROUP];
            for b in at..at + group.bytes {
                m.iter_mut().zip(matches(b)).for_each(|(all, m)| *all += i32::from(m));
            }
            at += group.bytes;
            for ((sum, m), n) in sums.iter_mut().zip(m).zip(counts(g)) {
                let scaled = ((2 * m - i32::from(n)) * group.gain + 128) >> 8;
                *sum += ((scaled + self.half) >> self.shift).max(self.low).min(self.high) << self.shift;
            }
        }
        sums
    }
}
