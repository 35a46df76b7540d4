//! Where a map becomes one frame: a layer that reads it as plain inputs takes all positions in one bank.

use crate::verilog::{Module, VerilogError, VerilogFile, index_width, lit, mux, set, when, when_else};

/// Turns claims of `positions` pixels into one claim of a frame; beats pass beside it.
#[derive(Clone, Debug)]
pub struct Join {
    pub positions: u32,
}

impl Join {
    pub fn name(&self) -> String {
        format!("ns_join_{}", self.positions)
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let bits = index_width(self.positions);
        let mut m = Module::new(&self.name());
        m.doc("Joins the pixels of a map to one frame: the first claims a bank of the block behind, the others have it then.");
        m.fact("pixels in a frame", self.positions);
        m.latency("none");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Pixels in");
        let claim = m.input("claim_i", 1);
        let claim_ready = m.output("claim_ready_o", 1);
        m.group("Frames out");
        let next_ready = m.input("claim_ready_i", 1);
        let claim_out = m.output("claim_o", 1);
        let pixel = m.reg("pixel_q", bits);
        let first = m.wire_is("first", &!pixel.any());
        let last = pixel.eq(&lit(bits, u128::from(self.positions - 1)));
        m.assign(&claim_ready, &(&next_ready | !&first));
        m.assign(&claim_out, &(&claim & &first));
        let next = mux(&last, &lit(bits, 0), &(&pixel + lit(bits, 1)));
        m.clocked(&clk, [when_else(&!&rst_n, [set(&pixel, &lit(bits, 0))], [when(&claim, [set(&pixel, &next)])])]);
        m.build()
    }
}
