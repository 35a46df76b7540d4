//! The integer network: the contract between golden model and hardware (`docs/semantics.md`).
//!
//! It knows nothing of folding, clocks or boards.

mod arrays;
mod bits;
mod check;
mod chip;
mod conv;
mod devices;
mod file;
mod images;
mod method;
mod octaves;
mod streams;
mod stuck;
mod weights;

pub use arrays::{FULL_GAIN, MAX_ERROR_GROUP};
pub use bits::BitMatrix;
pub use check::NetError;
pub(crate) use check::ONE_BIT_INPUTS_ALONE;
pub use chip::{Array, Chip, Converter, Cycle, Device, Origin, ReadErrors, Walk};
pub use conv::{Conv, Map, Pad, Pool, PoolKind};
pub use images::Images;
pub use method::{Affine, Crossbar, Crossbars, Dropout, Drops, Method, Place, ScaleDropout, Subset};
pub use octaves::{OCTAVE_BITS, Octaves};
pub use streams::Stream;
pub use stuck::{Columns, StuckCells, StuckMap};
pub use weights::{MAX_WEIGHT_PLANES, Weights};

pub use crate::random::{Family, Source, Starts};

use crate::random::{Generator, RandomError};
use serde::{Deserialize, Serialize};

/// Widest code of a dropout probability, in bits.
pub const MAX_CODE_BITS: u32 = 16;

/// A network of layers with binary weights, or weights of several binary planes, with integer thresholds and a stochastic method a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Name of the network: a Verilog identifier, since the design is called after it.
    pub name: String,
    pub input: Input,
    /// Hidden layers in network order; at least one.
    pub hidden: Vec<Hidden>,
    pub output: Output,
    pub random: Random,
    /// Seed of all draws; see [`crate::net`] and `docs/semantics.md` §4 for how streams start.
    pub seed: u64,
    /// Passes per image unless a command says otherwise.
    pub passes: u32,
    /// When the passes of an image may end before that; `docs/semantics.md` §5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stop: Option<EarlyStop>,
    /// What of its hardware is not ideal.
    #[serde(default, skip_serializing_if = "Chip::is_ideal")]
    pub chip: Chip,
}

/// Passes end when one class leads by enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStop {
    /// Passes of a block, after which the rule is asked: E.
    pub every: u32,
    /// By how much the largest sum of logits has to lead the second largest, for each block so far: K.
    pub lead: u32,
}

/// What the first layer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    pub features: usize,
    /// Bits of one input value, 1 to 8; 1 bit means ±1.
    pub bits: u32,
    /// Two's complement; only with 2 bits or more.
    pub signed: bool,
    /// Probability code of SpinDrop on the inputs, if they have it; only with 1 bit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<u32>,
}

impl Input {
    /// Least and greatest value; a 1-bit input is 0 or 1.
    pub fn range(&self) -> (i16, i16) {
        match (self.bits, self.signed) {
            (k, false) => (0, (1i16 << k) - 1),
            (k, true) => (-(1i16 << (k - 1)), (1i16 << (k - 1)) - 1),
        }
    }
}

/// Which way a neuron compares its sum with its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// `a >= t`
    Ge,
    /// `a <= t`
    Le,
}

/// A dense layer or a convolution, followed by a threshold per neuron.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hidden {
    /// One row a neuron, one column an input.
    pub weights: Weights,
    /// One a neuron, compared with the sum of ±1 products. None in a layer whose method compares otherwise: sub-set
    /// inference and inverted normalization.
    pub thresholds: Vec<i32>,
    /// One a neuron; none with inverted normalization.
    pub directions: Vec<Direction>,
    /// What is random in the layer, if anything.
    pub method: Option<Method>,
    /// How a convolution reads its inputs; none in a dense layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conv: Option<Conv>,
    /// The hidden layer before this one whose sums are added to this layer's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual: Option<usize>,
}

/// The last layer: `z = floor((m*a + b) / 2^shift)` for each class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// One row a class, one column an input.
    pub weights: Weights,
    pub scale: Vec<i32>,
    pub offset: Vec<i64>,
    pub shift: u32,
    /// Fraction bits of a logit.
    pub frac_bits: u32,
    /// Width of a logit, sign included.
    pub logit_bits: u32,
    /// Softmax temperature; hardware sees it as [`Octaves`] where it computes probabilities.
    pub temperature: f64,
    /// With SpinBayes the crossbars beside the first, which is the layer's own weights, scales and offsets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OutputCrossbar>,
}

/// One crossbar of an output layer with SpinBayes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputCrossbar {
    pub weights: Weights,
    pub scale: Vec<i32>,
    pub offset: Vec<i64>,
}

/// Where draws come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Random {
    /// Width of the register, and of the root: 32, 48 or 64, and what else [`Family::widths`] says.
    pub lfsr_bits: u32,
    /// Bits of a draw and of a probability code, 1 to 16.
    pub code_bits: u32,
    /// The generator, if it is not the default.
    #[serde(default, skip_serializing_if = "Source::is_default")]
    pub source: Source,
}

