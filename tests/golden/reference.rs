//! `docs/semantics.md` word for word: one bit, one draw, one sum after another. Nothing of the golden model is used
//! but the types of its results; long jumps are by matrix, where the golden model's are by polynomial.

use neuspin::golden::{HiddenTrace, ImageResult, Trace};
use neuspin::net::{Direction, Network};
use neuspin::random::JumpMatrix;

/// §4, Source: width, mask and spacing.
fn source(width: u32) -> (u64, u64) {
    match width {
        64 => (0xD800000000000000, 0x9E3779B97F7),
        48 => (0xC00000180000, 0x9E3779D),
        _ => (0xA3000000, 0x9E37B),
    }
}

/// §4, Root.
fn root(seed: u64, width: u32) -> u64 {
    let z = seed.wrapping_add(0x9E3779B97F4A7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58476D1CE4E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D049BB133111EB);
    let z = z ^ (z >> 31);
    let root = (u128::from(z) % (1u128 << width)) as u64;
    if root == 0 { 1 } else { root }
}

/// §4: the draw of k bits after `steps` steps from the root.
struct Draws {
    mask: u64,
    state: u64,
}

impl Draws {
    fn at(net: &Network, steps: u128) -> Draws {
        let width = net.random.lfsr_bits;
        let (mask, _) = source(width);
        Draws { mask, state: JumpMatrix::new(width, mask, steps).apply(root(net.seed, width)) }
    }

    fn next(&mut self, k: u32) -> u32 {
        let mut r = 0;
        for i in 0..k {
            let out = self.state & 1;
            self.state >>= 1;
            if out == 1 {
                self.state ^= self.mask;
            }
            r |= (out as u32) << i;
        }
        r
    }
}

/// One pass of image number `n`; `draw` is false in the deterministic pass.
pub fn pass(net: &Network, image: &[i16], n: u64, t: u32, draw: bool) -> Trace {
    // Input values as integers, then activations as ±1; live beside them.
    let mut x: Vec<i32> =
        image.iter().map(|&v| if net.input.bits == 1 { 2 * i32::from(v) - 1 } else { v.into() }).collect();
    let mut live = vec![true; x.len()];
    let mut hidden = vec![];
    let mut s = 0;
    for layer in &net.hidden {
        let sums = sums(&layer.weights, &x, &live);
        let mut active = vec![];
        for (o, &a) in sums.iter().enumerate() {
            active.push(match layer.directions[o] {
                Direction::Ge => a >= layer.thresholds[o],
                Direction::Le => a <= layer.thresholds[o],
            });
        }
        live = vec![true; active.len()];
        if let Some(dropout) = layer.dropout {
            let k = net.random.code_bits;
            let (_, spacing) = source(net.random.lfsr_bits);
            let stream = u128::from(t) * net.stochastic_layers() as u128 + s;
            let units = active.len() as u128;
            let mut draws = Draws::at(net, stream * u128::from(spacing) + u128::from(n) * units * u128::from(k));
            for live in &mut live {
                let r = draws.next(k);
                let code = if draw { dropout.code } else { 0 };
                *live = r >= code;
            }
            s += 1;
        }
        x = active.iter().map(|&bit| if bit { 1 } else { -1 }).collect();
        hidden.push(HiddenTrace { sums: sums.iter().map(|&a| a.into()).collect(), active, live: live.clone() });
    }
    let out = &net.output;
    let sums = sums(&out.weights, &x, &live);
    let mut logits = vec![];
    for (c, &a) in sums.iter().enumerate() {
        let exact = i128::from(out.scale[c]) * i128::from(a) + i128::from(out.offset[c]);
        logits.push(exact.div_euclid(1i128 << out.shift) as i32);
    }
    let largest = argmax(&logits);
    Trace { hidden, output_sums: sums.iter().map(|&a| a.into()).collect(), logits, class: largest }
}

/// §2: Σ live · w · x.
fn sums(weights: &neuspin::net::BitMatrix, x: &[i32], live: &[bool]) -> Vec<i32> {
    let mut sums = vec![0; weights.rows()];
    for (o, sum) in sums.iter_mut().enumerate() {
        for i in 0..x.len() {
            let w = if weights.get(o, i) { 1 } else { -1 };
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
    let mut result = ImageResult { sum: vec![0; classes], sumsq: vec![0; classes], votes: vec![0; classes], class: 0 };
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

fn argmax<V: Ord + Copy>(values: &[V]) -> usize {
    let largest = *values.iter().max().unwrap();
    values.iter().position(|&v| v == largest).unwrap()
}
