//! The layers of a network, packed: inputs, thresholds, logits (`docs/semantics.md` §1 and §2).

use super::dense::{Dense, GROUP, LaneWords, Operand, full, live_counts};
use crate::net::{Direction, Hidden, Input, Output};

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

/// A hidden layer; `a <= t` is turned into `-a >= -t` by inverted weights.
pub(super) struct HiddenLayer {
    pub dense: Dense,
    thresholds: Vec<i64>,
    flipped: Vec<bool>,
    /// Every neuron live.
    pub all_live: Vec<u64>,
    pub dropout: Option<DropoutUnits>,
}

/// Dropout units of a layer.
#[derive(Clone, Copy)]
pub(super) struct DropoutUnits {
    /// Number of the layer among those that have dropout.
    pub layer: u32,
    pub code: u32,
}

impl HiddenLayer {
    pub fn new(layer: &Hidden, dropout: Option<DropoutUnits>) -> HiddenLayer {
        let flipped: Vec<bool> = layer.directions.iter().map(|&d| d == Direction::Le).collect();
        let threshold = |(&t, &le): (&i32, &bool)| if le { -i64::from(t) } else { i64::from(t) };
        HiddenLayer {
            dense: Dense::new(&layer.weights, |row| flipped[row]),
            thresholds: layer.thresholds.iter().zip(&flipped).map(threshold).collect(),
            flipped,
            all_live: full(layer.weights.rows()),
            dropout,
        }
    }

    /// The sum of a neuron over planes of its input, each with its value.
    fn sum(&self, row: usize, planes: &[(i64, Operand)]) -> i64 {
        planes.iter().map(|&(value, plane)| value * self.dense.sum(row, plane)).sum()
    }

    /// The activation bits of all neurons.
    pub fn fire(&self, planes: &[(i64, Operand)]) -> Vec<u64> {
        let mut bits = vec![0; self.dense.output_words()];
        for (row, &threshold) in self.thresholds.iter().enumerate() {
            bits[row / 64] |= u64::from(self.sum(row, planes) >= threshold) << (row % 64);
        }
        bits
    }

    /// The activation bits of the first `groups` groups of lanes.
    pub fn fire_lanes(&self, groups: usize, x: &[LaneWords], live: &[LaneWords], next: &mut [LaneWords]) {
        // The weights of 64 neurons stay at hand while the lanes go by.
        for (word, (thresholds, next)) in self.thresholds.chunks(64).zip(next).enumerate() {
            for (group, next) in next[..groups].iter_mut().enumerate() {
                let counts = live_counts(group, live);
                let mut bits = [0; GROUP];
                for (i, &threshold) in thresholds.iter().enumerate() {
                    let sums = self.dense.group_sums(64 * word + i, group, x, live, &counts);
                    for (bits, &sum) in bits.iter_mut().zip(&sums) {
                        *bits |= u64::from(sum >= threshold) << i;
                    }
                }
                *next = bits;
            }
        }
    }

    /// The sums of all neurons as the contract has them.
    pub fn contract_sums(&self, planes: &[(i64, Operand)]) -> Vec<i64> {
        let sums = self.flipped.iter().enumerate().map(|(row, &flipped)| match flipped {
            true => -self.sum(row, planes),
            false => self.sum(row, planes),
        });
        sums.collect()
    }
}

/// The output layer: `z = floor((m·a + b) / 2^shift)`.
pub(super) struct OutputLayer {
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
    pub fn new(output: &Output) -> OutputLayer {
        let class = |(&scale, &offset): (&i32, &i64)| Class {
            scale: scale.into(),
            high: offset >> output.shift,
            low: offset & ((1 << output.shift) - 1),
        };
        OutputLayer {
            dense: Dense::new(&output.weights, |_| false),
            classes: output.scale.iter().zip(&output.offset).map(class).collect(),
            shift: output.shift,
        }
    }

    /// The logit of class `c`; a checked network's fit 32 bits.
    #[inline(always)]
    pub fn logit(&self, c: usize, sum: i64) -> i32 {
        let Class { scale, high, low } = self.classes[c];
        (high + ((scale * sum + low) >> self.shift)) as i32
    }

    /// Appends the logits of the first `lanes` lanes, `lanes × classes`.
    pub fn push_logits(&self, lanes: usize, x: &[LaneWords], live: &[LaneWords], logits: &mut Vec<i32>) {
        let classes = self.classes.len();
        let start = logits.len();
        logits.resize(start + lanes * classes, 0);
        for (group, rows) in logits[start..].chunks_mut(GROUP * classes).enumerate() {
            let counts = live_counts(group, live);
            for c in 0..classes {
                let sums = self.dense.group_sums(c, group, x, live, &counts);
                let z = sums.map(|sum| self.logit(c, sum));
                rows.iter_mut().skip(c).step_by(classes).zip(z).for_each(|(row, z)| *row = z);
            }
        }
    }
}
