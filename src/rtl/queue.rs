//! Draws on their way from the unit of the Scale-Dropout layers to a layer further on.

use crate::verilog::{Expr, Memory, Module, VerilogError, VerilogFile, index_width, lit, mux, set, when, when_else};

/// Queues what is drawn for a layer behind the one at which the unit stands: a word a pass.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Beats of a pass where the unit stands, and where the draws are used.
    pub beats: (u32, u32),
    /// Passes on their way, at most.
    pub depth: u32,
    pub lanes: u32,
}

impl Queue {
    pub fn name(&self) -> String {
        format!("ns_scale_queue_{}_{}_{}x{}", self.beats.0, self.beats.1, self.depth, self.lanes)
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let mut m = Module::new(&self.name());
        m.doc(
            "One unit draws for all layers with Scale-Dropout when a pass comes to the first of them. This queue carries the draws of \
             a later one along: they go in with the first beat of a pass there, and stay at the front until its last beat here.",
        );
        m.fact("passes on their way, at most", self.depth);
        m.fact("lanes (passes at once)", self.lanes);
        m.latency("1 clock from the first beat of a pass to where its draws can be used");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Where the unit stands");
        let beat_in = m.input("beat_in_i", 1);
        let drawn = m.input("drawn_i", self.lanes);
        m.group("Where draws are used");
        let beat_out = m.input("beat_out_i", 1);
        let out = m.output("drawn_o", self.lanes);

        let counter = |m: &mut Module, name: &str, n: u32, step: &Expr| {
            let q = m.reg(&format!("{name}_q"), index_width(n));
            let last = m.wire_is(&format!("{name}_wraps"), &(step & q.eq(&lit(q.width(), u128::from(n - 1)))));
            let next = mux(&last, &lit(q.width(), 0), &(&q + lit(q.width(), 1)));
            m.clocked(&clk, [when_else(&!&rst_n, [set(&q, &lit(q.width(), 0))], [when(step, [set(&q, &next)])])]);
            (q, last)
        };
        let (in_q, in_ends) = counter(&mut m, "in_beat", self.beats.0, &beat_in);
        m.unused("unused_in_ends", &[&in_ends]);
        let put = m.wire_is("put", &(&beat_in & !in_q.any()));
        let (_, take) = counter(&mut m, "out_beat", self.beats.1, &beat_out);
        let (back, wrapped_back) = counter(&mut m, "back", self.depth, &put);
        let (front, wrapped_front) = counter(&mut m, "front", self.depth, &take);
        m.unused("unused_wraps", &[&wrapped_back, &wrapped_front]);
        let words = m.memory(Memory::new("words", self.lanes, self.depth).distributed());
        m.clocked(&clk, [when(&put, [set(&words.word(&back), &drawn)])]);
        m.assign(&out, &words.word(&front));
        m.build()
    }
}
