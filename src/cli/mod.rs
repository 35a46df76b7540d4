//! Command line: one file a subcommand.

mod boards;
mod build;
mod calibrate;
mod campaign;
mod compare;
mod completions;
mod cosim;
mod demo;
mod device;
mod evaluate;
mod faults;
mod generate;
mod import;
mod inputs;
mod inspect;
mod model_arg;
mod output;
mod plan_arg;
mod program_arg;
mod proof;
mod rng;
mod run;
mod selftest;
mod serve;
mod source_arg;
mod thresholds;
mod train;
mod uart_arg;
mod uncertainty;
mod uncertainty_arg;

use clap::{Parser, Subcommand};
use neuspin::cosim::CosimError;
use neuspin::flow::FlowError;
use output::Output;
use std::process::ExitCode;

const EXIT_CODES: &str = "\
Exit status:
  0    all is well
  1    a check failed: the hardware differs from the golden model, or hangs; a design misses its clock, or does not fit its board
  2    wrong usage or bad input
  3    an outside tool is missing, too old, or failed
  130  interrupted; nothing half-written stays behind";

const EXAMPLES: &str = "\
Examples:
  neuspin demo                                   the whole way, with a bundled network
  neuspin inspect digits-spindrop                what is in a model
  neuspin evaluate digits-spindrop               its accuracy and uncertainty, in software
  neuspin help evaluate                          more examples";

/// From a trained binary Bayesian network to Verilog that is proven equal to a golden model, bit by bit.
#[derive(Parser)]
#[command(name = "neuspin", version, max_term_width = 100, after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object on standard output instead of text, and no progress.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Inspect(inspect::Args),
    Evaluate(evaluate::Args),
    Uncertainty(uncertainty::Args),
    Compare(compare::Args),
    Faults(faults::Args),
    Campaign(campaign::Args),
    Selftest(selftest::Args),
    Calibrate(calibrate::Args),
    Generate(generate::Args),
    Cosim(cosim::Args),
    Build(build::Args),
    Boards(boards::Args),
    Train(train::Args),
    Import(import::Args),
    Device(device::Args),
    Rng(rng::Args),
    Run(run::Args),
    Serve(serve::Args),
    Completions(completions::Args),
}

/// How a command that could do its work came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Success,
    /// The hardware is not what it should be.
    CheckFailed,
}

pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    if let Err(error) = neuspin::interrupt::install() {
        eprintln!("warning: an interrupt may leave files behind: {error}");
    }
    let result = match cli.command {
        Command::Demo(args) => demo::run(&args, &output),
        Command::Inspect(args) => inspect::run(&args, &output),
        Command::Evaluate(args) => evaluate::run(&args, &output),
        Command::Uncertainty(args) => uncertainty::run(&args, &output),
        Command::Compare(args) => compare::run(&args, &output),
        Command::Faults(args) => faults::run(&args, &output),
        Command::Campaign(args) => campaign::run(&args, &output),
        Command::Selftest(args) => selftest::run(&args, &output),
        Command::Calibrate(args) => calibrate::run(&args, &output),
        Command::Generate(args) => generate::run(&args, &output),
        Command::Cosim(args) => cosim::run(&args, &output),
        Command::Build(args) => build::run(&args, &output),
        Command::Boards(args) => boards::run(&args, &output),
        Command::Train(args) => train::run(&args, &output),
        Command::Import(args) => import::run(&args, &output),
        Command::Device(args) => device::run(&args, &output),
        Command::Rng(args) => rng::run(&args, &output),
        Command::Run(args) => run::run(&args, &output),
        Command::Serve(args) => serve::run(&args, &output),
        Command::Completions(args) => completions::run(&args, &output),
    };
    match result {
        Ok(Status::Success) => ExitCode::SUCCESS,
        Ok(Status::CheckFailed) => ExitCode::from(1),
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::from(exit_code(&error))
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error.chain().find_map(|cause| cause.downcast_ref::<FlowError>()) {
        Some(FlowError::Timing { .. } | FlowError::TooSmall { .. }) => return 1,
        Some(error) if error.is_of_tools() => return 3,
        _ => {}
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<CosimError>()) {
        Some(CosimError::MissingTool { .. } | CosimError::OldTool { .. } | CosimError::ToolFailed { .. }) => 3,
        Some(CosimError::Simulation { .. }) => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_by_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let call = format!("neuspin {}", command.get_name());
            assert!(help.starts_with("Examples:") && help.contains(&call), "{}", command.get_name());
        }
    }
}
