//! `neuspin serve`: a simulated board that speaks as a real one does.

use super::Status;
use super::model_arg::{ChipArgs, DrawArgs, ModelArg};
use super::output::Output;
use super::plan_arg::PlanArgs;
use anyhow::{Context, Result};
use neuspin::cosim::{Builder, Line, SimulatedBoard, serve};
use neuspin::rtl::Options;
use neuspin::rtl::uart::Rate;
use serde_json::json;
use std::io::{self, Write};

const EXAMPLES: &str = "\
Examples:
  neuspin serve digits-spindrop                          prints the address that `neuspin run --port` takes
  neuspin serve digits-spindrop --tcp 127.0.0.1:7000
  neuspin serve digits-spindrop --pty                    a pseudo-terminal instead of a socket
  neuspin serve digits-spindrop --uncertainty entropy,flag    a design that computes entropy";

/// Simulate a board: the design with its serial port in Verilator, behind a socket or a pseudo-terminal.
///
/// Bytes of the client become bits at the pins of the design and back, so hosts can be tested without a board. One client at a
/// time; another one is told so and sent away. Ends when it is interrupted.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    /// Address of the socket; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0", conflicts_with = "pty")]
    tcp: String,
    /// A pseudo-terminal instead of a socket
    #[arg(long)]
    pty: bool,
    /// Clocks of a bit; fewer are faster
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(4..=65_535))]
    divisor: u32,
    /// Seed of the state that the board powers up in
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    power_up: u64,
    #[command(flatten)]
    draws: DrawArgs,
    #[command(flatten)]
    chip: ChipArgs,
    #[command(flatten)]
    plan: PlanArgs,
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    let (_, network) = args.model.network_on(&args.draws, &args.chip)?;
    let design = args.plan.design(&network, Options::default())?;
    let design = design.with_uart(&network, Rate::of_divisor(args.divisor))?;
    // Before the long build: an address that is taken is known at once.
    let line = if args.pty {
        Line::pty().context("--pty")?
    } else {
        Line::tcp(&args.tcp).with_context(|| {
            format!("--tcp {}: give an address of this machine and a port that is free, as in 127.0.0.1:7000", args.tcp)
        })?
    };
    let spinner = output.spinner("build");
    let board = SimulatedBoard::start(&Builder::find()?, &design, args.power_up)?;
    spinner.finish_and_clear();
    let name = line.name().context("line")?;
    let text = if output.is_json() {
        json!({ "design": design.name, "port": name, "passes": network.passes }).to_string()
    } else {
        format!("{} listens on {name}", design.name)
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).context("standard output")?;
    drop(out);
    serve(board, line, &|what| output.note(what))?;
    Ok(Status::Success)
}
