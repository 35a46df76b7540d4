//! The weighted sum of a dense layer on packed bits (`docs/semantics.md` §2), 64 inputs at a time.

use crate::net::{BitMatrix, Weights};
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
    /// Packs `weights`, with the weights of the neurons that `flip` names inverted: their sums change sign.
    pub fn new(weights: &Weights, flip: impl Fn(usize) -> bool) -> Dense {
        let planes = weights.planes();
        let of_row = |r: usize| planes.iter().flat_map(move |plane: &BitMatrix| plane.row(r)).map(move |&w| (r, w));
        let words = (0..weights.rows()).flat_map(of_row);
        let packed = words.map(|(r, word)| if flip(r) { !word } else { word }).collect();
        Dense { rows: weights.rows(), words: planes[0].words_per_row(), planes: planes.len(), weights: packed }
    }

    /// The planes of a neuron's weights, each with its exponent.
    fn planes(&self, row: usize) -> impl Iterator<Item = (usize, &[u64])> {
        let each = self.planes * self.words;
        self.weights[row * each..(row + 1) * each].chunks(self.words).enumerate()
    }

    /// The sum of a neuron: for each plane, live inputs that match their weight, minus live inputs that do not.
    pub fn sum(&self, row: usize, input: Operand) -> i64 {
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
