//! Random structures: networks that reach the corners of the contract, folded at random, and what is refused with a reason.
//!
//! `NEUSPIN_DESIGNS=50 cargo test --test blocks_random` tries that many designs instead of a few.

#[allow(dead_code)]
#[path = "golden/networks.rs"]
mod networks;
mod tools;

use neuspin::cosim::{Builder, Dut, Options, Settings, Stimulus, cosimulate};
use neuspin::golden::Golden;
use neuspin::net::{Hidden, Images, Method, Network, Place, PoolKind, Random, Weights};
use neuspin::plan::{Folding, Plan, PlanError};
use neuspin::random::{Family, Source};
use neuspin::rtl::{self, Design};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

const IMAGES: usize = 6;

struct Sample {
    network: Network,
    images: Images,
    design: Design,
}

/// One of the divisors of `n` that are multiples of `of`, and at most `most`.
fn divisor(rng: &mut StdRng, n: usize, of: usize, most: usize) -> usize {
    let all: Vec<usize> = (1..=n.min(most)).filter(|d| n.is_multiple_of(*d) && d.is_multiple_of(of)).collect();
    *all.choose(rng).unwrap()
}

/// A random network under a random plan.
fn sample(seed: u64) -> Sample {
    folded(seed, networks::random(seed, IMAGES)).unwrap_or_else(|e| panic!("seed {seed}: {e}"))
}

/// A random network with convolutions under a random plan, if it is one that can be emitted.
fn convolving(seed: u64) -> Option<Sample> {
    let (network, images) = networks::convolving(seed, IMAGES);
    let convolves = network.hidden.iter().any(|h| h.conv.is_some());
    folded(seed, (network, images)).ok().filter(|_| convolves)
}

/// A random network on arrays read in parts under a random plan, if it is one that can be emitted.
fn in_parts(seed: u64) -> Option<Sample> {
    let (network, images) = networks::in_parts(seed, IMAGES);
    let some = network.chip.arrays.iter().any(Option::is_some);
    folded(seed, (network, images)).ok().filter(|_| some)
}

fn folded(seed: u64, (mut network, images): (Network, Images)) -> Result<Sample, PlanError> {
    let rng = &mut StdRng::seed_from_u64(seed ^ 0x5eed);
    // Hardware has no SpinBayes where sums meet.
    let bayes = |l: usize| matches!(network.hidden[l].method, Some(Method::Spinbayes(_)));
    let meets: Vec<bool> = network
        .hidden
        .iter()
        .enumerate()
        .map(|(l, h)| h.residual.is_some_and(|from| !bayes(l) && !bayes(from)))
        .collect();
    for (layer, meets) in network.hidden.iter_mut().zip(meets) {
        layer.residual = layer.residual.filter(|_| meets);
    }
    let mut folding: Vec<Folding> = vec![];
    let all: Vec<Weights> =
        network.hidden.iter().map(|h| &h.weights).chain([&network.output.weights]).cloned().collect();
    for weights in &all {
        let before = folding.last().map_or(1, |f| f.pe);
        let layer = network.hidden.get(folding.len());
        let word = layer.and_then(|h| h.conv).map_or(weights.cols(), |conv| conv.input.channels);
        if !word.is_multiple_of(before) {
            let what = format!("pe {before} before {word} channels");
            return Err(PlanError::Layer { layer: folding.len(), what });
        }
        let mut simd = divisor(rng, word, before, usize::MAX);
        // Sometimes all places of a kernel at once.
        if let Some(conv) = layer.and_then(|h| h.conv).filter(|_| rng.random_bool(0.4)) {
            let places = conv.kernel.0 * conv.kernel.1;
            if !word.is_multiple_of(simd * places) {
                simd *= places;
            }
        }
        let last = folding.len() == network.hidden.len();
        let most = if last { weights.cols() / simd } else { usize::MAX };
        let group = match network.hidden.get(folding.len()).and_then(|h| h.method.as_ref()) {
            Some(Method::Affine(m)) => weights.rows() / m.groups,
            _ => weights.rows(),
        };
        let same = layer.and_then(|h| h.residual).map(|from| folding[from].pe);
        if same.is_some_and(|pe| !group.is_multiple_of(pe)) {
            network.hidden[folding.len()].residual = None;
        }
        let pe = same.filter(|pe| group.is_multiple_of(*pe)).unwrap_or_else(|| divisor(rng, group, 1, most));
        folding.push(Folding { pe, simd });
    }
    let alone = network.first_spinbayes().is_some();
    let lanes = if network.streams() > 0 && !alone { rng.random_range(1..=16) } else { 1 };
    // Many draws at once of other sources are more XORs than a simulator is compiled of in minutes.
    let random = network.random;
    let at_once = lanes * folding.iter().map(|f| f.pe).max().unwrap_or(1);
    let recorded = matches!(random.source.family, Family::Replay { .. });
    if at_once > 32 && random.source != Source::default() && !recorded {
        network.random = Random::new(64, random.code_bits);
    }
    let max_passes = lanes * rng.random_range(1..=4);
    network.passes = rng.random_range(1..=max_passes as u32);
    let stops = max_passes > lanes && rng.random();
    if seed.is_multiple_of(2) {
        networks::devices(seed, &mut network, !stops);
    }
    if stops {
        let blocks = rng.random_range(1..max_passes / lanes);
        network.early_stop =
            networks::early_stop(&network, &images, (blocks * lanes) as u32, rng.random_range(0..IMAGES));
    }
    let plan = Plan::new(&network, lanes, max_passes, folding)?;
    let design = Design::build(&network, &plan, rtl::Options { taps: rng.random(), ..Default::default() });
    let design = design.unwrap_or_else(|e| panic!("seed {seed}, {plan:?}: {e}"));
    Ok(Sample { network, images, design })
}

