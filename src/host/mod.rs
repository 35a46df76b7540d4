//! The host's side of a serial line (`docs/protocol.md`): a client for boards, and for `neuspin serve`.
//!
//! ```no_run
//! # fn main() -> Result<(), neuspin::host::HostError> {
//! # let (network, images): (neuspin::net::Network, neuspin::net::Images) = todo!();
//! use neuspin::host::{Board, Port};
//! let mut board = Board::connect(&Port::new("/dev/ttyUSB0", 115_200), std::time::Duration::from_secs(2))?;
//! board.check(&network)?;
//! board.start(&network)?;
//! board.run(&images, |n, answer| println!("image {n}: class {}", answer.result.class))?;
//! # Ok(())
//! # }
//! ```

mod board;
mod error;
mod frame;
mod identity;
mod link;

pub use board::{Answer, Board};
pub use error::HostError;
pub use frame::{Decoder, Frame, crc16};
pub use identity::{Identity, Widths};
pub use link::Port;
