//! Every method does on its trained network what it says: passes differ, and what is drawn occurs as often as it should.
//!
//! Shares are held within five standard deviations: a right one fails once in two million.

use neuspin::data::{self, Split};
use neuspin::golden::{Golden, HiddenTrace};
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{Affine, Crossbar, Direction, Hidden, Images, Method, Network, Weights};
use std::path::Path;

const MODELS: [&str; 6] =
    ["digits-spindrop", "digits-spatial", "digits-scale", "digits-affine", "digits-subset", "digits-spinbayes"];
const PASSES: u32 = 16;
const IMAGES: usize = 100;

fn load(name: &str) -> (Network, Images) {
    let model = Model::read(&Path::new("models").join(name)).unwrap();
    let images = data::encode(&data::load("digits", Split::Test).unwrap(), &model.input).unwrap();
    (lower(&model).unwrap(), images)
}

/// Calls `each` with the number, the trace and the inputs of every hidden layer in 16 passes of 100 images.
fn for_each_layer(network: &Network, images: &Images, mut each: impl FnMut(usize, &HiddenTrace, &[i64])) {
    let golden = Golden::new(network).unwrap();
    for n in 0..IMAGES {
        for pass in 0..PASSES {
            let mut x: Vec<i64> = images.image(n).iter().map(|&v| v.into()).collect();
            for (l, layer) in golden.trace(images.image(n), n as u64, pass).unwrap().hidden.iter().enumerate() {
                each(l, layer, &x);
                let activation = |(&sign, &live): (&bool, &bool)| {
                    if !live {
                        0
                    } else if sign {
                        1
                    } else {
                        -1
                    }
                };
                x = layer.active.iter().zip(&layer.live).map(activation).collect();
            }
        }
    }
}

/// Occurrences of something with a known probability.
#[derive(Default)]
struct Tally {
    found: f64,
    expected: f64,
    variance: f64,
}

impl Tally {
    fn add(&mut self, occurred: bool, p: f64) {
        self.found += f64::from(u8::from(occurred));
        self.expected += p;
        self.variance += p * (1.0 - p);
    }

    fn check(&self, what: &str) {
        let Tally { found, expected, variance } = self;
        assert!(*variance > 0.0, "{what}: nothing was drawn");
        assert!((found - expected).abs() < 5.0 * variance.sqrt(), "{what}: {found}, expected {expected}");
    }
}

fn probability(network: &Network, layer: usize) -> f64 {
    let code = network.hidden[layer].method.as_ref().and_then(Method::code).unwrap();
    f64::from(code) / f64::from(1u32 << network.random.code_bits)
}

fn fires(direction: Direction, a: i64, threshold: i64) -> bool {
    if direction == Direction::Ge { a >= threshold } else { a <= threshold }
}

#[test]
fn passes_of_every_trained_network_differ() {
    let mut shares = vec![];
    for name in MODELS {
        let (network, images) = load(name);
        let golden = Golden::new(&network).unwrap();
        let differ = |n: &usize| {
            let logits = golden.logits(images.image(*n), *n as u64, PASSES).unwrap();
            let mut passes: Vec<&[i32]> = logits.chunks(network.classes()).collect();
            passes.sort();
            passes.dedup();
            passes.len() > 1
        };
        shares.push((name, (0..IMAGES).filter(differ).count()));
    }
    assert!(shares.iter().all(|(_, differ)| *differ >= IMAGES * 3 / 4), "images whose passes differ: {shares:?}");
}

#[test]
fn spindrop_drops_every_activation_with_its_probability() {
    for name in ["digits-spindrop", "digits-spatial"] {
        let (network, images) = load(name);
        let mut tally = Tally::default();
        for_each_layer(&network, &images, |l, layer, _| {
            let p = probability(&network, l);
            layer.live.iter().for_each(|live| tally.add(!live, p));
        });
        tally.check(name);
    }
}

#[test]
fn scale_dropout_drops_the_scales_of_a_layer_with_its_probability() {
    let (network, images) = load("digits-scale");
    let mut tallies: Vec<Tally> = network.hidden.iter().map(|_| Tally::default()).collect();
    let mut undecided = 0;
    for_each_layer(&network, &images, |l, layer, _| {
        let Hidden { thresholds, directions, method, .. } = &network.hidden[l];
        let Some(Method::Scale(scale)) = method else { panic!("layer {l}") };
        let is = |t: &[i32]| {
            let neuron = |o: usize| fires(directions[o], layer.sums[o], t[o].into()) == layer.active[o];
            (0..t.len()).all(neuron)
        };
        let (kept, dropped) = (is(thresholds), is(&scale.dropped));
        assert!(kept || dropped, "layer {l}: neither the kept nor the dropped thresholds");
        if kept && dropped {
            undecided += 1;
        } else {
            tallies[l].add(dropped, probability(&network, l));
        }
    });
    // No neuron's sum between its two thresholds, whatever was drawn: not the rule, or the scales do nothing.
    assert!(undecided < network.hidden.len() * IMAGES * PASSES as usize / 2, "{undecided}");
    tallies.iter().for_each(|t| t.check("scales dropped"));
}

