//! Predictions as a host reads them from a design: fixed point, divided by the passes (`docs/semantics.md` §7).

use super::Prediction;
use crate::golden::{ImageResult, Uncertainty};
use crate::net::Output;
use std::f64::consts::LN_2;

impl Prediction {
    /// From what a design with `--uncertainty` reports of an image after `passes` passes.
    ///
    /// A probability that the design has cut to 0 lies below its unit: it counts as half of that, or the likelihood of a
    /// label could be 0. One pass cannot disagree with itself: what a design calls information then is rounding, and counts
    /// as 0.
    pub fn reported(result: &ImageResult, found: &Uncertainty, passes: u32, output: &Output) -> Prediction {
        let information = if passes > 1 { found.information } else { 0 };
        let passes = f64::from(passes);
        let unit = passes * 2f64.powi(output.probability_bits() as i32);
        let nats = |octaves: u64| octaves as f64 * LN_2 / (passes * 4096.0);
        let largest = result.sum.iter().copied().max().unwrap_or(0);
        Prediction {
            probability: found.probability.iter().map(|&p| if p == 0 { 0.5 } else { p as f64 } / unit).collect(),
            entropy: nats(found.entropy),
            mutual_information: nats(information),
            largest_logit: largest as f64 / (passes * 2f64.powi(output.frac_bits as i32)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Weights;

    #[test]
    fn registers_become_means_in_nats() {
        // Four classes: 19 fraction bits of a probability.
        let output = Output {
            weights: Weights::zeros(4, 1),
            scale: vec![1; 4],
            offset: vec![0; 4],
            shift: 0,
            frac_bits: 3,
            logit_bits: 16,
            temperature: 1.0,
            others: vec![],
        };
        let result =
            ImageResult { sum: vec![40, 24, -8, -8], sumsq: vec![0; 4], votes: vec![1, 1, 0, 0], class: 0, passes: 2 };
        let found = Uncertainty {
            probability: vec![3 << 18, 1 << 18, 1, 0],
            squares: vec![0; 4],
            entropy: 3 << 12,
            information: 1 << 11,
        };
        let prediction = Prediction::reported(&result, &found, 2, &output);
        assert_eq!(prediction.probability, [0.75, 0.25, 2f64.powi(-20), 2f64.powi(-21)]);
        assert_eq!(prediction.entropy, 1.5 * LN_2);
        assert_eq!(prediction.mutual_information, 0.25 * LN_2);
        assert_eq!(prediction.largest_logit, 2.5);
        assert_eq!(Prediction::reported(&result, &found, 1, &output).mutual_information, 0.0);
    }
}
