//! The reliability curve: how often predictions of a given confidence are right.

/// Bins of equal width in which the calibration error is taken.
pub const CALIBRATION_BINS: usize = 15;

/// Predictions by their confidence, the probability of the predicted class (Guo et al., ICML 2017, §2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reliability {
    /// Bin n holds confidences from n/15 to below (n + 1)/15; the last one 1 as well.
    pub bins: [Bin; CALIBRATION_BINS],
}

/// The predictions of one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    pub images: u64,
    confidences: f64,
    right: u64,
}

impl Reliability {
    /// Counts a prediction `times` times.
    pub(super) fn add(&mut self, confidence: f64, right: bool, times: u32) {
        let bin = (confidence * CALIBRATION_BINS as f64) as usize;
        let bin = &mut self.bins[bin.min(CALIBRATION_BINS - 1)];
        bin.images += u64::from(times);
        bin.confidences += f64::from(times) * confidence;
        bin.right += u64::from(right) * u64::from(times);
    }

    /// Expected calibration error: the mean distance between confidence and accuracy, bins weighted by images.
    pub fn ece(&self) -> f64 {
        let images: u64 = self.bins.iter().map(|bin| bin.images).sum();
        let gaps: f64 = self.bins.iter().map(|bin| (bin.confidences - bin.right as f64).abs()).sum();
        gaps / images as f64
    }
}

impl Bin {
    /// Mean confidence; none if the bin is empty.
    pub fn confidence(&self) -> Option<f64> {
        (self.images > 0).then(|| self.confidences / self.images as f64)
    }

    /// Share of right predictions; none if the bin is empty.
    pub fn accuracy(&self) -> Option<f64> {
        (self.images > 0).then(|| self.right as f64 / self.images as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_has_the_means_of_its_predictions() {
        let mut curve = Reliability::default();
        // Bin 10 is from 0.6667 to below 0.7333.
        for (confidence, right, times) in [(0.7, true, 1), (0.69, false, 1), (0.5, true, 2), (0.1, true, 0)] {
            curve.add(confidence, right, times);
        }
        let ten = curve.bins[10];
        assert_eq!((ten.images, ten.accuracy()), (2, Some(0.5)));
        assert!((ten.confidence().unwrap() - 0.695).abs() < 1e-12);
        assert_eq!((curve.bins[7].images, curve.bins[7].accuracy()), (2, Some(1.0)));
        assert_eq!((curve.bins[1].images, curve.bins[1].accuracy(), curve.bins[1].confidence()), (0, None, None));
        // |1.39 − 1| of bin 10 and |1 − 2| of bin 7, of four images.
        assert!((curve.ece() - 1.39 / 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_bin_begins_at_its_lower_edge_and_the_last_one_holds_certainty() {
        let mut curve = Reliability::default();
        curve.add(0.2, true, 1);
        curve.add(1.0, true, 1);
        assert_eq!((curve.bins[3].images, curve.bins[CALIBRATION_BINS - 1].images), (1, 1));
    }
}
