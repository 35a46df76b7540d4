//! What the harness must know of a design: its text and the shape of its ports.

use crate::golden::ImageResult;
use crate::net::Images;

/// A design under test. Its top module has the ports of `docs/hardware.md`.
#[derive(Clone, Debug)]
pub struct Dut {
    /// Name of the top module.
    pub top: String,
    /// Verilog files: name and contents.
    pub sources: Vec<(String, String)>,
    /// Memory images that `$readmemh` reads by bare name: name and contents. They are read when a simulation starts, so
    /// a design with other contents needs no new build.
    pub memories: Vec<(String, String)>,
    pub ports: Ports,
    /// One for each hidden layer whose activations the design shows; empty in a design without taps.
    pub taps: Vec<Tap>,
    /// Clocks without a beat in or out after which the design counts as hung, for each pass of an image.
    pub patience: u64,
}

/// Shape of the ports, in elements and bits.
#[derive(Clone, Debug)]
pub struct Ports {
    /// Input values of an image.
    pub features: usize,
    /// Bits of an input value.
    pub input_bits: u32,
    /// Input values of a beat; divides `features`.
    pub simd: usize,
    pub classes: usize,
    /// Passes computed at once.
    pub lanes: usize,
    /// Most passes that the design can be asked for.
    pub max_passes: u32,
    /// Layers with dropout.
    pub stochastic_layers: usize,
    pub widths: Widths,
    pub uncertainty: UncertaintyPorts,
    /// In a design whose passes may end early, which shows how many an image took (`out_passes_o`): the lead after reset.
    pub lead: Option<u32>,
    /// Whether there is a programming port (`prog_*`).
    pub programming: bool,
}

/// Ports of the uncertainty: their widths in bits, 0 where a design does not have one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UncertaintyPorts {
    /// `out_prob_o`
    pub probability: usize,
    /// `out_probsq_o`
    pub squares: usize,
    /// `out_entropy_o`
    pub entropy: usize,
    /// `out_info_o`
    pub information: usize,
    /// Thresholds of `out_flag_o` after reset: none, one, or one a class.
    pub thresholds: Vec<u64>,
}

impl UncertaintyPorts {
    /// Names and widths of those that are there.
    fn list(&self) -> Vec<(&'static str, usize)> {
        let flag = usize::from(!self.thresholds.is_empty());
        let all = [
            ("out_prob_o", self.probability),
            ("out_probsq_o", self.squares),
            ("out_entropy_o", self.entropy),
            ("out_info_o", self.information),
            ("out_flag_o", flag),
        ];
        all.into_iter().filter(|(_, width)| *width > 0).collect()
    }

    /// The threshold of an image decided as `class`, of those in `thresholds`.
    pub fn threshold(thresholds: &[u64], class: usize) -> u64 {
        thresholds.get(class).or(thresholds.first()).copied().unwrap_or(u64::MAX)
    }
}

/// Widths of ports in bits.
#[derive(Clone, Copy, Debug)]
pub struct Widths {
    /// `out_class_o`, `out_index_o` and `dbg_class_o`.
    pub class: usize,
    /// `out_sum_o`.
    pub sum: usize,
    /// `out_sumsq_o`.
    pub sumsq: usize,
    /// `out_votes_o`.
    pub votes: usize,
    /// `dbg_pass_o`.
    pub pass: usize,
    /// One lane of `dbg_logit_o`.
    pub logit: usize,
}

/// Shape of the tap of one hidden layer.
#[derive(Clone, Copy, Debug)]
pub struct Tap {
    /// Hidden layer, from 0: the number in the port names.
    pub layer: usize,
    pub outputs: usize,
    /// Neurons of a beat; divides `outputs`.
    pub pe: usize,
    /// Passes of a frame.
    pub lanes: usize,
    /// One frame an image, whatever the number of passes.
    pub once: bool,
}

impl Tap {
    /// Frames of an image of `passes` passes.
    pub fn frames(&self, passes: u32) -> usize {
        if self.once { 1 } else { (passes as usize).div_ceil(self.lanes) }
    }
}

