//! The designs that estimates are fitted to.

use anyhow::{Context, Result, ensure};
use neuspin::board::Family;
use neuspin::cosim::{mapping, top_and_modules};
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{EarlyStop, Network};
use neuspin::plan::{Around, Folding, Plan, Uncertainty};
use neuspin::rtl::uart::Rate;
use neuspin::rtl::{Design, Options};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::Path;

/// A bundled model and how it is folded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    pub name: String,
    pub model: String,
    pub families: Vec<Family>,
    #[serde(default = "one")]
    pub lanes: usize,
    /// Most passes an image.
    pub passes: usize,
    pub pe: Vec<usize>,
    pub simd: Vec<usize>,
    /// Differences a clock of each layer.
    #[serde(default)]
    pub events: Vec<usize>,
    /// Nothing is random.
    #[serde(default)]
    pub plain: bool,
    pub uncertainty: Option<Uncertainty>,
    pub early_stop: Option<EarlyStop>,
    #[serde(default)]
    pub writable: bool,
    #[serde(default)]
    pub uart: bool,
}

fn one() -> usize {
    1
}

#[derive(Deserialize)]
struct List {
    design: Vec<Trial>,
}

/// All of them.
pub fn trials() -> Result<Vec<Trial>> {
    let list: List = toml::from_str(include_str!("../../src/plan/fit/designs.toml")).context("designs.toml")?;
    let mut names: Vec<&str> = list.design.iter().map(|trial| trial.name.as_str()).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
    ensure!(twice.is_none(), "designs.toml: two designs are called {}", twice.map_or("", |pair| pair[0]));
    Ok(list.design)
}

impl Trial {
    pub fn around(&self) -> Around {
        Around { writable: self.writable, uart: self.uart }
    }

    /// The network and its plan; models lie in the folder `models`.
    pub fn plan(&self, models: &Path) -> Result<(Network, Plan)> {
        let of = || format!("design {}", self.name);
        let mut network = lower(&Model::read(&models.join(&self.model)).with_context(of)?).with_context(of)?;
        network.passes = network.passes.min(self.passes as u32);
        if self.plain {
            network.hidden.iter_mut().for_each(|hidden| hidden.method = None);
        }
        network.early_stop = self.early_stop;
        let folding = self.pe.iter().zip(&self.simd).map(|(&pe, &simd)| Folding { pe, simd }).collect();
        let plan = Plan::new(&network, self.lanes, self.passes, folding).with_context(of)?;
        let plan = plan.with_events(&network, self.events.clone()).with_context(of)?;
        Ok((network, plan.with_uncertainty(self.uncertainty)))
    }

    pub fn design(&self, network: &Network, plan: &Plan) -> Result<Design> {
        let options = Options { writable: self.writable, ..Options::default() };
        let design = Design::build(network, plan, options).with_context(|| format!("design {}", self.name))?;
        Ok(if self.uart { design.with_uart(network, Rate::new(115_200, 25_000_000)?)? } else { design })
    }
}

/// What Yosys is given for a design, as a hash: it changes with the Verilog, comments apart, the contents of memories and the commands.
pub fn fingerprint(family: Family, design: &Design) -> String {
    let (top, modules) = top_and_modules(design);
    let mut hash = Sha256::new();
    hash.update(mapping(family, design, top));
    // No text of the emitted Verilog holds slashes.
    let code = modules
        .iter()
        .flat_map(|m| m.text().lines())
        .map(|line| line.split("//").next().unwrap_or_default().trim_end());
    for line in code.filter(|line| !line.is_empty()) {
        hash.update(line);
        hash.update("\n");
    }
    design.images.iter().for_each(|image| hash.update(&image.text));
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
