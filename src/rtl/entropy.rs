//! The last step of an image's uncertainty: the entropy of the mean over passes.

use super::log2::Log2;
use super::scan::delayed_event;
use super::width_of;
use crate::net::OCTAVE_BITS;
use crate::verilog::{Expr, Module, VerilogError, VerilogFile, index_width, lit, mux, set, when, when_else};

/// Entropy and mutual information from the summed probabilities of the classes.
#[derive(Clone, Debug)]
pub struct Entropy {
    pub name: String,
    pub classes: u32,
    /// Fraction bits of a probability, and guard bits among them.
    pub probability_bits: u32,
    pub guard: u32,
    pub max_passes: u32,
    /// With the mutual information.
    pub information: bool,
}

/// Fraction bits of an entropy.
const FRACTION: u32 = 12;

impl Entropy {
    /// Width of a class's probability, summed over passes.
    pub fn sum_width(&self) -> u32 {
        self.probability_bits + width_of(u64::from(self.max_passes))
    }

    /// Width of the sum over all classes, which is the number of passes but for roundings.
    pub fn all_width(&self) -> u32 {
        self.sum_width() + 1
    }

    /// Width of an entropy before it is cut: below one octave more than the logarithm of the classes, times the passes.
    pub fn full_width(&self) -> u32 {
        self.width() + self.cut()
    }

    /// Width of an entropy.
    pub fn width(&self) -> u32 {
        width_of(u64::from(self.max_passes) * u64::from(self.guard + 1)) + FRACTION
    }

    fn cut(&self) -> u32 {
        self.probability_bits + OCTAVE_BITS - FRACTION
    }

    fn log2(&self) -> Log2 {
        Log2 { width: self.all_width() }
    }

    /// Clocks from `start_i` to `done_o`.
    pub fn latency(classes: u32) -> u32 {
        // Number, logarithm, product, sum; the sum of all classes goes first.
        1 + Log2::LATENCY + 1 + 1 + classes
    }

    pub fn emit(&self) -> Result<Vec<VerilogFile>, VerilogError> {
        let log2 = self.log2();
        let (sum_bits, all_bits, full_bits) = (self.sum_width(), self.all_width(), self.full_width());
        let class_bits = index_width(self.classes);
        let mut m = Module::new(&self.name);
        m.doc(
            "Passes times the entropy of the mean over passes, in octaves: every class's summed probability, times the \
             logarithm of the sum of all less its own. A new image may start one clock after the last class was read.",
        );
        if self.information {
            m.doc("Less the entropies of the passes, that is the mutual information.");
        }
        m.fact("classes", self.classes);
        m.fact("fraction bits of an entropy", FRACTION);
        m.latency(&format!("{} clocks from `start_i` to `done_o`", Self::latency(self.classes)));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("An image");
        let start = m.input("start_i", 1);
        let all = m.input("all_i", all_bits);
        m.note("sum over all classes, with start_i");
        let class = m.output("class_o", class_bits);
        m.note("class to read: all of them, from the clock after start_i on");
        let sum = m.input("sum_i", sum_bits);
        m.note("probability of that class, summed over passes");
        let spread = self.information.then(|| {
            let e = m.input("spread_i", full_bits);
            m.note("entropies of the passes, summed, with done_o");
            e
        });
        m.group("Result");
        let done = m.output("done_o", 1);
        let entropy = m.output("entropy_o", self.width());
        m.note("with done_o");
        let information = self.information.then(|| m.output("information_o", self.width()));

        m.section("The sum of all classes, then every class");
        let reading = m.reg("reading_q", 1);
        let at = m.reg("class_q", class_bits);
        let last = m.wire_is("last_class", &at.eq(&lit(class_bits, u128::from(self.classes - 1))));
        m.assign(&class, &at);
        let number = m.reg("number_q", all_bits);
        let zero = lit(class_bits, 0);
        m.clocked(
            &clk,
            [
                when_else(
                    &!&rst_n,
                    [set(&reading, &lit(1, 0)), set(&at, &zero)],
                    [
                        set(&reading, &(&start | (&reading & !&last))),
                        when(&reading, [set(&at, &mux(&last, &zero, &(&at + lit(class_bits, 1))))]),
                    ],
                ),
                set(&number, &mux(&start, &all, &sum.zext(all_bits))),
            ],
        );

        m.section("Logarithms");
        let log = m.wire("log", log2.log_width());
        let log_file = log2.emit()?;
        m.instance("u_log2", log_file.header(), &[("clk_i", &clk), ("value_i", &number), ("log_o", &log)]);
        let mut waiting = number.bits(0, sum_bits);
        for clock in 0..Log2::LATENCY {
            let q = m.reg(&format!("sum{clock}_q"), sum_bits);
            m.clocked(&clk, [set(&q, &waiting)]);
            waiting = q;
        }
        let all_known = delayed_event(&mut m, &clk, &rst_n, "all_known", &start, 1 + Log2::LATENCY);
        let log_all = m.reg("log_all_q", log2.log_width());
        let below = m.wire_is("below", &(&log_all - &log));
        m.note("of a class that is 0: any number, since it is multiplied by 0");

        m.section("Products, and their sum");
        let product = m.reg("product_q", full_bits);
        let total = m.reg("total_q", full_bits);
        let multiplied = delayed_event(&mut m, &clk, &rst_n, "multiplied", &reading, 1 + Log2::LATENCY + 1);
        let first = delayed_event(&mut m, &clk, &rst_n, "first_product", &all_known, 2);
        let ends = m.wire_is("image_ends", &(&reading & &last));
        let finished = delayed_event(&mut m, &clk, &rst_n, "finished", &ends, 1 + Log2::LATENCY + 2);
        let before = mux(&first, &lit(full_bits, 0), &total);
        m.clocked(
            &clk,
            [
                when(&all_known, [set(&log_all, &log)]),
                set(&product, &waiting.mul(&below, full_bits)),
                when(&multiplied, [set(&total, &(before + &product))]),
            ],
        );
        m.assign(&done, &finished);
        let cut = |e: &Expr| e.slice(full_bits - 1, self.cut());
        m.assign(&entropy, &cut(&total));
        match (&spread, &information) {
            (Some(spread), Some(information)) => {
                let rest = m.wire_is("rest", &(&total - spread));
                let kept = mux(&total.gt(spread), &cut(&rest), &lit(self.width(), 0));
                m.assign(information, &kept);
                m.unused("unused_rest", &[&rest.slice(self.cut() - 1, 0)]);
            }
            _ => m.unused("unused_total", &[&total.slice(self.cut() - 1, 0)]),
        }
        Ok(vec![log_file, m.build()?])
    }
}
