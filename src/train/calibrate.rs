//! What the integer network says of the validation images, and the temperature that fits it.

use super::TrainError;
use crate::golden::Golden;
use crate::net::{Images, Network};

/// Logits of every pass, with the class that is right.
pub struct Verdict {
    logits: Vec<f64>,
    label: usize,
    correct: bool,
}

/// Runs `passes` passes of the network, as it will be shipped, over all images.
pub fn judge(network: &Network, images: &Images, labels: &[u8], passes: u32) -> Result<Vec<Verdict>, TrainError> {
    let unit = 0.5f64.powi(network.output.frac_bits as i32);
    Ok(Golden::new(network)?.run_with(images, 0, passes, |i, result, logits| Verdict {
        logits: logits.iter().map(|&z| f64::from(z) * unit).collect(),
        label: labels[i].into(),
        correct: result.class == usize::from(labels[i]),
    })?)
}

/// Share of images classified correctly.
pub fn accuracy(verdicts: &[Verdict]) -> f64 {
    verdicts.iter().filter(|v| v.correct).count() as f64 / verdicts.len() as f64
}

/// Mean negative log-likelihood of the right class, in nats: `−ln (1/T)Σ softmax(z_t / temperature)`.
pub fn nll(verdicts: &[Verdict], classes: usize, temperature: f64) -> f64 {
    let of_image = |v: &Verdict| {
        let passes = v.logits.chunks_exact(classes);
        let n = passes.len() as f64;
        let likelihood: f64 = passes
            .map(|z| {
                let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = z.iter().map(|z| ((z - most) / temperature).exp()).sum();
                ((z[v.label] - most) / temperature).exp() / sum
            })
            .sum();
        // A likelihood that underflows would make every temperature infinitely bad.
        -(likelihood / n).max(f64::MIN_POSITIVE).ln()
    };
    verdicts.iter().map(of_image).sum::<f64>() / verdicts.len() as f64
}

/// The temperature of least [`nll`] from 1/10 to 10: golden-section search on its logarithm, around the best of 25 points,
/// since the mean of several passes can give more than one minimum.
pub fn temperature(verdicts: &[Verdict], classes: usize) -> f64 {
    const RATIO: f64 = 0.618_033_988_749_894_8;
    let at = |x: f64| nll(verdicts, classes, x.exp());
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

#[cfg(test)]
mod tests {
    use super::*;

    /// One pass, two classes `distance` apart; three of four images are of class 0.
    fn verdicts(distance: f64) -> Vec<Verdict> {
        [0, 0, 0, 1].map(|label| Verdict { logits: vec![distance, 0.0], label, correct: label == 0 }).into()
    }

    #[test]
    fn the_temperature_makes_the_confidence_the_share_of_right_answers() {
        // softmax gives 3/4 where the logits differ by ln 3.
        for distance in [1.0, 2.5, 8.0] {
            let found = temperature(&verdicts(distance), 2);
            assert!((found - distance / 3f64.ln()).abs() < 1e-3, "{found} for {distance}");
        }
    }

    #[test]
    fn likelihoods_are_averaged_over_passes() {
        let one = Verdict { logits: vec![0.0, 0.0, 3f64.ln(), 0.0], label: 0, correct: true };
        assert!((nll(&[one], 2, 1.0) + (0.5f64 * (0.5 + 0.75)).ln()).abs() < 1e-12);
    }
}
