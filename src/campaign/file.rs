//! A campaign's file, field by field as it stands there (`docs/campaigns.md`).

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Letters, digits, `-` and `_`: files of results are called after it.
    pub name: String,
    /// Folders of models, or names of bundled ones.
    pub models: Vec<String>,
    /// What figures call the models; their names unless given.
    #[serde(default)]
    pub labels: Vec<String>,
    pub dies: u64,
    /// The first test images of the models' set.
    pub images: usize,
    /// Of an image; the models' own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passes: Option<u32>,
    /// Of the draws of all dies.
    #[serde(default = "one")]
    pub seed: u64,
    /// Other data, whose AUROC is measured.
    #[serde(default)]
    pub other: Vec<String>,
    /// What all sweeps have in common.
    #[serde(default)]
    pub chip: toml::Table,
    pub sweep: Vec<Sweep>,
}

/// All combinations of the values of its axes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    pub name: String,
    /// Below the figure's axis; the first field of the first axis unless given.
    #[serde(default)]
    pub label: String,
    /// Added to the campaign's own.
    #[serde(default)]
    pub chip: toml::Table,
    pub axis: Vec<Axis>,
}

/// Fields that have one value at a time.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Paths in the description of the chip, or `passes`.
    pub fields: Vec<String>,
    pub values: Vec<f64>,
    /// Shown in per cent.
    #[serde(default)]
    pub percent: bool,
    /// Shown on a logarithmic axis.
    #[serde(default)]
    pub log: bool,
}

/// The field that is none of the chip.
pub const PASSES: &str = "passes";

fn one() -> u64 {
    1
}

impl Sweep {
    pub fn label(&self) -> &str {
        match self.label.as_str() {
            "" => self.axis.first().and_then(|axis| axis.fields.first()).map_or("", String::as_str),
            label => label,
        }
    }

    /// Combinations of the axes' values, the last axis moving first.
    pub fn combinations(&self) -> Vec<Vec<f64>> {
        self.axis.iter().fold(vec![vec![]], |all, axis| {
            all.iter().flat_map(|before| axis.values.iter().map(|&v| [&before[..], &[v]].concat())).collect()
        })
    }

    /// Fields and values of a combination.
    pub fn fields<'a>(&'a self, combination: &'a [f64]) -> impl Iterator<Item = (&'a str, f64)> {
        self.axis
            .iter()
            .zip(combination)
            .flat_map(|(axis, &value)| axis.fields.iter().map(move |f| (f.as_str(), value)))
    }
}

impl File {
    /// What is contradictory or missing.
    pub fn check(&self) -> Result<(), String> {
        let plain =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !plain(&self.name) {
            return Err(format!("name {:?}: letters, digits, `-` and `_`, since files are called after it", self.name));
        }
        if self.models.is_empty() {
            return Err("models: none; at least 1".into());
        }
        if !self.labels.is_empty() && self.labels.len() != self.models.len() {
            return Err(format!("labels: {} for {} models; one each, or none", self.labels.len(), self.models.len()));
        }
        if self.dies == 0 || self.images == 0 || self.passes == Some(0) || self.sweep.is_empty() {
            return Err("dies, images, passes and [[sweep]]: at least 1 of each".into());
        }
        for (n, model) in self.models.iter().enumerate() {
            if self.models[..n].contains(model) {
                return Err(format!("models: {model} twice"));
            }
        }
        for (n, sweep) in self.sweep.iter().enumerate() {
            let fail = |what: String| Err(format!("sweep {:?}: {what}", sweep.name));
            if !plain(&sweep.name) {
                return fail("its name has letters, digits, `-` and `_`".into());
            }
            if self.sweep[..n].iter().any(|other| other.name == sweep.name) {
                return fail("two sweeps have this name".into());
            }
            if sweep.axis.is_empty() {
                return fail("no [[sweep.axis]]; at least 1".into());
            }
            let mut seen = vec![];
            for axis in &sweep.axis {
                if axis.fields.is_empty() || axis.values.is_empty() {
                    return fail("an axis without fields or values; at least 1 of each".into());
                }
                for field in &axis.fields {
                    if seen.contains(&field) {
                        return fail(format!("field {field} twice"));
                    }
                    seen.push(field);
                    let whole = |v: &f64| v.fract() == 0.0 && (1.0..=f64::from(1 << 20)).contains(v);
                    if let Some(value) = axis.values.iter().find(|v| field == PASSES && !whole(v)) {
                        return fail(format!("{value} passes; whole numbers of 1 or more"));
                    }
                }
                if let Some(value) = axis.values.iter().find(|v| !v.is_finite()) {
                    return fail(format!("value {value} of {}; a finite number", axis.fields.join(", ")));
                }
            }
        }
        Ok(())
    }
}
