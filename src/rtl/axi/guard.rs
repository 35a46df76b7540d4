//! Frames of the right length, whatever comes.

use crate::rtl::scan::counter;
use crate::verilog::{Module, VerilogError, VerilogFile, case, lit, mux, set, when, when_else};

/// Makes frames of exactly `beats` beats of `width` bits.
#[derive(Clone, Debug)]
pub struct Guard {
    pub width: u32,
    pub beats: u32,
}

impl Guard {
    pub fn name(&self) -> String {
        format!("ns_frame_guard_{}x{}", self.beats, self.width)
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let mut m = Module::new(&self.name());
        m.doc(
            "Frame guard: what goes out are frames of exactly so many beats, one for each frame that comes in. A frame that ends early \
             is filled up with beats of zeros; of one that ends late, the beats past the last one are dropped until its end. So what \
             is behind never sees part of a frame, and the next frame is right. When the last beat of a frame goes out, `ends_o` is \
             1, and `bad_o` says whether its length was wrong.",
        );
        m.fact("bits of a beat", self.width);
        m.fact("beats of a frame", self.beats);
        m.latency("none: beats pass through");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Frames in");
        let valid_in = m.input("valid_i", 1);
        let ready_out = m.output("ready_o", 1);
        let data_in = m.input("data_i", self.width);
        let last_in = m.input("last_i", 1);
        m.group("Frames out");
        let valid_out = m.output("valid_o", 1);
        let ready_in = m.input("ready_i", 1);
        let data_out = m.output("data_o", self.width);
        let last_out = m.output("last_o", 1);
        m.group("What became of a frame");
        let room = m.input("room_i", 1);
        m.note("there is room for one more verdict; no frame begins without");
        let ends = m.output("ends_o", 1);
        let bad = m.output("bad_o", 1);
        m.note("with ends_o");
        let short = m.output("short_o", 1);
        m.note("with ends_o: it ended early");

        let (pass, fill, drop) = (lit(2, 0), lit(2, 1), lit(2, 2));
        let state = m.reg("state_q", 2);
        m.note("0 pass beats on, 1 fill up, 2 drop the rest");
        let passing = m.wire_is("passing", &state.eq(&pass));
        let filling = m.wire_is("filling", &state.eq(&fill));
        let dropping = m.wire_is("dropping", &state.eq(&drop));
        let moves = m.wire("moves", 1);
        let (beat, last) = counter(&mut m, (&clk, &rst_n), "beat", self.beats, &moves);
        let may = m.wire_is("may_begin", &(&room | beat.any()));
        m.assign(&valid_out, &(&filling | (&passing & &valid_in & &may)));
        m.assign(&ready_out, &(&dropping | (&passing & &ready_in & &may)));
        m.assign(&data_out, &mux(&filling, &lit(self.width, 0), &data_in));
        m.assign(&last_out, &last);
        m.assign(&moves, &(&ready_in & (&filling | (&passing & &valid_in & &may))));
        m.assign(&ends, &(&moves & &last));
        m.assign(&bad, &(&filling | !&last_in));
        m.assign(&short, &filling);
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [set(&state, &pass)],
                [case(
                    &state,
                    [
                        (fill.clone(), vec![when(&(&moves & &last), [set(&state, &pass)])]),
                        (drop.clone(), vec![when(&(&valid_in & &last_in), [set(&state, &pass)])]),
                    ],
                    vec![when(
                        &moves,
                        [
                            when(&(&last & !&last_in), [set(&state, &drop)]),
                            when(&(!&last & &last_in), [set(&state, &fill)]),
                        ],
                    )],
                )],
            )],
        );
        m.build()
    }
}
