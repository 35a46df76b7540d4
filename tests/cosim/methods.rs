//! Every stochastic method, first and behind other methods, at several foldings: bit by bit and clock by clock.

use crate::holds;
use crate::networks::{Shape, network};
use neuspin::net::{
    Affine, Crossbar, Crossbars, Direction, Dropout, Drops, Method, Network, OutputCrossbar, Place, ScaleDropout,
    Subset, Weights,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A network of four layers whose hidden layers have the methods named.
pub fn with(methods: [&str; 3], bits: u32) -> Network {
    with_layers(&[20, 12, 12, 8, 4], methods, bits)
}

fn with_layers(layers: &[usize], methods: [&str; 3], bits: u32) -> Network {
    let dropout = &[false; 3];
    let mut network = network(Shape { layers, bits, signed: bits > 1, dropout });
    let rng = &mut StdRng::seed_from_u64(11);
    for (layer, name) in network.hidden.iter_mut().zip(methods) {
        let (rows, cols) = (layer.weights.rows(), layer.weights.cols());
        let spread = layer.thresholds.iter().map(|t| t.abs()).max().unwrap_or(1).max(1);
        let thresholds = |rng: &mut StdRng| (0..rows).map(|_| rng.random_range(-spread..=spread)).collect::<Vec<i32>>();
        let code = 20_000;
        layer.method = match name {
            "spindrop" => Some(Method::spindrop(code)),
            "before" => Some(Method::Spindrop(Dropout { code, place: Place::BeforeSign, maps: false })),
            "scale" => Some(Method::Scale(ScaleDropout { code, dropped: thresholds(rng) })),
            "vector" | "element" => {
                layer.thresholds.clear();
                layer.directions.clear();
                Some(Method::Affine(Affine {
                    code,
                    drops: if name == "vector" { Drops::Vector } else { Drops::Element },
                    frac_bits: 6,
                    gain: (0..rows).map(|_| rng.random_range(-20..=150)).collect(),
                    bias: (0..rows).map(|_| 64 * rng.random_range(-spread..=spread)).collect(),
                    groups: 2,
                }))
            }
            "subset" => {
                layer.thresholds.clear();
                Some(Method::Subset(Subset {
                    bits: 8,
                    mean: (0..rows).map(|_| rng.random_range(10..=70)).collect(),
                    spread: (0..rows).map(|_| rng.random_range(0..=25)).collect(),
                    limits: (0..rows).map(|_| i64::from(10 * rng.random_range(-spread..=spread))).collect(),
                }))
            }
            "spinbayes" => {
                let other = |rng: &mut StdRng| Crossbar {
                    weights: Weights::from_fn(rows, cols, |_, _| rng.random()),
                    thresholds: thresholds(rng),
                    directions: (0..rows).map(|_| if rng.random() { Direction::Ge } else { Direction::Le }).collect(),
                };
                Some(Method::Spinbayes(Crossbars { others: (0..2).map(|_| other(rng)).collect() }))
            }
            _ => None,
        };
    }
    network.passes = 6;
    network.check().unwrap();
    network
}

pub const FOLDINGS: [[(usize, usize); 4]; 2] = [[(1, 10), (2, 4), (4, 6), (1, 8)], [(3, 20), (6, 12), (2, 12), (2, 4)]];

fn all_hold(methods: [&str; 3], bits: u32, lanes: [usize; 2]) {
    let network = with(methods, bits);
    for (folding, lanes) in FOLDINGS.iter().zip(lanes) {
        holds(&network, lanes, 6 * lanes, folding);
    }
}

#[test]
fn spindrop_before_the_sign_is_exact() {
    all_hold(["before", "none", "before"], 1, [1, 3]);
}

#[test]
fn scale_dropout_is_exact() {
    all_hold(["scale", "spindrop", "scale"], 3, [1, 4]);
}

#[test]
fn affine_dropout_is_exact() {
    all_hold(["vector", "spindrop", "element"], 1, [2, 3]);
    all_hold(["element", "none", "vector"], 4, [1, 2]);
}

#[test]
fn subset_inference_is_exact() {
    all_hold(["subset", "spindrop", "subset"], 2, [1, 4]);
}

#[test]
fn dropped_inputs_are_exact() {
    for (methods, lanes) in [
        (["none", "none", "none"], [1, 3]),
        (["spindrop", "none", "scale"], [2, 4]),
        (["vector", "before", "none"], [1, 2]),
        (["spinbayes", "none", "subset"], [1, 1]),
    ] {
        let mut network = with(methods, 1);
        network.input.dropout = Some(9_000);
        for (folding, lanes) in FOLDINGS.iter().zip(lanes) {
            holds(&network, lanes, 6 * lanes, folding);
        }
    }
}

/// Sums of layer 0 in layer 2: where passes part at layer 1, they part at layer 0 for that, and masks wait for the neurons.
#[test]
fn residuals_are_exact_wherever_passes_part() {
    let foldings = [[(2, 10), (3, 6), (2, 12), (2, 6)], [(6, 20), (6, 12), (6, 6), (1, 12)]];
    for (methods, bits, once) in [
        (["none", "spindrop", "none"], 1, 1),
        (["none", "subset", "scale"], 3, 1),
        (["none", "vector", "spindrop"], 1, 1),
        (["spindrop", "none", "before"], 4, 1),
        (["before", "none", "element"], 1, 1),
        (["scale", "scale", "none"], 2, 1),
        (["none", "none", "subset"], 1, 3),
        (["none", "none", "spindrop"], 2, 3),
        (["none", "none", "none"], 1, 3),
    ] {
        let mut network = with_layers(&[20, 12, 12, 12, 4], methods, bits);
        network.hidden[2].residual = Some(0);
        network.check().unwrap();
        assert_eq!(network.once_per_image(), once, "{methods:?}");
        for (folding, lanes) in foldings.iter().zip([1, 3]) {
            let lanes = if network.stochastic_layers() == 0 { 1 } else { lanes };
            holds(&network, lanes, 6 * lanes, folding);
        }
    }
}

#[test]
fn spinbayes_is_exact() {
    all_hold(["spinbayes", "spinbayes", "none"], 3, [1, 1]);
    all_hold(["none", "scale", "spinbayes"], 1, [1, 1]);
}

#[test]
fn spinbayes_in_the_output_layer_is_exact() {
    for (methods, bits) in [(["none", "none", "none"], 3), (["spindrop", "none", "spinbayes"], 1)] {
        let mut network = with(methods, bits);
        let (rows, cols) = (network.classes(), network.output.weights.cols());
        let rng = &mut StdRng::seed_from_u64(12);
        let other = |rng: &mut StdRng| OutputCrossbar {
            weights: Weights::from_fn(rows, cols, |_, _| rng.random()),
            scale: (0..rows).map(|_| rng.random_range(-60..200)).collect(),
            offset: (0..rows).map(|_| rng.random_range(-900..900)).collect(),
        };
        network.output.others = (0..2).map(|_| other(rng)).collect();
        for folding in &FOLDINGS {
            holds(&network, 1, 6, folding);
        }
    }
}
