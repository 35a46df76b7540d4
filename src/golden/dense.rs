//! The weighted sum of a dense layer on packed bits (`docs/semantics.md` §2), 64 inputs at a time.

use super::parts::{self, Parts};
use super::reads::Keys;
use crate::net::{Array, BitMatrix, Weights};
use crate::random::LANES;

/// Lanes that are computed together, in vector registers.
pub(super) const GROUP: usize = 32;

/// One word of each lane, by groups. A lane is one pass of one image.
pub(super) type LaneWords = [[u64; GROUP]; LANES / GROUP];

/// The weights of a layer, packed along each row: a neuron's planes one after the other, that of value 1 first.
#[derive(Clone, Debug)]
pub(super) struct Dense {
    pub rows: usize,
    /// Words of a plane of a neuron.
    words: usize,
    planes: usize,
    weights: Vec<u64>,
    /// The layer's array, where it does more than add offsets; then the weights are there alone, and as they are.
    parts: Option<Parts>,
    /// Whether sums of the array change sign, and what is added then; one a neuron.
    columns: Vec<(bool, i64)>,
}

/// Bit planes of a layer's inputs in all lanes, each with its value.
pub(super) type LanePlanes<'a> = [(i64, &'a [LaneWords], &'a [LaneWords])];

/// A plane of a group of lanes: its value, its bits, which of them are live, and how many those are in each lane.
type CountedPlane<'a> = (i64, &'a [LaneWords], &'a [LaneWords], [i64; GROUP]);

/// Planes of a group of lanes as a layer adds them.
pub(super) enum Prepared<'a> {
    Words(usize, Vec<CountedPlane<'a>>),
    Parts(&'a Parts, Vec<(i64, parts::Lanes)>),
}

/// Where reads err: the keys of the columns that are computed together, and the first of all sums of the layer's pass among which they
/// are counted.
#[derive(Clone, Copy)]
pub(super) struct Reads<K> {
    pub key: Option<K>,
    pub first: usize,
}

impl<K> Reads<K> {
    /// Without errors.
    pub fn right() -> Reads<K> {
        Reads { key: None, first: 0 }
    }

    /// The same at a position, each with so many sums.
    pub fn at(self, position: usize, rows: usize) -> Reads<K> {
        Reads { first: position * rows, ..self }
    }
}

/// What a layer reads in one pass: a bit an input in each of two words, and how many inputs are live.
#[derive(Clone, Copy)]
pub(super) struct Operand<'a> {
    pub x: &'a [u64],
    pub live: &'a [u64],
    live_count: i64,
}

impl<'a> Operand<'a> {
    pub fn new(x: &'a [u64], live: &'a [u64]) -> Self {
        Operand { x, live, live_count: live.iter().map(|w| i64::from(w.count_ones())).sum() }
    }
}

impl Dense {
    /// Packs `weights`; the sums of neurons that `flip` names change sign: by inverted weights, but behind an array's converters.
    pub fn new(weights: &Weights, array: Option<&Array>, flip: impl Fn(usize) -> bool) -> Dense {
        let planes = weights.planes();
        let offset = |row: usize| array.and_then(|array| array.offsets.get(row)).map_or(0, |&o| i64::from(o));
        let signed = |row: usize| (flip(row), if flip(row) { -offset(row) } else { offset(row) });
        let columns = (0..weights.rows()).map(signed).collect();
        if let Some(array) = array.filter(|array| !array.only_offsets()) {
            let parts = Some(Parts::new(&planes[0], array));
            return Dense { rows: weights.rows(), words: 0, planes: 0, weights: vec![], parts, columns };
        }
        let of_row = |r: usize| planes.iter().flat_map(move |plane: &BitMatrix| plane.row(r)).map(move |&w| (r, w));
        let words = (0..weights.rows()).flat_map(of_row);
        let packed = words.map(|(r, word)| if flip(r) { !word } else { word }).collect();
        let words = planes[0].words_per_row();
        Dense { rows: weights.rows(), words, planes: planes.len(), weights: packed, parts: None, columns }
    }

    /// What the array adds to a neuron's sum.
    pub fn offset(&self, row: usize) -> i64 {
        self.columns[row].1
    }

    /// Whether reads are by word-line groups.
    pub fn is_in_parts(&self) -> bool {
        self.parts.is_some()
    }

