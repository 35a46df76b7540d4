//! Designs that are written while they run: after reset they are what they were generated as, then another network, or a die with stuck
//! cells and spare columns; bit by bit.

use crate::maps;
use crate::methods::with;
use crate::networks::{Shape, images, network};
use crate::{folded, run};
use neuspin::cosim::{
    Answer, Builder, Dut, Expected, Host, Options, Outcome, Reference, Request, Settings, Stimulus, cosimulate,
};
use neuspin::data::{self, Split};
use neuspin::faults::{Die, Fault, Programming, program};
use neuspin::golden::{Golden, GoldenError, HiddenTrace};
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{Affine, Direction, Images, Method, Network, OutputCrossbar, Subset, Weights};
use neuspin::plan::Plan;
use neuspin::rtl::{self, Design, Write};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::path::Path;

const IMAGES: usize = 7;

/// Another network of the same shape: other weights, thresholds, directions, constants, probabilities and draws.
fn another(network: &Network) -> Network {
    let rng = &mut StdRng::seed_from_u64(99);
    let mut other = network.clone();
    for weights in other.crossbar_weights_mut().into_iter().flatten() {
        for plane in weights.planes_mut() {
            for row in 0..plane.rows() {
                (0..plane.cols()).for_each(|col| plane.set(row, col, rng.random()));
            }
        }
    }
    let turn = |rng: &mut StdRng, directions: &mut Vec<Direction>| {
        directions.iter_mut().for_each(|d| *d = if rng.random() { Direction::Ge } else { Direction::Le });
    };
    for layer in &mut other.hidden {
        layer.thresholds.iter_mut().for_each(|t| *t = -*t + 1);
        layer.thresholds.reverse();
        turn(rng, &mut layer.directions);
        match &mut layer.method {
            Some(Method::Scale(m)) => m.dropped.rotate_left(1),
            Some(Method::Affine(Affine { gain, bias, .. })) => {
                gain.rotate_left(1);
                bias.rotate_left(1);
            }
            Some(Method::Subset(Subset { mean, spread, limits, .. })) => {
                mean.rotate_left(1);
                spread.rotate_left(2);
                limits.rotate_left(1);
            }
            Some(Method::Spinbayes(m)) => {
                for crossbar in &mut m.others {
                    crossbar.thresholds.rotate_left(1);
                    turn(rng, &mut crossbar.directions);
                }
            }
            _ => {}
        }
        if let Some(method) = &mut layer.method
            && method.code().is_some()
        {
            method.set_code(rng.random_range(5_000..30_000));
        }
    }
    other.output.scale.rotate_left(1);
    other.output.offset.rotate_left(1);
    for crossbar in &mut other.output.others {
        crossbar.scale.rotate_left(1);
        crossbar.offset.rotate_left(1);
    }
    other.seed += 17;
    other.check().unwrap();
    other
}

fn writable(network: &Network, lanes: usize, folding: &[(usize, usize)], options: rtl::Options) -> Design {
    let plan = Plan::new(network, lanes, 6 * lanes, folded(folding)).unwrap();
    Design::build(network, &plan, rtl::Options { writable: true, ..options }).unwrap()
}

/// Runs `network` on a design after these requests.
fn programmed(network: &Network, dut: &Dut, images: &Images, requests: &[Request], stimulus: Stimulus) -> Outcome {
    let golden = Golden::new(network).unwrap();
    let tapped = (!dut.taps.is_empty()).then_some((0, images.len() - 1));
    let options = Options { program: requests, tapped, stimulus, ..Options::default() };
    let settings = Settings::of(network);
    cosimulate(&Builder::find().unwrap(), dut, &golden, images, &settings, options, &|_| ()).unwrap()
}

fn requests(writes: &[Write]) -> Vec<Request> {
    writes.iter().map(|&write| write.into()).collect()
}

/// Every answer is what was written.
fn takes(answers: &[Answer], writes: &[Write]) {
    assert_eq!(answers.len(), writes.len());
    for (answer, write) in answers.iter().zip(writes) {
        assert_eq!((answer.data, answer.error), (write.data, false), "{write:x?}");
    }
}

