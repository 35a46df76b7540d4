//! Early stop, as blocks see it: groups of passes come in blocks, and after a block everything waits for the verdict.

use crate::verilog::{Expr, Module, index_width, lit, mux, set, when, when_else};

/// How a block learns whether an image goes on.
pub(super) struct Verdict {
    verdict: Expr,
    /// With the verdict: the image's passes have ended.
    pub stop: Expr,
    /// Groups of passes in a block.
    groups: u32,
}

impl Verdict {
    pub fn ports(m: &mut Module, groups: u32) -> Verdict {
        m.group("Early stop");
        let verdict = m.input("verdict_i", 1);
        m.note("the rule was asked, and says");
        let stop = m.input("stop_i", 1);
        m.note("that the image's passes end");
        Verdict { verdict, stop, groups }
    }

    /// Whether the last group of a block is sent, so that nothing may begin; [`Verdict::waits`] drives it.
    pub fn asks(&self, m: &mut Module) -> Expr {
        let asks = m.reg("asks_q", 1);
        m.note("a block of passes is sent: nothing begins before the verdict");
        asks
    }

    /// Drives `asks`: `ends` is a group's end, `wraps` that of an image's last group.
    pub fn waits(&self, m: &mut Module, (clk, rst_n): (&Expr, &Expr), asks: &Expr, ends: &Expr, wraps: &Expr) {
        let block_ends = block_end(m, clk, rst_n, self.groups, ends, wraps);
        m.clocked(
            clk,
            [when_else(
                &(!rst_n | &self.verdict),
                [set(asks, &lit(1, 0))],
                [when(&(ends & &block_ends & !wraps), [set(asks, &lit(1, 1))])],
            )],
        );
    }
}

/// Whether the group in work is the last of a block of `groups`; an image begins with a new block.
pub(super) fn block_end(m: &mut Module, clk: &Expr, rst_n: &Expr, groups: u32, ends: &Expr, wraps: &Expr) -> Expr {
    if groups == 1 {
        return lit(1, 1);
    }
    let bits = index_width(groups);
    let at = m.reg("group_of_block_q", bits);
    let last = m.wire_is("last_of_block", &at.eq(&lit(bits, u128::from(groups - 1))));
    let next = mux(&(&last | wraps), &lit(bits, 0), &(&at + lit(bits, 1)));
    m.clocked(clk, [when_else(&!rst_n, [set(&at, &lit(bits, 0))], [when(ends, [set(&at, &next)])])]);
    last
}
