//! Import: networks as Brevitas exports them against the outputs that qonnx computed, random graphs against an independent
//! evaluation, and what is refused.

use neuspin::golden::Golden;
use neuspin::import::onnx::*;
use neuspin::import::{
    Choice, Chosen, Dropout, ImportError, NO_DATASET, Options, Source, from_bytes, import, read_choices,
};
use neuspin::lower::{logit_error, lower};
use neuspin::model::Method;
use neuspin::net::{Network, Place};
use npyz::npz::NpzArchive;
use proptest::prelude::*;
use prost::Message;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn options() -> Options {
    Options {
        name: "imported".into(),
        dataset: NO_DATASET.into(),
        depth: 8,
        dropout: None,
        spatial: false,
        choices: Default::default(),
        passes: None,
        seed: 1,
        command: "test".into(),
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new("tests/fixtures/qonnx").join(name)
}

/// Shape and values of an array.
fn array(name: &str, of: &str) -> (Vec<u64>, Vec<f64>) {
    let mut archive = NpzArchive::open(fixture(name)).unwrap();
    let array = archive.by_name(of).unwrap().unwrap();
    let shape = array.shape().to_vec();
    let values: Vec<f64> = match array.dtype().descr().as_str() {
        text if text.contains("f4") => array.into_vec::<f32>().unwrap().into_iter().map(f64::from).collect(),
        _ => array.into_vec::<f64>().unwrap(),
    };
    (shape, values)
}

fn logits(network: &Network, golden: &Golden, image: &[i16]) -> Vec<f64> {
    let unit = 2f64.powi(network.output.frac_bits as i32);
    golden.trace(image, 0, 0).unwrap().logits.iter().map(|&z| f64::from(z) / unit).collect()
}

fn largest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, c| if values[c] > values[best] { c } else { best })
}

#[test]
fn networks_of_brevitas_give_what_qonnx_computed() {
    for name in ["mlp_784_64_10", "conv_1x28x28"] {
        let imported = import(&fixture(&format!("{name}.onnx")), &options()).unwrap();
        assert!(matches!(imported.source, Source::Onnx { ir_version: 10, opset: 20, .. }));
        let model = imported.model;
        assert!(model.passes == 1 && model.layers.iter().all(|layer| layer.method.is_none()));
        let network = lower(&model).unwrap();
        let golden = Golden::new(&network).unwrap();
        let ((_, x), (shape, y)) = (array(&format!("{name}.npz"), "x"), array(&format!("{name}.npz"), "y"));
        let images = shape[0] as usize;
        assert!(images >= 32 && y.len() == images * 10 && x.len() == images * 784);
        // qonnx computes in f32: what it rounds is beside our own bound.
        let bound = logit_error(&network) + 1e-4;
        for (x, y) in x.chunks(784).zip(y.chunks(10)) {
            let image: Vec<i16> = x.iter().map(|&v| i16::from(v >= 0.0)).collect();
            let found = logits(&network, &golden, &image);
            assert_eq!(largest(&found), largest(y), "{name}");
            for (found, y) in found.iter().zip(y) {
                assert!((found - y).abs() <= bound, "{name}: {found} for {y}, bound {bound}");
            }
        }
    }
}

#[test]
fn dropout_can_be_added() {
    let dropout = Some(Dropout { p: 0.15, spatial: true });
    let model = import(&fixture("conv_1x28x28.onnx"), &Options { dropout, ..options() }).unwrap().model;
    assert_eq!(model.passes, 16);
    assert!(matches!(&model.layers[0].method, Some(Method::SpatialSpindrop(d)) if d.p == 0.15));
    assert!(model.layers[2].method.is_none());
    let network = lower(&model).unwrap();
    assert_eq!(network.hidden[1].draws(), 16);
}

// ---- graphs of our own ----

fn tensor(name: &str, dims: &[usize], values: &[f64]) -> TensorProto {
    let raw_data = values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect();
    TensorProto {
        name: name.into(),
        dims: dims.iter().map(|&d| d as i64).collect(),
        data_type: 1,
        raw_data,
        ..TensorProto::default()
    }
}

fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: operator.into(),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

fn ints(name: &str, ints: &[usize]) -> Attribute {
    Attribute { name: name.into(), ints: ints.iter().map(|&i| i as i64).collect(), ..Attribute::default() }
}

fn int(name: &str, i: i64) -> Attribute {
    Attribute { name: name.into(), i, ..Attribute::default() }
}

