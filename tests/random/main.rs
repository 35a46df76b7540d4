//! What the random sources promise: the longest period, streams that no short relation ties, draws that look drawn.

mod algebra;
mod families;
mod statistics;

use neuspin::random::{Galois, WIDTHS, jump_polynomial, mask_of, root_from_seed, spacing_of, stream_start};
use statistics::{chi_square, correlation, monobit, runs, standard};

/// A score that a good source exceeds once in 150,000 times.
const LIMIT: f64 = 4.5;

/// 2^bits − 1 with its prime factors.
fn factors(bits: u32) -> (u64, Vec<u64>) {
    let primes: &[u64] = match bits {
        32 => &[3, 5, 17, 257, 65537],
        48 => &[3, 5, 7, 13, 17, 97, 241, 257, 673],
        _ => &[3, 5, 17, 257, 641, 65537, 6_700_417],
    };
    (u64::MAX >> (64 - bits), primes.to_vec())
}

#[test]
fn every_mask_gives_the_longest_period() {
    for bits in WIDTHS {
        let (mask, (period, primes)) = (mask_of(bits).unwrap(), factors(bits));
        assert!(primes.iter().all(|&q| algebra::is_prime(q)), "width {bits}: {primes:?}");
        let mut rest = period;
        for q in &primes {
            while rest.is_multiple_of(*q) {
                rest /= q;
            }
        }
        assert_eq!(rest, 1, "width {bits}: the factors of the period are not all there");
        assert_eq!(jump_polynomial(bits, mask, period.into()), 1, "width {bits}");
        for q in primes {
            assert_ne!(jump_polynomial(bits, mask, (period / q).into()), 1, "width {bits}: the period divides by {q}");
        }
    }
}

#[test]
fn spacings_are_prime_to_the_period() {
    for bits in WIDTHS {
        let (_, primes) = factors(bits);
        let spacing = spacing_of(bits).unwrap();
        assert!(primes.iter().all(|q| !spacing.is_multiple_of(*q)), "width {bits}");
    }
}

/// The number of terms of the shortest linear relation between streams `spacing` steps apart.
fn terms(bits: u32, spacing: u64) -> u32 {
    let mut lfsr = Galois::of_width(bits, 1).unwrap();
    let sequence: Vec<bool> = (0..4 * bits)
        .map(|_| {
            lfsr.jump(spacing.into());
            lfsr.state() & 1 == 1
        })
        .collect();
    let (polynomial, length) = algebra::berlekamp_massey(&sequence);
    assert_eq!(length, bits, "the streams satisfy a relation shorter than the register");
    polynomial.count_ones()
}

#[test]
fn the_relation_between_streams_has_many_terms() {
    for (bits, expected) in [(64, 31), (48, 27), (32, 21)] {
        assert_eq!(terms(bits, spacing_of(bits).unwrap()), expected, "width {bits}");
    }
}

#[test]
fn spacings_of_a_power_of_two_would_tie_five_streams() {
    assert_eq!(terms(64, 1 << 44), 5);
    let start = |stream: u128| {
        let mut lfsr = Galois::of_width(64, root_from_seed(1, 64)).unwrap();
        lfsr.jump(stream << 44);
        lfsr
    };
    let mut tied = [0, 1, 3, 4, 64].map(start);
    assert!((0..100).all(|_| tied.iter_mut().fold(0, |sum, lfsr| sum ^ lfsr.draw(16)) == 0));
}

/// Drops of the first `n` draws of 16 bits from `state` at probability `code` / 2^16.
fn mask(bits: u32, state: u64, code: u64, n: usize) -> Vec<bool> {
    let mut lfsr = Galois::of_width(bits, state).unwrap();
    (0..n).map(|_| lfsr.draw(16) < code).collect()
}

