//! Where an image becomes passes: what was computed once is sent again for every group of passes, each with its own mask.

use super::early::Verdict;
use super::layer::count;
use crate::verilog::{
    Memory, Module, VerilogError, VerilogFile, cat, index_width, lit, mux, repeat, set, when, when_else,
};

/// Sends the activations of an image once for every group of passes.
#[derive(Clone, Debug)]
pub struct Replay {
    pub name: String,
    pub pe: u32,
    /// Beats of a frame.
    pub beats: u32,
    /// Frames of a pass: the pixels of a map, or 1.
    pub pixels: u32,
    pub lanes: u32,
    pub max_groups: u32,
    /// Clocks from beat to beat.
    pub clocks: u32,
    /// Bits of what a neuron gives: 1 for an activation, more for a sum.
    pub width: u32,
    /// What a stochastic unit draws for every beat, if one stands here.
    pub drawn: Option<Drawn>,
    /// Groups of passes in a block, where passes may end early.
    pub block: Option<u32>,
}

/// Draws that go out with the beats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// Live masks, of activations.
    Masks,
    /// So many bits a lane, for neurons that decide on sums.
    Numbers(u32),
}

impl Drawn {
    /// Ports: the draws in, and out.
    pub fn ports(self) -> (&'static str, &'static str) {
        match self {
            Drawn::Masks => ("mask_i", "live_o"),
            Drawn::Numbers(_) => ("drawn_i", "drawn_o"),
        }
    }
}

