//! Pooling of activations: whether any neuron of a window fires, or whether all do.

use super::scan::counter;
use super::writable::Writable;
use crate::net::Conv;
use crate::verilog::{
    Expr, Memory, Module, VerilogError, VerilogFile, index_width, lit, mux, repeat, set, when, when_else,
};

/// Pools the activations of a convolution over windows that do not overlap.
#[derive(Clone, Debug)]
pub struct Pool {
    pub name: String,
    pub conv: Conv,
    pub pe: u32,
    /// Beats of a pixel.
    pub groups: u32,
    pub lanes: u32,
    /// Neurons of which all positions of a window have to fire: those that fire at or below their threshold, where the
    /// largest sum decides. The others fire if any position does.
    pub all: Option<Vec<bool>>,
    /// Whether a host can write which these are.
    pub writable: bool,
}

impl Pool {
    pub fn all_file(&self) -> String {
        format!("{}_all.hex", self.name)
    }

    /// Memory image of [`Pool::all`], one word a beat.
    pub fn all_words(&self) -> Option<String> {
        let all = self.all.as_ref()?;
        Some(
            all.chunks(self.pe as usize)
                .map(|beat| super::image_word(&beat.iter().map(|&b| (1, b.into())).collect::<Vec<_>>()))
                .collect(),
        )
    }

    /// [`Pool::all`] as a host writes it.
    pub fn memory(&self) -> Option<Writable> {
        self.all.as_ref().map(|_| Writable { name: "all_needed", rows: self.groups, slices: self.pe, bits: 1 })
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let (rows, cols) = self.conv.summed();
        let (pooled_rows, pooled_cols) = self.conv.positions();
        let size = self.conv.pool.map_or((1, 1), |pool| pool.size);
        let width = self.lanes * self.pe;
        let mut m = Module::new(&self.name);
        m.doc(&format!(
            "Pools maps of {rows} x {cols} positions over windows of {} x {}: {} x {} come out. A neuron of a window fires if \
             it fires at any position.",
            size.0, size.1, pooled_rows, pooled_cols
        ));
        if self.all.is_some() {
            m.doc(
                "The largest sum of a window decides. For a neuron that fires at or below its threshold this means: if it fires \
                 at all positions.",
            );
        }
        m.fact("neurons in a beat", self.pe);
        m.fact("lanes (passes at once)", self.lanes);
        m.latency("1 clock from the last beat of a window to its beat");
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Pixels in: one is claimed, then its beats come");
        let claim = m.input("claim_i", 1);
        let claim_ready = m.output("claim_ready_o", 1);
        let valid = m.input("valid_i", 1);
        let act = m.input("act_i", width);
        m.group("Pooled pixels out");
        let next_ready = m.input("claim_ready_i", 1);
        let claim_out = m.output("claim_o", 1);
        let valid_out = m.output_reg("valid_o", 1);
        let act_out = m.output_reg("act_o", width);
        let side = self.memory().filter(|_| self.writable).map(|memory| memory.side(&mut m));

        let counter = |m: &mut Module, name: &str, n: usize, step: &Expr| -> (Expr, Expr) {
            let (q, last) = counter(m, (&clk, &rst_n), name, n as u32, step);
            let stepped = m.wire_is(&format!("{name}_wraps"), &(step & last));
            (q, stepped)
        };
        // Where a pixel stands: the number of its window, and the place in that, along one direction. Windows do not overlap;
        // what they leave over at the end belongs to none.
        let place = |m: &mut Module, name: &str, n: usize, size: usize, windows: usize, step: &Expr| {
            let (_, wraps) = counter(m, name, n, step);
            let within = m.reg(&format!("{name}_within_q"), index_width(size as u32));
            let window = m.reg(&format!("{name}_window_q"), index_width(windows as u32 + 1));
            let end = m.wire_is(&format!("{name}_ends"), &within.eq(&lit(within.width(), size as u128 - 1)));
            let zero = |e: &Expr| set(e, &lit(e.width(), 0));
            let inside = m.wire_is(&format!("{name}_inside"), &window.ne(&lit(window.width(), windows as u128)));
            m.clocked(
                &clk,
                [when_else(
                    &(!&rst_n | &wraps),
                    [zero(&within), zero(&window)],
                    [when(
                        step,
                        [when_else(
                            &end,
                            [zero(&within), when(&inside, [set(&window, &(&window + lit(window.width(), 1)))])],
                            [set(&within, &(&within + lit(within.width(), 1)))],
                        )],
                    )],
                )],
            );
            (wraps, within, window, m.wire_is(&format!("{name}_completes"), &(&end & inside)))
        };

        m.section("Claims: the last pixel of a window claims a pooled one");
        let (claim_row, _, unused_claim, claim_x) = place(&mut m, "claim_x", cols, size.1, pooled_cols, &claim);
        let (unused_map, _, unused_claims, claim_y) = place(&mut m, "claim_y", rows, size.0, pooled_rows, &claim_row);
        m.unused("unused_claim", &[&unused_claim, &unused_map, &unused_claims]);
        let completes = m.wire_is("claim_completes", &(claim_x & claim_y));
        m.assign(&claim_ready, &(&next_ready | !&completes));
        m.assign(&claim_out, &(&claim & &completes));

        m.section("Beats");
        let (group, pixel) = counter(&mut m, "beat", self.groups as usize, &valid);
        let (row, x_within, window, x_completes) = place(&mut m, "x", cols, size.1, pooled_cols, &pixel);
        let (unused_rows, y_within, unused_window, y_completes) = place(&mut m, "y", rows, size.0, pooled_rows, &row);
        m.unused("unused_row", &[&unused_rows, &unused_window]);
        let first = m.wire_is("window_begins", &!(x_within.any() | y_within.any()));
        let depth = (pooled_cols as u32 + 1) * self.groups;
        let memory = m.memory(Memory::new("windows", width, depth).distributed());
        let at_bits = index_width(depth);
        let at = if self.groups > 1 {
            let base = window.zext(at_bits).mul(&lit(at_bits, u128::from(self.groups)), 2 * at_bits);
            let base = m.wire_is("window_at", &base);
            m.unused("unused_window_at", &[&base.slice(2 * at_bits - 1, at_bits)]);
            m.wire_is("at", &(base.bits(0, at_bits) + group.zext(at_bits)))
        } else {
            m.unused("unused_beat", &[&group]);
            m.wire_is("at", &window.zext(at_bits))
        };
        let before = m.wire_is("pooled_before", &memory.word(&at));
        let pooled = match &self.all {
            None => &before | &act,
            Some(_) => {
                let rom = m.memory(Memory::new("all_needed", self.pe, self.groups).file(&self.all_file()));
                let all = match &side {
                    Some(side) => {
                        let row = m.wire_is("all_row", &side.row_or(&group));
                        let all = m.wire_is("all_fire", &rom.word(&row));
                        side.clocked_at_once(&mut m, &clk, &rom, &row, &all);
                        all
                    }
                    None => m.wire_is("all_fire", &rom.word(&group)),
                };
                let all = repeat(self.lanes, &all);
                let all = m.wire_is("all_lanes", &all);
                (&all & (&before & &act)) | (!&all & (&before | &act))
            }
        };
        let value = m.wire_is("value", &mux(&first, &act, &pooled));
        m.clocked(
            &clk,
            [
                when(&valid, [set(&memory.word(&at), &value)]),
                set(&act_out, &value),
                when_else(
                    &!&rst_n,
                    [set(&valid_out, &lit(1, 0))],
                    [set(&valid_out, &(&valid & x_completes & y_completes))],
                ),
            ],
        );
        m.build()
    }
}
