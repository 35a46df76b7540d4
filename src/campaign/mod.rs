//! Campaigns: accuracy and uncertainty over many dies of chips that are not ideal (`docs/campaigns.md`).
//!
//! A campaign is a list of points: a sweep, a combination of its values, a model and a die. A point's figures depend on nothing
//! else, so points are computed in any order on any number of threads, put away one by one, and written in their order at the end.

mod figures;
mod file;
#[cfg(feature = "parquet")]
mod parquet;
mod plan;
mod points;
mod results;

pub use figures::figures;
pub use file::{Axis, File, Sweep};
pub use plan::{Campaign, Input, Point};
pub use points::{Points, Shard};
pub use results::{Results, Summary};

use crate::chip::ChipError;
use crate::data::DataError;
use crate::golden::GoldenError;
use crate::lower::LowerError;
use crate::report::ReportError;
use crate::uncertainty::ScoreError;
use std::path::PathBuf;
use thiserror::Error;

/// What ends a campaign.
#[derive(Debug, Error)]
pub enum CampaignError {
    #[error("{file}: {source}")]
    Io { file: PathBuf, source: std::io::Error },
    #[error("{file}: {what}")]
    Parse { file: PathBuf, what: String },
    #[error("sweep `{sweep}`, model `{model}`: {source}")]
    Chip { sweep: String, model: String, source: Box<ChipError> },
    #[error("campaign's chip: {0}")]
    Base(Box<ChipError>),
    #[error(
        "model `{model}`: it was trained on {found}, the first model on {due}; a campaign compares models of one set"
    )]
    Datasets { model: String, found: String, due: String },
    #[error("{images} images; {set} has {there} for testing")]
    Images { images: usize, set: String, there: usize },
    #[error(
        "{file}: belongs to another campaign, or to this one with other models, data or values; remove it, or choose another --out"
    )]
    Other { file: PathBuf },
    #[error("{file}, line {line}: {what}")]
    Line { file: PathBuf, line: usize, what: String },
    #[error("{file}: another process is writing to it")]
    Locked { file: PathBuf },
    #[error(
        "shards {found}: {missing} of {points} points are missing, the first of them in shard {first}; run `--shard {first}` (again)"
    )]
    Missing { found: String, missing: usize, points: usize, first: String },
    #[error("no shards beside {file}; run the campaign with --shard 1/N and so on first")]
    NoShards { file: PathBuf },
    #[error("shards of different numbers beside {file}: {found}; remove those that are not to be merged")]
    Mixed { file: PathBuf, found: String },
    #[error("shard {text}: two numbers as in 1/4, the first from 1 to the second")]
    Shard { text: String },
    #[error(transparent)]
    Lower(#[from] LowerError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Golden(#[from] GoldenError),
    #[error(transparent)]
    Score(#[from] ScoreError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("Parquet: {0}")]
    Parquet(String),
}
