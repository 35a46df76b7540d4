//! A layer that computes a pass from what differs from its image.
//!
//! Passes of an image differ in a few inputs: those that are dropped, and those that turned because others were dropped before. So the sums of a
//! layer are computed once for the image, and each pass adds the weights of the inputs that differ: `events` of them a clock, for all neurons at
//! once. What comes out is what any other layer computes.

mod block;
mod find;
mod lane;

use super::layer::count;
use crate::net::{Direction, Weights};
use crate::plan::LayerPlan;
use crate::rtl::scan::delayed_event;
use crate::verilog::{
    Expr, Module, VerilogError, VerilogFile, cat, cat_lsb_first, index_width, lit, mux, set, when, when_else,
};
pub use find::Find;
use lane::Lane;
use std::fmt::Write;

/// Such a layer of a design.
#[derive(Clone, Debug)]
pub struct Delta<'a> {
    pub name: String,
    pub index: usize,
    pub plan: LayerPlan,
    /// Values in a beat of what stands before.
    pub beat: u32,
    /// Whether what stands before takes differences, too: it sends nothing while it searches for an image.
    pub behind: bool,
    pub max_groups: u32,
    pub weights: &'a Weights,
    pub thresholds: &'a [i32],
    pub directions: &'a [Direction],
}

impl Delta<'_> {
    fn slice(&self) -> u32 {
        (self.plan.simd / self.plan.events) as u32
    }

    fn find(&self) -> Find {
        let slice = self.slice();
        Find { words: self.plan.words() as u32, slice, part: slice.min(self.beat), banks: self.banks() }
    }

    /// Frames that the layer holds: one that is searched, one that is searched ahead, and those that come in meanwhile. A search for an image takes as
    /// long as those for several passes; what stands before goes on with its passes, and what it sends then lasts while it searches itself.
    fn banks(&self) -> u32 {
        if self.behind { 8 } else { 4 }
    }

    fn weight_file(&self, event: usize) -> String {
        format!("{}_weights{event}.hex", self.name)
    }

    /// Clocks from the end of a pass to its first beat.
    pub const LATENCY: u32 = Lane::LATENCY;

    /// Whether the weights of neuron `n` are inverted, so that it fires at or above its threshold as all do.
    fn inverted(&self, n: usize) -> bool {
        self.directions[n] == Direction::Le
    }

    /// By neuron: its sum less the threshold where all activations are -1, and the bits that all such sums need.
    fn starts(&self) -> (Vec<i64>, u32) {
        let inputs = self.plan.inputs as i64;
        let (mut starts, mut most) = (vec![], 0);
        for n in 0..self.plan.outputs {
            let sign = if self.inverted(n) { -1 } else { 1 };
            // What no sum can miss or reach stays so.
            let threshold = (sign * i64::from(self.thresholds[n])).clamp(-inputs, inputs + 1);
            starts.push(-sign * self.weights.row_sum(n) - threshold);
            most = most.max(inputs - threshold).max(inputs + threshold - 1);
        }
        // From -(most + 1) to most.
        (starts, most.max(1).ilog2() + 2)
    }

    fn lane(&self) -> Lane {
        let (starts, bits) = self.starts();
        Lane {
            name: format!("{}_lane", self.name),
            find: self.find(),
            events: self.plan.events as u32,
            beat: self.beat,
            outputs: self.plan.outputs as u32,
            pe: self.plan.pe as u32,
            bits,
            starts,
            weight_files: (0..self.plan.events).map(|e| self.weight_file(e)).collect(),
        }
    }

    /// Memory images: file of event `e`, with a row for each input that it looks at, its word first; bit n is neuron n.
    pub fn images(&self) -> Vec<(String, String)> {
        let (plan, slice) = (&self.plan, self.slice() as usize);
        let rows = 1usize << self.find().input_bits();
        let plane = &self.weights.planes()[0];
        let digits = plan.outputs.div_ceil(4);
        (0..plan.events)
            .map(|event| {
                let mut text = String::with_capacity(rows * (digits + 1));
                for row in 0..rows {
                    let (word, place) = (row / slice, row % slice);
                    let input = word * plan.simd + event * slice + place;
                    for digit in (0..digits).rev() {
                        let value: u32 = (0..4)
                            .map(|b| (b, 4 * digit + b))
                            .filter(|&(_, n)| n < plan.outputs && word < plan.words())
                            .map(|(b, n)| u32::from(plane.get(n, input) != self.inverted(n)) << b)
                            .sum();
                        let _ = write!(text, "{value:x}");
                    }
                    text.push('\n');
                }
                (self.weight_file(event), text)
            })
            .collect()
    }

    pub fn emit(&self) -> Result<Vec<VerilogFile>, VerilogError> {
        let (plan, find, lane) = (&self.plan, self.find(), self.lane());
        let (pe, lanes, events) = (plan.pe as u32, plan.lanes as u32, plan.events as u32);
        let (beat, groups, words) = (self.beat, plan.groups() as u32, plan.words() as u32);
        let columns = plan.simd as u32 / beat;
        let (banks, bank_bits) = (u128::from(self.banks()), find.bank_bits());
        let mut files = lane.emit()?;

        let mut m = Module::new(&self.name);
        m.doc(&format!(
            "Layer {} of the network, a hidden layer: {} inputs, {} neurons. Its sums are computed once for an image, from what differs from the \
             image before; every pass begins from them, and adds the weights of inputs that it drops or that differ from the \
             image's, {events} a clock in each of {lanes} lanes, in all neurons at once.",
            self.index, plan.inputs, plan.outputs
        ));
        m.doc(
            "The activations of an image are those of the first pass of each lane. Passes of all lanes end together. Frames are claimed: \
             claim_o takes a bank of the next layer when passes end; claim_ready_o says that this layer has a bank to give.",
        );
        m.fact("differences a clock", events);
        m.fact("lanes (passes at once)", lanes);
        m.fact("neurons in a beat", pe);
        m.latency(&format!("{} clocks from the end of a pass to its first beat", Self::LATENCY));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Frames in: a bank is claimed, then its beats come");
        let claim = m.input("claim_i", 1);
        let ready = m.output("claim_ready_o", 1);
        let write = m.input("valid_i", 1);
        let act = m.input("act_i", lanes * beat);
        let live = m.input("live_i", lanes * beat);
        m.group("Frames out");
        let next_ready = m.input("claim_ready_i", 1);
        let claim_out = m.output("claim_o", 1);
        let valid_out = m.output("valid_o", 1);
        let out = m.output("act_o", lanes * pe);
        let last_group = (self.max_groups > 1).then(|| {
            m.group("Passes");
            let e = m.input("last_group_i", index_width(self.max_groups));
            m.note("groups of passes an image has, less 1");
            e
        });

        m.section("Banks: frames come in while others are searched");
        let word_bits = index_width(words);
        let filled = m.reg("filled_q", bank_bits + 1);
        m.note("frames complete");
        let claimed = m.reg("claimed_q", bank_bits + 1);
        m.note("frames claimed whose banks were not given back");
        let write_bank = m.reg("write_bank_q", bank_bits);
        let read_bank = m.reg("read_bank_q", bank_bits);
        let write_word = m.reg("write_word_q", word_bits);
        let last_word_in = m.wire_is("last_word_in", &write_word.eq(&lit(word_bits, u128::from(words - 1))));
        let column = (columns > 1).then(|| m.reg("write_column_q", index_width(columns)));
        let end_of_word = match &column {
            Some(c) => m.wire_is("last_column_in", &c.eq(&lit(c.width(), u128::from(columns - 1)))),
            None => lit(1, 1),
        };
        let fill = if column.is_some() { &write & &end_of_word & &last_word_in } else { &write & &last_word_in };
        let fill = m.wire_is("fill", &fill);
        let release = m.wire("release_bank", 1);
        m.assign(&ready, &claimed.ne(&lit(bank_bits + 1, banks)));
        let next_word = mux(&last_word_in, &lit(word_bits, 0), &(&write_word + lit(word_bits, 1)));
        let advance = [set(&write_word, &next_word)];
        let on_write = match &column {
            Some(c) => {
                let next = mux(&end_of_word, &lit(c.width(), 0), &(c + lit(c.width(), 1)));
                vec![set(c, &next), when(&end_of_word, advance)]
            }
            None => advance.to_vec(),
        };
        let mut on_reset = vec![
            set(&filled, &lit(bank_bits + 1, 0)),
            set(&claimed, &lit(bank_bits + 1, 0)),
            set(&write_bank, &lit(bank_bits, 0)),
            set(&read_bank, &lit(bank_bits, 0)),
            set(&write_word, &lit(word_bits, 0)),
        ];
        on_reset.extend(column.as_ref().map(|c| set(c, &lit(c.width(), 0))));
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                on_reset,
                [
                    when(&write, on_write),
                    when(&fill, [set(&write_bank, &(&write_bank + lit(bank_bits, 1)))]),
                    when(&release, [set(&read_bank, &(&read_bank + lit(bank_bits, 1)))]),
                    count(&filled, &fill, &release),
                    count(&claimed, &claim, &release),
                ],
            )],
        );

        m.section("Searches: for the image, then for each of its passes");
        let turn = m.wire("turn", 1);
        let for_image = m.reg("for_image_q", 1);
        let fresh = m.reg("fresh_q", 1);
        m.note("no image yet");
        let of_pass = m.wire_is("pass_ends", &(&turn & !&for_image));
        m.assign(&release, &of_pass);
        let last_pass = match &last_group {
            Some(last) => {
                let group = m.reg("group_q", last.width());
                let is_last = m.wire_is("is_last_group", &group.eq(last));
                let zero = lit(group.width(), 0);
                let next = mux(&is_last, &zero, &(&group + lit(group.width(), 1)));
                m.clocked(&clk, [when_else(&!&rst_n, [set(&group, &zero)], [when(&of_pass, [set(&group, &next)])])]);
                is_last
            }
            None => lit(1, 1),
        };
        let next_for_image = m.wire_is("next_for_image", &(!&for_image & &last_pass));
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [set(&for_image, &lit(1, 1)), set(&fresh, &lit(1, 1))],
                [when(&turn, [set(&for_image, &next_for_image), set(&fresh, &lit(1, 0))])],
            )],
        );
        let two = m.wire_is("two_filled", &filled.bits(1, bank_bits).any());
        let next_there = m.wire_is("next_there", &mux(&for_image, &filled.any(), &two));
        let searches_ready = m.wire_is("searches_ready", &cat([&next_there, &filled.any()]));
        let searches_image = m.wire_is("searches_image", &cat([&next_for_image, &for_image]));
        let next_bank = mux(&for_image, &read_bank, &(&read_bank + lit(bank_bits, 1)));
        let searches_bank = m.wire_is("searches_bank", &cat([&next_bank, &read_bank]));

        m.section("Ends: all lanes have found all, and the results of the passes before have left");
        let ended = m.wire("ended", lanes);
        let all_ended = m.reg("all_ended_q", 1);
        let left = m.reg("left_q", index_width(groups + 2));
        m.note("clocks that results take to leave");
        m.assign(&turn, &(&all_ended & (&for_image | (&next_ready & !left.any()))));
        m.assign(&claim_out, &of_pass);
        let width = left.width();
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [set(&all_ended, &lit(1, 0)), set(&left, &lit(width, 0))],
                [
                    set(&all_ended, &(ended.all() & !&turn)),
                    when_else(
                        &of_pass,
                        [set(&left, &lit(width, u128::from(groups)))],
                        [when(&left.any(), [set(&left, &(&left - lit(width, 1)))])],
                    ),
                ],
            )],
        );

        m.section("Results: a beat a clock");
        let first = delayed_event(&mut m, &clk, &rst_n, "first", &of_pass, Self::LATENCY);
        let valid = if groups > 1 {
            let more = m.reg("more_q", index_width(groups));
            m.note("beats after this one");
            let one = lit(more.width(), 1);
            m.clocked(
                &clk,
                [when_else(
                    &!&rst_n,
                    [set(&more, &lit(more.width(), 0))],
                    [when_else(
                        &first,
                        [set(&more, &lit(more.width(), u128::from(groups - 1)))],
                        [when(&more.any(), [set(&more, &(&more - &one))])],
                    )],
                )],
            );
            m.wire_is("sends", &(&first | more.any()))
        } else {
            first
        };
        m.assign(&valid_out, &valid);

        m.section("Lanes");
        let slices_in_beat = lane.slices_in_beat();
        let writes: Vec<Expr> = (0..events)
            .map(|e| match &column {
                Some(c) => {
                    let parts = find.parts();
                    // The beat that slice e is in, or whose first part is.
                    let at = if parts > 1 { c.shr_by(&lit(c.width(), u128::from(parts.ilog2()))) } else { c.clone() };
                    &write & at.eq(&lit(c.width(), u128::from(e / slices_in_beat)))
                }
                None => write.clone(),
            })
            .collect();
        let writes = m.wire_is("writes", &cat_lsb_first(writes));
        let header = files.last().map(|f| f.header().clone());
        if let Some(header) = header {
            m.generate_for("g_lane", "l", lanes, |m, l| {
                let mut ports: Vec<(&str, Expr)> = vec![
                    ("clk_i", clk.clone()),
                    ("rst_ni", rst_n.clone()),
                    ("write_i", writes.clone()),
                    ("write_bank_i", write_bank.clone()),
                    ("write_word_i", write_word.clone()),
                    ("act_i", act.word(l, beat)),
                    ("live_i", live.word(l, beat)),
                    ("ready_i", searches_ready.clone()),
                    ("image_i", searches_image.clone()),
                    ("bank_i", searches_bank.clone()),
                    ("fresh_i", fresh.clone()),
                    ("turn_i", turn.clone()),
                    ("ended_o", ended.at(l)),
                    ("shift_i", valid.clone()),
                    ("act_o", out.word(l, pe)),
                ];
                if let (Some(c), true) = (&column, find.parts() > 1) {
                    ports.push(("write_part_i", c.bits(0, index_width(find.parts()))));
                }
                let ports: Vec<(&str, &Expr)> = ports.iter().map(|(n, e)| (*n, e)).collect();
                m.instance("u_lane", &header, &ports);
            });
        }
        files.push(m.build()?);
        Ok(files)
    }
}
