//! What the frame guard said of the images on their way.

use crate::rtl::scan::counter;
use crate::rtl::width_of;
use crate::verilog::{Module, VerilogError, VerilogFile, lit, set, when, when_else};

/// One bit an image, in a queue of `depth`, a power of two.
#[derive(Clone, Debug)]
pub struct Verdicts {
    pub depth: u32,
}

impl Verdicts {
    pub fn name(&self) -> String {
        format!("ns_verdicts_{}", self.depth)
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let mut m = Module::new(&self.name());
        m.doc("Whether the frame of an image was bad, for each image from when it is in to when its result is out.");
        m.fact("images on their way, at most", self.depth);
        m.latency("1 clock");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("In");
        let room = m.output("room_o", 1);
        let push = m.input("push_i", 1);
        let bad_in = m.input("bad_i", 1);
        m.group("Out");
        let pop = m.input("pop_i", 1);
        let bad_out = m.output("bad_o", 1);
        m.note("of the oldest image");
        let held = m.reg("held_q", width_of(self.depth.into()));
        let bad = m.reg("bad_q", self.depth);
        let (back, unused_back) = counter(&mut m, (&clk, &rst_n), "back", self.depth, &push);
        let (front, unused_front) = counter(&mut m, (&clk, &rst_n), "front", self.depth, &pop);
        m.unused("unused_wraps", &[&unused_back, &unused_front]);
        m.clocked(
            &clk,
            [
                when(&push, [set(&bad.at(&back), &bad_in)]),
                when_else(
                    &!&rst_n,
                    [set(&held, &lit(held.width(), 0))],
                    [crate::rtl::layer::count(&held, &push, &pop)],
                ),
            ],
        );
        m.assign(&room, &held.ne(&lit(held.width(), self.depth.into())));
        m.assign(&bad_out, &bad.at(&front));
        m.build()
    }
}
