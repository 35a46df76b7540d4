//! Dropout units that are devices (`docs/semantics.md` §8): what their stochastic unit has beside an ideal one.

use super::image::image_word;
use super::scan::tree;
use super::{MemoryImage, width_of};
use crate::net::{Device, Random, Walk};
use crate::verilog::{
    Expr, Memory, Module, VerilogFile, cat, cat_lsb_first, index_width, lit, mux, repeat, set, when, when_else,
};
use std::fmt::Write;

/// The devices of a stochastic unit.
#[derive(Clone, Debug)]
pub struct Mtj {
    /// `<design>_mtj<stream>`, after which modules and the table are called.
    pub name: String,
    pub device: Device,
}

/// Sizes of the unit that the devices stand in.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Draws of a beat, as of an ideal unit.
    pub count: u32,
    /// Units whose draws are made in a clock.
    pub draws: u32,
    /// Beats of a pass that are drawn for.
    pub beats: u32,
    pub max_groups: u32,
    pub random: Random,
}

impl Sizes {
    /// Clocks in which the draws of a pass are made: words of the table.
    fn words(&self) -> u32 {
        self.beats * (self.count / self.draws)
    }

    /// Bits of a code that has moved: signed, room for what a walk, a deviation and jitter add.
    pub fn target(&self) -> u32 {
        self.random.code_bits + 4
    }

    /// Bits of a deviation.
    fn deviation(&self) -> u32 {
        self.random.code_bits + 2
    }

    fn groups(&self) -> Option<u32> {
        (self.max_groups > 1).then(|| index_width(self.max_groups))
    }

    /// Bits of the address of a beat's states: group and beat, where there are several.
    fn address(&self) -> u32 {
        let beats = (self.beats > 1).then(|| index_width(self.beats));
        (self.groups().unwrap_or(0) + beats.unwrap_or(0)).max(1)
    }
}

/// Where the states of the junctions of a beat are, in the shared part of a unit.
pub struct Beat<'a> {
    /// The group of passes in work, where there are several.
    pub group: Option<&'a Expr>,
    /// Beats as they are taken and as they are drawn, where there are several.
    pub beats: Option<(&'a Expr, &'a Expr)>,
    /// Clocks of drawing that are left for the beat, and whether its first is this one though none is left.
    pub left: (&'a Expr, &'a Expr),
}

impl Mtj {
    /// Draws of a unit in a pass.
    pub fn each(&self) -> u32 {
        self.device.draws() as u32
    }

    fn has_table(&self) -> bool {
        !self.device.deviations.is_empty() || !self.device.stuck.is_empty()
    }

    fn table_file(&self) -> String {
        format!("{}_table.hex", self.name)
    }

    /// What a step of jitter moves, and how many random bits are counted.
    fn jitter(&self, random: &Random) -> Option<(u32, u32)> {
        (self.device.jitter > 0).then(|| (self.device.jitter, Device::jitter_bits(random.code_bits)))
    }

    /// What the header of a unit says.
    pub fn describe(&self, m: &mut Module, random: &Random) {
        let Device { deviations, stuck, walk, cycle, .. } = &self.device;
        m.doc(
            "Its units are devices, stochastic magnetic tunnel junctions: what each of them differs by from the code, and whether it is \
             stuck, is a table, the same for all lanes.",
        );
        let (n, unit) = (deviations.len(), format!("2^-{}", random.code_bits));
        if n > 0 {
            let mean = deviations.iter().map(|&d| f64::from(d)).sum::<f64>() / n as f64;
            let square = deviations.iter().map(|&d| (f64::from(d) - mean).powi(2)).sum::<f64>() / n as f64;
            let spread = square.sqrt();
            m.fact("deviations", format!("{n}, mean {mean:.1}, standard deviation {spread:.1}, in units of {unit}"));
        }
        if !stuck.is_empty() {
            let of = |v| stuck.iter().filter(|&&s| s == Some(v)).count();
            m.fact("stuck units", format!("{} of {} never switch, {} always do", of(false), stuck.len(), of(true)));
        }
        if let Some((step, bits)) = self.jitter(random) {
            m.fact(
                "jitter",
                format!("{step} times (ones among {bits} random bits - {}), in units of {unit}", bits / 2),
            );
        }
        if let Some(Walk { step, limit }) = walk {
            m.fact("walk", format!("{step} from image to image, within +-{limit}, in units of {unit}"));
        }
        if let Some(cycle) = cycle {
            let (reset, misread) = (cycle.reset, cycle.misread);
            m.fact(
                "cycle",
                format!("SET, READ, RESET; RESET succeeds with {reset}, READ errs with {misread}, in units of {unit}"),
            );
        }
        m.fact("random draws of a unit in a pass", self.each());
    }

