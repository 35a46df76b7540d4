//! The last step: sums of the output layer become logits, and the logits of all passes one result an image.

use super::early::block_end;
use super::layer::count;
use super::scan::tree;
use super::sums::Sums;
use super::writable::Writable;
use super::{image_word, signed_width, width_of};
use crate::net::Output;
use crate::verilog::{
    Expr, Memory, Module, Stmt, VerilogError, VerilogFile, cat, index_width, lit, mux, set, when, when_else,
};

/// Scales the sums of `classes` classes, accumulates them over passes, and sends the result.
#[derive(Clone, Debug)]
pub struct Logits<'a> {
    pub name: String,
    pub output: &'a Output,
    /// Classes in a beat.
    pub pe: u32,
    pub lanes: u32,
    pub max_groups: u32,
    pub max_passes: u32,
    /// Sums come with a flag for an odd number of dropped inputs.
    pub masked: bool,
    /// On an array: sums come as sum + this, the most that they can be, instead of matches.
    pub most: Option<u64>,
    /// Another block takes the logits too, and says when an image can be sent.
    pub shared: bool,
    /// Where passes may end early.
    pub early: Option<Early>,
    /// Whether a host can write scales and offsets. They are then as wide as any need be whose logits fit.
    pub writable: bool,
}

/// `2 * matches + (2^planes - 1) * odd`: what an odd number of dropped inputs leaves out in every plane of the weights.
///
/// It fits one bit more than the matches: where one input is dropped, at most the others match.
pub(super) fn doubled(matches: &Expr, odd: Option<&Expr>, planes: u32) -> Expr {
    let Some(odd) = odd else { return cat([matches, &lit(1, 0)]) };
    if planes == 1 {
        return cat([matches, odd]);
    }
    let (half, none) = (lit(matches.width(), (1 << (planes - 1)) - 1), lit(matches.width(), 0));
    cat([&(matches + mux(odd, &half, &none)), odd])
}

/// Blocks after which the passes of an image may end.
#[derive(Clone, Copy, Debug)]
pub struct Early {
    /// Passes of a block.
    pub passes: u32,
    /// Groups of passes in it.
    pub groups: u32,
}

/// Lanes of which the logits are added up in one clock.
const LANES_A_STAGE: u32 = 4;

/// Widths of the result ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultWidths {
    pub class: u32,
    pub logit: u32,
    pub sum: u32,
    pub sumsq: u32,
    pub votes: u32,
    pub pass: u32,
}

