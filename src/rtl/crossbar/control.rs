//! What a layer's sequencer says to the lanes of its array, each in its clock.

use super::element::late;
use super::{Converter, Crossbar};
use crate::rtl::scan::{counter, delayed, delayed_event};
use crate::verilog::{Expr, Memory, Module, cat_lsb_first, index_width, lit, mux, repeat, set, when, when_else};

/// The sequencer of a layer, in the clock of an address.
pub struct Sequence<'a> {
    pub clk: &'a Expr,
    pub rst_n: &'a Expr,
    pub busy: &'a Expr,
    /// Word of a neuron, and whether it is the last.
    pub word: &'a Expr,
    pub last_word: &'a Expr,
    /// Group of neurons.
    pub neurons: &'a Expr,
    pub neurons_done: &'a Expr,
    pub frame_done: &'a Expr,
    /// Bit plane, where there are several, and whether it is the first, which is the highest.
    pub plane: Option<(&'a Expr, &'a Expr)>,
    /// Keys of all lanes' next pass, where reads err.
    pub key: Option<&'a Expr>,
}

impl Crossbar {
    /// Ports of the lanes, without those of their buffers; and when a neuron's sum is there. `key_i` is one word a lane.
    pub fn control(&self, m: &mut Module, s: &Sequence) -> (Vec<(&'static str, Expr)>, Expr) {
        let (clk, rst_n) = (s.clk, s.rst_n);
        let (pe, bits, added) = (self.plan.pe as u32, self.sum_bits(), self.added());
        let (groups, at_once) = (self.groups(), self.at_once());
        let positions = self.plan.positions() as u32;
        let mut ports = vec![];
        m.section("Word-line groups, and the control of their sums");
        let all_groups = groups.next_multiple_of(at_once);
        let group = m.reg("word_line_group_q", index_width(all_groups.max(2)));
        m.note("the first of the word, or that of which it is a part");
        let none = lit(group.width(), 0);
        let next = &group + lit(group.width(), u128::from(at_once) % (1 << group.width()));
        let (group_ends, of_group) = match self.span() {
            1 => (None, None),
            span => {
                let part = m.reg("part_of_group_q", index_width(span));
                let last = part.eq(&lit(part.width(), u128::from(span - 1))) | s.last_word;
                let last = m.wire_is("group_ends", &last);
                let zero = lit(part.width(), 0);
                let after = mux(&last, &zero, &(&part + lit(part.width(), 1)));
                m.clocked(clk, [when_else(&!s.busy, [set(&part, &zero)], [set(&part, &after)])]);
                (Some(last), Some(part))
            }
        };
        let stepped = match &group_ends {
            Some(ends) => vec![when(ends, [set(&group, &next)])],
            None => vec![set(&group, &next)],
        };
        m.clocked(clk, [when_else(&(!s.busy | s.last_word), [set(&group, &none)], stepped)]);
        if let Some(part) = &of_group {
            let begins = m.wire_is("group_begins", &!part.any());
            ports.push(("group_begins_i", delayed(m, clk, "group_begins", &begins, Self::FETCHED + 1)));
        }
        let first = m.wire_is("first_group", &!group.any());
        let begins = match s.plane {
            Some((_, is_top)) => m.wire_is("neuron_begins", &(&first & is_top)),
            None => first.clone(),
        };
        ports.push(("begin_i", delayed(m, clk, "begins", &begins, added)));
        if let Some((_, is_top)) = s.plane {
            let shifts = m.wire_is("plane_begins", &(&first & !is_top));
            ports.push(("shift_i", delayed(m, clk, "shifts", &shifts, added)));
            if self.negates() {
                let top = delayed(m, clk, "top", is_top, Self::FETCHED);
                ports.push(("negate_i", delayed(m, clk, "negates", &top, added - Self::FETCHED)));
                ports.push(("top_i", top));
            }
        }
        if let Some(ends) = &group_ends {
            let step = m.wire_is("group_done_now", &(s.busy & ends));
            ports.push(("step_i", delayed_event(m, clk, rst_n, "step", &step, added)));
        }
        if self.gains_differ() {
            let words = self.plan.words() as u32;
            let each = at_once * Converter::GAIN_BITS;
            let rom = m.memory(Memory::new("gains", each, words).distributed().file(&self.gains_file()));
            let at = late(m, clk, "gain_at", s.word, self.erred() - 1);
            let gains = m.reg("gains_q", each);
            m.clocked(clk, [set(&gains, &rom.word(&at))]);
            ports.push(("gain_i", gains));
        }
        let start = match self.array.offsets {
            true => {
                let beats = self.plan.groups() as u32;
                let rom = m.memory(Memory::new("offsets", pe * bits, beats).file(&self.starts_file()));
                let at = late(m, clk, "offset_at", s.neurons, added - 1);
                let start = m.reg("start_q", pe * bits);
                m.clocked(clk, [set(&start, &rom.word(&at))]);
                start
            }
            false => repeat(pe, &lit(bits, self.array.most.into())),
        };
        ports.push(("start_i", start));
        if let Some(key) = s.key {
            m.section("Reads are numbered: position, neuron, word-line group");
            let key_q = m.reg("key_q", key.width());
            m.note("those of the passes in work");
            let reads = u64::from(positions) * self.plan.outputs as u64 * u64::from(groups);
            let origin_bits = super::super::width_of(reads).clamp(1, 32);
            let origin = m.reg("first_read_q", origin_bits);
            m.note("of the neurons in work");
            let each = lit(origin_bits, (u128::from(pe) * u128::from(groups)) % (1 << origin_bits));
            let ends = match positions {
                1 => s.frame_done.clone(),
                _ => {
                    let (at, last) = counter(m, (clk, rst_n), "position", positions, s.frame_done);
                    m.unused("unused_position", &[&at]);
                    m.wire_is("pass_done", &(s.frame_done & last))
                }
            };
            let zero = lit(origin_bits, 0);
            m.clocked(
                clk,
                [
                    when(&!s.busy, [set(&key_q, key)]),
                    when_else(
                        &(!rst_n | &ends),
                        [set(&origin, &zero)],
                        [when(s.neurons_done, [set(&origin, &(&origin + each))])],
                    ),
                ],
            );
            let read = m.wire_is("read", &(origin.zext(32) + group.zext(32)));
            let read = match s.plane {
                Some((plane, _)) => {
                    let high = m.wire_is("of_plane", &plane.zext(4));
                    m.wire_is("read_of_plane", &(read + crate::verilog::cat([&high, &lit(28, 0)])))
                }
                None => read,
            };
            let numbers: Vec<Expr> = (0..pe)
                .flat_map(|p| (0..at_once).map(move |k| p * groups + k))
                .map(|more| &read + lit(32, more.into()))
                .collect();
            let number = m.reg("number_q", 32 * numbers.len() as u32);
            m.clocked(clk, [set(&number, &cat_lsb_first(numbers))]);
            ports.extend([("number_i", number), ("key_i", key_q)]);
        }
        let valid = delayed_event(m, clk, rst_n, "valid", s.neurons_done, self.latency());
        (ports, valid)
    }
}
