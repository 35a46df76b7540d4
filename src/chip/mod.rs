//! Descriptions of chips: what is not ideal, in physical and statistical terms, and the network of a die (`docs/chip.md`).
//!
//! A description and the number of a die give a network whose weights are what the die's cells hold, and whose
//! [`crate::net::Chip`] says what its dropout units and arrays do. The same description, number and network give the same bits.

mod defects;
mod describe;
mod die;

pub use defects::{Cell, Defect, Defects};
pub use die::OfDie;

use crate::device::{Curve, CurveError, DeviceError, UnitsError};
use crate::faults::FaultError;
use crate::net::NetError;
use describe::File;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What no die can be made of.
#[derive(Debug, Error)]
pub enum ChipError {
    #[error("{file}: {source}")]
    Io { file: String, source: std::io::Error },
    #[error("{file}: {what}")]
    Parse { file: String, what: String },
    #[error("{file}: {source}")]
    Curve { file: String, source: CurveError },
    #[error("{file}, line {line}: {what}")]
    Defect { file: String, line: u64, what: String },
    #[error("{file}, [layer.{layer}]: {what}")]
    Layer { file: String, layer: String, what: String },
    #[error("{file}, devices of {place}: {source}")]
    Units { file: String, place: String, source: UnitsError },
    #[error("{file}, array of {place}: {source}")]
    Array { file: String, place: String, source: DeviceError },
    #[error("{file}, {place}: {what}")]
    Value { file: String, place: String, what: String },
    #[error("field `{path}`: {what}")]
    Field { path: String, what: String },
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Fault(#[from] FaultError),
}

/// A description of dies, and the files that it names.
#[derive(Clone, Debug)]
pub struct Description {
    /// What errors call it.
    name: String,
    /// As it was read.
    table: toml::Table,
    file: File,
    /// By name in the description.
    curves: BTreeMap<String, Curve>,
    /// Name and content of the file of defects.
    defects: Option<(String, Defects)>,
    /// Of the description and the files that it names.
    contents: Vec<u8>,
    folder: PathBuf,
}

impl Description {
    /// Reads a description and the files that it names, which lie beside it.
    pub fn read(path: &Path) -> Result<Description, ChipError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ChipError::Io { file: name.clone(), source })?;
        Description::parse(&text, &name, path.parent().unwrap_or(Path::new("")))
    }

    /// A description from its text; `name` is what errors call it, `folder` where the files lie that it names.
    pub fn parse(text: &str, name: &str, folder: &Path) -> Result<Description, ChipError> {
        // The error of toml shows the line.
        let bad =
            |e: toml::de::Error| ChipError::Parse { file: name.into(), what: e.to_string().trim_end().to_string() };
        let file: File = toml::from_str(text).map_err(bad)?;
        let table: toml::Table = toml::from_str(text).map_err(bad)?;
        let of = Description {
            name: name.into(),
            table,
            file,
            curves: BTreeMap::new(),
            defects: None,
            contents: text.as_bytes().to_vec(),
            folder: folder.into(),
        };
        of.with_files()
    }

    /// Everything is ideal.
    pub fn ideal() -> Description {
        Description {
            name: "ideal chip".into(),
            table: toml::Table::new(),
            file: File::default(),
            curves: BTreeMap::new(),
            defects: None,
            contents: vec![],
            folder: PathBuf::new(),
        }
    }

    /// The same with other values in fields, which are named by their path: `default.cells.flips`, `layer.0.devices.sigma`.
    pub fn with<'a>(&self, values: impl IntoIterator<Item = (&'a str, f64)>) -> Result<Description, ChipError> {
        let mut table = self.table.clone();
        for (path, value) in values {
            set(&mut table, path, value).map_err(|what| ChipError::Field { path: path.into(), what })?;
        }
        let bad =
            |e: toml::de::Error| ChipError::Parse { file: self.name.clone(), what: e.to_string().trim_end().into() };
        let file: File = table.clone().try_into().map_err(bad)?;
        Ok(Description { table, file, ..self.clone() })
    }

    /// The same with what `other` says in place of what this one says of a field.
    pub fn overlaid(&self, other: &toml::Table) -> Result<Description, ChipError> {
        let mut table = self.table.clone();
        overlay(&mut table, other);
        let bad =
            |e: toml::de::Error| ChipError::Parse { file: self.name.clone(), what: e.to_string().trim_end().into() };
        let file: File = table.clone().try_into().map_err(bad)?;
        Description { table, file, ..self.clone() }.with_files()
    }

    /// The same with measured defects from a file, beside those that it names.
    pub fn with_defects(mut self, path: &Path) -> Result<Description, ChipError> {
        let (more, bytes) = read_defects(path)?;
        let name = path.display().to_string();
        if let Some((before, _)) = &self.defects {
            let what = format!("the description names defects of its own, {before}; give one file of defects");
            return Err(ChipError::Value { file: self.name, place: name, what });
        }
        self.defects = Some((name, more));
        self.contents.extend(bytes);
        Ok(self)
    }

    /// SHA-256 of the description and the files that it names.
    pub fn sha256(&self) -> String {
        let mut all = Sha256::new();
        all.update(self.table.to_string());
        all.update(&self.contents);
        all.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Of everything that is drawn.
    pub fn seed(&self) -> u64 {
        self.file.seed.unwrap_or(1)
    }

    /// The die that a command takes unless it is told.
    pub fn die(&self) -> u64 {
        self.file.die.unwrap_or(0)
    }

    fn with_files(mut self) -> Result<Description, ChipError> {
        let sections = std::iter::once(&self.file.all).chain(self.file.layer.values());
        let curves: Vec<String> = sections.filter_map(|s| s.devices.curve.clone()).collect();
        for name in curves {
            let path = self.folder.join(&name);
            let file = path.display().to_string();
            let bytes = std::fs::read(&path).map_err(|source| ChipError::Io { file: file.clone(), source })?;
            let curve = Curve::read(&bytes[..]).map_err(|source| ChipError::Curve { file, source })?;
            self.contents.extend(&bytes);
            self.curves.insert(name, curve);
        }
        if let Some(name) = &self.file.defects {
            let path = self.folder.join(name);
            let (defects, bytes) = read_defects(&path)?;
            self.contents.extend(bytes);
            self.defects = Some((path.display().to_string(), defects));
        }
        Ok(self)
    }
}

fn read_defects(path: &Path) -> Result<(Defects, Vec<u8>), ChipError> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| ChipError::Io { file: file.clone(), source })?;
    let defects = Defects::read(&bytes[..]).map_err(|(line, what)| ChipError::Defect { file, line, what })?;
    Ok((defects, bytes))
}

/// Puts a number at a path of tables.
fn set(table: &mut toml::Table, path: &str, value: f64) -> Result<(), String> {
    let number = match value.fract() == 0.0 && value.abs() < 1e15 {
        true => toml::Value::Integer(value as i64),
        false => toml::Value::Float(value),
    };
    let mut steps: Vec<&str> = path.split('.').collect();
    let field = steps.pop().filter(|f| !f.is_empty()).ok_or("an empty path; default.cells.flips, for example")?;
    let mut at = table;
    for step in steps {
        let next = at.entry(step).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = next.as_table_mut().ok_or_else(|| format!("`{step}` is a value and has no fields"))?;
    }
    at.insert(field.into(), number);
    Ok(())
}

fn overlay(table: &mut toml::Table, other: &toml::Table) {
    for (key, value) in other {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(there)), toml::Value::Table(more)) => overlay(there, more),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}
