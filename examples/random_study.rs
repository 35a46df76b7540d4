//! Does the quality of the random source change what a binary Bayesian network says? `make random-study`; `docs/random.md`.
//!
//! Runs bundled networks on the same images with sources from deliberately bad ones upward, several seeds each, and writes a
//! table in Markdown, a CSV and a figure.

use anyhow::{Context, Result, bail};
use neuspin::data::{self, Other, Split};
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{Family, Network, Source, Starts};
use neuspin::quality::{Sharing, sharing};
use neuspin::report::{Axis, Figure, Panel, Point, Series};
use neuspin::uncertainty::{OutlierScore, Prediction, Rule, Scored, Scores};
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
        ("1 step a draw, naive starts", 64, Source { starts: Starts::Naive, ..steps(1) }),
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

const MEASURES: [(&str, bool); 5] =
    [("accuracy", true), ("ECE", true), ("NLL, nats", false), ("AUROC", true), ("spread over seeds", true)];

/// What the seeds of a source gave, by measure.
struct Row {
    name: &'static str,
    values: [Vec<f64>; 5],
    factor: f64,
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
    let [images, passes, seeds, out, models @ ..] = &arguments[..] else {
        bail!("random_study IMAGES PASSES SEEDS FOLDER MODEL...");
    };
    let (images, passes, seeds): (usize, u32, u64) = (images.parse()?, passes.parse()?, seeds.parse()?);
    if seeds < 3 {
        bail!("{seeds} seeds; intervals over seeds need at least 3");
    }
    let out = Path::new(out);
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let mut csv = csv::Writer::from_path(out.join("random-study.csv"))?;
    csv.write_record(["model", "source", "variance_factor", "measure", "seed", "value"])?;
    let (mut text, mut panels) = (String::new(), vec![]);
    for name in models {
        let model = Model::read(&Path::new("models").join(name))?;
        let mut network = lower(&model)?;
        network.passes = passes;
        let own = own(&model, images)?;
        let mut rows = vec![];
        for (name, bits, source) in sources() {
            network.random.source = source;
            network.random.lfsr_bits = bits;
            let factor = sharing(&network)?.iter().map(Sharing::worst).fold(0.0, f64::max);
            rows.push(Row { name, values: run(&network, &own, seeds)?, factor });
            eprintln!("{}: {name}", model.name);
        }
        let count = own.images.len();
        writeln!(text, "\n`{name}`, {count} images of {}, {passes} passes, {seeds} seeds:\n", own.what)?;
        write!(text, "| source | variance factor |")?;
        MEASURES.iter().try_for_each(|(measure, _)| write!(text, " {measure} |"))?;
        writeln!(text, "\n|---|---:|---:|---:|---:|---:|---:|")?;
        let reference = &rows[rows.len() - 1].values;
        for row in &rows {
            write!(text, "| {} | {:.2} |", row.name, row.factor)?;
            for (m, (values, (measure, percent))) in row.values.iter().zip(MEASURES).enumerate() {
                let (mean, half) = interval(values)?;
                // Seeds left out one at a time overlap: the jackknife widens their interval.
                let half = if m == 4 { half * (values.len() as f64 - 1.0) } else { half };
                let (due, due_half) = interval(&reference[m])?;
                let due_half = if m == 4 { due_half * (values.len() as f64 - 1.0) } else { due_half };
                let mark = if (mean - due).abs() > half.hypot(due_half) { "**" } else { "" };
                match percent {
                    true => write!(text, " {mark}{:.2} ± {:.2} %{mark} |", 100.0 * mean, 100.0 * half)?,
                    false => write!(text, " {mark}{mean:.4} ± {half:.4}{mark} |")?,
                }
                for (seed, value) in values.iter().enumerate() {
                    let [factor, seed, value] = [row.factor.to_string(), (seed + 1).to_string(), value.to_string()];
                    csv.write_record([&model.name, row.name, &factor, measure, &seed, &value])?;
                }
            }
            writeln!(text)?;
        }
        let names: Vec<String> = rows.iter().map(|row| row.name.to_string()).collect();
        for (m, (measure, percent)) in MEASURES.into_iter().enumerate() {
            let points = rows.iter().enumerate().map(|(x, row)| {
                let (mean, half) = interval(&row.values[m])?;
                let half = if m == 4 { half * (row.values[m].len() as f64 - 1.0) } else { half };
                Ok(Point::new(x as f64, mean).within((mean - half).max(0.0), mean + half))
            });
            let points = points.collect::<Result<Vec<Point>>>()?;
            let axis = if percent { Axis::new(measure).percent() } else { Axis::new(measure) };
            panels.push(
                Panel::categories("", names.clone(), axis, vec![Series::new(&model.name, points)]).titled(&model.name),
            );
        }
    }
    csv.flush()?;
    std::fs::write(out.join("random-study.md"), &text)?;
    let figure = Figure { columns: 1, panel: (1100.0, 260.0), ..Figure::new(panels) };
    figure.titled("Quality of the random source").write(&out.join("random-study"))?;
    println!("{}", text.trim_end());
    Ok(())
}
