//! Predictions and their uncertainty, from the logits of Monte-Carlo passes (`docs/semantics.md` §6): how good they are on
//! labelled images, and how well they tell other data apart.
//!
//! Entropies and likelihoods are in nats.

mod chip;
mod detection;
mod entropy_threshold;
mod interval;
mod outlier_score;
mod prediction;
mod reliability;
mod scores;
mod threshold;

pub use detection::Detection;
pub use entropy_threshold::{class_entropy_thresholds, entropy_threshold};
pub use interval::{CONFIDENCE, Interval, RESAMPLES, bootstrap, wilson};
pub use outlier_score::OutlierScore;
pub use prediction::Prediction;
pub use reliability::{Bin, CALIBRATION_BINS, Reliability};
pub use scores::{Scores, accuracy};
pub use threshold::{Rule, Scored, Threshold};

use thiserror::Error;

/// What scoring refuses.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ScoreError {
    #[error("nothing to score: 0 images")]
    Empty,
    #[error("{predictions} predictions, but {labels} labels; each image needs one of each")]
    Lengths { predictions: usize, labels: usize },
    #[error("label {label} of image {image}: the network has {classes} classes, so 0 to {}", classes - 1)]
    Label { image: usize, label: usize, classes: usize },
    #[error("acceptance {acceptance}: a share above 0 and at most 1")]
    Acceptance { acceptance: f64 },
}
