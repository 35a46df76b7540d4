//! Integer networks whose method contradicts itself or its layer are refused, with the reason.

use neuspin::net::{
    Affine, Conv, Crossbar, Crossbars, Direction, Drops, Hidden, Input, Map, Method, Network, Output, Pad, Pool,
    PoolKind, Random, ScaleDropout, Subset, Weights,
};

fn plain() -> Hidden {
    Hidden {
        weights: Weights::zeros(4, 4),
        thresholds: vec![0; 4],
        directions: vec![Direction::Ge; 4],
        method: None,
        conv: None,
        residual: None,
    }
}

fn affine() -> Hidden {
    let (gain, bias) = (vec![256; 4], vec![0; 4]);
    let method = Method::Affine(Affine { code: 9, drops: Drops::Vector, frac_bits: 8, gain, bias, groups: 1 });
    Hidden { thresholds: vec![], directions: vec![], method: Some(method), ..plain() }
}

fn subset() -> Hidden {
    let method = Method::Subset(Subset { bits: 8, mean: vec![10; 4], spread: vec![1; 4], limits: vec![0; 4] });
    Hidden { thresholds: vec![], method: Some(method), ..plain() }
}

fn scale() -> Hidden {
    Hidden { method: Some(Method::Scale(ScaleDropout { code: 9, dropped: vec![1; 4] })), ..plain() }
}

fn spinbayes() -> Hidden {
    let Hidden { weights, thresholds, directions, .. } = plain();
    let others = vec![Crossbar { weights, thresholds, directions }; 3];
    Hidden { method: Some(Method::Spinbayes(Crossbars { others })), ..plain() }
}

fn network(hidden: Hidden, code_bits: u32) -> Network {
    Network {
        early_stop: None,
        chip: Default::default(),
        name: "example".into(),
        input: Input { features: 4, bits: 1, signed: false, dropout: None },
        hidden: vec![hidden],
        output: Output {
            weights: Weights::zeros(2, 4),
            scale: vec![1; 2],
            offset: vec![0; 2],
            shift: 0,
            frac_bits: 4,
            logit_bits: 16,
            temperature: 1.0,
            others: vec![],
        },
        random: Random { code_bits, ..Random::default() },
        seed: 1,
        passes: 2,
    }
}

/// What is said of the layer after `change`; before, it must be well.
fn told(layer: fn() -> Hidden, code_bits: u32, change: fn(&mut Hidden)) -> String {
    network(layer(), 16).check().unwrap();
    let mut hidden = layer();
    change(&mut hidden);
    network(hidden, code_bits).check().unwrap_err().to_string()
}

fn of<'a, M>(layer: &'a mut Hidden, pick: fn(&'a mut Method) -> Option<&'a mut M>) -> &'a mut M {
    layer.method.as_mut().and_then(pick).unwrap()
}

fn as_affine(m: &mut Method) -> Option<&mut Affine> {
    if let Method::Affine(m) = m { Some(m) } else { None }
}

fn as_subset(m: &mut Method) -> Option<&mut Subset> {
    if let Method::Subset(m) = m { Some(m) } else { None }
}

fn as_scale(m: &mut Method) -> Option<&mut ScaleDropout> {
    if let Method::Scale(m) = m { Some(m) } else { None }
}

fn as_crossbars(m: &mut Method) -> Option<&mut Vec<Crossbar>> {
    if let Method::Spinbayes(m) = m { Some(&mut m.others) } else { None }
}

/// A network of one convolution, which reads 4 inputs as a map of 2 × 2.
fn convolving(change: impl Fn(&mut Conv)) -> Network {
    let input = Map { height: 2, width: 2, channels: 1 };
    let mut conv = Conv { input, kernel: (2, 2), stride: (1, 1), pad: Pad::default(), pool: None };
    change(&mut conv);
    network(Hidden { conv: Some(conv), ..plain() }, 8)
}

#[test]
fn convolutions_whose_sizes_do_not_fit_are_refused() {
    assert!(convolving(|_| {}).check().is_ok());
    let refused = |change: &dyn Fn(&mut Conv), what: &str| {
        let error = convolving(change).check().unwrap_err().to_string();
        assert!(error.contains("layer 0") && error.contains(what), "{error}");
    };
    refused(&|c| c.input.height = 3, "a map of 3 × 2 × 1, but the layer before gives 4");
    refused(&|c| c.input.width = usize::MAX, "a map of");
    refused(&|c| c.kernel = (2, 1), "weights for 4 inputs, but the kernel covers 2");
    refused(&|c| c.kernel = (0, 4), "kernel 0 × 4; at least 1 each way");
    refused(&|c| c.stride = (1, 0), "stride 1 × 0");
    refused(&|c| c.kernel = (4, 1), "a kernel 4 high, but the map is 2");
    refused(&|c| c.pad.left = 2, "[2, 0] padding of a kernel 2 wide");
    let pool = |size| Some(Pool { kind: PoolKind::Max, size, stride: (1, 1) });
    refused(&|c| c.pool = pool((2, 1)), "pooling over 2 × 1 of 1 × 1 positions");
    refused(&|c| c.pool = pool((0, 1)), "pooling over (0, 1)");
}

