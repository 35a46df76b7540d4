//! `neuspin rng`: what a random source costs and how good it is, by the bits that a network consumes of it.

use super::Status;
use super::model_arg::{DrawArgs, ModelArg};
use super::output::{Output, facts, grouped, table};
use super::source_arg::{self, PLAIN, SourceArg};
use anyhow::{Context, Result, ensure};
use neuspin::cosim::{Cells, CosimError, synthesize_modules};
use neuspin::net::{Network, Source};
use neuspin::quality::sp800_22::{self, Outcome};
use neuspin::quality::{Consumed, Report, Sharing, fails, period, raw_bytes, report, sharing};
use neuspin::rtl;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  neuspin rng digits-spindrop                                  all families
  neuspin rng mnist-spindrop-8bit --source lut --source galois,steps=1
  neuspin rng digits-spindrop --source automaton --no-cost --json
  neuspin rng digits-spindrop --source replay=bits.bin         recorded hardware bits
  neuspin rng digits-spindrop --source xorshift --raw bits.bin --bits 80000000
  neuspin rng mnist-scale --source lut --raw - --bits 0 | RNG_test stdin8      PractRand, as long as it reads

The bits, in the order in which a design with one lane consumes them: image by image; in an image pass by pass; in a pass stream by
stream, the inputs first where they are dropped, then the layers with a method in network order (Scale-Dropout's shared unit at
its first layer); in a stream draw by draw, each draw's least significant bit first. --raw packs the first bit into the lowest bit of
the first byte. TestU01 users read the file with ufile_CreateReadBin.";

/// Random sources: cost, period, and quality of the bits that a design consumes.
///
/// The tests of SP 800-22 (revision 1a) run on those bits; where a source fails one by construction, the report says so. Beside them
/// stand correlations of the masks, and by how much sharing a register inflates the variance of their mean: computed over all roots, and
/// measured over images.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    #[arg(long, value_name = "SOURCE", help = source_arg::HELP)]
    source: Vec<SourceArg>,
    /// Monte-Carlo passes an image [default: the model's]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..))]
    passes: Option<u32>,
    /// Seed of all draws [default: the model's]
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Bits that the tests of SP 800-22 see, or that --raw writes (0: without end)
    #[arg(long, value_name = "N", default_value_t = sp800_22::BITS)]
    bits: usize,
    /// Images whose masks are correlated
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    images: u32,
    /// Leave out the cost by Yosys
    #[arg(long)]
    no_cost: bool,
    /// Write the bits of one source to a file, or to standard output (-), and do nothing else
    #[arg(long, value_name = "FILE")]
    raw: Option<PathBuf>,
}

/// Cells of a source: its register and the logic of one draw a clock, and the unit that finds the starts of streams.
struct Cost {
    draw: Cells,
    jump: Cells,
}

/// What is known of one source.
struct Found {
    source: Source,
    name: String,
    period: String,
    cost: Option<Cost>,
    tests: Vec<(Outcome, Option<String>)>,
    sharing: Vec<Sharing>,
    report: Report,
}

impl Found {
    fn passed(&self) -> usize {
        self.tests.iter().filter(|(test, _)| test.passes() == Some(true)).count()
    }

    /// The largest correlation in standard deviations, and the one it is.
    fn worst(&self) -> Option<(f64, &str)> {
        let all = self.report.correlations.iter().map(|c| (c.score.abs(), c.between.as_str()));
        all.reduce(|a, b| if b.0 > a.0 { b } else { a })
    }

