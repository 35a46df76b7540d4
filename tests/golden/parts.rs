//! `docs/semantics.md` §9 word for word: one cell, one group, one read after another.

use neuspin::net::{Array, Network, Weights};

/// What of a pass an array's sums depend on beside its inputs.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    pub net: &'a Network,
    /// The output layer last.
    pub layer: usize,
    /// Of the pass; none in the deterministic pass, and where reads do not err.
    pub key: Option<u64>,
}

/// The error of a read, of `matches` among `live`.
fn error(array: &Array, key: u64, number: u32, n: usize, m: usize) -> i32 {
    let (mut x, mut y) = (number % 65536, number / 65536);
    for round in 0..8 {
        let part = ((key >> (16 * (round % 4))) % 65536) as u32 ^ round;
        x = ((((x >> 7) | (x << 9)) % 65536 + y) % 65536) ^ part;
        y = (((y << 2) | (y >> 14)) % 65536) ^ x;
    }
    let (low, high) = array.errors.as_ref().unwrap().codes[n * (n + 1) / 2 + m];
    if x < low {
        -1
    } else if x >= 65536 - high {
        1
    } else {
        0
    }
}

/// The sums of all neurons at a position, of inputs as the layer reads them.
pub fn sums(reading: Reading, weights: &Weights, x: &[i32], live: &[bool], position: usize) -> Vec<i32> {
    let Reading { net, layer, key } = reading;
    let array = net.chip.arrays[layer].as_ref().unwrap();
    // Planes: a value, what is +1, what is live.
    let bits = if layer == 0 { net.input.bits } else { 1 };
    let mut planes = vec![];
    for j in 0..bits {
        if bits == 1 {
            planes.push((1, x.to_vec(), live.to_vec()));
        } else {
            let value = if net.input.signed && j == bits - 1 { -(1 << j) } else { 1 << j };
            let there = x.iter().zip(live).map(|(v, &live)| live && v >> j & 1 == 1).collect();
            planes.push((value, vec![1; x.len()], there));
        }
    }
    let groups = x.len().div_ceil(array.group);
    let mut all = vec![];
    for o in 0..weights.rows() {
        let mut a = if array.offsets.is_empty() { 0 } else { array.offsets[o] };
        for (j, (value, x, live)) in planes.iter().enumerate() {
            for g in 0..groups {
                let (mut n, mut m) = (0, 0);
                for i in g * array.group..x.len().min((g + 1) * array.group) {
                    let w = if weights.planes()[0].get(o, i) { 1 } else { -1 };
                    n += usize::from(live[i]);
                    m += usize::from(live[i] && x[i] == w);
                }
                let number = (((position * weights.rows() + o) * groups + g) as u64 + ((j as u64) << 28)) as u32;
                let e = match (&array.errors, key) {
                    (Some(_), Some(key)) => error(array, key, number, n, m),
                    _ => 0,
                };
                let s = 2 * (m as i32 + e) - n as i32;
                let gain = if array.gains.is_empty() { 256 } else { array.gains[g] as i32 };
                let scaled = (s * gain + 128).div_euclid(256);
                let step = 1 << array.converter.shift;
                let half = if array.converter.shift == 0 { 0 } else { step / 2 };
                let most = 1 << (array.converter.bits - 1);
                let q = (scaled + half).div_euclid(step).max(-most).min(most - 1);
                a += value * step * q;
            }
        }
        all.push(a);
    }
    all
}