    /// The table: word w has the units that are drawn for in clock w of a pass.
    pub fn table(&self, sizes: Sizes) -> Option<MemoryImage> {
        if !self.has_table() {
            return None;
        }
        let Device { deviations, stuck, .. } = &self.device;
        let mut text = format!(
            "// Dropout units as devices: {} words of {} units, unit 0 lowest.\n// Of each unit",
            sizes.words(),
            sizes.draws
        );
        if !deviations.is_empty() {
            let _ = write!(text, " its deviation from the code, {} bits, two's complement;", sizes.deviation());
        }
        if !stuck.is_empty() {
            text += " whether it is stuck, 1 bit, and where, 1 bit;";
        }
        text += "\n";
        // A memory has two words at least.
        for word in (0..sizes.words()).chain((sizes.words() == 1).then_some(0)) {
            let mut fields = vec![];
            for u in (word * sizes.draws..(word + 1) * sizes.draws).map(|u| u as usize) {
                fields.extend(deviations.get(u).map(|&d| (sizes.deviation(), i128::from(d))));
                fields.extend(stuck.get(u).map(|s| (1, i128::from(s.is_some()))));
                fields.extend(stuck.get(u).map(|s| (1, i128::from(*s == Some(true)))));
            }
            text += &image_word(&fields);
        }
        Some(MemoryImage { file: self.table_file(), text })
    }

    /// Ports of a lane beside those of an ideal one; returns the targets and whether units are stuck, and where.
    pub fn lane_ports(&self, m: &mut Module, sizes: Sizes) -> LanePorts {
        let targets = m.input("target_i", sizes.draws * sizes.target());
        m.note("codes with what moves them, signed, one a unit");
        let stuck = (!self.device.stuck.is_empty()).then(|| {
            let stuck = m.input("stuck_i", 2 * sizes.draws);
            m.note("whether each unit is stuck, and at what");
            stuck
        });
        let clocks = sizes.count / sizes.draws;
        let states = self.device.cycle.map(|_| {
            m.group("States of the junctions, by group of passes and beat");
            let fresh = m.input("fresh_i", 1);
            m.note("no image has been in this group yet: all are 0");
            let at = m.input("state_at_i", sizes.address());
            let part = (clocks > 1).then(|| m.input("part_i", index_width(clocks)));
            let store = m.input("store_i", 1);
            m.note("the beat is taken");
            let store_at = m.input("store_at_i", sizes.address());
            let memory = Memory::new("junctions", sizes.count, 1 << sizes.address()).distributed();
            (fresh, at, part, store, store_at, memory)
        });
        let (mut before, mut store) = (None, None);
        if let Some((fresh, at, part, now, store_at, memory)) = states {
            let memory = m.memory(memory);
            let read = m.wire_is("junctions_read", &memory.word(&at));
            let all = m.wire_is("junctions_before", &mux(&fresh, &lit(sizes.count, 0), &read));
            let mine = part.map_or(all.clone(), |part| m.wire_is("junctions_now", &all.word(&part, sizes.draws)));
            before = Some(mine);
            store = Some((memory, now, store_at));
        }
        LanePorts { targets, stuck, before, store }
    }

