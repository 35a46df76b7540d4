//! `neuspin inspect`: what is in a model, layer by layer.

use super::Status;
use super::model_arg::{ChipArgs, ModelArg};
use super::output::{Output, facts, grouped, percent, table};
use anyhow::Result;
use neuspin::chip::OfDie;
use neuspin::lower::lower;
use neuspin::model::{Encoding, Method, Model};
use neuspin::net::{self, Direction, Hidden, Network};
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Examples:
  neuspin inspect digits-spindrop
  neuspin inspect models/mine
  neuspin inspect digits-spindrop --chip chip.toml --die 3        what is not ideal about a die
  neuspin inspect digits-spindrop --json | jq '.layers[0].thresholds'";

/// Show what is in a model: layers, thresholds, methods, memory.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    #[command(flatten)]
    chip: ChipArgs,
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    let model = args.model.read()?;
    let ideal = lower(&model)?;
    let die = args.chip.die(&ideal)?;
    let network = die.as_ref().map_or(ideal, |of| of.network.clone());
    let layers: Vec<Value> = (0..model.layers.len()).map(|l| layer(&model, &network, l)).collect();
    let memory: u64 = layers.iter().filter_map(|l| l["memory_bits"].as_u64()).sum();
    let mut json = json!({
        "model": model.name,
        "description": model.description,
        "command": model.command,
        "training": model.training,
        "topology": model.topology(),
        "input": model.input,
        "input_dropout": network.input.dropout.map(|code| json!({ "code": code, "draws": network.input.features })),
        "passes": model.passes,
        "seed": model.seed,
        "temperature": model.temperature,
        "weight_bits": network.weight_bits(),
        "memory_bits": memory,
        "layers": layers,
        "logits": {
            "bits": network.output.logit_bits,
            "fraction_bits": network.output.frac_bits,
            "shift": network.output.shift,
        },
        "random": network.random,
    });
    let mut text = text(&model, &network, &layers, memory);
    if let Some(of) = &die {
        json["chip"] = chip_json(of);
        text += &format!("\n\n{}", chip_text(of));
    }
    output.result(&json, &text)?;
    Ok(Status::Success)
}

/// What is not ideal about a die.
fn chip_json(of: &OfDie) -> Value {
    let net::Chip { devices, arrays, origin, .. } = &of.network.chip;
    json!({
        "origin": origin,
        "cells": { "stuck": of.stuck, "wrong": of.programmed.repaired, "moved_columns": of.programmed.moved, "flipped": of.flipped },
        "devices": devices,
        "arrays": arrays,
        "tiles": tiles_of(&of.network),
        "notes": of.notes,
    })
}

/// What a layer takes of its array's tiles.
#[derive(serde::Serialize)]
struct Tiles {
    tiles: usize,
    /// Word-line groups of a neuron.
    groups: usize,
    /// One a column of a tile that is in use.
    converters: usize,
}

impl Tiles {
    /// Of a layer that has so many crossbars of these weights.
    fn of(array: &net::Array, crossbars: usize, weights: &net::Weights) -> Tiles {
        let (down, across) = array.tiles(weights.cols(), weights.rows());
        let (tiles, converters) = (crossbars * down * across, crossbars * down * weights.rows());
        Tiles { tiles, groups: array.groups(weights.cols()), converters }
    }
}

/// Of each layer with an array, the output layer last.
fn tiles_of(network: &Network) -> Vec<Option<Tiles>> {
    let weights = network.hidden.iter().map(|h| &h.weights).chain([&network.output.weights]);
    weights.enumerate().map(|(l, w)| network.array(l).map(|a| Tiles::of(a, network.crossbars(l), w))).collect()
}

fn chip_text(of: &OfDie) -> String {
    let network = &of.network;
    let die = network
        .chip
        .origin
        .as_ref()
        .map_or(String::new(), |o| format!("{} of {}, seed {}", o.die, o.description, o.seed));
    let cells = format!(
        "{} stuck, {} of {} bits wrong after programming, {} neurons moved to spare columns; {} flipped since",
        of.stuck, of.programmed.repaired, of.programmed.bits, of.programmed.moved, of.flipped
    );
    let mut rows = vec![("die", die), ("cells", cells)];
    for (s, device) in network.chip.devices.iter().enumerate() {
        let Some(d) = device else { continue };
        let broken = d.stuck.iter().flatten().count();
        let jitter = if d.jitter > 0 { ", jitter" } else { "" };
        let walk = if d.walk.is_some() { ", walk" } else { "" };
        let cycle = if d.cycle.is_some() { ", SET/READ/RESET" } else { "" };
        let widest = d.deviations.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0);
        rows.push((
            "dropout units",
            format!("stream {s}: codes off by up to {widest}, {broken} broken{jitter}{walk}{cycle}"),
        ));
    }
    for (l, array) in network.chip.arrays.iter().enumerate() {
        let Some(a) = array else { continue };
        let errors = if a.errors.is_some() { ", reads err" } else { "" };
        let weights = network.hidden.get(l).map_or(&network.output.weights, |h| &h.weights);
        let tiles = Tiles::of(a, network.crossbars(l), weights);
        rows.push((
            "array",
            format!(
                "layer {l}: {} tiles of {} x {} cells, {} converters of {} bits in steps of {}; {} groups of {} word lines a \
                 neuron{errors}",
                tiles.tiles,
                a.rows,
                a.columns,
                tiles.converters,
                a.converter.bits,
                1u32 << a.converter.shift,
                tiles.groups,
                a.group,
            ),
        ));
    }
    facts(&rows)
}

