//! Registers of a design, and the start of its random streams.

use super::{RtlError, source, width_of};
use crate::net::{Random, Starts};
use crate::verilog::{
    Expr, Module, VerilogFile, case, cat, cat_lsb_first, hex, index_width, lit, mux, note, set, when, when_else,
};
use serde::Serialize;

/// A register as a host sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Register {
    /// In words of 32 bits.
    pub address: u32,
    pub name: String,
    /// "ro", "rw" or "wo".
    pub access: &'static str,
    /// Value after reset; of a register that the hardware changes, the first one.
    pub reset: u64,
    pub description: String,
    /// Whether the hardware changes it.
    pub volatile: bool,
    /// Bits that mean something, lowest first; all others are read as 0 and writing them does nothing.
    pub fields: Vec<Field>,
}

/// Bits of a register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Capital letters; "VALUE" where the register has one field only.
    pub name: String,
    pub lsb: u32,
    pub bits: u32,
    pub description: String,
}

impl Register {
    /// A register of one field of 32 bits.
    pub fn new(address: u32, name: &str, access: &'static str, reset: u64, description: &str) -> Register {
        let field = Field { name: "VALUE".into(), lsb: 0, bits: 32, description: description.into() };
        let (name, description) = (name.into(), description.into());
        Register { address, name, access, reset, description, volatile: false, fields: vec![field] }
    }

    /// The same with one field of so many bits.
    pub fn bits(mut self, bits: u32) -> Register {
        self.fields.iter_mut().for_each(|field| field.bits = bits);
        self
    }

    /// The same with flags of one bit, bit 0 first.
    pub fn flags(mut self, flags: &[(&str, &str)]) -> Register {
        let flag = |(lsb, (name, about)): (u32, &(&str, &str))| Field {
            name: name.to_string(),
            lsb,
            bits: 1,
            description: about.to_string(),
        };
        self.fields = (0..).zip(flags).map(flag).collect();
        self
    }

    /// The same, changed by the hardware.
    pub fn volatile(mut self) -> Register {
        self.volatile = true;
        self
    }
}

impl Field {
    /// Its bits in the register.
    pub fn mask(&self) -> u64 {
        ((1 << self.bits) - 1) << self.lsb
    }
}

/// "NSPN" in ASCII.
const ID: u128 = 0x4E53_504E;
const ADDRESS_BITS: u32 = 8;
const FIRST_CODE: u32 = 0x10;
const THRESHOLD: u32 = 0x0b;
const LEAD: u32 = 0x0c;
const FIRST_THRESHOLD: u32 = 0x80;

/// Registers, counters, and the machine that gives every stream its start state.
#[derive(Clone, Debug)]
pub struct Control {
    pub name: String,
    /// Dropout codes after reset, one a stochastic layer; none of a Gaussian source or an arbiter, which drop nothing.
    pub codes: Vec<Option<u32>>,
    /// Stochastic units: as many as layers that draw, but all with Scale-Dropout share one.
    pub streams: u32,
    pub passes: u32,
    pub max_passes: u32,
    pub lanes: u32,
    /// Root state of the draws after reset.
    pub root: u64,
    pub random: Random,
    /// Thresholds of the out-of-distribution flag after reset: none, one, or one a class.
    pub thresholds: Vec<u64>,
    /// Width of a threshold.
    pub threshold_bits: u32,
    /// Lead after reset by which passes end early, where they may.
    pub lead: Option<u32>,
    /// Whether the design has a programming port, which holds images back while it works.
    pub programmed: bool,
}