    /// What unit `d` of a clock decides by its draws: whether it is live, and its state afterwards.
    pub fn decide(
        &self,
        m: &mut Module,
        leaves: &Leaves,
        (d, sizes): (u32, Sizes),
        ports: &LanePorts,
        draws: &[Expr],
    ) -> (Expr, Option<Expr>) {
        let (code_bits, width) = (sizes.random.code_bits, sizes.target());
        let mut target = ports.targets.bits(d * width, width);
        let mut draws = draws.iter();
        let mut next = || draws.next().cloned().unwrap_or(lit(code_bits, 0));
        let set_draw = next();
        if let Some((step, bits)) = self.jitter(&sizes.random) {
            let drawn = next();
            if bits < code_bits {
                m.unused(&format!("unused_draw{d}"), &[&drawn.slice(code_bits - 1, bits)]);
            }
            let ones_bits = index_width(bits + 1);
            let ones = m.wire_is(&format!("ones{d}"), &tree((0..bits).map(|b| drawn.bit(b).zext(ones_bits)).collect()));
            let step = lit(width_of(u64::from(step)), u128::from(step));
            let shake = m.wire_is(&format!("shake{d}"), &ones.mul(&step, ones_bits + step.width()));
            target = m.wire_is(&format!("target{d}"), &(&target + shake.zext(width)));
        }
        let switches = m.wire(&format!("set{d}"), 1);
        m.instance(
            &format!("u_set{d}"),
            leaves.set.header(),
            &[("draw_i", &set_draw.zext(width)), ("target_i", &target), ("set_o", &switches)],
        );
        let stuck = ports.stuck.as_ref().map(|stuck| (stuck.bit(2 * d), stuck.bit(2 * d + 1)));
        let (Some(cycle), Some(leaf), Some(before)) = (self.device.cycle, &leaves.cycle, &ports.before) else {
            let drops = stuck.map_or(switches.clone(), |(stuck, at)| mux(&stuck, &at, &switches));
            return (m.wire_is(&format!("live{d}"), &!&drops), None);
        };
        let (live, after) = (m.wire(&format!("live{d}"), 1), m.wire(&format!("after{d}"), 1));
        let (stuck, stuck_at) = stuck.unwrap_or((lit(1, 0), lit(1, 0)));
        let (reset_draw, read_draw) = (next().zext(code_bits + 1), next().zext(code_bits + 1));
        let code = |code: u32| lit(code_bits + 1, u128::from(code));
        let ports = [
            ("set_i", &switches),
            ("stuck_i", &stuck),
            ("stuck_at_i", &stuck_at),
            ("state_i", &before.bit(d)),
            ("reset_draw_i", &reset_draw),
            ("read_draw_i", &read_draw),
            ("reset_i", &code(cycle.reset)),
            ("misread_i", &code(cycle.misread)),
            ("live_o", &live),
            ("state_o", &after),
        ];
        m.instance(&format!("u_cycle{d}"), leaf.header(), &ports);
        (live, Some(after))
    }

    /// Keeps the states of a beat in a lane until it is taken; `after` are those of this clock's units.
    pub fn keep(&self, m: &mut Module, (clk, draw): (&Expr, &Expr), sizes: Sizes, ports: &LanePorts, after: &[Expr]) {
        let Some((memory, store, store_at)) = &ports.store else { return };
        m.section("Junctions: what a beat that is drawn leaves them in is put away when it is taken");
        let kept = m.reg("after_q", sizes.count);
        let after = cat_lsb_first(after);
        let shifted =
            if sizes.draws == sizes.count { after } else { cat([&after, &kept.slice(sizes.count - 1, sizes.draws)]) };
        m.clocked(clk, [when(draw, [set(&kept, &shifted)]), when(store, [set(&memory.word(store_at), &kept)])]);
    }

    /// The codes of a clock's units with what moves them, and stuck units, in the shared part; `codes` are the units' own, or one for all.
    pub fn targets(
        &self,
        m: &mut Module,
        (clk, begin, drawing): (&Expr, &Expr, &Expr),
        sizes: Sizes,
        codes: &[Expr],
        image_ends: &Expr,
    ) -> Vec<(&'static str, Expr)> {
        m.section("Devices: what moves the codes");
        let width = sizes.target();
        let walk = self.device.walk.map(|walk| walked(m, clk, begin, image_ends, (walk, width)));
        // Half of the random bits are ones, in the mean.
        let middle = self.jitter(&sizes.random).map(|(step, bits)| lit(width, u128::from(step * (bits / 2))));
        let levels: Vec<Expr> = codes
            .iter()
            .enumerate()
            .map(|(n, code)| {
                let mut level = code.zext(width);
                level = walk.as_ref().map_or(level.clone(), |walk| level + walk);
                level = middle.as_ref().map_or(level.clone(), |middle| level - middle);
                m.wire_is(&format!("level{n}"), &level)
            })
            .collect();
        let word = self.has_table().then(|| {
            let deviation = if self.device.deviations.is_empty() { 0 } else { sizes.deviation() };
            let each = deviation + if self.device.stuck.is_empty() { 0 } else { 2 };
            let words = sizes.words();
            let table = m.memory(Memory::new("deviations", sizes.draws * each, words.max(2)).file(&self.table_file()));
            let bits = index_width(words);
            let q = m.reg("deviations_q", sizes.draws * each);
            m.note("of the units that are drawn for in this clock");
            let next = if words > 1 {
                let word = m.reg("word_q", bits);
                let last = m.wire_is("last_word", &word.eq(&lit(bits, u128::from(words - 1))));
                let after = mux(&last, &lit(bits, 0), &(&word + lit(bits, 1)));
                let next = mux(begin, &lit(bits, 0), &mux(drawing, &after, &word));
                let next = m.wire_is("next_word", &next);
                m.clocked(clk, [set(&word, &next)]);
                next
            } else {
                lit(bits, 0)
            };
            m.clocked(clk, [set(&q, &table.word(&next))]);
            (q, each, deviation)
        });
        let mut targets = vec![];
        let mut stuck = vec![];
        for d in 0..sizes.draws {
            let level = levels.get(d as usize).or(levels.first()).cloned().unwrap_or(lit(width, 0));
            let deviation = word.as_ref().filter(|(.., bits)| *bits > 0).map(|(q, each, bits)| q.bits(d * each, *bits));
            targets.push(match deviation {
                Some(deviation) => m.wire_is(&format!("target{d}"), &(level + deviation.sext(width))),
                None => level,
            });
            if let (Some((q, each, bits)), false) = (&word, self.device.stuck.is_empty()) {
                stuck.push(q.bits(d * each + bits, 2));
            }
        }
        let mut ports = vec![("target_i", cat_lsb_first(&targets))];
        ports.extend((!stuck.is_empty()).then(|| ("stuck_i", cat_lsb_first(&stuck))));
        ports
    }

