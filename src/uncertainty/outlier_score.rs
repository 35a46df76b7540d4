//! By what number an image is found strange.

use super::Prediction;

/// What is compared with a threshold. Whatever is chosen, the larger number is the stranger image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutlierScore {
    /// Predictive entropy, in nats.
    Entropy,
    /// Mutual information, in nats; 0 for one pass.
    MutualInformation,
    /// Less the largest mean probability (Hendrycks and Gimpel, ICLR 2017).
    MaxSoftmax,
    /// Less the largest mean logit: needs no exponential.
    LargestLogit,
}

impl OutlierScore {
    pub fn of(self, prediction: &Prediction) -> f64 {
        match self {
            OutlierScore::Entropy => prediction.entropy,
            OutlierScore::MutualInformation => prediction.mutual_information,
            OutlierScore::MaxSoftmax => -prediction.confidence(),
            OutlierScore::LargestLogit => -prediction.largest_logit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stranger_image_has_the_larger_score() {
        let sure =
            Prediction { probability: vec![0.9, 0.1], entropy: 0.33, mutual_information: 0.01, largest_logit: 5.0 };
        let unsure =
            Prediction { probability: vec![0.4, 0.6], entropy: 0.67, mutual_information: 0.05, largest_logit: 2.0 };
        use OutlierScore::{Entropy, LargestLogit, MaxSoftmax, MutualInformation};
        let expected = [(Entropy, 0.67), (MutualInformation, 0.05), (MaxSoftmax, -0.6), (LargestLogit, -2.0)];
        for (score, of_unsure) in expected {
            assert_eq!(score.of(&unsure), of_unsure);
            assert!(score.of(&unsure) > score.of(&sure), "{score:?}");
        }
    }
}
