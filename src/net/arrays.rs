//! What the array of a layer must satisfy, and how far its sums reach (`docs/semantics.md` §9).

use super::{Array, Converter, Network, Stream, Weights};

/// Gain of 1.
pub const FULL_GAIN: u32 = 1 << 8;
/// Most word-line pairs of a group whose reads may err: two codes for each pair of live inputs and matches.
pub const MAX_ERROR_GROUP: usize = 16;
/// Most word-line pairs of a group.
const MAX_GROUP: usize = 1 << 12;
/// Largest magnitude of a column's offset.
const MAX_OFFSET: i32 = 1 << 20;

impl Converter {
    /// What a sum of `scaled` becomes: 2^shift times the nearest step, limited to those that there are.
    pub fn value(&self, scaled: i64) -> i64 {
        let half = if self.shift > 0 { 1 << (self.shift - 1) } else { 0 };
        let most = 1i64 << (self.bits - 1);
        ((scaled + half) >> self.shift).clamp(-most, most - 1) << self.shift
    }

    /// Whether all sums of `inputs` inputs, at most, come through as they are.
    pub fn is_exact(&self, inputs: usize) -> bool {
        self.shift == 0 && (inputs as i64) < 1 << (self.bits - 1)
    }

    /// The converter of `bits` bits with the finest steps that reaches the sums of groups of `group` inputs, as far as 2^8 is a
    /// step: its full scale.
    pub fn full_scale(bits: u32, group: usize) -> Converter {
        let reach = |shift: &u32| ((1u64 << (bits - 1)) - 1) << *shift >= group as u64;
        Converter { bits, shift: (0..8).find(reach).unwrap_or(8) }
    }
}

impl Array {
    /// Groups of a neuron of `inputs` inputs.
    pub fn groups(&self, inputs: usize) -> usize {
        inputs.div_ceil(self.group)
    }

    /// Inputs of group `g` among those of a neuron of `inputs`.
    pub fn group_size(&self, g: usize, inputs: usize) -> usize {
        self.group.min(inputs - g * self.group)
    }

    /// Gain of group `g`.
    pub fn gain(&self, g: usize) -> u32 {
        self.gains.get(g).copied().unwrap_or(FULL_GAIN)
    }

    /// Whether sums are exact but for the offsets.
    pub fn only_offsets(&self) -> bool {
        self.errors.is_none() && self.converter.is_exact(self.group) && self.gains.iter().all(|&gain| gain == FULL_GAIN)
    }

    /// Tiles that a layer of `inputs` inputs and `neurons` neurons takes, down and across.
    pub fn tiles(&self, inputs: usize, neurons: usize) -> (usize, usize) {
        (inputs.div_ceil(self.rows), neurons.div_ceil(self.columns))
    }

    /// Largest magnitude of a sum of one bit plane of `inputs` inputs, offset not counted.
    pub(super) fn plane_bound(&self, inputs: usize) -> i64 {
        let of_group = |g: usize| {
            let (n, gain) = (self.group_size(g, inputs) as i64, i64::from(self.gain(g)));
            // The conversion rises with the sum, so that its ends are where magnitudes are largest.
            [-n, n].map(|s| self.converter.value((s * gain + 128) >> 8).abs()).into_iter().max().unwrap_or(0)
        };
        (0..self.groups(inputs)).map(of_group).sum()
    }

    /// Largest magnitude of an offset.
    pub(super) fn largest_offset(&self) -> i64 {
        self.offsets.iter().map(|o| i64::from(o.unsigned_abs())).max().unwrap_or(0)
    }

    /// Whether the array fits a layer with these weights. Says what does not.
    pub(super) fn check(&self, weights: &Weights) -> Result<(), String> {
        let Array { rows, columns, group, converter, gains, offsets, errors } = self;
        let (neurons, inputs, planes) = (weights.rows(), weights.cols(), weights.planes().len());
        if planes != 1 {
            return Err(format!(
                "weights of {planes} planes on an array read in parts; a cell of such an array is +1 or -1, and each plane would \
                 need tiles and a converter of its own: use weights of one plane"
            ));
        }
        if *group == 0 || *columns == 0 || *rows == 0 || !rows.is_multiple_of(*group) {
            return Err(format!(
                "an array of {rows} rows and {columns} columns, read {group} rows at once; at least 1 of each, and rows a multiple \
                 of those read at once"
            ));
        }
        if *group > MAX_GROUP {
            return Err(format!("{group} rows read at once; at most {MAX_GROUP} are supported"));
        }
        if !(2..=16).contains(&converter.bits) || converter.shift > 8 {
            let Converter { bits, shift } = converter;
            return Err(format!("a converter of {bits} bits and shift {shift}; 2 to 16 and 0 to 8 are supported"));
        }
        let groups = self.groups(inputs);
        if !gains.is_empty() && gains.len() != groups {
            let found = gains.len();
            return Err(format!(
                "{found} gains, but {inputs} inputs are {groups} groups of {group}; one each, or none"
            ));
        }
        if let Some(g) = gains.iter().position(|&gain| gain > FULL_GAIN) {
            return Err(format!("group {g}: gain {}; 0 to {FULL_GAIN}, which is 1, are supported", gains[g]));
        }
        if !offsets.is_empty() && offsets.len() != neurons {
            return Err(format!("{} offsets, but {neurons} neurons; one each, or none", offsets.len()));
        }
        if let Some(o) = offsets.iter().position(|o| !(-MAX_OFFSET..=MAX_OFFSET).contains(o)) {
            return Err(format!("neuron {o}: offset {}; at most ±{MAX_OFFSET} is supported", offsets[o]));
        }
        let Some(errors) = errors else { return Ok(()) };
        if *group > MAX_ERROR_GROUP {
            return Err(format!(
                "read errors in groups of {group}; tables of up to {MAX_ERROR_GROUP} word-line pairs are supported"
            ));
        }
        let entries = (group + 1) * (group + 2) / 2;
        if errors.codes.len() != entries {
            let found = errors.codes.len();
            return Err(format!(
                "{found} read-error codes; groups of {group} have {entries} pairs of live inputs and matches"
            ));
        }
        for n in 0..=*group {
            for m in 0..=n {
                let (low, high) = errors.codes[n * (n + 1) / 2 + m];
                let place = format!("read errors at {m} matches among {n}: codes {low} and {high}");
                if u64::from(low) + u64::from(high) > 1 << 16 {
                    return Err(format!("{place}; together at most 65536"));
                }
                if (m == 0 && low > 0) || (m == n && high > 0) {
                    return Err(format!("{place}; there are no fewer matches than 0, and no more than live inputs"));
                }
            }
        }
        Ok(())
    }
}

