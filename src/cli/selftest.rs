//! `neuspin selftest`: test vectors by the repeatability of their uncertainty, and what they find.

use super::Status;
use super::model_arg::{ChipArgs, ModelArg};
use super::output::{Output, facts, percent, table};
use super::proof::Proof;
use anyhow::{Context, Result, ensure};
use neuspin::board::Family;
use neuspin::chip::Description;
use neuspin::cosim::{Builder, Stimulus};
use neuspin::data::{self, Split};
use neuspin::files::write_aside;
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::net::{Images, Network};
use neuspin::plan::{Given, Target, Uncertainty, search};
use neuspin::rtl::{Design, Options, schedule};
use neuspin::selftest::{Bounds, FALSE_ALARMS, Rules, SIGMAS, Verdict, bits};
use neuspin::uncertainty::{Interval, wilson};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  neuspin selftest digits-spindrop                                   coverage and false alarms of 16 vectors
  neuspin selftest mnist-scale --vectors 110 --out bounds.json       0.2 % of the training data; keep the bounds
  neuspin selftest digits-spindrop --cosim 3                         and three faults in simulated hardware
  neuspin selftest digits-spindrop --check bounds.json --chip chip.toml --die 3     is this die broken?";

/// Find test vectors for a chip, and measure which faults they show.
///
/// Vectors are training images whose predictive entropy repeats best over fresh draws; their bounds are µ ± 3σ, found in other
/// runs. A chip is flagged if more vectors lie outside than all but 1 % of fault-free runs have. Fault coverage is measured on dies
/// with defects injected, false alarms on a chip without faults and fresh draws; brackets are intervals of 95 %.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    /// Test vectors
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    vectors: u64,
    /// The first N training images are candidates
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..))]
    candidates: u64,
    /// Monte-Carlo passes of a vector [default: the model's]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..))]
    passes: Option<u32>,
    /// Runs over all candidates, by which vectors are chosen
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(3..))]
    repeats: u32,
    /// Fault-free runs for the bounds, for the vote, and for false alarms
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(20..))]
    runs: u32,
    /// Dies with each kind of fault
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    dies: u64,
    /// Seed of runs and dies
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Write the bounds: vectors, means, deviations
    #[arg(long, value_name = "BOUNDS.json", conflicts_with = "check")]
    out: Option<PathBuf>,
    /// Apply bounds that were written before; exit status 1 if the chip is flagged
    #[arg(long, value_name = "BOUNDS.json", conflicts_with = "cosim")]
    check: Option<PathBuf>,
    /// Test so many faulty dies in simulated hardware, too
    #[arg(long, value_name = "N", default_value_t = 0)]
    cosim: usize,
    #[command(flatten)]
    chip: ChipArgs,
}

/// Kinds of faults that are injected: a name, and what the description of the chip says.
const FAULTS: [(&str, &[(&str, f64)]); 13] = [
    ("0.1 % of cells stuck", &[("default.cells.stuck_p", 0.0005), ("default.cells.stuck_ap", 0.0005)]),
    ("1 % of cells stuck", &[("default.cells.stuck_p", 0.005), ("default.cells.stuck_ap", 0.005)]),
    ("5 % of cells stuck", &[("default.cells.stuck_p", 0.025), ("default.cells.stuck_ap", 0.025)]),
    ("20 % of cells stuck", &[("default.cells.stuck_p", 0.1), ("default.cells.stuck_ap", 0.1)]),
    ("1 % of cells flipped", &[("default.cells.flips", 0.01)]),
    ("5 % of cells flipped", &[("default.cells.flips", 0.05)]),
    ("10 % of units never drop", &[("default.devices.stuck_never", 0.1)]),
    ("10 % of units always drop", &[("default.devices.stuck_always", 0.1)]),
    ("all units never drop", &[("default.devices.stuck_never", 1.0)]),
    ("units' p off by 0.05 (sigma)", &[("default.devices.sigma", 0.05)]),
    ("column offsets, sigma 4", &[("default.array.offset_sigma", 4.0)]),
    ("column offsets, sigma 16", &[("default.array.offset_sigma", 16.0)]),
    ("converters of 3 bits for 16 rows", &[("default.array.group", 16.0), ("default.array.bits", 3.0)]),
];

/// What a kind of fault came to.
struct Coverage {
    name: &'static str,
    flagged: usize,
    dies: usize,
    /// Mean over dies, on test images.
    accuracy: f64,
    /// Why it does not apply.
    refused: Option<String>,
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    let model = args.model.read()?;
    let network = lower(&model)?;
    let name = model.name.clone();
    if let Some(path) = &args.check {
        return check(args, &name, &network, path, output);
    }
    let train = data::load(&model.input.dataset, Split::Train)?;
    let candidates = data::encode(&train.first(args.candidates as usize), &model.input)?;
    let rules = Rules {
        vectors: args.vectors as usize,
        passes: args.passes.unwrap_or(network.passes),
        repeats: args.repeats,
        runs: args.runs,
        seed: args.seed,
    };
    let spinner = output.spinner("vectors");
    let bounds = Bounds::find(&network, &candidates, rules)?;
    spinner.finish_and_clear();
    if let Some(path) = &args.out {
        write_aside(path, bounds.to_json().as_bytes()).with_context(|| path.display().to_string())?;
    }

