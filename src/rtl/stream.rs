//! What flows from layer to layer in the top of a design, and the blocks that stand between layers of maps.

use super::RtlError;
use super::hold::Hold;
use super::join::Join;
use super::pool::Pool;
use super::window::Window;
use crate::verilog::{Expr, Module, VerilogFile};

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
}

/// An instance of the last of `files`.
pub fn instance(m: &mut Module, name: &str, files: &[VerilogFile], ports: &[(&str, Expr)]) {
    if let Some(file) = files.last() {
        let ports: Vec<(&str, &Expr)> = ports.iter().map(|(n, e)| (*n, e)).collect();
        m.instance(name, file.header(), &ports);
    }
}

impl Place<'_> {
    fn put(&mut self, name: &str, file: VerilogFile, ports: Vec<(&str, Expr)>) {
        let mut all = vec![("clk_i", self.clk.clone()), ("rst_ni", self.rst_n.clone())];
        all.extend(ports);
        instance(self.m, name, std::slice::from_ref(&file), &all);
        self.files.push(file);
    }

    /// A frame for each position of a convolution.
    pub fn window(&mut self, index: usize, window: &Window, from: Stream) -> Result<Stream, RtlError> {
        let width = window.lanes * window.simd * window.bits;
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
        self.put(&format!("u_pool{index}"), pool.emit()?, ports);
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
