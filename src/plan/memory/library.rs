//! Memories of the device families, from the libraries of Yosys 0.23: `ecp5/brams.txt`, `ecp5/lutrams.txt`, `ice40/brams.txt`,
//! `gowin/brams.txt`, `gowin/lutrams.txt`, `xilinx/brams_xc4v.txt` and `xilinx/lutrams_xc5v.txt` as Series 7 reads them.

use crate::board::Family;

/// A kind of memory cell. Numbers are those of the library.
#[derive(Clone, Copy, Debug)]
pub struct Ram {
    pub what: What,
    /// Address bits at the narrowest width.
    pub abits: u32,
    /// Widths of a word; each next one takes an address bit.
    pub widths: &'static [u64],
    /// Widest that a write port can be, as an index of `widths`.
    pub widest_write: usize,
    /// Narrowest that a write port can be, as an index of `widths`.
    pub narrowest_write: usize,
    /// Bits that are written together; 0 for all of a word.
    pub byte: u64,
    pub cost: f64,
    /// The part of the cost that goes with the bits that are used.
    pub by_width: f64,
    pub ports: Ports,
}

/// What a cell is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// So many block memories.
    Block(u64),
    /// So many LUTs, and so many for each bit of a word.
    Luts { cell: u64, bit: u64 },
}

impl What {
    pub fn is_block(self) -> bool {
        matches!(self, What::Block(_))
    }
}

/// Ports of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// So many, each of which reads and writes.
    Both(u64),
    /// One that writes, one that reads.
    WriteRead,
    /// One that reads and writes, and so many that read.
    AndReads(u64),
}

const TRUE_DUAL: &[u64] = &[1, 2, 4, 9, 18];
const SIMPLE_DUAL: &[u64] = &[1, 2, 4, 9, 18, 36];

/// A block memory whose ports all take every width.
const fn block(blocks: u64, abits: u32, widths: &'static [u64], cost: f64, ports: Ports) -> Ram {
    let widest_write = widths.len() - 1;
    let what = What::Block(blocks);
    Ram { what, abits, widths, widest_write, narrowest_write: 0, byte: 9, cost, by_width: 0.0, ports }
}

/// Memory in LUTs.
const fn luts(
    (cell, bit): (u64, u64),
    abits: u32,
    widths: &'static [u64],
    (cost, by_width): (f64, f64),
    ports: Ports,
) -> Ram {
    let what = What::Luts { cell, bit };
    Ram { what, abits, widths, widest_write: 0, narrowest_write: 0, byte: 0, cost, by_width, ports }
}

const ECP5: &[Ram] = &[
    luts((6, 0), 4, &[4], (4.0, 0.0), Ports::WriteRead),
    block(1, 14, TRUE_DUAL, 128.0, Ports::Both(2)),
    Ram { narrowest_write: 5, ..block(1, 14, SIMPLE_DUAL, 128.0, Ports::WriteRead) },
];

const ICE40: &[Ram] = &[
    Ram { byte: 0, widest_write: 2, ..block(1, 11, &[2, 4, 8, 16], 64.0, Ports::WriteRead) },
    Ram { byte: 1, narrowest_write: 3, ..block(1, 11, &[2, 4, 8, 16], 64.0, Ports::WriteRead) },
];

const GOWIN: &[Ram] = &[
    luts((4, 0), 4, &[4], (4.0, 4.0), Ports::WriteRead),
    block(1, 14, SIMPLE_DUAL, 128.0, Ports::Both(1)),
    block(1, 14, TRUE_DUAL, 128.0, Ports::Both(2)),
    block(1, 14, SIMPLE_DUAL, 128.0, Ports::WriteRead),
];

const XILINX7: &[Ram] = &[
    luts((4, 0), 5, &[8], (8.0, 8.0), Ports::AndReads(0)),
    luts((0, 1), 6, &[4], (8.0, 8.0), Ports::AndReads(0)),
    luts((0, 2), 7, &[2], (8.0, 8.0), Ports::AndReads(0)),
    luts((0, 4), 8, &[1], (8.0, 8.0), Ports::AndReads(0)),
    luts((4, 0), 5, &[4], (8.0, 8.0), Ports::AndReads(1)),
    luts((0, 2), 6, &[2], (8.0, 8.0), Ports::AndReads(1)),
    luts((0, 4), 7, &[1], (8.0, 8.0), Ports::AndReads(1)),
    luts((4, 0), 5, &[2], (7.0, 7.0), Ports::AndReads(3)),
    luts((4, 0), 6, &[1], (7.0, 7.0), Ports::AndReads(3)),
    luts((4, 0), 5, &[6], (8.0, 7.0), Ports::WriteRead),
    luts((4, 0), 6, &[3], (8.0, 7.0), Ports::WriteRead),
    block(1, 14, TRUE_DUAL, 129.0, Ports::Both(2)),
    block(2, 15, SIMPLE_DUAL, 257.0, Ports::Both(2)),
    block(4, 16, &[1, 2, 4, 9], 513.0, Ports::Both(2)),
    block(1, 14, SIMPLE_DUAL, 129.0, Ports::WriteRead),
    block(2, 15, &[1, 2, 4, 9, 18, 36, 72], 257.0, Ports::WriteRead),
];

/// What a family has for memories.
#[derive(Clone, Copy, Debug)]
pub struct Library {
    pub rams: &'static [Ram],
    /// What a bit of a table costs as logic.
    pub rom_bit: f64,
    /// What a bit that is written costs as a register.
    pub ram_bit: f64,
    /// Whether a block can read the old word at an address that is being written; else logic around it does.
    pub reads_first: bool,
}

/// That of `family`.
pub fn library(family: Family) -> Library {
    let (rams, rom_bit, reads_first) = match family {
        Family::Ice40Up | Family::Ice40Hx => (ICE40, 1.0 / 16.0, false),
        Family::Ecp5 => (ECP5, 1.0 / 16.0, false),
        Family::Gw1n | Family::Gw2a => (GOWIN, 1.0 / 16.0, false),
        Family::Xilinx7 => (XILINX7, 1.0 / 64.0, true),
    };
    Library { rams, rom_bit, ram_bit: 1.0, reads_first }
}
