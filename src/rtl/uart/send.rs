//! Frames into a stream of bytes.

use super::SYNC;
use super::crc::{CRC_START, Crc};
use crate::verilog::{Module, VerilogError, VerilogFile, case, hex, lit, mux, set, when, when_else};

/// Puts sync, header and CRC around a payload.
#[derive(Clone, Copy, Debug)]
pub struct Send;

impl Send {
    pub const NAME: &str = "ns_frame_send";

    pub fn emit(&self) -> Result<Vec<VerilogFile>, VerilogError> {
        let mut m = Module::new(Self::NAME);
        m.doc("Sends a frame: sync, type, tag, length, check, the payload, its CRC.");
        m.latency("1 clock from start_i to the first byte");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Frame: all but the payload stays from start_i to done_o");
        let start = m.input("start_i", 1);
        m.note("for one clock, while no frame is on its way");
        let kind = m.input("type_i", 8);
        let tag = m.input("tag_i", 8);
        let length = m.input("length_i", 16);
        let done = m.output("done_o", 1);
        m.note("for one clock: its last byte goes");
        m.group("Payload");
        let payload_valid = m.input("payload_valid_i", 1);
        let payload = m.input("payload_i", 8);
        let payload_taken = m.output("payload_taken_o", 1);
        m.group("Bytes out");
        let valid = m.output("valid_o", 1);
        let ready = m.input("ready_i", 1);
        let byte_o = m.output("data_o", 8);

        let [idle, sync, type_at, tag_at, low, high, check, body, crc_low, crc_high] =
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|n| lit(4, n));
        let at = m.reg("at_q", 4);
        m.note("0 idle, 1 sync, 2 type, 3 tag, 4 and 5 length, 6 check, 7 payload, 8 and 9 CRC");
        let crc = m.reg("crc_q", 16);
        let left = m.reg("left_q", 16);
        m.note("bytes of the payload to come");
        let byte = m.reg("byte_now", 8);
        m.combinational([case(
            &at,
            [
                (sync, vec![set(&byte, &hex(8, SYNC))]),
                (type_at, vec![set(&byte, &kind)]),
                (tag_at, vec![set(&byte, &tag)]),
                (low, vec![set(&byte, &length.slice(7, 0))]),
                (high, vec![set(&byte, &length.slice(15, 8))]),
                (check.clone(), vec![set(&byte, &!(&kind ^ &tag ^ length.slice(7, 0) ^ length.slice(15, 8)))]),
                (crc_low.clone(), vec![set(&byte, &crc.slice(7, 0))]),
                (crc_high.clone(), vec![set(&byte, &crc.slice(15, 8))]),
            ],
            [set(&byte, &payload)],
        )]);
        m.assign(&byte_o, &byte);
        let in_body = m.wire_is("in_body", &at.eq(&body));
        m.assign(&valid, &(at.any() & (!&in_body | &payload_valid)));
        let taken = m.wire_is("taken", &(&valid & &ready));
        m.assign(&payload_taken, &(&taken & &in_body));
        m.assign(&done, &(&taken & at.eq(&crc_high)));
        let crc_next = m.wire("crc_next", 16);
        let crc_block = Crc.emit()?;
        m.instance("u_crc", crc_block.header(), &[("crc_i", &crc), ("data_i", &byte), ("crc_o", &crc_next)]);

        let at_check = m.wire_is("at_check", &at.eq(&check));
        let next = m.wire_is("at_next", &(&at + lit(4, 1)));
        m.clocked(
            &clk,
            [
                when_else(
                    &start,
                    [set(&at, &lit(4, 1)), set(&left, &length), set(&crc, &hex(16, CRC_START))],
                    [when(
                        &taken,
                        [
                            when_else(
                                &in_body,
                                [set(&left, &(&left - lit(16, 1))), when(&left.eq(&lit(16, 1)), [set(&at, &next)])],
                                [when_else(
                                    &at.eq(&crc_high),
                                    [set(&at, &idle)],
                                    [set(&at, &mux(&(&at_check & !length.any()), &crc_low, &next))],
                                )],
                            ),
                            when(&(&in_body | (at.gt(&lit(4, 1)) & at.lt(&check))), [set(&crc, &crc_next)]),
                        ],
                    )],
                ),
                when(&!&rst_n, [set(&at, &idle)]),
            ],
        );
        Ok(vec![crc_block, m.build()?])
    }
}
