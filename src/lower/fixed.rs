//! Factors of sums in fixed point: how many fraction bits, and how far decisions can be off.

use crate::model::{Affine, Dense, Method, Subset};

/// Most fraction bits of a factor: those that an affine layer may have.
const MOST_FRAC_BITS: u32 = 16;
/// Largest factor of a sum: 18 bits with its sign, one DSP multiplier port.
const LARGEST_FACTOR: i64 = (1 << 17) - 1;
/// Largest bias of an affine layer.
const LARGEST_BIAS: i64 = 1 << 20;

/// The integer nearest to `v` in units of 2^−`frac_bits`.
pub fn fixed(v: f64, frac_bits: u32) -> i64 {
    (v * f64::from(1u32 << frac_bits)).round() as i64
}

/// The probability code nearest to `p`.
pub fn code(p: f64, code_bits: u32) -> u32 {
    (p * f64::from(1u32 << code_bits.min(31))).round() as u32
}

/// `sigma·ε` for each one more or less than bits/2.
pub fn spread(m: &Subset, o: usize) -> f64 {
    m.sigma[o] * (2.0 / f64::from(m.bits).sqrt())
}

/// The most fraction bits of gains and biases with which every gain, 1 among them, fits 18 bits and every bias 2^20, and a
/// group's sum 62 bits, the layer's sums being within ±`bound`.
pub fn affine_bits(m: &Affine, bound: i64) -> Option<u32> {
    let size = (m.gamma.len() / m.groups) as i128;
    let fits = |f: &u32| {
        let one = 1i64 << f;
        m.gamma.iter().zip(&m.beta).all(|(&gamma, &beta)| {
            let (gain, bias) = (fixed(gamma, *f).saturating_abs().max(one), fixed(beta, *f).saturating_abs());
            let value = i128::from(gain) * i128::from(bound) + i128::from(bias);
            gain <= LARGEST_FACTOR && bias <= LARGEST_BIAS && 2 * size * value < 1 << 62
        })
    };
    (0..=MOST_FRAC_BITS).rev().find(fits)
}

/// The most fraction bits of means and spreads with which every `mean + spread·e` fits 18 bits.
pub fn subset_bits(m: &Subset) -> Option<u32> {
    let fits = |f: &u32| (0..m.mu.len()).all(|o| largest_factor(m, o, *f) <= i128::from(LARGEST_FACTOR));
    (0..=MOST_FRAC_BITS).rev().find(fits)
}

/// Largest magnitude of `mean + spread·e` in units of 2^−`frac_bits`.
pub fn largest_factor(m: &Subset, o: usize, frac_bits: u32) -> i128 {
    let size = |v: f64| i128::from(fixed(v, frac_bits)).abs();
    size(m.mu[o]) + size(spread(m, o)) * i128::from(m.bits / 2)
}

/// How far from 0 the value before the sign ([`crate::model::before_sign`]) of each neuron may be where the integer network
/// decides otherwise, given the same inputs and draws. 0: it decides the same always, up to what f64 rounds.
///
/// * Affine dropout, F fraction bits, groups of M: a value v is off by at most half a unit for the gain times the sum, and
///   half a unit for the bias; so v less its group's mean by (1 − 1/M)·(bound + 1)/2^F.
/// * Sub-set inference, F fraction bits, B random bits: the scale is off by at most half a unit for the mean and for each of
///   B/2 spreads; the limit is exact. So the product is off by bound·(1 + B/2)/2^(F + 1), and what batch norm makes of it by
///   |gamma|/sqrt(var + eps) as much.
///
/// `bound` is the largest magnitude of the layer's sums. None where the layer cannot be lowered.
pub fn decision_error(layer: &Dense, bound: i64) -> Option<Vec<f64>> {
    let exact = vec![0.0; layer.outputs()];
    Some(match (&layer.method, &layer.norm) {
        (Some(Method::Affine(m)), _) => {
            let others = 1.0 - m.groups as f64 / layer.outputs() as f64;
            let unit = 1.0 / f64::from(1u32 << affine_bits(m, bound)?);
            exact.iter().map(|_| others * (bound as f64 + 1.0) * unit).collect()
        }
        (Some(Method::Subset(m)), Some(norm)) => {
            let unit = 1.0 / f64::from(1u32 << subset_bits(m)?);
            let product = bound as f64 * (1.0 + f64::from(m.bits / 2)) * unit / 2.0;
            let steepness = |o: usize| norm.gamma[o].abs() / (norm.var[o] + norm.eps).sqrt();
            (0..layer.outputs()).map(|o| product * steepness(o)).collect()
        }
        _ => exact,
    })
}