fn value_info(name: &str, dims: &[usize]) -> ValueInfo {
    let dim = dims.iter().map(|&d| Dimension { dim_value: d as i64 }).collect();
    let tensor_type = Some(TensorType { shape: Some(ShapeProto { dim }) });
    ValueInfo { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

fn bytes(graph: GraphProto) -> Vec<u8> {
    let opset_import = vec![OperatorSet { domain: String::new(), version: 20 }];
    ModelProto { ir_version: 10, graph: Some(graph), opset_import, ..ModelProto::default() }.encode_to_vec()
}

/// A graph under construction.
struct Builder {
    rng: StdRng,
    graph: GraphProto,
    count: usize,
    /// The newest tensor and its shape, the batch left out.
    last: String,
    shape: Vec<usize>,
    /// What the signs, or integers, are multiples of.
    unit: f64,
    /// Additions of sums.
    residuals: usize,
}

impl Builder {
    /// Weights, offsets and scales are binary fractions, so that f64 computes without rounding and ties are ties.
    fn new(seed: u64) -> Builder {
        let mut rng = StdRng::seed_from_u64(seed);
        let shape = match rng.random::<bool>() {
            true => vec![rng.random_range(1..4), rng.random_range(3..8), rng.random_range(3..8)],
            false => vec![rng.random_range(1..30)],
        };
        let dims = [&[1], &shape[..]].concat();
        let graph = GraphProto { input: vec![value_info("image", &dims)], ..GraphProto::default() };
        let mut b = Builder { rng, graph, count: 0, last: "image".into(), shape, unit: 0.5, residuals: 0 };
        if b.rng.random() {
            b.bipolar();
        } else {
            let bits = f64::from(b.rng.random_range(2..=4));
            let parameters = [0.5, 0.0, bits].map(|v| b.constant(&[], &[v]));
            let signed: bool = b.rng.random();
            b.push("Quant", &[&parameters[0], &parameters[1], &parameters[2]], vec![int("signed", i64::from(signed))]);
        }
        for _ in 0..if b.shape.len() == 3 { b.rng.random_range(0..3) } else { 0 } {
            b.convolution();
            if b.rng.random_bool(0.3) {
                b.residual();
            }
        }
        if b.shape.len() == 3 {
            let flat = b.shape.iter().product();
            if b.rng.random() {
                b.push("Flatten", &[], vec![]);
            } else {
                let shape = b.constant(&[2], &[1.0, flat as f64]);
                b.push("Reshape", &[&shape], vec![]);
            }
            b.shape = vec![flat];
        }
        for _ in 0..b.rng.random_range(1..3) {
            b.dense();
            b.bipolar();
            if b.rng.random_bool(0.3) {
                b.residual();
            }
        }
        b.dense();
        b.graph.output = vec![value_info(&b.last, &[1, b.shape[0]])];
        // Neither order nor being an input says anything.
        b.graph.node.shuffle(&mut b.rng);
        for n in 0..b.graph.initializer.len() {
            if b.rng.random() {
                let name = b.graph.initializer[n].name.clone();
                b.graph.input.push(value_info(&name, &[1]));
            }
        }
        b
    }

    fn quarters(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| f64::from(self.rng.random_range(-12..=12)) / 4.0).collect()
    }

    fn constant(&mut self, dims: &[usize], values: &[f64]) -> String {
        let name = format!("c{}", self.graph.initializer.len());
        self.graph.initializer.push(tensor(&name, dims, values));
        name
    }

    fn push(&mut self, operator: &str, others: &[&str], attribute: Vec<Attribute>) {
        let output = format!("t{}", self.count);
        self.count += 1;
        let inputs: Vec<&str> = [self.last.as_str()].into_iter().chain(others.iter().copied()).collect();
        self.graph.node.push(NodeProto { attribute, ..node(operator, &inputs, &output) });
        self.last = output;
    }

    fn bipolar(&mut self) {
        self.unit = [0.5, 1.0, 2.0][self.rng.random_range(0..3)];
        let scale = self.unit;
        let scale = self.constant(&[], &[scale]);
        self.push("BipolarQuant", &[&scale], vec![]);
    }

    /// Latent weights behind a BipolarQuant; its scale is one for all, or one a row.
    fn weights(&mut self, dims: &[usize]) -> String {
        let values = self.quarters(dims.iter().product());
        let latent = self.constant(dims, &values);
        let rows = dims[0];
        let scale = if self.rng.random() {
            self.constant(&[], &[0.5])
        } else {
            let scales: Vec<f64> = (0..rows).map(|_| [0.25, 1.0, 2.0][self.rng.random_range(0..3)]).collect();
            let dims: Vec<usize> = dims.iter().enumerate().map(|(d, _)| if d == 0 { rows } else { 1 }).collect();
            self.constant(&dims, &scales)
        };
        let output = format!("w{}", self.count);
        self.count += 1;
        self.graph.node.push(node("BipolarQuant", &[&latent, &scale], &output));
        output
    }

    /// Batch norm, or factors and offsets, or neither.
    fn scaling(&mut self, positive: bool) {
        let channels = self.shape[0];
        let each = if self.shape.len() == 3 { vec![channels, 1, 1] } else { vec![channels] };
        let mut gamma = self.quarters(channels);
        if positive {
            gamma.iter_mut().for_each(|g| *g = g.abs());
        }
        let (beta, mean) = (self.quarters(channels), self.quarters(channels));
        match self.rng.random_range(0..3) {
            0 => {
                let var: Vec<f64> = (0..channels).map(|_| [0.25, 1.0, 4.0][self.rng.random_range(0..3)]).collect();
                let names = [gamma, beta, mean, var].map(|v| self.constant(&[channels], &v));
                let eps = Attribute { name: "epsilon".into(), f: 0.0, ..Attribute::default() };
                self.push("BatchNormalization", &[&names[0], &names[1], &names[2], &names[3]], vec![eps]);
            }
            1 => {
                let [gamma, beta] = [gamma, beta].map(|v| self.constant(&each, &v));
                self.push("Mul", &[&gamma], vec![]);
                let operator = if self.rng.random() { "Add" } else { "Sub" };
                self.push(operator, &[&beta], vec![]);
            }
            _ => {
                let two = self.constant(&[], &[if positive { 2.0 } else { -2.0 }]);
                self.push("Div", &[&two], vec![]);
            }
        }
    }

    fn convolution(&mut self) {
        let (height, width) = (self.shape[1], self.shape[2]);
        let kernel = [self.rng.random_range(1..=height.min(3)), self.rng.random_range(1..=width.min(3))];
        let rows = self.rng.random_range(1..5);
        let weights = self.weights(&[rows, self.shape[0], kernel[0], kernel[1]]);
        let stride = [self.rng.random_range(1..3), self.rng.random_range(1..3)];
        let pads: Vec<usize> = (0..4).map(|n| self.rng.random_range(0..kernel[n % 2])).collect();
        let bias: Option<Vec<f64>> = self.rng.random::<bool>().then(|| self.quarters(rows));
        let bias = bias.map(|bias| self.constant(&[rows], &bias));
        let others: Vec<&str> = [weights.as_str()].into_iter().chain(bias.as_deref()).collect();
        self.push("Conv", &others, vec![ints("pads", &pads), ints("strides", &stride), ints("kernel_shape", &kernel)]);
        let size = |n: usize, k: usize, s: usize, p: usize| 1 + (n + p - k) / s;
        self.shape = vec![
            rows,
            size(height, kernel[0], stride[0], pads[0] + pads[2]),
            size(width, kernel[1], stride[1], pads[1] + pads[3]),
        ];
        self.scaling(false);
        let pool = self.rng.random_range(0..4);
        // The mean of four is exact.
        let fits = self.shape[1] >= 2 && self.shape[2] >= 2;
        let pooled = |b: &mut Builder, operator: &str| {
            let stride = [b.rng.random_range(1..3), b.rng.random_range(1..3)];
            b.push(operator, &[], vec![ints("kernel_shape", &[2, 2]), ints("strides", &stride)]);
            b.shape = vec![rows, size(b.shape[1], 2, stride[0], 0), size(b.shape[2], 2, stride[1], 0)];
        };
        match (pool, fits) {
            (0, true) => {
                pooled(self, "MaxPool");
                self.scaling(true);
                self.bipolar();
            }
            (1, true) => {
                self.bipolar();
                pooled(self, "MaxPool");
            }
            (2, true) => {
                pooled(self, "AveragePool");
                self.scaling(false);
                self.bipolar();
            }
            _ => self.bipolar(),
        }
    }

    /// A layer whose sums come out times 1, plus offsets; a convolution keeps the map.
    fn plain(&mut self, rows: usize) {
        let values = self.quarters(rows * self.shape[0] * if self.shape.len() == 3 { 9 } else { 1 });
        let dims = if self.shape.len() == 3 { vec![rows, self.shape[0], 3, 3] } else { vec![rows, self.shape[0]] };
        let (latent, half) = (self.constant(&dims, &values), self.constant(&[], &[0.5]));
        let weights = format!("w{}", self.count);
        self.count += 1;
        self.graph.node.push(node("BipolarQuant", &[&latent, &half], &weights));
        let bias = self.quarters(rows);
        let bias = self.constant(&[rows], &bias);
        if self.shape.len() == 3 {
            let sizes = [("pads", &[1; 4][..]), ("strides", &[1, 1]), ("kernel_shape", &[3, 3])];
            self.push("Conv", &[&weights, &bias], sizes.map(|(name, values)| ints(name, values)).to_vec());
        } else {
            self.push("Gemm", &[&weights, &bias], vec![int("transB", 1)]);
        }
        self.shape[0] = rows;
        let factor = self.constant(&[], &[2.0 / self.unit]);
        self.push("Mul", &[&factor], vec![]);
        let offsets = self.quarters(rows);
        let dims = if self.shape.len() == 3 { vec![rows, 1, 1] } else { vec![rows] };
        let offsets = self.constant(&dims, &offsets);
        self.push("Add", &[&offsets], vec![]);
    }

    /// Sums that go round one or two layers and are added to what comes out.
    fn residual(&mut self) {
        let rows = self.rng.random_range(2..5);
        self.plain(rows);
        for _ in 0..self.rng.random_range(1..3) {
            let skipped = self.last.clone();
            for _ in 0..self.rng.random_range(1..3) {
                self.scaling(false);
                self.bipolar();
                self.plain(rows);
            }
            self.push("Add", &[&skipped], vec![]);
            self.residuals += 1;
        }
        self.scaling(false);
        self.bipolar();
    }

    fn dense(&mut self) {
        let (cols, rows) = (self.shape[0], self.rng.random_range(2..7));
        let bias = self.quarters(rows);
        if self.rng.random() {
            let weights = self.weights(&[rows, cols]);
            let bias = self.constant(&[rows], &bias);
            self.push("Gemm", &[&weights, &bias], vec![int("transB", 1)]);
        } else {
            let weights = self.weights(&[rows, cols]);
            let turned = format!("w{}", self.count);
            self.count += 1;
            let transpose = node("Transpose", &[&weights], &turned);
            self.graph.node.push(NodeProto { attribute: vec![ints("perm", &[1, 0])], ..transpose });
            self.push("MatMul", &[&turned], vec![]);
        }
        self.shape = vec![rows];
        self.scaling(false);
    }
}

/// A tensor with the batch as its first dimension.
#[derive(Clone)]
struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Array {
    /// The value that stands at `at` of a larger tensor, broadcast from the right.
    fn broadcast(&self, shape: &[usize], at: usize) -> f64 {
        let (mut rest, mut index, mut stride) = (at, 0, 1);
        for d in 0..shape.len() {
            let n = shape[shape.len() - 1 - d];
            let own = self.shape.len().checked_sub(d + 1).map_or(1, |d| self.shape[d]);
            if own > 1 {
                index += rest % n * stride;
            }
            (rest, stride) = (rest / n, stride * own);
        }
        self.values[index]
    }

    fn map(&self, f: impl Fn(usize, f64) -> f64) -> Array {
        let values = self.values.iter().enumerate().map(|(at, &v)| f(at, v)).collect();
        Array { shape: self.shape.clone(), values }
    }
}

/// ONNX as its documents say it, with no thought of what it becomes.
fn evaluate(graph: &GraphProto, image: Array) -> Vec<f64> {
    let mut known: HashMap<String, Array> = graph
        .initializer
        .iter()
        .map(|t| {
            let words = t.raw_data.as_chunks::<4>().0.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect();
            (t.name.clone(), Array { shape: t.dims.iter().map(|&d| d as usize).collect(), values: words })
        })
        .collect();
    known.insert("image".into(), image);
    let output = &graph.output[0].name;
    while !known.contains_key(output) {
        for n in graph.node.iter().filter(|n| n.input.iter().all(|i| known.contains_key(i))).collect::<Vec<_>>() {
            let result = apply(n, &n.input.iter().map(|i| known[i].clone()).collect::<Vec<_>>());
            known.insert(n.output[0].clone(), result);
        }
    }
    known[output].values.clone()
}

fn apply(n: &NodeProto, inputs: &[Array]) -> Array {
    let x = &inputs[0];
    let two = |f: fn(f64, f64) -> f64| x.map(|at, v| f(v, inputs[1].broadcast(&x.shape, at)));
    let attribute = |name: &str| n.attribute.iter().find(|a| a.name == name);
    let sizes = |name: &str| attribute(name).map(|a| a.ints.iter().map(|&i| i as usize).collect::<Vec<_>>());
    match n.op_type.as_str() {
        "BipolarQuant" => two(|v, scale| if v >= 0.0 { scale } else { -scale }),
        "Quant" => {
            let (scale, bits, signed) = (inputs[1].values[0], inputs[3].values[0], attribute("signed").unwrap().i != 0);
            let low = if signed { -2f64.powf(bits - 1.0) } else { 0.0 };
            x.map(|_, v| (v / scale).round().clamp(low, low + 2f64.powf(bits) - 1.0) * scale)
        }
        "Mul" => two(|a, b| a * b),
        "Div" => two(|a, b| a / b),
        "Add" => two(|a, b| a + b),
        "Sub" => two(|a, b| a - b),
        "Transpose" => {
            let (rows, cols) = (x.shape[0], x.shape[1]);
            let values = (0..rows * cols).map(|at| x.values[at % rows * cols + at / rows]).collect();
            Array { shape: vec![cols, rows], values }
        }
        "Flatten" | "Reshape" => Array { shape: vec![1, x.values.len()], values: x.values.clone() },
        "Gemm" | "MatMul" => {
            let w = &inputs[1];
            let gemm = n.op_type == "Gemm";
            let (cols, rows) = if gemm { (w.shape[1], w.shape[0]) } else { (w.shape[0], w.shape[1]) };
            let weight = |o: usize, i: usize| if gemm { w.values[o * cols + i] } else { w.values[i * rows + o] };
            let bias = |o: usize| if gemm { inputs[2].values[o] } else { 0.0 };
            let sum = |o: usize| (0..cols).map(|i| x.values[i] * weight(o, i)).sum::<f64>() + bias(o);
            Array { shape: vec![1, rows], values: (0..rows).map(sum).collect() }
        }
        "BatchNormalization" => {
            let positions: usize = x.shape[2..].iter().product();
            let [gamma, beta, mean, var] = [1, 2, 3, 4].map(|n: usize| &inputs[n].values);
            x.map(|at, v| {
                let c = at / positions % x.shape[1];
                gamma[c] * (v - mean[c]) / var[c].sqrt() + beta[c]
            })
        }
        "Conv" => {
            let (w, pads, strides) = (&inputs[1], sizes("pads").unwrap(), sizes("strides").unwrap());
            let [rows, channels, kh, kw] = w.shape[..] else { panic!() };
            let [_, _, height, width] = x.shape[..] else { panic!() };
            let out =
                [1 + (height + pads[0] + pads[2] - kh) / strides[0], 1 + (width + pads[1] + pads[3] - kw) / strides[1]];
            let mut values = vec![];
            for o in 0..rows {
                for y in 0..out[0] {
                    for at in 0..out[1] {
                        let mut sum = inputs.get(2).map_or(0.0, |b| b.values[o]);
                        for c in 0..channels {
                            for ky in 0..kh {
                                for kx in 0..kw {
                                    let (sy, sx) = (y * strides[0] + ky, at * strides[1] + kx);
                                    if sy >= pads[0] && sx >= pads[1] && sy - pads[0] < height && sx - pads[1] < width {
                                        let pixel = (c * height + sy - pads[0]) * width + sx - pads[1];
                                        sum += x.values[pixel] * w.values[((o * channels + c) * kh + ky) * kw + kx];
                                    }
                                }
                            }
                        }
                        values.push(sum);
                    }
                }
            }
            Array { shape: vec![1, rows, out[0], out[1]], values }
        }
        "MaxPool" | "AveragePool" => {
            let strides = sizes("strides").unwrap();
            let [_, channels, height, width] = x.shape[..] else { panic!() };
            let out = [1 + (height - 2) / strides[0], 1 + (width - 2) / strides[1]];
            let mut values = vec![];
            for c in 0..channels {
                for y in 0..out[0] {
                    for at in 0..out[1] {
                        let four = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| {
                            x.values[(c * height + y * strides[0] + dy) * width + at * strides[1] + dx]
                        });
                        values.push(match n.op_type.as_str() {
                            "MaxPool" => four.into_iter().fold(f64::NEG_INFINITY, f64::max),
                            _ => four.iter().sum::<f64>() / 4.0,
                        });
                    }
                }
            }
            Array { shape: vec![1, channels, out[0], out[1]], values }
        }
        other => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn random_graphs_compute_what_onnx_says(seed: u64) {
        let mut built = Builder::new(seed);
        let imported = from_bytes(&bytes(built.graph.clone()), "random", None, &options()).unwrap();
        let model = imported.model;
        prop_assert_eq!(model.layers.iter().filter(|layer| layer.residual.is_some()).count(), built.residuals);
        let network = lower(&model).unwrap();
        let golden = Golden::new(&network).unwrap();
        let bound = logit_error(&network) + 1e-9;
        let shape: Vec<usize> = {
            let t = built.graph.input[0].r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
            t.shape.as_ref().unwrap().dim.iter().map(|d| d.dim_value as usize).collect()
        };
        let (bits, signed) = (model.input.bits, model.input.signed);
        let low = if signed { -(1 << (bits - 1)) } else { 0 };
        for _ in 0..3 {
            let image: Vec<i16> = (0..model.input.features).map(|_| low + built.rng.random_range(0..1i16 << bits)).collect();
            // Ours has channels last; integers are in units of 0.5.
            let real = |v: i16| if bits == 1 { f64::from(2 * v - 1) } else { f64::from(v) * 0.5 };
            let values = match shape[..] {
                [_, channels, height, width] => (0..channels * height * width)
                    .map(|at| real(image[at % (height * width) * channels + at / (height * width)]))
                    .collect(),
                _ => image.iter().map(|&v| real(v)).collect(),
            };
            let expected = evaluate(&built.graph, Array { shape: shape.clone(), values });
            let found = logits(&network, &golden, &image);
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!((found - expected).abs() <= bound, "{found:?} for {expected:?}, bound {bound}");
            }
        }
    }
}

