//! Which reads err: rounds of a small cipher over the number of a read.

use crate::verilog::{Module, VerilogError, VerilogFile, cat, lit, set};

/// Eight rounds of Speck32 as a mixing function (`docs/semantics.md` §9), one a clock.
#[derive(Clone, Copy, Debug)]
pub struct ReadHash;

impl ReadHash {
    pub const ROUNDS: u32 = 8;

    pub fn name(&self) -> String {
        "ns_read_hash".into()
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let mut m = Module::new(&self.name());
        m.doc(
            "Hash of the number of a read under the key of its pass: eight rounds of Speck32, one a clock. Compared with the codes of \
             what was counted, it says whether the read errs.",
        );
        m.fact("rounds", Self::ROUNDS);
        m.latency(&format!("{} clocks", Self::ROUNDS));
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        m.group("A read");
        let number = m.input("number_i", 32);
        let keys = m.input("keys_i", 16 * Self::ROUNDS);
        m.note("that of round r is word r, r clocks after the number");
        m.group("Hash");
        let hash = m.output_reg("hash_o", 16);
        let (mut x, mut y) = (number.bits(0, 16), number.bits(16, 16));
        for round in 0..Self::ROUNDS {
            let turned = cat([&x.bits(0, 7), &x.bits(7, 9)]);
            let key = keys.bits(16 * round, 16) ^ lit(16, round.into());
            let mixed = m.wire_is(&format!("mixed{round}"), &((turned + &y) ^ key));
            if round + 1 == Self::ROUNDS {
                m.clocked(&clk, [set(&hash, &mixed)]);
                break;
            }
            let (x_q, y_q) = (m.reg(&format!("x{round}_q"), 16), m.reg(&format!("y{round}_q"), 16));
            let turned = cat([&y.bits(0, 14), &y.bits(14, 2)]);
            m.clocked(&clk, [set(&x_q, &mixed), set(&y_q, &(turned ^ mixed))]);
            (x, y) = (x_q, y_q);
        }
        m.build()
    }
}
