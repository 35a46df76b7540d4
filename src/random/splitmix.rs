//! SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): small, fast, and good for any seed.
//!
//! For what software draws by itself: orders, noise, resampling. Hardware has no such unit; its draws are the LFSR's.

/// Golden ratio, the step of the state.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A generator of 64-bit words with a state of 64 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    pub fn new(seed: u64) -> SplitMix64 {
        SplitMix64 { state: seed }
    }

    /// Generator `n` of a family: seeded with word `n` of the generator that `seed` gives.
    pub fn nth(seed: u64, n: u64) -> SplitMix64 {
        SplitMix64::new(SplitMix64::new(seed.wrapping_add(n.wrapping_mul(STEP))).word())
    }

    /// 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let z = self.state;
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 to `n` − 1, each with the same probability but for 1 part in 2^64/n.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(n)) >> 64) as u64
    }

    /// Uniform in the open interval from 0 to 1, in steps of 2^−52.
    pub fn unit(&mut self) -> f64 {
        ((self.word() >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    /// Normal with mean 0 and variance 1, as Box and Muller (1958) draw it.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_reference_implementation() {
        // First outputs of splitmix64.c (Vigna) seeded with 1234567.
        let mut random = SplitMix64::new(1_234_567);
        let words = [(); 3].map(|()| random.word());
        assert_eq!(words, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn numbers_below_n_are_equally_frequent() {
        let mut random = SplitMix64::new(1);
        let mut counts = [0; 7];
        (0..70_000).for_each(|_| counts[random.below(7) as usize] += 1);
        // 10,000 each; four standard deviations are 370.
        assert!(counts.iter().all(|n| (9_630..=10_370).contains(n)), "{counts:?}");
    }

    #[test]
    fn normal_numbers_have_the_moments_of_the_normal_distribution() {
        let mut random = SplitMix64::new(2);
        let values: Vec<f64> = (0..100_000).map(|_| random.normal()).collect();
        let moment = |k: i32| values.iter().map(|v| v.powi(k)).sum::<f64>() / values.len() as f64;
        // Standard errors are 0.003, 0.004, 0.012 and 0.031.
        for (k, expected, error) in [(1, 0.0, 0.013), (2, 1.0, 0.018), (3, 0.0, 0.05), (4, 3.0, 0.13)] {
            assert!((moment(k) - expected).abs() < error, "moment {k}: {}", moment(k));
        }
    }

    #[test]
    fn generators_of_one_seed_have_nothing_in_common() {
        let words = |n| {
            let mut random = SplitMix64::nth(3, n);
            [(); 100].map(|()| random.word())
        };
        let mut all: Vec<u64> = (0..10).flat_map(words).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 1000);
    }
}
