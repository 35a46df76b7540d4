//! The float network as its definition reads: the reference that lowering is tested against.
//!
//! It shares no arithmetic with `lower` or `golden`, and trades speed for plainness.

use super::{BatchNorm, Dense, Method, Model};
use crate::net::{Conv, Place, PoolKind, Weights};

/// What a hidden layer, or the inputs, draw in one pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Draw {
    /// Nothing is dropped, every ε is 0, and the first crossbar computes; the only one for a layer without a method.
    None,
    /// SpinDrop: which activations are kept, one each; with Spatial-SpinDrop one a neuron, for its whole map. Or which inputs.
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
    /// For each hidden layer its signs, pooled, before dropout behind them; `true` means +1.
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
    let mut all_sums: Vec<Vec<Vec<f64>>> = vec![];
    for (layer, draw) in hidden.iter().zip(draws) {
        let added = layer.residual.map(|from| &all_sums[from][..]);
        let (sums, signs) = signs(layer, &x, added, draw);
        all_sums.push(sums);
        x = after_sign(layer, &signs, draw);
        activations.push(signs);
    }
    Forward { activations, logits: before_sign(last, &x, of_output.first().unwrap_or(&Draw::None)) }
}

/// The sums of a hidden layer with inputs `x` at each position where it decides, with those `added` of an earlier layer; and
/// its signs, before dropout behind them.
fn signs(layer: &Dense, x: &[f64], added: Option<&[Vec<f64>]>, draw: &Draw) -> (Vec<Vec<f64>>, Vec<bool>) {
    let positive = |y: Vec<f64>| y.into_iter().map(|y| y >= 0.0).collect::<Vec<bool>>();
    let with_added = |mut sums: Vec<Vec<f64>>| {
        for (a, more) in sums.iter_mut().flatten().zip(added.unwrap_or_default().iter().flatten()) {
            *a += more;
        }
        sums
    };
    let weights = weights(layer, draw);
    let Some(conv) = &layer.conv else {
        let sums = with_added(vec![sums(weights, x)]);
        let signs = positive(decided(layer, &sums[0], draw));
        return (sums, signs);
    };
    // Dropout comes after pooling, so that its draws are no matter of a position.
    let (dropped, draw) = match (&layer.method, draw) {
        (Some(Method::Spindrop(m) | Method::SpatialSpindrop(m)), Draw::Live(_)) => {
            (live(layer, draw).filter(|_| m.place == Place::BeforeSign), &Draw::None)
        }
        (_, draw) => (None, draw),
    };
    let (rows, cols) = conv.summed();
    let at = |y: usize, x_at: usize| sums(weights, &covered(conv, x, y, x_at));
    let summed: Vec<Vec<f64>> = (0..rows * cols).map(|p| at(p / cols, p % cols)).collect();
    let pool = conv.pool.map(|pool| pool.kind);
    let summed = with_added(match pool {
        None | Some(PoolKind::Or) => summed,
        Some(PoolKind::Max) => pooled(conv, &summed, f64::max),
        Some(PoolKind::Sum) => pooled(conv, &summed, |a, b| a + b),
    });
    let fired: Vec<Vec<bool>> = summed.iter().map(|a| positive(decided(layer, a, draw))).collect();
    let mut signs = match pool {
        Some(PoolKind::Or) => pooled(conv, &fired, |a, b| a || b).concat(),
        _ => fired.concat(),
    };
    if let Some(live) = dropped {
        signs.iter_mut().zip(live).filter(|(_, live)| !live).for_each(|(s, _)| *s = true);
    }
    (summed, signs)
}

/// The inputs that the kernel covers at a position of the sums: (ky, kx, channel); 0 outside the map.
fn covered(conv: &Conv, x: &[f64], row: usize, col: usize) -> Vec<f64> {
    let Conv { input, kernel, stride, pad, .. } = conv;
    let mut taps = Vec::with_capacity(conv.taps());
    for ky in 0..kernel.0 {
        for kx in 0..kernel.1 {
            let y = (row * stride.0 + ky).checked_sub(pad.top).filter(|&y| y < input.height);
            let at = (col * stride.1 + kx).checked_sub(pad.left).filter(|&at| at < input.width);
            match (y, at) {
                (Some(y), Some(at)) => {
                    let first = (y * input.width + at) * input.channels;
                    taps.extend_from_slice(&x[first..first + input.channels]);
                }
                _ => taps.extend(vec![0.0; input.channels]),
            }
        }
    }
    taps
}

