//! Lowering: thresholds against exact rationals and against the float definition, logits against their error bound, and
//! whole networks against the float reference on real images.

use neuspin::data::{self, Split};
use neuspin::lower::{LowerError, Options, logit_error, lower, lower_with};
use neuspin::model::{BatchNorm, Dense, Encoding, InputSpec, Model, Training, forward};
use neuspin::net::{BitMatrix, Direction, Network, Random};
use num_rational::Ratio;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::path::Path;

type Exact = Ratio<i128>;

/// The batch norm of one output.
#[derive(Clone, Copy, Debug)]
struct Norm {
    gamma: f64,
    beta: f64,
    mean: f64,
    var: f64,
    bias: f64,
}

const PLAIN: Norm = Norm { gamma: 1.0, beta: 0.0, mean: 0.0, var: 1.0, bias: 0.0 };

fn dense(inputs: usize, norms: &[Norm], eps: f64, dropout: Option<f64>) -> Dense {
    let all = |f: fn(&Norm) -> f64| norms.iter().map(f).collect::<Vec<f64>>();
    let norm =
        BatchNorm { gamma: all(|n| n.gamma), beta: all(|n| n.beta), mean: all(|n| n.mean), var: all(|n| n.var), eps };
    let weights = BitMatrix::from_fn(norms.len(), inputs, |o, i| (o + i) % 3 == 0);
    Dense { weights, bias: Some(all(|n| n.bias)), norm, dropout }
}

/// A model of `features` 1-bit inputs with these hidden neurons and classes.
fn model(features: usize, hidden: &[Norm], classes: &[Norm], eps: f64) -> Model {
    Model {
        name: "test-net".into(),
        description: String::new(),
        command: String::new(),
        training: Training { seed: 0, epochs: 1, best_epoch: 1, validation_accuracy: 0.5 },
        input: InputSpec {
            features,
            bits: 1,
            signed: false,
            dataset: "digits".into(),
            encoding: Encoding::Threshold { at: 8 },
        },
        passes: 4,
        seed: 7,
        temperature: 1.0,
        layers: vec![dense(features, hidden, eps, Some(0.25)), dense(hidden.len(), classes, eps, None)],
    }
}

/// Threshold and direction of one neuron with sums in −`bound` to `bound`.
fn threshold(norm: Norm, bound: usize, eps: f64) -> (i64, Direction) {
    let network = lower(&model(bound, &[norm], &[PLAIN, PLAIN], eps)).unwrap();
    (network.hidden[0].thresholds[0].into(), network.hidden[0].directions[0])
}

fn fires((threshold, direction): (i64, Direction), a: i64) -> bool {
    match direction {
        Direction::Ge => a >= threshold,
        Direction::Le => a <= threshold,
    }
}

fn exact(v: f64) -> Exact {
    Exact::approximate_float(v).filter(|r| *r.numer() as f64 / *r.denom() as f64 == v).expect("a small dyadic number")
}

/// METHODS: with k = gamma/sigma and t = mean − bias − beta·sigma/gamma, k > 0 fires from ⌈t⌉ on, k < 0 up to ⌊t⌋.
fn exact_threshold(norm: Norm, sigma: i128) -> (i128, Direction) {
    let t = exact(norm.mean) - exact(norm.bias) - exact(norm.beta) * sigma / exact(norm.gamma);
    if norm.gamma > 0.0 { (t.ceil().to_integer(), Direction::Ge) } else { (t.floor().to_integer(), Direction::Le) }
}

/// Quarters, in which f64 computes the definition without rounding: many sums meet their threshold exactly.
fn quarters(range: i32) -> impl Strategy<Value = f64> {
    (-4 * range..=4 * range).prop_map(|n| f64::from(n) / 4.0)
}

fn any_norm() -> impl Strategy<Value = Norm> {
    let wide = -60.0..60.0f64;
    (-3.0..3.0f64, -3.0..3.0f64, wide, 1e-6..500.0f64, -2.0..2.0f64).prop_map(|(gamma, beta, mean, var, bias)| Norm {
        gamma,
        beta,
        mean,
        var,
        bias,
    })
}

