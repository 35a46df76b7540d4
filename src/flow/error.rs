//! What keeps a bitstream from coming out, and what to do about it.

use crate::board::ClockError;
use crate::emit::EmitError;
use std::path::{Path, PathBuf};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum FlowError {
    #[error(
        "`{tool}` is missing: looked for {looked}; `make flow` installs it, or {variable}=/path/to/it names one{}",
        advice(tool)
    )]
    MissingTool { tool: &'static str, variable: &'static str, looked: String },
    #[error(
        "{tool} {found} is too old for {family}: version {needed} or later is needed; `make flow` installs one, {variable} names one"
    )]
    OldTool { tool: String, found: String, needed: &'static str, family: &'static str, variable: &'static str },
    #[error("{stage} failed ({status}); its log is {}, whose last lines are:\n{tail}", log.display())]
    Failed { stage: &'static str, status: String, log: PathBuf, tail: String },
    #[error(
        "the design does not fit the {board}: {what}; fold it smaller (--target-cycles, or --target-luts below {luts}), take fewer \
         --max-passes, or a larger board (`neuspin boards`); logs are in {}",
        logs.display()
    )]
    TooSmall { board: &'static str, what: String, luts: u64, logs: PathBuf },
    #[error(
        "timing is missed: {reached:.2} MHz of {wanted:.2} MHz (clock `{net}`); ask for less (--clock {}), try another --seed, or \
         fold it smaller; logs are in {}",
        ask(*reached),
        logs.display()
    )]
    Timing { net: String, reached: f64, wanted: f64, logs: PathBuf },
    #[error("--clock: {0}")]
    Clock(#[from] ClockError),
    #[error(transparent)]
    Emit(#[from] EmitError),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{stage}: {what}; its log is {}", log.display())]
    Report { stage: &'static str, what: String, log: PathBuf },
}

impl FlowError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> FlowError {
        let path = path.to_path_buf();
        move |source| FlowError::Io { path, source }
    }

    /// Whether an outside tool is missing, too old, or failed.
    pub fn is_of_tools(&self) -> bool {
        matches!(
            self,
            FlowError::MissingTool { .. }
                | FlowError::OldTool { .. }
                | FlowError::Failed { .. }
                | FlowError::Report { .. }
        )
    }
}

fn advice(tool: &str) -> &'static str {
    match tool {
        "nextpnr-ice40" | "icepack" => " (Debian and Ubuntu: `apt install nextpnr-ice40 fpga-icestorm`)",
        "yosys" => " (Debian and Ubuntu: `apt install yosys`)",
        _ => "",
    }
}

/// A clock below `reached` that a PLL will come near.
fn ask(reached: f64) -> String {
    format!("{:.0}", (reached * 0.97).floor().max(1.0))
}