/// The values of all positions, one vector each, joined over the windows of a convolution that is pooled.
fn pooled<T: Copy>(conv: &Conv, values: &[Vec<T>], join: impl Fn(T, T) -> T) -> Vec<Vec<T>> {
    let Some(pool) = conv.pool else { return values.to_vec() };
    let ((_, width), (rows, cols)) = (conv.summed(), conv.positions());
    let window = |y: usize, x: usize| {
        let at =
            |n: usize| &values[(y * pool.stride.0 + n / pool.size.1) * width + x * pool.stride.1 + n % pool.size.1];
        let mut all = at(0).clone();
        for n in 1..pool.size.0 * pool.size.1 {
            all.iter_mut().zip(at(n)).for_each(|(all, v)| *all = join(*all, *v));
        }
        all
    };
    (0..rows * cols).map(|p| window(p / cols, p % cols)).collect()
}

/// One live bit an activation, where `draw` gives any.
fn live(layer: &Dense, draw: &Draw) -> Option<Vec<bool>> {
    let Draw::Live(live) = draw else { return None };
    let each = match layer.method {
        Some(Method::SpatialSpindrop(_)) => layer.size() / layer.outputs(),
        _ => 1,
    };
    assert_eq!(live.len() * each, layer.size(), "one live bit an activation, or a map");
    Some(live.iter().copied().cycle().take(layer.size()).collect())
}

/// The weights that compute under `draw`.
fn weights<'a>(layer: &'a Dense, draw: &Draw) -> &'a Weights {
    match (&layer.method, draw) {
        (Some(Method::Spinbayes(m)), Draw::Crossbar(n @ 1..)) => &m.others[n - 1].weights,
        _ => &layer.weights,
    }
}

/// What the signs of a dense layer with inputs `x` are taken of, one a neuron; the logits in the last layer.
///
/// # Panics
///
/// If `draw` is not one of the layer's method.
pub fn before_sign(layer: &Dense, x: &[f64], draw: &Draw) -> Vec<f64> {
    decided(layer, &sums(weights(layer, draw), x), draw)
}

/// What the signs are taken of where the neurons have the sums `a`.
fn decided(layer: &Dense, a: &[f64], draw: &Draw) -> Vec<f64> {
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
            Some(Method::Scale(m)) => normalised(&product(&m.alpha, a), bias, norm()),
            Some(Method::Subset(m)) => normalised(&product(&m.mu, a), bias, norm()),
            _ => normalised(a, bias, norm()),
        },
        (Some(Method::Spindrop(m) | Method::SpatialSpindrop(m)), Draw::Live(live)) => {
            let mut y = normalised(a, bias, norm());
            if m.place == Place::BeforeSign {
                y.iter_mut().zip(live).filter(|(_, live)| !**live).for_each(|(y, _)| *y = 0.0);
            }
            y
        }
        (Some(Method::Scale(_)), Draw::Scale(true)) => normalised(a, bias, norm()),
        (Some(Method::Scale(m)), Draw::Scale(false)) => normalised(&product(&m.alpha, a), bias, norm()),
        (Some(Method::Subset(m)), Draw::Ones(e)) => {
            let unit = 2.0 / f64::from(m.bits).sqrt();
            let scale = |o: usize| m.mu[o] + m.sigma[o] * (f64::from(e[o]) * unit);
            normalised(&product(&(0..a.len()).map(scale).collect::<Vec<_>>(), a), bias, norm())
        }
        (Some(Method::Spinbayes(_)), Draw::Crossbar(0)) => normalised(a, bias, norm()),
        (Some(Method::Spinbayes(m)), Draw::Crossbar(n)) => {
            let crossbar = &m.others[n - 1];
            normalised(a, crossbar.bias.as_deref(), &crossbar.norm)
        }
        (method, draw) => panic!("{draw:?} is no draw of {method:?}"),
    }
}

/// ±1 for each sign, and 0 where it is dropped behind the sign.
fn after_sign(layer: &Dense, signs: &[bool], draw: &Draw) -> Vec<f64> {
    let mut x: Vec<f64> = signs.iter().map(|&s| if s { 1.0 } else { -1.0 }).collect();
    let (Some(Method::Spindrop(m) | Method::SpatialSpindrop(m)), Some(live)) = (&layer.method, live(layer, draw))
    else {
        return x;
    };
    if m.place == Place::AfterSign {
        x.iter_mut().zip(live).filter(|(_, live)| !live).for_each(|(x, _)| *x = 0.0);
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