impl Logits<'_> {
    pub fn widths(output: &Output, max_passes: u32) -> ResultWidths {
        let growth = width_of(u64::from(max_passes) - 1);
        ResultWidths {
            class: index_width(output.weights.rows() as u32),
            logit: output.logit_bits,
            sum: output.logit_bits + growth,
            sumsq: 2 * output.logit_bits - 1 + growth,
            votes: width_of(u64::from(max_passes)),
            pass: index_width(max_passes),
        }
    }

    /// Clocks from the last beat of an image's last frame to the first result, and to the last.
    pub fn latency(pe: usize, lanes: usize, classes: usize) -> (usize, usize) {
        let wait = Self::wait(lanes as u32, classes as u32) as usize;
        (pe + classes + 6 + wait, pe + 2 * classes + 5 + wait)
    }

    /// Stages in which the lanes are added up: two where there are many.
    fn stages(lanes: u32) -> u32 {
        if lanes > LANES_A_STAGE { 2 } else { 1 }
    }

    /// Clocks that the votes wait, one class a clock, so that the decision is there when they are counted.
    ///
    /// It takes a stage for the squares, those of the lanes, and two that compare.
    fn wait(lanes: u32, classes: u32) -> u32 {
        (2 + Self::stages(lanes)).saturating_sub(classes)
    }

    pub fn constants_file(&self) -> String {
        format!("{}_classes.hex", self.name)
    }

    /// Largest number of matches, those of plane j of the weights counted 2^j times.
    fn largest(&self) -> i64 {
        self.output.weights.cols() as i64 * self.output.weights.most()
    }

    /// Scale and offset of every class, by crossbar.
    ///
    /// The layer's value `v = 2 * matches + odd` is `a + largest`: `m * a + b = m * v + (b - m * largest)`.
    fn factors(&self) -> Vec<Vec<(i128, i128)>> {
        let n = self.most.map_or(self.largest().into(), i128::from);
        let factor = |(&m, &b): (&i32, &i64)| (i128::from(m), i128::from(b) - i128::from(m) * n);
        let others = self.output.others.iter().map(|c| (&c.scale, &c.offset));
        let crossbars = std::iter::once((&self.output.scale, &self.output.offset)).chain(others);
        crossbars.map(|(scale, offset)| scale.iter().zip(offset).map(factor).collect()).collect()
    }

    fn crossbars(&self) -> u32 {
        1 + self.output.others.len() as u32
    }

    fn scale_width(&self) -> u32 {
        let own = self.factors().iter().flatten().map(|&(m, _)| signed_width(m)).max().unwrap_or(1);
        // A logit moves by twice the scale times the largest sum, and fits.
        let fits = (1i128 << (self.logit_sum_bits() - 1)) / i128::from(self.largest()).max(1);
        if self.writable { own.max(signed_width(fits).min(i32::BITS)) } else { own }
    }

    fn offset_width(&self) -> u32 {
        let own = self.factors().iter().flatten().map(|&(_, b)| signed_width(b)).max().unwrap_or(1);
        // It is what a logit is at the least sum.
        if self.writable { own.max(self.logit_sum_bits()) } else { own }
    }

    /// Bits of a logit before the shift.
    fn logit_sum_bits(&self) -> u32 {
        self.output.logit_bits + self.output.shift
    }

    /// Scales and offsets as a host writes them.
    pub fn memory(&self) -> Writable {
        let classes = self.output.weights.rows() as u32;
        let rows = if self.crossbars() > 1 { self.crossbars() << index_width(classes) } else { classes };
        Writable { name: "constants", rows, slices: 1, bits: self.scale_width() + self.offset_width() }
    }

    /// Memory image: scale above offset, one word a class; with several crossbars, each begins at a multiple of a power of two.
    pub fn constants(&self) -> String {
        let (mw, bw) = (self.scale_width(), self.offset_width());
        let word = |&(m, b): &(i128, i128)| image_word(&[(bw, b), (mw, m)]);
        let room = 1 << index_width(self.output.weights.rows() as u32);
        let crossbar = |mut factors: Vec<(i128, i128)>| -> String {
            if self.crossbars() > 1 {
                factors.resize(room, (0, 0));
            }
            factors.iter().map(word).collect()
        };
        self.factors().into_iter().map(crossbar).collect()
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let (pe, lanes) = (self.pe, self.lanes);
        let classes = self.output.weights.rows() as u32;
        let w = Self::widths(self.output, self.max_passes);
        let group_bits = index_width(self.max_groups);
        let planes = self.output.weights.planes().len() as u32;
        let sum_in = self.most.map_or(width_of(self.largest() as u64), Sums::bits);
        let mut m = Module::new(&self.name);
        m.doc(
            "Turns the sums of the output layer into logits, class by class and for all lanes at once: \
             logit = (scale * a + offset) >> shift. Accumulates logits, their squares and the votes of all passes, and sends \
             one beat a class when the image is done. The largest of equal values is the one of the lowest class.",
        );
        m.fact("classes", classes);
        m.fact("lanes (passes at once)", lanes);
        m.fact("logit", format!("{} bits, {} of them fraction", w.logit, self.output.frac_bits));
        let (first, last) = Self::latency(pe as usize, lanes as usize, classes as usize);
        m.latency(&format!(
            "{first} clocks from the last sum of an image to its first result beat, {last} to its last"
        ));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Passes");
        let last_group = m.input("last_group_i", group_bits);
        m.note("groups of passes an image has, less 1");
        let last_lanes = m.input("last_lanes_i", lanes);
        m.note("lanes that carry a pass in the last group");
        m.group("Sums in: a frame is claimed, then its beats come");
        let claim = m.input("claim_i", 1);
        let claim_ready = m.output("claim_ready_o", 1);
        let valid = m.input("valid_i", 1);
        let sums = m.input("sum_i", lanes * pe * sum_in);
        let odd = self.masked.then(|| m.input("odd_i", lanes));
        let crossbar = (self.crossbars() > 1).then(|| {
            let e = m.input("crossbar_i", index_width(self.crossbars()));
            m.note("that whose sums these are");
            e
        });
        m.group("Results out: one beat a class");
        let out_valid = m.output("out_valid_o", 1);
        let out_ready = m.input("out_ready_i", 1);
        let out_last = m.output("out_last_o", 1);
        let out_class = m.output("out_class_o", w.class);
        m.note("the decision");
        let out_index = m.output("out_index_o", w.class);
        m.note("the class that this beat is about");
        let out_sum = m.output("out_sum_o", w.sum);
        m.note("sum of its logits over the passes, signed");
        let out_sumsq = m.output("out_sumsq_o", w.sumsq);
        m.note("sum of their squares");
        let out_votes = m.output("out_votes_o", w.votes);
        m.note("passes that it won");
        let image_done = m.output("image_done_o", 1);
        let early = self.early.map(|early| {
            let out_passes = m.output("out_passes_o", w.votes);
            m.note("passes that the image took");
            m.group("Early stop: after a block of passes, whether the image goes on");
            let all = m.input("passes_i", w.votes);
            m.note("passes of an image that does not stop");
            let lead = m.input("lead_i", 32);
            m.note("by how much the largest sum has to lead the second largest, for each block so far");
            let verdict = m.output_reg("verdict_o", 1);
            m.note("the rule was asked");
            let stop = m.output_reg("stop_o", 1);
            m.note("with verdict_o: the image's passes end");
            (early, out_passes, all, lead, verdict, stop)
        });
        let stop = early.as_ref().map(|(.., stop)| stop);
        let shared = self.shared.then(|| {
            m.group("To and from the uncertainty, which takes the logits, too");
            let ready = m.input("image_ready_i", 1);
            m.note("it has finished one more image");
            let ended = m.output("ended_o", 1);
            m.note("the last logits of a group of passes came one clock ago");
            let best = m.output("best_o", lanes * w.logit);
            m.note("largest logit of each lane, with ended_o");
            (ready, ended, best)
        });
        m.group("Every pass's logits, for debugging");
        let dbg_valid = m.output("dbg_valid_o", 1);
        let dbg_pass = m.output("dbg_pass_o", w.pass);
        m.note("pass of lane 0");
        let dbg_lanes = m.output("dbg_lanes_o", lanes);
        let dbg_class = m.output("dbg_class_o", w.class);
        let dbg_logit = m.output("dbg_logit_o", lanes * w.logit);
        let side = self.writable.then(|| self.memory().side(&mut m));

        let last_class = |e: &Expr| e.eq(&lit(w.class, u128::from(classes - 1)));
        let next_class = |e: &Expr| mux(&last_class(e), &lit(w.class, 0), &(e + lit(w.class, 1)));
        let one_bit = |v: u128| lit(1, v);
        let second_class = lit(w.class, u128::from(classes > 1));

        m.section("Images in progress: one accumulates while another is sent");
        let images = m.reg("images_q", 2);
        let claim_group = m.reg("claim_group_q", group_bits);
        let claim_first = m.wire_is("claim_first", &!claim_group.any());
        m.assign(&claim_ready, &(!&claim_first | images.ne(&lit(2, 2))));
        let sent = m.wire("image_sent", 1);
        m.assign(&image_done, &sent);
        let claims_image = m.wire_is("claims_image", &(&claim & &claim_first));
        let wrap = |e: &Expr| mux(&e.eq(&last_group), &lit(group_bits, 0), &(e + lit(group_bits, 1)));
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [set(&images, &lit(2, 0)), set(&claim_group, &lit(group_bits, 0))],
                [when(&claim, [set(&claim_group, &wrap(&claim_group))]), count(&images, &claims_image, &sent)]
                    .into_iter()
                    .chain(stop.map(|stop| when(stop, [set(&claim_group, &lit(group_bits, 0))]))),
            )],
        );

        m.section("One class a clock");
        let value_bits = if self.most.is_some() { sum_in } else { sum_in + 1 };
        let held = m.reg("held_q", lanes * pe * sum_in);
        m.note("classes of a beat, next one lowest");
        let step = if pe > 1 {
            let left = m.reg("left_q", index_width(pe + 1));
            let some = |n: u32| lit(left.width(), u128::from(n));
            m.clocked(
                &clk,
                [when_else(
                    &!&rst_n,
                    [set(&left, &some(0))],
                    [when_else(&valid, [set(&left, &some(pe))], [when(&left.any(), [set(&left, &(&left - some(1)))])])],
                )],
            );
            m.generate_for("g_held", "l", lanes, |m, l| {
                let now = m.wire_is("now", &held.word(l, pe * sum_in));
                let later = &now >> sum_in;
                m.clocked(&clk, [set(&held.word(l, pe * sum_in), &mux(&valid, &sums.word(l, pe * sum_in), &later))]);
            });
            m.wire_is("step", &left.any())
        } else {
            let step = m.reg("step_q", 1);
            m.clocked(&clk, [set(&step, &(&rst_n & &valid)), set(&held, &sums)]);
            step
        };
        let odd_q = odd.map(|odd| {
            let q = m.reg("odd_q", lanes);
            m.clocked(&clk, [when(&valid, [set(&q, &odd)])]);
            q
        });
        let class = m.reg("class_q", w.class);
        m.clocked(
            &clk,
            [when_else(&!&rst_n, [set(&class, &lit(w.class, 0))], [when(&step, [set(&class, &next_class(&class))])])],
        );

        m.section("Constants of the class");
        let (mw, bw) = (self.scale_width(), self.offset_width());
        let (depth, constant_at) = match &crossbar {
            Some(crossbar) => {
                let q = m.reg("crossbar_q", crossbar.width());
                m.clocked(&clk, [when(&valid, [set(&q, crossbar)])]);
                (self.crossbars() << w.class, m.wire_is("constant_at", &cat([&q, &class])))
            }
            None => (classes, class.clone()),
        };
        let rom = m.memory(Memory::new("constants", mw + bw, depth).file(&self.constants_file()));
        let constant = m.reg("constant_q", mw + bw);
        let scale = m.wire_is("scale", &constant.bits(bw, mw));
        let offset = m.reg("offset_q", bw);
        let value = m.reg("value_q", lanes * value_bits);
        m.note(match self.most {
            Some(_) => "a plus the most that it can be",
            None => "2 * matches + odd, which is a plus the most that it can be",
        });
        match &side {
            Some(side) => {
                let row = m.wire_is("constant_row", &side.row_or(&constant_at));
                side.clocked(&mut m, &clk, &rom, &row, &constant);
                m.clocked(&clk, [set(&offset, &constant.bits(0, bw))]);
            }
            None => m.clocked(&clk, [set(&constant, &rom.word(&constant_at)), set(&offset, &constant.bits(0, bw))]),
        }
        let stage = |m: &mut Module, name: &str, from: &Expr| {
            let q = m.reg(name, 1);
            m.clocked(&clk, [set(&q, &(&rst_n & from))]);
            q
        };
        let fetched = stage(&mut m, "fetched_q", &step);
        let multiplied = stage(&mut m, "multiplied_q", &fetched);
        let ready = stage(&mut m, "ready_q", &multiplied);

        m.section("Logits of all lanes");
        let product_bits = mw + value_bits + 1;
        let total_bits = product_bits.max(bw).max(w.logit + self.output.shift) + 1;
        let logit = m.reg("logit_q", lanes * w.logit);
        m.generate_for("g_logit", "k", lanes, |m, l| {
            let waiting = m.wire_is("waiting", &held.word(l, pe * sum_in));
            let matches = waiting.bits(0, sum_in);
            if pe > 1 {
                m.unused("unused_waiting", &[&waiting.slice(pe * sum_in - 1, sum_in)]);
            }
            let odd = odd_q.as_ref().map(|odd| odd.at(l));
            let value_l = m.wire_is("value", &cat([&lit(1, 0), &value.word(l, value_bits)]));
            m.note("not negative");
            let product = m.wire_is("product", &scale.mul_signed(&value_l, product_bits));
            let product_q = m.reg("product_q", product_bits);
            let total = m.wire_is("total", &(product_q.sext(total_bits) + offset.sext(total_bits)));
            m.clocked(
                &clk,
                [
                    set(
                        &value.word(l, value_bits),
                        &if self.most.is_some() { matches } else { doubled(&matches, odd.as_ref(), planes) },
                    ),
                    set(&product_q, &product),
                    set(&logit.word(l, w.logit), &total.bits(self.output.shift, w.logit)),
                ],
            );
            let top = self.output.shift + w.logit;
            m.unused("unused_high", &[&total.slice(total_bits - 1, top)]);
            if self.output.shift > 0 {
                m.unused("unused_low", &[&total.slice(self.output.shift - 1, 0)]);
            }
        });
        let (at_class, at_group) = (m.reg("logit_class_q", w.class), m.reg("logit_group_q", group_bits));
        let pass = m.reg("logit_pass_q", w.pass);
        m.note("pass of lane 0");
        let frame_ends = m.wire_is("frame_ends", &(&ready & last_class(&at_class)));
        let is_last_group = m.wire_is("is_last_group", &at_group.eq(&last_group));
        let stride = lit(w.pass, u128::from(lanes) % (1 << w.pass));
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [set(&at_class, &lit(w.class, 0)), set(&at_group, &lit(group_bits, 0)), set(&pass, &lit(w.pass, 0))],
                [
                    when(&ready, [set(&at_class, &next_class(&at_class))]),
                    when(
                        &frame_ends,
                        [
                            set(&at_group, &wrap(&at_group)),
                            set(&pass, &mux(&is_last_group, &lit(w.pass, 0), &(&pass + stride))),
                        ],
                    ),
                ]
                .into_iter()
                .chain(stop.map(|stop| when(stop, [set(&at_group, &lit(group_bits, 0)), set(&pass, &lit(w.pass, 0))]))),
            )],
        );
        let on = m.wire_is("lane_on", &(&last_lanes | crate::verilog::repeat(lanes, &!&is_last_group)));
        m.assign(&dbg_valid, &ready);
        m.assign(&dbg_pass, &pass);
        m.assign(&dbg_lanes, &on);
        m.assign(&dbg_class, &at_class);
        m.assign(&dbg_logit, &logit);

        m.section("Squares, and the best class of every pass");
        let (masked_logit, square) = (m.reg("masked_q", lanes * w.logit), m.reg("square_q", lanes * (2 * w.logit - 1)));
        let winner = m.reg("winner_q", lanes * w.class);
        let voter = m.reg("voter_q", lanes);
        let next_winner = m.wire("next_winner", lanes * w.class);
        let first_class = m.wire_is("first_class", &!at_class.any());
        let frame_ended = stage(&mut m, "frame_ended_q", &frame_ends);
        let on_q = m.reg("lane_on_q", lanes);
        let next_voter = m.wire_is("next_voter", &mux(&frame_ended, &on_q, &voter));
        m.clocked(&clk, [set(&on_q, &on), set(&voter, &next_voter), set(&winner, &next_winner)]);
        if let Some((_, ended, _)) = &shared {
            m.assign(ended, &frame_ended);
        }
        let square_bits = 2 * w.logit - 1;
        m.generate_for("g_best", "b", lanes, |m, l| {
            let z = m.wire_is("z", &logit.word(l, w.logit));
            let squared = m.wire_is("squared", &z.mul_signed(&z, square_bits));
            // A lane without a pass is cleared, not gated: nothing stands between the registers and the multiplier.
            let (masked, square) = (masked_logit.word(l, w.logit), square.word(l, square_bits));
            let (best, best_class) = (m.reg("best_q", w.logit), m.reg("best_class_q", w.class));
            let better = m.wire_is("better", &(&ready & (&first_class | best.less_signed(&z))));
            m.note("the first class, or a larger logit: the sign of a difference");
            m.clocked(
                &clk,
                [
                    when_else(
                        &on.at(l),
                        [set(&masked, &z), set(&square, &squared)],
                        [set(&masked, &lit(w.logit, 0)), set(&square, &lit(square_bits, 0))],
                    ),
                    when(&better, [set(&best, &z), set(&best_class, &at_class)]),
                ],
            );
            m.assign(&next_winner.word(l, w.class), &mux(&frame_ended, &best_class, &winner.word(l, w.class)));
            if let Some((.., best_out)) = &shared {
                m.assign(&best_out.word(l, w.logit), &best);
            }
        });
        let squared = stage(&mut m, "squared_q", &ready);

        m.section("Add up the lanes");
        let growth = w.sum - w.logit;
        let lane_growth = width_of(u64::from(lanes) - 1);
        debug_assert!(lane_growth <= growth);
        let (lane_sum, lane_sumsq) =
            (m.reg("lane_sum_q", w.logit + lane_growth), m.reg("lane_sumsq_q", square_bits + lane_growth));
        // The sum of so many words of a register.
        let over = |word: &Expr, words: u32, width: u32, wide: u32, signed: bool| {
            let term = |l: u32| {
                let e = word.bits(l * width, width);
                if signed { e.sext(wide) } else { e.zext(wide) }
            };
            tree((0..words).map(term).collect())
        };
        let parts = lanes.div_ceil(LANES_A_STAGE);
        let added = if Self::stages(lanes) == 1 {
            let sums = [
                set(&lane_sum, &over(&masked_logit, lanes, w.logit, w.logit + lane_growth, true)),
                set(&lane_sumsq, &over(&square, lanes, square_bits, square_bits + lane_growth, false)),
            ];
            m.clocked(&clk, sums);
            stage(&mut m, "added_q", &squared)
        } else {
            let growth = width_of(u64::from(LANES_A_STAGE) - 1);
            let (logit_bits, square_part) = (w.logit + growth, square_bits + growth);
            let (part, part_sq) = (m.reg("part_sum_q", parts * logit_bits), m.reg("part_sumsq_q", parts * square_part));
            m.note(&format!("of {LANES_A_STAGE} lanes"));
            let of = |n: u32| (n * LANES_A_STAGE, LANES_A_STAGE.min(lanes - n * LANES_A_STAGE));
            let mut sums = vec![];
            for (from, words) in (0..parts).map(of) {
                let n = from / LANES_A_STAGE;
                let (logits, squares) = (
                    masked_logit.bits(from * w.logit, words * w.logit),
                    square.bits(from * square_bits, words * square_bits),
                );
                sums.push(set(
                    &part.bits(n * logit_bits, logit_bits),
                    &over(&logits, words, w.logit, logit_bits, true),
                ));
                sums.push(set(
                    &part_sq.bits(n * square_part, square_part),
                    &over(&squares, words, square_bits, square_part, false),
                ));
            }
            sums.push(set(&lane_sum, &over(&part, parts, logit_bits, w.logit + lane_growth, true)));
            sums.push(set(&lane_sumsq, &over(&part_sq, parts, square_part, square_bits + lane_growth, false)));
            m.clocked(&clk, sums);
            let parts_added = stage(&mut m, "parts_added_q", &squared);
            stage(&mut m, "added_q", &parts_added)
        };

        m.section("Accumulate over groups of passes, class by class");
        let bank = m.reg("bank_q", 1);
        let (add_class, add_group) = (m.reg("add_class_q", w.class), m.reg("add_group_q", group_bits));
        let out_bank = m.reg("out_bank_q", 1);
        let depth = 2 << w.class;
        let totals = m.memory(Memory::new("totals", w.sumsq + w.sum, depth));
        m.note("sums of squares above sums");
        let votes = m.memory(Memory::new("votes", w.votes, depth));
        let add_at = m.wire_is("add_at", &cat([&bank, &add_class]));
        let first_group = m.reg("first_group_q", 1);
        m.note("add_group_q is 0");
        // Classes take turns, so what the next one has is read while this one is added, by an address that stands in registers:
        // the register of a block memory will do. The first group adds to nothing, whatever is read.
        let before = |m: &mut Module, name: &str, memory: &Memory, at: &Expr, turn: &Expr, first: &Expr| {
            let q = m.reg(&format!("{name}_q"), memory.width());
            let read = set(&q, &memory.word(at));
            m.clocked(&clk, [if classes > 1 { when(turn, [read]) } else { read }]);
            q & crate::verilog::repeat(memory.width(), &!first)
        };
        let (add_last, add_ends) = (m.reg("add_last_q", 1), m.reg("add_ends_q", 1));
        m.note("add_group_q is last_group_i");
        let adds_last = m.wire_is("adds_last", &(&added & &add_last));
        let image_added = m.wire_is("image_added", &(&adds_last & &add_ends));
        let zero_group = lit(group_bits, 0);
        let next_group = mux(&add_ends, &zero_group, &(&add_group + lit(group_bits, 1)));
        let next_group = match stop {
            Some(stop) => mux(stop, &zero_group, &mux(&adds_last, &next_group, &add_group)),
            None => mux(&adds_last, &next_group, &add_group),
        };
        let next_group = m.wire_is("next_add_group", &next_group);
        let next_add_class = m.reg("next_add_class_q", w.class);
        let class_after_next = next_class(&next_add_class);
        let turns = match stop {
            Some(stop) => &image_added | stop,
            None => image_added.clone(),
        };
        let next_add = m.wire_is("next_add_at", &cat([&bank, &next_add_class]));
        let old = before(&mut m, "old_total", &totals, &next_add, &added, &first_group);
        let old = m.wire_is("old_total", &old);
        let new_total = m.wire_is("new_total", &(old.bits(0, w.sum) + lane_sum.sext(w.sum)));
        let new_squares = m.wire_is("new_squares", &(old.bits(w.sum, w.sumsq) + lane_sumsq.zext(w.sumsq)));
        let (top, top_class) = (m.reg("top_q", w.sum), m.reg("top_class_q", w.class));
        let (summed, summed_class) = (m.reg("summed_q", w.sum), m.reg("summed_class_q", w.class));
        m.note("the total that is compared, and its class");
        let compares = stage(&mut m, "compares_q", &added);
        let leads = m.wire_is("leads", &(!summed_class.any() | top.less_signed(&summed)));
        m.note("the first class, or a larger total: the sign of a difference");
        let image_added_q = stage(&mut m, "image_added_q", &image_added);
        let image_compared = stage(&mut m, "image_compared_q", &image_added_q);
        let decision = m.reg("decision_q", 2 * w.class);
        m.note("by bank");
        let decides = when(&image_compared, [in_bank(&decision, &!&bank, &top_class)]);
        let decides = match stop {
            Some(stop) => when_else(stop, [in_bank(&decision, &bank, &top_class)], [decides]),
            None => decides,
        };
        m.clocked(
            &clk,
            [
                when(&added, [set(&totals.word(&add_at), &cat([&new_squares, &new_total]))]),
                set(&summed, &new_total),
                set(&summed_class, &add_class),
                when(&(&compares & &leads), [set(&top, &summed), set(&top_class, &summed_class)]),
                decides,
                when_else(
                    &!&rst_n,
                    [
                        set(&bank, &one_bit(0)),
                        set(&add_class, &lit(w.class, 0)),
                        set(&next_add_class, &second_class),
                        set(&add_last, &one_bit(u128::from(classes == 1))),
                        set(&add_group, &zero_group),
                        set(&first_group, &one_bit(1)),
                    ],
                    [
                        when(
                            &added,
                            [
                                set(&add_class, &next_add_class),
                                set(&next_add_class, &class_after_next),
                                set(&add_last, &last_class(&next_add_class)),
                            ],
                        ),
                        set(&add_group, &next_group),
                        when(&adds_last, [set(&first_group, &add_ends)]),
                        when(&turns, [set(&bank, &!&bank)]),
                    ]
                    .into_iter()
                    .chain(stop.map(|stop| when(stop, [set(&first_group, &one_bit(1))]))),
                ),
                set(&add_ends, &next_group.eq(&last_group)),
            ],
        );

        m.section("Votes: after a frame, one class a clock");
        let counting = m.reg("counting_q", 1);
        let (vote_class, vote_group, vote_bank) =
            (m.reg("vote_class_q", w.class), m.reg("vote_group_q", group_bits), m.reg("vote_bank_q", 1));
        let begins = (0..Self::wait(lanes, classes))
            .fold(frame_ended.clone(), |event, n| stage(&mut m, &format!("waited{n}_q"), &event));
        // Whom a lane votes for is known one clock ahead.
        let next_vote_class = m.reg("next_vote_class_q", w.class);
        let next_vote = m.wire_is("next_vote", &mux(&counting, &next_vote_class, &vote_class));
        let mine = m.reg("votes_for_q", lanes);
        let waits = Self::wait(lanes, classes) > 0;
        let (winner, voter) = if waits { (&winner, &voter) } else { (&next_winner, &next_voter) };
        m.generate_for("g_vote", "v", lanes, |m, l| {
            m.clocked(&clk, [set(&mine.at(l), &(voter.at(l) & winner.word(l, w.class).eq(&next_vote)))]);
        });
        let vote_at = m.wire_is("vote_at", &cat([&vote_bank, &vote_class]));
        let first_vote = m.wire_is("first_vote", &!vote_group.any());
        let cast = tree((0..lanes).map(|l| mine.bit(l).zext(w.votes)).collect());
        let vote_last = m.reg("vote_last_q", 1);
        let vote_ends = m.wire_is("vote_ends", &(&counting & &vote_last));
        let all_counted = &vote_ends & vote_group.eq(&last_group);
        let image_counted = match &early {
            Some((early, out_passes, all, lead, verdict, stop)) => {
                let all_counted = m.wire_is("all_counted", &all_counted);
                let image_counted = m.wire_is("image_counted", &(&all_counted | stop));

                m.section(
                    "Early stop: asked when the last pass of a block has voted, since then all its sums are there",
                );
                let second = m.reg("second_q", w.sum);
                m.note("second largest sum");
                let nearer = m.wire_is("nearer", &second.less_signed(&summed));
                let least = cat([&lit(1, 1), &lit(w.sum - 1, 0)]);
                let fallen = mux(&summed_class.any(), &top, &least);
                m.clocked(
                    &clk,
                    [when(
                        &compares,
                        [when_else(&leads, [set(&second, &fallen)], [when(&nearer, [set(&second, &summed)])])],
                    )],
                );
                let blocks = self.max_passes.div_ceil(early.passes);
                let bar_bits = (32 + width_of(blocks.into())).max(w.sum + 1);
                let bar = m.reg("bar_q", bar_bits);
                m.note("lead for the blocks before this one");
                let due = m.wire_is("due", &(&bar + lead.zext(bar_bits)));
                let ahead = m.wire_is("ahead", &(top.sext(w.sum + 1) - second.sext(w.sum + 1)));
                let settled = m.wire_is("settled", &!due.gt(&ahead.zext(bar_bits)));
                let block_ends = block_end(&mut m, &clk, &rst_n, early.groups, &vote_ends, &all_counted);
                let asked = m.wire_is("asked", &(&vote_ends & &block_ends & !&all_counted));
                let (used, so_far) = (m.reg("used_q", 2 * w.votes), m.reg("passes_so_far_q", w.votes));
                m.note("at the end of the blocks before this one");
                let after = m.wire_is("passes_after", &(&so_far + lit(w.votes, u128::from(early.passes))));
                m.clocked(
                    &clk,
                    [
                        when_else(
                            &(!&rst_n | &image_counted),
                            [set(&bar, &lit(bar_bits, 0)), set(&so_far, &lit(w.votes, 0))],
                            [when(&asked, [set(&bar, &due), set(&so_far, &after)])],
                        ),
                        set(verdict, &(&rst_n & &asked)),
                        set(stop, &(&rst_n & &asked & &settled)),
                        when(&image_counted, [in_bank(&used, &vote_bank, &mux(stop, &so_far, all))]),
                    ],
                );
                m.assign(out_passes, &used.word(&out_bank, w.votes));
                image_counted
            }
            None => m.wire_is("image_counted", &all_counted),
        };
        let next_vote_at = m.wire_is("next_vote_at", &cat([&vote_bank, &next_vote_class]));
        let old_votes = before(&mut m, "old_votes", &votes, &next_vote_at, &counting, &first_vote);
        m.clocked(
            &clk,
            [
                when(&counting, [set(&votes.word(&vote_at), &(old_votes + cast))]),
                when_else(
                    &!&rst_n,
                    [
                        set(&counting, &one_bit(0)),
                        set(&vote_class, &lit(w.class, 0)),
                        set(&next_vote_class, &second_class),
                        set(&vote_last, &one_bit(u128::from(classes == 1))),
                        set(&vote_group, &lit(group_bits, 0)),
                        set(&vote_bank, &one_bit(0)),
                    ],
                    [
                        when_else(
                            &begins,
                            [set(&counting, &one_bit(1))],
                            [when(&vote_ends, [set(&counting, &one_bit(0))])],
                        ),
                        when(
                            &counting,
                            [
                                set(&vote_class, &next_vote_class),
                                set(&next_vote_class, &next_class(&next_vote_class)),
                                set(&vote_last, &last_class(&next_vote_class)),
                            ],
                        ),
                        when(&vote_ends, [set(&vote_group, &wrap(&vote_group))]),
                        when(&image_counted, [set(&vote_bank, &!&vote_bank)]),
                    ]
                    .into_iter()
                    .chain(stop.map(|stop| when(stop, [set(&vote_group, &lit(group_bits, 0))]))),
                ),
            ],
        );

        m.section("Send the result: read ahead into the registers that are sent");
        let results = m.reg("results_q", 2);
        m.note("images to read");
        let (read_bank, read_index, read_last) =
            (m.reg("read_bank_q", 1), m.reg("read_index_q", w.class), m.reg("read_last_q", 1));
        let (valid, index, last) = (m.reg("out_valid_q", 1), m.reg("out_index_q", w.class), m.reg("out_last_q", 1));
        let counted = shared.as_ref().map_or(&image_counted, |(ready, ..)| ready);
        let reads = m.wire_is("reads", &(results.any() & (!&valid | &out_ready)));
        let image_read = m.wire_is("image_read", &(&reads & &read_last));
        m.assign(&sent, &(&valid & &out_ready & &last));
        let next_index = m.wire_is("next_read_index", &next_class(&read_index));
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [
                    set(&results, &lit(2, 0)),
                    set(&read_bank, &one_bit(0)),
                    set(&read_index, &lit(w.class, 0)),
                    set(&read_last, &one_bit(u128::from(classes == 1))),
                    set(&valid, &one_bit(0)),
                    set(&out_bank, &one_bit(0)),
                ],
                [
                    count(&results, counted, &image_read),
                    when(&reads, [set(&read_index, &next_index), set(&read_last, &last_class(&next_index))]),
                    when(&image_read, [set(&read_bank, &!&read_bank)]),
                    when_else(&reads, [set(&valid, &one_bit(1))], [when(&out_ready, [set(&valid, &one_bit(0))])]),
                    when(&sent, [set(&out_bank, &!&out_bank)]),
                ],
            )],
        );
        let read_at = m.wire_is("read_at", &cat([&read_bank, &read_index]));
        let (total, votes_q) = (m.reg("out_total_q", totals.width()), m.reg("out_votes_q", w.votes));
        m.clocked(
            &clk,
            [when(
                &reads,
                [
                    set(&index, &read_index),
                    set(&last, &read_last),
                    set(&total, &totals.word(&read_at)),
                    set(&votes_q, &votes.word(&read_at)),
                ],
            )],
        );
        m.assign(&out_valid, &valid);
        m.assign(&out_last, &last);
        m.assign(&out_class, &decision.word(&out_bank, w.class));
        m.assign(&out_index, &index);
        m.assign(&out_sum, &total.bits(0, w.sum));
        m.assign(&out_sumsq, &total.bits(w.sum, w.sumsq));
        m.assign(&out_votes, &votes_q);
        m.build()
    }
}

/// Sets the half of a register that belongs to `bank`. Halves by name: of one that is counted out to, Yosys makes arithmetic of 32 bits.
fn in_bank(register: &Expr, bank: &Expr, value: &Expr) -> Stmt {
    let width = value.width();
    when_else(bank, [set(&register.bits(width, width), value)], [set(&register.bits(0, width), value)])
}