proptest! {
    #[test]
    fn thresholds_equal_exact_ones_at_ties_and_elsewhere(
        gamma in quarters(2), beta in quarters(8), mean in quarters(20), bias in quarters(2), sigma in prop::sample::select(vec![1i128, 2, 4]),
    ) {
        prop_assume!(gamma != 0.0);
        let norm = Norm { gamma, beta, mean, var: (sigma * sigma) as f64 - 0.5, bias };
        let (found, direction) = threshold(norm, 50, 0.5);
        let (expected, expected_direction) = exact_threshold(norm, sigma);
        prop_assert_eq!(direction, expected_direction);
        let reachable = if direction == Direction::Ge { (-50, 51) } else { (-51, 50) };
        prop_assert_eq!(i128::from(found), expected.clamp(reachable.0, reachable.1));
    }

    #[test]
    fn thresholds_agree_with_the_definition_for_every_sum(norm in any_norm()) {
        let found = threshold(norm, 70, 1e-5);
        let sigma = (norm.var + 1e-5).sqrt();
        for a in -70..=70i64 {
            let y = norm.gamma * (a as f64 + norm.bias - norm.mean) / sigma + norm.beta;
            prop_assert_eq!(fires(found, a), y >= 0.0, "sum {}", a);
        }
    }

    #[test]
    fn logits_stay_within_the_stated_error(norms in prop::collection::vec(any_norm(), 2..5), hidden in 1..40usize) {
        let network = lower(&model(8, &vec![PLAIN; hidden], &norms, 1e-5)).unwrap();
        let (out, bound) = (&network.output, logit_error(&network));
        for (c, norm) in norms.iter().enumerate() {
            let sigma = (norm.var + 1e-5).sqrt();
            for a in -(hidden as i64)..=hidden as i64 {
                let float = norm.gamma * (a as f64 + norm.bias - norm.mean) / sigma + norm.beta;
                let z = (i64::from(out.scale[c]) * a + out.offset[c]) >> out.shift;
                let error = (z as f64 / 2f64.powi(out.frac_bits as i32) - float).abs();
                prop_assert!(error <= bound * (1.0 + 1e-9), "class {}, sum {}: {} > {}", c, a, error, bound);
            }
        }
    }
}

#[test]
fn ties_fire() {
    for gamma in [1.0, -1.0] {
        let norm = Norm { gamma, mean: 3.0, ..PLAIN };
        let expected = if gamma > 0.0 { (3, Direction::Ge) } else { (3, Direction::Le) };
        assert_eq!(threshold(norm, 10, 0.0), expected);
    }
}

#[test]
fn zero_gamma_is_constant() {
    for gamma in [0.0, -0.0] {
        for (beta, expected) in [(1.0, true), (0.0, true), (-0.0, true), (-1e-30, false)] {
            let found = threshold(Norm { gamma, beta, mean: 2.0, ..PLAIN }, 10, 1e-5);
            assert!((-10..=10).all(|a| fires(found, a) == expected), "gamma {gamma}, beta {beta}: {found:?}");
        }
    }
}

#[test]
fn neurons_whose_threshold_no_sum_reaches_are_constant() {
    for gamma in [1e-30, -1e-30, 5e-324, 1e30, -1e30] {
        for beta in [1e9, -1e9] {
            let norm = Norm { gamma, beta, var: 1e-30, mean: -gamma.signum() * beta * 1e15, ..PLAIN };
            let found = threshold(norm, 10, 0.0);
            let y = |a: i64| gamma * (a as f64 - norm.mean) / 1e-15 + beta;
            assert!((-10..=10).all(|a| fires(found, a) == (y(a) >= 0.0)), "{norm:?}: {found:?}");
        }
    }
}

#[test]
fn half_way_sums_are_decided_on_the_right_side() {
    assert_eq!(threshold(Norm { mean: 2.5, ..PLAIN }, 10, 0.0), (3, Direction::Ge));
    assert_eq!(threshold(Norm { mean: -2.5, ..PLAIN }, 10, 0.0), (-2, Direction::Ge));
    assert_eq!(threshold(Norm { gamma: -1.0, mean: 2.5, ..PLAIN }, 10, 0.0), (2, Direction::Le));
    assert_eq!(threshold(Norm { gamma: -1.0, mean: -2.5, ..PLAIN }, 10, 0.0), (-3, Direction::Le));
}

#[test]
fn logits_use_all_the_bits_they_have() {
    // Logits reach ±8 exactly: ±2^17 is one too many for 18 bits, so 13 fraction bits.
    let network = lower(&model(8, &[PLAIN; 8], &[PLAIN, PLAIN], 0.0)).unwrap();
    assert_eq!(network.output.logit_bits, 18);
    assert_eq!(network.output.frac_bits, 13);
    let narrow = Options { logit_bits: 5, ..Options::default() };
    assert_eq!(lower_with(&model(8, &[PLAIN; 8], &[PLAIN, PLAIN], 0.0), &narrow).unwrap().output.frac_bits, 0);
}

#[test]
fn constant_logits_are_lowered() {
    let class = |beta| Norm { gamma: 0.0, beta, ..PLAIN };
    let network = lower(&model(8, &[PLAIN; 8], &[class(0.0), class(-1.5)], 0.0)).unwrap();
    assert_eq!(network.output.scale, [0, 0]);
    let z = |c: usize| (network.output.offset[c] >> network.output.shift) as f64;
    assert_eq!([z(0), z(1)].map(|z| z / 2f64.powi(network.output.frac_bits as i32)), [0.0, -1.5]);
    let zero = lower(&model(8, &[PLAIN; 8], &[class(0.0), class(0.0)], 0.0)).unwrap();
    assert_eq!((zero.output.scale, zero.output.frac_bits), (vec![0, 0], 31));
}

