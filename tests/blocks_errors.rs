//! What is refused before a design is built, and how it is said.

use neuspin::net::{Direction, Hidden, Input, Method, Network, Output, Random, Weights};
use neuspin::plan::{Folding, Plan};
use neuspin::rtl::{Design, Options};

/// 12-10-8-4 with dropout on both hidden layers.
fn network() -> Network {
    let hidden = |rows: usize, cols: usize| Hidden {
        weights: Weights::zeros(rows, cols),
        thresholds: vec![0; rows],
        directions: vec![Direction::Ge; rows],
        method: Some(Method::spindrop(100)),
        conv: None,
        residual: None,
    };
    Network {
        name: "example".into(),
        input: Input { features: 12, bits: 2, signed: false, dropout: None },
        hidden: vec![hidden(10, 12), hidden(8, 10)],
        output: Output {
            weights: Weights::zeros(4, 8),
            scale: vec![1; 4],
            offset: vec![0; 4],
            shift: 0,
            frac_bits: 0,
            logit_bits: 12,
            temperature: 1.0,
            others: vec![],
        },
        random: Random::default(),
        seed: 1,
        passes: 8,
        early_stop: None,
        chip: Default::default(),
    }
}

const FOLDING: [(usize, usize); 3] = [(5, 4), (4, 10), (2, 4)];

/// What building says, for a plan that was not checked before.
fn message(network: &Network, lanes: usize, max_passes: usize, folding: &[(usize, usize)]) -> String {
    let folding: Vec<Folding> = folding.iter().map(|&(pe, simd)| Folding { pe, simd }).collect();
    let plan = Plan { lanes, max_passes, folding, events: vec![], uncertainty: None };
    match Design::build(network, &plan, Options::default()) {
        Ok(_) => "no error".into(),
        Err(e) => e.to_string(),
    }
}

#[test]
fn the_small_network_itself_is_built() {
    assert_eq!(message(&network(), 4, 16, &FOLDING), "no error");
}

#[test]
fn plans_that_do_not_fit() {
    let n = network();
    let mut certain = network();
    certain.hidden.iter_mut().for_each(|h| h.method = None);
    let with = |layer: usize, pe: usize, simd: usize| {
        let mut folding = FOLDING;
        folding[layer] = (pe, simd);
        message(&n, 4, 16, &folding)
    };
    let messages = [
        message(&n, 4, 16, &FOLDING[..2]),
        message(&n, 4, 16, &[]),
        message(&n, 0, 16, &FOLDING),
        message(&certain, 4, 16, &FOLDING),
        message(&n, 4, 0, &FOLDING),
        message(&n, 4, 18, &FOLDING),
        message(&n, 4, 8192, &FOLDING),
        with(0, 5, 5),
        with(0, 5, 0),
        with(0, 5, 13),
        with(0, 4, 4),
        with(0, 0, 4),
        with(1, 4, 2),
        with(2, 4, 4),
        with(2, 3, 4),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn networks_that_have_no_design() {
    let with = |change: fn(&mut Network)| {
        let mut network = network();
        change(&mut network);
        message(&network, 4, 4096, &FOLDING)
    };
    let messages = [
        with(|n| n.name = "3 layers".into()),
        with(|n| n.name = "module".into()),
        with(|n| n.name = "dropout_unit_16".into()),
        with(|n| n.output.logit_bits = 30),
        with(|n| n.output.logit_bits = 3),
        with(|n| n.random.code_bits = 17),
        with(|n| n.random.lfsr_bits = 40),
        with(|n| n.input.bits = 9),
        with(|n| n.hidden[0].thresholds[3] = 99),
        with(|n| n.hidden[0].method = Some(Method::spindrop(65_537))),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn more_dropout_units_than_registers() {
    let mut n = network();
    let layer = Hidden { weights: Weights::zeros(8, 8), ..n.hidden[1].clone() };
    n.hidden.extend(vec![layer; 239]);
    let mut folding = vec![(5, 4)];
    folding.extend(vec![(2, 2); 240]);
    folding[1] = (2, 5);
    folding.push((2, 2));
    insta::assert_snapshot!(message(&n, 1, 1, &folding));
}

#[test]
fn a_word_too_wide_to_print() {
    let mut n = network();
    let wide = 4096;
    n.hidden[0] = Hidden {
        weights: Weights::zeros(wide, 12),
        thresholds: vec![0; wide],
        directions: vec![Direction::Ge; wide],
        method: None,
        conv: None,
        residual: None,
    };
    n.hidden[1].weights = Weights::zeros(512, wide);
    n.hidden[1].thresholds = vec![0; 512];
    n.hidden[1].directions = vec![Direction::Ge; 512];
    n.output.weights = Weights::zeros(4, 512);
    insta::assert_snapshot!(message(&n, 1, 1, &[(8, 12), (512, 4096), (1, 512)]));
}
