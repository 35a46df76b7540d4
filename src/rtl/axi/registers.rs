//! The register port behind AXI4-Lite: the core's registers and the wrapper's own.

use crate::rtl::Register;
use crate::verilog::{Expr, Module, VerilogError, VerilogFile, case, cat, hex, lit, mux, note, set, when, when_else};

/// Words of the core's registers; the wrapper's begin behind them.
pub const CORE_WORDS: u32 = 0x100;
/// Bits of an address in words.
pub const WORD_BITS: u32 = 10;
const FRAMES: u32 = CORE_WORDS;
const SHORT: u32 = CORE_WORDS + 1;
const LONG: u32 = CORE_WORDS + 2;

const PROGRAM_ADDRESS: u32 = CORE_WORDS + 0x10;
const PROGRAM_DATA: u32 = CORE_WORDS + 0x11;
const PROGRAM_READ: u32 = CORE_WORDS + 0x12;
const PROGRAM_STATUS: u32 = CORE_WORDS + 0x13;

/// The wrapper's own registers; with those of the programming port, where the core has one.
pub fn own(programmed: bool) -> Vec<Register> {
    let frames = frames();
    let program = if programmed { program() } else { vec![] };
    frames.into_iter().chain(program).collect()
}

fn program() -> Vec<Register> {
    let register = Register::new;
    vec![
        register(PROGRAM_ADDRESS, "PROGRAM_ADDRESS", "rw", 0, "address at the programming port of the next access"),
        register(
            PROGRAM_DATA,
            "PROGRAM_DATA",
            "rw",
            0,
            "a write writes this word at PROGRAM_ADDRESS; reads give what the last access found there",
        )
        .volatile(),
        register(PROGRAM_READ, "PROGRAM_READ", "wo", 0, "a write, of anything, reads the word at PROGRAM_ADDRESS"),
        register(
            PROGRAM_STATUS,
            "PROGRAM_STATUS",
            "ro",
            0,
            "bit 0: busy; bit 1: nothing has the last access's address",
        )
        .flags(&[
            ("BUSY", "an access is under way; until it has ended, writes to PROGRAM_* are refused with SLVERR"),
            ("ERROR", "nothing has the address of the last access"),
        ])
        .volatile(),
    ]
}

fn frames() -> Vec<Register> {
    let about = [
        (FRAMES, "FRAMES", "frames taken since reset, good ones and bad ones"),
        (SHORT, "FRAMES_SHORT", "frames that ended early since reset; the image was filled up with zeros"),
        (LONG, "FRAMES_LONG", "frames that ended late since reset; what was too much was dropped"),
    ];
    about.into_iter().map(|(at, name, about)| Register::new(at, name, "ro", 0, about).volatile()).collect()
}

/// Decides which addresses there are, counts frames, and passes the rest on to the core.
#[derive(Clone, Debug)]
pub struct Registers<'a> {
    pub name: String,
    /// The core's.
    pub core: &'a [Register],
    /// Whether the core has a programming port.
    pub programmed: bool,
}

