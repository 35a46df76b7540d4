//! The linear models: LUTs and registers of a family, as a sum of terms times coefficients that are fitted to synthesis results.
//!
//! `make refit` writes the coefficients; `docs/estimates.md` shows how far the models are off.

use super::features::{COUNT, FEATURES, Features};
use crate::board::Family;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Coefficients by the names of their terms; those that are left out are 0.
pub type Coefficients = BTreeMap<String, f64>;

/// The models of a family, as `coefficients.toml` holds them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyModel {
    /// What nine designs in ten are off by at most in LUTs, as a share, each estimated by a model fitted to all others.
    pub spread: f64,
    pub luts: Coefficients,
    pub registers: Coefficients,
}

/// The models of all families that were fitted.
pub type Models = BTreeMap<Family, FamilyModel>;

/// A model whose terms are in order.
struct Model {
    spread: f64,
    luts: [f64; COUNT],
    registers: [f64; COUNT],
}

static MODELS: LazyLock<BTreeMap<Family, Model>> = LazyLock::new(|| {
    let models: Models =
        toml::from_str(include_str!("../fit/coefficients.toml")).expect("the bundled coefficients are TOML");
    models.into_iter().map(|(family, model)| (family, Model::of(&model))).collect()
});

impl Model {
    fn of(model: &FamilyModel) -> Model {
        Model { spread: model.spread, luts: in_order(&model.luts), registers: in_order(&model.registers) }
    }
}

fn in_order(coefficients: &Coefficients) -> [f64; COUNT] {
    FEATURES.map(|feature| coefficients.get(&feature.name()).copied().unwrap_or(0.0))
}

/// The family whose model stands for `family`: no Gowin device was synthesised for, and their LUTs and carries are most like those of
/// an ECP5; an UltraPlus counts as an HX, though it has multipliers.
pub fn stands_for(family: Family) -> Family {
    match family {
        Family::Ice40Up | Family::Ice40Hx => Family::Ice40Hx,
        Family::Ecp5 | Family::Gw1n | Family::Gw2a => Family::Ecp5,
        Family::Xilinx7 => Family::Xilinx7,
    }
}

fn model(family: Family) -> &'static Model {
    &MODELS[&stands_for(family)]
}

/// LUTs, those that are memory among them.
pub fn luts(family: Family, features: &Features) -> f64 {
    features.weighted(&model(family).luts)
}

pub fn registers(family: Family, features: &Features) -> f64 {
    features.weighted(&model(family).registers)
}

/// What nine designs in ten are off by at most in LUTs, as a share.
pub fn spread(family: Family) -> f64 {
    model(family).spread
}
