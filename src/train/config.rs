//! What a training run is told, and the command line that tells it.

use super::TrainError;
use super::method::{Kind, MOST_CROSSBARS, Methods};
use crate::model::is_name;
use crate::net::{Conv, Drops, Map, ONE_BIT_INPUTS_ALONE, Pad, Place, Pool, PoolKind};
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
            layers: Topology {
                inputs: 64,
                hidden: [256, 64].map(|outputs| Shape { outputs, kernel: None }).to_vec(),
                classes: 10,
            },
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
        if self.layers.hidden.is_empty() {
            return fail("layers", format!("`{}`; give inputs, hidden layers and classes: 784-256-10", self.layers));
        }
        if let Some(l) =
            self.layers.hidden.windows(2).position(|two| two[0].kernel.is_none() && two[1].kernel.is_some())
        {
            let what = format!(
                "`{}`: layer {} is a convolution, and a dense layer before it gives no map",
                self.layers,
                l + 1
            );
            return fail("layers", what);
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

/// From the input features to the classes, written `784-256-256-10`. Convolutions have their channels, their kernel and their pooling:
/// `784-16c5p2-32c3s2z1-128-10`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Topology {
    pub inputs: usize,
    pub hidden: Vec<Shape>,
    pub classes: usize,
}

/// A hidden layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Neurons: of a convolution its channels.
    pub outputs: usize,
    /// None in a dense layer.
    pub kernel: Option<Kernel>,
}

/// A square kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    pub size: usize,
    pub stride: usize,
    /// Rows and columns that are never live, on every side.
    pub pad: usize,
    /// Largest of so many positions each way; 1 pools nothing.
    pub pool: usize,
}

impl Kernel {
    /// The convolution of a map.
    pub fn conv(&self, input: Map) -> Conv {
        let Kernel { size, stride, pad, pool } = *self;
        let pool = (pool > 1).then_some(Pool { kind: PoolKind::Or, size: (pool, pool), stride: (pool, pool) });
        let pad = Pad { top: pad, left: pad, bottom: pad, right: pad };
        Conv { input, kernel: (size, size), stride: (stride, stride), pad, pool }
    }
}

impl Topology {
    /// The convolution of each hidden layer, for images of this size.
    pub fn convolutions(&self, height: usize, width: usize) -> Result<Vec<Option<Conv>>, TrainError> {
        let mut map = Map { height, width, channels: 1 };
        let conv = |(l, shape): (usize, &Shape)| {
            let Some(kernel) = shape.kernel else { return Ok(None) };
            let conv = kernel.conv(map);
            let fail = |what| TrainError::Config { option: "layers", what: format!("`{self}`, layer {l}: {what}") };
            conv.check(map.size()).map_err(fail)?;
            let (height, width) = conv.positions();
            map = Map { height, width, channels: shape.outputs };
            Ok(Some(conv))
        };
        self.hidden.iter().enumerate().map(conv).collect()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.outputs)?;
        let Some(Kernel { size, stride, pad, pool }) = self.kernel else { return Ok(()) };
        write!(f, "c{size}")?;
        for (letter, value, usual) in [('s', stride, 1), ('z', pad, 0), ('p', pool, 1)] {
            if value != usual {
                write!(f, "{letter}{value}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.inputs)?;
        self.hidden.iter().try_for_each(|shape| write!(f, "-{shape}"))?;
        write!(f, "-{}", self.classes)
    }
}

impl FromStr for Shape {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |text: &str| text.parse::<usize>().ok().filter(|&n| n > 0).ok_or(());
        let Some((outputs, kernel)) = text.split_once('c') else {
            return Ok(Shape { outputs: number(text)?, kernel: None });
        };
        // The kernel's size, then letters with their numbers, each at most once.
        let mut fields = [('c', None), ('s', None), ('z', None), ('p', None)];
        let mut rest = format!("c{kernel}");
        while let Some(letter) = rest.chars().next() {
            let digits = rest[1..].chars().take_while(char::is_ascii_digit).count();
            let field = fields.iter_mut().find(|(l, value)| *l == letter && value.is_none()).ok_or(())?;
            field.1 = Some(rest[1..=digits].parse::<usize>().map_err(|_| ())?);
            rest = rest[1 + digits..].to_string();
        }
        let [size, stride, pad, pool] = fields.map(|(_, value)| value);
        let kernel = Kernel {
            size: size.ok_or(())?,
            stride: stride.unwrap_or(1),
            pad: pad.unwrap_or(0),
            pool: pool.unwrap_or(1),
        };
        if kernel.size == 0 || kernel.stride == 0 || kernel.pool == 0 {
            return Err(());
        }
        Ok(Shape { outputs: number(outputs)?, kernel: Some(kernel) })
    }
}

impl FromStr for Topology {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let why = "layers such as 784-256-256-10, or 784-16c5p2-32c5p2-128-10 with convolutions of 5 × 5, pooled by 2";
        let fail = |_| format!("`{text}` is not a list of {why}");
        let shapes: Vec<Shape> = text.split('-').map(str::parse).collect::<Result<_, ()>>().map_err(fail)?;
        match &shapes[..] {
            [Shape { outputs: inputs, kernel: None }, hidden @ .., Shape { outputs: classes, kernel: None }] => {
                Ok(Topology { inputs: *inputs, hidden: hidden.to_vec(), classes: *classes })
            }
            _ => Err(fail(())),
        }
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
