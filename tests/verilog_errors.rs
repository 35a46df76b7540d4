//! What the Verilog tree refuses, and how it says so: one minimal module a fault.

use neuspin::verilog::*;

/// The message of a module with a clock, two inputs `a` (8 bits) and `b` (9 bits), and an output `y` (8 bits), to which `body`
/// adds one fault. Faults of its own it has none that come first: what `body` leaves unread is only found at the end.
fn message(body: impl FnOnce(&mut Module, &Expr, &Expr, &Expr, &Expr)) -> String {
    let mut m = Module::new("faulty");
    let (clk, a, b, y) = (m.input("clk_i", 1), m.input("a", 8), m.input("b", 9), m.output("y", 8));
    body(&mut m, &clk, &a, &b, &y);
    // One message a line, without the count of faults that follow from it.
    m.build().unwrap_err().to_string()
}

#[test]
fn expressions() {
    let messages = [
        message(|m, _, a, b, y| m.assign(y, &(a + b))),
        message(|m, _, a, b, y| m.assign(y, &mux(&a.bit(0), a, b))),
        message(|m, _, a, _, y| m.assign(y, &mux(a, a, a))),
        message(|m, _, a, b, _| {
            m.wire_is("less", &(!(a ^ lit(8, 3))).lt_signed(b));
        }),
        message(|m, _, a, _, y| m.assign(y, &a.slice(8, 1))),
        message(|m, _, a, _, y| m.assign(y, &a.slice(0, 7))),
        message(|m, _, a, _, y| m.assign(y, &cat([(a + a).slice(3, 0), a.slice(3, 0)]))),
        message(|m, _, _, b, y| m.assign(y, &b.zext(8))),
        message(|m, _, a, _, y| m.assign(y, &a.trunc(9))),
        message(|m, _, _, _, y| m.assign(y, &lit(8, 256))),
        message(|m, _, _, _, y| m.assign(y, &lit_signed(8, -129))),
        message(|m, _, _, _, y| m.assign(y, &lit_hex(8, "12f"))),
        message(|m, _, _, _, y| m.assign(y, &lit_hex(8, "1g"))),
        message(|m, _, _, _, y| m.assign(y, &lit_words(8, &[1, 0, 1]))),
        message(|m, _, a, _, y| m.assign(y, &(a << 8))),
        message(|m, _, a, _, y| m.assign(y, &cat([a, &repeat(0, a)]))),
        message(|m, _, a, b, y| m.assign(y, &a.word(b, 3).zext(8))),
        message(|m, _, a, b, y| m.assign(y, &a.word(b, 2).zext(8))),
        message(|m, _, _, _, y| {
            let rom = m.memory(Memory::new("rom", 8, 100).file("rom.mem"));
            m.assign(y, &rom.word(&lit(6, 0)));
        }),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn a_fault_is_quoted_short_and_found_deep_inside() {
    let text = message(|m, _, a, b, y| {
        let mut sum = a + b;
        for n in 0..100 {
            sum = (&sum ^ a) + lit(8, n);
        }
        m.assign(y, &mux(&a.bit(1), &sum, a));
    });
    let long = message(|m, _, a, b, _| {
        let sum = (0..100).fold(a.clone(), |sum, n| (&sum ^ a) + lit(8, n));
        m.wire_is("sum", &(sum.zext(9) + b.zext(10)));
    });
    insta::assert_snapshot!(format!("{text}\n{long}"));
}

#[test]
fn names() {
    let messages = [
        Module::new("2fast").build().unwrap_err().to_string(),
        message(|m, _, _, _, _| {
            m.wire("ü", 1);
        }),
        message(|m, _, _, _, _| {
            m.wire("a__b", 1);
        }),
        message(|m, _, _, _, _| {
            m.reg("reg", 1);
        }),
        message(|m, _, _, _, _| {
            m.wire("logic", 1);
        }),
        message(|m, _, _, _, _| {
            m.wire("a", 1);
        }),
        message(|m, _, _, _, _| {
            m.wire("empty", 0);
        }),
        message(|m, _, _, _, _| {
            m.wire("wide", MAX_WIDTH + 1);
        }),
        message(|m, _, a, _, _| {
            m.wire_is("wide", &repeat(u32::MAX, a));
        }),
        message(|m, _, _, _, y| m.assign(y, &Module::new("other").input("stranger", 8))),
        message(|m, _, _, _, y| m.assign(y, &Module::new("other").input("b", 8))),
        message(|m, _, a, _, y| {
            let mut inner = None;
            m.generate_for("g_bit", "i", 8, |m, i| inner = Some(m.wire_is("inner", &a.at(i))));
            m.assign(y, &inner.unwrap().zext(8));
        }),
        message(|m, _, a, _, _| m.unused("ignored", &[a])),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn assignments() {
    let messages = [
        message(|m, _, _, b, y| m.assign(y, b)),
        message(|m, _, a, b, _| m.assign(a, &b.slice(7, 0))),
        message(|m, _, a, _, y| m.assign(&(y & a), a)),
        message(|m, clk, a, _, y| m.clocked(clk, [set(y, a)])),
        message(|m, _, a, _, _| {
            let q = m.reg("q", 8);
            m.assign(&q, a);
        }),
        message(|m, _, a, _, y| {
            m.assign(y, a);
            m.assign(&y.slice(5, 3), &a.slice(2, 0));
        }),
        message(|m, clk, a, _, _| {
            let q = m.reg("q", 8);
            m.clocked(clk, [set(&q, a)]);
            m.clocked(clk, [set(&q.bit(7), &a.bit(0))]);
        }),
        message(|m, _, a, _, y| m.generate_for("g", "i", 9, |m, i| m.assign(&y.at(i), &a.bit(0)))),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn processes() {
    let messages = [
        message(|m, _, a, b, _| {
            let q = m.reg("q", 8);
            m.clocked(b, [set(&q, a)]);
        }),
        message(|m, clk, a, b, _| {
            let q = m.reg("q", 8);
            m.clocked(clk, [when(b, [set(&q, a)])]);
        }),
        message(|m, clk, a, b, _| {
            let q = m.reg("q", 8);
            m.clocked(clk, [when(&b.bit(0), [case(a, [(lit(8, 1), vec![set(&q, b)])], [])])]);
        }),
        message(|m, clk, a, _, _| {
            let q = m.reg("q", 8);
            m.clocked(clk, [case(a, [(lit(7, 1), vec![set(&q, a)])], [])]);
        }),
        message(|m, clk, a, _, _| {
            let q = m.reg("q", 8);
            m.clocked(clk, [case(a, [(lit(8, 1), vec![set(&q, a)]), (lit(8, 1), vec![])], [])]);
        }),
        message(|m, _, a, b, _| {
            let d = m.reg("d", 8);
            let low = when_else(&b.bit(1), [set(&d, a)], [set(&d.slice(3, 0), &a.slice(3, 0))]);
            m.combinational([set(&d.bit(7), &b.bit(0)), low]);
        }),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn loose_ends() {
    let messages = [
        message(|_, _, _, _, _| {}),
        message(|m, clk, a, _, y| {
            m.assign(&y.slice(6, 1), &a.slice(6, 1));
            m.unused("unused_clk", &[clk]);
        }),
        message(|m, clk, a, b, y| {
            m.assign(y, a);
            m.unused("unused_inputs", &[clk, &b.slice(3, 1)]);
        }),
        message(|m, clk, a, b, y| {
            let ram = m.memory(Memory::new("ram", 8, 16));
            m.assign(y, &(a ^ ram.word(&b.slice(3, 0))));
            m.unused("unused_inputs", &[clk, b]);
        }),
        message(|m, clk, a, b, y| {
            m.assign(y, a);
            m.unused("unused_inputs", &[clk, b]);
            m.localparam("SIZE", &lit(8, 3));
        }),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn instances() {
    let mut part = Module::new("part");
    let start = part.parameter("START", &lit(4, 0));
    part.text_parameter("FILE", "part.mem");
    let (a, x) = (part.input("a_i", 8), part.output("x_o", 8));
    let rom = part.memory(Memory::new("rom", 8, 16).file_parameter("FILE"));
    part.assign(&x, &(&a ^ rom.word(&start)));
    let part = part.build().unwrap();
    let part = part.header();

    let with = |value: (&str, Value)| {
        message(|m, _, a, _, y| m.instance_with("u_part", part, &[value], &[("a_i", a), ("x_o", y)]))
    };
    let messages = [
        message(|m, _, _, b, y| m.instance("u_part", part, &[("a_i", b), ("x_o", y)])),
        message(|m, _, a, b, y| m.instance("u_part", part, &[("a_i", &(a + b)), ("x_o", y)])),
        message(|m, _, a, _, _| m.instance("u_part", part, &[("a_i", a), ("x_o", &!a)])),
        message(|m, _, a, _, _| m.instance("u_part", part, &[("a_i", a)])),
        message(|m, _, a, _, y| m.instance("u_part", part, &[("a_i", a), ("a_i", a), ("x_o", y)])),
        message(|m, _, a, _, y| m.instance("u_part", part, &[("a_i", a), ("y_o", y)])),
        message(|m, _, a, _, y| m.instance("a", part, &[("a_i", a), ("x_o", y)])),
        with(("STOP", lit(4, 0).into())),
        with(("START", lit(5, 0).into())),
        with(("START", "text".into())),
        with(("FILE", lit(4, 0).into())),
        with(("FILE", "my file.mem".into())),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}
