//! How good a network is on the data that it was trained for.

use super::super::output::table;
use super::figure::Figure;
use super::ways::{Said, Way};
use anyhow::Result;
use neuspin::uncertainty::{Bin, CALIBRATION_BINS, Reliability, Scores, accuracy, wilson};
use serde_json::{Value, json};

/// Figures of one way of asking.
pub struct Quality {
    way: Way,
    mean_passes: f64,
    /// Of the decisions.
    accuracy: Figure,
    nll: Figure,
    brier: Figure,
    ece: Figure,
    entropy: Figure,
    mutual_information: Figure,
    reliability: Reliability,
}

impl Quality {
    pub fn new(said: &Said, labels: &[usize], seed: u64) -> Result<Quality> {
        let scores = Scores::new(&said.predictions, labels)?;
        let intervals = Scores::intervals(&said.predictions, labels, seed)?;
        let right = said.classes.iter().zip(labels).filter(|(class, label)| class == label).count();
        Ok(Quality {
            way: said.way,
            mean_passes: said.mean_passes,
            accuracy: Figure::new(accuracy(&said.classes, labels)?, wilson(right, labels.len())),
            nll: Figure::new(scores.nll, intervals.nll),
            brier: Figure::new(scores.brier, intervals.brier),
            ece: Figure::new(scores.ece, intervals.ece),
            entropy: Figure::new(scores.entropy, intervals.entropy),
            mutual_information: Figure::new(scores.mutual_information, intervals.mutual_information),
            reliability: Reliability::new(&said.predictions, labels)?,
        })
    }

    pub fn json(&self) -> Value {
        let edge = |n: usize| n as f64 / CALIBRATION_BINS as f64;
        let bin = |(n, bin): (usize, &Bin)| {
            json!({
                "from": edge(n),
                "to": edge(n + 1),
                "images": bin.images,
                "confidence": bin.confidence(),
                "accuracy": bin.accuracy(),
            })
        };
        json!({
            "passes": self.way.passes(),
            "early_stop": matches!(self.way, Way::Early(_)),
            "mean_passes": self.mean_passes,
            "accuracy": self.accuracy.json(),
            "negative_log_likelihood": self.nll.json(),
            "brier": self.brier.json(),
            "calibration_error": self.ece.json(),
            "entropy": self.entropy.json(),
            "mutual_information": self.mutual_information.json(),
            "reliability": self.reliability.bins.iter().enumerate().map(bin).collect::<Vec<_>>(),
        })
    }
}

/// One column a way.
pub fn quality_table(all: &[Quality]) -> String {
    let names: Vec<String> = all.iter().map(|quality| quality.way.name()).collect();
    let header: Vec<&str> = std::iter::once("on its own data").chain(names.iter().map(String::as_str)).collect();
    type Cell = fn(&Quality) -> String;
    let rows: [(&str, Cell); 7] = [
        ("passes in the mean", |q| format!("{:.2}", q.mean_passes)),
        ("accuracy", |q| q.accuracy.percent()),
        ("negative log-likelihood, nats", |q| q.nll.plain()),
        ("Brier score", |q| q.brier.plain()),
        ("expected calibration error", |q| q.ece.percent()),
        ("mean entropy, nats", |q| q.entropy.plain()),
        ("mean mutual information, nats", |q| q.mutual_information.plain()),
    ];
    let row = |(name, cell): (&str, Cell)| std::iter::once(name.to_string()).chain(all.iter().map(cell)).collect();
    let right: Vec<usize> = (1..=all.len()).collect();
    table(&header, &right, rows.into_iter().map(row).collect())
}

/// The curve of the last way, the empty bins left out.
pub fn reliability_table(all: &[Quality]) -> String {
    let Some(last) = all.last() else { return String::new() };
    let bins = last.reliability.bins.iter();
    let row = |bin: &Bin| {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        Some(vec![bin.images.to_string(), percent(bin.confidence()?), percent(bin.accuracy()?)])
    };
    let title = format!("images, {}", last.way.name());
    table(&[&title, "mean confidence", "accuracy"], &[0, 1, 2], bins.filter_map(row).collect())
}
