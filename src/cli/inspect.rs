//! `neuspin inspect`: what is in a model, layer by layer.

use super::Status;
use super::model_arg::ModelArg;
use super::output::{Output, facts, grouped, percent, table};
use anyhow::Result;
use neuspin::lower::lower;
use neuspin::model::{Encoding, Model};
use neuspin::net::{Direction, Hidden, Network};
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  neuspin inspect digits-spindrop
  neuspin inspect models/mine
  neuspin inspect digits-spindrop --json | jq '.layers[0].thresholds'";

/// Show what is in a model: layers, thresholds, dropout, memory.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    let model = args.model.read()?;
    let network = lower(&model)?;
    let layers: Vec<Value> = (0..model.layers.len()).map(|l| layer(&model, &network, l)).collect();
    let memory: u64 = layers.iter().filter_map(|l| l["memory_bits"].as_u64()).sum();
    let json = json!({
        "model": model.name,
        "description": model.description,
        "command": model.command,
        "training": model.training,
        "topology": model.topology(),
        "input": model.input,
        "passes": model.passes,
        "seed": model.seed,
        "temperature": model.temperature,
        "synapses": network.synapses(),
        "memory_bits": memory,
        "layers": layers,
        "logits": {
            "bits": network.output.logit_bits,
            "fraction_bits": network.output.frac_bits,
            "shift": network.output.shift,
        },
        "random": network.random,
    });
    output.result(&json, &text(&model, &network, &layers, memory))?;
    Ok(Status::Success)
}

fn layer(model: &Model, network: &Network, l: usize) -> Value {
    let float = &model.layers[l];
    let (inputs, outputs) = (float.inputs(), float.outputs());
    let ones: u64 = (0..outputs).map(|o| u64::from(float.weights.count_ones_in_row(o))).sum();
    let weight_bits = (inputs * outputs) as u64;
    let mut json = json!({
        "inputs": inputs,
        "outputs": outputs,
        "weights_plus_one": ones as f64 / weight_bits as f64,
        "dropout": float.dropout,
    });
    let threshold_bits = match network.hidden.get(l) {
        Some(hidden) => {
            // One sign bit more than the largest magnitude takes; the direction goes into the weights.
            let bound = network.sum_bound(l) as u64 + 1;
            json["thresholds"] = thresholds(hidden, network.sum_bound(l));
            json["dropout_code"] = json!(hidden.method.as_ref().and_then(|m| m.code()));
            u64::from(u64::BITS - bound.leading_zeros() + 1)
        }
        None => 0,
    };
    json["memory_bits"] = json!(weight_bits + threshold_bits * outputs as u64);
    json
}

/// Statistics of a hidden layer's thresholds; constant neurons, whose thresholds no sum can miss or reach, stand apart.
fn thresholds(hidden: &Hidden, bound: i64) -> Value {
    let constant = |t: i64, d: Direction| match d {
        Direction::Ge => t > bound || t <= -bound,
        Direction::Le => t < -bound || t >= bound,
    };
    let all = hidden.thresholds.iter().zip(&hidden.directions).map(|(&t, &d)| (i64::from(t), d));
    let mut live: Vec<i64> = all.clone().filter(|&(t, d)| !constant(t, d)).map(|(t, _)| t).collect();
    live.sort_unstable();
    let le = hidden.directions.iter().filter(|&&d| d == Direction::Le).count();
    json!({
        "least": live.first(),
        "median": live.get(live.len() / 2),
        "greatest": live.last(),
        "at_most": le,
        "constant": hidden.thresholds.len() - live.len(),
    })
}

fn text(model: &Model, network: &Network, layers: &[Value], memory: u64) -> String {
    let input = &model.input;
    let encoding = match input.encoding {
        Encoding::Threshold { at } => format!("+1 from {at} on"),
        Encoding::Shift { right } => format!("the byte shifted right by {right}"),
    };
    let sign = if input.signed { "signed" } else { "unsigned" };
    let width = if input.bits == 1 { "1 bit (±1)".into() } else { format!("{} bits, {sign}", input.bits) };
    let out = &network.output;
    let head = facts(&[
        ("model", model.name.clone()),
        ("description", model.description.clone()),
        ("made by", model.command.clone()),
        (
            "training",
            format!(
                "epoch {} of {} kept; {} on validation images",
                model.training.best_epoch,
                model.training.epochs,
                percent(model.training.validation_accuracy)
            ),
        ),
        ("topology", model.topology()),
        ("inputs", format!("{} of {width}; {}, {encoding}", input.features, input.dataset)),
        ("passes, seed", format!("{}, {}", model.passes, model.seed)),
        ("synapses", grouped(network.synapses() as u64)),
        ("memory", format!("{} bits of weights and thresholds", grouped(memory))),
        (
            "logits",
            format!("{} bits, {} of them fraction; temperature {:.3}", out.logit_bits, out.frac_bits, out.temperature),
        ),
        (
            "random bits",
            format!("LFSRs of {} bits, probabilities of {} bits", network.random.lfsr_bits, network.random.code_bits),
        ),
    ]);
    let number = |v: &Value| v.as_i64().map_or("-".into(), |n| n.to_string());
    let row = |(l, json): (usize, &Value)| {
        let t = &json["thresholds"];
        let range = if t.is_null() {
            "- (logits)".into()
        } else {
            format!("{} / {} / {}", number(&t["least"]), number(&t["median"]), number(&t["greatest"]))
        };
        let dropout =
            json["dropout"].as_f64().map_or("-".into(), |p| format!("{p} (code {})", number(&json["dropout_code"])));
        vec![
            l.to_string(),
            format!("{} -> {}", json["inputs"], json["outputs"]),
            json["weights_plus_one"].as_f64().map(percent).unwrap_or_default(),
            range,
            number(&t["at_most"]),
            number(&t["constant"]),
            dropout,
            json["memory_bits"].as_u64().map(grouped).unwrap_or_default(),
        ]
    };
    let header =
        ["layer", "shape", "weights +1", "threshold min / median / max", "a ≤ t", "constant", "dropout", "memory bits"];
    format!("{head}\n{}", table(&header, &[0, 2, 4, 5, 7], layers.iter().enumerate().map(row).collect()))
}
