//! A folded dense layer: weights and thresholds in memories, a sequencer, and one lane for each pass at once.

use super::buffer::Buffer;
use super::crossbar::{Crossbar, CrossbarLane, Sequence};
use super::delta::Delta;
use super::early::Verdict;
use super::input::InputBuffer;
use super::lane::{Lane, Source};
use super::pe::{Pe, PeKind};
use super::popcount::Popcount;
use super::scan::{delayed, delayed_event};
use super::skew::Skew;
use super::writable::Writable;
use crate::plan::LayerPlan;
use crate::verilog::{
    Expr, Memory, Module, Stmt, VerilogError, VerilogFile, index_width, lit, mux, set, when, when_else,
};

/// A layer of a design.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Name of the module, which the memory images are called after.
    pub name: String,
    /// Number of the layer in the network.
    pub index: usize,
    pub plan: LayerPlan,
    /// Values in a beat of what stands before, whose beats fill this layer's words; 0 for a layer that takes the images in
    /// itself.
    pub beat: u32,
    /// The first layer's values are two's complement.
    pub signed: bool,
    /// What leaves the layer.
    pub gives: Gives,
    /// Crossbars of which every pass reads one: 1, but with SpinBayes.
    pub crossbars: u32,
    /// Set where the layer reads every image once for each group of passes: a first layer whose passes read different crossbars.
    pub repeats: Option<Repeats>,
    /// Clocks before the end of a frame in which its bank is promised again.
    pub early: usize,
    /// Whether a host can write weights and start values.
    pub writable: bool,
}

/// A layer that reads every image once for each group of passes.
#[derive(Clone, Copy, Debug)]
pub struct Repeats {
    /// Most groups of passes that an image can have.
    pub max_groups: u32,
    /// Groups of passes in a block, where passes may end early.
    pub block: Option<u32>,
}

/// What leaves a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// Activations.
    Activations,
    /// Sums that neurons of another kind decide on.
    Sums,
    /// Sums of the output layer.
    Logits,
}

/// How many frames a layer holds: one that is read and one that comes in.
const BANKS: u128 = 2;

impl Layer {
    pub fn lane(&self) -> Lane {
        let plan = &self.plan;
        let (simd, words) = (plan.simd as u32, plan.words() as u32);
        let kind = match (self.gives != Gives::Activations, plan.masked) {
            (true, _) => PeKind::Sum { planes: plan.planes as u32 },
            (false, true) => PeKind::Masked,
            (false, false) => PeKind::Dense { planes: plan.planes as u32 },
        };
        let largest = (plan.inputs * plan.matches_per_input()) as u64;
        let source = if self.beat == 0 || plan.planes > 1 {
            Source::Image(InputBuffer { simd, words, bits: plan.planes as u32, signed: self.signed })
        } else {
            Source::Layer(Buffer { simd, words, beat: self.beat, masked: plan.masked })
        };
        Lane {
            source,
            pe: Pe { kind, simd, planes: plan.weight_planes as u32, largest, rails: plan.masked },
            count: plan.pe as u32,
            apart: Self::apart(plan),
        }
    }

    /// The array that computes the sums, where it is read in parts.
    pub fn crossbar(&self) -> Option<Crossbar> {
        let name = format!("{}_crossbar", self.name);
        self.plan.array.map(|array| Crossbar { name, array, plan: self.plan, signed: self.signed })
    }

    /// Bits of one neuron's result.
    pub fn result_width(&self) -> u32 {
        self.crossbar().map_or_else(|| self.lane().result_width(), |crossbar| crossbar.sum_bits())
    }

    /// Bits of a threshold word for one neuron.
    pub fn start_bits(&self) -> u32 {
        let lane = self.lane();
        lane.pe.width() * if lane.pe.kind == PeKind::Masked { 2 } else { 1 }
    }

    pub fn weight_file(&self) -> String {
        format!("{}_weights.hex", self.name)
    }

    pub fn start_file(&self) -> String {
        format!("{}_starts.hex", self.name)
    }

    /// The row of zeros behind the start values, which all words of a neuron but the first read. With planes of inputs
    /// there is none.
    pub fn zero_row(&self) -> Option<u32> {
        (self.plan.planes == 1).then(|| self.crossbars * self.plan.groups() as u32)
    }

    fn start_rows(&self) -> u32 {
        self.crossbars * self.plan.groups() as u32 + u32::from(self.zero_row().is_some())
    }

