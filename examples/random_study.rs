//! Does the quality of the random source change what a binary Bayesian network says? `make random-study`; `docs/random.md`.
//!
//! Runs bundled networks on the same images with sources from deliberately bad ones upward, several seeds each, and writes a
//! CSV, and from that a table in Markdown and a figure. With the folder alone it makes those from the CSV that is there.

use anyhow::{Context, Result, bail};
use neuspin::data::{self, Other, Split};
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{Family, Network, Source, Starts};
use neuspin::quality::{Sharing, sharing};
use neuspin::report::{Axis, Figure, Panel, Point, Series};
use neuspin::uncertainty::{OutlierScore, Prediction, Rule, Scored, Scores};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::fmt::Write;
use std::path::Path;

/// Sources from the worst on; the last ones are meant to be good, and the last of all is the default.
fn sources() -> Vec<(&'static str, u32, Source)> {
    let galois = Source::default();
    let steps = |steps| Source { steps: Some(steps), ..galois };
    let taps = |mask| Family::Taps { mask }.into();
    vec![
        ("register of 8 bits", 8, galois),
        ("rotation of 64 bits", 64, taps(1 << 63)),
        ("1 step, naive starts", 64, Source { starts: Starts::Naive, ..steps(1) }),
        ("1 step a draw", 64, steps(1)),
        ("4 steps a draw", 64, steps(4)),
        ("register of 16 bits", 16, galois),
        ("taps not primitive", 64, taps(0xC000_0000_0000_0000)),
        ("naive starts", 64, Source { starts: Starts::Naive, ..galois }),
        ("automaton", 64, Family::Automaton.into()),
        ("xorshift", 64, Family::Xorshift.into()),
        ("LUT-optimised", 64, Family::Lut.into()),
        ("XOR of two", 64, Family::Pair.into()),
        ("Fibonacci", 64, Family::Fibonacci.into()),
        ("Galois (default)", 64, galois),
    ]
}

const SPREAD: &str = "spread over seeds";
const MEASURES: [(&str, bool); 5] =
    [("accuracy", true), ("ECE", true), ("NLL, nats", false), ("AUROC", true), (SPREAD, true)];

/// A line of the CSV.
#[derive(Serialize, Deserialize)]
struct Line {
    model: String,
    /// Images, and what the others are.
    images: String,
    passes: u32,
    source: String,
    variance_factor: f64,
    measure: String,
    seed: u64,
    value: f64,
}

/// What the seeds of a source gave, by measure.
#[derive(Default)]
struct Row {
    source: String,
    factor: f64,
    values: [Vec<f64>; 5],
}

/// Mean, and half of its 95 % interval by Student's t.
fn interval(values: &[f64]) -> Result<(f64, f64)> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let t = StudentsT::new(0.0, 1.0, n - 1.0)?.inverse_cdf(0.975);
    Ok((mean, t * (variance / n).sqrt()))
}

/// The seeds of one source on one network.
fn run(network: &Network, own: &Own, seeds: u64) -> Result<[Vec<f64>; 5]> {
    let mut values: [Vec<f64>; 5] = Default::default();
    // Of every image and class: sum and sum of squares of the mean probability over seeds.
    let mut all: Vec<Vec<f64>> = vec![];
    for seed in 1..=seeds {
        let mut network = network.clone();
        network.seed = seed;
        let golden = Golden::new(&network)?;
        let ask = |images| {
            golden.run_with(images, 0, network.passes, |_, _, logits| Prediction::new(logits, &network.output))
        };
        let (inside, outside) = (ask(&own.images)?, ask(&own.others)?);
        let scores = Scores::new(&inside, &own.labels)?;
        let scored = |all: &[Prediction]| -> Vec<Scored> {
            all.iter().map(|p| Scored { score: OutlierScore::Entropy.of(p), class: p.class() }).collect()
        };
        let (inside_scored, outside_scored) = (scored(&inside), scored(&outside));
        let rule = Rule { acceptance: 0.95, class_wise: false };
        let threshold = rule.fit(&inside_scored, network.classes())?;
        let found = neuspin::uncertainty::Detection::new(&inside_scored, &outside_scored, &threshold)?;
        for (values, value) in values.iter_mut().zip([scores.accuracy, scores.ece, scores.nll, found.auroc]) {
            values.push(value);
        }
        all.push(inside.iter().flat_map(|p| p.probability.clone()).collect());
    }
    // Leaving one seed out at a time gives an interval of the spread.
    let n = all.len();
    for without in 0..n {
        let rest: Vec<&Vec<f64>> = all.iter().enumerate().filter(|(i, _)| *i != without).map(|(_, p)| p).collect();
        let count = rest.len() as f64;
        let variance = (0..rest[0].len()).map(|at| {
            let mean = rest.iter().map(|p| p[at]).sum::<f64>() / count;
            rest.iter().map(|p| (p[at] - mean).powi(2)).sum::<f64>() / (count - 1.0)
        });
        values[4].push((variance.sum::<f64>() / rest[0].len() as f64).sqrt());
    }
    Ok(values)
}

/// Images of a network, and others.
struct Own {
    images: neuspin::net::Images,
    labels: Vec<usize>,
    others: neuspin::net::Images,
    what: String,
}