#[test]
fn the_first_draws_of_small_seeds_drop_at_the_asked_rate() {
    for bits in WIDTHS {
        for code in [3277, 13107, 32768] {
            let p = code as f64 / 65536.0;
            let drops = |seed| mask(bits, root_from_seed(seed, bits), code, 40).iter().filter(|&&d| d).count() as f64;
            let counts: Vec<f64> = (0..1000).map(drops).collect();
            let variance = 40.0 * p * (1.0 - p);
            let score = (counts.iter().sum::<f64>() - 40_000.0 * p) / (1000.0 * variance).sqrt();
            assert!(score.abs() < LIMIT, "width {bits}, code {code}: rate off by {score} standard deviations");
            let spread = counts.iter().map(|c| (c - 40.0 * p).powi(2)).sum::<f64>() / variance;
            let score = standard(spread, 1000.0);
            assert!(score.abs() < LIMIT, "width {bits}, code {code}: spread off by {score} standard deviations");
        }
    }
}

/// Correlations of neighbouring masks must be those of unrelated ones: none large, and their squares 1 on average.
fn assert_unrelated(masks: &[Vec<bool>], what: &str) {
    let scores: Vec<f64> = masks.windows(2).map(|pair| correlation(&pair[0], &pair[1])).collect();
    let worst = scores.iter().fold(0.0, |worst: f64, s| worst.max(s.abs()));
    assert!(worst < LIMIT + 0.5, "{what}: a correlation of {worst} standard deviations");
    let total = standard(scores.iter().map(|s| s * s).sum(), scores.len() as f64);
    assert!(total.abs() < LIMIT, "{what}: correlations off by {total} standard deviations");
}

#[test]
fn neighbouring_seeds_are_unrelated() {
    for bits in WIDTHS {
        let masks: Vec<_> = (0..1000).map(|seed| mask(bits, root_from_seed(seed, bits), 13107, 1000)).collect();
        assert_unrelated(&masks, &format!("seeds, width {bits}"));
    }
}

#[test]
fn neighbouring_streams_are_unrelated() {
    for bits in WIDTHS {
        let root = root_from_seed(0, bits);
        let stream = |s: u32| stream_start(root, bits, 3, s % 3, s / 3).unwrap();
        let masks: Vec<_> = (0..600).map(|s| mask(bits, stream(s), 13107, 2000)).collect();
        assert_unrelated(&masks, &format!("streams, width {bits}"));
        let of_a_layer: Vec<_> = masks.into_iter().step_by(3).collect();
        assert_unrelated(&of_a_layer, &format!("passes, width {bits}"));
    }
}

#[test]
fn draws_of_one_stream_are_unrelated() {
    for bits in WIDTHS {
        for code in [6554, 13107, 16384, 32768] {
            let drops = mask(bits, root_from_seed(5, bits), code, 1 << 18);
            for lag in [1, 2, 3, 64, 256] {
                let score = correlation(&drops[lag..], &drops[..drops.len() - lag]);
                assert!(score.abs() < LIMIT, "width {bits}, code {code}, lag {lag}: {score} standard deviations");
            }
        }
    }
}

#[test]
fn a_step_a_draw_would_tie_each_draw_to_the_next() {
    let mut lfsr = Galois::of_width(64, root_from_seed(5, 64)).unwrap();
    let mut drops = vec![];
    for _ in 0..1 << 16 {
        drops.push(lfsr.state() & 0xff < 64);
        lfsr.step();
    }
    let score = correlation(&drops[1..], &drops[..drops.len() - 1]);
    // A correlation of 0.34 at 8 bits and p = 1/4; the score is that times the square root of the length.
    assert!((score / 256.0 - 0.34).abs() < 0.02, "{}", score / 256.0);
}

#[test]
fn draws_and_their_bits_are_evenly_spread() {
    for bits in WIDTHS {
        for seed in 0..8 {
            let mut lfsr = Galois::of_width(bits, root_from_seed(seed, bits)).unwrap();
            let draws: Vec<usize> = (0..1 << 16).map(|_| lfsr.draw(16) as usize).collect();
            let output: Vec<bool> = draws.iter().flat_map(|d| (0..16).map(move |i| d >> i & 1 == 1)).collect();
            let high: Vec<usize> = draws.iter().map(|d| d >> 8).collect();
            let low: Vec<usize> = draws.iter().map(|d| d & 255).collect();
            for (what, score) in [
                ("high bytes", chi_square(&high, 256)),
                ("low bytes", chi_square(&low, 256)),
                ("ones", monobit(&output)),
                ("runs", runs(&output)),
            ] {
                assert!(score.abs() < LIMIT, "width {bits}, seed {seed}, {what}: {score} standard deviations");
            }
        }
    }
}
