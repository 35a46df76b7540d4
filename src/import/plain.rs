//! Networks without a graph: arrays in a `.npz` file, and a description of the layers in TOML.
//!
//! The description becomes the graph that an exporter would have written, and goes the same way as that.

use super::constant::Constant;
use super::graph::{Graph, Node};
use super::layer::{Choice, Chosen};
use super::onnx::{Attribute, NodeProto};
use crate::data::npy::read_array;
use crate::net::Place;
use npyz::npz::NpzArchive;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A description; `docs/import.md` says what its fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// The `.npz` file, seen from the description.
    weights: PathBuf,
    input: InputText,
    layer: Vec<LayerText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputText {
    /// Features, or channels, rows and columns.
    shape: Vec<usize>,
    #[serde(default = "one")]
    bits: u32,
    #[serde(default)]
    signed: bool,
}

fn one() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerText {
    kind: KindText,
    weights: String,
    /// Weights are those that training keeps: their signs count.
    #[serde(default)]
    latent: bool,
    bias: Option<String>,
    norm: Option<NormText>,
    stride: Option<Pair>,
    pad: Option<Pair>,
    pool: Option<PoolText>,
    residual: Option<usize>,
    method: Option<Chosen>,
    p: Option<f64>,
    place: Option<Place>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindText {
    Dense,
    Conv,
}

/// Names of the arrays of a batch norm.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NormText {
    gamma: String,
    beta: String,
    mean: String,
    var: String,
    #[serde(default = "eps")]
    eps: f32,
}

fn eps() -> f32 {
    1e-5
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolText {
    kind: PoolKindText,
    size: Pair,
    stride: Option<Pair>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PoolKindText {
    Max,
    Average,
}

/// One number for both directions, or rows and columns.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Pair {
    Both(u16),
    Each([u16; 2]),
}

impl Pair {
    fn ints(self) -> Vec<i64> {
        match self {
            Pair::Both(n) => vec![n.into(); 2],
            Pair::Each(pair) => pair.map(i64::from).to_vec(),
        }
    }
}

/// The graph that a description stands for, and the choices of its hidden layers.
pub fn read(path: &Path) -> Result<(Graph, Vec<Choice>), String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let description: Description = toml::from_str(&text).map_err(|e| e.to_string())?;
    let arrays = path.parent().unwrap_or(Path::new("")).join(&description.weights);
    let mut arrays = Arrays {
        archive: NpzArchive::open(&arrays).map_err(|e| format!("weights: {}: {e}", arrays.display()))?,
        file: arrays.display().to_string(),
    };
    let Description { input, layer: layers, .. } = description;
    let (Some(last), 1 | 3) = (layers.len().checked_sub(1), input.shape.len()) else {
        return Err("at least one layer, and an input of [features] or [channels, rows, columns], are needed".into());
    };
    if input.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).is_none_or(|n| !(1..=1 << 22).contains(&n)) {
        return Err(format!("input.shape {:?}; 1 to {} values are read", input.shape, 1 << 22));
    }
    let mut graph = Writer { nodes: vec![], constants: HashMap::new() };
    let mut now = match input.bits {
        1 if input.signed => return Err("input: 1 bit is +1 or -1 and cannot be signed; use 2 bits or more".into()),
        1 => graph.node("input", "BipolarQuant", &["image", "one"], vec![]),
        bits => {
            graph.constants.insert("bits".into(), Constant::scalar(bits.into()));
            let signed = vec![int("signed", i64::from(input.signed))];
            graph.node("input", "Quant", &["image", "one", "zero", "bits"], signed)
        }
    };
    graph.constants.extend([("one".into(), Constant::scalar(1.0)), ("zero".into(), Constant::scalar(0.0))]);
    let mut map = input.shape.len() == 3;
    let mut sums: Vec<String> = vec![];
    let mut choices = vec![];
    for (l, layer) in layers.into_iter().enumerate() {
        let place = format!("layer {l}");
        let at = |what: String| format!("{place}: {what}");
        let mut constant = |graph: &mut Writer, array: &str| -> Result<String, String> {
            let name = format!("array {array}");
            if !graph.constants.contains_key(&name) {
                graph.constants.insert(name.clone(), arrays.read(array).map_err(at)?);
            }
            Ok(name)
        };
        let mut weights = constant(&mut graph, &layer.weights)?;
        if layer.latent {
            weights = graph.node(&place, "BipolarQuant", &[&weights, "one"], vec![]);
        }
        if layer.kind == KindText::Dense && (layer.stride.is_some() || layer.pad.is_some() || layer.pool.is_some()) {
            return Err(at("strides, padding and pooling are those of a layer of kind \"conv\"".into()));
        }
        if layer.kind == KindText::Dense && map {
            now = graph.node(&place, "Flatten", &[&now], vec![]);
            map = false;
        }
        let bias = layer.bias.as_ref().map(|bias| constant(&mut graph, bias)).transpose()?;
        let reads: Vec<&str> = [now.as_str(), &weights].into_iter().chain(bias.as_deref()).collect();
        now = match layer.kind {
            KindText::Dense => graph.node(&place, "Gemm", &reads, vec![int("transB", 1)]),
            KindText::Conv => {
                let stride = layer.stride.unwrap_or(Pair::Both(1)).ints();
                let pad = layer.pad.unwrap_or(Pair::Both(0)).ints();
                let attributes = vec![ints("strides", stride), ints("pads", [pad.clone(), pad].concat())];
                graph.node(&place, "Conv", &reads, attributes)
            }
        };
        let pool = |graph: &mut Writer, now: &str, pool: &PoolText| {
            let (size, stride) = (pool.size.ints(), pool.stride.unwrap_or(pool.size).ints());
            let operator = if pool.kind == PoolKindText::Max { "MaxPool" } else { "AveragePool" };
            graph.node(&place, operator, &[now], vec![ints("kernel_shape", size), ints("strides", stride)])
        };
        let (max, average): (Vec<_>, Vec<_>) = layer.pool.iter().partition(|pool| pool.kind == PoolKindText::Max);
        for average in average {
            now = pool(&mut graph, &now, average);
        }
        if let Some(from) = layer.residual {
            let earlier =
                sums.get(from).ok_or_else(|| at(format!("residual {from}; a layer before this one is added")))?;
            now = graph.node(&place, "Add", &[&now, earlier], vec![]);
        }
        sums.push(now.clone());
        if let Some(NormText { gamma, beta, mean, var, eps }) = &layer.norm {
            let mut reads = vec![now];
            for array in [gamma, beta, mean, var] {
                reads.push(constant(&mut graph, array)?);
            }
            let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
            let eps = Attribute { name: "epsilon".into(), f: *eps, ..Attribute::default() };
            now = graph.node(&place, "BatchNormalization", &reads, vec![eps]);
        }
        if l < last {
            now = graph.node(&place, "BipolarQuant", &[&now, "one"], vec![]);
        } else if layer.method.is_some() || layer.p.is_some() {
            return Err(at("the last layer gives logits, which are not dropped".into()));
        }
        for max in max {
            now = pool(&mut graph, &now, max);
        }
        choices.push(Choice { method: layer.method, p: layer.p, place: layer.place });
    }
    let nodes = graph.nodes.into_iter().enumerate().map(|(position, proto)| Node { position, proto }).collect();
    let input = ("image".into(), input.shape);
    Ok((Graph { nodes, constants: graph.constants, input, output: now }, choices))
}

