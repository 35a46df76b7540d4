//! The stochastic unit of a layer: in every lane a random stream, and what its draws decide, ahead of the layer.

use super::draws::draws_at_once;
use super::mtj::{Beat, Leaves, Mtj, Sizes};
use super::scan::tree;
use super::source;
use super::{MemoryImage, RtlError};
use crate::leaf;
use crate::net::Random;
use crate::verilog::{Expr, Memory, Module, VerilogFile, cat, index_width, lit, mux, set, when, when_else};

/// Most draws of a clock that come one from the other.
const CHAIN: u32 = 8;

/// What a draw is made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One bit: 0 with a run-time probability.
    Dropout,
    /// How many of so many bits are 1: Gaussian, nearly.
    Gaussian { bits: u32 },
    /// One of so many crossbars.
    Arbiter { crossbars: u32 },
    /// Nothing: the draws of a beat are the key of a pass's read errors.
    Key,
}

/// How the draws of a clock come from a state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comes {
    OneByOne,
    AtOnce,
}

/// What `count` draws a beat decide, for `lanes` passes at once.
#[derive(Clone, Debug)]
pub struct Unit {
    pub kind: Kind,
    /// Draws of a beat.
    pub count: u32,
    /// Draws a clock; divides `count`.
    pub draws: u32,
    /// Codes that draws are compared with: 1, or one for each draw of a beat.
    pub codes: u32,
    pub beats: u32,
    /// The draws of a frame's first beat hold for all its beats.
    pub holds: bool,
    pub lanes: u32,
    /// Most groups of `lanes` passes an image can have.
    pub max_groups: u32,
    /// Early stop: the first group may begin again at any time.
    pub rewinds: bool,
    pub random: Random,
    /// What its dropout units are, where they are no ideal ones.
    pub mtj: Option<Mtj>,
}

impl Unit {
    fn prefix(&self) -> String {
        match self.kind {
            Kind::Dropout if self.codes > 1 => format!("ns_scale{}", self.codes),
            Kind::Dropout => "ns_dropout".into(),
            Kind::Gaussian { bits } => format!("ns_gaussian{bits}"),
            Kind::Arbiter { crossbars } => format!("ns_arbiter{crossbars}"),
            Kind::Key => "ns_key".into(),
        }
    }

    pub fn lane_name(&self) -> String {
        if let Some(mtj) = &self.mtj {
            return format!("{}_lane", mtj.name);
        }
        let r = &self.random;
        let rewinds = if self.rewinds { "_rewinds" } else { "" };
        let (prefix, tag) = (self.prefix(), source::tag(r));
        let (count, draws, groups) = (self.count, self.draws, self.max_groups);
        format!("{prefix}_lane{rewinds}{tag}_{count}x{draws}_{groups}_{}_{}", r.state_bits(), r.code_bits)
    }

    /// Bits of what one draw is made into.
    pub fn width(&self) -> u32 {
        match self.kind {
            Kind::Dropout => 1,
            Kind::Gaussian { bits } => index_width(bits + 1),
            Kind::Arbiter { crossbars } => index_width(crossbars),
            Kind::Key => self.random.code_bits,
        }
    }

    /// Name of the output port, and what stands there.
    pub fn output(&self) -> (&'static str, &'static str) {
        match self.kind {
            Kind::Dropout => ("live_o", "0 where dropped"),
            Kind::Gaussian { .. } => ("ones_o", "ones among the bits of each draw"),
            Kind::Arbiter { .. } => ("choice_o", "the crossbar of each pass"),
            Kind::Key => ("key_o", "draws of each pass, the first one lowest"),
        }
    }

    pub fn name(&self) -> String {
        if let Some(mtj) = &self.mtj {
            return mtj.name.clone();
        }
        let r = &self.random;
        let held = if self.holds { "_held" } else { "" };
        let rewinds = if self.rewinds { "_rewinds" } else { "" };
        format!(
            "{}{held}{rewinds}{}_{}x{}x{}_{}_{}_{}_{}",
            self.prefix(),
            source::tag(r),
            self.count,
            self.draws,
            self.lanes,
            self.beats,
            self.max_groups,
            r.state_bits(),
            r.code_bits
        )
    }

    /// Clocks in which a beat is drawn.
    pub fn clocks(&self) -> u32 {
        self.count / self.draws
    }

    fn group_bits(&self) -> u32 {
        index_width(self.max_groups)
    }

    fn sizes(&self) -> Sizes {
        let beats = if self.holds { 1 } else { self.beats };
        Sizes { count: self.count, draws: self.draws, beats, max_groups: self.max_groups, random: self.random }
    }

