//! One neuron of one pass: matches, their count, the accumulator and its verdict.

use super::popcount::Popcount;
use super::width_of;
use crate::verilog::{Module, VerilogError, VerilogFile, cat, lit, mux, set, when, when_else};

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
    /// Largest number that matches can add up to.
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
        format!("ns_pe_{kind}_{}_{}", self.simd, self.width())
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
        let weight = m.input("weight_i", self.simd);
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

        let matches = match &negative {
            Some(negative) => (&weight & &positive) | (!&weight & negative),
            None => !(&weight ^ &positive),
        };
        let matches = m.wire_is("match_bits", &matches);
        let count_width = popcount.count_width();
        let carry = m.wire("carry", 1);
        let count = (count_width > 0).then(|| m.wire("count", count_width));
        let file = popcount.emit()?;
        let mut ports = vec![("match_i", &matches), ("carry_o", &carry)];
        if popcount.latency() > 0 {
            ports.push(("clk_i", &clk));
        }
        if let Some(count) = &count {
            ports.push(("count_o", count));
        }
        m.instance("u_popcount", file.header(), &ports);

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
        let count = count.map_or(lit(width, 0), |c| if c.width() > width { c.trunc(width) } else { c.zext(width) });
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
