//! The walk: from node to node, what is known of each tensor, and the layers that come of it.

use super::Refusal;
use super::constant::Constant;
use super::graph::{Graph, Node};
use super::layer::{Input, Layer, weights};
use crate::net::{Conv, Map, Pad, Place, Pool, PoolKind};
use std::collections::HashMap;
use std::rc::Rc;

/// Hidden layers and the one of the logits.
pub struct Chain {
    pub input: Input,
    pub layers: Vec<Layer>,
}

/// Why there is no chain.
pub enum Fault {
    Nodes(Vec<Refusal>),
    Whole(String),
}

/// Operators that are read.
pub const OPERATORS: [&str; 22] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "BipolarQuant",
    "Constant",
    "Conv",
    "Div",
    "Dropout",
    "Flatten",
    "Gemm",
    "GlobalAveragePool",
    "Identity",
    "LogSoftmax",
    "MatMul",
    "MaxPool",
    "Mul",
    "Quant",
    "Reshape",
    "Sign",
    "Softmax",
    "Sub",
    "Transpose",
];

/// What a tensor is.
#[derive(Clone)]
enum Value {
    Constant(Constant),
    Signal(Signal),
    /// Behind a node that was refused.
    Unknown,
}

/// A tensor that depends on the image.
#[derive(Clone)]
struct Signal {
    /// How many values there are, in the order of the project: channels last.
    shape: Shape,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Shape {
    Map(Map),
    /// The file has them in the order (channel, row, column) of `map`, if they were one.
    Flat {
        width: usize,
        map: Option<Map>,
    },
}

#[derive(Clone)]
enum Kind {
    /// The inputs before they are quantised.
    Raw,
    /// Integer inputs of several bits, times `scale`.
    Integers { scale: f64 },
    /// ±`scale`; of the layer so numbered, or of the inputs.
    Signs { scale: f64, layer: Option<usize> },
    /// Sums of a layer.
    Sums(Sums),
}

/// `gain · sum + offset` of a layer, one of each a channel.
#[derive(Clone)]
struct Sums {
    layer: usize,
    gain: Rc<Vec<f64>>,
    offset: Rc<Vec<f64>>,
    /// How often the layer's sums had been pooled or added to: what was read before that is not its sums any more.
    state: usize,
    /// The largest of a window: an OR of signs, once there are signs.
    largest: bool,
    /// Dropped before the sign.
    dropped: bool,
}

impl Shape {
    fn channels(&self) -> usize {
        match self {
            Shape::Map(map) => map.channels,
            Shape::Flat { width, .. } => *width,
        }
    }

    /// Where a tensor with one value a channel has its channels, counted from the last axis.
    fn channel_axis(&self) -> usize {
        match self {
            Shape::Map(_) => 2,
            Shape::Flat { .. } => 0,
        }
    }
}

pub fn walk(graph: &Graph) -> Result<Chain, Fault> {
    let shape = match graph.input.1[..] {
        [channels, height, width] => Shape::Map(Map { height, width, channels }),
        ref other => Shape::Flat { width: other.iter().product(), map: None },
    };
    let features = match shape {
        Shape::Map(map) => map.size(),
        Shape::Flat { width, .. } => width,
    };
    let mut walk = Walk {
        graph,
        values: HashMap::from([(graph.input.0.as_str(), Value::Signal(Signal { shape, kind: Kind::Raw }))]),
        readers: HashMap::new(),
        input: Input { features, bits: 1, signed: false },
        layers: vec![],
    };
    let mut refusals = vec![];
    for node in &graph.nodes {
        let value = walk.node(node).unwrap_or_else(|what| {
            let (position, operator) = (node.position, node.proto.op_type.clone());
            refusals.push(Refusal { position, name: node.name(), operator, what });
            Value::Unknown
        });
        let mut outputs = node.proto.output.iter();
        walk.values.extend(outputs.next().map(|name| (name.as_str(), value)));
        // A mask, or statistics of training.
        walk.values.extend(outputs.map(|name| (name.as_str(), Value::Unknown)));
    }
    if !refusals.is_empty() {
        refusals.sort_by_key(|refusal| refusal.position);
        return Err(Fault::Nodes(refusals));
    }
    let whole = |what: &str| Err(Fault::Whole(format!("output `{}` {what}", graph.output)));
    match walk.values.get(graph.output.as_str()).cloned() {
        Some(Value::Signal(Signal { kind: Kind::Sums(sums), shape: Shape::Flat { .. } })) if walk.layers.len() > 1 => {
            if let Err(what) = walk.decide(&sums) {
                return whole(&format!("is what the network does not end in: {what}"));
            }
            if sums.layer + 1 != walk.layers.len() {
                return whole("does not come of the last layer");
            }
            if walk.layers[sums.layer].residual.is_some() {
                return whole("has sums added; residuals end in hidden layers");
            }
        }
        Some(Value::Signal(Signal { kind: Kind::Sums(_), .. })) => {
            return whole(
                "is a map, or that of the only layer; logits come from a Gemm or MatMul behind a hidden layer",
            );
        }
        Some(Value::Unknown | Value::Constant(_)) | None => return whole("does not depend on the image"),
        Some(Value::Signal(_)) => return whole("is no sum of a layer; logits come from a Gemm or MatMul"),
    }
    Ok(Chain { input: walk.input, layers: walk.layers })
}

struct Walk<'a> {
    graph: &'a Graph,
    values: HashMap<&'a str, Value>,
    /// How often each signal was read.
    readers: HashMap<&'a str, usize>,
    input: Input,
    layers: Vec<Layer>,
}

