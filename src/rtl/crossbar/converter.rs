//! The partial-sum converter of a word-line group: gain, steps, and an end at either side.

use crate::plan::Gains;
use crate::rtl::signed_width;
use crate::verilog::{Module, VerilogError, VerilogFile, lit, lit_signed, mux, set};

/// Converts sums of up to `most` live inputs.
#[derive(Clone, Copy, Debug)]
pub struct Converter {
    pub most: u32,
    pub gains: Gains,
    pub bits: u32,
    pub shift: u32,
}

impl Converter {
    /// Bits of a gain.
    pub const GAIN_BITS: u32 = 9;

    pub fn name(&self) -> String {
        let gain = match self.gains {
            Gains::One => String::new(),
            Gains::Same(gain) => format!("_gain{gain}"),
            Gains::Each => "_gains".into(),
        };
        format!("ns_converter_{}_{}_{}{gain}", self.most, self.bits, self.shift)
    }

    /// Clocks from a sum to its code.
    pub fn latency(&self) -> u32 {
        if self.gains == Gains::One { 1 } else { 2 }
    }

    /// Bits of a sum, sign included.
    pub fn sum_bits(&self) -> u32 {
        signed_width(self.most.into())
    }

    /// Least and greatest code before and after the ends of the converter.
    fn ranges(&self) -> [(i128, i128); 2] {
        let (most, half) = (i128::from(self.most), self.half());
        let natural = ((-most + half) >> self.shift, (most + half) >> self.shift);
        let end = 1i128 << (self.bits - 1);
        [natural, (natural.0.max(-end), natural.1.min(end - 1))]
    }

    fn half(&self) -> i128 {
        if self.shift > 0 { 1 << (self.shift - 1) } else { 0 }
    }

    /// Largest magnitude of a code.
    pub fn largest(&self) -> i128 {
        let (low, high) = self.ranges()[1];
        high.max(-low)
    }

    /// Bits of a code, sign included.
    pub fn code_bits(&self) -> u32 {
        let (low, high) = self.ranges()[1];
        signed_width(low).max(signed_width(high))
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let mut m = Module::new(&self.name());
        m.doc(
            "Partial-sum converter of a word-line group: the sum of its matches and mismatches, less what the wires take, in steps \
             of the converter, limited to the codes that there are.",
        );
        m.fact("inputs of a group, at most", self.most);
        m.fact("bits", self.bits);
        m.fact("step", format!("2^{}", self.shift));
        m.latency(&format!("{} clock{}", self.latency(), if self.latency() == 1 { "" } else { "s" }));
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        m.group("A group's sum");
        let bits = self.sum_bits();
        let sum = m.input("sum_i", bits);
        m.note("signed: matches less mismatches");
        let gain = (self.gains == Gains::Each).then(|| {
            let e = m.input("gain_i", Self::GAIN_BITS);
            m.note("in units of 2^-8, at most 1");
            e
        });
        m.group("Its code");
        let code = m.output_reg("code_o", self.code_bits());
        m.note(&format!("signed, in steps of 2^{}", self.shift));
        let gain = match self.gains {
            Gains::One => None,
            Gains::Same(gain) => Some(lit(Self::GAIN_BITS + 1, gain.into())),
            Gains::Each => gain.map(|gain| m.wire_is("positive_gain", &gain.zext(Self::GAIN_BITS + 1))),
        };
        let scaled = match gain {
            None => sum,
            Some(gain) => {
                let wide = bits + Self::GAIN_BITS + 1;
                let product = m.wire_is("product", &sum.mul_signed(&gain, wide));
                let rounded = m.wire_is("rounded", &(&product + lit(wide, 128)));
                m.unused("unused_rounded", &[&rounded.slice(wide - 1, 8 + bits), &rounded.slice(7, 0)]);
                let q = m.reg("scaled_q", bits);
                m.clocked(&clk, [set(&q, &rounded.bits(8, bits))]);
                q
            }
        };
        let [natural, ends] = self.ranges();
        let wide = bits.max(self.shift + 1) + 1;
        let steps = wide - self.shift;
        let shifted = match self.shift {
            0 => m.wire_is("steps", &scaled.sext(wide)),
            shift => {
                let total = m.wire_is("total", &(scaled.sext(wide) + lit(wide, self.half() as u128)));
                m.unused("unused_total", &[&total.slice(shift - 1, 0)]);
                m.wire_is("steps", &total.slice(wide - 1, shift))
            }
        };
        let mut limited = shifted.clone();
        if natural.1 > ends.1 {
            let end = lit_signed(steps, ends.1);
            limited = m.wire_is("not_above", &mux(&shifted.gt_signed(&end), &end, &limited));
        }
        if natural.0 < ends.0 {
            let end = lit_signed(steps, ends.0);
            limited = m.wire_is("not_below", &mux(&shifted.lt_signed(&end), &end, &limited));
        }
        if steps > self.code_bits() {
            m.unused("unused_steps", &[&limited.slice(steps - 1, self.code_bits())]);
        }
        let next =
            if steps >= self.code_bits() { limited.bits(0, self.code_bits()) } else { limited.sext(self.code_bits()) };
        m.clocked(&clk, [set(&code, &next)]);
        m.build()
    }
}
