//! What the passes of an image say together: summed probabilities, entropy, mutual information, the flag.

use super::early::block_end;
use super::entropy::Entropy;
use super::passes::Passes;
use super::softmax::Softmax;
use super::width_of;
use crate::net::{OCTAVE_BITS, Output};
use crate::plan;
use crate::verilog::{
    Expr, Memory, Module, VerilogError, VerilogFile, cat, index_width, lit, mux, repeat, set, when, when_else,
};

/// Takes the logits of all passes and gives an image's uncertainty.
#[derive(Clone, Debug)]
pub struct Uncertainty<'a> {
    /// Name of the design; the modules are called after it.
    pub design: &'a str,
    pub output: &'a Output,
    pub parts: plan::Uncertainty,
    pub lanes: u32,
    pub max_groups: u32,
    pub max_passes: u32,
    /// Groups of passes in a block, where passes may end early.
    pub early: Option<u32>,
}

/// Room for verdicts: reading is behind by two groups and by those in the softmax, which takes less than two blocks do.
const VERDICTS: u32 = 8;

/// Widths of the uncertainty's ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UncertaintyWidths {
    pub probability: u32,
    pub squares: u32,
    /// Of the mutual information and of thresholds, too.
    pub entropy: u32,
}

impl Uncertainty<'_> {
    fn classes(&self) -> u32 {
        self.output.weights.rows() as u32
    }

    fn entropy(&self) -> Entropy {
        Entropy {
            name: format!("{}_entropy", self.design),
            classes: self.classes(),
            probability_bits: self.output.probability_bits(),
            guard: self.output.guard_bits(),
            max_passes: self.max_passes,
            information: self.parts.information,
        }
    }

    fn passes(&self) -> Passes {
        Passes {
            name: format!("{}_passes", self.design),
            classes: self.classes(),
            lanes: self.lanes,
            logit_bits: self.output.logit_bits,
        }
    }

    pub fn widths(&self) -> UncertaintyWidths {
        let entropy = self.entropy();
        UncertaintyWidths {
            probability: entropy.sum_width(),
            squares: 32 + width_of(u64::from(self.max_passes)),
            entropy: entropy.width(),
        }
    }

    /// Clocks in which a group of passes is read, one between groups not counted.
    pub fn clocks(classes: usize, lanes: usize) -> usize {
        classes * lanes
    }

    /// Clocks from the last sum of a group of passes to where its reading may begin.
    pub fn wait(pe: usize) -> usize {
        pe + 5
    }

    /// Clocks from the last logit read of an image to its first result beat.
    pub fn latency(parts: plan::Uncertainty, classes: usize) -> usize {
        let entropy = if parts.needs_entropy() { Entropy::latency(classes as u32) } else { 0 };
        // A clock to accumulate, one to notice the end, one to announce the result, one to read it.
        (Softmax::latency(classes as u32) + 4 + entropy) as usize
    }

    pub fn emit(&self) -> Result<Vec<VerilogFile>, VerilogError> {
        let (parts, lanes, classes) = (self.parts, self.lanes, self.classes());
        let (bits, guard) = (self.output.logit_bits, self.output.guard_bits());
        let w = self.widths();
        let entropy_block = self.entropy();
        let class_bits = index_width(classes);
        let group_bits = index_width(self.max_groups);
        let lane_bits = index_width(lanes);
        let probability_width = Softmax::probability_width(self.output);
        let mut m = Module::new(&format!("{}_uncertainty", self.design));
        m.doc(
            "Uncertainty of an image: takes the logits of all its passes, makes probabilities of them one pass after the \
             other, and adds these up over the passes.",
        );
        if parts.needs_entropy() {
            m.doc("When the last pass is in, the entropy of the mean follows from the sums.");
        }
        m.fact("classes", classes);
        m.fact("lanes (passes at once)", lanes);
        m.fact("fraction bits of a probability", self.output.probability_bits());
        m.fact("clocks a group of passes", format!("{} and 1 between groups", self.passes().clocks()));
        m.latency(&format!(
            "{} clocks from the last logit read of an image to its first result beat",
            Self::latency(parts, classes as usize)
        ));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Passes");
        let last_group_i = m.input("last_group_i", group_bits);
        m.note("groups of passes an image has, less 1");
        let last_lanes = m.input("last_lanes_i", lanes);
        m.note("lanes that carry a pass in the last group");
        let early = self.early.map(|groups| {
            m.group("Early stop");
            let verdict = m.input("verdict_i", 1);
            m.note("after a block of groups: the rule was asked, and says");
            let stop = m.input("stop_i", 1);
            m.note("that the image's passes end");
            (verdict, stop, groups)
        });
        m.group("Logits in: a group is claimed, then its classes come");
        let claim = m.input("claim_i", 1);
        let claim_ready = m.output("claim_ready_o", 1);
        let logit_valid = m.input("valid_i", 1);
        let logits = m.input("logit_i", lanes * bits);
        let ended = m.input("ended_i", 1);
        m.note("the last class came one clock ago");
        let best = m.input("best_i", lanes * bits);
        m.note("largest logits of the group that ended");
        m.group("Results out, beside those of the logits");
        let image_ready = m.output("image_ready_o", 1);
        m.note("one more image can be sent");
        let index = m.input("index_i", class_bits);
        m.note("class of the beat");
        let sent = m.input("image_sent_i", 1);
        let flag = parts.flag.map(|_| {
            let decision = (parts.flag == Some(plan::Flag::ByClass)).then(|| {
                let e = m.input("class_i", class_bits);
                m.note("the decision");
                e
            });
            let thresholds = m.input("threshold_i", parts.thresholds(classes as usize) as u32 * w.entropy);
            let passes = self.early.map(|_| {
                let e = m.input("passes_i", width_of(u64::from(self.max_passes)));
                m.note("passes that the image took");
                e
            });
            (decision, thresholds, passes)
        });
        let out_probability = m.output("out_prob_o", w.probability);
        let out_squares = parts.squares.then(|| m.output("out_probsq_o", w.squares));
        let out_entropy = parts.entropy.then(|| m.output("out_entropy_o", w.entropy));
        let out_information = parts.information.then(|| m.output("out_info_o", w.entropy));
        let out_flag = parts.flag.map(|_| m.output("out_flag_o", 1));

        m.section("Groups of passes become passes, logits become probabilities");
        let passes = self.passes().emit()?;
        let read = m.wire("read", 1);
        let (logit, top) = (m.wire("logit", bits), m.wire("top", bits));
        m.instance(
            "u_passes",
            passes.header(),
            &[
                ("clk_i", &clk),
                ("rst_ni", &rst_n),
                ("claim_i", &claim),
                ("claim_ready_o", &claim_ready),
                ("valid_i", &logit_valid),
                ("logit_i", &logits),
                ("ended_i", &ended),
                ("best_i", &best),
                ("valid_o", &read),
                ("logit_o", &logit),
                ("top_o", &top),
            ],
        );
        let mut files = vec![passes];
        let softmax = Softmax { name: format!("{}_softmax", self.design), output: self.output };
        files.extend(softmax.emit()?);
        let came = m.wire("came", 1);
        let probability = m.wire("probability", probability_width);
        let octaves = m.wire("octaves", super::exp2::Exp2::FAR_BITS);
        instance(
            &mut m,
            "u_softmax",
            &files,
            &[
                ("clk_i", &clk),
                ("rst_ni", &rst_n),
                ("valid_i", &read),
                ("logit_i", &logit),
                ("top_i", &top),
                ("valid_o", &came),
                ("probability_o", &probability),
                ("octaves_o", &octaves),
            ],
        );

        m.section("Which pass, which class");
        let valid = m.reg("valid_q", 1);
        let class = m.reg("class_q", class_bits);
        let lane = (lanes > 1).then(|| m.reg("lane_q", lane_bits));
        let group = m.reg("group_q", group_bits);
        let last_class = m.wire_is("last_class", &class.eq(&lit(class_bits, u128::from(classes - 1))));
        let last_lane = match &lane {
            Some(lane) => m.wire_is("last_lane", &lane.eq(&lit(lane_bits, u128::from(lanes - 1)))),
            None => lit(1, 1),
        };
        let full_group = m.wire_is("last_group", &group.eq(&last_group_i));
        let last_group = if early.is_some() { m.wire("final_group", 1) } else { full_group.clone() };
        let pass_ends = m.wire_is("pass_ends", &(&valid & &last_class));
        let group_ends = m.wire_is("group_ends", &(&pass_ends & &last_lane));
        let image_ends = m.wire_is("image_ends", &(&group_ends & &last_group));
        let (first_class, first_lane) = (!class.any(), lane.as_ref().map_or(lit(1, 1), |l| !l.any()));
        let first_pass = m.wire_is("first_pass", &(!group.any() & first_lane));
        let on = last_lanes.at(lane.as_ref().unwrap_or(&lit(1, 0))) | !&full_group;
        let on = m.wire_is("lane_on", &on);
        let bank = m.reg("bank_q", 1);
        let ended = m.reg("ended_q", 1);
        let wrap = |e: &Expr, last: &Expr| mux(last, &lit(e.width(), 0), &(e + lit(e.width(), 1)));
        let mut reset = vec![
            set(&valid, &lit(1, 0)),
            set(&ended, &lit(1, 0)),
            set(&bank, &lit(1, 0)),
            set(&class, &lit(class_bits, 0)),
            set(&group, &lit(group_bits, 0)),
        ];
        let mut run = vec![
            set(&valid, &came),
            set(&ended, &image_ends),
            when(&image_ends, [set(&bank, &!&bank)]),
            when(&valid, [set(&class, &wrap(&class, &last_class))]),
            when(&group_ends, [set(&group, &wrap(&group, &last_group))]),
        ];
        if let Some(lane) = &lane {
            reset.push(set(lane, &lit(lane_bits, 0)));
            run.push(when(&pass_ends, [set(lane, &wrap(lane, &last_lane))]));
        }
        m.clocked(&clk, [when_else(&!&rst_n, reset, run)]);

        if let Some((verdict, stop, groups)) = &early {
            m.section(
                "Verdicts wait for the end of their block: reading is behind by what two banks and the softmax hold",
            );
            let verdicts = m.memory(Memory::new("verdicts", 1, VERDICTS));
            let bits = index_width(VERDICTS);
            let (came, used) = (m.reg("verdicts_came_q", bits), m.reg("verdicts_used_q", bits));
            let block_ends = block_end(&mut m, &clk, &rst_n, *groups, &group_ends, &image_ends);
            let stops = m.wire_is("stops", &(&block_ends & verdicts.word(&used)));
            m.assign(&last_group, &(&full_group | stops));
            let uses = m.wire_is("uses_verdict", &(&group_ends & &block_ends & !&full_group));
            m.clocked(
                &clk,
                [
                    when(verdict, [set(&verdicts.word(&came), stop)]),
                    when_else(
                        &!&rst_n,
                        [set(&came, &lit(bits, 0)), set(&used, &lit(bits, 0))],
                        [
                            when(verdict, [set(&came, &(&came + lit(bits, 1)))]),
                            when(&uses, [set(&used, &(&used + lit(bits, 1)))]),
                        ],
                    ),
                ],
            );
        }

        m.section("Sums over passes, class by class: one image accumulates while another is finished and sent");
        let at = m.wire_is("at", &cat([&bank, &class]));
        let out_bank = m.reg("out_bank_q", 1);
        m.clocked(
            &clk,
            [when_else(&!&rst_n, [set(&out_bank, &lit(1, 0))], [when(&sent, [set(&out_bank, &!&out_bank)])])],
        );
        let read_at = m.wire_is("read_at", &cat([&out_bank, &index]));
        let accumulate = |m: &mut Module, name: &str, term: &Expr, width: u32| {
            let memory = m.memory(Memory::new(name, width, 2 << class_bits));
            let old = m.wire_is(&format!("old_{name}"), &memory.word(&at));
            let gated = m.wire_is(&format!("more_{name}"), &(term & repeat(term.width(), &on)));
            let sum = (old & repeat(width, &!&first_pass)) + gated.zext(width);
            m.clocked(&clk, [when(&valid, [set(&memory.word(&at), &sum)])]);
            (memory, gated)
        };
        let probability_q = m.reg("probability_q", probability_width);
        m.clocked(&clk, [set(&probability_q, &probability)]);
        let (sums, more) = accumulate(&mut m, "sums", &probability_q, w.probability);
        m.assign(&out_probability, &sums.word(&read_at));
        if let Some(out_squares) = &out_squares {
            let coarse = m.wire_is("coarse", &probability.slice(probability_width - 1, guard + 1));
            let square = m.reg("square_q", 33);
            m.clocked(&clk, [set(&square, &coarse.mul(&coarse, 33))]);
            let (squares, _) = accumulate(&mut m, "squares", &square, w.squares);
            m.assign(out_squares, &squares.word(&read_at));
        }

        if !parts.needs_entropy() {
            m.assign(&image_ready, &ended);
            m.unused("unused_octaves", &[&octaves]);
            files.push(m.build()?);
            return Ok(files);
        }

        m.section("Sums over classes and passes");
        let image_begins = m.wire_is("image_begins", &(&first_pass & first_class));
        let over_all = |m: &mut Module, name: &str, term: &Expr, width: u32| {
            let total = m.reg(name, width);
            let before = mux(&image_begins, &lit(width, 0), &total);
            m.clocked(&clk, [when(&valid, [set(&total, &(before + term.zext(width)))])]);
            total
        };
        let all = over_all(&mut m, "all_q", &more, entropy_block.all_width());
        let done = m.wire("done", 1);
        let done_bank = m.reg("done_bank_q", 1);
        m.clocked(
            &clk,
            [when_else(&!&rst_n, [set(&done_bank, &lit(1, 0))], [when(&done, [set(&done_bank, &!&done_bank)])])],
        );
        let spread = parts.information.then(|| {
            // A probability times its octaves is at most 0.54.
            let bits = self.output.probability_bits() + OCTAVE_BITS;
            let product = m.reg("surprise_q", bits);
            m.clocked(&clk, [set(&product, &probability.mul(&octaves, bits))]);
            let gated = m.wire_is("more_surprise", &(&product & repeat(bits, &on)));
            let total = over_all(&mut m, "spread_q", &gated, entropy_block.full_width());
            let spreads = m.memory(Memory::new("spreads", entropy_block.full_width(), 2));
            m.clocked(&clk, [when(&ended, [set(&spreads.word(&!&bank), &total)])]);
            m.wire_is("spread", &spreads.word(&done_bank))
        });
        if spread.is_none() {
            m.unused("unused_octaves", &[&octaves]);
        }

        m.section("Entropy of the mean");
        files.extend(entropy_block.emit()?);
        let finish_class = m.wire("finish_class", class_bits);
        let finish_at = m.wire_is("finish_at", &cat([&!&bank, &finish_class]));
        let sum = m.wire_is("sum", &sums.word(&finish_at));
        let entropy = m.wire("entropy", w.entropy);
        let mut ports = vec![
            ("clk_i", &clk),
            ("rst_ni", &rst_n),
            ("start_i", &ended),
            ("all_i", &all),
            ("class_o", &finish_class),
            ("sum_i", &sum),
            ("done_o", &done),
            ("entropy_o", &entropy),
        ];
        let information = spread.as_ref().map(|_| m.wire("information", w.entropy));
        if let (Some(spread), Some(information)) = (&spread, &information) {
            ports.extend([("spread_i", spread), ("information_o", information)]);
        }
        instance(&mut m, "u_entropy", &files, &ports);
        m.assign(&image_ready, &done);
        let keep = |m: &mut Module, name: &str, value: &Expr| {
            let memory = m.memory(Memory::new(name, w.entropy, 2));
            m.clocked(&clk, [when(&done, [set(&memory.word(&done_bank), value)])]);
            m.wire_is(&format!("kept_{name}"), &memory.word(&out_bank))
        };
        if parts.entropy || flag.is_some() {
            let kept = keep(&mut m, "entropies", &entropy);
            if let Some(out) = &out_entropy {
                m.assign(out, &kept);
            }
            if let (Some((decision, thresholds, passes)), Some(out)) = (&flag, &out_flag) {
                let threshold = match decision {
                    Some(class) => thresholds.word(class, w.entropy),
                    None => thresholds.clone(),
                };
                let threshold = m.wire_is("threshold", &threshold);
                match passes {
                    Some(passes) => {
                        let width = w.entropy + passes.width();
                        let bar = m.wire_is("bar", &threshold.mul(passes, width));
                        m.assign(out, &kept.zext(width).gt(&bar));
                    }
                    None => m.assign(out, &kept.gt(&threshold)),
                }
            }
        } else {
            m.unused("unused_entropy", &[&entropy]);
        }
        if let (Some(information), Some(out)) = (&information, &out_information) {
            let kept = keep(&mut m, "informations", information);
            m.assign(out, &kept);
        }
        files.push(m.build()?);
        Ok(files)
    }
}

/// An instance of the last of `files`.
fn instance(m: &mut Module, name: &str, files: &[VerilogFile], ports: &[(&str, &Expr)]) {
    if let Some(file) = files.last() {
        m.instance(name, file.header(), ports);
    }
}
