//! Co-simulation: a design runs in Verilator, and every bit that comes out is compared with a reference.
//!
//! [`Builder`] turns a [`Dut`] into an executable around `tb/harness.cpp`, kept in a cache; [`cosimulate`] runs images
//! through it and compares results, every pass's logits, registers and, in a design with taps, every hidden activation
//! with a [`Reference`]. The simulator is a child process that is spoken to once a transaction.

mod build;
mod cache;
mod check;
mod design;
mod dut;
mod error;
mod expect;
mod host;
mod icarus;
mod locate;
mod memories;
mod mend;
mod mismatch;
mod netlist;
mod output_registers;
mod protocol;
mod serve;
mod session;
mod simulation;
mod synthesis;
mod tool;
mod uart;

pub use build::Builder;
pub use dut::{Dut, Ports, Tap, UncertaintyPorts, Widths};
pub use error::CosimError;
pub use expect::{Expected, Reference};
pub use host::{Answer, Host, Request};
pub use icarus::icarus;
pub use locate::locate;
pub use memories::{DesignMemory, around, estimate, held, memories};
pub use mend::{Mended, mend};
pub use mismatch::{Mismatch, Place};
pub use netlist::{NetlistFamily, netlist};
pub use serve::{Line, serve};
pub use session::{Options, Outcome, Settings, cosimulate};
pub use simulation::Stimulus;
pub(crate) use synthesis::report;
pub use synthesis::{
    Cells, Counts, LOGIC_CELLS, mapping, synthesize, synthesize_for, synthesize_modules, top_and_modules,
};
pub use uart::{SimulatedBoard, Step};
