//! How well a score tells other data from what a network was trained on.

use super::interval::{Interval, bootstrap, wilson};
use super::{ScoreError, Scored, Threshold};

/// Figures of detection. The outliers are the positives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection<T = f64> {
    /// Area under the receiver operating characteristic: the probability that an outlier has a larger score than an
    /// in-distribution image, equal scores counting half.
    pub auroc: T,
    /// Area under precision over recall, as average precision: the sum over thresholds of the step in recall times
    /// precision. Images of equal score are one step. Pure chance gives the share of outliers.
    pub aupr: T,
    /// Share of outliers that the threshold does not accept.
    pub detected: T,
}

impl Detection {
    pub fn new(inside: &[Scored], outside: &[Scored], threshold: &Threshold) -> Result<Detection, ScoreError> {
        let ranking = Ranking::new(inside, outside)?;
        let (auroc, aupr) = ranking.areas(&vec![1; inside.len()], &vec![1; outside.len()]);
        Ok(Detection { auroc, aupr, detected: detected(outside, threshold) as f64 / outside.len() as f64 })
    }

    /// 95 % intervals: of the areas by [`bootstrap`], in-distribution images and outliers each resampled by themselves;
    /// of the detected share by [`wilson`], with the threshold as it is.
    pub fn intervals(
        inside: &[Scored],
        outside: &[Scored],
        threshold: &Threshold,
        seed: u64,
    ) -> Result<Detection<Interval>, ScoreError> {
        let ranking = Ranking::new(inside, outside)?;
        let [auroc, aupr] = bootstrap([inside.len(), outside.len()], seed, |[inside, outside]| {
            let (auroc, aupr) = ranking.areas(inside, outside);
            [auroc, aupr]
        });
        let detected = wilson(detected(outside, threshold), outside.len());
        Ok(Detection { auroc: auroc.within(0.0, 1.0), aupr: aupr.within(0.0, 1.0), detected })
    }
}

fn detected(outside: &[Scored], threshold: &Threshold) -> usize {
    outside.iter().filter(|&&image| !threshold.accepts(image)).count()
}

/// Images of both groups, the largest score first.
struct Ranking {
    images: Vec<Ranked>,
    /// Images of each run of equal scores.
    runs: Vec<usize>,
}

struct Ranked {
    outside: bool,
    /// Within its group.
    index: usize,
}

impl Ranking {
    fn new(inside: &[Scored], outside: &[Scored]) -> Result<Ranking, ScoreError> {
        if inside.is_empty() || outside.is_empty() {
            return Err(ScoreError::Empty);
        }
        let group = |outside: bool, images: &[Scored]| -> Vec<(f64, Ranked)> {
            images.iter().enumerate().map(|(index, image)| (image.score, Ranked { outside, index })).collect()
        };
        let mut all = group(false, inside);
        all.extend(group(true, outside));
        all.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let runs = all.chunk_by(|(a, _), (b, _)| a == b).map(<[_]>::len).collect();
        Ok(Ranking { images: all.into_iter().map(|(_, image)| image).collect(), runs })
    }