    let alarms = (0..u64::from(args.runs)).into_par_iter().map(|run| Ok(bounds.check(&network, run)?.flagged));
    let alarms = alarms.collect::<Result<Vec<bool>>>()?.into_iter().filter(|&flagged| flagged).count();
    let test = data::load(&model.input.dataset, Split::Test)?.first(200);
    let (images, labels) = (data::encode(&test, &model.input)?, &test.labels);
    let right = |network: &Network| -> Result<f64> {
        let classes = Golden::new(network)?.run_with(&images, 0, network.passes, |_, result, _| result.class)?;
        let right = classes.iter().zip(labels).filter(|(class, label)| **class == usize::from(**label)).count();
        Ok(right as f64 / labels.len() as f64)
    };
    let ideal = right(&network)?;
    let bar = output.progress("dies", FAULTS.len() * args.dies as usize);
    let mut coverage = vec![];
    for (kind, (name, fields)) in FAULTS.into_iter().enumerate() {
        let description = Description::ideal().with(fields.iter().copied())?;
        let units = (0..network.streams()).any(|stream| network.unit_codes(stream).is_some());
        let refused = match description.network(&network, 0) {
            Err(error) => Some(error.to_string()),
            Ok(_) if fields[0].0.starts_with("default.devices") && !units => Some("it has no dropout units".into()),
            Ok(_) => None,
        };
        if refused.is_some() {
            coverage.push(Coverage { name, flagged: 0, dies: 0, accuracy: f64::NAN, refused });
            continue;
        }
        let die = |die: u64| -> Result<(bool, f64)> {
            let faulty = description.network(&network, args.seed.wrapping_mul(1 << 20).wrapping_add(die))?.network;
            let run = (1 << 32) + (kind as u64) * args.dies + die;
            let verdict = bounds.check(&faulty, run)?;
            let found = (verdict.flagged, right(&faulty)?);
            bar.inc(1);
            Ok(found)
        };
        let dies = (0..args.dies).into_par_iter().map(die).collect::<Result<Vec<_>>>()?;
        let flagged = dies.iter().filter(|(flagged, _)| *flagged).count();
        let accuracy = dies.iter().map(|(_, accuracy)| accuracy).sum::<f64>() / dies.len() as f64;
        coverage.push(Coverage { name, flagged, dies: dies.len(), accuracy, refused: None });
    }
    bar.finish_and_clear();
    let simulated = simulate(args, &bounds, &network, output)?;
    report(args, (&name, candidates.len()), &bounds, (alarms, ideal), &coverage, &simulated, output)
}

/// A faulty die in simulated hardware.
struct Simulated {
    fault: &'static str,
    exact: bool,
    verdict: Verdict,
}

/// Designs generated from faulty networks, with the entropy on the chip. What comes out is compared with the golden model of the
/// faulty network in every bit; where it is the same, its entropies are those of the simulated chip.
fn simulate(args: &Args, bounds: &Bounds, network: &Network, output: &Output) -> Result<Vec<Simulated>> {
    let mut all = vec![];
    // One of each kind in turn: cells, units, arrays.
    let order = [2, 8, 11, 5, 7, 3, 9, 12, 1, 4, 6, 10, 0];
    for n in 0..args.cosim {
        let (name, fields) = FAULTS[order[n % order.len()]];
        let description = Description::ideal().with(fields.iter().copied())?;
        let faulty = description.network(network, n as u64)?.network;
        let faulty = bounds.network_of_run(&faulty, (1 << 40) + n as u64);
        let (design, images) = (design(&faulty).with_context(|| name.to_string())?, bounds.images(&faulty)?);
        let golden = Golden::new(&faulty)?;
        let proof = Proof {
            builder: Builder::find()?,
            network: &faulty,
            design: &design,
            reference: &golden,
            images: &images,
            program: vec![],
        };
        let exact = proof.run(Stimulus::default(), output)?.is_good();
        let entropies = entropies(&golden, &images, faulty.passes)?;
        all.push(Simulated { fault: name, exact, verdict: bounds.judge(entropies) });
    }
    Ok(all)
}

fn design(network: &Network) -> Result<Design> {
    let uncertainty = Uncertainty { entropy: true, ..Uncertainty::default() };
    let cycles = |plan: &_| schedule(network, plan).cycles_per_image(network.passes.into());
    let given = Given { uncertainty: Some(uncertainty), ..Given::new(Family::Xilinx7, network.passes as usize) };
    let plan = search(network, &given, Target::Luts(10_000), cycles)?;
    Ok(Design::build(network, &plan, Options::default())?)
}

