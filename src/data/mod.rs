//! Sets of images: where they come from, how they are split, and how their bytes become input values.

mod digits;
mod idx;
mod noise;
pub mod npy;
mod other;
mod rotate;

pub use noise::{gaussian, uniform};
pub use other::Other;
pub use rotate::rotated;

use crate::model::{Encoding, InputSpec};
use crate::net::{Images, NetError};
use std::path::PathBuf;
use thiserror::Error;

/// Grey images of one size with their classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    pub name: String,
    pub width: usize,
    pub height: usize,
    /// Bits that a pixel takes: 8, or 4 for digits (whose pixels are 0 to 16, the top value being rare).
    pub depth: u32,
    /// `len × height × width` bytes, image by image, row by row.
    pub images: Vec<u8>,
    /// One class an image, 0 to 9.
    pub labels: Vec<u8>,
}

/// Which part of a set. No part shares an image with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// What weights are fitted to.
    Train,
    /// What the epoch and the temperature are chosen by.
    Validation,
    /// What accuracies are reported on; training never looks at it.
    Test,
}

/// The sets that [`load`] knows, by name.
pub const NAMES: [&str; 3] = ["digits", "mnist", "fashion-mnist"];
/// Classes of every known set.
pub const CLASSES: usize = 10;

/// Why a set or a file of values cannot be used.
#[derive(Debug, Error)]
pub enum DataError {
    #[error("data set `{name}`: not known; there are {}", NAMES.join(", "))]
    Unknown { name: String },
    #[error("other data `{name}`: not known; there are uniform, gaussian, rotate, rotate:DEGREES, {} and .npy files", NAMES.join(", "))]
    UnknownOther { name: String },
    #[error("other data `{name}`: give a turn in degrees, as in rotate:90")]
    Degrees { name: String },
    #[error("data set `{name}`: {file} is missing; `make data` fetches it")]
    Missing { name: &'static str, file: String },
    #[error("{file}: {source}")]
    Io { file: String, source: std::io::Error },
    #[error("{file}: {what}")]
    Invalid { file: String, what: String },
    #[error("data set `{name}`: images of {pixels} pixels, but the model reads {features} features")]
    Features { name: String, pixels: usize, features: usize },
    #[error(transparent)]
    Values(#[from] NetError),
}

/// Loads a part of the set called `name`.
///
/// * `digits` (embedded): 1097 training, 200 validation and 500 test images.
/// * `mnist` (from [`cache_dir`]): images 0 to 54,999 and 55,000 to 59,999 of its training file, and its test file of 10,000.
/// * `fashion-mnist` (from [`cache_dir`]): the first 55,000, the next 5,000 and the last 10,000 images.
pub fn load(name: &str, split: Split) -> Result<Dataset, DataError> {
    match name {
        "digits" => digits::load(split),
        "mnist" => idx::mnist(&cache_dir(), split),
        "fashion-mnist" => idx::fashion_mnist(&cache_dir(), split),
        _ => Err(DataError::Unknown { name: name.into() }),
    }
}

/// Pixels of an image of the set called `name`.
fn pixels(name: &str) -> Option<usize> {
    match name {
        "digits" => Some(digits::PIXELS),
        "mnist" | "fashion-mnist" => Some(idx::SIDE * idx::SIDE),
        _ => None,
    }
}

/// Where fetched sets lie: `$NEUSPIN_DATA`, or `data/cache` below the working directory.
pub fn cache_dir() -> PathBuf {
    std::env::var_os("NEUSPIN_DATA").filter(|v| !v.is_empty()).map_or_else(|| "data/cache".into(), PathBuf::from)
}

impl Dataset {
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Pixels of an image.
    pub fn pixels(&self) -> usize {
        self.width * self.height
    }

    pub fn image(&self, n: usize) -> &[u8] {
        &self.images[n * self.pixels()..(n + 1) * self.pixels()]
    }

    /// The first `count` images.
    #[must_use]
    pub fn first(&self, count: usize) -> Dataset {
        self.select(0..count.min(self.len()))
    }

    /// The images `indices`, in that order.
    fn select(&self, indices: impl Iterator<Item = usize>) -> Dataset {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for n in indices {
            images.extend_from_slice(self.image(n));
            labels.push(self.labels[n]);
        }
        Dataset { name: self.name.clone(), images, labels, ..*self }
    }

    /// How a model with inputs of `bits` bits reads this set: half of full scale as threshold, or the upper bits.
    pub fn encoding(&self, bits: u32) -> Encoding {
        match bits {
            1 => Encoding::Threshold { at: 1 << (self.depth - 1) },
            k => Encoding::Shift { right: self.depth.saturating_sub(k) },
        }
    }
}

/// The input values of `dataset` for a model that reads `spec`.
pub fn encode(dataset: &Dataset, spec: &InputSpec) -> Result<Images, DataError> {
    encode_bytes(&dataset.name, dataset.pixels(), &dataset.images, spec)
}

/// The same of images of `pixels` bytes that are called `name`.
fn encode_bytes(name: &str, pixels: usize, bytes: &[u8], spec: &InputSpec) -> Result<Images, DataError> {
    if pixels != spec.features {
        return Err(DataError::Features { name: name.into(), pixels, features: spec.features });
    }
    Ok(Images::new(&spec.input(), bytes.iter().map(|&v| value(v, spec)).collect())?)
}

/// The input value of one byte; see [`Encoding`].
pub(crate) fn value(byte: u8, spec: &InputSpec) -> i16 {
    match spec.encoding {
        Encoding::Threshold { at } => i16::from(byte >= at),
        Encoding::Shift { right } => {
            let most = (1i16 << spec.bits) - 1;
            let zero = if spec.signed { 1i16 << (spec.bits - 1) } else { 0 };
            i16::from(byte >> right).min(most) - zero
        }
    }
}
