//! Dropout units that are devices, at every level, bit by bit: spread, jitter and walks, SET/READ/RESET.

use crate::corruption::flip;
use crate::methods::{FOLDINGS, with};
use crate::networks::{Shape, images, network};
use crate::{design, folded, holds, run};
use neuspin::cosim::{Builder, Dut, Options, Place, Settings, Stimulus, cosimulate, icarus, locate};
use neuspin::data::{self, Split};
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{Cycle, Device, EarlyStop, Images, Method, Network, Random, Walk};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    /// Deviations alone.
    Spread,
    /// Jitter and a walk beside them.
    Moving,
    /// Stuck units, and a cycle.
    Cycle,
    /// Everything.
    All,
}

/// `network` with devices of a level for all its dropout units.
fn at(level: Level, mut network: Network) -> Network {
    let rng = &mut StdRng::seed_from_u64(21);
    let full = 1i32 << network.random.code_bits;
    let moving = matches!(level, Level::Moving | Level::All);
    let cycles = matches!(level, Level::Cycle | Level::All);
    let devices = (0..network.method_streams()).map(|stream| {
        let units = network.unit_codes(stream)?.len();
        let mut device = Device::default();
        if level != Level::Cycle {
            device.deviations = (0..units).map(|_| rng.random_range(-full / 4..=full / 3)).collect();
        }
        if level != Level::Moving {
            device.stuck = (0..units).map(|_| rng.random_bool(0.1).then(|| rng.random())).collect();
        }
        if moving {
            device.jitter = full as u32 / 40;
            device.walk =
                network.early_stop.is_none().then_some(Walk { step: full as u32 / 23, limit: full as u32 / 5 });
        }
        device.cycle = cycles.then_some(Cycle { reset: full as u32 * 7 / 10, misread: full as u32 / 30 });
        Some(device)
    });
    network.chip.devices = devices.collect();
    network.check().unwrap();
    network
}

fn all_hold(methods: [&str; 3], bits: u32, lanes: [usize; 2], level: Level, inputs: Option<u32>) {
    let mut network = with(methods, bits);
    network.input.dropout = inputs;
    let network = at(level, network);
    for (folding, lanes) in FOLDINGS.iter().zip(lanes) {
        holds(&network, lanes, 6 * lanes, folding);
    }
}

#[test]
fn spread_is_exact() {
    all_hold(["spindrop", "none", "before"], 1, [1, 3], Level::Spread, None);
}

#[test]
fn jitter_and_walks_are_exact() {
    all_hold(["spindrop", "none", "scale"], 2, [2, 3], Level::Moving, None);
}

#[test]
fn cycles_are_exact() {
    all_hold(["before", "spindrop", "none"], 1, [1, 4], Level::Cycle, None);
}

#[test]
fn all_that_can_be_wrong_with_spindrop_is_exact() {
    all_hold(["spindrop", "subset", "before"], 3, [1, 2], Level::All, None);
}

#[test]
fn all_that_can_be_wrong_with_scale_dropout_is_exact() {
    all_hold(["scale", "spindrop", "scale"], 3, [1, 4], Level::All, None);
}

#[test]
fn all_that_can_be_wrong_with_affine_dropout_is_exact() {
    all_hold(["vector", "spindrop", "element"], 1, [2, 3], Level::All, None);
    all_hold(["element", "none", "vector"], 4, [1, 2], Level::All, None);
}

#[test]
fn all_that_can_be_wrong_with_dropped_inputs_is_exact() {
    all_hold(["none", "spindrop", "none"], 1, [1, 3], Level::All, Some(9_000));
}

#[test]
fn narrow_codes_are_exact() {
    for (lfsr_bits, code_bits) in [(32, 5), (48, 2)] {
        let mut network = network(Shape { layers: &[16, 8, 8, 3], bits: 1, signed: false, dropout: &[true, true] });
        network.random = Random::new(lfsr_bits, code_bits);
        for (layer, code) in network.hidden.iter_mut().zip([1, 3]) {
            layer.method = Some(Method::spindrop(code));
        }
        let mut network = at(Level::Cycle, network);
        for device in network.chip.devices.iter_mut().flatten() {
            device.jitter = 1;
            device.walk = Some(Walk { step: 1, limit: 2 });
            device.deviations = (0..8).map(|u| u % 5 - 2).collect();
        }
        network.check().unwrap();
        holds(&network, 2, 6, &[(4, 8), (2, 4), (1, 4)]);
    }
}

