//! The check of the checks: whatever is corrupted, co-simulation must fail and name the place.

use crate::networks::{Shape, images, network};
use crate::{design, folded};
use neuspin::cosim::{
    Builder, Dut, Expected, Mismatch, Options, Outcome, Place, Reference, Settings, Stimulus, cosimulate, icarus,
    locate,
};
use neuspin::golden::{Golden, GoldenError, HiddenTrace};
use neuspin::net::{Images, Network};

const IMAGES: usize = 12;

fn subject() -> Network {
    network(Shape { layers: &[24, 16, 12, 5], bits: 1, signed: false, dropout: &[true, true] })
}

/// The same folding without and with taps.
fn duts(network: &Network) -> (Dut, Dut) {
    let folding = folded(&[(4, 8), (2, 4), (1, 2)]);
    (design(network, 2, 8, &folding, false), design(network, 2, 8, &folding, true))
}

/// Runs the corrupted design, which must be found wrong, and says where it goes wrong.
fn caught(dut: &Dut, tapped: &Dut, reference: &dyn Reference, settings: &Settings) -> (Outcome, Mismatch) {
    let (builder, images) = (Builder::find().unwrap(), images(&subject(), IMAGES));
    let outcome = cosimulate(&builder, dut, reference, &images, settings, Options::default(), &|_| ()).unwrap();
    assert!(!outcome.is_exact() && outcome.exact < IMAGES, "the corruption was not noticed");
    let wrong = outcome.first_wrong().unwrap();
    let origin = locate(&builder, tapped, reference, &images, settings, Stimulus::default(), wrong).unwrap().unwrap();
    assert_eq!(origin.image, wrong);
    (outcome, origin)
}

/// Flips one bit of one word of a memory image, and says in which memory.
pub fn flip(dut: &mut Dut, memory: &str, line: usize, bit: u32) {
    let (_, text) = dut.memories.iter_mut().find(|(name, _)| name.ends_with(memory)).unwrap();
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    // Comments and addresses are not words.
    let word = lines.iter_mut().filter(|l| !l.trim().is_empty() && !l.starts_with(['/', '@'])).nth(line).unwrap();
    let at = word.len() - 1 - bit as usize / 4;
    let digit = u32::from_str_radix(&word[at..=at], 16).unwrap() ^ 1 << (bit % 4);
    word.replace_range(at..=at, &format!("{digit:x}"));
    *text = lines.join("\n") + "\n";
}

#[test]
fn one_weight_bit_is_found_in_its_layer() {
    let network = subject();
    let golden = Golden::new(&network).unwrap();
    for layer in [0, 1] {
        let (mut dut, mut tapped) = duts(&network);
        for dut in [&mut dut, &mut tapped] {
            flip(dut, &format!("layer{layer}_weights.hex"), 3, 1);
        }
        let (_, origin) = caught(&dut, &tapped, &golden, &Settings::of(&network));
        assert!(matches!(origin.place, Place::Activation { layer: l, .. } if l == layer), "layer {layer}: {origin}");
    }
}

#[test]
fn one_weight_bit_of_the_output_layer_is_found_in_its_class() {
    let network = subject();
    let golden = Golden::new(&network).unwrap();
    let (mut dut, mut tapped) = duts(&network);
    for dut in [&mut dut, &mut tapped] {
        flip(dut, "layer2_weights.hex", 0, 0);
    }
    let (_, origin) = caught(&dut, &tapped, &golden, &Settings::of(&network));
    assert_eq!(origin.place, Place::Logit { class: 0 }, "{origin}");
}

#[test]
fn one_threshold_is_found_in_its_neuron() {
    let network = subject();
    let mut other = network.clone();
    // Far off, so that some image meets it.
    other.hidden[1].thresholds[7] = if other.hidden[1].thresholds[7] > 0 { -5 } else { 5 };
    let (dut, tapped) = duts(&other);
    let (_, origin) = caught(&dut, &tapped, &Golden::new(&network).unwrap(), &Settings::of(&network));
    assert_eq!(origin.place, Place::Activation { layer: 1, neuron: 7 }, "{origin}");
}

#[test]
fn draws_from_another_root_are_found_in_the_live_bits() {
    let network = subject();
    let (dut, tapped) = duts(&network);
    let settings = Settings { root: Settings::of(&network).root ^ 1 << 40, ..Settings::of(&network) };
    let (_, origin) = caught(&dut, &tapped, &Golden::new(&network).unwrap(), &settings);
    assert!(matches!(origin.place, Place::Live { layer: 0, .. }), "{origin}");
}

#[test]
fn one_probability_code_is_found_in_its_layer() {
    let network = subject();
    let (dut, tapped) = duts(&network);
    let mut other = network.clone();
    let method = other.hidden[1].method.as_mut().unwrap();
    method.set_code(method.code().unwrap() ^ 0x4000);
    let golden = Golden::new(&other).unwrap();
    let settings = Settings::of(&network);
    let (_, origin) = caught(&dut, &tapped, &golden, &settings);
    assert!(matches!(origin.place, Place::Live { layer: 1, .. }), "{origin}");
}

/// The golden model with one value of one image changed.
pub struct Corrupted<F: Fn(&mut Expected)> {
    pub golden: Golden,
    pub image: usize,
    pub change: F,
}

impl<F: Fn(&mut Expected)> Reference for Corrupted<F> {
    fn results(&self, images: &Images, passes: u32) -> Result<Vec<Expected>, GoldenError> {
        let mut all = self.golden.results(images, passes)?;
        (self.change)(&mut all[self.image]);
        Ok(all)
    }

    fn trace(&self, image: &[i16], n: u64, pass: u32) -> Result<Vec<HiddenTrace>, GoldenError> {
        Reference::trace(&self.golden, image, n, pass)
    }
}

#[test]
fn one_golden_value_is_missed_exactly_there() {
    let network = subject();
    let (dut, _) = duts(&network);
    type Change = (fn(&mut Expected), Place, Option<u32>);
    let changes: [Change; 5] = [
        (|e| e.logits[5 + 3] += 1, Place::Logit { class: 3 }, Some(1)),
        (|e| e.result.sum[2] -= 1, Place::Sum { class: 2 }, None),
        (|e| e.result.sumsq[4] ^= 1 << 9, Place::SumOfSquares { class: 4 }, None),
        (|e| e.result.votes[0] += 1, Place::Votes { class: 0 }, None),
        (|e| e.result.class ^= 1, Place::Decision { class: 0 }, None),
    ];
    for (change, place, pass) in changes {
        let reference = Corrupted { golden: Golden::new(&network).unwrap(), image: 5, change };
        let (builder, images) = (Builder::find().unwrap(), images(&network, IMAGES));
        let settings = Settings::of(&network);
        let outcome = cosimulate(&builder, &dut, &reference, &images, &settings, Options::default(), &|_| ()).unwrap();
        let first = &outcome.mismatches[0];
        assert_eq!((outcome.exact, first.image, first.pass, first.place), (IMAGES - 1, 5, pass, place), "{first}");
    }
}

#[test]
fn icarus_agrees_and_notices_a_corrupted_weight() {
    let network = subject();
    let (mut dut, _) = duts(&network);
    let (golden, images) = (Golden::new(&network).unwrap(), images(&network, 4));
    assert_eq!(icarus(&dut, &golden, &images, &Settings::of(&network)).unwrap(), Vec::<String>::new());
    flip(&mut dut, "layer2_weights.hex", 0, 0);
    let found = icarus(&dut, &golden, &images, &Settings::of(&network)).unwrap();
    assert!(found.iter().any(|l| l.contains("class 0, logit: expected")), "{found:?}");
}