impl Control {
    /// The register map, from which hosts and documents are made.
    pub fn registers(&self) -> Vec<Register> {
        let register = Register::new;
        let code_bits = self.random.code_bits + 1;
        let mut map = vec![
            register(0x00, "ID", "ro", ID as u64, "\"NSPN\""),
            register(
                0x01,
                "CONTROL",
                "wo",
                0,
                "bit 0: restart (finish images in flight, take PASSES, ROOT and CODE over, start all streams anew, clear counters)",
            )
            .flags(&[("RESTART", "a 1 asks for a restart")]),
            register(0x02, "STATUS", "ro", 2, "bit 0: images in flight; bit 1: starting streams")
                .flags(&[
                    ("IN_FLIGHT", "images are in flight"),
                    ("STARTING", "the design loads its configuration or starts its streams, and takes no image"),
                ])
                .volatile(),
            register(
                0x03,
                "PASSES",
                "rw",
                u64::from(self.passes),
                "passes an image, 1 to MAX_PASSES; takes effect at a restart",
            ),
            register(0x04, "MAX_PASSES", "ro", u64::from(self.max_passes), "most passes an image"),
            register(0x05, "LANES", "ro", u64::from(self.lanes), "passes computed at once"),
            register(
                0x06,
                "ROOT_LO",
                "rw",
                self.root & 0xffff_ffff,
                "root state of the draws, bits 31 to 0; takes effect at a restart",
            ),
            register(
                0x07,
                "ROOT_HI",
                "rw",
                self.root >> 32,
                "root state of the draws, upper bits; a root of 0 counts as 1",
            ),
            register(0x08, "CYCLES_LO", "ro", 0, "clocks with images in flight since the last restart, bits 31 to 0")
                .volatile(),
            register(0x09, "CYCLES_HI", "ro", 0, "the same, bits 63 to 32").volatile(),
            register(0x0a, "IMAGES", "ro", 0, "results sent since the last restart").volatile(),
        ];
        if let Some(lead) = self.lead {
            map.push(register(
                LEAD,
                "LEAD",
                "rw",
                lead.into(),
                "early stop: by how much the largest sum of logits has to lead the second largest, for each block of passes so far; takes effect at once",
            ));
        }
        for (s, code) in (0u32..).zip(&self.codes) {
            let description = match code {
                Some(_) => format!(
                    "probability of dropping in stochastic layer {s}, in units of 2^-{}; takes effect at a restart",
                    self.random.code_bits
                ),
                None => format!("without effect: stochastic layer {s} drops nothing (Gaussian source or arbiter)"),
            };
            let name = format!("CODE{s}");
            let reset = u64::from(code.unwrap_or(0));
            map.push(register(FIRST_CODE + s, &name, "rw", reset, &description).bits(code_bits));
        }
        let times = if self.lead.is_some() { "" } else { ", times passes" };
        for (c, threshold) in (0u32..).zip(&self.thresholds) {
            let (name, of) = match self.thresholds.len() {
                1 => ("THRESHOLD".to_string(), String::new()),
                _ => (format!("THRESHOLD{c}"), format!(" of images decided as class {c}")),
            };
            let description = format!(
                "entropy{of}{times}, above which the flag is set; octaves in units of 2^-12; takes effect at once"
            );
            let register = register(self.threshold_address(c), &name, "rw", *threshold, &description);
            map.push(register.bits(self.threshold_bits));
        }
        map.sort_by_key(|r| r.address);
        map
    }

    fn threshold_address(&self, class: u32) -> u32 {
        if self.thresholds.len() == 1 { THRESHOLD } else { FIRST_THRESHOLD + class }
    }

