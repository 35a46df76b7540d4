//! What a design computes of an image's uncertainty (`docs/semantics.md` §7), part by part.

use serde::{Deserialize, Serialize};

/// Parts beside the summed probability of every class, which there always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uncertainty {
    /// Sums of squared probabilities, for variances.
    pub squares: bool,
    /// Predictive entropy.
    pub entropy: bool,
    /// Mutual information.
    pub information: bool,
    /// The out-of-distribution flag.
    pub flag: Option<Flag>,
}

/// What the entropy is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// One threshold.
    One,
    /// The threshold of the decided class.
    ByClass,
}

impl Uncertainty {
    /// Everything there is.
    pub const ALL: Uncertainty =
        Uncertainty { squares: true, entropy: true, information: true, flag: Some(Flag::ByClass) };

    /// Whether the entropy is computed, shown or not.
    pub fn needs_entropy(&self) -> bool {
        self.entropy || self.information || self.flag.is_some()
    }

    /// Thresholds that the flag needs.
    pub fn thresholds(&self, classes: usize) -> usize {
        match self.flag {
            None => 0,
            Some(Flag::One) => 1,
            Some(Flag::ByClass) => classes,
        }
    }
}
