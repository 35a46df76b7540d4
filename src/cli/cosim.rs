//! `neuspin cosim`: a design in a simulator, compared with the golden model in every bit.

use super::Status;
use super::inputs::InputArgs;
use super::model_arg::{ChipArgs, DrawArgs, ModelArg};
use super::output::{Output, facts, grouped};
use super::plan_arg::PlanArgs;
use super::program_arg::ProgramArgs;
use super::proof::{Proof, Verdict};
use anyhow::{Result, ensure};
use neuspin::cosim::{Builder, NetlistFamily, Outcome, Stimulus};
use neuspin::golden::Golden;
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;

const EXAMPLES: &str = "\
Examples:
  neuspin cosim digits-spindrop
  neuspin cosim digits-spindrop --target-cycles 5000 --limit 50
  neuspin cosim digits-spindrop --gap 0.3 --stall 0.5 --runs 5       paused streams, five times
  neuspin cosim digits-spindrop --wave image.fst --wave-image 7      then: gtkwave image.fst
  neuspin cosim digits-spindrop --uncertainty all --lanes 4 --pe 8,4,1 --simd 64,128,32
  neuspin cosim digits-spindrop --early-stop 4:2 --max-passes 16     passes end when a class is clear
  neuspin cosim digits-spindrop --chip chip.toml --die 3             a die that is not ideal
  neuspin cosim digits-spindrop --program digits-spatial             written by a host before the run
  neuspin cosim digits-spindrop --stuck 0.1 --spares 8 --limit 50    a die with stuck cells, repaired
  neuspin cosim digits-spindrop --icarus 3                           a second simulator
  neuspin cosim digits-spindrop --icarus 2 --netlist ice40,ecp5      and what synthesis makes of the design
  neuspin cosim mnist-spindrop-8bit --data images.npy --passes 8 --json";

/// Simulate the hardware and compare every output bit with the golden model.
///
/// Results, every pass's logits, registers and, at full speed, the number of cycles must be right. Where they are not, the
/// same images run on the design with taps, which shows the layer and neuron where the difference arises.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    draws: DrawArgs,
    #[command(flatten)]
    chip: ChipArgs,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    program: ProgramArgs,
    #[command(flatten)]
    simulation: SimulationArgs,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Simulation")]
struct SimulationArgs {
    /// Probability that the input stream pauses, per clock
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    gap: f64,
    /// Probability that nobody takes a result, per clock
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    stall: f64,
    /// Runs, each from another random power-up state and with other pauses
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// Seed of power-up state and pauses of the first run
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    run_seed: u64,
    /// Write a waveform of one image: the first wrong one, or else --wave-image
    #[arg(long, value_name = "OUT.fst")]
    wave: Option<PathBuf>,
    /// Image of the waveform where all images are right
    #[arg(long, value_name = "N", default_value_t = 0, requires = "wave")]
    wave_image: usize,
    /// Run the first N images in Icarus, too
    #[arg(long, value_name = "N")]
    icarus: Option<usize>,
    /// Synthesise the design with Yosys for these families, and run the images for Icarus on the netlists, too: ice40, ecp5, gowin, xilinx7
    #[arg(long, value_name = "FAMILY,...", value_delimiter = ',', requires = "icarus", value_parser = known)]
    netlist: Vec<NetlistFamily>,
}

fn known(name: &str) -> Result<NetlistFamily, String> {
    NetlistFamily::ALL.into_iter().find(|family| family.name() == name).ok_or_else(|| {
        let all = NetlistFamily::ALL.map(NetlistFamily::name);
        format!("no such family; there are {}", all.join(", "))
    })
}

