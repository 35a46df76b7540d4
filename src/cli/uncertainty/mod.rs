//! `neuspin uncertainty`: how far a network's doubts can be trusted, and what its passes add to that.

mod detect;
mod figure;
mod quality;
mod ways;

use super::Status;
use super::model_arg::{DrawArgs, ModelArg};
use super::output::{Output, facts, grouped, percent};
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use detect::{Ordinary, Outcome, detection_table, rotation_table};
use neuspin::data::{self, DataError, Dataset, Other, Split};
use neuspin::model::Model;
use neuspin::net::{Images, Network};
use neuspin::uncertainty::{CONFIDENCE, OutlierScore, RESAMPLES, Rule};
use quality::{Quality, quality_table, reliability_table};
use serde_json::{Value, json};
pub use ways::{Arithmetic, Said, ask};

const EXAMPLES: &str = "\
Examples:
  neuspin uncertainty digits-spindrop
  neuspin uncertainty mnist-spindrop-1bit --against fashion-mnist,uniform
  neuspin uncertainty mnist-spindrop-1bit --against rotate:90 --class-wise --acceptance 0.99
  neuspin uncertainty digits-spindrop --chip --passes 32        as a design with --uncertainty says it
  neuspin uncertainty digits-spindrop --early-stop 4:2.0        what ending passes early costs
  neuspin uncertainty models/mine --against strange.npy --score largest-logit
  neuspin uncertainty digits-spindrop --json | jq '.against[] | {data, auroc: .ways[-1].auroc.value}'

fashion-mnist and mnist are fetched by `make data`.";

/// Measure calibration, and how well uncertainty tells other data apart.
///
/// Asks the golden model with dropout off, with one pass and with all passes, so that it shows what the passes buy; with
/// --early-stop, in a last row what that costs. An image
/// is detected as an outlier if its score is above what --acceptance of the model's own test images stay within. In
/// brackets: intervals of 95 % confidence, by images (they say nothing of networks trained with another seed).
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    /// Known set whose test images are the model's own data [default: the set that the model was trained on]
    #[arg(long, value_name = "SET")]
    data: Option<String>,
    /// Take the first N images of every set alone
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Other data, with commas between: a known set, uniform, gaussian, rotate (by 15 to 180 degrees), rotate:DEGREES, a
    /// .npy file of N x values [default: all that there is]
    #[arg(long, value_name = "DATA", value_delimiter = ',')]
    against: Vec<String>,
    #[command(flatten)]
    draws: DrawArgs,
    /// What tells an outlier
    #[arg(long, value_enum, default_value_t = Score::Entropy)]
    score: Score,
    /// Share of the model's own images that a threshold accepts
    #[arg(long, default_value_t = 0.95, value_name = "SHARE")]
    acceptance: f64,
    /// A threshold for each predicted class
    #[arg(long)]
    class_wise: bool,
    /// Take probabilities and entropies from the chip's fixed-point arithmetic (designs with --uncertainty) instead of
    /// double precision
    #[arg(long)]
    chip: bool,
    /// Seed of noise images and of resampling
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    data_seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Score {
    /// Predictive entropy
    Entropy,
    /// Mutual information of class and pass
    MutualInformation,
    /// Largest mean probability; small is strange
    MaxSoftmax,
    /// Largest mean logit; small is strange
    LargestLogit,
}

