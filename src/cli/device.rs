//! `neuspin device`: from a probability of dropping to the pulse that a tunnel junction needs.

use super::Status;
use super::output::{Output, facts};
use anyhow::{Context, Result};
use neuspin::device::{Curve, Junction, Pulse};
use serde_json::json;
use std::fs::File;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  neuspin device --p 0.15                                     the current of a 10 ns pulse, and how p moves with it
  neuspin device --p 0.15 --stability 60 --width 20e-9
  neuspin device --p 0.15 --curve measured.csv                from a table of drive (V or A) and probability
  neuspin device --p 0.15 --json | jq .current";

/// Degrees Celsius at which a probability is shown.
const TEMPERATURES: [f64; 3] = [-40.0, 25.0, 85.0];

/// Find the pulse that switches a magnetic tunnel junction with a probability, and how that moves.
///
/// A dropout unit drops with the probability that a current pulse switches its junction. Shown are the current (or the drive of a
/// measured curve), the code that a design takes, and what one per cent of current and the temperature do to the probability.
/// docs/devices.md has the formulas and where they hold.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Probability that is wanted, above 0 and below 1
    #[arg(long, value_name = "P")]
    p: f64,
    /// Thermal stability of the junction at 25 degrees
    #[arg(long, value_name = "E/kT", default_value_t = 40.0, conflicts_with = "curve")]
    stability: f64,
    /// Critical current
    #[arg(long, value_name = "AMPERES", default_value_t = 50e-6, conflicts_with = "curve")]
    critical_current: f64,
    /// Attempt time
    #[arg(long, value_name = "SECONDS", default_value_t = 1e-9, conflicts_with = "curve")]
    attempt_time: f64,
    /// Width of the pulse
    #[arg(long, value_name = "SECONDS", default_value_t = 10e-9, conflicts_with = "curve")]
    width: f64,
    /// Measured curve instead: a CSV table with a header, then drive and probability a line, both rising
    #[arg(long, value_name = "FILE.csv")]
    curve: Option<PathBuf>,
    /// Bits of a probability code
    #[arg(long, value_name = "BITS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=16))]
    code_bits: u32,
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    match &args.curve {
        Some(file) => from_curve(args, file, output)?,
        None => from_model(args, output)?,
    }
    Ok(Status::Success)
}

fn code(args: &Args) -> u32 {
    (args.p * f64::from(1u32 << args.code_bits)).round() as u32
}

fn from_model(args: &Args, output: &Output) -> Result<()> {
    let Args { p, stability, critical_current, attempt_time, width, .. } = *args;
    let junction = Junction { stability, critical_current, attempt_time };
    let current = junction.current_for(p, width)?;
    let pulse = Pulse { current, width };
    let percent = 0.01 * current / critical_current * junction.sensitivity(p);
    let temperatures = TEMPERATURES.map(|celsius| Ok((celsius, junction.at(celsius + 273.15)?.switching(pulse))));
    let temperatures = temperatures.into_iter().collect::<Result<Vec<_>>>()?;
    let warnings: Vec<String> = junction.warnings(pulse).iter().map(ToString::to_string).collect();
    let json = json!({
        "p": p,
        "code": code(args),
        "current": current,
        "current_of_critical": current / critical_current,
        "p_per_percent_of_current": percent,
        "p_at_celsius": temperatures.iter().map(|&(celsius, p)| json!({ "celsius": celsius, "p": p })).collect::<Vec<_>>(),
        "warnings": warnings,
    });
    let at = temperatures.iter().map(|(celsius, p)| format!("{p:.4} at {celsius:.0} °C")).collect::<Vec<_>>();
    let mut text = facts(&[
        ("probability", format!("{p}, code {} of {} bits", code(args), args.code_bits)),
        (
            "current",
            format!("{current:.4e} A, {:.4} of the critical one, for {width:.2e} s", current / critical_current),
        ),
        ("one per cent more current", format!("{percent:+.4}")),
        ("temperature", at.join(", ")),
    ]);
    for warning in warnings {
        text += &format!("\nwarning: {warning}");
    }
    output.result(&json, &text)
}

fn from_curve(args: &Args, file: &PathBuf, output: &Output) -> Result<()> {
    let table = File::open(file).with_context(|| format!("--curve {}", file.display()))?;
    let curve = Curve::read(table).with_context(|| format!("--curve {}", file.display()))?;
    let drive = curve.drive_for(args.p).with_context(|| format!("--curve {}", file.display()))?;
    let percent = 0.01 * drive * curve.sensitivity(drive);
    let json = json!({ "p": args.p, "code": code(args), "drive": drive, "p_per_percent_of_drive": percent });
    let text = facts(&[
        ("probability", format!("{}, code {} of {} bits", args.p, code(args), args.code_bits)),
        ("drive", format!("{drive:.6} of the table's unit")),
        ("one per cent more drive", format!("{percent:+.4}")),
    ]);
    output.result(&json, &text)
}
