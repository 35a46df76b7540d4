//! The rust-hdl leaves three ways: the software model, rust-hdl's own simulator and Verilator give the same.

mod tools;

use neuspin::leaf::*;
use neuspin::random::{Galois, Jump, mask_of, spacing_of};
use neuspin::verilog::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rust_hdl_core::prelude::{Bits, Block, Clock, ToBits, simulate};
use std::fmt::Write as _;

#[test]
fn prints_lfsr_leap() {
    insta::assert_snapshot!(lfsr_leap(64, 16).unwrap().text());
}

#[test]
fn prints_dropout_unit() {
    insta::assert_snapshot!(dropout_unit(16).unwrap().text());
}

#[test]
fn prints_mtj_cycle() {
    insta::assert_snapshot!(mtj_cycle(16).unwrap().text());
}

#[test]
fn prints_stream_jump() {
    insta::assert_snapshot!(stream_jump(32).unwrap().text());
}

#[test]
fn widths_that_are_not_there_are_refused() {
    let refusals = [
        lfsr_leap(40, 16).unwrap_err(),
        lfsr_leap(64, 0).unwrap_err(),
        lfsr_leap(32, 17).unwrap_err(),
        dropout_unit(17).unwrap_err(),
        mtj_set(0).unwrap_err(),
        mtj_cycle(17).unwrap_err(),
        stream_jump(16).unwrap_err(),
    ];
    insta::assert_snapshot!(refusals.map(|e| e.to_string()).join("\n"));
}

#[test]
fn tools_read_every_leaf_without_a_warning() {
    for bits in [32, 48, 64] {
        tools::lint(&[&stream_jump(bits).unwrap()], &[]);
        for k in [1, 7, 16] {
            tools::lint(&[&lfsr_leap(bits, k).unwrap()], &[]);
        }
    }
    for k in [1, 7, 16] {
        tools::lint(&[&dropout_unit(k).unwrap()], &[]);
        tools::lint(&[&mtj_set(k).unwrap()], &[]);
        tools::lint(&[&mtj_cycle(k).unwrap()], &[]);
    }
}

/// Lets a combinational block come to rest.
fn settle(block: &mut impl Block) {
    assert!(simulate(block, 100), "rust-hdl's simulator does not come to rest");
}

/// (state after k steps, draw) in rust-hdl's simulator.
fn leap<const W: usize, const K: usize>(block: &mut LfsrLeap<W, K>, state: u64) -> (u64, u64) {
    block.state_i.next = state.to_bits();
    settle(block);
    (block.next_o.val().to_u64(), block.draw_o.val().to_u64())
}

/// A sample of states: random ones, and each single bit.
fn states(bits: u32) -> Vec<u64> {
    let mut rng = StdRng::seed_from_u64(bits.into());
    let random = (0..200).map(|_| (rng.random::<u64>() >> (64 - bits)).max(1));
    random.chain((0..bits).map(|bit| 1 << bit)).collect()
}

fn model_leap(bits: u32, k: u32, state: u64) -> (u64, u64) {
    let mut lfsr = Galois::of_width(bits, state).unwrap();
    let draw = lfsr.draw(k);
    (lfsr.state(), draw)
}

#[test]
fn lfsr_leap_in_rust_hdl_equals_the_model() {
    macro_rules! check {
        ($($bits:literal $k:literal),*) => {$(
            let mut block = LfsrLeap::<$bits, $k>::of_contract().unwrap();
            block.connect_all();
            for state in states($bits) {
                assert_eq!(leap(&mut block, state), model_leap($bits, $k, state), "{} bits, {} steps", $bits, $k);
            }
        )*};
    }
    check!(32 1, 32 16, 48 5, 48 16, 64 1, 64 11, 64 16);
}

/// Draw and code of `k` bits at and around every border.
fn draws(k: u32) -> Vec<(u64, u64)> {
    let top = 1u64 << k;
    let mut rng = StdRng::seed_from_u64(k.into());
    let codes =
        [0, 1, top / 2, top - 1, top, 2 * top - 1].into_iter().chain((0..50).map(|_| rng.random_range(0..=top)));
    codes
        .flat_map(|code| [0, code.wrapping_sub(1), code, code + 1, top - 1].map(|draw| (draw.min(top - 1), code)))
        .collect()
}

#[test]
fn dropout_unit_in_rust_hdl_equals_the_model() {
    fn check<const C: usize>() {
        let bits = C as u32 - 1;
        let mut block = DropoutUnit::<C>::default();
        block.connect_all();
        for (draw, code) in draws(bits) {
            block.draw_i.next = draw.to_bits();
            block.code_i.next = code.to_bits();
            settle(&mut block);
            assert_eq!(block.live_o.val(), draw >= code, "draw {draw}, code {code}, {bits} bits");
        }
    }
    check::<2>();
    check::<8>();
    check::<17>();
}

