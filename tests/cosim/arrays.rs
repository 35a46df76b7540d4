//! Layers on arrays that are read in parts: bit by bit and clock by clock, over groups, converters, gains, offsets and errors.

use crate::corruption::flip;
use crate::maps::{digits, residual};
use crate::methods::with;
use crate::{design, folded, holds};
use neuspin::cosim::{Builder, Dut, Options, Outcome, Settings, Stimulus, cosimulate};
use neuspin::data::{Split, encode, load};
use neuspin::device::crossbar::{Cells, column_offsets};
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{Array, Converter, Images, Network, ReadErrors};
use neuspin::random::SplitMix64;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// An array for neurons that read `inputs` inputs, `simd` a clock.
fn array(rng: &mut StdRng, neurons: usize, inputs: usize, simd: usize, errs: bool) -> Array {
    let fits = |g: &usize| inputs == simd || simd.is_multiple_of(*g) || g.is_multiple_of(simd);
    let groups: Vec<usize> = (1..=inputs.min(16)).filter(fits).collect();
    let group = *groups.choose(rng).unwrap();
    let converter =
        Converter { bits: *[2, 3, 4, 5, 9].choose(rng).unwrap(), shift: *[0, 0, 0, 1, 2].choose(rng).unwrap() };
    let all = inputs.div_ceil(group);
    let gains = match rng.random_range(0..3) {
        0 => vec![],
        1 => vec![rng.random_range(100..=255); all],
        _ => (0..all).map(|_| rng.random_range(0..=256)).collect(),
    };
    let offsets = if rng.random() { vec![] } else { (0..neurons).map(|_| rng.random_range(-5..=5)).collect() };
    let errors = errs.then(|| {
        let mut codes = vec![];
        for n in 0..=group {
            for m in 0..=n {
                let code = |there: bool, rng: &mut StdRng| if there { rng.random_range(0..=9_000) } else { 0 };
                codes.push((code(m > 0, rng), code(m < n, rng)));
            }
        }
        ReadErrors { codes }
    });
    Array { rows: 2 * group, columns: 16, group, converter, gains, offsets, errors }
}

/// The network with arrays in the layers named, whose reads err where that is said.
fn on_arrays(mut network: Network, seed: u64, simd: &[usize], which: &[(bool, bool)]) -> Network {
    let rng = &mut StdRng::seed_from_u64(seed);
    let weights = network.hidden.iter().map(|h| &h.weights).chain([&network.output.weights]);
    let layers = weights.zip(simd).zip(which);
    network.chip.arrays =
        layers.map(|((w, &simd), &(is, errs))| is.then(|| array(rng, w.rows(), w.cols(), simd, errs))).collect();
    network.output.logit_bits = 18;
    network.check().unwrap();
    network
}

const FOLDINGS: [[(usize, usize); 4]; 3] =
    [[(1, 10), (2, 4), (4, 6), (1, 8)], [(3, 20), (6, 12), (2, 12), (2, 4)], [(4, 2), (3, 4), (2, 3), (1, 2)]];

fn all_hold(methods: [&str; 3], bits: u32, seed: u64, lanes: [usize; 3], which: [(bool, bool); 4]) {
    for (n, (folding, lanes)) in FOLDINGS.iter().zip(lanes).enumerate() {
        let simd = folding.map(|(_, simd)| simd);
        let network = on_arrays(with(methods, bits), seed + n as u64, &simd, &which);
        let lanes = if network.streams() == 0 { 1 } else { lanes };
        holds(&network, lanes, 6 * lanes, folding);
    }
}

const STATIC: (bool, bool) = (true, false);
const ERRS: (bool, bool) = (true, true);
const NONE: (bool, bool) = (false, false);

#[test]
fn static_arrays_are_exact() {
    all_hold(["spindrop", "none", "spindrop"], 1, 10, [1, 2, 3], [STATIC; 4]);
}

#[test]
fn arrays_behind_inputs_of_several_bits_are_exact() {
    all_hold(["spindrop", "before", "none"], 3, 20, [2, 1, 2], [STATIC; 4]);
}

#[test]
fn arrays_whose_neurons_decide_by_draws_are_exact() {
    all_hold(["scale", "subset", "element"], 1, 30, [1, 3, 2], [STATIC, ERRS, STATIC, STATIC]);
}

#[test]
fn reads_that_err_are_exact() {
    all_hold(["spindrop", "none", "spindrop"], 1, 40, [1, 2, 3], [STATIC, ERRS, STATIC, ERRS]);
}