// ---- what is refused ----

/// A dense network of two layers, to be changed.
fn small() -> GraphProto {
    let weights: Vec<f64> = (0..12).map(|i| if i % 3 == 0 { -0.5 } else { 0.25 }).collect();
    GraphProto {
        input: vec![value_info("x", &[1, 4])],
        output: vec![value_info("y", &[1, 2])],
        initializer: vec![
            tensor("one", &[], &[1.0]),
            tensor("w0", &[3, 4], &weights),
            tensor("w1", &[2, 3], &weights[..6]),
        ],
        node: vec![
            node("BipolarQuant", &["x", "one"], "s"),
            node("BipolarQuant", &["w0", "one"], "q0"),
            NodeProto { attribute: vec![int("transB", 1)], ..node("Gemm", &["s", "q0"], "a") },
            node("BipolarQuant", &["a", "one"], "b"),
            node("BipolarQuant", &["w1", "one"], "q1"),
            NodeProto { attribute: vec![int("transB", 1)], ..node("Gemm", &["b", "q1"], "y") },
        ],
    }
}

fn refused(graph: GraphProto) -> String {
    from_bytes(&bytes(graph), "net.onnx", None, &options()).unwrap_err().to_string()
}

#[test]
fn every_offending_node_is_named() {
    let mut graph = small();
    graph.node[3].op_type = "Relu".into();
    graph.node[1].op_type = "Quant".into();
    graph.node[4].name = "second".into();
    graph.node[4].op_type = "Elu".into();
    let error = from_bytes(&bytes(graph), "net.onnx", None, &options()).unwrap_err();
    let ImportError::Nodes { nodes, .. } = &error else { panic!("{error}") };
    assert_eq!(nodes.iter().map(|n| n.position).collect::<Vec<_>>(), [1, 3, 4], "{error}");
    let text = error.to_string();
    for part in ["3 nodes cannot", "node 4 (Elu, `second`)", "node 3 (Relu, `b`): not an operator", "BipolarQuant"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    type Change = fn(&mut GraphProto);
    let cases: [(Change, &str); 15] = [
        (|g| g.input.clear(), "no input that is not an initializer"),
        (|g| g.input.push(value_info("z", &[1, 4])), "inputs `x` and `z`; networks with one input"),
        (|g| g.input[0] = value_info("x", &[1, 0]), "fixed sizes"),
        (|g| g.input[0] = value_info("x", &[1, 1 << 21, 1 << 21, 4]), "has the shape"),
        (|g| g.output.clear(), "no output"),
        (|g| g.output[0].name = "b".into(), "output `b` is no sum of a layer"),
        (|g| g.node[2].input[0] = "y".into(), "a cycle"),
        (|g| g.node[2].input[0] = "nobody".into(), "node 2 (Gemm) reads `nobody`, which nothing gives"),
        (|g| g.node[2].output[0] = "s".into(), "`s` is made twice"),
        (|g| g.node[0] = node("Identity", &["x"], "s"), "node 2 (Gemm, `a`): reads inputs that are not quantised"),
        (|g| g.initializer[1].raw_data.truncate(8), "initializer `w0`: 2 values, but its dimensions [3, 4] ask for 12"),
        (|g| g.initializer[1].dims = vec![1 << 40, 1 << 40], "beyond all memory"),
        (|g| g.initializer[1].dims = vec![-1], "a dimension of -1"),
        (|g| g.initializer[1].data_type = 8, "values of ONNX type 8"),
        (|g| g.initializer[1].data_location = 1, "external data without a location"),
    ];
    for (change, expected) in cases {
        let mut graph = small();
        change(&mut graph);
        let said = refused(graph);
        assert!(said.contains(expected), "`{said}` does not say `{expected}`");
    }
    let mut branch = small();
    branch.node.push(node("Add", &["a", "b"], "sum"));
    assert!(refused(branch).contains("networks are read that branch at sums alone"));
    let mut twice = small();
    twice.node.push(node("BipolarQuant", &["a", "one"], "again"));
    assert!(refused(twice).contains("signs are taken of a layer twice"));
    // Sums times 1/4 and sums times 1/2.
    let mut unlike = small();
    unlike.initializer.push(tensor("w2", &[3, 3], &[0.5; 9]));
    unlike.initializer.push(tensor("half", &[], &[0.5]));
    unlike.node.push(node("BipolarQuant", &["w2", "half"], "q2"));
    unlike.node.push(NodeProto { attribute: vec![int("transB", 1)], ..node("Gemm", &["b", "q2"], "c") });
    unlike.node.push(node("Add", &["a", "c"], "sum"));
    unlike.node.push(node("BipolarQuant", &["sum", "one"], "d"));
    unlike.node[5].input[0] = "d".into();
    let said = refused(unlike.clone());
    assert!(said.contains("channel 0: sums times 1 and sums times 0.5; hardware adds sums as they are"), "{said}");
    unlike.initializer.last_mut().unwrap().raw_data = 1f32.to_le_bytes().to_vec();
    assert!(from_bytes(&bytes(unlike), "net.onnx", None, &options()).is_ok());
    let error = from_bytes(b"not a network at all", "net.onnx", None, &options()).unwrap_err().to_string();
    assert!(error.contains("net.onnx: not an ONNX model"), "{error}");
}

#[test]
fn external_data_are_read_from_the_folder_of_the_model_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let external = |location: &str| {
        let mut graph = small();
        let w = &mut graph.initializer[1];
        std::fs::write(dir.path().join("weights.bin"), [&[0; 8][..], &w.raw_data].concat()).unwrap();
        w.raw_data.clear();
        w.data_location = 1;
        let entry = |key: &str, value: &str| Entry { key: key.into(), value: value.into() };
        w.external_data = vec![entry("location", location), entry("offset", "8"), entry("length", "48")];
        std::fs::write(dir.path().join("net.onnx"), bytes(graph)).unwrap();
        import(&dir.path().join("net.onnx"), &options())
    };
    let here = from_bytes(&bytes(small()), "net.onnx", None, &options()).unwrap().model;
    assert_eq!(external("weights.bin").unwrap().model.layers, here.layers);
    for elsewhere in ["/etc/passwd", "../weights.bin", ""] {
        assert!(external(elsewhere).unwrap_err().to_string().contains("own folder"), "{elsewhere}");
    }
    assert!(external("missing.bin").unwrap_err().to_string().contains("missing.bin"));
}

