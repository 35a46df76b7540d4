//! A residual network of convolutions on real digits: average pooling, Spatial-SpinDrop, both crossbar mappings, and a fault that has
//! to be found in its layer.

use crate::corruption::flip;
use crate::{design, folded};
use neuspin::cosim::{Builder, Dut, Options, Outcome, Place, Settings, Stimulus, cosimulate, locate};
use neuspin::data::{Split, load};
use neuspin::golden::Golden;
use neuspin::net::{
    Conv, Direction, Dropout, Hidden, Images, Input, Map, Method, Network, Output, Pad, Place as DropPlace, Pool,
    PoolKind, Random, Weights,
};
use neuspin::plan::Plan;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const IMAGES: usize = 200;
const CHANNELS: usize = 8;

/// 8 × 8 digits of 4 bits; padded convolutions, the third of which adds the sums of the first, and a fourth whose sums are pooled; random
/// weights.
pub fn residual() -> Network {
    let rng = &mut StdRng::seed_from_u64(21);
    let mut map = Map { height: 8, width: 8, channels: 1 };
    let mut hidden = vec![];
    for (l, pooled) in [false, false, false, true].into_iter().enumerate() {
        let pool = pooled.then_some(Pool { kind: PoolKind::Sum, size: (3, 3), stride: (2, 2) });
        let pad = Pad { top: 1, left: 1, bottom: 1, right: 1 };
        let conv = Conv { input: map, kernel: (3, 3), stride: (1, 1), pad, pool };
        let signs: Vec<bool> = (0..CHANNELS * conv.taps()).map(|_| rng.random()).collect();
        let spread = if l == 0 { 12 } else { 6 };
        let maps = Dropout { code: 9_000, place: DropPlace::AfterSign, maps: true };
        hidden.push(Hidden {
            weights: Weights::from_fn(CHANNELS, conv.taps(), |o, i| signs[o * conv.taps() + i]),
            thresholds: (0..CHANNELS).map(|_| rng.random_range(-spread..=spread)).collect(),
            directions: (0..CHANNELS).map(|o| if o % 3 == 1 { Direction::Le } else { Direction::Ge }).collect(),
            // Passes part at the second layer; for the residual's sake they part at the first.
            method: (l == 1 || l == 2).then_some(Method::Spindrop(maps)),
            conv: Some(conv),
            residual: (l == 2).then_some(0),
        });
        let (height, width) = conv.positions();
        map = Map { height, width, channels: CHANNELS };
    }
    let signs: Vec<bool> = (0..10 * map.size()).map(|_| rng.random()).collect();
    let network = Network {
        name: "residual".into(),
        input: Input { features: 64, bits: 4, signed: false, dropout: None },
        hidden,
        output: Output {
            weights: Weights::from_fn(10, map.size(), |o, i| signs[o * map.size() + i]),
            scale: vec![16; 10],
            offset: vec![0; 10],
            shift: 0,
            frac_bits: 6,
            logit_bits: 16,
            temperature: 1.0,
            others: vec![],
        },
        random: Random::default(),
        seed: 9,
        passes: 4,
        early_stop: None,
        chip: Default::default(),
    };
    network.check().unwrap();
    assert_eq!(network.once_per_image(), 1);
    network
}

pub fn digits(network: &Network) -> Images {
    let set = load("digits", Split::Test).unwrap();
    let values = set.images[..64 * IMAGES].iter().map(|&pixel| i16::from(pixel.min(15))).collect();
    Images::new(&network.input, values).unwrap()
}

fn run(network: &Network, dut: &Dut, tapped: bool, stimulus: Stimulus) -> Outcome {
    let golden = Golden::new(network).unwrap();
    let options = Options { stimulus, tapped: tapped.then_some((0, 9)), ..Options::default() };
    let settings = Settings::of(network);
    cosimulate(&Builder::find().unwrap(), dut, &golden, &digits(network), &settings, options, &|_| ()).unwrap()
}

#[test]
fn a_residual_network_is_exact_on_digits() {
    let network = residual();
    // Kernels place after place, and all places at once; one lane, and two.
    let foldings = [(1, [(2, 1), (4, 2), (2, 8), (4, 8), (2, 4)]), (2, [(4, 9), (2, 36), (4, 72), (8, 8), (1, 8)])];
    for (lanes, folding) in foldings {
        let dut = design(&network, lanes, 4, &folded(&folding), true);
        for (gap, stall) in [(0.0, 0.0), (0.4, 0.4)] {
            let outcome = run(&network, &dut, true, Stimulus { gap, stall, seed: 5 });
            assert!(outcome.is_exact(), "{lanes} lanes: {}", outcome.origin().unwrap());
        }
    }
}

#[test]
fn sums_that_meet_come_with_the_same_pe() {
    let folding = folded(&[(2, 1), (4, 2), (4, 8), (4, 8), (2, 4)]);
    let error = Plan::new(&residual(), 1, 4, folding).unwrap_err().to_string();
    assert!(
        error.contains("layer 2") && error.contains("pe 4, but it adds the sums of layer 0, which come with pe 2"),
        "{error}"
    );
}

#[test]
fn one_weight_bit_of_a_convolution_is_found_in_its_layer() {
    let network = residual();
    let folding = folded(&[(4, 9), (2, 36), (4, 72), (8, 8), (1, 8)]);
    let golden = Golden::new(&network).unwrap();
    // Not the first layer: what is wrong with its sums may show first where they are added.
    for layer in [1, 3] {
        let [dut, tapped] = [false, true].map(|taps| {
            let mut dut = design(&network, 2, 4, &folding, taps);
            flip(&mut dut, &format!("layer{layer}_weights.hex"), 0, 2);
            dut
        });
        let outcome = run(&network, &dut, false, Stimulus::default());
        let wrong = outcome.first_wrong().unwrap();
        let (builder, settings) = (Builder::find().unwrap(), Settings::of(&network));
        let found = locate(&builder, &tapped, &golden, &digits(&network), &settings, Stimulus::default(), wrong)
            .unwrap()
            .unwrap();
        assert!(matches!(found.place, Place::Activation { layer: l, .. } if l == layer), "layer {layer}: {found}");
    }
}
