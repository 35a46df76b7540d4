//! What every integer network must satisfy; a network that passes cannot overflow in golden or hardware.

use super::{Conv, MAX_CODE_BITS, Network, Weights};
use thiserror::Error;

/// Most inputs of a layer: keeps every sum of binary weights, 8-bit inputs included, within 31 bits.
const MAX_FAN_IN: usize = 1 << 22;
/// Most that the weights of several planes may add up to, for the same reason.
const MAX_SUM: i64 = 1 << 30;

#[derive(Debug, Error)]
pub enum NetError {
    #[error("integer network `{network}`, {place}: {what}")]
    Invalid { network: String, place: String, what: String },
    #[error("input values: {what}")]
    Images { what: String },
    #[error("{path}: {source}")]
    Io { path: String, source: std::io::Error },
    #[error("{path}: not an integer network: {source}")]
    Parse { path: String, source: serde_json::Error },
}

/// Why inputs of several bits are not dropped.
pub(crate) const ONE_BIT_INPUTS_ALONE: &str = "a dropped input leaves its pair of word lines idle, and an input of \
     several bits is read bit by bit as 0 or 1, with no pair of its own; use 1-bit inputs, or SpinDrop in the first hidden \
     layer";

impl Network {
    /// Largest magnitude that a sum of layer `index` can take (the output layer comes after the hidden ones).
    pub fn sum_bound(&self, index: usize) -> i64 {
        let layer = self.hidden.get(index);
        let (weights, residual) =
            layer.map_or((&self.output.weights, None), |l| (&l.weights, l.residual.filter(|&from| from < index)));
        self.sum_bound_of(index, residual, weights, layer.and_then(|l| l.conv))
    }

    /// The same of exact sums, or of those of the layer's array where they reach further: constants of neurons may lie so far.
    fn reach(&self, index: usize) -> i64 {
        let ideal = |index: usize| {
            let layer = self.hidden.get(index);
            let weights = layer.map_or(&self.output.weights, |l| &l.weights);
            self.exact_bound(index, weights, layer.and_then(|l| l.conv))
        };
        let residuals = std::iter::successors(Some(index), |&l| self.hidden.get(l)?.residual.filter(|&from| from < l));
        residuals.map(ideal).sum::<i64>().max(self.sum_bound(index))
    }

    /// The same of a layer that the network does not have yet.
    pub(crate) fn sum_bound_of(
        &self,
        index: usize,
        residual: Option<usize>,
        weights: &Weights,
        conv: Option<Conv>,
    ) -> i64 {
        self.own_sum_bound(index, weights, conv) + residual.map_or(0, |from| self.sum_bound(from))
    }

    /// The same without what a residual adds.
    pub(crate) fn own_sum_bound(&self, index: usize, weights: &Weights, conv: Option<Conv>) -> i64 {
        let Some(array) = self.array(index) else { return self.exact_bound(index, weights, conv) };
        let planes = if index == 0 { (1i64 << self.input.bits) - 1 } else { 1 };
        let (taps, summands) =
            (conv.map_or(weights.cols(), |conv| conv.taps()), conv.map_or(1, |conv| conv.summands()));
        (summands as i64 * (planes * array.plane_bound(taps) + array.largest_offset())).max(1)
    }

    fn exact_bound(&self, index: usize, weights: &Weights, conv: Option<Conv>) -> i64 {
        let largest = match (index, self.input.bits, self.input.signed) {
            (1.., ..) | (0, 1, _) => 1,
            (0, k, false) => (1i64 << k) - 1,
            (0, k, true) => 1i64 << (k - 1),
        };
        let fan_in = match (conv, index.checked_sub(1)) {
            (Some(conv), _) => conv.taps() * conv.summands(),
            (None, Some(before)) => self.hidden[before].size(),
            (None, None) => self.input.features,
        };
        largest * weights.most() * fan_in as i64
    }

