//! One difference between design and reference: where, what was expected, what was found, when.

use std::fmt;

/// Where a difference shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Activation {
        layer: usize,
        neuron: usize,
    },
    Live {
        layer: usize,
        neuron: usize,
    },
    /// A tap shows more or fewer beats than the images have.
    Tap {
        layer: usize,
    },
    Logit {
        class: usize,
    },
    /// The debug stream brings other passes than it should.
    LogitStream,
    Sum {
        class: usize,
    },
    SumOfSquares {
        class: usize,
    },
    Votes {
        class: usize,
    },
    Decision {
        class: usize,
    },
    /// How many passes the image took.
    Passes {
        class: usize,
    },
    /// The class's summed probability.
    Probability {
        class: usize,
    },
    /// The class's summed squares of probabilities.
    ProbabilitySquares {
        class: usize,
    },
    Entropy {
        class: usize,
    },
    Information {
        class: usize,
    },
    Flag {
        class: usize,
    },
    /// `out_index_o` or `out_last_o` of a beat.
    Framing {
        class: usize,
    },
    /// More results than images, or a result that changed before it was taken.
    ResultStream,
    Register {
        address: u8,
    },
}

impl Place {
    /// How far on the data's way: hidden layer 0, 1, ..., then the output layer, then what is made of all passes.
    pub(super) fn layer(&self) -> usize {
        match *self {
            Place::Activation { layer, .. } | Place::Live { layer, .. } | Place::Tap { layer } => layer,
            Place::Logit { .. } | Place::LogitStream => usize::MAX - 2,
            Place::Register { .. } => usize::MAX,
            _ => usize::MAX - 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Place::Register { address } => write!(f, "register 0x{address:02X}"),
            Place::Activation { layer, neuron } => write!(f, "hidden layer {layer}, neuron {neuron}, activation"),
            Place::Live { layer, neuron } => write!(f, "hidden layer {layer}, neuron {neuron}, live bit"),
            Place::Tap { layer } => write!(f, "hidden layer {layer}, tap"),
            Place::Logit { class } => write!(f, "output layer, class {class}, logit"),
            Place::LogitStream => write!(f, "debug stream"),
            Place::Sum { class } => write!(f, "result, class {class}, sum"),
            Place::SumOfSquares { class } => write!(f, "result, class {class}, sum of squares"),
            Place::Votes { class } => write!(f, "result, class {class}, votes"),
            Place::Decision { class } => write!(f, "result, beat {class}, decision"),
            Place::Passes { class } => write!(f, "result, beat {class}, passes"),
            Place::Probability { class } => write!(f, "result, class {class}, probability"),
            Place::ProbabilitySquares { class } => write!(f, "result, class {class}, squares of probabilities"),
            Place::Entropy { class } => write!(f, "result, beat {class}, entropy"),
            Place::Information { class } => write!(f, "result, beat {class}, mutual information"),
            Place::Flag { class } => write!(f, "result, beat {class}, out-of-distribution flag"),
            Place::Framing { class } => write!(f, "result, beat {class}, index and last"),
            Place::ResultStream => write!(f, "result stream"),
        }
    }
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Mismatch {
    pub image: usize,
    /// Where the value belongs to one pass.
    pub pass: Option<u32>,
    pub place: Place,
    pub expected: String,
    pub found: String,
    /// Clock since power-up; clock n stands at time 10 n in a waveform.
    pub clock: u64,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "image {}", self.image)?;
        if let Some(pass) = self.pass {
            write!(f, ", pass {pass}")?;
        }
        let Mismatch { place, expected, found, clock, .. } = self;
        write!(f, ", {place}: expected {expected}, found {found} (clock {clock})")
    }
}