    fn factor(&self) -> f64 {
        self.sharing.iter().map(Sharing::worst).fold(0.0, f64::max)
    }
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    let draws = DrawArgs { passes: args.passes, seed: args.seed, ..DrawArgs::default() };
    let (model, network) = args.model.network(&draws)?;
    ensure!(
        network.stochastic_layers() > 0,
        "model `{}` has no method that draws: it consumes no random bits",
        model.name
    );
    let mut networks = vec![];
    if args.source.is_empty() && args.raw.is_none() {
        for family in PLAIN {
            let mut network = network.clone();
            network.random.source = family.into();
            networks.push(network);
        }
    } else if args.source.is_empty() {
        networks.push(network);
    } else {
        for source in &args.source {
            let mut network = network.clone();
            source.apply(&mut network).context("--source")?;
            network.check()?;
            networks.push(network);
        }
    }
    if let Some(path) = &args.raw {
        ensure!(networks.len() == 1, "--raw writes the bits of one --source, not of {}", networks.len());
        write_raw(&networks[0], args.bits, path)?;
        return Ok(Status::Success);
    }
    ensure!(
        args.bits >= 128,
        "--bits {}: the tests need at least 128, and {} for all of them",
        args.bits,
        sp800_22::BITS
    );
    let bar = output.progress("sources", networks.len());
    let mut all = vec![];
    for network in &networks {
        bar.set_message(network.random.source.to_string());
        all.push(find(network, args, output)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let json = json!({
        "model": model.name,
        "passes": networks[0].passes,
        "bits": args.bits,
        "images": args.images,
        "draws_per_image": Consumed::new(&networks[0])?.draws(),
        "sources": all.iter().map(in_json).collect::<Vec<_>>(),
    });
    let mut text: String = all.iter().map(in_text).collect();
    if all.len() > 1 {
        text += &summary(&all);
    }
    output.result(&json, &text)?;
    Ok(Status::Success)
}

/// Writes `bits` bits, or all there are, whole bytes.
fn write_raw(network: &Network, bits: usize, path: &PathBuf) -> Result<()> {
    let to_pipe = path.as_os_str() == "-";
    ensure!(bits > 0 || to_pipe, "--bits 0 writes without end: to standard output (--raw -) alone");
    let mut out: Box<dyn Write> = match to_pipe {
        true => Box::new(io::stdout().lock()),
        false => Box::new(BufWriter::new(File::create(path).with_context(|| path.display().to_string())?)),
    };
    let mut consumed = Consumed::new(network)?;
    let (mut left, mut waiting) = (bits, vec![]);
    // Some images at a time; what does not fill a byte waits.
    while bits == 0 || left > 0 {
        let image = consumed.draws() * consumed.code_bits() as usize;
        let more = image * (1usize << 16).div_ceil(image);
        waiting.extend(consumed.bits(if bits == 0 { more } else { more.min(left) }));
        left = left.saturating_sub(more);
        let whole = if bits > 0 && left == 0 { waiting.len() } else { waiting.len() / 8 * 8 };
        let bytes: Vec<bool> = waiting.drain(..whole).collect();
        out.write_all(&raw_bytes(&bytes)).context("raw bits")?;
    }
    out.flush().context("raw bits")
}

fn find(network: &Network, args: &Args, output: &Output) -> Result<Found> {
    let mut consumed = Consumed::new(network)?;
    let run = consumed.longest_run();
    let tests = sp800_22::all(&consumed.bits(args.bits));
    let tests = tests.into_iter().map(|test| {
        let why = fails(test.number, &network.random, run);
        (test, why)
    });
    let source = network.random.source;
    let mut name = source.to_string();
    if network.random.lfsr_bits != 64 && network.random.state_bits() == network.random.lfsr_bits {
        name += &format!(",bits={}", network.random.lfsr_bits);
    }
    Ok(Found {
        source,
        name,
        period: period(&network.random)?,
        cost: if args.no_cost { None } else { cost(network, output)? },
        tests: tests.collect(),
        sharing: sharing(network)?,
        report: report(network, args.images as usize)?,
    })
}

/// None where there is no Yosys.
fn cost(network: &Network, output: &Output) -> Result<Option<Cost>> {
    let parts = rtl::source_parts(&network.random, &network.chip.recording)?;
    let cells = |(top, modules): &(String, Vec<_>)| synthesize_modules(top, modules, &parts.images);
    match (cells(&parts.draw), cells(&parts.jump)) {
        (Ok(draw), Ok(jump)) => Ok(Some(Cost { draw, jump })),
        (Err(error @ CosimError::MissingTool { .. }), _) => {
            output.note(&format!("no cost: {error}"));
            Ok(None)
        }
        (Err(error), _) | (_, Err(error)) => Err(error.into()),
    }
}

fn in_json(f: &Found) -> Value {
    let cost = f.cost.as_ref().map(|cost| json!({ "draw": cost.draw, "jump": cost.jump }));
    let tests = f.tests.iter().map(|(test, why)| {
        json!({
            "test": test.number,
            "name": test.name,
            "p_values": test.p_values,
            "p": test.p(),
            "passes": test.passes(),
            "lacks": test.lacks,
            "fails_by_construction": why,
        })
    });
    let sharing = f.sharing.iter().map(|s| {
        json!({
            "place": s.place,
            "units": s.units,
            "passes": s.passes,
            "over_units": s.over_units,
            "over_passes": s.over_passes,
            "over_both": s.over_both,
            "standard_error": s.error,
            "refused": s.is_refused(),
        })
    });
    let correlations = f
        .report
        .correlations
        .iter()
        .map(|c| json!({ "between": c.between, "pairs": c.pairs, "correlation": c.correlation, "score": c.score }));
    let spread = f.report.equidistribution.iter().map(|e| {
        let (rate, due) = e.rate.unzip();
        json!({ "place": e.place, "draws": e.draws, "rate": rate, "due": due, "rate_p": e.rate_p, "spread_p": e.spread_p })
    });
    let variance = f
        .report
        .variance
        .iter()
        .map(|(place, factor, interval)| json!({ "place": place, "factor": factor, "interval": interval }));
    json!({
        "source": f.name,
        "contract": f.source,
        "period": f.period,
        "cost": cost,
        "sp800_22": tests.collect::<Vec<_>>(),
        "sharing": sharing.collect::<Vec<_>>(),
        "correlations": correlations.collect::<Vec<_>>(),
        "equidistribution": spread.collect::<Vec<_>>(),
        "variance": variance.collect::<Vec<_>>(),
    })
}

fn luts(cells: &Cells) -> String {
    let memory = if cells.memory_luts > 0 { format!(" + {} as memory", cells.memory_luts) } else { String::new() };
    format!("{} LUTs{memory}, {} registers", cells.luts, cells.registers)
}

fn in_text(f: &Found) -> String {
    let mut rows = vec![("source", f.name.clone()), ("period", f.period.clone())];
    if let Some(cost) = &f.cost {
        rows.push(("a draw a clock", luts(&cost.draw)));
        rows.push(("starts of streams", format!("{}, once a design", luts(&cost.jump))));
    }
    for s in &f.sharing {
        let way = if s.error > 0.0 { format!("measured, +-{:.3}", s.error) } else { "computed".into() };
        let refused = if s.is_refused() { ": too much" } else { "" };
        rows.push((
            "variance, all roots",
            format!(
                "{}: {:.3} over {} units, {:.3} over {} passes, {:.3} over both ({way}){refused}",
                s.place, s.over_units, s.units, s.over_passes, s.passes, s.over_both
            ),
        ));
    }
    for (place, factor, [low, high]) in &f.report.variance {
        let images = f.report.images;
        rows.push(("variance, images", format!("{place}: {factor:.3} ({low:.3} to {high:.3}) over {images} images")));
    }
    for e in &f.report.equidistribution {
        let rate = match (e.rate, e.rate_p) {
            (Some((found, due)), Some(p)) => format!("{found:.5} below the code, due {due:.5} (p = {p:.4}); "),
            _ => String::new(),
        };
        rows.push(("draws", format!("{}: {rate}highest bits p = {:.4}", e.place, e.spread_p)));
    }
    if let Some((score, between)) = f.worst() {
        let of = f.report.correlations.len();
        rows.push(("correlations", format!("at most {score:.2} standard deviations, of {of} ({between})")));
    }
    let tests = f.tests.iter().map(|(test, why)| {
        let said = match (test.passes(), why) {
            (Some(false), Some(why)) => format!("fails by construction ({why})"),
            (Some(true), Some(why)) => format!("passes here ({why})"),
            (Some(passes), None) => if passes { "passes" } else { "fails" }.into(),
            (None, _) => test.lacks.clone().unwrap_or_default(),
        };
        let of = if test.p_values.len() > 1 { format!(" ({} values)", test.p_values.len()) } else { String::new() };
        vec![test.number.to_string(), test.name.into(), test.p().map_or("-".into(), |p| format!("{p:.6}{of}")), said]
    });
    format!("{}{}\n\n", facts(&rows), table(&["2.", "SP 800-22", "p", ""], &[0], tests.collect()))
}

fn summary(all: &[Found]) -> String {
    let rows = all.iter().map(|f| {
        let cells = |of: fn(&Cells) -> u64| f.cost.as_ref().map_or("-".into(), |cost| grouped(of(&cost.draw)));
        let worst = f.worst().map_or("-".into(), |(score, _)| format!("{score:.2}"));
        let by_construction = f.tests.iter().filter(|(t, why)| t.passes() == Some(false) && why.is_some()).count();
        vec![
            f.name.clone(),
            cells(|c| c.luts + c.memory_luts),
            cells(|c| c.registers),
            format!("{} of {}", f.passed(), f.tests.len()),
            by_construction.to_string(),
            worst,
            format!("{:.3}", f.factor()),
        ]
    });
    let header =
        ["source", "LUTs", "registers", "tests passed", "failed by construction", "largest correlation", "variance"];
    table(&header, &[1, 2, 3, 4, 5, 6], rows.collect())
}