    /// The table of units that are devices.
    pub fn table(&self) -> Option<MemoryImage> {
        self.mtj.as_ref()?.table(self.sizes())
    }

    pub fn emit(&self) -> Result<Vec<VerilogFile>, RtlError> {
        let at_once = if self.drawn() > CHAIN { draws_at_once(&self.random, self.drawn())? } else { None };
        let comes = if at_once.is_some() { Comes::AtOnce } else { Comes::OneByOne };
        let mut files = vec![at_once.map_or_else(|| source::leap(&self.random), Ok)?];
        let k = self.random.code_bits;
        let mut leaves = None;
        if let Some(mtj) = &self.mtj {
            let cycle = mtj.device.cycle.map(|_| leaf::mtj_cycle(k)).transpose()?;
            let set = leaf::mtj_set(k)?;
            files.extend([&set].into_iter().chain(&cycle).cloned());
            leaves = Some((mtj, Leaves { set, cycle }));
        } else if self.kind == Kind::Dropout {
            files.push(leaf::dropout_unit(k)?);
        }
        let lane = self.emit_lane(&files, comes, leaves)?;
        let shared = self.emit_shared(&lane)?;
        files.extend([lane, shared]);
        Ok(files)
    }

    /// Draws of the register in a clock.
    fn drawn(&self) -> u32 {
        self.draws * self.mtj.as_ref().map_or(1, Mtj::each)
    }

    /// What draw `d` is made into.
    fn decide(&self, m: &mut Module, unit: Option<&VerilogFile>, d: u32, drawn: &Expr, code: Option<&Expr>) -> Expr {
        match (self.kind, unit, code) {
            (Kind::Gaussian { bits }, ..) => {
                let width = self.width();
                let ones = (0..bits).map(|b| drawn.bit(b).zext(width)).collect();
                if bits < drawn.width() {
                    m.unused(&format!("unused_draw{d}"), &[&drawn.slice(drawn.width() - 1, bits)]);
                }
                m.wire_is(&format!("ones{d}"), &tree(ones))
            }
            (Kind::Arbiter { crossbars }, ..) => {
                let width = self.width();
                let total = drawn.width() + width;
                let product =
                    m.wire_is(&format!("scaled{d}"), &drawn.mul(&lit(width + 1, u128::from(crossbars)), total + 1));
                m.unused(&format!("unused_scaled{d}"), &[&product.bits(0, drawn.width()), &product.bit(total)]);
                product.bits(drawn.width(), width)
            }
            (Kind::Dropout, Some(unit), Some(code)) => {
                let alive = m.wire(&format!("live{d}"), 1);
                m.instance(
                    &format!("u_unit{d}"),
                    unit.header(),
                    &[("draw_i", &drawn.zext(code.width())), ("code_i", code), ("live_o", &alive)],
                );
                alive
            }
            (Kind::Key, ..) => drawn.clone(),
            (Kind::Dropout, ..) => lit(1, 1),
        }
    }