/// A design of `network` runs it after reset; written, it is another network.
fn becomes_another(network: &Network, lanes: usize, folding: &[(usize, usize)], images: &Images) {
    let mut network = network.clone();
    network.passes = 3;
    let other = another(&network);
    let design = writable(&network, lanes, folding, rtl::Options { taps: true, ..Default::default() });
    let dut = Dut::of(&design);
    let outcome = programmed(&network, &dut, images, &[], Stimulus::default());
    assert!(outcome.is_exact(), "after reset: {}", outcome.origin().unwrap());
    let writes = design.contents(&other).unwrap().all();
    let outcome = programmed(&other, &dut, images, &requests(&writes), Stimulus { gap: 0.3, stall: 0.3, seed: 3 });
    assert!(outcome.is_exact(), "written: {}", outcome.origin().unwrap());
    takes(&outcome.answers, &writes);
    // And it is not what it was.
    assert!(!programmed(&network, &dut, images, &requests(&writes), Stimulus::default()).is_exact());
}

#[test]
fn a_design_becomes_another_network_at_several_foldings() {
    for (bits, signed) in [(1, false), (8, true), (3, false)] {
        let network = network(Shape { layers: &[48, 16, 12, 5], bits, signed, dropout: &[true, true] });
        let images = images(&network, IMAGES);
        // One neuron's word takes one beat of the port, then two.
        for (lanes, folding) in
            [(1, [(1, 1), (1, 1), (1, 2)]), (2, [(4, 48), (2, 4), (1, 4)]), (1, [(16, 6), (3, 16), (1, 3)])]
        {
            becomes_another(&network, lanes, &folding, &images);
        }
    }
}

#[test]
fn every_method_is_written() {
    for (methods, bits, lanes) in [
        (["scale", "spindrop", "scale"], 3, 2),
        (["vector", "before", "element"], 4, 2),
        (["element", "none", "vector"], 1, 1),
        (["subset", "spindrop", "subset"], 2, 2),
        (["spinbayes", "none", "spinbayes"], 3, 1),
    ] {
        let network = with(methods, bits);
        becomes_another(&network, lanes, &[(3, 20), (6, 12), (2, 12), (2, 4)], &images(&network, IMAGES));
    }
}

#[test]
fn crossbars_of_the_output_layer_and_weights_of_several_levels_are_written() {
    let mut network = with(["spindrop", "none", "spinbayes"], 1);
    let rng = &mut StdRng::seed_from_u64(12);
    let mut levels = |w: &mut Weights, planes: usize| {
        let values: Vec<i32> = (0..w.rows() * w.cols()).map(|_| rng.random_range(-8..=8)).collect();
        let cols = w.cols();
        *w = Weights::from_values(planes, w.rows(), cols, |r, c| values[r * cols + c]);
    };
    for (layer, weights) in network.crossbar_weights_mut().into_iter().enumerate() {
        weights.into_iter().for_each(|w| levels(w, [2, 3, 1, 2][layer]));
    }
    let mut other = network.output.weights.clone();
    levels(&mut other, 2);
    let (scale, offset) = (network.output.scale.clone(), network.output.offset.clone());
    network.output.others = vec![OutputCrossbar { weights: other, scale, offset }];
    network.check().unwrap();
    becomes_another(&network, 1, &[(3, 20), (6, 12), (2, 12), (2, 4)], &images(&network, IMAGES));
}

#[test]
fn convolutions_residuals_and_pooled_sums_are_written() {
    let network = maps::residual();
    let images = maps::digits(&network);
    for (lanes, folding) in
        [(1, [(2, 1), (4, 2), (2, 8), (4, 8), (2, 4)]), (2, [(4, 9), (2, 36), (4, 72), (8, 8), (1, 8)])]
    {
        becomes_another(&network, lanes, &folding, &images);
    }
    // The largest sum of a window: what a neuron's direction means for pooling is written, too.
    let mut network = network;
    network.hidden[3].conv.as_mut().unwrap().pool.as_mut().unwrap().kind = neuspin::net::PoolKind::Max;
    let pool = network.hidden[3].conv.as_mut().unwrap().pool.as_mut().unwrap();
    (pool.size, pool.stride) = ((2, 2), (2, 2));
    let inputs = 4 * 4 * 8;
    network.output.weights = Weights::from_fn(10, inputs, |o, i| (o * 7 + i * 5 + o * i) % 3 == 0);
    becomes_another(&network, 1, &[(2, 1), (4, 2), (2, 8), (4, 8), (2, 4)], &images);
}

