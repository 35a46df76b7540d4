//! Feeds damaged ONNX files to the importer: `make fuzz`, or `cargo run --release --example fuzz_import -- EXECUTIONS SEED`.
//!
//! Damage is done to the bytes of the fixtures, and, so that it gets past the decoder, to their messages: sizes, attributes, types, names and
//! edges. A panic ends the run with the seed of the file; memory is watched.

use neuspin::import::onnx::{Attribute, ModelProto, NodeProto};
use neuspin::import::{NO_DATASET, OPERATORS, Options, from_bytes};
use prost::Message;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::Instant;

fn number(rng: &mut StdRng) -> i64 {
    match rng.random_range(0..6) {
        0 => rng.random(),
        1 => 1 << rng.random_range(0..63),
        2 => -rng.random_range(0..4),
        _ => rng.random_range(0..8),
    }
}

fn damage_node(node: &mut NodeProto, names: &[String], rng: &mut StdRng) {
    match rng.random_range(0..6) {
        0 => node.op_type = OPERATORS[rng.random_range(0..OPERATORS.len())].into(),
        1 => {
            if let Some(n) = (!node.input.is_empty()).then(|| rng.random_range(0..node.input.len())) {
                node.input[n] = names[rng.random_range(0..names.len())].clone();
            }
        }
        2 => drop(node.input.pop()),
        3 => node.input.push(names[rng.random_range(0..names.len())].clone()),
        4 => {
            let Some(n) = (!node.attribute.is_empty()).then(|| rng.random_range(0..node.attribute.len())) else {
                return;
            };
            let attribute = &mut node.attribute[n];
            attribute.i = number(rng);
            attribute.ints.iter_mut().for_each(|i| *i = number(rng));
            if rng.random_bool(0.2) {
                attribute.ints.pop();
            }
        }
        _ => {
            let name =
                ["perm", "axis", "group", "ceil_mode", "transA", "transB", "strides", "pads", "kernel_shape", "ratio"];
            let (name, ints) = (
                name[rng.random_range(0..name.len())].into(),
                (0..rng.random_range(0..5)).map(|_| number(rng)).collect(),
            );
            node.attribute.push(Attribute { name, i: number(rng), f: rng.random(), ints, ..Attribute::default() });
        }
    }
}

fn damage(model: &mut ModelProto, rng: &mut StdRng) {
    let Some(graph) = &mut model.graph else { return };
    let names: Vec<String> = graph
        .initializer
        .iter()
        .map(|t| t.name.clone())
        .chain(graph.node.iter().flat_map(|n| n.output.clone()))
        .collect();
    for _ in 0..rng.random_range(1..4) {
        match rng.random_range(0..6) {
            0 if !graph.initializer.is_empty() => {
                let n = rng.random_range(0..graph.initializer.len());
                let tensor = &mut graph.initializer[n];
                match rng.random_range(0..4) {
                    0 => tensor.dims.iter_mut().for_each(|d| *d = number(rng)),
                    1 => tensor.data_type = rng.random_range(0..18),
                    2 => tensor.raw_data.truncate(rng.random_range(0..=tensor.raw_data.len())),
                    _ => tensor.raw_data.chunks_exact_mut(4).for_each(|w| {
                        w.copy_from_slice(&[0.0, f32::NAN, 1e38, -1.5][rng.random_range(0..4)].to_le_bytes())
                    }),
                }
            }
            1 => drop(graph.input.pop()),
            2 if rng.random_bool(0.3) => {
                let dims = graph
                    .input
                    .first_mut()
                    .and_then(|i| i.r#type.as_mut())
                    .and_then(|t| t.tensor_type.as_mut())
                    .and_then(|t| t.shape.as_mut());
                dims.into_iter().flat_map(|s| &mut s.dim).for_each(|d| d.dim_value = number(rng));
            }
            _ if !graph.node.is_empty() => {
                let n = rng.random_range(0..graph.node.len());
                damage_node(&mut graph.node[n], &names, rng);
            }
            _ => {}
        }
    }
}

/// Most memory that the process has had, in KiB, where the system tells.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<u64>().expect("a number"));
    let (executions, first) = (arguments.next().unwrap_or(1_000_000), arguments.next().unwrap_or(1));
    let options = Options {
        name: "fuzz".into(),
        dataset: NO_DATASET.into(),
        depth: 8,
        dropout: None,
        spatial: false,
        choices: Default::default(),
        passes: None,
        seed: 1,
        command: "fuzz".into(),
    };
    let fixture =
        |name: &str| std::fs::read(format!("tests/fixtures/qonnx/{name}.onnx")).expect("run from the project's folder");
    // The layers of the smaller one are damaged most; the other has large tensors.
    let seeds = [fixture("conv_1x28x28"), fixture("mlp_784_64_10")];
    let models: Vec<ModelProto> = seeds.iter().map(|b| ModelProto::decode(&b[..]).expect("a fixture")).collect();
    let (start, mut taken) = (Instant::now(), 0u64);
    for n in 0..executions {
        let mut rng = StdRng::seed_from_u64(first + n);
        let which = usize::from(rng.random_bool(0.02));
        let bytes = if rng.random_bool(0.3) {
            let mut bytes = seeds[which].clone();
            for _ in 0..rng.random_range(1..6) {
                let at = rng.random_range(0..bytes.len());
                match rng.random_range(0..4) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes[at] = rng.random(),
                    2 => bytes[at] ^= 1 << rng.random_range(0..8),
                    // The heads of messages, where sizes and tags are.
                    _ => {
                        let at = rng.random_range(0..bytes.len().min(64));
                        bytes[at] = rng.random();
                    }
                }
            }
            bytes
        } else {
            let mut model = models[which].clone();
            damage(&mut model, &mut rng);
            model.encode_to_vec()
        };
        match std::panic::catch_unwind(|| from_bytes(&bytes, "fuzz", None, &options)) {
            Ok(result) => taken += u64::from(result.is_ok()),
            Err(_) => {
                eprintln!("a panic with the file of seed {}", first + n);
                std::process::exit(1);
            }
        }
        if (n + 1) % 100_000 == 0 {
            eprintln!("{} executions, {taken} imported", n + 1);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{executions} executions from seed {first}, no panic; {taken} imported; {:.0}/s; most memory {} MiB",
        executions as f64 / seconds,
        peak() / 1024
    );
}
