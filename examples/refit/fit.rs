//! Linear models fitted to what Yosys made of the designs.

use crate::nnls::nnls;
use crate::rows::Row;
use crate::trial::Trial;
use anyhow::{Context, Result};
use neuspin::board::Family;
use neuspin::cosim::{Cells, around, held};
use neuspin::plan::cost::features::{COUNT, FEATURES, Feature, Features};
use neuspin::plan::cost::model::{Coefficients, FamilyModel, Models};
use neuspin::plan::cost::terms;
use neuspin::plan::memory::Held;
use std::collections::BTreeMap;
use std::path::Path;

/// A design in a family: what it is made of, and what Yosys made of it.
pub struct Sample {
    pub design: String,
    pub terms: Features,
    pub counted: Cells,
    /// The memories by the rule.
    pub held: Held,
}

/// The samples of each family; of a design without a result nothing.
pub fn samples(trials: &[Trial], models: &Path, rows: &[Row]) -> Result<BTreeMap<Family, Vec<Sample>>> {
    let mut all: BTreeMap<Family, Vec<Sample>> = BTreeMap::new();
    for trial in trials {
        let of_trial: Vec<&Row> = rows.iter().filter(|row| row.design == trial.name).collect();
        if of_trial.is_empty() {
            continue;
        }
        let (network, plan) = trial.plan(models)?;
        let design = trial.design(&network, &plan)?;
        for row in of_trial {
            let held = held(row.family, &design);
            let terms = terms(&network, &plan, around(&design), held);
            let sample = Sample { design: trial.name.clone(), terms, counted: row.cells()?, held };
            all.entry(row.family).or_default().push(sample);
        }
    }
    Ok(all)
}

/// What a model counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// LUTs, those that are memory among them.
    Luts,
    Registers,
}

impl Count {
    pub fn of(self, cells: &Cells) -> f64 {
        match self {
            Count::Luts => (cells.luts + cells.memory_luts) as f64,
            Count::Registers => cells.registers as f64,
        }
    }

    /// Coefficients that are known: a LUT that is memory is a LUT.
    fn known(self, feature: Feature) -> Option<f64> {
        (feature == Feature::MemoryLuts).then_some(if self == Count::Luts { 1.0 } else { 0.0 })
    }
}

/// How much a coefficient is held at that of the model that is taken for a start, against a design's error.
const HOLD: f64 = 0.03;

/// The model with the least sum of squares of relative errors; where there is one to start from, what designs say nothing about stays
/// as it is there.
fn fit(samples: &[&Sample], count: Count, start: Option<&[f64; COUNT]>) -> [f64; COUNT] {
    let free: Vec<Feature> = FEATURES.into_iter().filter(|&feature| count.known(feature).is_none()).collect();
    let known =
        |sample: &Sample| -> f64 { FEATURES.iter().filter_map(|&f| Some(count.known(f)? * sample.terms.of(f))).sum() };
    let (mut rows, mut values) = (vec![], vec![]);
    for sample in samples {
        let counted = count.of(&sample.counted);
        rows.push(free.iter().map(|&feature| sample.terms.of(feature) / counted).collect::<Vec<f64>>());
        values.push((counted - known(sample)) / counted);
    }
    if let Some(start) = start {
        for (at, &feature) in free.iter().enumerate() {
            let share = rows.iter().take(samples.len()).map(|row| row[at]).fold(0.0, f64::max).max(1e-6);
            let weight = HOLD.sqrt() * share;
            rows.push((0..free.len()).map(|j| if j == at { weight } else { 0.0 }).collect());
            values.push(weight * start[feature as usize]);
        }
    }
    let found = nnls(&rows, &values);
    let mut model = [0.0; COUNT];
    FEATURES.iter().for_each(|&feature| model[feature as usize] = count.known(feature).unwrap_or(0.0));
    free.iter().zip(found).for_each(|(&feature, value)| model[feature as usize] = rounded(value));
    model
}

/// To four digits: what is written is what was judged.
fn rounded(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let unit = 10f64.powi(3 - value.abs().log10().floor() as i32);
    (value * unit).round() / unit
}

/// What a model says of a design.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    pub counted: f64,
    /// By the model.
    pub fitted: f64,
    /// By a model fitted to all other designs.
    pub left_out: f64,
}

impl Said {
    pub fn error(&self) -> f64 {
        self.fitted / self.counted - 1.0
    }

    pub fn error_left_out(&self) -> f64 {
        self.left_out / self.counted - 1.0
    }
}

/// A model and what it says of the designs that it was fitted to.
pub struct Fitted {
    pub model: [f64; COUNT],
    pub said: Vec<Said>,
}

fn judged(samples: &[Sample], count: Count, start: Option<&[f64; COUNT]>) -> Fitted {
    let all: Vec<&Sample> = samples.iter().collect();
    let model = fit(&all, count, start);
    let said = samples.iter().enumerate().map(|(at, sample)| {
        let others: Vec<&Sample> = all.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, s)| *s).collect();
        Said {
            counted: count.of(&sample.counted),
            fitted: sample.terms.weighted(&model),
            left_out: sample.terms.weighted(&fit(&others, count, start)),
        }
    });
    Fitted { said: said.collect(), model }
}

/// The models of a family.
pub struct FamilyFit {
    pub family: Family,
    pub samples: Vec<Sample>,
    pub luts: Fitted,
    pub registers: Fitted,
}

/// Fits all families. That of the most designs comes first in its kind: an iCE40's model, of few designs, starts from an ECP5's.
pub fn fit_all(mut samples: BTreeMap<Family, Vec<Sample>>) -> Result<Vec<FamilyFit>> {
    let mut all: Vec<FamilyFit> = vec![];
    for family in [Family::Xilinx7, Family::Ecp5, Family::Ice40Hx] {
        let samples = samples.remove(&family).with_context(|| format!("no results of {family:?}"))?;
        let start = all.iter().find(|fit| family == Family::Ice40Hx && fit.family == Family::Ecp5);
        let luts = judged(&samples, Count::Luts, start.map(|fit| &fit.luts.model));
        let registers = judged(&samples, Count::Registers, start.map(|fit| &fit.registers.model));
        all.push(FamilyFit { family, samples, luts, registers });
    }
    Ok(all)
}

/// The value that a share of `values` does not exceed.
pub fn quantile(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// The models as the library reads them.
pub fn models(all: &[FamilyFit]) -> Models {
    let named = |model: &[f64; COUNT]| -> Coefficients {
        FEATURES.iter().filter(|&&f| model[f as usize] > 0.0).map(|&f| (f.name(), model[f as usize])).collect()
    };
    let model = |fit: &FamilyFit| {
        let spread = quantile(fit.luts.said.iter().map(|said| said.error_left_out().abs()), 0.9);
        let spread = (1000.0 * spread).round() / 1000.0;
        (fit.family, FamilyModel { spread, luts: named(&fit.luts.model), registers: named(&fit.registers.model) })
    };
    all.iter().map(model).collect()
}