impl Random {
    /// The default source with registers of `lfsr_bits` bits, and draws of `code_bits`.
    pub fn new(lfsr_bits: u32, code_bits: u32) -> Random {
        Random { lfsr_bits, code_bits, source: Source::default() }
    }

    /// Bits of a state.
    pub fn state_bits(&self) -> u32 {
        self.source.state_bits(self.lfsr_bits)
    }
}

impl Default for Random {
    fn default() -> Self {
        Random::new(64, 16)
    }
}

impl Network {
    /// What draws come from.
    pub fn generator(&self) -> Result<Generator, RandomError> {
        Generator::new(self.random.source, self.random.lfsr_bits, self.random.code_bits, &self.chip.recording)
    }

    pub fn classes(&self) -> usize {
        self.output.weights.rows()
    }

    /// Number of layers that have a stochastic method, the inputs among them.
    pub fn stochastic_layers(&self) -> usize {
        self.codes().len()
    }

    /// Crossbars of a layer, the output layer last: 1, but with SpinBayes.
    pub fn crossbars(&self, layer: usize) -> usize {
        match self.hidden.get(layer).map(|h| &h.method) {
            Some(Some(Method::Spinbayes(m))) => 1 + m.others.len(),
            Some(_) => 1,
            None => 1 + self.output.others.len(),
        }
    }

    /// The first layer with SpinBayes.
    pub fn first_spinbayes(&self) -> Option<usize> {
        (0..=self.hidden.len()).find(|&layer| self.crossbars(layer) > 1)
    }

    /// Number of hidden layers whose sums are computed once an image, since they are the same in all passes: all up to
    /// and including the first that has a method; all but that one if the method chooses its weights. All hidden layers
    /// if none has a method, and none if inputs are dropped. Where a residual leads past that point, all up to its source; none
    /// from the first layer on whose reads err.
    pub fn once_per_image(&self) -> usize {
        if self.input.dropout.is_some() {
            return 0;
        }
        let once = match self.hidden.iter().position(|l| l.method.is_some()) {
            Some(first) if matches!(self.hidden[first].method, Some(Method::Spinbayes(_))) => first,
            Some(first) => first + 1,
            None => self.hidden.len(),
        };
        let once = (0..once).find(|&l| self.errs(l)).unwrap_or(once);
        // Sums that a later layer adds are computed as often as that layer's.
        let residuals = self.hidden.iter().enumerate().filter_map(|(l, h)| Some((h.residual?, l)));
        residuals.rev().fold(once, |once, (from, to)| if from + 1 < once && to + 1 > once { from + 1 } else { once })
    }

    /// Whether a later layer adds the sums of hidden layer `layer`.
    pub fn is_added(&self, layer: usize) -> bool {
        self.hidden.iter().any(|h| h.residual == Some(layer))
    }

    /// The probability code of every stochastic layer, the inputs first; 0 where the method has none.
    pub fn codes(&self) -> Vec<u32> {
        let methods = self.hidden.iter().filter_map(|h| h.method.as_ref());
        let output = (!self.output.others.is_empty()).then_some(0);
        let input = self.input.dropout.into_iter();
        input.chain(methods.map(|m| m.code().unwrap_or(0))).chain(output).collect()
    }

    /// The weights of all crossbars: by layer, the output layer last, and by crossbar of the layer.
    pub fn crossbar_weights(&self) -> Vec<Vec<&Weights>> {
        let hidden = self.hidden.iter().map(|h| {
            let others = if let Some(Method::Spinbayes(m)) = &h.method { &m.others[..] } else { &[] };
            std::iter::once(&h.weights).chain(others.iter().map(|c| &c.weights)).collect()
        });
        let others = self.output.others.iter().map(|c| &c.weights);
        hidden.chain([std::iter::once(&self.output.weights).chain(others).collect()]).collect()
    }

    /// The same, to be changed.
    pub fn crossbar_weights_mut(&mut self) -> Vec<Vec<&mut Weights>> {
        let hidden = self.hidden.iter_mut().map(|h| {
            let others = if let Some(Method::Spinbayes(m)) = &mut h.method { &mut m.others[..] } else { &mut [] };
            std::iter::once(&mut h.weights).chain(others.iter_mut().map(|c| &mut c.weights)).collect()
        });
        let others = self.output.others.iter_mut().map(|c| &mut c.weights);
        hidden.chain([std::iter::once(&mut self.output.weights).chain(others).collect()]).collect()
    }

    /// Weight bits in the network, those of all planes and crossbars.
    pub fn weight_bits(&self) -> usize {
        let weights = self.hidden.iter().map(|h| &h.weights).chain([&self.output.weights]);
        weights.enumerate().map(|(layer, w)| self.crossbars(layer) * w.bits()).sum()
    }
}
