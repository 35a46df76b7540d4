//! How well a network tells other data from its own.

use super::super::output::{percent, table};
use super::figure::Figure;
use super::ways::{Said, Way};
use anyhow::Result;
use neuspin::data::Other;
use neuspin::uncertainty::{Detection, OutlierScore, Rule, Scored, Threshold, accuracy};
use serde_json::{Value, json};

/// What is taken for ordinary when asked in one way.
pub struct Ordinary {
    way: Way,
    images: Vec<Scored>,
    threshold: Threshold,
    score: OutlierScore,
}

impl Ordinary {
    pub fn new(said: &Said, score: OutlierScore, rule: Rule, classes: usize) -> Result<Ordinary> {
        let images = said.scored(score);
        let threshold = rule.fit(&images, classes)?;
        Ok(Ordinary { way: said.way, images, threshold, score })
    }

    pub fn json(&self) -> Value {
        let accepted = self.images.iter().filter(|&&image| self.threshold.accepts(image)).count();
        json!({
            "passes": self.way.passes(),
            "early_stop": matches!(self.way, Way::Early(_)),
            "overall": self.threshold.overall,
            "classes": self.threshold.classes,
            "accepted": accepted as f64 / self.images.len() as f64,
        })
    }
}

/// Figures for one set of other data, one a way of asking.
pub struct Outcome {
    other: Other,
    images: usize,
    figures: Vec<Figures>,
}

struct Figures {
    way: Way,
    mean_passes: f64,
    auroc: Figure,
    aupr: Figure,
    detected: Figure,
    entropy: f64,
    /// Turned images have classes still.
    accuracy: Option<f64>,
}

impl Outcome {
    /// `labels` are those of the model's own data.
    pub fn new(other: Other, said: &[Said], ordinary: &[Ordinary], labels: &[usize], seed: u64) -> Result<Outcome> {
        let figures = said.iter().zip(ordinary).map(|(said, ordinary)| {
            let outside = said.scored(ordinary.score);
            let found = Detection::new(&ordinary.images, &outside, &ordinary.threshold)?;
            let intervals = Detection::intervals(&ordinary.images, &outside, &ordinary.threshold, seed)?;
            let turned = matches!(other, Other::Rotated(_));
            Ok(Figures {
                way: said.way,
                mean_passes: said.mean_passes,
                auroc: Figure::new(found.auroc, intervals.auroc),
                aupr: Figure::new(found.aupr, intervals.aupr),
                detected: Figure::new(found.detected, intervals.detected),
                entropy: said.mean_entropy(),
                accuracy: turned.then(|| accuracy(&said.classes, labels)).transpose()?,
            })
        });
        let figures = figures.collect::<Result<Vec<_>>>()?;
        Ok(Outcome { images: said.first().map_or(0, |said| said.classes.len()), figures, other })
    }

    pub fn json(&self) -> Value {
        let figures = |f: &Figures| {
            json!({
                "passes": f.way.passes(),
                "early_stop": matches!(f.way, Way::Early(_)),
                "mean_passes": f.mean_passes,
                "auroc": f.auroc.json(),
                "aupr": f.aupr.json(),
                "detected": f.detected.json(),
                "entropy": f.entropy,
                "accuracy": f.accuracy,
            })
        };
        json!({
            "data": self.other.to_string(),
            "images": self.images,
            "ways": self.figures.iter().map(figures).collect::<Vec<_>>(),
        })
    }
}

/// One row a set and way; turned images have a table of their own.
pub fn detection_table(all: &[Outcome]) -> Option<String> {
    let mut rows = Vec::new();
    for outcome in all.iter().filter(|outcome| !matches!(outcome.other, Other::Rotated(_))) {
        for (n, f) in outcome.figures.iter().enumerate() {
            let name = if n == 0 { outcome.other.to_string() } else { String::new() };
            let passes = format!("{:.2}", f.mean_passes);
            rows.push(vec![name, f.way.name(), passes, f.auroc.percent(), f.aupr.percent(), f.detected.percent()]);
        }
    }
    (!rows.is_empty())
        .then(|| table(&["against", "asked with", "passes", "AUROC", "AUPR", "detected"], &[2, 3, 4, 5], rows))
}

/// Turned images, asked with all passes.
pub fn rotation_table(all: &[Outcome]) -> Option<String> {
    let mut rows = Vec::new();
    let mut title = String::new();
    for outcome in all {
        let (Other::Rotated(degrees), Some(f)) = (&outcome.other, outcome.figures.last()) else { continue };
        title = format!("turned by, {}", f.way.name());
        rows.push(vec![
            format!("{degrees}°"),
            f.accuracy.map(percent).unwrap_or_default(),
            format!("{:.4}", f.entropy),
            f.auroc.percent(),
            f.detected.percent(),
        ]);
    }
    let header = [&title, "accuracy", "entropy, nats", "AUROC", "detected"];
    (!rows.is_empty()).then(|| table(&header, &[0, 1, 2, 3, 4], rows))
}