    /// Checks shapes and widths. Everything that executes or emits a network relies on it.
    pub fn check(&self) -> Result<(), NetError> {
        let fail = |place: String, what: String| Err(NetError::Invalid { network: self.name.clone(), place, what });
        if !is_identifier(&self.name) {
            return fail("name".into(), "must be letters, digits and `_`, and start with a letter".into());
        }
        let input = self.input;
        if !(1..=8).contains(&input.bits) {
            return fail("input".into(), format!("{} bits a value; 1 to 8 are supported", input.bits));
        }
        if input.signed && input.bits == 1 {
            return fail("input".into(), "1-bit inputs are ±1 and cannot be signed; use 2 bits or more".into());
        }
        if !(1..=MAX_FAN_IN).contains(&input.features) {
            return fail("input".into(), format!("{} features; 1 to {MAX_FAN_IN} are supported", input.features));
        }
        if let Err(error) = self.random.source.check(self.random.lfsr_bits) {
            return fail("random".into(), error.to_string());
        }
        if !(1..=MAX_CODE_BITS).contains(&self.random.code_bits) {
            return fail(
                "random".into(),
                format!("codes of {} bits; 1 to {MAX_CODE_BITS} are supported", self.random.code_bits),
            );
        }
        self.check_recording()?;
        if let Some(code) = input.dropout {
            let (bits, full) = (input.bits, 1u32 << self.random.code_bits);
            if bits > 1 {
                return fail("input".into(), format!("dropout of {bits}-bit inputs; {ONE_BIT_INPUTS_ALONE}"));
            }
            if code > full {
                let code_bits = self.random.code_bits;
                return fail("input".into(), format!("dropout code {code}; at {code_bits} bits a code is 0 to {full}"));
            }
        }
        if self.passes == 0 {
            return fail("passes".into(), "0 passes; a run needs at least 1".into());
        }
        if let Some(stop) = self.early_stop {
            if stop.every == 0 {
                return fail("early stop".into(), "blocks of 0 passes; a block has at least 1".into());
            }
            if self.streams() == 0 {
                return fail(
                    "early stop".into(),
                    "every pass is the same, since no layer has a stochastic method".into(),
                );
            }
            if self.output.weights.rows() < 2 {
                return fail("early stop".into(), "one class alone leads nobody; at least 2 are needed".into());
            }
        }
        if self.hidden.is_empty() {
            return fail("layers".into(), "no hidden layer; at least 1 is needed".into());
        }
        if let Err(what) = self.check_arrays() {
            return fail("arrays".into(), what);
        }
        let mut fan_in = input.features;
        for (l, layer) in self.hidden.iter().enumerate() {
            let place = format!("layer {l}");
            let (rows, cols) = (layer.weights.rows(), layer.weights.cols());
            let taps = match layer.conv {
                Some(conv) => {
                    if let Err(what) = conv.check(fan_in) {
                        return fail(place, what);
                    }
                    conv.taps()
                }
                None => fan_in,
            };
            if cols != taps {
                let reads = if layer.conv.is_some() { "the kernel covers" } else { "the layer before gives" };
                return fail(place, format!("weights for {cols} inputs, but {reads} {taps}"));
            }
            let summands = layer.conv.map_or(1, |conv| conv.summands());
            if taps.saturating_mul(summands) > MAX_FAN_IN {
                return fail(
                    place,
                    format!("{summands} pooled sums of {taps} inputs; {MAX_FAN_IN} in all are supported"),
                );
            }
            if !(1..=MAX_FAN_IN).contains(&rows) {
                return fail(place, format!("{rows} neurons; 1 to {MAX_FAN_IN} are supported"));
            }
            if let Some(from) = layer.residual {
                if from >= l {
                    let what = format!("adds the sums of layer {from}; only those of layers before it are there");
                    return fail(place, what);
                }
                let (there, own) = (self.hidden[from].decided(), layer.decided());
                if there != own {
                    let of = |map: super::Map| format!("{} × {} × {}", map.height, map.width, map.channels);
                    let what = format!(
                        "adds the sums of layer {from}, which are {}, to its own, which are {}; both have to be as many",
                        of(there),
                        of(own)
                    );
                    return fail(place, what);
                }
            }
            if let Some(array) = self.array(l)
                && let Err(what) = array.check(&layer.weights)
            {
                return fail(place, what);
            }
            if self.reach(l) > MAX_SUM {
                return fail(place, too_large(self.reach(l)));
            }
            if let Err(what) = super::method::check(layer, self.reach(l), self.random.code_bits) {
                return fail(place, what);
            }
            fan_in = layer.size();
            if fan_in > MAX_FAN_IN {
                return fail(format!("layer {l}"), format!("{fan_in} activations; at most {MAX_FAN_IN} are supported"));
            }
        }
        let out = &self.output;
        let place = || "output layer".to_string();
        let (rows, cols) = (out.weights.rows(), out.weights.cols());
        if cols != fan_in {
            return fail(place(), format!("weights for {cols} inputs, but the layer before gives {fan_in}"));
        }
        if !(2..=1 << 16).contains(&rows) {
            return fail(place(), format!("{rows} classes; 2 to 65536 are supported"));
        }
        if !(2..=32).contains(&out.logit_bits) || out.shift > 40 || out.frac_bits > 31 {
            return fail(
                place(),
                format!(
                    "logits of {} bits, shift {}, {} fraction bits; at most 32 (at least 2), 40 and 31 are supported",
                    out.logit_bits, out.shift, out.frac_bits
                ),
            );
        }
        if !(out.temperature.is_finite() && out.temperature > 0.0) {
            return fail(place(), format!("temperature {}; it must be above 0", out.temperature));
        }
        if let Some(array) = self.array(self.hidden.len())
            && let Err(what) = array.check(&out.weights)
        {
            return fail(place(), what);
        }
        let bound = self.sum_bound(self.hidden.len());
        if bound > MAX_SUM {
            return fail(place(), too_large(bound));
        }
        let bound = i128::from(bound);
        let (low, high) = (-(1i128 << (out.logit_bits - 1)), (1i128 << (out.logit_bits - 1)) - 1);
        let others = out
            .others
            .iter()
            .enumerate()
            .map(|(n, o)| (format!("crossbar {}: ", n + 1), &o.weights, &o.scale, &o.offset));
        for (which, weights, scale, offset) in
            std::iter::once((String::new(), &out.weights, &out.scale, &out.offset)).chain(others)
        {
            let (r, c) = (weights.rows(), weights.cols());
            if (r, c) != (rows, cols) {
                return fail(place(), format!("{which}{r} × {c} weights, but the first crossbar has {rows} × {cols}"));
            }
            let (p, first) = (weights.planes().len(), out.weights.planes().len());
            if p != first {
                let what =
                    format!("{which}weights of {p} planes, but the first crossbar has {first}; all have as many");
                return fail(place(), what);
            }
            if scale.len() != rows || offset.len() != rows {
                let (m, b) = (scale.len(), offset.len());
                return fail(place(), format!("{which}{rows} classes, but {m} scales and {b} offsets"));
            }
            for (c, (&m, &b)) in scale.iter().zip(offset).enumerate() {
                let reach = i128::from(m).abs() * bound;
                let (least, most) = ((i128::from(b) - reach) >> out.shift, (i128::from(b) + reach) >> out.shift);
                if least < low || most > high {
                    let bits = out.logit_bits;
                    let what =
                        format!("{which}class {c}: logits reach {least} to {most}, which does not fit {bits} bits");
                    return fail(place(), what);
                }
            }
        }
        self.check_devices()
    }
}

fn too_large(bound: i64) -> String {
    format!("sums of up to ±{bound}; ±{MAX_SUM} is supported: use fewer inputs, or weights of fewer planes")
}

/// Whether `name` can stand as a Verilog module name.
fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
