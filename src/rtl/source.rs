//! Random sources (`docs/semantics.md` §4): from a draw to the next, and from the start of a stream to the next one's.
//!
//! The default source is made of rust-hdl leaves (`src/leaf`). The others are made here: what they wire is a matrix that is computed
//! from family, width and steps when a design is built, and rust-hdl has to know its constants' widths and uses when it is compiled.

use super::{MemoryImage, RtlError};
use crate::leaf;
use crate::net::{Family, Random, Starts};
use crate::random::{Matrix, matrices, power_of_x, spacing};
use crate::verilog::{Expr, Memory, Module, VerilogFile, cat, hex, index_width, lit, mux, set, when, when_else};
use std::fmt::Write;

/// Bits of the first register of a pair.
const FIRST: u32 = 33;

/// Short for family, width and steps; empty for the default source.
pub fn tag(random: &Random) -> String {
    let family = random.source.family;
    let mut tag = match family {
        Family::Galois if random.lfsr_bits >= 32 => String::new(),
        Family::Taps { mask } => format!("_taps{mask:x}"),
        Family::Replay { words } => format!("_replay{words}"),
        other => format!("_{}", other.name()),
    };
    let steps = random.source.steps_of(random.code_bits);
    if steps != family.own_steps(random.code_bits) {
        let _ = write!(tag, "_s{steps}");
    }
    tag
}

/// What a unit draws from, for its header comment.
pub fn described(random: &Random) -> String {
    let (width, code_bits) = (random.state_bits(), random.code_bits);
    let steps = random.source.steps_of(code_bits);
    let of = match random.source.family {
        Family::Galois => "a Galois LFSR",
        Family::Taps { .. } => "a Galois LFSR with taps of its own",
        Family::Fibonacci => "a Fibonacci LFSR",
        Family::Automaton => "a 90/150 cellular automaton",
        Family::Xorshift => "an xorshift generator",
        Family::Lut => "a LUT-optimised generator",
        Family::Pair => "the XOR of two Galois LFSRs",
        Family::Replay { .. } => "a recording, at a position",
    };
    format!("{of} of {width} bits that leaps {steps} step{} a draw", if steps == 1 { "" } else { "s" })
}

/// File of the words of a recording.
fn recording_file(words: u32, code_bits: u32) -> String {
    format!("ns_recording_{words}x{code_bits}.hex")
}

/// The words that a source replays, as the memory of its draws reads them.
pub fn recording(random: &Random, words: &[u16]) -> Option<MemoryImage> {
    let Family::Replay { words: count } = random.source.family else { return None };
    let digits = random.code_bits.div_ceil(4) as usize;
    let mut text = String::new();
    for word in words {
        let _ = writeln!(text, "{word:0digits$x}");
    }
    Some(MemoryImage { file: recording_file(count, random.code_bits), text })
}

/// `state_i` to `next_o` and `draw_o`, combinational.
pub fn leap(random: &Random) -> Result<VerilogFile, RtlError> {
    let (width, code_bits) = (random.state_bits(), random.code_bits);
    let steps = random.source.steps_of(code_bits);
    let family = random.source.family;
    if tag(random).is_empty() {
        return Ok(leaf::lfsr_leap(width, code_bits)?);
    }
    let mut m = Module::new(&format!("ns_leap{}_{width}x{code_bits}", tag(random)));
    m.fact("bits of the state", width);
    m.fact("bits of a draw", code_bits);
    m.fact("steps from a draw to the next", steps);
    m.latency("none, combinational");
    let state = m.input("state_i", width);
    let next = m.output("next_o", width);
    m.note("the state after the draw");
    let draw = m.output("draw_o", code_bits);
    if let Family::Replay { words } = family {
        m.doc(
            "Recorded draws, one after the other and again from the first; the state is the position in the recording.",
        );
        m.fact("words", words);
        let memory = Memory::new("recording", code_bits, words).distributed();
        let memory = m.memory(memory.file(&recording_file(words, code_bits)));
        m.assign(&draw, &memory.word(&state));
        let later = wrapped(&mut m, words, &state, u64::from(steps % words));
        m.assign(&next, &later);
        return Ok(m.build()?);
    }
    if let Family::Taps { mask } = family {
        m.fact("mask", format!("{mask:#x}"));
    }
    m.doc(&format!("The draw that a state gives, and the state after it, of {}.", described(random)));
    let (step, drawn) = matrices(family, width, code_bits).map_err(leaf::LeafError::from)?;
    linear(&mut m, &next, &step.power(steps.into()), &state);
    linear(&mut m, &draw, &drawn, &state);
    Ok(m.build()?)
}

/// The modules of a source by themselves, to be synthesised: each with the name of its top.
pub struct Parts {
    /// A register, and one draw of it a clock.
    pub draw: (String, Vec<VerilogFile>),
    /// What finds the starts of streams.
    pub jump: (String, Vec<VerilogFile>),
    pub images: Vec<MemoryImage>,
}

