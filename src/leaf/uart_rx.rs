//! Bytes from an asynchronous serial line.

use super::Register;
use super::bridge::{About, LeafError, leaf};
use crate::verilog::VerilogFile;
use rust_hdl_core::prelude::*;

/// Receives 8N1: finds the start bit, looks at the middle of every bit, and drops bytes whose stop bit is 0.
///
/// A start bit that is no longer 0 in its middle was a glitch. After a framing error the line has to be 1 before a byte may begin.
#[derive(LogicBlock)]
pub struct UartRx {
    pub clk_i: Signal<In, Clock>,
    /// Synchronous, active low.
    pub rst_ni: Signal<In, Bit>,
    /// Clocks of a bit, 4 or more.
    pub divisor_i: Signal<In, Bits<16>>,
    /// The line, of any clock.
    pub rx_i: Signal<In, Bit>,
    /// For one clock: `data_o` is a new byte.
    pub valid_o: Signal<Out, Bit>,
    pub data_o: Signal<Out, Bits<8>>,
    meta: Register<Bit>,
    line: Register<Bit>,
    /// A byte is coming in.
    busy: Register<Bit>,
    /// The line has to be 1 first.
    stuck: Register<Bit>,
    /// Clocks to the next sample.
    count: Register<Bits<16>>,
    /// Samples taken of this byte.
    taken: Register<Bits<4>>,
    data: Register<Bits<8>>,
    valid: Register<Bit>,
    one: Constant<Bits<16>>,
    zero: Constant<Bits<16>>,
    start: Constant<Bits<4>>,
    stop: Constant<Bits<4>>,
    step: Constant<Bits<4>>,
    top: Constant<Bits<8>>,
}

impl Default for UartRx {
    fn default() -> Self {
        UartRx {
            clk_i: Default::default(),
            rst_ni: Default::default(),
            divisor_i: Default::default(),
            rx_i: Default::default(),
            valid_o: Default::default(),
            data_o: Default::default(),
            meta: Default::default(),
            line: Default::default(),
            busy: Default::default(),
            stuck: Default::default(),
            count: Default::default(),
            taken: Default::default(),
            data: Default::default(),
            valid: Default::default(),
            one: Constant::new(1.into()),
            zero: Constant::new(0.into()),
            start: Constant::new(0.into()),
            stop: Constant::new(9.into()),
            step: Constant::new(1.into()),
            top: Constant::new(0x80.into()),
        }
    }
}

impl Logic for UartRx {
    #[hdl_gen]
    fn update(&mut self) {
        self.meta.clock.next = self.clk_i.val();
        self.line.clock.next = self.clk_i.val();
        self.busy.clock.next = self.clk_i.val();
        self.stuck.clock.next = self.clk_i.val();
        self.count.clock.next = self.clk_i.val();
        self.taken.clock.next = self.clk_i.val();
        self.data.clock.next = self.clk_i.val();
        self.valid.clock.next = self.clk_i.val();
        self.meta.d.next = self.rx_i.val();
        self.line.d.next = self.meta.q.val();
        self.busy.d.next = self.busy.q.val();
        self.stuck.d.next = self.stuck.q.val() & !self.line.q.val();
        self.count.d.next = self.count.q.val() - self.one.val();
        self.taken.d.next = self.taken.q.val();
        self.data.d.next = self.data.q.val();
        self.valid.d.next = false;

        if self.busy.q.val() {
            if self.count.q.val() == self.zero.val() {
                self.count.d.next = self.divisor_i.val() - self.one.val();
                self.taken.d.next = self.taken.q.val() + self.step.val();
                if self.taken.q.val() == self.start.val() {
                    self.busy.d.next = !self.line.q.val();
                } else if self.taken.q.val() == self.stop.val() {
                    self.busy.d.next = false;
                    self.valid.d.next = self.line.q.val();
                    self.stuck.d.next = !self.line.q.val();
                } else if self.line.q.val() {
                    self.data.d.next = (self.data.q.val() >> 1) | self.top.val();
                } else {
                    self.data.d.next = self.data.q.val() >> 1;
                }
            }
        } else {
            self.taken.d.next = self.start.val();
            self.count.d.next = (self.divisor_i.val() >> 1) - self.one.val();
            self.busy.d.next = !(self.line.q.val() | self.stuck.q.val());
        }
        if !self.rst_ni.val() {
            self.busy.d.next = false;
            self.stuck.d.next = true;
            self.valid.d.next = false;
        }
        self.valid_o.next = self.valid.q.val();
        self.data_o.next = self.data.q.val();
    }
}

/// Module `ns_uart_rx`.
pub fn uart_rx() -> Result<VerilogFile, LeafError> {
    let about = About {
        doc: "Receives bytes from an asynchronous line, 8N1. The line is brought into the clock by two registers and looked \
              at in the middle of every bit. A start bit that is 1 in its middle is no byte; a byte whose stop bit is 0 is \
              dropped, and the line has to be 1 before the next one may begin.",
        facts: vec![("clocks of a bit", "4 to 65535, given by divisor_i".to_string())],
        latency: "3 clocks from the middle of the stop bit to valid_o",
    };
    leaf("ns_uart_rx", UartRx::default(), about)
}
