//! Random networks that reach the corners of the contract.

use neuspin::golden::Golden;
use neuspin::net::{
    Affine, Array, BitMatrix, Conv, Converter, Crossbar, Crossbars, Cycle, Device, Direction, Dropout, Drops,
    EarlyStop, Family, Hidden, Images, Input, Map, Method, Network, Output, OutputCrossbar, Pad, Place, Pool, PoolKind,
    Random, ReadErrors, ScaleDropout, Source, Starts, Subset, Walk, Weights,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

const SIZES: [usize; 7] = [1, 2, 7, 63, 64, 65, 130];

/// A network, and `images` images for it.
pub fn random(seed: u64, images: usize) -> (Network, Images) {
    network(seed, images, false)
}

/// The same, where layers may be convolutions.
#[allow(dead_code)]
pub fn convolving(seed: u64, images: usize) -> (Network, Images) {
    network(seed, images, true)
}

/// The same, where arrays read in parts compute the sums of some layers.
#[allow(dead_code)]
pub fn in_parts(seed: u64, images: usize) -> (Network, Images) {
    let (mut net, images) = network(seed, images, true);
    let rng = &mut StdRng::seed_from_u64(seed ^ 0xA88A);
    let mut arrays = vec![];
    for l in 0..=net.hidden.len() {
        let weights = net.hidden.get(l).map_or(&net.output.weights, |h| &h.weights);
        let fits = weights.planes().len() == 1 && rng.random_bool(0.7);
        arrays.push(fits.then(|| array(rng, weights.rows(), weights.cols())));
    }
    if rng.random_bool(0.8) {
        net.chip.arrays = arrays;
    }
    // Offsets and wide steps reach further.
    net.output.logit_bits = 28;
    net.check().unwrap();
    (net, images)
}

fn array(rng: &mut StdRng, neurons: usize, inputs: usize) -> Array {
    let group = *[1, 2, 3, 7, 8, 9, 13, 16, 24, 32, 63, 64, 65, 100].choose(rng).unwrap();
    let mut converter = Converter { bits: *[2, 3, 4, 5, 8, 16].choose(rng).unwrap(), shift: 0 };
    if rng.random_bool(0.4) {
        converter.shift = rng.random_range(0..=8);
    }
    let groups = inputs.div_ceil(group);
    let gain = |rng: &mut StdRng| if rng.random_bool(0.3) { 256 } else { rng.random_range(0..=256) };
    let mut gains: Vec<u32> = (0..groups).map(|_| gain(rng)).collect();
    if rng.random_bool(0.5) {
        gains.clear();
    }
    let mut offsets: Vec<i32> = (0..neurons).map(|_| rng.random_range(-20..=20)).collect();
    if rng.random_bool(0.5) {
        offsets.clear();
    }
    if rng.random_bool(0.2) {
        // Exact but for offsets.
        gains.clear();
        converter = Converter { bits: 16, shift: 0 };
    }
    let errors = (group <= 16 && rng.random_bool(0.5)).then(|| {
        let most = *[0, 300, 20_000, 65_536].choose(rng).unwrap();
        let mut codes = vec![];
        for n in 0..=group {
            for m in 0..=n {
                let low = if m == 0 { 0 } else { rng.random_range(0..=most) };
                let high = if m == n { 0 } else { rng.random_range(0..=most.min(65_536 - low)) };
                codes.push((low, high));
            }
        }
        ReadErrors { codes }
    });
    let (rows, columns) = (group * rng.random_range(1..=8), rng.random_range(1..=64));
    Array { rows, columns, group, converter, gains, offsets, errors }
}

fn network(seed: u64, images: usize, convolutions: bool) -> (Network, Images) {
    let rng = &mut StdRng::seed_from_u64(seed);
    let bits = rng.random_range(1..=8);
    let mut input = Input { features: size(rng), bits, signed: bits > 1 && rng.random(), dropout: None };
    let code_bits = rng.random_range(1..=16);
    if rng.random_bool(0.15) {
        let (bits, signed) = (1, false);
        input = Input { bits, signed, dropout: Some(code(rng, code_bits)), ..input };
    }
    let mut net = Network {
        name: "random".into(),
        input,
        hidden: vec![],
        output: Output {
            weights: Weights::zeros(2, 1),
            scale: vec![],
            offset: vec![],
            shift: 0,
            frac_bits: 4,
            logit_bits: 26,
            temperature: 1.0,
            others: vec![],
        },
        random: Random::new(*[32, 48, 64].choose(rng).unwrap(), code_bits),
        seed: rng.random(),
        passes: 1,
        early_stop: None,
        chip: Default::default(),
    };
    if rng.random_bool(0.5) {
        other_source(rng, &mut net);
    }
    let scales = rng.random_bool(0.15);
    let mut again: Option<Hidden> = None;
    for l in 0..rng.random_range(1..=4) {
        let planes = planes(rng);
        let (_, high) = input.range();
        let largest = if l == 0 { i32::from(high) + i32::from(input.signed) } else { 1 } * ((1 << planes) - 1);
        let mut layer = hidden(rng, planes, largest * fan_in(&net) as i32, fan_in(&net), code_bits);
        if convolutions
            && rng.random_bool(0.6)
            && let Some(conv) = convolution(rng, &net)
        {
            // As many inputs a neuron as the kernel covers, and the bound that follows.
            let bound = largest * (conv.taps() * conv.summands()) as i32;
            let convolving = Hidden { conv: Some(conv), ..hidden(rng, planes, bound, conv.taps(), code_bits) };
            // Not larger than a slow reference can do.
            if convolving.size() < 700 {
                layer = convolving;
            }
            if let Some(Method::Spindrop(m)) = &mut layer.method {
                m.maps = rng.random();
            }
        }
        if scales && !layer.thresholds.is_empty() {
            // Several layers that share a unit.
            let dropped = layer.thresholds.iter().rev().copied().collect();
            layer.method = Some(Method::Scale(ScaleDropout { code: code(rng, code_bits), dropped }));
        }
        // Sometimes the same shape again, so that there is something to add.
        if let Some(like) = again.take().filter(|_| rng.random_bool(0.4)) {
            let (rows, channels) = (like.weights.rows(), like.map().channels);
            let conv = like.conv.map(|_| Conv {
                input: like.map(),
                kernel: (3.min(1 + 2 * like.map().height), 3),
                stride: (1, 1),
                pad: Pad { top: 1, left: 1, bottom: 1, right: 1 },
                pool: None,
            });
            let taps = conv.map_or(fan_in(&net), |conv| conv.taps());
            let mut next = hidden(rng, 1, taps as i32, taps, code_bits);
            let fits = next.weights.rows() >= rows && channels == rows;
            if fits && !matches!(next.method, Some(Method::Affine(_))) {
                next = truncated(next, rows);
                next.conv = conv;
                layer = next;
            }
        }
        // Sometimes the sums of an earlier layer of the same shape are added.
        let fits = |from: &usize| net.hidden[*from].decided() == layer.decided();
        let froms: Vec<usize> = (0..net.hidden.len()).filter(fits).collect();
        if rng.random_bool(0.5) {
            layer.residual = froms.choose(rng).copied();
        }
        again = Some(layer.clone());
        net.hidden.push(layer);
    }
    let planes = planes(rng);
    net.output = output(rng, planes, fan_in(&net));
    if rng.random_bool(0.15) {
        let others = (0..rng.random_range(1..=4)).map(|_| output(rng, planes, fan_in(&net)));
        let rows = net.classes();
        let others = others.filter(|other| other.weights.rows() >= rows).map(|other| OutputCrossbar {
            weights: Weights::from_values(planes, rows, fan_in(&net), |o, i| other.weights.value(o, i)),
            scale: other.scale[..rows].to_vec(),
            offset: other.offset[..rows].to_vec(),
        });
        net.output.others = others.collect();
    }
    net.check().unwrap();
    let (low, high) = input.range();
    let values = (0..images * input.features).map(|_| rng.random_range(low..=high)).collect();
    let images = Images::new(&input, values).unwrap();
    (net, images)
}

/// The same with devices of any level for most of its dropout units; walks unless it is to stop early. Whether some of them have a
/// state.
#[allow(dead_code)]
pub fn devices(seed: u64, net: &mut Network, walks: bool) -> bool {
    let rng = &mut StdRng::seed_from_u64(seed ^ 0xD5);
    let k = net.random.code_bits;
    let mut cycles = false;
    net.chip.devices = (0..net.method_streams())
        .map(|s| {
            let units = net.unit_codes(s)?.len();
            let some = rng.random_bool(0.85).then(|| device(rng, units, k, walks))?;
            cycles |= some.cycle.is_some();
            Some(some)
        })
        .collect();
    net.check().unwrap();
    cycles
}

fn device(rng: &mut StdRng, units: usize, k: u32, walks: bool) -> Device {
    let full = 1i32 << k;
    let mut device = Device::default();
    if rng.random_bool(0.7) {
        let reach = *[full, full / 2, full / 8].choose(rng).unwrap();
        device.deviations = (0..units).map(|_| rng.random_range(-reach..=reach)).collect();
    }
    if rng.random_bool(0.4) {
        device.stuck = (0..units).map(|_| rng.random_bool(0.2).then(|| rng.random())).collect();
    }
    if k >= 2 && rng.random_bool(0.5) {
        device.jitter = rng.random_range(1..=(full as u32 / (k / 2)).max(1));
    }
    if walks && rng.random_bool(0.4) {
        let limit = rng.random_range(1..=full as u32);
        device.walk = Some(Walk { step: rng.random_range(1..=limit), limit });
    }
    if rng.random_bool(0.5) {
        let reset = [full, full - full / 8, full / 2, full / 8, 0, rng.random_range(0..=full)];
        let misread = [0, full / 50, rng.random_range(0..=full), full];
        let of = |codes: &[i32], rng: &mut StdRng| *codes.choose(rng).unwrap() as u32;
        device.cycle = Some(Cycle { reset: of(&reset, rng), misread: of(&misread, rng) });
    }
    device
}

/// A rule that ends some of the images' passes early, where that is possible: after a first block, image `like` leads by just
/// enough.
#[allow(dead_code)]
pub fn early_stop(net: &Network, images: &Images, every: u32, like: usize) -> Option<EarlyStop> {
    if net.streams() == 0 {
        return None;
    }
    let mut sums = Golden::new(net).unwrap().run(images, 0, every).unwrap()[like].sum.clone();
    sums.sort();
    let lead = sums[sums.len() - 1] - sums[sums.len() - 2];
    Some(EarlyStop { every, lead: lead.try_into().unwrap_or(u32::MAX) })
}

/// Draws from any source, good or bad.
fn other_source(rng: &mut StdRng, net: &mut Network) {
    let words = rng.random_range(2..300);
    let family = match rng.random_range(0..8) {
        0 => Family::Galois,
        1 => Family::Taps { mask: 0 },
        2 => Family::Fibonacci,
        3 => Family::Automaton,
        4 => Family::Xorshift,
        5 => Family::Lut,
        6 => Family::Pair,
        _ => Family::Replay { words },
    };
    net.random.lfsr_bits = *family.widths().choose(rng).unwrap();
    let bits = net.random.lfsr_bits;
    let family = match family {
        Family::Taps { .. } => Family::Taps { mask: rng.random::<u64>() >> (64 - bits) | 1 << (bits - 1) },
        Family::Replay { .. } => {
            let codes = 1u32 << net.random.code_bits;
            net.chip.recording = (0..words).map(|_| rng.random_range(0..codes) as u16).collect();
            family
        }
        other => other,
    };
    let steps = if rng.random() { None } else { Some(rng.random_range(1..=20)) };
    let starts = if rng.random_bool(0.2) { Starts::Naive } else { Starts::Jumped };
    net.random.source = Source { family, steps, starts };
}

fn size(rng: &mut StdRng) -> usize {
    *SIZES.choose(rng).unwrap()
}

fn fan_in(net: &Network) -> usize {
    net.hidden.last().map_or(net.input.features, Hidden::size)
}

/// A convolution that reads what stands before as a map, where that is more than one value: as the map that it is, or as any.
fn convolution(rng: &mut StdRng, net: &Network) -> Option<Conv> {
    let values = fan_in(net);
    let divisors = |n: usize| (1..=n).filter(move |d| n.is_multiple_of(*d)).collect::<Vec<_>>();
    let channels = *divisors(values).choose(rng)?;
    let height = *divisors(values / channels).choose(rng)?;
    let any = Map { height, width: values / channels / height, channels };
    let input = net.hidden.last().map(Hidden::map).filter(|_| rng.random_bool(0.9)).unwrap_or(any);
    let pair = |rng: &mut StdRng, most: (usize, usize)| {
        (rng.random_range(1..=most.0.min(5)), rng.random_range(1..=most.1.min(5)))
    };
    let kernel = pair(rng, (input.height, input.width));
    let mut pad = || if rng.random_bool(0.4) { 0 } else { rng.random_range(0..3) };
    let pad = Pad {
        top: pad().min(kernel.0 - 1),
        left: pad().min(kernel.1 - 1),
        bottom: pad().min(kernel.0 - 1),
        right: pad().min(kernel.1 - 1),
    };
    let mut conv = Conv { input, kernel, stride: pair(rng, (3, 3)), pad, pool: None };
    if rng.random() {
        let kind = *[PoolKind::Max, PoolKind::Sum, PoolKind::Or].choose(rng)?;
        let size = pair(rng, conv.summed());
        let stride = if rng.random_bool(0.7) { size } else { pair(rng, (3, 3)) };
        conv.pool = Some(Pool { kind, size, stride });
    }
    Some(conv).filter(|_| values > 1)
}

/// A probability code: 0, 1, a power of two, or any.
fn code(rng: &mut StdRng, code_bits: u32) -> u32 {
    let full = 1u32 << code_bits;
    match rng.random_range(0..8) {
        0 => 0,
        1 => full,
        2 => full >> rng.random_range(0..=code_bits),
        _ => rng.random_range(0..=full),
    }
}

fn weights(rng: &mut StdRng, planes: usize, rows: usize, cols: usize) -> Weights {
    let mut weights = Weights::from_values(planes, rows, cols, |_, _| 0);
    for plane in weights.planes_mut() {
        *plane = BitMatrix::from_fn(rows, cols, |_, _| rng.random());
    }
    weights
}

/// Planes of a layer's weights: mostly one.
fn planes(rng: &mut StdRng) -> usize {
    if rng.random_bool(0.3) { rng.random_range(2..=4) } else { 1 }
}

/// A layer of weights of so many planes, whose sums reach `bound`.
fn hidden(rng: &mut StdRng, planes: usize, bound: i32, cols: usize, code_bits: u32) -> Hidden {
    let rows = size(rng);
    // Near 0, where sums lie, and at either end: constant neurons.
    let near = (bound as f64).sqrt() as i32 + 1;
    let threshold = |rng: &mut StdRng| match rng.random_range(0..8) {
        0 => bound + 1,
        1 => -bound - 1,
        2 => rng.random_range(-bound..=bound),
        _ => rng.random_range(-near..=near).clamp(-bound - 1, bound + 1),
    };
    let code = code(rng, code_bits);
    let directions = |rng: &mut StdRng| -> Vec<Direction> {
        (0..rows).map(|_| if rng.random() { Direction::Ge } else { Direction::Le }).collect()
    };
    let mut layer = Hidden {
        weights: weights(rng, planes, rows, cols),
        thresholds: (0..rows).map(|_| threshold(rng)).collect(),
        directions: directions(rng),
        method: None,
        conv: None,
        residual: None,
    };
    layer.method = match rng.random_range(0..10) {
        0..4 => Some(Method::spindrop(code)),
        4 => Some(Method::Spindrop(Dropout { code, place: Place::BeforeSign, maps: false })),
        5 => Some(Method::Scale(ScaleDropout { code, dropped: (0..rows).map(|_| threshold(rng)).collect() })),
        6 if rows > 1 => {
            let divides: Vec<usize> = (1..=rows / 2).filter(|g| rows.is_multiple_of(*g)).collect();
            layer.thresholds.clear();
            layer.directions.clear();
            let frac_bits = rng.random_range(0..=10);
            let factor = |rng: &mut StdRng| rng.random_range(-(2 << frac_bits)..=2 << frac_bits);
            Some(Method::Affine(Affine {
                code,
                drops: if rng.random() { Drops::Vector } else { Drops::Element },
                frac_bits,
                gain: (0..rows).map(|_| factor(rng)).collect(),
                bias: (0..rows).map(|_| near * factor(rng)).collect(),
                groups: *divides.choose(rng).unwrap(),
            }))
        }
        7 if code_bits >= 2 => {
            layer.thresholds.clear();
            let bits = 2 * rng.random_range(1..=code_bits / 2);
            let mean: Vec<i32> = (0..rows).map(|_| rng.random_range(-20..=100)).collect();
            let spread: Vec<i32> = (0..rows).map(|_| rng.random_range(-20..=40)).collect();
            let reach =
                |o: usize| i64::from(mean[o].abs() + spread[o].abs() * (bits / 2) as i32) * i64::from(bound) + 1;
            let limits = (0..rows).map(|o| {
                let typical = i64::from(near) * 40;
                rng.random_range(-typical..=typical).clamp(-reach(o), reach(o))
            });
            Some(Method::Subset(Subset { bits, limits: limits.collect(), mean, spread }))
        }
        8 => {
            let others = (0..rng.random_range(1..=6.min((1u32 << code_bits) - 1))).map(|_| Crossbar {
                weights: weights(rng, planes, rows, cols),
                thresholds: (0..rows).map(|_| threshold(rng)).collect(),
                directions: directions(rng),
            });
            Some(Method::Spinbayes(Crossbars { others: others.collect() }))
        }
        _ => None,
    };
    layer
}

/// The first `rows` neurons of a layer without inverted normalization.
fn truncated(mut layer: Hidden, rows: usize) -> Hidden {
    let cut = |w: &Weights| Weights::from_values(w.planes().len(), rows, w.cols(), |o, i| w.value(o, i));
    layer.weights = cut(&layer.weights);
    if !layer.thresholds.is_empty() {
        layer.thresholds.truncate(rows);
    }
    layer.directions.truncate(rows);
    match &mut layer.method {
        Some(Method::Scale(m)) => m.dropped.truncate(rows),
        Some(Method::Subset(m)) => {
            m.mean.truncate(rows);
            m.spread.truncate(rows);
            m.limits.truncate(rows);
        }
        Some(Method::Spinbayes(m)) => {
            for other in &mut m.others {
                other.weights = cut(&other.weights);
                other.thresholds.truncate(rows);
                other.directions.truncate(rows);
            }
        }
        _ => {}
    }
    layer
}

fn output(rng: &mut StdRng, planes: usize, cols: usize) -> Output {
    let classes = rng.random_range(2..=20);
    let mut weights = weights(rng, planes, classes, cols);
    if rng.random_bool(0.5) {
        // Two classes that always tie.
        for plane in weights.planes_mut() {
            (0..cols).for_each(|i| plane.set(classes - 1, i, plane.get(0, i)));
        }
    }
    let shift = rng.random_range(0..=12);
    let mut scale: Vec<i32> = (0..classes).map(|_| rng.random_range(-3000..=3000)).collect();
    let mut offset: Vec<i64> = (0..classes).map(|_| rng.random_range(-100_000..=100_000)).collect();
    scale[classes - 1] = scale[0];
    offset[classes - 1] = offset[0];
    // As many bits as logits of 4 planes over the largest map need.
    Output { weights, scale, offset, shift, frac_bits: 4, logit_bits: 26, temperature: 1.0, others: vec![] }
}
