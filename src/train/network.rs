//! The network as it is trained: latent weights, batch norm with running statistics, and what is drawn.

use super::adam::Variable;
use super::method::LayerMethod;
use super::norm::{Normalise, statistics};
use super::patches::{MaxPool, Patches};
use super::sign::{ActivationSign, WeightLevel};
use super::stochastic::{Stochastic, choices};
use super::{TrainConfig, TrainError};
use crate::model::{self, BatchNorm, Crossbars, Dense, Method};
use crate::net::{Conv, Place, Weights};
use candle_core::{Device, Tensor, Var};
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

const EPS: f64 = 1e-5;
/// Weight of the newest batch in running statistics.
const MOMENTUM: f32 = 0.1;
/// Latent weights start uniform in ±this; ±1 trains far worse.
const INITIAL: f32 = 0.1;

pub struct Network {
    /// Probability of dropping an input.
    input_dropout: Option<f64>,
    layers: Vec<Layer>,
}

struct Layer {
    /// One, or several with SpinBayes.
    crossbars: Vec<Crossbar>,
    method: Option<Stochastic>,
    conv: Option<Conv>,
}

/// Weights with batch norm; that of a layer that normalises by itself stays unused.
struct Crossbar {
    /// Inputs of a neuron × outputs, so that no product needs a transposed copy.
    latent: Var,
    /// Bit planes of a weight.
    planes: u32,
    gamma: Var,
    beta: Var,
    mean: Vec<f32>,
    var: Vec<f32>,
}

impl Network {
    /// `convolutions` has one entry a hidden layer, none for a dense one.
    pub fn new(config: &TrainConfig, convolutions: &[Option<Conv>], rng: &mut StdRng) -> Result<Network, TrainError> {
        let mut layers: Vec<Layer> = Vec::new();
        let mut values = config.layers.inputs;
        let crossbars = config.output_crossbars;
        let output = (crossbars > 1).then_some(LayerMethod::Spinbayes { crossbars });
        let methods = config.layer_methods()?.into_iter().chain([output]);
        let outputs = config.layers.hidden.iter().map(|shape| shape.outputs).chain([config.layers.classes]);
        let convolutions = convolutions.iter().copied().chain([None]);
        for ((outputs, conv), method) in outputs.zip(convolutions).zip(methods) {
            let inputs = conv.map_or(values, |conv| conv.taps());
            let (rows, cols) = conv.map_or((1, 1), |conv| conv.positions());
            values = rows * cols * outputs;
            let crossbars = if let Some(LayerMethod::Spinbayes { crossbars }) = method { crossbars } else { 1 };
            let planes = if crossbars > 1 { config.planes()? } else { 1 };
            let crossbars: Result<_, _> = (0..crossbars).map(|_| Crossbar::new(inputs, outputs, planes, rng)).collect();
            let method = match method {
                Some(method) => Some(Stochastic::new(method, inputs, outputs, rng)?),
                None => None,
            };
            layers.push(Layer { crossbars: crossbars?, method, conv });
        }
        Ok(Network { input_dropout: config.input_dropout, layers })
    }

    /// All that an optimiser changes. Latent weights stay within ±1: beyond, they would only take longer to come back.
    pub fn variables(&self) -> Vec<Variable> {
        let of_crossbar = |c: &Crossbar| {
            let latent = Variable { var: c.latent.clone(), low: -1.0, high: 1.0 };
            [latent, Variable::free(&c.gamma), Variable::free(&c.beta)]
        };
        let of_layer = |l: &Layer| {
            let crossbars = l.crossbars.iter().flat_map(of_crossbar);
            crossbars.chain(l.method.iter().flat_map(Stochastic::variables)).collect::<Vec<_>>()
        };
        self.layers.iter().flat_map(of_layer).collect()
    }

