//! Peaks of the spectrum: §2.6.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use statrs::function::erf::erfc;
use std::f64::consts::SQRT_2;

/// §2.6.
pub fn spectral(bits: &[bool]) -> f64 {
    let n = bits.len();
    let mut values: Vec<Complex<f64>> =
        bits.iter().map(|&bit| Complex::new(if bit { 1.0 } else { -1.0 }, 0.0)).collect();
    FftPlanner::new().plan_fft_forward(n).process(&mut values);
    let limit = n as f64 * 20f64.ln();
    let below = values[..n / 2].iter().filter(|value| value.norm_sqr() < limit).count() as f64;
    let n = n as f64;
    let score = (below - 0.95 * n / 2.0) / (n * 0.95 * 0.05 / 4.0).sqrt();
    erfc(score.abs() / SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_near, pi_100};
    use super::*;

    /// SP 800-22 prints 0.168669 in §2.6.8, which 46 peaks below the limit would give; its formula finds 48 of 50. What it prints
    /// for a million digits of e in appendix B comes out to all places (tests of the folder above).
    #[test]
    fn a_hundred_digits_of_pi_have_48_low_peaks() {
        let score: f64 = (48.0 - 47.5) / (100.0 * 0.95 * 0.05 / 4.0f64).sqrt();
        assert_near(spectral(&pi_100()), erfc(score / SQRT_2), "48 peaks");
    }

    #[test]
    fn a_period_fails() {
        let periodic: Vec<bool> = (0..100_000).map(|i| i % 7 < 3).collect();
        assert!(spectral(&periodic) < 1e-6);
    }
}
