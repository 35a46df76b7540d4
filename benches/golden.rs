//! Passes per second of the golden model on one core, for random networks with dropout after every hidden layer: ideal, and
//! with the static defects of arrays read in parts.

mod networks;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use networks::{PASSES, images, network};
use neuspin::device::crossbar::{Cells, column_offsets};
use neuspin::golden::Golden;
use neuspin::net::{Array, Converter, Network};
use neuspin::net::{Cycle, Device, Walk};
use neuspin::random::SplitMix64;

const IMAGES: usize = 1024;
/// Rows of a tile.
const ROWS: usize = 64;

/// The network on arrays read in groups of `group`, by converters of `bits` bits; offsets come from a seed.
fn on_arrays(mut network: Network, group: usize, bits: u32, resistance: f64, errors: bool) -> Network {
    let random = &mut SplitMix64::new(1);
    let cells = Cells::default();
    let array = |inputs: usize, neurons: usize, random: &mut SplitMix64| Array {
        rows: ROWS,
        columns: 64,
        group,
        converter: Converter { bits, shift: 0 },
        gains: if resistance > 0.0 {
            cells.wire_gains(inputs, ROWS, group, resistance).expect("gains")
        } else {
            vec![]
        },
        offsets: column_offsets(neurons, 2.0, random).expect("offsets"),
        errors: errors.then(|| cells.read_errors(group).expect("errors").0),
    };
    let weights = network.hidden.iter().map(|h| &h.weights).chain([&network.output.weights]);
    network.chip.arrays = weights.map(|w| Some(array(w.cols(), w.rows(), random))).collect();
    network
}

fn passes(c: &mut Criterion) {
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let mut group = c.benchmark_group("golden, one core");
    group.sample_size(10);
    group.throughput(Throughput::Elements(IMAGES as u64 * u64::from(PASSES)));
    let large = || network(&[784, 256, 256, 256, 10]);
    for (name, net) in [
        ("784-64-64-64-10", network(&[784, 64, 64, 64, 10])),
        ("784-256-256-256-10", large()),
        ("784-256-256-256-10, offsets", on_arrays(large(), 64, 16, 0.0, false)),
        ("784-256-256-256-10, groups of 64, 5 bits", on_arrays(large(), 64, 5, 0.0, false)),
        ("784-256-256-256-10, groups of 16, 4 bits", on_arrays(large(), 16, 4, 0.0, false)),
        ("784-256-256-256-10, groups of 8, 4 bits", on_arrays(large(), 8, 4, 0.0, false)),
        ("784-256-256-256-10, groups of 8, 4 bits, gains", on_arrays(large(), 8, 4, 0.002, false)),
        ("784-256-256-256-10, groups of 8, 4 bits, read errors", on_arrays(large(), 8, 4, 0.0, true)),
    ] {
        let images = images(&net, IMAGES);
        let golden = Golden::new(&net).expect("a legal network");
        group.bench_function(name, |b| b.iter(|| one_core.install(|| golden.run(&images, 0, PASSES))));
    }
    group.finish();
}

/// Dropout units that are devices, level by level, beside ideal ones.
fn devices(c: &mut Criterion) {
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let mut group = c.benchmark_group("golden with devices, one core");
    group.sample_size(20);
    group.throughput(Throughput::Elements(IMAGES as u64 * u64::from(PASSES)));
    let spread = Device {
        deviations: (0..256).map(|u| u * 37 % 4001 - 2000).collect(),
        stuck: (0..256).map(|u| (u % 50 == 7).then_some(u % 100 == 7)).collect(),
        ..Device::default()
    };
    let moving = Device { jitter: 500, walk: Some(Walk { step: 50, limit: 2000 }), ..spread.clone() };
    let cycle = Device { cycle: Some(Cycle { reset: 60_000, misread: 600 }), ..spread.clone() };
    for (name, device) in
        [("ideal", None), ("spread, stuck", Some(spread)), ("jitter, walk", Some(moving)), ("cycle", Some(cycle))]
    {
        let mut net = network(&[784, 256, 256, 256, 10]);
        net.chip.devices = vec![device; 3];
        let images = images(&net, IMAGES);
        let golden = Golden::new(&net).expect("a legal network");
        group.bench_function(name, |b| b.iter(|| one_core.install(|| golden.run(&images, 0, PASSES))));
    }
    group.finish();
}

criterion_group!(benches, passes, devices);
criterion_main!(benches);