// ---- arrays and a description ----

/// Writes a `.npz` of arrays and a description beside it; returns the path of that.
fn described(dir: &Path, arrays: &[(&str, &[usize], Vec<f64>)], text: &str) -> PathBuf {
    let mut npz = npyz::npz::NpzWriter::create(dir.join("net.npz")).unwrap();
    for (name, shape, values) in arrays {
        use npyz::WriterBuilder;
        let shape: Vec<u64> = shape.iter().map(|&d| d as u64).collect();
        let options = npz.array::<f64>(name, Default::default()).unwrap();
        let mut writer = options.default_dtype().shape(&shape).begin_nd().unwrap();
        writer.extend(values.iter().copied()).unwrap();
        writer.finish().unwrap();
    }
    drop(npz);
    let path = dir.join("net.toml");
    std::fs::write(&path, text).unwrap();
    path
}

const DESCRIPTION: &str = r#"
weights = "net.npz"
[input]
shape = [2, 5, 4]
bits = 3
[[layer]]
kind = "conv"
weights = "c0"
latent = true
pad = 1
norm = { gamma = "g", beta = "b", mean = "m", var = "v", eps = 0.0 }
method = "spatial-spindrop"
p = 0.25
[[layer]]
kind = "conv"
weights = "c1"
latent = true
pad = [1, 1]
residual = 0
pool = { kind = "max", size = 2 }
norm = { gamma = "b", beta = "g", mean = "m", var = "v", eps = 0.0 }
[[layer]]
kind = "conv"
weights = "c1"
latent = true
pool = { kind = "average", size = [1, 1], stride = 2 }
pad = 1
bias = "m"
method = "spindrop"
p = 0.5
place = "before-sign"
[[layer]]
kind = "dense"
weights = "d"
bias = "v2"
"#;

