//! `neuspin train`: from a data set to a model.

use super::Status;
use super::output::Output;
use anyhow::Result;
#[cfg(feature = "train")]
use neuspin::train::TrainConfig;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  neuspin train --name mine --out models/mine
  neuspin train --dataset mnist --layers 784-256-256-256-10 --input-bits 8 --epochs 30 --shift 1 \\
      --name mnist-mine --out models/mnist-mine
  neuspin train --method scale --dropout 0.2 --name mine --out models/mine
  neuspin inspect digits-spindrop                the command that made a bundled model

The trainer is part of the program if that was built with `cargo build --release --features train`; mnist and
fashion-mnist are fetched by `make data`.";

/// Train a binary network with a stochastic method a layer.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Known set to train on: digits, mnist, fashion-mnist
    #[arg(long, default_value = "digits")]
    dataset: String,
    /// Widths from inputs to classes; a hidden layer such as 16c5p2 is a convolution of 16 channels by kernels of 5 x 5, pooled by 2
    /// (16c3s2z1: stride 2, and one row and column on every side that are never live)
    #[arg(long, default_value = "64-256-64-10", value_name = "N-N-...-N")]
    layers: String,
    /// Bits of an input value, 1 to 8; 1 bit means +1 and -1
    #[arg(long, default_value_t = 4, value_name = "BITS")]
    input_bits: u32,
    /// Signed inputs: less half their range
    #[arg(long)]
    signed: bool,
    /// Probability of dropping an input, in every pass anew; needs 1-bit inputs [default: none is dropped]
    #[arg(long, value_name = "P")]
    input_dropout: Option<f64>,
    /// What is random: none, spindrop, spatial-spindrop, scale, affine, subset, spinbayes; one for all hidden layers, or
    /// one for each, separated by commas
    #[arg(long, default_value = "spindrop", value_name = "NAME,...")]
    method: String,
    /// Probability of dropping [default: 0.1; 0.2 with scale or affine]
    #[arg(long, value_name = "P")]
    dropout: Option<f64>,
    /// spindrop, spatial-spindrop: a dropped neuron adds nothing (after the sign), or is +1 (before it) [default: after]
    #[arg(long, value_name = "before|after", value_parser = ["before", "after"])]
    dropout_place: Option<String>,
    /// scale: deviation of the probability between batches, as of a unit that varies [default: 0]
    #[arg(long, value_name = "SIGMA")]
    p_spread: Option<f64>,
    /// affine: a draw drops all gains or biases of the layer (vector), or one (element) [default: vector]
    #[arg(long, value_name = "vector|element", value_parser = ["vector", "element"])]
    drops: Option<String>,
    /// affine: groups that a layer is normalised in [default: 1]
    #[arg(long, value_name = "G")]
    norm_groups: Option<usize>,
    /// subset: random bits of a Gaussian draw [default: 16]
    #[arg(long, value_name = "B")]
    gaussian_bits: Option<u32>,
    /// spinbayes: crossbars of a layer [default: 4]
    #[arg(long, value_name = "N")]
    crossbars: Option<usize>,
    /// spinbayes: levels of a cell, a power of two; a weight has one bit plane for each factor of two [default: 2]
    #[arg(long, value_name = "L")]
    levels: Option<u32>,
    /// SpinBayes in the output layer, with so many crossbars; 1 is none
    #[arg(long, default_value_t = 1, value_name = "N")]
    output_crossbars: usize,
    #[arg(long, default_value_t = 100)]
    epochs: u32,
    /// Images a step
    #[arg(long, default_value_t = 64, value_name = "N")]
    batch: usize,
    /// At the first step; falls to 0 along a cosine
    #[arg(long, default_value_t = 0.01, value_name = "RATE")]
    learning_rate: f64,
    /// Move each training image by up to this many pixels
    #[arg(long, default_value_t = 0, value_name = "PIXELS")]
    shift: usize,
    /// Synthetic outliers beside each batch, as a share of its images: the network learns to be unsure of them
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    outliers: f64,
    /// Seed of everything random, and of the model's draws
    #[arg(long, default_value_t = 2)]
    seed: u64,
    /// Monte-Carlo passes by which the best epoch is chosen, and the model's default
    #[arg(long, default_value_t = 16, value_name = "T")]
    passes: u32,
    /// Name of the model
    #[arg(long)]
    name: String,
    /// Folder of the model; written once training has ended
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

#[cfg(feature = "train")]
pub fn run(args: &Args, output: &Output) -> Result<Status> {
    use super::output::{facts, percent};
    use anyhow::Context;
    use neuspin::net::{Drops, Place};
    let config = TrainConfig {
        dataset: args.dataset.clone(),
        layers: args.layers.parse().map_err(|what: String| anyhow::anyhow!("--layers: {what}"))?,
        input_bits: args.input_bits,
        signed: args.signed,
        input_dropout: args.input_dropout,
        methods: args.method.parse().map_err(|what: String| anyhow::anyhow!("--method: {what}"))?,
        dropout: args.dropout,
        dropout_place: args
            .dropout_place
            .as_deref()
            .map(|place| if place == "before" { Place::BeforeSign } else { Place::AfterSign }),
        p_spread: args.p_spread,
        drops: args.drops.as_deref().map(|d| if d == "vector" { Drops::Vector } else { Drops::Element }),
        norm_groups: args.norm_groups,
        gaussian_bits: args.gaussian_bits,
        crossbars: args.crossbars,
        levels: args.levels,
        output_crossbars: args.output_crossbars,
        epochs: args.epochs,
        batch: args.batch,
        learning_rate: args.learning_rate,
        shift: args.shift,
        outliers: args.outliers,
        seed: args.seed,
        passes: args.passes,
        name: args.name.clone(),
        out: args.out.clone(),
    };
    config.check()?;
    neuspin::train::restart_on_one_thread().context("starting anew on one thread")?;
    // Better now than after an hour of training.
    std::fs::create_dir_all(&args.out).with_context(|| format!("--out {}", args.out.display()))?;
    let bar = output.progress("training", 0);
    let model = neuspin::train::train(&config, &bar)?;
    bar.finish_and_clear();
    model.write(&args.out)?;
    let training = model.training.as_ref().context("a model that says nothing of its training")?;
    let json = serde_json::json!({
        "model": model.name,
        "out": args.out,
        "topology": model.topology(),
        "training": training,
        "temperature": model.temperature,
    });
    let text = facts(&[
        ("model", format!("{} ({})", model.name, model.topology())),
        ("written to", args.out.display().to_string()),
        ("epoch kept", format!("{} of {}", training.best_epoch, training.epochs)),
        ("validation accuracy", format!("{} with {} passes", percent(training.validation_accuracy), model.passes)),
        ("temperature", format!("{:.3}", model.temperature)),
    ]);
    output.result(&json, &text)?;
    Ok(Status::Success)
}

#[cfg(not(feature = "train"))]
pub fn run(args: &Args, _output: &Output) -> Result<Status> {
    anyhow::bail!(
        "this program was built without the trainer, so `{}` cannot be trained; \
         build it with `cargo build --release --features train`",
        args.out.display()
    )
}
