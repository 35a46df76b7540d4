//! The sliding window of a convolution: some rows of a map, and for every position what the kernel covers.

use super::scan::counter;
use super::width_of;
use crate::net::Conv;
use crate::verilog::{
    Expr, Memory, Module, VerilogError, VerilogFile, cat_lsb_first, index_width, lit, mux, repeat, set, when, when_else,
};

/// Holds rows of the maps that come in, and sends what the kernel covers at each position as a frame.
#[derive(Clone, Debug)]
pub struct Window {
    pub name: String,
    pub conv: Conv,
    /// Values of a pixel in a beat out; divides the channels.
    pub simd: u32,
    /// Whether a beat has those of all pixels that the kernel covers, place by place: a memory of its own for each.
    pub by_place: bool,
    /// Values in a beat in; divides `simd`.
    pub beat: u32,
    /// Bits of a value.
    pub bits: u32,
    pub lanes: u32,
    /// Whether values come with live bits.
    pub masked: bool,
}

impl Window {
    /// Clocks from the begin of a frame to its first beat.
    pub const LATENCY: usize = 2;

    /// Whether live bits go out: values come with them, or the map is padded.
    pub fn masks(&self) -> bool {
        self.masked || (self.bits == 1 && self.conv.pad.any())
    }

    /// Places of the kernel whose values go out at once.
    fn places(&self) -> usize {
        if self.by_place { self.conv.kernel.0 * self.conv.kernel.1 } else { 1 }
    }

    /// Bits of a beat out, of one lane.
    pub fn beat_out(&self) -> u32 {
        self.simd * self.bits * self.places() as u32
    }

    /// Words of a pixel.
    fn pixel(&self) -> u32 {
        self.conv.input.channels as u32 / self.simd
    }

    /// Rows that are held: what a row of positions reads, and what the next one needs more.
    pub fn rows(&self) -> usize {
        self.conv.kernel.0.max(self.conv.stride.0) + self.conv.stride.0
    }

    /// The first row of the map that positions of row `y` read.
    fn base(&self, y: usize) -> usize {
        (y * self.conv.stride.0).saturating_sub(self.conv.pad.top)
    }

    /// Rows of the map that nobody reads once row `y` of positions is done.
    pub fn done(&self, y: usize) -> usize {
        let next = if y + 1 == self.conv.summed().0 { self.conv.input.height } else { self.base(y + 1) };
        next - self.base(y)
    }

    /// `value` of a row of positions, as a choice by its number: most rows are alike.
    fn by_row(&self, y: &Expr, width: u32, value: impl Fn(usize) -> u128) -> Expr {
        let usual = value(self.conv.stride.0);
        let rows = 0..self.conv.summed().0;
        let unusual = rows.filter(|&row| value(self.done(row)) != usual);
        unusual.fold(lit(width, usual), |other, row| {
            mux(&y.eq(&lit(y.width(), row as u128)), &lit(width, value(self.done(row))), &other)
        })
    }

