//! One pass of a layer that follows differences.

use super::block::Block;
use super::find::Find;
use crate::rtl::scan::{delayed, delayed_event};
use crate::verilog::{
    Expr, Memory, Module, VerilogError, VerilogFile, cat_lsb_first, index_width, lit, mux, set, when, when_else,
};

/// Finds differences, reads their weights, and adds them in all neurons at once.
#[derive(Clone, Debug)]
pub struct Lane {
    pub name: String,
    pub find: Find,
    pub events: u32,
    /// Inputs of a beat: a part of one slice, or several slices.
    pub beat: u32,
    pub outputs: u32,
    /// Neurons of a beat.
    pub pe: u32,
    /// Bits of a sum.
    pub bits: u32,
    /// What the sums are when all activations are -1, by neuron.
    pub starts: Vec<i64>,
    /// Files of the weights, one for each event of a clock.
    pub weight_files: Vec<String>,
}

/// Neurons in a block.
const BLOCK: u32 = 32;

impl Lane {
    /// Neurons of a block.
    fn count(&self) -> u32 {
        (1..=BLOCK).rev().find(|n| self.outputs.is_multiple_of(*n)).unwrap_or(1)
    }

    fn blocks(&self) -> Vec<Block> {
        let starts = self.starts.chunks(self.count() as usize).enumerate();
        starts
            .map(|(b, starts)| Block {
                name: format!("{}_block{b}", self.name),
                bits: self.bits,
                events: self.events,
                starts: starts.to_vec(),
            })
            .collect()
    }

    /// Clocks from turn_i to the first beat of its results.
    pub const LATENCY: u32 = Block::LATENCY + 2;

