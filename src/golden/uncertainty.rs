//! What the passes of one image say together, in the integer arithmetic of `docs/semantics.md` §7.

use crate::net::{OCTAVE_BITS, Octaves, Output};

/// Parts of an octave.
const OCTAVE: usize = 1 << OCTAVE_BITS;
/// Largest distance of two logits, in parts of an octave.
const FARTHEST: u64 = 65535;
/// Fraction bits of a power of two before guard bits.
const POWER_BITS: i32 = 17;

/// The uncertainty of one image; all values are sums over its passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uncertainty {
    /// Sum of each class's probability, [`Output::probability_bits`] fraction bits.
    pub probability: Vec<u64>,
    /// Sum of their squares, 32 fraction bits.
    pub squares: Vec<u64>,
    /// Passes times predictive entropy, in octaves with 12 fraction bits.
    pub entropy: u64,
    /// Passes times mutual information, in the same unit.
    pub information: u64,
}

impl Uncertainty {
    /// Whether the image counts as out of distribution: `threshold` is in the unit of the entropy, for `passes` passes
    /// together: 1 but with early stop.
    pub fn flag(&self, threshold: u64, passes: u32) -> bool {
        u128::from(self.entropy) > u128::from(threshold) * u128::from(passes)
    }
}

/// The integer softmax of an output layer.
#[derive(Clone, Debug)]
pub struct Softmax {
    classes: usize,
    octaves: Octaves,
    guard: u32,
    /// X of the contract.
    powers: Vec<u64>,
    /// L of the contract.
    logs: Vec<u64>,
}

/// A pass: the probability of each class and how many octaves it lies below 1.
type Pass = Vec<(u64, u64)>;

impl Softmax {
    pub fn new(output: &Output) -> Softmax {
        let part = |j: usize| j as f64 / OCTAVE as f64;
        Softmax {
            classes: output.weights.rows(),
            octaves: output.octaves(),
            guard: output.guard_bits(),
            powers: (0..OCTAVE).map(|j| (2f64.powi(POWER_BITS) * (-part(j)).exp2()).round() as u64).collect(),
            logs: (0..OCTAVE).map(|k| (OCTAVE as f64 * part(k).ln_1p() / 2f64.ln()).round() as u64).collect(),
        }
    }

    /// Fraction bits of a probability.
    fn bits(&self) -> u32 {
        POWER_BITS as u32 + self.guard
    }

    fn power(&self, d: u64) -> u64 {
        let whole = d >> OCTAVE_BITS;
        let fraction = self.powers[d as usize % OCTAVE] << self.guard;
        if whole < 64 { fraction >> whole } else { 0 }
    }

    /// Of a number that is not 0.
    fn log(&self, v: u64) -> u64 {
        let n = v.ilog2();
        let twice = ((u128::from(v) << (OCTAVE_BITS + 1)) >> n) as u64 - 2 * OCTAVE as u64;
        let k = twice.div_ceil(2);
        match self.logs.get(k as usize) {
            Some(log) => u64::from(n) * OCTAVE as u64 + log,
            None => u64::from(n + 1) * OCTAVE as u64,
        }
    }

    fn pass(&self, logits: &[i32]) -> Pass {
        let top = logits.iter().copied().max().unwrap_or(0);
        let distance = |&z: &i32| {
            let product = u128::from((i64::from(top) - i64::from(z)).unsigned_abs()) * u128::from(self.octaves.scale);
            ((product + (1 << (self.octaves.shift - 1))) >> self.octaves.shift).min(FARTHEST.into()) as u64
        };
        let distances: Vec<u64> = logits.iter().map(distance).collect();
        let total: u64 = distances.iter().map(|&d| self.power(d)).sum();
        let below = self.log(total) - u64::from(self.bits()) * OCTAVE as u64;
        distances.iter().map(|d| (self.power(d + below), d + below)).collect()
    }

