//! Dies that are written, verified and repaired: what comes out is what the cells can hold, and repair never costs.

use neuspin::data::{self, Split};
use neuspin::faults::{Die, Fault, Programming, faulty, program};
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{Columns, Network, StuckMap};
use std::path::Path;

#[path = "golden/networks.rs"]
mod networks;

fn bundled(name: &str) -> (Model, Network) {
    let model = Model::read(&Path::new("models").join(name)).unwrap();
    let network = lower(&model).unwrap();
    (model, network)
}

fn stuck(rate: f64, number: u64) -> Die {
    Die { fault: Fault::Stuck, rate, seed: 3, number }
}

#[test]
fn without_spares_a_programmed_die_is_the_faulty_one() {
    for seed in 0..40 {
        let (network, _) = networks::random(seed, 1);
        let die = stuck(0.2, seed);
        let programmed = program(&network, &die.stuck_map(&network, 0), &Programming::default()).unwrap();
        assert_eq!(programmed.network, faulty(&network, &die));
        assert_eq!(programmed.columns, Columns::own(&network));
        let all = programmed.total();
        assert!(all.first == all.retried && all.retried == all.repaired && all.bits == network.weight_bits());
        // Half of the stuck cells hold what was written anyway.
        let clean = program(&network, &StuckMap::none(&network, 2), &Programming::default()).unwrap();
        assert_eq!((clean.network, clean.columns.moved()), (network, 0));
    }
}

#[test]
fn every_spare_column_leaves_fewer_bits_wrong_or_as_many() {
    for seed in 0..20 {
        let (network, _) = networks::random(seed, 1);
        let die = stuck(0.1, seed);
        let mut before = usize::MAX;
        for spares in [0, 1, 2, 4, 8] {
            let map = die.stuck_map(&network, spares);
            let programmed = program(&network, &map, &Programming::default()).unwrap();
            let wrong = wrong_bits(&network, &programmed.network);
            assert_eq!(wrong, programmed.total().repaired, "what verification counts is what is wrong");
            assert!(wrong <= before, "{wrong} bits wrong with {spares} spares, {before} with fewer");
            before = wrong;
            assert_eq!(map.hold(&network, &programmed.columns), programmed.network);
        }
    }
}

fn wrong_bits(a: &Network, b: &Network) -> usize {
    let all = |n: &Network| -> Vec<bool> {
        let weights = n.crossbar_weights().into_iter().flatten().cloned().collect::<Vec<_>>();
        let bits = weights
            .iter()
            .flat_map(|w| w.planes())
            .flat_map(|p| (0..p.rows()).flat_map(move |r| (0..p.cols()).map(move |c| p.get(r, c))).collect::<Vec<_>>());
        bits.collect()
    };
    all(a).into_iter().zip(all(b)).filter(|(a, b)| a != b).count()
}

#[test]
fn attempts_that_fail_leave_as_many_cells_as_they_should() {
    let (_, network) = bundled("digits-spindrop");
    let map = StuckMap::none(&network, 0);
    let ones: usize = network
        .crossbar_weights()
        .into_iter()
        .flatten()
        .map(|w| {
            w.planes()
                .iter()
                .map(|p| (0..p.rows()).map(|r| p.count_ones_in_row(r) as usize).sum::<usize>())
                .sum::<usize>()
        })
        .sum();
    for (write_error, retries) in [(0.1, 0), (0.3, 1), (0.5, 3), (1.0, 5)] {
        let rules = Programming { write_error, retries, ..Programming::default() };
        let all = program(&network, &map, &rules).unwrap().total();
        // Only cells that leave the erased state can fail; five standard deviations.
        for (wrong, p) in [(all.first, write_error), (all.retried, write_error.powi(retries as i32 + 1))] {
            let (mean, spread) = (ones as f64 * p, (ones as f64 * p * (1.0 - p)).sqrt());
            assert!((wrong as f64 - mean).abs() <= 5.0 * spread, "{wrong} wrong, {mean:.0} expected");
        }
    }
    let error = program(&network, &map, &Programming { write_error: 1.5, ..Programming::default() }).unwrap_err();
    assert!(error.to_string().contains("write error 1.5: a probability"), "{error}");
}

#[test]
fn a_map_of_another_network_is_refused() {
    let (_, network) = bundled("digits-spindrop");
    let mut map = StuckMap::none(&network, 1);
    map.layers[1].clear();
    let error = program(&network, &map, &Programming::default()).unwrap_err().to_string();
    assert!(error.contains("layer 1: a map of 0 crossbars, but it has 1"), "{error}");
    let mut other = network.clone();
    other.output.weights = neuspin::net::Weights::zeros(10, 3);
    let error = program(&other, &StuckMap::none(&network, 1), &Programming::default()).unwrap_err().to_string();
    assert!(error.contains("layer 2, crossbar 0: a map of"), "{error}");
}

#[test]
fn spare_columns_win_accuracy_back() {
    let (model, mut network) = bundled("digits-spindrop");
    network.passes = 4;
    let set = data::load("digits", Split::Test).unwrap().first(150);
    let images = data::encode(&set, &model.input).unwrap();
    let right = |network: &Network| {
        let results = Golden::new(network).unwrap().run(&images, 0, network.passes).unwrap();
        results.iter().zip(&set.labels).filter(|(r, l)| r.class == usize::from(**l)).count()
    };
    let mut mean = [0; 2];
    for number in 0..6 {
        for (mean, spares) in mean.iter_mut().zip([0, 16]) {
            let map = stuck(0.25, number).stuck_map(&network, spares);
            *mean += right(&program(&network, &map, &Programming::default()).unwrap().network);
        }
    }
    assert!(mean[1] > mean[0], "{mean:?} right of 900 without and with spares");
}
