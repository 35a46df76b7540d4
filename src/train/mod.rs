//! The trainer of binary fully connected networks with a stochastic method a layer (`docs/training.md`); cargo feature `train`.
//!
//! Latent weights with a straight-through sign, batch norm before every sign and on the logits, and each layer's draws as at
//! inference, one a sample: what inference does, trained through.

mod adam;
mod batches;
mod calibrate;
mod config;
mod fit;
mod method;
mod network;
mod norm;
mod outliers;
mod patches;
mod sign;
mod stochastic;
mod threads;

pub use config::{Kernel, Shape, Topology, TrainConfig};
pub use fit::train;
pub use method::{Kind, LayerMethod, Methods};
pub use threads::restart_on_one_thread;

use crate::data::DataError;
use crate::golden::GoldenError;
use crate::lower::LowerError;
use thiserror::Error;

/// Why a training run could not start or finish.
#[derive(Debug, Error)]
pub enum TrainError {
    #[error("--{option}: {what}")]
    Config { option: &'static str, what: String },
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Lower(#[from] LowerError),
    #[error(transparent)]
    Golden(#[from] GoldenError),
    #[error("training: {0}")]
    Candle(#[from] candle_core::Error),
    #[error("training: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("training: the loss is {loss} in epoch {epoch}; use a smaller --learning-rate")]
    Diverged { epoch: u32, loss: f32 },
}
