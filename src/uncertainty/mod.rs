//! Predictions and their uncertainty, from the logits of Monte-Carlo passes (`docs/semantics.md` §6).
//!
//! Entropies and likelihoods are in nats.

mod prediction;
mod scores;

pub use prediction::Prediction;
pub use scores::{CALIBRATION_BINS, Scores, accuracy};

use thiserror::Error;

/// What scoring refuses.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ScoreError {
    #[error("nothing to score: 0 images")]
    Empty,
    #[error("{predictions} predictions, but {labels} labels; each image needs one of each")]
    Lengths { predictions: usize, labels: usize },
    #[error("label {label} of image {image}: the network has {classes} classes, so 0 to {}", classes - 1)]
    Label { image: usize, label: usize, classes: usize },
}