    /// The logits of a batch, `rows × classes`, under fresh draws. Updates the running statistics.
    pub fn forward(&mut self, x: &Tensor, rng: &mut StdRng) -> Result<Tensor, TrainError> {
        let last = self.layers.len() - 1;
        let mut x = match self.input_dropout {
            Some(p) => (x * Tensor::from_vec(live(x.elem_count(), p, rng), x.shape(), &Device::Cpu)?)?,
            None => x.clone(),
        };
        for (l, layer) in self.layers.iter_mut().enumerate() {
            x = layer.before_sign(&x, rng)?;
            if l < last {
                let (live, place) = match layer.method {
                    Some(Stochastic::Dropout { p, place, spatial }) => (Some(layer.live(&x, p, spatial, rng)?), place),
                    _ => (None, Place::default()),
                };
                x = x.apply_op1(ActivationSign { live, place })?;
            }
        }
        Ok(x)
    }

    /// What is to be added to the loss of each training image, times the number of images; none if nothing is.
    pub fn divergence(&self) -> Result<Option<Tensor>, TrainError> {
        let mut total: Option<Tensor> = None;
        for method in self.layers.iter().filter_map(|l| l.method.as_ref()) {
            if let Some(own) = method.divergence()? {
                total = Some(match total {
                    Some(total) => (total + own)?,
                    None => own,
                });
            }
        }
        Ok(total)
    }

    /// The layers as a model has them, for inputs that are `input_scale` times those of [`Network::forward`].
    pub fn export(&self, input_scale: f64) -> Result<Vec<Dense>, TrainError> {
        let export = |(l, layer): (usize, &Layer)| layer.export(if l == 0 { input_scale } else { 1.0 });
        self.layers.iter().enumerate().map(export).collect()
    }
}

impl Layer {
    /// What signs are taken of: images × activations.
    fn before_sign(&mut self, x: &Tensor, rng: &mut StdRng) -> Result<Tensor, TrainError> {
        let Some(conv) = self.conv else { return self.normalised(x, 1, rng) };
        let (rows, cols) = conv.summed();
        let mut y = self.normalised(&x.apply_op1(Patches(conv))?, rows * cols, rng)?;
        if conv.pool.is_some() {
            y = y.apply_op1(MaxPool(conv))?;
        }
        let images = x.dims2()?.0;
        Ok(y.reshape((images, y.elem_count() / images))?)
    }

    /// Which of the activations `x` are kept; with `spatial`, one draw for all positions of a channel.
    fn live(&self, x: &Tensor, p: f64, spatial: bool, rng: &mut StdRng) -> Result<Vec<f32>, TrainError> {
        let (images, values) = x.dims2()?;
        let channels = self.crossbars[0].mean.len();
        if !spatial || values == channels {
            return Ok(live(images * values, p, rng));
        }
        let maps = live(images * channels, p, rng);
        Ok(maps.chunks_exact(channels).flat_map(|image| image.iter().copied().cycle().take(values)).collect())
    }

    /// Batch norm, or what the method has in its place, of the sums of `x`: rows that are `positions` for each image.
    fn normalised(&mut self, x: &Tensor, positions: usize, rng: &mut StdRng) -> Result<Tensor, TrainError> {
        match (&self.method, &mut self.crossbars[..]) {
            (Some(method), [crossbar]) if method.normalises() => method.normalised(&crossbar.sums(x)?, positions, rng),
            (Some(method), [crossbar]) => {
                let scaled = method.scaled(&crossbar.sums(x)?, positions, rng)?;
                crossbar.normalise(&scaled)
            }
            (_, crossbars) => {
                // Every crossbar sees every sample, so that its running statistics are its own over all images; a sample
                // goes on with what one of them makes of it.
                let mut all = Vec::with_capacity(crossbars.len());
                for crossbar in crossbars.iter_mut() {
                    let sums = crossbar.sums(x)?;
                    all.push(crossbar.normalise(&sums)?);
                }
                let [first, others @ ..] = &all[..] else { return Ok(x.clone()) };
                if others.is_empty() {
                    return Ok(first.clone());
                }
                let (rows, columns) = first.dims2()?;
                let masks = choices(all.len(), rows, columns, positions, rng)?;
                let mut y = (first * &masks[0])?;
                for (other, mask) in others.iter().zip(&masks[1..]) {
                    y = (y + (other * mask)?)?;
                }
                Ok(y)
            }
        }
    }

