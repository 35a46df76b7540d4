//! A design's programming port, spoken to.

use super::simulation::Simulation;
use super::{Builder, CosimError, Dut};
use crate::rtl::Write;

/// A request to the programming port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Read { address: u32 },
    Write(Write),
}

impl From<Write> for Request {
    fn from(write: Write) -> Request {
        Request::Write(write)
    }
}

/// How it was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What is at the address now.
    pub data: u32,
    /// Nothing has the address.
    pub error: bool,
}

impl Request {
    /// Whether it writes, where, and what.
    pub(super) fn words(&self) -> [u32; 3] {
        match *self {
            Request::Read { address } => [0, address, 0],
            Request::Write(Write { address, data }) => [1, address, data],
        }
    }
}

/// A simulated design and its programming port.
pub struct Host {
    simulation: Simulation,
    patience: u64,
}

impl Host {
    /// Powers the design up in a random state and resets it.
    pub fn start(builder: &Builder, dut: &Dut, seed: u64) -> Result<Host, CosimError> {
        check(dut)?;
        let mut simulation = Simulation::start(&builder.executable(dut, false)?, dut)?;
        simulation.power_up(seed, None)?;
        Ok(Host { simulation, patience: dut.patience })
    }

    /// One request after the other; an answer for each.
    pub fn program(&mut self, requests: &[Request]) -> Result<Vec<Answer>, CosimError> {
        self.simulation.program(requests, self.patience)
    }

    /// Writes, and what is read back for each.
    ///
    /// # Errors
    /// If nothing has one of the addresses.
    pub fn write(&mut self, writes: &[Write]) -> Result<Vec<u32>, CosimError> {
        let requests: Vec<Request> = writes.iter().map(|&write| write.into()).collect();
        let answers = self.program(&requests)?;
        match writes.iter().zip(&answers).find(|(_, answer)| answer.error) {
            Some((write, _)) => {
                Err(CosimError::Settings { what: format!("nothing has the address 0x{:08x}", write.address) })
            }
            None => Ok(answers.iter().map(|answer| answer.data).collect()),
        }
    }
}

pub(super) fn check(dut: &Dut) -> Result<(), CosimError> {
    if dut.ports.programming {
        return Ok(());
    }
    let what = format!("`{}` has no programming port; generate it with the option `writable`", dut.top);
    Err(CosimError::Settings { what })
}
