//! Probabilities, entropy, mutual information and the flag of designs against the golden model.

use crate::corruption::{Corrupted, flip};
use crate::folded;
use crate::networks::{Shape, images, network};
use neuspin::cosim::{
    Builder, Dut, Expected, Options, Outcome, Place, Reference, Settings, Stimulus, cosimulate, icarus,
};
use neuspin::data::{self, Split};
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{EarlyStop, Images, Network};
use neuspin::plan::{Flag, Plan, Uncertainty};
use neuspin::rtl::{self, Design};
use std::path::Path;

fn design(
    network: &Network,
    lanes: usize,
    max_passes: usize,
    folding: &[(usize, usize)],
    parts: Uncertainty,
    thresholds: Vec<u64>,
) -> Design {
    let plan = Plan::new(network, lanes, max_passes, folded(folding)).unwrap().with_uncertainty(Some(parts));
    Design::build(network, &plan, rtl::Options { thresholds, ..Default::default() }).unwrap()
}

/// With thresholds in the middle of the entropies.
fn run(network: &Network, design: &Design, images: &Images, stimulus: Stimulus) -> Outcome {
    let (golden, dut) = (Golden::new(network).unwrap(), Dut::of(design));
    let mut settings = Settings::of_design(network, &dut);
    let median = median_entropy(network, images);
    (0..).zip(&mut settings.thresholds).for_each(|(class, threshold)| *threshold = median + class % 3);
    let options = Options { stimulus, ..Options::default() };
    cosimulate(&Builder::find().unwrap(), &dut, &golden, images, &settings, options, &|_| ()).unwrap()
}

/// Exact at full speed, in the predicted cycles, and with paused streams.
fn holds(network: &Network, design: &Design, images: &Images) {
    let outcome = run(network, design, images, Stimulus { seed: 91, ..Stimulus::default() });
    assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
    let predicted = outcome.predicted(&design.schedule(network));
    assert_eq!(outcome.clocks, predicted, "{:?}, {} passes", design.plan, network.passes);
    for (gap, stall) in [(0.5, 0.2), (0.0, 0.9)] {
        let outcome = run(network, design, images, Stimulus { gap, stall, seed: 92 });
        assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
    }
}

/// The middle of the entropies of `images`, so that about half of them are flagged.
fn median_entropy(network: &Network, images: &Images) -> u64 {
    let all = Golden::new(network).unwrap().results(images, network.passes).unwrap();
    let of =
        |e: &Expected| e.uncertainty.entropy / if network.early_stop.is_some() { e.result.passes.into() } else { 1 };
    let mut entropies: Vec<u64> = all.iter().map(of).collect();
    entropies.sort_unstable();
    entropies[entropies.len() / 2]
}

fn subject(passes: u32) -> Network {
    let network = network(Shape { layers: &[24, 16, 12, 5], bits: 1, signed: false, dropout: &[true, true] });
    Network { passes, ..network }
}

#[test]
fn foldings_are_exact_and_as_fast_as_predicted_at_every_number_of_passes() {
    let foldings: [(usize, &[(usize, usize)]); 4] = [
        (1, &[(1, 1), (1, 1), (1, 1)]),
        (1, &[(8, 24), (4, 16), (1, 12)]),
        (2, &[(8, 24), (4, 16), (1, 4)]),
        (4, &[(8, 24), (6, 16), (1, 12)]),
    ];
    for (lanes, folding) in foldings {
        // The number of passes is a register: one design does them all.
        let design = design(&subject(4), lanes, 12, folding, Uncertainty::ALL, vec![]);
        for passes in [1, 3, 8, 12] {
            let network = subject(passes);
            holds(&network, &design, &images(&network, 7));
        }
    }
}

#[test]
fn an_output_layer_of_several_neurons_at_once_is_exact_and_as_fast_as_predicted() {
    let network = network(Shape { layers: &[30, 8, 6, 3], bits: 8, signed: true, dropout: &[true, true] });
    let images = images(&network, 9);
    holds(&network, &design(&network, 2, 4, &[(4, 10), (2, 8), (3, 2)], Uncertainty::ALL, vec![]), &images);
}

#[test]
fn every_part_alone_is_exact() {
    let network = subject(6);
    let images = images(&network, 6);
    let none = Uncertainty::default();
    for parts in [
        none,
        Uncertainty { squares: true, ..none },
        Uncertainty { entropy: true, ..none },
        Uncertainty { information: true, ..none },
        Uncertainty { flag: Some(Flag::One), ..none },
    ] {
        holds(&network, &design(&network, 2, 8, &[(4, 8), (2, 4), (1, 2)], parts, vec![]), &images);
    }
}

