//! Distances of logits in octaves: the factor by which the softmax of `docs/semantics.md` §7 scales them.

use super::Output;
use std::f64::consts::LOG2_E;

/// Fraction bits of a distance: it is counted in units of 2^-10 octave.
pub const OCTAVE_BITS: u32 = 10;

/// A distance of logits becomes octaves by `distance · scale / 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octaves {
    /// K of the contract: 17 bits, but for temperatures far from 1.
    pub scale: u64,
    /// R of the contract, 1 to 48.
    pub shift: u32,
}

impl Output {
    /// The constants that fold log2(e), the fraction bits of a logit and the temperature.
    pub fn octaves(&self) -> Octaves {
        let unit = 2f64.powi(OCTAVE_BITS as i32 - self.frac_bits as i32);
        let factor = (LOG2_E * unit / self.temperature).clamp(2f64.powi(-32), 2f64.powi(15));
        let scaled = |shift: u32| factor * 2f64.powi(shift as i32);
        let shift = (1..48).find(|&shift| scaled(shift) >= 65536.0).unwrap_or(48);
        Octaves { scale: scaled(shift).round() as u64, shift }
    }

    /// Guard bits of a probability: ceil(log2 of the classes).
    pub fn guard_bits(&self) -> u32 {
        usize::BITS - (self.weights.rows() - 1).leading_zeros()
    }

    /// Fraction bits of a probability.
    pub fn probability_bits(&self) -> u32 {
        17 + self.guard_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Weights;

    fn output(classes: usize, frac_bits: u32, temperature: f64) -> Output {
        let (scale, offset) = (vec![1; classes], vec![0; classes]);
        let weights = Weights::zeros(classes, 1);
        Output { weights, scale, offset, shift: 0, frac_bits, logit_bits: 16, temperature, others: vec![] }
    }

    #[test]
    fn the_scale_has_17_bits_and_is_within_half_a_unit() {
        for frac_bits in 0..=31 {
            for temperature in [0.3, 0.99, 1.0, 2.5, 40.0] {
                let Octaves { scale, shift } = output(10, frac_bits, temperature).octaves();
                let exact = 1024.0 * LOG2_E / (2f64.powi(frac_bits as i32) * temperature);
                assert!((65536..=131_072).contains(&scale) && (1..=48).contains(&shift), "{scale} {shift}");
                assert!((scale as f64 / 2f64.powi(shift as i32) / exact - 1.0).abs() <= 2f64.powi(-17));
            }
        }
    }

    #[test]
    fn temperatures_beyond_reach_are_limited() {
        assert_eq!(output(2, 0, 1e-9).octaves(), Octaves { scale: 65536, shift: 1 });
        assert_eq!(output(2, 31, 1e9).octaves(), Octaves { scale: 65536, shift: 48 });
    }

    #[test]
    fn guard_bits_count_the_classes() {
        let guard = [2, 3, 4, 5, 8, 9, 10, 16, 17].map(|classes| output(classes, 0, 1.0).guard_bits());
        assert_eq!(guard, [1, 2, 2, 3, 3, 4, 4, 4, 5]);
    }
}
