//! Generators: one hardware block a file. They know the integer network and the plan, never the golden model.

pub mod axi;
mod buffer;
mod catalogue;
mod cells;
mod control;
mod crossbar;
mod delta;
mod draws;
mod early;
mod entropy;
mod exp2;
mod hold;
mod host;
mod image;
mod input;
mod intake;
mod join;
mod lane;
mod layer;
mod log2;
mod logits;
mod mtj;
mod neurons;
mod passes;
mod pe;
mod pool;
mod popcount;
mod program;
mod queue;
mod replay;
mod scan;
mod skew;
mod skip;
mod softmax;
mod source;
mod stream;
mod sums;
#[cfg(test)]
mod tests;
mod top;
pub mod uart;
mod uncertainty;
mod unit;
mod window;
mod writable;

pub use catalogue::{Block, catalogue};
pub use control::{Field, Register};
pub use host::{Contents, Programming, Write};
pub use layer::Layer;
pub use logits::{Logits, ResultWidths};
pub use program::{Region, What};
pub use source::{Parts, source_parts};
pub use top::schedule;
pub use uncertainty::{Uncertainty, UncertaintyWidths};

use crate::leaf::LeafError;
use crate::net::{NetError, Network, StuckMap};
use crate::plan::{LayerPlan, Plan, PlanError, Schedule};
use crate::verilog::{VerilogError, VerilogFile};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum RtlError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("{0}")]
    Unsupported(String),
    #[error(transparent)]
    Verilog(#[from] VerilogError),
    #[error(transparent)]
    Leaf(#[from] LeafError),
}

/// What a design is emitted with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Ports that show every hidden layer's activations and live bits.
    pub taps: bool,
    /// What the thresholds of the out-of-distribution flag are after reset, in the unit of the entropy: as many as the plan's
    /// flag needs, or none, and then no image is flagged.
    pub thresholds: Vec<u64>,
    /// A port through which a host reads and writes weights and constants.
    pub writable: bool,
    /// Cells that are stuck: the design holds the network of such a die, each neuron in the column of its own, and where it is
    /// writable, writes leave stuck cells as they are.
    pub stuck: Option<StuckMap>,
    /// Beside the core, a wrapper with AXI streams and AXI4-Lite.
    pub axi: Option<axi::Axi>,
}

/// Contents of a memory, as `$readmemh` reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryImage {
    pub file: String,
    pub text: String,
}

/// A whole design: Verilog modules, memory images, and what its ports mean.
#[derive(Clone, Debug)]
pub struct Design {
    pub name: String,
    pub options: Options,
    pub plan: Plan,
    pub layers: Vec<LayerPlan>,
    pub modules: Vec<VerilogFile>,
    pub images: Vec<MemoryImage>,
    pub registers: Vec<Register>,
    /// Addresses of the programming port, in a design that has one.
    pub programming: Option<Programming>,
    pub widths: ResultWidths,
    /// Where the plan has uncertainty.
    pub uncertainty: Option<UncertaintyWidths>,
    pub classes: usize,
    pub input_bits: u32,
    /// Layers computed once an image.
    pub once: usize,
    /// Stochastic units, that of the inputs among them.
    pub units: usize,
    /// What puts the design at a serial line, where it was asked for.
    pub uart: Option<uart::Uart>,
    /// Where the options ask for it; the core is the same with it and without.
    pub axi: Option<axi::Wrapper>,
}

impl Design {
    /// Builds the design of `network` under `plan`.
    pub fn build(network: &Network, plan: &Plan, options: Options) -> Result<Design, RtlError> {
        let wrap = options.axi;
        let mut design = top::design(network, plan, options)?;
        if let Some(axi) = wrap {
            design.axi = Some(axi::wrap(&design, network, axi)?);
        }
        Ok(design)
    }

    fn new(
        network: &Network,
        plan: &Plan,
        modules: Vec<VerilogFile>,
        images: Vec<MemoryImage>,
        (registers, programming): (Vec<Register>, Option<Programming>),
        widths: (ResultWidths, Option<UncertaintyWidths>),
        options: Options,
    ) -> Result<Design, RtlError> {
        let mut unique: Vec<VerilogFile> = vec![];
        for module in modules {
            match unique.iter().find(|known| known.name() == module.name()) {
                None => unique.push(module),
                Some(known) if known.text() == module.text() => {}
                Some(known) => {
                    return Err(RtlError::Unsupported(format!(
                        "two different modules are called `{}`; give the network another name than `{}`",
                        known.name(),
                        network.name
                    )));
                }
            }
        }
        Ok(Design {
            name: network.name.clone(),
            options,
            plan: plan.clone(),
            layers: plan.layers(network),
            modules: unique,
            images,
            registers,
            programming,
            widths: widths.0,
            uncertainty: widths.1,
            classes: network.classes(),
            input_bits: network.input.bits,
            once: network.once_per_image(),
            units: network.stochastic_layers(),
            uart: None,
            axi: None,
        })
    }

    /// The same design with a wrapper of its own that puts it at a serial line.
    pub fn with_uart(mut self, network: &Network, rate: uart::Rate) -> Result<Design, RtlError> {
        let wrapper = uart::Uart::build(&self, network, rate)?;
        if let Some(same) = wrapper.modules.iter().find(|w| self.modules.iter().any(|m| m.name() == w.name())) {
            let what = format!("a module of the core is called `{}`; give the network another name", same.name());
            return Err(RtlError::Unsupported(what));
        }
        self.uart = Some(wrapper);
        Ok(self)
    }

    /// Timing of the design.
    pub fn schedule(&self, network: &Network) -> Schedule {
        schedule(network, &self.plan)
    }

    /// The top module's ports.
    pub fn top(&self) -> Option<&VerilogFile> {
        self.modules.iter().find(|m| m.name() == self.name)
    }
}

/// Bits of the binary number `value`; 0 for 0.
fn width_of(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

/// Width of a two's complement number that holds `value`.
fn signed_width(value: i128) -> u32 {
    let magnitude = if value < 0 { !value } else { value };
    i128::BITS - magnitude.leading_zeros() + 1
}

use image::image_word;