/// What happens at the inputs of a stream jump in one clock.
#[derive(Clone, Copy)]
struct Clocked {
    load: bool,
    start: bool,
    seed: u64,
}

/// Loads, jumps (twice in a row from each seed), starts that come too early, and a load in the middle of a jump.
fn jump_inputs(bits: u32) -> Vec<Clocked> {
    let mut inputs = vec![];
    let idle = Clocked { load: false, start: false, seed: 0 };
    for (n, seed) in states(bits).into_iter().step_by(23).enumerate() {
        inputs.push(Clocked { load: true, start: n % 2 == 0, seed });
        for _ in 0..2 {
            inputs.push(Clocked { start: true, ..idle });
            inputs.extend((0..bits + 2).map(|clock| Clocked { start: clock == bits / 2, ..idle }));
        }
        if n == 3 {
            inputs.push(Clocked { start: true, ..idle });
            inputs.push(idle);
        }
    }
    inputs
}

/// (busy, state) in each clock by the model; the state counts while busy is false.
fn model_jump(bits: u32, inputs: &[Clocked]) -> Vec<(bool, u64)> {
    let jump = Jump::new(bits, mask_of(bits).unwrap(), spacing_of(bits).unwrap().into());
    let (mut state, mut left) = (0, 0);
    let mut outputs = vec![];
    for input in inputs {
        outputs.push((left > 0, state));
        match left {
            0 if input.start => left = bits,
            0 => {}
            1 => (state, left) = (jump.apply(state), 0),
            _ => left -= 1,
        }
        if input.load {
            (state, left) = (input.seed, 0);
        }
    }
    outputs
}

fn assert_jumps(found: &[(bool, u64)], bits: u32, by: &str) {
    let inputs = jump_inputs(bits);
    let expected = model_jump(bits, &inputs);
    assert_eq!(found.len(), expected.len());
    // Before the first load the block may hold anything.
    for (clock, (found, expected)) in found.iter().zip(&expected).enumerate().skip(1) {
        assert_eq!(found.0, expected.0, "{by}, {bits} bits, busy in clock {clock}");
        if !expected.0 {
            assert_eq!(found.1, expected.1, "{by}, {bits} bits, state in clock {clock}");
        }
    }
}

#[test]
fn stream_jump_in_rust_hdl_equals_the_model() {
    fn check<const W: usize, const C: usize>() {
        let mut block = StreamJump::<W, C>::of_contract().unwrap();
        block.connect_all();
        let mut found = vec![];
        for input in jump_inputs(W as u32) {
            block.clk_i.next = Clock { clk: false };
            block.load_i.next = input.load;
            block.start_i.next = input.start;
            block.seed_i.next = input.seed.to_bits();
            settle(&mut block);
            let state: Bits<W> = block.state_o.val();
            found.push((block.busy_o.val(), state.to_u64()));
            block.clk_i.next = Clock { clk: true };
            settle(&mut block);
        }
        assert_jumps(&found, W as u32, "rust-hdl");
    }
    check::<32, 5>();
    check::<48, 6>();
    check::<64, 6>();
}

/// Reads `load start seed draw code` (hexadecimal) a line, one a clock, and prints all outputs before the clock's edge.
const HARNESS: &str = r#"
#include "Vleaves.h"
#include <cstdio>
int main() {
    Vleaves top;
    unsigned load, start, draw, code;
    unsigned long long seed;
    while (std::scanf("%x %x %llx %x %x", &load, &start, &seed, &draw, &code) == 5) {
        top.clk_i = 0; top.load_i = load; top.start_i = start;
        top.seed_i = seed; top.draw_i = draw; top.code_i = code;
        top.eval();
        for (int word = WORDS - 1; word >= 0; --word) std::printf("%08x", top.all_o[word]);
        std::printf("\n");
        top.clk_i = 1;
        top.eval();
    }
}
"#;

const LEAPS: [(u32, u32); 4] = [(32, 16), (48, 5), (48, 16), (64, 16)];
const UNITS: [u32; 3] = [1, 7, 16];
const JUMPS: [u32; 3] = [32, 48, 64];

