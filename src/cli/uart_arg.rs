//! Whether a design is put at a serial line.

use anyhow::{Context, Result};
use clap::Args;
use neuspin::net::Network;
use neuspin::rtl::Design;
use neuspin::rtl::uart::Rate;

#[derive(Args, Default)]
#[command(next_help_heading = "Serial port")]
pub struct UartArgs {
    /// Put a serial port of so many bits a second around the design: module <design>_uart (docs/protocol.md)
    #[arg(long, value_name = "BAUD", requires = "clock")]
    uart: Option<u32>,
    /// Clocks a second that the design runs at
    #[arg(long, value_name = "HZ", requires = "uart")]
    clock: Option<u32>,
}

impl UartArgs {
    pub fn around(&self, design: Design, network: &Network) -> Result<Design> {
        match (self.uart, self.clock) {
            (Some(baud), Some(clock)) => {
                let rate = Rate::new(baud, clock).context("--uart, --clock")?;
                Ok(design.with_uart(network, rate)?)
            }
            _ => Ok(design),
        }
    }
}
