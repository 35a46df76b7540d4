//! Every random source, good and bad, at several lanes: bit by bit and clock by clock.

use crate::networks::{Shape, network};
use crate::{folded, holds};
use neuspin::net::{Family, Random, Source, Starts};
use neuspin::plan::Plan;
use neuspin::rtl::Design;

/// Draws of `code_bits` bits from a source of so many bits, in a network with dropout in two layers.
fn hold(source: impl Into<Source>, lfsr_bits: u32, code_bits: u32) {
    let source = source.into();
    let shape = Shape { layers: &[16, 8, 8, 3], bits: 1, signed: false, dropout: &[true, true] };
    let mut network = network(shape);
    network.random = Random { source, ..Random::new(lfsr_bits, code_bits) };
    for layer in &mut network.hidden {
        layer.method = Some(neuspin::net::Method::spindrop(1 << (code_bits - 2)));
    }
    if let Family::Replay { words } = source.family {
        let mut random = neuspin::random::SplitMix64::new(9);
        network.chip.recording = (0..words).map(|_| random.below(1 << code_bits) as u16).collect();
    }
    network.check().unwrap();
    holds(&network, 2, 6, &[(4, 8), (2, 4), (1, 4)]);
    holds(&network, 3, 6, &[(8, 16), (4, 8), (1, 8)]);
}

#[test]
fn fibonacci_registers_are_exact() {
    hold(Family::Fibonacci, 64, 16);
    hold(Family::Fibonacci, 32, 5);
}

#[test]
fn automata_are_exact() {
    hold(Family::Automaton, 64, 16);
}

#[test]
fn xorshift_is_exact() {
    hold(Family::Xorshift, 32, 16);
}

#[test]
fn lut_optimised_generators_are_exact() {
    hold(Family::Lut, 64, 16);
}

#[test]
fn pairs_of_registers_are_exact() {
    hold(Family::Pair, 64, 16);
    hold(Source { starts: Starts::Naive, ..Family::Pair.into() }, 64, 7);
}

#[test]
fn recordings_are_exact() {
    hold(Family::Replay { words: 100 }, 32, 9);
    hold(Source { steps: Some(3), starts: Starts::Naive, ..Family::Replay { words: 77 }.into() }, 64, 16);
}

#[test]
fn bad_sources_are_exact() {
    hold(Source { steps: Some(1), starts: Starts::Naive, ..Source::default() }, 64, 16);
    hold(Family::Taps { mask: 0x8800 }, 16, 8);
    hold(Family::Galois, 8, 16);
}

/// Many draws of a Galois LFSR come at once, those of other sources one from the other.
#[test]
fn many_draws_a_clock_are_exact() {
    let overlapping = Source { steps: Some(5), ..Family::Taps { mask: 0xE100_0000 }.into() };
    for (source, bits, at_once) in [
        (Source::default(), 64, true),
        (Source::default(), 48, true),
        (overlapping, 32, true),
        (Family::Automaton.into(), 64, false),
    ] {
        let mut network = network(Shape { layers: &[16, 64, 8, 3], bits: 1, signed: false, dropout: &[true, true] });
        network.random = Random { source, ..Random::new(bits, 16) };
        let folding = [(64, 16), (8, 64), (1, 8)];
        holds(&network, 2, 6, &folding);
        let plan = Plan::new(&network, 2, 6, folded(&folding)).unwrap();
        assert_eq!(plan.draws_per_clock(&network, 0), 32);
        let design = Design::build(&network, &plan, Default::default()).unwrap();
        assert_eq!(design.modules.iter().any(|m| m.name().starts_with("ns_draws")), at_once, "{source}, {bits} bits");
    }
}