/// All leaves side by side, their outputs in one word, and the widths of the outputs.
fn leaves() -> (Vec<VerilogFile>, Vec<u32>) {
    let mut m = Module::new("leaves");
    let (clk, load, start) = (m.input("clk_i", 1), m.input("load_i", 1), m.input("start_i", 1));
    let (seed, draw, code) = (m.input("seed_i", 64), m.input("draw_i", 16), m.input("code_i", 17));
    let (mut files, mut outputs) = (vec![], vec![]);
    for (bits, k) in LEAPS {
        let file = lfsr_leap(bits, k).unwrap();
        let name = file.name().to_string();
        outputs.push(m.wire(&format!("{name}_next"), bits));
        outputs.push(m.wire(&format!("{name}_draw"), k));
        let [.., next, draw] = &outputs[..] else { unreachable!() };
        let ports = [("state_i", &seed.trunc(bits)), ("next_o", next), ("draw_o", draw)];
        m.instance(&format!("u_{name}"), file.header(), &ports);
        files.push(file);
    }
    for k in UNITS {
        let file = dropout_unit(k).unwrap();
        let live = m.wire(&format!("live_{k}"), 1);
        let ports = [("draw_i", &draw.trunc(k).zext(k + 1)), ("code_i", &code.trunc(k + 1)), ("live_o", &live)];
        m.instance(&format!("u_{}", file.name()), file.header(), &ports);
        outputs.push(live);
        files.push(file);
    }
    for bits in JUMPS {
        let file = stream_jump(bits).unwrap();
        let (busy, state) = (m.wire(&format!("busy_{bits}"), 1), m.wire(&format!("state_{bits}"), bits));
        let seed = seed.trunc(bits);
        let inputs = [("clk_i", &clk), ("load_i", &load), ("seed_i", &seed), ("start_i", &start)];
        let ports = [&inputs[..], &[("busy_o", &busy), ("state_o", &state)]].concat();
        m.instance(&format!("u_{}", file.name()), file.header(), &ports);
        outputs.extend([busy, state]);
        files.push(file);
    }
    let all = cat(&outputs);
    let all_o = m.output("all_o", all.width());
    m.assign(&all_o, &all);
    files.insert(0, m.build().unwrap());
    (files, outputs.iter().map(Expr::width).collect())
}