    pub fn emit(&self) -> Result<Vec<VerilogFile>, RtlError> {
        let (width, code_bits) = (self.random.state_bits(), self.random.code_bits);
        let (units, layers) = (self.streams, self.codes.len() as u32);
        let thresholds = self.thresholds.len() as u32;
        if thresholds > 1 && (thresholds > 256 - FIRST_THRESHOLD || layers > FIRST_THRESHOLD - FIRST_CODE) {
            return Err(RtlError::Unsupported(format!(
                "{thresholds} thresholds and {layers} stochastic layers; the register block has room for {} and {}: use one threshold",
                256 - FIRST_THRESHOLD,
                FIRST_THRESHOLD - FIRST_CODE
            )));
        }
        if layers > 256 - FIRST_CODE {
            return Err(RtlError::Unsupported(format!(
                "{layers} stochastic layers; the register block has room for {}",
                256 - FIRST_CODE
            )));
        }
        let max_groups = self.max_passes / self.lanes;
        let group_bits = index_width(max_groups);
        let pass_bits = width_of(u64::from(self.max_passes));
        let mut m = Module::new(&self.name);
        m.doc("Registers of the design, and the machine that starts its random streams.");
        if units > 0 {
            m.doc(&format!(
                "Stream {} * t + s of the root state belongs to pass t of dropout unit s. A restart walks from each stream to \
                 the next{} and hands the states out.",
                units,
                if self.random.source.starts == Starts::Jumped { " by jumps of a fixed number of steps" } else { "" }
            ));
        }
        for r in self.registers() {
            m.fact(&format!("register 0x{:02x} {}", r.address, r.name), format!("{}, {}", r.access, r.description));
        }
        m.latency("1 clock from a register's address to its value");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Registers");
        let address = m.input("reg_addr_i", ADDRESS_BITS);
        let write = m.input("reg_write_i", 1);
        let data = m.input("reg_wdata_i", 32);
        let read = m.output_reg("reg_rdata_o", 32);
        m.note("of the address one clock before");
        m.group("Images");
        let accept = m.output("accept_o", 1);
        m.note("a new image may begin");
        let begins = m.input("image_begins_i", 1);
        let done = m.input("image_done_i", 1);
        let programming = self.programmed.then(|| {
            m.group("Programming port");
            let hold = m.input("hold_i", 1);
            m.note("no image may begin");
            let idle = m.output("idle_o", 1);
            m.note("no image is in flight");
            (hold, idle)
        });
        m.group("Passes");
        let last_group = m.output("last_group_o", group_bits);
        m.note("groups of passes an image has, less 1");
        let last_lanes = m.output("last_lanes_o", self.lanes);
        m.note("lanes that carry a pass in the last group");
        let threshold_out = (thresholds > 0).then(|| {
            m.group("Out-of-distribution flag");
            m.output("threshold_o", thresholds * self.threshold_bits)
        });
        let early = self.lead.map(|lead| {
            m.group("Early stop");
            let passes = m.output("passes_o", pass_bits);
            m.note("passes an image that does not stop");
            (lead, passes, m.output("lead_o", 32))
        });
        let streams = (units > 0).then(|| {
            m.group("Dropout units");
            let codes: Vec<Expr> = (0..layers).map(|s| m.output(&format!("code{s}_o"), code_bits + 1)).collect();
            let seed_unit = m.output("seed_valid_o", units);
            m.note("one-hot");
            let seed_lane = m.output("seed_lane_o", self.lanes);
            m.note("one-hot");
            let seed_group = m.output("seed_group_o", group_bits);
            let seed_state = m.output("seed_state_o", width);
            let begin = m.output("begin_o", 1);
            m.note("all streams have their start states");
            let ready = m.input("masks_ready_i", 1);
            (codes, seed_unit, seed_lane, seed_group, seed_state, begin, ready)
        });

        m.section("Configuration: as written, and as taken over by the last restart");
        let passes = m.reg("cfg_passes_q", pass_bits);
        let root = m.reg("cfg_root_q", 64);
        let hit = |at: u32| &write & address.eq(&hex(ADDRESS_BITS, u128::from(at)));
        let most = lit(32, u128::from(self.max_passes));
        let legal = mux(&data.any(), &mux(&data.gt(&most), &most, &data), &lit(32, 1));
        let legal = m.wire_is("legal_passes", &legal);
        if pass_bits < 32 {
            m.unused("unused_passes", &[&legal.slice(31, pass_bits)]);
        }
        let mut reset =
            vec![set(&passes, &lit(pass_bits, u128::from(self.passes))), set(&root, &hex(64, u128::from(self.root)))];
        let mut writes = vec![
            when(&hit(0x03), [set(&passes, &legal.bits(0, pass_bits))]),
            when(&hit(0x06), [set(&root.slice(31, 0), &data)]),
            when(&hit(0x07), [set(&root.slice(63, 32), &data)]),
        ];
        let mut cfg_codes = vec![];
        for (s, code) in (0u32..).zip(&self.codes) {
            let q = m.reg(&format!("cfg_code{s}_q"), code_bits + 1);
            reset.push(set(&q, &lit(code_bits + 1, u128::from(code.unwrap_or(0)))));
            writes.push(when(&hit(FIRST_CODE + s), [set(&q, &data.bits(0, code_bits + 1))]));
            cfg_codes.push(q);
        }
        let mut cfg_thresholds = vec![];
        for (c, threshold) in (0u32..).zip(&self.thresholds) {
            let q = m.reg(&format!("cfg_threshold{c}_q"), self.threshold_bits);
            reset.push(set(&q, &lit(self.threshold_bits, u128::from(*threshold))));
            writes.push(when(&hit(self.threshold_address(c)), [set(&q, &data.bits(0, self.threshold_bits))]));
            cfg_thresholds.push(q);
        }
        if let Some(out) = &threshold_out {
            m.assign(out, &cat_lsb_first(&cfg_thresholds));
        }
        let cfg_lead = early.as_ref().map(|(lead, _, out)| {
            let q = m.reg("cfg_lead_q", 32);
            reset.push(set(&q, &lit(32, u128::from(*lead))));
            writes.push(when(&hit(LEAD), [set(&q, &data)]));
            m.assign(out, &q);
            q
        });
        m.clocked(&clk, [when_else(&!&rst_n, reset, writes)]);

        m.section("Restart: wait for images in flight, load, start the streams, wait for the first masks");
        let (load, start, prime, run) = (lit(2, 0), lit(2, 1), lit(2, 2), lit(2, 3));
        let state = m.reg("state_q", 2);
        m.note("0 load, 1 start streams, 2 first masks, 3 run");
        let pending = m.reg("pending_q", 1);
        m.note("a restart was asked for");
        let flight = m.reg("in_flight_q", 16);
        let idle = m.wire_is("idle", &!flight.any());
        let running = m.wire_is("running", &state.eq(&run));
        let loading = m.wire_is("loading", &state.eq(&load));
        match &programming {
            Some((hold, idle_out)) => {
                m.assign(&accept, &(&running & !&pending & !hold));
                m.assign(idle_out, &idle);
            }
            None => m.assign(&accept, &(&running & !&pending)),
        }
        let started = m.wire("started", 1);
        let primed = match &streams {
            Some((.., ready)) => ready.clone(),
            None => lit(1, 1),
        };
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [set(&state, &load), set(&pending, &lit(1, 0)), set(&flight, &lit(16, 0))],
                [
                    when_else(
                        &(hit(0x01) & data.bit(0)),
                        [set(&pending, &lit(1, 1))],
                        [when(&loading, [set(&pending, &lit(1, 0))])],
                    ),
                    super::layer::count(&flight, &begins, &done),
                    case(
                        &state,
                        [
                            (load.clone(), vec![set(&state, &start)]),
                            (start.clone(), vec![when(&started, [set(&state, &prime)])]),
                            (prime.clone(), vec![when(&primed, [set(&state, &run)])]),
                        ],
                        vec![when(&(&pending & &idle), [set(&state, &load)])],
                    ),
                ],
            )],
        );

        m.section("Passes in groups of lanes");
        let run_passes = m.reg("passes_q", pass_bits);
        let (pass, group, lane) =
            (m.reg("pass_q", pass_bits), m.reg("group_q", group_bits), m.reg("lane_q", self.lanes));
        m.note("one-hot");
        let lanes_seen = m.reg("lanes_seen_q", self.lanes);
        let last_pass = (&pass + lit(pass_bits, 1)).eq(&run_passes);
        let last_pass = if units > 0 {
            let q = m.reg("last_pass_q", 1);
            m.note("between two states that are given there are two clocks");
            m.clocked(&clk, [set(&q, &last_pass)]);
            q
        } else {
            m.wire_is("last_pass", &last_pass)
        };
        let next_pass = m.wire("next_pass", 1);
        let first_lane = lit(self.lanes, 1);
        let wraps = lane.bit(self.lanes - 1);
        let lanes_next = if self.lanes > 1 {
            let rotated = cat([&lane.slice(self.lanes - 2, 0), &lane.bit(self.lanes - 1)]);
            let seen = cat([&lanes_seen.slice(self.lanes - 2, 0), &lit(1, 1)]);
            (rotated, mux(&wraps, &first_lane, &seen))
        } else {
            (first_lane.clone(), first_lane.clone())
        };
        m.clocked(
            &clk,
            [
                when(
                    &loading,
                    [
                        set(&run_passes, &passes),
                        set(&pass, &lit(pass_bits, 0)),
                        set(&group, &lit(group_bits, 0)),
                        set(&lane, &first_lane),
                        set(&lanes_seen, &first_lane),
                    ],
                ),
                when(
                    &next_pass,
                    [
                        set(&pass, &(&pass + lit(pass_bits, 1))),
                        set(&lane, &lanes_next.0),
                        set(&lanes_seen, &lanes_next.1),
                        when(&wraps, [set(&group, &(&group + lit(group_bits, 1)))]),
                    ],
                ),
            ],
        );
        m.assign(&last_group, &group);
        m.assign(&last_lanes, &lanes_seen);
        if let Some((_, out, _)) = &early {
            m.assign(out, &run_passes);
        }
        let starting = m.wire_is("starting", &state.eq(&start));

        let mut files = vec![];
        match streams {
            Some((codes, seed_unit, seed_lane, seed_group, seed_state, begin, _)) => {
                m.section("Streams: hand out a state, jump to the next stream, and so on");
                let jumper = source::jump(&self.random)?;
                let unit = m.reg("unit_q", units);
                m.note("one-hot");
                let jumping = m.wire("jumping", 1);
                let stream = m.wire("stream_state", width);
                let asked = m.reg("asked_q", 1);
                m.note("a state was loaded or given in the last clock");
                let give = m.wire_is("give", &(&starting & !&jumping & !&asked));
                let last_unit = m.wire_is("last_unit", &unit.bit(units - 1));
                m.assign(&next_pass, &(&give & &last_unit & !&last_pass));
                m.assign(&started, &(&give & &last_unit & &last_pass));
                let jump = m.wire_is("jump", &(&give & !&started));
                let begin_q = m.reg("begin_q", 1);
                let after =
                    if units > 1 { cat([&unit.slice(units - 2, 0), &unit.bit(units - 1)]) } else { unit.clone() };
                m.clocked(
                    &clk,
                    [
                        set(&begin_q, &(&rst_n & &started)),
                        set(&asked, &(&rst_n & (&give | &loading))),
                        when_else(&loading, [set(&unit, &lit(units, 1))], [when(&give, [set(&unit, &after)])]),
                    ],
                );
                let low = m.wire_is("root", &root.bits(0, width));
                let seed = source::legal(&mut m, &self.random, &low);
                let seed = m.wire_is("root_or_1", &seed);
                if width < 64 {
                    m.unused("unused_root", &[&root.slice(63, width)]);
                }
                m.instance(
                    "u_jump",
                    jumper.header(),
                    &[
                        ("clk_i", &clk),
                        ("load_i", &loading),
                        ("seed_i", &seed),
                        ("start_i", &jump),
                        ("busy_o", &jumping),
                        ("state_o", &stream),
                    ],
                );
                files.push(jumper);
                m.assign(&seed_unit, &(&unit & crate::verilog::repeat(units, &give)));
                m.assign(&seed_lane, &lane);
                m.assign(&seed_group, &group);
                m.assign(&seed_state, &stream);
                m.assign(&begin, &begin_q);
                for (s, (cfg, out)) in cfg_codes.iter().zip(&codes).enumerate() {
                    let q = m.reg(&format!("code{s}_q"), code_bits + 1);
                    m.clocked(&clk, [when(&loading, [set(&q, cfg)])]);
                    m.assign(out, &q);
                }
            }
            None => {
                m.assign(&next_pass, &(&starting & !&last_pass));
                m.assign(&started, &(&starting & &last_pass));
            }
        }

        m.section("Counters and reads");
        let cycles = m.reg("cycles_q", 64);
        let images = m.reg("images_q", 32);
        m.clocked(
            &clk,
            [when_else(
                &(!&rst_n | &loading),
                [set(&cycles, &lit(64, 0)), set(&images, &lit(32, 0))],
                [
                    when(&!&idle, [set(&cycles, &(&cycles + lit(64, 1)))]),
                    when(&done, [set(&images, &(&images + lit(32, 1)))]),
                ],
            )],
        );
        let mut values: Vec<(u32, Expr)> = vec![
            (0x00, hex(32, ID)),
            (0x02, cat([&lit(30, 0), &!&running, &!&idle])),
            (0x03, passes.zext(32)),
            (0x04, lit(32, u128::from(self.max_passes))),
            (0x05, lit(32, u128::from(self.lanes))),
            (0x06, root.slice(31, 0)),
            (0x07, root.slice(63, 32)),
            (0x08, cycles.slice(31, 0)),
            (0x09, cycles.slice(63, 32)),
            (0x0a, images.clone()),
        ];
        values.extend(cfg_lead.map(|q| (LEAD, q)));
        values.extend((0u32..).zip(&cfg_codes).map(|(s, q)| (FIRST_CODE + s, q.zext(32))));
        values.extend((0u32..).zip(&cfg_thresholds).map(|(c, q)| (self.threshold_address(c), q.zext(32))));
        let arms = values.into_iter().map(|(at, value)| (hex(ADDRESS_BITS, u128::from(at)), vec![set(&read, &value)]));
        m.clocked(&clk, [case(&address, arms, vec![note("write-only or not there"), set(&read, &lit(32, 0))])]);
        files.push(m.build()?);
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_without_effect_says_so() {
        let control = Control {
            name: "example".into(),
            lead: None,
            programmed: false,
            codes: vec![Some(26), None],
            streams: 2,
            passes: 4,
            max_passes: 8,
            lanes: 2,
            root: 1,
            random: Random::new(32, 8),
            thresholds: vec![],
            threshold_bits: 0,
        };
        let registers = control.registers();
        let of = |name: &str| registers.iter().find(|r| r.name == name).map(|r| (r.reset, r.description.as_str()));
        let (reset, told) = of("CODE0").unwrap();
        assert!(reset == 26 && told.starts_with("probability of dropping in stochastic layer 0"), "{reset}, {told}");
        let (reset, told) = of("CODE1").unwrap();
        assert!(reset == 0 && told.starts_with("without effect"), "{reset}, {told}");
        assert!(control.emit().is_ok());
    }
}
