//! The integer network: the contract between golden model and hardware (`docs/semantics.md`).
//!
//! It knows nothing of folding, clocks or boards.

mod bits;
mod check;
mod file;
mod images;

pub use bits::BitMatrix;
pub use check::NetError;
pub use images::Images;

use serde::{Deserialize, Serialize};

/// Widest code of a dropout probability, in bits.
pub const MAX_CODE_BITS: u32 = 16;

/// A network of dense binary layers with integer thresholds and SpinDrop units.
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

/// A dense layer followed by a threshold per neuron.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hidden {
    /// One row a neuron, one column an input.
    pub weights: BitMatrix,
    /// One a neuron, compared with the sum of ±1 products.
    pub thresholds: Vec<i32>,
    pub directions: Vec<Direction>,
    pub dropout: Option<Dropout>,
}

/// SpinDrop: every activation of the layer is dropped with the same probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Probability in units of 2^-code_bits, 0 to 2^code_bits inclusive.
    pub code: u32,
}

/// The last layer: `z = floor((m*a + b) / 2^shift)` for each class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// One row a class, one column an input.
    pub weights: BitMatrix,
    pub scale: Vec<i32>,
    pub offset: Vec<i64>,
    pub shift: u32,
    /// Fraction bits of a logit.
    pub frac_bits: u32,
    /// Width of a logit, sign included.
    pub logit_bits: u32,
    /// Softmax temperature; software only.
    pub temperature: f64,
}

/// Where draws come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Random {
    /// Width of the Galois LFSR: 32, 48 or 64.
    pub lfsr_bits: u32,
    /// Bits of a draw and of a probability code, 1 to 16.
    pub code_bits: u32,
}

impl Default for Random {
    fn default() -> Self {
        Random { lfsr_bits: 64, code_bits: 16 }
    }
}

impl Network {
    pub fn classes(&self) -> usize {
        self.output.weights.rows()
    }

    /// Number of layers that have dropout: S of `docs/semantics.md` §4.
    pub fn stochastic_layers(&self) -> usize {
        self.hidden.iter().filter(|l| l.dropout.is_some()).count()
    }

    /// Number of hidden layers computed once an image: all up to and including the first with dropout
    /// (its sums and thresholds; the masks differ by pass). All hidden layers if none has dropout.
    pub fn once_per_image(&self) -> usize {
        match self.hidden.iter().position(|l| l.dropout.is_some()) {
            Some(first) => first + 1,
            None => self.hidden.len(),
        }
    }

    /// Binary weights in the network.
    pub fn synapses(&self) -> usize {
        let hidden: usize = self.hidden.iter().map(|l| l.weights.rows() * l.weights.cols()).sum();
        hidden + self.output.weights.rows() * self.output.weights.cols()
    }
}