/// An input of a node.
enum Argument<'a> {
    Constant(&'a Constant),
    Signal(Signal),
    Unknown,
}

impl<'a> Walk<'a> {
    fn argument<'b>(&'b self, node: &Node, n: usize) -> Result<Argument<'b>, String> {
        let name = node.input(n).ok_or_else(|| format!("input {n} is missing"))?;
        if let Some(constant) = self.graph.constants.get(name) {
            return Ok(Argument::Constant(constant));
        }
        Ok(match self.values.get(name) {
            Some(Value::Constant(constant)) => Argument::Constant(constant),
            Some(Value::Signal(signal)) => Argument::Signal(signal.clone()),
            Some(Value::Unknown) | None => Argument::Unknown,
        })
    }

    fn constant<'b>(&'b self, node: &Node, n: usize, what: &str) -> Result<&'b Constant, String> {
        match self.argument(node, n)? {
            Argument::Constant(constant) => Ok(constant),
            _ => Err(format!("{what} depends on the image; use an initializer")),
        }
    }

    fn single(&self, node: &Node, n: usize, what: &str) -> Result<f64, String> {
        let constant = self.constant(node, n, what)?;
        let shape = &constant.shape;
        constant.single().ok_or_else(|| format!("{what} of shape {shape:?}; one value for all is read"))
    }

    /// One value a channel of `shape`.
    fn per_channel(&self, node: &Node, n: usize, what: &str, shape: &Shape, axis: usize) -> Result<Vec<f64>, String> {
        let (constant, channels) = (self.constant(node, n, what)?, shape.channels());
        let found = &constant.shape;
        constant.per_channel(channels, axis).ok_or_else(|| {
            format!("{what} of shape {found:?}; one value, or one for each of {channels} channels, is read")
        })
    }

    fn node(&mut self, node: &'a Node) -> Result<Value, String> {
        // Said even where the node's inputs are unknown for another's sake.
        if !OPERATORS.contains(&node.proto.op_type.as_str()) {
            return Err(format!("not an operator of binary networks as read here; there are {}", OPERATORS.join(", ")));
        }
        for n in 0..node.proto.input.len() {
            let Some(name) = node.input(n) else { continue };
            match self.argument(node, n)? {
                Argument::Unknown => return Ok(Value::Unknown),
                // Sums may go several ways: to the signs, and to where they are added.
                Argument::Signal(Signal { kind: Kind::Sums(_), .. }) => {}
                Argument::Signal(_) => {
                    let readers = self.readers.entry(name).or_default();
                    *readers += 1;
                    if *readers > 1 {
                        return Err(format!(
                            "`{name}` is read by another node, too; networks are read that branch at sums alone, for residuals"
                        ));
                    }
                }
                Argument::Constant(_) => {}
            }
        }
        match node.proto.op_type.as_str() {
            "BipolarQuant" => self.bipolar(node, self.constant(node, 1, "the scale")?.clone()),
            "Sign" => self.bipolar(node, Constant::scalar(1.0)),
            "Quant" => self.quant(node),
            "Gemm" => self.gemm(node),
            "MatMul" => self.matmul(node),
            "Conv" => self.conv(node),
            "BatchNormalization" => self.batch_norm(node),
            "Add" => self.arithmetic(node, |a, b| a + b, |v| (1.0, v)),
            "Sub" => self.arithmetic(node, |a, b| a - b, |v| (1.0, -v)),
            "Mul" => self.arithmetic(node, |a, b| a * b, |v| (v, 0.0)),
            "Div" => self.arithmetic(node, |a, b| a / b, |v| (1.0 / v, 0.0)),
            "MaxPool" | "AveragePool" | "GlobalAveragePool" => self.pool(node),
            "Flatten" | "Reshape" => self.flatten(node),
            "Transpose" => self.transpose(node),
            "Dropout" => self.dropout(node),
            "Identity" => self.same(node),
            "Softmax" | "LogSoftmax" if node.proto.output.first() == Some(&self.graph.output) => self.same(node),
            "Softmax" | "LogSoftmax" => Err("behind the logits alone; remove it".into()),
            // Constant; the list above has no other.
            _ => {
                let tensor = node.attribute("value").and_then(|a| a.t.as_ref());
                let tensor = tensor.ok_or("a constant without `value`; use a tensor")?;
                super::constant::from_proto(tensor, None).map(Value::Constant)
            }
        }
    }

    fn same(&self, node: &Node) -> Result<Value, String> {
        Ok(match self.argument(node, 0)? {
            Argument::Constant(constant) => Value::Constant(constant.clone()),
            Argument::Signal(signal) => Value::Signal(signal),
            Argument::Unknown => Value::Unknown,
        })
    }

    fn signal(&self, node: &Node, n: usize) -> Result<Signal, String> {
        match self.argument(node, n)? {
            Argument::Signal(signal) => Ok(signal),
            _ => Err(format!("input {n} does not depend on the image; fold it into an initializer")),
        }
    }

    /// ±scale: +scale for 0.
    fn bipolar(&mut self, node: &Node, scale: Constant) -> Result<Value, String> {
        if let Argument::Constant(x) = self.argument(node, 0)? {
            let signs = x.zip(&scale, |x, scale| if x >= 0.0 { scale } else { -scale });
            return signs.map(Value::Constant).ok_or_else(|| {
                format!("a scale of shape {:?} for weights of {:?}; one value, or one a row", scale.shape, x.shape)
            });
        }
        let signal = self.signal(node, 0)?;
        let scale = scale.single().ok_or("a scale for each channel; one for all activations is read")?;
        if !(scale.is_finite() && scale > 0.0) {
            return Err(format!("a scale of {scale}; it must be above 0"));
        }
        let layer = match signal.kind {
            Kind::Raw => None,
            Kind::Signs { layer, .. } => layer,
            Kind::Sums(ref sums) => {
                self.decide(sums)?;
                Some(sums.layer)
            }
            Kind::Integers { .. } => return Err("inputs are quantised twice; leave one out".into()),
        };
        Ok(Value::Signal(Signal { kind: Kind::Signs { scale, layer }, ..signal }))
    }

    fn quant(&mut self, node: &Node) -> Result<Value, String> {
        let zero = self.single(node, 2, "the zero point")?;
        let bits = self.single(node, 3, "the bit width")?;
        let (signed, narrow) = (node.int("signed", 1) != 0, node.int("narrow", 0) != 0);
        if !(1.0..=32.0).contains(&bits) || bits.fract() != 0.0 {
            return Err(format!("{bits} bits; 1 to 8 are supported"));
        }
        if let Argument::Constant(x) = self.argument(node, 0)? {
            let scale = self.constant(node, 1, "the scale")?;
            let half = 2f64.powf(bits - 1.0);
            let (low, high) = if signed { (-half, half - 1.0) } else { (0.0, 2.0 * half - 1.0) };
            let low = if narrow && signed { low + 1.0 } else { low };
            let high = if narrow && !signed { high - 1.0 } else { high };
            let quantised = |x: f64, scale: f64| ((x / scale + zero).round_ties_even().clamp(low, high) - zero) * scale;
            let what =
                || format!("a scale of shape {:?} for weights of {:?}; one value, or one a row", scale.shape, x.shape);
            return x.zip(scale, quantised).map(Value::Constant).ok_or_else(what);
        }
        let signal = self.signal(node, 0)?;
        let scale = self.single(node, 1, "the scale")?;
        match signal.kind {
            Kind::Raw => {}
            Kind::Integers { .. } => return Err("inputs are quantised twice; leave one out".into()),
            Kind::Signs { .. } | Kind::Sums(_) => {
                return Err(format!("activations of {bits} bits; behind a layer they are binary: use BipolarQuant"));
            }
        }
        if !(2.0..=8.0).contains(&bits) {
            return Err(format!("inputs of {bits} bits; Quant gives 2 to 8, BipolarQuant 1"));
        }
        if zero != 0.0 || !(scale.is_finite() && scale > 0.0) {
            return Err(format!("a zero point of {zero} and a scale of {scale}; 0, and a scale above 0, are read"));
        }
        (self.input.bits, self.input.signed) = (bits as u32, signed);
        Ok(Value::Signal(Signal { kind: Kind::Integers { scale }, ..signal }))
    }

    /// A layer decides on its sums: by their sign, or as logits.
    fn decide(&mut self, sums: &Sums) -> Result<(), String> {
        self.current(sums)?;
        let layer = &mut self.layers[sums.layer];
        if layer.decided {
            return Err("signs are taken of a layer twice; leave one out".into());
        }
        layer.decided = true;
        (layer.gain, layer.offset) = (sums.gain.to_vec(), sums.offset.to_vec());
        Ok(())
    }

    /// Whether sums are still those of their layer.
    fn current(&self, sums: &Sums) -> Result<(), String> {
        match self.layers[sums.layer].state == sums.state {
            true => Ok(()),
            false => Err("reads sums from before something was pooled or added, where another node reads them after; \
                          branch behind that"
                .into()),
        }
    }

    /// A layer that comes behind the last one.
    fn push(&mut self, layer: Layer, shape: Shape, reads: &Signal) -> Result<Value, String> {
        let from = match reads.kind {
            Kind::Signs { layer, .. } => layer,
            _ => None,
        };
        if from.map_or(0, |from| from + 1) != self.layers.len() {
            return Err("a second branch of layers; residuals that add sums are the only branches that are read".into());
        }
        let (gain, offset) = (Rc::new(layer.gain.clone()), Rc::new(layer.offset.clone()));
        self.layers.push(layer);
        let layer = self.layers.len() - 1;
        let kind = Kind::Sums(Sums { layer, gain, offset, state: 0, largest: false, dropped: false });
        Ok(Value::Signal(Signal { shape, kind }))
    }

    /// The sums of two layers: those of the earlier one are added to those of the later one.
    fn residual(&mut self, a: Signal, b: Signal) -> Result<Value, String> {
        let (Kind::Sums(a_sums), Kind::Sums(b_sums)) = (&a.kind, &b.kind) else {
            return Err(
                "two tensors that depend on the image, not both of them sums; residuals add sums, before the sign"
                    .into(),
            );
        };
        let (earlier, later) = if a_sums.layer <= b_sums.layer { (a_sums, b_sums) } else { (b_sums, a_sums) };
        self.current(earlier)?;
        self.current(later)?;
        if earlier.layer == later.layer {
            return Err("sums of one layer added to themselves; multiply by 2".into());
        }
        if earlier.dropped || later.dropped {
            return Err("Dropout before the addition; drop behind it".into());
        }
        if earlier.largest || later.largest {
            return Err("MaxPool before the addition; pool behind BipolarQuant".into());
        }
        let own = &mut self.layers[later.layer];
        if own.residual.is_some() {
            return Err("a second addition to the same layer; one is supported".into());
        }
        let shapes = |signal: &Signal| match signal.shape {
            Shape::Map(Map { height, width, channels }) => (height, width, channels),
            Shape::Flat { width, .. } => (1, 1, width),
        };
        if shapes(&a) != shapes(&b) || earlier.gain.len() != later.gain.len() {
            return Err(format!(
                "values of {:?} and {:?} (rows, columns, channels); as many are read",
                shapes(&a),
                shapes(&b)
            ));
        }
        let unlike = |(a, b): (&f64, &f64)| (a - b).abs() > 1e-6 * a.abs().max(b.abs());
        if let Some(o) = earlier.gain.iter().zip(later.gain.iter()).position(unlike) {
            return Err(format!(
                "channel {o}: sums times {} and sums times {}; hardware adds sums as they are, so that both need the same factor: \
                 put batch norm behind the addition",
                earlier.gain[o], later.gain[o]
            ));
        }
        own.residual = Some(earlier.layer);
        own.state += 1;
        let offset = earlier.offset.iter().zip(later.offset.iter()).map(|(a, b)| a + b).collect();
        let sums = Sums { offset: Rc::new(offset), state: own.state, ..later.clone() };
        Ok(Value::Signal(Signal { shape: a.shape, kind: Kind::Sums(sums) }))
    }

    /// What one unit of the values is that a layer reads.
    fn unit(&self, signal: &Signal) -> Result<f64, String> {
        match signal.kind {
            Kind::Integers { scale } | Kind::Signs { scale, .. } => Ok(scale),
            Kind::Raw => {
                Err("reads inputs that are not quantised; put a BipolarQuant, or a Quant of 2 to 8 bits, before".into())
            }
            Kind::Sums(_) => Err("reads sums; put a BipolarQuant between two layers".into()),
        }
    }

    fn gemm(&mut self, node: &Node) -> Result<Value, String> {
        if node.int("transA", 0) != 0 {
            return Err("transA; images are rows here: use 0".into());
        }
        let matrix = self.constant(node, 1, "the weights")?;
        let matrix = if node.int("transB", 0) == 0 { matrix.transposed(&[1, 0]) } else { Some(matrix.clone()) };
        let matrix = matrix.ok_or("weights that are no matrix")?;
        let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
        self.dense(node, matrix, alpha, beta)
    }

    fn matmul(&mut self, node: &Node) -> Result<Value, String> {
        if let Argument::Constant(_) = self.argument(node, 0)? {
            return Err("weights on the left; images are rows here: put them on the right".into());
        }
        let matrix = self.constant(node, 1, "the weights")?.transposed(&[1, 0]).ok_or("weights that are no matrix")?;
        self.dense(node, matrix, 1.0, 0.0)
    }

    /// A dense layer with one row an output.
    fn dense(&mut self, node: &Node, matrix: Constant, alpha: f64, beta: f64) -> Result<Value, String> {
        let signal = self.signal(node, 0)?;
        let unit = self.unit(&signal)?;
        let Shape::Flat { width, map } = signal.shape else {
            return Err("reads a map; put a Flatten before".into());
        };
        let [rows, cols] = matrix.shape[..] else { return Err("weights that are no matrix".into()) };
        if cols != width || rows == 0 {
            return Err(format!("weights for {cols} inputs and {rows} outputs, but there are {width} values"));
        }
        let (mut integers, scales) = weights(&matrix.values, cols)?;
        if let Some(Map { channels, height, width }) = map {
            let positions = height * width;
            let mut own = vec![0; cols];
            for row in integers.chunks_exact_mut(cols) {
                for (n, w) in row.iter().enumerate() {
                    own[n % positions * channels + n / positions] = *w;
                }
                row.copy_from_slice(&own);
            }
        }
        let shape = Shape::Flat { width: rows, map: None };
        let bias = match node.input(2) {
            Some(_) => self.per_channel(node, 2, "the bias", &shape, 0)?,
            None => vec![0.0; rows],
        };
        let gain = scales.iter().map(|scale| alpha * scale * unit).collect();
        let offset = bias.iter().map(|bias| beta * bias).collect();
        let layer = Layer::new((rows, cols), integers, None, gain, offset);
        self.push(layer, shape, &signal)
    }

    fn conv(&mut self, node: &Node) -> Result<Value, String> {
        let signal = self.signal(node, 0)?;
        let unit = self.unit(&signal)?;
        let Shape::Map(input) = signal.shape else { return Err("reads no map; use Gemm".into()) };
        let constant = self.constant(node, 1, "the weights")?;
        let [rows, channels, kh, kw] = constant.shape[..] else {
            return Err(format!("weights of shape {:?}; outputs × channels × height × width", constant.shape));
        };
        if node.int("group", 1) != 1 {
            return Err(format!("{} groups; 1 is supported", node.int("group", 1)));
        }
        if channels != input.channels || rows == 0 {
            return Err(format!("weights for {channels} channels, but the map has {}", input.channels));
        }
        let (stride, pad) = window(node, (kh, kw))?;
        let conv = Conv { input, kernel: (kh, kw), stride, pad, pool: None };
        conv.check(input.size())?;
        // (channel, ky, kx) in the file, (ky, kx, channel) here.
        let (taps, positions) = (conv.taps(), kh * kw);
        let mut values = vec![0.0; constant.values.len()];
        for (own, theirs) in values.chunks_exact_mut(taps).zip(constant.values.chunks_exact(taps)) {
            for (n, w) in theirs.iter().enumerate() {
                own[n % positions * channels + n / positions] = *w;
            }
        }
        let (integers, scales) = weights(&values, taps)?;
        let (height, width) = conv.summed();
        let shape = Shape::Map(Map { height, width, channels: rows });
        let offset = match node.input(2) {
            Some(_) => self.per_channel(node, 2, "the bias", &shape, 0)?,
            None => vec![0.0; rows],
        };
        let gain = scales.iter().map(|scale| scale * unit).collect();
        let layer = Layer::new((rows, taps), integers, Some(conv), gain, offset);
        self.push(layer, shape, &signal)
    }

    fn batch_norm(&mut self, node: &Node) -> Result<Value, String> {
        let signal = self.signal(node, 0)?;
        let vector = |n, what| self.per_channel(node, n, what, &signal.shape, 0);
        let (gamma, beta) = (vector(1, "gamma")?, vector(2, "beta")?);
        let (mean, var) = (vector(3, "the mean")?, vector(4, "the variance")?);
        let eps = node.float("epsilon", 1e-5);
        if let Some(o) = var.iter().position(|v| (v + eps).is_nan() || v + eps <= 0.0) {
            return Err(format!("channel {o}: a variance of {} with epsilon {eps}; above 0", var[o]));
        }
        let gain: Vec<f64> = gamma.iter().zip(&var).map(|(gamma, var)| gamma / (var + eps).sqrt()).collect();
        let offset: Vec<f64> = (0..gain.len()).map(|o| beta[o] - gain[o] * mean[o]).collect();
        self.scaled(signal, &gain, &offset)
    }

    /// `gain · value + offset`, one of each a channel.
    fn scaled(&mut self, signal: Signal, gain: &[f64], offset: &[f64]) -> Result<Value, String> {
        if let Some(o) = (0..gain.len()).find(|&o| !(gain[o].is_finite() && offset[o].is_finite())) {
            return Err(format!("channel {o} becomes {} · x + {}", gain[o], offset[o]));
        }
        let kind = match signal.kind {
            Kind::Sums(ref sums) if gain.len() != sums.gain.len() => {
                return Err(
                    "a factor or an offset for each position of a map; one a channel is read: put it before Flatten"
                        .into(),
                );
            }
            Kind::Sums(sums) => {
                if sums.largest && gain.iter().any(|&g| g < 0.0) {
                    return Err(
                        "a factor below 0 behind MaxPool turns it into a minimum; pool behind BipolarQuant".into()
                    );
                }
                let scaled = sums.gain.iter().zip(gain).map(|(own, gain)| own * gain).collect();
                let moved = sums.offset.iter().zip(gain).zip(offset).map(|((own, gain), offset)| gain * own + offset);
                Kind::Sums(Sums { gain: Rc::new(scaled), offset: Rc::new(moved.collect()), ..sums })
            }
            Kind::Signs { scale, layer }
                if gain.iter().all(|&g| g == gain[0] && g != 0.0) && offset.iter().all(|&o| o == 0.0) =>
            {
                Kind::Signs { scale: scale * gain[0], layer }
            }
            Kind::Integers { scale }
                if gain.iter().all(|&g| g == gain[0] && g != 0.0) && offset.iter().all(|&o| o == 0.0) =>
            {
                Kind::Integers { scale: scale * gain[0] }
            }
            Kind::Raw => return Err("inputs before they are quantised; leave that to the encoding of the data".into()),
            Kind::Signs { .. } | Kind::Integers { .. } => {
                return Err("values that a layer reads may be multiplied by one factor, and nothing added".into());
            }
        };
        Ok(Value::Signal(Signal { kind, ..signal }))
    }

    /// Of two constants, or of a signal with one.
    fn arithmetic(
        &mut self,
        node: &Node,
        of_constants: impl Fn(f64, f64) -> f64,
        of_signal: impl Fn(f64) -> (f64, f64),
    ) -> Result<Value, String> {
        let (signal, n) = match (self.argument(node, 0)?, self.argument(node, 1)?) {
            (Argument::Constant(a), Argument::Constant(b)) => {
                let what = || format!("constants of {:?} and {:?}; one shape, or a scalar", a.shape, b.shape);
                return a.zip(b, of_constants).map(Value::Constant).ok_or_else(what);
            }
            (Argument::Signal(signal), Argument::Constant(_)) => (signal, 1),
            (Argument::Constant(_), Argument::Signal(signal))
                if matches!(node.proto.op_type.as_str(), "Add" | "Mul") =>
            {
                (signal, 0)
            }
            (Argument::Constant(_), Argument::Signal(_)) => {
                return Err("a constant on the left; put it on the right".into());
            }
            (Argument::Signal(a), Argument::Signal(b)) if node.proto.op_type == "Add" => return self.residual(a, b),
            _ => return Err("two tensors that depend on the image; they may be added, as sums of two layers".into()),
        };
        let values = self.per_channel(node, n, "the constant", &signal.shape, signal.shape.channel_axis())?;
        let (gain, offset): (Vec<f64>, Vec<f64>) = values.into_iter().map(of_signal).unzip();
        self.scaled(signal, &gain, &offset)
    }

    fn pool(&mut self, node: &Node) -> Result<Value, String> {
        let signal = self.signal(node, 0)?;
        let Shape::Map(map) = signal.shape else { return Err("reads no map".into()) };
        let operator = node.proto.op_type.as_str();
        let size = match (operator, node.ints("kernel_shape")) {
            ("GlobalAveragePool", _) => (map.height, map.width),
            (_, Some(&[h, w])) => (positive(h)?, positive(w)?),
            _ => return Err("kernel_shape: two sizes are needed".into()),
        };
        let (stride, pad) = if operator == "GlobalAveragePool" { (size, Pad::default()) } else { window(node, size)? };
        if pad.any() || node.int("ceil_mode", 0) != 0 {
            return Err("padding or ceil_mode; windows lie inside the map here".into());
        }
        let max = operator == "MaxPool";
        let layer = match signal.kind {
            Kind::Sums(ref sums) => {
                self.current(sums)?;
                if self.layers[sums.layer].residual.is_some() {
                    return Err("behind an addition; pool before it, or behind BipolarQuant".into());
                }
                if self.layers[sums.layer].decided {
                    return Err("of sums whose signs another node has taken; pool before that".into());
                }
                sums.layer
            }
            Kind::Signs { layer: Some(layer), scale } if max => {
                if scale < 0.0 {
                    return Err(
                        "a factor below 0 turns the maximum into a minimum; pool right behind BipolarQuant".into()
                    );
                }
                if self.layers[layer].dropout.is_some() {
                    return Err("behind Dropout; a dropped activation is 0, between the signs: pool before".into());
                }
                layer
            }
            Kind::Signs { layer: Some(_), .. } => {
                return Err(
                    "the mean of signs has more than two values; take it of the sums, before BipolarQuant".into()
                );
            }
            _ => return Err("pooling of the inputs; pool behind a Conv".into()),
        };
        let own = &mut self.layers[layer];
        let Some(conv) = own.conv.as_mut() else { return Err("behind a dense layer; there is no map".into()) };
        if conv.pool.is_some() {
            return Err("a layer is pooled once; leave one pooling out".into());
        }
        // What stands between the sums and a maximum is a rising function or it is not, but its sign is: an OR of signs.
        let kind = if max { PoolKind::Or } else { PoolKind::Sum };
        let pooled = Conv { pool: Some(Pool { kind, size, stride }), ..*conv };
        pooled.check(conv.input.size())?;
        *conv = pooled;
        let kind = match signal.kind {
            Kind::Sums(sums) => {
                own.state += 1;
                let count = if max { 1.0 } else { (size.0 * size.1) as f64 };
                let gain = Rc::new(sums.gain.iter().map(|gain| gain / count).collect());
                Kind::Sums(Sums { gain, state: own.state, largest: max, ..sums })
            }
            kind => kind,
        };
        let (height, width) = pooled.positions();
        Ok(Value::Signal(Signal { shape: Shape::Map(Map { height, width, ..map }), kind }))
    }

    fn flatten(&mut self, node: &Node) -> Result<Value, String> {
        let reshape = node.proto.op_type == "Reshape";
        if let Argument::Constant(x) = self.argument(node, 0)? {
            if !reshape {
                return Err("of a constant; use an initializer of that shape".into());
            }
            let wanted = &self.constant(node, 1, "the shape")?.values;
            let shape: Option<Vec<usize>> = wanted.iter().map(|&d| (d > 0.0).then_some(d as usize)).collect();
            let fits =
                |shape: &Vec<usize>| shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) == Some(x.values.len());
            let shape = shape.filter(fits).ok_or_else(|| format!("{wanted:?} of {:?}; give the sizes", x.shape))?;
            return Ok(Value::Constant(Constant { shape, values: x.values.clone() }));
        }
        let signal = self.signal(node, 0)?;
        let (width, map) = match signal.shape {
            Shape::Map(map) => (map.size(), Some(map)),
            Shape::Flat { width, map } => (width, map),
        };
        if reshape {
            let wanted = &self.constant(node, 1, "the shape")?.values;
            let flat = matches!(wanted[..], [_, d] if d == -1.0 || d == width as f64);
            if !flat {
                return Err(format!("to {wanted:?}; batch × {width} is read"));
            }
        } else if node.int("axis", 1) != 1 {
            return Err(format!("axis {}; 1 is read", node.int("axis", 1)));
        }
        Ok(Value::Signal(Signal { shape: Shape::Flat { width, map }, ..signal }))
    }

    fn transpose(&mut self, node: &Node) -> Result<Value, String> {
        let order: Option<Vec<usize>> =
            node.ints("perm").map(|perm| perm.iter().map(|&d| usize::try_from(d).unwrap_or(usize::MAX)).collect());
        match self.argument(node, 0)? {
            Argument::Constant(x) => {
                let order = order.unwrap_or_else(|| (0..x.shape.len()).rev().collect());
                x.transposed(&order).map(Value::Constant).ok_or_else(|| format!("perm {order:?} of {:?}", x.shape))
            }
            Argument::Signal(signal) if order.as_ref().is_some_and(|o| o.is_sorted()) => Ok(Value::Signal(signal)),
            _ => Err("of activations; weights can be transposed, or export without it".into()),
        }
    }

    fn dropout(&mut self, node: &Node) -> Result<Value, String> {
        let signal = self.signal(node, 0)?;
        let p = match node.input(1) {
            Some(_) => self.single(node, 1, "the ratio")?,
            None => node.float("ratio", 0.5),
        };
        if !(0.0..1.0).contains(&p) {
            return Err(format!("a ratio of {p}; 0 to below 1"));
        }
        let (layer, place) = match signal.kind {
            Kind::Signs { layer: Some(layer), .. } => (layer, Place::AfterSign),
            Kind::Sums(ref sums) => {
                self.current(sums)?;
                (sums.layer, Place::BeforeSign)
            }
            _ => return Err("of the inputs; drop behind a layer".into()),
        };
        if self.layers[layer].dropout.is_some() {
            return Err("a second one behind the same layer; leave one out".into());
        }
        self.layers[layer].dropout = (p > 0.0).then_some((p, place));
        let kind = match signal.kind {
            Kind::Sums(sums) => Kind::Sums(Sums { dropped: sums.dropped || p > 0.0, ..sums }),
            kind => kind,
        };
        Ok(Value::Signal(Signal { kind, ..signal }))
    }
}

