//! The softmax of a pass without a divider: dividing by the sum is adding its logarithm.

use super::exp2::Exp2;
use super::log2::Log2;
use super::scan::delayed_event;
use super::width_of;
use crate::net::{OCTAVE_BITS, Output};
use crate::verilog::{Memory, Module, VerilogError, VerilogFile, index_width, lit, mux, set, when, when_else};

/// Turns the logits of passes, one class a clock, into probabilities.
#[derive(Clone, Debug)]
pub struct Softmax<'a> {
    pub name: String,
    pub output: &'a Output,
}

impl Softmax<'_> {
    fn classes(&self) -> u32 {
        self.output.weights.rows() as u32
    }

    fn exp2(&self) -> Exp2 {
        Exp2 { guard: self.output.guard_bits() }
    }

    /// Of the sum of all powers of a pass.
    fn log2(&self) -> Log2 {
        Log2 { width: self.exp2().power_width() + self.output.guard_bits() }
    }

    /// Width of a probability; it may be 1.
    pub fn probability_width(output: &Output) -> u32 {
        output.probability_bits() + 1
    }

    /// Clocks from a logit to its probability.
    pub fn latency(classes: u32) -> u32 {
        // Difference, product, distance; power and sum of all classes; logarithm and offset; sum and power.
        3 + Exp2::LATENCY + classes + Log2::LATENCY + 1 + 1 + Exp2::LATENCY
    }

    pub fn emit(&self) -> Result<Vec<VerilogFile>, VerilogError> {
        let (classes, bits) = (self.classes(), self.output.logit_bits);
        let (exp2, log2, octaves) = (self.exp2(), self.log2(), self.output.octaves());
        let (near, far) = (Exp2::NEAR_BITS, Exp2::FAR_BITS);
        let class_bits = index_width(classes);
        let mut m = Module::new(&self.name);
        m.doc(
            "Softmax of one pass after the other, one class a clock: distances to the largest logit become octaves, octaves \
             powers of two, and the logarithm of their sum is added to every distance, whose power is then the probability.",
        );
        m.fact("classes", classes);
        m.fact("octaves of a unit of the logits", format!("{} / 2^{}", octaves.scale, octaves.shift + OCTAVE_BITS));
        m.fact("fraction bits of a probability", self.output.probability_bits());
        m.latency(&format!("{} clocks from a logit to its probability", Self::latency(classes)));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Logits: the classes of a pass in order, without a pause between them");
        let valid = m.input("valid_i", 1);
        let logit = m.input("logit_i", bits);
        let top = m.input("top_i", bits);
        m.note("the largest of the pass");
        m.group("Probabilities");
        let valid_out = m.output("valid_o", 1);
        let probability = m.output("probability_o", exp2.power_width());
        let octaves_out = m.output("octaves_o", far);
        m.note("how far below 1");

        m.section("Distances to the largest logit, in octaves");
        let scale_bits = width_of(octaves.scale);
        let product_bits = (bits + scale_bits).max(octaves.shift + near) + 1;
        let difference = m.reg("difference_q", bits);
        let product = m.reg("product_q", product_bits);
        let half = lit(product_bits, 1 << (octaves.shift - 1));
        let rounded = m.wire_is("rounded", &(&product + half));
        let whole = rounded.slice(product_bits - 1, octaves.shift);
        m.unused("unused_rounded", &[&rounded.slice(octaves.shift - 1, 0)]);
        let distance = m.reg("distance_q", near);
        let beyond = whole.slice(whole.width() - 1, near).any();
        let farthest = lit(near, (1 << near) - 1);
        m.clocked(
            &clk,
            [
                set(&difference, &(&top - &logit)),
                set(&product, &difference.mul(&lit(scale_bits, octaves.scale.into()), product_bits)),
                set(&distance, &mux(&beyond, &farthest, &whole.bits(0, near))),
            ],
        );

        m.section("Powers, and their sum over the pass");
        let power = m.wire("power", exp2.power_width());
        let powered = delayed_event(&mut m, &clk, &rst_n, "powered", &valid, 3 + Exp2::LATENCY);
        let class = m.reg("class_q", class_bits);
        let total = m.reg("total_q", log2.width);
        let first = m.wire_is("first_class", &!class.any());
        let last = m.wire_is("last_class", &class.eq(&lit(class_bits, u128::from(classes - 1))));
        let before = mux(&first, &lit(log2.width, 0), &total);
        let next = mux(&last, &lit(class_bits, 0), &(&class + lit(class_bits, 1)));
        m.clocked(
            &clk,
            [
                when_else(&!&rst_n, [set(&class, &lit(class_bits, 0))], [when(&powered, [set(&class, &next)])]),
                when(&powered, [set(&total, &(before + power.zext(log2.width)))]),
            ],
        );

        m.section("Logarithm of the sum: how far it lies above 1");
        let log = m.wire("log", log2.log_width());
        let log_file = log2.emit()?;
        m.instance("u_log2", log_file.header(), &[("clk_i", &clk), ("value_i", &total), ("log_o", &log)]);
        let ends = m.wire_is("pass_ends", &(&powered & &last));
        let known = delayed_event(&mut m, &clk, &rst_n, "known", &ends, 1 + Log2::LATENCY);
        let guard = self.output.guard_bits();
        let offset_bits = width_of(u64::from(guard) << OCTAVE_BITS);
        let above = &log - lit(log.width(), u128::from(self.output.probability_bits()) << OCTAVE_BITS);
        let above = m.wire_is("above", &above);
        m.unused("unused_above", &[&above.slice(above.width() - 1, offset_bits)]);
        let offset = m.reg("offset_q", offset_bits);
        m.clocked(&clk, [when(&known, [set(&offset, &above.bits(0, offset_bits))])]);

        m.section("Distances wait for it");
        let wait = Exp2::LATENCY + classes + Log2::LATENCY + 1;
        let depth = wait - 1;
        let at_bits = index_width(depth);
        let waiting = m.memory(Memory::new("waiting", near, depth).distributed());
        let at = m.reg("at_q", at_bits);
        let waited = m.reg("waited_q", near);
        let wraps = at.eq(&lit(at_bits, u128::from(depth - 1)));
        let next_at = mux(&(!&rst_n | wraps), &lit(at_bits, 0), &(&at + lit(at_bits, 1)));
        m.clocked(&clk, [set(&at, &next_at), set(&waited, &waiting.word(&at)), set(&waiting.word(&at), &distance)]);

        m.section("Probabilities");
        let below = m.reg("below_q", far);
        let below_later = m.reg("below_later_q", far);
        let octaves_q = m.reg("octaves_q", far);
        m.clocked(
            &clk,
            [
                set(&below, &(waited.zext(far) + offset.zext(far))),
                set(&below_later, &below),
                set(&octaves_q, &below_later),
            ],
        );
        m.assign(&octaves_out, &octaves_q);
        let exp_file = exp2.emit()?;
        m.instance(
            "u_exp2",
            exp_file.header(),
            &[("clk_i", &clk), ("near_i", &distance), ("far_i", &below), ("near_o", &power), ("far_o", &probability)],
        );
        let left_bits = index_width(classes + 1);
        let left = m.reg("left_q", left_bits);
        m.note("classes of the pass yet to come");
        let some = m.wire_is("some_left", &left.any());
        let all = lit(left_bits, u128::from(classes));
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [set(&left, &lit(left_bits, 0))],
                [when_else(&known, [set(&left, &all)], [when(&some, [set(&left, &(&left - lit(left_bits, 1)))])])],
            )],
        );
        let came = delayed_event(&mut m, &clk, &rst_n, "came", &some, 1 + Exp2::LATENCY);
        m.assign(&valid_out, &came);
        Ok(vec![exp_file, log_file, m.build()?])
    }
}