#[test]
fn logits_too_large_for_their_width_are_refused() {
    let steep = Norm { gamma: 1e6, ..PLAIN };
    let error = lower(&model(8, &[PLAIN; 8], &[PLAIN, steep], 0.0)).unwrap_err();
    assert_eq!(error.to_string(), "model `test-net`: logits reach ±8e6, which needs more than 18 bits; use more bits");
    let wide = Options { logit_bits: 32, ..Options::default() };
    assert!(lower_with(&model(8, &[PLAIN; 8], &[PLAIN, steep], 0.0), &wide).is_ok());
    for logit_bits in [0, 1, 33, u32::MAX] {
        let options = Options { logit_bits, ..Options::default() };
        let error = lower_with(&model(8, &[PLAIN; 8], &[PLAIN, PLAIN], 0.0), &options).unwrap_err();
        assert!(matches!(error, LowerError::LogitBits { .. }), "{error}");
    }
}

#[test]
fn probabilities_become_the_nearest_code() {
    for (p, code_bits, code) in [(0.25, 16, 16384), (0.1, 16, 6554), (0.0, 16, 0), (1.0, 16, 65536), (0.1, 8, 26)] {
        let mut m = model(8, &[PLAIN], &[PLAIN, PLAIN], 0.0);
        m.layers[0].dropout = Some(p);
        let options = Options { random: Random { lfsr_bits: 32, code_bits }, ..Options::default() };
        let network = lower_with(&m, &options).unwrap();
        assert_eq!(network.codes().first().copied(), Some(code), "p {p}");
    }
}

#[test]
fn what_is_not_arithmetic_is_carried_over() {
    let network = lower(&model(8, &[PLAIN; 3], &[PLAIN, PLAIN], 0.0)).unwrap();
    assert_eq!((network.name.as_str(), network.seed, network.passes), ("test_net", 7, 4));
    assert_eq!((network.input.features, network.input.bits, network.classes()), (8, 1, 2));
}

/// The hidden activations and logits of one pass, by the sums of `docs/semantics.md` §2.
fn integer_pass(network: &Network, image: &[i16], masks: &[Vec<bool>]) -> (Vec<Vec<bool>>, Vec<i64>) {
    let one_bit = network.input.bits == 1;
    let mut x: Vec<i64> = image.iter().map(|&v| if one_bit { i64::from(2 * v - 1) } else { v.into() }).collect();
    let sums = |weights: &BitMatrix, x: &[i64]| -> Vec<i64> {
        let sum = |o| x.iter().enumerate().map(|(i, x)| if weights.get(o, i) { *x } else { -x }).sum();
        (0..weights.rows()).map(sum).collect()
    };
    let mut activations = Vec::new();
    for (layer, mask) in network.hidden.iter().zip(masks) {
        let a = sums(&layer.weights, &x);
        let neurons = layer.thresholds.iter().zip(&layer.directions);
        let bits: Vec<bool> = a.iter().zip(neurons).map(|(&a, (&t, &d))| fires((t.into(), d), a)).collect();
        x = bits
            .iter()
            .zip(mask)
            .map(|(&bit, &live)| {
                if !live {
                    0
                } else if bit {
                    1
                } else {
                    -1
                }
            })
            .collect();
        activations.push(bits);
    }
    let out = &network.output;
    let logit = |(c, a)| (i64::from(out.scale[c]) * a + out.offset[c]) >> out.shift;
    (activations, sums(&out.weights, &x).into_iter().enumerate().map(logit).collect())
}

/// Every hidden activation equal, every logit within the bound, under random masks of the model's own probability.
fn agrees_on_test_images(name: &str, images: usize) {
    let model = Model::read(&Path::new("models").join(name)).unwrap();
    let network = lower(&model).unwrap();
    let set = data::load(&model.input.dataset, Split::Test).unwrap();
    let inputs = data::encode(&set, &model.input).unwrap();
    let mut rng = StdRng::seed_from_u64(1);
    let bound = logit_error(&network) * (1.0 + 1e-9);
    for n in 0..images {
        let hidden = &model.layers[..model.layers.len() - 1];
        let mask = |l: &Dense| (0..l.outputs()).map(|_| !rng.random_bool(l.dropout.unwrap_or(0.0))).collect();
        let masks: Vec<Vec<bool>> = hidden.iter().map(mask).collect();
        let float = forward(&model, inputs.image(n), &masks);
        let (activations, logits) = integer_pass(&network, inputs.image(n), &masks);
        assert_eq!(activations, float.activations, "image {n}");
        for (c, (z, float)) in logits.iter().zip(&float.logits).enumerate() {
            let error = (*z as f64 / 2f64.powi(network.output.frac_bits as i32) - float).abs();
            assert!(error <= bound, "image {n}, class {c}: {error} > {bound}");
        }
    }
}

#[test]
fn the_digits_network_agrees_with_the_float_reference_on_all_test_images() {
    agrees_on_test_images("digits-spindrop", 500);
}

#[test]
#[ignore = "needs `make data`"]
fn the_1_bit_mnist_network_agrees_with_the_float_reference() {
    agrees_on_test_images("mnist-spindrop-1bit", 1000);
}

#[test]
#[ignore = "needs `make data`"]
fn the_8_bit_mnist_network_agrees_with_the_float_reference() {
    agrees_on_test_images("mnist-spindrop-8bit", 1000);
}
