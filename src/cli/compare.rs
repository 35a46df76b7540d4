//! `neuspin compare`: networks side by side: accuracy, detection, randomness, memory, cycles, cells.

use super::Status;
use super::model_arg::ModelArg;
use super::output::{Output, grouped, percent, table};
use super::plan_arg::PlanArgs;
use super::uncertainty::{Arithmetic, Said, ask};
use anyhow::{Context, Result, ensure};
use neuspin::board::Family;
use neuspin::cosim::{Cells, estimate, synthesize};
use neuspin::data::{self, DataError, Other, Split};
use neuspin::model::Model;
use neuspin::net::{Hidden, Method, Network};
use neuspin::rtl::Options;
use neuspin::uncertainty::{Detection, OutlierScore, Rule, accuracy};
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  neuspin compare digits-spindrop digits-scale digits-subset
  neuspin compare digits-spindrop digits-spinbayes --synthesize     cells by Yosys
  neuspin compare mnist-spindrop-1bit mnist-scale --limit 1000 --json";

/// Compare networks: accuracy, detection of other data, random bits, weights, cycles, cells.
///
/// All figures are at the model's own number of passes. AUROC is that of the predictive entropy, the model's test images
/// against other data (fashion-mnist where it fits and `make data` has fetched it; uniform noise). Cycles are those of the
/// fastest folding within the estimate that --target-luts gives, unless folded by hand.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Folders of trained models, or names of bundled ones
    #[arg(value_name = "MODEL", required = true)]
    models: Vec<String>,
    /// Take the first N images of every set alone
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Count cells of each design with Yosys (minutes)
    #[arg(long)]
    synthesize: bool,
    /// Seed of noise images
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    data_seed: u64,
    #[command(flatten)]
    plan: PlanArgs,
}

/// One network's figures.
struct Row {
    model: String,
    methods: String,
    passes: u32,
    /// Deterministic, one pass, all passes.
    accuracy: [f64; 3],
    /// Stochastic units of the design, in all lanes.
    units: usize,
    draws: usize,
    random_bits: usize,
    weights: usize,
    cycles: f64,
    lanes: usize,
    estimated_luts: u64,
    estimated_block_rams: u64,
    cells: Option<Cells>,
    /// Name of the other data, and AUROC against it with all passes.
    auroc: Vec<(String, f64)>,
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    ensure!(args.limit != Some(0), "--limit 0: no images left; at least 1");
    let rows = args.models.iter().map(|name| row(args, name, output).with_context(|| name.clone()));
    let rows = rows.collect::<Result<Vec<Row>>>()?;
    let json: Vec<Value> = rows.iter().map(Row::json).collect();
    output.result(&json!({ "networks": json }), &text(&rows))?;
    Ok(Status::Success)
}

fn row(args: &Args, name: &str, output: &Output) -> Result<Row> {
    let (model, network) = ModelArg::named(name).network(&Default::default())?;
    let design = args.plan.design(&network, Options::default())?;
    let cells = if args.synthesize {
        let spinner = output.spinner("Yosys");
        spinner.set_message(name.to_string());
        let cells = synthesize(&design)?;
        spinner.finish_and_clear();
        Some(cells)
    } else {
        None
    };
    let methods: Vec<&Method> = network.hidden.iter().filter_map(|h| h.method.as_ref()).collect();
    let mut names: Vec<&str> = methods.iter().map(|m| m.name()).collect();
    names.dedup();
    if network.input.dropout.is_some() {
        names.insert(0, "input dropout");
    }
    let of_layers = network.hidden.iter().map(Hidden::draws);
    let of_output = (!network.output.others.is_empty()).then_some(1);
    if of_output.is_some() && names.last() != Some(&"SpinBayes") {
        names.push("SpinBayes");
    }
    let draws =
        network.input.dropout.map(|_| network.input.features).into_iter().chain(of_layers).chain(of_output).sum();
    let (accuracy, auroc) = quality(args, &model, &network, output)?;
    let estimate = estimate(&network, &design, Family::Xilinx7);
    Ok(Row {
        model: name.to_string(),
        methods: if names.is_empty() { "none".into() } else { names.join(", ") },
        passes: network.passes,
        accuracy,
        units: network.streams() * design.plan.lanes,
        draws,
        random_bits: draws * network.random.code_bits as usize,
        weights: network.weight_bits(),
        cycles: design.schedule(&network).cycles_per_image(network.passes.into()),
        lanes: design.plan.lanes,
        estimated_luts: estimate.luts,
        estimated_block_rams: estimate.block_rams,
        cells,
        auroc,
    })
}

