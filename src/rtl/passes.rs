//! The logits of two groups of passes: one comes in class by class, the other leaves pass by pass.

use super::layer::count;
use crate::verilog::{Memory, Module, VerilogError, VerilogFile, cat, index_width, lit, mux, set, when, when_else};

/// Turns groups of passes, all lanes at once and one class after the other, into passes, one after the other.
#[derive(Clone, Debug)]
pub struct Passes {
    pub name: String,
    pub classes: u32,
    pub lanes: u32,
    pub logit_bits: u32,
}

impl Passes {
    /// Clocks in which the passes of a group leave.
    pub fn clocks(&self) -> u32 {
        self.classes * self.lanes
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let (classes, lanes, bits) = (self.classes, self.lanes, self.logit_bits);
        let class_bits = index_width(classes);
        let lane_bits = index_width(lanes);
        let mut m = Module::new(&self.name);
        m.doc(
            "Holds the logits of two groups of passes, and the largest one of every pass: one group comes in, all lanes at \
             once, while the other leaves, one class of one pass a clock.",
        );
        m.fact("classes", classes);
        m.fact("lanes (passes at once)", lanes);
        m.fact("clocks a group", format!("{} and 1 between groups", self.clocks()));
        m.latency("2 clocks from the end of a group to its first logit");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Groups in: a bank is claimed, then its classes come");
        let claim = m.input("claim_i", 1);
        let claim_ready = m.output("claim_ready_o", 1);
        let valid = m.input("valid_i", 1);
        let logits_in = m.input("logit_i", lanes * bits);
        let ended = m.input("ended_i", 1);
        m.note("the last class came one clock ago");
        let best = m.input("best_i", lanes * bits);
        m.note("largest logits of the group that ended");
        m.group("Passes out: their classes in order");
        let valid_out = m.output("valid_o", 1);
        let logit = m.output("logit_o", bits);
        let top = m.output("top_o", bits);
        m.note("the largest of the pass");

        m.section("Banks");
        let (claimed, filled) = (m.reg("claimed_q", 2), m.reg("filled_q", 2));
        let (write_bank, read_bank) = (m.reg("write_bank_q", 1), m.reg("read_bank_q", 1));
        let write_class = m.reg("write_class_q", class_bits);
        let release = m.wire("release_bank", 1);
        m.assign(&claim_ready, &claimed.ne(&lit(2, 2)));
        let zero = lit(class_bits, 0);
        let last = |e: &crate::verilog::Expr| e.eq(&lit(class_bits, u128::from(classes - 1)));
        let next = |e: &crate::verilog::Expr| mux(&last(e), &zero, &(e + lit(class_bits, 1)));
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [
                    set(&claimed, &lit(2, 0)),
                    set(&filled, &lit(2, 0)),
                    set(&write_bank, &lit(1, 0)),
                    set(&read_bank, &lit(1, 0)),
                    set(&write_class, &zero),
                ],
                [
                    when(&valid, [set(&write_class, &next(&write_class))]),
                    when(&ended, [set(&write_bank, &!&write_bank)]),
                    when(&release, [set(&read_bank, &!&read_bank)]),
                    count(&claimed, &claim, &release),
                    count(&filled, &ended, &release),
                ],
            )],
        );
        let logits = m.memory(Memory::new("logits", lanes * bits, 2 << class_bits));
        let tops = m.memory(Memory::new("tops", lanes * bits, 2));
        let write_at = m.wire_is("write_at", &cat([&write_bank, &write_class]));
        m.clocked(
            &clk,
            [
                when(&valid, [set(&logits.word(&write_at), &logits_in)]),
                when(&ended, [set(&tops.word(&write_bank), &best)]),
            ],
        );

        m.section("Sequencer: every class of every lane");
        let busy = m.reg("busy_q", 1);
        let begin = m.wire_is("begin_group", &(!&busy & filled.any()));
        let class = m.reg("class_q", class_bits);
        let last_class = m.wire_is("last_class", &last(&class));
        let class_ends = m.wire_is("pass_ends", &(&busy & &last_class));
        let lane = (lanes > 1).then(|| m.reg("lane_q", lane_bits));
        let last_lane = match &lane {
            Some(lane) => m.wire_is("last_lane", &lane.eq(&lit(lane_bits, u128::from(lanes - 1)))),
            None => lit(1, 1),
        };
        let ends = m.wire_is("group_ends", &(&class_ends & &last_lane));
        m.assign(&release, &ends);
        let mut reset = vec![set(&busy, &lit(1, 0)), set(&class, &zero)];
        let mut run = vec![set(&busy, &(&begin | (&busy & !&ends))), when(&busy, [set(&class, &next(&class))])];
        if let Some(lane) = &lane {
            reset.push(set(lane, &lit(lane_bits, 0)));
            let after = mux(&last_lane, &lit(lane_bits, 0), &(lane + lit(lane_bits, 1)));
            run.push(when(&class_ends, [set(lane, &after)]));
        }
        m.clocked(&clk, [when_else(&!&rst_n, reset, run)]);
        let read_at = m.wire_is("read_at", &cat([&read_bank, &class]));
        let row = m.wire_is("row", &logits.word(&read_at));
        let tops_row = m.wire_is("tops_row", &tops.word(&read_bank));
        let one = lane.unwrap_or_else(|| lit(1, 0));
        m.assign(&valid_out, &busy);
        m.assign(&logit, &row.word(&one, bits));
        m.assign(&top, &tops_row.word(&one, bits));
        m.build()
    }
}
