//! How good predictions are on labelled images.

use super::interval::{Interval, bootstrap, wilson};
use super::{Prediction, Reliability, ScoreError};

/// Means over a set of labelled images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores<T = f64> {
    /// Share of images whose most probable class is the label.
    pub accuracy: T,
    /// Negative log-likelihood: mean of −ln p̄ of the label. Infinite if a label had probability 0.
    pub nll: T,
    /// Expected calibration error: see [`Reliability::ece`].
    pub ece: T,
    /// Brier score over all classes: mean of Σ (p̄_c − [c is the label])², 0 to 2.
    pub brier: T,
    /// Mean predictive entropy.
    pub entropy: T,
    /// Mean mutual information.
    pub mutual_information: T,
}

impl Scores {
    /// Scores one prediction for each label.
    pub fn new(predictions: &[Prediction], labels: &[usize]) -> Result<Scores, ScoreError> {
        let terms = terms(predictions, labels)?;
        Ok(mean(&terms, &vec![1; terms.len()]))
    }

    /// 95 % intervals: of the accuracy by [`wilson`], of all else by [`bootstrap`].
    pub fn intervals(predictions: &[Prediction], labels: &[usize], seed: u64) -> Result<Scores<Interval>, ScoreError> {
        let terms = terms(predictions, labels)?;
        let right = terms.iter().filter(|term| term.right).count();
        let intervals = bootstrap([terms.len()], seed, |[times]| {
            let Scores { accuracy: _, nll, ece, brier, entropy, mutual_information } = mean(&terms, times);
            [nll, ece, brier, entropy, mutual_information]
        });
        let [nll, ece, brier, entropy, mutual_information] = intervals.map(|i| i.within(0.0, f64::INFINITY));
        Ok(Scores { accuracy: wilson(right, terms.len()), nll, ece, brier, entropy, mutual_information })
    }
}

impl Reliability {
    /// The curve of one prediction for each label.
    pub fn new(predictions: &[Prediction], labels: &[usize]) -> Result<Reliability, ScoreError> {
        let mut curve = Reliability::default();
        terms(predictions, labels)?.iter().for_each(|term| curve.add(term.confidence, term.right, 1));
        Ok(curve)
    }
}

/// What one image adds to the means.
struct Term {
    right: bool,
    confidence: f64,
    nll: f64,
    brier: f64,
    entropy: f64,
    mutual_information: f64,
}

fn terms(predictions: &[Prediction], labels: &[usize]) -> Result<Vec<Term>, ScoreError> {
    check_lengths(predictions.len(), labels.len())?;
    let term = |(image, (prediction, &label)): (usize, (&Prediction, &usize))| {
        let p = &prediction.probability;
        let Some(&likelihood) = p.get(label) else {
            return Err(ScoreError::Label { image, label, classes: p.len() });
        };
        Ok(Term {
            right: prediction.class() == label,
            confidence: prediction.confidence(),
            nll: -likelihood.ln(),
            brier: p.iter().map(|p| p * p).sum::<f64>() - 2.0 * likelihood + 1.0,
            entropy: prediction.entropy,
            mutual_information: prediction.mutual_information,
        })
    };
    predictions.iter().zip(labels).enumerate().map(term).collect()
}

/// Means where each image counts so often.
fn mean(terms: &[Term], times: &[u32]) -> Scores {
    let mut curve = Reliability::default();
    let mut scores = Scores { accuracy: 0.0, nll: 0.0, ece: 0.0, brier: 0.0, entropy: 0.0, mutual_information: 0.0 };
    let mut images = 0.0;
    // An infinite term that does not count must not become 0 · ∞.
    for (term, &times) in terms.iter().zip(times).filter(|(_, times)| **times > 0) {
        curve.add(term.confidence, term.right, times);
        let times = f64::from(times);
        images += times;
        scores.accuracy += times * f64::from(u8::from(term.right));
        scores.nll += times * term.nll;
        scores.brier += times * term.brier;
        scores.entropy += times * term.entropy;
        scores.mutual_information += times * term.mutual_information;
    }
    scores.ece = curve.ece();
    let Scores { accuracy, nll, ece: _, brier, entropy, mutual_information } = &mut scores;
    for mean in [accuracy, nll, brier, entropy, mutual_information] {
        *mean /= images;
    }
    scores
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
        Prediction { probability: probability.to_vec(), entropy: 0.5, mutual_information: 0.25, largest_logit: 1.0 }
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
    fn intervals_hold_the_means_and_narrow_with_more_images() {
        // Confidence 0.8 and right in three of four images.
        let of = |images: usize| {
            let predictions: Vec<Prediction> = (0..images).map(|_| prediction(&[0.8, 0.2])).collect();
            let labels: Vec<usize> = (0..images).map(|n| usize::from(n % 4 == 3)).collect();
            (Scores::new(&predictions, &labels).unwrap(), Scores::intervals(&predictions, &labels, 1).unwrap())
        };
        let width = |i: Interval| i.high - i.low;
        let ((means, wide), (_, narrow)) = (of(400), of(6400));
        close(means.ece, 0.05);
        for (mean, interval) in [(means.accuracy, wide.accuracy), (means.nll, wide.nll), (means.brier, wide.brier)] {
            assert!(interval.low < mean && mean < interval.high, "{mean} in {interval:?}");
        }
        // The standard error of a share of 0.75: 0.0217 for 400 images, a quarter of that for 16 times as many.
        assert!((width(narrow.ece) - 2.0 * 1.96 * 0.0217 / 4.0).abs() < 0.003, "{:?}", narrow.ece);
        assert!((width(narrow.nll) / width(wide.nll) - 0.25).abs() < 0.04);
        assert_eq!(wide.entropy, Interval { low: 0.5, high: 0.5 });
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
