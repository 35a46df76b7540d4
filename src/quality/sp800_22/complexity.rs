//! Ranks and linear complexity: §2.5 and §2.10.

use super::{chi_square, igamc};

/// §2.5, matrices of 32 × 32 bits.
pub fn matrix_rank(bits: &[bool]) -> f64 {
    let mut found = [0; 3];
    for matrix in bits.chunks_exact(1024) {
        let word = |row: &[bool]| row.iter().fold(0u64, |word, &bit| word << 1 | u64::from(bit));
        let rows: Vec<u64> = matrix.chunks_exact(32).map(word).collect();
        found[(32 - crate::random::rank(&rows) as usize).min(2)] += 1;
    }
    // Of a random matrix: the product over the columns that are independent.
    let below = |deficit: i32| -> f64 {
        let rank = 32 - deficit;
        let factor = |i: i32| (1.0 - 2f64.powi(i - 32)).powi(2) / (1.0 - 2f64.powi(i - rank));
        2f64.powi(rank * (64 - rank) - 1024) * (0..rank).map(factor).product::<f64>()
    };
    let (full, less) = (below(0), below(1));
    let matrices = (bits.len() / 1024) as f64;
    let chi = chi_square(&found, [full, less, 1.0 - full - less].into_iter().map(|share| share * matrices));
    (-chi / 2.0).exp()
}

/// §2.10, blocks of `size` bits.
pub fn linear_complexity(bits: &[bool], size: usize) -> f64 {
    linear_complexity_with(bits, size, 0.010417)
}

/// The same with another probability of the lowest class.
pub(super) fn linear_complexity_with(bits: &[bool], size: usize, lowest: f64) -> f64 {
    let shares = [lowest, 0.03125, 0.125, 0.5, 0.25, 0.0625, 0.020833];
    let m = size as f64;
    let sign = if size.is_multiple_of(2) { 1.0 } else { -1.0 };
    let mean = m / 2.0 + (9.0 - sign) / 36.0 - (m / 3.0 + 2.0 / 9.0) / 2f64.powf(m);
    let mut found = [0; 7];
    for block in bits.chunks_exact(size) {
        let t = sign * (complexity(block) as f64 - mean) + 2.0 / 9.0;
        found[(t + 2.5).ceil().clamp(0.0, 6.0) as usize] += 1;
    }
    let blocks = (bits.len() / size) as f64;
    igamc(3.0, chi_square(&found, shares.iter().map(|share| share * blocks)) / 2.0)
}

/// Length of the shortest LFSR that gives the sequence (Massey 1969).
pub fn complexity(sequence: &[bool]) -> usize {
    let words = sequence.len() / 64 + 1;
    // Polynomials, bit i of which says whether the i-th bit back takes part; the newest bit of the sequence in bit 0.
    let (mut now, mut before, mut recent) = (vec![0u64; words], vec![0; words], vec![0; words]);
    (now[0], before[0]) = (1, 1);
    let (mut length, mut since) = (0, 1);
    for (n, &bit) in sequence.iter().enumerate() {
        for w in (1..words).rev() {
            recent[w] = recent[w] << 1 | recent[w - 1] >> 63;
        }
        recent[0] = recent[0] << 1 | u64::from(bit);
        let differs = now.iter().zip(&recent).fold(0, |sum, (a, b)| sum ^ a & b).count_ones() % 2 == 1;
        if !differs {
            since += 1;
            continue;
        }
        let last = now.clone();
        let (far, near) = (since / 64, since % 64);
        for w in far..words {
            now[w] ^= before[w - far] << near;
            if near > 0 && w > far {
                now[w] ^= before[w - far - 1] >> (64 - near);
            }
        }
        if 2 * length <= n {
            length = n + 1 - length;
            before = last;
            since = 1;
        } else {
            since += 1;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::super::tests::bits;
    use super::*;
    use crate::random::Galois;

    #[test]
    fn complexities_are_those_of_the_registers() {
        assert_eq!(complexity(&bits("1101011110001")), 4, "2.10.4");
        assert_eq!(complexity(&[false; 9]), 0);
        for width in [32, 48, 64] {
            let mut lfsr = Galois::of_width(width, 0x1234_5678).unwrap();
            let sequence: Vec<bool> = (0..500).map(|_| lfsr.step()).collect();
            assert_eq!(complexity(&sequence), width as usize);
        }
    }
}
