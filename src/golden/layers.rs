//! The layers of a network, packed: inputs, thresholds, logits (`docs/semantics.md` §1 and §2).

use super::dense::{Dense, GROUP, LanePlanes, LaneWords, Operand, Reads, full, live_counts};
use super::neurons::{Neurons, flipped};
use super::reads::Keys;
use super::windows::Windows;
use crate::net::{Array, Direction, Hidden, Input, Method, Output, Place, Stream, Weights};

/// An image as bit planes, so that the first layer is a sum over planes of what every other layer computes.
///
/// A 1-bit input is one plane of ±1, all live. A wider one is a plane a bit, of value ±2^j, where +1 inputs are live
/// if their bit is set.
pub(super) struct Planes {
    bits: Vec<Vec<u64>>,
    /// What stands beside `bits` in every plane: all ones up to the last feature.
    full: Vec<u64>,
    input: Input,
}

impl Planes {
    pub fn new(input: Input, image: &[i16]) -> Planes {
        let word = |j: usize, values: &[i16]| -> u64 {
            values.iter().enumerate().fold(0, |word, (i, v)| word | ((*v as u64) >> j & 1) << i)
        };
        let plane = |j| image.chunks(64).map(|values| word(j, values)).collect();
        Planes { bits: (0..input.bits as usize).map(plane).collect(), full: full(input.features), input }
    }

    /// 1-bit inputs, of which some are dropped.
    pub fn kept<'a>(&'a self, live: &'a [u64]) -> Operand<'a> {
        Operand::new(&self.bits[0], live)
    }

    /// Bits of each plane as the lanes take them, with its value: what is +1, and what is live.
    pub fn words(&self) -> impl Iterator<Item = (i64, &[u64], &[u64])> {
        self.operands().into_iter().map(|(value, plane)| (value, plane.x, plane.live))
    }

    /// Each plane with the value of its bit.
    pub fn operands(&self) -> Vec<(i64, Operand<'_>)> {
        let Input { bits, signed, .. } = self.input;
        let planes = self.bits.iter().enumerate().map(|(j, plane)| match bits {
            1 => (1, Operand::new(plane, &self.full)),
            _ if signed && j as u32 == bits - 1 => (-(1 << j), Operand::new(&self.full, plane)),
            _ => (1 << j, Operand::new(&self.full, plane)),
        });
        planes.collect()
    }
}

/// A hidden layer.
pub(super) struct HiddenLayer {
    /// More than one with SpinBayes.
    pub crossbars: Vec<Crossbar>,
    /// Every activation live.
    pub all_live: Vec<u64>,
    /// Activations.
    pub size: usize,
    /// Of a convolution.
    windows: Option<Windows>,
    pub drawing: Option<Drawing>,
    /// The layer whose sums are added to this layer's own.
    pub residual: Option<usize>,
    /// Whether a later layer adds this layer's sums.
    pub is_added: bool,
}

/// Weights and what is done with their sums. `a <= t` is turned into `-a >= -t` by inverted weights.
pub(super) struct Crossbar {
    pub dense: Dense,
    pub neurons: Neurons,
    flipped: Vec<bool>,
}

/// What a layer draws.
#[derive(Clone, Copy)]
pub(super) struct Drawing {
    /// Number of the stream.
    pub stream: usize,
    /// Draws of one pass of one image.
    pub count: usize,
    pub kind: DrawingKind,
}

impl Drawing {
    /// The key of read errors.
    pub fn of_keys(stream: Stream) -> Drawing {
        Drawing { stream: stream.number, count: stream.draws, kind: DrawingKind::Neurons { code: 0 } }
    }

