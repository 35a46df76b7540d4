//! Finds the inputs that differ from those of an image, one a clock.

use crate::verilog::{
    Expr, Memory, Module, VerilogError, VerilogFile, cat, cat_lsb_first, index_width, lit, mux, set, when, when_else,
};

/// Looks through the `slice` inputs that it holds of every one of `words` words; `part` of them come at once.
#[derive(Clone, Debug)]
pub struct Find {
    pub words: u32,
    pub slice: u32,
    pub part: u32,
    /// Frames that it holds, a power of two.
    pub banks: u32,
}

impl Find {
    pub fn name(&self) -> String {
        format!("ns_find_{}x{}x{}_by_{}", self.banks, self.words, self.slice, self.part)
    }

    /// Bits of the number of a bank.
    pub fn bank_bits(&self) -> u32 {
        self.banks.ilog2()
    }

    /// Parts of a slice.
    pub fn parts(&self) -> u32 {
        self.slice / self.part
    }

    /// Bits of the number of an input: its word, then its place in the slice.
    pub fn input_bits(&self) -> u32 {
        index_width(self.words) + self.slice.ilog2()
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let (words, slice, part) = (self.words, self.slice, self.part);
        let (word_bits, place_bits) = (index_width(words), slice.ilog2());
        let mut m = Module::new(&self.name());
        m.doc(
            "Finds what differs from the image, one input a clock. A search for the image compares its activations with those of \
             the image before, and keeps them; a search for a pass finds inputs that are dropped or differ from the \
             image's. Every search ends by waiting for turn_i.",
        );
        m.doc(
            "Words are searched ahead: while one search waits, the next has begun, and words without a difference take no clock \
             of those that come out.",
        );
        m.fact("frames held", self.banks);
        m.fact("words in a frame", words);
        m.fact("inputs of a word looked at here", slice);
        m.fact("inputs in a beat", part);
        m.latency("4 clocks from a frame to its first difference");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Write a beat");
        let write = m.input("write_i", 1);
        let write_bank = m.input("write_bank_i", self.bank_bits());
        let write_word = m.input("write_word_i", word_bits);
        let write_part = (self.parts() > 1).then(|| m.input("write_part_i", index_width(self.parts())));
        let act = m.input("act_i", part);
        let live = m.input("live_i", part);
        m.group("Searches: this one and the next");
        let ready = m.input("ready_i", 2);
        m.note("their frames are complete");
        let image = m.input("image_i", 2);
        m.note("for the image, not for a pass");
        let bank = m.input("bank_i", 2 * self.bank_bits());
        let fresh = m.input("fresh_i", 1);
        m.note("no image yet: as if all activations had been -1");
        let turn = m.input("turn_i", 1);
        m.note("all that was found is on its way: the next search becomes this one");
        let ended = m.output("ended_o", 1);
        m.group("Differences");
        let found = m.output_reg("found_o", 1);
        let input = m.output_reg("input_o", self.input_bits());
        m.note("its word, then its place in the slice");
        let was = m.output_reg("was_o", 1);
        m.note("the image's activation");
        let flips = m.output_reg("flips_o", 1);
        m.note("to the opposite; otherwise it is dropped");

        m.section("Frames of activations, and the activations of the image");
        let mut frames = vec![];
        let write_at = m.wire_is("write_at", &cat([&write_bank, &write_word]));
        for index in 0..self.parts() {
            let memory =
                m.memory(Memory::new(&format!("frames{index}"), 2 * part, self.banks << word_bits).distributed());
            let hit = match &write_part {
                Some(at) => &write & at.eq(&lit(at.width(), u128::from(index))),
                None => write.clone(),
            };
            m.clocked(&clk, [when(&hit, [set(&memory.word(&write_at), &cat([&live, &act]))])]);
            frames.push(memory);
        }
        let lead = m.reg("lead_q", 2);
        m.note("searches that have looked through all words, from this one on");
        let ahead = lead.bit(0);
        let of =
            |pair: &Expr| mux(&ahead, &pair.bits(pair.width() / 2, pair.width() / 2), &pair.bits(0, pair.width() / 2));
        let searching = m.wire_is("searching", &(!lead.bit(1) & of(&ready)));
        let for_image = m.wire_is("for_image", &of(&image));
        let word = m.reg("word_q", word_bits);
        let last_word = m.wire_is("last_word", &word.eq(&lit(word_bits, u128::from(words - 1))));
        let read_at = m.wire_is("read_at", &cat([&of(&bank), &word]));
        let read: Vec<Expr> = (frames.iter().enumerate())
            .map(|(index, memory)| m.wire_is(&format!("read{index}"), &memory.word(&read_at)))
            .collect();
        let now = m.wire_is("act_now", &cat_lsb_first(read.iter().map(|r| r.bits(0, part)).collect::<Vec<_>>()));
        let now_live =
            m.wire_is("live_now", &cat_lsb_first(read.iter().map(|r| r.bits(part, part)).collect::<Vec<_>>()));
        let step = m.wire("step", 1);
        let kept = m.memory(Memory::new("kept", slice, 1 << word_bits).distributed());
        m.clocked(&clk, [when(&(&step & &for_image), [set(&kept.word(&word), &now)])]);
        let finish = m.wire_is("finish", &(&step & &last_word));
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [set(&lead, &lit(2, 0)), set(&word, &lit(word_bits, 0))],
                [
                    when(&step, [set(&word, &mux(&last_word, &lit(word_bits, 0), &(&word + lit(word_bits, 1))))]),
                    when(&(&finish & !&turn), [set(&lead, &(&lead + lit(2, 1)))]),
                    when(&(&turn & !&finish), [set(&lead, &(&lead - lit(2, 1)))]),
                ],
            )],
        );

        m.section("A word as read, then its differences");
        let held = |m: &mut Module, name: &str, width: u32| m.reg(&format!("{name}_q"), width);
        let read_valid = held(&mut m, "read_valid", 1);
        let read_last = held(&mut m, "read_last", 1);
        let read_image = held(&mut m, "read_image", 1);
        let read_word = held(&mut m, "read_word", word_bits);
        let read_act = held(&mut m, "read_act", slice);
        let read_live = held(&mut m, "read_live", slice);
        let read_old = held(&mut m, "read_old", slice);
        let read_none = held(&mut m, "read_none", 1);
        m.note("nothing is kept yet");
        let differ_valid = held(&mut m, "differ_valid", 1);
        let differ_last = held(&mut m, "differ_last", 1);
        let differ_word = held(&mut m, "differ_word", word_bits);
        let differ = held(&mut m, "differ", slice);
        let differ_old = held(&mut m, "differ_old", slice);
        let differ_flips = held(&mut m, "differ_flips", slice);
        let old = m.wire_is("old", &(&read_old & !crate::verilog::repeat(slice, &read_none)));
        let none = m.wire_is("differs_nowhere", &(!differ.any() & !&differ_last));
        let take = m.wire("take", 1);
        let differ_goes = m.wire_is("differ_goes", &(!&differ_valid | &none | &take));
        m.assign(&step, &(&searching & (!&read_valid | &differ_goes)));
        let live_or_image = m.wire_is("live_or_image", &(&read_live | crate::verilog::repeat(slice, &read_image)));
        m.clocked(
            &clk,
            [
                when_else(
                    &!&rst_n,
                    [set(&read_valid, &lit(1, 0)), set(&differ_valid, &lit(1, 0))],
                    [
                        when(&(&step | &differ_goes), [set(&read_valid, &step)]),
                        when(&differ_goes, [set(&differ_valid, &read_valid)]),
                    ],
                ),
                when(
                    &step,
                    [
                        set(&read_last, &last_word),
                        set(&read_image, &for_image),
                        set(&read_word, &word),
                        set(&read_act, &now),
                        set(&read_live, &now_live),
                        set(&read_old, &kept.word(&word)),
                        set(&read_none, &(&fresh & &for_image)),
                    ],
                ),
                when(
                    &differ_goes,
                    [
                        set(&differ_last, &read_last),
                        set(&differ_word, &read_word),
                        set(&differ, &((&read_act ^ &old) | !&live_or_image)),
                        set(&differ_old, &old),
                        set(&differ_flips, &live_or_image),
                    ],
                ),
            ],
        );

        m.section("One difference after the other");
        let valid = held(&mut m, "pending_valid", 1);
        let last = held(&mut m, "pending_last", 1);
        let at_word = held(&mut m, "pending_word", word_bits);
        let pending = held(&mut m, "pending", slice);
        let pending_old = held(&mut m, "pending_old", slice);
        let pending_flips = held(&mut m, "pending_flips", slice);
        let ended_q = held(&mut m, "ended", 1);
        let less = m.wire_is("less_lowest", &(&pending & (&pending - lit(slice, 1))));
        let lowest = m.wire_is("lowest", &(&pending & !&less));
        let goes = m.wire_is("goes", &(&valid & !&ended_q));
        let empties = m.wire_is("empties", &(&goes & !less.any()));
        m.assign(&take, &(&differ_valid & !&none & (!&valid | &empties)));
        m.clocked(
            &clk,
            [
                when_else(
                    &!&rst_n,
                    [set(&valid, &lit(1, 0)), set(&ended_q, &lit(1, 0)), set(&found, &lit(1, 0))],
                    [
                        when(&(&take | &empties), [set(&valid, &take)]),
                        set(&ended_q, &((&ended_q & !&turn) | (&empties & &last))),
                        set(&found, &(&goes & pending.any())),
                    ],
                ),
                when_else(
                    &take,
                    [
                        set(&last, &differ_last),
                        set(&at_word, &differ_word),
                        set(&pending, &differ),
                        set(&pending_old, &differ_old),
                        set(&pending_flips, &differ_flips),
                    ],
                    [when(&goes, [set(&pending, &less)])],
                ),
            ],
        );
        m.assign(&ended, &ended_q);
        let place: Vec<Expr> = (0..place_bits)
            .map(|b| {
                let ones: Vec<Expr> = (0..slice).filter(|i| i >> b & 1 == 1).map(|i| lowest.bit(i)).collect();
                cat_lsb_first(ones).any()
            })
            .collect();
        m.clocked(
            &clk,
            [
                set(&input, &cat([&at_word, &cat_lsb_first(place)])),
                set(&was, &(&lowest & &pending_old).any()),
                set(&flips, &(&lowest & &pending_flips).any()),
            ],
        );
        m.build()
    }
}
