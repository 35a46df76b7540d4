//! The input values of two images: one coming in, one being read plane by plane.

use crate::verilog::{Memory, Module, VerilogError, VerilogFile, cat, cat_lsb_first, index_width, set, when};

/// Holds two images of `words` words of `simd` values of `bits` bits.
#[derive(Clone, Debug)]
pub struct InputBuffer {
    pub simd: u32,
    pub words: u32,
    pub bits: u32,
    pub signed: bool,
}

impl InputBuffer {
    pub fn name(&self) -> String {
        let sign = if self.signed { "s" } else { "u" };
        format!("ns_image_{}x{}_{sign}{}", self.words, self.simd, self.bits)
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let word_bits = index_width(self.words);
        let mut m = Module::new(&self.name());
        m.doc("Input values in two banks: one image comes in while the layer reads the other, as often as it has groups of neurons.");
        if self.bits > 1 {
            m.doc("Values are kept as bit planes, and one plane of a word is read at a time: each plane is a word of +1 and -1.");
        }
        if self.signed {
            m.doc("The sign bit is kept inverted: that makes a two's complement value unsigned with an offset, which the thresholds hold.");
        }
        m.fact("values in a word", self.simd);
        m.fact("words in an image", self.words);
        m.fact("bits of a value", self.bits);
        m.latency("2 clocks from address to plane");
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        m.group("Write a word");
        let write = m.input("write_i", 1);
        let write_bank = m.input("write_bank_i", 1);
        let write_word = m.input("write_word_i", word_bits);
        let data = m.input("data_i", self.simd * self.bits);
        m.group("Read one plane of a word");
        let read_bank = m.input("read_bank_i", 1);
        let read_word = m.input("read_word_i", word_bits);
        let read_plane = (self.bits > 1).then(|| m.input("read_plane_i", index_width(self.bits)));
        let positive = m.output_reg("pos_o", self.simd);
        m.note("1 for +1, 0 for -1");

        let value = if self.bits == 1 {
            data.clone()
        } else {
            let planes: Vec<_> = (0..self.bits).map(|b| m.wire(&format!("plane{b}"), self.simd)).collect();
            m.generate_for("g_value", "j", self.simd, |m, j| {
                let value = m.wire_is("value", &data.word(j, self.bits));
                for (b, plane) in (0..).zip(&planes) {
                    let bit = value.bit(b);
                    m.assign(&plane.at(j), &if self.signed && b + 1 == self.bits { !bit } else { bit });
                }
            });
            m.wire_is("planes", &cat_lsb_first(&planes))
        };
        let memory = m.memory(Memory::new("words", self.simd * self.bits, 2 << word_bits));
        let read_q = m.reg("read_q", self.simd * self.bits);
        let read_at = m.wire_is("read_at", &cat([&read_bank, &read_word]));
        let write_at = m.wire_is("write_at", &cat([&write_bank, &write_word]));
        m.clocked(&clk, [when(&write, [set(&memory.word(&write_at), &value)]), set(&read_q, &memory.word(&read_at))]);
        match read_plane {
            Some(plane) => {
                let plane_q = m.reg("plane_q", plane.width());
                m.clocked(&clk, [set(&plane_q, &plane), set(&positive, &read_q.word(&plane_q, self.simd))]);
            }
            None => m.clocked(&clk, [set(&positive, &read_q)]),
        }
        m.build()
    }
}
