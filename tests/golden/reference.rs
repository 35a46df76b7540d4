//! `docs/semantics.md` word for word: one bit, one draw, one sum after another. Nothing of the golden model is used
//! but the types of its results; long jumps are by matrix, where the golden model's are by polynomial.

use crate::parts::{self, Reading};
use neuspin::golden::{HiddenTrace, ImageResult, Trace};
use neuspin::net::{
    Conv, Direction, Drops, EarlyStop, Family, Hidden, Images, Method, Network, Place, PoolKind, Random, Source,
    Starts, Weights,
};

/// §4: width, mask and spacing.
fn source(width: u32) -> (u64, u64) {
    match width {
        64 => (0xD800000000000000, 0x9E3779B97F7),
        48 => (0xC00000180000, 0x9E3779D),
        32 => (0xA3000000, 0x9E37B),
        16 => (0xB400, 0x9E3),
        _ => (0xB8, 0x9E),
    }
}

/// §4, Families: one step of a state as its bits, the lowest first.
fn step(family: Family, s: &[bool]) -> Vec<bool> {
    let w = s.len();
    let of = |mask: u64, i: usize| mask >> i & 1 == 1;
    let galois = |mask: u64, s: &[bool]| -> Vec<bool> {
        (0..s.len()).map(|i| s.get(i + 1).is_some_and(|&b| b) ^ (s[0] && of(mask, i))).collect()
    };
    match family {
        Family::Galois => galois(source(w as u32).0, s),
        Family::Taps { mask } => galois(mask, s),
        Family::Fibonacci => {
            let mask = source(w as u32).0;
            let mut new = s[0];
            for i in 0..w - 1 {
                new ^= of(mask, i) && s[w - 1 - i];
            }
            [&s[1..], &[new]].concat()
        }
        Family::Automaton => {
            let rule = if w == 32 { 0x54 } else { 0x14 };
            let at = |i: isize| i >= 0 && s.get(i as usize).is_some_and(|&b| b);
            (0..w as isize).map(|i| at(i - 1) ^ at(i + 1) ^ (of(rule, i as usize) && at(i))).collect()
        }
        Family::Xorshift => {
            let (a, b, c) = if w == 32 { (13, 17, 5) } else { (13, 7, 17) };
            let left = |s: &[bool], by: usize| (0..w).map(|i| s[i] ^ (i >= by && s[i - by])).collect::<Vec<_>>();
            let s = left(s, a);
            let s: Vec<bool> = (0..w).map(|i| s[i] ^ (i + b < w && s[i + b])).collect();
            left(&s, c)
        }
        Family::Lut => {
            let (b, c) = if w == 32 { (25, 26) } else { (12, 43) };
            let next = |i: usize| {
                let t = i * (i + 1) / 2;
                s[(i + 1) % w] ^ s[t % w] ^ s[(3 * t + b) % w] ^ (i > 0 && s[(5 * t + c) % w])
            };
            (0..w).map(next).collect()
        }
        Family::Pair => [galois(0x100080000, &s[..33]), galois(0x48000000, &s[33..])].concat(),
        Family::Replay { .. } => unreachable!(),
    }
}

fn bits(value: u64, w: u32) -> Vec<bool> {
    (0..w).map(|i| value >> i & 1 == 1).collect()
}

fn value(bits: &[bool]) -> u64 {
    bits.iter().enumerate().map(|(i, &b)| u64::from(b) << i).sum()
}

/// The state after many steps: what the steps make of each bit alone, squared and multiplied.
fn steps(family: Family, w: u32, mut state: u64, mut count: u128) -> u64 {
    let apply = |columns: &[u64], s: u64| (0..64).filter(|i| s >> i & 1 == 1).fold(0, |sum, i| sum ^ columns[i]);
    let mut columns: Vec<u64> = (0..w).map(|i| value(&step(family, &bits(1 << i, w)))).collect();
    while count > 0 {
        if count % 2 == 1 {
            state = apply(&columns, state);
        }
        columns = columns.iter().map(|&column| apply(&columns, column)).collect();
        count /= 2;
    }
    state
}