fn layer(model: &Model, network: &Network, l: usize) -> Value {
    let float = &model.layers[l];
    let (inputs, outputs) = (float.inputs(), float.outputs());
    let rows = float.weights.planes().iter().flat_map(|plane| (0..outputs).map(|o| plane.count_ones_in_row(o)));
    let ones: u64 = rows.map(u64::from).sum();
    let weight_bits = float.weights.bits() as u64;
    let mut json = json!({
        "inputs": inputs,
        "outputs": outputs,
        "weights_plus_one": ones as f64 / weight_bits as f64,
        "method": float.method.as_ref().map(Method::name),
    });
    if let Some(conv) = network.hidden.get(l).and_then(|hidden| hidden.conv) {
        json["crossbar_mappings"] = mappings(network, l, conv);
    }
    let memory = match network.hidden.get(l) {
        Some(hidden) => {
            json["thresholds"] = thresholds(hidden, network.sum_bound(l));
            if let (Some(float), Some(method)) = (&float.method, &hidden.method) {
                json["p"] = json!(float.p());
                json["code"] = json!(method.code());
                json["draws"] = json!(hidden.draws());
                details(&mut json, method);
            }
            memory_bits(hidden, network.sum_bound(l))
        }
        None => {
            let crossbars = network.crossbars(l);
            if crossbars > 1 {
                (json["crossbars"], json["draws"]) = (json!(crossbars), json!(1));
            }
            weight_bits * crossbars as u64
        }
    };
    json["memory_bits"] = json!(memory);
    json
}

/// The two ways to lay a convolution out on crossbars (arXiv 2306.10185), equal in result: every kernel unrolled into a column, or a
/// crossbar for each place of the kernel. With dropout behind the layer before, one unit gates a pair of word lines for each
/// activation that it drops; with Spatial-SpinDrop one unit gates those of a whole map.
fn mappings(network: &Network, l: usize, conv: net::Conv) -> Value {
    let (places, channels) = (conv.kernel.0 * conv.kernel.1, conv.input.channels);
    let columns = network.hidden[l].weights.rows();
    let before = l.checked_sub(1).and_then(|before| network.hidden[before].method.as_ref());
    let (units, pairs) = match before {
        Some(net::Method::Spindrop(m)) if m.place == net::Place::AfterSign => match m.maps {
            true => (channels, places),
            false => (places * channels, 1),
        },
        _ => (0, 0),
    };
    let mapping = |crossbars: usize, rows: usize, pairs_in_each: usize| {
        json!({
            "crossbars": crossbars,
            "word_line_pairs": rows,
            "columns": columns,
            "dropout_units": units,
            "pairs_a_unit_gates_in_each_crossbar": pairs_in_each,
        })
    };
    json!({
        "unrolled": mapping(1, places * channels, pairs),
        "by_place": mapping(places, channels, pairs.min(1)),
    })
}

/// What only some methods have.
fn details(json: &mut Value, method: &net::Method) {
    match method {
        net::Method::Spindrop(m) => json["place"] = json!(m.place),
        net::Method::Affine(m) => {
            json["drops"] = json!(m.drops);
            json["groups"] = json!(m.groups);
            json["fraction_bits"] = json!(m.frac_bits);
        }
        net::Method::Subset(m) => json["gaussian_bits"] = json!(m.bits),
        net::Method::Spinbayes(m) => json["crossbars"] = json!(1 + m.others.len()),
        net::Method::Scale(_) => {}
    }
}

