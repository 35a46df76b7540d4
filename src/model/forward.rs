//! The float network as its definition reads: the reference that lowering is tested against.
//!
//! It shares no arithmetic with `lower` or `golden`, and trades speed for plainness.

use super::{BatchNorm, Dense, Method, Model};
use crate::net::{Place, Weights};

/// What a hidden layer, or the inputs, draw in one pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Draw {
    /// Nothing is dropped, every ε is 0, and the first crossbar computes; the only one for a layer without a method.
    None,
    /// SpinDrop: which activations are kept, one a neuron; or which inputs.
    Live(Vec<bool>),
    /// Scale-Dropout: whether the scale vector is dropped.
    Scale(bool),
    /// Affine dropout: whether the gain and the bias are dropped, one each a neuron.
    Affine { gain: Vec<bool>, bias: Vec<bool> },
    /// Sub-set inference: the number of ones less its mean, one a neuron.
    Ones(Vec<i32>),
    /// SpinBayes: the crossbar, 0 for the first.
    Crossbar(usize),
}

/// What one pass over one image gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// For each hidden layer its signs, before dropout behind them; `true` means +1.
    pub activations: Vec<Vec<bool>>,
    /// One a class.
    pub logits: Vec<f64>,
}

/// One pass of a checked model over one image.
///
/// * `image`: input values, one a feature; 0 and 1 where the model has 1-bit inputs (0 means −1).
/// * `draws`: one a hidden layer, behind that of the inputs where the model drops inputs, and before that of the last layer where it
///   has SpinBayes.
///
/// # Panics
///
/// If `image` or `draws` do not fit the model, or the model has no layers.
pub fn forward(model: &Model, image: &[i16], draws: &[Draw]) -> Forward {
    assert_eq!(image.len(), model.input.features, "one value a feature");
    let (of_input, draws) = draws.split_at(usize::from(model.input.dropout.is_some()));
    let (draws, of_output) = draws.split_at(model.layers.len() - 1);
    let one_bit = model.input.bits == 1;
    let mut x: Vec<f64> = image.iter().map(|&v| if one_bit { f64::from(2 * v - 1) } else { f64::from(v) }).collect();
    if let [Draw::Live(live)] = of_input {
        assert_eq!(live.len(), x.len(), "one live bit an input");
        x.iter_mut().zip(live).filter(|(_, live)| !**live).for_each(|(x, _)| *x = 0.0);
    }
    let (last, hidden) = model.layers.split_last().expect("a checked model has layers");
    let mut activations = Vec::with_capacity(hidden.len());
    for (layer, draw) in hidden.iter().zip(draws) {
        let signs: Vec<bool> = before_sign(layer, &x, draw).iter().map(|&y| y >= 0.0).collect();
        x = after_sign(layer, &signs, draw);
        activations.push(signs);
    }
    Forward { activations, logits: before_sign(last, &x, of_output.first().unwrap_or(&Draw::None)) }
}

/// What the signs of a layer with inputs `x` are taken of, one a neuron; the logits in the last layer.
///
/// # Panics
///
/// If `draw` is not one of the layer's method.
pub fn before_sign(layer: &Dense, x: &[f64], draw: &Draw) -> Vec<f64> {
    let a = sums(&layer.weights, x);
    let norm = || layer.norm.as_ref().expect("a checked layer without batch norm has affine dropout");
    let bias = layer.bias.as_deref();
    match (&layer.method, draw) {
        (Some(Method::Affine(m)), _) => {
            let none = vec![false; a.len()];
            let (no_gain, no_bias) = match draw {
                Draw::Affine { gain, bias } => (gain, bias),
                Draw::None => (&none, &none),
                other => panic!("{other:?} is no draw of affine dropout"),
            };
            let v: Vec<f64> = (0..a.len())
                .map(|o| {
                    let gamma = if no_gain[o] { 1.0 } else { m.gamma[o] };
                    let beta = if no_bias[o] { 0.0 } else { m.beta[o] };
                    gamma * a[o] + beta
                })
                .collect();
            let size = v.len() / m.groups;
            let mean = |group: &[f64]| group.iter().sum::<f64>() / size as f64;
            v.chunks(size).flat_map(|group| group.iter().map(move |v| v - mean(group))).collect()
        }
        (_, Draw::None) => match &layer.method {
            Some(Method::Scale(m)) => normalised(&product(&m.alpha, &a), bias, norm()),
            Some(Method::Subset(m)) => normalised(&product(&m.mu, &a), bias, norm()),
            _ => normalised(&a, bias, norm()),
        },
        (Some(Method::Spindrop(m) | Method::SpatialSpindrop(m)), Draw::Live(live)) => {
            let mut y = normalised(&a, bias, norm());
            if m.place == Place::BeforeSign {
                y.iter_mut().zip(live).filter(|(_, live)| !**live).for_each(|(y, _)| *y = 0.0);
            }
            y
        }
        (Some(Method::Scale(_)), Draw::Scale(true)) => normalised(&a, bias, norm()),
        (Some(Method::Scale(m)), Draw::Scale(false)) => normalised(&product(&m.alpha, &a), bias, norm()),
        (Some(Method::Subset(m)), Draw::Ones(e)) => {
            let unit = 2.0 / f64::from(m.bits).sqrt();
            let scale = |o: usize| m.mu[o] + m.sigma[o] * (f64::from(e[o]) * unit);
            normalised(&product(&(0..a.len()).map(scale).collect::<Vec<_>>(), &a), bias, norm())
        }
        (Some(Method::Spinbayes(_)), Draw::Crossbar(0)) => normalised(&a, bias, norm()),
        (Some(Method::Spinbayes(m)), Draw::Crossbar(n)) => {
            let crossbar = &m.others[n - 1];
            normalised(&sums(&crossbar.weights, x), crossbar.bias.as_deref(), &crossbar.norm)
        }
        (method, draw) => panic!("{draw:?} is no draw of {method:?}"),
    }
}

/// ±1 for each sign, and 0 where it is dropped behind the sign.
fn after_sign(layer: &Dense, signs: &[bool], draw: &Draw) -> Vec<f64> {
    let mut x: Vec<f64> = signs.iter().map(|&s| if s { 1.0 } else { -1.0 }).collect();
    let (Some(Method::Spindrop(m) | Method::SpatialSpindrop(m)), Draw::Live(live)) = (&layer.method, draw) else {
        return x;
    };
    assert_eq!(live.len(), x.len(), "one live bit a neuron");
    if m.place == Place::AfterSign {
        x.iter_mut().zip(live).filter(|(_, live)| !**live).for_each(|(x, _)| *x = 0.0);
    }
    x
}

fn sums(weights: &Weights, x: &[f64]) -> Vec<f64> {
    let sum = |o: usize| x.iter().enumerate().map(|(i, x)| f64::from(weights.value(o, i)) * x).sum();
    (0..weights.rows()).map(sum).collect()
}

fn product(scale: &[f64], a: &[f64]) -> Vec<f64> {
    scale.iter().zip(a).map(|(scale, a)| scale * a).collect()
}

/// `gamma·(a + bias − mean)/sqrt(var + eps) + beta` for each output.
fn normalised(a: &[f64], bias: Option<&[f64]>, norm: &BatchNorm) -> Vec<f64> {
    let of_output = |(o, a): (usize, &f64)| {
        let a = a + bias.map_or(0.0, |b| b[o]);
        norm.gamma[o] * (a - norm.mean[o]) / (norm.var[o] + norm.eps).sqrt() + norm.beta[o]
    };
    a.iter().enumerate().map(of_output).collect()
}
