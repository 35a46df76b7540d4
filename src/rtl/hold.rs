//! Draws that hold for a whole map: made with its first pixel, and used at all others.

use crate::verilog::{Memory, Module, VerilogError, VerilogFile, index_width, lit, mux, set, when, when_else};

/// Holds what a stochastic unit draws for the `beats` beats of a pixel, for all `pixels` of a pass.
#[derive(Clone, Debug)]
pub struct Hold {
    pub beats: u32,
    pub pixels: u32,
    /// Bits of a beat's draws in all lanes.
    pub width: u32,
}

impl Hold {
    pub fn name(&self) -> String {
        format!("ns_hold_{}x{}_{}", self.beats, self.pixels, self.width)
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let mut m = Module::new(&self.name());
        m.doc(
            "Holds the draws of a pass: the unit behind it draws for the first pixel of a map, and every other pixel gets the same.",
        );
        m.fact("beats of a pixel", self.beats);
        m.fact("pixels of a map", self.pixels);
        m.latency("none from a draw to the beat that takes it");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("The stochastic unit");
        let unit_ready = m.input("ready_i", 1);
        let drawn = m.input("drawn_i", self.width);
        let unit_take = m.output("take_o", 1);
        m.group("Draws");
        let take = m.input("take_i", 1);
        m.note("a beat takes its draws");
        let ready = m.output("ready_o", 1);
        let out = m.output("drawn_o", self.width);

        let counter = |m: &mut Module, name: &str, n: u32, step| {
            let q = m.reg(&format!("{name}_q"), index_width(n));
            let last = m.wire_is(&format!("{name}_wraps"), &(step & q.eq(&lit(q.width(), u128::from(n - 1)))));
            let next = mux(&last, &lit(q.width(), 0), &(&q + lit(q.width(), 1)));
            m.clocked(&clk, [when_else(&!&rst_n, [set(&q, &lit(q.width(), 0))], [when(step, [set(&q, &next)])])]);
            (q, last)
        };
        let (beat, pixel_done) = counter(&mut m, "beat", self.beats, &take);
        let (pixel, map_done) = counter(&mut m, "pixel", self.pixels, &pixel_done);
        m.unused("unused_map_done", &[&map_done]);
        let first = m.wire_is("first_pixel", &!pixel.any());
        let held = m.memory(Memory::new("held", self.width, self.beats).distributed());
        let kept = m.wire_is("kept", &held.word(&beat));
        m.assign(&unit_take, &(&take & &first));
        m.clocked(&clk, [when(&unit_take, [set(&held.word(&beat), &drawn)])]);
        m.assign(&ready, &(&unit_ready | !&first));
        m.assign(&out, &mux(&first, &drawn, &kept));
        m.build()
    }
}