/// A source by itself; `words` is what it replays.
pub fn source_parts(random: &Random, words: &[u16]) -> Result<Parts, RtlError> {
    let (leap, jump) = (leap(random)?, jump(random)?);
    let mut m = Module::new(&format!("ns_source{}_{}x{}", tag(random), random.state_bits(), random.code_bits));
    m.doc(&format!("One stream by itself: {}.", described(random)));
    m.latency("a draw a clock");
    let (clk, load) = (m.input("clk_i", 1), m.input("load_i", 1));
    let seed = m.input("seed_i", random.state_bits());
    let enable = m.input("draw_i", 1);
    let draw = m.output("draw_o", random.code_bits);
    let (state, next) = (m.reg("state_q", random.state_bits()), m.wire("next", random.state_bits()));
    m.instance("u_leap", leap.header(), &[("state_i", &state), ("next_o", &next), ("draw_o", &draw)]);
    m.clocked(&clk, [when_else(&load, [set(&state, &seed)], [when(&enable, [set(&state, &next)])])]);
    let own = m.build()?;
    Ok(Parts {
        draw: (own.name().into(), vec![leap, own]),
        jump: (jump.name().into(), vec![jump]),
        images: recording(random, words).into_iter().collect(),
    })
}

/// Drives `out` with what `map` makes of `state`: shifts as slices, all else bit by bit.
fn linear(m: &mut Module, out: &Expr, map: &Matrix, state: &Expr) {
    let rows = map.rows(out.width());
    let single = |i: usize| rows.get(i).filter(|row| row.is_power_of_two()).map(|row| row.trailing_zeros());
    let mut at = 0;
    while at < rows.len() {
        let run = single(at).map_or(1, |from| (0..).take_while(|n| single(at + n) == Some(from + *n as u32)).count());
        let value = match single(at) {
            Some(from) => state.bits(from, run as u32),
            None => parity(state, rows[at]),
        };
        m.assign(&out.bits(at as u32, run as u32), &value);
        at += run;
    }
}

/// XOR of the bits of `state` that are in `mask`.
fn parity(state: &Expr, mask: u64) -> Expr {
    if mask.count_ones() > 6 {
        return (state & hex(state.width(), mask.into())).parity();
    }
    let bits = (0..state.width()).filter(|i| mask >> i & 1 == 1).map(|i| state.bit(i));
    bits.reduce(|sum, bit| sum ^ bit).unwrap_or(lit(1, 0))
}

/// `position + by` in a recording of `words` words, `by` < `words`.
fn wrapped(m: &mut Module, words: u32, position: &Expr, by: u64) -> Expr {
    let width = position.width();
    if words.is_power_of_two() {
        return position + lit(width, by.into());
    }
    let sum = m.wire_is("sum", &(position.zext(width + 1) + lit(width + 1, by.into())));
    within(m, words, &sum)
}

/// A number below 2 · `words` less `words` where it is not below them, without its highest bit if it has one too many.
fn within(m: &mut Module, words: u32, sum: &Expr) -> Expr {
    let (width, all) = (index_width(words), lit(sum.width(), words.into()));
    let less = m.wire_is("less", &(sum - &all));
    if sum.width() > width {
        m.unused("unused_less", &[&less.bit(width)]);
    }
    mux(&sum.lt(&all), &sum.bits(0, width), &less.bits(0, width))
}

/// The state that the bits `word` stand for: some are none of the source's.
pub fn legal(m: &mut Module, random: &Random, word: &Expr) -> Expr {
    let nonzero = |word: &Expr| word | (!word.any()).zext(word.width());
    match random.source.family {
        Family::Replay { words } if words.is_power_of_two() => word.clone(),
        Family::Replay { words } => within(m, words, word),
        Family::Pair => cat([nonzero(&word.slice(word.width() - 1, FIRST)), nonzero(&word.bits(0, FIRST))]),
        _ => nonzero(word),
    }
}

/// Holds the start of a stream and goes to the next: `clk_i`, `load_i`, `seed_i`, `start_i` to `busy_o`, `state_o`.
pub fn jump(random: &Random) -> Result<VerilogFile, RtlError> {
    let (width, family) = (random.state_bits(), random.source.family);
    match (random.source.starts, family) {
        (Starts::Jumped, Family::Galois) if width >= 32 => Ok(leaf::stream_jump(width)?),
        (Starts::Naive, _) => naive(random),
        (_, Family::Replay { words }) => replay_jump(random, words),
        _ => linear_jump(random),
    }
}

/// The ports of a jump: clock, load, seed, start, busy, state.
fn jump_ports(m: &mut Module, width: u32) -> [Expr; 6] {
    m.group("Clock");
    let clk = m.input("clk_i", 1);
    m.group("Jumps");
    let load = m.input("load_i", 1);
    m.note("takes seed_i");
    let seed = m.input("seed_i", width);
    let start = m.input("start_i", 1);
    m.note("goes to the next stream");
    let busy = m.output("busy_o", 1);
    let state = m.output("state_o", width);
    m.note("while busy_o is 0");
    [clk, load, seed, start, busy, state]
}

