//! Leaves of fixed width, written in rust-hdl, as files that modules of [`crate::verilog`] instantiate.
//!
//! rust-hdl checks a leaf (open signals, loops, latches) and simulates it, which is a third opinion beside the software model
//! and Verilator. It knows widths when it is compiled, so every width that a design may ask for is compiled in, and the
//! functions here choose among them at run time. What the leaves compute is `docs/semantics.md` §3, §4 and §8; the two of the
//! serial line are of `docs/protocol.md`.

mod bridge;
mod dropout_unit;
mod lfsr_leap;
mod mtj;
mod register;
mod stream_jump;
mod uart_rx;
mod uart_tx;

pub use bridge::LeafError;
pub use dropout_unit::{DropoutUnit, dropout_unit};
pub use lfsr_leap::{LfsrLeap, lfsr_leap};
pub use mtj::{MtjCycle, MtjSet, mtj_cycle, mtj_set};
pub use register::Register;
pub use stream_jump::{StreamJump, stream_jump};
pub use uart_rx::{UartRx, uart_rx};
pub use uart_tx::{UartTx, uart_tx};
