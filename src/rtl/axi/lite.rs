//! AXI4-Lite in front of a register port.

use crate::verilog::{Expr, Module, Stmt, VerilogError, VerilogFile, cat, lit, mux, set, when, when_else};

/// A slave of 32-bit words with addresses of `address_bits` bits, in bytes.
#[derive(Clone, Debug)]
pub struct Lite {
    pub address_bits: u32,
}

impl Lite {
    pub fn name(&self) -> String {
        format!("ns_axi_lite_{}", self.address_bits)
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let word_bits = self.address_bits - 2;
        let mut m = Module::new(&self.name());
        m.doc(
            "AXI4-Lite slave in front of a register port of 32-bit words. One write and one read at a time: a channel is ready again \
             when the response before has been taken. Address and data of a write come in any order. A write goes before a read \
             that comes to the port with it.",
        );
        m.doc(
            "A write counts with all four strobes, does nothing without any (OKAY), and is refused with some (SLVERR). DECERR where \
             there is no register; SLVERR for a write to one that is read only. The lowest two bits of an address do not matter.",
        );
        m.fact("bits of an address", self.address_bits);
        m.latency("3 clocks from the last of a write's address and data to its response, and from a read's address to its data; a clock more for a read beside a write");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Write address, write data, write response");
        let [aw_valid, aw_ready] = [m.input("awvalid_i", 1), m.output("awready_o", 1)];
        let aw_addr = m.input("awaddr_i", self.address_bits);
        let [w_valid, w_ready] = [m.input("wvalid_i", 1), m.output("wready_o", 1)];
        let w_data = m.input("wdata_i", 32);
        let w_strb = m.input("wstrb_i", 4);
        let [b_valid, b_ready] = [m.output("bvalid_o", 1), m.input("bready_i", 1)];
        let b_resp = m.output("bresp_o", 2);
        m.group("Read address, read data");
        let [ar_valid, ar_ready] = [m.input("arvalid_i", 1), m.output("arready_o", 1)];
        let ar_addr = m.input("araddr_i", self.address_bits);
        let [r_valid, r_ready] = [m.output("rvalid_o", 1), m.input("rready_i", 1)];
        let r_data = m.output("rdata_o", 32);
        let r_resp = m.output("rresp_o", 2);
        m.group("Register port");
        let addr = m.output("reg_addr_o", word_bits);
        let write = m.output("reg_write_o", 1);
        let wdata = m.output("reg_wdata_o", 32);
        let rdata = m.input("reg_rdata_i", 32);
        m.note("of the address one clock before, as are the next two");
        let there = m.input("reg_there_i", 1);
        m.note("there is a register");
        let writable = m.input("reg_writable_i", 1);
        m.note("it takes writes");

        let (no, yes) = (lit(1, 0), lit(1, 1));
        let awake = m.reg("awake_q", 1);
        m.note("nothing is taken during reset");
        m.clocked(&clk, [set(&awake, &rst_n)]);

        m.section("What has come, held until its response is taken");
        let hold =
            |m: &mut Module, name: &str, (valid, ready): (&Expr, &Expr), done: &Expr, values: &[(&str, &Expr)]| {
                let full = m.reg(&format!("{name}_full_q"), 1);
                m.assign(ready, &(&awake & !&full));
                let taken = m.wire_is(&format!("{name}_taken"), &(valid & &awake & !&full));
                let held: Vec<Expr> = values.iter().map(|(n, v)| m.reg(&format!("{n}_q"), v.width())).collect();
                let keep: Vec<Stmt> = held.iter().zip(values).map(|(q, (_, v))| set(q, v)).collect();
                m.clocked(
                    &clk,
                    [
                        when(&taken, keep),
                        when_else(
                            &!&rst_n,
                            [set(&full, &no)],
                            [when_else(&taken, [set(&full, &yes)], [when(done, [set(&full, &no)])])],
                        ),
                    ],
                );
                (full, held)
            };
        let [b_done, r_done] = [m.wire("b_done", 1), m.wire("r_done", 1)];
        let word = |a: &Expr| a.slice(self.address_bits - 1, 2);
        let (aw_full, aw) = hold(&mut m, "aw", (&aw_valid, &aw_ready), &b_done, &[("aw_word", &word(&aw_addr))]);
        let values = [("w_data", &w_data), ("w_strb", &w_strb)];
        let (w_full, w) = hold(&mut m, "w", (&w_valid, &w_ready), &b_done, &values);
        let (ar_full, ar) = hold(&mut m, "ar", (&ar_valid, &ar_ready), &r_done, &[("ar_word", &word(&ar_addr))]);
        m.unused("unused_address", &[&aw_addr.slice(1, 0), &ar_addr.slice(1, 0)]);

        m.section("One access a clock at the register port");
        let flag = |m: &mut Module, name: &str, about: &str| {
            let q = m.reg(name, 1);
            m.note(about);
            q
        };
        let w_sent = flag(&mut m, "w_sent_q", "the write stands at the port's answer");
        let r_sent = flag(&mut m, "r_sent_q", "the read does");
        let w_answered = flag(&mut m, "w_answered_q", "its response is there");
        let r_answered = flag(&mut m, "r_answered_q", "its data is there");
        let wants_read = m.wire_is("wants_read", &(&ar_full & !&r_sent & !&r_answered));
        let go_write = m.wire_is("go_write", &(&aw_full & &w_full & !&w_sent & !&w_answered));
        let go_read = m.wire_is("go_read", &(&wants_read & !&go_write));
        m.assign(&addr, &mux(&go_write, &aw[0], &ar[0]));
        m.assign(&write, &(&go_write & w[1].all()));
        m.assign(&wdata, &w[0]);
        m.assign(&b_done, &(&w_answered & &b_ready));
        m.assign(&r_done, &(&r_answered & &r_ready));
        let (b_resp_q, r_resp_q, r_data_q) = (m.reg("b_resp_q", 2), m.reg("r_resp_q", 2), m.reg("r_data_q", 32));
        let refused = m.wire_is("refused", &(w[1].any() & !(w[1].all() & &writable)));
        m.clocked(
            &clk,
            [
                when_else(
                    &!&rst_n,
                    [set(&w_sent, &no), set(&r_sent, &no), set(&w_answered, &no), set(&r_answered, &no)],
                    [
                        set(&w_sent, &go_write),
                        set(&r_sent, &go_read),
                        set(&w_answered, &(&w_sent | (&w_answered & !&b_ready))),
                        set(&r_answered, &(&r_sent | (&r_answered & !&r_ready))),
                    ],
                ),
                when(&w_sent, [set(&b_resp_q, &cat([&(!&there | &refused), &!&there]))]),
                when(&r_sent, [set(&r_data_q, &rdata), set(&r_resp_q, &cat([&!&there, &!&there]))]),
            ],
        );
        m.assign(&b_valid, &w_answered);
        m.assign(&b_resp, &b_resp_q);
        m.assign(&r_valid, &r_answered);
        m.assign(&r_data, &r_data_q);
        m.assign(&r_resp, &r_resp_q);
        m.build()
    }
}