impl Network {
    /// Draws that make the key of a layer's read errors.
    pub fn key_draws(&self) -> usize {
        64usize.div_ceil(self.random.code_bits as usize)
    }

    /// The stream from which the keys of a layer's read errors come, if its reads err; the output layer last.
    pub fn error_stream(&self, layer: usize) -> Option<Stream> {
        self.array(layer)?.errors.as_ref()?;
        let before = (0..layer).filter(|&l| self.errs(l)).count();
        Some(Stream { number: self.method_streams() + before, draws: self.key_draws(), first: 0 })
    }

    /// Whether reads of a layer err.
    pub fn errs(&self, layer: usize) -> bool {
        self.array(layer).is_some_and(|array| array.errors.is_some())
    }

    /// Bits of a logit that the sums of the output layer can need: those of an array may reach further than exact ones.
    pub fn logit_bits_needed(&self) -> u32 {
        let bound = i128::from(self.sum_bound(self.hidden.len()));
        let shift = self.output.shift;
        let bits = |(&m, &b): (&i32, &i64)| {
            let reach = i128::from(m).abs() * bound;
            let ends = [(i128::from(b) - reach) >> shift, (i128::from(b) + reach) >> shift];
            // Of a two's complement number.
            ends.map(|end| i128::BITS - if end < 0 { !end } else { end }.leading_zeros() + 1)
        };
        let first = (&self.output.scale, &self.output.offset);
        let all = std::iter::once(first).chain(self.output.others.iter().map(|c| (&c.scale, &c.offset)));
        all.flat_map(|(scale, offset)| scale.iter().zip(offset).flat_map(bits)).max().unwrap_or(2).max(2)
    }

    /// Layers whose reads err, the output layer among them.
    pub(super) fn error_streams(&self) -> usize {
        (0..=self.hidden.len()).filter(|&l| self.errs(l)).count()
    }

    /// Whether the arrays are as many as the layers. Says what would be right.
    pub(super) fn check_arrays(&self) -> Result<(), String> {
        let (found, layers) = (self.chip.arrays.len(), self.hidden.len() + 1);
        match found == 0 || found == layers {
            true => Ok(()),
            false => {
                Err(format!("{found} arrays, but {layers} layers, the output layer among them; one each, or none"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(group: usize, bits: u32, shift: u32) -> Array {
        let converter = Converter { bits, shift };
        Array { rows: 4 * group, columns: 8, group, converter, gains: vec![], offsets: vec![], errors: None }
    }

    /// The bound of a plane is what the worst inputs give.
    #[test]
    fn the_bound_of_a_plane_is_reached_and_not_exceeded() {
        for (group, bits, shift, gain) in
            [(8, 4, 0, 256), (8, 4, 1, 256), (5, 2, 3, 200), (16, 9, 4, 131), (3, 3, 0, 0)]
        {
            for inputs in [1, group, 2 * group + 1] {
                let mut array = array(group, bits, shift);
                array.gains = vec![gain; array.groups(inputs)];
                let largest: i64 = (0..array.groups(inputs))
                    .map(|g| {
                        let n = array.group_size(g, inputs) as i64;
                        let all = (-n..=n).map(|s| array.converter.value((s * i64::from(gain) + 128) >> 8).abs());
                        all.max().unwrap()
                    })
                    .sum();
                assert_eq!(array.plane_bound(inputs), largest);
            }
        }
    }

    #[test]
    fn a_full_scale_converter_reaches_every_sum_of_a_group_and_has_the_finest_steps_that_do() {
        for (bits, group, shift) in [(4, 7, 0), (4, 8, 1), (4, 14, 1), (4, 15, 2), (8, 64, 0), (2, 64, 6)] {
            assert_eq!(Converter::full_scale(bits, group), Converter { bits, shift });
        }
        assert!(array(7, 4, 0).only_offsets() && !array(8, 4, 0).only_offsets() && !array(7, 4, 1).only_offsets());
    }

    #[test]
    fn tiles_cover_a_layer() {
        assert_eq!(array(8, 4, 0).tiles(784, 256), (25, 32));
        assert_eq!(array(8, 4, 0).tiles(32, 8), (1, 1));
    }
}