/// Bits of weights and of what sums are compared with or multiplied by; directions go into the weights.
fn memory_bits(hidden: &Hidden, bound: i64) -> u64 {
    let rows = hidden.weights.rows() as u64;
    let cols = (hidden.weights.planes().len() * hidden.weights.cols()) as u64;
    // One sign bit more than the largest magnitude takes.
    let signed = |largest: u64| u64::from(u64::BITS - largest.leading_zeros() + 1);
    let width = |values: &[i32]| signed(values.iter().map(|v| u64::from(v.unsigned_abs())).max().unwrap_or(0));
    let threshold = signed(bound as u64 + 1);
    let per_neuron = match &hidden.method {
        Some(net::Method::Scale(_)) => 2 * threshold,
        Some(net::Method::Affine(m)) => width(&m.gain) + width(&m.bias),
        Some(net::Method::Subset(m)) => {
            let limit = signed(m.limits.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0));
            // The direction cannot go into the weights: the scale may change its sign.
            width(&m.mean) + width(&m.spread) + limit + 1
        }
        Some(net::Method::Spinbayes(m)) => {
            let others = m.others.len() as u64;
            (1 + others) * threshold + others * cols
        }
        Some(net::Method::Spindrop(_)) | None => threshold,
    };
    rows * (cols + per_neuron)
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
    let dropped = input.dropout.zip(network.input.dropout);
    let dropped = dropped.map_or(String::new(), |(p, code)| format!("; spindrop, p {p} (code {code})"));
    let out = &network.output;
    let head = facts(&[
        ("model", model.name.clone()),
        ("description", model.description.clone()),
        ("made by", model.command.clone()),
        (
            "training",
            match &model.training {
                Some(training) => format!(
                    "epoch {} of {} kept; {} on validation images",
                    training.best_epoch,
                    training.epochs,
                    percent(training.validation_accuracy)
                ),
                None => "by another tool".into(),
            },
        ),
        ("topology", model.topology()),
        ("inputs", format!("{} of {width}; {}, {encoding}{dropped}", input.features, input.dataset)),
        ("passes, seed", format!("{}, {}", model.passes, model.seed)),
        ("weight bits", grouped(network.weight_bits() as u64)),
        ("memory", format!("{} bits of weights and thresholds", grouped(memory))),
        (
            "logits",
            format!("{} bits, {} of them fraction; temperature {:.3}", out.logit_bits, out.frac_bits, out.temperature),
        ),
        (
            "random bits",
            match network.random {
                r if r.source.is_default() => {
                    format!("LFSRs of {} bits, probabilities of {} bits", r.lfsr_bits, r.code_bits)
                }
                r => format!("{}, states of {} bits, probabilities of {} bits", r.source, r.state_bits(), r.code_bits),
            },
        ),
    ]);
    let number = |v: &Value| v.as_i64().map_or("-".into(), |n| n.to_string());
    let row = |(l, json): (usize, &Value)| {
        let t = &json["thresholds"];
        let range = if t.is_null() {
            "- (logits)".into()
        } else if t["least"].is_null() {
            "-".into()
        } else {
            format!("{} / {} / {}", number(&t["least"]), number(&t["median"]), number(&t["greatest"]))
        };
        let method = method_text(json);
        vec![
            l.to_string(),
            format!("{} -> {}", json["inputs"], json["outputs"]),
            json["weights_plus_one"].as_f64().map(percent).unwrap_or_default(),
            range,
            number(&t["at_most"]),
            number(&t["constant"]),
            method,
            json["memory_bits"].as_u64().map(grouped).unwrap_or_default(),
        ]
    };
    let header =
        ["layer", "shape", "weights +1", "threshold min / median / max", "a ≤ t", "constant", "method", "memory bits"];
    let text = format!("{head}\n{}", table(&header, &[0, 2, 4, 5, 7], layers.iter().enumerate().map(row).collect()));
    let mapped: Vec<Vec<String>> = layers.iter().enumerate().flat_map(|(l, json)| mapping_rows(l, json)).collect();
    if mapped.is_empty() {
        return text;
    }
    let header = ["layer", "on crossbars", "crossbars", "word-line pairs", "columns", "dropout units", "a unit gates"];
    format!("{text}\n{}", table(&header, &[0, 2, 3, 4, 5], mapped))
}

/// The two mappings of a convolution, a row each.
fn mapping_rows(l: usize, json: &Value) -> Vec<Vec<String>> {
    let rows =
        [("unrolled", "kernels unrolled"), ("by_place", "one for each place of the kernel")].map(|(key, name)| {
            let m = &json["crossbar_mappings"][key];
            let crossbars = m["crossbars"].as_u64()?;
            let pairs = m["pairs_a_unit_gates_in_each_crossbar"].as_u64()?;
            let gates = match (pairs, crossbars) {
                (0, _) => "-".into(),
                (n, 1) => format!("{n} pair{}", if n == 1 { "" } else { "s" }),
                // A unit of one activation gates the one pair that the activation drives.
                (_, n) if m["dropout_units"] == json!(n * m["word_line_pairs"].as_u64()?) => "1 pair".into(),
                (_, n) => format!("1 pair in each of {n}"),
            };
            let number = |key: &str| m[key].as_u64().map(grouped).unwrap_or_default();
            let [lines, columns, units] = ["word_line_pairs", "columns", "dropout_units"].map(number);
            Some(vec![l.to_string(), name.into(), grouped(crossbars), lines, columns, units, gates])
        });
    rows.into_iter().flatten().collect()
}

/// The method of a layer with its parameters, in a few words.
fn method_text(json: &Value) -> String {
    let Some(name) = json["method"].as_str() else { return "-".into() };
    let mut text = name.to_string();
    if let (Some(p), Some(code)) = (json["p"].as_f64(), json["code"].as_u64()) {
        text += &format!(", p {p} (code {code})");
    }
    if json["place"] == "before-sign" {
        text += ", before the sign";
    }
    if let (Some(drops), Some(groups)) = (json["drops"].as_str(), json["groups"].as_u64()) {
        text += &format!(", {drops}-wise, groups: {groups}");
    }
    if let Some(bits) = json["gaussian_bits"].as_u64() {
        text += &format!(", {bits} bits a draw");
    }
    if let Some(crossbars) = json["crossbars"].as_u64() {
        text += &format!(", {crossbars} crossbars");
    }
    text
}
