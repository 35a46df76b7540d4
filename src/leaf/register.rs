//! Registers in leaves.

use rust_hdl_core::ast::Verilog;
use rust_hdl_core::prelude::*;

/// Stands for the register's name in the text of its process.
pub(super) const NAME: &str = "$";

/// A register on the rising edge of the leaf's clock `clk_i`, without reset.
///
/// It has no module of its own: `name.d` and `name.q` become the registers `name_d` and `name_q` of the leaf, which must
/// write `self.name.clock.next = self.clk_i.val()` and assign `name.d` on every path.
#[derive(Default)]
pub struct Register<T: Synth> {
    pub clock: Signal<In, Clock>,
    pub d: Signal<Local, T>,
    pub q: Signal<Local, T>,
}

impl<T: Synth> Logic for Register<T> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!("always @(posedge clk_i) {NAME}_q <= {NAME}_d;"))
    }
}

impl<T: Synth> Block for Register<T> {
    fn connect_all(&mut self) {
        self.connect();
    }

    fn update_all(&mut self) {
        self.update();
        self.clock.update_all();
        self.d.update_all();
        self.q.update_all();
    }

    fn has_changed(&self) -> bool {
        self.clock.has_changed() || self.d.has_changed() || self.q.has_changed()
    }

    /// Shows `d` and `q` as signals of the block that holds the register, the clock not at all.
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_start_namespace(name, self);
        self.d.accept("d", probe);
        self.q.accept("q", probe);
        probe.visit_end_namespace(name, self);
    }
}
