//! From the float network to the integer network: batch norm and sign become an integer comparison, batch norm of the
//! logits becomes a fixed-point multiply-add (`docs/model-format.md`, "Lowering").

mod fixed;
mod hidden;
mod output;
mod threshold;

pub use fixed::decision_error;

use crate::model::{Model, ModelError};
use crate::net::{Input, NetError, Network, Random};
use thiserror::Error;

/// Why a checked model has no integer network.
#[derive(Debug, Error)]
pub enum LowerError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("model `{model}`, layer {layer}: {what}")]
    Layer { model: String, layer: usize, what: String },
    #[error("logits of {bits} bits; 2 to 32 are supported")]
    LogitBits { bits: u32 },
    #[error("model `{model}`: logits reach ±{largest:e}, which needs more than {bits} bits; use more bits")]
    Logits { model: String, largest: f64, bits: u32 },
}

/// Widths that the integer network has and the float network has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Width of a logit, sign included.
    pub logit_bits: u32,
    pub random: Random,
}

impl Default for Options {
    fn default() -> Self {
        Options { logit_bits: 18, random: Random::default() }
    }
}

/// Lowers with the default widths.
pub fn lower(model: &Model) -> Result<Network, LowerError> {
    lower_with(model, &Options::default())
}

/// The integer network that computes what `model` defines.
///
/// Hidden activations are equal for every sum that can occur, as the float definition evaluates in f64; with affine dropout and
/// sub-set inference they may differ within [`decision_error`] of a tie. Logits are within [`logit_error`] of the float logits.
/// Dropout probabilities are rounded to multiples of 2^−code_bits.
///
/// The network's name is the model's, with `_` for `-`.
pub fn lower_with(model: &Model, options: &Options) -> Result<Network, LowerError> {
    model.check()?;
    if !(2..=32).contains(&options.logit_bits) {
        return Err(LowerError::LogitBits { bits: options.logit_bits });
    }
    // The hidden layers alone first: the bounds of sums are the network's to say.
    let dropout = model.input.dropout.map(|p| fixed::code(p, options.random.code_bits));
    let mut network = Network {
        name: model.name.replace('-', "_"),
        input: Input { dropout, ..model.input.input() },
        hidden: Vec::with_capacity(model.layers.len()),
        output: output::empty(model, options),
        random: options.random,
        seed: model.seed,
        passes: model.passes,
        early_stop: None,
        chip: Default::default(),
    };
    let last = model.layers.len() - 1;
    for (l, layer) in model.layers[..last].iter().enumerate() {
        let hidden = hidden::of_layer(
            layer,
            network.sum_bound_of(l, layer.residual, &layer.weights, layer.conv),
            options.random.code_bits,
        )
        .map_err(|what| LowerError::Layer { model: model.name.clone(), layer: l, what })?;
        network.hidden.push(hidden);
    }
    network.output = output::of_layer(model, options, network.sum_bound(last))?;
    network.check()?;
    Ok(network)
}

/// Largest difference between a logit of `network`, divided by 2^frac_bits, and the float logit under the same masks.
///
/// Half a unit from rounding the result, half a unit of the product from rounding scale and offset each:
/// `(1/2 + (bound/2 + 1)/2^shift) / 2^frac_bits`, with `bound` the largest sum of the output layer.
pub fn logit_error(network: &Network) -> f64 {
    let bound = network.sum_bound(network.hidden.len()) as f64;
    let out = &network.output;
    (0.5 + (bound / 2.0 + 1.0) / 2f64.powi(out.shift as i32)) / 2f64.powi(out.frac_bits as i32)
}
