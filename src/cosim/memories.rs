//! The memories of a design, and what each becomes in a device family.

use super::synthesis::{small_memories, top_and_modules};
use crate::board::Family;
use crate::net::Network;
use crate::plan::cost::{cost_of, terms};
use crate::plan::memory::{Held, Shape, Style};
use crate::plan::{Around, Cost, cost};
use crate::rtl::Design;
use crate::verilog::{MemoryUse, VerilogFile};

/// A memory of a design.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesignMemory {
    pub module: String,
    pub name: String,
    /// Copies in the design.
    pub times: u64,
    pub shape: Shape,
    /// What holds all copies.
    pub held: Held,
}

/// The memories of `design` as they are mapped to `family`, those of the serial port among them where there is one.
pub fn memories(family: Family, design: &Design) -> Vec<DesignMemory> {
    let (top, modules) = top_and_modules(design);
    let small = if family.is_ice40() { small_memories(design) } else { vec![] };
    let mut found = vec![];
    walk(&modules, top, 1, &mut |module, memory, times| {
        let mut shape = shape(design, memory);
        if family.is_ice40() {
            // As `mapping` has it: memory in LUTs is not there, and small tables are better made of LUTs.
            let is_small = small.iter().any(|(of, name)| of == module && *name == memory.name);
            shape.style = match shape.style {
                _ if is_small => Style::Registers,
                Style::Distributed => Style::Any,
                style => style,
            };
        }
        let times = times * u64::from(memory.times);
        let held = Held::of(family, &shape) * times;
        found.push(DesignMemory { module: module.into(), name: memory.name.clone(), times, shape, held });
    });
    found
}

/// What `design` costs in `family`, with the memories that it has: block memories are exact.
pub fn estimate(network: &Network, design: &Design, family: Family) -> Cost {
    let (around, held) = (around(design), held(family, design));
    let known = cost_of(family, &terms(network, &design.plan, around, held), held);
    let planned = cost(network, &design.plan, family, around);
    Cost { rom_bits: planned.rom_bits, ram_bits: planned.ram_bits, ..known }
}

/// What holds all memories of `design`.
pub fn held(family: Family, design: &Design) -> Held {
    memories(family, design).iter().map(|memory| memory.held).sum()
}

/// What a design has beside its plan.
pub fn around(design: &Design) -> Around {
    Around { writable: design.options.writable, uart: design.uart.is_some() }
}

/// Calls `see` with every memory of `module` and of what is in it.
fn walk(modules: &[&VerilogFile], module: &str, times: u64, see: &mut impl FnMut(&str, &MemoryUse, u64)) {
    let Some(file) = modules.iter().find(|file| file.name() == module) else { return };
    file.memories().iter().for_each(|memory| see(module, memory, times));
    for (name, count) in file.instances() {
        walk(modules, name, times * u64::from(*count), see);
    }
}

fn shape(design: &Design, memory: &MemoryUse) -> Shape {
    let width = match memory.file.as_ref().filter(|_| !memory.written) {
        Some(file) => changing_bits(design, file, memory),
        None => memory.width.into(),
    };
    Shape {
        words: memory.depth.into(),
        width,
        style: match memory.style {
            Some("block") => Style::Block,
            Some("distributed") => Style::Distributed,
            _ => Style::Any,
        },
        written: memory.written,
        reads: memory.reads.into(),
        registered: memory.registered,
        reads_where_written: memory.reads_where_written,
    }
}

/// Bits of a table's word that are not the same in all words: the others are constants, and no memory.
fn changing_bits(design: &Design, file: &str, memory: &MemoryUse) -> u64 {
    let Some(image) = design.images.iter().find(|image| image.file == file) else { return memory.width.into() };
    let digits = memory.width.div_ceil(4) as usize;
    let (mut ones, mut zeros) = (vec![0u8; digits], vec![0u8; digits]);
    for line in image.text.lines().filter(|line| !line.starts_with("//") && !line.trim().is_empty()) {
        for (at, digit) in line.trim().bytes().rev().enumerate().take(digits) {
            let value = (digit as char).to_digit(16).unwrap_or(0) as u8;
            ones[at] |= value;
            zeros[at] |= !value & 0xf;
        }
    }
    ones.iter().zip(&zeros).map(|(one, zero)| u64::from((one & zero).count_ones())).sum()
}