    /// The weights as a host writes them.
    pub fn weight_memory(&self) -> Writable {
        let plan = &self.plan;
        let rows = self.crossbars * (plan.groups() * plan.words()) as u32;
        Writable { name: "weights", rows, slices: plan.pe as u32, bits: (plan.weight_planes * plan.simd) as u32 }
    }

    /// The start values as a host writes them, those for an even number of dropped inputs first; none in a layer that gives sums.
    pub fn start_memory(&self) -> Option<Writable> {
        (self.gives == Gives::Activations).then(|| {
            let bits = self.lane().pe.width();
            let slices = self.plan.pe as u32 * self.start_bits() / bits;
            Writable { name: "starts", rows: self.crossbars * self.plan.groups() as u32, slices, bits }
        })
    }

    /// Clocks from the last read address of a group of neurons to its output beat.
    pub fn latency(plan: &LayerPlan) -> usize {
        if plan.events > 0 {
            return Delta::LATENCY as usize + plan.groups() - 1;
        }
        if let Some(array) = plan.array {
            return Crossbar { name: String::new(), array, plan: *plan, signed: false }.latency() as usize;
        }
        Lane::count_latency(plan.simd as u32) as usize + 1 + usize::from(Self::apart(plan))
    }

    /// Whether the lanes take what all are given into registers of their own.
    fn apart(plan: &LayerPlan) -> bool {
        plan.lanes > 1 && plan.array.is_none()
    }

    /// Clocks before the end of a frame in which a layer may promise the bank that it still reads.
    ///
    /// The first beat of the frame that takes the bank comes more than so many clocks after the promise is taken; so the last
    /// word has been read by then.
    ///
    /// `lead` says how many: what the layer before takes to its first beat, less what it takes from beat to beat. Lanes with registers of
    /// their own read one clock later.
    pub fn early(plan: &LayerPlan, lead: usize) -> usize {
        lead.min(plan.frame_clocks() - 1).saturating_sub(usize::from(Self::apart(plan)))
    }

    pub fn emit(&self) -> Result<Vec<VerilogFile>, VerilogError> {
        let plan = &self.plan;
        let lane = self.lane();
        let (pe, simd, lanes, words) = (plan.pe as u32, plan.simd as u32, plan.lanes as u32, plan.words() as u32);
        let (groups, planes) = (plan.groups() as u32, plan.planes as u32);
        // Words of a weight word: the planes of every neuron.
        let weight_words = pe * plan.weight_planes as u32;
        let (image, beat) = (self.beat == 0, self.beat);
        let array = self.crossbar();
        let mut files = match &array {
            Some(crossbar) => CrossbarLane { source: lane.source.clone(), crossbar: crossbar.clone() }.emit()?,
            None => lane.emit()?,
        };

        let mut m = Module::new(&self.name);
        let sums = self.gives != Gives::Activations;
        let role = match self.gives {
            Gives::Activations => "a hidden layer",
            Gives::Sums => "the sums of a hidden layer",
            Gives::Logits => "the output layer",
        };
        m.doc(&format!(
            "Layer {} of the network, {role}: {} inputs, {} neurons. {} neurons at a time read {} inputs a clock{}.",
            self.index,
            plan.inputs,
            plan.outputs,
            pe,
            simd,
            if lanes > 1 {
                format!(", for {lanes} passes at once that share every weight word")
            } else {
                String::new()
            }
        ));
        m.doc(
            "Frames are claimed: claim_o takes a bank of the next layer when this layer begins a frame, so its results \
             never wait; claim_ready_o says that this layer has a bank to give.",
        );
        m.fact("pe (neurons at once)", pe);
        m.fact("simd (inputs at once)", simd);
        m.fact("lanes (passes at once)", lanes);
        m.fact("words a neuron", words);
        m.fact("bit planes", planes);
        if plan.weight_planes > 1 {
            m.fact("bit planes of a weight", plan.weight_planes);
        }
        m.fact("clocks a frame", format!("{} and 1 between frames", plan.frame_clocks()));
        m.latency(&format!("{} clocks from a neuron's last word to its beat", Self::latency(plan)));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);