#[test]
fn one_write_that_is_dropped_is_found() {
    let network = network(Shape { layers: &[24, 16, 12, 5], bits: 1, signed: false, dropout: &[true, true] });
    let other = another(&network);
    let design = writable(&network, 2, &[(4, 8), (2, 4), (1, 2)], rtl::Options::default());
    let (dut, images) = (Dut::of(&design), images(&network, 24));
    let (before, after) = (design.contents(&network).unwrap(), design.contents(&other).unwrap());
    let (old, new) = (before.all(), after.all());
    assert!(programmed(&other, &dut, &images, &requests(&new), Stimulus::default()).is_exact());
    // A word of weights and a start value of the first layer, and the constants of a class.
    let kinds: [fn(&str) -> bool; 3] =
        [|name| name == "layer0_weights", |name| name == "layer0_starts", |name| name == "layer2_constants"];
    let programming = design.programming.as_ref().unwrap();
    for kind in kinds {
        let region = programming.regions.iter().position(|r| kind(&r.name)).unwrap() as u32;
        let changed = |n: &usize| old[*n].data != new[*n].data && new[*n].address >> programming.span == region;
        let dropped = (0..new.len()).find(changed).unwrap();
        let mut fewer = new.clone();
        fewer.remove(dropped);
        let outcome = programmed(&other, &dut, &images, &requests(&fewer), Stimulus::default());
        assert!(!outcome.is_exact(), "nothing was missed without {:x?}", new[dropped]);
    }
}

#[test]
fn reads_show_what_is_there_and_addresses_without_a_memory_say_so() {
    let network = network(Shape { layers: &[24, 12, 12, 5], bits: 1, signed: false, dropout: &[true, true] });
    let design = writable(&network, 1, &[(3, 8), (2, 3), (1, 2)], rtl::Options::default());
    let dut = Dut::of(&design);
    let mut host = Host::start(&Builder::find().unwrap(), &dut, 4).unwrap();
    let all = design.contents(&network).unwrap().all();
    let reads: Vec<Request> = all.iter().map(|w| Request::Read { address: w.address }).collect();
    takes(&host.program(&reads).unwrap(), &all);
    // Neuron 3 of a group of 3, word 3 of 3, a region too many, a bit above all regions.
    let programming = design.programming.as_ref().unwrap();
    let none = [3, 3 << 2, (programming.regions.len() as u32) << programming.span, 1 << 31];
    for address in none {
        let write = Write { address, data: u32::MAX };
        let answers = host.program(&[write.into(), Request::Read { address }]).unwrap();
        assert_eq!(answers, [Answer { data: 0, error: true }; 2], "{address:x}");
        assert!(host.write(&[write]).unwrap_err().to_string().contains("nothing has the address"));
    }
    takes(&host.program(&reads).unwrap(), &all);
}

#[test]
fn what_does_not_fit_is_refused() {
    let shape = |layers| network(Shape { layers, bits: 1, signed: false, dropout: &[true, true] });
    let (network, larger) = (shape(&[24, 16, 12, 5]), shape(&[24, 16, 12, 6]));
    let folding = [(4, 8), (2, 4), (1, 2)];
    let design = writable(&network, 2, &folding, rtl::Options::default());
    let refused = |design: &Design, network: &Network| design.contents(network).err().unwrap().to_string();
    let said = refused(&design, &larger);
    assert!(said.contains("design `tiny`: the network needs another `tiny"), "{said}");
    let mut plain = network.clone();
    plain.hidden[1].method = None;
    let said = refused(&design, &plain);
    assert!(said.contains("design `tiny`: the network"), "{said}");
    let plan = Plan::new(&network, 2, 12, folded(&folding)).unwrap();
    let rom = Design::build(&network, &plan, rtl::Options::default()).unwrap();
    assert!(refused(&rom, &network).contains("it has no programming port"));
    let error = Host::start(&Builder::find().unwrap(), &Dut::of(&rom), 1).err().unwrap().to_string();
    assert!(error.contains("has no programming port"), "{error}");
}

