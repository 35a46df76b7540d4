//! What can go wrong between a host and a board, and what to do about it.

use std::time::Duration;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum HostError {
    #[error("port `{port}`: {what}")]
    Port { port: String, what: String },
    #[error("cannot open {port}: {what}{advice}")]
    Open { port: String, what: String, advice: &'static str },
    #[error("{port}: the connection is lost ({what}); is the board still plugged in and powered?")]
    Lost { port: String, what: String },
    #[error(
        "{port}: no answer in {:.1} s; is it the right port, the right rate ({baud} baud), the board out of reset and loaded \
         with a design that has a serial port?",
        .after.as_secs_f64()
    )]
    Silent { port: String, baud: u32, after: Duration },
    #[error("{port}: in use: {what}; end the other client first")]
    Taken { port: String, what: String },
    #[error("{port}: {what}")]
    Protocol { port: String, what: String },
    #[error("{port}: another design is on the board: {what}; generate and load the design of this model")]
    WrongDesign { port: String, what: String },
    #[error("image {image} was refused {times} times, at last for {why}; is the line noisy?")]
    Refused { image: usize, times: u32, why: String },
    #[error("image {image} of {found} values, but the board reads {expected}")]
    Features { image: usize, found: usize, expected: usize },
}

impl HostError {
    /// Whether a new connection may help.
    pub fn may_pass(&self) -> bool {
        matches!(self, HostError::Lost { .. } | HostError::Silent { .. })
    }
}
