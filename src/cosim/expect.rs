//! What a design must give, in the terms of `docs/semantics.md`.

use crate::golden::{Golden, GoldenError, HiddenTrace, ImageResult, Uncertainty};
use crate::net::Images;

/// Where expected values come from: the golden model, or a test's corrupted copy of it.
pub trait Reference {
    /// What is expected of every image, the first of them being image 0 of the streams.
    fn results(&self, images: &Images, passes: u32) -> Result<Vec<Expected>, GoldenError>;

    /// The hidden layers in one pass of an image, number `n` of the streams.
    fn trace(&self, image: &[i16], n: u64, pass: u32) -> Result<Vec<HiddenTrace>, GoldenError>;
}

/// Everything that comes out of a design for one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub result: ImageResult,
    /// Passes × classes.
    pub logits: Vec<i32>,
    /// Looked at where the design computes it.
    pub uncertainty: Uncertainty,
}

impl Reference for Golden {
    fn results(&self, images: &Images, passes: u32) -> Result<Vec<Expected>, GoldenError> {
        self.run_with(images, 0, passes, |_, result, logits| {
            let uncertainty = self.softmax().uncertainty(logits);
            Expected { result, logits: logits.to_vec(), uncertainty }
        })
    }

    fn trace(&self, image: &[i16], n: u64, pass: u32) -> Result<Vec<HiddenTrace>, GoldenError> {
        Golden::trace(self, image, n, pass).map(|trace| trace.hidden)
    }
}
