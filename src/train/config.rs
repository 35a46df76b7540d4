//! What a training run is told, and the command line that tells it.

use super::TrainError;
use super::method::{Kind, MOST_CROSSBARS, Methods};
use crate::model::is_name;
use crate::net::{Drops, ONE_BIT_INPUTS_ALONE, Place};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Everything that decides the result of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// One of [`crate::data::NAMES`].
    pub dataset: String,
    /// From the input features to the classes.
    pub layers: Topology,
    /// 1 to 8; 1 bit means ±1.
    pub input_bits: u32,
    /// Inputs less half their range; only with 2 bits or more.
    pub signed: bool,
    /// Probability of dropping an input, above 0 and below 1; only with 1-bit inputs.
    pub input_dropout: Option<f64>,
    /// What is random in the hidden layers.
    pub methods: Methods,
    /// Probability of dropping, below 1; of the methods that drop.
    pub dropout: Option<f64>,
    /// Where SpinDrop stands; after the sign unless told otherwise.
    pub dropout_place: Option<Place>,
    /// Deviation of the probability from batch to batch, as of a unit that varies; of Scale-Dropout.
    pub p_spread: Option<f64>,
    /// What a draw of affine dropout decides.
    pub drops: Option<Drops>,
    /// Groups of inverted normalization.
    pub norm_groups: Option<usize>,
    /// Random bits of a Gaussian draw, even, 2 to 16; of sub-set inference.
    pub gaussian_bits: Option<u32>,
    /// Of a layer with SpinBayes.
    pub crossbars: Option<usize>,
    /// Levels of a cell in layers with SpinBayes: a power of two, 2 to 128.
    pub levels: Option<u32>,
    /// Of the output layer: 1, or with SpinBayes more.
    pub output_crossbars: usize,
    pub epochs: u32,
    /// Images a step.
    pub batch: usize,
    /// Of Adam, at the first step; falls to 0 along a cosine.
    pub learning_rate: f64,
    /// Each training image is moved by up to this many pixels, in both directions; 0 moves none.
    pub shift: usize,
    /// Synthetic outliers beside each batch, as a share of its images; 0 is none.
    pub outliers: f64,
    /// Of initial weights, order of images, shifts, outliers and masks; also the seed of the model's draws at inference.
    pub seed: u64,
    /// Monte-Carlo passes by which the best epoch is chosen, and the model's default.
    pub passes: u32,
    /// Name of the model.
    pub name: String,
    /// Directory of the model.
    pub out: PathBuf,
}

impl Default for TrainConfig {
    /// The bundled digits network.
    fn default() -> Self {
        TrainConfig {
            dataset: "digits".into(),
            layers: Topology(vec![64, 256, 64, 10]),
            input_bits: 4,
            signed: false,
            input_dropout: None,
            methods: Methods(vec![Kind::Spindrop]),
            dropout: None,
            dropout_place: None,
            p_spread: None,
            drops: None,
            norm_groups: None,
            gaussian_bits: None,
            crossbars: None,
            levels: None,
            output_crossbars: 1,
            epochs: 100,
            batch: 64,
            learning_rate: 1e-2,
            shift: 0,
            outliers: 0.0,
            seed: 2,
            passes: 16,
            name: "digits-spindrop".into(),
            out: "models/digits-spindrop".into(),
        }
    }
}

impl TrainConfig {
    /// The command that makes the same model.
    pub fn command_line(&self) -> String {
        let mut line = format!(
            "neuspin train --dataset {} --layers {} --input-bits {}",
            self.dataset, self.layers, self.input_bits
        );
        if self.signed {
            line += " --signed";
        }
        if let Some(p) = self.input_dropout {
            line += &format!(" --input-dropout {p}");
        }
        line += &self.method_options();
        if let Some(levels) = self.levels {
            line += &format!(" --levels {levels}");
        }
        if self.output_crossbars > 1 {
            line += &format!(" --output-crossbars {}", self.output_crossbars);
        }
        line += &format!(
            " --epochs {} --batch {} --learning-rate {} --shift {}",
            self.epochs, self.batch, self.learning_rate, self.shift
        );
        if self.outliers > 0.0 {
            line += &format!(" --outliers {}", self.outliers);
        }
        line += &format!(
            " --seed {} --passes {} --name {} --out {}",
            self.seed,
            self.passes,
            self.name,
            self.out.display()
        );
        line
    }

    /// Outliers beside each batch.
    pub fn outlier_rows(&self) -> usize {
        (self.outliers * self.batch as f64).round() as usize
    }

    /// Checks all that the data set does not decide.
    pub fn check(&self) -> Result<(), TrainError> {
        let fail = |option, what: String| Err(TrainError::Config { option, what });
        let layers = &self.layers.0;
        if layers.len() < 3 || layers.contains(&0) {
            return fail("layers", format!("`{}`; give inputs, hidden layers and classes: 784-256-10", self.layers));
        }
        if !(1..=8).contains(&self.input_bits) {
            return fail("input-bits", format!("{}; 1 to 8 are supported", self.input_bits));
        }
        if self.signed && self.input_bits == 1 {
            return fail("signed", "1-bit inputs are ±1; use --input-bits 2 or more".into());
        }
        if let Some(p) = self.input_dropout {
            if !(p > 0.0 && p < 1.0) {
                return fail("input-dropout", format!("{p}; a probability above 0 and below 1"));
            }
            if self.input_bits > 1 {
                return fail("input-dropout", format!("inputs of {} bits; {ONE_BIT_INPUTS_ALONE}", self.input_bits));
            }
        }
        self.layer_methods()?;
        if !(1..=MOST_CROSSBARS).contains(&self.output_crossbars) {
            let what = format!("{}; 1, or with SpinBayes 2 to {MOST_CROSSBARS}", self.output_crossbars);
            return fail("output-crossbars", what);
        }
        if self.epochs == 0 {
            return fail("epochs", "0; at least 1".into());
        }
        if self.batch < 2 {
            return fail("batch", format!("{}; batch norm needs at least 2 images", self.batch));
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return fail("learning-rate", format!("{}; it must be above 0", self.learning_rate));
        }
        if !(0.0..=1.0).contains(&self.outliers) {
            return fail("outliers", format!("{}; a share from 0 to 1", self.outliers));
        }
        if self.passes == 0 {
            return fail("passes", "0; at least 1".into());
        }
        if !is_name(&self.name) {
            let what = format!("`{}`; use letters, digits, `-` and `_`, and start with a letter", self.name);
            return fail("name", what);
        }
        Ok(())
    }
}

/// Widths from the input features to the classes, written `784-256-256-10`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Topology(pub Vec<usize>);

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let widths: Vec<String> = self.0.iter().map(usize::to_string).collect();
        f.write_str(&widths.join("-"))
    }
}

impl FromStr for Topology {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let widths: Result<_, _> = text.split('-').map(str::parse).collect();
        widths.map(Topology).map_err(|_| format!("`{text}` is not a list of widths such as 784-256-256-10"))
    }
}

impl From<Topology> for String {
    fn from(topology: Topology) -> String {
        topology.to_string()
    }
}

impl TryFrom<String> for Topology {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