    /// From the logits of an image, `passes × classes`.
    pub fn uncertainty(&self, logits: &[i32]) -> Uncertainty {
        let (mut probability, mut squares) = (vec![0; self.classes], vec![0; self.classes]);
        let mut spread = 0u128;
        for pass in logits.chunks_exact(self.classes) {
            for (c, (p, d)) in self.pass(pass).into_iter().enumerate() {
                probability[c] += p;
                squares[c] += (p >> (self.guard + 1)).pow(2);
                spread += u128::from(p * d);
            }
        }
        let log_all = self.log(probability.iter().sum());
        let some = probability.iter().filter(|&&p| p > 0);
        let entropy: u128 = some.map(|&p| u128::from(p) * u128::from(log_all - self.log(p))).sum();
        let unit = self.bits() - 2;
        let information = (entropy.saturating_sub(spread) >> unit) as u64;
        Uncertainty { probability, squares, entropy: (entropy >> unit) as u64, information }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Weights;
    use crate::uncertainty::Prediction;

    fn output(classes: usize, frac_bits: u32, temperature: f64) -> Output {
        let (scale, offset) = (vec![1; classes], vec![0; classes]);
        let weights = Weights::zeros(classes, 1);
        Output { weights, scale, offset, shift: 0, frac_bits, logit_bits: 24, temperature, others: vec![] }
    }

    /// Rounding in double precision is rounding of the exact value: none is nearer to a tie than a double can be wrong.
    #[test]
    fn tables_are_the_nearest_integers() {
        let softmax = Softmax::new(&output(2, 0, 1.0));
        let away_from_a_tie = |exact: f64| (exact - exact.floor() - 0.5).abs() > 1e-6;
        for j in 0..OCTAVE {
            let (power, log) = (2f64.powf(17.0 - j as f64 / 1024.0), 1024.0 * (1.0 + j as f64 / 1024.0).log2());
            assert!(away_from_a_tie(power) && away_from_a_tie(log), "{j}");
            assert_eq!((softmax.powers[j], softmax.logs[j]), (power.round() as u64, log.round() as u64), "{j}");
        }
    }

    #[test]
    fn powers_and_logarithms_are_as_near_as_the_derivation_says() {
        for classes in [2, 10, 1000, 65536] {
            let softmax = Softmax::new(&output(classes, 0, 1.0));
            let one = 2f64.powi(softmax.bits() as i32);
            for d in 0..40 * OCTAVE as u64 {
                let exact = (-(d as f64) / 1024.0).exp2();
                let error = (softmax.power(d) as f64 / one - exact).abs();
                assert!(error <= 2f64.powi(-17) * exact + 1.0 / one, "2^-{d}/1024 is off by {error:e}");
            }
        }
        let softmax = Softmax::new(&output(2, 0, 1.0));
        let worst = (1..1u64 << 20)
            .chain((20..60).map(|n| (1 << n) + (1 << (n - 1)) + 12345))
            .map(|v| (softmax.log(v) as f64 / 1024.0 - (v as f64).log2()).abs())
            .fold(0.0, f64::max);
        assert!(worst <= (1.0 + 2f64.powi(-11)).log2() + 2f64.powi(-11), "{worst:e} octaves");
        assert!((0..60).all(|n| softmax.log(1 << n) == n * 1024));
    }

    /// Errors of one image against double precision, as shares of what the contract allows.
    fn shares(logits: &[i32], output: &Output) -> [f64; 4] {
        let found = Softmax::new(output).uncertainty(logits);
        let exact = Prediction::new(logits, output);
        let classes = output.weights.rows();
        let passes = (logits.len() / classes) as f64;
        let one = 2f64.powi(output.probability_bits() as i32);
        let mut worst = [0f64; 4];
        for c in 0..classes {
            let p = found.probability[c] as f64 / (passes * one);
            worst[0] = worst[0].max((p - exact.probability[c]).abs() / 0.0017);
            let variance = found.squares[c] as f64 / (passes * 2f64.powi(32)) - p * p;
            let alone = |pass: &[i32]| Prediction::new(pass, output).probability[c];
            let square: f64 = logits.chunks_exact(classes).map(|pass| alone(pass).powi(2)).sum();
            let due = square / passes - exact.probability[c].powi(2);
            worst[1] = worst[1].max((variance - due).abs() / 0.0068);
        }
        let nats = |octaves: u64| octaves as f64 * 2f64.ln() / (passes * 4096.0);
        let h = exact.entropy;
        worst[2] = (nats(found.entropy) - h).abs() / (0.0017 * h + 0.0024);
        let due = exact.mutual_information;
        worst[3] = (nats(found.information) - due).abs() / (0.0017 * (2.0 * h + 1.0) + 0.0024);
        worst
    }

    #[test]
    fn random_logits_stay_within_the_stated_errors() {
        let mut state = 1u64;
        let mut random = |range: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % range
        };
        let mut worst = [0f64; 4];
        for round in 0..4000 {
            let classes = [2, 3, 10, 100][round % 4];
            let output = output(classes, 13, [0.5, 1.0, 1.7][round % 3]);
            // From almost uniform to almost certain.
            let spread = 1 << (8 + random(12));
            let passes = 1 + random(16) as usize;
            let logits: Vec<i32> = (0..passes * classes).map(|_| random(spread) as i32 - (spread / 2) as i32).collect();
            let shares = shares(&logits, &output);
            worst = std::array::from_fn(|i| worst[i].max(shares[i]));
        }
        println!("shares of the stated errors: {worst:?}");
        assert!(worst.iter().all(|&share| share <= 1.0), "{worst:?}");
    }

    #[test]
    fn extremes_are_exact() {
        // Certain and agreeing, certain and disagreeing, wide apart, and all alike.
        let softmax = Softmax::new(&output(4, 0, 1.0));
        let far = i32::MAX / 2;
        let certain = softmax.uncertainty(&[far, 0, 0, -far, far, 0, 0, -far]);
        assert_eq!((certain.entropy, certain.information), (0, 0));
        assert_eq!((certain.probability[0], certain.squares[0]), (2 << 19, 2 << 32));
        let split = softmax.uncertainty(&[far, 0, 0, 0, 0, far, 0, 0]);
        assert_eq!((split.entropy, split.information), (2 << 12, 2 << 12));
        let even = softmax.uncertainty(&[7; 8]);
        assert_eq!((even.entropy, even.information), (4 << 12, 0));
        assert!(even.flag((4 << 12) - 1, 1) && !even.flag(4 << 12, 1) && !even.flag((4 << 12) - 1, 2));
    }
}
