//! Large networks: what is emitted grows with the weights and with nothing else.

use neuspin::net::{Direction, Hidden, Input, Method, Network, Output, Random, Weights};
use neuspin::plan::{Folding, Plan};
use neuspin::rtl::{Design, Options};

fn network(sizes: [usize; 5]) -> Network {
    let weights = |l: usize| Weights::from_fn(sizes[l + 1], sizes[l], |r, c| (r * 31 + c * 17) % 7 < 3);
    let hidden = |l: usize| Hidden {
        weights: weights(l),
        thresholds: vec![0; sizes[l + 1]],
        directions: vec![Direction::Ge; sizes[l + 1]],
        method: Some(Method::spindrop(3277)),
        conv: None,
        residual: None,
    };
    Network {
        name: "hundredfold".into(),
        input: Input { features: sizes[0], bits: 1, signed: false, dropout: None },
        hidden: (0..3).map(hidden).collect(),
        output: Output {
            weights: weights(3),
            scale: vec![1; sizes[4]],
            offset: vec![0; sizes[4]],
            shift: 0,
            frac_bits: 0,
            logit_bits: 18,
            temperature: 1.0,
            others: vec![],
        },
        random: Random::default(),
        seed: 1,
        passes: 16,
        early_stop: None,
        chip: Default::default(),
    }
}

/// Bytes of (Verilog, memory images) of the network's design.
fn emitted(network: &Network) -> (usize, usize) {
    let folding = [(16, 56), (16, 64), (16, 64), (1, 64)].map(|(pe, simd)| Folding { pe, simd }).to_vec();
    let plan = Plan::new(network, 4, 16, folding).unwrap();
    let design = Design::build(network, &plan, Options::default()).unwrap();
    let verilog = design.modules.iter().map(|m| m.text().len()).sum();
    (verilog, design.images.iter().map(|i| i.text.len()).sum())
}

#[test]
fn a_network_of_a_hundred_times_the_weights_gives_a_hundred_times_the_memory_and_the_same_verilog() {
    let (small, large) = (network([784, 256, 256, 256, 10]), network([784, 4096, 4096, 3328, 10]));
    let times = large.weight_bits() as f64 / small.weight_bits() as f64;
    assert!(times > 99.0, "{times}");
    let ((text, memory), (large_text, large_memory)) = (emitted(&small), emitted(&large));
    let growth = large_memory as f64 / memory as f64;
    assert!((0.9 * times..1.1 * times).contains(&growth), "{times} times the weights, {growth} times the memory");
    assert!((large_text as f64) < 1.1 * text as f64, "Verilog of {large_text} bytes instead of {text}");
}