    fn emit_lane(
        &self,
        leaves: &[VerilogFile],
        comes: Comes,
        devices: Option<(&Mtj, Leaves)>,
    ) -> Result<VerilogFile, RtlError> {
        let (source, unit) = (&leaves[0], leaves.get(1));
        let (width, code_bits) = (self.random.state_bits(), self.random.code_bits);
        let mut m = Module::new(&self.lane_name());
        let (what, rule) = match self.kind {
            Kind::Dropout => ("Dropout", "A draw below the code drops its neuron.".to_string()),
            Kind::Gaussian { bits } => (
                "Gaussian source",
                format!("The ones among the lowest {bits} bits of a draw are counted: binomial, nearly Gaussian."),
            ),
            Kind::Arbiter { crossbars } => {
                ("Arbiter", format!("A draw, scaled to 0 to {}, chooses the crossbar of the pass.", crossbars - 1))
            }
            Kind::Key => ("Key of read errors", "The draws are the key as they are.".to_string()),
        };
        m.doc(&format!(
            "{what} of one lane: {}, {} draws a clock. {rule} The state of every pass that this lane computes waits in a small \
             memory.",
            source::described(&self.random),
            self.draws
        ));
        if let Some((mtj, _)) = &devices {
            mtj.describe(&mut m, &self.random);
        }
        m.fact(if self.kind == Kind::Dropout { "neurons in a beat" } else { "draws in a beat" }, self.count);
        m.fact("draws a clock", self.draws);
        m.latency(&format!("{} clocks of draw_i for a beat", self.clocks()));
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        m.group("Streams");
        let seed = m.input("seed_i", 1);
        m.note("take the start state of a stream");
        let many = self.max_groups > 1;
        let groups = many.then(|| {
            let swap = m.input("swap_i", 1);
            m.note("put the state away and take up the next group's");
            let seed_group = m.input("seed_group_i", self.group_bits());
            let group = m.input("group_i", self.group_bits());
            let next = m.input("next_group_i", self.group_bits());
            let begin = self.rewinds.then(|| {
                let e = m.input("begin_i", 1);
                m.note("take up the first group's state");
                e
            });
            (swap, seed_group, group, next, begin)
        });
        let seed_state = m.input("seed_state_i", width);
        m.group("Draws");
        let draw = m.input("draw_i", 1);
        let codes = if self.codes > 1 { self.draws } else { 1 };
        let code =
            (self.kind == Kind::Dropout && devices.is_none()).then(|| m.input("code_i", codes * (code_bits + 1)));
        let each = self.width();
        let live = m.output_reg(self.output().0, self.count * each);
        let ports = devices.as_ref().map(|(mtj, _)| mtj.lane_ports(&mut m, self.sizes()));

        let state = m.reg("state_q", width);
        let (mut at, mut lives, mut after) = (state.clone(), vec![], vec![]);
        let of_each = self.drawn() / self.draws;
        let all = (comes == Comes::AtOnce).then(|| {
            let (next, all) = (m.wire("next_state", width), m.wire("draws", self.drawn() * code_bits));
            m.instance("u_draws", source.header(), &[("state_i", &at), ("next_o", &next), ("draws_o", &all)]);
            at = next;
            all
        });
        for d in 0..self.draws {
            let draws: Vec<Expr> = (d * of_each..(d + 1) * of_each)
                .map(|n| match &all {
                    Some(all) => all.bits(n * code_bits, code_bits),
                    None => {
                        let next = m.wire(&format!("state{}", n + 1), width);
                        let drawn = m.wire(&format!("draw{n}"), code_bits);
                        let ports = [("state_i", &at), ("next_o", &next), ("draw_o", &drawn)];
                        m.instance(&format!("u_leap{n}"), source.header(), &ports);
                        at = next;
                        drawn
                    }
                })
                .collect();
            if let (Some((mtj, leaves)), Some(ports)) = (&devices, &ports) {
                let (live, state) = mtj.decide(&mut m, leaves, (d, self.sizes()), ports, &draws);
                lives.push(live);
                after.extend(state);
                continue;
            }
            let code = code
                .as_ref()
                .map(|code| if codes > 1 { code.bits(d * (code_bits + 1), code_bits + 1) } else { code.clone() });
            lives.push(self.decide(&mut m, unit, d, &draws[0], code.as_ref()));
        }
        let drawn = cat(lives.iter().rev());
        let mask = if self.draws == self.count {
            drawn
        } else {
            cat([&drawn, &live.slice(self.count * each - 1, self.draws * each)])
        };
        m.clocked(&clk, [when(&draw, [set(&live, &mask)])]);
        if let (Some((mtj, _)), Some(ports)) = (&devices, &ports) {
            mtj.keep(&mut m, (&clk, &draw), self.sizes(), ports, &after);
        }
        match groups {
            Some((swap, seed_group, group, next, begin)) => {
                m.section("States of the passes of this lane, by group; the first group begins with its start state");
                let memory = m.memory(Memory::new("states", width, 1 << self.group_bits()));
                let write = m.wire_is("write", &(&seed | &swap));
                let address = m.wire_is("write_at", &mux(&seed, &seed_group, &group));
                let value = m.wire_is("value", &mux(&seed, &seed_state, &state));
                let first = m.wire_is("first", &(&seed & !seed_group.any()));
                let waiting = m.reg("waiting_q", width);
                m.note("there are two clocks between swaps");
                let mut draws = when_else(&swap, [set(&state, &waiting)], [when(&draw, [set(&state, &at)])]);
                if let Some(begin) = begin {
                    let kept = m.reg("first_state_q", width);
                    m.note("of the first group, to begin with again at any time");
                    let keeps = m.wire_is("keeps_first", &(&first | (&swap & !group.any())));
                    m.clocked(&clk, [when(&keeps, [set(&kept, &value)])]);
                    draws = when_else(&begin, [set(&state, &kept)], [draws]);
                }
                m.clocked(
                    &clk,
                    [
                        when(&write, [set(&memory.word(&address), &value)]),
                        set(&waiting, &memory.word(&next)),
                        when_else(&first, [set(&state, &seed_state)], [draws]),
                    ],
                );
            }
            None => m.clocked(&clk, [when_else(&seed, [set(&state, &seed_state)], [when(&draw, [set(&state, &at)])])]),
        }
        Ok(m.build()?)
    }

