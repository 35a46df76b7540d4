//! A register slice for a stream: no path runs through it, and nothing is lost when the far side stops.

use crate::verilog::{Module, VerilogError, VerilogFile, lit, set, when, when_else};

/// Two words deep; a word a clock.
#[derive(Clone, Debug)]
pub struct Skid {
    pub width: u32,
}

impl Skid {
    pub fn name(&self) -> String {
        format!("ns_skid_{}", self.width)
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let mut m = Module::new(&self.name());
        m.doc(
            "Skid buffer: valid, data and ready all come from registers, so no path runs from one side to the other. The word that \
             is on its way when the far side stops goes to a spare register. Ready is 0 during reset.",
        );
        m.fact("bits of a word", self.width);
        m.latency("1 clock; a word a clock");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("In");
        let valid_in = m.input("valid_i", 1);
        let ready_out = m.output("ready_o", 1);
        let data_in = m.input("data_i", self.width);
        m.group("Out");
        let valid_out = m.output("valid_o", 1);
        let ready_in = m.input("ready_i", 1);
        let data_out = m.output("data_o", self.width);

        let ready = m.reg("ready_q", 1);
        let valid = m.reg("valid_q", 1);
        let main = m.reg("main_q", self.width);
        let full = m.reg("full_q", 1);
        m.note("the spare register holds a word");
        let spare = m.reg("spare_q", self.width);
        let taken = m.wire_is("taken", &(&valid_in & &ready));
        let moves = m.wire_is("moves", &(!&valid | &ready_in));
        let (no, yes) = (lit(1, 0), lit(1, 1));
        m.clocked(
            &clk,
            [
                when_else(
                    &!&rst_n,
                    [set(&ready, &no), set(&valid, &no), set(&full, &no)],
                    [when_else(
                        &moves,
                        [set(&valid, &(&taken | &full)), set(&full, &no), set(&ready, &yes)],
                        [set(&full, &(&full | &taken)), set(&ready, &!(&full | &taken))],
                    )],
                ),
                when(&moves, [when_else(&full, [set(&main, &spare)], [set(&main, &data_in)])]),
                when(&taken, [set(&spare, &data_in)]),
            ],
        );
        m.assign(&ready_out, &ready);
        m.assign(&valid_out, &valid);
        m.assign(&data_out, &main);
        m.build()
    }
}
