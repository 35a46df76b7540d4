//! Whether draws that share a register are as good as independent ones: how far the variance of means is from that of ideal draws.
//!
//! Of two draws of a source that is linear over GF(2), each bit is the XOR of some bits of the earlier state. Where all these bits
//! together are independent, so are the draws. Where some XOR to zero, the covariance of any function f of the draws is the sum
//! of f̂(a)·f̂(b) over all dependencies (a, b), f̂ being f's Walsh transform. So for streams that are jumped the factor is
//! computed exactly, over all roots; of other sources it is measured over many.

use crate::net::{Family, Method, Network, Starts, Stream};
use crate::random::{Generator, Matrix, RandomError, SplitMix64, matrices, rank};

/// Most that sharing may inflate a variance without being asked about.
pub const LIMIT: f64 = 1.05;

/// Widest layer and most passes that are looked at; further ones would repeat the same distances.
const UNITS: usize = 512;
const PASSES: usize = 16;
/// Roots that a source is measured over where it cannot be computed.
const ROOTS: usize = 4096;

/// Mean squared deviations of a layer's means from the ideal mean, each divided by that of independent draws.
#[derive(Clone, Debug, PartialEq)]
pub struct Sharing {
    /// What draws: `inputs`, or layers.
    pub place: String,
    pub units: usize,
    pub passes: usize,
    /// Of the mean over the units of a pass.
    pub over_units: f64,
    /// Of a unit's mean over passes.
    pub over_passes: f64,
    /// Of the mean over both.
    pub over_both: f64,
    /// Standard error of the largest; 0 where they are computed.
    pub error: f64,
}

impl Sharing {
    pub fn worst(&self) -> f64 {
        self.over_units.max(self.over_passes).max(self.over_both)
    }

    /// Whether the factor is above [`LIMIT`], beyond what measuring it may be off by.
    pub fn is_refused(&self) -> bool {
        self.worst() - 2.0 * self.error > LIMIT
    }
}

/// What one draw of a stream is made into, and where.
pub(super) struct Drawer {
    pub place: String,
    pub stream: Stream,
    /// By draw: 1 where it drops; or the number that it is made into.
    pub values: Vec<f64>,
    /// The code, where draws are compared with one.
    pub code: Option<u32>,
}

/// All streams of draws of methods.
pub(super) fn drawers(network: &Network) -> Vec<Drawer> {
    let k = network.random.code_bits;
    let codes = |code: u32| (0..1u32 << k).map(|r| f64::from(u8::from(r < code))).collect::<Vec<f64>>();
    let mut all: Vec<Drawer> = vec![];
    if let Some(code) = network.input.dropout {
        let stream = Stream { number: 0, draws: network.input.features, first: 0 };
        all.push(Drawer { place: "inputs".into(), stream, values: codes(code), code: Some(code) });
    }
    for l in 0..=network.hidden.len() {
        let Some(stream) = network.stream(l) else { continue };
        if let Some(known) = all.iter_mut().find(|drawer| drawer.stream.number == stream.number) {
            known.place += &format!(" and {l}");
            continue;
        }
        let method = network.hidden.get(l).and_then(|hidden| hidden.method.as_ref());
        let code = method.and_then(Method::code);
        let values = match (method, code) {
            (_, Some(code)) => codes(code),
            (Some(Method::Subset(m)), _) => {
                (0..1u32 << k).map(|r| (r & ((1 << m.bits) - 1)).count_ones().into()).collect()
            }
            _ => {
                let n = network.crossbars(l) as u64;
                (0..1u64 << k).map(|r| ((r * n) >> k) as f64).collect()
            }
        };
        all.push(Drawer { place: format!("layer {l}"), stream: Stream { first: 0, ..stream }, values, code });
    }
    all
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n)
}

/// The factors of every stream whose draws are random at all.
pub fn sharing(network: &Network) -> Result<Vec<Sharing>, RandomError> {
    let generator = network.generator()?;
    let mut all = vec![];
    for drawer in drawers(network) {
        let (mean, variance) = mean_and_variance(&drawer.values);
        if variance == 0.0 {
            continue;
        }
        let units = drawer.stream.draws.min(UNITS);
        let passes = (network.passes as usize).min(PASSES);
        let exact = exact(network, &generator, &drawer, (units, passes), (mean, variance))?;
        all.push(match exact {
            Some(sharing) => sharing,
            None => measured(network, &generator, drawer, (units, passes), (mean, variance)),
        });
    }
    Ok(all)
}