fn arrays() -> Vec<(&'static str, &'static [usize], Vec<f64>)> {
    let mut rng = StdRng::seed_from_u64(5);
    let mut values = |n: usize| (0..n).map(|_| f64::from(rng.random_range(-8..=8)) / 4.0 + 0.125).collect::<Vec<f64>>();
    let (c0, c1, g, b, m) = (values(3 * 2 * 9), values(3 * 3 * 9), values(3), values(3), values(3));
    let d = values(2 * 3).into_iter().map(|v| if v > 0.0 { 0.5 } else { -0.5 }).collect();
    vec![
        ("c0", &[3, 2, 3, 3], c0),
        ("c1", &[3, 3, 3, 3], c1),
        ("g", &[3], g),
        ("b", &[3], b),
        ("m", &[3], m),
        ("v", &[3], vec![0.25, 1.0, 4.0]),
        ("v2", &[2], vec![0.5, -1.0]),
        ("d", &[2, 3], d),
    ]
}

/// A description is the graph that an exporter writes.
#[test]
fn layers_in_toml_are_those_of_the_graph() {
    let dir = tempfile::tempdir().unwrap();
    let found = import(&described(dir.path(), &arrays(), DESCRIPTION), &options()).unwrap().model;
    let arrays = arrays();
    let initializer = arrays.iter().map(|(name, shape, values)| tensor(name, shape, values));
    let scalars = [("one", 1.0), ("zero", 0.0), ("three", 3.0)].map(|(name, v)| tensor(name, &[], &[v]));
    let with = |node: NodeProto, attribute: Vec<Attribute>| NodeProto { attribute, ..node };
    let eps = || vec![Attribute { name: "epsilon".into(), f: 0.0, ..Attribute::default() }];
    let padded = || vec![ints("pads", &[1; 4])];
    let graph = GraphProto {
        input: vec![value_info("x", &[1, 2, 5, 4])],
        output: vec![value_info("y", &[1, 2])],
        initializer: initializer.chain(scalars).collect(),
        node: vec![
            with(node("Quant", &["x", "one", "zero", "three"], "q"), vec![int("signed", 0)]),
            node("BipolarQuant", &["c0", "one"], "w0"),
            node("BipolarQuant", &["c1", "one"], "w1"),
            with(node("Conv", &["q", "w0"], "a0"), padded()),
            with(node("BatchNormalization", &["a0", "g", "b", "m", "v"], "n0"), eps()),
            node("BipolarQuant", &["n0", "one"], "s0"),
            with(node("Conv", &["s0", "w1"], "a1"), padded()),
            node("Add", &["a1", "a0"], "t1"),
            with(node("BatchNormalization", &["t1", "b", "g", "m", "v"], "n1"), eps()),
            node("BipolarQuant", &["n1", "one"], "s1"),
            with(node("MaxPool", &["s1"], "p1"), vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])]),
            with(node("Conv", &["p1", "w1", "m"], "a2"), padded()),
            with(node("AveragePool", &["a2"], "p2"), vec![ints("kernel_shape", &[1, 1]), ints("strides", &[2, 2])]),
            node("BipolarQuant", &["p2", "one"], "s2"),
            node("Flatten", &["s2"], "f"),
            with(node("Gemm", &["f", "d", "v2"], "y"), vec![int("transB", 1)]),
        ],
    };
    let mut expected = from_bytes(&bytes(graph), "net.onnx", None, &options()).unwrap().model;
    let drop = |p, place| neuspin::model::Dropout { p, place };
    expected.layers[0].method = Some(Method::SpatialSpindrop(drop(0.25, Place::AfterSign)));
    expected.layers[2].method = Some(Method::Spindrop(drop(0.5, Place::BeforeSign)));
    assert_eq!(found.layers, expected.layers);
    assert_eq!((found.passes, found.topology()), (16, "40-3c3z1-3c3z1p2+0-3c3z1sum1s2-2".into()));
    lower(&found).unwrap();
}

