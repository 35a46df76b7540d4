//! What is written to a design before it runs.

use super::model_arg::{DrawArgs, ModelArg};
use anyhow::{Context, Result, ensure};
use clap::Args;
use neuspin::cosim::Request;
use neuspin::faults::{Die, Fault, Programming, Verified, program};
use neuspin::net::Network;
use neuspin::rtl::{Design, Options};

#[derive(Args, Default)]
#[command(next_help_heading = "Programming")]
pub struct ProgramArgs {
    /// Write another model of the same shape to the design before it runs: through its programming port
    #[arg(long, value_name = "MODEL")]
    program: Option<String>,
    /// Share of cells that are stuck: what is written there changes nothing, and neurons are moved to spare columns
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    stuck: f64,
    /// Spare columns of every crossbar
    #[arg(long, value_name = "N", default_value_t = 0)]
    spares: usize,
    /// Seed of the die whose cells are stuck
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    stuck_seed: u64,
}

/// What a design computes once it is written.
pub struct Written {
    pub network: Network,
    pub requests: Vec<Request>,
    /// Of a die whose cells can be stuck.
    pub verified: Option<Verified>,
}

impl ProgramArgs {
    fn on(&self) -> bool {
        self.program.is_some() || self.stuck > 0.0 || self.spares > 0
    }

    /// What a design of `network` is generated with.
    pub fn options(&self, network: &Network) -> Result<Options> {
        ensure!((0.0..=1.0).contains(&self.stuck), "--stuck {}: a share of the cells, 0 to 1", self.stuck);
        let die = Die { fault: Fault::Stuck, rate: self.stuck, seed: self.stuck_seed, number: 0 };
        let stuck = (self.stuck > 0.0 || self.spares > 0).then(|| die.stuck_map(network, self.spares));
        Ok(Options { writable: self.on(), stuck, ..Options::default() })
    }

    /// What is written to `design`, which was generated for `network`, and what it computes then.
    pub fn written(&self, design: &Design, network: &Network, draws: &DrawArgs) -> Result<Written> {
        if !self.on() {
            return Ok(Written { network: network.clone(), requests: vec![], verified: None });
        }
        let wanted = match &self.program {
            Some(name) => ModelArg::named(name).network(draws).with_context(|| name.clone())?.1,
            None => network.clone(),
        };
        let contents = design.contents(&wanted)?;
        let (network, writes, verified) = match &design.options.stuck {
            None => (wanted, contents.all(), None),
            Some(map) => {
                let die = program(&wanted, map, &Programming::default())?;
                let held = design.contents(&die.network)?;
                let mut writes = contents.tables(Some(&die.columns));
                writes.extend(contents.weights());
                writes.extend(held.constants());
                let verified = die.total();
                (die.network, writes, Some(verified))
            }
        };
        Ok(Written { network, requests: writes.into_iter().map(Request::from).collect(), verified })
    }
}
