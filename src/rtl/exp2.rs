//! Powers of two with a fraction: a table of one octave and a shift.

use super::MemoryImage;
use crate::net::OCTAVE_BITS;
use crate::verilog::{Memory, Module, VerilogError, VerilogFile, cat, lit, set};
use std::fmt::Write;

/// Fraction bits of the table.
const TABLE_BITS: u32 = 17;
const TABLE: &str = "ns_exp2.hex";

/// 2^-a and 2^-b for the distance `a` and the distance `b`, which is one bit wider; one table serves both.
#[derive(Clone, Debug)]
pub struct Exp2 {
    /// Bits below the table's.
    pub guard: u32,
}

impl Exp2 {
    /// Width of the nearer distance.
    pub const NEAR_BITS: u32 = 16;
    /// Width of the farther distance.
    pub const FAR_BITS: u32 = Self::NEAR_BITS + 1;
    /// Clocks from a distance to its power.
    pub const LATENCY: u32 = 2;

    pub fn name(&self) -> String {
        format!("ns_exp2_{}", self.guard)
    }

    /// Width of a power: it may be 1.
    pub fn power_width(&self) -> u32 {
        TABLE_BITS + self.guard + 1
    }

    /// 2^-j for every part j of an octave, rounded to the nearest.
    pub fn table() -> MemoryImage {
        let mut text = String::new();
        for part in 0..1 << OCTAVE_BITS {
            let exponent = f64::from(TABLE_BITS) - f64::from(part) / f64::from(1 << OCTAVE_BITS);
            let _ = writeln!(text, "{:05x}", 2f64.powf(exponent).round() as u32);
        }
        MemoryImage { file: TABLE.into(), text }
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let mut m = Module::new(&self.name());
        m.doc(&format!(
            "Powers of two: 2^-d, where d counts 2^-{OCTAVE_BITS} octaves. The fraction of d reads a table, its whole part \
             shifts what is read. Bits that are shifted out are cut off."
        ));
        m.fact("fraction bits of a power", TABLE_BITS + self.guard);
        m.latency(&format!("{} clocks from a distance to its power", Self::LATENCY));
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        m.group("Distances");
        let far = [m.input("near_i", Self::NEAR_BITS), m.input("far_i", Self::FAR_BITS)];
        m.group("Powers");
        let power = [m.output_reg("near_o", self.power_width()), m.output_reg("far_o", self.power_width())];

        m.section("One octave");
        let table = m.memory(Memory::new("powers", TABLE_BITS + 1, 1 << OCTAVE_BITS).file(TABLE));
        for ((d, power), name) in far.iter().zip(&power).zip(["near", "far"]) {
            let read = m.reg(&format!("{name}_q"), TABLE_BITS + 1);
            let whole = m.reg(&format!("{name}_whole_q"), d.width() - OCTAVE_BITS);
            let wide = if self.guard > 0 { cat([&read, &lit(self.guard, 0)]) } else { read.clone() };
            let wide = m.wire_is(&format!("{name}_wide"), &wide);
            m.clocked(
                &clk,
                [
                    set(&read, &table.word(&d.slice(OCTAVE_BITS - 1, 0))),
                    set(&whole, &d.slice(d.width() - 1, OCTAVE_BITS)),
                    set(power, &wide.shr_by(&whole)),
                ],
            );
        }
        m.build()
    }
}