    pub fn emit(&self) -> Result<VerilogFile, VerilogError> {
        let Conv { input, kernel, stride, pad, .. } = self.conv;
        let (out_rows, out_cols) = self.conv.summed();
        let (pixel, columns) = (self.pixel(), self.simd / self.beat);
        let row_words = input.width as u32 * pixel;
        let rows = self.rows() as u32;
        let total = rows * row_words;
        let at = index_width(total);
        let value = self.beat * self.bits;
        // Of a place, and of all of a beat.
        let word = self.simd * self.bits;
        let beat_out = self.beat_out();

        let mut m = Module::new(&self.name);
        m.doc(&format!(
            "Sliding window: holds {rows} rows of maps of {} x {} x {} and sends what a kernel of {} x {} covers at each position, \
             as a frame of the layer behind. A row is given back when no position needs it any more.",
            input.height, input.width, input.channels, kernel.0, kernel.1
        ));
        if pad.any() {
            m.doc("What lies outside the map is sent as dropped: it adds nothing.");
        }
        m.fact("stride", format!("{} x {}", stride.0, stride.1));
        m.fact("positions", format!("{out_rows} x {out_cols}"));
        m.fact("values in a beat in", self.beat);
        if self.by_place {
            m.doc("All places of the kernel at once: each reads a memory of its own, as a crossbar for each place would be driven.");
        }
        m.fact("values in a beat out", self.simd * self.places() as u32);
        m.fact("lanes (passes at once)", self.lanes);
        m.fact(
            "clocks a position",
            format!("{} and 1 between positions", self.conv.taps() as u32 / self.simd / self.places() as u32),
        );
        m.latency(&format!("{} clocks from the claim of a frame to its first beat", Self::LATENCY));
        m.group("Clock and reset");
        let clk = m.input("clk_i", 1);
        let rst_n = m.input("rst_ni", 1);
        m.group("Maps in: room for a pixel is claimed, then its beats come");
        let claim = m.input("claim_i", 1);
        let claim_ready = m.output("claim_ready_o", 1);
        let valid = m.input("valid_i", 1);
        let act = m.input("act_i", self.lanes * value);
        let live = self.masked.then(|| m.input("live_i", self.lanes * value));
        m.group("Frames out, one a position");
        let next_ready = m.input("claim_ready_i", 1);
        let claim_out = m.output("claim_o", 1);
        let valid_out = m.output_reg("valid_o", 1);
        let act_out = m.output("act_o", self.lanes * beat_out);
        let live_out = self.masks().then(|| m.output("live_o", self.lanes * beat_out));

        // A counter of `n`, that steps at `step` and wraps; and whether it stands at its last value.
        let zero = |e: &Expr| lit(e.width(), 0);
        let counter = |m: &mut Module, name: &str, n: u32, step: &Expr| counter(m, (&clk, &rst_n), name, n, step);

        m.section("Rows come in one after the other, map after map");
        let column = (columns > 1).then(|| counter(&mut m, "write_column", columns, &valid));
        let word_in = match &column {
            Some((_, last)) => m.wire_is("word_in", &(&valid & last)),
            None => valid.clone(),
        };
        let (write_at, _) = counter(&mut m, "write_at", total, &word_in);
        let (_, row_ends) = counter(&mut m, "write_word", row_words, &word_in);
        let row_in = m.wire_is("row_in", &(&word_in & &row_ends));
        let (_, map_ends) = counter(&mut m, "write_row", input.height as u32, &row_in);
        let map_in = m.wire_is("map_in", &(&row_in & &map_ends));

        m.section("Positions, row by row");
        let busy = m.reg("busy_q", 1);
        let frame_done = m.wire("frame_done", 1);
        let (_, last_x) = counter(&mut m, "position_x", out_cols as u32, &frame_done);
        let row_done = m.wire_is("row_done", &(&frame_done & last_x));
        let (y, last_row) = counter(&mut m, "position_y", out_rows as u32, &row_done);
        let map_done = m.wire_is("map_done", &(&row_done & &last_row));
        let held_bits = width_of(u64::from(rows));
        let held = m.reg("rows_held_q", held_bits);
        m.note("complete rows from the first that positions of this row read");
        let maps = m.reg("maps_held_q", width_of((self.rows() / input.height + 2) as u64));
        m.note("maps that are complete");
        let places = rows * input.width as u32;
        let claimed = m.reg("claimed_q", width_of(u64::from(places)));
        m.note("pixels that came in or will, and were not given back");
        m.assign(&claim_ready, &claimed.ne(&lit(claimed.width(), u128::from(places))));
        let done_rows = self.by_row(&y, held_bits, |rows| rows as u128);
        let done_rows = m.wire_is("rows_done", &mux(&row_done, &done_rows, &lit(held_bits, 0)));
        let done_pixels = self.by_row(&y, claimed.width(), |rows| (rows * input.width) as u128);
        let done_pixels = m.wire_is("pixels_done", &mux(&row_done, &done_pixels, &zero(&claimed)));
        let step = |counter: &Expr, more: &Expr| counter + more.zext(counter.width());
        m.clocked(
            &clk,
            [when_else(
                &!&rst_n,
                [set(&held, &zero(&held)), set(&maps, &zero(&maps)), set(&claimed, &zero(&claimed))],
                [
                    set(&held, &(step(&held, &row_in) - &done_rows)),
                    set(&maps, &(step(&maps, &map_in) - map_done.zext(maps.width()))),
                    set(&claimed, &(step(&claimed, &claim) - &done_pixels)),
                ],
            )],
        );
        // All rows that a row of positions reads or leaves behind; at the end of a map there may be fewer of them.
        let need = (0..out_rows - 1).map(|row| self.done(row)).max().unwrap_or(0).max(kernel.0);
        let rows_there = held.ge(&lit(held_bits, need as u128)) & !&last_row;
        let present = m.wire_is("present", &(maps.any() | rows_there));
        m.note("all that the kernel covers in this row");
        let begin = m.wire_is("begin_frame", &(!&busy & &present & &next_ready));
        m.assign(&claim_out, &begin);

        m.section(if self.by_place { "The kernel, all places at once" } else { "The kernel, row by row" });
        let first = m.reg("first_row_at_q", at);
        m.note("where the first row that is read begins");
        // Columns count from the padding, so that they are negative there: sums wrap to what is meant.
        let column0 = m.reg("column0_at_q", at);
        let wrapped = |m: &mut Module, name: &str, at_row: &Expr, advance: &Expr| {
            let sum = m.wire_is(&format!("{name}_sum"), &(at_row.zext(at + 1) + advance));
            let all = lit(at + 1, u128::from(total));
            let less = m.wire_is(&format!("{name}_less"), &(&sum - &all));
            m.unused(&format!("unused_{name}"), &[&less.bit(at)]);
            m.wire_is(name, &mux(&sum.ge(&all), &less.bits(0, at), &sum.bits(0, at)))
        };
        let advance = self.by_row(&y, at + 1, |rows| rows as u128 * u128::from(row_words));
        let next_first = wrapped(&mut m, "next_first", &first, &advance);
        let left = pad.left as u32 * pixel;
        let start = lit(at, (1u128 << at).wrapping_sub(u128::from(left)) & ((1u128 << at) - 1));
        let within = |tap: &Expr, before: usize, size: usize, after: usize| {
            let low = (before > 0).then(|| tap.ge(&lit(tap.width(), before as u128)));
            let end = (before + size) as u128;
            let high = (after > 0 && end >> tap.width() == 0).then(|| tap.lt(&lit(tap.width(), end)));
            low.into_iter().chain(high).reduce(|a, b| a & b).unwrap_or(lit(1, 1))
        };
        // Steps that a single row or column never takes may be wider than its counter.
        let plus = |e: &Expr, n: u32| e + lit(e.width(), u128::from(n) & ((1u128 << e.width()) - 1));
        // Where the kernel stands, counted from the padding; only where it comes to stand on some.
        let stands = |m: &mut Module, name: &str, before: usize, size: usize, last: usize| {
            (before > 0 || last > size).then(|| m.reg(name, width_of(last as u64)))
        };
        let tx0 = stands(&mut m, "tap_x0_q", pad.left, input.width, (out_cols - 1) * stride.1 + kernel.1);
        let ty0 = stands(&mut m, "tap_y0_q", pad.top, input.height, (out_rows - 1) * stride.0 + kernel.0);
        let mut reset = vec![set(&first, &zero(&first)), set(&column0, &start)];
        let mut on_row = vec![set(&column0, &start), set(&first, &next_first)];
        let mut on_position = vec![set(&column0, &plus(&column0, stride.1 as u32 * pixel))];
        if let Some(tx0) = &tx0 {
            reset.push(set(tx0, &zero(tx0)));
            on_row.push(set(tx0, &zero(tx0)));
            on_position.push(set(tx0, &plus(tx0, stride.1 as u32)));
        }
        if let Some(ty0) = &ty0 {
            reset.push(set(ty0, &zero(ty0)));
            on_row.push(set(ty0, &mux(&map_done, &zero(ty0), &plus(ty0, stride.0 as u32))));
        }
        let inside = |tx: Option<Expr>, ty: Option<Expr>| {
            let x = tx.map(|tx| within(&tx, pad.left, input.width, pad.right));
            let y = ty.map(|ty| within(&ty, pad.top, input.height, pad.bottom));
            x.into_iter().chain(y).reduce(|a, b| a & b)
        };
        // What is read for each place, and whether it lies in the map.
        let mut reads: Vec<(String, Expr, Option<Expr>)> = vec![];
        if self.by_place {
            let of_pixel = m.reg("pixel_word_q", index_width(pixel));
            let last = of_pixel.eq(&lit(of_pixel.width(), u128::from(pixel - 1)));
            m.assign(&frame_done, &(&busy & last));
            let mut idle = vec![set(&of_pixel, &zero(&of_pixel))];
            let mut on_word = vec![set(&of_pixel, &plus(&of_pixel, 1))];
            let mut rows_at = vec![];
            for ky in 0..kernel.0 {
                // Rows above the map are nowhere: those that follow begin at its first.
                let above = (0..pad.top).step_by(stride.0).map(|y| (y, ky.saturating_sub(pad.top - y)));
                let words = |rows: usize| lit(at + 1, rows as u128 * u128::from(row_words));
                let advance = match &ty0 {
                    Some(ty0) => above.fold(words(ky), |other, (y, rows)| {
                        mux(&ty0.eq(&lit(ty0.width(), y as u128)), &words(rows), &other)
                    }),
                    None => words(ky),
                };
                let row = m.reg(&format!("place_y{ky}_at_q"), at);
                let begins = wrapped(&mut m, &format!("place_y{ky}_begins"), &first, &advance);
                idle.push(set(&row, &begins));
                rows_at.push(row);
            }
            let mut columns_at = vec![];
            for kx in 0..kernel.1 {
                let column = m.reg(&format!("place_x{kx}_at_q"), at);
                idle.push(set(&column, &plus(&column0, kx as u32 * pixel)));
                on_word.push(set(&column, &plus(&column, 1)));
                columns_at.push(column);
            }
            m.clocked(&clk, [when_else(&!&busy, idle, on_word)]);
            for (ky, row) in rows_at.iter().enumerate() {
                for (kx, column) in columns_at.iter().enumerate() {
                    let tap = |from: &Option<Expr>, n: usize| from.as_ref().map(|from| plus(from, n as u32));
                    let name = format!("_{ky}_{kx}");
                    let read_at = m.wire_is(&format!("read_at{name}"), &(row + column));
                    let inside = inside(
                        tap(&tx0, kx).map(|tx| m.wire_is(&format!("tap_x{name}"), &tx)),
                        tap(&ty0, ky).map(|ty| m.wire_is(&format!("tap_y{name}"), &ty)),
                    );
                    reads.push((name, read_at, inside));
                }
            }
        } else {
            let run = m.reg("kernel_word_q", index_width(kernel.1 as u32 * pixel));
            let last = run.eq(&lit(run.width(), u128::from(kernel.1 as u32 * pixel - 1)));
            let run_last = m.wire_is("kernel_row_done", &(&busy & last));
            let ky = m.reg("kernel_row_q", index_width(kernel.0 as u32));
            let last_ky = ky.eq(&lit(ky.width(), kernel.0 as u128 - 1));
            m.assign(&frame_done, &(&run_last & last_ky));
            let row_at = m.reg("row_at_q", at);
            let column_at = m.reg("column_at_q", at);
            let next_row = wrapped(&mut m, "next_row", &row_at, &lit(at + 1, u128::from(row_words)));
            let tx = tx0.as_ref().map(|tx0| m.reg("tap_x_q", tx0.width()));
            let ty = ty0.as_ref().map(|ty0| m.reg("tap_y_q", ty0.width()));
            let word_of_pixel = (tx.is_some() && pixel > 1).then(|| m.reg("pixel_word_q", index_width(pixel)));
            let pixel_done = match &word_of_pixel {
                Some(w) => m.wire_is("pixel_done", &w.eq(&lit(w.width(), u128::from(pixel - 1)))),
                None => lit(1, 1),
            };
            let mut idle =
                vec![set(&run, &zero(&run)), set(&ky, &zero(&ky)), set(&row_at, &first), set(&column_at, &column0)];
            let mut on_kernel_row = vec![
                set(&run, &zero(&run)),
                set(&ky, &plus(&ky, 1)),
                set(&column_at, &column0),
                match ty.as_ref().filter(|_| pad.top > 0) {
                    // Rows above the map are nowhere.
                    Some(ty) => when(&ty.ge(&lit(ty.width(), pad.top as u128)), [set(&row_at, &next_row)]),
                    None => set(&row_at, &next_row),
                },
            ];
            let mut on_word = vec![set(&run, &plus(&run, 1)), set(&column_at, &plus(&column_at, 1))];
            if let (Some(tx0), Some(tx)) = (&tx0, &tx) {
                idle.push(set(tx, tx0));
                on_kernel_row.push(set(tx, tx0));
                let next_pixel = set(tx, &plus(tx, 1));
                match &word_of_pixel {
                    Some(_) => on_word.push(when(&pixel_done, [next_pixel])),
                    None => on_word.push(next_pixel),
                }
            }
            if let Some(w) = &word_of_pixel {
                idle.push(set(w, &zero(w)));
                on_kernel_row.push(set(w, &zero(w)));
                on_word.push(set(w, &mux(&pixel_done, &zero(w), &plus(w, 1))));
            }
            if let (Some(ty0), Some(ty)) = (&ty0, &ty) {
                idle.push(set(ty, ty0));
                on_kernel_row.push(set(ty, &plus(ty, 1)));
            }
            m.clocked(&clk, [when_else(&!&busy, idle, [when_else(&run_last, on_kernel_row, on_word)])]);
            let read_at = m.wire_is("read_at", &(&row_at + &column_at));
            reads.push((String::new(), read_at, inside(tx, ty)));
        }
        m.clocked(
            &clk,
            [
                when_else(
                    &!&rst_n,
                    [set(&busy, &lit(1, 0)), set(&valid_out, &lit(1, 0))],
                    [set(&busy, &(&begin | (&busy & !&frame_done))), set(&valid_out, &busy)],
                ),
                when_else(&!&rst_n, reset, [when_else(&row_done, on_row, [when(&frame_done, on_position)])]),
            ],
        );

        m.section(if self.by_place { "Words, one memory a place and column" } else { "Words, one memory a column" });
        let stored = match &live {
            Some(live) => m.wire_is("stored", &cat_lsb_first([&act, live])),
            None => act.clone(),
        };
        let lanes = self.lanes;
        // Of each place: its words by column, activations and live bits, and whether it lies in the map.
        let mut places = vec![];
        for (name, read_at, inside) in reads {
            let inside = inside.map(|inside| {
                let q = m.reg(&format!("inside{name}_q"), 1);
                m.clocked(&clk, [set(&q, &inside)]);
                q
            });
            let (mut acts, mut lives) = (vec![], vec![]);
            for c in 0..columns {
                let memory = m.memory(Memory::new(&format!("column{c}{name}"), stored.width(), total));
                let q = m.reg(&format!("column{c}{name}_q"), stored.width());
                let hit = match &column {
                    Some((column, _)) => &valid & column.eq(&lit(column.width(), u128::from(c))),
                    None => valid.clone(),
                };
                m.clocked(&clk, [when(&hit, [set(&memory.word(&write_at), &stored)]), set(&q, &memory.word(&read_at))]);
                acts.push(m.wire_is(&format!("act{c}{name}"), &q.bits(0, lanes * value)));
                if live.is_some() {
                    lives.push(m.wire_is(&format!("live{c}{name}"), &q.bits(lanes * value, lanes * value)));
                }
            }
            places.push((acts, lives, inside));
        }
        m.generate_for("g_lane", "l", lanes, |m, l| {
            let gather = |columns: &[Expr]| cat_lsb_first(columns.iter().map(|c| c.word(l, value)).collect::<Vec<_>>());
            let outside = |inside: &Option<Expr>, e: Expr| match inside {
                Some(inside) => mux(inside, &e, &lit(word, 0)),
                None => e,
            };
            let values = places.iter().map(|(acts, _, inside)| match &live_out {
                Some(_) => gather(acts),
                None => outside(inside, gather(acts)),
            });
            m.assign(&act_out.word(l, beat_out), &cat_lsb_first(values.collect::<Vec<_>>()));
            if let Some(live_out) = &live_out {
                let all = places.iter().map(|(_, lives, inside)| {
                    let all = if lives.is_empty() { repeat(word, &lit(1, 1)) } else { gather(lives) };
                    outside(inside, all)
                });
                m.assign(&live_out.word(l, beat_out), &cat_lsb_first(all.collect::<Vec<_>>()));
            }
        });
        m.build()
    }
}
