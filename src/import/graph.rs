//! The graph: nodes in an order in which each comes after what it reads.

use super::constant::{self, Constant};
use super::onnx::{Attribute, NodeProto, Raw, ValueInfo};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Most values of an image.
const MAX_INPUTS: usize = 1 << 22;

pub struct Graph {
    /// Sorted.
    pub nodes: Vec<Node>,
    pub constants: HashMap<String, Constant>,
    /// The one input that is not a constant: its name and its dimensions, that of the batch left out.
    pub input: (String, Vec<usize>),
    /// The first output.
    pub output: String,
}

pub struct Node {
    /// In the file, from 0.
    pub position: usize,
    pub proto: NodeProto,
}

impl Node {
    pub fn name(&self) -> String {
        match (&self.proto.name, self.proto.output.first()) {
            (name, Some(output)) if name.is_empty() => output.clone(),
            (name, _) => name.clone(),
        }
    }

    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.proto.attribute.iter().find(|a| a.name == name)
    }

    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |a| a.i)
    }

    pub fn float(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).map_or(default, |a| f64::from(a.f))
    }

    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|a| &a.ints[..]).filter(|ints| !ints.is_empty())
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.attribute(name).map(|a| String::from_utf8_lossy(&a.s).into_owned())
    }

    /// Input `n`, if it is given.
    pub fn input(&self, n: usize) -> Option<&str> {
        self.proto.input.get(n).map(String::as_str).filter(|name| !name.is_empty())
    }
}

impl Graph {
    pub fn new(raw: Raw, folder: Option<&Path>) -> Result<Graph, String> {
        let mut constants = HashMap::new();
        for tensor in &raw.initializers {
            let constant = constant::from_proto(tensor, folder)
                .map_err(|what| format!("initializer `{}`: {what}", tensor.name))?;
            constants.insert(tensor.name.clone(), constant);
        }
        let nodes: Vec<Node> =
            raw.nodes.into_iter().enumerate().map(|(position, proto)| Node { position, proto }).collect();
        let mut inputs = raw.inputs.iter().filter(|input| !constants.contains_key(&input.name));
        let input = match (inputs.next(), inputs.next()) {
            (Some(one), None) => (one.name.clone(), dimensions(one)?),
            (None, _) => return Err("no input that is not an initializer".into()),
            (Some(one), Some(two)) => {
                return Err(format!("inputs `{}` and `{}`; networks with one input are read", one.name, two.name));
            }
        };
        let output = raw.outputs.first().map(|o| o.name.clone()).ok_or("no output")?;
        let nodes = sorted(nodes, &constants, &input.0)?;
        Ok(Graph { nodes, constants, input, output })
    }
}

fn dimensions(input: &ValueInfo) -> Result<Vec<usize>, String> {
    let shape = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref()).and_then(|t| t.shape.as_ref());
    let shape = shape.ok_or_else(|| format!("input `{}` has no shape; export with a fixed one", input.name))?;
    let size = |d: i64| usize::try_from(d).ok().filter(|&d| (1..=MAX_INPUTS).contains(&d));
    let sizes: Option<Vec<usize>> = shape.dim.iter().skip(1).map(|d| size(d.dim_value)).collect();
    match sizes {
        Some(sizes)
            if matches!(sizes.len(), 1 | 3)
                && sizes.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).is_some_and(|n| n <= MAX_INPUTS) =>
        {
            Ok(sizes)
        }
        _ => {
            let found: Vec<i64> = shape.dim.iter().map(|d| d.dim_value).collect();
            Err(format!(
                "input `{}` has the shape {found:?}; batch × features, or batch × channels × height × width, with fixed \
                 sizes and 1 to {MAX_INPUTS} values, is read",
                input.name
            ))
        }
    }
}

/// Kahn's order; files need not be sorted.
fn sorted(nodes: Vec<Node>, constants: &HashMap<String, Constant>, input: &str) -> Result<Vec<Node>, String> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (n, node) in nodes.iter().enumerate() {
        for output in node.proto.output.iter().filter(|name| !name.is_empty()) {
            if makers.insert(output, n).is_some() || constants.contains_key(output) || output == input {
                return Err(format!("`{output}` is made twice, the second time by node {}", node.position));
            }
        }
    }
    let mut readers: Vec<Vec<usize>> = vec![vec![]; nodes.len()];
    let mut waits = vec![0usize; nodes.len()];
    for (n, node) in nodes.iter().enumerate() {
        let names: HashSet<&str> =
            node.proto.input.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        for name in names {
            match makers.get(name) {
                Some(&maker) => {
                    readers[maker].push(n);
                    waits[n] += 1;
                }
                None if name == input || constants.contains_key(name) => {}
                None => {
                    let (at, operator) = (node.position, &node.proto.op_type);
                    return Err(format!("node {at} ({operator}) reads `{name}`, which nothing gives"));
                }
            }
        }
    }
    let mut ready: std::collections::BinaryHeap<std::cmp::Reverse<usize>> =
        (0..nodes.len()).filter(|&n| waits[n] == 0).map(std::cmp::Reverse).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(std::cmp::Reverse(n)) = ready.pop() {
        order.push(n);
        for &reader in &readers[n] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                ready.push(std::cmp::Reverse(reader));
            }
        }
    }
    if let Some(n) = (0..nodes.len()).find(|&n| waits[n] > 0) {
        let node = &nodes[n];
        return Err(format!(
            "node {} ({}, `{}`) waits for itself: a cycle",
            node.position,
            node.proto.op_type,
            node.name()
        ));
    }
    let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|n| nodes[n].take()).collect())
}