impl Replay {
    /// Ports: what neurons give, in and out.
    pub fn value_ports(&self) -> (&'static str, &'static str) {
        if self.width == 1 { ("act_i", "act_o") } else { ("sum_i", "sum_o") }
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let all_beats = self.beats * self.pixels;
        let (beat_bits, group_bits) = (index_width(all_beats), index_width(self.max_groups));
        let mut m = Module::new(&self.name);
        m.doc(&format!(
            "Holds the {} that an image has before its passes part, and sends them once for every group of passes, \
             the same in every lane. What comes before is computed once an image.",
            if self.width == 1 { "activations" } else { "sums" }
        ));
        match self.drawn {
            Some(Drawn::Masks) => {
                m.doc("Every beat goes out with the live masks that the dropout unit has drawn for it.")
            }
            Some(Drawn::Numbers(_)) => m.doc("Every beat goes out with what the stochastic unit has drawn for it."),
            None => {}
        }
        m.fact("neurons in a beat", self.pe);
        m.fact("beats in a frame", self.beats);
        if self.pixels > 1 {
            m.fact("frames (pixels) in a map", self.pixels);
        }
        m.fact("lanes (passes at once)", self.lanes);
        m.fact("clocks a frame", format!("{} and 1 between frames", self.beats * self.clocks));
        m.latency("1 clock from a mask taken to its beat");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Images in: a bank is claimed, then its beats come");
        let claim = m.input("claim_i", 1);
        let claim_ready = m.output("claim_ready_o", 1);
        let valid = m.input("valid_i", 1);
        let beat_width = self.pe * self.width;
        let (value_in, value_out) = self.value_ports();
        let act = m.input(value_in, beat_width);
        m.group("Passes");
        let last_group = m.input("last_group_i", group_bits);
        m.note("groups of passes an image has, less 1");
        let early = self.block.map(|groups| Verdict::ports(&mut m, groups));
        let drawn_width = match self.drawn {
            Some(Drawn::Numbers(bits)) => self.lanes * bits,
            _ => self.lanes * self.pe,
        };
        let mask = self.drawn.map(|drawn| {
            m.group(if drawn == Drawn::Masks { "Dropout unit" } else { "Stochastic unit" });
            let ready = m.input("mask_ready_i", 1);
            let mask = m.input(drawn.ports().0, drawn_width);
            (ready, mask, m.output("mask_take_o", 1))
        });
        m.group("Frames out");
        let next_ready = m.input("claim_ready_i", 1);
        let claim_out = m.output("claim_o", 1);
        let valid_out = m.output_reg("valid_o", 1);
        let act_out = m.output(value_out, self.lanes * beat_width);
        let live_out = self.drawn.map(|drawn| m.output_reg(drawn.ports().1, drawn_width));

        m.section("Banks: one image comes in while another is sent");
        let claimed = m.reg("claimed_q", 2);
        let filled = m.reg("filled_q", 2);
        let write_bank = m.reg("write_bank_q", 1);
        let read_bank = m.reg("read_bank_q", 1);
        let write_beat = m.reg("write_beat_q", beat_bits);
        let last_in = m.wire_is("last_beat_in", &write_beat.eq(&lit(beat_bits, u128::from(all_beats - 1))));
        let fill = m.wire_is("fill", &(&valid & &last_in));
        let release = m.wire("release_bank", 1);
        m.assign(&claim_ready, &claimed.ne(&lit(2, 2)));
        let zero = lit(beat_bits, 0);
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [
                    set(&claimed, &lit(2, 0)),
                    set(&filled, &lit(2, 0)),
                    set(&write_bank, &lit(1, 0)),
                    set(&read_bank, &lit(1, 0)),
                    set(&write_beat, &zero),
                ],
                [
                    when(&valid, [set(&write_beat, &mux(&last_in, &zero, &(&write_beat + lit(beat_bits, 1))))]),
                    when(&fill, [set(&write_bank, &!&write_bank)]),
                    when(&release, [set(&read_bank, &!&read_bank)]),
                    count(&claimed, &claim, &release),
                    count(&filled, &fill, &release),
                ],
            )],
        );
        let memory = m.memory(Memory::new("beats", beat_width, 2 << beat_bits));

        m.section("Sequencer: for every group of passes, every beat");
        let busy = m.reg("busy_q", 1);
        let mut may_begin = !&busy & filled.any() & &next_ready;
        let asks = early.as_ref().map(|verdict| verdict.asks(&mut m));
        if let Some(asks) = &asks {
            may_begin = may_begin & !asks;
        }
        if let Some((ready, ..)) = &mask {
            may_begin = may_begin & ready;
        }
        let begin = m.wire_is("begin_frame", &may_begin);
        m.assign(&claim_out, &begin);
        let beat = m.reg("beat_q", beat_bits);
        let group = m.reg("group_q", group_bits);
        let last_beat = m.wire_is("last_beat", &beat.eq(&lit(beat_bits, u128::from(all_beats - 1))));
        let (take, next) = if self.clocks > 1 {
            let bits = index_width(self.clocks);
            let wait = m.reg("wait_q", bits);
            let last = m.wire_is("last_wait", &wait.eq(&lit(bits, u128::from(self.clocks - 1))));
            m.clocked(
                &clk,
                [when_else(&(!&busy | &last), [set(&wait, &lit(bits, 0))], [set(&wait, &(&wait + lit(bits, 1)))])],
            );
            (m.wire_is("take", &(&busy & !wait.any())), m.wire_is("next_beat", &(&busy & &last)))
        } else {
            (m.wire_is("take", &busy), busy.clone())
        };
        let frame_done = m.wire_is("frame_done", &(&next & &last_beat));
        let pixel_done = if self.pixels > 1 {
            let bits = index_width(self.beats);
            let of_pixel = m.reg("pixel_beat_q", bits);
            let last = m.wire_is("last_of_pixel", &of_pixel.eq(&lit(bits, u128::from(self.beats - 1))));
            let after = mux(&last, &lit(bits, 0), &(&of_pixel + lit(bits, 1)));
            m.clocked(
                &clk,
                [when_else(&!&rst_n, [set(&of_pixel, &lit(bits, 0))], [when(&next, [set(&of_pixel, &after)])])],
            );
            m.wire_is("pixel_done", &(&next & &last))
        } else {
            frame_done.clone()
        };
        let all_sent = &frame_done & group.eq(&last_group);
        let (image_done, moves) = match (&early, &asks) {
            (Some(verdict), Some(asks)) => {
                let all_sent = m.wire_is("all_sent", &all_sent);
                verdict.waits(&mut m, (&clk, &rst_n), asks, &frame_done, &all_sent);
                let done = m.wire_is("image_done", &(all_sent | &verdict.stop));
                (done, &frame_done | &verdict.stop)
            }
            _ => (m.wire_is("image_done", &all_sent), frame_done.clone()),
        };
        m.assign(&release, &image_done);
        let next_group = mux(&image_done, &lit(group_bits, 0), &(&group + lit(group_bits, 1)));
        m.clocked(
            &clk,
            [
                when_else(
                    &!&rst_n,
                    [set(&busy, &lit(1, 0)), set(&group, &lit(group_bits, 0)), set(&valid_out, &lit(1, 0))],
                    [
                        set(&busy, &(&begin | (&busy & !&pixel_done))),
                        when(&moves, [set(&group, &next_group)]),
                        set(&valid_out, &take),
                    ],
                ),
                if self.pixels > 1 {
                    let after = mux(&last_beat, &zero, &(&beat + lit(beat_bits, 1)));
                    when_else(&!&rst_n, [set(&beat, &zero)], [when(&next, [set(&beat, &after)])])
                } else {
                    when_else(&!&busy, [set(&beat, &zero)], [when(&next, [set(&beat, &(&beat + lit(beat_bits, 1)))])])
                },
            ],
        );

        m.section("Beats");
        let act_q = m.reg("act_q", beat_width);
        let read = memory.word(&m.wire_is("read_at", &cat([&read_bank, &beat])));
        let write_at = m.wire_is("write_at", &cat([&write_bank, &write_beat]));
        m.clocked(&clk, [when(&valid, [set(&memory.word(&write_at), &act)]), set(&act_q, &read)]);
        m.assign(&act_out, &repeat(self.lanes, &act_q));
        if let (Some((_, mask, take_out)), Some(live_out)) = (&mask, &live_out) {
            m.assign(take_out, &take);
            m.clocked(&clk, [set(live_out, mask)]);
        }
        m.build()
    }
}
