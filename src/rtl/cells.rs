//! The cells of a layer's crossbars as a host meets them: what a write leaves in a cell that may be stuck, in the column that the
//! neuron has.

use super::layer::Layer;
use super::writable::PORT_BITS;
use super::{MemoryImage, image, image_word};
use crate::net::{Direction, StuckCells, Weights};
use crate::verilog::{
    Expr, Memory, Module, VerilogError, VerilogFile, cat, index_width, lit, mux, repeat, set, when_else,
};

/// Between the host and the weights of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    pub name: String,
    pub crossbars: u32,
    pub groups: u32,
    /// Neurons of a group.
    pub pe: u32,
    pub words: u32,
    /// Bits that a neuron has in a word.
    pub bits: u32,
    /// Columns of a crossbar, spare ones included, where cells can be stuck.
    pub columns: Option<u32>,
    /// Whether the weights of some neurons are stored inverted: those that fire at or below their threshold.
    pub inverts: bool,
}

/// Clocks from an access's address to what is written.
pub const LATENCY: u32 = 3;

impl Cells {
    pub fn columns_file(&self) -> String {
        format!("{}_columns.hex", self.name)
    }

    pub fn stuck_file(&self) -> String {
        format!("{}_stuck.hex", self.name)
    }

    /// Bits of a column's number.
    fn column_bits(&self) -> u32 {
        self.columns.map_or(0, index_width)
    }

    /// Bits of a word of the table: the column above a bit that says whether weights are inverted.
    fn entry_bits(&self) -> u32 {
        self.column_bits() + u32::from(self.inverts)
    }

    /// A neuron's word of the table, as a host writes it: bit 0 says whether its weights are stored inverted, the column stands above.
    pub fn entry(column: usize, inverted: bool) -> u32 {
        (column as u32) << 1 | u32::from(inverted)
    }

    /// Whether it matters which beat of a neuron's word is written.
    pub fn reads_beats(&self) -> bool {
        self.columns.is_some() || (self.inverts && !self.bits.is_multiple_of(PORT_BITS))
    }

    fn index_bits(&self) -> u32 {
        let some = |n: u32| if n > 1 { index_width(n) } else { 0 };
        (some(self.crossbars) + some(self.groups) + some(self.pe)).max(1)
    }

    /// The table as every neuron has its own column; `directions` by crossbar, where weights are stored inverted.
    pub fn table(&self, directions: &[&[Direction]]) -> MemoryImage {
        let some = |n: u32| if n > 1 { 1u32 << index_width(n) } else { 1 };
        let (pe, groups, crossbars) = (some(self.pe), some(self.groups), some(self.crossbars));
        let rows = (pe * groups * crossbars).max(2);
        let word = |at: u32| {
            let (p, group, crossbar) = (at % pe, at / pe % groups, at / pe / groups);
            let neuron = (group * self.pe + p) as usize;
            let there = p < self.pe && group < self.groups && crossbar < self.crossbars;
            let le =
                there && self.inverts && directions.get(crossbar as usize).is_some_and(|d| d[neuron] == Direction::Le);
            let column = if there { neuron as i128 } else { 0 };
            let inverted = (u32::from(self.inverts), i128::from(le));
            image_word(&[inverted, (self.column_bits(), column)])
        };
        MemoryImage { file: self.columns_file(), text: (0..rows).map(word).collect() }
    }

