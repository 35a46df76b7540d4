//! Passes per second of the golden model on one core, for random networks with dropout after every hidden layer.

mod networks;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use networks::{PASSES, images, network};
use neuspin::golden::Golden;

const IMAGES: usize = 1024;

fn passes(c: &mut Criterion) {
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let mut group = c.benchmark_group("golden, one core");
    group.sample_size(20);
    group.throughput(Throughput::Elements(IMAGES as u64 * u64::from(PASSES)));
    for (name, sizes) in [("784-64-64-64-10", [784, 64, 64, 64, 10]), ("784-256-256-256-10", [784, 256, 256, 256, 10])]
    {
        let net = network(&sizes);
        let images = images(&net, IMAGES);
        let golden = Golden::new(&net).expect("a legal network");
        group.bench_function(name, |b| b.iter(|| one_core.install(|| golden.run(&images, 0, PASSES))));
    }
    group.finish();
}

criterion_group!(benches, passes);
criterion_main!(benches);