    /// The sums of all neurons over planes of their input, each with its value.
    pub fn sums(&self, planes: &[(i64, Operand)], reads: Reads<u64>) -> Vec<i64> {
        let Some(parts) = &self.parts else {
            let sum = |row| planes.iter().map(|&(value, plane)| value * self.sum(row, plane)).sum::<i64>();
            return (0..self.rows).map(|row| self.offset(row) + sum(row)).collect();
        };
        let mut sums = vec![0; self.rows];
        for (j, &(value, plane)) in planes.iter().enumerate() {
            let of_plane = parts.sums(&parts.inputs(plane), j, reads.first, reads.key);
            sums.iter_mut().zip(of_plane).for_each(|(all, sum)| *all += value * sum);
        }
        let columns = sums.iter().zip(&self.columns);
        columns.map(|(&sum, &(flipped, offset))| offset + if flipped { -sum } else { sum }).collect()
    }

    /// Planes of a group of lanes, for [`Dense::prepared_sums`].
    pub fn prepare<'a>(&'a self, group: usize, planes: &LanePlanes<'a>) -> Prepared<'a> {
        match &self.parts {
            None => {
                let plane = |&(value, x, live): &(i64, _, _)| (value, x, live, live_counts(group, live));
                Prepared::Words(group, planes.iter().map(plane).collect())
            }
            Some(parts) => {
                let plane = |&(value, x, live): &(i64, _, _)| (value, parts.lane_inputs(group, x, live));
                Prepared::Parts(parts, planes.iter().map(plane).collect())
            }
        }
    }

    /// The sums of a neuron.
    #[inline(always)]
    pub fn prepared_sums(&self, row: usize, prepared: &Prepared, reads: Reads<&Keys>) -> [i64; GROUP] {
        match prepared {
            Prepared::Words(group, planes) => {
                let offset = self.offset(row);
                if let [(1, x, live, counts)] = &planes[..] {
                    return self.group_sums(row, *group, x, live, counts).map(|sum| sum + offset);
                }
                let mut sums = [offset; GROUP];
                for (value, x, live, counts) in planes {
                    let of_plane = self.group_sums(row, *group, x, live, counts);
                    sums.iter_mut().zip(of_plane).for_each(|(all, sum)| *all += value * sum);
                }
                sums
            }
            Prepared::Parts(parts, planes) => {
                let (flipped, offset) = self.columns[row];
                let mut sums = [offset; GROUP];
                for (j, (value, inputs)) in planes.iter().enumerate() {
                    let value = if flipped { -value } else { *value };
                    let of_plane = parts.lane_sums(row, inputs, j, reads.first, reads.key);
                    sums.iter_mut().zip(of_plane).for_each(|(all, sum)| *all += value * i64::from(sum));
                }
                sums
            }
        }
    }

    /// The planes of a neuron's weights, each with its exponent.
    fn planes(&self, row: usize) -> impl Iterator<Item = (usize, &[u64])> {
        let each = self.planes * self.words;
        self.weights[row * each..(row + 1) * each].chunks(self.words).enumerate()
    }

    /// The sum of a neuron: for each plane, live inputs that match their weight, minus live inputs that do not.
    fn sum(&self, row: usize, input: Operand) -> i64 {
        let of_plane = |(exponent, plane): (usize, &[u64])| {
            let words = plane.iter().zip(input.x).zip(input.live);
            let matches: u32 = words.map(|((w, x), live)| (!(w ^ x) & live).count_ones()).sum();
            (2 * i64::from(matches) - input.live_count) << exponent
        };
        self.planes(row).map(of_plane).sum()
    }

    /// The same for a group of lanes, whose numbers of live inputs are `live_counts`.
    #[inline(always)]
    pub fn group_sums(
        &self,
        row: usize,
        group: usize,
        x: &[LaneWords],
        live: &[LaneWords],
        live_counts: &[i64; GROUP],
    ) -> [i64; GROUP] {
        let mut sums = [0; GROUP];
        for (exponent, plane) in self.planes(row) {
            let mut matches = [0; GROUP];
            for ((&w, x), live) in plane.iter().zip(x).zip(live) {
                for ((m, &x), &live) in matches.iter_mut().zip(&x[group]).zip(&live[group]) {
                    *m += i64::from((!(w ^ x) & live).count_ones());
                }
            }
            for ((sum, matches), live_count) in sums.iter_mut().zip(matches).zip(live_counts) {
                *sum += (2 * matches - live_count) << exponent;
            }
        }
        sums
    }
}

/// Live inputs of each lane of a group.
pub(super) fn live_counts(group: usize, live: &[LaneWords]) -> [i64; GROUP] {
    let mut counts = [0; GROUP];
    for live in live {
        for (count, live) in counts.iter_mut().zip(&live[group]) {
            *count += i64::from(live.count_ones());
        }
    }
    counts
}

/// Words whose `n` lowest bits are set.
pub(super) fn full(n: usize) -> Vec<u64> {
    (0..n.div_ceil(64)).map(|i| if n - 64 * i >= 64 { u64::MAX } else { (1 << (n - 64 * i)) - 1 }).collect()
}
