//! The dropout unit: a draw against a probability code.

use super::bridge::{About, LeafError, leaf};
use crate::verilog::VerilogFile;
use rust_hdl_core::prelude::*;

/// `live` of `docs/semantics.md` §3 for draws of `C` − 1 bits, which come with a 0 above them.
///
/// That 0 tells Yosys which of the two is shorter, and it subtracts in the order in which the borrow says "less" by itself; of two that
/// are as wide it takes either order, and in the other one a test for equality comes on top.
#[derive(LogicBlock, Default)]
pub struct DropoutUnit<const C: usize> {
    pub draw_i: Signal<In, Bits<C>>,
    /// 0 (never drops) to 2^(`C` − 1) (always drops).
    pub code_i: Signal<In, Bits<C>>,
    pub live_o: Signal<Out, Bit>,
}

// `>=` would be another order of the two in Verilog.
#[allow(clippy::nonminimal_bool)]
impl<const C: usize> Logic for DropoutUnit<C> {
    #[hdl_gen]
    fn update(&mut self) {
        self.live_o.next = !(self.draw_i.val() < self.code_i.val());
    }
}

impl<const C: usize> DropoutUnit<C> {
    fn file(name: &str) -> Result<VerilogFile, LeafError> {
        let about = About {
            doc: "SpinDrop: the output is 0 (dropped) if the draw is less than the code, else 1. A code of 2^bits \
                  always drops, a code of 0 never. The draw has a 0 above it, to be as wide as the code.",
            facts: vec![("bits of a draw", (C - 1).to_string())],
            latency: "none, combinational",
        };
        leaf(name, Self::default(), about)
    }
}

/// Module `dropout_unit_<bits>`: `draw_i[bits + 1]`, `code_i[bits + 1]` to `live_o`, combinational.
///
/// # Errors
/// If `bits` is outside 1 to 16.
pub fn dropout_unit(bits: u32) -> Result<VerilogFile, LeafError> {
    let name = format!("dropout_unit_{bits}");
    macro_rules! choose {
        ($($k:literal)*) => {
            match bits {
                $($k => DropoutUnit::<{ $k + 1 }>::file(&name),)*
                value => Err(LeafError::Width { leaf: "dropout_unit", what: "a draw", value, legal: "1 to 16" }),
            }
        };
    }
    choose!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}
