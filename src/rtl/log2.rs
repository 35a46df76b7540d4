//! Logarithms of integers: the place of the leading one and a table of one octave.

use super::{MemoryImage, width_of};
use crate::net::OCTAVE_BITS;
use crate::verilog::{Memory, Module, VerilogError, VerilogFile, cat, cat_lsb_first, lit, mux, set};
use std::fmt::Write;

const TABLE: &str = "ns_log2.hex";

/// The base-2 logarithm of a number of `width` bits.
#[derive(Clone, Debug)]
pub struct Log2 {
    pub width: u32,
}

impl Log2 {
    /// Clocks from a number to its logarithm.
    pub const LATENCY: u32 = 3;

    pub fn name(&self) -> String {
        format!("ns_log2_{}", self.width)
    }

    pub fn log_width(&self) -> u32 {
        width_of(u64::from(self.width)) + OCTAVE_BITS
    }

    /// log2(1 + k / 1024) for every k, rounded to the nearest.
    pub fn table() -> MemoryImage {
        let mut text = String::new();
        for k in 0..1 << OCTAVE_BITS {
            let parts = f64::from(1 << OCTAVE_BITS);
            let _ = writeln!(text, "{:03x}", (parts * (1.0 + f64::from(k) / parts).log2()).round() as u32);
        }
        MemoryImage { file: TABLE.into(), text }
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let (width, whole_bits) = (self.width, self.log_width() - OCTAVE_BITS);
        let mut m = Module::new(&self.name());
        m.doc(&format!(
            "Base-2 logarithm, counted in 2^-{OCTAVE_BITS} octaves: the place of the leading one, and a table of what follows it, \
             rounded to {OCTAVE_BITS} bits. Of 0 it is some number."
        ));
        m.fact("bits of a number", width);
        m.latency(&format!("{} clocks from a number to its logarithm", Self::LATENCY));
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        m.group("Number");
        let value = m.input("value_i", width);
        m.group("Logarithm");
        let log = m.output("log_o", self.log_width());

        m.section("Leading one to the top, as many zeros as it takes");
        let mut shifted = value.clone();
        let mut zeros = vec![];
        let mut step = 1 << (width_of(u64::from(width - 1)) - 1);
        while step > 0 {
            let none = m.wire_is(&format!("none_in_{step}"), &!shifted.slice(width - 1, width - step).any());
            shifted = m.wire_is(&format!("shifted_{step}"), &mux(&none, &(&shifted << step), &shifted));
            zeros.push(none);
            step /= 2;
        }
        zeros.reverse();
        let zeros = cat_lsb_first(&zeros).zext(whole_bits);
        let follows = OCTAVE_BITS + 1;
        let norm = m.reg("norm_q", follows);
        m.note("what follows the leading one");
        let place = m.reg("place_q", whole_bits);
        let below = width - 1 - follows;
        m.unused("unused_shifted", &[&shifted.bit(width - 1), &shifted.slice(below - 1, 0)]);
        m.clocked(
            &clk,
            [
                set(&norm, &shifted.slice(width - 2, below)),
                set(&place, &(lit(whole_bits, u128::from(width - 1)) - zeros)),
            ],
        );

        m.section("Rounded; where that carries, the next octave begins");
        let rounded = m.wire_is("rounded", &(norm.zext(follows + 1) + lit(follows + 1, 1)));
        m.unused("unused_rounded", &[&rounded.bit(0)]);
        let at = m.reg("at_q", OCTAVE_BITS);
        let whole = m.reg("whole_q", whole_bits);
        m.clocked(
            &clk,
            [set(&at, &rounded.slice(OCTAVE_BITS, 1)), set(&whole, &(&place + rounded.bit(follows).zext(whole_bits)))],
        );

        m.section("One octave");
        let table = m.memory(Memory::new("logs", OCTAVE_BITS, 1 << OCTAVE_BITS).file(TABLE));
        let part = m.reg("part_q", OCTAVE_BITS);
        let octave = m.reg("octave_q", whole_bits);
        m.clocked(&clk, [set(&part, &table.word(&at)), set(&octave, &whole)]);
        m.assign(&log, &cat([&octave, &part]));
        m.build()
    }
}
