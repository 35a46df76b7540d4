//! A design at a serial line in Verilator: bytes here, bits at its pins.

use super::protocol::{self, Request};
use super::simulation::{Simulation, verilator_seed};
use super::{Builder, CosimError, Dut};
use crate::rtl::Design;

/// The board that a design with a serial port would be, its pins driven bit by bit (`tb/uart.cpp`).
pub struct SimulatedBoard {
    simulation: Simulation,
    divisor: u32,
    patience: u32,
}

/// What a stretch of simulated time brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Bytes from the board.
    pub bytes: Vec<u8>,
    pub clocks: u64,
    /// Bytes to the board that still wait for the line.
    pub waiting: usize,
    /// Clocks since the last bit on either line, and since images were outstanding.
    pub quiet: u64,
    pub ready: bool,
    pub busy: bool,
    pub uncertain: bool,
    /// Bytes from the board that had no stop bit, since power-up.
    pub framing_errors: u32,
}

impl SimulatedBoard {
    /// Builds the simulation and powers it up; `seed` chooses the state of what has no reset.
    pub fn start(builder: &Builder, design: &Design, seed: u64) -> Result<SimulatedBoard, CosimError> {
        let Some(uart) = &design.uart else {
            return Err(CosimError::Settings { what: format!("design `{}` has no serial port", design.name) });
        };
        let mut dut = Dut::of(design);
        dut.top = uart.top.clone();
        dut.sources.extend(uart.modules.iter().map(|m| (m.file_name(), m.text().to_string())));
        let executable = builder.uart_executable(&dut, uart.rate.divisor)?;
        let simulation = Simulation::start(&executable, &dut)?;
        let mut board = SimulatedBoard { simulation, divisor: uart.rate.divisor, patience: uart.rate.patience() };
        board.power_up(seed)?;
        Ok(board)
    }

    /// Switches it off and on again.
    pub fn power_up(&mut self, seed: u64) -> Result<(), CosimError> {
        self.simulation.ask(protocol::OP_NEW, Request::default().word(verilator_seed(seed)), |_| ()).map(drop)
    }

    /// Puts `bytes` on the line and lets time pass: at most `most` clocks, and no more once nothing has happened for `enough`.
    pub fn step(&mut self, bytes: &[u8], most: u64, enough: u64) -> Result<Step, CosimError> {
        let words: Vec<u32> = bytes.iter().map(|&b| b.into()).collect();
        let request = Request::default().wide(most).wide(enough).words(&words);
        let reply = self.simulation.ask(protocol::OP_STEP, request, |_| ())?;
        let [clocks_low, clocks_high, waiting, quiet_low, quiet_high, lights, framing_errors, came @ ..] = &reply[..]
        else {
            return Err(CosimError::Settings { what: "a reply of the simulator is too short".into() });
        };
        let wide = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        Ok(Step {
            bytes: came.iter().map(|&w| w as u8).collect(),
            clocks: wide(*clocks_low, *clocks_high),
            waiting: *waiting as usize,
            quiet: wide(*quiet_low, *quiet_high),
            ready: lights & 1 != 0,
            busy: lights & 2 != 0,
            uncertain: lights & 4 != 0,
            framing_errors: *framing_errors,
        })
    }

    /// Clocks of a byte on the line.
    pub fn byte_clocks(&self) -> u64 {
        10 * u64::from(self.divisor)
    }

    /// Clocks after which the board gives a broken frame up.
    pub fn patience(&self) -> u64 {
        self.patience.into()
    }
}