/// What a die with stuck cells is, found by writing and reading, programmed, and repaired.
fn repaired(network: &Network, lanes: usize, folding: &[(usize, usize)], images: &Images) {
    let mut network = network.clone();
    network.passes = 3;
    let wanted = another(&network);
    let map = Die { fault: Fault::Stuck, rate: 0.15, seed: 8, number: 1 }.stuck_map(&network, 3);
    let stuck = rtl::Options { stuck: Some(map.clone()), taps: true, ..Default::default() };
    let design = writable(&network, lanes, folding, stuck);
    let dut = Dut::of(&design);
    let builder = Builder::find().unwrap();

    let as_made = program(&network, &map, &Programming { repair: false, ..Programming::default() }).unwrap();
    let outcome = programmed(&as_made.network, &dut, images, &[], Stimulus::default());
    assert!(outcome.is_exact(), "after reset: {}", outcome.origin().unwrap());

    let mut host = Host::start(&builder, &dut, 6).unwrap();
    let found = design.find_stuck(&network, |writes| host.write(writes)).unwrap();
    assert!(found == map, "other cells are found stuck than are");
    let die = program(&wanted, &found, &Programming::default()).unwrap();
    let all = die.total();
    assert!(all.moved > 0 && all.repaired < all.first, "{all:?}");

    // Tables and weights as wanted; constants of the network that the cells then hold.
    let (contents, held) = (design.contents(&wanted).unwrap(), design.contents(&die.network).unwrap());
    let tables = contents.tables(Some(&die.columns));
    let (weights, constants) = (contents.weights(), held.constants());
    let writes = [tables.clone(), weights.clone(), constants].concat();
    let outcome = programmed(&die.network, &dut, images, &requests(&writes), Stimulus::default());
    assert!(outcome.is_exact(), "programmed: {}", outcome.origin().unwrap());
    // What is read back is what the model says that the cells hold, and verification counts as many wrong bits.
    let read = &outcome.answers[tables.len()..tables.len() + weights.len()];
    takes(read, &held.weights());
    let wrong: u32 = read.iter().zip(&weights).map(|(answer, write)| (answer.data ^ write.data).count_ones()).sum();
    assert_eq!(wrong as usize, all.repaired);
    // Without the tables, every neuron is in its own column: another die.
    let writes = [weights.clone(), design.contents(&die.network).unwrap().constants()].concat();
    assert!(!programmed(&die.network, &dut, images, &requests(&writes), Stimulus::default()).is_exact());
}

#[test]
fn stuck_cells_and_spare_columns_are_those_of_the_model() {
    let dense = network(Shape { layers: &[80, 16, 12, 5], bits: 3, signed: false, dropout: &[true, true] });
    repaired(&dense, 2, &[(4, 40), (2, 4), (1, 4)], &images(&dense, IMAGES));
    let bayes = with(["spinbayes", "none", "spinbayes"], 3);
    repaired(&bayes, 1, &[(3, 20), (6, 12), (2, 12), (2, 4)], &images(&bayes, IMAGES));
    let conv = maps::residual();
    repaired(&conv, 2, &[(4, 9), (2, 36), (4, 72), (8, 8), (1, 8)], &maps::digits(&conv));
}

/// One network up to an image, another from there on.
struct Changed {
    before: Golden,
    after: Golden,
    at: usize,
}

impl Reference for Changed {
    fn results(&self, images: &Images, passes: u32) -> Result<Vec<Expected>, GoldenError> {
        let mut all = Reference::results(&self.before, images, passes)?;
        let after = Reference::results(&self.after, images, passes)?;
        all.splice(self.at.., after.into_iter().skip(self.at));
        Ok(all)
    }

