//! From which score on an image is taken for an outlier.

use super::ScoreError;

/// What detection looks at: the score of an image and the class that was predicted for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    pub score: f64,
    pub class: usize,
}

/// How thresholds are fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Share of in-distribution images that are to be accepted, above 0 and at most 1.
    pub acceptance: f64,
    /// A threshold for each predicted class, so that every class accepts that share of its own.
    pub class_wise: bool,
}

/// The largest score that is accepted; larger ones are detected as outliers.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    pub overall: f64,
    /// One a class, if the rule is class-wise. A class that was predicted for no image has the overall one.
    pub classes: Option<Vec<f64>>,
}

impl Rule {
    /// The least thresholds by which at least the acceptance of `inside` is accepted, for a network with `classes`
    /// classes. Equal scores are accepted together.
    pub fn fit(&self, inside: &[Scored], classes: usize) -> Result<Threshold, ScoreError> {
        if !(self.acceptance > 0.0 && self.acceptance <= 1.0) {
            return Err(ScoreError::Acceptance { acceptance: self.acceptance });
        }
        let of = |wanted: Option<usize>| {
            let chosen = inside.iter().filter(|s| wanted.is_none_or(|class| class == s.class));
            quantile(chosen.map(|s| s.score).collect(), self.acceptance)
        };
        let overall = of(None).ok_or(ScoreError::Empty)?;
        let each = || (0..classes).map(|class| of(Some(class)).unwrap_or(overall)).collect();
        Ok(Threshold { overall, classes: self.class_wise.then(each) })
    }
}

impl Threshold {
    pub fn accepts(&self, image: Scored) -> bool {
        let of_class = self.classes.as_ref().and_then(|classes| classes.get(image.class));
        image.score <= *of_class.unwrap_or(&self.overall)
    }
}

/// The least value that at least `share` of all values do not exceed.
fn quantile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    // 0.07 · 100 is 7.000000000000001: that must count as 7.
    let count = (share * values.len() as f64 - 1e-9).ceil() as usize;
    values.get(count.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(class: usize, scores: impl IntoIterator<Item = i32>) -> Vec<Scored> {
        scores.into_iter().map(|s| Scored { score: f64::from(s), class }).collect()
    }

    fn rule(acceptance: f64, class_wise: bool) -> Rule {
        Rule { acceptance, class_wise }
    }

    #[test]
    fn the_threshold_is_the_least_that_accepts_enough() {
        let inside = scored(0, (1..=20).rev());
        for (acceptance, expected) in [(0.95, 19.0), (0.96, 20.0), (0.9, 18.0), (0.05, 1.0), (0.001, 1.0), (1.0, 20.0)]
        {
            assert_eq!(rule(acceptance, false).fit(&inside, 1).unwrap().overall, expected, "{acceptance}");
        }
        assert_eq!(rule(0.07, false).fit(&scored(0, 1..=100), 1).unwrap().overall, 7.0);
        assert_eq!(rule(0.5, false).fit(&scored(0, [3, 3, 3, 9]), 1).unwrap().overall, 3.0);
    }

    #[test]
    fn a_class_wise_rule_accepts_the_same_share_of_every_class() {
        let inside = [scored(0, 1..=10), scored(1, 101..=110)].concat();
        let overall = rule(0.9, false).fit(&inside, 3).unwrap();
        assert_eq!(overall, Threshold { overall: 108.0, classes: None });
        let by_class = rule(0.9, true).fit(&inside, 3).unwrap();
        assert_eq!(by_class.classes, Some(vec![9.0, 109.0, 108.0]));
        for class in [0, 1] {
            let accepted = inside.iter().filter(|s| s.class == class && by_class.accepts(**s)).count();
            assert_eq!(accepted, 9);
        }
        // A score that is ordinary for one class is strange for the other.
        assert!(by_class.accepts(Scored { score: 50.0, class: 1 }));
        assert!(!by_class.accepts(Scored { score: 50.0, class: 0 }));
        assert!(overall.accepts(Scored { score: 50.0, class: 0 }));
    }

    #[test]
    fn nothing_can_be_fitted_to_nothing_or_to_an_impossible_share() {
        assert_eq!(rule(0.9, true).fit(&[], 2), Err(ScoreError::Empty));
        for acceptance in [0.0, 1.5, f64::NAN] {
            let told = rule(acceptance, false).fit(&scored(0, [1]), 1).unwrap_err().to_string();
            assert!(told.contains("above 0 and at most 1"), "{told}");
        }
    }
}
