//! Small pieces of logic that several blocks write.

use crate::verilog::{Expr, Module, cat, index_width, lit, mux, set, when, when_else};

/// Bit i of the result is the parity of bits 0 to i of `word`: a prefix in log2 steps of the whole word.
pub fn prefix_parity(m: &mut Module, name: &str, word: &Expr) -> Expr {
    let mut scan = word.clone();
    let mut step = 1;
    while step < word.width() {
        scan = m.wire_is(&format!("{name}{step}"), &(&scan ^ (&scan << step)));
        step *= 2;
    }
    scan
}

/// A bit as it was `clocks` clocks ago, 0 while that was before the end of the reset.
pub fn delayed_event(m: &mut Module, clk: &Expr, rst_n: &Expr, name: &str, value: &Expr, clocks: u32) -> Expr {
    if clocks == 0 {
        return value.clone();
    }
    let q = m.reg(&format!("{name}_q"), clocks);
    let next = if clocks == 1 { value.clone() } else { cat([&q.bits(0, clocks - 1), value]) };
    m.clocked(clk, [when_else(&!rst_n, [set(&q, &lit(clocks, 0))], [set(&q, &next)])]);
    q.bit(clocks - 1)
}

/// `value` as it was `clocks` clocks ago; one bit.
pub fn delayed(m: &mut Module, clk: &Expr, name: &str, value: &Expr, clocks: u32) -> Expr {
    match clocks {
        0 => value.clone(),
        1 => {
            let q = m.reg(&format!("{name}_q"), 1);
            m.clocked(clk, [set(&q, value)]);
            q
        }
        _ => {
            let q = m.reg(&format!("{name}_q"), clocks);
            m.clocked(clk, [set(&q, &cat([&q.bits(0, clocks - 1), value]))]);
            q.bit(clocks - 1)
        }
    }
}

/// A counter that steps at `step` from 0 to `n` - 1 and round again; and whether it stands at its last value.
pub fn counter(m: &mut Module, (clk, rst_n): (&Expr, &Expr), name: &str, n: u32, step: &Expr) -> (Expr, Expr) {
    let q = m.reg(&format!("{name}_q"), index_width(n));
    let zero = lit(q.width(), 0);
    let last = m.wire_is(&format!("{name}_last"), &q.eq(&lit(q.width(), u128::from(n - 1))));
    let next = mux(&last, &zero, &(&q + lit(q.width(), 1)));
    m.clocked(clk, [when_else(&!rst_n, [set(&q, &zero)], [when(step, [set(&q, &next)])])]);
    (q, last)
}

/// Sum of terms of equal width as a balanced tree.
pub fn tree(mut terms: Vec<Expr>) -> Expr {
    while terms.len() > 1 {
        let pairs = terms.chunks(2);
        terms = pairs.map(|pair| pair.iter().skip(1).fold(pair[0].clone(), |a, b| a + b)).collect();
    }
    terms.swap_remove(0)
}
