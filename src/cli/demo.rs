//! `neuspin demo`: the whole way with a bundled network.

use super::Status;
use super::evaluate::{decided_right, evaluate};
use super::generate;
use super::inputs::InputArgs;
use super::model_arg::{DrawArgs, ModelArg};
use super::output::{Output, grouped, percent, table};
use super::plan_arg::PlanArgs;
use super::proof::Proof;
use anyhow::{Context, Result};
use neuspin::cosim::{Builder, Stimulus};
use neuspin::golden::Golden;
use neuspin::rtl::Options;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  neuspin demo
  neuspin demo --json | jq .accuracy";

const MODEL: &str = "digits-spindrop";

/// See the whole way: a trained network becomes Verilog, and Verilator proves it right.
///
/// Generates hdl_out/digits_spindrop from the bundled network of handwritten digits, simulates it on every test image, and
/// compares every output bit of every pass with the golden model.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {}

pub fn run(_args: &Args, output: &Output) -> Result<Status> {
    // What is missing should be known first.
    let builder = Builder::find()?;
    let (model, network) = ModelArg::named(MODEL).network(&DrawArgs::default())?;
    let inputs = InputArgs::set(&model.input.dataset).load(&model)?;
    let labels = inputs.labels.as_deref().context("the bundled set has labels")?;

    let design = PlanArgs::default().design(&network, Options::default())?;
    let out = generate::write(&design, &model, &network, None)?;
    output.note(&format!("generated {} from {MODEL} ({})", out.display(), model.topology()));

    let found = evaluate(&network, &inputs, output)?;
    let golden = Golden::new(&network)?;
    let proof = Proof {
        builder,
        network: &network,
        design: &design,
        reference: &golden,
        images: &inputs.images,
        program: vec![],
    };
    let verdict = proof.run(Stimulus::default(), output)?;

    let images = inputs.images.len();
    let entropy = found.predictions.iter().map(|p| p.entropy).sum::<f64>() / images as f64;
    let one = decided_right(&found.deterministic, labels)?;
    let mean = decided_right(&found.results, labels)?;
    let o = &verdict.outcome;
    let each = o.clocks as f64 / images as f64;
    let json = json!({
        "model": model.name,
        "out": out,
        "images": images,
        "passes": network.passes,
        "accuracy_deterministic": one,
        "accuracy": mean,
        "entropy": entropy,
        "cycles_per_image": each,
        "cosimulation": verdict.json(),
    });
    let rows = vec![
        vec!["accuracy, one deterministic pass".into(), percent(one)],
        vec![format!("accuracy, mean of {} passes", network.passes), percent(mean)],
        vec!["mean entropy".into(), format!("{entropy:.4} nats")],
        vec!["cycles an image".into(), format!("{each:.1}")],
        vec!["simulated cycles/s".into(), grouped(verdict.cycles_per_second() as u64)],
        vec!["output bits".into(), format!("{} of {images} images bit-exact", o.exact)],
    ];
    let title = format!("{} in Verilator", design.name);
    let text = format!("{}\n{}", table(&[title.as_str(), ""], &[1], rows), verdict.complaints());
    output.result(&json, &text)?;
    Ok(if verdict.is_good() { Status::Success } else { Status::CheckFailed })
}
