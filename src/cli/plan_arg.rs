//! How a network is to be unfolded.

use super::uncertainty_arg::UncertaintyArgs;
use anyhow::{Context, Result, ensure};
use clap::Args;
use neuspin::net::Network;
use neuspin::plan::{Folding, Plan, Target, Uncertainty, search};
use neuspin::rtl::{Design, Options, schedule};

#[derive(Args, Default)]
#[command(next_help_heading = "Folding")]
pub struct PlanArgs {
    /// Find the smallest folding of at most so many cycles an image
    #[arg(long, value_name = "N", conflicts_with = "target_luts")]
    target_cycles: Option<u64>,
    /// Find the fastest folding of at most so many LUTs, as estimated for Xilinx 7 [default: 10000, unless folded otherwise]
    #[arg(long, value_name = "N")]
    target_luts: Option<u64>,
    /// By hand: neurons computed at once, one number a layer, output layer last; each divides the layer's neurons
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', requires = "simd", conflicts_with_all = ["target_cycles", "target_luts"])]
    pe: Vec<usize>,
    /// By hand: inputs of a neuron taken at once, one number a layer; each divides the layer's inputs, of a convolution the
    /// channels (place after place of the kernel), or is the kernel's places times a divisor of them (all places at once)
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', requires = "pe")]
    simd: Vec<usize>,
    /// By hand: passes computed at once [default: 1]
    #[arg(long, value_name = "N", requires = "pe", value_parser = clap::value_parser!(u32).range(1..))]
    lanes: Option<u32>,
    /// Most passes an image that the hardware can be asked for [default: the number of passes, but at least 64]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..))]
    max_passes: Option<u32>,
    #[command(flatten)]
    uncertainty: UncertaintyArgs,
}

/// Room for passes where nothing is said.
const PASSES: u32 = 64;
/// LUTs where nothing is said: a small FPGA.
const LUTS: u64 = 10_000;

impl PlanArgs {
    fn plan(&self, network: &Network, uncertainty: Option<Uncertainty>) -> Result<Plan> {
        let passes = self.max_passes.unwrap_or(network.passes.max(PASSES)) as usize;
        if passes < network.passes as usize {
            let wanted = network.passes;
            anyhow::bail!(
                "--max-passes {passes}: the network takes {wanted} passes an image; more room, or fewer --passes"
            );
        }
        if !self.pe.is_empty() {
            ensure!(self.pe.len() == self.simd.len(), "--pe has {} numbers, --simd {}", self.pe.len(), self.simd.len());
            let folding = self.pe.iter().zip(&self.simd).map(|(&pe, &simd)| Folding { pe, simd }).collect();
            let lanes = self.lanes.unwrap_or(1) as usize;
            let passes = if self.max_passes.is_some() { passes } else { passes.next_multiple_of(lanes) };
            let plan = Plan::new(network, lanes, passes, folding).context("folding")?;
            return Ok(plan.with_uncertainty(uncertainty));
        }
        let target = match self.target_cycles {
            Some(cycles) => Target::Cycles(cycles),
            None => Target::Luts(self.target_luts.unwrap_or(LUTS)),
        };
        let cycles = |plan: &Plan| schedule(network, plan).cycles_per_image(network.passes.into());
        search(network, passes, target, uncertainty, cycles).context("folding")
    }

    pub fn design(&self, network: &Network, options: Options) -> Result<Design> {
        let (uncertainty, thresholds) = self.uncertainty.parts(network)?;
        let plan = self.plan(network, uncertainty)?;
        Ok(Design::build(network, &plan, Options { thresholds, ..options })?)
    }
}
