//! The tensors of a model as a safetensors file (`docs/model-format.md`, "Tensors").

use super::manifest::{self, Layer, Manifest};
use super::method::{Affine, Crossbar, Crossbars, Dropout, Method, ScaleDropout, Subset};
use super::{BatchNorm, Dense, Model, ModelError};
use crate::net::Weights;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeSet;

/// Room for the header of a safetensors file: a name, a type and a shape a tensor.
const HEADER_BYTES_PER_CROSSBAR: u64 = 4096;
/// Vectors of a crossbar: bias and batch norm, or a method's own.
const VECTORS: u64 = 7;

/// No file that fits `manifest` is larger, so that a foreign one is refused before it is read.
pub(super) fn most_bytes(manifest: &Manifest) -> u64 {
    let of_layer = |l: &Layer| {
        let (inputs, outputs) = (l.inputs as u64, l.outputs as u64);
        let crossbar = inputs.saturating_mul(outputs) + VECTORS * 8 * outputs + HEADER_BYTES_PER_CROSSBAR;
        crossbar.saturating_mul(l.crossbars() as u64)
    };
    manifest.layers.iter().map(of_layer).fold(HEADER_BYTES_PER_CROSSBAR, u64::saturating_add)
}

/// The same bytes for the same model.
pub(super) fn to_bytes(model: &Model) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let mut tensors = Vec::new();
    for (l, layer) in model.layers.iter().enumerate() {
        push_weights(&mut tensors, format!("layers.{l}.weight"), &layer.weights);
        let norm = layer.norm.iter().flat_map(vectors).chain(layer.bias.as_deref().map(|b| ("bias", b)));
        norm.for_each(|(field, values)| push_vector(&mut tensors, format!("layers.{l}.{field}"), values));
        let own: Vec<(&str, &[f64])> = match &layer.method {
            Some(Method::Scale(m)) => vec![("scale.alpha", &m.alpha)],
            Some(Method::Affine(m)) => vec![("affine.gamma", &m.gamma), ("affine.beta", &m.beta)],
            Some(Method::Subset(m)) => vec![("subset.mu", &m.mu), ("subset.sigma", &m.sigma)],
            _ => vec![],
        };
        own.into_iter().for_each(|(field, values)| push_vector(&mut tensors, format!("layers.{l}.{field}"), values));
        let Some(Method::Spinbayes(Crossbars { others })) = &layer.method else { continue };
        for (n, crossbar) in others.iter().enumerate() {
            let place = format!("layers.{l}.crossbars.{}", n + 1);
            push_weights(&mut tensors, format!("{place}.weight"), &crossbar.weights);
            let norm = vectors(&crossbar.norm).into_iter().chain(crossbar.bias.as_deref().map(|b| ("bias", b)));
            norm.for_each(|(field, values)| push_vector(&mut tensors, format!("{place}.{field}"), values));
        }
    }
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| Ok((name.clone(), TensorView::new(*dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    safetensors::serialize(views, None)
}

/// Name, type, shape and bytes.
type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

fn vectors(norm: &BatchNorm) -> [(&'static str, &[f64]); 4] {
    [("gamma", &norm.gamma), ("beta", &norm.beta), ("mean", &norm.mean), ("var", &norm.var)]
}

fn push_weights(tensors: &mut Vec<Tensor>, name: String, weights: &Weights) {
    let (rows, cols) = (weights.rows(), weights.cols());
    let mut bytes = Vec::with_capacity(rows * cols);
    for o in 0..rows {
        bytes.extend((0..cols).map(|i| weights.value(o, i) as i8 as u8));
    }
    tensors.push((name, Dtype::I8, vec![rows, cols], bytes));
}

fn push_vector(tensors: &mut Vec<Tensor>, name: String, values: &[f64]) {
    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensors.push((name, Dtype::F64, vec![values.len()], bytes));
}

/// The layers that `manifest` announces, from the bytes of its tensor file. `file` names it in errors.
pub(super) fn from_bytes(manifest: &Manifest, bytes: &[u8], file: &str) -> Result<Vec<Dense>, ModelError> {
    let tensors =
        SafeTensors::deserialize(bytes).map_err(|source| ModelError::Tensors { file: file.into(), source })?;
    let mut source = Source { tensors, file, unread: BTreeSet::new() };
    source.unread = source.tensors.names().into_iter().map(String::from).collect();
    let mut layers = Vec::with_capacity(manifest.layers.len());
    for (l, layer) in manifest.layers.iter().enumerate() {
        let place = format!("layers.{l}");
        let eps = layer.norm.as_ref().map(|norm| norm.eps);
        let crossbar = source.crossbar(&place, layer, eps)?;
        let method = match &layer.method {
            Some(method) => Some(source.method(&place, layer, method)?),
            None => None,
        };
        layers.push(Dense {
            weights: crossbar.0,
            bias: crossbar.1,
            norm: crossbar.2,
            method,
            conv: layer.conv,
            residual: layer.residual,
        });
    }
    match source.unread.first() {
        Some(name) => Err(ModelError::invalid(file, name, "a tensor that the manifest does not announce; remove it")),
        None => Ok(layers),
    }
}

/// Weights, bias and batch norm.
type Parts = (Weights, Option<Vec<f64>>, Option<BatchNorm>);

struct Source<'a> {
    tensors: SafeTensors<'a>,
    file: &'a str,
    unread: BTreeSet<String>,
}

impl<'a> Source<'a> {
    fn fail<T>(&self, name: &str, what: String) -> Result<T, ModelError> {
        Err(ModelError::invalid(self.file, name, what))
    }

    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<TensorView<'a>, ModelError> {
        let Ok(tensor) = self.tensors.tensor(name) else {
            return self.fail(name, "the tensor is missing".into());
        };
        self.unread.remove(name);
        if tensor.shape() != shape {
            return self.fail(name, format!("shape {:?}; the manifest says {shape:?}", tensor.shape()));
        }
        Ok(tensor)
    }

    /// Weights, bias and batch norm, as far as the layer has them.
    fn crossbar(&mut self, place: &str, layer: &Layer, eps: Option<f64>) -> Result<Parts, ModelError> {
        let mut vector = |field: &str| self.vector(&format!("{place}.{field}"), layer.outputs);
        let norm = match eps {
            Some(eps) => Some(BatchNorm {
                gamma: vector("gamma")?,
                beta: vector("beta")?,
                mean: vector("mean")?,
                var: vector("var")?,
                eps,
            }),
            None => None,
        };
        let bias = if layer.bias { Some(vector("bias")?) } else { None };
        let weights = self.weights(&format!("{place}.weight"), layer.outputs, layer.inputs, layer.weight_planes)?;
        Ok((weights, bias, norm))
    }

    fn method(&mut self, place: &str, layer: &Layer, method: &manifest::Method) -> Result<Method, ModelError> {
        let mut vector = |field: &str| self.vector(&format!("{place}.{field}"), layer.outputs);
        Ok(match *method {
            manifest::Method::Spindrop { p, place } => Method::Spindrop(Dropout { p, place }),
            manifest::Method::SpatialSpindrop { p, place } => Method::SpatialSpindrop(Dropout { p, place }),
            manifest::Method::Scale { p } => Method::Scale(ScaleDropout { p, alpha: vector("scale.alpha")? }),
            manifest::Method::Affine { p, drops, groups } => {
                let (gamma, beta) = (vector("affine.gamma")?, vector("affine.beta")?);
                Method::Affine(Affine { p, drops, groups, gamma, beta })
            }
            manifest::Method::Subset { bits } => {
                Method::Subset(Subset { bits, mu: vector("subset.mu")?, sigma: vector("subset.sigma")? })
            }
            manifest::Method::Spinbayes { crossbars } => {
                let Some(eps) = layer.norm.as_ref().map(|norm| norm.eps) else {
                    return self.fail(place, "SpinBayes needs batch norm, and the manifest says none".into());
                };
                let mut others = Vec::with_capacity(crossbars - 1);
                for n in 1..crossbars {
                    let (weights, bias, norm) = self.crossbar(&format!("{place}.crossbars.{n}"), layer, Some(eps))?;
                    // With an eps there is a batch norm.
                    others.extend(norm.map(|norm| Crossbar { weights, bias, norm }));
                }
                Method::Spinbayes(Crossbars { others })
            }
        })
    }

    fn weights(&mut self, name: &str, rows: usize, cols: usize, planes: usize) -> Result<Weights, ModelError> {
        let tensor = self.tensor(name, &[rows, cols])?;
        if tensor.dtype() != Dtype::I8 {
            return self.fail(name, format!("{:?} values; weights are I8", tensor.dtype()));
        }
        let data = tensor.data();
        let most = (1i32 << planes) - 1;
        let value = |at: usize| i32::from(data[at] as i8);
        if let Some(at) = (0..data.len()).find(|&at| value(at) % 2 == 0 || value(at).abs() > most) {
            let (o, i, w) = (at / cols, at % cols, value(at));
            let allowed = match planes {
                1 => "a weight is 1 or -1".into(),
                _ => format!("with {planes} planes a weight is odd, -{most} to {most}"),
            };
            return self.fail(name, format!("output {o}, input {i}: weight {w}; {allowed}"));
        }
        Ok(Weights::from_values(planes, rows, cols, |o, i| value(o * cols + i)))
    }

    fn vector(&mut self, name: &str, len: usize) -> Result<Vec<f64>, ModelError> {
        let tensor = self.tensor(name, &[len])?;
        let data = tensor.data();
        match tensor.dtype() {
            Dtype::F64 => Ok(data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()),
            Dtype::F32 => Ok(data.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect()),
            other => self.fail(name, format!("{other:?} values; use F64 or F32")),
        }
    }
}