    pub fn emit(&self) -> Result<Vec<VerilogFile>, VerilogError> {
        let (find, count) = (self.find.emit()?, self.count());
        let (events, outputs, pe) = (self.events, self.outputs, self.pe);
        let part = self.find.part;
        let word_bits = index_width(self.find.words);
        let mut files = vec![find.clone()];
        let mut m = Module::new(&self.name);
        m.keep_apart();
        m.doc(
            "One pass of a layer: finds the inputs that differ from those of the image, reads the weights that all neurons have for them, and \
             adds.",
        );
        m.fact("differences a clock", events);
        m.fact("neurons", outputs);
        m.fact("neurons in a beat", pe);
        m.latency(&format!("{} clocks from turn_i to the first beat of its results", Self::LATENCY));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Write activations");
        let write = m.input("write_i", events);
        m.note("by slice of a word");
        let write_bank = m.input("write_bank_i", self.find.bank_bits());
        let write_word = m.input("write_word_i", word_bits);
        let write_part = (self.find.parts() > 1).then(|| m.input("write_part_i", index_width(self.find.parts())));
        let act = m.input("act_i", self.beat);
        let live = m.input("live_i", self.beat);
        m.group("Searches: this one and the next");
        let control = [
            ("ready_i", 2, ""),
            ("image_i", 2, "for the image"),
            ("bank_i", 2 * self.find.bank_bits(), ""),
            ("fresh_i", 1, ""),
            ("turn_i", 1, ""),
        ]
        .map(|(port, width, note)| {
            let e = m.input(port, width);
            if !note.is_empty() {
                m.note(note);
            }
            (port, e)
        });
        let ended = m.output("ended_o", 1);
        m.group("Results");
        let shift = m.input("shift_i", 1);
        m.note("the next beat");
        let out = m.output("act_o", pe);

        m.section("What differs");
        let ends = m.wire("ends", events);
        let turn_in = control[4].1.clone();
        let image_in = control[1].1.bit(0);
        let image_turn = m.wire_is("image_turn", &(&turn_in & &image_in));
        let turn = delayed_event(&mut m, &clk, &rst_n, "turn", &turn_in, 2);
        let of_image = delayed(&mut m, &clk, "image_turn", &image_turn, 2);
        let mut came: Vec<[Expr; 4]> = vec![];
        for e in 0..events {
            let found = m.wire(&format!("found{e}"), 1);
            let input = m.wire(&format!("input{e}"), self.find.input_bits());
            let was = m.wire(&format!("was{e}"), 1);
            let flips = m.wire(&format!("flips{e}"), 1);
            let at = e % self.slices_in_beat();
            let mut ports: Vec<(&str, Expr)> = vec![
                ("clk_i", clk.clone()),
                ("rst_ni", rst_n.clone()),
                ("write_i", write.bit(e)),
                ("write_bank_i", write_bank.clone()),
                ("write_word_i", write_word.clone()),
                ("act_i", act.bits(at * part, part)),
                ("live_i", live.bits(at * part, part)),
                ("ended_o", ends.bit(e)),
                ("found_o", found.clone()),
                ("input_o", input.clone()),
                ("was_o", was.clone()),
                ("flips_o", flips.clone()),
            ];
            ports.extend(write_part.iter().map(|part| ("write_part_i", part.clone())));
            ports.extend(control.iter().cloned());
            let ports: Vec<(&str, &Expr)> = ports.iter().map(|(n, e)| (*n, e)).collect();
            m.instance(&format!("u_find{e}"), find.header(), &ports);
            came.push([found, input, was, flips]);
        }
        m.assign(&ended, &ends.all());

        m.section("Weights: of all neurons for one input");
        let mut fetched = vec![];
        for (e, [_, input, ..]) in came.iter().enumerate() {
            let depth = 1 << self.find.input_bits();
            let rom = m.memory(Memory::new(&format!("weights{e}"), outputs, depth).block().file(&self.weight_files[e]));
            let q = m.reg(&format!("weights{e}_q"), outputs);
            m.clocked(&clk, [set(&q, &rom.word(input))]);
            fetched.push(q);
        }
        let all = |m: &mut Module, name: &str, which: usize| {
            let now = cat_lsb_first(came.iter().map(|c| c[which].clone()).collect::<Vec<_>>());
            let q = m.reg(&format!("{name}_q"), events);
            (q, now)
        };
        let (found, found_now) = all(&mut m, "found", 0);
        let (was, was_now) = all(&mut m, "was", 2);
        let (flips, flips_now) = all(&mut m, "flips", 3);
        m.clocked(
            &clk,
            [
                when_else(&!&rst_n, [set(&found, &lit(events, 0))], [set(&found, &found_now)]),
                set(&was, &was_now),
                set(&flips, &flips_now),
            ],
        );

        m.section("Neurons");
        let fires = m.wire("fires", outputs);
        for (b, block) in (0..).zip(self.blocks()) {
            let weights: Vec<(String, Expr)> =
                (fetched.iter().enumerate()).map(|(e, q)| (format!("weight{e}_i"), q.bits(b * count, count))).collect();
            let mut ports: Vec<(&str, Expr)> = vec![
                ("clk_i", clk.clone()),
                ("rst_ni", rst_n.clone()),
                ("found_i", found.clone()),
                ("was_i", was.clone()),
                ("flips_i", flips.clone()),
                ("turn_i", turn.clone()),
                ("image_i", of_image.clone()),
                ("fires_o", fires.bits(b * count, count)),
            ];
            ports.extend(weights.iter().map(|(port, e)| (port.as_str(), e.clone())));
            let ports: Vec<(&str, &Expr)> = ports.iter().map(|(n, e)| (*n, e)).collect();
            let file = block.emit()?;
            m.instance(&format!("u_block{b}"), file.header(), &ports);
            files.push(file);
        }

        m.section("Results, beat after beat");
        let of_pass = m.wire_is("of_pass", &(&turn & !&of_image));
        let take = delayed_event(&mut m, &clk, &rst_n, "take", &of_pass, Block::LATENCY - 1);
        let results = m.reg("results_q", outputs);
        let next = if outputs > pe { &results >> pe } else { results.clone() };
        m.clocked(&clk, [when(&(&take | &shift), [set(&results, &mux(&take, &fires, &next))])]);
        m.assign(&out, &results.bits(0, pe));
        files.push(m.build()?);
        Ok(files)
    }

    /// Slices that a beat fills at once.
    pub fn slices_in_beat(&self) -> u32 {
        self.beat / self.find.part
    }
}