#[test]
fn affine_dropout_drops_gains_and_biases_with_its_probability() {
    let (network, images) = load("digits-affine");
    let mut tally = Tally::default();
    let mut undecided = 0;
    for_each_layer(&network, &images, |l, layer, _| {
        let Some(Method::Affine(affine)) = &network.hidden[l].method else { panic!("layer {l}") };
        let all = [(false, false), (false, true), (true, false), (true, true)];
        let signs = all.map(|(no_gain, no_bias)| affine_signs(affine, &layer.sums, no_gain, no_bias));
        // Whether all four can be told apart depends on the sums alone, not on what was drawn.
        if (1..4).any(|n| signs[..n].contains(&signs[n])) {
            undecided += 1;
            return;
        }
        let drawn = signs.iter().position(|s| *s == layer.active).expect("none of the four choices gives these signs");
        tally.add(all[drawn].0, probability(&network, l));
        tally.add(all[drawn].1, probability(&network, l));
    });
    assert!(undecided < network.hidden.len() * IMAGES * PASSES as usize / 2, "{undecided}");
    tally.check("gains and biases dropped");
}

fn affine_signs(m: &Affine, a: &[i64], no_gain: bool, no_bias: bool) -> Vec<bool> {
    let value = |o: usize| {
        let gain = if no_gain { 1 << m.frac_bits } else { i64::from(m.gain[o]) };
        gain * a[o] + if no_bias { 0 } else { i64::from(m.bias[o]) }
    };
    let v: Vec<i64> = (0..a.len()).map(value).collect();
    let size = v.len() / m.groups;
    (0..v.len()).map(|o| size as i64 * v[o] >= v[o / size * size..][..size].iter().sum()).collect()
}

#[test]
fn sub_set_inference_fires_as_its_gaussian_scales_say() {
    let (network, images) = load("digits-subset");
    let (mut fired, mut differed) = (Tally::default(), Tally::default());
    for_each_layer(&network, &images, |l, layer, _| {
        let Hidden { directions, method, .. } = &network.hidden[l];
        let Some(Method::Subset(m)) = method else { panic!("layer {l}") };
        let half = m.bits as i64 / 2;
        let shares = binomial(m.bits);
        for (o, &sum) in layer.sums.iter().enumerate() {
            let fires = |e: i64| {
                let product = (i64::from(m.mean[o]) + i64::from(m.spread[o]) * e) * sum;
                fires(directions[o], product, m.limits[o])
            };
            let p: f64 = (-half..=half).zip(&shares).filter(|(e, _)| fires(*e)).map(|(_, share)| share).sum();
            // Where every scale decides alike, it must be so.
            assert!(p > 0.0 || !layer.active[o], "layer {l}, neuron {o}");
            fired.add(layer.active[o], p);
            differed.add(layer.active[o] != fires(0), if fires(0) { 1.0 - p } else { p });
        }
    });
    fired.check("neurons that fire");
    differed.check("neurons that decide otherwise than by their mean");
    assert!(differed.expected > 1000.0, "{} of all neurons ever decide otherwise", differed.expected);
}

/// Probability of each number of ones among `bits` fair bits.
fn binomial(bits: u32) -> Vec<f64> {
    let mut row = vec![1.0];
    for _ in 0..bits {
        let of = |n: usize| (row.get(n).unwrap_or(&0.0) + n.checked_sub(1).map_or(0.0, |n| row[n])) / 2.0;
        row = (0..=row.len()).map(of).collect();
    }
    row
}

#[test]
fn spinbayes_takes_every_crossbar_as_often() {
    let (network, images) = load("digits-spinbayes");
    let mut tallies: Vec<Vec<Tally>> = vec![];
    for_each_layer(&network, &images, |l, layer, x| {
        let Some(Method::Spinbayes(m)) = &network.hidden[l].method else { panic!("layer {l}") };
        let all: Vec<&Weights> =
            std::iter::once(&network.hidden[l].weights).chain(m.others.iter().map(|c: &Crossbar| &c.weights)).collect();
        let chosen: Vec<usize> = (0..all.len()).filter(|&n| sums(all[n], x) == layer.sums).collect();
        assert_eq!(chosen.len(), 1, "layer {l}: {chosen:?}");
        tallies.resize_with(network.hidden.len(), || all.iter().map(|_| Tally::default()).collect());
        (0..all.len()).for_each(|n| tallies[l][n].add(n == chosen[0], 1.0 / all.len() as f64));
    });
    tallies.iter().flatten().for_each(|t| t.check("a crossbar chosen"));
}

fn sums(weights: &Weights, x: &[i64]) -> Vec<i64> {
    let sum = |o| x.iter().enumerate().map(|(i, x)| i64::from(weights.value(o, i)) * x).sum();
    (0..weights.rows()).map(sum).collect()
}
