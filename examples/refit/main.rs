//! Cells that Yosys counts for a list of designs, for estimates to be fitted to: `make refit`.

mod rows;
mod synthesis;
mod trial;

use anyhow::Result;
use clap::Parser;
use std::path::PathBuf;

/// Synthesise the designs whose results are missing or old.
#[derive(Parser)]
struct Args {
    /// How many at once [default: as many as there are cores]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Only designs of which the name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// The file of results
    #[arg(long, value_name = "FILE.csv", default_value = "src/plan/fit/synthesis.csv")]
    results: PathBuf,
    /// Folder of the models
    #[arg(long, value_name = "FOLDER", default_value = "models")]
    models: PathBuf,
}

fn main() -> Result<()> {
    let args = Args::parse();
    neuspin::interrupt::install()?;
    let trials = trial::trials()?;
    let only = args.only.as_deref().unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    synthesis::synthesise(&trials, only, &args.models, &args.results, args.jobs.unwrap_or(cores))
}
