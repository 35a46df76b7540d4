//! The file of thresholds that `calibrate` writes and designs are generated with.

use anyhow::{Context, Result, ensure};
use neuspin::net::{EarlyStop, Network};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT: &str = "neuspin-thresholds";

/// Thresholds of the out-of-distribution flag, and how they were found.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    format: String,
    version: u32,
    /// The network that they were found for.
    pub network: String,
    /// Passes an image; thresholds are of entropy times passes, with early stop of entropy.
    pub passes: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stop: Option<EarlyStop>,
    /// Share of the images that is accepted, at least.
    pub acceptance: f64,
    pub data: String,
    pub images: usize,
    /// Octaves in units of 2^-12, times passes: one, or one a class.
    pub thresholds: Vec<u64>,
}

impl Thresholds {
    pub fn new(network: &Network, acceptance: f64, data: &str, images: usize, thresholds: Vec<u64>) -> Thresholds {
        Thresholds {
            format: FORMAT.into(),
            version: 1,
            network: network.name.clone(),
            passes: network.passes,
            early_stop: network.early_stop,
            acceptance,
            data: data.into(),
            images,
            thresholds,
        }
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        neuspin::files::write_aside(path, text.as_bytes()).with_context(|| path.display().to_string())
    }

    /// Reads thresholds for `network`.
    pub fn read(path: &Path, network: &Network) -> Result<Thresholds> {
        let shown = path.display();
        let text = std::fs::read(path).with_context(|| shown.to_string())?;
        let found: Thresholds = serde_json::from_slice(&text).with_context(|| format!("{shown}: no thresholds"))?;
        ensure!(found.format == FORMAT && found.version == 1, "{shown}: not version 1 of the format {FORMAT}");
        ensure!(
            found.network == network.name,
            "{shown}: thresholds of `{}`, but the network is `{}`",
            found.network,
            network.name
        );
        ensure!(
            found.passes == network.passes,
            "{shown}: thresholds for {} passes, but the network takes {}; calibrate with --passes {}",
            found.passes,
            network.passes,
            network.passes
        );
        ensure!(
            found.early_stop == network.early_stop,
            "{shown}: thresholds for another rule of early stop than the design's; calibrate with the same --early-stop"
        );
        let (count, classes) = (found.thresholds.len(), network.classes());
        ensure!(
            count == 1 || count == classes,
            "{shown}: {count} thresholds; one, or one for each of {classes} classes"
        );
        Ok(found)
    }
}
