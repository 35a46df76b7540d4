//! Where images come in, if the first layer does not take them in itself: inputs are dropped there, and passes part.

use crate::verilog::{Module, VerilogError, VerilogFile, index_width, lit, mux, set, when, when_else};

/// Takes images from a stream that may wait into frames that are claimed: `pixels` frames of `beats` beats.
#[derive(Clone, Debug)]
pub struct Intake {
    pub beats: u32,
    pub pixels: u32,
}

impl Intake {
    pub fn name(&self) -> String {
        if self.pixels == 1 {
            format!("ns_intake_{}", self.beats)
        } else {
            format!("ns_intake_{}x{}", self.pixels, self.beats)
        }
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let bits = index_width(self.beats);
        let mut m = Module::new(&self.name());
        m.doc(if self.pixels == 1 {
            "Takes images in: the first beat of an image claims a bank of the block behind, all others follow as they come."
        } else {
            "Takes images in: the first beat of every pixel claims room in the block behind, all others follow as they come."
        });
        m.fact("beats in an image", self.pixels * self.beats);
        m.latency("none from a beat in to its beat out");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Images in");
        let accept = m.input("accept_i", 1);
        m.note("a new image may begin");
        let valid_in = m.input("in_valid_i", 1);
        let ready = m.output("in_ready_o", 1);
        m.group("Frames out");
        let claim_ready = m.input("claim_ready_i", 1);
        let claim = m.output("claim_o", 1);
        if self.pixels == 1 {
            m.note("an image begins");
        }
        let begins = (self.pixels > 1).then(|| m.output("image_begins_o", 1));
        let valid = m.output("valid_o", 1);

        let beat = m.reg("beat_q", bits);
        let first = m.wire_is("first_beat", &!beat.any());
        let last = m.wire_is("last_beat", &beat.eq(&lit(bits, u128::from(self.beats - 1))));
        let pixel = (self.pixels > 1).then(|| m.reg("pixel_q", index_width(self.pixels)));
        let first_pixel = match &pixel {
            Some(pixel) => m.wire_is("first_pixel", &!pixel.any()),
            None => first.clone(),
        };
        let may_begin = if pixel.is_some() { &accept | !&first_pixel } else { accept.clone() };
        m.assign(&ready, &((may_begin & &claim_ready) | !&first));
        let taken = m.wire_is("taken", &(&valid_in & &ready));
        m.assign(&valid, &taken);
        m.assign(&claim, &(&taken & &first));
        if let Some(begins) = &begins {
            m.assign(begins, &(&taken & &first & &first_pixel));
        }
        if let Some(pixel) = &pixel {
            let end = pixel.eq(&lit(pixel.width(), u128::from(self.pixels - 1)));
            let next = mux(&end, &lit(pixel.width(), 0), &(pixel + lit(pixel.width(), 1)));
            let done = &taken & &last;
            m.clocked(
                &clk,
                [when_else(&!&rst_n, [set(pixel, &lit(pixel.width(), 0))], [when(&done, [set(pixel, &next)])])],
            );
        }
        let next = mux(&last, &lit(bits, 0), &(&beat + lit(bits, 1)));
        m.clocked(&clk, [when_else(&!&rst_n, [set(&beat, &lit(bits, 0))], [when(&taken, [set(&beat, &next)])])]);
        m.build()
    }
}
