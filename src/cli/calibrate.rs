//! `neuspin calibrate`: thresholds of the out-of-distribution flag.

use super::Status;
use super::inputs::InputArgs;
use super::model_arg::{DrawArgs, ModelArg};
use super::output::{Output, facts, grouped, percent};
use super::thresholds::Thresholds;
use anyhow::{Context, Result, ensure};
use neuspin::data::Split;
use neuspin::golden::Golden;
use neuspin::uncertainty::{class_entropy_thresholds, entropy_threshold};
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  neuspin calibrate digits-spindrop
  neuspin calibrate digits-spindrop --acceptance 0.99 --class-wise --out thresholds.json
  neuspin generate digits-spindrop --uncertainty all --thresholds thresholds.json
  neuspin calibrate models/mine --data images.npy --passes 32";

/// Find the thresholds of the out-of-distribution flag.
///
/// Runs the golden model with the chip's arithmetic on images in distribution: the threshold is the least entropy, times
/// passes, that so many of them do not exceed (with early stop: the least entropy). Prints what to write to the registers.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    draws: DrawArgs,
    /// Share of the images that must not be flagged, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    acceptance: f64,
    /// One threshold for each decided class
    #[arg(long)]
    class_wise: bool,
    /// Write the thresholds to this file, for `generate` and `cosim`
    #[arg(long, value_name = "FILE.json")]
    out: Option<PathBuf>,
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    ensure!((0.0..=1.0).contains(&args.acceptance), "--acceptance {}: 0 to 1", args.acceptance);
    let (model, network) = args.model.network(&args.draws)?;
    let inputs = args.inputs.load_from(&model, Split::Validation)?;
    let golden = Golden::new(&network)?;
    let images = inputs.images.len();
    let bar = output.progress("golden", images);
    let found: Vec<(usize, u64)> = golden.run_with(&inputs.images, 0, network.passes, |_, result, logits| {
        bar.inc(1);
        let entropy = golden.softmax().uncertainty(logits).entropy;
        // With early stop a threshold is that of one pass.
        (result.class, if network.early_stop.is_some() { entropy.div_ceil(result.passes.into()) } else { entropy })
    })?;
    bar.finish_and_clear();
    let thresholds = if args.class_wise {
        class_entropy_thresholds(&found, network.classes(), args.acceptance)
    } else {
        entropy_threshold(found.iter().map(|&(_, entropy)| entropy), args.acceptance).map(|t| vec![t])
    };
    let thresholds = thresholds.context("no images")?;
    let of = |class: usize| thresholds[if thresholds.len() == 1 { 0 } else { class }];
    let accepted = found.iter().filter(|&&(class, entropy)| entropy <= of(class)).count();
    let share = accepted as f64 / images as f64;
    if let Some(path) = &args.out {
        Thresholds::new(&network, args.acceptance, &inputs.name, images, thresholds.clone()).write(path)?;
    }

    // Octaves, 12 fraction bits, summed over passes: docs/semantics.md, section 7.
    let passes = if network.early_stop.is_some() { 1 } else { network.passes };
    let nats = |t: u64| t as f64 * std::f64::consts::LN_2 / (4096.0 * f64::from(passes));
    let json = json!({
        "model": model.name,
        "data": inputs.name,
        "images": images,
        "passes": network.passes,
        "acceptance": args.acceptance,
        "accepted": share,
        "thresholds": thresholds,
        "entropies": thresholds.iter().map(|&t| nats(t)).collect::<Vec<_>>(),
        "out": args.out,
    });
    let mut rows = vec![
        ("model", model.name.clone()),
        ("images", format!("{} of {}", grouped(images as u64), inputs.name)),
        ("passes an image", network.passes.to_string()),
        ("accepted", format!("{} ({accepted} images)", percent(share))),
    ];
    let values = thresholds.iter().enumerate().map(|(class, &t)| {
        let (name, address) = match thresholds.len() {
            1 => ("THRESHOLD".to_string(), 0x0b),
            _ => (format!("THRESHOLD{class}"), 0x80 + class),
        };
        format!("0x{address:02x} {name} = {t} ({:.4} nats)", nats(t))
    });
    for (n, value) in values.enumerate() {
        rows.push((if n == 0 { "registers" } else { "" }, value));
    }
    if let Some(path) = &args.out {
        rows.push(("written to", path.display().to_string()));
    }
    output.result(&json, &facts(&rows))?;
    Ok(Status::Success)
}
