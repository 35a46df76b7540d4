//! The last layer: batch norm of the logits in fixed point.

use super::{LowerError, Options};
use crate::model::{BatchNorm, Method, Model};
use crate::net::{Output, OutputCrossbar};

/// Width of a scale, sign included, unless logits are wider: one DSP multiplier port.
const SCALE_BITS: u32 = 18;
const MOST_FRAC_BITS: u32 = 31;

/// The last layer with scales yet to be found.
pub fn empty(model: &Model, options: &Options) -> Output {
    let weights = model.layers[model.layers.len() - 1].weights.clone();
    let (scale, offset) = (vec![0; weights.rows()], vec![0; weights.rows()]);
    let (logit_bits, temperature) = (options.logit_bits, model.temperature);
    Output { weights, scale, offset, shift: 0, frac_bits: 0, logit_bits, temperature, others: vec![] }
}

/// The last layer, whose sums lie in −`bound` to `bound`, with the most fraction bits that fit.
///
/// The float logit is `k·a + c` with `k = gamma/sqrt(var + eps)` and `c = beta + k·(bias − mean)`. In units of
/// 2^−(frac_bits + shift) these round to the integers `scale` and `offset`; half of 2^shift is added to the offset, so that
/// the shift rounds to nearest. All crossbars have the same fraction bits and shift.
pub fn of_layer(model: &Model, options: &Options, bound: i64) -> Result<Output, LowerError> {
    let layer = &model.layers[model.layers.len() - 1];
    let norm = layer.norm.as_ref().expect("the last layer of a checked model has batch norm");
    let mut crossbars = vec![lines(norm, layer.bias.as_deref())];
    let others = if let Some(Method::Spinbayes(m)) = &layer.method { &m.others[..] } else { &[] };
    crossbars.extend(others.iter().map(|c| lines(&c.norm, c.bias.as_deref())));
    let all = || crossbars.iter().flatten();
    let steepest = all().fold(0.0f64, |most, (k, _)| most.max(k.abs()));
    let largest = all().fold(0.0f64, |most, (k, c)| most.max(k.abs() * bound as f64 + c.abs()));
    let widest = (1i64 << (options.logit_bits.max(SCALE_BITS) - 1)) - 1;
    for frac_bits in (0..=MOST_FRAC_BITS).rev() {
        // Cheap test first; offsets then fit i64 with room to spare.
        if largest * 2f64.powi(frac_bits as i32) > 2f64.powi(options.logit_bits as i32) {
            continue;
        }
        let Some(shift) = shift(steepest, frac_bits, bound, widest) else { continue };
        let unit = 2f64.powi((frac_bits + shift) as i32);
        let half = (1i64 << shift) >> 1;
        let scale = |(k, _): &(f64, f64)| (k * unit).round() as i32;
        let offset = |(_, c): &(f64, f64)| (c * unit).round() as i64 + half;
        if all().all(|line| fits(scale(line), offset(line), bound, shift, options.logit_bits)) {
            let others = crossbars[1..].iter().zip(others).map(|(lines, c)| OutputCrossbar {
                weights: c.weights.clone(),
                scale: lines.iter().map(scale).collect(),
                offset: lines.iter().map(offset).collect(),
            });
            let others = others.collect();
            let (scale, offset) = (crossbars[0].iter().map(scale).collect(), crossbars[0].iter().map(offset).collect());
            return Ok(Output { scale, offset, shift, frac_bits, others, ..empty(model, options) });
        }
    }
    Err(LowerError::Logits { model: model.name.clone(), largest, bits: options.logit_bits })
}

/// Slope and offset of each class's float logit.
fn lines(norm: &BatchNorm, bias: Option<&[f64]>) -> Vec<(f64, f64)> {
    let line = |o: usize| {
        let k = norm.gamma[o] / (norm.var[o] + norm.eps).sqrt();
        let bias = bias.map_or(0.0, |b| b[o]);
        (k, norm.beta[o] + k * (bias - norm.mean[o]))
    };
    (0..norm.gamma.len()).map(line).collect()
}

/// The most that leaves every scale within `widest`, up to where the rounding of scales no longer matters.
fn shift(steepest: f64, frac_bits: u32, bound: i64, widest: i64) -> Option<u32> {
    let enough = 64 - (bound as u64).leading_zeros() + 2;
    let narrow = |s: &u32| (steepest * 2f64.powi((frac_bits + s) as i32)).round() <= widest as f64;
    (0..=enough).rev().find(narrow)
}

fn fits(m: i32, b: i64, bound: i64, shift: u32, bits: u32) -> bool {
    let reach = i128::from(m).abs() * i128::from(bound);
    let (least, most) = ((i128::from(b) - reach) >> shift, (i128::from(b) + reach) >> shift);
    least >= -(1i128 << (bits - 1)) && most < 1i128 << (bits - 1)
}