fn own(model: &Model, limit: usize) -> Result<Own> {
    let set = data::load(&model.input.dataset, Split::Test)?.first(limit);
    let other: Other = if set.name == "mnist" { Other::Set("fashion-mnist") } else { Other::Rotated(90.0) };
    let others = other.images(&set, &model.input, 1)?;
    let others = others.slice(0..limit.min(others.len()));
    let labels = set.labels.iter().map(|&l| usize::from(l)).collect();
    Ok(Own { images: data::encode(&set, &model.input)?, labels, others, what: format!("{} against {other}", set.name) })
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [folder] => report(Path::new(folder)),
        [images, passes, seeds, folder, models @ ..] if !models.is_empty() => {
            let folder = Path::new(folder);
            measure(images.parse()?, passes.parse()?, seeds.parse()?, folder, models)?;
            report(folder)
        }
        _ => bail!("random_study [IMAGES PASSES SEEDS] FOLDER [MODEL...]"),
    }
}

const CSV: &str = "random-study.csv";

/// Runs everything and writes the CSV.
fn measure(images: usize, passes: u32, seeds: u64, folder: &Path, models: &[String]) -> Result<()> {
    if seeds < 3 {
        bail!("{seeds} seeds; intervals over seeds need at least 3");
    }
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut csv = csv::Writer::from_path(folder.join(CSV))?;
    for name in models {
        let model = Model::read(&Path::new("models").join(name))?;
        let mut network = lower(&model)?;
        network.passes = passes;
        let own = own(&model, images)?;
        for (source, bits, description) in sources() {
            network.random.source = description;
            network.random.lfsr_bits = bits;
            let variance_factor = sharing(&network)?.iter().map(Sharing::worst).fold(0.0, f64::max);
            let values = run(&network, &own, seeds)?;
            for (values, (measure, _)) in values.iter().zip(MEASURES) {
                for (seed, &value) in (1..).zip(values) {
                    let [model, source, measure] = [&model.name, source, measure].map(str::to_string);
                    let images = format!("{} images of {}", own.images.len(), own.what);
                    csv.serialize(Line { model, images, passes, source, variance_factor, measure, seed, value })?;
                }
            }
            eprintln!("{}: {source}", model.name);
        }
    }
    Ok(csv.flush()?)
}

/// Mean of a measure, and half of its interval.
fn of_seeds(measure: usize, values: &[f64]) -> Result<(f64, f64)> {
    let (mean, half) = interval(values)?;
    // Seeds left out one at a time overlap: the jackknife widens their interval.
    Ok((mean, if MEASURES[measure].0 == SPREAD { half * (values.len() as f64 - 1.0) } else { half }))
}

/// The table and the figure of a CSV.
fn report(folder: &Path) -> Result<()> {
    let path = folder.join(CSV);
    let mut studies: Vec<(String, String, Vec<Row>)> = vec![];
    for line in csv::Reader::from_path(&path).with_context(|| path.display().to_string())?.deserialize() {
        let line: Line = line.with_context(|| path.display().to_string())?;
        if studies.last().is_none_or(|(model, ..)| *model != line.model) {
            let what = format!("{}, {} passes", line.images, line.passes);
            studies.push((line.model.clone(), what, vec![]));
        }
        let Some((.., rows)) = studies.last_mut() else { unreachable!("one was added") };
        if rows.last().is_none_or(|row| row.source != line.source) {
            rows.push(Row { source: line.source, factor: line.variance_factor, ..Row::default() });
        }
        let measure = MEASURES.iter().position(|(name, _)| *name == line.measure);
        if let (Some(row), Some(measure)) = (rows.last_mut(), measure) {
            row.values[measure].push(line.value);
        }
    }
    let mut text = String::new();
    for (model, what, rows) in &studies {
        let Some(reference) = rows.last() else { continue };
        writeln!(text, "\n`{model}`, {what}, {} seeds:\n", reference.values[0].len())?;
        write!(text, "| source | variance factor |")?;
        MEASURES.iter().try_for_each(|(measure, _)| write!(text, " {measure} |"))?;
        writeln!(text, "\n|---|---:|---:|---:|---:|---:|---:|")?;
        for row in rows {
            write!(text, "| {} | {:.2} |", row.source, row.factor)?;
            for (m, (_, percent)) in MEASURES.into_iter().enumerate() {
                let (mean, half) = of_seeds(m, &row.values[m])?;
                let (due, due_half) = of_seeds(m, &reference.values[m])?;
                let mark = if (mean - due).abs() > half.hypot(due_half) { "**" } else { "" };
                match percent {
                    true => write!(text, " {mark}{:.2} ± {:.2} %{mark} |", 100.0 * mean, 100.0 * half)?,
                    false => write!(text, " {mark}{mean:.4} ± {half:.4}{mark} |")?,
                }
            }
            writeln!(text)?;
        }
    }
    std::fs::write(folder.join("random-study.md"), &text)?;
    let mut panels = vec![];
    for (m, (measure, percent)) in MEASURES.into_iter().enumerate() {
        for (model, _, rows) in &studies {
            let points = rows.iter().enumerate().map(|(x, row)| {
                let (mean, half) = of_seeds(m, &row.values[m])?;
                Ok(Point::new(x as f64, mean).within((mean - half).max(0.0), mean + half))
            });
            let points = points.collect::<Result<Vec<Point>>>()?;
            let axis = if percent { Axis::new(measure).percent() } else { Axis::new(measure) };
            let names = rows.iter().map(|row| row.source.clone()).collect();
            panels.push(Panel::categories("", names, axis, vec![Series::new(model, points)]));
        }
    }
    let figure = Figure { columns: studies.len(), panel: (560.0, 270.0), ..Figure::new(panels) };
    figure.titled("Quality of the random source").write(&folder.join("random-study"))?;
    println!("{}", text.trim_end());
    Ok(())
}