    /// AUROC and average precision where each image counts so often.
    fn areas(&self, inside: &[u32], outside: &[u32]) -> (f64, f64) {
        // Counted so far, from the largest score down, and pairs that the outlier wins, in halves.
        let (mut seen_inside, mut seen_outside, mut half_wins) = (0u64, 0u64, 0u64);
        let mut precisions = 0.0;
        let mut images = self.images.iter();
        for &run in &self.runs {
            let (mut equal_inside, mut equal_outside) = (0, 0);
            for image in images.by_ref().take(run) {
                match image.outside {
                    true => equal_outside += u64::from(outside[image.index]),
                    false => equal_inside += u64::from(inside[image.index]),
                }
            }
            half_wins += equal_inside * (2 * seen_outside + equal_outside);
            seen_inside += equal_inside;
            seen_outside += equal_outside;
            if equal_outside > 0 {
                precisions += equal_outside as f64 * (seen_outside as f64 / (seen_inside + seen_outside) as f64);
            }
        }
        let pairs = seen_inside as f64 * seen_outside as f64;
        (half_wins as f64 / (2.0 * pairs), precisions / seen_outside as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    fn scored(scores: &[f64]) -> Vec<Scored> {
        scores.iter().map(|&score| Scored { score, class: 0 }).collect()
    }

    fn detect(inside: &[f64], outside: &[f64], threshold: f64) -> Detection {
        let threshold = Threshold { overall: threshold, classes: None };
        Detection::new(&scored(inside), &scored(outside), &threshold).unwrap()
    }

    fn normal(random: &mut SplitMix64, mean: f64, images: usize) -> Vec<Scored> {
        (0..images).map(|_| Scored { score: mean + random.normal(), class: 0 }).collect()
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        // From the top: outlier 5, inside 4, outlier 3 and inside 3, inside 1, outlier 0.
        let found = detect(&[1.0, 3.0, 4.0], &[0.0, 3.0, 5.0], 3.0);
        // Of nine pairs the outlier 5 wins three, 3 wins one and shares one, 0 wins none.
        assert!((found.auroc - 4.5 / 9.0).abs() < 1e-12);
        // Precision 1/1 at 5, 2/4 at the two of score 3, 3/6 at 0.
        assert!((found.aupr - (1.0 + 0.5 + 0.5) / 3.0).abs() < 1e-12);
        assert!((found.detected - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn equal_scores_are_worth_a_half_in_any_order() {
        let found = detect(&[7.0; 4], &[7.0; 12], 7.0);
        assert_eq!(found, Detection { auroc: 0.5, aupr: 0.75, detected: 0.0 });
    }

    #[test]
    fn groups_apart_are_told_apart_or_taken_for_each_other() {
        assert_eq!(detect(&[1.0, 2.0], &[3.0, 4.0], 2.0), Detection { auroc: 1.0, aupr: 1.0, detected: 1.0 });
        let reversed = detect(&[3.0, 4.0], &[1.0, 2.0], 4.0);
        assert_eq!((reversed.auroc, reversed.detected), (0.0, 0.0));
        // Precision 1/3 and 2/4.
        assert!((reversed.aupr - (1.0 / 3.0 + 0.5) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn two_normal_distributions_have_the_area_of_the_closed_form() {
        // Φ(d/√2) for d = 1 and 2. The standard error of 40,000 against 40,000 is below 0.0017.
        let mut random = SplitMix64::new(4);
        for (distance, expected) in [(1.0, 0.760_249_938_9), (2.0, 0.921_350_396_5)] {
            let (inside, outside) = (normal(&mut random, 0.0, 40_000), normal(&mut random, distance, 40_000));
            let threshold = Threshold { overall: 1.644_853_627, classes: None };
            let found = Detection::new(&inside, &outside, &threshold).unwrap();
            assert!((found.auroc - expected).abs() < 0.005, "{found:?}, expected {expected}");
            // 1 − Φ(1.645 − d): 0.2595 and 0.6388.
            let beyond = if distance == 1.0 { 0.259_511 } else { 0.638_760 };
            assert!((found.detected - beyond).abs() < 0.01, "{found:?}");
        }
    }

    #[test]
    fn the_interval_is_as_wide_as_the_closed_form_says() {
        // Hanley and McNeil (Radiology 1982), from the probabilities of pairs; for normal scores one apart the standard
        // error of 300 against 300 is 0.0193.
        let mut random = SplitMix64::new(5);
        let (inside, outside) = (normal(&mut random, 0.0, 300), normal(&mut random, 1.0, 300));
        let threshold = Threshold { overall: 1.0, classes: None };
        let found = Detection::new(&inside, &outside, &threshold).unwrap();
        let interval = Detection::intervals(&inside, &outside, &threshold, 1).unwrap();
        let error = (interval.auroc.high - interval.auroc.low) / (2.0 * 1.96);
        assert!((error - 0.0193).abs() < 0.003, "{error}");
        for (value, interval) in
            [(found.auroc, interval.auroc), (found.aupr, interval.aupr), (found.detected, interval.detected)]
        {
            assert!(interval.low < value && value < interval.high, "{value} in {interval:?}");
        }
    }

    #[test]
    fn an_image_that_counts_twice_is_as_two_images() {
        let ranking = Ranking::new(&scored(&[1.0, 3.0, 4.0]), &scored(&[0.0, 3.0, 5.0])).unwrap();
        let (auroc, aupr) = ranking.areas(&[2, 0, 1], &[1, 3, 0]);
        let twice = detect(&[1.0, 1.0, 4.0], &[0.0, 3.0, 3.0, 3.0], 0.0);
        assert!((auroc - twice.auroc).abs() < 1e-12 && (aupr - twice.aupr).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_told_from_nothing() {
        let threshold = Threshold { overall: 0.0, classes: None };
        let one = scored(&[1.0]);
        assert_eq!(Detection::new(&one, &[], &threshold), Err(ScoreError::Empty));
        assert_eq!(Detection::new(&[], &one, &threshold), Err(ScoreError::Empty));
    }
}