/// The arrays of a `.npz` file.
struct Arrays {
    archive: NpzArchive<std::io::BufReader<std::fs::File>>,
    file: String,
}

impl Arrays {
    fn read(&mut self, name: &str) -> Result<Constant, String> {
        let entry = npyz::npz::file_name_from_array_name(name);
        let mut there: Vec<String> = self.archive.array_names().map(String::from).collect();
        there.sort_unstable();
        let found = self.archive.zip_archive().by_name(&entry).map(read_array);
        let array = found.map_err(|_| format!("no array `{name}` in {}; there are {}", self.file, there.join(", ")))?;
        let (shape, values) = array.map_err(|what| format!("array `{name}` in {}: {what}", self.file))?;
        Ok(Constant { shape, values })
    }
}

struct Writer {
    nodes: Vec<NodeProto>,
    constants: HashMap<String, Constant>,
}

impl Writer {
    /// Adds a node, and returns the name of what it gives.
    fn node(&mut self, place: &str, operator: &str, input: &[&str], attribute: Vec<Attribute>) -> String {
        let output = format!("node {}", self.nodes.len());
        self.nodes.push(NodeProto {
            input: input.iter().map(|name| name.to_string()).collect(),
            output: vec![output.clone()],
            name: place.into(),
            op_type: operator.into(),
            attribute,
        });
        output
    }
}

fn int(name: &str, i: i64) -> Attribute {
    Attribute { name: name.into(), i, ..Attribute::default() }
}

fn ints(name: &str, ints: Vec<i64>) -> Attribute {
    Attribute { name: name.into(), ints, ..Attribute::default() }
}
