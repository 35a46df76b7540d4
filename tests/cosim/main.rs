//! Generated designs against the golden model, in Verilator.

mod corruption;
mod networks;

use networks::{Shape, images, network};
use neuspin::cosim::{Builder, Dut, Options, Outcome, Settings, Stimulus, cosimulate};
use neuspin::golden::Golden;
use neuspin::net::Network;
use neuspin::plan::{Folding, Plan};
use neuspin::rtl::{self, Design};

fn folded(layers: &[(usize, usize)]) -> Vec<Folding> {
    layers.iter().map(|&(pe, simd)| Folding { pe, simd }).collect()
}

fn design(network: &Network, lanes: usize, max_passes: usize, folding: &[Folding], taps: bool) -> Dut {
    let plan = Plan::new(network, lanes, max_passes, folding.to_vec()).unwrap();
    Dut::of(&Design::build(network, &plan, rtl::Options { taps }).unwrap())
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
