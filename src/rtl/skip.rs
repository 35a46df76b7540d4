//! Residuals: sums of a layer wait here until those of a later layer come, and are added to them.

use super::scan::counter;
use super::width_of;
use crate::verilog::{Expr, Memory, Module, VerilogError, VerilogFile, lit, set, when, when_else};

/// Clocks from a beat of sums to what is made of them.
pub const LATENCY: usize = 2;

/// A queue of pixels of sums, as long as what lies between the two layers can hold.
#[derive(Clone, Debug)]
pub struct Skip {
    pub name: String,
    pub pe: u32,
    pub lanes: u32,
    /// Beats of a pixel.
    pub groups: u32,
    /// Pixels that it holds.
    pub pixels: u32,
    /// Bits of the sums that wait, of those that come, and of those that go out.
    pub bits: (u32, u32, u32),
}

impl Skip {
    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let (waiting, coming, bits) = self.bits;
        let each = self.lanes * self.pe;
        let depth = self.pixels * self.groups;
        let mut m = Module::new(&self.name);
        m.doc(&format!(
            "Residual: holds up to {} pixels of the sums of an earlier layer, and adds them to the sums of this layer as those come. \
             It has room for more pixels than the blocks between the two layers can hold, and so never holds them up for good.",
            self.pixels
        ));
        m.fact("neurons in a beat", self.pe);
        m.fact("beats of a pixel", self.groups);
        m.fact("lanes (passes at once)", self.lanes);
        m.latency(&format!("{LATENCY} clocks from a beat of this layer's sums to that of the totals"));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Sums of the earlier layer: room for a pixel is claimed, then its beats come");
        let claim = m.input("claim_i", 1);
        let claim_ready = m.output("claim_ready_o", 1);
        let store = m.input("store_i", 1);
        let stored = m.input("store_sum_i", each * waiting);
        m.group("Sums of this layer");
        let valid = m.input("valid_i", 1);
        let sums = m.input("sum_i", each * coming);
        m.group("Totals");
        let valid_out = m.output_reg("valid_o", 1);
        let out = m.output_reg("sum_o", each * bits);
        let counter = |m: &mut Module, name: &str, n: u32, step: &Expr| counter(m, (&clk, &rst_n), name, n, step);
        m.section("Room, in pixels");
        let (unused_beat, pixel_ends) = counter(&mut m, "beat", self.groups, &valid);
        m.unused("unused_beat", &[&unused_beat]);
        let taken = m.wire_is("pixel_taken", &(&valid & &pixel_ends));
        let held = m.reg("pixels_held_q", width_of(self.pixels.into()));
        m.assign(&claim_ready, &held.ne(&lit(held.width(), self.pixels.into())));
        m.clocked(
            &clk,
            [when_else(&!&rst_n, [set(&held, &lit(held.width(), 0))], [super::layer::count(&held, &claim, &taken)])],
        );
        m.section("A queue in memory");
        let memory = m.memory(Memory::new("waiting", each * waiting, depth));
        let (write_at, unused_write) = counter(&mut m, "write_at", depth, &store);
        let (read_at, unused_read) = counter(&mut m, "read_at", depth, &valid);
        m.unused("unused_at", &[&unused_write, &unused_read]);
        let read = m.reg("read_q", each * waiting);
        let own = m.reg("own_q", each * coming);
        let valid_q = m.reg("valid_q", 1);
        let totals = m.wire("totals", each * bits);
        m.generate_for("g_value", "v", each, |m, v| {
            let (a, b) = (m.wire_is("a", &read.word(v, waiting)), m.wire_is("b", &own.word(v, coming)));
            m.assign(&totals.word(v, bits), &(a.zext(bits) + b.zext(bits)));
        });
        m.clocked(
            &clk,
            [
                when(&store, [set(&memory.word(&write_at), &stored)]),
                set(&read, &memory.word(&read_at)),
                set(&own, &sums),
                set(&out, &totals),
                when_else(
                    &!&rst_n,
                    [set(&valid_q, &lit(1, 0)), set(&valid_out, &lit(1, 0))],
                    [set(&valid_q, &valid), set(&valid_out, &valid_q)],
                ),
            ],
        );
        m.build()
    }
}