        // Incoming frames.
        let (write, data_ports, ready, claim, more_in) = if image {
            m.group("Images in");
            let accept = m.input("accept_i", 1);
            m.note("a new image may begin");
            let valid = m.input("in_valid_i", 1);
            let ready = m.output("in_ready_o", 1);
            let data = m.input("in_data_i", simd * planes);
            let begun = m.output("image_begins_o", 1);
            let write = m.wire("write", 1);
            (write, vec![("data_i", data, simd * planes)], ready, None, Some((accept, valid, begun)))
        } else {
            m.group("Frames in: a bank is claimed, then its beats come");
            let claim = m.input("claim_i", 1);
            let ready = m.output("claim_ready_o", 1);
            let write = m.input("valid_i", 1);
            let act = m.input("act_i", lanes * beat * planes);
            let mut data = vec![(if planes > 1 { "data_i" } else { "act_i" }, act, beat * planes)];
            if plan.masked {
                data.push(("live_i", m.input("live_i", lanes * beat), beat));
            }
            (write, data, ready, Some(claim), None)
        };
        m.group("Frames out");
        let next_ready = m.input("claim_ready_i", 1);
        let claim_out = m.output("claim_o", 1);
        let valid_out = m.output("valid_o", 1);
        let result_width = self.result_width();
        let out = if sums { m.output("sum_o", lanes * pe * result_width) } else { m.output("act_o", lanes * pe) };
        let crossbar_out = (self.gives == Gives::Logits && self.crossbars > 1).then(|| {
            let e = m.output("crossbar_o", index_width(self.crossbars));
            m.note("that whose sums these are");
            e
        });
        let odd_out = (sums && plan.masked && array.is_none()).then(|| m.output("odd_o", lanes));

        let choice = (self.crossbars > 1).then(|| {
            m.group("Arbiter");
            let choice = m.input("choice_i", index_width(self.crossbars));
            m.note("crossbar of the pass that begins next");
            choice
        });
        let key = array.as_ref().filter(|crossbar| crossbar.array.errors).map(|_| {
            m.group("Errors of reading");
            let key = m.input("key_i", 64 * lanes);
            m.note("keys of the passes that begin next");
            key
        });
        let last_pass_group = self.repeats.map(|repeats| {
            m.group("Passes");
            let last = m.input("last_group_i", index_width(repeats.max_groups));
            m.note("groups of passes an image has, less 1: so often is an image read again");
            (last, repeats.block.map(|groups| Verdict::ports(&mut m, groups)))
        });

        let weight_side = self.writable.then(|| self.weight_memory().side(&mut m));
        let start_side = self.start_memory().filter(|_| self.writable).map(|memory| memory.side(&mut m));

        m.section("Banks: one frame comes in while another is read");
        let (word_bits, columns) = (index_width(words), if image { 1 } else { simd / beat });
        let filled = m.reg("filled_q", 2);
        m.note("frames complete");
        let write_bank = m.reg("write_bank_q", 1);
        let read_bank = m.reg("read_bank_q", 1);
        let write_word = m.reg("write_word_q", word_bits);
        let last_word_in = m.wire_is("last_word_in", &write_word.eq(&lit(word_bits, u128::from(words - 1))));
        let column = (columns > 1).then(|| m.reg("write_column_q", index_width(columns)));
        let end_of_word = match &column {
            Some(c) => m.wire_is("last_column_in", &c.eq(&lit(c.width(), u128::from(columns - 1)))),
            None => lit(1, 1),
        };
        let fill = if column.is_some() { &write & &end_of_word & &last_word_in } else { &write & &last_word_in };
        let fill = m.wire_is("fill", &fill);
        let release = m.wire("release_bank", 1);
        let promise = if self.early > 0 { m.wire("promise_bank", 1) } else { release.clone() };
        if self.early > 0 {
            m.note(&format!(
                "{} clocks before release_bank: the beats of a claimed frame take longer to come",
                self.early
            ));
        }
        if let Some((accept, valid, begun)) = more_in {
            let first = m.wire_is("first_word_in", &!write_word.any());
            m.assign(&ready, &(filled.ne(&lit(2, BANKS)) & (&accept | !&first)));
            m.assign(&write, &(&valid & &ready));
            m.assign(&begun, &(&write & &first));
        }
        let next_word = mux(&last_word_in, &lit(word_bits, 0), &(&write_word + lit(word_bits, 1)));
        let mut on_write = vec![];
        let advance = [set(&write_word, &next_word)];
        match &column {
            Some(c) => {
                let next = mux(&end_of_word, &lit(c.width(), 0), &(c + lit(c.width(), 1)));
                on_write.push(set(c, &next));
                on_write.push(when(&end_of_word, advance));
            }
            None => on_write.extend(advance),
        }
        let mut on_reset = vec![
            set(&filled, &lit(2, 0)),
            set(&write_bank, &lit(1, 0)),
            set(&read_bank, &lit(1, 0)),
            set(&write_word, &lit(word_bits, 0)),
        ];
        on_reset.extend(column.as_ref().map(|c| set(c, &lit(c.width(), 0))));
        let mut body = vec![
            when(&write, on_write),
            when(&fill, [set(&write_bank, &!&write_bank)]),
            when(&release, [set(&read_bank, &!&read_bank)]),
            count(&filled, &fill, &release),
        ];
        if let Some(claim) = &claim {
            let claimed = m.reg("claimed_q", 2);
            m.note("frames claimed whose banks were not promised again");
            m.assign(&ready, &claimed.ne(&lit(2, BANKS)));
            on_reset.push(set(&claimed, &lit(2, 0)));
            body.push(count(&claimed, claim, &promise));
        }
        m.clocked(&clk, [when_else(&!&rst_n, on_reset, body)]);

