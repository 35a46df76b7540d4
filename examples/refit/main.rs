//! Cells that Yosys counts for a list of designs, and the estimates that are fitted to them: `make refit`.

mod fit;
mod nnls;
mod page;
mod rows;
mod synthesis;
mod trial;

use anyhow::{Context, Result};
use clap::Parser;
use neuspin::files::write_aside;
use std::path::PathBuf;

/// Synthesise the designs whose results are missing or old, and fit the estimates to all results.
#[derive(Parser)]
struct Args {
    /// How many at once [default: as many as there are cores]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Only results of which design and family contain this, as they are printed: `mnist-`, or `Ecp5`
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// The file of results
    #[arg(long, value_name = "FILE.csv", default_value = "src/plan/fit/synthesis.csv")]
    results: PathBuf,
    /// Leave the results as they are, and fit
    #[arg(long)]
    fit_only: bool,
    /// The file of coefficients
    #[arg(long, value_name = "FILE.toml", default_value = "src/plan/fit/coefficients.toml")]
    coefficients: PathBuf,
    /// The page with tables of errors
    #[arg(long, value_name = "FILE.md", default_value = "docs/estimates.md")]
    page: PathBuf,
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
    if !args.fit_only {
        synthesis::synthesise(&trials, only, &args.models, &args.results, args.jobs.unwrap_or(cores))?;
    }
    let fits = fit::fit_all(fit::samples(&trials, &args.models, &rows::read(&args.results)?)?)?;
    print!("{}", page::tables(&fits));
    let coefficients = format!("{HEAD}{}", toml::to_string(&fit::models(&fits))?);
    write_aside(&args.coefficients, coefficients.as_bytes())
        .with_context(|| args.coefficients.display().to_string())?;
    let of = || args.page.display().to_string();
    let old = std::fs::read_to_string(&args.page).with_context(of)?;
    write_aside(&args.page, page::page(&old, &fits).with_context(of)?.as_bytes()).with_context(of)
}

/// What stands over the coefficients.
const HEAD: &str = "\
# Written by `make refit` from synthesis.csv: LUTs and registers for each unit of a term (src/plan/cost/features.rs).

";
