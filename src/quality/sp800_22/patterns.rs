//! How often patterns of some bits occur: §2.7 to §2.9, §2.11 and §2.12.

use super::{chi_square, igamc};
use statrs::function::erf::erfc;
use std::f64::consts::{LN_2, SQRT_2};

/// Patterns of `m` bits that cannot overlap themselves, as numbers, the first bit highest.
pub fn aperiodic(m: u32) -> Vec<usize> {
    let overlaps = |pattern: usize, shift: u32| pattern >> shift == pattern & ((1 << (m - shift)) - 1);
    (0..1 << m).filter(|&pattern| (1..m).all(|shift| !overlaps(pattern, shift))).collect()
}

/// The last `m` bits at every place from the m-th bit on, the oldest highest; from the start again where `wraps`.
fn windows(bits: &[bool], m: u32, wraps: bool) -> impl Iterator<Item = usize> + '_ {
    let all = (1usize << m) - 1;
    let again = if wraps { m as usize - 1 } else { 0 };
    let mut window = 0;
    let mut places = bits.iter().chain(&bits[..again]).map(move |&bit| {
        window = (window << 1 | usize::from(bit)) & all;
        window
    });
    if m > 1 {
        places.nth(m as usize - 2);
    }
    places
}

/// §2.7, every aperiodic template of `m` bits over 8 blocks.
pub fn non_overlapping(bits: &[bool], m: u32) -> Vec<f64> {
    const BLOCKS: usize = 8;
    let templates = aperiodic(m);
    let mut number = vec![usize::MAX; 1 << m];
    templates.iter().enumerate().for_each(|(at, &template)| number[template] = at);
    let size = bits.len() / BLOCKS;
    let mut found = vec![[0u64; BLOCKS]; templates.len()];
    for (b, block) in bits.chunks_exact(size).take(BLOCKS).enumerate() {
        // Where each template may be found again.
        let mut free = vec![0; templates.len()];
        for (place, window) in windows(block, m, false).enumerate() {
            let at = number[window];
            if at != usize::MAX && place >= free[at] {
                found[at][b] += 1;
                free[at] = place + m as usize;
            }
        }
    }
    let (m_bits, size) = (f64::from(m), size as f64);
    let share = 2f64.powf(-m_bits);
    let mean = (size - m_bits + 1.0) * share;
    let variance = size * (share - (2.0 * m_bits - 1.0) * share * share);
    let chi = |counts: &[u64; BLOCKS]| counts.iter().map(|&c| (c as f64 - mean).powi(2) / variance).sum::<f64>();
    found.iter().map(|counts| igamc(BLOCKS as f64 / 2.0, chi(counts) / 2.0)).collect()
}

/// §2.8, nine ones in blocks of 1032 bits, with the probabilities as §3.8 corrects them.
pub fn overlapping(bits: &[bool]) -> f64 {
    overlapping_with(bits, [0.364091, 0.185659, 0.139381, 0.100571, 0.0704323, 0.139865])
}

/// The same with the probabilities of 0, 1, … 4 and more hits in a block.
pub(super) fn overlapping_with(bits: &[bool], shares: [f64; 6]) -> f64 {
    let mut found = [0; 6];
    for block in bits.chunks_exact(1032) {
        let hits = windows(block, 9, false).filter(|&window| window == (1 << 9) - 1).count();
        found[hits.min(5)] += 1;
    }
    let blocks = (bits.len() / 1032) as f64;
    igamc(2.5, chi_square(&found, shares.iter().map(|share| share * blocks)) / 2.0)
}

/// §2.9.
pub fn universal(bits: &[bool]) -> f64 {
    let (length, mean, variance) = match bits.len() {
        0..904_960 => (6, 5.2177052, 2.954),
        904_960..2_068_480 => (7, 6.1962507, 3.125),
        _ => (8, 7.1836656, 3.238),
    };
    let first = 10 << length;
    let mut last = vec![0; 1 << length];
    let (mut sum, mut tested) = (0.0, 0.0);
    for (at, block) in bits.chunks_exact(length).enumerate() {
        let value = block.iter().fold(0, |value, &bit| value << 1 | usize::from(bit));
        if at >= first {
            sum += ((at + 1 - last[value]) as f64).log2();
            tested += 1.0;
        }
        last[value] = at + 1;
    }
    let l = length as f64;
    let factor = 0.7 - 0.8 / l + (4.0 + 32.0 / l) * f64::powf(tested, -3.0 / l) / 15.0;
    erfc((sum / tested - mean).abs() / (SQRT_2 * factor * f64::sqrt(variance / tested)))
}

fn counts(bits: &[bool], m: u32) -> Vec<u64> {
    let mut counts = vec![0; 1 << m];
    windows(bits, m, true).for_each(|window| counts[window] += 1);
    counts
}

/// §2.11: how unevenly patterns of `m` bits, and of one and two fewer, are spread.
pub fn serial(bits: &[bool], m: u32) -> [f64; 2] {
    let n = bits.len() as f64;
    let psi = |m: u32| match m {
        0 => 0.0,
        m => counts(bits, m).iter().map(|&c| (c as f64).powi(2)).sum::<f64>() * 2f64.powi(m as i32) / n - n,
    };
    let [a, b, c] = [psi(m), psi(m - 1), psi(m.saturating_sub(2))];
    let degrees = |less: i32| 2f64.powi(m as i32 - less);
    [igamc(degrees(2), (a - b) / 2.0), igamc(degrees(3), (a - 2.0 * b + c) / 2.0)]
}

/// §2.12.
pub fn approximate_entropy(bits: &[bool], m: u32) -> f64 {
    let n = bits.len() as f64;
    let phi = |m: u32| -> f64 {
        counts(bits, m).iter().filter(|&&c| c > 0).map(|&c| c as f64 / n * (c as f64 / n).ln()).sum()
    };
    igamc(2f64.powi(m as i32 - 1), n * (LN_2 - (phi(m) - phi(m + 1))))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_near, bits, pi_100};
    use super::*;

    #[test]
    fn the_worked_examples_come_out() {
        let [first, second] = serial(&bits("0011011101"), 3);
        assert_near(first, 0.808792, "2.11.4");
        assert_near(second, 0.670320, "2.11.4");
        assert_near(approximate_entropy(&bits("0100110101"), 3), 0.261961, "2.12.4");
        assert_near(approximate_entropy(&pi_100(), 2), 0.235301, "2.12.8");
    }

    #[test]
    fn there_are_148_templates_of_9_bits() {
        let count = |m| aperiodic(m).len();
        assert_eq!([count(2), count(3), count(4), count(9)], [2, 4, 6, 148]);
    }
}
