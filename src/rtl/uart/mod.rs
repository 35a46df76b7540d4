//! A design at a serial line: requests in, images to the core, results out (`docs/protocol.md`).
//!
//! The core is instantiated as it is; nothing in it knows of the line.

mod crc;
mod hello;
mod host;
mod rate;
mod receive;
mod send;
mod top;

pub use crc::Crc;
pub use host::{Field, Host};
pub use rate::{Rate, RateError};
pub use receive::Receive;
pub use send::Send;

use super::{Design, RtlError};
use crate::net::Network;
use crate::verilog::VerilogFile;

/// First byte of a frame.
const SYNC: u128 = 0xa5;

/// What can be wrong with a frame.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Crc = 1,
    Length = 2,
    Type = 3,
    Busy = 4,
    Short = 5,
}

/// The modules that put a design at a serial line.
#[derive(Clone, Debug)]
pub struct Uart {
    pub rate: Rate,
    /// Images that may be outstanding.
    pub buffers: u32,
    /// Name of the top module, `<design>_uart`.
    pub top: String,
    /// What is not in the core, the top module last.
    pub modules: Vec<VerilogFile>,
}

impl Uart {
    /// The wrapper of `design`, made from `network`.
    pub fn build(design: &Design, network: &Network, rate: Rate) -> Result<Uart, RtlError> {
        top::build(design, network, rate)
    }
}
