//! Sums as later blocks add and compare them: from matches to sums that are never negative.

use super::logits::doubled;
use super::scan::{counter, delayed_event};
use super::writable::Writable;
use super::{image_word, signed_width, width_of};
use crate::net::{PoolKind, Weights};
use crate::plan::LayerPlan;
use crate::verilog::{
    Expr, Memory, Module, VerilogError, VerilogFile, cat_lsb_first, index_width, lit, mux, repeat, set, when, when_else,
};

/// Makes `sum + most` of what a layer counts.
#[derive(Clone, Debug)]
pub struct Sums<'a> {
    pub name: String,
    pub weights: &'a Weights,
    pub plan: LayerPlan,
    pub lanes: u32,
    /// Input values of the layer are two's complement.
    pub signed: bool,
    /// Largest magnitude of a sum.
    pub most: u64,
    /// Whether a host can write the offsets.
    pub writable: bool,
}

/// What has to be taken from `2 * matches + odd`, or from matches alone with bit planes of inputs, to have the sum of neuron `neuron`.
pub fn offset(plan: &LayerPlan, weights: &Weights, signed: bool, neuron: usize) -> i128 {
    offset_of(plan, weights, signed, i128::from(weights.row_sum(neuron)))
}

/// The least and the greatest that this can be, whatever the weights.
pub fn offset_range(plan: &LayerPlan, weights: &Weights, signed: bool) -> [i128; 2] {
    let all = plan.inputs as i128 * i128::from(weights.most());
    let mut ends = [-all, all].map(|sum| offset_of(plan, weights, signed, sum));
    ends.sort_unstable();
    ends
}

/// The same where the neuron's weights add up to `sum`.
fn offset_of(plan: &LayerPlan, weights: &Weights, signed: bool, sum: i128) -> i128 {
    let all = plan.inputs as i128 * i128::from(weights.most());
    if plan.planes == 1 {
        return all;
    }
    let sign = if signed { sum << (plan.planes - 1) } else { 0 };
    ((1 << plan.planes) - 1) * ((all - sum) / 2) + sign
}

/// Clocks from a beat of matches to what neurons decide on, pooling not counted.
pub fn latency(plan: &LayerPlan) -> usize {
    let added = plan.summed.map(|sums| Sums::clocks(plan) + if sums.adds.is_some() { super::skip::LATENCY } else { 0 });
    added.unwrap_or(0)
}

impl Sums<'_> {
    /// None on an array, whose sums are as they have to be.
    fn clocks(plan: &LayerPlan) -> usize {
        if plan.array.is_some() {
            return 0;
        }
        if plan.planes == 1 { 1 } else { 2 }
    }

    /// Bits of `sum + most`.
    pub fn bits(most: u64) -> u32 {
        width_of(2 * most)
    }

    pub fn offsets_file(&self) -> String {
        format!("{}_offsets.hex", self.name)
    }

    fn offset(&self, neuron: usize) -> i128 {
        i128::from(self.most) - offset(&self.plan, self.weights, self.signed, neuron)
    }

    fn offset_bits(&self) -> u32 {
        let most = i128::from(self.most);
        let range = offset_range(&self.plan, self.weights, self.signed).map(|offset| most - offset);
        let own: Vec<i128> = (0..self.plan.outputs).map(|o| self.offset(o)).collect();
        if self.writable { &range[..] } else { &own }.iter().map(|&o| signed_width(o)).max().unwrap_or(1)
    }

    /// The offsets as a host writes them; only with bit planes of inputs.
    pub fn memory(&self) -> Option<Writable> {
        let (rows, slices) = (self.plan.groups() as u32, self.plan.pe as u32);
        (self.plan.planes > 1).then(|| Writable { name: "offsets", rows, slices, bits: self.offset_bits() })
    }

    /// Memory image of the offsets, one word a beat; only with bit planes of inputs, where they differ.
    pub fn offsets(&self) -> Option<String> {
        let beat = |group: usize| {
            let neurons = group * self.plan.pe..(group + 1) * self.plan.pe;
            image_word(&neurons.map(|o| (self.offset_bits(), self.offset(o))).collect::<Vec<_>>())
        };
        (self.plan.planes > 1).then(|| (0..self.plan.groups()).map(beat).collect())
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let (pe, lanes, groups) = (self.plan.pe as u32, self.lanes, self.plan.groups() as u32);
        let in_bits = width_of((self.plan.inputs * self.plan.matches_per_input()) as u64);
        let bits = Self::bits(self.most);
        let clocks = Self::clocks(&self.plan);
        let mut m = Module::new(&self.name);
        m.doc(&format!(
            "Sums of +1 and -1 from numbers of matches. They go out as sum + {}, the most that a sum can be, and so are never \
             negative.",
            self.most
        ));
        m.fact("neurons in a beat", pe);
        m.fact("lanes (passes at once)", lanes);
        m.latency(&format!("{clocks} clock{}", if clocks == 1 { "" } else { "s" }));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Matches in");
        let valid = m.input("valid_i", 1);
        let sums = m.input("sum_i", lanes * pe * in_bits);
        let odd = self.plan.masked.then(|| {
            let e = m.input("odd_i", lanes);
            m.note("an odd number of inputs is dropped");
            e
        });
        m.group("Sums out");
        let valid_out = m.output("valid_o", 1);
        let out = m.output("sum_o", lanes * pe * bits);
        let side = self.memory().filter(|_| self.writable).map(|memory| memory.side(&mut m));
        let done = delayed_event(&mut m, &clk, &rst_n, "valid", &valid, clocks as u32);
        m.assign(&valid_out, &done);
        let offsets = (self.plan.planes > 1).then(|| {
            m.section("What the bit planes of a neuron's inputs count too much");
            let group = m.reg("group_q", index_width(groups));
            let last = group.eq(&lit(group.width(), u128::from(groups - 1)));
            let zero = lit(group.width(), 0);
            let next = mux(&last, &zero, &(&group + lit(group.width(), 1)));
            m.clocked(&clk, [when_else(&!&rst_n, [set(&group, &zero)], [when(&valid, [set(&group, &next)])])]);
            let each = self.offset_bits();
            let rom = m.memory(Memory::new("offsets", pe * each, groups).file(&self.offsets_file()));
            let q = m.reg("offsets_q", pe * each);
            match &side {
                Some(side) => {
                    let row = m.wire_is("offset_row", &side.row_or(&group));
                    side.clocked(&mut m, &clk, &rom, &row, &q);
                }
                None => m.clocked(&clk, [set(&q, &rom.word(&group))]),
            }
            (q, each)
        });
        m.section("Neurons, lane after lane");
        let odd = odd.map(|odd| {
            let each = (0..lanes).map(|l| repeat(pe, &odd.bit(l))).collect::<Vec<_>>();
            m.wire_is("odd_of_lane", &cat_lsb_first(each))
        });
        let offsets = offsets.map(|(q, each)| (m.wire_is("offset_of_neuron", &repeat(lanes, &q)), each));
        m.generate_for("g_neuron", "n", lanes * pe, |m, n| {
            let counted = m.wire_is("counted", &sums.word(n, in_bits));
            let odd = odd.as_ref().map(|odd| odd.at(n));
            let sum = m.reg("sum_q", bits);
            let next = match &offsets {
                None => doubled(&counted, odd.as_ref(), self.plan.weight_planes as u32).zext(bits),
                Some((offsets, each)) => {
                    let late = m.reg("counted_q", in_bits);
                    m.clocked(&clk, [set(&late, &counted)]);
                    let wide = bits.max(in_bits).max(*each) + 1;
                    let own = m.wire_is("own_offset", &offsets.word(n, *each));
                    let total = m.wire_is("total", &(late.zext(wide) + own.sext(wide)));
                    m.unused("unused_total", &[&total.slice(wide - 1, bits)]);
                    total.bits(0, bits)
                }
            };
            m.clocked(&clk, [set(&sum, &next)]);
            m.assign(&out.word(n, bits), &sum);
        });
        m.build()
    }
}

