//! What is random in a layer (`docs/semantics.md` §3): one method of the NeuSpin line a layer.

use super::{Direction, Hidden, Weights};
use serde::{Deserialize, Serialize};

/// The stochastic method of a hidden layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "lowercase", deny_unknown_fields)]
pub enum Method {
    /// Every activation is dropped by itself.
    Spindrop(Dropout),
    /// The layer's scale vector is dropped as a whole: a second set of thresholds.
    Scale(ScaleDropout),
    /// Gains and biases are dropped, then the sample's own mean decides: inverted normalization with affine dropout.
    Affine(Affine),
    /// Every neuron's scale is Gaussian: Bayesian sub-set parameter inference.
    Subset(Subset),
    /// The layer has several crossbars, one of which computes a pass: SpinBayes.
    Spinbayes(Crossbars),
}

/// SpinDrop: every activation of the layer is dropped with the same probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Probability in units of 2^-code_bits, 0 to 2^code_bits inclusive.
    pub code: u32,
    /// Whether it stands before the sign, where a dropped neuron gives sign(0) = +1, or after it, where it adds nothing.
    #[serde(default)]
    pub place: Place,
    /// Spatial-SpinDrop: one draw for all positions of a feature map.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub maps: bool,
}

/// Where dropout stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    BeforeSign,
    #[default]
    AfterSign,
}

/// Scale-Dropout: the layer's thresholds are those of its scale vector, or of the all-ones vector where that is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleDropout {
    /// Probability of dropping, in units of 2^-code_bits.
    pub code: u32,
    /// One a neuron: the threshold where the scale vector is dropped.
    pub dropped: Vec<i32>,
}

/// Inverted normalization with affine dropout: `v = gain·a + bias`, and a neuron fires where `v` reaches its group's mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// Probability of dropping a gain (it becomes 1) and a bias (it becomes 0), in units of 2^-code_bits.
    pub code: u32,
    pub drops: Drops,
    /// Fraction bits of gains and biases, 0 to 16.
    pub frac_bits: u32,
    /// One a neuron, in units of 2^-frac_bits.
    pub gain: Vec<i32>,
    /// One a neuron, in units of 2^-frac_bits.
    pub bias: Vec<i32>,
    /// Normalization groups: runs of equally many neurons, at least 2 each.
    pub groups: usize,
}

/// What one draw of affine dropout decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drops {
    /// All gains of the layer, or all its biases.
    Vector,
    /// The gain of one neuron, or its bias.
    Element,
}

/// Bayesian sub-set parameter inference: `(mean + spread·e)·a` against a limit, with `e` a number of ones less its mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subset {
    /// Random bits whose ones are counted: even, 2 to code_bits.
    pub bits: u32,
    /// One a neuron.
    pub mean: Vec<i32>,
    /// One a neuron, for each one more or less than bits/2.
    pub spread: Vec<i32>,
    /// One a neuron: what the product is compared with, in the layer's direction.
    pub limits: Vec<i64>,
}

/// SpinBayes: the crossbars of a layer beside the first, which stands in the layer itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crossbars {
    /// At least 1.
    pub others: Vec<Crossbar>,
}

/// One crossbar of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crossbar {
    pub weights: Weights,
    pub thresholds: Vec<i32>,
    pub directions: Vec<Direction>,
}

impl Method {
    /// SpinDrop after the sign.
    pub fn spindrop(code: u32) -> Method {
        Method::Spindrop(Dropout { code, place: Place::AfterSign, maps: false })
    }

