//! Which model a command is about.

use super::source_arg::SourceArg;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use include_dir::{Dir, include_dir};
use neuspin::chip::{Description, OfDie};
use neuspin::lower::lower;
use neuspin::model::{MANIFEST, Model};
use neuspin::net::{EarlyStop, Network};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The models that come with the program, so that it works in any folder.
static BUNDLED: Dir = include_dir!("$CARGO_MANIFEST_DIR/models");

#[derive(Args)]
pub struct ModelArg {
    /// Folder of a trained model, or the name of a bundled one (digits-spindrop, ...).
    #[arg(value_name = "MODEL")]
    model: String,
}

/// What can be changed about a network without training.
#[derive(Args, Default)]
pub struct DrawArgs {
    /// Monte-Carlo passes an image [default: the model's]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..))]
    pub passes: Option<u32>,
    /// Seed of all draws [default: the model's]
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u64>,
    #[arg(long, value_name = "SOURCE", help = super::source_arg::HELP)]
    pub source: Option<SourceArg>,
    /// End an image's passes once one class is clear: every EVERY passes, if its mean logit leads the second by LEAD or more
    #[arg(long, value_name = "EVERY:LEAD")]
    pub early_stop: Option<EarlyStopArg>,
}

/// Which chip a network stands on.
#[derive(Args, Default)]
#[command(next_help_heading = "Chip")]
pub struct ChipArgs {
    /// Description of a chip that is not ideal: docs/chip.md
    #[arg(long, value_name = "CHIP.toml")]
    chip: Option<PathBuf>,
    /// Number of the die [default: the description's]
    #[arg(long, value_name = "N", requires = "chip")]
    die: Option<u64>,
    /// Measured defects: cells, units and offsets by name, beside those of the description or alone
    #[arg(long, value_name = "DEFECTS.csv")]
    defects: Option<PathBuf>,
}

impl ChipArgs {
    /// The description, if any is given.
    fn description(&self) -> Result<Option<Description>> {
        let description = self.chip.as_deref().map(Description::read).transpose()?;
        Ok(match &self.defects {
            Some(path) => Some(description.unwrap_or_else(Description::ideal).with_defects(path)?),
            None => description,
        })
    }

    /// The die of a network; says on standard error what the description does not know.
    pub fn die(&self, network: &Network) -> Result<Option<OfDie>> {
        let Some(description) = self.description()? else { return Ok(None) };
        let of = description.network(network, self.die.unwrap_or(description.die()))?;
        of.notes.iter().for_each(|note| eprintln!("warning: {note}"));
        Ok(Some(of))
    }
}

/// A rule of early stop as people give it.
#[derive(Clone, Copy, Debug)]
pub struct EarlyStopArg {
    every: u32,
    /// Of the mean logit.
    lead: f64,
}

impl FromStr for EarlyStopArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(':').and_then(|(every, lead)| Some((every.parse().ok()?, lead.parse().ok()?)));
        match parts {
            Some((every, lead)) if every > 0 && f64::is_finite(lead) && lead >= 0.0 => Ok(EarlyStopArg { every, lead }),
            _ => Err("passes, a colon, and a lead of logits that is not negative, as in 4:2.5".into()),
        }
    }
}

impl EarlyStopArg {
    /// The rule in the unit of the network's logits, the lead rounded up.
    fn rule(self, network: &Network) -> Result<EarlyStop> {
        let lead = (self.lead * f64::from(self.every) * 2f64.powi(network.output.frac_bits as i32)).ceil();
        ensure!(
            lead <= f64::from(u32::MAX),
            "--early-stop {}:{}: a lead of more than 32 bits; no image would stop",
            self.every,
            self.lead
        );
        Ok(EarlyStop { every: self.every, lead: lead as u32 })
    }
}

impl ModelArg {
    pub fn named(name: &str) -> ModelArg {
        ModelArg { model: name.into() }
    }

    pub fn read(&self) -> Result<Model> {
        let path = Path::new(&self.model);
        if path.is_file() && path.file_name().is_some_and(|name| name == MANIFEST) {
            return Ok(Model::read(path.parent().unwrap_or(Path::new(".")))?);
        }
        if path.exists() {
            return Ok(Model::read(path)?);
        }
        let Some(folder) = BUNDLED.get_dir(&self.model) else {
            bail!(
                "model `{}`: there is no such folder, and the bundled models are {}",
                self.model,
                bundled().join(", ")
            );
        };
        let unpacked = tempfile::Builder::new().prefix("neuspin-model-").tempdir().context("temporary folder")?;
        for file in folder.files() {
            if let Some(name) = file.path().file_name() {
                let path = unpacked.path().join(name);
                std::fs::write(&path, file.contents()).with_context(|| path.display().to_string())?;
            }
        }
        Ok(Model::read(unpacked.path())?)
    }

    /// The model and its integer network, with other passes or another seed if so told.
    pub fn network(&self, draws: &DrawArgs) -> Result<(Model, Network)> {
        let model = self.read()?;
        let mut network = lower(&model)?;
        network.passes = draws.passes.unwrap_or(network.passes);
        network.seed = draws.seed.unwrap_or(network.seed);
        if let Some(source) = &draws.source {
            source.apply(&mut network).context("--source")?;
        }
        network.early_stop = draws.early_stop.map(|arg| arg.rule(&network)).transpose()?;
        network.check()?;
        Ok((model, network))
    }

    /// The same on a die, if one is described.
    pub fn network_on(&self, draws: &DrawArgs, chip: &ChipArgs) -> Result<(Model, Network)> {
        let (model, network) = self.network(draws)?;
        let die = chip.die(&network)?;
        Ok((model, die.map_or(network, |of| of.network)))
    }
}

/// Names of the bundled models.
fn bundled() -> Vec<String> {
    BUNDLED.dirs().filter_map(|dir| Some(dir.path().file_name()?.to_str()?.to_string())).collect()
}