    fn trace(&self, image: &[i16], n: u64, pass: u32) -> Result<Vec<HiddenTrace>, GoldenError> {
        let golden = if (n as usize) < self.at { &self.before } else { &self.after };
        Reference::trace(golden, image, n, pass)
    }
}

#[test]
fn writes_wait_for_images_in_flight_and_images_for_writes() {
    let network = network(Shape { layers: &[24, 16, 12, 5], bits: 1, signed: false, dropout: &[true, true] });
    let mut other = Network { seed: network.seed, ..another(&network) };
    // Probabilities are registers, which stay as they are.
    for (layer, own) in other.hidden.iter_mut().zip(&network.hidden) {
        layer.method.clone_from(&own.method);
    }
    let design = writable(&network, 2, &[(4, 8), (2, 4), (1, 2)], rtl::Options::default());
    let (dut, images) = (Dut::of(&design), images(&network, 24));
    let writes = requests(&design.contents(&other).unwrap().all());
    let (builder, settings) = (Builder::find().unwrap(), Settings::of(&network));
    // The streams start first, which takes about 460 clocks.
    for (clock, gap) in [(560, 0.0), (803, 0.0), (1_100, 0.4)] {
        let stimulus = Stimulus { gap, stall: gap, seed: clock };
        let run = |reference: &dyn Reference| {
            let options = Options { stimulus, during: Some((clock, &writes)), ..Options::default() };
            cosimulate(&builder, &dut, reference, &images, &settings, options, &|_| ()).unwrap()
        };
        let [before, after] = [&network, &other].map(|n| Golden::new(n).unwrap());
        let at = run(&before).first_wrong().unwrap();
        assert!(at > 0 && at < images.len() - 1, "written at clock {clock}, the change is at image {at}");
        let outcome = run(&Changed { before, after, at });
        assert!(outcome.is_exact(), "change at image {at}: {}", outcome.origin().unwrap());
        assert!(outcome.answers.len() == writes.len() && outcome.answers.iter().all(|answer| !answer.error));
    }
}

#[test]
fn a_design_for_digits_takes_other_digits_and_a_die_with_stuck_cells() {
    let read = |name: &str| {
        let model = Model::read(&Path::new("models").join(name)).unwrap();
        let network = Network { passes: 4, ..lower(&model).unwrap() };
        (model, network)
    };
    let (model, network) = read("digits-spindrop");
    let set = data::load("digits", Split::Test).unwrap().first(20);
    let images = data::encode(&set, &model.input).unwrap();
    let map = Die { fault: Fault::Stuck, rate: 0.1, seed: 2, number: 0 }.stuck_map(&network, 8);
    let folding = [(16, 8), (8, 16), (1, 8)];
    let stuck = rtl::Options { stuck: Some(map.clone()), ..Default::default() };
    let design = writable(&network, 1, &folding, stuck);
    let die = program(&network, &map, &Programming::default()).unwrap();
    let (contents, held) = (design.contents(&network).unwrap(), design.contents(&die.network).unwrap());
    let tables = contents.tables(Some(&die.columns));
    let writes = [tables.clone(), contents.weights(), held.constants()].concat();
    let outcome = programmed(&die.network, &Dut::of(&design), &images, &requests(&writes), Stimulus::default());
    assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
    takes(&outcome.answers[tables.len()..][..held.weights().len()], &held.weights());

    let design = writable(&network, 1, &folding, rtl::Options::default());
    let (_, other) = read("digits-spatial");
    let writes = design.contents(&other).unwrap().all();
    let outcome = programmed(&other, &Dut::of(&design), &images, &requests(&writes), Stimulus::default());
    assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
}

#[test]
fn a_written_design_takes_as_many_clocks() {
    let network = network(Shape { layers: &[16, 8, 8, 3], bits: 1, signed: false, dropout: &[true, true] });
    let design = writable(&network, 2, &[(4, 8), (2, 4), (1, 4)], rtl::Options::default());
    let outcome = run(&network, &Dut::of(&design), 9, Stimulus { seed: 77, ..Stimulus::default() });
    assert!(outcome.is_exact(), "{}", outcome.origin().unwrap());
    assert_eq!(outcome.clocks, design.schedule(&network).cycles(9, network.passes.into()));
}
