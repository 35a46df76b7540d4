//! How good predictions are on labelled images.

use super::{Prediction, ScoreError};

/// Bins of equal width in which the calibration error is taken.
pub const CALIBRATION_BINS: usize = 15;

/// Means over a set of labelled images.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Share of images whose most probable class is the label.
    pub accuracy: f64,
    /// Negative log-likelihood: mean of −ln p̄ of the label. Infinite if a label had probability 0.
    pub nll: f64,
    /// Expected calibration error: over [`CALIBRATION_BINS`] bins of the probability of the predicted class, the mean
    /// distance between that probability and the accuracy, weighted by images (Guo et al., ICML 2017, §2).
    pub ece: f64,
    /// Brier score over all classes: mean of Σ (p̄_c − [c is the label])², 0 to 2.
    pub brier: f64,
    /// Mean predictive entropy.
    pub entropy: f64,
    /// Mean mutual information.
    pub mutual_information: f64,
}

impl Scores {
    /// Scores one prediction for each label.
    pub fn new(predictions: &[Prediction], labels: &[usize]) -> Result<Scores, ScoreError> {
        check_lengths(predictions.len(), labels.len())?;
        let mut scores =
            Scores { accuracy: 0.0, nll: 0.0, ece: 0.0, brier: 0.0, entropy: 0.0, mutual_information: 0.0 };
        // Σ (confidence − right) of each bin.
        let mut gaps = [0.0; CALIBRATION_BINS];
        for (image, (prediction, &label)) in predictions.iter().zip(labels).enumerate() {
            let p = &prediction.probability;
            let Some(&likelihood) = p.get(label) else {
                return Err(ScoreError::Label { image, label, classes: p.len() });
            };
            let class = prediction.class();
            let right = f64::from(u8::from(class == label));
            scores.accuracy += right;
            scores.nll -= likelihood.ln();
            scores.brier += p.iter().map(|p| p * p).sum::<f64>() - 2.0 * likelihood + 1.0;
            scores.entropy += prediction.entropy;
            scores.mutual_information += prediction.mutual_information;
            let bin = (p[class] * CALIBRATION_BINS as f64) as usize;
            gaps[bin.min(CALIBRATION_BINS - 1)] += p[class] - right;
        }
        scores.ece = gaps.iter().map(|gap| gap.abs()).sum();
        let images = labels.len() as f64;
        let Scores { accuracy, nll, ece, brier, entropy, mutual_information } = &mut scores;
        for mean in [accuracy, nll, ece, brier, entropy, mutual_information] {
            *mean /= images;
        }
        Ok(scores)
    }
}

/// Share of decided classes that are the label: for the hardware's decision, which is by summed logits.
pub fn accuracy(classes: &[usize], labels: &[usize]) -> Result<f64, ScoreError> {
    check_lengths(classes.len(), labels.len())?;
    let right = classes.iter().zip(labels).filter(|(class, label)| class == label).count();
    Ok(right as f64 / labels.len() as f64)
}

fn check_lengths(predictions: usize, labels: usize) -> Result<(), ScoreError> {
    match predictions {
        _ if predictions != labels => Err(ScoreError::Lengths { predictions, labels }),
        0 => Err(ScoreError::Empty),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(probability: &[f64]) -> Prediction {
        Prediction { probability: probability.to_vec(), entropy: 0.5, mutual_information: 0.25 }
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
    }

    #[test]
    fn scores_are_those_worked_out_by_hand() {
        let predictions = [[0.7, 0.2, 0.1], [0.69, 0.3, 0.01], [0.1, 0.4, 0.5]].map(|p| prediction(&p));
        let scores = Scores::new(&predictions, &[0, 1, 2]).unwrap();
        close(scores.accuracy, 2.0 / 3.0);
        close(scores.nll, -(0.7f64.ln() + 0.3f64.ln() + 0.5f64.ln()) / 3.0);
        close(scores.brier, (0.09 + 0.04 + 0.01 + 0.4761 + 0.49 + 0.0001 + 0.01 + 0.16 + 0.25) / 3.0);
        // 0.7 (right) and 0.69 (wrong) share bin 10, so |1.39 − 1|; 0.5 (right) is alone, so |0.5 − 1|.
        close(scores.ece, (0.39 + 0.5) / 3.0);
        close(scores.entropy, 0.5);
        close(scores.mutual_information, 0.25);
    }

    #[test]
    fn certainty_falls_in_the_last_bin() {
        let scores = Scores::new(&[prediction(&[0.0, 1.0])], &[1]).unwrap();
        let perfect = Scores { accuracy: 1.0, nll: 0.0, ece: 0.0, brier: 0.0, entropy: 0.5, mutual_information: 0.25 };
        assert_eq!(scores, perfect);
        assert_eq!(Scores::new(&[prediction(&[0.0, 1.0])], &[0]).unwrap().nll, f64::INFINITY);
    }

    #[test]
    fn labels_must_fit() {
        let one = [prediction(&[0.5, 0.5])];
        assert_eq!(Scores::new(&one, &[]), Err(ScoreError::Lengths { predictions: 1, labels: 0 }));
        assert_eq!(Scores::new(&[], &[]), Err(ScoreError::Empty));
        let told = Scores::new(&one, &[2]).unwrap_err().to_string();
        assert_eq!(told, "label 2 of image 0: the network has 2 classes, so 0 to 1");
    }

    #[test]
    fn accuracy_counts_decisions() {
        assert_eq!(accuracy(&[1, 2, 0, 1], &[1, 2, 3, 0]), Ok(0.5));
        assert_eq!(accuracy(&[], &[]), Err(ScoreError::Empty));
        assert_eq!(accuracy(&[1], &[1, 2]), Err(ScoreError::Lengths { predictions: 1, labels: 2 }));
    }
}
