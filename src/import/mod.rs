//! Networks from other people's tools: QONNX, as Brevitas exports it (`docs/import.md`).
//!
//! `onnx` reads the file, `graph` puts its nodes in order, `chain` walks them and folds what is linear into the layers of a
//! [`Model`].

mod chain;
mod constant;
mod graph;
mod layer;
pub mod onnx;
mod plain;

pub use chain::OPERATORS;
pub use layer::{Choice, Chosen};

use crate::model::{InputSpec, Model};
use std::collections::BTreeMap;
use std::path::Path;
use thiserror::Error;

/// What the graph does not say.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the model.
    pub name: String,
    /// A known data set, for the encoding of its bytes; [`NO_DATASET`] else.
    pub dataset: String,
    /// Bits of a byte of the data set, 8 where there is none.
    pub depth: u32,
    /// What every hidden layer without a Dropout node gets.
    pub dropout: Option<Dropout>,
    /// Whether Dropout nodes drop whole feature maps.
    pub spatial: bool,
    /// Of some hidden layers what they get instead, by number.
    pub choices: BTreeMap<usize, Choice>,
    pub passes: Option<u32>,
    pub seed: u64,
    /// The command line, for the manifest.
    pub command: String,
}

/// Data set of a model whose inputs come from files alone.
pub const NO_DATASET: &str = "none";

/// SpinDrop after the sign.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    pub p: f64,
    /// One draw a feature map.
    pub spatial: bool,
}

/// A node that cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Number of the node in the file, from 0.
    pub position: usize,
    /// The node's name, or that of its first output.
    pub name: String,
    pub operator: String,
    /// What is wrong, and what would work.
    pub what: String,
}

#[derive(Debug, Error)]
pub enum ImportError {
    #[error("{file}: {source}")]
    Io { file: String, source: std::io::Error },
    #[error("{file}: not an ONNX model: {source}")]
    Decode { file: String, source: prost::DecodeError },
    #[error("{file}: {what}")]
    File { file: String, what: String },
    #[error("{file}: {} cannot be imported:{}", count(nodes), list(nodes))]
    Nodes { file: String, nodes: Vec<Refusal> },
    #[error("the network as a whole: {0}")]
    Model(#[from] crate::model::ModelError),
}

fn count(nodes: &[Refusal]) -> String {
    match nodes.len() {
        1 => "1 node".into(),
        n => format!("{n} nodes"),
    }
}

fn list(nodes: &[Refusal]) -> String {
    let line = |n: &Refusal| format!("\n  node {} ({}, `{}`): {}", n.position, n.operator, n.name, n.what);
    nodes.iter().map(line).collect()
}

/// What was imported.
#[derive(Clone, Debug)]
pub struct Imported {
    pub model: Model,
    pub source: Source,
}

/// What it was imported from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Onnx {
        producer: String,
        ir_version: i64,
        opset: i64,
        nodes: usize,
    },
    /// Layers in TOML.
    Description,
}

/// Reads a QONNX file, or the TOML description of a network whose arrays are in a `.npz` file, and makes a model of it.
///
/// # Errors
///
/// A file that cannot be read or is no ONNX model, and every node that cannot be taken over, each with what would work.
pub fn import(path: &Path, options: &Options) -> Result<Imported, ImportError> {
    let file = path.display().to_string();
    if path.extension().is_some_and(|extension| extension == "toml") {
        let fail = |what: String| ImportError::File { file: file.clone(), what };
        let (graph, own) = plain::read(path).map_err(fail)?;
        return from_graph(&graph, &file, Source::Description, own, options);
    }
    let bytes = onnx::read_file(path)?;
    from_bytes(&bytes, &file, path.parent(), options)
}

/// The same for the bytes of an ONNX file. External data are looked for in `folder`, and refused without one.
pub fn from_bytes(bytes: &[u8], file: &str, folder: Option<&Path>, options: &Options) -> Result<Imported, ImportError> {
    let fail = |what: String| ImportError::File { file: file.into(), what };
    let graph = onnx::decode(bytes, file)?;
    let (ir_version, opset, nodes) = (graph.ir_version, graph.opset, graph.nodes.len());
    let source = Source::Onnx { producer: graph.producer.clone(), ir_version, opset, nodes };
    let graph = graph::Graph::new(graph, folder).map_err(fail)?;
    from_graph(&graph, file, source, vec![], options)
}

/// `own` are the choices that the network brings; those of the options go before.
fn from_graph(
    graph: &graph::Graph,
    file: &str,
    source: Source,
    own: Vec<Choice>,
    options: &Options,
) -> Result<Imported, ImportError> {
    let fail = |what: String| ImportError::File { file: file.into(), what };
    let chain = chain::walk(graph).map_err(|fault| match fault {
        chain::Fault::Nodes(nodes) => ImportError::Nodes { file: file.into(), nodes },
        chain::Fault::Whole(what) => fail(what),
    })?;
    let layers = chain.layers.len();
    if let Some(l) = options.choices.keys().find(|&&l| l + 1 >= layers) {
        let hidden = layers - 1;
        return Err(fail(format!("a choice for layer {l}, but hidden layers are 0 to {}", hidden.saturating_sub(1))));
    }
    let choice = |l: usize| options.choices.get(&l).or(own.get(l)).copied().unwrap_or_default();
    for l in 0..layers {
        choice(l).check().map_err(|what| fail(format!("layer {l}: {what}")))?;
    }
    let dense = |(l, layer): (usize, layer::Layer)| layer.model(l + 1 == layers, options, choice(l));
    let encoding = chain.input.encoding(options.depth);
    let features = chain.input.features;
    let (bits, signed) = (chain.input.bits, chain.input.signed);
    let layers: Vec<crate::model::Dense> = chain.layers.into_iter().enumerate().map(dense).collect();
    let random = layers.iter().any(|layer| layer.method.is_some());
    let model = Model {
        name: options.name.clone(),
        description: match &source {
            Source::Description => format!("Imported from {} layers described in TOML.", layers.len()),
            Source::Onnx { producer, nodes, .. } => format!("Imported from ONNX, {nodes} nodes, made by {producer}."),
        },
        command: options.command.clone(),
        training: None,
        input: InputSpec { features, bits, signed, dataset: options.dataset.clone(), encoding, dropout: None },
        passes: options.passes.unwrap_or(if random { 16 } else { 1 }),
        seed: options.seed,
        temperature: 1.0,
        layers,
    };
    model.check()?;
    Ok(Imported { model, source })
}

/// Reads choices for hidden layers from TOML: a table `[layer.N]` for each.
///
/// # Errors
/// What is wrong, with the file.
pub fn read_choices(path: &Path) -> Result<BTreeMap<usize, Choice>, ImportError> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Choices {
        layer: BTreeMap<String, Choice>,
    }
    let file = path.display().to_string();
    let fail = |what: String| ImportError::File { file: file.clone(), what };
    let text = std::fs::read_to_string(path).map_err(|source| ImportError::Io { file: file.clone(), source })?;
    let choices: Choices = toml::from_str(&text).map_err(|e| fail(e.to_string()))?;
    let numbered = |(key, choice): (String, Choice)| match key.parse() {
        Ok(layer) => Ok((layer, choice)),
        Err(_) => Err(fail(format!("[layer.{key}]; hidden layers are numbered from 0"))),
    };
    choices.layer.into_iter().map(numbered).collect()
}
