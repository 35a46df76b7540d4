//! What a plan costs, before synthesis.
//!
//! LUTs and registers come from models that are fitted to synthesis results ([`model`]; `docs/estimates.md` shows their errors), block
//! memories from the rule by which Yosys chooses them ([`crate::plan::memory`]). A plan does not know what its tables hold:
//! [`crate::cosim::estimate`] knows it of a design, and counts its block memories exactly.

pub mod features;
pub mod memories;
pub mod model;

use super::memory::Held;
use super::{LayerPlan, Plan};
use crate::board::Family;
use crate::net::Network;
use features::{Before, Feature, Features, Place};
use memories::Kept;
use serde::Serialize;

/// Estimated resources in a device family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// LUTs as the family's place and route counts them, those that are memory among them: of 6 inputs on Xilinx 7, of 4 with two for
    /// each carry cell on an ECP5, logic cells of an iCE40.
    pub luts: u64,
    /// LUTs that are memory.
    pub memory_luts: u64,
    pub registers: u64,
    /// Block memories; of Xilinx 7 those of 18 kbit, of which one of 36 kbit counts as two.
    pub block_rams: u64,
    /// Bits of weights, start values and tables.
    pub rom_bits: u64,
    /// Bits of activations, states and sums.
    pub ram_bits: u64,
}

/// What a design has beside its plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// A port through which a host writes weights and constants.
    pub writable: bool,
    /// A serial port.
    pub uart: bool,
}

/// The estimate for a plan that fits `network`.
pub fn cost(network: &Network, plan: &Plan, family: Family, around: Around) -> Cost {
    let memories = memories(network, plan, family, around);
    let held = memories::held(family, &memories);
    let is_table = |(shape, _): &&Kept| !shape.written || (shape.reads_where_written && shape.registered);
    let bits = |kept: &Kept| kept.0.bits() * kept.1 as u64;
    let all: u64 = memories.iter().map(bits).sum();
    let rom_bits = memories.iter().filter(is_table).map(bits).sum();
    Cost { rom_bits, ram_bits: all - rom_bits, ..cost_of(family, &terms(network, plan, around, held), held) }
}

/// The estimate of a design whose memories are `held`; bits of memories are not counted.
pub fn cost_of(family: Family, terms: &Features, held: Held) -> Cost {
    Cost {
        luts: model::luts(family, terms).round() as u64,
        memory_luts: held.memory_luts,
        registers: model::registers(family, terms).round() as u64,
        block_rams: held.block_rams,
        ..Cost::default()
    }
}

/// All terms of the models, where memories are `held`.
pub fn terms(network: &Network, plan: &Plan, around: Around, held: Held) -> Features {
    let mut terms = features::whole(network, plan, around);
    terms += of_memories(held);
    terms
}

/// The memories of a plan, by their sizes.
pub fn memories(network: &Network, plan: &Plan, family: Family, around: Around) -> Vec<Kept> {
    let layers = plan.layers(network);
    let of_layers = layers.iter().enumerate().flat_map(|(index, l)| {
        memories::layer(l, Place::of(network, index, Before::of(plan, index), plan.lanes), family, around.writable)
    });
    of_layers.chain(memories::beside(network, plan, family, around)).collect()
}

fn of_memories(held: Held) -> Features {
    let mut terms = Features::default();
    terms.add(Feature::TableBits, held.logic_bits as usize);
    terms.add(Feature::RegisterBits, held.register_bits as usize);
    terms.add(Feature::MemoryLuts, held.memory_luts as usize);
    terms
}

/// LUTs and block memories of a layer. Its stochastic unit is not counted, which draws as fast as beats come, but where the layer takes
/// differences: there they come together, whatever a pass takes.
pub(super) fn of_layer(l: &LayerPlan, place: Place, family: Family, around: Around) -> (f64, u64) {
    let held = memories::held(family, &memories::layer(l, place, family, around.writable));
    let mut terms = features::layer(l, place, around.writable);
    terms += of_memories(held);
    if l.events > 0 {
        terms.add(Feature::Draws, l.lanes * l.draws().0);
    }
    (model::luts(family, &terms), held.block_rams)
}

/// LUTs of each part of the plan's uncertainty, by its name; nothing for a plan without.
pub fn uncertainty_luts(network: &Network, plan: &Plan, family: Family) -> Vec<(&'static str, u64)> {
    let mut all = Features::default();
    features::uncertainty(&mut all, network, plan);
    let parts: [(&str, &[Feature]); 5] = [
        ("mean", &[Feature::Mean, Feature::MeanLogits]),
        ("variance", &[Feature::Variance]),
        ("entropy", &[Feature::Entropy]),
        ("information", &[Feature::Information]),
        ("flag", &[Feature::Flags]),
    ];
    let luts = |of: &[Feature]| {
        let mut terms = Features::default();
        of.iter().for_each(|&feature| terms.0[feature as usize] = all.of(feature));
        model::luts(family, &terms).round() as u64
    };
    parts
        .into_iter()
        .filter(|(_, of)| of.iter().any(|&feature| all.of(feature) > 0.0))
        .map(|(name, of)| (name, luts(of)))
        .collect()
}
