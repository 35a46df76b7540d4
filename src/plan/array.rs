//! What hardware has to know of a layer's array, and which foldings go with its word-line groups.

use crate::net::{FULL_GAIN, Network};

/// The array of a planned layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayPlan {
    /// Word-line pairs driven at once.
    pub group: usize,
    /// Bits of a converter, and of what is below its steps.
    pub bits: u32,
    pub shift: u32,
    pub gains: Gains,
    pub offsets: bool,
    /// Whether reads err.
    pub errors: bool,
    /// Largest magnitude of a sum before pooling, offset and all.
    pub most: u64,
}

/// Gains of the groups, in units of 2^-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gains {
    /// 1 for all.
    One,
    Same(u32),
    Each,
}

impl ArrayPlan {
    /// Of a layer of a checked network, the output layer last.
    pub(super) fn of(network: &Network, layer: usize) -> Option<ArrayPlan> {
        let array = network.array(layer)?;
        let first = array.gains.first().copied().unwrap_or(FULL_GAIN);
        let gains = match array.gains.iter().all(|&gain| gain == first) {
            true if first == FULL_GAIN => Gains::One,
            true => Gains::Same(first),
            false => Gains::Each,
        };
        let hidden = network.hidden.get(layer);
        let weights = hidden.map_or(&network.output.weights, |h| &h.weights);
        let single = hidden.and_then(|h| h.conv).map(|conv| crate::net::Conv { pool: None, ..conv });
        Some(ArrayPlan {
            group: array.group,
            bits: array.converter.bits,
            shift: array.converter.shift,
            gains,
            offsets: array.offsets.iter().any(|&offset| offset != 0),
            errors: array.errors.is_some(),
            most: network.own_sum_bound(layer, weights, single) as u64,
        })
    }

    /// Groups that a word of `simd` inputs has, or a part of one.
    pub fn at_once(&self, simd: usize) -> usize {
        simd.div_ceil(self.group)
    }

    /// Inputs of the groups in a word.
    pub fn sizes(&self, simd: usize) -> Vec<usize> {
        (0..self.at_once(simd)).map(|k| self.group.min(simd - k * self.group)).collect()
    }

    /// Words of `simd` inputs that a group takes, of `inputs` in all.
    pub fn span(&self, simd: usize, inputs: usize) -> usize {
        if simd == inputs { 1 } else { (self.group / simd).max(1) }
    }

    /// Whether words of `simd` inputs, of `inputs` in all, have whole groups or are whole parts of one. Says what would fit.
    pub(super) fn check(&self, simd: usize, inputs: usize, by_place: bool) -> Result<(), String> {
        let group = self.group;
        if by_place && simd != inputs {
            return Err(format!(
                "simd {simd} takes word-line groups of {group} apart, which lie place after place of the kernel; use a divisor of the \
                 channels, or simd {inputs} for all of them"
            ));
        }
        match simd == inputs || simd.is_multiple_of(group) || group.is_multiple_of(simd) {
            true => Ok(()),
            false => Err(format!(
                "simd {simd} and word-line groups of {group}: groups would end within words; use a multiple or a divisor of {group}, or \
                 all {inputs} inputs"
            )),
        }
    }
}