/// f̂(a) = 2^-k Σ_r f(r) (−1)^(a·r).
fn walsh(values: &[f64]) -> Vec<f64> {
    let mut transform = values.to_vec();
    let mut half = 1;
    while half < transform.len() {
        for block in transform.chunks_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let n = values.len() as f64;
    transform.into_iter().map(|v| v / n).collect()
}

/// Which sums of two draws' bits are zero: for each, bits of the first draw low, of the second above them.
fn dependencies(first: &[u64], second: &[u64]) -> Vec<u64> {
    let mut basis = [(0u64, 0u64); 64];
    let mut found = vec![];
    for (at, &row) in first.iter().chain(second).enumerate() {
        let (mut row, mut of) = (row, 1u64 << at);
        loop {
            if row == 0 {
                found.push(of);
                break;
            }
            let top = 63 - row.leading_zeros() as usize;
            if basis[top].0 == 0 {
                basis[top] = (row, of);
                break;
            }
            row ^= basis[top].0;
            of ^= basis[top].1;
        }
    }
    found
}

/// Most dependencies whose combinations are summed up.
const DEPENDENCIES: usize = 16;

/// The mean product of two draws' values.
fn product(transform: &[f64], k: u32, first: &[u64], second: &[u64]) -> Option<f64> {
    let found = dependencies(first, second);
    if found.len() > DEPENDENCIES {
        return None;
    }
    // Gray code: one dependency more or less at a time.
    let (mut sum, mut now, low) = (transform[0] * transform[0], 0u64, (1u64 << k) - 1);
    for i in 1..1u32 << found.len() {
        now ^= found[i.trailing_zeros() as usize];
        sum += transform[(now & low) as usize] * transform[(now >> k) as usize];
    }
    Some(sum)
}

/// None where the source is not linear, its streams are not jumped, or the draws depend too much on each other.
fn exact(
    network: &Network,
    generator: &Generator,
    drawer: &Drawer,
    (units, passes): (usize, usize),
    (mean, variance): (f64, f64),
) -> Result<Option<Sharing>, RandomError> {
    let (source, k) = (network.random.source, network.random.code_bits);
    if source.starts == Starts::Naive || matches!(source.family, Family::Replay { .. }) {
        return Ok(None);
    }
    let (step, draw) = matrices(source.family, network.random.lfsr_bits, k)?;
    let first = draw.rows(k);
    if rank(&first) < k {
        return Ok(None);
    }
    let transform = walsh(&drawer.values);
    let next = transposed(&step.power(source.steps_of(k).into()));
    let pass = transposed(&step.power(u128::from(generator.spacing()) * network.streams() as u128));
    let after = |rows: &[u64], by: &Matrix| -> Vec<u64> { rows.iter().map(|&row| by.apply(row)).collect() };
    let correlation =
        |first: &[u64], second: &[u64]| Some((product(&transform, k, first, second)? - mean * mean) / variance);
    // How many pairs are so far apart, for each thing of the mean.
    let weight = |n: usize, of: usize| (if n > 0 { 2.0 } else { 1.0 }) * (of - n) as f64 / of as f64;
    let (mut over_units, mut over_passes, mut over_both) = (0.0, 0.0, 0.0);
    let mut start = first.clone();
    for t in 0..passes {
        // Unit u of pass t against unit 0 of pass 0, and unit 0 of pass t against unit u of pass 0.
        let (mut later, mut earlier) = (start.clone(), first.clone());
        for u in 0..units {
            let of_pair = match (t, u) {
                (0, 0) => Some(1.0),
                (0, _) | (_, 0) => correlation(&first, &later),
                _ => correlation(&first, &later).zip(correlation(&earlier, &start)).map(|(a, b)| (a + b) / 2.0),
            };
            let Some(of_pair) = of_pair else { return Ok(None) };
            if t == 0 {
                over_units += weight(u, units) * of_pair;
            }
            if u == 0 {
                over_passes += weight(t, passes) * of_pair;
            }
            over_both += weight(u, units) * weight(t, passes) * of_pair;
            (later, earlier) = (after(&later, &next), after(&earlier, &next));
        }
        start = after(&start, &pass);
    }
    let place = drawer.place.clone();
    Ok(Some(Sharing { place, units, passes, over_units, over_passes, over_both, error: 0.0 }))
}

fn transposed(matrix: &Matrix) -> Matrix {
    let rows = matrix.rows(matrix.bits());
    Matrix::of(matrix.bits(), |state| rows[state.trailing_zeros() as usize])
}

/// The first image's draws, over many roots.
fn measured(
    network: &Network,
    generator: &Generator,
    drawer: Drawer,
    (units, passes): (usize, usize),
    (mean, variance): (f64, f64),
) -> Sharing {
    let units = units.min(UNITS / 4);
    let streams = network.streams();
    let mut random = SplitMix64::new(1);
    let (mut of_units, mut of_passes, mut of_both) = (0.0, 0.0, 0.0);
    let squared = |sums: &[f64], count: usize| sums.iter().map(|s| s * s).sum::<f64>() / (sums.len() * count) as f64;
    for _ in 0..ROOTS {
        let starts = generator.starts(generator.legal(random.word()), passes * streams);
        let (mut by_pass, mut by_unit) = (vec![0.0; passes], vec![0.0; units]);
        for (pass, sum) in by_pass.iter_mut().enumerate() {
            let mut state = starts[pass * streams + drawer.stream.number];
            for of_unit in &mut by_unit {
                let value = drawer.values[generator.draw(&mut state) as usize] - mean;
                *sum += value;
                *of_unit += value;
            }
        }
        of_units += squared(&by_pass, units);
        of_passes += squared(&by_unit, passes);
        of_both += squared(&[by_pass.iter().sum()], units * passes);
    }
    let factor = |sum: f64| sum / ROOTS as f64 / variance;
    let (over_units, over_passes, over_both) = (factor(of_units), factor(of_passes), factor(of_both));
    let mut sharing = Sharing { place: drawer.place, units, passes, over_units, over_passes, over_both, error: 0.0 };
    sharing.error = sharing.worst() * (2.0 / ROOTS as f64).sqrt();
    sharing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Hidden, Input, Output, Random, Source, Weights};

    /// A layer of `units` units with SpinDrop.
    fn network(units: usize, code: u32, random: Random) -> Network {
        Network {
            name: "shared".into(),
            input: Input { features: 4, bits: 1, signed: false, dropout: None },
            hidden: vec![Hidden {
                weights: Weights::zeros(units, 4),
                thresholds: vec![0; units],
                directions: vec![crate::net::Direction::Ge; units],
                method: Some(Method::spindrop(code)),
                conv: None,
                residual: None,
            }],
            output: Output {
                weights: Weights::zeros(2, units),
                scale: vec![1, 1],
                offset: vec![0, 0],
                shift: 0,
                frac_bits: 0,
                logit_bits: 16,
                temperature: 1.0,
                others: vec![],
            },
            random,
            seed: 1,
            passes: 16,
            early_stop: None,
            chip: Default::default(),
        }
    }

    fn factors(network: &Network) -> Sharing {
        let [sharing] = &sharing(network).unwrap()[..] else { panic!() };
        sharing.clone()
    }

    #[test]
    fn good_sources_share_nothing() {
        for family in
            [Family::Galois, Family::Fibonacci, Family::Automaton, Family::Xorshift, Family::Lut, Family::Pair]
        {
            for code in [1 << 15, 1 << 14, 6554, 13107] {
                let random = Random { source: family.into(), ..Random::default() };
                let found = factors(&network(256, code, random));
                println!("{family:?} {code}: {found:?}");
                assert!(found.worst() < 1.005 && found.error == 0.0, "{family:?}: {found:?}");
            }
        }
    }

    #[test]
    fn a_step_a_draw_is_refused_with_the_factor_that_is_measured() {
        let source = Source { steps: Some(1), ..Source::default() };
        // At 1/2 one bit of each draw decides, and these bits are not shared.
        for code in [1 << 14, 13107, 3277] {
            let network = network(32, code >> 8, Random { source, ..Random::new(64, 8) });
            let exact = factors(&network);
            assert!(exact.is_refused() && exact.error == 0.0, "{exact:?}");
            let drawer = drawers(&network).remove(0);
            let moments = mean_and_variance(&drawer.values);
            let found = measured(&network, &network.generator().unwrap(), drawer, (32, 16), moments);
            println!("{code}: exact {exact:?}, measured {found:?}");
            let close = |a: f64, b: f64| (a / b - 1.0).abs() < 0.1;
            assert!(close(exact.over_units, found.over_units) && close(exact.over_both, found.over_both));
        }
    }

    #[test]
    fn tiny_registers_and_naive_starts_are_measured() {
        let tiny = factors(&network(64, 16384, Random::new(8, 16)));
        assert!(tiny.is_refused() && tiny.error > 0.0, "{tiny:?}");
        let source = Source { starts: Starts::Naive, ..Source::default() };
        let naive = factors(&network(32, 16384, Random { source, ..Random::default() }));
        assert!(naive.is_refused(), "{naive:?}");
    }

    #[test]
    fn dependencies_are_the_sums_that_are_zero() {
        let (first, second) = ([0b001, 0b011], [0b010, 0b100]);
        // Rows 0, 1 and 2 add up to zero.
        assert_eq!(dependencies(&first, &second), [0b0111]);
    }
}