/// What was drawn ahead for a pass that does not happen leaves its junctions as they were.
#[test]
fn early_stop_is_exact_with_junctions() {
    let mut network = network(Shape { layers: &[24, 16, 12, 5], bits: 1, signed: false, dropout: &[true, true] });
    network.passes = 8;
    network.early_stop = Some(EarlyStop { every: 2, lead: 1 });
    let mut network = at(Level::All, network);
    let images = images(&network, 40);
    let first = Golden::new(&Network { early_stop: None, ..network.clone() }).unwrap().run(&images, 0, 2).unwrap();
    let mut leads: Vec<i64> = first
        .iter()
        .map(|result| {
            let mut sums = result.sum.clone();
            sums.sort_unstable();
            sums[sums.len() - 1] - sums[sums.len() - 2]
        })
        .collect();
    leads.sort_unstable();
    network.early_stop = Some(EarlyStop { every: 2, lead: leads[20] as u32 });
    for (lanes, folding) in [(1, [(4, 24), (4, 16), (1, 12)]), (2, [(8, 24), (4, 16), (1, 4)])] {
        let dut = design(&network, lanes, 12, &folded(&folding), false);
        for (gap, stall) in [(0.0, 0.0), (0.4, 0.4)] {
            let outcome = run(&network, &dut, 40, Stimulus { gap, stall, seed: 3 });
            assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
            assert!(outcome.passes.contains(&2) && outcome.passes.contains(&8), "{:?}", outcome.passes);
        }
    }
}

/// Drift of all units alike, and temperature, are writes of the code.
#[test]
fn codes_written_to_registers_move_all_units() {
    let network = network(Shape { layers: &[16, 8, 8, 3], bits: 1, signed: false, dropout: &[true, true] });
    let mut network = at(Level::All, network);
    let dut = design(&network, 2, 6, &folded(&[(4, 8), (2, 4), (1, 4)]), true);
    for codes in [[60_000, 1], [0, 30_000]] {
        for (layer, code) in network.hidden.iter_mut().zip(codes) {
            layer.method = Some(Method::spindrop(code));
        }
        let outcome = run(&network, &dut, 9, Stimulus::default());
        assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
    }
}

fn subject() -> Network {
    at(Level::All, network(Shape { layers: &[24, 16, 12, 5], bits: 1, signed: false, dropout: &[true, true] }))
}

/// Finds where `dut`, which is corrupted, first differs from the golden model of `network`.
fn origin(network: &Network, dut: &Dut) -> Place {
    let (builder, golden, images) = (Builder::find().unwrap(), Golden::new(network).unwrap(), images(network, 12));
    let settings = Settings::of(network);
    let outcome = cosimulate(&builder, dut, &golden, &images, &settings, Options::default(), &|_| ()).unwrap();
    assert!(!outcome.is_exact(), "the corruption was not noticed");
    let wrong = outcome.first_wrong().unwrap();
    locate(&builder, dut, &golden, &images, &settings, Stimulus::default(), wrong).unwrap().unwrap().place
}

#[test]
fn a_corrupted_device_is_found_in_its_layer() {
    let network = subject();
    let folding = folded(&[(4, 8), (2, 4), (1, 2)]);
    // The highest bit of the code of layer 1's first unit.
    let mut dut = design(&network, 2, 8, &folding, true);
    flip(&mut dut, "mtj1_table.hex", 0, 15);
    let place = origin(&network, &dut);
    assert!(matches!(place, Place::Live { layer: 1, .. }), "{place:?}");
    // Junctions that are never reset, and a jitter that is a little larger.
    for change in [
        |device: &mut Device| device.cycle = Some(Cycle { reset: 0, misread: 2184 }),
        |device: &mut Device| device.jitter += 200,
        |device: &mut Device| device.walk = Some(Walk { step: 9000, limit: 13107 }),
    ] {
        let mut other = network.clone();
        other.chip.devices[0].as_mut().map(change).unwrap();
        let place = origin(&network, &design(&other, 2, 8, &folding, true));
        assert!(matches!(place, Place::Live { layer: 0, .. }), "{place:?}");
    }
}

#[test]
fn icarus_agrees_on_devices_and_notices_a_corrupted_one() {
    let network = subject();
    let mut dut = design(&network, 2, 8, &folded(&[(4, 8), (2, 4), (1, 2)]), false);
    let (golden, images) = (Golden::new(&network).unwrap(), images(&network, 4));
    assert_eq!(icarus(&dut, &golden, &images, &Settings::of(&network)).unwrap(), Vec::<String>::new());
    for line in 0..4 {
        flip(&mut dut, "mtj1_table.hex", line, 15);
    }
    assert!(!icarus(&dut, &golden, &images, &Settings::of(&network)).unwrap().is_empty());
}

fn digits(name: &str) -> (Network, Images) {
    let model = Model::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name)).unwrap();
    let images = data::encode(&data::load("digits", Split::Test).unwrap(), &model.input).unwrap();
    (lower(&model).unwrap(), images.slice(0..32))
}

#[test]
fn the_digits_are_exact_at_every_level() {
    for name in ["digits-spindrop", "digits-affine"] {
        for level in [Level::Spread, Level::Moving, Level::Cycle] {
            let (network, images) = digits(name);
            let network = at(level, network);
            let dut = design(&network, 4, 16, &folded(&[(8, 64), (4, 64), (1, 32)]), false);
            let (builder, golden) = (Builder::find().unwrap(), Golden::new(&network).unwrap());
            let settings = Settings::of(&network);
            let outcome = cosimulate(&builder, &dut, &golden, &images, &settings, Options::default(), &|_| ()).unwrap();
            assert!(outcome.is_exact(), "{name}, {level:?}: {}", outcome.origin().unwrap());
        }
    }
}