/// How many passes the images took.
fn passes_each(o: &Outcome) -> String {
    let all: u64 = o.passes.iter().map(|&n| u64::from(n)).sum();
    if o.passes.iter().all(|&n| n == o.most_passes) {
        return format!("{} passes each", o.most_passes);
    }
    format!("{:.2} passes each in the mean, at most {}", all as f64 / o.images as f64, o.most_passes)
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    let (model, network) = args.model.network_on(&args.draws, &args.chip)?;
    let inputs = args.inputs.load(&model)?;
    let simulation = &args.simulation;
    ensure!(
        simulation.wave_image < inputs.images.len(),
        "--wave-image {}: there are images 0 to {}",
        simulation.wave_image,
        inputs.images.len() - 1
    );
    ensure!(simulation.icarus != Some(0), "--icarus 0: at least 1 image");
    let design = args.plan.design(&network, args.program.options(&network)?)?;
    let written = args.program.written(&design, &network, &args.draws)?;
    let network = written.network;
    ensure!(
        simulation.icarus.is_none() || written.requests.is_empty(),
        "--icarus runs designs as they are generated, without --program, --stuck and --spares"
    );
    let golden = Golden::new(&network)?;
    let builder = Builder::find()?;
    let (writes, images) = (written.requests.len(), &inputs.images);
    let program = written.requests;
    let proof = Proof { builder, network: &network, design: &design, reference: &golden, images, program };

    let stimulus = |run: u64| Stimulus {
        gap: simulation.gap,
        stall: simulation.stall,
        seed: simulation.run_seed.wrapping_add(run),
    };
    let mut verdicts: Vec<Verdict> = vec![];
    for run in 0..simulation.runs {
        verdicts.push(proof.run(stimulus(run), output)?);
        if !verdicts.iter().all(Verdict::is_good) {
            break;
        }
    }
    let icarus = simulation.icarus.map(|count| proof.icarus(count, None, output)).transpose()?;
    let mut netlists = vec![];
    for &family in &simulation.netlist {
        let start = Instant::now();
        let found = proof.icarus(simulation.icarus.unwrap_or(1), Some(family), output)?;
        netlists.push((family.name(), found, start.elapsed().as_secs_f64()));
    }
    let last = verdicts.len() as u64 - 1;
    if let Some(path) = &simulation.wave {
        let wrong = verdicts.last().and_then(|v| v.outcome.first_wrong());
        proof.wave(stimulus(last), path, wrong.unwrap_or(simulation.wave_image), output)?;
    }

    let good = verdicts.iter().all(Verdict::is_good) && icarus.as_ref().is_none_or(Vec::is_empty);
    let good = good && netlists.iter().all(|(_, found, _)| found.is_empty());
    let json = json!({
        "design": design.name,
        "data": inputs.name,
        "passes": network.passes,
        "plan": design.plan,
        "good": good,
        "runs": verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
        "icarus": icarus,
        "netlists": netlists
            .iter()
            .map(|(family, found, seconds)| json!({ "family": family, "differences": found, "seconds": seconds }))
            .collect::<Vec<_>>(),
        "wave": simulation.wave,
        "writes": writes,
        "verified": written.verified,
    });
    let mut text = String::new();
    if writes > 0 {
        text += &facts(&[("written", format!("{} words, each acknowledged", grouped(writes as u64)))]);
    }
    if let Some(v) = &written.verified {
        let bits =
            format!("{} of {} weight bits, {} after {} neurons were moved", v.first, v.bits, v.repaired, v.moved);
        text += &facts(&[("wrong", bits)]);
    }
    for verdict in &verdicts {
        let o = &verdict.outcome;
        let cycles = match verdict.predicted {
            Some(predicted) if predicted == o.clocks => format!("{}, as predicted", grouped(o.clocks)),
            _ => grouped(o.clocks),
        };
        text += &facts(&[
            ("exact", format!("{} of {} images, {}", o.exact, o.images, passes_each(o))),
            ("compared", format!("{} values", grouped(o.compared))),
            ("cycles", cycles),
            ("speed", format!("{} simulated cycles/s", grouped(verdict.cycles_per_second() as u64))),
        ]);
        text += &verdict.complaints();
    }
    match &icarus {
        Some(found) if found.is_empty() => text += "Icarus agrees\n",
        Some(found) => text += &format!("Icarus disagrees:\n  {}\n", found.join("\n  ")),
        None => {}
    }
    for (family, found, seconds) in &netlists {
        text += &match found.as_slice() {
            [] => format!("the netlist for {family} agrees ({seconds:.0} s)\n"),
            _ => format!("the netlist for {family} disagrees:\n  {}\n", found.join("\n  ")),
        };
    }
    if let Some(path) = &simulation.wave {
        text += &format!("waveform in {}\n", path.display());
    }
    output.result(&json, &text)?;
    Ok(if good { Status::Success } else { Status::CheckFailed })
}
