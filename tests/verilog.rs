//! The Verilog tree: what it prints, that tools read it, and what it refuses.

mod tools;

use neuspin::verilog::*;

/// A counter with a word of its own, to be instantiated.
fn counter() -> VerilogFile {
    let mut m = Module::new("counter");
    m.doc("Counts the clocks in which `step_i` is 1, from `START`.");
    m.latency("1 clock");
    let start = m.parameter("START", &lit(5, 3));
    m.note("value after reset");
    m.group("Clock and reset");
    let (clk, rst_n) = (m.input("clk_i", 1), m.input("rst_ni", 1));
    m.group("Counting");
    let step = m.input("step_i", 1);
    let count = m.output_reg("count_o", 5);
    let next = [when(&step, [set(&count, &(&count + lit(5, 1)))])];
    m.clocked(&clk, [when_else(&!&rst_n, [set(&count, &start)], next)]);
    m.build().unwrap()
}

/// Uses everything that the tree has.
fn everything() -> VerilogFile {
    let mut m = Module::new("everything");
    m.doc("One of each construct, to see how it is printed and that every tool reads it.");
    m.doc(
        "A second paragraph, long enough to be folded at the margin, since a header comment may have to explain a lot.",
    );
    m.fact("words", 12);
    m.fact("bits of a word", 10);
    m.latency("2 clocks from `address_i` to `word_o`");
    m.text_parameter("ROM_FILE", "rom.mem");
    let mask = m.parameter("MASK", &hex(10, 0x155));
    m.note("bits that count");
    m.group("Clock and reset");
    let (clk, rst_n) = (m.input("clk_i", 1), m.input("rst_ni", 1));
    m.note("synchronous, active low");
    m.group("Memory");
    let address = m.input("address_i", 4);
    let write = m.input("write_i", 1);
    let data = m.input("data_i", 10);
    let word_o = m.output("word_o", 10);
    m.group("Arithmetic");
    let a = m.input("a_i", 8);
    m.note("two's complement");
    let b = m.input("b_i", 12);
    let product_o = m.output("product_o", 20);
    let flags_o = m.output("flags_o", 17);
    let sums_o = m.output_reg("sums_o", 120);
    let counts_o = m.output("counts_o", 15);
    let state_o = m.output_reg("state_o", 2);

    m.section("Memories");
    let rom = m.memory(Memory::new("rom", 10, 12).block().file_parameter("ROM_FILE"));
    let ram = m.memory(Memory::new("ram", 10, 12).distributed());
    m.note("written a nibble at a time");
    let rom_q = m.reg("rom_q", 10);
    let ram_q = m.reg("ram_q", 10);
    m.note("output register");
    m.clocked(
        &clk,
        [
            set(&rom_q, &rom.word(&address)),
            note("The old word is read while a new one is written."),
            set(&ram_q, &ram.word(&address)),
            when(&write, [set(&ram.word(&address).slice(9, 2), &data.slice(9, 2))]),
            when(&(&write & data.bit(0)), [set(&ram.word(&address).slice(1, 0), &data.slice(1, 0))]),
        ],
    );
    m.assign(&word_o, &((&rom_q ^ &ram_q) & &mask));

    m.section("Arithmetic");
    m.comment("A name for the product, so that tools build a signed multiplier.");
    let product = m.wire_is("product", &a.mul_signed(&b, 20));
    m.assign(&product_o, &product);
    let wide = m.localparam("WIDE", &lit_hex(100, "f_0123_4567_89ab_cdef_0123_4567"));
    m.note("100 bits");
    let shifted = m.wire_is("shifted", &(&b << 3));
    let negative = m.wire_is("negative", &-&b);
    let flags = cat([
        a.lt(&b.slice(7, 0)),
        a.le(&b.slice(7, 0)),
        a.gt(&b.slice(7, 0)),
        a.ge(&b.slice(7, 0)),
        a.lt_signed(&b.slice(7, 0)),
        a.le_signed(&b.slice(7, 0)),
        a.gt_signed(&b.slice(7, 0)),
        a.ge_signed(&lit_signed(8, -3)),
        a.less_signed(&b.slice(7, 0)),
        a.eq(&b.slice(7, 0)),
        a.ne(&b.slice(7, 0)),
        (!&a).all(),
        a.any(),
        (!(&a ^ b.slice(11, 4))).parity(),
        shifted.parity(),
        (&negative >> 2).any(),
        (a.shr_signed(2) - lit(8, 1)).parity() ^ wide.shr_by(&a).any() ^ b.shl_by(&a).any(),
    ]);
    m.assign(&flags_o, &flags);

    m.section("Words at a run-time index");
    let index = m.reg("index_q", 4);
    let last = index.eq(&lit(4, 11));
    m.clocked(
        &clk,
        [when_else(
            &!&rst_n,
            [set(&index, &lit(4, 0)), set(&sums_o, &repeat(120, &lit(1, 0)))],
            [
                set(&index, &mux(&last, &lit(4, 0), &(&index + lit(4, 1)))),
                set(&sums_o.word(&index, 10), &(sums_o.word(&index, 10) + sums_o.word(&address, 10) + a.zext(10))),
            ],
        )],
    );

    m.section("Instances");
    let counts = m.wire("counts", 15);
    let counter = counter();
    m.generate_for("g_counter", "i", 2, |m, i| {
        let half = m.wire_is("half", &ram_q.word(i, 5));
        let step = m.wire_is("step", &(rom_q.at(i) & half.at(&lit(3, 2)) & half.parity()));
        let ports = [("clk_i", &clk), ("rst_ni", &rst_n), ("step_i", &step), ("count_o", &counts.word(i, 5))];
        m.instance("u_counter", counter.header(), &ports);
    });
    let ports = [("count_o", &counts.slice(14, 10)), ("clk_i", &clk), ("rst_ni", &rst_n), ("step_i", &last)];
    m.instance_with("u_counter_last", counter.header(), &[("START", lit(5, 9).into())], &ports);
    m.assign(&counts_o, &counts);

    m.section("Control");
    let (red, green, blue) = (lit(2, 0), lit(2, 1), lit(2, 2));
    let next = m.reg("state_d", 2);
    m.combinational([
        set(&next, &state_o),
        case(
            &state_o,
            [
                (red.clone(), vec![when(&write, [set(&next, &green)])]),
                (green, vec![when_else(&a.bit(7), [set(&next, &blue)], [when(&last, [set(&next, &red)])])]),
            ],
            [set(&next, &red)],
        ),
    ]);
    m.clocked(&clk, [when_else(&!&rst_n, [set(&state_o, &red)], [set(&state_o, &next)])]);
    m.blank();
    let spare = m.wire_is("spare", &cat([&data, &a]));
    m.unused("unused_spare", &[&spare]);
    m.build().unwrap()
}

#[test]
fn prints_everything() {
    insta::assert_snapshot!(everything().text());
}

#[test]
fn prints_a_small_module() {
    insta::assert_snapshot!(counter().text());
}

#[test]
fn tools_read_everything_without_a_warning() {
    tools::lint(&[&everything(), &counter()], &[("rom.mem", &"155\n".repeat(12))]);
}
