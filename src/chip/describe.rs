//! What a chip's description says, field by field as it stands in the file (`docs/chip.md`).

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// A description. What a layer does not say of itself is what the default says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// Of everything that is drawn for a die.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Number of the die where a command does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub die: Option<u64>,
    /// A CSV file of measured defects beside this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defects: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub programming: Option<Programming>,
    #[serde(rename = "default")]
    pub all: Section,
    /// By number of the layer from 0, `output`, or `inputs`.
    pub layer: BTreeMap<String, Section>,
}

/// How cells are written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Programming {
    #[serde(deserialize_with = "share")]
    pub write_error: Option<f64>,
    pub retries: Option<u32>,
    pub repair: Option<bool>,
}

/// Of one layer, or of all.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Section {
    pub cells: Cells,
    pub devices: Devices,
    pub array: Array,
}

/// Cells of the crossbars.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cells {
    /// Share that holds +1 (parallel), or −1 (antiparallel), whatever is written.
    #[serde(deserialize_with = "share")]
    pub stuck_p: Option<f64>,
    #[serde(deserialize_with = "share")]
    pub stuck_ap: Option<f64>,
    /// Share that holds the other bit than was written.
    #[serde(deserialize_with = "share")]
    pub flips: Option<f64>,
    /// What follows of a barrier and a time adds to the flips.
    pub retention: Retention,
    /// Spare columns of a crossbar.
    pub spares: Option<usize>,
}

/// A cell's barrier, and how long it has to hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    #[serde(deserialize_with = "positive")]
    pub stability: Option<f64>,
    #[serde(deserialize_with = "positive")]
    pub attempt_time: Option<f64>,
    #[serde(deserialize_with = "not_negative")]
    pub seconds: Option<f64>,
    #[serde(deserialize_with = "positive")]
    pub temperature: Option<f64>,
}

/// Dropout units.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Devices {
    /// Nothing that belongs to a higher level counts.
    #[serde(deserialize_with = "level")]
    pub level: Option<u8>,
    /// Level 1.
    #[serde(deserialize_with = "not_negative")]
    pub sigma: Option<f64>,
    #[serde(deserialize_with = "not_negative")]
    pub critical_current_sigma: Option<f64>,
    #[serde(deserialize_with = "not_negative")]
    pub stability_sigma: Option<f64>,
    #[serde(deserialize_with = "not_negative")]
    pub drive_sigma: Option<f64>,
    #[serde(deserialize_with = "share")]
    pub stuck_never: Option<f64>,
    #[serde(deserialize_with = "share")]
    pub stuck_always: Option<f64>,
    /// Level 2. Kelvin.
    #[serde(deserialize_with = "positive")]
    pub temperature: Option<f64>,
    #[serde(deserialize_with = "not_negative")]
    pub jitter: Option<f64>,
    #[serde(deserialize_with = "not_negative")]
    pub walk_step: Option<f64>,
    #[serde(deserialize_with = "not_negative")]
    pub walk_limit: Option<f64>,
    /// Level 3.
    #[serde(deserialize_with = "share")]
    pub reset: Option<f64>,
    #[serde(deserialize_with = "share")]
    pub misread: Option<f64>,
    pub junction: Junction,
    /// A CSV file of a measured curve beside this one, in place of a junction.
    pub curve: Option<String>,
}

/// The junction of a unit, and its pulse.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Junction {
    #[serde(deserialize_with = "positive")]
    pub stability: Option<f64>,
    #[serde(deserialize_with = "positive")]
    pub critical_current: Option<f64>,
    #[serde(deserialize_with = "positive")]
    pub attempt_time: Option<f64>,
    #[serde(deserialize_with = "positive")]
    pub width: Option<f64>,
}

/// The array of a layer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Array {
    pub rows: Option<usize>,
    pub columns: Option<usize>,
    /// Word-line pairs driven at once; all, where none is given.
    pub group: Option<usize>,
    /// Of a converter; as many as it takes, where none are given.
    pub bits: Option<u32>,
    /// The finest that reaches all sums, where none is given.
    pub shift: Option<u32>,
    /// Of what a column adds, in units of a sum.
    #[serde(deserialize_with = "not_negative")]
    pub offset_sigma: Option<f64>,
    /// Of all groups.
    #[serde(deserialize_with = "share")]
    pub gain: Option<f64>,
    /// Resistance of the wire from cell to cell, in units of one over the conductance's.
    #[serde(deserialize_with = "not_negative")]
    pub wire: Option<f64>,
    /// Standard deviation of a cell's conductance as a share of its mean.
    #[serde(deserialize_with = "not_negative")]
    pub spread: Option<f64>,
    pub conductance: Conductance,
}

/// Mean conductances of a cell.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conductance {
    #[serde(deserialize_with = "positive")]
    pub parallel: Option<f64>,
    #[serde(deserialize_with = "positive")]
    pub antiparallel: Option<f64>,
}

/// Takes from another what is not said.
macro_rules! over {
    ($type:ty, { $($field:ident),* }, { $($inner:ident),* }) => {
        impl $type {
            pub fn over(&self, other: &Self) -> Self {
                Self {
                    $($field: self.$field.clone().or_else(|| other.$field.clone()),)*
                    $($inner: self.$inner.over(&other.$inner),)*
                }
            }
        }
    };
}

over!(Section, {}, { cells, devices, array });
over!(Cells, { stuck_p, stuck_ap, flips, spares }, { retention });
over!(Retention, { stability, attempt_time, seconds, temperature }, {});
over!(
    Devices,
    {
        level, sigma, critical_current_sigma, stability_sigma, drive_sigma, stuck_never, stuck_always, temperature, jitter,
        walk_step, walk_limit, reset, misread, curve
    },
    { junction }
);
over!(Junction, { stability, critical_current, attempt_time, width }, {});
over!(Array, { rows, columns, group, bits, shift, offset_sigma, gain, wire, spread }, { conductance });
over!(Conductance, { parallel, antiparallel }, {});

fn within<'de, D: Deserializer<'de>>(from: D, good: fn(f64) -> bool, due: &str) -> Result<Option<f64>, D::Error> {
    let Some(value) = Option::<f64>::deserialize(from)? else { return Ok(None) };
    match good(value) {
        true => Ok(Some(value)),
        false => Err(D::Error::custom(format!("{value}, but this is {due}"))),
    }
}

fn share<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    within(from, |v| (0.0..=1.0).contains(&v), "a number of 0 to 1")
}

fn positive<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    within(from, |v| v.is_finite() && v > 0.0, "a number above 0")
}

fn not_negative<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    within(from, |v| v.is_finite() && v >= 0.0, "a number of 0 or more")
}

fn level<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u8>, D::Error> {
    let Some(level) = Option::<u8>::deserialize(from)? else { return Ok(None) };
    match level {
        0..=3 => Ok(Some(level)),
        _ => Err(D::Error::custom(format!("level {level}; there are 0 to 3"))),
    }
}
