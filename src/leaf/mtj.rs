//! A dropout unit as a device: SET against a code that has moved, then SET, READ and RESET of one junction.

use super::bridge::{About, LeafError, leaf};
use crate::verilog::VerilogFile;
use rust_hdl_core::prelude::*;

/// `set` of `docs/semantics.md` §8 for draws of `W` − 4 bits, which come with zeros above them.
#[derive(LogicBlock)]
pub struct MtjSet<const W: usize> {
    pub draw_i: Signal<In, Bits<W>>,
    /// The code with all that moves it, in two's complement.
    pub target_i: Signal<In, Bits<W>>,
    pub set_o: Signal<Out, Bit>,
    negative: Constant<Bits<W>>,
}

impl<const W: usize> Default for MtjSet<W> {
    fn default() -> Self {
        MtjSet {
            draw_i: Default::default(),
            target_i: Default::default(),
            set_o: Default::default(),
            negative: Constant::new((1u64 << (W - 1)).into()),
        }
    }
}

impl<const W: usize> Logic for MtjSet<W> {
    #[hdl_gen]
    fn update(&mut self) {
        self.set_o.next = (self.target_i.val() < self.negative.val()) & (self.draw_i.val() < self.target_i.val());
    }
}

impl<const W: usize> MtjSet<W> {
    fn file(name: &str) -> Result<VerilogFile, LeafError> {
        let about = About {
            doc: "SET of a magnetic tunnel junction: it switches if the draw is less than the target, a signed number. A target \
                  of 2^bits or more always switches, one of 0 or less never: so limiting it changes nothing. The draw has zeros above \
                  it, to be as wide as the target.",
            facts: vec![("bits of a draw", (W - 4).to_string())],
            latency: "none, combinational",
        };
        leaf(name, Self::default(), about)
    }
}

/// Module `mtj_set_<bits>`: `draw_i[bits + 4]`, `target_i[bits + 4]` to `set_o`, combinational.
///
/// # Errors
/// If `bits` is outside 1 to 16.
pub fn mtj_set(bits: u32) -> Result<VerilogFile, LeafError> {
    let name = format!("mtj_set_{bits}");
    macro_rules! choose {
        ($($k:literal)*) => {
            match bits {
                $($k => MtjSet::<{ $k + 4 }>::file(&name),)*
                value => Err(LeafError::Width { leaf: "mtj_set", what: "a draw", value, legal: "1 to 16" }),
            }
        };
    }
    choose!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}

/// SET, READ and RESET of `docs/semantics.md` §8 for draws of `C` − 1 bits, which come with a 0 above them.
#[derive(LogicBlock, Default)]
pub struct MtjCycle<const C: usize> {
    /// What SET draws.
    pub set_i: Signal<In, Bit>,
    /// Whether the junction is stuck, and in which state.
    pub stuck_i: Signal<In, Bit>,
    pub stuck_at_i: Signal<In, Bit>,
    /// Its state before SET.
    pub state_i: Signal<In, Bit>,
    pub reset_draw_i: Signal<In, Bits<C>>,
    pub read_draw_i: Signal<In, Bits<C>>,
    /// Probability of a RESET that succeeds, 0 to 2^(`C` − 1).
    pub reset_i: Signal<In, Bits<C>>,
    /// Probability of a READ that gives the other value, 0 to 2^(`C` − 1).
    pub misread_i: Signal<In, Bits<C>>,
    pub live_o: Signal<Out, Bit>,
    /// Its state after RESET.
    pub state_o: Signal<Out, Bit>,
    switched: Signal<Local, Bit>,
    misread: Signal<Local, Bit>,
    reset: Signal<Local, Bit>,
}

impl<const C: usize> Logic for MtjCycle<C> {
    #[hdl_gen]
    fn update(&mut self) {
        self.switched.next = (self.stuck_i.val() & self.stuck_at_i.val())
            | (!self.stuck_i.val() & (self.state_i.val() | self.set_i.val()));
        self.misread.next = self.read_draw_i.val() < self.misread_i.val();
        self.reset.next = self.reset_draw_i.val() < self.reset_i.val();
        self.live_o.next = self.switched.val() == self.misread.val();
        self.state_o.next = self.switched.val() & !self.reset.val();
    }
}

impl<const C: usize> MtjCycle<C> {
    fn file(name: &str) -> Result<VerilogFile, LeafError> {
        let about = About {
            doc: "SET, READ and RESET of a magnetic tunnel junction that drops a neuron where it reads 1: SET switches it or \
                  leaves it, READ may give the other value, RESET may fail and leave it switched. A stuck junction is in its state \
                  whatever SET does. Draws have a 0 above them, to be as wide as the codes.",
            facts: vec![("bits of a draw", (C - 1).to_string())],
            latency: "none, combinational",
        };
        leaf(name, Self::default(), about)
    }
}

/// Module `mtj_cycle_<bits>`: `set_i`, `stuck_i`, `stuck_at_i`, `state_i`, `reset_draw_i[bits + 1]`,
/// `read_draw_i[bits + 1]`, `reset_i[bits + 1]`, `misread_i[bits + 1]` to `live_o`, `state_o`, combinational.
///
/// # Errors
/// If `bits` is outside 1 to 16.
pub fn mtj_cycle(bits: u32) -> Result<VerilogFile, LeafError> {
    let name = format!("mtj_cycle_{bits}");
    macro_rules! choose {
        ($($k:literal)*) => {
            match bits {
                $($k => MtjCycle::<{ $k + 1 }>::file(&name),)*
                value => Err(LeafError::Width { leaf: "mtj_cycle", what: "a draw", value, legal: "1 to 16" }),
            }
        };
    }
    choose!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}
