//! Boards: what is on them, where, and how a design is clocked and reset there.
//!
//! [`BOARDS`] is the one table; [`Board::constraints`] is the file that tells place and route which pin a port of the board's top
//! ([`top`]) stands at; [`Clock`] says with which divisors a PLL makes a clock of another.

mod clock;
mod pins;
mod table;
#[cfg(test)]
mod tests;
mod top;

pub use clock::{Clock, ClockError, Divisors};
pub use pins::{PinError, pins};
pub use table::BOARDS;
pub use top::{module_name, top};

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

static CONSTRAINTS: Dir = include_dir!("$CARGO_MANIFEST_DIR/constraints");

/// Device families: each has its own tools, primitives and constraints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// iCE40 UltraPlus: with multipliers.
    Ice40Up,
    /// iCE40 HX: without.
    Ice40Hx,
    Ecp5,
    /// GW1NR-9.
    Gw1n,
    /// GW2AR-18.
    Gw2a,
    Xilinx7,
}

impl Family {
    /// Whether the whole way to a bitstream is open tools'.
    pub fn is_open(self) -> bool {
        self != Family::Xilinx7
    }

    pub fn is_ice40(self) -> bool {
        matches!(self, Family::Ice40Up | Family::Ice40Hx)
    }

    /// Inputs of a LUT.
    pub fn lut_inputs(self) -> u32 {
        if self == Family::Xilinx7 { 6 } else { 4 }
    }
}

/// What a device has, by its data sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Capacity {
    pub luts: u64,
    pub registers: u64,
    pub block_rams: u64,
    /// Bits of one block memory, parity bits among them.
    pub block_ram_bits: u64,
    /// 18 × 18 multipliers (iCE40: 16 × 16; Xilinx: DSP48E1).
    pub multipliers: u64,
}

/// A button that resets the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Button {
    pub pin: &'static str,
    /// 0 when pressed.
    pub active_low: bool,
}

/// LEDs by what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Leds {
    pub ready: &'static str,
    pub busy: Option<&'static str>,
    pub uncertain: Option<&'static str>,
    /// Lit by 0.
    pub active_low: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Board {
    /// As `--board` takes it.
    pub id: &'static str,
    pub name: &'static str,
    pub family: Family,
    /// As the tools call it.
    pub device: &'static str,
    pub package: &'static str,
    pub capacity: Capacity,
    /// The oscillator, in MHz.
    pub oscillator: u32,
    pub clock_pin: &'static str,
    pub rx_pin: &'static str,
    pub tx_pin: &'static str,
    pub button: Option<Button>,
    pub leds: Leds,
    /// File in `constraints/`.
    pub constraints: &'static str,
    /// How a bitstream comes to the board; `{}` stands for the file.
    pub load: &'static str,
}

impl Board {
    pub fn find(id: &str) -> Option<&'static Board> {
        BOARDS.iter().find(|board| board.id == id)
    }

    /// Whether the device has a processor beside the fabric.
    pub fn has_processor(&self) -> bool {
        self.device.starts_with("xc7z")
    }

    /// Ports of the top module, and the pin of each.
    pub fn ports(&self) -> Vec<(&'static str, &'static str)> {
        let mut ports = vec![("clk_i", self.clock_pin), ("uart_rx_i", self.rx_pin), ("uart_tx_o", self.tx_pin)];
        ports.extend(self.button.map(|button| ("button_i", button.pin)));
        ports.push(("led_ready_o", self.leds.ready));
        ports.extend(self.leds.busy.map(|pin| ("led_busy_o", pin)));
        ports.extend(self.leds.uncertain.map(|pin| ("led_uncertain_o", pin)));
        ports
    }

    /// Text of the constraints; none where the file is missing, which a test excludes.
    pub fn constraint_text(&self) -> &'static str {
        CONSTRAINTS.get_file(self.constraints).and_then(|file| file.contents_utf8()).unwrap_or_default()
    }
}
