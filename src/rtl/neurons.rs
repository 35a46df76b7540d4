//! Neurons that decide on sums: by the draws of their pass (Scale-Dropout, sub-set inference, inverted normalization), or by
//! thresholds where sums were pooled or added.
//!
//! A layer gives them beats of sums; they give beats of activations. The layer itself knows nothing of the method.

use super::logits::doubled;
use super::scan::{delayed_event, tree};
use super::sums::{self, Sums};
use super::writable::Writable;
use super::{RtlError, image_word, signed_width, width_of};
use crate::net::{Affine, Direction, Drops, Hidden, Method, ScaleDropout, Subset};
use crate::plan::{Kind, LayerPlan};
use crate::verilog::{Expr, Memory, Module, VerilogFile, cat, index_width, lit, lit_signed, mux, set, when, when_else};

/// The neurons of a layer.
#[derive(Clone, Debug)]
pub struct Neurons<'a> {
    pub name: String,
    pub hidden: &'a Hidden,
    pub plan: LayerPlan,
    /// Passes at once.
    pub lanes: u32,
    /// Input values of the layer are two's complement.
    pub signed: bool,
    /// Whether a host can write the parameters. Their fields are then as wide as any weights need, and of whole bytes.
    pub writable: bool,
}

/// What stands in memory for one neuron, lowest bits first.
type Fields = Vec<(u32, i128)>;

