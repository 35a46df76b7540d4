//! Binary Bayesian in-memory processors: from a trained network to Verilog that co-simulation proves equal to a golden model.
//!
//! The way through: [`net`] holds the integer network, the contract of `docs/semantics.md`.
#![forbid(unsafe_code)]

pub mod golden;
pub mod net;
pub mod random;
