//! The dropout unit: a draw against a probability code.

use super::bridge::{About, LeafError, leaf};
use crate::verilog::VerilogFile;
use rust_hdl_core::prelude::*;

/// `live` of `docs/semantics.md` §3 for draws of `K` bits; `C` is `K` + 1.
#[derive(LogicBlock)]
pub struct DropoutUnit<const K: usize, const C: usize> {
    pub draw_i: Signal<In, Bits<K>>,
    /// 0 (never drops) to 2^`K` (always drops).
    pub code_i: Signal<In, Bits<C>>,
    pub live_o: Signal<Out, Bit>,
    all_codes: Constant<Bits<C>>,
}

impl<const K: usize, const C: usize> Default for DropoutUnit<K, C> {
    fn default() -> Self {
        DropoutUnit {
            draw_i: Default::default(),
            code_i: Default::default(),
            live_o: Default::default(),
            all_codes: Constant::new((1u64 << K).into()),
        }
    }
}

impl<const K: usize, const C: usize> Logic for DropoutUnit<K, C> {
    #[hdl_gen]
    fn update(&mut self) {
        self.live_o.next =
            !((self.code_i.val() >= self.all_codes.val()) | (self.draw_i.val() < self.code_i.val().get_bits::<K>(0)));
    }
}

impl<const K: usize, const C: usize> DropoutUnit<K, C> {
    fn file(name: &str) -> Result<VerilogFile, LeafError> {
        let about = About {
            doc: "SpinDrop: the output is 0 (dropped) if the draw is less than the code, else 1. A code of 2^bits \
                  always drops, a code of 0 never.",
            facts: vec![("bits of a draw", K.to_string())],
            latency: "none, combinational",
        };
        leaf(name, Self::default(), about)
    }
}

/// Module `dropout_unit_<bits>`: `draw_i[bits]`, `code_i[bits + 1]` to `live_o`, combinational.
///
/// # Errors
/// If `bits` is outside 1 to 16.
pub fn dropout_unit(bits: u32) -> Result<VerilogFile, LeafError> {
    let name = format!("dropout_unit_{bits}");
    macro_rules! choose {
        ($($k:literal)*) => {
            match bits {
                $($k => DropoutUnit::<$k, { $k + 1 }>::file(&name),)*
                value => Err(LeafError::Width { leaf: "dropout_unit", what: "a draw", value, legal: "1 to 16" }),
            }
        };
    }
    choose!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}
