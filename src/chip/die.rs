//! From a description to the network of a die.

use super::describe::{self, Section};
use super::{ChipError, Defect, Description};
use crate::device::crossbar::{Cells, Conductance, column_offsets};
use crate::device::{Junction, REFERENCE_TEMPERATURE, Spread, Switch, Units};
use crate::faults::{Programming, Verified, program};
use crate::net::{Array, BitMatrix, Columns, Converter, Device, FULL_GAIN, Network, Origin, StuckCells, StuckMap};
use crate::random::SplitMix64;
use std::collections::BTreeSet;

/// A network as a die has it.
#[derive(Clone, Debug)]
pub struct OfDie {
    pub network: Network,
    /// Stuck cells, those of spare columns among them.
    pub stuck: usize,
    /// Cells that hold the other bit than was written.
    pub flipped: usize,
    /// What programming came to, over all crossbars.
    pub programmed: Verified,
    /// Where a model does not hold, or a part of the description says nothing of this network.
    pub notes: Vec<String>,
}

/// What random numbers are for; each has generators of its own, so that no fault moves another.
#[derive(Clone, Copy)]
enum Purpose {
    Stuck,
    Flips,
    Devices,
    Offsets,
    Programming,
}

/// Numbers of one die.
#[derive(Clone, Copy)]
struct Die(u64);

impl Die {
    fn seed(self, purpose: Purpose, index: usize) -> u64 {
        SplitMix64::nth(SplitMix64::nth(self.0, purpose as u64).word(), index as u64).word()
    }

    fn random(self, purpose: Purpose, index: usize) -> SplitMix64 {
        SplitMix64::new(self.seed(purpose, index))
    }
}

impl Description {
    /// The network of die `number`. Defects have a number of their own for every cell and unit, so that a die with a higher rate has
    /// those of a lower one.
    pub fn network(&self, ideal: &Network, number: u64) -> Result<OfDie, ChipError> {
        self.check_layers(ideal)?;
        let die = Die(SplitMix64::nth(self.seed(), number).word());
        let sections: Vec<Section> = (0..=ideal.hidden.len()).map(|l| self.section(&layer_name(ideal, l))).collect();
        let map = self.stuck_map(ideal, &sections, die)?;
        let rules = self.file.programming.clone().unwrap_or_default();
        let rules = Programming {
            write_error: rules.write_error.unwrap_or(0.0),
            retries: rules.retries.unwrap_or(0),
            repair: rules.repair.unwrap_or(true),
            seed: die.seed(Purpose::Programming, 0),
        };
        let written = program(ideal, &map, &rules)?;
        let total = written.total();
        let mut of = OfDie {
            stuck: map.crossbars().map(StuckCells::count).sum(),
            network: written.network,
            flipped: 0,
            programmed: total,
            notes: vec![],
        };
        of.flip(&sections, &map, &written.columns, die);
        self.fill_devices(&mut of, die)?;
        self.fill_arrays(&mut of, &sections, die)?;
        of.network.chip.origin =
            Some(Origin { description: self.name.clone(), sha256: self.sha256(), seed: self.seed(), die: number });
        of.fit_logits()?;
        Ok(of)
    }

    fn section(&self, layer: &str) -> Section {
        self.file.layer.get(layer).map_or_else(|| self.file.all.clone(), |own| own.over(&self.file.all))
    }

