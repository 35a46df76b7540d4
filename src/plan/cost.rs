//! What a plan costs, before synthesis.
//!
//! Memories are counted exactly. LUTs and registers come from a linear model of the blocks, fitted to Yosys results of single
//! blocks (`make area` synthesises whole layers); it is meant for choosing a folding, not for a data sheet.
//! Neurons that decide on sums (`rtl/neurons.rs`) are not counted: `neuspin compare --synthesize` shows what they take.

use super::{ArrayPlan, Flag, Gains, LayerPlan, Plan, replay_clocks};
use crate::net::{Network, OCTAVE_BITS};
use serde::Serialize;

/// Estimated resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// LUTs of a Xilinx 7 device, memories in LUTs and shift registers not counted.
    pub luts_xc7: u64,
    /// LUT4 of an ECP5, two for each carry cell.
    pub luts_ecp5: u64,
    /// Bits of weights and start values: block memory.
    pub rom_bits: u64,
    /// Bits of activations, states and accumulators: memory in LUTs, or blocks.
    pub ram_bits: u64,
}

/// Bits of a number up to `n`.
fn bits(n: usize) -> u64 {
    u64::from(usize::BITS - n.leading_zeros())
}

/// (Xilinx 7, ECP5) LUTs of one processing element: `per_input · simd + per_bit · accumulator`, in hundredths.
fn element(l: &LayerPlan) -> (u64, u64) {
    let accumulator = bits(l.inputs * l.matches_per_input()) + 1;
    let (xc7, ecp5) = if l.masked { ((168, 100), (275, 200)) } else { ((165, 100), (260, 200)) };
    // Matches are counted for each plane of the weights, and counts added in the accumulator.
    let weights = l.weight_planes as u64;
    let cost = |(per_input, per_bit): (u64, u64)| weights * (per_input * l.simd as u64 + per_bit * accumulator) / 100;
    let planes = if l.planes > 1 { accumulator } else { 0 };
    (cost(xc7), cost(ecp5) + planes)
}

/// The same of an element that reads word-line groups by themselves: a count, a sum and a converter each, and a hash and a table of
/// codes where reads err.
fn array_element(l: &LayerPlan, array: ArrayPlan) -> (u64, u64) {
    let (simd, groups) = (l.simd as u64, array.at_once(l.simd) as u64);
    let count = bits(array.group.min(l.inputs));
    let (gain, errors) = match (array.gains, array.errors) {
        (Gains::One, false) => (0, 0),
        (Gains::One, true) => (0, 1),
        (_, errors) => (6 * count, u64::from(errors)),
    };
    // Rounds of 16 bits, two operations a bit; the table of codes lies in LUTs.
    let entries = (array.group as u64 + 1) * (array.group as u64 + 2) / 2;
    let errors = errors * (8 * 32 + 34 * entries.div_ceil(64) + 3 * count);
    let of_group = 5 * count + gain + errors;
    let sums = 2 * (bits(array.most as usize) + 1);
    let all = |per_input: u64| per_input * simd / 100 + groups * of_group + sums;
    (all(165), all(260))
}

fn layer_luts_both(l: &LayerPlan) -> (u64, u64) {
    let (xc7, ecp5) = l.array.map_or_else(|| element(l), |array| array_element(l, array));
    let elements = (l.pe * l.lanes) as u64;
    // Rails, plane selection and the sequencer.
    let input = if l.planes > 1 { l.simd as u64 * l.planes as u64 / 2 } else { 0 };
    let shared = 60 + 2 * bits(l.frame_clocks()) + input + if l.masked { 60 * l.lanes as u64 } else { 0 };
    (xc7 * elements + shared, ecp5 * elements + shared)
}

/// LUTs of a layer on Xilinx 7, its dropout unit not counted.
pub(super) fn layer_luts(l: &LayerPlan) -> u64 {
    layer_luts_both(l).0
}

/// Bits of the table of a stream's units that are devices, and of their states in a pass.
fn device_bits(network: &Network, stream: usize) -> (u64, u64) {
    let Some(device) = network.device(stream) else { return (0, 0) };
    let deviations = device.deviations.len() as u64 * u64::from(network.random.code_bits + 2);
    let units = network.unit_codes(stream).map_or(0, |codes| codes.len()) as u64;
    (deviations + 2 * device.stuck.len() as u64, if device.cycle.is_some() { units } else { 0 })
}

