//! Where images come in, if the first layer does not take them in itself: inputs are dropped there, and passes part.

use crate::verilog::{Module, VerilogError, VerilogFile, index_width, lit, mux, set, when, when_else};

/// Takes images of `beats` beats from a stream that may wait into frames that are claimed.
#[derive(Clone, Debug)]
pub struct Intake {
    pub beats: u32,
}

impl Intake {
    pub fn name(&self) -> String {
        format!("ns_intake_{}", self.beats)
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let bits = index_width(self.beats);
        let mut m = Module::new(&self.name());
        m.doc("Takes images in: the first beat of an image claims a bank of the block behind, all others follow as they come.");
        m.fact("beats in an image", self.beats);
        m.latency("none from a beat in to its beat out");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Images in");
        let accept = m.input("accept_i", 1);
        m.note("a new image may begin");
        let valid_in = m.input("in_valid_i", 1);
        let ready = m.output("in_ready_o", 1);
        m.group("Frames out");
        let claim_ready = m.input("claim_ready_i", 1);
        let claim = m.output("claim_o", 1);
        m.note("an image begins");
        let valid = m.output("valid_o", 1);

        let beat = m.reg("beat_q", bits);
        let first = m.wire_is("first_beat", &!beat.any());
        let last = m.wire_is("last_beat", &beat.eq(&lit(bits, u128::from(self.beats - 1))));
        m.assign(&ready, &((&accept & &claim_ready) | !&first));
        let taken = m.wire_is("taken", &(&valid_in & &ready));
        m.assign(&valid, &taken);
        m.assign(&claim, &(&taken & &first));
        let next = mux(&last, &lit(bits, 0), &(&beat + lit(bits, 1)));
        m.clocked(&clk, [when_else(&!&rst_n, [set(&beat, &lit(bits, 0))], [when(&taken, [set(&beat, &next)])])]);
        m.build()
    }
}