        m.section("Sequencer: for every group of neurons, every plane, every word");
        let busy = m.reg("busy_q", 1);
        let mut may_begin = !&busy & filled.any() & &next_ready;
        let early = last_pass_group.as_ref().and_then(|(_, early)| early.as_ref());
        let asks = early.map(|verdict| verdict.asks(&mut m));
        if let Some(asks) = &asks {
            may_begin = may_begin & !asks;
        }
        let begin = m.wire_is("begin_frame", &may_begin);
        m.assign(&claim_out, &begin);
        let word = m.reg("word_q", word_bits);
        let group_bits = index_width(groups);
        let group = m.reg("group_q", group_bits);
        let depth = groups * words;
        let address = m.reg("address_q", index_width(self.crossbars * depth));
        let last_word = m.wire_is("last_word", &word.eq(&lit(word_bits, u128::from(words - 1))));
        let last_group = m.wire_is("last_group", &group.eq(&lit(group_bits, u128::from(groups - 1))));
        let one = lit(address.width(), 1);
        let (plane, last_plane, base) = if planes > 1 {
            let plane = m.reg("plane_q", index_width(planes));
            let last_plane = m.wire_is("last_plane", &!plane.any());
            (Some(plane), Some(last_plane), Some(m.reg("base_q", address.width())))
        } else {
            (None, None, None)
        };
        let group_done = match &last_plane {
            Some(last_plane) => &last_word & last_plane,
            None => last_word.clone(),
        };
        let group_done = m.wire_is("group_done", &(&busy & group_done));
        let frame_done = m.wire_is("frame_done", &(&group_done & &last_group));
        match &last_pass_group {
            Some((last, _)) => {
                let pass_group = m.reg("pass_group_q", last.width());
                let is_last = m.wire_is("is_last_pass_group", &pass_group.eq(last));
                let next = mux(&is_last, &lit(last.width(), 0), &(&pass_group + lit(last.width(), 1)));
                m.clocked(
                    &clk,
                    [when_else(
                        &!&rst_n,
                        [set(&pass_group, &lit(last.width(), 0))],
                        [when(&frame_done, [set(&pass_group, &next)])]
                            .into_iter()
                            .chain(early.map(|v| when(&v.stop, [set(&pass_group, &lit(last.width(), 0))]))),
                    )],
                );
                match (early, &asks) {
                    (Some(verdict), Some(asks)) => {
                        let all_read = m.wire_is("all_read", &(&frame_done & &is_last));
                        verdict.waits(&mut m, (&clk, &rst_n), asks, &frame_done, &all_read);
                        m.assign(&release, &(all_read | &verdict.stop));
                    }
                    _ => m.assign(&release, &(&frame_done & &is_last)),
                }
            }
            None => m.assign(&release, &frame_done),
        }
        if self.early > 0 {
            let then = u128::from(depth - 1) - self.early as u128;
            let there = if self.crossbars > 1 {
                let at = |e: &Expr, n: u128| e.eq(&lit(e.width(), n));
                at(&group, then / u128::from(words)) & at(&word, then % u128::from(words))
            } else {
                address.eq(&lit(address.width(), then))
            };
            m.assign(&promise, &(&busy & &there));
        }
        let top_plane = |e: &Expr| lit(e.width(), u128::from(planes - 1));
        let mut restart = vec![set(&word, &lit(word_bits, 0)), set(&group, &lit(group_bits, 0))];
        // Where the crossbar of the pass begins, in a memory that has so many words a crossbar.
        let begins = |m: &mut Module, name: &str, crossbar: &Expr, each: u32, width: u32| {
            let product = m.wire_is(name, &crossbar.mul(&lit(width, u128::from(each)), 2 * width));
            m.unused(&format!("unused_{name}"), &[&product.slice(2 * width - 1, width)]);
            product.bits(0, width)
        };
        let crossbar = choice.as_ref().map(|choice| {
            let crossbar = m.reg("crossbar_q", choice.width());
            m.note("that of the pass in work");
            restart.push(set(&crossbar, choice));
            crossbar
        });
        let first_address = match &choice {
            Some(choice) => begins(&mut m, "first_address", choice, depth, address.width()),
            None => lit(address.width(), 0),
        };
        let idle_address = weight_side.as_ref().map_or(first_address.clone(), |side| side.row_or(&first_address));
        restart.push(set(&address, &idle_address));
        if let (Some(plane), Some(base)) = (&plane, &base) {
            restart.push(set(plane, &top_plane(plane)));
            restart.push(set(base, &first_address));
        }
        let next_address = &address + &one;
        let mut step: Vec<Stmt> = vec![set(&word, &mux(&last_word, &lit(word_bits, 0), &(&word + lit(word_bits, 1))))];
        match (&plane, &last_plane, &base) {
            (Some(plane), Some(last_plane), Some(base)) => {
                step.push(when_else(
                    &(&last_word & !last_plane),
                    [set(&address, base), set(plane, &(plane - lit(plane.width(), 1)))],
                    [set(&address, &next_address)],
                ));
                step.push(when(&group_done, [set(base, &next_address), set(plane, &top_plane(plane))]));
            }
            _ => step.push(set(&address, &next_address)),
        }
        step.push(when(&group_done, [set(&group, &(&group + lit(group_bits, 1)))]));
        m.clocked(
            &clk,
            [
                when_else(&!&rst_n, [set(&busy, &lit(1, 0))], [set(&busy, &(&begin | (&busy & !&frame_done)))]),
                when_else(&!&busy, restart, step),
            ],
        );

