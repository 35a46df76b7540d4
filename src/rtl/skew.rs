//! Delays the inputs of a population count that enter at its later levels.

use super::popcount::{Popcount, mask};
use crate::verilog::{Module, VerilogError, VerilogFile, set};

/// Delay of a word of `simd` bits to the times at which `ns_popcount_<simd>` takes them.
#[derive(Clone, Debug)]
pub struct Skew {
    simd: u32,
    delays: Vec<u32>,
}

impl Skew {
    /// None if the population count takes all its inputs at once.
    pub fn new(simd: u32) -> Option<Skew> {
        let delays = Popcount::new(simd).delays();
        delays.iter().any(|&d| d > 0).then_some(Skew { simd, delays })
    }

    pub fn name(&self) -> String {
        format!("ns_skew_{}", self.simd)
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let longest = self.delays.iter().copied().max().unwrap_or(0);
        let mut m = Module::new(&self.name());
        m.doc(&format!(
            "Delays the bits of a word to the clocks in which ns_popcount_{} takes them. One such delay of a weight word \
             serves all lanes, and one of an activation word all neurons.",
            self.simd
        ));
        m.fact("bits", self.simd);
        m.latency(&format!("0 to {longest} clocks, by bit"));
        let clk = m.input("clk_i", 1);
        let word = m.input("word_i", self.simd);
        let out = m.output("word_o", self.simd);
        let mask = |clocks: u32| mask(self.simd, |bit| self.delays[bit as usize] == clocks);
        let mut result = &word & mask(0);
        let mut before = word.clone();
        for clocks in 1..=longest {
            let delayed = m.reg(&format!("delayed{clocks}_q"), self.simd);
            m.clocked(&clk, [set(&delayed, &before)]);
            result = result | (&delayed & mask(clocks));
            before = delayed;
        }
        m.assign(&out, &result);
        m.build()
    }
}