    /// The layer of sums that are `scale` times larger: the same function of the same images.
    fn export(&self, scale: f64) -> Result<Dense, TrainError> {
        let own = match &self.method {
            Some(method) => method.export(scale)?,
            None => None,
        };
        let mut crossbars = self.crossbars.iter().map(|c| c.export(scale)).collect::<Result<Vec<_>, _>>()?;
        let first = crossbars.remove(0);
        let method = if crossbars.is_empty() { own } else { Some(Method::Spinbayes(Crossbars { others: crossbars })) };
        let norm = if matches!(method, Some(Method::Affine(_))) { None } else { Some(first.norm) };
        Ok(Dense { weights: first.weights, bias: None, norm, method, conv: self.conv, residual: None })
    }
}

impl Crossbar {
    fn new(inputs: usize, outputs: usize, planes: u32, rng: &mut StdRng) -> Result<Crossbar, TrainError> {
        let latent: Vec<f32> = (0..inputs * outputs).map(|_| rng.random_range(-INITIAL..INITIAL)).collect();
        Ok(Crossbar {
            planes,
            latent: Var::from_tensor(&Tensor::from_vec(latent, (inputs, outputs), &Device::Cpu)?)?,
            gamma: Var::from_tensor(&Tensor::from_vec(vec![1f32; outputs], outputs, &Device::Cpu)?)?,
            beta: Var::from_tensor(&Tensor::from_vec(vec![0f32; outputs], outputs, &Device::Cpu)?)?,
            mean: vec![0.0; outputs],
            var: vec![1.0; outputs],
        })
    }

    fn sums(&self, x: &Tensor) -> Result<Tensor, TrainError> {
        Ok(x.matmul(&self.latent.apply_op1(WeightLevel { planes: self.planes })?)?)
    }

    /// Batch norm; updates the running statistics.
    fn normalise(&mut self, sums: &Tensor) -> Result<Tensor, TrainError> {
        let (rows, columns) = sums.dims2()?;
        let (mean, var) = statistics(&sums.detach().flatten_all()?.to_vec1()?, columns);
        let unbiased = rows as f32 / (rows as f32 - 1.0);
        self.mean.iter_mut().zip(mean).for_each(|(old, new)| *old += MOMENTUM * (new - *old));
        self.var.iter_mut().zip(var).for_each(|(old, new)| *old += MOMENTUM * (unbiased * new - *old));
        Ok(sums.apply_op3(&self.gamma, &self.beta, Normalise { eps: EPS as f32 })?)
    }

    /// Weights, and batch norm of sums that are `scale` times larger.
    fn export(&self, scale: f64) -> Result<model::Crossbar, TrainError> {
        let latent = self.latent.to_vec2::<f32>()?;
        let (inputs, outputs) = self.latent.dims2()?;
        let level = WeightLevel { planes: self.planes };
        // Weights of a model are integers.
        let scale = scale * f64::from(level.most());
        let widen = |values: &[f32], factor: f64| values.iter().map(|&v| factor * f64::from(v)).collect();
        let norm = BatchNorm {
            gamma: widen(&self.gamma.to_vec1()?, 1.0),
            beta: widen(&self.beta.to_vec1()?, 1.0),
            mean: widen(&self.mean, scale),
            var: widen(&self.var, scale * scale),
            eps: EPS * scale * scale,
        };
        let weights = Weights::from_values(self.planes as usize, outputs, inputs, |o, i| level.of(latent[i][o]));
        Ok(model::Crossbar { weights, bias: None, norm })
    }
}

/// 0 with probability `p`, else 1.
pub fn live(values: usize, p: f64, rng: &mut StdRng) -> Vec<f32> {
    let threshold = (p * 2f64.powi(32)) as u64;
    (0..values).map(|_| if u64::from(rng.next_u32()) < threshold { 0.0 } else { 1.0 }).collect()
}
