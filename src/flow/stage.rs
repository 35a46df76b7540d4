//! One tool at work, with its output in a log.

use super::FlowError;
use crate::interrupt;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Lines of a log that an error repeats.
const TAIL_LINES: usize = 15;

#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    pub name: &'static str,
    file: &'static str,
}

pub(super) const SYNTHESIS: Stage = Stage { name: "synthesis", file: "synthesis.log" };
pub(super) const PLACE: Stage = Stage { name: "place and route", file: "place.log" };
pub(super) const PACK: Stage = Stage { name: "packing", file: "pack.log" };

impl Stage {
    /// The log, seen from the folder of the build.
    pub fn log(self) -> PathBuf {
        Path::new("logs").join(self.file)
    }
}

/// Runs `command` in `folder`, output to the log of `stage`.
pub(super) fn run(stage: Stage, command: &mut Command, folder: &Path) -> Result<String, FlowError> {
    let log = folder.join(stage.log());
    let file = File::create(&log).map_err(FlowError::io(&log))?;
    let other = file.try_clone().map_err(FlowError::io(&log))?;
    let program = PathBuf::from(command.get_program());
    command.current_dir(folder).process_group(0).stdin(Stdio::null()).stdout(file).stderr(other);
    let mut child = command.spawn().map_err(FlowError::io(&program))?;
    let _guard = interrupt::kill_group(child.id());
    let status = child.wait().map_err(FlowError::io(&program))?;
    let text = fs::read(&log).map_err(FlowError::io(&log))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    if status.success() {
        return Ok(text);
    }
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
    let tail = if tail.is_empty() { "(it printed nothing)".to_string() } else { tail };
    Err(FlowError::Failed { stage: stage.name, status: status.to_string(), log, tail })
}
