//! Outside tools as child processes: found, checked for their version, run, and blamed with their own last words.

use super::CosimError;
use crate::interrupt;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Lines of a tool's output that an error repeats.
const TAIL_LINES: usize = 20;
const INSTALL: &str = "install it with `make tools`, or on Debian and Ubuntu with";

/// Oldest Verilator whose models and run-time library this harness is known to work with.
const VERILATOR_NEEDED: (u32, u32) = (5, 6);

/// The Verilator to use.
#[derive(Clone, Debug)]
pub struct Verilator {
    pub program: String,
    /// What `--version` prints.
    pub version: String,
    /// Folder that holds its run-time library.
    pub include: PathBuf,
}

impl Verilator {
    /// Takes the program that the environment variable `VERILATOR` names, else `verilator`.
    pub fn find() -> Result<Verilator, CosimError> {
        let program = std::env::var("VERILATOR").ok().filter(|v| !v.is_empty()).unwrap_or_else(|| "verilator".into());
        let advice = format!("{INSTALL} `apt install verilator`; VERILATOR=/path/to/verilator names another one");
        let version = ask(&program, &["--version"], &advice)?;
        if parse_version(&version).is_none_or(|found| found < VERILATOR_NEEDED) {
            return Err(CosimError::OldTool {
                tool: program,
                found: version,
                needed: format!("{}.{:03}", VERILATOR_NEEDED.0, VERILATOR_NEEDED.1),
                advice,
            });
        }
        let root = ask(&program, &["--getenv", "VERILATOR_ROOT"], &advice)?;
        Ok(Verilator { program, version, include: Path::new(&root).join("include") })
    }
}

/// "Verilator 5.006 2023-01-22 rev ..." is (5, 6).
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.strip_prefix("Verilator ")?.split_whitespace().next()?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The C++ compiler and its version: the one that the environment variable `CXX` names, else `g++`.
pub fn find_cxx() -> Result<(String, String), CosimError> {
    let program = std::env::var("CXX").ok().filter(|v| !v.is_empty()).unwrap_or_else(|| "g++".into());
    let version = ask(&program, &["--version"], &format!("{INSTALL} `apt install g++`"))?;
    Ok((program, version))
}

pub fn find_make() -> Result<String, CosimError> {
    ask("make", &["--version"], &format!("{INSTALL} `apt install make`"))?;
    Ok("make".into())
}

pub fn find_iverilog() -> Result<(), CosimError> {
    ask("iverilog", &["-V"], &format!("{INSTALL} `apt install iverilog`")).map(drop)
}

/// The Yosys to use: the program that the environment variable `YOSYS` names, else `yosys`.
pub fn find_yosys() -> Result<String, CosimError> {
    let program = std::env::var("YOSYS").ok().filter(|v| !v.is_empty()).unwrap_or_else(|| "yosys".into());
    ask(&program, &["-V"], &format!("{INSTALL} `apt install yosys`; YOSYS=/path/to/yosys names another one"))?;
    Ok(program)
}

/// First line of what a short question to a tool answers.
fn ask(program: &str, args: &[&str], advice: &str) -> Result<String, CosimError> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| CosimError::MissingTool { tool: program.into(), source, advice: advice.into() })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = text.lines().next().unwrap_or_default().trim();
    if !output.status.success() || answer.is_empty() {
        let all = format!("{text}{}", String::from_utf8_lossy(&output.stderr));
        let command = format!("{program} {}", args.join(" "));
        return Err(CosimError::ToolFailed { command, status: output.status.to_string(), tail: tail(&all) });
    }
    Ok(answer.to_string())
}

/// A tool at work, in a process group of its own, its output collected.
pub struct Job {
    command: String,
    child: Child,
    output: std::fs::File,
    _guard: interrupt::Guard,
}

impl Job {
    pub fn start(command: &mut Command) -> Result<Job, CosimError> {
        let shown = show(command);
        let failed = |source| CosimError::Io { path: shown.clone(), source };
        let output = tempfile::tempfile().map_err(failed)?;
        let (one, two) = (output.try_clone().map_err(failed)?, output.try_clone().map_err(failed)?);
        let child =
            command.process_group(0).stdin(Stdio::null()).stdout(one).stderr(two).spawn().map_err(|source| {
                CosimError::MissingTool {
                    tool: command.get_program().to_string_lossy().into_owned(),
                    source,
                    advice: "install it with `make tools`".into(),
                }
            })?;
        let guard = interrupt::kill_group(child.id());
        Ok(Job { command: shown, child, output, _guard: guard })
    }

    /// Waits for the end; what the tool printed, or an error with its last lines.
    pub fn finish(mut self) -> Result<String, CosimError> {
        let status = self.child.wait();
        let failed = |source| CosimError::Io { path: self.command.clone(), source };
        let status = status.map_err(failed)?;
        let mut text = Vec::new();
        self.output.seek(SeekFrom::Start(0)).map_err(failed)?;
        self.output.read_to_end(&mut text).map_err(failed)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        if status.success() {
            Ok(text)
        } else {
            let status = status.to_string();
            Err(CosimError::ToolFailed { command: self.command.clone(), status, tail: tail(&text) })
        }
    }
}

impl Drop for Job {
    /// A job that nobody waits for any more ends with everything that it started.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            interrupt::end_group(self.child.id());
            _ = self.child.wait();
        }
    }
}

pub fn run(command: &mut Command) -> Result<String, CosimError> {
    Job::start(command)?.finish()
}

/// The command as a person would type it, cut where it is long.
fn show(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        text += " ";
        text += &arg.to_string_lossy();
        if text.len() > 400 {
            return text + " ...";
        }
    }
    text
}

pub(super) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    if shown.is_empty() { "(it printed nothing)".into() } else { shown.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_verilator_prints() {
        assert_eq!(parse_version("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)"), Some((5, 6)));
        assert_eq!(parse_version("Verilator 5.036 2025-04-27 rev v5.036"), Some((5, 36)));
        assert_eq!(parse_version("Verilator 4.210 2021-07-07"), Some((4, 210)));
        assert_eq!(parse_version("bash: command not found"), None);
    }

    #[test]
    fn a_failing_tool_is_quoted() {
        let error = run(Command::new("sh").args(["-c", "echo the reason; exit 7"])).unwrap_err().to_string();
        assert!(error.contains("the reason") && error.contains("exit status: 7"), "{error}");
    }

    #[test]
    fn a_missing_tool_is_named() {
        let error = run(&mut Command::new("no-such-tool-anywhere")).unwrap_err();
        assert!(error.is_missing_tool());
        assert!(error.to_string().contains("`no-such-tool-anywhere` is missing"), "{error}");
    }
}