#[test]
fn reads_that_err_in_the_first_layer_are_exact() {
    all_hold(["none", "spindrop", "none"], 4, 50, [2, 1, 3], [ERRS, NONE, ERRS, STATIC]);
}

#[test]
fn errors_of_reading_alone_part_the_passes() {
    all_hold(["none", "none", "none"], 1, 60, [3, 2, 1], [STATIC, NONE, ERRS, NONE]);
}

fn run(network: &Network, dut: &Dut, images: &Images, stimulus: Stimulus) -> Outcome {
    let golden = Golden::new(network).unwrap();
    let options = Options { stimulus, ..Options::default() };
    let settings = Settings::of(network);
    cosimulate(&Builder::find().unwrap(), dut, &golden, images, &settings, options, &|_| ()).unwrap()
}

/// Convolutions with residuals and pooled sums: kernels place after place, and all of a kernel at once.
#[test]
fn arrays_of_convolutions_are_exact_on_digits() {
    let foldings = [(1, [(2, 1), (4, 2), (2, 8), (4, 8), (2, 4)]), (2, [(4, 9), (2, 8), (4, 72), (8, 8), (1, 8)])];
    for (n, (lanes, folding)) in foldings.into_iter().enumerate() {
        let simd = folding.map(|(_, simd)| simd);
        let network = on_arrays(residual(), 70 + n as u64, &simd, &[STATIC, ERRS, STATIC, STATIC, ERRS]);
        let images = digits(&network).slice(0..40);
        let dut = design(&network, lanes, 4, &folded(&folding), false);
        for (gap, stall) in [(0.0, 0.0), (0.4, 0.4)] {
            let outcome = run(&network, &dut, &images, Stimulus { gap, stall, seed: 5 });
            assert!(outcome.is_exact(), "{lanes} lanes: {}", outcome.origin().unwrap());
        }
    }
}

/// A bundled network on tiles of the published cells: 8 word lines at once, 4-bit converters, wires, offsets and errors of reading.
fn published(name: &str) -> (Network, Images) {
    let model = Model::read(&std::path::Path::new("models").join(name)).unwrap();
    let images = encode(&load("digits", Split::Test).unwrap(), &model.input).unwrap();
    let mut network = lower(&model).unwrap();
    let (cells, random) = (Cells::default(), &mut SplitMix64::new(1));
    let (errors, warnings) = cells.read_errors(8).unwrap();
    assert!(warnings.is_empty());
    let weights = network.hidden.iter().map(|h| &h.weights).chain([&network.output.weights]);
    let array = |w: &neuspin::net::Weights| Array {
        rows: 64,
        columns: 64,
        group: 8,
        converter: Converter { bits: 4, shift: 0 },
        gains: cells.wire_gains(w.cols(), 64, 8, 0.0005).unwrap(),
        offsets: column_offsets(w.rows(), 1.0, random).unwrap(),
        errors: Some(errors.clone()),
    };
    network.chip.arrays = weights.map(array).map(Some).collect();
    network.output.logit_bits = network.output.logit_bits.max(network.logit_bits_needed());
    network.passes = 4;
    network.check().unwrap();
    (network, images.slice(0..100))
}

#[test]
fn bundled_networks_on_published_cells_are_exact_on_digits() {
    for (name, folding) in
        [("digits-spindrop", [(16, 8), (8, 64), (2, 8)]), ("digits-affine", [(8, 16), (8, 32), (1, 8)])]
    {
        let (network, images) = published(name);
        let dut = design(&network, 2, 4, &folded(&folding), false);
        let outcome = run(&network, &dut, &images, Stimulus::default());
        assert!(outcome.is_exact(), "{name}: {}", outcome.origin().unwrap());
    }
}

/// The check of the checks: one bit of a gain, of a code, of an offset.
#[test]
fn a_corrupted_gain_code_or_offset_is_found() {
    let (network, images) = published("digits-spindrop");
    let dut = design(&network, 2, 4, &folded(&[(16, 8), (8, 64), (2, 8)]), false);
    // 2^7 of the first group's gain; 2^15 of the code of 4 matches among 8; 2^3 of the first neuron's offset.
    for (memory, line, bit) in [
        ("layer1_crossbar_gains.hex", 0, 7),
        ("layer1_crossbar_read_errors.hex", 40, 15),
        ("layer2_crossbar_offsets.hex", 0, 3),
    ] {
        let mut dut = dut.clone();
        flip(&mut dut, memory, line, bit);
        let outcome = run(&network, &dut, &images, Stimulus::default());
        assert!(!outcome.is_exact(), "{memory} was not noticed");
    }
}
