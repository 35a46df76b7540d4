//! What flows from layer to layer in the top of a design, and the blocks that stand between layers of maps.

use super::RtlError;
use super::hold::Hold;
use super::join::Join;
use super::neurons::Neurons;
use super::pool::Pool;
use super::program::{Memories, Region, What};
use super::skip::Skip;
use super::sums::{Reduce, Sums};
use super::window::Window;
use super::writable::Writable;
use crate::net::PoolKind;
use crate::verilog::{Expr, Module, VerilogFile, set};

/// What a layer sends: activations, and live bits if a dropout unit follows.
#[derive(Clone)]
pub struct Stream {
    pub valid: Expr,
    pub act: Expr,
    pub live: Option<Expr>,
    pub claim: Expr,
    pub claim_ready: Expr,
}

/// Where blocks are put: the module of the design and its files.
pub struct Place<'a> {
    pub m: &'a mut Module,
    pub files: &'a mut Vec<VerilogFile>,
    pub clk: &'a Expr,
    pub rst_n: &'a Expr,
    pub memories: &'a mut Memories,
}

/// An instance of the last of `files`.
pub fn instance(m: &mut Module, name: &str, files: &[VerilogFile], ports: &[(&str, Expr)]) {
    if let Some(file) = files.last() {
        let ports: Vec<(&str, &Expr)> = ports.iter().map(|(n, e)| (*n, e)).collect();
        m.instance(name, file.header(), &ports);
    }
}

