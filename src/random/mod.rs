//! Software twins of the random sources, bit-exact: registers, their streams and jumps (`docs/semantics.md` §4).
//!
//! A draw is a function of (root, layer, image, pass, neuron). [`Generator`] reaches any of them directly, whatever the
//! source; [`Lanes`] reads 256 streams at once. [`Galois`], [`Jump`] and [`stream_start`] are the default source alone.

mod galois;
mod generator;
mod jump;
mod lanes;
mod linear;
mod register;
mod source;
mod splitmix;
mod streams;

pub use galois::Galois;
pub use generator::{Generator, Leap, Stream, matrices, spacing};
pub use jump::{Jump, JumpMatrix, jump_polynomial};
pub(crate) use lanes::transpose;
pub use lanes::{LANES, LaneBits, Lanes};
pub use linear::{Matrix, power_of_x, rank};
pub use register::Register;
pub use source::{Family, MAX_STEPS, MAX_WORDS, Source, Starts};
pub use splitmix::SplitMix64;
pub use streams::{WIDTHS, mask_of, root_from_seed, spacing_of, stream_start};

use thiserror::Error;

/// What a random source refuses.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RandomError {
    #[error("an LFSR of {bits} bits has no entry in the table of masks; 8, 16, 32, 48 and 64 are in it")]
    UnknownWidth { bits: u32 },
    #[error("an LFSR of {bits} bits; 2 to 64 are supported")]
    Width { bits: u32 },
    #[error("LFSR mask {mask:#x}: the highest of its {bits} bits must be set, and none above it")]
    Mask { bits: u32, mask: u64 },
    #[error("LFSR state {state:#x}: it must not be 0 and must fit {bits} bits")]
    State { bits: u32, state: u64 },
    #[error("source `{name}` of {bits} bits; it has {widths}")]
    FamilyWidth { name: &'static str, bits: u32, widths: String },
    #[error("{steps} steps a draw; 1 to {MAX_STEPS} are supported")]
    Steps { steps: u32 },
    #[error("draws of {bits} bits; 1 to 16 are supported")]
    Draw { bits: u32 },
    #[error("a recording of {words} words; 2 to {MAX_WORDS} are supported")]
    Words { words: u32 },
    #[error("the source replays {words} words, but the recording has {found}")]
    Recording { words: u32, found: usize },
    #[error("a recording has no register")]
    Recorded,
    #[error("source `{name}`: no state of it reaches all others, so its streams cannot be jumped")]
    Cycles { name: &'static str },
    #[error("layer {layer} of {layers} with dropout: count layers from 0")]
    Layer { layer: u32, layers: u32 },
}
