//! `neuspin boards`: what a design can be built for, and what has been built.

use super::Status;
use super::output::{Output, grouped, table};
use anyhow::{Context, Result};
use neuspin::board::{BOARDS, Board};
use neuspin::files::write_aside;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  neuspin boards                                        all boards
  neuspin boards --built build                          what lies there as bitstreams
  neuspin boards --built build --write docs/boards.md   puts that table into a file, between its two markers";

/// List the boards that `neuspin build` knows, or what it has built.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// List the builds in the folders of FOLDER
    #[arg(long, value_name = "FOLDER")]
    built: Option<PathBuf>,
    /// Write the table of builds into this Markdown file, between the lines `<!-- builds -->` and `<!-- end of builds -->`
    #[arg(long, value_name = "FILE", requires = "built")]
    write: Option<PathBuf>,
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    match &args.built {
        Some(folder) => built(folder, args.write.as_deref(), output)?,
        None => known(output)?,
    }
    Ok(Status::Success)
}

fn known(output: &Output) -> Result<()> {
    let row = |board: &Board| {
        let c = board.capacity;
        vec![
            board.id.to_string(),
            board.name.to_string(),
            board.device.to_string(),
            grouped(c.luts),
            grouped(c.registers),
            format!("{} x {} kbit", c.block_rams, c.block_ram_bits / 1024),
            c.multipliers.to_string(),
            board.oscillator.to_string(),
            if board.family.is_open() { "bitstream" } else { "Vivado project, not run" }.to_string(),
        ]
    };
    let header = ["--board", "board", "device", "LUT", "FF", "block memory", "mult", "MHz", "build makes"];
    let text = table(&header, &[3, 4, 5, 6, 7], BOARDS.iter().map(row).collect());
    output.result(&json!({ "boards": BOARDS }), &text)
}

const BEGIN: &str = "<!-- builds -->\n";
const END: &str = "<!-- end of builds -->";

fn built(folder: &Path, write: Option<&Path>, output: &Output) -> Result<()> {
    let mut builds = vec![];
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path().join("build.json");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let build: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        builds.push(build);
    }
    anyhow::ensure!(
        !builds.is_empty(),
        "{}: no folder in it has a build.json; `neuspin build` makes one",
        folder.display()
    );
    builds.sort_by_key(|b| {
        (b["order"].as_u64(), b["board"].as_str().map(str::to_string), b["design"].as_str().map(str::to_string))
    });
    let header = [
        "device",
        "network",
        "T",
        "lanes",
        "clock MHz",
        "LUT",
        "FF",
        "block RAM",
        "mult",
        "Fmax MHz",
        "images/s",
        "passes/s",
    ];
    let of = |v: &Value| format!("{} ({:.0} %)", grouped(v["used"].as_u64().unwrap_or(0)), percent(v));
    let rows: Vec<Vec<String>> = builds
        .iter()
        .map(|b| {
            let text = |key: &str| b[key].as_str().unwrap_or("?").to_string();
            let number = |key: &str| b[key].as_f64().unwrap_or(0.0);
            vec![
                text("board_name"),
                format!("{} ({})", text("design"), text("topology")),
                format!("{}", number("passes")),
                format!("{}", number("lanes")),
                format!("{:.2}", number("clock_mhz")),
                of(&b["built"]["luts"]),
                of(&b["built"]["registers"]),
                of(&b["built"]["block_rams"]),
                of(&b["built"]["multipliers"]),
                format!("{:.2}", b["built"]["fmax"]["reached_mhz"].as_f64().unwrap_or(0.0)),
                grouped(number("images_per_s") as u64),
                grouped(number("passes_per_s") as u64),
            ]
        })
        .collect();
    if let Some(file) = write {
        let mut text = format!("| {} |\n|{}\n", header.join(" | "), "---|".repeat(header.len()));
        for row in &rows {
            text += &format!("| {} |\n", row.join(" | "));
        }
        let old = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let (head, rest) =
            old.split_once(BEGIN).with_context(|| format!("{}: no line `{}`", file.display(), BEGIN.trim_end()))?;
        let (_, tail) = rest.split_once(END).with_context(|| format!("{}: no line `{END}`", file.display()))?;
        write_aside(file, format!("{head}{BEGIN}{text}{END}{tail}").as_bytes())
            .with_context(|| file.display().to_string())?;
    }
    output.result(&json!({ "builds": builds }), &table(&header, &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11], rows))
}

fn percent(v: &Value) -> f64 {
    let of = |key: &str| v[key].as_f64().unwrap_or(0.0);
    if of("available") > 0.0 { 100.0 * of("used") / of("available") } else { 0.0 }
}