/// How many designs to try: `usual` unless the environment says otherwise.
fn designs(usual: u64) -> u64 {
    match std::env::var("NEUSPIN_DESIGNS") {
        Ok(text) => text.parse().unwrap_or_else(|e| panic!("NEUSPIN_DESIGNS is `{text}`, not a number: {e}")),
        Err(_) => usual,
    }
}

#[test]
fn every_structure_has_a_design() {
    let samples: Vec<Sample> = (0..1500).map(sample).collect();
    let some = |what: &str, found: fn(&Sample) -> bool| {
        assert!(samples.iter().any(found), "no sample has {what}");
    };
    some("no dropout", |s| s.network.stochastic_layers() == 0);
    some("dropout on the first of several layers alone", |s| {
        let at: Vec<bool> = s.network.hidden.iter().map(|h| h.method.is_some()).collect();
        at.len() > 1 && at[0] && !at[1..].contains(&true)
    });
    some("dropout on the last of several layers alone", |s| {
        let at: Vec<bool> = s.network.hidden.iter().map(|h| h.method.is_some()).collect();
        at.len() > 1 && at[at.len() - 1] && !at[..at.len() - 1].contains(&true)
    });
    type Is = fn(&Method) -> bool;
    let first = |s: &Sample, what: Is| s.network.hidden.iter().find_map(|h| h.method.as_ref()).is_some_and(what);
    let later = |s: &Sample, what: Is| s.network.hidden.iter().filter_map(|h| h.method.as_ref()).skip(1).any(what);
    let methods: [(&str, Is); 5] = [
        ("SpinDrop before the sign", |m| matches!(m, Method::Spindrop(d) if d.place == Place::BeforeSign)),
        ("Scale-Dropout", |m| matches!(m, Method::Scale(_))),
        ("affine dropout", |m| matches!(m, Method::Affine(_))),
        ("sub-set inference", |m| matches!(m, Method::Subset(_))),
        ("SpinBayes", |m| matches!(m, Method::Spinbayes(_))),
    ];
    for (name, what) in methods {
        assert!(samples.iter().any(|s| first(s, what)), "no sample parts at {name}");
        assert!(samples.iter().any(|s| later(s, what)), "no sample has {name} behind another method");
    }
    some("SpinBayes on the first layer", |s| s.network.once_per_image() == 0);
    some("dropped inputs and nothing else", |s| {
        s.network.input.dropout.is_some() && s.network.stochastic_layers() == 1
    });
    some("dropped inputs before SpinBayes", |s| {
        let first = s.network.hidden[0].method.as_ref();
        s.network.input.dropout.is_some() && first.is_some_and(|m| matches!(m, Method::Spinbayes(_)))
    });
    some("dropped inputs before neurons that decide on sums", |s| {
        let first = s.network.hidden[0].method.as_ref();
        let decides = first.is_some_and(|m| !matches!(m, Method::Spinbayes(_) | Method::Spindrop(_)));
        s.network.input.dropout.is_some() && decides
    });
    some("SpinBayes in the output layer alone", |s| {
        !s.network.output.others.is_empty() && s.network.stochastic_layers() == 1
    });
    some("SpinBayes in the output layer behind another method", |s| {
        !s.network.output.others.is_empty() && s.network.stochastic_layers() > 1
    });
    some("Scale-Dropout in three layers", |s| {
        let scale = s.network.hidden.iter().filter(|h| matches!(h.method, Some(Method::Scale(_))));
        scale.count() == 3
    });
    some("Scale-Dropout in several layers behind another method", |s| {
        let methods = s.network.hidden.iter().filter_map(|h| h.method.as_ref());
        let scale = methods.map(|m| matches!(m, Method::Scale(_))).collect::<Vec<_>>();
        scale.len() == 3 && scale[1..] == [true, true] && !scale[0]
    });
    some("multi-level weights in an output layer behind dropout", |s| {
        s.design.layers.last().is_some_and(|l| l.weight_planes > 1 && l.masked)
    });
    some("multi-level weights at inputs of several bits", |s| {
        s.design.layers[0].weight_planes > 1 && s.design.layers[0].planes > 1
    });
    some("crossbars of multi-level weights", |s| {
        s.design.layers.iter().any(|l| l.weight_planes > 1 && l.crossbars() > 1)
    });
    some("1-bit codes", |s| s.network.random.code_bits == 1);
    some("16-bit codes", |s| s.network.random.code_bits == 16);
    some("2 classes", |s| s.network.classes() == 2);
    some("1 feature", |s| s.network.input.features == 1);
    some("8-bit signed inputs", |s| s.network.input.signed && s.network.input.bits == 8);
    some("8-bit unsigned inputs", |s| !s.network.input.signed && s.network.input.bits == 8);
    some("16 lanes", |s| s.design.plan.lanes == 16);
    some("early stop", |s| s.network.early_stop.is_some());
    some("early stop in blocks of several groups", |s| {
        s.network.early_stop.is_some_and(|rule| rule.every as usize > s.design.plan.lanes)
    });
    some("early stop with SpinBayes on the first layer", |s| {
        s.network.early_stop.is_some() && s.network.once_per_image() == 0
    });
    some("one pass at most", |s| s.design.plan.max_passes == 1);
    some("a layer at once", |s| s.design.layers.iter().any(|l| l.outputs > 1 && l.pe == l.outputs && l.words() == 1));
}