#[test]
fn leaves_in_verilator_equal_the_model() {
    let (files, widths) = leaves();
    let total: u32 = widths.iter().sum();
    let harness = HARNESS.replace("WORDS", &total.div_ceil(32).to_string());

    // The same clocks for all: each width of jump has its inputs in turn, with states and draws for the others beside.
    let mut clocks = vec![];
    for bits in JUMPS {
        clocks.extend(jump_inputs(bits).into_iter().map(|input| (bits, input)));
    }
    let pairs: Vec<(u64, u64)> = draws(16).into_iter().chain(draws(7)).chain(draws(1)).collect();
    let mut stdin = String::new();
    let mut units = vec![];
    let mut rng = StdRng::seed_from_u64(1);
    for (n, (_, input)) in clocks.iter().enumerate() {
        // Where no seed is loaded, the port carries a state for the leaps.
        let seed = if input.load { input.seed } else { rng.random::<u64>() };
        let (draw, code) = pairs[n % pairs.len()];
        units.push((seed, draw, code));
        writeln!(stdin, "{:x} {:x} {seed:x} {draw:x} {code:x}", input.load as u8, input.start as u8).unwrap();
    }

    let dir = tools::write(&files.iter().collect::<Vec<_>>(), &[("main.cpp", &harness), ("stdin", &stdin)]);
    let verilator = ["--cc", "--exe", "--build", "-Wall", "--top-module", "leaves", "main.cpp"];
    let names: Vec<String> = files.iter().map(|file| file.file_name()).collect();
    let arguments = [&verilator[..], &names.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    tools::run(dir.path(), "verilator", &arguments);
    let said = tools::run(dir.path(), "sh", &["-c", "obj_dir/Vleaves < stdin"]);

    let mut jumps = vec![vec![]; JUMPS.len()];
    assert_eq!(said.lines().count(), clocks.len());
    for ((line, (bits, _)), (seed, draw, code)) in said.lines().zip(&clocks).zip(units) {
        let mut outputs = fields(line, &widths).into_iter();
        let mut next = || outputs.next().unwrap();
        for (bits, k) in LEAPS {
            let state = seed & (u64::MAX >> (64 - bits));
            // The state 0, which is none of an LFSR's, stays.
            let expected = if state == 0 { (0, 0) } else { model_leap(bits, k, state) };
            assert_eq!((next(), next()), expected, "{bits} bits, {k} steps");
        }
        for k in UNITS {
            let (draw, code) = (draw & ((1 << k) - 1), code & ((2 << k) - 1));
            assert_eq!(next() == 1, draw >= code, "draw {draw}, code {code}, {k} bits");
        }
        for (jump, width) in jumps.iter_mut().zip(JUMPS) {
            let output = (next() == 1, next());
            if width == *bits {
                jump.push(output);
            }
        }
    }
    for (jump, bits) in jumps.iter().zip(JUMPS) {
        assert_jumps(jump, bits, "Verilator");
    }
}

/// Cuts a hexadecimal number into fields of the given widths (at most 64), the first one at the most significant end.
fn fields(line: &str, widths: &[u32]) -> Vec<u64> {
    let bit = |at: u32| {
        let digit = line.as_bytes()[line.len() - 1 - (at / 4) as usize] as char;
        (digit.to_digit(16).unwrap() >> (at % 4) & 1) as u64
    };
    let mut top: u32 = widths.iter().sum();
    let mut field = |width: &u32| {
        top -= width;
        (top..top + width).rev().fold(0, |value, at| value << 1 | bit(at))
    };
    widths.iter().map(&mut field).collect()
}

/// SET by the contract: the target limited, then compared.
fn model_set(k: u32, draw: u64, target: i64) -> bool {
    (draw as i64) < target.clamp(0, 1 << k)
}

/// Draws and targets at and around every border.
fn targets(k: u32) -> Vec<(u64, i64)> {
    let (top, reach) = (1i64 << k, 1i64 << (k + 3));
    let mut rng = StdRng::seed_from_u64(k.into());
    let borders = [-reach, -top - 1, -1, 0, 1, top / 2, top - 1, top, top + 1, reach - 1];
    let targets = borders.into_iter().chain((0..100).map(|_| rng.random_range(-reach..reach)));
    let near = |target: i64| [0, target - 1, target, target + 1, top - 1].map(|d| (d.clamp(0, top - 1) as u64, target));
    targets.flat_map(near).collect()
}

/// `live` and the state afterwards by the contract.
fn model_cycle(k: u32, bits: [bool; 4], [reset_draw, read_draw, reset, misread]: [u64; 4]) -> (bool, bool) {
    let [set, stuck, stuck_at, state] = bits;
    assert!(reset <= 1 << k && misread <= 1 << k);
    let state = if stuck { stuck_at } else { state || set };
    let drop = state ^ (read_draw < misread);
    (!drop, state && reset_draw >= reset)
}

/// All bits with draws and codes at borders.
fn cycles(k: u32) -> Vec<([bool; 4], [u64; 4])> {
    let mut rng = StdRng::seed_from_u64(k.into());
    let pairs: Vec<(u64, u64)> = draws(k).into_iter().filter(|(_, code)| *code <= 1 << k).collect();
    let any = |rng: &mut StdRng| pairs[rng.random_range(0..pairs.len())];
    let each = (0..512u32).map(|n| {
        let ((reset_draw, reset), (read_draw, misread)) = (any(&mut rng), any(&mut rng));
        ([0, 1, 2, 3].map(|bit| n >> bit & 1 == 1), [reset_draw, read_draw, reset, misread])
    });
    each.collect()
}

#[test]
fn mtj_leaves_in_rust_hdl_equal_the_model() {
    fn set<const W: usize>() {
        let bits = W as u32 - 4;
        let mut block = MtjSet::<W>::default();
        block.connect_all();
        for (draw, target) in targets(bits) {
            block.draw_i.next = draw.to_bits();
            block.target_i.next = (target as u64 & ((1 << W) - 1)).to_bits();
            settle(&mut block);
            assert_eq!(block.set_o.val(), model_set(bits, draw, target), "draw {draw}, target {target}, {bits} bits");
        }
    }
    set::<5>();
    set::<11>();
    set::<20>();
    fn cycle<const C: usize>() {
        let k = C as u32 - 1;
        let mut block = MtjCycle::<C>::default();
        block.connect_all();
        for (bits, numbers) in cycles(k) {
            [block.set_i.next, block.stuck_i.next, block.stuck_at_i.next, block.state_i.next] = bits;
            block.reset_draw_i.next = numbers[0].to_bits();
            block.read_draw_i.next = numbers[1].to_bits();
            block.reset_i.next = numbers[2].to_bits();
            block.misread_i.next = numbers[3].to_bits();
            settle(&mut block);
            let found = (block.live_o.val(), block.state_o.val());
            assert_eq!(found, model_cycle(k, bits, numbers), "{bits:?}, {numbers:?}, {k} bits");
        }
    }
    cycle::<2>();
    cycle::<8>();
    cycle::<17>();
}

/// Reads `draw target bits reset_draw read_draw reset misread` (hexadecimal) a line, and prints set, live, state of each width.
const MTJ_HARNESS: &str = r#"
#include "Vmtjs.h"
#include <cstdio>
int main() {
    Vmtjs top;
    unsigned draw, target, bits, reset_draw, read_draw, reset, misread;
    while (std::scanf("%x %x %x %x %x %x %x", &draw, &target, &bits, &reset_draw, &read_draw, &reset, &misread) == 7) {
        top.draw_i = draw; top.target_i = target; top.bits_i = bits; top.reset_draw_i = reset_draw;
        top.read_draw_i = read_draw; top.reset_i = reset; top.misread_i = misread;
        top.eval();
        std::printf("%x\n", (unsigned)top.all_o);
    }
}
"#;

#[test]
fn mtj_leaves_in_verilator_equal_the_model() {
    let mut m = Module::new("mtjs");
    let (draw, target, bits) = (m.input("draw_i", 16), m.input("target_i", 20), m.input("bits_i", 4));
    let [reset_draw, read_draw] = ["reset_draw_i", "read_draw_i"].map(|name| m.input(name, 16));
    let [reset, misread] = ["reset_i", "misread_i"].map(|name| m.input(name, 17));
    let (mut files, mut outputs) = (vec![], vec![]);
    for k in UNITS {
        let (set_file, cycle_file) = (mtj_set(k).unwrap(), mtj_cycle(k).unwrap());
        let [set, live, state] = ["set", "live", "state"].map(|name| m.wire(&format!("{name}_{k}"), 1));
        let ports = [("draw_i", &draw.trunc(k).zext(k + 4)), ("target_i", &target.trunc(k + 4)), ("set_o", &set)];
        m.instance(&format!("u_set_{k}"), set_file.header(), &ports);
        let ports = [
            ("set_i", &bits.bit(0)),
            ("stuck_i", &bits.bit(1)),
            ("stuck_at_i", &bits.bit(2)),
            ("state_i", &bits.bit(3)),
            ("reset_draw_i", &reset_draw.trunc(k).zext(k + 1)),
            ("read_draw_i", &read_draw.trunc(k).zext(k + 1)),
            ("reset_i", &reset.trunc(k + 1)),
            ("misread_i", &misread.trunc(k + 1)),
            ("live_o", &live),
            ("state_o", &state),
        ];
        m.instance(&format!("u_cycle_{k}"), cycle_file.header(), &ports);
        files.extend([set_file, cycle_file]);
        outputs.extend([set, live, state]);
    }
    let all_o = m.output("all_o", outputs.len() as u32);
    m.assign(&all_o, &cat_lsb_first(&outputs));
    files.insert(0, m.build().unwrap());

    // The samples of each width in turn; what they mean at the others counts, too.
    let mut stdin = String::new();
    let mut samples = vec![];
    for k in UNITS {
        for ((draw, target), (bits, numbers)) in targets(k).into_iter().zip(cycles(k).into_iter().cycle()) {
            let packed = (0..4).map(|b| u32::from(bits[b]) << b).sum::<u32>();
            let [a, b, c, d] = numbers;
            writeln!(stdin, "{draw:x} {:x} {packed:x} {a:x} {b:x} {c:x} {d:x}", target & 0xFFFFF).unwrap();
            samples.push((k, draw, target, bits, numbers));
        }
    }
    let dir = tools::write(&files.iter().collect::<Vec<_>>(), &[("main.cpp", MTJ_HARNESS), ("stdin", &stdin)]);
    let verilator = ["--cc", "--exe", "--build", "-Wall", "--top-module", "mtjs", "main.cpp"];
    let names: Vec<String> = files.iter().map(|file| file.file_name()).collect();
    let arguments = [&verilator[..], &names.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    tools::run(dir.path(), "verilator", &arguments);
    let said = tools::run(dir.path(), "sh", &["-c", "obj_dir/Vmtjs < stdin"]);
    assert_eq!(said.lines().count(), samples.len());
    for (line, (k, draw, target, bits, numbers)) in said.lines().zip(samples) {
        let word = u32::from_str_radix(line, 16).unwrap() >> (3 * UNITS.iter().position(|&unit| unit == k).unwrap());
        let found = [0, 1, 2].map(|bit| word >> bit & 1 == 1);
        let (live, state) = model_cycle(k, bits, numbers);
        assert_eq!(found, [model_set(k, draw, target), live, state], "{k} bits: {draw} {target} {bits:?} {numbers:?}");
    }
}