    /// Which cells are stuck, and above that what they hold: a word for each column and word of a neuron.
    pub fn stuck(&self, layer: &Layer, crossbars: &[StuckCells]) -> MemoryImage {
        let mut text = String::new();
        for cells in crossbars {
            let (stuck, held) = cells.matrices();
            // A neuron of twice the planes: the upper ones hold what the lower ones say is stuck.
            let planes = stuck.iter().chain(held).cloned().collect();
            let mut alone = layer.clone();
            (alone.plan.pe, alone.plan.outputs) = (1, cells.columns());
            alone.plan.weight_planes *= 2;
            text += &image::weights(&alone, &Weights::of_planes(planes), None);
        }
        MemoryImage { file: self.stuck_file(), text }
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let beats = self.bits.div_ceil(PORT_BITS);
        let mut m = Module::new(&self.name);
        m.doc(
            "Between the host and the weights of a layer. A table says of every neuron in which column of its crossbar it is, and \
             whether its weights are stored inverted.",
        );
        if self.columns.is_some() {
            m.doc(
                "A map says of every cell of every column whether it is stuck, and at what: a stuck cell keeps its bit whatever is \
                 written. So the layer's memory holds what the crossbar would, and reading it back shows which cells are wrong.",
            );
        }
        m.fact("neurons", self.groups * self.pe);
        m.fact("crossbars", self.crossbars);
        if let Some(columns) = self.columns {
            m.fact("columns of a crossbar", columns);
        }
        m.fact("bits of a neuron's word", self.bits);
        m.latency(&format!("{LATENCY} clocks from an address to what is written"));
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        m.group("The access, steady from the first clock on");
        let field = |m: &mut Module, port: &str, count: u32| (count > 1).then(|| m.input(port, index_width(count)));
        let crossbar = field(&mut m, "crossbar_i", self.crossbars);
        let group = field(&mut m, "group_i", self.groups);
        let slice = field(&mut m, "slice_i", self.pe);
        m.note("neuron of the group");
        let word = self.columns.and_then(|_| field(&mut m, "word_i", self.words));
        let beat = if self.reads_beats() { field(&mut m, "beat_i", beats) } else { None };
        let data = m.input("data_i", PORT_BITS);
        let table_write = m.input("table_write_i", 1);
        m.note("write the neuron's word of the table");
        m.group("Weights, and the table");
        let effective = m.output_reg("effective_o", PORT_BITS);
        m.note("what the memory is to hold");
        let flip = m.output("flip_o", PORT_BITS);
        m.note("bits that are stored inverted");
        let table_read = m.output("table_o", PORT_BITS);

        m.section("The table of columns");
        let fields: Vec<&Expr> = [&slice, &group, &crossbar].into_iter().filter_map(Option::as_ref).collect();
        let at = match &fields[..] {
            [] => lit(1, 0),
            [one] => (*one).clone(),
            _ => m.wire_is("entry_at", &cat(fields.into_iter().rev())),
        };
        debug_assert_eq!(at.width(), self.index_bits());
        let entry_bits = self.entry_bits();
        let table = m.memory(Memory::new("columns", entry_bits, 1 << self.index_bits()).file(&self.columns_file()));
        let entry = m.reg("entry_q", entry_bits);
        let written = if self.inverts { data.bits(0, entry_bits) } else { data.bits(1, entry_bits) };
        m.clocked(&clk, [when_else(&table_write, [set(&table.word(&at), &written)], [set(&entry, &table.word(&at))])]);
        let shown = if self.inverts { entry.clone() } else { cat([&entry, &lit(1, 0)]) };
        m.assign(&table_read, &shown.zext(PORT_BITS));

        if self.inverts {
            let ones = |width: u32| lit(PORT_BITS, (1u128 << width) - 1);
            let last_bits = self.bits - (beats - 1) * PORT_BITS;
            let mask = match &beat {
                Some(beat) if last_bits < PORT_BITS => {
                    let last = beat.eq(&lit(beat.width(), u128::from(beats - 1)));
                    m.wire_is("beat_mask", &mux(&last, &ones(last_bits), &ones(PORT_BITS)))
                }
                _ => ones(last_bits),
            };
            m.assign(&flip, &(&mask & repeat(PORT_BITS, &entry.bit(0))));
        } else {
            m.assign(&flip, &lit(PORT_BITS, 0));
        }

        let held = match self.columns {
            Some(columns) => {
                m.section("Stuck cells of the neuron's column");
                let column = entry.bits(u32::from(self.inverts), self.column_bits());
                let depth = self.crossbars * columns * self.words;
                let at_bits = index_width(depth);
                let product = |m: &mut Module, name: &str, e: &Expr, by: u32| {
                    if by == 1 {
                        return e.clone();
                    }
                    let product = m.wire_is(name, &e.mul(&lit(at_bits, by.into()), 2 * at_bits));
                    m.unused(&format!("unused_{name}"), &[&product.slice(2 * at_bits - 1, at_bits)]);
                    product.bits(0, at_bits)
                };
                let mut of_all = column.zext(at_bits);
                if let Some(crossbar) = &crossbar {
                    let first = product(&mut m, "crossbar_at", &crossbar.zext(at_bits), columns);
                    of_all = m.wire_is("column_of_all", &(of_all + first));
                }
                let mut at = product(&mut m, "column_at", &of_all, self.words);
                if let Some(word) = &word {
                    at = &at + word.zext(at_bits);
                }
                let at = m.wire_is("stuck_at", &at);
                let rom = m.memory(Memory::new("stuck", 2 * self.bits, depth).block().file(&self.stuck_file()));
                let q = m.reg("stuck_q", 2 * self.bits);
                let exists = m.reg("exists_q", 1);
                let there = if columns.is_power_of_two() && columns > 1 {
                    lit(1, 1)
                } else {
                    column.lt(&lit(column.width(), columns.into()))
                };
                m.clocked(&clk, [set(&q, &rom.word(&at)), set(&exists, &there)]);
                let mut part = |name: &str, lo: u32| {
                    let all = q.bits(lo, self.bits);
                    let own = match &beat {
                        Some(beat) => {
                            let padded = m.wire_is(&format!("{name}_beats"), &all.zext(beats * PORT_BITS));
                            padded.word(beat, PORT_BITS)
                        }
                        None => all.zext(PORT_BITS),
                    };
                    m.wire_is(name, &(own & repeat(PORT_BITS, &exists)))
                };
                Some((part("stuck_bits", 0), part("held_bits", self.bits)))
            }
            None => None,
        };
        let cells = match &held {
            Some((stuck, held)) => m.wire_is("cells", &((&data & !stuck) | held)),
            None => data.clone(),
        };
        m.clocked(&clk, [set(&effective, &(cells ^ &flip))]);
        m.build()
    }
}