    /// Name, as people call it.
    pub fn name(&self) -> &'static str {
        match self {
            Method::Spindrop(Dropout { place: Place::AfterSign, maps: true, .. }) => "Spatial-SpinDrop",
            Method::Spindrop(Dropout { maps: true, .. }) => "Spatial-SpinDrop before sign",
            Method::Spindrop(Dropout { place: Place::AfterSign, .. }) => "SpinDrop",
            Method::Spindrop(_) => "SpinDrop before sign",
            Method::Scale(_) => "Scale-Dropout",
            Method::Affine(Affine { drops: Drops::Vector, .. }) => "affine, vector",
            Method::Affine(_) => "affine, element",
            Method::Subset(_) => "sub-set inference",
            Method::Spinbayes(_) => "SpinBayes",
        }
    }

    /// Draws that one pass of one image takes in a layer of `neurons` neurons, which give so many activations.
    pub fn draws(&self, neurons: usize, activations: usize) -> usize {
        match self {
            Method::Spindrop(Dropout { maps: false, .. }) => activations,
            Method::Spindrop(_) | Method::Subset(_) => neurons,
            Method::Scale(_) | Method::Spinbayes(_) => 1,
            Method::Affine(Affine { drops: Drops::Vector, .. }) => 2,
            Method::Affine(Affine { drops: Drops::Element, .. }) => 2 * neurons,
        }
    }

    /// The probability code, of the methods that have one.
    pub fn code(&self) -> Option<u32> {
        match self {
            Method::Spindrop(m) => Some(m.code),
            Method::Scale(m) => Some(m.code),
            Method::Affine(m) => Some(m.code),
            Method::Subset(_) | Method::Spinbayes(_) => None,
        }
    }

    /// The same with another probability code, where it has one.
    pub fn set_code(&mut self, code: u32) {
        match self {
            Method::Spindrop(m) => m.code = code,
            Method::Scale(m) => m.code = code,
            Method::Affine(m) => m.code = code,
            Method::Subset(_) | Method::Spinbayes(_) => {}
        }
    }

    /// Whether activations of the layer may be dropped: come with live bits.
    pub fn masks(&self) -> bool {
        matches!(self, Method::Spindrop(Dropout { place: Place::AfterSign, .. }))
    }
}

/// Largest magnitude that a gain, a bias, a mean or a spread may have: keeps products of all sums within 63 bits.
const LARGEST_FACTOR: i64 = 1 << 20;