#[test]
fn early_stop_is_exact_with_every_part() {
    let network = Network { early_stop: Some(EarlyStop { every: 2, lead: 1 << 10 }), ..subject(8) };
    let images = images(&network, 40);
    // A lead in the middle of those after the first block.
    let first = Golden::new(&Network { early_stop: None, ..network.clone() }).unwrap().run(&images, 0, 2).unwrap();
    let mut leads: Vec<i64> = first.iter().map(|r| lead(&r.sum)).collect();
    leads.sort_unstable();
    let network = Network { early_stop: Some(EarlyStop { every: 2, lead: leads[20] as u32 }), ..network };
    for (lanes, output) in [(1, 12), (2, 4)] {
        for parts in [Uncertainty::ALL, Uncertainty { flag: Some(Flag::One), ..Uncertainty::default() }] {
            let design = design(&network, lanes, 12, &[(8, 24), (4, 16), (1, output)], parts, vec![]);
            holds(&network, &design, &images);
            let taken = run(&network, &design, &images, Stimulus::default()).passes;
            assert!(taken.contains(&2) && taken.contains(&8), "{taken:?}");
        }
    }
}

fn lead(sums: &[i64]) -> i64 {
    let mut sums = sums.to_vec();
    sums.sort_unstable();
    sums[sums.len() - 1] - sums[sums.len() - 2]
}

#[test]
fn icarus_agrees_on_early_stop() {
    let network = Network { early_stop: Some(EarlyStop { every: 2, lead: 60 }), ..subject(6) };
    let images = images(&network, 6);
    let design = design(&network, 2, 8, &[(4, 8), (2, 4), (1, 2)], Uncertainty::ALL, vec![1000; 5]);
    let (golden, dut) = (Golden::new(&network).unwrap(), Dut::of(&design));
    let settings = Settings::of_design(&network, &dut);
    assert_eq!(icarus(&dut, &golden, &images, &settings).unwrap(), Vec::<String>::new());
    let other = Golden::new(&Network { early_stop: Some(EarlyStop { every: 2, lead: 0 }), ..network }).unwrap();
    assert!(!icarus(&dut, &other, &images, &settings).unwrap().is_empty());
}

#[test]
fn many_classes_and_many_passes_are_exact() {
    let network = network(Shape { layers: &[16, 8, 8, 37], bits: 1, signed: false, dropout: &[true, true] });
    let network = Network { passes: 70, ..network };
    let images = images(&network, 3);
    holds(&network, &design(&network, 4, 80, &[(4, 8), (2, 4), (1, 8)], Uncertainty::ALL, vec![]), &images);
}

#[test]
fn the_digits_are_exact_in_every_bit() {
    let model = Model::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/digits-spindrop")).unwrap();
    let network = lower(&model).unwrap();
    let images = data::encode(&data::load("digits", Split::Test).unwrap(), &model.input).unwrap();
    let foldings: [(usize, &[(usize, usize)]); 2] =
        [(1, &[(8, 64), (8, 64), (1, 64)]), (4, &[(8, 64), (4, 128), (1, 32)])];
    for (lanes, folding) in foldings {
        let design = design(&network, lanes, 16, folding, Uncertainty::ALL, vec![]);
        let outcome = run(&network, &design, &images, Stimulus::default());
        assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
        assert_eq!(outcome.clocks, design.schedule(&network).cycles(images.len() as u64, network.passes.into()));
        let paused = run(&network, &design, &images.slice(0..100), Stimulus { gap: 0.3, stall: 0.8, seed: 5 });
        assert!(paused.is_exact(), "{}", paused.origin().unwrap());
    }
}

