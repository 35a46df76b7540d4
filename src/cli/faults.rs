//! `neuspin faults`: what defects and variation of the cells cost, over dies.

use super::Status;
use super::inputs::InputArgs;
use super::model_arg::{DrawArgs, ModelArg};
use super::output::{Output, facts, percent, table};
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use neuspin::faults::{Die, Fault};
use neuspin::uncertainty::{CONFIDENCE, Interval, bootstrap};
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  neuspin faults digits-spindrop --kind flips --rates 0,0.01,0.05,0.1
  neuspin faults mnist-affine mnist-scale --kind drift --rates 0,0.1,0.2 --dies 20 --limit 1000
  neuspin faults digits-spindrop --kind stuck --rates 0.1,0.2 --spares 4
  neuspin faults digits-spindrop digits-affine --kind conductance --rates 0.5 --json";

/// Measure accuracy on dies whose cells are faulty.
///
/// Each die is a copy of the network with faults of its own, in every layer; rates are those that `docs/faults.md` defines.
/// Weight faults run in the golden model; the others in a model of real sums that equals it where there is no fault.
/// Accuracy is the mean over dies, in brackets its interval of 95 % confidence: it holds for this network and these images.
/// Every network sees the same dies, as far as their crossbars are of the same size.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Folders of trained models, or names of bundled ones
    #[arg(value_name = "MODEL", required = true)]
    models: Vec<String>,
    /// What is wrong with the cells
    #[arg(long, value_enum)]
    kind: Kind,
    /// How much is wrong, 0 to 1, with commas between
    #[arg(long, value_name = "RATE,...", value_delimiter = ',', required = true)]
    rates: Vec<f64>,
    /// Dies at each rate
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=100_000))]
    dies: u64,
    /// Seed of all dies
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    seed: u64,
    /// Spare columns of every crossbar, to which the neurons that are written worst are moved; with stuck cells alone
    #[arg(long, default_value_t = 0, value_name = "N")]
    spares: usize,
    /// Take the first N test images alone
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Monte-Carlo passes an image [default: the model's]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..))]
    passes: Option<u32>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Cells that hold the other bit
    Flips,
    /// Cells that hold a bit of their own
    Stuck,
    /// Cells that conduct more or less than they should
    Conductance,
    /// Sums scaled and shifted, all of a layer alike
    Drift,
    /// Sums scaled and shifted, each column by itself
    Columns,
}

impl Kind {
    fn fault(self) -> Fault {
        match self {
            Kind::Flips => Fault::Flips,
            Kind::Stuck => Fault::Stuck,
            Kind::Conductance => Fault::Conductance,
            Kind::Drift => Fault::Drift,
            Kind::Columns => Fault::Columns,
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
    }
}

/// One network over all rates.
struct Curve {
    model: String,
    passes: u32,
    images: usize,
    points: Vec<Point>,
}

/// Accuracy of every die at one rate.
struct Point {
    rate: f64,
    dies: Vec<f64>,
    mean: f64,
    interval: Interval,
}

impl Point {
    fn new(rate: f64, dies: Vec<f64>, seed: u64) -> Point {
        let mean = |times: &[u32]| {
            let sum: f64 = dies.iter().zip(times).map(|(accuracy, &times)| accuracy * f64::from(times)).sum();
            sum / dies.len() as f64
        };
        let [interval] = bootstrap([dies.len()], seed, |[times]| [mean(times)]);
        Point { rate, mean: mean(&vec![1; dies.len()]), interval: interval.within(0.0, 1.0), dies }
    }

    fn json(&self) -> Value {
        let Interval { low, high } = self.interval;
        json!({ "rate": self.rate, "accuracy": { "value": self.mean, "low": low, "high": high }, "dies": self.dies })
    }

    fn text(&self) -> String {
        let Interval { low, high } = self.interval;
        format!("{:.2} [{:.2}, {:.2}]", 100.0 * self.mean, 100.0 * low, 100.0 * high)
    }
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    if let Some(rate) = args.rates.iter().find(|rate| !(0.0..=1.0).contains(*rate)) {
        anyhow::bail!("--rates {rate}: 0 (no fault) to 1");
    }
    ensure!(
        args.spares == 0 || matches!(args.kind, Kind::Stuck),
        "--spares {}: verification after writing finds stuck cells alone; use --kind stuck",
        args.spares
    );
    ensure!(args.limit != Some(0), "--limit 0: no images left; at least 1");
    let curves = args.models.iter().map(|name| curve(args, name, output).with_context(|| name.clone()));
    let curves = curves.collect::<Result<Vec<Curve>>>()?;
    let networks: Vec<Value> = curves
        .iter()
        .map(|c| {
            let points: Vec<Value> = c.points.iter().map(Point::json).collect();
            json!({ "model": c.model, "passes": c.passes, "images": c.images, "rates": points })
        })
        .collect();
    let json = json!({
        "kind": args.kind.name(),
        "dies": args.dies,
        "spares": args.spares,
        "seed": args.seed,
        "confidence": CONFIDENCE,
        "networks": networks,
    });
    output.result(&json, &text(args, &curves))?;
    Ok(Status::Success)
}

fn curve(args: &Args, name: &str, output: &Output) -> Result<Curve> {
    let draws = DrawArgs { passes: args.passes, ..DrawArgs::default() };
    let (model, network) = ModelArg::named(name).network(&draws)?;
    let inputs = InputArgs::first(&model.input.dataset, args.limit).load(&model)?;
    let labels = inputs.labels.context("images without labels")?;
    let bar = output.progress("dies", args.rates.len() * args.dies as usize);
    let point = |&rate: &f64| {
        let die = |number| {
            let die = Die { fault: args.kind.fault(), rate, seed: args.seed, number };
            let accuracy = match args.spares {
                0 => die.accuracy(&network, &inputs.images, &labels),
                spares => die.accuracy_repaired(&network, spares, &inputs.images, &labels),
            };
            bar.inc(1);
            accuracy
        };
        let dies = (0..args.dies).map(die).collect::<Result<Vec<f64>, _>>()?;
        Ok(Point::new(rate, dies, args.seed))
    };
    let points = args.rates.iter().map(point).collect::<Result<Vec<Point>>>()?;
    bar.finish_and_clear();
    Ok(Curve { model: model.name, passes: network.passes, images: labels.len(), points })
}

/// One row a rate, one column a network.
fn text(args: &Args, curves: &[Curve]) -> String {
    let images: Vec<String> =
        curves.iter().map(|c| format!("{}: {} passes of {} images", c.model, c.passes, c.images)).collect();
    let head = facts(&[
        ("fault", args.kind.name()),
        ("dies", format!("{} at each rate, seed {}", args.dies, args.seed)),
        ("spare columns", format!("{} a crossbar", args.spares)),
        ("accuracy", format!("mean over dies in per cent, interval of {}", percent(CONFIDENCE))),
        ("networks", images.join("; ")),
    ]);
    let header: Vec<&str> = std::iter::once("rate").chain(curves.iter().map(|c| c.model.as_str())).collect();
    let row = |(n, rate): (usize, &f64)| {
        std::iter::once(rate.to_string()).chain(curves.iter().map(|c| c.points[n].text())).collect()
    };
    let numbers: Vec<usize> = (0..header.len()).collect();
    format!("{head}\n{}", table(&header, &numbers, args.rates.iter().enumerate().map(row).collect()))
}
