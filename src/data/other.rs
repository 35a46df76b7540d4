//! Data that a network was not trained on, to be told from its own.

use super::noise::{gaussian, uniform};
use super::rotate::rotated;
use super::{DataError, Dataset, NAMES, Split, encode_bytes, load, npy};
use crate::model::InputSpec;
use crate::net::Images;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Steps of `rotate`, in degrees: 15, 30, …, 180.
const STEP: u32 = 15;

/// A kind of other data, as it is named: `uniform`, `gaussian`, `rotate:90`, a known set or a .npy file.
#[derive(Clone, Debug, PartialEq)]
pub enum Other {
    /// [`uniform`] noise.
    Uniform,
    /// [`gaussian`] noise.
    Gaussian,
    /// The images themselves, turned by so many degrees.
    Rotated(f64),
    /// The test images of one of [`NAMES`].
    Set(&'static str),
    /// Input values of any source.
    File(PathBuf),
}

impl Other {
    /// What a name means; `rotate` means a turn in steps of 15° up to 180°.
    pub fn named(name: &str) -> Result<Vec<Other>, DataError> {
        if name == "rotate" {
            return Ok((1..=180 / STEP).map(|n| Other::Rotated(f64::from(n * STEP))).collect());
        }
        name.parse().map(|one| vec![one])
    }

    /// All that can be compared with the images of `dataset`: known sets of the same size, noise, and turns.
    pub fn all(dataset: &Dataset) -> Vec<Other> {
        let same_size = |name: &&&str| **name != dataset.name && super::pixels(name) == Some(dataset.pixels());
        let mut all: Vec<Other> = NAMES.iter().filter(same_size).map(|&name| Other::Set(name)).collect();
        all.extend([Other::Uniform, Other::Gaussian]);
        all.extend((1..=180 / STEP).map(|n| Other::Rotated(f64::from(n * STEP))));
        all
    }

    /// The data as a model that reads `spec` reads it. Noise and turned images are as many as those of `dataset`; the seed
    /// is that of noise.
    pub fn images(&self, dataset: &Dataset, spec: &InputSpec, seed: u64) -> Result<Images, DataError> {
        let bytes = match self {
            Other::Uniform => uniform(dataset, seed),
            Other::Gaussian => gaussian(dataset, seed),
            Other::Rotated(degrees) => rotated(dataset, *degrees),
            Other::Set(name) => return super::encode(&load(name, Split::Test)?, spec),
            Other::File(path) => return npy::read_inputs(path, &spec.input()),
        };
        encode_bytes(&dataset.name, dataset.pixels(), &bytes, spec)
    }
}

impl FromStr for Other {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Other, DataError> {
        if let Some(&known) = NAMES.iter().find(|known| **known == name) {
            return Ok(Other::Set(known));
        }
        if name.ends_with(".npy") {
            return Ok(Other::File(name.into()));
        }
        match name.split_once(':') {
            None if name == "uniform" => Ok(Other::Uniform),
            None if name == "gaussian" => Ok(Other::Gaussian),
            Some(("rotate", degrees)) => match degrees.parse() {
                Ok(degrees) if f64::is_finite(degrees) => Ok(Other::Rotated(degrees)),
                _ => Err(DataError::Degrees { name: name.into() }),
            },
            _ => Err(DataError::UnknownOther { name: name.into() }),
        }
    }
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Other::Uniform => f.write_str("uniform"),
            Other::Gaussian => f.write_str("gaussian"),
            Other::Rotated(degrees) => write!(f, "rotate:{degrees}"),
            Other::Set(name) => f.write_str(name),
            Other::File(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Encoding;

    fn digits() -> (Dataset, InputSpec) {
        let set = load("digits", Split::Test).unwrap();
        let encoding = Encoding::Shift { right: 0 };
        (set, InputSpec { features: 64, bits: 4, signed: false, dataset: "digits".into(), encoding, dropout: None })
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in ["uniform", "gaussian", "rotate:90", "rotate:22.5", "rotate:-7", "fashion-mnist", "other/x.npy"] {
            assert_eq!(name.parse::<Other>().unwrap().to_string(), name);
        }
        let turns = Other::named("rotate").unwrap();
        assert_eq!((turns.len(), &turns[0], &turns[11]), (12, &Other::Rotated(15.0), &Other::Rotated(180.0)));
        for (name, said) in
            [("cats", "uniform, gaussian, rotate"), ("rotate:up", "rotate:90"), ("rotate:inf", "degrees")]
        {
            let error = Other::named(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(said), "{error}");
        }
    }

    #[test]
    fn sets_of_another_size_are_no_choice_and_an_error_if_named() {
        let (set, spec) = digits();
        assert!(!Other::all(&set).iter().any(|other| matches!(other, Other::Set(_))));
        let spec = InputSpec { features: 63, ..spec };
        for other in [Other::Set("digits"), Other::Uniform] {
            let error = other.images(&set, &spec, 1).unwrap_err().to_string();
            assert!(error.contains("images of 64 pixels, but the model reads 63 features"), "{error}");
        }
        let mut mnist = set;
        (mnist.name, mnist.width, mnist.height) = ("mnist".into(), 28, 28);
        assert_eq!(Other::all(&mnist)[0], Other::Set("fashion-mnist"));
        assert_eq!(Other::all(&mnist).len(), 1 + 2 + 12);
    }

    #[test]
    fn all_kinds_are_encoded_as_the_model_reads_them() {
        let (set, spec) = digits();
        for other in Other::all(&set) {
            let images = other.images(&set, &spec, 1).unwrap();
            assert_eq!(images.len(), 500, "{other}");
        }
        let own = super::super::encode(&set, &spec).unwrap();
        assert_eq!(Other::Rotated(360.0).images(&set, &spec, 1).unwrap(), own);
        assert_ne!(Other::Rotated(15.0).images(&set, &spec, 1).unwrap(), own);
    }
}
