//! The network as it is trained: latent weights, batch norm with running statistics, masks.

use super::adam::Variable;
use super::norm::{Normalise, statistics};
use super::sign::{ActivationSign, WeightSign};
use super::{TrainConfig, TrainError};
use crate::model::{BatchNorm, Dense};
use crate::net::BitMatrix;
use candle_core::{Device, Tensor, Var};
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

const EPS: f64 = 1e-5;
/// Weight of the newest batch in running statistics.
const MOMENTUM: f32 = 0.1;
/// Latent weights start uniform in ±this; ±1 trains far worse.
const INITIAL: f32 = 0.1;

pub struct Network {
    layers: Vec<Layer>,
    dropout: f64,
}

struct Layer {
    /// inputs × outputs, so that no product needs a transposed copy.
    latent: Var,
    gamma: Var,
    beta: Var,
    mean: Vec<f32>,
    var: Vec<f32>,
}

impl Network {
    pub fn new(config: &TrainConfig, rng: &mut StdRng) -> Result<Network, TrainError> {
        let mut layers = Vec::new();
        for widths in config.layers.0.windows(2) {
            let (inputs, outputs) = (widths[0], widths[1]);
            let latent: Vec<f32> = (0..inputs * outputs).map(|_| rng.random_range(-INITIAL..INITIAL)).collect();
            layers.push(Layer {
                latent: Var::from_tensor(&Tensor::from_vec(latent, (inputs, outputs), &Device::Cpu)?)?,
                gamma: Var::from_tensor(&Tensor::from_vec(vec![1f32; outputs], outputs, &Device::Cpu)?)?,
                beta: Var::from_tensor(&Tensor::from_vec(vec![0f32; outputs], outputs, &Device::Cpu)?)?,
                mean: vec![0.0; outputs],
                var: vec![1.0; outputs],
            });
        }
        Ok(Network { layers, dropout: config.dropout })
    }

    /// All that an optimiser changes. Latent weights stay within ±1: beyond, they would only take longer to come back.
    pub fn variables(&self) -> Vec<Variable> {
        let free = |var: &Var| Variable { var: var.clone(), limit: f32::INFINITY };
        let of_layer = |l: &Layer| [Variable { var: l.latent.clone(), limit: 1.0 }, free(&l.gamma), free(&l.beta)];
        self.layers.iter().flat_map(of_layer).collect()
    }

    /// The logits of a batch, `rows × classes`, under fresh masks. Updates the running statistics.
    pub fn forward(&mut self, x: &Tensor, rng: &mut StdRng) -> Result<Tensor, TrainError> {
        let last = self.layers.len() - 1;
        let mut x = x.clone();
        for (l, layer) in self.layers.iter_mut().enumerate() {
            let sums = x.matmul(&layer.latent.apply_op1(WeightSign)?)?;
            layer.update(&sums)?;
            x = sums.apply_op3(&layer.gamma, &layer.beta, Normalise { eps: EPS as f32 })?;
            if l < last {
                let live = (self.dropout > 0.0).then(|| live(x.elem_count(), self.dropout, rng));
                x = x.apply_op1(ActivationSign { live })?;
            }
        }
        Ok(x)
    }

    /// The layers as a model has them, for inputs that are `input_scale` times those of [`Network::forward`].
    pub fn export(&self, input_scale: f64) -> Result<Vec<Dense>, TrainError> {
        let last = self.layers.len() - 1;
        let export = |(l, layer): (usize, &Layer)| {
            let scale = if l == 0 { input_scale } else { 1.0 };
            layer.export(scale, (l < last && self.dropout > 0.0).then_some(self.dropout))
        };
        self.layers.iter().enumerate().map(export).collect()
    }
}

impl Layer {
    fn update(&mut self, sums: &Tensor) -> Result<(), TrainError> {
        let (rows, columns) = sums.dims2()?;
        let (mean, var) = statistics(&sums.detach().flatten_all()?.to_vec1()?, columns);
        let unbiased = rows as f32 / (rows as f32 - 1.0);
        self.mean.iter_mut().zip(mean).for_each(|(old, new)| *old += MOMENTUM * (new - *old));
        self.var.iter_mut().zip(var).for_each(|(old, new)| *old += MOMENTUM * (unbiased * new - *old));
        Ok(())
    }

    /// Batch norm of sums that are `scale` times larger: the same function of the same images.
    fn export(&self, scale: f64, dropout: Option<f64>) -> Result<Dense, TrainError> {
        let latent = self.latent.to_vec2::<f32>()?;
        let (inputs, outputs) = self.latent.dims2()?;
        let widen = |values: &[f32], factor: f64| values.iter().map(|&v| factor * f64::from(v)).collect();
        let norm = BatchNorm {
            gamma: widen(&self.gamma.to_vec1()?, 1.0),
            beta: widen(&self.beta.to_vec1()?, 1.0),
            mean: widen(&self.mean, scale),
            var: widen(&self.var, scale * scale),
            eps: EPS * scale * scale,
        };
        let weights = BitMatrix::from_fn(outputs, inputs, |o, i| latent[i][o] >= 0.0);
        Ok(Dense { weights, bias: None, norm, dropout })
    }
}

/// 0 with probability `p`, else 1.
fn live(values: usize, p: f64, rng: &mut StdRng) -> Vec<f32> {
    let threshold = (p * 2f64.powi(32)) as u64;
    (0..values).map(|_| if u64::from(rng.next_u32()) < threshold { 0.0 } else { 1.0 }).collect()
}
