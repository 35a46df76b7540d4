//! What the integer network says of the validation images, and the temperature that fits it.

use super::TrainError;
use crate::golden::Golden;
use crate::net::{Images, Network, Output};
use crate::uncertainty::Prediction;

/// The verdict on a network: what it said of each image of a set.
pub struct Verdict {
    output: Output,
    images: Vec<Said>,
}

struct Said {
    /// `passes × classes`
    logits: Vec<i32>,
    label: usize,
    right: bool,
}

impl Verdict {
    /// Runs `passes` passes of the network, as it will be shipped, over all images.
    pub fn new(network: &Network, images: &Images, labels: &[u8], passes: u32) -> Result<Verdict, TrainError> {
        let images = Golden::new(network)?.run_with(images, 0, passes, |i, result, logits| {
            let label = usize::from(labels[i]);
            Said { logits: logits.to_vec(), label, right: result.class == label }
        })?;
        Ok(Verdict { output: network.output.clone(), images })
    }

    /// Share of images classified correctly.
    pub fn accuracy(&self) -> f64 {
        self.images.iter().filter(|said| said.right).count() as f64 / self.images.len() as f64
    }

    /// Mean negative log-likelihood of the labels at this temperature, in nats.
    pub fn nll(&self, temperature: f64) -> f64 {
        let output = Output { temperature, ..self.output.clone() };
        let of_image = |said: &Said| {
            let likelihood = Prediction::new(&said.logits, &output).probability[said.label];
            // One likelihood that underflows would make every low temperature infinitely bad.
            -likelihood.max(f64::MIN_POSITIVE).ln()
        };
        self.images.iter().map(of_image).sum::<f64>() / self.images.len() as f64
    }

    /// The most probable temperature from 1/10 to 10, if before seeing images it is log-normal around 1 with a spread of a
    /// factor of 2. That prior weighs as much as one image: it matters only where almost no image is wrong, so that the
    /// least [`Verdict::nll`] would be at 0.
    ///
    /// Golden-section search on the logarithm, around the best of 25 points, since the mean of several passes can give more
    /// than one minimum.
    pub fn temperature(&self) -> f64 {
        const RATIO: f64 = 0.618_033_988_749_894_8;
        let prior = |x: f64| (x / std::f64::consts::LN_2).powi(2) / 2.0;
        let at = |x: f64| self.nll(x.exp()) + prior(x) / self.images.len() as f64;
        let spacing = 10f64.ln() / 12.0;
        let points = (-12..=12).map(|n| f64::from(n) * spacing);
        let (best, _) = points.map(|x| (x, at(x))).fold((0.0, f64::INFINITY), |a, b| if b.1 < a.1 { b } else { a });
        let (mut low, mut high) = (best - spacing, best + spacing);
        let mut inner = [high - RATIO * (high - low), low + RATIO * (high - low)];
        let mut found = inner.map(at);
        while high - low > 1e-4 {
            if found[0] < found[1] {
                high = inner[1];
                inner = [high - RATIO * (high - low), inner[0]];
                found = [at(inner[0]), found[0]];
            } else {
                low = inner[0];
                inner = [inner[1], low + RATIO * (high - low)];
                found = [found[1], at(inner[1])];
            }
        }
        // Four digits: more would claim a precision that the images do not give.
        (f64::midpoint(low, high).exp() * 1e4).round() / 1e4
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Weights;

    const FRAC_BITS: u32 = 16;

    fn verdict(images: Vec<Said>) -> Verdict {
        let output = Output {
            weights: Weights::zeros(2, 1),
            scale: vec![1; 2],
            offset: vec![0; 2],
            shift: 0,
            frac_bits: FRAC_BITS,
            logit_bits: 32,
            temperature: 1.0,
            others: vec![],
        };
        Verdict { output, images }
    }

    fn fixed(logit: f64) -> i32 {
        (logit * f64::from(1 << FRAC_BITS)).round() as i32
    }

    #[test]
    fn the_temperature_makes_the_confidence_the_share_of_right_answers() {
        // Three of four images are of class 0; softmax gives 3/4 where the logits differ by ln 3.
        for distance in [1.0, 2.5, 8.0] {
            let said = |n| Said { logits: vec![fixed(distance), 0], label: usize::from(n % 4 == 3), right: n % 4 != 3 };
            let verdict = verdict((0..40_000).map(said).collect());
            let found = verdict.temperature();
            assert!((found / (distance / 3f64.ln()) - 1.0).abs() < 1e-3, "{found} for {distance}");
            assert_eq!(verdict.accuracy(), 0.75);
        }
    }

    #[test]
    fn a_few_images_all_right_do_not_make_the_network_certain() {
        let said = |_| Said { logits: vec![fixed(2.0), 0], label: 0, right: true };
        let found = verdict((0..20).map(said).collect()).temperature();
        assert!((0.3..1.0).contains(&found), "{found}");
    }

    #[test]
    fn an_impossible_label_costs_a_finite_amount() {
        let said = Said { logits: vec![fixed(8000.0), 0], label: 1, right: false };
        assert!(verdict(vec![said]).nll(0.1) < 1000.0);
    }
}
