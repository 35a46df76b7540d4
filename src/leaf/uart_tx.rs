//! Bytes onto an asynchronous serial line.

use super::Register;
use super::bridge::{About, LeafError, leaf};
use crate::verilog::VerilogFile;
use rust_hdl_core::prelude::*;

/// Sends 8N1, bytes without a gap where there are any.
#[derive(LogicBlock)]
pub struct UartTx {
    pub clk_i: Signal<In, Clock>,
    /// Synchronous, active low.
    pub rst_ni: Signal<In, Bit>,
    /// Clocks of a bit, 1 or more.
    pub divisor_i: Signal<In, Bits<16>>,
    pub valid_i: Signal<In, Bit>,
    pub data_i: Signal<In, Bits<8>>,
    /// A byte is taken in a clock in which this and `valid_i` are 1.
    pub ready_o: Signal<Out, Bit>,
    pub tx_o: Signal<Out, Bit>,
    busy: Register<Bit>,
    /// Clocks left of this bit.
    count: Register<Bits<16>>,
    /// Bits left after this one.
    left: Register<Bits<4>>,
    /// This bit.
    level: Register<Bit>,
    /// The next ones, the first lowest; ones follow, of which the first is the stop bit.
    data: Register<Bits<8>>,
    last_clock: Signal<Local, Bit>,
    ready: Signal<Local, Bit>,
    one: Constant<Bits<16>>,
    zero: Constant<Bits<16>>,
    none: Constant<Bits<4>>,
    step: Constant<Bits<4>>,
    others: Constant<Bits<4>>,
    top: Constant<Bits<8>>,
}

impl Default for UartTx {
    fn default() -> Self {
        UartTx {
            clk_i: Default::default(),
            rst_ni: Default::default(),
            divisor_i: Default::default(),
            valid_i: Default::default(),
            data_i: Default::default(),
            ready_o: Default::default(),
            tx_o: Default::default(),
            busy: Default::default(),
            count: Default::default(),
            left: Default::default(),
            level: Default::default(),
            data: Default::default(),
            last_clock: Default::default(),
            ready: Default::default(),
            one: Constant::new(1.into()),
            zero: Constant::new(0.into()),
            none: Constant::new(0.into()),
            step: Constant::new(1.into()),
            others: Constant::new(9.into()),
            top: Constant::new(0x80.into()),
        }
    }
}

impl Logic for UartTx {
    #[hdl_gen]
    fn update(&mut self) {
        self.busy.clock.next = self.clk_i.val();
        self.count.clock.next = self.clk_i.val();
        self.left.clock.next = self.clk_i.val();
        self.level.clock.next = self.clk_i.val();
        self.data.clock.next = self.clk_i.val();
        self.busy.d.next = self.busy.q.val();
        self.count.d.next = self.count.q.val() - self.one.val();
        self.left.d.next = self.left.q.val();
        self.level.d.next = self.level.q.val();
        self.data.d.next = self.data.q.val();

        self.last_clock.next = self.count.q.val() == self.zero.val();
        self.ready.next = !self.busy.q.val() | (self.last_clock.val() & (self.left.q.val() == self.none.val()));
        if self.last_clock.val() {
            self.count.d.next = self.divisor_i.val() - self.one.val();
            self.left.d.next = self.left.q.val() - self.step.val();
            self.level.d.next = self.data.q.val().get_bit(0);
            self.data.d.next = (self.data.q.val() >> 1) | self.top.val();
        }
        if self.ready.val() {
            self.busy.d.next = self.valid_i.val();
            self.level.d.next = true;
            if self.valid_i.val() {
                self.count.d.next = self.divisor_i.val() - self.one.val();
                self.left.d.next = self.others.val();
                self.level.d.next = false;
                self.data.d.next = self.data_i.val();
            }
        }
        if !self.rst_ni.val() {
            self.busy.d.next = false;
            self.level.d.next = true;
        }
        self.ready_o.next = self.ready.val();
        self.tx_o.next = self.level.q.val();
    }
}

/// Module `ns_uart_tx`.
pub fn uart_tx() -> Result<VerilogFile, LeafError> {
    let about = About {
        doc: "Sends bytes over an asynchronous line, 8N1: a start bit, eight data bits from the lowest on, a stop bit. A byte \
              that waits follows the one before without a gap.",
        facts: vec![("clocks of a bit", "1 to 65535, given by divisor_i".to_string())],
        latency: "1 clock from a byte taken to its start bit",
    };
    leaf("ns_uart_tx", UartTx::default(), about)
}