        m.section("Weights: one word for all lanes; the memory's own output register, then the skew of the count");
        let rom = m.memory(
            Memory::new("weights", weight_words * simd, self.crossbars * depth).block().file(&self.weight_file()),
        );
        let fetched = m.reg("weight_fetched_q", weight_words * simd);
        let weight_q = m.reg("weight_q", weight_words * simd);
        match &weight_side {
            Some(side) => {
                side.clocked(&mut m, &clk, &rom, &address, &fetched);
                m.clocked(&clk, [set(&weight_q, &fetched)]);
            }
            None => m.clocked(&clk, [set(&fetched, &rom.word(&address)), set(&weight_q, &fetched)]),
        }
        let weight = match Skew::new(simd).filter(|_| array.is_none()) {
            Some(skew) => {
                let file = skew.emit()?;
                let out = m.wire("weight", weight_words * simd);
                m.generate_for("g_skew", "w", weight_words, |m, p| {
                    m.instance(
                        "u_skew",
                        file.header(),
                        &[("clk_i", &clk), ("word_i", &weight_q.word(p, simd)), ("word_o", &out.word(p, simd))],
                    );
                });
                out
            }
            None => weight_q,
        };

        let counting = Popcount::new(simd).latency();
        let apart = u32::from(Self::apart(plan));
        let is_top = match (&plane, &array) {
            (Some(plane), Some(_)) => Some(m.wire_is("is_top_plane", &plane.eq(&top_plane(plane)))),
            _ => None,
        };
        let in_parts = array.as_ref().map(|crossbar| {
            let sequence = Sequence {
                clk: &clk,
                rst_n: &rst_n,
                busy: &busy,
                word: &word,
                last_word: &last_word,
                neurons: &group,
                neurons_done: &group_done,
                frame_done: &frame_done,
                plane: plane.as_ref().zip(is_top.as_ref()),
                key: key.as_ref(),
            };
            crossbar.control(&mut m, &sequence)
        });
        let mut lane_ports: Vec<(&str, Expr)>;
        let (mut ended, mut sums_valid) = (None, None);
        if let Some((ports, valid)) = in_parts {
            (lane_ports, sums_valid) = (ports, Some(valid));
        } else {
            m.section("Control, delayed to the clock of the count");
            let group_ends = delayed_event(&mut m, &clk, &rst_n, "group_ends", &group_done, counting);
            let last = delayed_event(&mut m, &clk, &rst_n, "last", &group_ends, 2);
            // Between frames the accumulators are kept at 0, as after the last word of a group.
            let clears = m.wire_is("clears", &(&group_done | !&busy));
            let clears = delayed(&mut m, &clk, "clear", &clears, counting + 2);
            lane_ports = vec![("clear_i", clears)];
            let first_word = (!sums || planes > 1).then(|| m.wire_is("first_word", &(&busy & !word.any())));
            let plane_begins = match (&plane, &first_word) {
                (Some(plane), Some(first_word)) => {
                    let begins = m.wire_is("plane_begins", &(first_word & plane.ne(&top_plane(plane))));
                    let begins = delayed(&mut m, &clk, "plane_begins", &begins, counting + 1);
                    let shift = delayed(&mut m, &clk, "shift", &begins, 1);
                    lane_ports.push(("shift_i", shift));
                    Some(begins)
                }
                _ => None,
            };
            if let (false, Some(first_word)) = (sums, &first_word) {
                let first = match &plane {
                    Some(plane) => m.wire_is("group_begins", &(first_word & plane.eq(&top_plane(plane)))),
                    None => first_word.clone(),
                };
                let first = delayed(&mut m, &clk, "first", &first, counting);
                let start_group = m.reg("start_group_q", group_bits);
                let next = mux(
                    &start_group.eq(&lit(group_bits, u128::from(groups - 1))),
                    &lit(group_bits, 0),
                    &(&start_group + lit(group_bits, 1)),
                );
                m.clocked(
                    &clk,
                    [when_else(
                        &!&rst_n,
                        [set(&start_group, &lit(group_bits, 0))],
                        [when(&group_ends, [set(&start_group, &next)])],
                    )],
                );
                m.section("Start values: minus the threshold in the first word of a neuron, else 0");
                if let Some(zeros) = self.zero_row() {
                    m.comment(&format!(
                        "Row {zeros} has zeros, so nothing stands between the memory and the register behind it."
                    ));
                }
                let bits = lane.pe.width();
                let both = self.start_bits();
                let rows = self.start_rows();
                let starts = m.memory(Memory::new("starts", pe * both, rows).block().file(&self.start_file()));
                let start_fetched = m.reg("start_fetched_q", pe * both);
                let start_at = match &crossbar {
                    Some(crossbar) => {
                        let late = late(&mut m, &clk, "crossbar", crossbar, counting);
                        let width = index_width(rows);
                        let first = begins(&mut m, "first_start", &late, groups, width);
                        m.wire_is("start_at", &(first + start_group.zext(width)))
                    }
                    None => start_group.zext(index_width(rows)),
                };
                let start_at = match self.zero_row() {
                    Some(zeros) => {
                        m.wire_is("start_or_zeros", &mux(&first, &start_at, &lit(index_width(rows), zeros.into())))
                    }
                    None => start_at,
                };
                match &start_side {
                    Some(side) => {
                        let start_at = m.wire_is("start_row", &side.row_or(&start_at));
                        side.clocked(&mut m, &clk, &starts, &start_at, &start_fetched);
                    }
                    None => m.clocked(&clk, [set(&start_fetched, &starts.word(&start_at))]),
                }
                match (plane_begins, &plane) {
                    (Some(begins), Some(plane)) => {
                        let first_fetched = delayed(&mut m, &clk, "first_fetched", &first, 1);
                        // The accumulator doubles from plane to plane, so the start value enters its upper bits first.
                        let bit = (planes > 2).then(|| {
                            let bit = m.reg("start_bit_q", plane.width());
                            m.note("bit of the start value that the next plane brings");
                            m.clocked(
                                &clk,
                                [when_else(
                                    &first_fetched,
                                    [set(&bit, &lit(bit.width(), u128::from(planes - 2)))],
                                    [when(&begins, [set(&bit, &(&bit - lit(bit.width(), 1)))])],
                                )],
                            );
                            bit
                        });
                        let start = m.reg("start_q", pe * bits);
                        m.generate_for("g_start", "n", pe, |m, p| {
                            let whole = m.wire_is("whole", &start_fetched.word(p, bits));
                            let next_bit = match &bit {
                                Some(bit) => (1..planes - 1).fold(whole.bit(0), |lower, b| {
                                    mux(&bit.eq(&lit(bit.width(), u128::from(b))), &whole.bit(b), &lower)
                                }),
                                None => whole.bit(0),
                            };
                            let later = mux(&begins, &next_bit.zext(bits), &lit(bits, 0));
                            let upper = whole.shr_signed(planes - 1);
                            m.clocked(&clk, [set(&start.word(p, bits), &mux(&first_fetched, &upper, &later))]);
                        });
                        lane_ports.push(("start_i", start));
                    }
                    _ if both == bits => {
                        let start = m.reg("start_q", pe * bits);
                        m.clocked(&clk, [set(&start, &start_fetched)]);
                        lane_ports.push(("start_i", start));
                    }
                    _ => {
                        let (start0, start1) = (m.reg("start0_q", pe * bits), m.reg("start1_q", pe * bits));
                        let half = |n: u32| start_fetched.bits(n * pe * bits, pe * bits);
                        m.clocked(&clk, [set(&start0, &half(0)), set(&start1, &half(1))]);
                        lane_ports.push(("start0_i", start0));
                        lane_ports.push(("start1_i", start1));
                    }
                }
            }
            ended = Some(last);
        }