#[test]
fn residuals_that_do_not_fit_are_refused() {
    // Two layers of 4 neurons, the second of which adds the sums of the first; or the first its own.
    let residual = |neurons: usize, at: usize| {
        let mut n = network(plain(), 8);
        let rows = n.hidden[0].weights.rows();
        n.hidden.push(Hidden {
            weights: Weights::zeros(neurons, rows),
            thresholds: vec![0; neurons],
            directions: vec![Direction::Ge; neurons],
            ..plain()
        });
        let classes = n.output.weights.rows();
        n.output.weights = Weights::zeros(classes, neurons);
        n.hidden[at].residual = Some(0);
        n.check().map_err(|e| e.to_string())
    };
    let rows = plain().weights.rows();
    assert_eq!(residual(rows, 1), Ok(()));
    let error = residual(rows + 1, 1).unwrap_err();
    assert!(error.contains("layer 1") && error.contains("adds the sums of layer 0, which are 1 × 1 × 4"), "{error}");
    let error = residual(rows, 0).unwrap_err();
    assert!(error.contains("layer 0: adds the sums of layer 0; only those of layers before it"), "{error}");
}

#[test]
fn methods_that_contradict_their_layer_are_refused() {
    type Case = (fn() -> Hidden, u32, fn(&mut Hidden), &'static str);
    let cases: [Case; 21] = [
        (affine, 16, |l| of(l, as_affine).groups = 4, "with one, gain and bias cancel and dropout does nothing"),
        (affine, 16, |l| of(l, as_affine).groups = 3, "3 normalization groups of 4 neurons"),
        (affine, 16, |l| of(l, as_affine).groups = 0, "0 normalization groups"),
        (affine, 16, |l| l.thresholds = vec![0; 4], "compares with the mean; give none"),
        (affine, 16, |l| l.directions = vec![Direction::Ge; 4], "compares with the mean; give none"),
        (affine, 16, |l| of(l, as_affine).gain.truncate(3), "4 neurons, but 3 gains"),
        (affine, 16, |l| of(l, as_affine).bias[1] = 1 << 21, "neuron 1: bias 2097152; at most ±1048576"),
        (affine, 16, |l| of(l, as_affine).frac_bits = 17, "at most 16 are supported"),
        (affine, 3, |_| (), "dropout code 9; at 3 bits a code is 0 to 8"),
        (subset, 16, |l| l.thresholds = vec![0; 4], "compares with limits; give none"),
        (subset, 16, |l| of(l, as_subset).bits = 7, "7 bits for a Gaussian draw; an even number of 2 to 16"),
        (subset, 4, |_| (), "8 bits for a Gaussian draw; an even number of 2 to 4"),
        (subset, 16, |l| of(l, as_subset).limits[2] = 1000, "neuron 2: limit 1000, but products stay below ±57"),
        (subset, 16, |l| l.directions.clear(), "4 neurons, but 0 directions"),
        (scale, 16, |l| of(l, as_scale).dropped.truncate(1), "4 neurons, but 1 thresholds for a dropped scale"),
        (scale, 16, |l| of(l, as_scale).dropped[3] = 6, "dropped scale: neuron 3: threshold 6, but no sum exceeds ±4"),
        (scale, 16, |l| of(l, as_scale).code = 65537, "dropout code 65537; at 16 bits a code is 0 to 65536"),
        (spinbayes, 16, |l| of(l, as_crossbars).clear(), "1 crossbar; SpinBayes chooses among at least 2"),
        (spinbayes, 1, |_| (), "4 crossbars, but a draw of 1 bits chooses among 2: use more code bits"),
        (
            spinbayes,
            16,
            |l| of(l, as_crossbars)[1].weights = Weights::zeros(4, 5),
            "crossbar 2: 4 × 5 weights, but the first crossbar has 4 × 4",
        ),
        (spinbayes, 16, |l| of(l, as_crossbars)[0].thresholds.clear(), "crossbar 1: 4 neurons, but 0 thresholds"),
    ];
    for (layer, code_bits, change, said) in cases {
        let told = told(layer, code_bits, change);
        assert!(told.contains("layer 0") && told.contains(said), "`{told}` should say `{said}`");
    }
}
