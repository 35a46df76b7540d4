//! One neuron of one pass: matches, their count, the accumulator and its verdict.

use super::popcount::Popcount;
use super::width_of;
use crate::verilog::{Expr, Module, VerilogError, VerilogFile, cat, lit, mux, set, when, when_else};

/// What an element's accumulator starts from and what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeKind {
    /// Threshold; every input is live, `planes` bit planes one after the other, most significant first.
    Dense { planes: u32 },
    /// Threshold; inputs may be dropped.
    Masked,
    /// No threshold: the number of matches leaves the element.
    Sum { planes: u32 },
}

impl PeKind {
    /// Whether sums leave the element instead of verdicts.
    pub fn sums(self) -> bool {
        matches!(self, PeKind::Sum { .. })
    }
}

/// A processing element for `simd` inputs a clock and sums of up to `largest` matches.
#[derive(Clone, Debug)]
pub struct Pe {
    pub kind: PeKind,
    pub simd: u32,
    /// Bit planes of a weight.
    pub planes: u32,
    /// Largest number that matches can add up to, those of plane j of the weights counted 2^j times.
    pub largest: u64,
    /// Whether inputs come as two rails (dropped inputs have both alike) or as one bit.
    pub rails: bool,
}

impl Pe {
    pub fn name(&self) -> String {
        let kind = match self.kind {
            PeKind::Dense { planes: 1 } => "dense".to_string(),
            PeKind::Dense { .. } => "planes".to_string(),
            PeKind::Masked => "masked".to_string(),
            PeKind::Sum { .. } if self.rails => "sum_masked".to_string(),
            PeKind::Sum { planes: 1 } => "sum_dense".to_string(),
            PeKind::Sum { .. } => "sum_planes".to_string(),
        };
        format!("ns_pe_{kind}_{}_{}{}", self.simd, self.width(), self.suffix())
    }

    /// End of a name, where weights have several planes.
    pub fn suffix(&self) -> String {
        if self.planes > 1 { format!("_w{}", self.planes) } else { String::new() }
    }

    /// Width of the accumulator: signed with a threshold, unsigned without.
    pub fn width(&self) -> u32 {
        match self.kind {
            PeKind::Sum { .. } => width_of(self.largest),
            _ => width_of(self.largest + 1).max(1) + 1,
        }
    }

    /// Clocks from the inputs that come first to the verdict.
    pub fn latency(&self) -> u32 {
        Popcount::new(self.simd).latency() + 1
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let popcount = Popcount::new(self.simd);
        let width = self.width();
        let mut m = Module::new(&self.name());
        m.doc(match self.kind {
            PeKind::Dense { .. } => {
                "One neuron: counts the inputs that match their weights, starting from minus the threshold. \
                 The neuron fires unless the sum ends below zero."
            }
            PeKind::Masked => {
                "One neuron of one pass: counts the inputs that match their weights, starting from minus the threshold. \
                 The neuron fires unless the sum ends below zero. A dropped input has both rails alike, 0 and 1 in turn, \
                 so dropped inputs add half their number whatever the weights. When that number is odd, start1_i holds \
                 the start value."
            }
            PeKind::Sum { .. } => "One neuron of one pass without a threshold: counts the inputs that match their weights.",
        });
        m.fact("inputs a clock", self.simd);
        m.fact("accumulator bits", width);
        m.latency(&format!("{} clocks from the inputs that come first to the verdict", self.latency()));
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        m.group("Control, in the clock of the count");
        let clear = m.input("clear_i", 1);
        m.note("last word of the neuron, or none");
        let shift = matches!(self.kind, PeKind::Dense { planes: 2.. } | PeKind::Sum { planes: 2.. }).then(|| {
            let e = m.input("shift_i", 1);
            m.note("first word of a plane but the first");
            e
        });
        let odd = (self.kind == PeKind::Masked).then(|| {
            let e = m.input("odd_i", 1);
            m.note("an odd number of inputs is dropped");
            e
        });
        m.group("Operands");
        let weight = m.input("weight_i", self.planes * self.simd);
        if self.planes > 1 {
            m.note("plane j of the weights is word j, and counts 2^j times");
        }
        let positive = m.input("pos_i", self.simd);
        m.note("what a weight of +1 matches");
        let negative = self.rails.then(|| {
            let e = m.input("neg_i", self.simd);
            m.note("what a weight of -1 matches");
            e
        });
        let start = match self.kind {
            PeKind::Sum { .. } => None,
            PeKind::Dense { .. } => {
                let e = m.input("start_i", width);
                m.note("minus the threshold in the first word, else 0");
                Some(e)
            }
            PeKind::Masked => {
                let start0 = m.input("start0_i", width);
                m.note("minus the threshold in the first word, else 0");
                let start1 = m.input("start1_i", width);
                m.note("the same when an odd number is dropped");
                odd.as_ref().map(|odd| mux(odd, &start1, &start0))
            }
        };
        m.group("Verdict, from the clock after the last count on");
        let verdict = match self.kind {
            PeKind::Sum { .. } => m.output_reg("sum_o", width),
            _ => m.output_reg("below_o", 1),
        };

        let count_width = popcount.count_width();
        let file = popcount.emit()?;
        // Count and carry of each plane of the weights.
        let mut planes = vec![];
        for j in 0..self.planes {
            let of = |name: &str| if j == 0 { name.to_string() } else { format!("{name}{j}") };
            let weight = if self.planes > 1 { weight.bits(j * self.simd, self.simd) } else { weight.clone() };
            let matches = match &negative {
                Some(negative) => (&weight & &positive) | (!&weight & negative),
                None => !(&weight ^ &positive),
            };
            let matches = m.wire_is(&of("match_bits"), &matches);
            let carry = m.wire(&of("carry"), 1);
            let count = (count_width > 0).then(|| m.wire(&of("count"), count_width));
            let mut ports = vec![("match_i", &matches), ("carry_o", &carry)];
            if popcount.latency() > 0 {
                ports.push(("clk_i", &clk));
            }
            if let Some(count) = &count {
                ports.push(("count_o", count));
            }
            m.instance(&of("u_popcount"), file.header(), &ports);
            planes.push((count, carry));
        }

        m.section("Accumulator: cleared by the last word, so that the next start value need only be ORed in");
        let acc = m.reg("acc_q", width);
        let base = match &shift {
            Some(shift) => {
                let doubled = cat([&acc.bits(0, width - 1), &lit(1, 0)]);
                m.wire_is("doubled", &mux(shift, &doubled, &acc))
            }
            None => acc.clone(),
        };
        let base = match &start {
            Some(start) => m.wire_is("base", &(&base | start)),
            None => base,
        };
        let fitted = |e: Expr| if e.width() > width { e.trunc(width) } else { e.zext(width) };
        let (count, carry) = planes.remove(0);
        let mut count = count.map_or(lit(width, 0), fitted);
        for (j, (more, more_carry)) in (1..).zip(planes) {
            let ones = fitted(more_carry) + more.map_or(lit(width, 0), fitted);
            count = m.wire_is(&format!("counted{j}"), &(&count + (ones << j)));
        }
        let sum = m.wire_is("sum", &(cat([&count, &carry]) + cat([&base, &carry])));
        m.note("bit 0 makes the carry");
        m.unused("unused_sum", &[&sum.bit(0)]);
        let total = sum.slice(width, 1);
        m.clocked(
            &clk,
            [
                when_else(&clear, [set(&acc, &lit(width, 0))], [set(&acc, &total)]),
                when(&clear, [set(&verdict, &if self.kind.sums() { total.clone() } else { sum.bit(width) })]),
            ],
        );
        m.build()
    }
}
