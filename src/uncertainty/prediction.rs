//! What the passes of one image say together.

use crate::net::Output;

/// The prediction for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// p̄: the mean over passes of the softmax, one entry a class.
    pub probability: Vec<f64>,
    /// Predictive entropy H(p̄): total uncertainty.
    pub entropy: f64,
    /// H(p̄) − mean of H(p_t): the part that is due to the passes disagreeing. Not below 0.
    pub mutual_information: f64,
    /// The largest of the mean logits over passes, without temperature.
    pub largest_logit: f64,
}

impl Prediction {
    /// From integer logits, `passes × classes`, and the output layer that gave them: its number of classes, its
    /// fraction bits and its temperature.
    pub fn new(logits: &[i32], output: &Output) -> Prediction {
        let classes = output.weights.rows();
        let unit = 2f64.powi(output.frac_bits as i32) * output.temperature;
        let passes = (logits.len() / classes) as f64;
        let mut probability = vec![0.0; classes];
        let mut entropies = 0.0;
        let mut p = vec![0.0; classes];
        for z in logits.chunks_exact(classes) {
            softmax(z, unit, &mut p);
            entropies += entropy(&p);
            probability.iter_mut().zip(&p).for_each(|(sum, p)| *sum += p / passes);
        }
        let entropy = entropy(&probability);
        let sum = |class: usize| logits.iter().skip(class).step_by(classes).map(|&z| i64::from(z)).sum::<i64>();
        let largest = (0..classes).map(sum).max().unwrap_or(0);
        Prediction {
            probability,
            entropy,
            mutual_information: (entropy - entropies / passes).max(0.0),
            largest_logit: largest as f64 / (passes * 2f64.powi(output.frac_bits as i32)),
        }
    }

    /// The most probable class; the first of several.
    pub fn class(&self) -> usize {
        let p = &self.probability;
        (1..p.len()).fold(0, |best, c| if p[c] > p[best] { c } else { best })
    }

    /// The probability of the most probable class.
    pub fn confidence(&self) -> f64 {
        self.probability[self.class()]
    }
}

/// Softmax of `logits / unit`.
fn softmax(logits: &[i32], unit: f64, p: &mut [f64]) {
    let largest = f64::from(logits.iter().copied().max().unwrap_or(0));
    for (p, &z) in p.iter_mut().zip(logits) {
        *p = ((f64::from(z) - largest) / unit).exp();
    }
    let total: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= total);
}

/// −Σ p ln p, with 0 ln 0 = 0.
fn entropy(p: &[f64]) -> f64 {
    p.iter().filter(|&&p| p > 0.0).map(|&p| -p * p.ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Weights;

    fn output(classes: usize, frac_bits: u32, temperature: f64) -> Output {
        Output {
            weights: Weights::zeros(classes, 1),
            scale: vec![1; classes],
            offset: vec![0; classes],
            shift: 0,
            frac_bits,
            logit_bits: 16,
            temperature,
            others: vec![],
        }
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
    }

    #[test]
    fn one_pass_is_a_softmax_without_disagreement() {
        // Logits 2 and 0 with 4 fraction bits and temperature 2: odds of e : 1.
        let prediction = Prediction::new(&[32, 0], &output(2, 4, 2.0));
        close(prediction.probability[0], 0.731_058_578_630);
        close(prediction.probability[1], 0.268_941_421_370);
        close(prediction.entropy, 0.582_203_108_888);
        close(prediction.mutual_information, 0.0);
        assert_eq!(prediction.class(), 0);
    }

    #[test]
    fn certain_passes_that_disagree_are_all_mutual_information() {
        let prediction = Prediction::new(&[30_000, 0, 0, 30_000], &output(2, 0, 1.0));
        assert_eq!(prediction.probability, [0.5, 0.5]);
        close(prediction.entropy, std::f64::consts::LN_2);
        close(prediction.mutual_information, std::f64::consts::LN_2);
        assert_eq!(prediction.class(), 0);
    }

    #[test]
    fn uncertain_passes_that_agree_have_no_mutual_information() {
        let prediction = Prediction::new(&[-7; 12], &output(4, 0, 1.0));
        assert_eq!(prediction.probability, [0.25; 4]);
        close(prediction.entropy, 2.0 * std::f64::consts::LN_2);
        close(prediction.mutual_information, 0.0);
    }

    #[test]
    fn probabilities_are_averaged_not_logits() {
        // Odds 3 : 1 and 1 : 1; the mean of 0.75 and 0.5. ln 3 has 16 fraction bits here, hence the tolerance.
        let logits = [(3f64.ln() * 65536.0).round() as i32, 0, 0, 0];
        let prediction = Prediction::new(&logits, &output(2, 16, 1.0));
        assert!((prediction.probability[0] - 0.625).abs() < 1e-5);
        assert_eq!(prediction.confidence(), prediction.probability[0]);
    }

    #[test]
    fn the_largest_logit_is_that_of_the_mean_over_passes() {
        // Sums are 30, 34 and −64; class 0 has the largest single logit. 4 fraction bits, two passes.
        let prediction = Prediction::new(&[40, 16, -32, -10, 18, -32], &output(3, 4, 2.0));
        assert_eq!(prediction.largest_logit, 34.0 / 32.0);
    }
}