impl Score {
    fn outlier_score(self) -> OutlierScore {
        match self {
            Score::Entropy => OutlierScore::Entropy,
            Score::MutualInformation => OutlierScore::MutualInformation,
            Score::MaxSoftmax => OutlierScore::MaxSoftmax,
            Score::LargestLogit => OutlierScore::LargestLogit,
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
    }
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    ensure!(
        args.acceptance > 0.0 && args.acceptance <= 1.0,
        "--acceptance {}: a share above 0 and at most 1",
        args.acceptance
    );
    let named = args.against.iter().map(|name| Other::named(name)).collect::<Result<Vec<_>, _>>();
    let named = named.context("--against")?.concat();
    let (model, network) = args.model.network(&args.draws)?;
    ensure!(
        !(args.chip && matches!(args.score, Score::MutualInformation) && network.passes < 2),
        "--chip --score mutual-information: one pass gives the chip's rounding alone; at least 2 passes"
    );
    let own = own_data(args, &model)?;
    let labels: Vec<usize> = own.labels.iter().map(|&label| usize::from(label)).collect();
    let (others, missing) = other_data(args, named, &own, &model, output)?;

    let arithmetic = if args.chip { Arithmetic::Chip } else { Arithmetic::Host };
    let said = ask(&network, &data::encode(&own, &model.input)?, arithmetic, output)?;
    let quality = said.iter().map(|said| Quality::new(said, &labels, args.data_seed)).collect::<Result<Vec<_>>>()?;
    let rule = Rule { acceptance: args.acceptance, class_wise: args.class_wise };
    let score = args.score.outlier_score();
    let ordinary: Result<Vec<Ordinary>> =
        said.iter().map(|said| Ordinary::new(said, score, rule, network.classes())).collect();
    let ordinary = ordinary?;
    let outcomes = others.into_iter().map(|(other, images)| {
        let said = ask(&network, &images, arithmetic, output)?;
        Outcome::new(other, &said, &ordinary, &labels, args.data_seed)
    });
    let outcomes = outcomes.collect::<Result<Vec<_>>>()?;

    let json = json!({
        "model": model.name,
        "data": own.name,
        "images": own.len(),
        "passes": network.passes,
        "seed": network.seed,
        "chip": args.chip,
        "data_seed": args.data_seed,
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "own_data": quality.iter().map(Quality::json).collect::<Vec<_>>(),
        "score": args.score.name(),
        "acceptance": args.acceptance,
        "class_wise": args.class_wise,
        "thresholds": ordinary.iter().map(Ordinary::json).collect::<Vec<_>>(),
        "against": outcomes.iter().map(Outcome::json).collect::<Vec<_>>(),
        "missing": missing,
    });
    let tables = [
        Some(head(args, &model, &network, &own)),
        Some(quality_table(&quality)),
        Some(reliability_table(&quality)),
        detection_table(&outcomes),
        rotation_table(&outcomes),
    ];
    let text: Vec<String> = tables.into_iter().flatten().map(|table| table.trim_end().to_string()).collect();
    output.result(&json, &text.join("\n\n"))?;
    Ok(Status::Success)
}

fn head(args: &Args, model: &Model, network: &Network, own: &Dataset) -> String {
    let by = if args.class_wise { ", a threshold for each predicted class" } else { "" };
    facts(&[
        ("model", format!("{} ({})", model.name, model.topology())),
        ("own data", format!("{} images of {}", grouped(own.len() as u64), own.name)),
        ("passes an image", network.passes.to_string()),
        ("probabilities", if args.chip { "fixed point, as on the chip" } else { "double precision" }.into()),
        ("detected by", format!("{}; {} of its own data accepted{by}", args.score.name(), percent(args.acceptance))),
    ])
}

/// The test images that the model is made for.
fn own_data(args: &Args, model: &Model) -> Result<Dataset> {
    let name = args.data.as_deref().unwrap_or(&model.input.dataset);
    let set = data::load(name, Split::Test).with_context(|| format!("--data {name}"))?;
    let count = args.limit.unwrap_or(set.len());
    ensure!(count > 0, "--limit 0: no images left; at least 1");
    Ok(set.first(count))
}

/// All that was asked for, or all that there is; and the names of sets that are not there though nobody asked for them.
fn other_data(
    args: &Args,
    named: Vec<Other>,
    own: &Dataset,
    model: &Model,
    output: &Output,
) -> Result<(Vec<(Other, Images)>, Value)> {
    let asked = !named.is_empty();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for other in if asked { named } else { Other::all(own) } {
        match other.images(own, &model.input, args.data_seed) {
            Ok(images) => {
                ensure!(!images.is_empty(), "--against {other}: no images");
                let count = args.limit.unwrap_or(images.len()).min(images.len());
                let images = images.slice(0..count);
                found.push((other, images));
            }
            Err(error @ DataError::Missing { .. }) if !asked => {
                output.note(&format!("left out: {error}"));
                missing.push(other.to_string());
            }
            Err(error) => return Err(error).with_context(|| format!("--against {other}")),
        }
    }
    Ok((found, json!(missing)))
}