#[test]
fn a_wrong_description_is_refused_with_the_place() {
    let cases = [
        ("weights = \"c0\"", "weights = \"c7\"", "layer 0: no array `c7` in "),
        ("weights = \"c0\"", "weights = \"c7\"", "there are b, c0, c1, d, g, m, v, v2"),
        ("kind = \"dense\"", "kind = \"dense\"\npad = 1", "layer 3: strides, padding and pooling"),
        ("residual = 0", "residual = 1", "layer 1: residual 1; a layer before this one"),
        ("latent = true\npad = 1", "pad = 1", "(Add, `layer 1`): channel 0: sums times 0.125 and sums times 1"),
        ("p = 0.25", "p = 1.5", "layer 0: p 1.5; above 0 and below 1"),
        ("p = 0.25", "", "layer 0: a method without p"),
        ("method = \"spatial-spindrop\"", "", "layer 0: p without a method"),
        ("shape = [2, 5, 4]", "shape = [2, 5]", "[channels, rows, columns]"),
        ("bias = \"v2\"", "bias = \"v2\"\nmethod = \"spindrop\"\np = 0.1", "layer 3: the last layer gives logits"),
        ("bits = 3", "bit = 3", "unknown field `bit`"),
        ("\"net.npz\"", "\"none.npz\"", "none.npz"),
    ];
    for (from, to, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        assert!(DESCRIPTION.contains(from), "{from}");
        let path = described(dir.path(), &arrays(), &DESCRIPTION.replacen(from, to, 1));
        let said = import(&path, &options()).unwrap_err().to_string();
        assert!(said.contains(expected), "`{said}` does not say `{expected}`");
    }
}