impl Registers<'_> {
    pub fn all(&self) -> Vec<Register> {
        self.core.iter().cloned().chain(own(self.programmed)).collect()
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let mut m = Module::new(&self.name);
        m.doc(
            "Registers as seen over AXI4-Lite: those of the core, and counters of frames behind them. Says of each address whether \
             there is a register and whether it takes writes.",
        );
        for r in own(self.programmed) {
            m.fact(&format!("register 0x{:03x} {}", r.address, r.name), format!("{}, {}", r.access, r.description));
        }
        m.latency("1 clock from an address to its value, the core's included");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Register port");
        let addr = m.input("reg_addr_i", WORD_BITS);
        let write = m.input("reg_write_i", 1);
        let wdata = m.input("reg_wdata_i", 32);
        let rdata = m.output("reg_rdata_o", 32);
        let there = m.output_reg("reg_there_o", 1);
        let writable = m.output_reg("reg_writable_o", 1);
        m.group("The core's registers");
        let core_addr = m.output("core_addr_o", 8);
        let core_write = m.output("core_write_o", 1);
        let core_wdata = m.output("core_wdata_o", 32);
        let core_rdata = m.input("core_rdata_i", 32);
        m.group("Frames");
        let ends = m.input("frame_ends_i", 1);
        let bad = m.input("frame_bad_i", 1);
        let short = m.input("frame_short_i", 1);
        let port = self.programmed.then(|| {
            m.group("The core's programming port");
            let outs = [("valid", 1), ("write", 1), ("addr", 32), ("data", 32)];
            let ins = [("ready", 1), ("ack", 1), ("read", 32), ("error", 1)];
            let outs = outs.map(|(n, width)| m.output(&format!("prog_{n}_o"), width));
            (outs, ins.map(|(n, width)| m.input(&format!("prog_{n}_i"), width)))
        });

        m.section("What there is");
        let all = self.all();
        let is_there = any_of(&addr, &all, |_| true);
        let takes = any_of(&addr, &all, |r| r.access != "ro");
        let busy = self.programmed.then(|| {
            let q = m.reg("program_busy_q", 1);
            m.note("an access at the programming port is under way");
            q
        });
        let held = |q: &Expr| q & addr.slice(WORD_BITS - 1, 4).eq(&hex(WORD_BITS - 4, (PROGRAM_ADDRESS >> 4).into()));
        let takes = busy.as_ref().map_or(takes.clone(), |q| takes & !held(q));
        m.clocked(&clk, [set(&there, &is_there), set(&writable, &takes)]);
        m.section("The core's");
        let is_core = m.wire_is("is_core", &!addr.slice(WORD_BITS - 1, 8).any());
        m.assign(&core_addr, &addr.slice(7, 0));
        m.assign(&core_write, &(&write & &is_core));
        m.assign(&core_wdata, &wdata);
        m.section("The wrapper's own");
        let [frames, shorts, longs] = ["frames_q", "frames_short_q", "frames_long_q"].map(|name| m.reg(name, 32));
        let one = lit(32, 1);
        let zero = lit(32, 0);
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [set(&frames, &zero), set(&shorts, &zero), set(&longs, &zero)],
                [when(
                    &ends,
                    [
                        set(&frames, &(&frames + &one)),
                        when(&(&bad & &short), [set(&shorts, &(&shorts + &one))]),
                        when(&(&bad & !&short), [set(&longs, &(&longs + &one))]),
                    ],
                )],
            )],
        );
        let own_q = m.reg("own_q", 32);
        let core_q = m.reg("is_core_q", 1);
        let mut values = vec![(FRAMES, frames), (SHORT, shorts), (LONG, longs)];
        if let (Some(port), Some(busy)) = (&port, &busy) {
            values.extend(access(&mut m, (&clk, &rst_n), (&addr, &write, &wdata), port, busy));
        }
        let arms = values.iter().map(|(at, value)| (hex(WORD_BITS, (*at).into()), vec![set(&own_q, value)]));
        let none = vec![note("the core's, or not there"), set(&own_q, &zero)];
        m.clocked(&clk, [set(&core_q, &is_core), case(&addr, arms, none)]);
        m.assign(&rdata, &mux(&core_q, &core_rdata, &own_q));
        m.build()
    }
}

/// Accesses at the programming port, one at a time; what its registers are read as.
fn access(
    m: &mut Module,
    (clk, rst_n): (&Expr, &Expr),
    (addr, write, wdata): (&Expr, &Expr, &Expr),
    (outs, ins): &([Expr; 4], [Expr; 4]),
    busy: &Expr,
) -> Vec<(u32, Expr)> {
    m.section("Accesses at the programming port: a request, then its acknowledge");
    let (no, yes) = (lit(1, 0), lit(1, 1));
    let [ready, ack, read, error] = ins;
    let (address, data) = (m.reg("program_address_q", 32), m.reg("program_data_q", 32));
    let [asks, writes, failed] = ["program_asks_q", "program_writes_q", "program_error_q"].map(|n| m.reg(n, 1));
    let to = |at: u32| write & !busy & addr.eq(&hex(WORD_BITS, at.into()));
    let puts = m.wire_is("program_puts", &to(PROGRAM_DATA));
    let gets = m.wire_is("program_gets", &to(PROGRAM_READ));
    m.clocked(
        clk,
        [when_else(
            &!rst_n,
            [set(busy, &no), set(&asks, &no), set(&failed, &no), set(&address, &lit(32, 0)), set(&data, &lit(32, 0))],
            [
                when(&to(PROGRAM_ADDRESS), [set(&address, wdata)]),
                when_else(
                    &(&puts | &gets),
                    [set(busy, &yes), set(&asks, &yes), set(&writes, &puts)],
                    [
                        when(ready, [set(&asks, &no)]),
                        when(&(busy & ack), [set(busy, &no), set(&failed, error), set(&data, read)]),
                    ],
                ),
                when(&puts, [set(&data, wdata)]),
            ],
        )],
    );
    for (out, value) in outs.iter().zip([&asks, &writes, &address, &data]) {
        m.assign(out, value);
    }
    let status = cat([&lit(30, 0), &failed, busy]);
    vec![(PROGRAM_ADDRESS, address), (PROGRAM_DATA, data), (PROGRAM_STATUS, status)]
}

/// Whether `addr` is that of one of `registers` of this kind: a comparison a run of addresses.
fn any_of(addr: &Expr, registers: &[Register], kind: impl Fn(&Register) -> bool) -> Expr {
    let mut runs: Vec<(u32, u32)> = vec![];
    for at in registers.iter().filter(|r| kind(r)).map(|r| r.address) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == at => *last = at,
            _ => runs.push((at, at)),
        }
    }
    let word = |at: u32| hex(WORD_BITS, at.into());
    let within = |(first, last): (u32, u32)| match (first, last) {
        (first, last) if first == last => addr.eq(&word(first)),
        (0, last) => addr.le(&word(last)),
        (first, last) => addr.ge(&word(first)) & addr.le(&word(last)),
    };
    runs.into_iter().map(within).reduce(|a, b| a | b).unwrap_or(lit(1, 0))
}