#[test]
fn random_structures_pass_the_linter() {
    for seed in 1000..1000 + designs(8) {
        let design = sample(seed).design;
        let files: Vec<_> = design.modules.iter().rev().collect();
        let images: Vec<(&str, &str)> = design.images.iter().map(|i| (i.file.as_str(), i.text.as_str())).collect();
        tools::lint(&files, &images);
    }
}

/// All bits of all images, at full speed and with pauses; at full speed also the number of clocks.
fn prove(builder: &Builder, seed: u64, Sample { network, images, design }: Sample) {
    let (dut, golden) = (Dut::of(&design), Golden::new(&network).unwrap());
    let settings = Settings::of(&network);
    let tapped = design.options.taps.then_some((0, IMAGES - 1));
    for (gap, stall) in [(0.0, 0.0), (0.3, 0.5)] {
        let options = Options { stimulus: Stimulus { gap, stall, seed }, tapped, ..Options::default() };
        let outcome = cosimulate(builder, &dut, &golden, &images, &settings, options, &|_| ())
            .unwrap_or_else(|e| panic!("seed {seed}, {:?}: {e}", design.plan));
        assert!(outcome.is_exact(), "seed {seed}, {:?}: {}", design.plan, outcome.origin().unwrap());
        if options.stimulus.full_speed() {
            let schedule = design.schedule(&network);
            let predicted = if schedule.exact { outcome.predicted(&schedule) } else { outcome.clocks };
            assert_eq!(
                outcome.clocks, predicted,
                "clocks of seed {seed}, {} passes, {:?}",
                network.passes, design.plan
            );
        }
    }
}

#[test]
fn random_structures_are_exact_in_the_predicted_number_of_clocks() {
    let builder = Builder::find().unwrap();
    (0..designs(5)).for_each(|seed| prove(&builder, seed, sample(seed)));
}

