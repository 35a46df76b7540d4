//! The manifest `model.json`, field by field as it stands in the file.

use super::{Dense, InputSpec, Model, Training, method};
use crate::net::{Conv, Drops, Place};
use serde::{Deserialize, Serialize};

/// Name of the manifest in a model's directory.
pub const MANIFEST: &str = "model.json";
/// First field of every manifest.
pub const FORMAT: &str = "neuspin-model";
/// The highest version that this program knows. It reads all from 1 on, and writes the lowest that says all of a model, 2 at
/// least: version 1 knows SpinDrop alone.
pub const VERSION: u32 = 3;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest<L = Layer> {
    pub format: String,
    pub version: u32,
    pub name: String,
    pub description: String,
    pub command: String,
    /// Left out, in version 3, where another tool trained the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    pub input: InputSpec,
    pub passes: u32,
    pub seed: u64,
    pub temperature: f64,
    pub layers: Vec<L>,
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
    /// Of a neuron: of a convolution those that its kernel covers.
    pub inputs: usize,
    /// Neurons: of a convolution the channels of its map.
    pub outputs: usize,
    /// There exactly where the kind is `conv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conv: Option<Conv>,
    /// The hidden layer before this one whose sums are added, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual: Option<usize>,
    /// Whether a tensor `layers.N.bias` exists.
    pub bias: bool,
    /// None exactly where the method is affine.
    pub norm: Option<Norm>,
    pub activation: Activation,
    pub method: Option<Method>,
    /// Bit planes of a weight.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight_planes: usize,
}

fn one() -> usize {
    1
}

fn is_one(planes: &usize) -> bool {
    *planes == 1
}

/// A layer of version 1.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LayerV1 {
    kind: Kind,
    inputs: usize,
    outputs: usize,
    bias: bool,
    norm: Norm,
    activation: Activation,
    dropout: Option<Drop>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Dense,
    Conv,
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

/// Vectors and weights are in the tensor file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Method {
    Spindrop { p: f64, place: Place },
    SpatialSpindrop { p: f64, place: Place },
    Scale { p: f64 },
    Affine { p: f64, drops: Drops, groups: usize },
    Subset { bits: u32 },
    Spinbayes { crossbars: usize },
}

/// Dropout of version 1.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drop {
    #[serde(rename = "method")]
    _method: DropMethod,
    p: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum DropMethod {
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
        let mut manifest = Manifest {
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
        };
        manifest.version = manifest.needs().map_or(2, |(version, _)| version);
        manifest
    }

    /// A version above 2 without which the manifest could not say what it says, and the field for it.
    pub(super) fn needs(&self) -> Option<(u32, &'static str)> {
        let output = || self.layers.last().is_some_and(|layer| layer.crossbars() > 1);
        let dropout = self.input.dropout.map(|_| (3, "input.dropout"));
        let several = self.layers.iter().any(|layer| layer.weight_planes != 1);
        let planes = several.then_some((3, "weight_planes"));
        let conv = self.layers.iter().any(|layer| layer.kind == Kind::Conv || layer.conv.is_some());
        let conv = conv.then_some((3, "a convolution"));
        let residual = self.layers.iter().any(|layer| layer.residual.is_some()).then_some((3, "a residual"));
        let training = self.training.is_none().then_some((3, "training (left out)"));
        dropout
            .or(planes)
            .or(conv)
            .or(residual)
            .or(training)
            .or_else(|| output().then_some((3, "the last layer's method")))
    }
}

impl Layer {
    fn new(layer: &Dense, last: bool) -> Layer {
        Layer {
            kind: if layer.conv.is_some() { Kind::Conv } else { Kind::Dense },
            inputs: layer.inputs(),
            outputs: layer.outputs(),
            conv: layer.conv,
            residual: layer.residual,
            bias: layer.bias.is_some(),
            norm: layer.norm.as_ref().map(|norm| Norm { kind: NormKind::Batch, eps: norm.eps }),
            activation: if last { Activation::None } else { Activation::Sign },
            method: layer.method.as_ref().map(Method::new),
            weight_planes: layer.weights.planes().len(),
        }
    }

    /// Crossbars of the layer: 1 unless its method is SpinBayes.
    pub(super) fn crossbars(&self) -> usize {
        match self.method {
            Some(Method::Spinbayes { crossbars }) => crossbars,
            _ => 1,
        }
    }
}

impl Method {
    fn new(of: &method::Method) -> Method {
        match of {
            method::Method::Spindrop(m) => Method::Spindrop { p: m.p, place: m.place },
            method::Method::SpatialSpindrop(m) => Method::SpatialSpindrop { p: m.p, place: m.place },
            method::Method::Scale(m) => Method::Scale { p: m.p },
            method::Method::Affine(m) => Method::Affine { p: m.p, drops: m.drops, groups: m.groups },
            method::Method::Subset(m) => Method::Subset { bits: m.bits },
            method::Method::Spinbayes(m) => Method::Spinbayes { crossbars: 1 + m.others.len() },
        }
    }
}

impl From<Manifest<LayerV1>> for Manifest {
    fn from(old: Manifest<LayerV1>) -> Manifest {
        let Manifest { format, name, description, command, training, input, .. } = old;
        let Manifest { passes, seed, temperature, layers, tensors, .. } = old;
        let layers = layers.into_iter().map(Layer::from).collect();
        let version = 1;
        Manifest {
            format,
            version,
            name,
            description,
            command,
            training,
            input,
            passes,
            seed,
            temperature,
            layers,
            tensors,
        }
    }
}

impl From<LayerV1> for Layer {
    fn from(old: LayerV1) -> Layer {
        let LayerV1 { kind, inputs, outputs, bias, norm, activation, dropout } = old;
        let method = dropout.map(|d| Method::Spindrop { p: d.p, place: Place::AfterSign });
        Layer {
            kind,
            inputs,
            outputs,
            conv: None,
            residual: None,
            bias,
            norm: Some(norm),
            activation,
            method,
            weight_planes: 1,
        }
    }
}
