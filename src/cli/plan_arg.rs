//! How a network is to be unfolded.

use super::uncertainty_arg::UncertaintyArgs;
use anyhow::{Context, Result, ensure};
use clap::Args;
use neuspin::board::{Board, Family};
use neuspin::cosim::estimate;
use neuspin::net::{self, Network, Starts};
use neuspin::plan::{Around, Folding, Given, Plan, PlanError, Target, cost, search};
use neuspin::quality::{LIMIT, sharing};
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
    /// By hand: differences of a pass from its image that a layer takes a clock, one number a layer; 0 for a layer that computes every pass
    /// from all inputs [default: 0 everywhere]
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', requires = "pe")]
    events: Vec<usize>,
    /// By hand: passes computed at once [default: 1]
    #[arg(long, value_name = "N", requires = "pe", value_parser = clap::value_parser!(u32).range(1..))]
    lanes: Option<u32>,
    /// Most passes an image that the hardware can be asked for [default: the number of passes, but at least 64]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..))]
    max_passes: Option<u32>,
    /// Find the fastest folding that fills a board (`neuspin boards`), as estimated, with some room for what stands around it
    #[arg(long, value_name = "BOARD", value_parser = super::build::known, conflicts_with_all = ["target_cycles", "target_luts", "pe"])]
    fit: Option<&'static Board>,
    /// Find the smallest folding of so many images a second, at the clock of the board
    #[arg(long, value_name = "IMAGES", conflicts_with_all = ["target_cycles", "target_luts", "pe", "fit"])]
    target_rate: Option<f64>,
    /// Build the design even if draws that share a register inflate the variance of the masks' mean by more than 5 %
    #[arg(long)]
    accept_sharing: bool,
    #[command(flatten)]
    uncertainty: UncertaintyArgs,
}

/// Refuses a source whose draws are not as good as independent ones, or warns if that is accepted.
fn check_sharing(network: &Network, accepted: bool) -> Result<()> {
    let found = sharing(network)?;
    let bad = found.iter().filter(|s| s.is_refused()).max_by(|a, b| a.worst().total_cmp(&b.worst()));
    let Some(bad) = bad else { return Ok(()) };
    let source = network.random.source;
    let (what, over) = if bad.over_both == bad.worst() {
        (bad.over_both, format!("{} units and {} passes", bad.units, bad.passes))
    } else if bad.over_units == bad.worst() {
        (bad.over_units, format!("the {} units of a pass", bad.units))
    } else {
        (bad.over_passes, format!("{} passes", bad.passes))
    };
    let steps = source.steps_of(network.random.code_bits);
    let right = if source.family.is_serial() && steps < network.random.code_bits {
        format!("draws of {} bits that are {steps} steps apart share bits: leave steps out", network.random.code_bits)
    } else if source.starts == Starts::Naive {
        "streams that start at neighbouring states begin alike: leave naive out".into()
    } else if let net::Family::Replay { words } = source.family {
        format!("the recording of {words} words repeats, or is not random: record more, or test it with neuspin rng")
    } else {
        "use another source (neuspin rng compares them)".into()
    };
    let (place, limit) = (&bad.place, 100.0 * (LIMIT - 1.0));
    let told = format!(
        "{place}: with source `{source}` the mean mask over {over} varies {what:.2} times as much as with independent draws, more than \
         {limit:.0} % too much; {right}"
    );
    ensure!(accepted, "{told}; or accept it with --accept-sharing");
    eprintln!("warning: {told}");
    Ok(())
}

/// Room for passes where nothing is said.
const PASSES: u32 = 64;
/// LUTs where nothing is said: a small FPGA.
const LUTS: u64 = 10_000;

/// Share of a board's LUTs that place and route fills.
const FILL: f64 = 0.9;

/// The fastest folding that fits `board` with `block_rams` block memories: even if its LUTs are off by what nine designs in ten are off
/// by at most. Where none does, the estimate is taken at its word; and none where none does then.
fn filling(
    network: &Network,
    given: &Given,
    board: &Board,
    block_rams: u64,
    cycles: impl Fn(&Plan) -> f64,
) -> Result<Plan, PlanError> {
    let luts = board.capacity.luts as f64 * FILL;
    let fits = |luts: f64| search(network, given, Target::Room { luts: luts as u64, block_rams }, &cycles);
    fits(luts / (1.0 + cost::model::spread(board.family))).or_else(|_| fits(luts))
}

/// Cycles an image that any folding takes.
const UNHURRIED: u64 = 1 << 40;

