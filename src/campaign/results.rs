//! Running a campaign, and its table of results.

use super::{Campaign, CampaignError, Point, Points, Shard};
use crate::files::write_aside;
use crate::uncertainty::{Interval, bootstrap};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

/// All points of a campaign, in their order.
pub struct Results {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// A figure over the dies of a combination and a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub sweep: String,
    pub model: String,
    /// Of the sweep's axes.
    pub values: Vec<f64>,
    pub mean: f64,
    /// Of the mean, by bootstrap over dies; none for a single die.
    pub interval: Option<Interval>,
}

impl Campaign {
    /// Computes the points of a part that are not done, and puts each away. `each` is told of every one.
    pub fn run(&self, points: &mut Points, shard: Shard, each: impl Fn() + Sync) -> Result<(), CampaignError> {
        let left: Vec<Point> =
            self.points().into_iter().filter(|p| shard.has(p.index) && !points.done.contains_key(&p.index)).collect();
        let points = Mutex::new(points);
        left.into_par_iter().with_max_len(1).try_for_each(|point| {
            let values = self.measure(point)?;
            points.lock().unwrap_or_else(PoisonError::into_inner).add(point, values)?;
            each();
            Ok(())
        })
    }

    /// The table of all points.
    pub fn results(&self, done: &BTreeMap<usize, Vec<String>>) -> Results {
        Results { columns: self.columns(), rows: done.values().cloned().collect() }
    }
}

impl Results {
    /// CSV with a header.
    pub fn csv(&self) -> String {
        let lines = std::iter::once(&self.columns).chain(&self.rows);
        lines.map(|line| line.join(",") + "\n").collect()
    }

    /// Replaces `path`; Parquet where its name ends so.
    pub fn write(&self, path: &Path) -> Result<(), CampaignError> {
        let bytes = match path.extension().is_some_and(|e| e == "parquet") {
            true => self.parquet()?,
            false => self.csv().into_bytes(),
        };
        write_aside(path, &bytes).map_err(|source| CampaignError::Io { file: path.into(), source })
    }

    #[cfg(not(feature = "parquet"))]
    fn parquet(&self) -> Result<Vec<u8>, CampaignError> {
        Err(CampaignError::Parquet(
            "this program was built without it; build with --features parquet, or write .csv".into(),
        ))
    }

    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// A column's mean over dies, by sweep, combination and model in the order of the results.
    pub fn summary(&self, campaign: &Campaign, column: &str) -> Vec<Summary> {
        let Some(at) = self.column(column) else { return vec![] };
        let dies = campaign.file.dies as usize;
        let mut all = vec![];
        let mut rows = self.rows.chunks(dies);
        for sweep in &campaign.file.sweep {
            for values in sweep.combinations() {
                for model in &campaign.file.models {
                    let Some(rows) = rows.next() else { return all };
                    let figures: Vec<f64> = rows.iter().filter_map(|row| row[at].parse().ok()).collect();
                    let (mean, interval) = mean(&figures, campaign.file.seed);
                    let (sweep, model) = (sweep.name.clone(), model.clone());
                    all.push(Summary { sweep, model, values: values.clone(), mean, interval });
                }
            }
        }
        all
    }
}

/// Mean and its interval, by resampling.
fn mean(figures: &[f64], seed: u64) -> (f64, Option<Interval>) {
    let mean_of = |times: &[u32]| {
        let sum: f64 = figures.iter().zip(times).map(|(v, &t)| v * f64::from(t)).sum();
        sum / figures.len() as f64
    };
    let mean = figures.iter().sum::<f64>() / figures.len() as f64;
    if figures.len() < 2 {
        return (mean, None);
    }
    let [interval] = bootstrap([figures.len()], seed, |[times]| [mean_of(times)]);
    (mean, Some(interval))
}
