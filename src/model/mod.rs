//! Trained networks in floating point, as a trainer exports them, and their files (`docs/model-format.md`).
//!
//! A model is a directory with a JSON manifest `model.json` and one safetensors file.

mod check;
mod error;
mod forward;
mod manifest;
mod method;
mod read;
mod tensors;
mod write;

pub use check::is_name;
pub use error::ModelError;
pub use forward::{Draw, Forward, before_sign, forward};
pub use manifest::{FORMAT, MANIFEST, VERSION};
pub use method::{Affine, Crossbar, Crossbars, Dropout, Method, ScaleDropout, Subset};

use crate::net::{Conv, Input, Weights};
use serde::{Deserialize, Serialize};

/// A binary network of dense layers and convolutions, with a stochastic method a hidden layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Letters, digits, `-` and `_`, starting with a letter.
    pub name: String,
    pub description: String,
    /// The command line that made the model.
    pub command: String,
    /// None where another tool trained it.
    pub training: Option<Training>,
    pub input: InputSpec,
    /// Monte-Carlo passes per image unless a command says otherwise.
    pub passes: u32,
    /// Seed of all draws at inference.
    pub seed: u64,
    /// Divides the logits before softmax; fitted on validation images.
    pub temperature: f64,
    /// In network order; the last one is dense and gives the logits.
    pub layers: Vec<Dense>,
}

/// How the model was trained. Nothing here takes part in the arithmetic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Seed of initial weights, order of images, shifts and masks.
    pub seed: u64,
    pub epochs: u32,
    /// The epoch whose weights were kept, counted from 1.
    pub best_epoch: u32,
    /// Share of validation images classified correctly by the mean of `passes` passes, 0 to 1.
    pub validation_accuracy: f64,
}

/// What the first layer reads, and how it is made from the bytes of a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    pub features: usize,
    /// Bits of one input value, 1 to 8; 1 bit means ±1.
    pub bits: u32,
    /// Two's complement; only with 2 bits or more.
    pub signed: bool,
    /// Name of the data set that the model was trained on.
    pub dataset: String,
    pub encoding: Encoding,
    /// Probability of dropping an input, by SpinDrop; only with 1 bit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
}

impl InputSpec {
    /// The same values as the integer network describes them, none of them dropped.
    pub fn input(&self) -> Input {
        Input { features: self.features, bits: self.bits, signed: self.signed, dropout: None }
    }
}

/// From a byte `v` of a data set to an input value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "lowercase", deny_unknown_fields)]
pub enum Encoding {
    /// 1 bit: +1 where `v >= at`, else −1.
    Threshold { at: u8 },
    /// k bits: `min(v >> right, 2^k − 1)`, less `2^(k−1)` if signed.
    Shift { right: u32 },
}

/// A layer with binary weights, batch norm, and a sign unless it is the last layer: dense, or a convolution, which is the same at
/// every position of a map.
///
/// `a = Σ w·x`, after pooling of sums where the convolution pools them, `y = gamma·(a + bias − mean)/sqrt(var + eps) + beta`; hidden layers give `sign(y)` with `sign(0) = +1`.
/// [`Method`] says what a method makes of that.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// One row an output, one column an input, in a convolution (ky, kx, channel); 1 means +1, 0 means −1.
    pub weights: Weights,
    /// One an output, or none.
    pub bias: Option<Vec<f64>>,
    /// None exactly where the method is affine dropout, which normalises by the image's own values.
    pub norm: Option<BatchNorm>,
    /// What is random, if anything; in the last layer SpinBayes or nothing.
    pub method: Option<Method>,
    /// How a convolution reads its inputs; none in a dense layer.
    pub conv: Option<Conv>,
    /// The hidden layer before this one whose sums are added to this layer's own: those that it normalises.
    pub residual: Option<usize>,
}

/// Batch norm with frozen statistics; every vector has one value an output.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    pub gamma: Vec<f64>,
    pub beta: Vec<f64>,
    pub mean: Vec<f64>,
    /// Above 0.
    pub var: Vec<f64>,
    pub eps: f64,
}

impl Dense {
    /// Inputs of a neuron.
    pub fn inputs(&self) -> usize {
        self.weights.cols()
    }

    /// Neurons: of a convolution the channels of its map.
    pub fn outputs(&self) -> usize {
        self.weights.rows()
    }

    /// Activations of a hidden layer: neurons times positions.
    pub fn size(&self) -> usize {
        let (rows, cols) = self.conv.map_or((1, 1), |conv| conv.positions());
        rows * cols * self.outputs()
    }
}

impl Model {
    /// Number of values per layer, inputs first: `784-256-10` for one hidden layer. A convolution has its channels and its kernel,
    /// and what pools it: `784-16c5p2-10`; a layer that adds the sums of layer 0 ends in `+0`.
    pub fn topology(&self) -> String {
        let layers = self.layers.iter().map(|layer| {
            let kernel = layer.conv.map_or(String::new(), |conv| conv.in_short());
            let residual = layer.residual.map_or(String::new(), |from| format!("+{from}"));
            format!("{}{kernel}{residual}", layer.outputs())
        });
        std::iter::once(self.input.features.to_string()).chain(layers).collect::<Vec<_>>().join("-")
    }
}
