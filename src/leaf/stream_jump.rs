//! From the start of one stream to the start of the next, by the jump polynomial.

use super::Register;
use super::bridge::{About, LeafError, leaf};
use crate::random::{jump_polynomial, mask_of, spacing_of};
use crate::verilog::VerilogFile;
use rust_hdl_core::prelude::*;

/// Walks a state of the `W`-bit LFSR `spacing` steps on in `W` clocks; `C` bits count to `W` − 1.
///
/// With c(x) = x^spacing modulo the LFSR's polynomial, the state after `spacing` steps is the XOR of the states after i
/// steps over all i whose coefficient c_i is 1. So the state is stepped `W` times, and added up where c_i is 1.
#[derive(LogicBlock)]
pub struct StreamJump<const W: usize, const C: usize> {
    pub clk_i: Signal<In, Clock>,
    /// Takes `seed_i`, and ends a jump that is under way.
    pub load_i: Signal<In, Bit>,
    pub seed_i: Signal<In, Bits<W>>,
    /// Begins a jump, unless one is under way.
    pub start_i: Signal<In, Bit>,
    pub busy_o: Signal<Out, Bit>,
    /// The state, while `busy_o` is 0.
    pub state_o: Signal<Out, Bits<W>>,
    state: Register<Bits<W>>,
    sum: Register<Bits<W>>,
    count: Register<Bits<C>>,
    busy: Register<Bit>,
    new_sum: Signal<Local, Bits<W>>,
    mask: Constant<Bits<W>>,
    coefficients: Constant<Bits<W>>,
    zero: Constant<Bits<W>>,
    first: Constant<Bits<C>>,
    step: Constant<Bits<C>>,
    last: Constant<Bits<C>>,
}

impl<const W: usize, const C: usize> StreamJump<W, C> {
    /// The block with the contract's mask and spacing.
    pub fn of_contract() -> Result<Self, LeafError> {
        let (mask, spacing) = (mask_of(W as u32)?, spacing_of(W as u32)?);
        Ok(StreamJump {
            clk_i: Default::default(),
            load_i: Default::default(),
            seed_i: Default::default(),
            start_i: Default::default(),
            busy_o: Default::default(),
            state_o: Default::default(),
            state: Default::default(),
            sum: Default::default(),
            count: Default::default(),
            busy: Default::default(),
            new_sum: Default::default(),
            mask: Constant::new(mask.into()),
            coefficients: Constant::new(jump_polynomial(W as u32, mask, spacing.into()).into()),
            zero: Constant::new(0.into()),
            first: Constant::new(0.into()),
            step: Constant::new(1.into()),
            last: Constant::new((W as u64 - 1).into()),
        })
    }

    fn file(name: &str) -> Result<VerilogFile, LeafError> {
        let bits = W as u32;
        let (mask, spacing) = (mask_of(bits)?, spacing_of(bits)?);
        let about = About {
            doc: "Holds the state of a Galois LFSR (right shift) and moves it on by a fixed number of steps: from the \
                  start of one stream to the start of the next. The state after so many steps is the XOR of the states \
                  after i steps over all i whose coefficient is 1, where the coefficients are those of x^steps modulo \
                  the polynomial of the LFSR. There is no reset: `load_i` makes it idle.",
            facts: vec![
                ("bits of the state", W.to_string()),
                ("mask", format!("{mask:#x}")),
                ("steps", format!("{spacing:#x}")),
                ("coefficients", format!("{:#x}", jump_polynomial(bits, mask, spacing.into()))),
            ],
            latency: "as many clocks as the state has bits, from `start_i` to the fall of `busy_o`",
        };
        leaf(name, Self::of_contract()?, about)
    }
}

impl<const W: usize, const C: usize> Logic for StreamJump<W, C> {
    #[hdl_gen]
    fn update(&mut self) {
        self.state.clock.next = self.clk_i.val();
        self.sum.clock.next = self.clk_i.val();
        self.count.clock.next = self.clk_i.val();
        self.busy.clock.next = self.clk_i.val();
        self.state.d.next = self.state.q.val();
        self.sum.d.next = self.sum.q.val();
        self.count.d.next = self.count.q.val();
        self.busy.d.next = self.busy.q.val();

        self.new_sum.next = self.sum.q.val();
        if self.coefficients.val().get_bit(self.count.q.val().index()) {
            self.new_sum.next = self.sum.q.val() ^ self.state.q.val();
        }
        if self.busy.q.val() {
            self.sum.d.next = self.new_sum.val();
            self.count.d.next = self.count.q.val() + self.step.val();
            if self.state.q.val().get_bit(0) {
                self.state.d.next = (self.state.q.val() >> 1) ^ self.mask.val();
            } else {
                self.state.d.next = self.state.q.val() >> 1;
            }
            if self.count.q.val() == self.last.val() {
                self.state.d.next = self.new_sum.val();
                self.count.d.next = self.first.val();
                self.busy.d.next = false;
            }
        } else if self.start_i.val() {
            self.sum.d.next = self.zero.val();
            self.count.d.next = self.first.val();
            self.busy.d.next = true;
        }
        if self.load_i.val() {
            self.state.d.next = self.seed_i.val();
            self.busy.d.next = false;
        }
        self.state_o.next = self.state.q.val();
        self.busy_o.next = self.busy.q.val();
    }
}

/// Module `stream_jump_<bits>`: `clk_i`, `load_i`, `seed_i[bits]`, `start_i` to `busy_o`, `state_o[bits]`.
///
/// # Errors
/// If `bits` is not 32, 48 or 64.
pub fn stream_jump(bits: u32) -> Result<VerilogFile, LeafError> {
    let name = format!("stream_jump_{bits}");
    match bits {
        32 => StreamJump::<32, 5>::file(&name),
        48 => StreamJump::<48, 6>::file(&name),
        64 => StreamJump::<64, 6>::file(&name),
        value => Err(LeafError::Width { leaf: "stream_jump", what: "a state", value, legal: "32, 48 and 64" }),
    }
}
