//! Input values of a set of images, as the first layer reads them.

use super::{Input, NetError};

/// `len × features` input values: 0 or 1 for 1-bit inputs, else the integers of [`Input`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    features: usize,
    values: Vec<i16>,
}

impl Images {
    /// Takes values in image-major order and checks that every one is legal for `input`.
    pub fn new(input: &Input, values: Vec<i16>) -> Result<Images, NetError> {
        let fail = |what: String| Err(NetError::Images { what });
        if !values.len().is_multiple_of(input.features) {
            return fail(format!("{} values do not divide into images of {}", values.len(), input.features));
        }
        let (low, high) = input.range();
        if let Some(at) = values.iter().position(|v| !(low..=high).contains(v)) {
            let (image, feature) = (at / input.features, at % input.features);
            return fail(format!("image {image}, feature {feature}: value {} is outside {low} to {high}", values[at]));
        }
        Ok(Images { features: input.features, values })
    }

    pub fn len(&self) -> usize {
        self.values.len() / self.features
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn features(&self) -> usize {
        self.features
    }

    pub fn image(&self, n: usize) -> &[i16] {
        &self.values[n * self.features..(n + 1) * self.features]
    }

    /// The images `range` as a set of their own.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Images {
        let values = self.values[range.start * self.features..range.end * self.features].to_vec();
        Images { features: self.features, values }
    }
}