        m.section(if lanes > 1 { "Lanes: the same weights, other passes" } else { "The neurons" });
        lane_ports.extend([
            ("clk_i", clk.clone()),
            ("write_i", write.clone()),
            ("write_bank_i", write_bank),
            ("write_word_i", write_word),
            ("read_bank_i", read_bank),
            ("read_word_i", word),
            ("weight_i", weight),
        ]);
        if let Some(column) = column {
            lane_ports.push(("write_column_i", column));
        }
        if let Some(plane) = plane {
            lane_ports.push(("read_plane_i", plane));
        }
        let header = files.last().map(|f| f.header().clone());
        let result_name = if sums { "sum_o" } else { "act_o" };
        if let Some(header) = header {
            m.generate_for("g_lane", "l", lanes, |m, l| {
                let mut ports: Vec<(&str, Expr)> = lane_ports.clone();
                // All lanes read the same image.
                let of_lane = |e: &Expr, width: u32| if image { e.clone() } else { e.word(l, width) };
                ports.extend(data_ports.iter().map(|(name, e, width)| (*name, of_lane(e, *width))));
                if key.is_some() {
                    let key = ports.iter().position(|(name, _)| *name == "key_i");
                    key.into_iter().for_each(|at| ports[at].1 = ports[at].1.word(l, 64));
                }
                ports.push((result_name, out.word(l, pe * result_width)));
                if let Some(odd) = &odd_out {
                    ports.push(("odd_o", odd.at(l)));
                }
                let ports: Vec<(&str, &Expr)> = ports.iter().map(|(n, e)| (*n, e)).collect();
                m.instance("u_lane", &header, &ports);
            });
        }
        if let (Some(out), Some(crossbar)) = (&crossbar_out, &crossbar) {
            let late = late(&mut m, &clk, "crossbar", crossbar, counting + 3 + apart);
            m.assign(out, &late);
        }
        if let Some(last) = &ended {
            sums_valid = Some(delayed_event(&mut m, &clk, &rst_n, "valid", last, 1 + apart));
        }
        if let Some(valid) = &sums_valid {
            m.assign(&valid_out, valid);
        }
        files.push(m.build()?);
        Ok(files)
    }
}

/// `value` as it was `clocks` clocks ago, of several bits.
fn late(m: &mut Module, clk: &Expr, name: &str, value: &Expr, clocks: u32) -> Expr {
    (1..=clocks).fold(value.clone(), |late, clocks| {
        let q = m.reg(&format!("{name}{clocks}_q"), value.width());
        m.clocked(clk, [set(&q, &late)]);
        q
    })
}

/// A counter of banks: up on `more`, down on `less`.
pub fn count(counter: &Expr, more: &Expr, less: &Expr) -> Stmt {
    let one = lit(counter.width(), 1);
    when_else(
        &(more & !less),
        [set(counter, &(counter + &one))],
        [when(&(less & !more), [set(counter, &(counter - &one))])],
    )
}
