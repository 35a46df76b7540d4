//! The CRC of frames, a byte at a time.

use crate::verilog::{Expr, Module, VerilogError, VerilogFile, cat_lsb_first};

/// CRC-16/IBM-3740 (`docs/protocol.md`): x^16 + x^12 + x^5 + 1, bits of a byte from the most significant on.
#[derive(Clone, Copy, Debug)]
pub struct Crc;

/// What a frame's CRC starts from.
pub const CRC_START: u128 = 0xffff;
const POLYNOMIAL: u32 = 0x1021;

impl Crc {
    pub const NAME: &str = "ns_crc16";

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let mut m = Module::new(Self::NAME);
        m.doc("One byte into the CRC of a frame: CRC-16/IBM-3740, bits from the most significant on.");
        m.fact("polynomial", format!("{POLYNOMIAL:#06x}"));
        m.fact("start value", format!("{CRC_START:#06x}"));
        m.latency("none, combinational");
        let crc = m.input("crc_i", 16);
        let data = m.input("data_i", 8);
        let next = m.output("crc_o", 16);
        m.comment("Every bit is the parity of those that reach it within eight steps of the shift register.");
        let bits: Vec<Expr> = terms()
            .into_iter()
            .map(|(crc_terms, data_terms)| {
                let of_crc = (0..16).filter(|i| crc_terms >> i & 1 == 1).map(|i| crc.bit(i));
                let of_data = (0..8).filter(|i| data_terms >> i & 1 == 1).map(|i| data.bit(i));
                let all: Vec<Expr> = of_crc.chain(of_data).collect();
                all.iter().skip(1).fold(all[0].clone(), |sum, e| sum ^ e)
            })
            .collect();
        m.assign(&next, &cat_lsb_first(&bits));
        m.build()
    }
}

/// For each bit of the next CRC the bits of the last CRC and of the byte whose parity it is.
fn terms() -> Vec<(u32, u32)> {
    let mut state: Vec<(u32, u32)> = (0..16).map(|i| (1 << i, 0)).collect();
    for bit in (0..8).rev() {
        let out = state[15];
        let back = (out.0, out.1 ^ 1 << bit);
        state.rotate_right(1);
        state[0] = (0, 0);
        for (i, term) in state.iter_mut().enumerate() {
            if POLYNOMIAL >> i & 1 == 1 {
                *term = (term.0 ^ back.0, term.1 ^ back.1);
            }
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_have_the_crc_that_the_standard_says() {
        let step = |crc: u32, byte: u32| {
            let parity = |&(c, d): &(u32, u32)| ((crc & c).count_ones() + (byte & d).count_ones()) & 1;
            terms().iter().enumerate().fold(0, |next, (i, term)| next | parity(term) << i)
        };
        assert_eq!(b"123456789".iter().fold(0xffff, |crc, &byte| step(crc, byte.into())), 0x29b1);
    }
}
