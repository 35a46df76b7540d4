//! `neuspin evaluate`: accuracy, uncertainty and speed of the golden model.

use super::Status;
use super::inputs::{InputArgs, Inputs};
use super::model_arg::{ChipArgs, DrawArgs, ModelArg};
use super::output::{Output, facts, grouped, percent};
use anyhow::{Context, Result};
use neuspin::data::npy;
use neuspin::golden::{Golden, ImageResult};
use neuspin::net::Network;
use neuspin::uncertainty::{Prediction, Scores, accuracy};
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;

const EXAMPLES: &str = "\
Examples:
  neuspin evaluate digits-spindrop
  neuspin evaluate mnist-spindrop-8bit --passes 64 --limit 1000
  neuspin evaluate mnist-spindrop-8bit --data fashion-mnist     images of another kind
  neuspin evaluate mnist-spindrop-1bit --early-stop 4:2         no more passes than an image needs
  neuspin evaluate digits-spindrop --chip chip.toml --die 3     on a chip that is not ideal
  neuspin evaluate models/mine --data images.npy --labels classes.npy --logits out.npy
  neuspin evaluate digits-spindrop --json | jq .accuracy";

/// Evaluate a network in software: accuracy, uncertainty, speed.
///
/// Runs the golden model, which computes bit by bit what the hardware computes. Entropies are in nats.
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
    /// Write the float logits of the mean over all passes, N x classes, to this .npy file
    #[arg(long, value_name = "OUT.npy")]
    logits: Option<PathBuf>,
    /// Write what the hardware must send to this .json file: of each image its input values, class, sums, squares, votes
    #[arg(long, value_name = "OUT.json")]
    results: Option<PathBuf>,
}

/// What the golden model says of a set of images.
pub struct Evaluation {
    pub results: Vec<ImageResult>,
    pub predictions: Vec<Prediction>,
    /// One pass without dropout.
    pub deterministic: Vec<ImageResult>,
    pub seconds: f64,
}

/// Runs the golden model with the network's passes.
pub fn evaluate(network: &Network, inputs: &Inputs, output: &Output) -> Result<Evaluation> {
    let golden = Golden::new(network)?;
    let bar = output.progress("golden", inputs.images.len());
    let started = Instant::now();
    let all = golden.run_with(&inputs.images, 0, network.passes, |_, result, logits| {
        bar.inc(1);
        (result, Prediction::new(logits, &network.output))
    })?;
    let seconds = started.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let (results, predictions) = all.into_iter().unzip();
    Ok(Evaluation { results, predictions, deterministic: golden.deterministic(&inputs.images)?, seconds })
}

/// Share of images that were decided as labelled.
pub fn decided_right(results: &[ImageResult], labels: &[usize]) -> Result<f64> {
    let classes: Vec<usize> = results.iter().map(|r| r.class).collect();
    Ok(accuracy(&classes, labels)?)
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    let (model, network) = args.model.network_on(&args.draws, &args.chip)?;
    let inputs = args.inputs.load(&model)?;
    let found = evaluate(&network, &inputs, output)?;
    if let Some(path) = &args.logits {
        npy::write(path, network.classes(), &mean_logits(&network, &found.results))?;
    }
    if let Some(path) = &args.results {
        let text = format!("{}\n", integers(&network, &inputs, &found.results));
        neuspin::files::write_aside(path, text.as_bytes())
            .with_context(|| format!("--results: cannot write {}", path.display()))?;
    }

    let images = inputs.images.len();
    let mean = |of: fn(&Prediction) -> f64| found.predictions.iter().map(of).sum::<f64>() / images as f64;
    let (entropy, information) = (mean(|p| p.entropy), mean(|p| p.mutual_information));
    let passes: u64 = found.results.iter().map(|r| u64::from(r.passes)).sum();
    let speed = passes as f64 / found.seconds;
    let mean_passes = passes as f64 / images as f64;
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let mut json = json!({
        "model": model.name,
        "data": inputs.name,
        "images": images,
        "passes": network.passes,
        "mean_passes": mean_passes,
        "seed": network.seed,
        "entropy": entropy,
        "mutual_information": information,
        "passes_per_second": speed,
        "cores": cores,
    });
    let mut rows = vec![
        ("model", format!("{} ({})", model.name, model.topology())),
        ("images", format!("{} of {}", grouped(images as u64), inputs.name)),
        ("passes an image", passes_taken(&network, mean_passes)),
    ];
    if let Some(labels) = &inputs.labels {
        let one = decided_right(&found.deterministic, labels)?;
        let decided = decided_right(&found.results, labels)?;
        let scores = Scores::new(&found.predictions, labels)?;
        json["accuracy_deterministic"] = json!(one);
        json["accuracy"] = json!(decided);
        json["accuracy_of_mean_probability"] = json!(scores.accuracy);
        json["negative_log_likelihood"] = json!(scores.nll);
        json["calibration_error"] = json!(scores.ece);
        json["brier"] = json!(scores.brier);
        rows.extend([
            ("accuracy, one deterministic pass", percent(one)),
            ("accuracy, mean of all passes", percent(decided)),
            ("accuracy, mean probability", percent(scores.accuracy)),
            ("negative log-likelihood", format!("{:.4} nats", scores.nll)),
            ("expected calibration error", percent(scores.ece)),
            ("Brier score", format!("{:.4}", scores.brier)),
        ]);
    }
    rows.extend([
        ("mean entropy", format!("{entropy:.4} nats")),
        ("mean mutual information", format!("{information:.4} nats")),
        ("throughput", format!("{} passes/s on {cores} cores", grouped(speed as u64))),
    ]);
    for (what, path) in [("logits", &args.logits), ("results", &args.results)] {
        if let Some(path) = path {
            json[what] = json!(path.display().to_string());
            rows.push((what, path.display().to_string()));
        }
    }
    output.result(&json, &facts(&rows))?;
    Ok(Status::Success)
}

/// Input values and integer results of every image: `docs/semantics.md` §5.
fn integers(network: &Network, inputs: &Inputs, results: &[ImageResult]) -> serde_json::Value {
    let image = |(n, r): (usize, &ImageResult)| {
        json!({
            "values": inputs.images.image(n),
            "class": r.class,
            "sum": r.sum,
            "sumsq": r.sumsq,
            "votes": r.votes,
            "passes": r.passes,
        })
    };
    json!({
        "network": network.name,
        "seed": network.seed,
        "passes": network.passes,
        "images": results.iter().enumerate().map(image).collect::<Vec<_>>(),
    })
}

/// Float logits of the mean over passes: `docs/semantics.md` §6.
fn mean_logits(network: &Network, results: &[ImageResult]) -> Vec<f64> {
    let one = 2f64.powi(network.output.frac_bits as i32);
    results.iter().flat_map(|r| r.sum.iter().map(move |&sum| sum as f64 / (f64::from(r.passes) * one))).collect()
}

/// The passes an image may take, and, with early stop, how many it takes.
pub fn passes_taken(network: &Network, mean: f64) -> String {
    match network.early_stop {
        Some(rule) => format!("{mean:.2} in the mean, at most {} (asked every {})", network.passes, rule.every),
        None => network.passes.to_string(),
    }
}
