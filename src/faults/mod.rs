//! What defects and variation of the cells do to a network: Monte-Carlo over dies.
//!
//! Each die is a copy of the network's crossbars with faults of its own. Faults of weights leave an integer network, which
//! the golden model executes; faults of conductances leave sums of reals, which [`Analog`] executes.

mod analog;
mod draws;
mod neurons;
mod program;
mod weights;

pub use analog::Analog;
pub use program::{Programmed, Programming, Verified, program};
pub use weights::faulty;

use crate::golden::{Golden, GoldenError};
use crate::net::{Images, NetError, Network};
use crate::random::SplitMix64;
use thiserror::Error;

/// What is wrong with the cells of a die. Whatever it is, `rate` is a number of 0 (nothing) to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A cell holds the other bit, with probability `rate`.
    Flips,
    /// A cell holds a fair coin's bit whatever was written, with probability `rate`.
    Stuck,
    /// Each cell adds (1 + rate·ε)·w·x in place of w·x, but never of the other sign; ε is normal, a number a cell.
    Conductance,
    /// All sums of a crossbar become gain·a + offset, with gain = 1 + rate·ε, not below 0, and offset = rate·√inputs·δ; ε
    /// and δ are normal, one of each a crossbar.
    Drift,
    /// The same with an ε and a δ of its own for each column (neuron).
    Columns,
}

#[derive(Debug, Error)]
pub enum FaultError {
    #[error(transparent)]
    Golden(#[from] GoldenError),
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("rate {rate}: a number of 0 (no fault) to 1")]
    Rate { rate: f64 },
    #[error("stuck cells: {0}")]
    Map(String),
    #[error("write error {rate}: a probability, 0 (every attempt succeeds) to 1")]
    WriteError { rate: f64 },
    #[error("{labels} labels for {images} images; each image needs one, and there must be some")]
    Labels { labels: usize, images: usize },
}

/// Where a Monte-Carlo run draws its dies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Die {
    pub fault: Fault,
    pub rate: f64,
    pub seed: u64,
    /// Number of the die. A die is the same at all rates but for the rate: a cell that flips at one flips at all above.
    pub number: u64,
}

impl Die {
    /// The generator for crossbar `crossbar`, counted over the network.
    fn random(&self, crossbar: usize) -> SplitMix64 {
        SplitMix64::nth(SplitMix64::nth(self.seed, self.number).word(), crossbar as u64)
    }

    /// Share of images that the die decides as labelled.
    pub fn accuracy(&self, network: &Network, images: &Images, labels: &[usize]) -> Result<f64, FaultError> {
        self.check(images, labels)?;
        let classes = match self.fault {
            Fault::Flips | Fault::Stuck => decisions(&faulty(network, self), images)?,
            Fault::Conductance | Fault::Drift | Fault::Columns => {
                Analog::new(network, self)?.run_with(images, network.passes, |class, _| class)?
            }
        };
        Ok(share_right(&classes, labels))
    }

    /// The same of a die whose stuck cells verification found, each crossbar with so many spare columns.
    pub fn accuracy_repaired(
        &self,
        network: &Network,
        spares: usize,
        images: &Images,
        labels: &[usize],
    ) -> Result<f64, FaultError> {
        self.check(images, labels)?;
        let programmed = program(network, &self.stuck_map(network, spares), &Programming::default())?;
        Ok(share_right(&decisions(&programmed.network, images)?, labels))
    }

    fn check(&self, images: &Images, labels: &[usize]) -> Result<(), FaultError> {
        if !(0.0..=1.0).contains(&self.rate) {
            return Err(FaultError::Rate { rate: self.rate });
        }
        if labels.len() != images.len() || labels.is_empty() {
            return Err(FaultError::Labels { labels: labels.len(), images: images.len() });
        }
        Ok(())
    }
}

/// The class that each image is decided as.
fn decisions(network: &Network, images: &Images) -> Result<Vec<usize>, FaultError> {
    Ok(Golden::new(network)?.run_with(images, 0, network.passes, |_, result, _| result.class)?)
}

fn share_right(classes: &[usize], labels: &[usize]) -> f64 {
    let right = classes.iter().zip(labels).filter(|(class, label)| class == label).count();
    right as f64 / labels.len() as f64
}
