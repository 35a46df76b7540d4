//! What Yosys made of the designs: a line of `synthesis.csv` for each design and family.

use anyhow::{Context, Result};
use neuspin::board::Family;
use neuspin::cosim::{Cells, Counts};
use neuspin::files::write_aside;
use serde::{Deserialize, Serialize};
use std::path::Path;

const FIELDS: [&str; 5] = ["design", "family", "fingerprint", "seconds", "cells"];

/// One design in one family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub design: String,
    pub family: Family,
    /// Of what Yosys was given.
    pub fingerprint: String,
    /// That Yosys took.
    pub seconds: u64,
    /// Cells by type, `NAME:N NAME:N ...`.
    cells: String,
}

impl Row {
    pub fn new(design: &str, family: Family, fingerprint: String, seconds: u64, counts: &Counts) -> Row {
        let cells: Vec<String> = counts.iter().map(|(name, n)| format!("{name}:{n}")).collect();
        Row { design: design.into(), family, fingerprint, seconds, cells: cells.join(" ") }
    }

    pub fn cells(&self) -> Result<Cells> {
        let count = |cell: &str| {
            let (name, n) = cell.split_once(':')?;
            Some((name.to_string(), n.parse().ok()?))
        };
        let counts: Option<Counts> = self.cells.split_whitespace().map(count).collect();
        let counts = counts.with_context(|| format!("design {}: cells `{}`", self.design, self.cells))?;
        Ok(Cells::of(self.family, &counts))
    }
}

/// The rows of a file; none where there is no file. Of a design and family the last counts. A line that was cut off is left out.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let of = || path.display().to_string();
    if !path.exists() {
        return Ok(vec![]);
    }
    let text = std::fs::read_to_string(path).with_context(of)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let mut rows: Vec<Row> = vec![];
    for row in csv::Reader::from_reader(whole.as_bytes()).deserialize() {
        let row: Row = row.with_context(of)?;
        rows.retain(|old| (&old.design, old.family) != (&row.design, row.family));
        rows.push(row);
    }
    Ok(rows)
}

/// Replaces the file by one of `rows`.
pub fn write(path: &Path, rows: &[Row]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(vec![]);
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    if rows.is_empty() {
        writer.write_record(FIELDS)?;
    }
    write_aside(path, &writer.into_inner()?).with_context(|| path.display().to_string())
}

/// Adds a row to the end of a file.
pub fn append(path: &Path, row: &Row) -> Result<()> {
    let file = std::fs::OpenOptions::new().append(true).open(path).with_context(|| path.display().to_string())?;
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(file);
    writer.serialize(row)?;
    Ok(writer.flush()?)
}