impl Neurons<'_> {
    /// Clocks from a beat of sums to its activations; with normalization, from a frame's last to its first.
    pub fn clocks(plan: &LayerPlan) -> usize {
        match plan.kind {
            Kind::Scale { .. } => 2,
            Kind::Subset { .. } => 4,
            Kind::Affine { .. } => 9,
            Kind::Plain | Kind::Dropout if plan.summed.is_some() => 2,
            Kind::Plain | Kind::Dropout | Kind::Bayes { .. } => 0,
        }
    }

    /// Clocks from the last sums of a frame to its last activations.
    pub fn latency(plan: &LayerPlan) -> usize {
        Self::clocks(plan) + if let Kind::Affine { .. } = plan.kind { plan.groups() - 1 } else { 0 }
    }

    /// Clocks from the first sums of a frame to its first activations, if beats of sums come every `beat_clocks`.
    pub fn first_latency(plan: &LayerPlan, beat_clocks: usize) -> usize {
        let whole = if let Kind::Affine { .. } = plan.kind { (plan.groups() - 1) * beat_clocks } else { 0 };
        Self::clocks(plan) + whole
    }

    pub fn parameter_file(&self) -> String {
        format!("{}_parameters.hex", self.name)
    }

    /// Bits of a sum as it comes: matches, or a sum that is never negative.
    fn sum_bits(&self) -> u32 {
        self.plan.summed.map_or(width_of(self.largest()), |sums| Sums::bits(sums.decided))
    }

    fn largest(&self) -> u64 {
        (self.plan.inputs * self.plan.matches_per_input()) as u64
    }

    /// The value `v` that a sum stands for: `2 * matches + odd`, the odd one in every plane of the weights, or matches alone with
    /// bit planes of inputs.
    fn value_bits(&self) -> u32 {
        if self.plan.planes > 1 || self.plan.summed.is_some() { self.sum_bits() } else { width_of(2 * self.largest()) }
    }

    fn value_most(&self) -> i128 {
        if let Some(sums) = self.plan.summed {
            return 2 * i128::from(sums.decided);
        }
        i128::from(self.largest()) * if self.plan.planes > 1 { 1 } else { 2 }
    }

    /// The sum of the contract is `v - offset`.
    fn offset(&self, neuron: usize) -> i128 {
        match self.plan.summed {
            Some(sums) => sums.decided.into(),
            None => sums::offset(&self.plan, &self.hidden.weights, self.signed, neuron),
        }
    }

    /// The offsets that there are, or the least and the greatest that there can be.
    fn offsets(&self) -> Vec<i128> {
        if self.writable && self.plan.summed.is_none() {
            return sums::offset_range(&self.plan, &self.hidden.weights, self.signed).to_vec();
        }
        (0..self.plan.outputs).map(|o| self.offset(o)).collect()
    }

    /// Width of a field whose values take `bits`.
    fn room(&self, bits: u32) -> u32 {
        if self.writable { bits.next_multiple_of(8) } else { bits }
    }

    /// The parameters as a host writes them.
    pub fn memory(&self) -> Writable {
        let (rows, slices) = (self.plan.groups() as u32, self.plan.pe as u32);
        Writable { name: "parameters", rows, slices, bits: self.field_bits() }
    }

    /// Whether an odd number of dropped inputs stands beside the matches.
    fn masked(&self) -> bool {
        self.plan.masked && self.plan.summed.is_none()
    }

    /// Bits of the contract's sum, sign included.
    fn signed_sum_bits(&self) -> u32 {
        self.offsets()
            .into_iter()
            .flat_map(|offset| [-offset, self.value_most() - offset])
            .map(signed_width)
            .max()
            .unwrap_or(1)
    }

    /// What stands in memory for neuron `o`.
    fn fields(&self, o: usize) -> Fields {
        let offset = self.offset(o);
        let own_offset = (self.plan.planes > 1 && self.plan.summed.is_none()).then(|| (self.offset_bits(), offset));
        let mut fields: Fields = vec![];
        match &self.hidden.method {
            Some(Method::Scale(_) | Method::Spindrop(_)) | None => {
                let bits = width_of(self.value_most() as u64 + 1);
                let le = self.hidden.directions[o] == Direction::Le;
                let mut thresholds = vec![self.hidden.thresholds[o]];
                if let Some(Method::Scale(ScaleDropout { dropped, .. })) = &self.hidden.method {
                    thresholds.push(dropped[o]);
                }
                for t in thresholds {
                    let least = i128::from(t) + offset + i128::from(le);
                    fields.push((bits, least.clamp(0, self.value_most() + 1)));
                }
                fields.push((1, i128::from(le)));
            }
            Some(Method::Subset(Subset { mean, spread, limits, .. })) => {
                let le = self.hidden.directions[o] == Direction::Le;
                fields.extend(own_offset);
                fields.push((self.room(most_bits(mean)), mean[o].into()));
                fields.push((self.room(most_bits(spread)), spread[o].into()));
                // On an array a limit may lie beyond all products.
                let end = (1i128 << (self.product_bits() - 1)) - 1;
                fields.push((self.product_bits(), (i128::from(limits[o]) + i128::from(le)).clamp(-end, end)));
                fields.push((1, i128::from(le)));
            }
            Some(Method::Affine(Affine { gain, bias, .. })) => {
                fields.extend(own_offset);
                fields.push((self.gain_bits(), gain[o].into()));
                fields.push((self.room(most_bits(bias)), bias[o].into()));
            }
            _ => {}
        }
        fields
    }

    fn offset_bits(&self) -> u32 {
        self.offsets().into_iter().map(signed_width).max().unwrap_or(1)
    }

    /// Bits of a gain, dropped or not.
    fn gain_bits(&self) -> u32 {
        match &self.hidden.method {
            Some(Method::Affine(m)) => self.room(most_bits(&m.gain).max(m.frac_bits + 2)),
            _ => 1,
        }
    }

    /// Bits of the factor that a sum is multiplied with.
    fn factor_bits(&self) -> u32 {
        match &self.hidden.method {
            Some(Method::Subset(m)) if self.writable => {
                let most = |values: &[i32]| 1i128 << (self.room(most_bits(values)) - 1);
                signed_width(most(&m.mean) + most(&m.spread) * i128::from(m.bits / 2))
            }
            Some(Method::Subset(m)) => {
                let reach =
                    |o: usize| i128::from(m.mean[o].abs()) + i128::from(m.spread[o].abs()) * i128::from(m.bits / 2);
                signed_width((0..m.mean.len()).map(reach).max().unwrap_or(0))
            }
            _ => self.gain_bits(),
        }
    }

    /// Bits of the product, one more than it takes, so that limits and biases fit beside it.
    fn product_bits(&self) -> u32 {
        let affine = if let Some(Method::Affine(m)) = &self.hidden.method { Some(m) } else { None };
        let bias = affine.map_or(1, |m| self.room(most_bits(&m.bias)));
        (self.factor_bits() + self.signed_sum_bits()).max(bias) + 1
    }

    /// Memory image: one word a beat, neuron p at p times the width of one.
    pub fn parameters(&self) -> String {
        let beat = |group: usize| {
            let neurons = group * self.plan.pe..(group + 1) * self.plan.pe;
            image_word(&neurons.flat_map(|o| self.fields(o)).collect::<Fields>())
        };
        (0..self.plan.groups()).map(beat).collect()
    }

    /// Bits that a lane draws for a beat.
    pub fn drawn_bits(&self) -> u32 {
        match self.plan.kind {
            Kind::Scale { .. } => return 1,
            Kind::Plain | Kind::Dropout => return 0,
            _ => {}
        }
        let (count, _) = self.plan.draws();
        let each = if let Kind::Subset { bits } = self.plan.kind { index_width(bits + 1) } else { 1 };
        count as u32 * each
    }

    fn field_bits(&self) -> u32 {
        self.fields(0).iter().map(|f| f.0).sum()
    }

    /// The module of a lane, then that of the layer's neurons.
    pub fn emit(&self) -> Result<Vec<VerilogFile>, RtlError> {
        let lane = self.emit_lane()?;
        let all = self.emit_all(&lane)?;
        Ok(vec![lane, all])
    }

    fn emit_all(&self, lane: &VerilogFile) -> Result<VerilogFile, RtlError> {
        let (pe, lanes, groups) = (self.plan.pe as u32, self.lanes, self.plan.groups() as u32);
        let mut m = Module::new(&self.name);
        m.doc(match self.plan.kind {
            Kind::Plain | Kind::Dropout => {
                "Neurons with a threshold each, for sums that were pooled or added on their way."
            }
            Kind::Subset { .. } => {
                "Neurons with Gaussian scales (Bayesian sub-set parameter inference): every sum times mean + spread * e of its \
                 neuron, compared with a limit; e is the number of ones that the neuron drew in this pass, less its mean."
            }
            Kind::Affine { .. } => {
                "Neurons with affine dropout and inverted normalization: v = gain * sum + bias, where a dropped gain is 1 and a \
                 dropped bias 0. A neuron fires where v reaches the mean of its normalization group in this pass: no divide \
                 and no root, but a frame is sent only once it is complete."
            }
            _ => {
                "Neurons with Scale-Dropout: two thresholds each, one for the layer's scale vector and one for the all-ones \
                 vector that a pass has where the scale is dropped. One select bit a pass, and no multiplier."
            }
        });
        m.fact("neurons in a beat", pe);
        m.fact("beats in a frame", groups);
        m.fact("lanes (passes at once)", lanes);
        let clocks = Self::clocks(&self.plan);
        m.latency(&match self.plan.kind {
            Kind::Affine { .. } => format!("{clocks} clocks from the last sums of a frame to its first activations"),
            _ => format!("{clocks} clocks from a beat of sums to its activations"),
        });
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Sums in");
        let valid = m.input("valid_i", 1);
        let sums = m.input("sum_i", lanes * pe * self.sum_bits());
        let odd = self.masked().then(|| {
            let e = m.input("odd_i", lanes);
            m.note("an odd number of inputs is dropped");
            e
        });
        let drawn = (self.drawn_bits() > 0).then(|| {
            m.group("Draws of the beat");
            m.input("drawn_i", lanes * self.drawn_bits())
        });
        m.group("Activations out");
        let valid_out = m.output("valid_o", 1);
        let act = m.output("act_o", lanes * pe);
        let side = self.writable.then(|| self.memory().side(&mut m));

        m.section("Parameters of the beat's neurons");
        let beats = |m: &mut Module, name: &str, go: &Expr| {
            let (q, last) = counter(m, (&clk, &rst_n), name, go, groups);
            (q, last)
        };
        let (group, last_beat) = beats(&mut m, "group", &valid);
        let rom = m.memory(Memory::new("parameters", pe * self.field_bits(), groups).file(&self.parameter_file()));
        let parameters = m.reg("parameters_q", pe * self.field_bits());
        match &side {
            Some(side) => {
                let row = m.wire_is("parameter_row", &side.row_or(&group));
                side.clocked(&mut m, &clk, &rom, &row, &parameters);
            }
            None => m.clocked(&clk, [set(&parameters, &rom.word(&group))]),
        }
        let mut shared = vec![("clk_i", clk.clone()), ("parameters_i", parameters)];
        match &self.hidden.method {
            Some(Method::Affine(affine)) => {
                m.unused("unused_last_beat", &[&last_beat]);
                m.section("Values are kept until their normalization group is complete");
                let store = delayed_event(&mut m, &clk, &rst_n, "store", &valid, 4);
                let (store_beat, frame_stored) = beats(&mut m, "store_beat", &store);
                let bank = m.reg("bank_q", 1);
                m.note("the frame that comes in");
                let add = delayed_event(&mut m, &clk, &rst_n, "add", &store, 1);
                let of_group = (self.plan.outputs / affine.groups) as u32 / pe;
                let (add_beat, completes) = counter(&mut m, (&clk, &rst_n), "add_beat", &add, of_group);
                let (add_group, frame_added) =
                    counter(&mut m, (&clk, &rst_n), "add_group", &completes, affine.groups as u32);
                let add_bank = m.reg("add_bank_q", 1);
                m.section("Then a frame is sent, one beat a clock");
                let sending = m.reg("sending_q", 1);
                let send_bank = m.reg("send_bank_q", 1);
                let (send_beat, sent) = beats(&mut m, "send_beat", &sending);
                let send_starts =
                    (of_group > 1).then(|| counter(&mut m, (&clk, &rst_n), "send_of_group", &sending, of_group));
                let next_group = send_starts.as_ref().map_or(sending.clone(), |(_, last)| last.clone());
                let (send_group, unused) =
                    counter(&mut m, (&clk, &rst_n), "send_group", &next_group, affine.groups as u32);
                m.unused("unused_send_group", &[&unused]);
                if let Some((at, _)) = &send_starts {
                    m.unused("unused_send_of_group", &[at]);
                }
                m.clocked(
                    &clk,
                    [when_else(
                        &!&rst_n,
                        [
                            set(&bank, &lit(1, 0)),
                            set(&add_bank, &lit(1, 0)),
                            set(&sending, &lit(1, 0)),
                            set(&send_bank, &lit(1, 1)),
                        ],
                        [
                            when(&frame_stored, [set(&bank, &!&bank)]),
                            when(&frame_added, [set(&add_bank, &!&add_bank), set(&send_bank, &add_bank)]),
                            when_else(
                                &frame_added,
                                [set(&sending, &lit(1, 1))],
                                [when(&sent, [set(&sending, &lit(1, 0))])],
                            ),
                        ],
                    )],
                );
                let sent_valid = delayed_event(&mut m, &clk, &rst_n, "valid", &sending, 3);
                m.assign(&valid_out, &sent_valid);
                shared.extend([
                    ("store_i", store),
                    ("store_at_i", cat([&bank, &store_beat])),
                    ("add_i", add),
                    ("add_first_i", !add_beat.any()),
                    ("add_at_i", cat([&add_bank, &add_group])),
                    ("send_at_i", cat([&send_bank, &send_beat])),
                    ("send_group_i", cat([&send_bank, &send_group])),
                ]);
            }
            _ => {
                m.unused("unused_last_beat", &[&last_beat]);
                let done = delayed_event(&mut m, &clk, &rst_n, "valid", &valid, clocks as u32);
                m.assign(&valid_out, &done);
            }
        }
        m.section("Lanes");
        m.generate_for("g_lane", "l", lanes, |m, l| {
            let sum = sums.word(l, pe * self.sum_bits());
            let drawn = drawn.as_ref().map(|drawn| drawn.word(l, self.drawn_bits()));
            let (act, odd) = (act.word(l, pe), odd.as_ref().map(|odd| odd.at(l)));
            let mut ports: Vec<(&str, &Expr)> = shared.iter().map(|(n, e)| (*n, e)).collect();
            ports.extend([("sum_i", &sum), ("act_o", &act)]);
            ports.extend(drawn.as_ref().map(|drawn| ("drawn_i", drawn)));
            ports.extend(odd.as_ref().map(|odd| ("odd_i", odd)));
            m.instance("u_lane", lane.header(), &ports);
        });
        Ok(m.build()?)
    }

    fn emit_lane(&self) -> Result<VerilogFile, RtlError> {
        let pe = self.plan.pe as u32;
        let mut m = Module::new(&format!("{}_lane", self.name));
        m.doc("The neurons of one pass.");
        m.fact("neurons at once (pe)", pe);
        m.latency(&format!("{} clocks", Self::clocks(&self.plan)));
        m.group("Clock");
        let clk = m.input("clk_i", 1);
        m.group("Sums in");
        let sum = m.input("sum_i", pe * self.sum_bits());
        let odd = self.masked().then(|| m.input("odd_i", 1));
        let drawn = (self.drawn_bits() > 0).then(|| {
            m.group("Draws of the beat");
            m.input("drawn_i", self.drawn_bits())
        });
        m.group("One clock later");
        let parameters = m.input("parameters_i", pe * self.field_bits());
        let drawn_q = drawn.map(|drawn| {
            let q = m.reg("drawn_q", drawn.width());
            m.clocked(&clk, [set(&q, &drawn)]);
            q
        });
        let lane = LaneNets { clk, sum, odd, drawn: drawn_q.unwrap_or(lit(1, 0)), parameters };
        match &self.hidden.method {
            Some(Method::Scale(_) | Method::Spindrop(_)) | None => self.threshold_lane(&mut m, &lane),
            Some(Method::Subset(subset)) => self.subset_lane(&mut m, &lane, subset),
            Some(Method::Affine(affine)) => self.affine_lane(&mut m, &lane, affine),
            _ => return Err(RtlError::Unsupported("neurons without a method that decides on sums".into())),
        }
        Ok(m.build()?)
    }

    /// The value of neuron `p`, one clock after its sum.
    fn value(&self, m: &mut Module, lane: &LaneNets, p: &Expr) -> Expr {
        let bits = self.value_bits();
        let value = m.reg("value_q", bits);
        let matches = lane.sum.word(p, self.sum_bits());
        let next = if self.plan.planes > 1 || self.plan.summed.is_some() {
            matches
        } else {
            m.note("2 * matches + odd");
            doubled(&matches, lane.odd.as_ref(), self.plan.weight_planes as u32)
        };
        m.clocked(&lane.clk, [set(&value, &next)]);
        value
    }

    /// The fields of neuron `p`.
    fn read_fields(&self, m: &mut Module, lane: &LaneNets, p: &Expr) -> Vec<Expr> {
        let own = m.wire_is("own", &lane.parameters.word(p, self.field_bits()));
        let mut lo = 0;
        let mut fields = vec![];
        for (width, _) in self.fields(0) {
            fields.push(own.bits(lo, width));
            lo += width;
        }
        fields
    }

    /// A threshold, or two and a select bit, and a direction.
    fn threshold_lane(&self, m: &mut Module, lane: &LaneNets) {
        m.group("Activations, two clocks after their sums");
        let act = m.output_reg("act_o", self.plan.pe as u32);
        m.generate_for("g_neuron", "p", self.plan.pe as u32, |m, p| {
            let value = self.value(m, lane, p);
            let fields = self.read_fields(m, lane, p);
            let (threshold, le) = match &fields[..] {
                [kept, dropped, le] => {
                    let threshold = m.wire_is("threshold", &mux(&lane.drawn, kept, dropped));
                    m.note("of the scale vector where it is kept");
                    (threshold, le)
                }
                [threshold, le] => (threshold.clone(), le),
                _ => return,
            };
            let below = m.wire_is("below", &value.zext(threshold.width()).lt(&threshold));
            m.clocked(&lane.clk, [set(&act.at(p), &!(below ^ le))]);
        });
    }

    /// The sum as the contract has it, two clocks after it came.
    fn signed_sum(&self, m: &mut Module, lane: &LaneNets, p: &Expr, offset: Option<&Expr>) -> Expr {
        let value = self.value(m, lane, p);
        let bits = self.signed_sum_bits().max(value.width() + 1);
        let sum = m.reg("sum_q", bits);
        m.note("the sum of +1 and -1");
        let next = match offset {
            Some(offset) => value.zext(bits) - offset.sext(bits),
            None => value.zext(bits) - lit(bits, self.offset(0) as u128),
        };
        m.clocked(&lane.clk, [set(&sum, &next)]);
        sum
    }

    /// (mean + spread·e)·sum against a limit, and a direction.
    fn subset_lane(&self, m: &mut Module, lane: &LaneNets, subset: &Subset) {
        m.group("Activations, four clocks after their sums");
        let act = m.output_reg("act_o", self.plan.pe as u32);
        let ones_bits = index_width(subset.bits + 1);
        m.generate_for("g_neuron", "p", self.plan.pe as u32, |m, p| {
            let fields = self.read_fields(m, lane, p);
            let (offset, rest) = fields.split_at(fields.len() - 4);
            let [mean, spread, limit, le] = rest else { return };
            let sum = self.signed_sum(m, lane, p, offset.first());
            let ones = m.wire_is("ones", &lane.drawn.word(p, ones_bits));
            let excess =
                m.wire_is("excess", &(ones.zext(ones_bits + 1) - lit(ones_bits + 1, u128::from(subset.bits / 2))));
            m.note("e: ones less their mean");
            let bits = self.factor_bits();
            let scale = m.reg("scale_q", bits);
            let wide = bits.max(spread.width()).max(mean.width()).max(excess.width());
            let part = m.wire_is("part", &spread.mul_signed(&excess, wide));
            let total = m.wire_is("total", &(mean.sext(wide) + &part));
            if wide > bits {
                m.unused("unused_total", &[&total.slice(wide - 1, bits)]);
            }
            let product = m.reg("product_q", self.product_bits());
            let (limit1, limit2) = (m.reg("limit1_q", limit.width()), m.reg("limit2_q", limit.width()));
            let (le1, le2) = (m.reg("le1_q", 1), m.reg("le2_q", 1));
            m.clocked(
                &lane.clk,
                [
                    set(&scale, &total.bits(0, bits)),
                    set(&limit1, limit),
                    set(&le1, le),
                    set(&product, &scale.mul_signed(&sum, self.product_bits())),
                    set(&limit2, &limit1),
                    set(&le2, &le1),
                    set(&act.at(p), &!(product.less_signed(&limit2) ^ &le2)),
                ],
            );
        });
    }

    /// gain·sum + bias, kept until the mean of the normalization group is known.
    fn affine_lane(&self, m: &mut Module, lane: &LaneNets, affine: &Affine) {
        let (pe, groups) = (self.plan.pe as u32, self.plan.groups() as u32);
        let size = (self.plan.outputs / affine.groups) as u32;
        let (beat_bits, group_bits) = (index_width(groups), index_width(affine.groups as u32));
        m.group("Values in: kept four clocks after their sums, added one later");
        let store = m.input("store_i", 1);
        let store_at = m.input("store_at_i", 1 + beat_bits);
        let add = m.input("add_i", 1);
        let add_first = m.input("add_first_i", 1);
        m.note("first beat of a normalization group");
        let add_at = m.input("add_at_i", 1 + group_bits);
        m.group("A beat sent, three clocks later");
        let send_at = m.input("send_at_i", 1 + beat_bits);
        let send_group = m.input("send_group_i", 1 + group_bits);
        let act = m.output_reg("act_o", pe);

        let bits = self.product_bits();
        let values = m.wire("values", pe * bits);
        m.generate_for("g_neuron", "p", pe, |m, p| {
            let fields = self.read_fields(m, lane, p);
            let (offset, rest) = fields.split_at(fields.len() - 2);
            let [gain, bias] = rest else { return };
            let sum = self.signed_sum(m, lane, p, offset.first());
            let kept = if affine.drops == Drops::Vector { lane.drawn.clone() } else { lane.drawn.word(p, 2) };
            let kept = m.wire_is("kept", &kept);
            m.note("bit 0: the gain, bit 1: the bias");
            let gain_q = m.reg("gain_q", gain.width());
            let one = lit_signed(gain.width(), 1 << affine.frac_bits);
            let (bias1, bias2) = (m.reg("bias1_q", bias.width()), m.reg("bias2_q", bias.width()));
            let product = m.reg("product_q", bits);
            let value = m.reg("v_q", bits);
            m.clocked(
                &lane.clk,
                [
                    set(&gain_q, &mux(&kept.bit(0), gain, &one)),
                    set(&bias1, &mux(&kept.bit(1), bias, &lit(bias.width(), 0))),
                    set(&product, &gain_q.mul_signed(&sum, bits)),
                    set(&bias2, &bias1),
                    set(&value, &(&product + bias2.sext(bits))),
                ],
            );
            m.assign(&values.word(p, bits), &value);
        });

        m.section("Totals of the normalization groups");
        let wide = bits + width_of(u64::from(size));
        let kept = m.memory(Memory::new("kept_values", pe * bits, 2 << beat_bits));
        let totals = m.memory(Memory::new("totals", wide, 2 << group_bits));
        let beat_total = m.reg("beat_total_q", wide);
        let total = m.reg("total_q", wide);
        let terms = (0..pe).map(|p| values.bits(p * bits, bits).sext(wide)).collect();
        let new_total = m.wire_is("new_total", &(mux(&add_first, &lit(wide, 0), &total) + &beat_total));
        m.clocked(
            &lane.clk,
            [
                when(&store, [set(&kept.word(&store_at), &values)]),
                set(&beat_total, &tree(terms)),
                when(&add, [set(&total, &new_total), set(&totals.word(&add_at), &new_total)]),
            ],
        );

        m.section("A neuron fires where its value reaches the mean of its group");
        let (read, read_total, compared) =
            (m.reg("read_q", pe * bits), m.reg("read_total_q", wide), m.reg("compared_q", wide));
        m.clocked(
            &lane.clk,
            [
                set(&read, &kept.word(&send_at)),
                set(&read_total, &totals.word(&send_group)),
                set(&compared, &read_total),
            ],
        );
        m.generate_for("g_fire", "f", pe, |m, p| {
            let v = m.wire_is("v", &read.word(p, bits));
            let scaled = m.reg("scaled_q", wide);
            m.note("value times the neurons of its group");
            let factor = lit_signed(width_of(size.into()) + 1, i128::from(size));
            m.clocked(
                &lane.clk,
                [set(&scaled, &v.mul_signed(&factor, wide)), set(&act.at(p), &!scaled.less_signed(&compared))],
            );
        });
    }
}

/// What every neuron of a lane reads.
struct LaneNets {
    clk: Expr,
    sum: Expr,
    odd: Option<Expr>,
    /// One clock after the sums, as the parameters.
    drawn: Expr,
    parameters: Expr,
}

/// A counter of `go` from 0 to `of` - 1, and whether this is the last count.
fn counter(m: &mut Module, (clk, rst_n): (&Expr, &Expr), name: &str, go: &Expr, of: u32) -> (Expr, Expr) {
    let q = m.reg(&format!("{name}_q"), index_width(of));
    let zero = lit(q.width(), 0);
    let ends = m.wire_is(&format!("{name}_ends"), &(go & q.eq(&lit(q.width(), u128::from(of - 1)))));
    let next = mux(&ends, &zero, &(&q + lit(q.width(), 1)));
    m.clocked(clk, [when_else(&!rst_n, [set(&q, &zero)], [when(go, [set(&q, &next)])])]);
    (q, ends)
}

/// Width of two's complement numbers that hold all of `values`.
fn most_bits(values: &[i32]) -> u32 {
    values.iter().map(|&v| signed_width(v.into())).max().unwrap_or(1)
}