#[test]
fn thresholds_are_registers() {
    let network = subject(4);
    let images = images(&network, 12);
    let median = median_entropy(&network, &images);
    for flag in [Flag::One, Flag::ByClass] {
        let parts = Uncertainty { flag: Some(flag), ..Uncertainty::default() };
        let design = design(&network, 2, 8, &[(4, 8), (2, 4), (1, 2)], parts, vec![]);
        let (golden, dut, builder) = (Golden::new(&network).unwrap(), Dut::of(&design), Builder::find().unwrap());
        let reset = Settings::of_design(&network, &dut);
        let count = reset.thresholds.len();
        assert_eq!(count, if flag == Flag::One { 1 } else { 5 });
        let written = Settings { thresholds: vec![median; count], ..reset.clone() };
        for (settings, built_in) in [(&written, false), (&reset, false), (&reset, true)] {
            let options = Options { built_in, ..Options::default() };
            let outcome = cosimulate(&builder, &dut, &golden, &images, settings, options, &|_| ()).unwrap();
            assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
        }
        // A design that compares otherwise is wrong where the entropy is the threshold, and nowhere else.
        let mut other = dut.clone();
        for (_, text) in &mut other.sources {
            *text = text.replace("(kept_entropies > threshold)", "(kept_entropies >= threshold)");
        }
        let outcome = cosimulate(&builder, &other, &golden, &images, &written, Options::default(), &|_| ()).unwrap();
        let wrong = outcome.origin().expect("the entropy that is the threshold is not above it");
        assert!(matches!(wrong.place, Place::Flag { .. }), "{wrong}");
        let small = Settings { thresholds: vec![], ..reset };
        let refused = cosimulate(&builder, &dut, &golden, &images, &small, Options::default(), &|_| ());
        assert!(refused.unwrap_err().to_string().contains("0 thresholds"));
    }
}

#[test]
fn icarus_agrees_on_the_uncertainty() {
    let network = subject(3);
    let images = images(&network, 4);
    let thresholds = vec![median_entropy(&network, &images); 5];
    let design = design(&network, 2, 8, &[(4, 8), (2, 4), (1, 2)], Uncertainty::ALL, thresholds);
    let (golden, mut dut) = (Golden::new(&network).unwrap(), Dut::of(&design));
    let settings = Settings::of_design(&network, &dut);
    assert_eq!(icarus(&dut, &golden, &images, &settings).unwrap(), Vec::<String>::new());
    flip(&mut dut, "ns_exp2.hex", 0, 12);
    assert!(!icarus(&dut, &golden, &images, &settings).unwrap().is_empty());
}

#[test]
fn one_bit_of_a_table_is_noticed() {
    let network = subject(4);
    let images = images(&network, 12);
    let design = design(&network, 2, 8, &[(4, 8), (2, 4), (1, 2)], Uncertainty::ALL, vec![]);
    let builder = Builder::find().unwrap();
    // The first entries are read by every pass: the largest logit is 0 octaves away, and the logarithm of all passes.
    for (table, bit) in [("ns_exp2.hex", 17), ("ns_exp2.hex", 5), ("ns_log2.hex", 2)] {
        let (golden, mut dut) = (Golden::new(&network).unwrap(), Dut::of(&design));
        for line in 0..64 {
            flip(&mut dut, table, 16 * line, bit);
        }
        let settings = Settings::of_design(&network, &dut);
        let outcome = cosimulate(&builder, &dut, &golden, &images, &settings, Options::default(), &|_| ()).unwrap();
        let first = outcome.mismatches.first().expect("the corruption was not noticed");
        assert!(matches!(first.place, Place::Probability { .. } | Place::Entropy { .. }), "{table}: {first}");
    }
}

#[test]
fn one_golden_uncertainty_is_missed_exactly_there() {
    let network = subject(4);
    let images = images(&network, 12);
    let design = design(&network, 2, 8, &[(4, 8), (2, 4), (1, 2)], Uncertainty::ALL, vec![]);
    let (dut, builder) = (Dut::of(&design), Builder::find().unwrap());
    let settings = Settings::of_design(&network, &dut);
    type Change = (fn(&mut Expected), Place);
    let changes: [Change; 4] = [
        (|e| e.uncertainty.probability[3] += 1, Place::Probability { class: 3 }),
        (|e| e.uncertainty.squares[1] ^= 1 << 32, Place::ProbabilitySquares { class: 1 }),
        (|e| e.uncertainty.entropy += 1, Place::Entropy { class: 0 }),
        (|e| e.uncertainty.information ^= 1, Place::Information { class: 0 }),
    ];
    for (change, place) in changes {
        let reference = Corrupted { golden: Golden::new(&network).unwrap(), image: 5, change };
        let outcome = cosimulate(&builder, &dut, &reference, &images, &settings, Options::default(), &|_| ()).unwrap();
        let first = &outcome.mismatches[0];
        assert_eq!((outcome.exact, first.image, first.place), (11, 5, place), "{first}");
    }
}