    /// SpinDrop of `features` inputs: the first that draws.
    pub fn of_inputs(code: u32, features: usize) -> Drawing {
        Drawing { stream: 0, count: features, kind: DrawingKind::Masks { code, place: Place::AfterSign, maps: false } }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DrawingKind {
    /// SpinDrop with this code.
    Masks { code: u32, place: Place, maps: bool },
    /// Numbers that the neurons use; with this code those that decide.
    Neurons { code: u32 },
    /// A number that chooses the crossbar.
    Choice,
}

impl HiddenLayer {
    /// `stream` is what the layer draws from, and `decided` says that its units are devices; `is_added` says whether a later layer
    /// adds its sums; `array` is what computes them.
    pub fn new(
        layer: &Hidden,
        stream: Option<Stream>,
        decided: bool,
        is_added: bool,
        array: Option<&Array>,
    ) -> HiddenLayer {
        let neurons = Neurons::new(layer, stream.map_or(0, |stream| stream.first), decided);
        let mut crossbars = vec![Crossbar::new(&layer.weights, &layer.directions, neurons, array)];
        if let Some(Method::Spinbayes(m)) = &layer.method {
            crossbars.extend(m.others.iter().map(|c| {
                let neurons = Neurons::Threshold(flipped(&c.thresholds, &c.directions));
                Crossbar::new(&c.weights, &c.directions, neurons, array)
            }));
        }
        let rows = layer.weights.rows();
        let drawing = layer.method.as_ref().zip(stream).map(|(method, stream)| Drawing {
            stream: stream.number,
            count: stream.draws,
            kind: match method {
                Method::Spindrop(m) => DrawingKind::Masks { code: m.code, place: m.place, maps: m.maps },
                Method::Spinbayes(_) => DrawingKind::Choice,
                method => DrawingKind::Neurons { code: method.code().unwrap_or(0) },
            },
        });
        let windows = layer.conv.map(|conv| Windows::new(conv, rows));
        let (size, residual) = (layer.size(), layer.residual);
        HiddenLayer { crossbars, all_live: full(size), size, windows, drawing, residual, is_added }
    }

    /// Words that hold one bit for each activation.
    pub fn output_words(&self) -> usize {
        self.all_live.len()
    }

    /// The sums of all neurons of a crossbar as the neurons use them, at all positions, with those `added` of an earlier
    /// layer.
    pub fn sums(
        &self,
        crossbar: usize,
        planes: &[(i64, Operand)],
        added: Option<&[i64]>,
        reads: Reads<u64>,
    ) -> Vec<i64> {
        let mut sums = self.own_sums(crossbar, planes, reads);
        let flipped = self.crossbars[crossbar].flipped.iter().cycle();
        for ((sum, &added), &flipped) in sums.iter_mut().zip(added.unwrap_or_default()).zip(flipped) {
            *sum += if flipped { -added } else { added };
        }
        sums
    }

    fn own_sums(&self, crossbar: usize, planes: &[(i64, Operand)], reads: Reads<u64>) -> Vec<i64> {
        let crossbar = &self.crossbars[crossbar];
        let Some(windows) = &self.windows else { return crossbar.dense.sums(planes, reads) };
        let mut sums = vec![];
        for position in 0..windows.positions() {
            let covered = |&(value, plane): &(i64, Operand)| {
                (value, windows.covered(position, plane.x), windows.covered(position, plane.live))
            };
            let covered: Vec<_> = planes.iter().map(covered).collect();
            let planes: Vec<_> = covered.iter().map(|(value, x, live)| (*value, Operand::new(x, live))).collect();
            sums.extend(crossbar.dense.sums(&planes, reads.at(position, crossbar.dense.rows)));
        }
        let largest = |a: i64, b: i64, negated| if negated { a.min(b) } else { a.max(b) };
        windows.pooled(sums, largest, |a, b| a + b, &crossbar.flipped)
    }

    /// The same of a group of lanes.
    pub fn lane_sums(
        &self,
        crossbar: usize,
        group: usize,
        planes: &LanePlanes,
        added: Option<&[[i64; GROUP]]>,
        reads: Reads<&Keys>,
    ) -> Vec<[i64; GROUP]> {
        let mut sums = self.own_lane_sums(crossbar, group, planes, reads);
        let flipped = self.crossbars[crossbar].flipped.iter().cycle();
        for ((sums, added), &flipped) in sums.iter_mut().zip(added.unwrap_or_default()).zip(flipped) {
            for (sum, &added) in sums.iter_mut().zip(added) {
                *sum += if flipped { -added } else { added };
            }
        }
        sums
    }

    fn own_lane_sums(
        &self,
        crossbar: usize,
        group: usize,
        planes: &LanePlanes,
        reads: Reads<&Keys>,
    ) -> Vec<[i64; GROUP]> {
        let crossbar = &self.crossbars[crossbar];
        let Some(windows) = &self.windows else { return crossbar.lane_sums(group, planes, reads) };
        let mut covered: Vec<[Vec<LaneWords>; 2]> =
            planes.iter().map(|(_, x, live)| [x, live].map(|map| vec![map[0]; windows.words()])).collect();
        let mut sums = vec![];
        for position in 0..windows.positions() {
            for ((_, x, live), covered) in planes.iter().zip(&mut covered) {
                for (map, covered) in [x, live].into_iter().zip(covered) {
                    windows.covered_lanes(position, group, map, covered);
                }
            }
            let planes = planes.iter().zip(&covered).map(|((value, ..), [x, live])| (*value, &x[..], &live[..]));
            let reads = reads.at(position, crossbar.dense.rows);
            sums.extend(crossbar.lane_sums(group, &planes.collect::<Vec<_>>(), reads));
        }
        let each = |a: [i64; GROUP], b: [i64; GROUP], of: fn(i64, i64) -> i64| std::array::from_fn(|i| of(a[i], b[i]));
        let largest = |a, b, negated| each(a, b, if negated { i64::min } else { i64::max });
        windows.pooled(sums, largest, |a, b| each(a, b, |a, b| a + b), &crossbar.flipped)
    }

    /// The activation bits of all neurons at all positions, from the sums of a crossbar and the draws of the pass.
    pub fn fire(
        &self,
        crossbar: usize,
        sum: impl Fn(usize) -> i64,
        draw: Option<impl Fn(usize) -> u32 + Copy>,
    ) -> Vec<u64> {
        let Crossbar { neurons, dense, .. } = &self.crossbars[crossbar];
        let positions = self.windows.as_ref().map_or(1, Windows::deciding);
        let mut bits = vec![0; (positions * dense.rows).div_ceil(64)];
        for first in (0..positions).map(|position| position * dense.rows) {
            let set = |o: usize, fires: bool| bits[(first + o) / 64] |= u64::from(fires) << ((first + o) % 64);
            neurons.fire(dense.rows, |row| sum(first + row), draw, set);
        }
        match &self.windows {
            Some(windows) => windows.any(bits),
            None => bits,
        }
    }

    /// Whether activations are all that anybody wants of the layer, which is dense and has thresholds.
    pub fn only_fires(&self) -> bool {
        self.windows.is_none() && self.residual.is_none() && !self.is_added && !self.draws_numbers()
    }

    /// The crossbar that the draw of this pass chooses; the first one without draws.
    pub fn chosen(&self, draw: Option<impl Fn(usize) -> u32>, code_bits: u32) -> usize {
        match (&self.drawing, draw) {
            (Some(Drawing { kind: DrawingKind::Choice, .. }), Some(draw)) => {
                choice(draw(0), self.crossbars.len(), code_bits)
            }
            _ => 0,
        }
    }

    /// Whether neurons use the draws of their pass.
    pub fn draws_numbers(&self) -> bool {
        self.drawing.is_some_and(|d| matches!(d.kind, DrawingKind::Neurons { .. }))
    }

    pub fn place(&self) -> Option<Place> {
        match self.drawing?.kind {
            DrawingKind::Masks { place, .. } => Some(place),
            _ => None,
        }
    }
}

impl Crossbar {
    fn new(weights: &Weights, directions: &[Direction], neurons: Neurons, array: Option<&Array>) -> Crossbar {
        let flips = neurons.flips();
        let flipped: Vec<bool> =
            (0..weights.rows()).map(|o| flips && directions.get(o) == Some(&Direction::Le)).collect();
        Crossbar { dense: Dense::new(weights, array, |row| flipped[row]), neurons, flipped }
    }

    /// The activation bits of the first `groups` groups of lanes, for neurons with thresholds.
    pub fn fire_lanes(
        &self,
        thresholds: &[i64],
        groups: usize,
        x: &[LaneWords],
        live: &[LaneWords],
        keys: Option<&[Keys]>,
        next: &mut [LaneWords],
    ) {
        if self.dense.is_in_parts() {
            for group in 0..groups {
                let prepared = self.dense.prepare(group, &[(1, x, live)]);
                let reads = Reads { key: keys.map(|keys| &keys[group]), first: 0 };
                for (word, (thresholds, next)) in thresholds.chunks(64).zip(&mut *next).enumerate() {
                    let mut bits = [0; GROUP];
                    for (i, &threshold) in thresholds.iter().enumerate() {
                        let sums = self.dense.prepared_sums(64 * word + i, &prepared, reads);
                        for (bits, &sum) in bits.iter_mut().zip(&sums) {
                            *bits |= u64::from(sum >= threshold) << i;
                        }
                    }
                    next[group] = bits;
                }
            }
            return;
        }
        // The weights of 64 neurons stay at hand while the lanes go by.
        for (word, (thresholds, next)) in thresholds.chunks(64).zip(next).enumerate() {
            for (group, next) in next[..groups].iter_mut().enumerate() {
                let counts = live_counts(group, live);
                let mut bits = [0; GROUP];
                for (i, &threshold) in thresholds.iter().enumerate() {
                    let threshold = threshold - self.dense.offset(64 * word + i);
                    let sums = self.dense.group_sums(64 * word + i, group, x, live, &counts);
                    for (bits, &sum) in bits.iter_mut().zip(&sums) {
                        *bits |= u64::from(sum >= threshold) << i;
                    }
                }
                *next = bits;
            }
        }
    }

    /// The sums of a group of lanes, neuron by neuron.
    pub fn lane_sums(&self, group: usize, planes: &LanePlanes, reads: Reads<&Keys>) -> Vec<[i64; GROUP]> {
        let prepared = self.dense.prepare(group, planes);
        (0..self.dense.rows).map(|row| self.dense.prepared_sums(row, &prepared, reads)).collect()
    }

    /// The sign that the contract gives the sum of `row`, where the neurons have another.
    pub fn contract_sign(&self, row: usize) -> i64 {
        if self.flipped[row % self.flipped.len()] { -1 } else { 1 }
    }

    /// Sums as the contract has them, from sums as the neurons use them.
    pub fn contract_sums(&self, sums: &[i64]) -> Vec<i64> {
        sums.iter().zip(self.flipped.iter().cycle()).map(|(&sum, &flipped)| if flipped { -sum } else { sum }).collect()
    }
}

/// The output layer: `z = floor((m·a + b) / 2^shift)`.
pub(super) struct OutputLayer {
    /// More than one with SpinBayes.
    pub crossbars: Vec<Classes>,
    /// What chooses among them.
    pub drawing: Option<Drawing>,
}

/// Weights of a crossbar, and what makes logits of its sums.
pub(super) struct Classes {
    pub dense: Dense,
    classes: Vec<Class>,
    shift: u32,
}

/// b = high·2^shift + low with 0 ≤ low < 2^shift, so that `m·a + low` cannot overflow whatever b is.
struct Class {
    scale: i64,
    high: i64,
    low: i64,
}

impl OutputLayer {
    /// `stream` is what chooses among crossbars; `array` is what computes their sums.
    pub fn new(output: &Output, stream: Option<Stream>, array: Option<&Array>) -> OutputLayer {
        let classes = |weights, scale, offset| Classes::new(weights, scale, offset, output.shift, array);
        let mut crossbars = vec![classes(&output.weights, &output.scale, &output.offset)];
        crossbars.extend(output.others.iter().map(|c| classes(&c.weights, &c.scale, &c.offset)));
        let choice = |s: Stream| Drawing { stream: s.number, count: s.draws, kind: DrawingKind::Choice };
        OutputLayer { drawing: stream.map(choice), crossbars }
    }

    /// The crossbar that the draw of this pass chooses; the first one without draws.
    pub fn chosen(&self, draw: Option<impl Fn(usize) -> u32>, code_bits: u32) -> usize {
        draw.map_or(0, |draw| choice(draw(0), self.crossbars.len(), code_bits))
    }

    /// Appends the logits of the first `lanes` lanes, `lanes × classes`; lane l takes crossbar `chosen(l)`.
    pub fn push_logits(
        &self,
        lanes: usize,
        chosen: impl Fn(usize) -> usize,
        x: &[LaneWords],
        live: &[LaneWords],
        keys: Option<&[Keys]>,
        logits: &mut Vec<i32>,
    ) {
        let classes = self.crossbars[0].classes.len();
        let start = logits.len();
        logits.resize(start + lanes * classes, 0);
        for (group, rows) in logits[start..].chunks_mut(GROUP * classes).enumerate() {
            let reads = Reads { key: keys.map(|keys| &keys[group]), first: 0 };
            for (n, crossbar) in self.crossbars.iter().enumerate() {
                let prepared = crossbar.dense.prepare(group, &[(1, x, live)]);
                for c in 0..classes {
                    let sums = crossbar.dense.prepared_sums(c, &prepared, reads);
                    let z = sums.map(|sum| crossbar.logit(c, sum));
                    let logits = rows.iter_mut().skip(c).step_by(classes).zip(z).enumerate();
                    let mine = logits.filter(|(lane, _)| chosen(group * GROUP + lane) == n);
                    mine.for_each(|(_, (logit, z))| *logit = z);
                }
            }
        }
    }
}

impl Classes {
    fn new(weights: &Weights, scale: &[i32], offset: &[i64], shift: u32, array: Option<&Array>) -> Classes {
        let class = |(&scale, &offset): (&i32, &i64)| Class {
            scale: scale.into(),
            high: offset >> shift,
            low: offset & ((1 << shift) - 1),
        };
        let classes = scale.iter().zip(offset).map(class).collect();
        Classes { dense: Dense::new(weights, array, |_| false), classes, shift }
    }

    /// The logit of class `c`; a checked network's fit 32 bits.
    #[inline(always)]
    pub fn logit(&self, c: usize, sum: i64) -> i32 {
        let Class { scale, high, low } = self.classes[c];
        (high + ((scale * sum + low) >> self.shift)) as i32
    }
}

/// The crossbar of `count` that draw `r` chooses.
fn choice(r: u32, count: usize, code_bits: u32) -> usize {
    (r as usize * count) >> code_bits
}
