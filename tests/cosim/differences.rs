//! Layers that compute passes from what differs from their image: the same results as from all inputs, at any folding.

use crate::networks::{Shape, network};
use crate::{folded, run};
use neuspin::cosim::{Dut, Stimulus};
use neuspin::net::{Direction, Method, Network};
use neuspin::plan::Plan;
use neuspin::rtl::{Design, Options};

/// Three layers behind dropouts that drop often, some of whose neurons fire at or below their thresholds.
fn small() -> Network {
    let mut network =
        network(Shape { layers: &[24, 32, 32, 16, 5], bits: 1, signed: false, dropout: &[true, true, true] });
    network.hidden.iter_mut().for_each(|hidden| {
        hidden.directions.iter_mut().enumerate().filter(|(n, _)| n % 3 == 1).for_each(|(_, d)| *d = Direction::Le)
    });
    network
}

fn built(network: &Network, lanes: usize, folding: &[(usize, usize)], events: &[usize]) -> Dut {
    let plan = Plan::new(network, lanes, 12, folded(folding)).unwrap();
    let plan = plan.with_events(network, events.to_vec()).unwrap();
    Dut::of(&Design::build(network, &plan, Options { taps: true, ..Options::default() }).unwrap())
}

/// Lanes, pe and simd of each layer, events of each.
type Case = (usize, &'static [(usize, usize)], &'static [usize]);

#[test]
fn one_two_and_four_differences_a_clock_are_exact() {
    let mut network = small();
    // Beats that fill a part of a slice, one slice, and several; one group of passes, and many.
    let foldings: [Case; 4] = [
        (1, &[(4, 8), (4, 8), (4, 16), (1, 4)], &[0, 1, 0, 0]),
        (2, &[(8, 24), (16, 32), (8, 32), (1, 8)], &[0, 2, 4, 0]),
        (4, &[(16, 24), (8, 32), (4, 8), (1, 8)], &[0, 4, 2, 0]),
        (12, &[(2, 8), (8, 16), (8, 16), (1, 8)], &[0, 0, 1, 0]),
    ];
    for (at, (lanes, folding, events)) in foldings.into_iter().enumerate() {
        let dut = built(&network, lanes, folding, events);
        for (passes, code) in [(12, 9_000), (5, 40_000), (3, 0), (2, 65_536)] {
            network.passes = passes;
            for hidden in &mut network.hidden {
                if let Some(Method::Spindrop(dropout)) = &mut hidden.method {
                    dropout.code = code;
                }
            }
            for (gap, stall) in [(0.0, 0.0), (0.4, 0.4)] {
                let stimulus = Stimulus { gap, stall, seed: 31 * u64::from(passes) + at as u64 };
                let outcome = run(&network, &dut, 7, stimulus);
                assert!(
                    outcome.is_exact(),
                    "folding {at}, {passes} passes, code {code}: {}",
                    outcome.origin().unwrap()
                );
            }
        }
    }
}

#[test]
fn layers_that_cannot_take_differences_are_refused() {
    let network = small();
    let folding = [(4, 8), (4, 8), (4, 16), (1, 4)];
    let refused = |events: &[usize]| {
        let plan = Plan::new(&network, 1, 12, folded(&folding)).unwrap();
        plan.with_events(&network, events.to_vec()).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&[1, 0, 0, 0]),
        "layer 0: events 1, but it is computed once an image: there are no passes to differ; use 0"
    );
    assert_eq!(
        refused(&[0, 0, 0, 1]),
        "layer 3: events 1, but the output layer has sums of its own in every pass; use 0"
    );
    assert_eq!(
        refused(&[0, 3, 0, 0]),
        "layer 1: events 3; use 1, 2 or 4, or 0 for a layer that computes every pass from all inputs"
    );
    assert_eq!(refused(&[0, 1]), "2 numbers of events given, but the network has 4 layers");
}