/// Foldings that are tried where a design takes more block memories than its plan was estimated at.
const TRIES: usize = 4;

/// What a folding is searched for.
enum Wanted {
    Target(Target),
    /// A board that is full.
    Filled(&'static Board),
}

impl PlanArgs {
    /// The folding by hand, where there is one.
    fn folded(&self, network: &Network, passes: usize) -> Result<Option<Plan>> {
        if self.pe.is_empty() {
            return Ok(None);
        }
        ensure!(self.pe.len() == self.simd.len(), "--pe has {} numbers, --simd {}", self.pe.len(), self.simd.len());
        let folding = self.pe.iter().zip(&self.simd).map(|(&pe, &simd)| Folding { pe, simd }).collect();
        let lanes = self.lanes.unwrap_or(1) as usize;
        let passes = if self.max_passes.is_some() { passes } else { passes.next_multiple_of(lanes) };
        let plan = Plan::new(network, lanes, passes, folding).context("folding")?;
        Ok(Some(plan.with_events(network, self.events.clone()).context("folding")?))
    }

    /// What a folding is searched for.
    fn target(&self, on: Option<(&'static Board, f64)>) -> Result<Wanted> {
        if let Some(rate) = self.target_rate {
            let (_, hz) = on.context("--target-rate needs a clock: use it with `neuspin build`")?;
            ensure!(rate > 0.0, "--target-rate {rate}: it must be above 0");
            return Ok(Wanted::Target(Target::Cycles((hz / rate).floor() as u64)));
        }
        Ok(match (self.target_cycles, self.target_luts, self.fit.or(on.map(|(board, _)| board))) {
            (Some(cycles), ..) => Wanted::Target(Target::Cycles(cycles)),
            (None, Some(luts), _) => Wanted::Target(Target::Luts(luts)),
            (None, None, Some(board)) => Wanted::Filled(board),
            (None, None, None) => Wanted::Target(Target::Luts(LUTS)),
        })
    }

    pub fn design(&self, network: &Network, options: Options) -> Result<Design> {
        self.design_on(network, options, None)
    }

    /// A design for `board` at a clock of `hz`: folded to fill it, unless folded otherwise.
    pub fn design_for(&self, network: &Network, options: Options, board: &'static Board, hz: f64) -> Result<Design> {
        self.design_on(network, options, Some((board, hz)))
    }

    fn design_on(&self, network: &Network, options: Options, on: Option<(&'static Board, f64)>) -> Result<Design> {
        check_sharing(network, self.accept_sharing)?;
        let (uncertainty, thresholds) = self.uncertainty.parts(network)?;
        let options = Options { thresholds, ..options };
        let passes = self.max_passes.unwrap_or(network.passes.max(PASSES)) as usize;
        if passes < network.passes as usize {
            let wanted = network.passes;
            anyhow::bail!(
                "--max-passes {passes}: the network takes {wanted} passes an image; more room, or fewer --passes"
            );
        }
        if let Some(plan) = self.folded(network, passes)? {
            return Ok(Design::build(network, &plan.with_uncertainty(uncertainty), options)?);
        }
        let board = self.fit.or(on.map(|(board, _)| board));
        let family = board.map_or(Family::Xilinx7, |board| board.family);
        // On a board stands a serial port around the design.
        let around = Around { writable: options.writable, uart: board.is_some() };
        let given = Given { max_passes: passes, uncertainty, family, around };
        let cycles = |plan: &Plan| schedule(network, plan).cycles_per_image(network.passes.into());
        let board = match self.target(on)? {
            Wanted::Target(target) => {
                let plan = search(network, &given, target, cycles).context("folding")?;
                return Ok(Design::build(network, &plan, options)?);
            }
            Wanted::Filled(board) => board,
        };
        // The block memories of a plan are estimated; those of its design are known.
        let there = board.capacity.block_rams;
        let (mut bound, mut tries) = (there, TRIES);
        loop {
            let plan = match filling(network, &given, board, bound, cycles) {
                Ok(plan) => plan,
                Err(error) => {
                    eprintln!("warning: {}: {error}; the smallest is taken", board.name);
                    tries = 1;
                    search(network, &given, Target::Cycles(UNHURRIED), cycles).context("folding")?
                }
            };
            let design = Design::build(network, &plan, options.clone())?;
            let taken = estimate(network, &design, family).block_rams;
            tries -= 1;
            if taken <= there || tries == 0 {
                return Ok(design);
            }
            bound = bound.saturating_sub(taken - there);
        }
    }
}