/// §4, Root: what is no state becomes one.
fn legal(family: Family, w: u32, word: u64) -> u64 {
    let word = (u128::from(word) % (1u128 << w)) as u64;
    match family {
        Family::Replay { words } => {
            if word >= u64::from(words) {
                word - u64::from(words)
            } else {
                word
            }
        }
        Family::Pair => {
            let (first, second) = (word % (1 << 33), word >> 33);
            (if first == 0 { 1 } else { first }) + ((if second == 0 { 1 } else { second }) << 33)
        }
        _ => {
            if word == 0 {
                1
            } else {
                word
            }
        }
    }
}

/// §4, Root.
fn root(seed: u64, width: u32) -> u64 {
    let z = seed.wrapping_add(0x9E3779B97F4A7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58476D1CE4E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D049BB133111EB);
    let z = z ^ (z >> 31);
    (u128::from(z) % (1u128 << width)) as u64
}

/// §4: the draws of a stream from one of them on.
struct Draws<'n> {
    net: &'n Network,
    /// Steps a draw.
    by: u32,
    width: u32,
    state: u64,
}

impl<'n> Draws<'n> {
    /// Stream number `stream`, before its draw number `number`.
    fn at(net: &'n Network, stream: u128, number: u128) -> Draws<'n> {
        let Random { lfsr_bits, code_bits, source: Source { family, steps: by, starts } } = net.random;
        let serial = !matches!(family, Family::Automaton | Family::Xorshift | Family::Lut | Family::Replay { .. });
        let own = if family == Family::Automaton { 11 } else { 1 };
        let by = by.unwrap_or(if serial { code_bits } else { own });
        let width = match family {
            Family::Replay { words } => (0..).find(|w| 1u64 << w >= u64::from(words)).unwrap(),
            _ => lfsr_bits,
        };
        let spacing = match family {
            Family::Replay { words } => (40503 * u64::from(words) / 65536).max(1),
            _ => source(lfsr_bits).1,
        };
        let root = legal(family, width, root(net.seed, lfsr_bits));
        let (start, jumped) = match starts {
            Starts::Jumped => (root, stream * u128::from(spacing)),
            Starts::Naive => (legal(family, width, root ^ (stream % (1 << width)) as u64), 0),
        };
        let count = jumped + number * u128::from(by);
        let state = match family {
            Family::Replay { words } => ((u128::from(start) + count) % u128::from(words)) as u64,
            _ => steps(family, width, start, count),
        };
        Draws { net, by, width, state }
    }

    fn next(&mut self, k: u32) -> u32 {
        let family = self.net.random.source.family;
        if let Family::Replay { words } = family {
            let r = self.net.chip.recording[self.state as usize];
            self.state = (self.state + u64::from(self.by)) % u64::from(words);
            return r.into();
        }
        let now = bits(self.state, self.width);
        let r: Vec<bool> = match family {
            Family::Automaton | Family::Xorshift | Family::Lut => {
                (0..k as usize).map(|j| now[j * self.width as usize / 16]).collect()
            }
            _ => {
                let mut s = now.clone();
                let mut out = |_| {
                    let out = s[0] ^ (family == Family::Pair && s[33]);
                    s = step(family, &s);
                    out
                };
                (0..k).map(&mut out).collect()
            }
        };
        self.state = value(&(0..self.by).fold(now, |s, _| step(family, &s)));
        value(&r) as u32
    }
}

/// §3 and §8: which units of a stream drop in pass `t` of image `n`, given the code of each.
fn drops(net: &Network, stream: u128, all_streams: u128, n: u64, t: u32, codes: &[u32]) -> Vec<bool> {
    let k = net.random.code_bits;
    let start = u128::from(t) * all_streams + stream;
    let units = codes.len();
    let Some(Some(device)) = net.chip.devices.get(stream as usize) else {
        let mut draws = Draws::at(net, start, u128::from(n) * units as u128);
        return codes.iter().map(|&code| draws.next(k) < code).collect();
    };
    let mut d = 1;
    if device.jitter > 0 {
        d += 1;
    }
    if device.cycle.is_some() {
        d += 2;
    }
    let b = if k.is_multiple_of(2) { k } else { k - 1 };
    // A state goes from image to image, so all of them come one after the other.
    let first = if device.cycle.is_some() { 0 } else { n };
    let mut draws = Draws::at(net, start, u128::from(first) * units as u128 * d);
    let mut states = vec![false; units];
    let mut dropped = vec![false; units];
    for image in first..=n {
        for u in 0..units {
            let r_set = i64::from(draws.next(k));
            let walk = device.walk.map_or(0, |w| {
                let limit = i64::from(w.limit);
                let m = (u128::from(image) * u128::from(w.step) % (4 * limit as u128)) as i64;
                if m <= limit {
                    m
                } else if m <= 3 * limit {
                    2 * limit - m
                } else {
                    m - 4 * limit
                }
            });
            let mut shake = 0;
            if device.jitter > 0 {
                let r = draws.next(k);
                let ones = (0..b).filter(|i| r >> i & 1 == 1).count() as i64;
                shake = i64::from(device.jitter) * (ones - i64::from(b / 2));
            }
            let deviation = if device.deviations.is_empty() { 0 } else { i64::from(device.deviations[u]) };
            let target = (i64::from(codes[u]) + deviation + walk + shake).clamp(0, 1 << k);
            let set = r_set < target;
            let stuck = if device.stuck.is_empty() { None } else { device.stuck[u] };
            match device.cycle {
                None => dropped[u] = stuck.unwrap_or(set),
                Some(cycle) => {
                    states[u] = stuck.unwrap_or(states[u] || set);
                    let (r_reset, r_read) = (draws.next(k), draws.next(k));
                    dropped[u] = states[u] ^ (r_read < cycle.misread);
                    states[u] = states[u] && r_reset >= cycle.reset;
                }
            }
        }
    }
    dropped
}

/// One pass of image number `n`; `draw` is false in the deterministic pass.
pub fn pass(net: &Network, image: &[i16], n: u64, t: u32, draw: bool) -> Trace {
    // Input values as integers, then activations as ±1; live beside them.
    let mut x: Vec<i32> =
        image.iter().map(|&v| if net.input.bits == 1 { 2 * i32::from(v) - 1 } else { v.into() }).collect();
    let mut live = vec![true; x.len()];
    let mut hidden = vec![];
    let mut s = 0;
    // All layers with Scale-Dropout share the stream of the first of them, and draw from it in turn.
    let scales = net.hidden.iter().filter(|l| matches!(l.method, Some(Method::Scale(_)))).count();
    let methods = net.stochastic_layers() as u128 - scales.saturating_sub(1) as u128;
    // §9: streams of read errors come after all others.
    let errs = |layer: usize| net.array(layer).is_some_and(|array| array.errors.is_some());
    let all_streams = methods + (0..=net.hidden.len()).filter(|&l| errs(l)).count() as u128;
    let reading = |layer: usize| {
        let key = (draw && errs(layer)).then(|| {
            let (k, number) = (net.random.code_bits, methods + (0..layer).filter(|&l| errs(l)).count() as u128);
            let count = 64u32.div_ceil(k);
            let stream = u128::from(t) * all_streams + number;
            let mut draws = Draws::at(net, stream, u128::from(n) * u128::from(count));
            (0..count).fold(0u128, |key, u| key | u128::from(draws.next(k)) << (u * k)) as u64
        });
        Reading { net, layer, key }
    };
    let mut scale_stream = None;
    let mut scales_before = 0;
    // §3, Input dropout: the stream before those of the layers.
    if let Some(code) = net.input.dropout {
        let dropped = drops(net, 0, all_streams, n, t, &vec![code; x.len()]);
        for (live, dropped) in live.iter_mut().zip(dropped) {
            *live = !(dropped && draw);
        }
        s = 1;
    }
    let inputs_live = live.clone();
    for (l, layer) in net.hidden.iter().enumerate() {
        let k = net.random.code_bits;
        let neurons = layer.weights.rows();
        let units = match &layer.method {
            None => 0,
            Some(Method::Spindrop(m)) if !m.maps => match layer.conv {
                None => neurons,
                Some(conv) => {
                    let (rows, cols) = after_pooling(&conv);
                    rows * cols * neurons
                }
            },
            Some(Method::Spindrop(_) | Method::Subset(_)) => neurons,
            Some(Method::Scale(_) | Method::Spinbayes(_)) => 1,
            Some(Method::Affine(m)) => {
                if m.drops == Drops::Vector {
                    2
                } else {
                    2 * neurons
                }
            }
        };
        let (mut r, mut dropped) = (vec![], vec![]);
        if let Some(method) = &layer.method {
            let shares = matches!(layer.method, Some(Method::Scale(_)));
            let (number, units) = if shares { (*scale_stream.get_or_insert(s), scales) } else { (s, units) };
            if number == s {
                s += 1;
            }
            let stream = u128::from(t) * all_streams + number;
            match method {
                Method::Subset(_) | Method::Spinbayes(_) => {
                    let mut draws = Draws::at(net, stream, u128::from(n) * units as u128);
                    r = (0..units).map(|_| draws.next(k)).collect();
                }
                _ if shares => {
                    let all = net.hidden.iter().filter_map(|l| match &l.method {
                        Some(Method::Scale(m)) => Some(m.code),
                        _ => None,
                    });
                    dropped = vec![drops(net, number, all_streams, n, t, &all.collect::<Vec<_>>())[scales_before]];
                    scales_before += 1;
                }
                _ => dropped = drops(net, number, all_streams, n, t, &vec![method.code().unwrap(); units]),
            }
        }
        // §2, Residual: sums of an earlier layer.
        let skip = layer.residual.map(|from: usize| {
            let trace: &HiddenTrace = &hidden[from];
            trace.sums.iter().map(|&a| a as i32).collect::<Vec<i32>>()
        });
        let (sums, active, now_live) = match &layer.conv {
            None => hidden_layer(layer, reading(l), skip, &x, &live, (k, &r, &dropped), draw),
            Some(conv) => convolution(layer, reading(l), conv, skip, &x, &live, (k, &r, &dropped), draw),
        };
        live = now_live;
        x = active.iter().map(|&bit| if bit { 1 } else { -1 }).collect();
        hidden.push(HiddenTrace { sums: sums.iter().map(|&a| a.into()).collect(), active, live: live.clone() });
    }
    let out = &net.output;
    let (mut weights, mut scale, mut offset) = (&out.weights, &out.scale, &out.offset);
    if !out.others.is_empty() && draw {
        // §3, SpinBayes in the output layer: the last stream.
        let k = net.random.code_bits;
        let stream = u128::from(t) * all_streams + s;
        let r = Draws::at(net, stream, u128::from(n)).next(k);
        let chosen = u64::from(r) * (1 + out.others.len() as u64) / (1 << k);
        if chosen > 0 {
            let other = &out.others[chosen as usize - 1];
            (weights, scale, offset) = (&other.weights, &other.scale, &other.offset);
        }
    }
    let sums = sums(reading(net.hidden.len()), weights, &x, &live, 0);
    let mut logits = vec![];
    for (c, &a) in sums.iter().enumerate() {
        let exact = i128::from(scale[c]) * i128::from(a) + i128::from(offset[c]);
        logits.push(exact.div_euclid(1i128 << out.shift) as i32);
    }
    let largest = argmax(&logits);
    Trace { inputs_live, hidden, output_sums: sums.iter().map(|&a| a.into()).collect(), logits, class: largest }
}

fn compare(a: i32, t: i32, direction: Direction) -> bool {
    match direction {
        Direction::Ge => a >= t,
        Direction::Le => a <= t,
    }
}

/// §2 and §3: sums, activations and live bits, with the draws `r` of the pass.
#[allow(clippy::too_many_arguments)]
fn hidden_layer(
    layer: &Hidden,
    reading: Reading,
    skip: Option<Vec<i32>>,
    x: &[i32],
    live: &[bool],
    (k, r, dropped): (u32, &[u32], &[bool]),
    draw: bool,
) -> (Vec<i32>, Vec<bool>, Vec<bool>) {
    let mut weights = &layer.weights;
    if let (Some(Method::Spinbayes(m)), true) = (&layer.method, draw) {
        let n = (u64::from(r[0]) * (1 + m.others.len() as u64)) / (1 << k);
        if n > 0 {
            weights = &m.others[n as usize - 1].weights;
        }
    }
    let mut sums = sums(reading, weights, x, live, 0);
    for o in 0..sums.len() {
        sums[o] += skip.as_ref().map_or(0, |skip| skip[o]);
    }
    let (active, live) = decide(layer, &sums, (k, r, dropped), draw);
    (sums, active, live)
}

/// §2 and §3: activations and live bits from the sums of the neurons.
fn decide(layer: &Hidden, sums: &[i32], (k, r, dropped): (u32, &[u32], &[bool]), draw: bool) -> (Vec<bool>, Vec<bool>) {
    let drop = |u: usize| draw && dropped[u];
    let mut thresholds = &layer.thresholds;
    let mut directions = &layer.directions;
    if let (Some(Method::Spinbayes(m)), true) = (&layer.method, draw) {
        let n = (u64::from(r[0]) * (1 + m.others.len() as u64)) / (1 << k);
        if n > 0 {
            let other = &m.others[n as usize - 1];
            (thresholds, directions) = (&other.thresholds, &other.directions);
        }
    }
    if let Some(Method::Scale(m)) = &layer.method
        && drop(0)
    {
        thresholds = &m.dropped;
    }
    let neurons = sums.len();
    let mut active = vec![];
    let mut now_live = vec![true; neurons];
    match &layer.method {
        Some(Method::Affine(m)) => {
            let value = |o: usize| {
                let (gain, bias) = match m.drops {
                    Drops::Vector => (drop(0), drop(1)),
                    Drops::Element => (drop(2 * o), drop(2 * o + 1)),
                };
                let g = if gain { 1i128 << m.frac_bits } else { m.gain[o].into() };
                let h = if bias { 0 } else { m.bias[o].into() };
                g * i128::from(sums[o]) + h
            };
            let size = neurons / m.groups;
            for o in 0..neurons {
                let first = o / size * size;
                let total: i128 = (first..first + size).map(value).sum();
                active.push(size as i128 * value(o) >= total);
            }
        }
        Some(Method::Subset(m)) => {
            for o in 0..neurons {
                let ones = if draw {
                    (0..m.bits).filter(|b| r[o] >> b & 1 == 1).count() as i128
                } else {
                    i128::from(m.bits / 2)
                };
                let e = ones - i128::from(m.bits / 2);
                let product = (i128::from(m.mean[o]) + i128::from(m.spread[o]) * e) * i128::from(sums[o]);
                active.push(match layer.directions[o] {
                    Direction::Ge => product >= m.limits[o].into(),
                    Direction::Le => product <= m.limits[o].into(),
                });
            }
        }
        method => {
            for (o, &a) in sums.iter().enumerate() {
                let mut fires = compare(a, thresholds[o], directions[o]);
                if let Some(Method::Spindrop(m)) = method {
                    match m.place {
                        Place::BeforeSign => fires |= drop(o),
                        Place::AfterSign => now_live[o] = !drop(o),
                    }
                }
                active.push(fires);
            }
        }
    }
    (active, now_live)
}

/// §2: positions of the sums of a convolution.
fn before_pooling(conv: &Conv) -> (usize, usize) {
    let rows = (conv.input.height + conv.pad.top + conv.pad.bottom - conv.kernel.0) / conv.stride.0 + 1;
    let cols = (conv.input.width + conv.pad.left + conv.pad.right - conv.kernel.1) / conv.stride.1 + 1;
    (rows, cols)
}

/// §2: positions of the activations of a convolution.
fn after_pooling(conv: &Conv) -> (usize, usize) {
    let (rows, cols) = before_pooling(conv);
    match &conv.pool {
        None => (rows, cols),
        Some(pool) => ((rows - pool.size.0) / pool.stride.0 + 1, (cols - pool.size.1) / pool.stride.1 + 1),
    }
}

/// §2 and §3: a convolution, position by position.
#[allow(clippy::too_many_arguments)]
fn convolution(
    layer: &Hidden,
    reading: Reading,
    conv: &Conv,
    skip: Option<Vec<i32>>,
    x: &[i32],
    live: &[bool],
    (k, r, dropped): (u32, &[u32], &[bool]),
    draw: bool,
) -> (Vec<i32>, Vec<bool>, Vec<bool>) {
    let neurons = layer.weights.rows();
    let (rows, cols) = before_pooling(conv);
    let mut maps = vec![];
    for y in 0..rows {
        for column in 0..cols {
            // What the kernel covers; outside the map nothing is live.
            let (mut covered, mut covered_live) = (vec![], vec![]);
            for ky in 0..conv.kernel.0 {
                for kx in 0..conv.kernel.1 {
                    for c in 0..conv.input.channels {
                        let at_y = (y * conv.stride.0 + ky) as isize - conv.pad.top as isize;
                        let at_x = (column * conv.stride.1 + kx) as isize - conv.pad.left as isize;
                        let inside = (0..conv.input.height as isize).contains(&at_y)
                            && (0..conv.input.width as isize).contains(&at_x);
                        let i = (at_y * conv.input.width as isize + at_x) * conv.input.channels as isize + c as isize;
                        covered.push(if inside { x[i as usize] } else { 1 });
                        covered_live.push(inside && live[i as usize]);
                    }
                }
            }
            maps.push((covered, covered_live));
        }
    }
    // Sums at all positions, of the crossbar of the pass.
    let mut weights = &layer.weights;
    if let (Some(Method::Spinbayes(m)), true) = (&layer.method, draw) {
        let n = (u64::from(r[0]) * (1 + m.others.len() as u64)) / (1 << k);
        if n > 0 {
            weights = &m.others[n as usize - 1].weights;
        }
    }
    let mut sums_at: Vec<Vec<i32>> =
        maps.iter().enumerate().map(|(position, (x, live))| sums(reading, weights, x, live, position)).collect();
    let (pooled_rows, pooled_cols) = after_pooling(conv);
    let window = |n: usize| {
        let pool = conv.pool.unwrap();
        let (y, x) = (n / pooled_cols * pool.stride.0, n % pooled_cols * pool.stride.1);
        let mut positions = vec![];
        for dy in 0..pool.size.0 {
            for dx in 0..pool.size.1 {
                positions.push((y + dy) * cols + x + dx);
            }
        }
        positions
    };
    let kind = conv.pool.map(|pool| pool.kind);
    if let Some(kind @ (PoolKind::Max | PoolKind::Sum)) = kind {
        let pooled = (0..pooled_rows * pooled_cols).map(|n| {
            let of = |o: usize| {
                let values = window(n).into_iter().map(|position| sums_at[position][o]);
                if kind == PoolKind::Max { values.max().unwrap() } else { values.sum() }
            };
            (0..neurons).map(of).collect()
        });
        sums_at = pooled.collect();
    }
    if let Some(skip) = skip {
        for (n, sum) in sums_at.iter_mut().flatten().enumerate() {
            *sum += skip[n];
        }
    }
    // What every position decides; SpinDrop comes after pooling.
    let decides = Hidden {
        method: layer.method.clone().filter(|m| !matches!(m, Method::Spindrop(_))),
        conv: None,
        residual: None,
        ..layer.clone()
    };
    let mut active_at: Vec<Vec<bool>> =
        sums_at.iter().map(|sums| decide(&decides, sums, (k, r, dropped), draw).0).collect();
    if kind == Some(PoolKind::Or) {
        let pooled = (0..pooled_rows * pooled_cols)
            .map(|n| (0..neurons).map(|o| window(n).into_iter().any(|position| active_at[position][o])).collect());
        active_at = pooled.collect();
    }
    let mut active: Vec<bool> = active_at.concat();
    let mut now_live = vec![true; active.len()];
    if let Some(Method::Spindrop(m)) = &layer.method {
        for o in 0..active.len() {
            let u = if m.maps { o % neurons } else { o };
            let dropped = draw && dropped[u];
            match m.place {
                Place::BeforeSign => active[o] |= dropped,
                Place::AfterSign => now_live[o] = !dropped,
            }
        }
    }
    (sums_at.concat(), active, now_live)
}

/// §1: the planes of a weight, each worth twice the one before.
fn weight(weights: &Weights, o: usize, i: usize) -> i32 {
    let (mut w, mut value) = (0, 1);
    for plane in weights.planes() {
        w += if plane.get(o, i) { value } else { -value };
        value *= 2;
    }
    w
}

/// §2: Σ live · w · x; §9 where the layer has an array.
fn sums(reading: Reading, weights: &Weights, x: &[i32], live: &[bool], position: usize) -> Vec<i32> {
    if reading.net.array(reading.layer).is_some() {
        return parts::sums(reading, weights, x, live, position);
    }
    let mut sums = vec![0; weights.rows()];
    for (o, sum) in sums.iter_mut().enumerate() {
        for i in 0..x.len() {
            let w = weight(weights, o, i);
            if live[i] {
                *sum += w * x[i];
            }
        }
    }
    sums
}

/// §5: what a run of the passes with these logits says.
pub fn result(passes: &[Vec<i32>]) -> ImageResult {
    let classes = passes[0].len();
    let mut result = ImageResult {
        sum: vec![0; classes],
        sumsq: vec![0; classes],
        votes: vec![0; classes],
        class: 0,
        passes: passes.len() as u32,
    };
    for logits in passes {
        for (c, &z) in logits.iter().enumerate() {
            let z = i64::from(z);
            result.sum[c] += z;
            result.sumsq[c] += (z * z) as u64;
        }
        result.votes[argmax(logits)] += 1;
    }
    result.class = argmax(&result.sum);
    result
}

/// §5, early stop: all images from the first on, one after the other, with the logits of their passes.
pub fn early(net: &Network, images: &Images, passes: u32, rule: EarlyStop) -> Vec<(ImageResult, Vec<i32>)> {
    // Of each pass: images that reached it so far.
    let mut reached = vec![0; passes as usize];
    let mut all = vec![];
    for i in 0..images.len() {
        let mut logits = vec![];
        for t in 0..passes {
            logits.push(pass(net, images.image(i), reached[t as usize], t, true).logits);
            reached[t as usize] += 1;
            if (t + 1) % rule.every == 0 && t + 1 < passes {
                let mut sums = result(&logits).sum;
                sums.sort();
                let lead = sums[sums.len() - 1] - sums[sums.len() - 2];
                if lead >= i64::from((t + 1) / rule.every) * i64::from(rule.lead) {
                    break;
                }
            }
        }
        all.push((result(&logits), logits.concat()));
    }
    all
}

fn argmax<V: Ord + Copy>(values: &[V]) -> usize {
    let largest = *values.iter().max().unwrap();
    values.iter().position(|&v| v == largest).unwrap()
}