fn entropies(golden: &Golden, images: &Images, passes: u32) -> Result<Vec<f64>> {
    let of = |logits: &[i32]| bits(golden.softmax().uncertainty(logits).entropy, passes);
    Ok(golden.run_with(images, 0, passes, |_, _, logits| of(logits))?)
}

fn check(args: &Args, name: &str, ideal: &Network, path: &Path, output: &Output) -> Result<Status> {
    let bounds = Bounds::read(path)?;
    ensure!(
        bounds.is_for(ideal),
        "{}: bounds of {}, but not of the model {name} as it is",
        path.display(),
        bounds.network
    );
    let die = args.chip.die(ideal)?;
    let network = die.map_or_else(|| ideal.clone(), |of| of.network);
    let verdict = bounds.check(&network, args.seed)?;
    let outside: Vec<usize> = verdict.outside.iter().map(|&n| bounds.vectors[n].image).collect();
    let json = json!({
        "model": name,
        "flagged": verdict.flagged,
        "vectors": bounds.vectors.len(),
        "outside": outside,
        "votes": bounds.votes,
        "entropies": verdict.entropies,
    });
    let text = facts(&[
        ("model", name.to_string()),
        ("outside", format!("{} of {} vectors; flagged from {} on", outside.len(), bounds.vectors.len(), bounds.votes)),
        ("verdict", if verdict.flagged { "flagged: this chip is not as it should be" } else { "nothing found" }.into()),
    ]);
    output.result(&json, &text)?;
    Ok(if verdict.flagged { Status::CheckFailed } else { Status::Success })
}

fn report(
    args: &Args,
    (name, candidates): (&str, usize),
    bounds: &Bounds,
    (alarms, ideal): (usize, f64),
    coverage: &[Coverage],
    simulated: &[Simulated],
    output: &Output,
) -> Result<Status> {
    let runs = args.runs as usize;
    let share = |hits: usize, of: usize| {
        let Interval { low, high } = wilson(hits, of);
        json!({ "count": hits, "of": of, "low": low, "high": high })
    };
    let shown = |hits: usize, of: usize| {
        let Interval { low, high } = wilson(hits, of);
        format!("{hits} of {of} [{:.1}, {:.1}] %", 100.0 * low, 100.0 * high)
    };
    let kinds: Vec<Value> = coverage
        .iter()
        .map(|c| match &c.refused {
            Some(why) => json!({ "fault": c.name, "refused": why }),
            None => json!({ "fault": c.name, "flagged": share(c.flagged, c.dies), "accuracy": c.accuracy }),
        })
        .collect();
    let hardware: Vec<Value> = simulated
        .iter()
        .map(|s| json!({ "fault": s.fault, "exact": s.exact, "flagged": s.verdict.flagged, "outside": s.verdict.outside.len() }))
        .collect();
    let json = json!({
        "model": name,
        "vectors": bounds.vectors.len(),
        "candidates": candidates,
        "passes": bounds.passes,
        "votes": bounds.votes,
        "sigmas": SIGMAS,
        "false_alarms": share(alarms, runs),
        "accuracy": ideal,
        "coverage": kinds,
        "cosimulation": hardware,
        "written": args.out,
    });
    let head = facts(&[
        ("model", name.to_string()),
        ("vectors", format!("{} of {} training images, {} passes", bounds.vectors.len(), candidates, bounds.passes)),
        (
            "flagged",
            format!(
                "from {} vectors outside µ ± {SIGMAS:.0}σ on; at most {} of fault-free runs in calibration",
                bounds.votes,
                percent(FALSE_ALARMS)
            ),
        ),
        ("false alarms", format!("{} fault-free runs with fresh draws", shown(alarms, runs))),
        ("accuracy", format!("{} without faults", percent(ideal))),
    ]);
    let rows = coverage.iter().map(|c| match &c.refused {
        Some(_) => vec![c.name.to_string(), "not for this network".into(), String::new()],
        None => vec![c.name.to_string(), shown(c.flagged, c.dies), percent(c.accuracy)],
    });
    let mut text = format!("{head}\n{}", table(&["fault", "dies flagged", "accuracy"], &[2], rows.collect()));
    for (c, why) in coverage.iter().filter_map(|c| Some((c, c.refused.as_ref()?))) {
        text += &format!("\n{}: {why}", c.name);
    }
    if !simulated.is_empty() {
        let rows = simulated.iter().map(|s| {
            let equal = if s.exact { "equal to the golden model" } else { "DIFFERS from the golden model" };
            let flag = if s.verdict.flagged { "flagged" } else { "not flagged" };
            vec![s.fault.to_string(), equal.into(), format!("{flag}, {} vectors outside", s.verdict.outside.len())]
        });
        text +=
            &format!("\n\n{}", table(&["fault in simulated hardware", "results", "self-test"], &[], rows.collect()));
    }
    output.result(&json, &text)?;
    Ok(if simulated.iter().all(|s| s.exact) { Status::Success } else { Status::CheckFailed })
}
