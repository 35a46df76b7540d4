//! Several steps of a Galois LFSR at once.

use super::bridge::{About, LeafError, leaf};
use crate::random::mask_of;
use crate::verilog::VerilogFile;
use rust_hdl_core::prelude::*;

/// `K` steps of the `W`-bit LFSR of `docs/semantics.md` §4, without a register.
///
/// All taps are so high that no bit fed back comes out again within 16 steps. So the bits that come out are the low bits
/// of the state, and each of them is fed back once, to the same distance below each of the four taps.
#[derive(LogicBlock)]
pub struct LfsrLeap<const W: usize, const K: usize> {
    pub state_i: Signal<In, Bits<W>>,
    /// The state after `K` steps.
    pub next_o: Signal<Out, Bits<W>>,
    /// The bits that came out, the first one in bit 0.
    pub draw_o: Signal<Out, Bits<K>>,
    out: Signal<Local, Bits<W>>,
    out_bits: Constant<Bits<W>>,
    steps: Constant<Bits<6>>,
    tap0: Constant<Bits<6>>,
    tap1: Constant<Bits<6>>,
    tap2: Constant<Bits<6>>,
    tap3: Constant<Bits<6>>,
}

impl<const W: usize, const K: usize> LfsrLeap<W, K> {
    /// `taps` are the four bits of the mask, each at least 2·`K` − 2 so that shifting is all there is to do.
    fn new(taps: [u32; 4]) -> Self {
        let shift = |tap: u32| Constant::new(u64::from(tap + 1 - K as u32).into());
        LfsrLeap {
            state_i: Default::default(),
            next_o: Default::default(),
            draw_o: Default::default(),
            out: Default::default(),
            out_bits: Constant::new(((1u64 << K) - 1).into()),
            steps: Constant::new((K as u64).into()),
            tap0: shift(taps[0]),
            tap1: shift(taps[1]),
            tap2: shift(taps[2]),
            tap3: shift(taps[3]),
        }
    }
}

impl<const W: usize, const K: usize> Logic for LfsrLeap<W, K> {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = self.state_i.val() & self.out_bits.val();
        self.next_o.next = (self.state_i.val() >> self.steps.val())
            ^ ((self.out.val() << self.tap0.val())
                ^ ((self.out.val() << self.tap1.val())
                    ^ ((self.out.val() << self.tap2.val()) ^ (self.out.val() << self.tap3.val()))));
        self.draw_o.next = self.state_i.val().get_bits::<K>(0);
    }
}

impl<const W: usize, const K: usize> LfsrLeap<W, K> {
    /// The block with the contract's mask.
    pub fn of_contract() -> Result<Self, LeafError> {
        let mask = mask_of(W as u32)?;
        let taps: Vec<u32> = (0..W as u32).filter(|bit| mask >> bit & 1 == 1).collect();
        match <[u32; 4]>::try_from(taps) {
            Ok(taps) if taps.iter().all(|tap| *tap + 1 >= K as u32) => Ok(Self::new(taps)),
            _ => Err(LeafError::Width { leaf: "lfsr_leap", what: "a draw", value: K as u32, legal: "1 to 16" }),
        }
    }

    fn file(name: &str) -> Result<VerilogFile, LeafError> {
        let about = About {
            doc: "The state of a Galois LFSR (right shift) some steps ahead, and the bits that come out on the way: the \
                  draw, whose least significant bit comes out first.",
            facts: vec![
                ("bits of the state", W.to_string()),
                ("steps", K.to_string()),
                ("mask", format!("{:#x}", mask_of(W as u32)?)),
            ],
            latency: "none, combinational",
        };
        leaf(name, Self::of_contract()?, about)
    }
}

/// Module `lfsr_leap_<bits>x<steps>`: `state_i[bits]` to `next_o[bits]` and `draw_o[steps]`, combinational.
///
/// # Errors
/// If `bits` is not 32, 48 or 64, or `steps` is outside 1 to 16.
pub fn lfsr_leap(bits: u32, steps: u32) -> Result<VerilogFile, LeafError> {
    let name = format!("lfsr_leap_{bits}x{steps}");
    macro_rules! choose {
        ($($k:literal)*) => {
            match (bits, steps) {
                $((32, $k) => LfsrLeap::<32, $k>::file(&name),
                (48, $k) => LfsrLeap::<48, $k>::file(&name),
                (64, $k) => LfsrLeap::<64, $k>::file(&name),)*
                (32 | 48 | 64, value) => {
                    Err(LeafError::Width { leaf: "lfsr_leap", what: "a draw", value, legal: "1 to 16" })
                }
                (value, _) => {
                    Err(LeafError::Width { leaf: "lfsr_leap", what: "a state", value, legal: "32, 48 and 64" })
                }
            }
        };
    }
    choose!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}