impl Place<'_> {
    /// Connections of a memory of constants of a layer, which a host can write.
    fn constants(&mut self, index: usize, memory: Option<Writable>, file: String) -> Vec<(String, Expr)> {
        let region = |memory: Writable| Region {
            name: format!("layer{index}_{}", memory.name),
            layer: index,
            what: What::Constants,
            memory,
            file,
        };
        memory.map_or(vec![], |memory| self.memories.connect(self.m, region(memory)))
    }

    fn put(&mut self, name: &str, file: VerilogFile, ports: Vec<(&str, Expr)>) {
        let mut all = vec![("clk_i", self.clk.clone()), ("rst_ni", self.rst_n.clone())];
        all.extend(ports);
        instance(self.m, name, std::slice::from_ref(&file), &all);
        self.files.push(file);
    }

    /// A frame for each position of a convolution.
    pub fn window(&mut self, index: usize, window: &Window, from: Stream) -> Result<Stream, RtlError> {
        let width = window.lanes * window.beat_out();
        let m = &mut *self.m;
        let sent = Stream {
            valid: m.wire(&format!("window{index}_valid"), 1),
            act: m.wire(&format!("window{index}_act"), width),
            live: window.masks().then(|| m.wire(&format!("window{index}_live"), width)),
            claim: m.wire(&format!("window{index}_claim"), 1),
            claim_ready: m.wire(&format!("window{index}_claim_ready"), 1),
        };
        let mut ports = through(&from, &sent);
        ports.extend([("valid_i", from.valid), ("act_i", from.act)]);
        ports.extend([("valid_o", sent.valid.clone()), ("act_o", sent.act.clone())]);
        ports.extend(from.live.map(|live| ("live_i", live)));
        ports.extend(sent.live.clone().map(|live| ("live_o", live)));
        self.put(&format!("u_window{index}"), window.emit()?, ports);
        Ok(sent)
    }

    /// Pooled activations.
    pub fn pool(&mut self, index: usize, pool: &Pool, from: Stream) -> Result<Stream, RtlError> {
        let m = &mut *self.m;
        let sent = Stream {
            valid: m.wire(&format!("pool{index}_valid"), 1),
            act: m.wire(&format!("pool{index}_act"), pool.lanes * pool.pe),
            live: None,
            claim: m.wire(&format!("pool{index}_claim"), 1),
            claim_ready: m.wire(&format!("pool{index}_claim_ready"), 1),
        };
        let mut ports = through(&from, &sent);
        ports.extend([("valid_i", from.valid), ("act_i", from.act)]);
        ports.extend([("valid_o", sent.valid.clone()), ("act_o", sent.act.clone())]);
        let constants = self.constants(index, pool.memory(), pool.all_file());
        ports.extend(constants.iter().map(|(port, e)| (port.as_str(), e.clone())));
        self.put(&format!("u_pool{index}"), pool.emit()?, ports);
        Ok(sent)
    }

    /// Sums of a layer, from what it counts; `odd` says of every lane whether an odd number of inputs is dropped.
    pub fn sums(&mut self, index: usize, sums: &Sums, from: Stream, odd: Option<Expr>) -> Result<Stream, RtlError> {
        let m = &mut *self.m;
        let width = sums.lanes * sums.plan.pe as u32 * Sums::bits(sums.most);
        let sent = Stream {
            valid: m.wire(&format!("sums{index}_valid"), 1),
            act: m.wire(&format!("sums{index}_sum"), width),
            ..from.clone()
        };
        let mut ports = vec![("valid_i", from.valid), ("sum_i", from.act)];
        ports.extend([("valid_o", sent.valid.clone()), ("sum_o", sent.act.clone())]);
        ports.extend(odd.map(|odd| ("odd_i", odd)));
        let constants = self.constants(index, sums.memory(), sums.offsets_file());
        ports.extend(constants.iter().map(|(port, e)| (port.as_str(), e.clone())));
        self.put(&format!("u_sums{index}"), sums.emit()?, ports);
        Ok(sent)
    }

    /// Pools over windows as a window block sends them; `map` is what comes in, as a convolution reads it.
    pub fn reduce(&mut self, index: usize, window: &Window, reduce: &Reduce, from: Stream) -> Result<Stream, RtlError> {
        let each = window.lanes * window.simd;
        let m = &mut *self.m;
        let covered = Stream {
            valid: m.wire(&format!("pool{index}_window_valid"), 1),
            act: m.wire(&format!("pool{index}_window"), each * window.bits),
            live: None,
            claim: m.wire(&format!("pool{index}_claim"), 1),
            claim_ready: m.wire(&format!("pool{index}_claim_ready"), 1),
        };
        let mut ports = through(&from, &covered);
        ports.extend([("valid_i", from.valid), ("act_i", from.act)]);
        ports.extend([("valid_o", covered.valid.clone()), ("act_o", covered.act.clone())]);
        self.put(&format!("u_pool{index}_window"), window.emit()?, ports);
        let m = &mut *self.m;
        let what = if reduce.kind == PoolKind::Or { "act" } else { "sum" };
        let sent = Stream {
            valid: m.wire(&format!("pool{index}_valid"), 1),
            act: m.wire(&format!("pool{index}_{what}"), each * reduce.bits.1),
            ..covered.clone()
        };
        let (value_in, value_out) = if reduce.kind == PoolKind::Or { ("act_i", "act_o") } else { ("sum_i", "sum_o") };
        let ports = vec![
            ("valid_i", covered.valid),
            (value_in, covered.act),
            ("valid_o", sent.valid.clone()),
            (value_out, sent.act.clone()),
        ];
        self.put(&format!("u_pool{index}"), reduce.emit()?, ports);
        Ok(sent)
    }

    /// Activations of neurons that decide on the sums of `from`, by what was drawn for them: whether there are any, and which.
    pub fn neurons(
        &mut self,
        index: usize,
        neurons: &Neurons,
        from: &Stream,
        drawn: Option<Expr>,
        odd: Option<Expr>,
    ) -> Result<(Expr, Expr), RtlError> {
        let emitted = neurons.emit()?;
        let constants = self.constants(index, Some(neurons.memory()), neurons.parameter_file());
        let m = &mut *self.m;
        let valid = m.wire(&format!("neurons{index}_valid"), 1);
        let act = m.wire(&format!("neurons{index}_act"), neurons.lanes * neurons.plan.pe as u32);
        let mut ports = vec![
            ("clk_i", self.clk.clone()),
            ("rst_ni", self.rst_n.clone()),
            ("valid_i", from.valid.clone()),
            ("sum_i", from.act.clone()),
            ("valid_o", valid.clone()),
            ("act_o", act.clone()),
        ];
        ports.extend(drawn.map(|drawn| ("drawn_i", drawn)));
        ports.extend(odd.map(|odd| ("odd_i", odd)));
        ports.extend(constants.iter().map(|(port, e)| (port.as_str(), e.clone())));
        instance(m, &format!("u_neurons{index}"), &emitted, &ports);
        self.files.extend(emitted);
        Ok((valid, act))
    }

    /// A mask one clock later, for the `late`-th time.
    pub fn later(&mut self, index: usize, late: u32, mask: &Expr) -> Expr {
        let q = self.m.reg(&format!("layer{index}_mask{late}_q"), mask.width());
        self.m.clocked(self.clk, [set(&q, mask)]);
        q
    }

    /// The same sums for the layer behind and for a later one that adds them: whoever sends claims room in both.
    pub fn fork(&mut self, (index, later): (usize, usize), from: &Stream) -> (Stream, Stream) {
        let m = &mut *self.m;
        m.comment(&format!("Layer {later} adds these sums; a pixel begins when both have room for it."));
        let [main, skip] = ["main", "skip"].map(|to| m.wire(&format!("fork{index}_{to}{later}_ready"), 1));
        m.assign(&from.claim_ready, &(&main & &skip));
        (Stream { claim_ready: main, ..from.clone() }, Stream { claim_ready: skip, ..from.clone() })
    }

    /// Sums of `from` with those of an earlier layer, which wait in between.
    pub fn skip(&mut self, index: usize, skip: &Skip, earlier: Stream, from: Stream) -> Result<Stream, RtlError> {
        let m = &mut *self.m;
        let sent = Stream {
            valid: m.wire(&format!("skip{index}_valid"), 1),
            act: m.wire(&format!("skip{index}_sum"), skip.lanes * skip.pe * skip.bits.2),
            ..from.clone()
        };
        let ports = vec![
            ("claim_i", earlier.claim),
            ("claim_ready_o", earlier.claim_ready),
            ("store_i", earlier.valid),
            ("store_sum_i", earlier.act),
            ("valid_i", from.valid),
            ("sum_i", from.act),
            ("valid_o", sent.valid.clone()),
            ("sum_o", sent.act.clone()),
        ];
        self.put(&format!("u_skip{index}"), skip.emit()?, ports);
        Ok(sent)
    }

    /// A frame of the pixels of a map; `what` names who takes it.
    pub fn join(&mut self, what: &str, positions: u32, from: Stream) -> Result<Stream, RtlError> {
        let m = &mut *self.m;
        let claim = m.wire(&format!("{what}_joined_claim"), 1);
        let claim_ready = m.wire(&format!("{what}_joined_claim_ready"), 1);
        let sent = Stream { claim, claim_ready, ..from.clone() };
        let ports = through(&from, &sent);
        self.put(&format!("u_join_{what}"), Join { positions }.emit()?, ports);
        Ok(sent)
    }

    /// Draws that hold for a map: returns the draws, and whether they are there. `take` takes a beat's, `unit_take` those of the
    /// unit, whose draws are `drawn` and there if `ready`.
    pub fn hold(
        &mut self,
        index: usize,
        hold: &Hold,
        (drawn, ready): (&Expr, Expr),
        (take, unit_take): (&Expr, &Expr),
    ) -> Result<(Expr, Expr), RtlError> {
        let out = self.m.wire(&format!("layer{index}_held"), hold.width);
        let out_ready = self.m.wire(&format!("layer{index}_held_ready"), 1);
        let ports = vec![
            ("ready_i", ready),
            ("drawn_i", drawn.clone()),
            ("take_o", unit_take.clone()),
            ("take_i", take.clone()),
            ("ready_o", out_ready.clone()),
            ("drawn_o", out.clone()),
        ];
        self.put(&format!("u_hold{index}"), hold.emit()?, ports);
        Ok((out, out_ready))
    }
}

/// The claims of what comes in and what goes out.
fn through(from: &Stream, sent: &Stream) -> Vec<(&'static str, Expr)> {
    vec![
        ("claim_i", from.claim.clone()),
        ("claim_ready_o", from.claim_ready.clone()),
        ("claim_ready_i", sent.claim_ready.clone()),
        ("claim_o", sent.claim.clone()),
    ]
}