impl Ports {
    /// Names and widths of the result ports that not every design has, in the order in which the harness shows them.
    pub fn beside(&self) -> Vec<(&'static str, usize)> {
        let passes = self.lead.map(|_| ("out_passes_o", self.widths.votes));
        passes.into_iter().chain(self.uncertainty.list()).collect()
    }

    /// By how many passes the flag's threshold is multiplied.
    pub fn flag_passes(&self, result: &ImageResult) -> u32 {
        if self.lead.is_some() { result.passes } else { 1 }
    }

    /// Beats of an image.
    pub fn beats(&self) -> usize {
        self.features / self.simd
    }

    /// Width of `in_data_i`.
    pub fn beat_bits(&self) -> usize {
        self.simd * self.input_bits as usize
    }

    /// The beats of all images in order, each as 32-bit words, least significant first: feature `s * simd + j` of beat `s`
    /// at bits `[j * bits +: bits]`.
    pub fn pack(&self, images: &Images) -> Vec<u32> {
        let bits = self.input_bits as usize;
        let words = self.beat_bits().div_ceil(32);
        let mask = (1u32 << bits) - 1;
        let mut packed = Vec::with_capacity(images.len() * self.beats() * words);
        for n in 0..images.len() {
            for beat in images.image(n).chunks(self.simd) {
                let start = packed.len();
                packed.resize(start + words, 0);
                for (j, &value) in beat.iter().enumerate() {
                    let value = u64::from(value as u32 & mask) << (j * bits % 32);
                    let at = start + j * bits / 32;
                    packed[at] |= value as u32;
                    if value >> 32 != 0 {
                        packed[at + 1] |= (value >> 32) as u32;
                    }
                }
            }
        }
        packed
    }
}

/// Bits `at .. at + width` of 32-bit words, least significant first; `width` is at most 64. Bits past the end are 0.
pub(super) fn bits(words: &[u32], at: usize, width: usize) -> u64 {
    let mut value = 0u128;
    for (k, w) in (at / 32..=(at + width.max(1) - 1) / 32).enumerate() {
        value |= u128::from(words.get(w).copied().unwrap_or(0)) << (32 * k);
    }
    let mask = if width >= 64 { u64::MAX } else { (1 << width) - 1 };
    (value >> (at % 32)) as u64 & mask
}

/// The same bits read as a two's complement number.
pub(super) fn signed(words: &[u32], at: usize, width: usize) -> i64 {
    let unused = 64 - width as u32;
    ((bits(words, at, width) << unused) as i64) >> unused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Input;

    #[test]
    fn packed_beats_hold_every_value_at_its_place() {
        for (bits_each, signed_input) in [(1, false), (3, false), (5, true), (8, true)] {
            let input = Input { features: 42, bits: bits_each, signed: signed_input, dropout: None };
            let (low, high) = input.range();
            let span = i32::from(high - low) + 1;
            let values: Vec<i16> = (0..84).map(|v| low + ((v * 7 + 3) % span) as i16).collect();
            let images = Images::new(&input, values.clone()).unwrap();
            let ports = Ports {
                features: 42,
                input_bits: bits_each,
                simd: 14,
                classes: 2,
                lanes: 1,
                max_passes: 1,
                stochastic_layers: 0,
                widths: Widths { class: 1, sum: 8, sumsq: 8, votes: 1, pass: 1, logit: 8 },
                uncertainty: UncertaintyPorts::default(),
                lead: None,
                programming: false,
            };
            let packed = ports.pack(&images);
            let words = ports.beat_bits().div_ceil(32);
            assert_eq!(packed.len(), 2 * 3 * words);
            for (v, &value) in values.iter().enumerate() {
                let beat = &packed[v / 14 * words..][..words];
                let at = v % 14 * bits_each as usize;
                let found = if signed_input {
                    signed(beat, at, bits_each as usize)
                } else {
                    bits(beat, at, bits_each as usize) as i64
                };
                assert_eq!(found, i64::from(value), "value {v} at {bits_each} bits");
            }
        }
    }
}