fn positive(n: i64) -> Result<usize, String> {
    usize::try_from(n).ok().filter(|n| (1..=1 << 16).contains(n)).ok_or_else(|| format!("a size of {n}"))
}

/// Strides and padding of a window of `size`.
fn window(node: &Node, size: (usize, usize)) -> Result<((usize, usize), Pad), String> {
    if let Some(pad) = node.text("auto_pad").filter(|pad| pad != "NOTSET" && pad != "VALID") {
        return Err(format!("auto_pad {pad}; give pads"));
    }
    if node.ints("dilations").is_some_and(|d| d.iter().any(|&d| d != 1)) {
        return Err("dilations; 1 is supported".into());
    }
    if node.ints("kernel_shape").is_some_and(|k| *k != [size.0 as i64, size.1 as i64]) {
        return Err(format!("kernel_shape {:?}, but it is {size:?}", node.ints("kernel_shape")));
    }
    let stride = match node.ints("strides") {
        Some(&[y, x]) => (positive(y)?, positive(x)?),
        None => (1, 1),
        Some(other) => return Err(format!("strides {other:?}; two are needed")),
    };
    let side = |n: i64| usize::try_from(n).ok().filter(|&n| n <= 1 << 16).ok_or_else(|| format!("a padding of {n}"));
    let pad = match node.ints("pads") {
        Some(&[top, left, bottom, right]) => {
            Pad { top: side(top)?, left: side(left)?, bottom: side(bottom)?, right: side(right)? }
        }
        None => Pad::default(),
        Some(other) => return Err(format!("pads {other:?}; four are needed")),
    };
    Ok((stride, pad))
}
