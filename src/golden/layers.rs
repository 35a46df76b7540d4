//! The layers of a network, packed: inputs, thresholds, logits (`docs/semantics.md` §1 and §2).

use super::dense::{BLOCK, Block, Dense, Operand, by_blocks, full};
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
    pub fn new(input: Input) -> Planes {
        let full = full(input.features);
        Planes { bits: vec![vec![0; full.len()]; input.bits as usize], full, input }
    }

    /// Takes over the values of an image.
    pub fn load(&mut self, image: &[i16]) {
        for (j, plane) in self.bits.iter_mut().enumerate() {
            for (word, values) in plane.iter_mut().zip(image.chunks(64)) {
                *word = values.iter().enumerate().fold(0, |w, (i, v)| w | ((*v as u64) >> j & 1) << i);
            }
        }
    }

    /// Each plane with the value of its bit.
    pub fn operands(&self) -> impl Iterator<Item = (i64, Operand<'_>)> {
        let Input { bits, signed, .. } = self.input;
        self.bits.iter().enumerate().map(move |(j, plane)| match bits {
            1 => (1, Operand::new(plane, &self.full)),
            _ if signed && j as u32 == bits - 1 => (-(1 << j), Operand::new(&self.full, plane)),
            _ => (1 << j, Operand::new(&self.full, plane)),
        })
    }
}

/// A hidden layer; `a <= t` is turned into `-a >= -t` by inverted weights.
pub(super) struct HiddenLayer {
    pub dense: Dense,
    thresholds: Vec<Block>,
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
            thresholds: by_blocks(layer.thresholds.iter().zip(&flipped).map(threshold), i64::MAX),
            flipped,
            all_live: full(layer.weights.rows()),
            dropout,
        }
    }

    /// The activation bits of 64 neurons, those of output word `word`, from their sums by block.
    #[inline(always)]
    pub fn fire(&self, word: usize, sums: impl Fn(usize) -> Block) -> u64 {
        let first = word * (64 / BLOCK);
        let mut bits = 0;
        for (i, thresholds) in self.thresholds[first..].iter().take(64 / BLOCK).enumerate() {
            let sums = sums(first + i);
            let mut byte = 0;
            for j in 0..BLOCK {
                byte |= u8::from(sums[j] >= thresholds[j]) << j;
            }
            bits |= u64::from(byte) << (BLOCK * i);
        }
        bits
    }

    /// The sums of a block of the layer that reads an image.
    #[inline(always)]
    pub fn image_sums(&self, block: usize, planes: &Planes) -> Block {
        let mut total = [0; BLOCK];
        for (value, operand) in planes.operands() {
            let sums = self.dense.sums(block, operand);
            (0..BLOCK).for_each(|j| total[j] += value * sums[j]);
        }
        total
    }

    /// All sums as the contract has them, from sums by block.
    pub fn contract_sums(&self, sums: impl Fn(usize) -> Block) -> Vec<i64> {
        let blocks = (0..self.dense.blocks()).flat_map(sums);
        blocks.zip(&self.flipped).map(|(sum, &flipped)| if flipped { -sum } else { sum }).collect()
    }
}

/// The output layer: `z = floor((m·a + b) / 2^shift)`.
pub(super) struct OutputLayer {
    pub dense: Dense,
    scale: Vec<Block>,
    /// b = high·2^shift + low with 0 ≤ low < 2^shift, so that `m·a + low` cannot overflow whatever b is.
    high: Vec<Block>,
    low: Vec<Block>,
    shift: u32,
}

impl OutputLayer {
    pub fn new(output: &Output) -> OutputLayer {
        let low = (1 << output.shift) - 1;
        OutputLayer {
            dense: Dense::new(&output.weights, |_| false),
            scale: by_blocks(output.scale.iter().map(|&m| i64::from(m)), 0),
            high: by_blocks(output.offset.iter().map(|b| b >> output.shift), 0),
            low: by_blocks(output.offset.iter().map(|b| b & low), 0),
            shift: output.shift,
        }
    }

    /// The logits of the classes of `block`; a checked network's fit 32 bits.
    #[inline(always)]
    pub fn logits(&self, block: usize, sums: Block) -> [i32; BLOCK] {
        let (scale, high, low) = (&self.scale[block], &self.high[block], &self.low[block]);
        std::array::from_fn(|j| (high[j] + ((scale[j] * sums[j] + low[j]) >> self.shift)) as i32)
    }
}