fn linear_jump(random: &Random) -> Result<VerilogFile, RtlError> {
    let (width, source) = (random.state_bits(), random.source);
    let mask = if let Family::Taps { mask } = source.family { format!("{mask:x}") } else { String::new() };
    let (step, _) = matrices(source.family, width, 1).map_err(leaf::LeafError::from)?;
    let by = spacing(source, random.lfsr_bits);
    let polynomial = step.polynomial().ok_or_else(|| RtlError::Unsupported(format!("source {source}: no jumps")))?;
    let coefficients = power_of_x(width, polynomial, by.into());
    let mut m = Module::new(&format!("ns_jump_{}{mask}_{width}", source.family.name()));
    m.doc(
        "Holds a state and moves it on by a fixed number of steps: from the start of one stream to the start of the next. The \
         state after so many steps is the XOR of the states after i steps over all i whose coefficient is 1, where the \
         coefficients are those of x^steps modulo the characteristic polynomial of a step.",
    );
    m.fact("bits of the state", width);
    m.fact("steps", format!("{by:#x}"));
    m.fact("polynomial, without its highest term", format!("{polynomial:#x}"));
    m.latency("as many clocks as the state has bits, from start_i to the fall of busy_o");
    let [clk, load, seed, start, busy_o, state_o] = jump_ports(&mut m, width);
    let count_bits = index_width(width);
    let (state, sum) = (m.reg("state_q", width), m.reg("sum_q", width));
    let (count, busy) = (m.reg("count_q", count_bits), m.reg("busy_q", 1));
    let coefficients = m.localparam("COEFFICIENTS", &hex(width, coefficients.into()));
    let stepped = m.wire("stepped", width);
    linear(&mut m, &stepped, &step, &state);
    let taken = coefficients.at(&count);
    let new_sum = m.wire_is("new_sum", &mux(&taken, &(&sum ^ &state), &sum));
    let last = m.wire_is("last", &count.eq(&lit(count_bits, u128::from(width - 1))));
    let zero = lit(count_bits, 0);
    m.clocked(
        &clk,
        [when_else(
            &load,
            [set(&state, &seed), set(&busy, &lit(1, 0))],
            [when_else(
                &busy,
                [
                    set(&sum, &new_sum),
                    set(&count, &(&count + lit(count_bits, 1))),
                    set(&state, &mux(&last, &new_sum, &stepped)),
                    set(&busy, &!&last),
                ],
                [when(&start, [set(&sum, &lit(width, 0)), set(&count, &zero), set(&busy, &lit(1, 1))])],
            )],
        )],
    );
    m.assign(&busy_o, &busy);
    m.assign(&state_o, &state);
    Ok(m.build()?)
}

fn naive(random: &Random) -> Result<VerilogFile, RtlError> {
    let width = random.state_bits();
    let what = match random.source.family {
        Family::Replay { words } => format!("_replay{words}"),
        Family::Pair => "_pair".into(),
        _ => String::new(),
    };
    let mut m = Module::new(&format!("ns_jump_naive{what}_{width}"));
    m.doc("Numbers streams and starts each in the root XOR its number: what a source must not do, for comparison.");
    m.fact("bits of the state", width);
    m.latency("1 clock");
    let [clk, load, seed, start, busy, state] = jump_ports(&mut m, width);
    let bits = width.min(32);
    let (root, number) = (m.reg("root_q", width), m.reg("number_q", bits));
    m.clocked(
        &clk,
        [when_else(
            &load,
            [set(&root, &seed), set(&number, &lit(bits, 0))],
            [when(&start, [set(&number, &(&number + lit(bits, 1)))])],
        )],
    );
    let word = m.wire_is("word", &(&root ^ number.zext(width)));
    let legal = legal(&mut m, random, &word);
    m.assign(&state, &legal);
    m.assign(&busy, &lit(1, 0));
    Ok(m.build()?)
}

fn replay_jump(random: &Random, words: u32) -> Result<VerilogFile, RtlError> {
    let (width, by) = (random.state_bits(), spacing(random.source, random.lfsr_bits));
    let mut m = Module::new(&format!("ns_jump_replay_{words}"));
    m.doc("Holds a position in a recording and goes on by a fixed number of words: from the start of a stream to the next.");
    m.fact("words", words);
    m.fact("steps", by);
    m.latency("1 clock");
    let [clk, load, seed, start, busy, state] = jump_ports(&mut m, width);
    let position = m.reg("position_q", width);
    let next = wrapped(&mut m, words, &position, by);
    m.clocked(&clk, [when_else(&load, [set(&position, &seed)], [when(&start, [set(&position, &next)])])]);
    m.assign(&state, &position);
    m.assign(&busy, &lit(1, 0));
    Ok(m.build()?)
}
