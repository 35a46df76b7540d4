//! What a memory becomes in a device: block memories, memory in LUTs, or logic.
//!
//! This is the rule of Yosys' `memory_libmap`, as far as the memories of a design need it: all ports on one clock, whole words
//! written, one write port at most. The memories of a family and their costs are those of Yosys' libraries (`library`); the rule
//! takes the cheapest that the style allows (`choice`).

mod choice;
mod library;
#[cfg(test)]
mod tests;

use crate::board::Family;
use serde::Serialize;
use std::ops::{Add, AddAssign, Mul};

/// What `ram_style` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Nothing: the cheapest.
    #[default]
    Any,
    Block,
    /// Memory in LUTs.
    Distributed,
    /// Registers and logic.
    Registers,
}

/// A memory as it is to be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub words: u64,
    /// Bits of a word; those that are the same in all words of a table are logic, and not counted.
    pub width: u64,
    pub style: Style,
    /// Whether it is written: by one port, whole words.
    pub written: bool,
    /// Addresses that are read.
    pub reads: u64,
    /// Whether what is read goes straight into a register.
    pub registered: bool,
    /// Whether the address that is written is read, too.
    pub reads_where_written: bool,
}

impl Shape {
    /// A table that is read into a register at one address.
    pub fn table(words: u64, width: u64) -> Shape {
        let style = Style::Any;
        Shape { words, width, style, written: false, reads: 1, registered: true, reads_where_written: false }
    }

    /// A memory that is written at one address and read into a register at another.
    pub fn buffer(words: u64, width: u64) -> Shape {
        Shape { written: true, ..Shape::table(words, width) }
    }

    /// The same, as block memory.
    pub fn block(self) -> Shape {
        Shape { style: Style::Block, ..self }
    }

    pub fn bits(&self) -> u64 {
        self.words * self.width
    }
}

/// Cells that hold a memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Block memories; of Xilinx 7 those of 18 kbit, of which one of 36 kbit counts as two.
    pub block_rams: u64,
    /// LUTs that are memory; on an ECP5 the six of a `TRELLIS_DPR16X4`.
    pub memory_luts: u64,
    /// Bits that are registers, with multiplexers before and behind.
    pub register_bits: u64,
    /// Bits of tables that are logic.
    pub logic_bits: u64,
}

impl Held {
    /// What holds `shape` in `family`.
    pub fn of(family: Family, shape: &Shape) -> Held {
        choice::held(family, shape)
    }
}

impl Add for Held {
    type Output = Held;

    fn add(self, other: Held) -> Held {
        Held {
            block_rams: self.block_rams + other.block_rams,
            memory_luts: self.memory_luts + other.memory_luts,
            register_bits: self.register_bits + other.register_bits,
            logic_bits: self.logic_bits + other.logic_bits,
        }
    }
}

impl AddAssign for Held {
    fn add_assign(&mut self, other: Held) {
        *self = *self + other;
    }
}

impl Mul<u64> for Held {
    type Output = Held;

    fn mul(self, times: u64) -> Held {
        Held {
            block_rams: times * self.block_rams,
            memory_luts: times * self.memory_luts,
            register_bits: times * self.register_bits,
            logic_bits: times * self.logic_bits,
        }
    }
}

impl std::iter::Sum for Held {
    fn sum<I: Iterator<Item = Held>>(all: I) -> Held {
        all.fold(Held::default(), Add::add)
    }
}

/// LUTs of an iCE40 that are spent to save a block memory. It has some 200 LUTs for each, and a block memory has at most 16 bits a
/// word: a wide table of few words fills many of them with hardly anything.
const LUTS_FOR_A_BLOCK: usize = 100;

/// Whether a table of so many words costs an iCE40 less as LUTs, of 16 bits each, than as block memories of 4096 bits, 16 a word.
/// Such tables are told to be registers when a design is synthesised.
pub fn is_small(words: usize, bits: usize) -> bool {
    let luts = bits * words.div_ceil(16);
    let blocks = bits.div_ceil(16).max((words * bits).div_ceil(4096));
    luts <= LUTS_FOR_A_BLOCK * blocks
}