/// The estimate for a plan that fits `network`.
pub fn cost(network: &Network, plan: &Plan) -> Cost {
    let layers = plan.layers(network);
    let lanes = plan.lanes as u64;
    let word = u64::from(network.random.state_bits());
    let mut total = Cost::default();
    for (index, l) in layers.iter().enumerate() {
        let (xc7, ecp5) = layer_luts_both(l);
        total.luts_xc7 += xc7;
        total.luts_ecp5 += ecp5;
        let start = (bits(l.inputs * l.matches_per_input()) + 1) * if l.masked { 2 } else { 1 };
        let crossbars = l.crossbars() as u64;
        total.rom_bits += crossbars * (l.weight_planes * l.inputs * l.outputs) as u64;
        if index + 1 < layers.len() {
            total.rom_bits += crossbars * start * l.outputs as u64;
        }
        let value = if index == 0 { l.planes as u64 } else { 1 + u64::from(l.masked) };
        total.ram_bits += 2 * l.inputs as u64 * value * l.lanes as u64;
        if let Some(stream) = l.unit {
            // A 64-bit stream costs about 37 LUTs a draw, its swap one LUT a bit.
            let draws = (plan.draws_per_clock(network, index) * network.draws_per_unit(stream)) as u64;
            let (table, states) = device_bits(network, stream);
            total.rom_bits += table;
            total.ram_bits += plan.max_passes as u64 * states;
            let unit = lanes * (37 * draws + word);
            total.luts_xc7 += unit;
            total.luts_ecp5 += unit;
            total.ram_bits += plan.max_passes as u64 * word;
        }
    }
    // Registers, seeder, replay and the logits of all lanes, whose multipliers go to DSP blocks where there are any.
    let fixed = 700 + 10 * replay_clocks(network, plan) as u64 + 130 * lanes;
    total.luts_xc7 += fixed;
    total.luts_ecp5 += fixed + 60 * lanes;
    let width = u64::from(network.output.logit_bits);
    total.ram_bits += 2 * network.classes() as u64 * (3 * width + 3 * bits(plan.max_passes));
    for (_, part) in uncertainty_cost(network, plan) {
        total.luts_xc7 += part.luts_xc7;
        total.luts_ecp5 += part.luts_ecp5;
        total.rom_bits += part.rom_bits;
        total.ram_bits += part.ram_bits;
    }
    total
}

/// What each part of the plan's uncertainty costs, by its name; nothing for a plan without. LUTs are fitted to the block of ten
/// classes and four lanes (`make uncertainty-area`).
pub fn uncertainty_cost(network: &Network, plan: &Plan) -> Vec<(&'static str, Cost)> {
    let Some(parts) = plan.uncertainty else { return vec![] };
    let (classes, lanes) = (network.classes() as u64, plan.lanes as u64);
    let octave = 1u64 << OCTAVE_BITS;
    let passes = bits(plan.max_passes);
    let sums = u64::from(network.output.probability_bits()) + passes;
    let logits = 2 * (classes + 1) * lanes * u64::from(network.output.logit_bits);
    let cost = |luts_xc7, luts_ecp5, rom_bits, ram_bits| Cost { luts_xc7, luts_ecp5, rom_bits, ram_bits };
    let mean = cost(700 + 20 * lanes, 1030 + 22 * lanes, octave * 28, logits + 2 * classes * sums);
    let flag = match parts.flag {
        Some(Flag::One) => cost(10, 15, 0, 0),
        Some(Flag::ByClass) => cost(57 * classes, 97 * classes, 0, 0),
        None => Cost::default(),
    };
    let all = [
        (true, "mean", mean),
        (parts.squares, "variance", cost(70, 157, 0, 2 * classes * (32 + passes))),
        (parts.needs_entropy(), "entropy", cost(250, 380, octave * 10, 4 * (u64::from(OCTAVE_BITS) + passes))),
        (parts.information, "information", cost(162, 223, 0, 2 * (sums + 2 * u64::from(OCTAVE_BITS)))),
        (parts.flag.is_some(), "flag", flag),
    ];
    all.into_iter().filter(|(there, ..)| *there).map(|(_, name, cost)| (name, cost)).collect()
}
