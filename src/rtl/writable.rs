//! Memories that a host can write: the programming side of a memory within the block that reads it.

use crate::verilog::{Expr, Memory, Module, cat, index_width, lit, mux, set, when, when_else};

/// Bits of a word of the programming port.
pub const PORT_BITS: u32 = 32;

/// A memory of `rows` words, each of `slices` slices of `bits` bits. A slice is what belongs to one neuron; a host reads and writes
/// it in beats of up to 32 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writable {
    /// Name of the memory in its module.
    pub name: &'static str,
    pub rows: u32,
    pub slices: u32,
    pub bits: u32,
}

/// The programming side of a memory, within its module.
pub struct Side {
    of: Writable,
    select: Expr,
    write: Expr,
    row: Expr,
    slice: Option<Expr>,
    beat: Option<Expr>,
    data: Expr,
    read: Expr,
}

impl Writable {
    /// Beats of a slice.
    pub fn beats(&self) -> u32 {
        self.bits.div_ceil(PORT_BITS)
    }

    /// Bits of beat `beat` of a slice.
    pub fn beat_bits(&self, beat: u32) -> u32 {
        (self.bits - beat * PORT_BITS).min(PORT_BITS)
    }

    /// Ports and their widths, the one that leaves the module last.
    pub fn ports(&self) -> Vec<(String, u32)> {
        let mut ports = vec![("select_i", 1), ("write_i", 1), ("row_i", index_width(self.rows))];
        ports.extend((self.slices > 1).then(|| ("slice_i", index_width(self.slices))));
        ports.extend((self.beats() > 1).then(|| ("beat_i", index_width(self.beats()))));
        ports.extend([("data_i", PORT_BITS), ("read_o", PORT_BITS)]);
        ports.into_iter().map(|(port, width)| (format!("{}_{port}", self.name), width)).collect()
    }

    /// Declares the ports.
    pub fn side(&self, m: &mut Module) -> Side {
        m.group(&format!("Programming of the memory `{}`", self.name));
        let name = |port: &str| format!("{}_{port}", self.name);
        let select = m.input(&name("select_i"), 1);
        m.note("an access, while no image is in flight: the address is the host's");
        let write = m.input(&name("write_i"), 1);
        let row = m.input(&name("row_i"), index_width(self.rows));
        let slice = (self.slices > 1).then(|| m.input(&name("slice_i"), index_width(self.slices)));
        let beat = (self.beats() > 1).then(|| m.input(&name("beat_i"), index_width(self.beats())));
        let data = m.input(&name("data_i"), PORT_BITS);
        let read = m.output(&name("read_o"), PORT_BITS);
        m.note("what the memory holds there, two clocks after its address");
        Side { of: self.clone(), select, write, row, slice, beat, data, read }
    }
}

impl Side {
    /// The host's row during an access, else `address`.
    pub fn row_or(&self, address: &Expr) -> Expr {
        mux(&self.select, &self.row.zext(address.width()), address)
    }

    /// The memory's only process: reads `memory` at `address` into `fetched`, but in the clock of a write, when the word goes back with
    /// the host's beat in its place. So the memory needs one address.
    pub fn clocked(&self, m: &mut Module, clk: &Expr, memory: &Memory, address: &Expr, fetched: &Expr) {
        let (writes, next) = self.next(m, fetched);
        m.clocked(
            clk,
            [when_else(&writes, [set(&memory.word(address), &next)], [set(fetched, &memory.word(address))])],
        );
    }

    /// The same for a memory that is read in the same clock: `now` is its word at `address`.
    pub fn clocked_at_once(&self, m: &mut Module, clk: &Expr, memory: &Memory, address: &Expr, now: &Expr) {
        let (writes, next) = self.next(m, now);
        m.clocked(clk, [when(&writes, [set(&memory.word(address), &next)])]);
    }

    /// Whether this is the clock of a write, and the word with the host's beat in its place.
    fn next(&self, m: &mut Module, word: &Expr) -> (Expr, Expr) {
        let Writable { name, slices, bits, .. } = self.of;
        let beats = self.of.beats();
        let writes = m.wire_is(&format!("{name}_writes"), &(&self.select & &self.write));
        let hit = match &self.slice {
            Some(slice) => m.wire_is(&format!("{name}_hit"), &lit(slices, 1).shl_by(slice)),
            None => lit(1, 1),
        };
        let next = m.wire(&format!("{name}_next"), slices * bits);
        m.generate_for(&format!("g_{name}_slice"), &format!("{name}_s"), slices, |m, s| {
            let old = m.wire_is(&format!("{name}_old"), &word.word(s, bits));
            let parts: Vec<Expr> = (0..beats)
                .rev()
                .map(|b| {
                    let width = self.of.beat_bits(b);
                    let here = match &self.beat {
                        Some(beat) => hit.at(s) & beat.eq(&lit(beat.width(), b.into())),
                        None => hit.at(s),
                    };
                    mux(&here, &self.data.bits(0, width), &old.bits(b * PORT_BITS, width))
                })
                .collect();
            m.assign(&next.word(s, bits), &cat(parts));
        });
        if bits < PORT_BITS {
            m.unused(&format!("unused_{name}_data"), &[&self.data.slice(PORT_BITS - 1, bits)]);
        }
        let own = match &self.slice {
            Some(slice) => m.wire_is(&format!("{name}_own"), &word.word(slice, bits)),
            None => word.clone(),
        };
        match &self.beat {
            Some(beat) => {
                let padded = m.wire_is(&format!("{name}_beats"), &own.zext(beats * PORT_BITS));
                m.assign(&self.read, &padded.word(beat, PORT_BITS));
            }
            None => m.assign(&self.read, &own.zext(PORT_BITS)),
        }
        (writes, next)
    }
}