/// Whether a layer's sizes and numbers fit its method; sums lie in ±`bound`. Says what is wrong.
pub(super) fn check(layer: &Hidden, bound: i64, code_bits: u32) -> Result<(), String> {
    let rows = layer.weights.rows();
    let full = 1u32 << code_bits;
    if let Some(code) = layer.method.as_ref().and_then(Method::code).filter(|&code| code > full) {
        return Err(format!("dropout code {code}; at {code_bits} bits a code is 0 to {full}"));
    }
    let each = |what: &str, found: usize| match found == rows {
        true => Ok(()),
        false => Err(format!("{rows} neurons, but {found} {what}")),
    };
    let within = |what: &str, values: &[i32]| match values.iter().position(|&v| i64::from(v).abs() > LARGEST_FACTOR) {
        Some(o) => Err(format!("neuron {o}: {what} {}; at most ±{LARGEST_FACTOR} is supported", values[o])),
        None => Ok(()),
    };
    match &layer.method {
        Some(Method::Affine(affine)) => {
            let Affine { frac_bits, gain, bias, groups, .. } = affine;
            if !layer.thresholds.is_empty() || !layer.directions.is_empty() {
                return Err(
                    "thresholds or directions, but inverted normalization compares with the mean; give none".into()
                );
            }
            each("gains", gain.len())?;
            each("biases", bias.len())?;
            within("gain", gain)?;
            within("bias", bias)?;
            if *frac_bits > 16 {
                return Err(format!("{frac_bits} fraction bits of gains and biases; at most 16 are supported"));
            }
            if *groups == 0 || !rows.is_multiple_of(*groups) || rows / groups < 2 {
                return Err(format!(
                    "{groups} normalization groups of {rows} neurons; groups must be equal and mix at least 2 neurons: with \
                     one, gain and bias cancel and dropout does nothing"
                ));
            }
            let size = (rows / groups) as i128;
            let largest = |o: usize| {
                i128::from(gain[o].abs().max(1 << frac_bits)) * i128::from(bound) + i128::from(bias[o].abs())
            };
            match (0..rows).find(|&o| 2 * size * largest(o) >= 1 << 62) {
                Some(o) => Err(format!(
                    "neuron {o}: {size} times its value reaches ±{}; use fewer fraction bits",
                    size * largest(o)
                )),
                None => Ok(()),
            }
        }
        Some(Method::Subset(subset)) => {
            let Subset { bits, mean, spread, limits } = subset;
            if !layer.thresholds.is_empty() {
                return Err("thresholds, but sub-set inference compares with limits; give none".into());
            }
            each("directions", layer.directions.len())?;
            each("means", mean.len())?;
            each("spreads", spread.len())?;
            each("limits", limits.len())?;
            within("mean", mean)?;
            within("spread", spread)?;
            if *bits % 2 == 1 || !(2..=code_bits).contains(bits) {
                return Err(format!("{bits} bits for a Gaussian draw; an even number of 2 to {code_bits}"));
            }
            let factor = |o: usize| i128::from(mean[o].abs()) + i128::from(spread[o].abs()) * i128::from(bits / 2);
            let reach = |o: usize| factor(o) * i128::from(bound) + 1;
            match (0..rows).find(|&o| i128::from(limits[o]).abs() > reach(o)) {
                Some(o) => Err(format!("neuron {o}: limit {}, but products stay below ±{}", limits[o], reach(o))),
                None => Ok(()),
            }
        }
        method => {
            crossbar(&layer.weights, &layer.weights, &layer.thresholds, &layer.directions, bound)?;
            match method {
                Some(Method::Scale(scale)) => {
                    each("thresholds for a dropped scale", scale.dropped.len())?;
                    crossbar(&layer.weights, &layer.weights, &scale.dropped, &layer.directions, bound)
                        .map_err(|what| format!("dropped scale: {what}"))
                }
                Some(Method::Spinbayes(Crossbars { others })) => {
                    if others.is_empty() {
                        return Err("1 crossbar; SpinBayes chooses among at least 2".into());
                    }
                    if 1 + others.len() > full as usize {
                        return Err(format!(
                            "{} crossbars, but a draw of {code_bits} bits chooses among {full}: use more code bits or fewer \
                             crossbars",
                            1 + others.len()
                        ));
                    }
                    others.iter().enumerate().try_for_each(|(n, c)| {
                        crossbar(&layer.weights, &c.weights, &c.thresholds, &c.directions, bound)
                            .map_err(|what| format!("crossbar {}: {what}", n + 1))
                    })
                }
                _ => Ok(()),
            }
        }
    }
}

/// Whether a crossbar has the shape of `first`, and thresholds within reach.
fn crossbar(
    first: &Weights,
    weights: &Weights,
    thresholds: &[i32],
    directions: &[Direction],
    bound: i64,
) -> Result<(), String> {
    let rows = first.rows();
    if (weights.rows(), weights.cols()) != (rows, first.cols()) {
        let (r, c) = (weights.rows(), weights.cols());
        return Err(format!("{r} × {c} weights, but the first crossbar has {rows} × {}", first.cols()));
    }
    if weights.planes().len() != first.planes().len() {
        let (p, first) = (weights.planes().len(), first.planes().len());
        return Err(format!("weights of {p} planes, but the first crossbar has {first}; all have as many"));
    }
    if thresholds.len() != rows || directions.len() != rows {
        let (t, d) = (thresholds.len(), directions.len());
        return Err(format!("{rows} neurons, but {t} thresholds and {d} directions"));
    }
    match thresholds.iter().position(|&t| i64::from(t).abs() > bound + 1) {
        Some(o) => Err(format!(
            "neuron {o}: threshold {}, but no sum exceeds ±{bound}; use at most ±{}",
            thresholds[o],
            bound + 1
        )),
        None => Ok(()),
    }
}