#[test]
fn choices_are_those_of_their_layers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("choices.toml");
    let choices = |text: &str| {
        std::fs::write(&path, text).unwrap();
        read_choices(&path)
    };
    let file = fixture("mlp_784_64_10.onnx");
    let chosen = choices("[layer.0]\nmethod = \"spindrop\"\np = 0.3\nplace = \"before-sign\"\n").unwrap();
    let choice = Choice { method: Some(Chosen::Spindrop), p: Some(0.3), place: Some(Place::BeforeSign) };
    assert_eq!(chosen.get(&0), Some(&choice));
    let all = Some(Dropout { p: 0.1, spatial: false });
    let model = import(&file, &Options { choices: chosen, dropout: all, ..options() }).unwrap().model;
    let method = Method::Spindrop(neuspin::model::Dropout { p: 0.3, place: Place::BeforeSign });
    assert_eq!((&model.layers[0].method, model.passes), (&Some(method), 16));
    let none = choices("[layer.0]\nmethod = \"none\"").unwrap();
    let model = import(&file, &Options { choices: none, dropout: all, ..options() }).unwrap().model;
    assert!(model.layers[0].method.is_none() && model.passes == 1);
    let beyond = choices("[layer.1]\nmethod = \"none\"").unwrap();
    let said = import(&file, &Options { choices: beyond, ..options() }).unwrap_err().to_string();
    assert!(said.contains("a choice for layer 1, but hidden layers are 0 to 0"), "{said}");
    for (text, expected) in [
        ("[layer.first]\nmethod = \"none\"", "[layer.first]; hidden layers are numbered from 0"),
        ("[layer.0]\nmethod = \"scale\"", "unknown variant `scale`"),
        ("[layer.0]\nq = 1", "unknown field `q`"),
    ] {
        let said = choices(text).unwrap_err().to_string();
        assert!(said.contains(expected), "`{said}` does not say `{expected}`");
    }
}
