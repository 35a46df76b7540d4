//! Estimates of cells, fitted to what Yosys makes of designs: `make refit`.

mod rows;
mod synthesis;
mod trial;

use anyhow::Result;
use clap::Parser;
use std::path::PathBuf;

/// Fit the model of estimates to synthesis results, and show how far it is off for every design.
#[derive(Parser)]
struct Args {
    /// Run Yosys first on the designs whose results are missing or old
    #[arg(long)]
    synthesise: bool,
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
    if args.synthesise {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        synthesis::synthesise(&trials, only, &args.models, &args.results, args.jobs.unwrap_or(cores))?;
    }
    Ok(())
}
