//! Frames out of a stream of bytes.

use super::crc::{CRC_START, Crc};
use super::{Fault, SYNC};
use crate::verilog::{Module, VerilogError, VerilogFile, cat, hex, index_width, lit, mux, note, set, when, when_else};

/// Finds headers among bytes of any kind, passes payloads on, and tells how each frame ended.
#[derive(Clone, Debug)]
pub struct Receive {
    /// Longest payload of a request.
    pub longest: u32,
    /// Clocks without a byte after which a frame has broken off.
    pub patience: u32,
}

impl Receive {
    pub fn name(&self) -> String {
        format!("ns_frame_receive_{}_{}", self.longest, self.patience)
    }

    pub fn emit(&self) -> Result<Vec<VerilogFile>, VerilogError> {
        let mut m = Module::new(&self.name());
        m.doc(
            "Finds frames in a stream of bytes. The last six bytes are a header if they begin with sync and the check is right, \
             whatever came before them. A frame ends with its CRC, or when no byte comes for too long.",
        );
        m.fact("longest payload", format!("{} bytes", self.longest));
        m.fact("time-out", format!("{} clocks", self.patience));
        m.latency("6 clocks from the last byte of a header to the first of the payload, at least; 1 from the last byte to end_o");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Bytes in: at least 8 clocks between two");
        let valid = m.input("valid_i", 1);
        let byte = m.input("data_i", 8);
        m.group("Header: stays until the clock of end_o");
        let begin_o = m.output("begin_o", 1);
        m.note("for one clock: a frame begins");
        let kind = m.output("type_o", 8);
        let tag = m.output("tag_o", 8);
        let length_o = m.output("length_o", 16);
        m.group("Payload: data_i, when this is 1");
        let payload = m.output("payload_o", 1);
        m.group("End of the frame");
        let end = m.output("end_o", 1);
        m.note("for one clock");
        let fault = m.output("fault_o", 3);
        m.note("0 none, 1 bad CRC, 2 too long, 5 cut short");

        m.section("Header: a window on the last bytes, the oldest highest");
        let window = m.reg("window_q", 40);
        let (hunt, fold, body, check) = (lit(2, 0), lit(2, 1), lit(2, 2), lit(2, 3));
        let state = m.reg("state_q", 2);
        m.note("0 look for a header, 1 its CRC, 2 payload, 3 CRC");
        let of = |high: u32| window.slice(high, high - 7);
        m.assign(&kind, &of(31));
        m.assign(&tag, &of(23));
        let length = m.wire_is("length", &cat([of(7), of(15)]));
        m.assign(&length_o, &length);
        let right = byte.eq(&!(of(31) ^ of(23) ^ of(15) ^ of(7)));
        let hunting = m.wire_is("hunting", &state.eq(&hunt));
        let found = &valid & &hunting & of(39).eq(&hex(8, SYNC)) & right;
        let found = m.wire_is("found", &found);
        let too_long = m.wire_is("too_long", &length.gt(&lit(16, self.longest.into())));
        let begin = m.reg("begin_q", 1);
        m.assign(&begin_o, &begin);

        m.section("CRC of type, tag, length (a byte a clock, before the payload can come) and payload");
        let crc = m.reg("crc_q", 16);
        let folding = m.wire_is("folding", &state.eq(&fold));
        let crc_byte = m.wire_is("crc_byte", &mux(&folding, &of(31), &byte));
        let crc_next = m.wire("crc_next", 16);
        let crc_block = Crc.emit()?;
        m.instance("u_crc", crc_block.header(), &[("crc_i", &crc), ("data_i", &crc_byte), ("crc_o", &crc_next)]);

        m.section("The rest of the frame");
        let bits = index_width(self.longest + 1);
        let left = m.reg("left_q", bits);
        m.note("bytes of the payload to come");
        let turn = m.reg("turn_q", 2);
        m.note("byte of the header in its CRC; byte of the CRC");
        let wrong = m.reg("wrong_q", 1);
        m.note("the first byte of the CRC was wrong");
        let idle = m.reg("idle_q", index_width(self.patience));
        let late = m.wire_is("late", &(!&hunting & idle.eq(&lit(idle.width(), u128::from(self.patience - 1)))));
        let in_body = m.wire_is("in_body", &state.eq(&body));
        m.assign(&payload, &(&valid & &in_body));
        let end_q = m.reg("end_q", 1);
        let fault_q = m.reg("fault_q", 3);
        m.assign(&end, &end_q);
        m.assign(&fault, &fault_q);
        let none = !left.any();
        let expected = mux(&turn.bit(0), &crc.slice(15, 8), &crc.slice(7, 0));
        let differs = m.wire_is("differs", &byte.ne(&expected));
        let of_fault = |fault: Fault| lit(3, fault as u128);
        let ends = |fault| vec![set(&end_q, &lit(1, 1)), set(&fault_q, fault), set(&state, &hunt)];
        let bad = mux(&(&wrong | &differs), &of_fault(Fault::Crc), &lit(3, 0));
        let one = lit(bits, 1);
        m.clocked(
            &clk,
            [
                set(&begin, &lit(1, 0)),
                set(&end_q, &lit(1, 0)),
                set(&idle, &mux(&(&valid | &hunting), &lit(idle.width(), 0), &(&idle + lit(idle.width(), 1)))),
                when_else(
                    &hunting,
                    [
                        note("What has been a header must not be one again."),
                        when(&end_q, [set(&window, &lit(40, 0))]),
                        set(&crc, &hex(16, CRC_START)),
                        set(&turn, &lit(2, 0)),
                        set(&wrong, &lit(1, 0)),
                        set(&left, &length.bits(0, bits)),
                        when_else(
                            &found,
                            [when_else(
                                &too_long,
                                ends(&of_fault(Fault::Length)),
                                [set(&begin, &lit(1, 1)), set(&state, &fold)],
                            )],
                            [when(&valid, [set(&window, &cat([&window.slice(31, 0), &byte]))])],
                        ),
                    ],
                    [when_else(
                        &folding,
                        [
                            set(&crc, &crc_next),
                            set(&window.slice(31, 0), &cat([&window.slice(23, 0), &window.slice(31, 24)])),
                            set(&turn, &(&turn + lit(2, 1))),
                            when(&turn.all(), [set(&state, &mux(&none, &check, &body))]),
                        ],
                        [when_else(
                            &valid,
                            [when_else(
                                &in_body,
                                [
                                    set(&crc, &crc_next),
                                    set(&left, &(&left - &one)),
                                    when(&left.eq(&one), [set(&state, &check)]),
                                ],
                                [
                                    set(&turn, &(&turn + lit(2, 1))),
                                    set(&wrong, &differs),
                                    when(&turn.bit(0), ends(&bad)),
                                ],
                            )],
                            [when(&late, ends(&of_fault(Fault::Short)))],
                        )],
                    )],
                ),
                when(
                    &!&rst_n,
                    [
                        set(&state, &hunt),
                        set(&window, &lit(40, 0)),
                        set(&begin, &lit(1, 0)),
                        set(&end_q, &lit(1, 0)),
                        set(&idle, &lit(idle.width(), 0)),
                    ],
                ),
            ],
        );
        Ok(vec![crc_block, m.build()?])
    }
}