#[test]
fn random_structures_whose_layers_share_a_unit_are_exact() {
    let builder = Builder::find().unwrap();
    let scales = |h: &Hidden| matches!(h.method, Some(Method::Scale(_)));
    let samples = (0..).map(|seed| (seed, sample(seed)));
    let samples = samples.filter(|(_, s)| s.network.hidden.iter().filter(|h| scales(h)).count() > 1);
    samples.take(designs(3) as usize).for_each(|(seed, sample)| prove(&builder, seed, sample));
}

#[test]
fn random_convolutions_pass_the_linter() {
    for design in (0..).filter_map(convolving).take(designs(8) as usize).map(|sample| sample.design) {
        let files: Vec<_> = design.modules.iter().rev().collect();
        let images: Vec<(&str, &str)> = design.images.iter().map(|i| (i.file.as_str(), i.text.as_str())).collect();
        tools::lint(&files, &images);
    }
}

#[test]
fn random_convolutions_are_exact() {
    let builder = Builder::find().unwrap();
    let samples = (0..).filter_map(|seed| Some((seed, convolving(seed)?)));
    samples.take(designs(5) as usize).for_each(|(seed, sample)| prove(&builder, seed, sample));
}

/// Sums that are pooled over any windows, or added to those of a later layer.
#[test]
fn random_pooled_and_added_sums_are_exact() {
    let builder = Builder::find().unwrap();
    let pooled = |h: &Hidden| {
        let pool = h.conv.and_then(|conv| conv.pool);
        pool.is_some_and(|pool| pool.kind == PoolKind::Sum || pool.size != pool.stride)
    };
    let of = |what: &dyn Fn(&Network) -> bool| {
        let samples = (0..).filter_map(|seed| Some((seed, convolving(seed)?)));
        let samples = samples.filter(|(_, s)| what(&s.network));
        samples.take(designs(2) as usize).for_each(|(seed, sample)| prove(&builder, seed, sample));
    };
    of(&|n| n.hidden.iter().any(pooled));
    of(&|n| n.hidden.iter().any(|h| h.residual.is_some() && h.conv.is_some()));
}

#[test]
fn random_added_sums_of_dense_layers_are_exact_in_the_predicted_number_of_clocks() {
    let builder = Builder::find().unwrap();
    let samples = (0..).map(|seed| (seed, sample(seed)));
    let samples = samples.filter(|(_, s)| s.network.hidden.iter().any(|h| h.residual.is_some()));
    samples.take(designs(4) as usize).for_each(|(seed, sample)| prove(&builder, seed, sample));
}

#[test]
fn every_structure_of_arrays_has_a_design() {
    let samples: Vec<Sample> = (0..1500).filter_map(in_parts).collect();
    let some = |what: &str, found: fn(&Sample) -> bool| assert!(samples.iter().any(found), "no sample has {what}");
    some("read errors in the first layer", |s| s.network.errs(0));
    some("read errors and nothing else that is random", |s| {
        s.network.streams() > 0 && s.network.stochastic_layers() == 0
    });
    some("read errors and early stop", |s| {
        s.network.early_stop.is_some() && (0..=s.network.hidden.len()).any(|l| s.network.errs(l))
    });
    some("a group of several words", |s| {
        s.design.layers.iter().any(|l| l.array.is_some_and(|a| a.span(l.simd, l.inputs) > 1))
    });
    some("a last group that is smaller, in one word", |s| {
        s.design.layers.iter().any(|l| l.array.is_some_and(|a| l.simd == l.inputs && l.inputs % a.group > 1))
    });
    some("an array in a convolution", |s| s.design.layers.iter().any(|l| l.array.is_some() && l.conv.is_some()));
    some("an array in the output layer alone", |s| {
        let last = s.design.layers.len() - 1;
        s.design.layers.iter().enumerate().all(|(l, layer)| layer.array.is_some() == (l == last))
    });
}

#[test]
fn random_arrays_pass_the_linter() {
    for design in (0..).filter_map(in_parts).take(designs(10) as usize).map(|sample| sample.design) {
        let files: Vec<_> = design.modules.iter().rev().collect();
        let images: Vec<(&str, &str)> = design.images.iter().map(|i| (i.file.as_str(), i.text.as_str())).collect();
        tools::lint(&files, &images);
    }
}

#[test]
fn random_arrays_are_exact_in_the_predicted_number_of_clocks() {
    let builder = Builder::find().unwrap();
    let samples = (0..).filter_map(|seed| Some((seed, in_parts(seed)?)));
    samples.take(designs(6) as usize).for_each(|(seed, sample)| prove(&builder, seed, sample));
}
