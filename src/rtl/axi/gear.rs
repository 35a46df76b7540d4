//! Wide words from narrow ones, and narrow ones from wide ones.

use crate::rtl::scan::counter;
use crate::verilog::{Module, VerilogError, VerilogFile, cat, lit, mux, set, when, when_else};

/// Makes a word of `count` words of `width` bits, the first one lowest.
#[derive(Clone, Debug)]
pub struct Collect {
    pub width: u32,
    pub count: u32,
}

impl Collect {
    pub fn name(&self) -> String {
        format!("ns_collect_{}x{}", self.count, self.width)
    }

    /// `count` is 2 or more.
    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let all = self.width * self.count;
        let mut m = Module::new(&self.name());
        m.doc("Collects narrow words into a wide one, the first one lowest.");
        m.fact("bits of a narrow word", self.width);
        m.fact("narrow words in a wide one", self.count);
        m.latency("1 clock from the last narrow word to the wide one; a narrow word a clock");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Narrow words in");
        let valid_in = m.input("valid_i", 1);
        let ready_out = m.output("ready_o", 1);
        let data_in = m.input("data_i", self.width);
        m.group("Wide words out");
        let valid_out = m.output("valid_o", 1);
        let ready_in = m.input("ready_i", 1);
        let data_out = m.output("data_o", all);
        let full = m.reg("full_q", 1);
        let words = m.reg("words_q", all);
        let may = m.wire_is("may_take", &(!&full | &ready_in));
        let take = m.wire_is("take", &(&valid_in & &may));
        let (unused, last) = counter(&mut m, (&clk, &rst_n), "word", self.count, &take);
        m.unused("unused_word", &[&unused]);
        m.clocked(
            &clk,
            [
                when(&take, [set(&words, &cat([&data_in, &words.slice(all - 1, self.width)]))]),
                when_else(&!&rst_n, [set(&full, &lit(1, 0))], [when(&may, [set(&full, &(&take & &last))])]),
            ],
        );
        m.assign(&ready_out, &may);
        m.assign(&valid_out, &full);
        m.assign(&data_out, &words);
        m.build()
    }
}

/// Sends a word of `count` words of `width` bits one by one, the lowest first; of the last word of a frame only `rest`.
#[derive(Clone, Debug)]
pub struct Split {
    pub width: u32,
    pub count: u32,
    pub rest: u32,
}

impl Split {
    pub fn name(&self) -> String {
        let rest = if self.rest == self.count { String::new() } else { format!("_rest_{}", self.rest) };
        format!("ns_split_{}x{}{rest}", self.count, self.width)
    }

    /// `count` is 2 or more.
    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let all = self.width * self.count;
        let mut m = Module::new(&self.name());
        m.doc("Sends wide words as narrow ones, the lowest first. The wide word stays in front until its last part is taken.");
        m.fact("bits of a narrow word", self.width);
        m.fact("narrow words in a wide one", self.count);
        m.fact("narrow words in the last wide one of a frame", self.rest);
        m.latency("none: the word passes through; a narrow word a clock");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Wide words in");
        let valid_in = m.input("valid_i", 1);
        let ready_out = m.output("ready_o", 1);
        let data_in = m.input("data_i", all);
        let last_in = m.input("last_i", 1);
        m.group("Narrow words out");
        let valid_out = m.output("valid_o", 1);
        let ready_in = m.input("ready_i", 1);
        let data_out = m.output("data_o", self.width);
        let last_out = m.output("last_o", 1);
        let moves = m.wire_is("moves", &(&valid_in & &ready_in));
        let q = m.reg("part_q", crate::verilog::index_width(self.count));
        let at = |n: u32| q.eq(&lit(q.width(), u128::from(n - 1)));
        let ends =
            if self.rest == self.count { at(self.count) } else { mux(&last_in, &at(self.rest), &at(self.count)) };
        let ends = m.wire_is("ends", &ends);
        let next = mux(&ends, &lit(q.width(), 0), &(&q + lit(q.width(), 1)));
        m.clocked(&clk, [when_else(&!&rst_n, [set(&q, &lit(q.width(), 0))], [when(&moves, [set(&q, &next)])])]);
        m.assign(&ready_out, &(&ready_in & &ends));
        m.assign(&valid_out, &valid_in);
        m.assign(&data_out, &data_in.word(&q, self.width));
        m.assign(&last_out, &(&last_in & &ends));
        m.build()
    }
}