    /// Where the lanes find and put the states of a beat.
    pub fn states(
        &self,
        m: &mut Module,
        (clk, seed): (&Expr, &Expr),
        sizes: Sizes,
        beat: Beat,
        (store, frame_ends): (&Expr, &Expr),
    ) -> Vec<(&'static str, Expr)> {
        if self.device.cycle.is_none() {
            return vec![];
        }
        m.section("Junctions: 0 in the first image of every group after a start");
        let fresh = m.reg("fresh_q", sizes.max_groups);
        let one = lit(sizes.max_groups, 1);
        let this = beat.group.map_or(one.clone(), |group| one.shl_by(group));
        let all = repeat(sizes.max_groups, &lit(1, 1));
        m.clocked(clk, [when_else(seed, [set(&fresh, &all)], [when(frame_ends, [set(&fresh, &(&fresh & !this))])])]);
        let address = |beat_at: Option<&Expr>| match (beat.group, beat_at) {
            (Some(group), Some(beat)) => cat([group, beat]),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => lit(1, 0),
        };
        let (taken, drawn) = (beat.beats.map(|b| b.0), beat.beats.map(|b| b.1));
        let mut ports = vec![
            ("fresh_i", m.wire_is("fresh", &beat.group.map_or(fresh.clone(), |group| fresh.at(group)))),
            ("state_at_i", m.wire_is("state_at", &address(drawn))),
            ("store_i", store.clone()),
            ("store_at_i", m.wire_is("store_at", &address(taken))),
        ];
        let clocks = sizes.count / sizes.draws;
        if clocks > 1 {
            let (left, first) = beat.left;
            let part = lit(left.width(), u128::from(clocks)) - left;
            let part = m.wire_is("parts_done", &mux(first, &lit(left.width(), 0), &part));
            let bits = index_width(clocks);
            if bits < part.width() {
                m.unused("unused_parts", &[&part.slice(part.width() - 1, bits)]);
            }
            ports.push(("part_i", part.bits(0, bits)));
        }
        ports
    }
}

/// Leaves of a lane with devices.
pub struct Leaves {
    pub set: VerilogFile,
    pub cycle: Option<VerilogFile>,
}

/// What comes to a lane with devices.
pub struct LanePorts {
    targets: Expr,
    stuck: Option<Expr>,
    /// States of this clock's units.
    before: Option<Expr>,
    /// Memory of the states, when a beat's are put there, and where.
    store: Option<(Memory, Expr, Expr)>,
}

/// How far codes have walked, `width` bits signed: up to a limit, down to its negative, and back, a step an image.
fn walked(m: &mut Module, clk: &Expr, begin: &Expr, image_ends: &Expr, (walk, width): (Walk, u32)) -> Expr {
    let (step, limit) = (u128::from(walk.step), u128::from(walk.limit));
    let way = m.reg("way_q", width);
    m.note("steps on the way up, down and back, modulo its length");
    let walk = m.reg("walk_q", width);
    let number = |v: u128| lit(width, v);
    let on = m.wire_is("way_on", &(&way + number(step)));
    let wraps = on.ge(&number(4 * limit));
    let next = mux(begin, &number(0), &mux(&wraps, &(&on - number(4 * limit)), &on));
    let next = m.wire_is("way_next", &next);
    let falls = number(2 * limit) - &next;
    let back = &next - number(4 * limit);
    let value = mux(&next.le(&number(limit)), &next, &mux(&next.le(&number(3 * limit)), &falls, &back));
    m.clocked(clk, [when(&(begin | image_ends), [set(&way, &next), set(&walk, &value)])]);
    walk
}
