//! Contents of a layer's memories, as `$readmemh` reads them.

use super::layer::Layer;
use super::pe::PeKind;
use crate::net::{Direction, Weights};
use std::fmt::Write;

/// A memory word under construction.
struct Word {
    bits: Vec<u64>,
    width: u32,
}

impl Word {
    fn new(width: u32) -> Word {
        Word { bits: vec![0; width.div_ceil(64) as usize], width }
    }

    /// ORs the low `width` bits of `value` in at `lo`.
    fn put(&mut self, lo: u32, width: u32, value: u64) {
        let value = if width < 64 { value & ((1 << width) - 1) } else { value };
        let (at, shift) = ((lo / 64) as usize, lo % 64);
        self.bits[at] |= value << shift;
        if shift > 0 && shift + width > 64 {
            self.bits[at + 1] |= value >> (64 - shift);
        }
    }

    /// Appends the word as a line of hexadecimal digits.
    fn write(&self, text: &mut String) {
        let digits = self.width.div_ceil(4) as usize;
        let start = text.len();
        for word in self.bits.iter().rev() {
            let _ = write!(text, "{word:016x}");
        }
        let surplus = text.len() - start - digits;
        text.replace_range(start..start + surplus, "");
        text.push('\n');
    }
}

/// Bits `lo` to `lo + 63` of a row, zeros past its end.
fn window(row: &[u64], lo: usize) -> u64 {
    let (at, shift) = (lo / 64, lo % 64);
    let word = |i: usize| row.get(i).copied().unwrap_or(0);
    if shift == 0 { word(at) } else { word(at) >> shift | word(at + 1) << (64 - shift) }
}

/// Word `group * words + word`: the weights of `pe` neurons for `simd` inputs, plane j of `planes` of neuron p at bit
/// `(p * planes + j) * simd`. The weights of a neuron that fires at or below its threshold are inverted, so that every neuron fires at or above.
pub fn weights(layer: &Layer, matrix: &Weights, directions: Option<&[Direction]>) -> String {
    let plan = &layer.plan;
    // Inputs side by side in a word: all of it, or the channels of each place of a kernel.
    let each = plan.beat_values();
    let channels = plan.conv.map_or(0, |conv| conv.input.channels);
    let mut text = String::with_capacity(plan.frame_clocks() * (plan.weight_planes * plan.pe * plan.simd / 4 + 1));
    for group in 0..plan.groups() {
        for word in 0..plan.words() {
            let mut line = Word::new((plan.weight_planes * plan.pe * plan.simd) as u32);
            for p in 0..plan.pe {
                let neuron = group * plan.pe + p;
                let inverted = directions.is_some_and(|d| d[neuron] == Direction::Le);
                for (j, plane) in matrix.planes().iter().enumerate() {
                    for place in 0..plan.simd / each {
                        for chunk in (0..each).step_by(64) {
                            let bits = window(plane.row(neuron), place * channels + word * each + chunk);
                            let width = (each - chunk).min(64) as u32;
                            let lo = (p * plan.weight_planes + j) * plan.simd + place * each + chunk;
                            line.put(lo as u32, width, if inverted { !bits } else { bits });
                        }
                    }
                }
            }
            line.write(&mut text);
        }
    }
    text
}

/// Word `group`: what the accumulators of `pe` neurons start from.
///
/// With M matches among all inputs, dropped ones adding half their number (rounded down), N inputs and D dropped,
/// `a = 2M + D mod 2 - N`. So `a >= t` is `M - ceil((t + N - D mod 2) / 2) >= 0`: one start value for each parity of D.
/// With P planes of weights M counts the matches of plane j 2^j times, and `a = 2M + (2^P - 1) * (D mod 2 - N)`.
pub fn starts(layer: &Layer, weights: &Weights, thresholds: &[i32], directions: &[Direction]) -> String {
    let plan = &layer.plan;
    let lane = layer.lane();
    let (bits, both) = (lane.pe.width(), layer.start_bits());
    let mut text = String::new();
    for group in 0..plan.groups() {
        let mut line = Word::new(plan.pe as u32 * both);
        for p in 0..plan.pe {
            let neuron = group * plan.pe + p;
            let threshold = i64::from(thresholds[neuron]);
            let (t, flipped) = match directions[neuron] {
                Direction::Ge => (threshold, false),
                Direction::Le => (-threshold, true),
            };
            let inputs = plan.inputs as i64;
            let start = |odd: i64| -> i64 {
                let matches = if plan.planes == 1 {
                    (t + weights.most() * (inputs - odd) + 1).div_euclid(2)
                } else {
                    // Planes of +1 and -1 count matches; 2^k - 1 times the weights of -1 (each 2^j times that stands in
                    // plane j) is what that adds too much, and a signed value carries an offset of 2^(k-1).
                    let sum = if flipped { -weights.row_sum(neuron) } else { weights.row_sum(neuron) };
                    let negative = (weights.most() * inputs - sum) / 2;
                    let offset = if layer.signed { sum << (plan.planes - 1) } else { 0 };
                    t + ((1 << plan.planes) - 1) * negative + offset
                };
                -matches.clamp(0, lane.pe.largest as i64 + 1)
            };
            line.put(p as u32 * bits, bits, start(0) as u64);
            if lane.pe.kind == PeKind::Masked {
                line.put((plan.pe + p) as u32 * bits, bits, start(1) as u64);
            }
        }
        line.write(&mut text);
    }
    text
}

/// A line of a memory image from (width, value) pairs, lowest bits first.
pub fn image_word(fields: &[(u32, i128)]) -> String {
    let mut line = Word::new(fields.iter().map(|(width, _)| width).sum());
    let mut lo = 0;
    for &(width, value) in fields {
        line.put(lo, width, value as u64);
        lo += width;
    }
    let mut text = String::new();
    line.write(&mut text);
    text
}
