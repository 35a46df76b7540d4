//! The stochastic method of a hidden layer, as trained (`docs/model-format.md`; what hardware makes of it is
//! `docs/semantics.md` §3).
//!
//! `a` is the layer's sum, and `y` that whose sign is the activation. Without a method,
//! `y = gamma·(a + bias − mean)/sqrt(var + eps) + beta`.

use super::BatchNorm;
use crate::net::{Drops, Place, Weights};

/// What is random in a hidden layer; vectors have one value an output.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// Each activation is dropped by itself (JETCAS 13(1), 2023).
    Spindrop(Dropout),
    /// Each feature map is dropped as a whole (arXiv 2306.10185). A map of a dense layer is one neuron, so that it computes
    /// what SpinDrop does.
    SpatialSpindrop(Dropout),
    /// The layer's scale vector is dropped as a whole (arXiv 2311.15816).
    Scale(ScaleDropout),
    /// Gains and biases are dropped, then the image's own mean and deviation normalise (arXiv 2401.12416).
    Affine(Affine),
    /// Each scale is Gaussian: Bayesian sub-set parameter inference (DATE 2023).
    Subset(Subset),
    /// One of several crossbars computes a pass: SpinBayes (ACM TECS 2023).
    Spinbayes(Crossbars),
}

/// Dropout of activations. Kept ones are not scaled by 1/(1 − p).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability of dropping.
    pub p: f64,
    /// After the sign a dropped activation is 0; before it, y is 0 and so its sign +1.
    pub place: Place,
}

/// `alpha·a` stands in place of `a`, and `a` itself where the scale vector is dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleDropout {
    /// Probability of dropping.
    pub p: f64,
    /// Above 0: the direction of a neuron must not depend on the draw.
    pub alpha: Vec<f64>,
}

/// `y = v − mean of v over the group`, with `v = gamma·a + beta`: gamma becomes 1 and beta 0 where dropped.
///
/// Inverted normalization also divides by the group's deviation; that does not change a sign, and is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// Probability of dropping.
    pub p: f64,
    pub drops: Drops,
    /// Runs of equally many outputs, at least 2 each.
    pub groups: usize,
    pub gamma: Vec<f64>,
    pub beta: Vec<f64>,
}

/// `(mu + sigma·ε)·a` stands in place of `a`, with `ε = (ones among `bits` random bits − bits/2)·2/sqrt(bits)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Subset {
    /// Even, 2 to 16.
    pub bits: u32,
    pub mu: Vec<f64>,
    /// At least 0.
    pub sigma: Vec<f64>,
}

/// The crossbars beside the first, which stands in the layer itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossbars {
    pub others: Vec<Crossbar>,
}

/// Weights, and the batch norm of their sums.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossbar {
    pub weights: Weights,
    /// As in the layer: all crossbars have one, or none.
    pub bias: Option<Vec<f64>>,
    /// With the layer's eps.
    pub norm: BatchNorm,
}

impl Method {
    /// SpinDrop after the sign.
    pub fn spindrop(p: f64) -> Method {
        Method::Spindrop(Dropout { p, place: Place::AfterSign })
    }

    /// Name in manifests and on command lines.
    pub fn name(&self) -> &'static str {
        match self {
            Method::Spindrop(_) => "spindrop",
            Method::SpatialSpindrop(_) => "spatial-spindrop",
            Method::Scale(_) => "scale",
            Method::Affine(_) => "affine",
            Method::Subset(_) => "subset",
            Method::Spinbayes(_) => "spinbayes",
        }
    }

    /// Probability of dropping, of the methods that have one.
    pub fn p(&self) -> Option<f64> {
        match self {
            Method::Spindrop(m) | Method::SpatialSpindrop(m) => Some(m.p),
            Method::Scale(m) => Some(m.p),
            Method::Affine(m) => Some(m.p),
            Method::Subset(_) | Method::Spinbayes(_) => None,
        }
    }
}