/// Pools what a window block sends: for each pooled pixel the pixels that its window covers, one after the other.
#[derive(Clone, Debug)]
pub struct Reduce {
    pub name: String,
    pub kind: PoolKind,
    pub pe: u32,
    pub lanes: u32,
    /// Beats of a pixel.
    pub groups: u32,
    /// Pixels of a window.
    pub taps: u32,
    /// Bits of a value, and of what comes out.
    pub bits: (u32, u32),
}

impl Reduce {
    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let (bits_in, bits) = self.bits;
        let each = self.lanes * self.pe;
        let mut m = Module::new(&self.name);
        let what = match self.kind {
            PoolKind::Sum => "adds the sums of",
            PoolKind::Max => "takes the largest sum of",
            PoolKind::Or => "says whether a neuron fires in any of",
        };
        m.doc(&format!("Pooling: {what} the {} pixels that a window covers.", self.taps));
        m.fact("neurons in a beat", self.pe);
        m.fact("beats of a pixel", self.groups);
        m.fact("lanes (passes at once)", self.lanes);
        m.latency("1 clock from a beat of a window's last pixel to the pooled beat");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Windows in");
        let valid = m.input("valid_i", 1);
        let (port_in, port_out) = if self.kind == PoolKind::Or { ("act_i", "act_o") } else { ("sum_i", "sum_o") };
        let values = m.input(port_in, each * bits_in);
        m.group("Pooled pixels out");
        let valid_out = m.output_reg("valid_o", 1);
        let out = m.output_reg(port_out, each * bits);
        let counter = |m: &mut Module, name: &str, n: u32, step: &Expr| counter(m, (&clk, &rst_n), name, n, step);
        let (group, pixel_ends) = counter(&mut m, "group", self.groups, &valid);
        let pixel = m.wire_is("pixel", &(&valid & &pixel_ends));
        let (tap, window_ends) = counter(&mut m, "tap", self.taps, &pixel);
        let first = m.wire_is("window_begins", &!tap.any());
        let memory = m.memory(Memory::new("so_far", each * bits, self.groups).distributed());
        let before = m.wire_is("joined_before", &memory.word(&group));
        let pooled = m.wire("pooled", each * bits);
        m.generate_for("g_value", "v", each, |m, v| {
            let value = m.wire_is("value", &values.word(v, bits_in));
            let value = value.zext(bits);
            let other = m.wire_is("other", &before.word(v, bits));
            let joined = match self.kind {
                PoolKind::Sum => &other + &value,
                PoolKind::Max => mux(&value.ge(&other), &value, &other),
                PoolKind::Or => &other | &value,
            };
            m.assign(&pooled.word(v, bits), &mux(&first, &value, &joined));
        });
        m.clocked(
            &clk,
            [
                when(&valid, [set(&memory.word(&group), &pooled)]),
                set(&out, &pooled),
                when_else(&!&rst_n, [set(&valid_out, &lit(1, 0))], [set(&valid_out, &(&valid & window_ends))]),
            ],
        );
        m.build()
    }
}
