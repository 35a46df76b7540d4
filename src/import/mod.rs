//! Networks from other people's tools: QONNX, as Brevitas exports it (`docs/import.md`).
//!
//! `onnx` reads the file, `graph` puts its nodes in order, `chain` walks them and folds what is linear into the layers of a
//! [`Model`].

mod chain;
mod constant;
mod graph;
mod layer;
pub mod onnx;

use crate::model::{InputSpec, Model};
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
    pub producer: String,
    pub ir_version: i64,
    pub opset: i64,
    pub nodes: usize,
}

/// Reads a QONNX file and makes a model of it.
///
/// # Errors
///
/// A file that cannot be read or is no ONNX model, and every node that cannot be taken over, each with what would work.
pub fn import(path: &Path, options: &Options) -> Result<Imported, ImportError> {
    let file = path.display().to_string();
    let bytes = onnx::read_file(path)?;
    from_bytes(&bytes, &file, path.parent(), options)
}

/// The same for the bytes of a file. External data are looked for in `folder`, and refused without one.
pub fn from_bytes(bytes: &[u8], file: &str, folder: Option<&Path>, options: &Options) -> Result<Imported, ImportError> {
    let fail = |what: String| ImportError::File { file: file.into(), what };
    let graph = onnx::decode(bytes, file)?;
    let facts = (graph.producer.clone(), graph.ir_version, graph.opset, graph.nodes.len());
    let graph = graph::Graph::new(graph, folder).map_err(fail)?;
    let chain = chain::walk(&graph).map_err(|fault| match fault {
        chain::Fault::Nodes(nodes) => ImportError::Nodes { file: file.into(), nodes },
        chain::Fault::Whole(what) => fail(what),
    })?;
    let random = options.dropout.is_some() || chain.layers.iter().any(|layer| layer.dropout.is_some());
    let layers = chain.layers.len();
    let dense = |(l, layer): (usize, layer::Layer)| layer.model(l + 1 == layers, options);
    let encoding = chain.input.encoding(options.depth);
    let (producer, ir_version, opset, nodes) = facts;
    let model = Model {
        name: options.name.clone(),
        description: format!("Imported from ONNX, {nodes} nodes, made by {producer}."),
        command: options.command.clone(),
        training: None,
        input: InputSpec {
            features: chain.input.features,
            bits: chain.input.bits,
            signed: chain.input.signed,
            dataset: options.dataset.clone(),
            encoding,
            dropout: None,
        },
        passes: options.passes.unwrap_or(if random { 16 } else { 1 }),
        seed: options.seed,
        temperature: 1.0,
        layers: chain.layers.into_iter().enumerate().map(dense).collect(),
    };
    model.check()?;
    Ok(Imported { model, producer, ir_version, opset, nodes })
}
