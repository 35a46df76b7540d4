//! Binary Bayesian in-memory processors: from a trained network to Verilog that co-simulation proves equal to a golden model.
//!
//! The way through: a trained network ([`model`]) is lowered ([`lower`]) to the integer network ([`net`]), the contract of
//! `docs/semantics.md`. [`data`] holds the images that both read.
#![forbid(unsafe_code)]

pub mod board;
pub mod campaign;
pub mod chip;
pub mod cosim;
pub mod data;
pub mod device;
pub mod emit;
pub mod faults;
pub mod files;
pub mod flow;
pub mod golden;
pub mod host;
pub mod import;
pub mod interrupt;
pub mod leaf;
pub mod lower;
pub mod model;
pub mod net;
pub mod plan;
pub mod quality;
pub mod random;
pub mod report;
pub mod rtl;
pub mod selftest;
#[cfg(feature = "train")]
pub mod train;
pub mod uncertainty;
pub mod verilog;