type Quality = ([f64; 3], Vec<(String, f64)>);

/// Accuracy in three ways, and AUROC against what there is.
fn quality(args: &Args, model: &Model, network: &Network, output: &Output) -> Result<Quality> {
    let set = data::load(&model.input.dataset, Split::Test)?;
    let set = set.first(args.limit.unwrap_or(set.len()));
    let labels: Vec<usize> = set.labels.iter().map(|&label| usize::from(label)).collect();
    let own = ask(network, &data::encode(&set, &model.input)?, Arithmetic::Host, output)?;
    let right = |said: &Said| accuracy(&said.classes, &labels);
    // With one pass a run, one pass is all passes.
    let all = own.last().context("no way of asking")?;
    let accuracies = [right(&own[0])?, right(&own[1])?, right(all)?];
    let inside = all.scored(OutlierScore::Entropy);
    let threshold = Rule { acceptance: 0.95, class_wise: false }.fit(&inside, network.classes())?;
    let mut auroc = vec![];
    for other in Other::all(&set).into_iter().filter(|other| !matches!(other, Other::Rotated(_))) {
        let images = match other.images(&set, &model.input, args.data_seed) {
            Ok(images) => images,
            Err(error @ DataError::Missing { .. }) => {
                output.note(&format!("{other} is left out: {error}"));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let count = args.limit.unwrap_or(images.len()).min(images.len());
        let outside = ask(network, &images.slice(0..count), Arithmetic::Host, output)?;
        let outside = outside.last().context("no way of asking")?.scored(OutlierScore::Entropy);
        auroc.push((other.to_string(), Detection::new(&inside, &outside, &threshold)?.auroc));
    }
    Ok((accuracies, auroc))
}

impl Row {
    fn json(&self) -> Value {
        let auroc: serde_json::Map<String, Value> =
            self.auroc.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "model": self.model,
            "methods": self.methods,
            "passes": self.passes,
            "accuracy_deterministic": self.accuracy[0],
            "accuracy_one_pass": self.accuracy[1],
            "accuracy": self.accuracy[2],
            "draws_per_pass": self.draws,
            "stochastic_units": self.units,
            "random_bits_per_pass": self.random_bits,
            "weight_bits": self.weights,
            "cycles_per_image": self.cycles,
            "lanes": self.lanes,
            "estimated_luts_xilinx7": self.estimated_luts,
            "estimated_block_rams_xilinx7": self.estimated_block_rams,
            "cells_xilinx7": self.cells,
            "auroc": auroc,
        })
    }
}

/// One line a network.
fn text(rows: &[Row]) -> String {
    let others: Vec<&str> = rows.first().map_or(vec![], |r| r.auroc.iter().map(|(name, _)| name.as_str()).collect());
    let mut header: Vec<String> = [
        "model",
        "method",
        "T",
        "off",
        "1 pass",
        "T passes",
        "units",
        "draws a pass",
        "random bits",
        "weight bits",
        "cycles",
    ]
    .map(String::from)
    .into();
    let synthesized = rows.iter().any(|r| r.cells.is_some());
    header.extend(match synthesized {
        true => vec!["LUT".into(), "LUT as memory".into(), "FF".into(), "RAMB18".into(), "DSP".into()],
        false => vec!["LUT, estimate".into(), "RAMB18".into()],
    });
    header.extend(others.iter().map(|name| format!("AUROC {name}")));
    let line = |row: &Row| {
        let mut cells = vec![row.model.clone(), row.methods.clone(), row.passes.to_string()];
        cells.extend(row.accuracy.iter().map(|&share| percent(share)));
        cells.extend([row.units, row.draws, row.random_bits, row.weights].map(|n| grouped(n as u64)));
        cells.push(format!("{:.0}", row.cycles));
        match row.cells {
            Some(c) => {
                cells.extend([c.luts, c.memory_luts, c.registers, c.block_rams, c.dsps].map(grouped));
            }
            None => cells.extend([row.estimated_luts, row.estimated_block_rams].map(grouped)),
        }
        let of = |name: &str| row.auroc.iter().find(|(known, _)| known == name);
        cells.extend(others.iter().map(|name| of(name).map_or("-".into(), |(_, value)| format!("{value:.3}"))));
        cells
    };
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let numbers: Vec<usize> = (2..header.len()).collect();
    table(&header, &numbers, rows.iter().map(line).collect())
}
