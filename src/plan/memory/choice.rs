//! The rule of `memory_libmap`: of the cells that a memory's style and ports allow, those of the least cost.

use super::library::{Library, Ports, Ram, What, library};
use super::{Held, Shape, Style};
use crate::board::Family;

/// Cost of a multiplexer bit behind cells, and of an enable before them.
const SELECT: f64 = 0.5;
/// Cost of a point of logic that does what a cell does not.
const EMULATION: f64 = 2.0;
/// Points for logic that makes a read see the old word, at the write port and at each read.
const READ_FIRST: u64 = 3;

/// A way to hold a memory.
#[derive(Clone, Copy, Debug)]
struct Way {
    ram: Ram,
    /// Cells, copies for more reads among them.
    cells: u64,
    /// Bits that are used in them.
    bits: u64,
    cost: f64,
}

/// What holds `shape` in `family`.
pub fn held(family: Family, shape: &Shape) -> Held {
    if shape.bits() == 0 || shape.reads == 0 {
        return Held::default();
    }
    let library = library(family);
    match best(&library, shape) {
        Some(way) => match way.ram.what {
            What::Block(blocks) => Held { block_rams: blocks * way.cells, ..Held::default() },
            What::Luts { cell, bit } => Held { memory_luts: cell * way.cells + bit * way.bits, ..Held::default() },
        },
        None if shape.written => Held { register_bits: shape.bits(), ..Held::default() },
        None => Held { logic_bits: shape.bits(), ..Held::default() },
    }
}

fn best(library: &Library, shape: &Shape) -> Option<Way> {
    let allowed = |ram: &&Ram| match shape.style {
        Style::Any => true,
        Style::Block => ram.what.is_block(),
        Style::Distributed => !ram.what.is_block(),
        Style::Registers => false,
    };
    let ways = library.rams.iter().filter(allowed).filter_map(|ram| way(library, ram, shape));
    // Of the cells of a kind the cheapest, the first of those that cost the same.
    let mut kinds: Vec<Way> = vec![];
    for way in ways {
        match kinds.iter_mut().find(|other| other.ram.what.is_block() == way.ram.what.is_block()) {
            Some(other) if way.cost < other.cost => *other = way,
            Some(_) => {}
            None => kinds.push(way),
        }
    }
    let logic = shape.bits() as f64 * if shape.written { library.ram_bit } else { library.rom_bit };
    // The best so far is kept without its fraction.
    let mut least = if matches!(shape.style, Style::Any | Style::Registers) { logic.trunc() } else { f64::INFINITY };
    let mut best = None;
    for way in kinds {
        if way.cost < least {
            (best, least) = (Some(way), way.cost.trunc());
        }
    }
    best
}

/// The cheapest way with `ram`, where its ports allow one.
fn way(library: &Library, ram: &Ram, shape: &Shape) -> Option<Way> {
    let block = ram.what.is_block();
    // Block memories read into a register, and memory in LUTs is no table.
    if (block && !shape.registered) || (!block && !shape.written) {
        return None;
    }
    let sharings = if shape.reads_where_written { &[false, true][..] } else { &[false] };
    let ways = sharings.iter().filter_map(|&shared| {
        let (copies, alone) = copies(ram.ports, shape, shared)?;
        let collides = block && shape.written && !library.reads_first && !shared;
        let points = alone + if collides { READ_FIRST * (1 + shape.reads) } else { 0 };
        geometry(ram, shape, copies, points)
    });
    ways.reduce(|best, way| if way.cost < best.cost { way } else { best })
}

/// Copies of a cell that give all reads, and reads that have a port of their own; `shared`: one read has that of the write.
fn copies(ports: Ports, shape: &Shape, shared: bool) -> Option<(u64, u64)> {
    let written = u64::from(shape.written);
    let alone = shape.reads - u64::from(shared);
    let free = match ports {
        Ports::Both(ports) => ports - written,
        Ports::WriteRead if shared => return None,
        Ports::WriteRead => 1,
        Ports::AndReads(reads) => reads + 1 - written,
    };
    match (alone, free) {
        (0, _) => Some((1, 0)),
        (_, 0) => None,
        (alone, free) => Some((alone.div_ceil(free), alone)),
    }
}

/// The width at which `ram` costs least.
fn geometry(ram: &Ram, shape: &Shape, copies: u64, points: u64) -> Option<Way> {
    let byte_index = match ram.byte {
        0 => ram.widths.len() - 1,
        byte => ram.widths.iter().rposition(|&width| width <= byte).unwrap_or(0),
    };
    let mut best: Option<Way> = None;
    for (index, _) in ram.widths.iter().enumerate() {
        let unit_index = if shape.written { index.min(ram.widest_write) } else { index };
        if unit_index != index && best.is_some() {
            break;
        }
        if shape.written && index < ram.narrowest_write && index < byte_index {
            continue;
        }
        let unit = ram.widths[unit_index];
        let byte = match (shape.written, ram.byte) {
            (false, _) => 1,
            (true, byte) if byte == 0 || byte > unit => unit,
            (true, byte) => byte,
        };
        let deep = shape.words.div_ceil(1 << (ram.abits - index as u32));
        let bits = deep * shape.width.next_multiple_of(byte);
        let cells = bits.div_ceil(unit);
        let (select, enable) = ((deep - 1) * shape.width * shape.reads, if deep > 1 { deep } else { 0 });
        let enable = if shape.written { enable } else { 0 };
        let each = |n: u64| (n * copies) as f64;
        let cost = (ram.cost - ram.by_width) * each(cells)
            + ram.by_width * each(deep * shape.width) / unit as f64
            + SELECT * (select + enable) as f64
            + EMULATION * points as f64;
        if best.is_none_or(|best| cost < best.cost) {
            best = Some(Way { ram: *ram, cells: cells * copies, bits: deep * shape.width * copies, cost });
        }
    }
    best
}
