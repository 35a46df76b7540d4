//! The tensors of a model as a safetensors file: `layers.N.weight`, `.bias`, `.gamma`, `.beta`, `.mean`, `.var`.

use super::manifest::{Layer, Manifest};
use super::{BatchNorm, Dense, Model, ModelError};
use crate::net::BitMatrix;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeSet;

/// Room for the header of a safetensors file: a name, a type and a shape a tensor.
const HEADER_BYTES_PER_LAYER: u64 = 4096;

/// No file that fits `manifest` is larger, so that a foreign one is refused before it is read.
pub(super) fn most_bytes(manifest: &Manifest) -> u64 {
    let of_layer = |l: &Layer| {
        let (inputs, outputs) = (l.inputs as u64, l.outputs as u64);
        inputs.saturating_mul(outputs).saturating_add(5 * 8 * outputs).saturating_add(HEADER_BYTES_PER_LAYER)
    };
    manifest.layers.iter().map(of_layer).fold(HEADER_BYTES_PER_LAYER, u64::saturating_add)
}

/// The same bytes for the same model.
pub(super) fn to_bytes(model: &Model) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let mut tensors = Vec::new();
    for (l, layer) in model.layers.iter().enumerate() {
        let (rows, cols) = (layer.outputs(), layer.inputs());
        let mut weights = Vec::with_capacity(rows * cols);
        for o in 0..rows {
            weights.extend((0..cols).map(|i| if layer.weights.get(o, i) { 1u8 } else { (-1i8) as u8 }));
        }
        tensors.push((format!("layers.{l}.weight"), Dtype::I8, vec![rows, cols], weights));
        let norm = &layer.norm;
        let vectors = [("gamma", &norm.gamma), ("beta", &norm.beta), ("mean", &norm.mean), ("var", &norm.var)];
        for (field, values) in vectors.into_iter().chain(layer.bias.as_ref().map(|b| ("bias", b))) {
            let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            tensors.push((format!("layers.{l}.{field}"), Dtype::F64, vec![rows], bytes));
        }
    }
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| Ok((name.clone(), TensorView::new(*dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    safetensors::serialize(views, None)
}

/// The layers that `manifest` announces, from the bytes of its tensor file. `file` names it in errors.
pub(super) fn from_bytes(manifest: &Manifest, bytes: &[u8], file: &str) -> Result<Vec<Dense>, ModelError> {
    let tensors =
        SafeTensors::deserialize(bytes).map_err(|source| ModelError::Tensors { file: file.into(), source })?;
    let mut source = Source { tensors, file, unread: BTreeSet::new() };
    source.unread = source.tensors.names().into_iter().map(String::from).collect();
    let mut layers = Vec::with_capacity(manifest.layers.len());
    for (l, layer) in manifest.layers.iter().enumerate() {
        let mut vector = |field: &str| source.vector(&format!("layers.{l}.{field}"), layer.outputs);
        let norm = BatchNorm {
            gamma: vector("gamma")?,
            beta: vector("beta")?,
            mean: vector("mean")?,
            var: vector("var")?,
            eps: layer.norm.eps,
        };
        let bias = if layer.bias { Some(vector("bias")?) } else { None };
        let weights = source.weights(&format!("layers.{l}.weight"), layer.outputs, layer.inputs)?;
        layers.push(Dense { weights, bias, norm, dropout: layer.dropout.as_ref().map(|d| d.p) });
    }
    match source.unread.first() {
        Some(name) => Err(ModelError::invalid(file, name, "a tensor that the manifest does not announce; remove it")),
        None => Ok(layers),
    }
}

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

    fn weights(&mut self, name: &str, rows: usize, cols: usize) -> Result<BitMatrix, ModelError> {
        let tensor = self.tensor(name, &[rows, cols])?;
        if tensor.dtype() != Dtype::I8 {
            return self.fail(name, format!("{:?} values; weights are I8", tensor.dtype()));
        }
        let data = tensor.data();
        if let Some(at) = data.iter().position(|&w| w != 1 && w != (-1i8) as u8) {
            let (o, i, w) = (at / cols, at % cols, data[at] as i8);
            return self.fail(name, format!("output {o}, input {i}: weight {w}; a weight is 1 or -1"));
        }
        Ok(BitMatrix::from_fn(rows, cols, |o, i| data[o * cols + i] == 1))
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
