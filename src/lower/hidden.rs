//! A hidden layer with its method.

use super::fixed::{self, affine_bits, fixed, largest_factor, spread, subset_bits};
use super::threshold::Neuron;
use crate::model::{BatchNorm, Crossbars, Dense, Method};
use crate::net::{self, Direction, Hidden};

/// The layer as the integer network has it, its sums being within ±`bound`; or what is wrong with it.
pub fn of_layer(layer: &Dense, bound: i64, code_bits: u32) -> Result<Hidden, String> {
    let outputs = layer.outputs();
    let code = |p: f64| fixed::code(p, code_bits);
    let hidden = |thresholds, directions, method| Hidden {
        weights: layer.weights.clone(),
        thresholds,
        directions,
        method,
        conv: layer.conv,
        residual: layer.residual,
    };
    let Some(norm) = &layer.norm else {
        // A checked layer has affine dropout or batch norm.
        let Some(Method::Affine(m)) = &layer.method else { return Err("neither batch norm nor affine dropout".into()) };
        let frac_bits = affine_bits(m, bound)
            .ok_or("gains reach beyond 18 bits or biases beyond 2^20 even without fraction bits; scale them down")?;
        let all = |values: &[f64]| values.iter().map(|&v| fixed(v, frac_bits) as i32).collect();
        let (gain, bias) = (all(&m.gamma), all(&m.beta));
        let (code, drops, groups) = (code(m.p), m.drops, m.groups);
        let affine = net::Affine { code, drops, frac_bits, gain, bias, groups };
        return Ok(hidden(vec![], vec![], Some(net::Method::Affine(affine))));
    };
    let bias = layer.bias.as_deref();
    let neuron = |o: usize| Neuron { norm, bias, output: o };
    let plain = || thresholds(norm, bias, outputs, bound);
    let (limits, directions, method) = match &layer.method {
        Some(Method::Subset(m)) => {
            let frac_bits =
                subset_bits(m).ok_or("scales reach beyond 18 bits even without fraction bits; scale them down")?;
            let limit = |o: usize| {
                // Products stay below this, so that a limit beyond it is a constant neuron.
                let reach = largest_factor(m, o, frac_bits) as i64 * bound;
                neuron(o).threshold(reach, |n| n as f64 / f64::from(1u32 << frac_bits))
            };
            let (limits, directions) = (0..outputs).map(limit).unzip();
            let subset = net::Subset {
                bits: m.bits,
                mean: m.mu.iter().map(|&v| fixed(v, frac_bits) as i32).collect(),
                spread: (0..outputs).map(|o| fixed(spread(m, o), frac_bits) as i32).collect(),
                limits,
            };
            return Ok(hidden(vec![], directions, Some(net::Method::Subset(subset))));
        }
        Some(Method::Scale(m)) => {
            let (dropped, _) = plain();
            let kept = (0..outputs).map(|o| neuron(o).threshold(bound, |a| m.alpha[o] * a as f64));
            let (kept, directions) = narrow(kept);
            let scale = net::ScaleDropout { code: code(m.p), dropped };
            (kept, directions, Some(net::Method::Scale(scale)))
        }
        Some(method @ (Method::Spindrop(m) | Method::SpatialSpindrop(m))) => {
            let (thresholds, directions) = plain();
            // A map of a dense layer is one neuron.
            let maps = layer.conv.is_some() && matches!(method, Method::SpatialSpindrop(_));
            let dropout = net::Dropout { code: code(m.p), place: m.place, maps };
            (thresholds, directions, Some(net::Method::Spindrop(dropout)))
        }
        Some(Method::Spinbayes(Crossbars { others })) => {
            let (first, directions) = plain();
            let others = others.iter().map(|c| {
                let (thresholds, directions) = thresholds(&c.norm, c.bias.as_deref(), outputs, bound);
                net::Crossbar { weights: c.weights.clone(), thresholds, directions }
            });
            (first, directions, Some(net::Method::Spinbayes(net::Crossbars { others: others.collect() })))
        }
        Some(Method::Affine(_)) => return Err("both batch norm and affine dropout".into()),
        None => {
            let (thresholds, directions) = plain();
            (thresholds, directions, None)
        }
    };
    Ok(hidden(limits, directions, method))
}

/// The thresholds of plain sums.
fn thresholds(norm: &BatchNorm, bias: Option<&[f64]>, outputs: usize, bound: i64) -> (Vec<i32>, Vec<Direction>) {
    narrow((0..outputs).map(|o| Neuron { norm, bias, output: o }.threshold(bound, |a| a as f64)))
}

/// Thresholds of sums fit 31 bits: `net::check` and `model::check` limit the fan-in.
fn narrow(thresholds: impl Iterator<Item = (i64, Direction)>) -> (Vec<i32>, Vec<Direction>) {
    thresholds.map(|(t, direction)| (t as i32, direction)).unzip()
}
