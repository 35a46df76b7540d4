//! The activations of two frames: one being written, one being read.

use super::scan::prefix_parity;
use crate::verilog::{
    Expr, Memory, Module, VerilogError, VerilogFile, cat, index_width, lit, repeat, set, when, when_else,
};

/// Holds two frames of `words` words of `simd` activations for one lane; a beat of `beat` activations fills a column of a word.
#[derive(Clone, Debug)]
pub struct Buffer {
    pub simd: u32,
    pub words: u32,
    pub beat: u32,
    /// Whether activations may be dropped: kept as two rails then, else as one bit.
    pub masked: bool,
}

impl Buffer {
    pub fn name(&self) -> String {
        let kind = if self.masked { "rails" } else { "bits" };
        format!("ns_{kind}_{}x{}_by_{}", self.words, self.simd, self.beat)
    }

    pub fn columns(&self) -> u32 {
        self.simd / self.beat
    }

    /// Clocks from a read address to the word.
    pub const LATENCY: u32 = 2;

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let (word_bits, column_bits) = (index_width(self.words), index_width(self.columns()));
        let mut m = Module::new(&self.name());
        m.doc(
            "Activations of one lane in two banks: the layer before fills one while this layer reads the other, \
             as often as it has groups of neurons.",
        );
        if self.masked {
            m.doc(
                "An activation is kept as two rails, what a weight of +1 and what a weight of -1 matches: 1, 0 for +1 and 0, 1 \
                 for -1. Dropped inputs get 0, 0 and 1, 1 in turn, so they add half their number to every neuron, whatever \
                 its weights; odd_o says when that number is odd. So masking costs a neuron nothing, and nobody counts \
                 live inputs.",
            );
        }
        m.fact("activations in a word", self.simd);
        m.fact("words in a frame", self.words);
        m.fact("activations in a beat", self.beat);
        m.latency(&format!("{} clocks from address to word", Self::LATENCY));
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        m.group("Write a beat");
        let write = m.input("write_i", 1);
        let write_bank = m.input("write_bank_i", 1);
        let write_word = m.input("write_word_i", word_bits);
        let write_column = (self.columns() > 1).then(|| m.input("write_column_i", column_bits));
        let act = m.input("act_i", self.beat);
        let live = self.masked.then(|| m.input("live_i", self.beat));
        m.group("Read a word");
        let read_bank = m.input("read_bank_i", 1);
        let read_word = m.input("read_word_i", word_bits);
        let positive = m.output_reg("pos_o", self.simd);
        m.note(if self.masked { "what a weight of +1 matches" } else { "1 for +1, 0 for -1" });
        let negative = self.masked.then(|| {
            let e = m.output_reg("neg_o", self.simd);
            m.note("what a weight of -1 matches");
            e
        });
        let odd = self.masked.then(|| {
            let e = m.output("odd_o", 1);
            m.note("the bank read drops an odd number; no delay");
            e
        });

        let (value, enable, bank, word, column) = match (&live, &negative, &odd) {
            (Some(live), Some(_), Some(odd)) => {
                m.section("Register the beat and the parities of what it drops, then turn it into rails");
                let held = |m: &mut Module, name: &str, e: &Expr| {
                    let q = m.reg(&format!("{name}_q"), e.width());
                    m.clocked(&clk, [set(&q, e)]);
                    q
                };
                let write_q = held(&mut m, "write", &write);
                let bank_q = held(&mut m, "write_bank", &write_bank);
                let word_q = held(&mut m, "write_word", &write_word);
                let column_q = write_column.as_ref().map(|c| held(&mut m, "write_column", c));
                let act_q = held(&mut m, "act", &act);
                let live_q = held(&mut m, "live", live);
                let mut is_first = !write_word.any();
                if let Some(column) = &write_column {
                    is_first = is_first & !column.any();
                }
                let is_first_q = held(&mut m, "is_first", &is_first);
                let dropped = m.wire_is("dropped", &!live);
                let parity = prefix_parity(&mut m, "parity", &dropped);
                let parity_q = held(&mut m, "parity", &parity);
                m.note("bit i: an odd number of inputs 0 to i of the beat is dropped");
                let toggle = m.reg("toggle_q", 1);
                m.note("an odd number was dropped so far");
                let begin = m.wire_is("begin_odd", &(&toggle & !&is_first_q));
                let before = if self.beat == 1 {
                    begin.clone()
                } else {
                    let earlier = cat([&parity_q.bits(0, self.beat - 1), &lit(1, 0)]);
                    earlier ^ repeat(self.beat, &begin)
                };
                let turn = m.wire_is("turn", &before);
                m.note("whose turn it is, 0 or 1, if dropped here");
                let rail_pos = m.wire_is("rail_pos", &((&live_q & &act_q) | (!&live_q & &turn)));
                let rail_neg = m.wire_is("rail_neg", &((&live_q & !&act_q) | (!&live_q & &turn)));
                let end = m.wire_is("end_odd", &(&begin ^ parity_q.bit(self.beat - 1)));
                let odd_q = m.reg("odd_q", 2);
                m.note("by bank");
                let of_bank = when_else(&bank_q, [set(&odd_q.bit(1), &end)], [set(&odd_q.bit(0), &end)]);
                m.clocked(&clk, [when(&write_q, [set(&toggle, &end), of_bank])]);
                m.assign(odd, &odd_q.at(&read_bank));
                (cat([&rail_neg, &rail_pos]), write_q, bank_q, word_q, column_q)
            }
            _ => (act.clone(), write.clone(), write_bank.clone(), write_word.clone(), write_column.clone()),
        };

        m.section("Two banks of words, one memory a column");
        let rails = value.width();
        let read_at = m.wire_is("read_at", &cat([&read_bank, &read_word]));
        let write_at = m.wire_is("write_at", &cat([&bank, &word]));
        let mut columns = vec![];
        for index in 0..self.columns() {
            let memory = m.memory(Memory::new(&format!("column{index}"), rails, 2 << word_bits));
            let q = m.reg(&format!("column{index}_q"), rails);
            let mut hit = enable.clone();
            if let Some(column) = &column {
                hit = hit & column.eq(&lit(column_bits, u128::from(index)));
            }
            m.clocked(&clk, [when(&hit, [set(&memory.word(&write_at), &value)]), set(&q, &memory.word(&read_at))]);
            columns.push(q);
        }
        let all = |lo: u32| cat_lsb(columns.iter().map(|q| q.bits(lo, self.beat)));
        let mut body = vec![set(&positive, &all(0))];
        if let Some(negative) = &negative {
            body.push(set(negative, &all(self.beat)));
        }
        m.clocked(&clk, body);
        m.build()
    }
}

fn cat_lsb(parts: impl Iterator<Item = Expr>) -> Expr {
    crate::verilog::cat_lsb_first(parts.collect::<Vec<_>>())
}
