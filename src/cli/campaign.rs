//! `neuspin campaign`: Monte-Carlo over dies, defects and methods.

use super::Status;
use super::model_arg::ModelArg;
use super::output::{Output, facts, grouped, table};
use anyhow::{Context, Result, ensure};
use neuspin::campaign::{Campaign, Points, Results, Shard, Summary, figures};
use neuspin::uncertainty::CONFIDENCE;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

const EXAMPLES: &str = "\
Examples:
  neuspin campaign campaigns/digits.toml                          writes digits.csv; goes on where it was if killed
  neuspin campaign campaigns/digits.toml --figures figures        accuracy and AUROC against every non-ideality
  neuspin campaign campaigns/mnist.toml --workers 8 --out target/mnist.csv
  neuspin campaign campaigns/mnist.toml --shard 1/4               a quarter of the points, on this machine
  neuspin campaign campaigns/mnist.toml --merge                   the table, from all quarters
  neuspin campaign campaigns/mnist.toml --out mnist.parquet       a columnar file, if built with it";

/// Measure accuracy and uncertainty over many dies of chips that are not ideal.
///
/// A campaign's file lists models, dies, images, and sweeps over fields of the chip's description; docs/campaigns.md has an
/// example. Points are computed in the golden model on all cores; each is on disk when it is done, and a campaign that was killed
/// goes on. The table is the same to the byte for any number of workers, shards and interruptions.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The campaign
    #[arg(value_name = "CAMPAIGN.toml")]
    file: PathBuf,
    /// Where results go: .csv or .parquet; finished points lie beside it [default: <name of the campaign>.csv]
    #[arg(long, value_name = "OUT")]
    out: Option<PathBuf>,
    /// Compute one of several parts alone
    #[arg(long, value_name = "I/N", conflicts_with_all = ["merge", "figures"])]
    shard: Option<Shard>,
    /// Make the table of all parts, which were computed before
    #[arg(long)]
    merge: bool,
    /// Draw figures into this folder, as SVG and PNG
    #[arg(long, value_name = "FOLDER")]
    figures: Option<PathBuf>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    workers: Option<u64>,
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    let file = Campaign::read(&args.file)?;
    let models = file.models.iter().map(|name| ModelArg::named(name).read()).collect::<Result<Vec<_>>>()?;
    let folder = args.file.parent().unwrap_or(Path::new(""));
    let campaign = Campaign::new(file, models, folder).with_context(|| args.file.display().to_string())?;
    let out = args.out.clone().unwrap_or_else(|| format!("{}.csv", campaign.file.name).into());
    ensure!(
        out.extension().is_none_or(|e| e != "parquet") || cfg!(feature = "parquet"),
        "--out {}: this program was built without Parquet; build it with --features parquet, or write .csv",
        out.display()
    );
    if let Some(folder) = out.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let shard = args.shard.unwrap_or(Shard::WHOLE);
    let all: Vec<_> = campaign.points().into_iter().filter(|point| shard.has(point.index)).collect();
    let started = Instant::now();
    let mut computed = 0;
    let done = if args.merge {
        Points::merge(&out, &campaign)?
    } else {
        let path = shard.file(&out);
        let mut points = Points::open(&path, &campaign, shard)?;
        let before = points.done.len();
        if before > 0 {
            output.note(&format!("{before} of {} points are done: {}", all.len(), path.display()));
        }
        let bar = output.progress("points", all.len());
        bar.set_position(before as u64);
        bar.reset_eta();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(args.workers.unwrap_or(0) as usize).build()?;
        pool.install(|| campaign.run(&mut points, shard, || bar.inc(1)))?;
        bar.finish_and_clear();
        computed = points.done.len() - before;
        points.done
    };
    let seconds = started.elapsed().as_secs_f64();
    let mut json = json!({
        "campaign": campaign.file.name,
        "points": done.len(),
        "computed": computed,
        "seconds": seconds,
        "digest": campaign.digest(),
    });
    let mut rows = vec![
        ("campaign", campaign.file.name.clone()),
        (
            "points",
            format!("{}, {} of them now, in {seconds:.1} s", grouped(done.len() as u64), grouped(computed as u64)),
        ),
    ];
    if args.shard.is_some_and(|shard| shard != Shard::WHOLE) {
        let path = shard.file(&out);
        (json["shard"], json["written"]) = (json!(shard.to_string()), json!(path));
        rows.push(("written", format!("{}: part {shard}; `--merge` makes the table of all", path.display())));
        output.result(&json, &facts(&rows))?;
        return Ok(Status::Success);
    }
    let results = campaign.results(&done);
    results.write(&out)?;
    rows.push(("written", out.display().to_string()));
    json["written"] = json!(out);
    if let Some(folder) = &args.figures {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let written = figures(&campaign, &results, folder)?;
        rows.push(("figures", written.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")));
        json["figures"] = json!(written);
    }
    rows.push((
        "figures of merit",
        format!("mean over {} dies, interval of {:.0} %", campaign.file.dies, 100.0 * CONFIDENCE),
    ));
    json["summary"] = summary_json(&campaign, &results);
    output.result(&json, &format!("{}\n{}", facts(&rows), summary_table(&campaign, &results)))?;
    Ok(Status::Success)
}

/// The columns that a summary has, and what it calls them.
fn merits(campaign: &Campaign) -> Vec<(String, String)> {
    let auroc = campaign.other_names().into_iter().map(|name| (format!("auroc_{name}"), format!("AUROC {name}")));
    std::iter::once(("accuracy".into(), "accuracy".into())).chain(auroc).collect()
}

fn summary_json(campaign: &Campaign, results: &Results) -> Value {
    let merit = |(column, _): (String, String)| {
        let point = |s: Summary| {
            let (low, high) = s.interval.map_or((s.mean, s.mean), |i| (i.low, i.high));
            json!({ "sweep": s.sweep, "model": s.model, "values": s.values, "mean": s.mean, "low": low, "high": high })
        };
        (column.clone(), results.summary(campaign, &column).into_iter().map(point).collect::<Value>())
    };
    Value::Object(merits(campaign).into_iter().map(merit).collect())
}

fn summary_table(campaign: &Campaign, results: &Results) -> String {
    let merits = merits(campaign);
    let columns: Vec<Vec<Summary>> = merits.iter().map(|(column, _)| results.summary(campaign, column)).collect();
    let mut header = vec!["sweep", "values", "model"];
    header.extend(merits.iter().map(|(_, name)| name.as_str()));
    let rows = columns[0].iter().enumerate().map(|(n, first)| {
        let values: Vec<String> = first.values.iter().map(ToString::to_string).collect();
        let mut row = vec![first.sweep.clone(), values.join(", "), first.model.clone()];
        row.extend(columns.iter().map(|column| match column[n].interval {
            Some(i) => format!("{:.4} [{:.4}, {:.4}]", column[n].mean, i.low, i.high),
            None => format!("{:.4}", column[n].mean),
        }));
        row
    });
    let numbers: Vec<usize> = (3..header.len()).collect();
    table(&header, &numbers, rows.collect())
}
