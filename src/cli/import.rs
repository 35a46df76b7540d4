//! `neuspin import`: a model from another tool's network.

use super::Status;
use super::output::{Output, facts};
use anyhow::{Context, Result, bail, ensure};
use neuspin::data::{self, Split};
use neuspin::import::{Dropout, NO_DATASET, Options, Source, import, read_choices};
use neuspin::model::is_name;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  neuspin import net.onnx -o models/net                                  as it is; without dropout, one pass
  neuspin import net.onnx -o models/net --method spindrop --p 0.15       Bayesian: SpinDrop behind every hidden layer
  neuspin import net.onnx -o models/net --dataset mnist                  and how MNIST's bytes become its inputs
  neuspin import net.onnx -o models/net --choices layers.toml            a method of its own for some layers
  neuspin import net.toml -o models/net                                  layers in TOML, arrays in a .npz file
  neuspin evaluate models/net --data images.npy";

/// Make a model from a QONNX file, as Brevitas exports it, or from arrays in a .npz file.
///
/// Reads chains of binary layers: Conv, Gemm or MatMul with weights behind BipolarQuant, batch norm, scales, pooling. Whatever
/// cannot be taken over is named, node by node, and nothing is written. docs/import.md has the operators.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The network: a QONNX file, or a description of its layers in TOML, which names a .npz file
    #[arg(value_name = "NET.onnx|NET.toml")]
    file: PathBuf,
    /// Folder of the model; written once all is well
    #[arg(short, long, value_name = "FOLDER")]
    out: PathBuf,
    /// Name of the model [default: that of the file]
    #[arg(long)]
    name: Option<String>,
    /// Known set whose images the network is for: digits, mnist, fashion-mnist [default: none, images come by --data]
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Dropout behind every hidden layer that has none: spindrop, or spatial-spindrop for whole feature maps. Dropout nodes of the
    /// file drop whole maps, too, with spatial-spindrop
    #[arg(long, value_name = "NAME", value_parser = ["spindrop", "spatial-spindrop"])]
    method: Option<String>,
    /// Probability of dropping; needs --method
    #[arg(long, value_name = "P", requires = "method")]
    p: Option<f64>,
    /// Choices for some hidden layers, which go before all others: a table [layer.N] with method ("none", "spindrop",
    /// "spatial-spindrop"), p and place ("before-sign", "after-sign")
    #[arg(long, value_name = "FILE.toml")]
    choices: Option<PathBuf>,
    /// Monte-Carlo passes an image [default: 16, or 1 where nothing is dropped]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..))]
    passes: Option<u32>,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    let name = args.name.clone().unwrap_or_else(|| {
        let stem = args.file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
    });
    ensure!(
        is_name(&name),
        "the name `{name}`: use letters, digits, `-` and `_`, and start with a letter; --name gives one"
    );
    if let Some(p) = args.p {
        ensure!(p > 0.0 && p < 1.0, "--p {p}: a probability above 0 and below 1");
    }
    let depth = match &args.dataset {
        Some(dataset) => data::load(dataset, Split::Test).context("--dataset")?.depth,
        None => 8,
    };
    let spatial = args.method.as_deref() == Some("spatial-spindrop");
    let options = Options {
        name,
        dataset: args.dataset.clone().unwrap_or_else(|| NO_DATASET.into()),
        depth,
        dropout: args.p.map(|p| Dropout { p, spatial }),
        spatial,
        choices: args.choices.as_deref().map(read_choices).transpose()?.unwrap_or_default(),
        passes: args.passes,
        seed: args.seed,
        command: command(args),
    };
    let imported = import(&args.file, &options)?;
    let model = imported.model;
    if args.method.is_some() && model.layers.iter().all(|layer| layer.method.is_none()) {
        bail!("--method: the network has no Dropout node, so that --p has to say how often to drop");
    }
    model.write(&args.out)?;
    let dropping = model.layers.iter().filter(|layer| layer.method.is_some()).count();
    let json = json!({
        "model": model.name,
        "out": args.out,
        "topology": model.topology(),
        "layers": model.layers.len(),
        "layers_with_dropout": dropping,
        "passes": model.passes,
    });
    let mut json = json;
    let file = match &imported.source {
        Source::Onnx { producer, ir_version, opset, nodes } => {
            json["producer"] = json!(producer);
            json["ir_version"] = json!(ir_version);
            json["opset"] = json!(opset);
            json["nodes"] = json!(nodes);
            format!("{nodes} nodes by {producer}, opset {opset}, IR {ir_version}")
        }
        Source::Description => format!("{} layers in TOML", model.layers.len()),
    };
    let input = &model.input;
    let sign = if input.signed { "signed " } else { "" };
    let text = facts(&[
        ("model", format!("{} ({})", model.name, model.topology())),
        ("written to", args.out.display().to_string()),
        ("file", file),
        ("inputs", format!("{} of {sign}{} bits; data set: {}", input.features, input.bits, input.dataset)),
        ("dropout", format!("behind {dropping} of {} hidden layers", model.layers.len() - 1)),
        ("passes", model.passes.to_string()),
    ]);
    output.result(&json, &text)?;
    Ok(Status::Success)
}

/// The command that makes the same model.
fn command(args: &Args) -> String {
    let mut line = format!("neuspin import {} -o {}", args.file.display(), args.out.display());
    let options = [
        ("name", args.name.clone()),
        ("dataset", args.dataset.clone()),
        ("method", args.method.clone()),
        ("p", args.p.map(|p| p.to_string())),
        ("choices", args.choices.as_ref().map(|file| file.display().to_string())),
        ("passes", args.passes.map(|t| t.to_string())),
        ("seed", Some(args.seed.to_string())),
    ];
    for (option, value) in options {
        if let Some(value) = value {
            line += &format!(" --{option} {value}");
        }
    }
    line
}
