//! Generated designs against the golden model, in Verilator.

mod arrays;
mod corruption;
mod devices;
mod differences;
mod maps;
mod methods;
mod networks;
mod program;
mod sources;
mod uncertainty;

use networks::{Shape, images, network};
use neuspin::cosim::{Builder, Dut, Options, Outcome, Settings, Stimulus, cosimulate};
use neuspin::golden::Golden;
use neuspin::net::{Method, Network, Random};
use neuspin::plan::{Folding, Plan};
use neuspin::rtl::{self, Design};

fn folded(layers: &[(usize, usize)]) -> Vec<Folding> {
    layers.iter().map(|&(pe, simd)| Folding { pe, simd }).collect()
}

fn design(network: &Network, lanes: usize, max_passes: usize, folding: &[Folding], taps: bool) -> Dut {
    let plan = Plan::new(network, lanes, max_passes, folding.to_vec()).unwrap();
    Dut::of(&Design::build(network, &plan, rtl::Options { taps, ..Default::default() }).unwrap())
}

/// Every value of `count` images, activations included where the design shows them.
fn run(network: &Network, dut: &Dut, count: usize, stimulus: Stimulus) -> Outcome {
    let golden = Golden::new(network).unwrap();
    let tapped = (!dut.taps.is_empty()).then_some((0, count - 1));
    let options = Options { stimulus, tapped, ..Options::default() };
    let settings = Settings::of(network);
    let images = images(network, count);
    cosimulate(&Builder::find().unwrap(), dut, &golden, &images, &settings, options, &|_| ()).unwrap()
}

#[test]
fn four_foldings_of_a_network_are_exact_at_every_number_of_passes() {
    let mut network = network(Shape { layers: &[24, 16, 12, 5], bits: 1, signed: false, dropout: &[true, true] });
    let foldings: [(usize, &[(usize, usize)]); 4] = [
        (1, &[(1, 1), (1, 1), (1, 1)]),
        (1, &[(4, 8), (2, 4), (1, 2)]),
        (2, &[(8, 24), (4, 16), (1, 4)]),
        (4, &[(2, 6), (3, 2), (1, 3)]),
    ];
    for (at, (lanes, folding)) in foldings.into_iter().enumerate() {
        let dut = design(&network, lanes, 12, &folded(folding), true);
        for passes in [1, 3, 8, 12] {
            network.passes = passes;
            for (gap, stall) in [(0.0, 0.0), (0.4, 0.4)] {
                let stimulus = Stimulus { gap, stall, seed: 11 * u64::from(passes) + at as u64 };
                let outcome = run(&network, &dut, 7, stimulus);
                assert!(outcome.is_exact(), "folding {at}, {passes} passes: {}", outcome.origin().unwrap());
            }
        }
    }
}

/// A run at full speed and one with paused streams, both exact; the first one takes the predicted cycles.
fn holds(network: &Network, lanes: usize, max_passes: usize, folding: &[(usize, usize)]) {
    let plan = Plan::new(network, lanes, max_passes, folded(folding)).unwrap();
    let design = Design::build(network, &plan, rtl::Options { taps: true, ..Default::default() }).unwrap();
    let dut = Dut::of(&design);
    let outcome = run(network, &dut, 9, Stimulus { seed: 77, ..Stimulus::default() });
    assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
    assert_eq!(outcome.clocks, design.schedule(network).cycles(9, network.passes.into()));
    let outcome = run(network, &dut, 9, Stimulus { gap: 0.6, stall: 0.6, seed: 78 });
    assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
}

#[test]
fn signed_inputs_of_8_bits_are_exact() {
    let network = network(Shape { layers: &[30, 8, 6, 3], bits: 8, signed: true, dropout: &[true, true] });
    holds(&network, 2, 4, &[(4, 10), (2, 8), (1, 6)]);
}

#[test]
fn unsigned_inputs_of_3_bits_and_one_late_dropout_are_exact() {
    let network =
        network(Shape { layers: &[20, 12, 12, 8, 4], bits: 3, signed: false, dropout: &[false, true, false] });
    holds(&network, 4, 8, &[(3, 5), (6, 12), (4, 6), (1, 8)]);
}

#[test]
fn a_network_without_dropout_is_exact() {
    let network = network(Shape { layers: &[16, 8, 8, 3], bits: 1, signed: false, dropout: &[false, false] });
    holds(&network, 1, 4, &[(2, 16), (4, 4), (1, 8)]);
}

#[test]
fn narrow_registers_and_probabilities_of_0_and_1_are_exact() {
    for (lfsr_bits, code_bits, codes) in [(32, 4, [0, 16]), (48, 9, [512, 200])] {
        let mut network = network(Shape { layers: &[16, 8, 8, 3], bits: 1, signed: false, dropout: &[true, true] });
        network.random = Random::new(lfsr_bits, code_bits);
        for (layer, code) in network.hidden.iter_mut().zip(codes) {
            layer.method = Some(Method::spindrop(code));
        }
        network.check().unwrap();
        holds(&network, 2, 6, &[(4, 8), (2, 4), (1, 4)]);
    }
}

#[test]
fn after_reset_a_design_runs_as_it_was_generated() {
    let network = network(Shape { layers: &[16, 8, 8, 3], bits: 1, signed: false, dropout: &[true, true] });
    let dut = design(&network, 2, 6, &folded(&[(4, 8), (2, 4), (1, 4)]), false);
    let (golden, images) = (Golden::new(&network).unwrap(), images(&network, 6));
    let options = Options { built_in: true, ..Options::default() };
    let settings = Settings::of(&network);
    let builder = Builder::find().unwrap();
    let outcome = cosimulate(&builder, &dut, &golden, &images, &settings, options, &|_| ()).unwrap();
    assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
}

#[test]
fn seeds_and_codes_written_to_registers_count_as_if_generated() {
    let mut network = network(Shape { layers: &[16, 8, 8, 3], bits: 1, signed: false, dropout: &[true, true] });
    let dut = design(&network, 2, 6, &folded(&[(4, 8), (2, 4), (1, 4)]), true);
    network.seed = 0xFEED_0000_0000_0001;
    for (layer, code) in network.hidden.iter_mut().zip([60_000, 1]) {
        layer.method = Some(Method::spindrop(code));
    }
    let outcome = run(&network, &dut, 9, Stimulus::default());
    assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
}
