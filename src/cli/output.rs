//! What a command says: text or JSON on standard output, progress and errors on standard error.

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use std::io::{self, Write};

/// Where and how a command speaks.
pub struct Output {
    json: bool,
}

impl Output {
    pub fn new(json: bool) -> Output {
        Output { json }
    }

    /// The result: `json` for machines, or `text` for people.
    pub fn result(&self, json: &Value, text: &str) -> Result<()> {
        let text = if self.json { serde_json::to_string_pretty(json)? } else { text.trim_end().to_string() };
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).context("standard output")
    }

    /// Whether standard output is for machines.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A remark on the way; none in JSON.
    pub fn note(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }

    pub fn error(&self, error: &anyhow::Error) {
        if self.json {
            println!("{:#}", serde_json::json!({ "error": format!("{error:#}") }));
        }
        eprintln!("error: {error:#}");
    }

    /// A progress bar on standard error; nothing is shown where that is no terminal, or in JSON.
    pub fn progress(&self, what: &'static str, length: usize) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(Some(length as u64), self.target());
        if let Ok(style) = ProgressStyle::with_template("{prefix:>12} {bar:32} {pos}/{len} {eta} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        bar
    }

    /// The same where the length is not known.
    pub fn spinner(&self, what: &'static str) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(None, self.target());
        if let Ok(style) = ProgressStyle::with_template("{prefix:>12} {spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        if !bar.is_hidden() {
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
        }
        bar
    }

    fn target(&self) -> ProgressDrawTarget {
        if self.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() }
    }
}

/// Whether a command ended because nobody reads on, as in `neuspin inspect x | head -1`.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = error.root_cause().downcast_ref::<io::Error>().map(io::Error::kind);
    kind == Some(io::ErrorKind::BrokenPipe)
}

/// A table with a header; columns named in `numbers` stand to the right.
pub fn table(header: &[&str], numbers: &[usize], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for &column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// Two columns: what, and how much.
pub fn facts(rows: &[(&str, String)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (name, value) in rows {
        table.add_row(vec![(*name).to_string(), value.clone()]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 1));
    }
    table.to_string().lines().map(|line| line.trim_end().to_string() + "\n").collect()
}

/// `0.9712` is `97.12 %`.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Digits in groups of three: `1,234,567`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_grouped() {
        let all: Vec<String> = [0, 999, 1000, 1234567].map(grouped).into();
        assert_eq!(all, ["0", "999", "1,000", "1,234,567"]);
    }
}
