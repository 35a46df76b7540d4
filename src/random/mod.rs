//! Software twins of the random sources: bit-exact Galois LFSRs, their streams and jumps (`docs/semantics.md` §4).
//!
//! A draw is a function of (root, layer, image, pass, neuron). [`stream_start`] and [`jump_polynomial`] reach any of
//! them directly; [`Lanes`] reads 256 streams at once.

mod galois;
mod jump;
mod lanes;
mod splitmix;
mod streams;

pub use galois::Galois;
pub use jump::{Jump, JumpMatrix, jump_polynomial};
pub(crate) use lanes::transpose;
pub use lanes::{LANES, LaneBits, Lanes};
pub use splitmix::SplitMix64;
pub use streams::{WIDTHS, mask_of, root_from_seed, spacing_of, stream_start};

use thiserror::Error;

/// What a random source refuses.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RandomError {
    #[error("an LFSR of {bits} bits has no entry in the table of masks; 32, 48 or 64 are in it")]
    UnknownWidth { bits: u32 },
    #[error("an LFSR of {bits} bits; 2 to 64 are supported")]
    Width { bits: u32 },
    #[error("LFSR mask {mask:#x}: the highest of its {bits} bits must be set, and none above it")]
    Mask { bits: u32, mask: u64 },
    #[error("LFSR state {state:#x}: it must not be 0 and must fit {bits} bits")]
    State { bits: u32, state: u64 },
    #[error("layer {layer} of {layers} with dropout: count layers from 0")]
    Layer { layer: u32, layers: u32 },
}