    /// Refuses layers that the network does not have, and what a layer has no place for.
    fn check_layers(&self, ideal: &Network) -> Result<(), ChipError> {
        for (name, section) in &self.file.layer {
            let fail = |what: String| Err(ChipError::Layer { file: self.name.clone(), layer: name.clone(), what });
            let Some(layer) = layer_number(ideal, name) else { return fail(unknown_layer(ideal)) };
            match layer {
                Layer::Inputs if ideal.input.dropout.is_none() => {
                    return fail("the inputs have no dropout units".into());
                }
                Layer::Inputs if section.cells != Default::default() || section.array != Default::default() => {
                    return fail("inputs have dropout units, and neither cells nor an array".into());
                }
                Layer::Number(l) if section.devices != Default::default() => {
                    let Some(stream) = ideal.stream(l) else {
                        return fail("no dropout units: the layer has no method".into());
                    };
                    if ideal.unit_codes(stream.number).is_none() {
                        return fail("no dropout units: the layer's method draws numbers of another kind".into());
                    }
                    if stream.first > 0 {
                        return fail(
                            "units shared with the layers before; describe them at the first with Scale-Dropout".into(),
                        );
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn stuck_map(&self, ideal: &Network, sections: &[Section], die: Die) -> Result<StuckMap, ChipError> {
        let mut map = StuckMap { layers: vec![] };
        let mut number = 0;
        for (weights, section) in ideal.crossbar_weights().into_iter().zip(sections) {
            let cells = &section.cells;
            let (p, ap) = (cells.stuck_p.unwrap_or(0.0), cells.stuck_ap.unwrap_or(0.0));
            if p + ap > 1.0 {
                let place = format!("cells of {}", layer_name(ideal, map.layers.len()));
                let what = format!("stuck_p {p} and stuck_ap {ap} are more than all");
                return Err(ChipError::Value { file: self.name.clone(), place, what });
            }
            let mut layer = vec![];
            for weights in weights {
                let mut stuck = StuckCells::none(weights, cells.spares.unwrap_or(0));
                let mut random = die.random(Purpose::Stuck, number);
                number += 1;
                if p + ap > 0.0 {
                    for column in 0..stuck.columns() {
                        for plane in 0..stuck.planes() {
                            for input in 0..stuck.inputs() {
                                let at = random.unit();
                                if at < p || at >= 1.0 - ap {
                                    stuck.set(column, plane, input, Some(at < p));
                                }
                            }
                        }
                    }
                }
                layer.push(stuck);
            }
            map.layers.push(layer);
        }
        let Some((file, defects)) = &self.defects else { return Ok(map) };
        for (line, defect) in &defects.all {
            let Defect::Cell(cell, held) = defect else { continue };
            let fail = |what: String| Err(ChipError::Defect { file: file.clone(), line: *line, what });
            let Some(Layer::Number(l)) = layer_number(ideal, &cell.layer) else {
                return fail(format!("layer {}: {}", cell.layer, unknown_layer(ideal)));
            };
            let crossbars = map.layers[l].len();
            let Some(stuck) = map.layers[l].get_mut(cell.crossbar) else {
                return fail(format!("crossbar {}: layer {} has {crossbars}, from 0", cell.crossbar, cell.layer));
            };
            for (what, found, most) in [
                ("plane", cell.plane, stuck.planes()),
                ("row", cell.row, stuck.inputs()),
                ("column", cell.column, stuck.columns()),
            ] {
                if found >= most {
                    return fail(format!("{what} {found}: the crossbar has {most}, from 0"));
                }
            }
            stuck.set(cell.column, cell.plane, cell.row, Some(*held));
        }
        Ok(map)
    }

    fn fill_devices(&self, of: &mut OfDie, die: Die) -> Result<(), ChipError> {
        let network = &mut of.network;
        let code_bits = network.random.code_bits;
        let mut devices: Vec<Option<Device>> = vec![];
        for stream in 0..network.streams() {
            let layer = (0..=network.hidden.len()).find(|&l| network.stream(l).is_some_and(|s| s.number == stream));
            let name = layer.map_or("inputs".to_string(), |l| layer_name(network, l));
            let section = self.section(&name).devices;
            if section == describe::Devices::default() {
                devices.push(None);
                continue;
            }
            let Some(codes) = network.unit_codes(stream) else {
                of.notes.push(format!(
                    "layer {name}: its method has no dropout units, so that [default.devices] says nothing of it"
                ));
                devices.push(None);
                continue;
            };
            let units = self.units(&section)?;
            let seed = die.seed(Purpose::Devices, stream);
            let made = units.device(&codes, code_bits, seed).map_err(|source| ChipError::Units {
                file: self.name.clone(),
                place: place(&name),
                source,
            })?;
            of.notes.extend(made.warnings.iter().map(|w| format!("{}: {w}", place(&name))));
            devices.push((made.device != Device::default()).then_some(made.device));
        }
        if let Some((file, defects)) = &self.defects {
            for (line, defect) in &defects.all {
                let Defect::Unit { layer, unit, drops } = defect else { continue };
                let fail = |what: String| Err(ChipError::Defect { file: file.clone(), line: *line, what });
                let (stream, first) = match layer_number(network, layer) {
                    None => return fail(format!("layer {layer}: {}", unknown_layer(network))),
                    Some(Layer::Inputs) => (network.input.dropout.map(|_| 0), 0),
                    Some(Layer::Number(l)) => match network.stream(l) {
                        Some(s) => (Some(s.number), s.first),
                        None => (None, 0),
                    },
                };
                let Some((stream, codes)) = stream.and_then(|s| Some((s, network.unit_codes(s)?))) else {
                    return fail(format!("layer {layer} has no dropout units"));
                };
                if first + unit >= codes.len() {
                    return fail(format!("unit {unit}: layer {layer} has {}, from 0", codes.len() - first));
                }
                let device = devices[stream].get_or_insert_default();
                if device.stuck.is_empty() {
                    device.stuck = vec![None; codes.len()];
                }
                device.stuck[first + unit] = Some(*drops);
            }
        }
        if devices.iter().any(Option::is_some) {
            network.chip.devices = devices;
        }
        Ok(())
    }

    fn units(&self, section: &describe::Devices) -> Result<Units, ChipError> {
        let level = section.level.unwrap_or(3);
        let of_level = |least: u8, value: Option<f64>| if level >= least { value.unwrap_or(0.0) } else { 0.0 };
        let junction = &section.junction;
        let switch = match (&section.curve, junction != &describe::Junction::default()) {
            (Some(_), true) => {
                let what = "a junction and a curve; one of them says what a pulse does".into();
                return Err(ChipError::Value { file: self.name.clone(), place: "devices".into(), what });
            }
            (Some(name), false) => self.curves.get(name).cloned().map_or(Switch::Ideal, Switch::Curve),
            (None, true) => Switch::Junction {
                junction: Junction {
                    stability: junction.stability.unwrap_or(40.0),
                    critical_current: junction.critical_current.unwrap_or(50e-6),
                    attempt_time: junction.attempt_time.unwrap_or(1e-9),
                },
                width: junction.width.unwrap_or(10e-9),
            },
            (None, false) => Switch::Ideal,
        };
        let walk = section.walk_step.filter(|&step| level >= 2 && step > 0.0);
        Ok(Units {
            switch,
            temperature: section.temperature.filter(|_| level >= 2).unwrap_or(REFERENCE_TEMPERATURE),
            spread: Spread {
                probability: of_level(1, section.sigma),
                critical_current: of_level(1, section.critical_current_sigma),
                stability: of_level(1, section.stability_sigma),
                drive: of_level(1, section.drive_sigma),
            },
            stuck: (of_level(1, section.stuck_never), of_level(1, section.stuck_always)),
            jitter: of_level(2, section.jitter),
            walk: walk.map(|step| (step, section.walk_limit.unwrap_or(step))),
            cycle: (level >= 3 && (section.reset.is_some() || section.misread.is_some()))
                .then_some((section.reset.unwrap_or(1.0), section.misread.unwrap_or(0.0))),
        })
    }

    fn fill_arrays(&self, of: &mut OfDie, sections: &[Section], die: Die) -> Result<(), ChipError> {
        let mut arrays: Vec<Option<Array>> = vec![];
        let mut large = BTreeSet::new();
        for (l, section) in sections.iter().enumerate() {
            let weights = of.network.hidden.get(l).map_or(&of.network.output.weights, |h| &h.weights);
            let (neurons, inputs) = (weights.rows(), weights.cols());
            let name = layer_name(&of.network, l);
            arrays.push(
                self.array(&section.array, neurons, inputs, die, l, &mut large).map_err(|source| ChipError::Array {
                    file: self.name.clone(),
                    place: place(&name),
                    source,
                })?,
            );
        }
        of.notes.extend(large);
        if let Some((file, defects)) = &self.defects {
            for (line, defect) in &defects.all {
                let Defect::Offset { layer, column, offset } = defect else { continue };
                let fail = |what: String| Err(ChipError::Defect { file: file.clone(), line: *line, what });
                let Some(Layer::Number(l)) = layer_number(&of.network, layer) else {
                    return fail(format!("layer {layer}: {}", unknown_layer(&of.network)));
                };
                let weights = of.network.hidden.get(l).map_or(&of.network.output.weights, |h| &h.weights);
                if *column >= weights.rows() {
                    return fail(format!("column {column}: layer {layer} has {}, from 0", weights.rows()));
                }
                let array = arrays[l].get_or_insert_with(|| whole(weights.cols(), weights.rows()));
                array.offsets.resize(weights.rows(), 0);
                array.offsets[*column] = *offset;
            }
        }
        if arrays.iter().any(Option::is_some) {
            of.network.chip.arrays = arrays;
        }
        Ok(())
    }

    fn array(
        &self,
        section: &describe::Array,
        neurons: usize,
        inputs: usize,
        die: Die,
        layer: usize,
        large: &mut BTreeSet<String>,
    ) -> Result<Option<Array>, crate::device::DeviceError> {
        if *section == describe::Array::default() {
            return Ok(None);
        }
        let whole = whole(inputs, neurons);
        let group = section.group.unwrap_or(section.rows.unwrap_or(whole.group));
        let (rows, columns) =
            (section.rows.unwrap_or(inputs.next_multiple_of(group.max(1))), section.columns.unwrap_or(neurons));
        let converter = match (section.bits, section.shift) {
            (Some(bits), Some(shift)) => Converter { bits, shift },
            (Some(bits), None) if (2..=16).contains(&bits) => Converter::full_scale(bits, group),
            // The check of the network says what is wrong.
            (Some(bits), None) => Converter { bits, shift: 0 },
            (None, shift) => {
                let widest = Converter::full_scale(bits_of(group), group);
                Converter { shift: shift.unwrap_or(widest.shift), ..widest }
            }
        };
        let cells = Cells::default();
        let mut array = Array { rows, columns, group, converter, ..whole };
        let mean = |given: Option<f64>, usual: Conductance| Conductance {
            mean: given.unwrap_or(usual.mean),
            deviation: section.spread.unwrap_or(0.0) * given.unwrap_or(usual.mean),
        };
        let cells = Cells {
            parallel: mean(section.conductance.parallel, cells.parallel),
            antiparallel: mean(section.conductance.antiparallel, cells.antiparallel),
        };
        cells.check()?;
        if section.spread.is_some_and(|spread| spread > 0.0) {
            let (errors, warnings) = cells.read_errors(group)?;
            array.errors = errors.codes.iter().any(|&codes| codes != (0, 0)).then_some(errors);
            if let Some(worst) = warnings.iter().max_by(|a, b| a.probability.total_cmp(&b.probability)) {
                large.insert(worst.to_string());
            }
        }
        if section.wire.is_some_and(|wire| wire > 0.0) {
            array.gains = cells.wire_gains(inputs, rows, group, section.wire.unwrap_or(0.0))?;
        }
        if let Some(gain) = section.gain.filter(|&gain| gain < 1.0) {
            array.gains.resize(array.groups(inputs), FULL_GAIN);
            array.gains.iter_mut().for_each(|g| *g = (gain * f64::from(*g)).round() as u32);
        }
        if let Some(sigma) = section.offset_sigma.filter(|&sigma| sigma > 0.0) {
            array.offsets = column_offsets(neurons, sigma, &mut die.random(Purpose::Offsets, layer))?;
        }
        let sized = [section.rows, section.columns, section.group].iter().any(Option::is_some);
        let plain = array.only_offsets() && array.offsets.iter().all(|&o| o == 0) && !sized && section.bits.is_none();
        Ok((!plain).then_some(array))
    }
}

/// Bits by which offsets may widen logits.
const MORE_LOGIT_BITS: u32 = 8;

impl OfDie {
    /// Offsets reach further than the sums that the width of a logit was chosen for: the width grows, and values stay as they are.
    fn fit_logits(&mut self) -> Result<(), ChipError> {
        let checked = self.network.check();
        let Err(error) = checked else { return Ok(()) };
        let bits = self.network.output.logit_bits;
        for more in 1..=MORE_LOGIT_BITS.min(32u32.saturating_sub(bits)) {
            self.network.output.logit_bits = bits + more;
            if self.network.check().is_ok() {
                self.notes.push(format!("offsets take logits of {} bits instead of {bits}", bits + more));
                return Ok(());
            }
        }
        self.network.output.logit_bits = bits;
        Err(error.into())
    }

    /// Cells that lose their state; stuck ones have none to lose.
    fn flip(&mut self, sections: &[Section], map: &StuckMap, columns: &Columns, die: Die) {
        let layers = self.network.crossbar_weights_mut().into_iter().zip(sections);
        let mut number = 0;
        for ((weights, section), (stuck, columns)) in layers.zip(map.layers.iter().zip(&columns.layers)) {
            let rate = flip_rate(&section.cells);
            for (weights, (stuck, columns)) in weights.into_iter().zip(stuck.iter().zip(columns)) {
                let mut random = die.random(Purpose::Flips, number);
                number += 1;
                if rate == 0.0 {
                    continue;
                }
                for (plane, stuck) in weights.planes_mut().iter_mut().zip(stuck.matrices().0) {
                    self.flipped += flip_plane(plane, stuck, columns, rate, &mut random);
                }
            }
        }
    }
}

/// Flips cells of a plane whose neurons stand in `columns`.
fn flip_plane(
    plane: &mut BitMatrix,
    stuck: &BitMatrix,
    columns: &[usize],
    rate: f64,
    random: &mut SplitMix64,
) -> usize {
    let mut flipped = 0;
    for (row, &column) in columns.iter().enumerate() {
        for col in 0..plane.cols() {
            if random.unit() < rate && !stuck.get(column, col) {
                plane.set(row, col, !plane.get(row, col));
                flipped += 1;
            }
        }
    }
    flipped
}

/// How likely a cell holds the other bit: flips by themselves, or lost over time, but not both.
fn flip_rate(cells: &describe::Cells) -> f64 {
    let flips = cells.flips.unwrap_or(0.0);
    let retention = &cells.retention;
    let lost = match (retention.stability, retention.seconds) {
        (Some(stability), Some(seconds)) => {
            let attempt_time = retention.attempt_time.unwrap_or(1e-9);
            let temperature = retention.temperature.unwrap_or(REFERENCE_TEMPERATURE);
            let stability = stability * REFERENCE_TEMPERATURE / temperature;
            Junction { stability, critical_current: 1.0, attempt_time }.retention_loss(seconds)
        }
        _ => 0.0,
    };
    flips * (1.0 - lost) + lost * (1.0 - flips)
}

/// An array that computes exact sums.
fn whole(inputs: usize, neurons: usize) -> Array {
    Array {
        rows: inputs,
        columns: neurons,
        group: inputs,
        converter: Converter::full_scale(bits_of(inputs), inputs),
        gains: vec![],
        offsets: vec![],
        errors: None,
    }
}

/// Bits of a converter that shows all sums of a group.
fn bits_of(group: usize) -> u32 {
    (usize::BITS - group.leading_zeros() + 1).clamp(2, 16)
}

#[derive(Clone, Copy, PartialEq)]
enum Layer {
    Inputs,
    Number(usize),
}

fn layer_number(network: &Network, name: &str) -> Option<Layer> {
    match name {
        "inputs" => Some(Layer::Inputs),
        "output" => Some(Layer::Number(network.hidden.len())),
        _ => name.parse().ok().filter(|&l: &usize| l < network.hidden.len()).map(Layer::Number),
    }
}

fn layer_name(network: &Network, layer: usize) -> String {
    if layer < network.hidden.len() { layer.to_string() } else { "output".into() }
}

fn place(name: &str) -> String {
    match name {
        "inputs" => "the inputs".into(),
        "output" => "the output layer".into(),
        _ => format!("layer {name}"),
    }
}

fn unknown_layer(network: &Network) -> String {
    let inputs = if network.input.dropout.is_some() { ", `inputs`" } else { "" };
    format!("no such layer; `{}` has 0 to {}{inputs} and `output`", network.name, network.hidden.len() - 1)
}
