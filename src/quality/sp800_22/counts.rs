//! Ones, runs and sums: §2.1 to §2.4 and §2.13.

use super::{chi_square, igamc};
use statrs::function::erf::erfc;
use std::f64::consts::SQRT_2;

fn ones(bits: &[bool]) -> f64 {
    bits.iter().filter(|&&bit| bit).count() as f64
}

/// §2.1.
pub fn frequency(bits: &[bool]) -> f64 {
    let n = bits.len() as f64;
    erfc((2.0 * ones(bits) - n).abs() / (2.0 * n).sqrt())
}

/// §2.2, blocks of `size` bits.
pub fn block_frequency(bits: &[bool], size: usize) -> f64 {
    let share = |block: &[bool]| (ones(block) / size as f64 - 0.5).powi(2);
    let blocks = bits.chunks_exact(size);
    let count = blocks.len() as f64;
    igamc(count / 2.0, 2.0 * size as f64 * blocks.map(share).sum::<f64>())
}

/// §2.3.
pub fn runs(bits: &[bool]) -> f64 {
    let n = bits.len() as f64;
    let share = ones(bits) / n;
    if (share - 0.5).abs() >= 2.0 / n.sqrt() {
        return 0.0;
    }
    let found = 1.0 + bits.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64;
    let even = share * (1.0 - share);
    erfc((found - 2.0 * n * even).abs() / (2.0 * (2.0 * n).sqrt() * even))
}

/// §2.4.
pub fn longest_run(bits: &[bool]) -> f64 {
    let (size, least, shares): (usize, usize, &[f64]) = match bits.len() {
        0..6272 => (8, 1, &[0.2148, 0.3672, 0.2305, 0.1875]),
        6272..750_000 => (128, 4, &[0.1174, 0.2430, 0.2493, 0.1752, 0.1027, 0.1124]),
        _ => (10_000, 10, &[0.0882, 0.2092, 0.2483, 0.1933, 0.1208, 0.0675, 0.0727]),
    };
    let mut found = vec![0; shares.len()];
    for block in bits.chunks_exact(size) {
        let (mut run, mut longest) = (0usize, 0usize);
        for &bit in block {
            run = if bit { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        found[longest.saturating_sub(least).min(shares.len() - 1)] += 1;
    }
    let blocks = (bits.len() / size) as f64;
    let chi = chi_square(&found, shares.iter().map(|share| share * blocks));
    igamc((shares.len() - 1) as f64 / 2.0, chi / 2.0)
}

/// §2.13, forward and backward.
pub fn cumulative_sums(bits: &[bool]) -> [f64; 2] {
    let largest = |bits: &mut dyn Iterator<Item = &bool>| {
        let (mut sum, mut largest) = (0i64, 0);
        for &bit in bits {
            sum += if bit { 1 } else { -1 };
            largest = largest.max(sum.abs());
        }
        largest as f64
    };
    let p = |z: f64| {
        let n = bits.len() as f64;
        let normal = |x: f64| 0.5 * erfc(-x / SQRT_2);
        // From and to as SP 800-22 says, rounded towards zero.
        let from_to = |from: f64, to: f64| (from / 4.0).trunc() as i64..=(to / 4.0).trunc() as i64;
        let at = |k: i64, add: f64| normal((4.0 * k as f64 + add) * z / n.sqrt());
        let first: f64 = from_to(1.0 - n / z, n / z - 1.0).map(|k| at(k, 1.0) - at(k, -1.0)).sum();
        let second: f64 = from_to(-3.0 - n / z, n / z - 1.0).map(|k| at(k, 3.0) - at(k, 1.0)).sum();
        (1.0 - first + second).clamp(0.0, 1.0)
    };
    [p(largest(&mut bits.iter())), p(largest(&mut bits.iter().rev()))]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_near, bits, pi_100};
    use super::*;

    #[test]
    fn the_worked_examples_come_out() {
        let pi = pi_100();
        assert_near(frequency(&pi), 0.109599, "2.1.8");
        assert_near(block_frequency(&pi, 10), 0.706438, "2.2.8");
        assert_near(runs(&pi), 0.500798, "2.3.8");
        let [forward, backward] = cumulative_sums(&pi);
        assert_near(forward, 0.219194, "2.13.8 forward");
        assert_near(backward, 0.114866, "2.13.8 backward");
        assert_near(frequency(&bits("1011010101")), 0.527089, "2.1.4");
        assert_near(block_frequency(&bits("0110011010"), 3), 0.801252, "2.2.4");
        assert_near(runs(&bits("1001101011")), 0.147232, "2.3.4");
        let example = "11001100000101010110110001001100111000000000001001\
                       00110101010001000100111101011010000000110101111100\
                       1100111001101101100010110010";
        assert!((longest_run(&bits(example)) - 0.180609).abs() < 2e-4, "2.4.8: {}", longest_run(&bits(example)));
    }
}