    fn emit_shared(&self, lane: &VerilogFile) -> Result<VerilogFile, RtlError> {
        let (width, code_bits, clocks) = (self.random.state_bits(), self.random.code_bits, self.clocks());
        let mut m = Module::new(&self.name());
        m.doc(match (self.kind, self.holds) {
            (Kind::Dropout, true) if self.codes > 1 => {
                "The one unit of all layers with Scale-Dropout: what is dropped in each of them in the next pass, drawn ahead of it, one \
                 layer after the other. A draw depends on the pass and the image alone: every pass has a stream of its own."
            }
            (Kind::Dropout, false) => {
                "Dropout unit of a layer (SpinDrop): the live mask of the layer's next beat, drawn ahead of it. A draw depends on \
                 the pass, the image and the neuron alone: every pass has a stream of its own, and every neuron takes one draw \
                 of it an image."
            }
            (Kind::Dropout, true) => {
                "Dropout unit of a layer: what is dropped in the layer's next frame, drawn ahead of it. A draw depends on the \
                 pass and the image alone: every pass has a stream of its own."
            }
            (Kind::Gaussian { .. }, _) => {
                "Gaussian source of a layer (sub-set inference): the ones of the layer's next beat, drawn ahead of it. A draw \
                 depends on the pass, the image and the neuron alone: every pass has a stream of its own."
            }
            (Kind::Key, _) => {
                "Key of a layer's read errors: the draws under which the reads of the next pass are hashed, drawn ahead of it. A draw \
                 depends on the pass and the image alone: every pass has a stream of its own."
            }
            (Kind::Arbiter { .. }, _) => {
                "Arbiter of a layer (SpinBayes): the crossbar that computes the next pass, drawn ahead of it. A draw depends on \
                 the pass and the image alone: every pass has a stream of its own."
            }
        });
        if let Some(mtj) = &self.mtj {
            mtj.describe(&mut m, &self.random);
        }
        m.fact(
            if self.kind == Kind::Dropout && !self.holds { "neurons in a beat" } else { "draws at once" },
            self.count,
        );
        m.fact("beats in a frame", self.beats);
        m.fact("lanes (passes at once)", self.lanes);
        m.fact("groups of passes, at most", self.max_groups);
        m.latency(&format!("{clocks} clocks from one beat to the draws of the next, {} between frames", clocks + 1));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Streams");
        let seed = m.input("seed_valid_i", 1);
        let seed_lane = m.input("seed_lane_i", self.lanes);
        m.note("one-hot");
        let many = self.max_groups > 1;
        let seed_group = many.then(|| m.input("seed_group_i", self.group_bits()));
        let seed_state = m.input("seed_state_i", width);
        let last_group = many.then(|| {
            let e = m.input("last_group_i", self.group_bits());
            m.note("groups of passes an image has, less 1");
            e
        });
        let begin = m.input("begin_i", 1);
        m.note("all streams have their start states");
        m.group("Draws");
        let code = (self.kind == Kind::Dropout).then(|| {
            let code = m.input("code_i", self.codes * (code_bits + 1));
            let each = if self.codes > 1 { "probabilities of dropping, one a draw" } else { "probability of dropping" };
            m.note(&format!("{each}, in units of 2^-{code_bits}"));
            code
        });
        let take = m.input("take_i", 1);
        m.note("the layer takes a beat");
        let ready = m.output("ready_o", 1);
        let (output, about) = self.output();
        let beat_width = self.count * self.width();
        let live = m.output(output, self.lanes * beat_width);
        m.note(about);

        let active = m.reg("active_q", 1);
        let left_bits = index_width(clocks + 1);
        let left = m.reg("left_q", left_bits);
        m.note("clocks of drawing left");
        let mut beats = None;
        let ends = if self.beats > 1 {
            let beat = m.reg("beat_q", index_width(self.beats));
            let last = m.reg("last_beat_q", 1);
            m.note("beat_q stands at the frame's last one");
            let (first, at_last) = (lit(beat.width(), 0), lit(beat.width(), u128::from(self.beats - 1)));
            let next = mux(&last, &first, &(&beat + lit(beat.width(), 1)));
            m.clocked(
                &clk,
                [when_else(
                    &begin,
                    [set(&beat, &first), set(&last, &lit(1, 0))],
                    [when(&take, [set(&beat, &next), set(&last, &next.eq(&at_last))])],
                )],
            );
            beats = Some((beat, next));
            m.wire_is("frame_ends", &(&take & &last))
        } else {
            m.wire_is("frame_ends", &take)
        };
        let within = if self.holds { lit(1, 0) } else { &take & !&ends };
        let drawing = m.wire_is("drawing", &(left.any() | &within));
        m.note("between frames, the state is swapped first");
        let some = |n: u32| lit(left_bits, u128::from(n));
        // A draw of one clock is always done when the layer asks again.
        m.assign(&ready, &if clocks > 1 { &active & left.le(&some(1)) } else { active.clone() });
        m.clocked(
            &clk,
            [
                when_else(&(!&rst_n | &seed), [set(&active, &lit(1, 0))], [when(&begin, [set(&active, &lit(1, 1))])]),
                when_else(
                    &(!&rst_n | &seed),
                    [set(&left, &some(0))],
                    [when_else(
                        &(&begin | &ends),
                        [set(&left, &some(clocks))],
                        [when_else(
                            &within,
                            [set(&left, &some(clocks - 1))],
                            [when(&left.any(), [set(&left, &(&left - some(1)))])],
                        )],
                    )],
                ),
            ],
        );
        let mut shared = vec![("clk_i", clk.clone()), ("seed_state_i", seed_state), ("draw_i", drawing.clone())];
        let code = code.map(|code| {
            if self.codes == 1 || self.draws == self.count {
                return code;
            }
            // One draw a clock: the one that `left` says has the code of its layer.
            let width = code_bits + 1;
            let of = |n: u32| code.bits(n * width, width);
            let chosen = (1..self.count).fold(of(0), |other, n| mux(&left.eq(&some(self.count - n)), &of(n), &other));
            m.wire_is("code_of_draw", &chosen)
        });
        if self.mtj.is_none() {
            shared.extend(code.iter().map(|code| ("code_i", code.clone())));
        }
        let (mut in_work, mut image_ends) = (None, ends.clone());
        if let (Some(last_group), Some(seed_group)) = (last_group, seed_group) {
            let bits = self.group_bits();
            // The next group stands in a register, since the memory of every lane is read by it.
            let (group, after) = (m.reg("group_q", bits), m.reg("next_group_q", bits));
            let several = m.reg("several_q", 1);
            m.note("a single group keeps its state");
            let zero = lit(bits, 0);
            let following = mux(&after.eq(&last_group), &zero, &(&after + lit(bits, 1)));
            let second = several.zext(bits);
            m.clocked(
                &clk,
                [
                    set(&several, &last_group.any()),
                    when_else(
                        &begin,
                        [set(&group, &zero), set(&after, &second)],
                        [when(&ends, [set(&group, &after), set(&after, &following)])],
                    ),
                ],
            );
            let swap = m.wire_is("swap", &(&ends & &several));
            if self.mtj.is_some() {
                in_work = Some(group.clone());
                image_ends = &ends & group.eq(&last_group);
            }
            shared.extend([("swap_i", swap), ("group_i", group), ("next_group_i", after)]);
            if self.rewinds {
                shared.push(("begin_i", begin.clone()));
            }
            shared.push(("seed_group_i", seed_group));
        }
        if let (Some(mtj), Some(code)) = (&self.mtj, code) {
            let sizes = self.sizes();
            let codes: Vec<Expr> =
                (0..code.width() / (code_bits + 1)).map(|n| code.bits(n * (code_bits + 1), code_bits + 1)).collect();
            let moved = (&clk, &begin, &drawing);
            shared.extend(mtj.targets(&mut m, moved, sizes, &codes, &image_ends));
            let beats = beats.filter(|_| !self.holds && mtj.device.cycle.is_some()).map(|(beat, next)| {
                let drawn = m.wire_is("beat_drawn", &mux(&within, &next, &beat));
                (beat, drawn)
            });
            let store = if self.holds { &ends } else { &take };
            let beat = Beat {
                group: in_work.as_ref(),
                beats: beats.as_ref().map(|(taken, drawn)| (taken, drawn)),
                left: (&left, &within),
            };
            shared.extend(mtj.states(&mut m, (&clk, &seed), sizes, beat, (store, &ends)));
        }
        m.generate_for("g_lane", "l", self.lanes, |m, l| {
            let seeded = &seed & seed_lane.at(l);
            let out = live.word(l, beat_width);
            let mut ports: Vec<(&str, &crate::verilog::Expr)> = shared.iter().map(|(n, e)| (*n, e)).collect();
            ports.extend([("seed_i", &seeded), (output, &out)]);
            m.instance("u_lane", lane.header(), &ports);
        });
        Ok(m.build()?)
    }
}
