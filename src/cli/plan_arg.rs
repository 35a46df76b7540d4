//! How a network is to be unfolded.

use anyhow::{Context, Result, ensure};
use clap::Args;
use neuspin::net::Network;
use neuspin::plan::{Folding, MAX_PASSES, Plan};
use neuspin::rtl::{Design, Options};

#[derive(Args)]
#[command(next_help_heading = "Folding")]
pub struct PlanArgs {
    /// Neurons computed at once, one number a layer, output layer last; each divides the layer's neurons
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', requires = "simd")]
    pe: Vec<usize>,
    /// Inputs of a neuron taken at once, one number a layer; each divides the layer's inputs
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', requires = "pe")]
    simd: Vec<usize>,
    /// Passes computed at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    lanes: Option<u32>,
    /// Most passes an image that the hardware can be asked for [default: the number of passes, at least 64]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..))]
    max_passes: Option<u32>,
}

/// Folding where none is asked for: the largest that fits.
const PE: usize = 16;
const SIMD: usize = 64;
const LANES: usize = 4;
const PASSES: usize = 64;

impl PlanArgs {
    pub fn automatic() -> PlanArgs {
        PlanArgs { pe: vec![], simd: vec![], lanes: None, max_passes: None }
    }

    pub fn plan(&self, network: &Network) -> Result<Plan> {
        let lanes = match self.lanes {
            Some(lanes) => lanes as usize,
            None if network.stochastic_layers() == 0 => 1,
            None => LANES,
        };
        let passes = self.max_passes.map_or((network.passes as usize).max(PASSES.min(MAX_PASSES)), |n| n as usize);
        let folding = if self.pe.is_empty() {
            default_folding(network)
        } else {
            ensure!(self.pe.len() == self.simd.len(), "--pe has {} numbers, --simd {}", self.pe.len(), self.simd.len());
            self.pe.iter().zip(&self.simd).map(|(&pe, &simd)| Folding { pe, simd }).collect()
        };
        Plan::new(network, lanes, passes.next_multiple_of(lanes), folding).context("folding")
    }

    pub fn design(&self, network: &Network, options: Options) -> Result<Design> {
        Ok(Design::build(network, &self.plan(network)?, options)?)
    }
}

fn default_folding(network: &Network) -> Vec<Folding> {
    let hidden = network.hidden.iter().map(|h| (h.weights.cols(), h.weights.rows()));
    let mut pe = 1;
    let mut folding: Vec<Folding> = hidden
        .map(|(inputs, outputs)| {
            let simd = largest(inputs, SIMD.max(pe), |d| d % pe == 0);
            pe = largest(outputs, PE, |_| true);
            Folding { pe, simd }
        })
        .collect();
    let simd = largest(network.output.weights.cols(), SIMD.max(pe), |d| d % pe == 0);
    folding.push(Folding { pe: 1, simd });
    folding
}

/// The largest divisor of `n` up to `most` that is `fit`; `n` itself where there is none.
fn largest(n: usize, most: usize, fit: impl Fn(usize) -> bool) -> usize {
    (1..=most.min(n)).rev().find(|&d| n.is_multiple_of(d) && fit(d)).unwrap_or(n)
}
