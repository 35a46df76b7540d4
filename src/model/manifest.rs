//! The manifest `model.json`, field by field as it stands in the file.

use super::{Dense, InputSpec, Model, Training};
use serde::{Deserialize, Serialize};

/// Name of the manifest in a model's directory.
pub const MANIFEST: &str = "model.json";
/// First field of every manifest.
pub const FORMAT: &str = "neuspin-model";
/// The version that this program writes and reads.
pub const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub format: String,
    pub version: u32,
    pub name: String,
    pub description: String,
    pub command: String,
    pub training: Training,
    pub input: InputSpec,
    pub passes: u32,
    pub seed: u64,
    pub temperature: f64,
    pub layers: Vec<Layer>,
    pub tensors: TensorFile,
}

/// Read before all else, so that a later version is refused by its number and not by its new fields.
#[derive(Deserialize)]
pub(super) struct Heading {
    #[serde(default)]
    pub format: String,
    #[serde(default)]
    pub version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layer {
    pub kind: Kind,
    pub inputs: usize,
    pub outputs: usize,
    /// Whether a tensor `layers.N.bias` exists.
    pub bias: bool,
    pub norm: Norm,
    pub activation: Activation,
    pub dropout: Option<Drop>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Dense,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Activation {
    Sign,
    None,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Norm {
    pub kind: NormKind,
    pub eps: f64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum NormKind {
    Batch,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drop {
    pub method: Method,
    pub p: f64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Method {
    Spindrop,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TensorFile {
    /// A file in the same directory.
    pub file: String,
    /// Of the whole file, in lower-case hexadecimal.
    pub sha256: String,
}

impl Manifest {
    pub(super) fn new(model: &Model, tensors: TensorFile) -> Manifest {
        let last = model.layers.len().saturating_sub(1);
        let layers = model.layers.iter().enumerate().map(|(l, layer)| Layer::new(layer, l == last)).collect();
        Manifest {
            format: FORMAT.into(),
            version: VERSION,
            name: model.name.clone(),
            description: model.description.clone(),
            command: model.command.clone(),
            training: model.training.clone(),
            input: model.input.clone(),
            passes: model.passes,
            seed: model.seed,
            temperature: model.temperature,
            layers,
            tensors,
        }
    }
}

impl Layer {
    fn new(layer: &Dense, last: bool) -> Layer {
        Layer {
            kind: Kind::Dense,
            inputs: layer.inputs(),
            outputs: layer.outputs(),
            bias: layer.bias.is_some(),
            norm: Norm { kind: NormKind::Batch, eps: layer.norm.eps },
            activation: if last { Activation::None } else { Activation::Sign },
            dropout: layer.dropout.map(|p| Drop { method: Method::Spindrop, p }),
        }
    }
}
