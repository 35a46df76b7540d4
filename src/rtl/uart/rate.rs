//! Baud rates that a clock can make.

use serde::Serialize;
use thiserror::Error;

/// Rates that serial ports know.
const USUAL: [u32; 16] = [
    9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 500_000, 576_000, 921_600, 1_000_000, 1_500_000,
    2_000_000, 3_000_000, 4_000_000, 12_000_000,
];
/// Clocks of a bit, at least: the middle of a bit has to be found.
const LEAST: u32 = 4;
const MOST: u32 = u16::MAX as u32;
/// Largest error of a rate, in thousandths, not reached itself: two ends may be wrong by so much each.
const TOLERANCE: u64 = 20;
/// A frame has broken off after this part of a second, or after so many bits if that is longer.
const PAUSES_A_SECOND: u32 = 20;
const PAUSE_BITS: u32 = 2048;

/// A rate of a serial line, and the clock that it is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// Bits a second that were asked for.
    pub baud: u32,
    /// Clocks a second.
    pub clock: u32,
    /// Clocks of a bit.
    pub divisor: u32,
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RateError {
    #[error(
        "a line of {baud} baud from a clock of {clock} Hz: {what}; rates that this clock can make: {}",
        list(usable)
    )]
    Rate { baud: u32, clock: u32, what: String, usable: Vec<u32> },
}

fn list(rates: &[u32]) -> String {
    if rates.is_empty() {
        return "none of the usual ones; take a clock of 1 MHz or more".into();
    }
    rates.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

impl Rate {
    /// A rate that is met within 2 %.
    pub fn new(baud: u32, clock: u32) -> Result<Rate, RateError> {
        let make = |baud: u32| {
            let divisor = clock.checked_add(baud / 2)?.checked_div(baud)?;
            Some(Rate { baud, clock, divisor })
        };
        let fails = |what| {
            let usable = USUAL.into_iter().filter(|&b| make(b).is_some_and(|rate| rate.fault().is_none())).collect();
            Err(RateError::Rate { baud, clock, what, usable })
        };
        match make(baud) {
            None => fails("not a rate".into()),
            Some(rate) => match rate.fault() {
                Some(what) => fails(what),
                None => Ok(rate),
            },
        }
    }

    /// A line in simulation, as fast as it can be: its bits take `divisor` clocks.
    pub fn of_divisor(divisor: u32) -> Rate {
        let divisor = divisor.clamp(LEAST, MOST);
        Rate { baud: 1, clock: divisor, divisor }
    }

    fn fault(&self) -> Option<String> {
        if self.divisor < LEAST {
            return Some(format!("a bit of {} clocks, at least {LEAST} are needed", self.divisor));
        }
        if self.divisor > MOST {
            return Some(format!("a bit of {} clocks, at most {MOST} can be counted", self.divisor));
        }
        // baud * divisor should be the clock.
        let made = u64::from(self.baud) * u64::from(self.divisor);
        let off = made.abs_diff(self.clock.into()) * 1000;
        (off >= TOLERANCE * u64::from(self.clock)).then(|| {
            let percent = off as f64 / f64::from(self.clock) / 10.0;
            format!("the nearest rate is {} baud, {percent:.1} % off", self.clock / self.divisor)
        })
    }

    /// Clocks without a byte after which a frame has broken off.
    pub fn patience(&self) -> u32 {
        (self.clock / PAUSES_A_SECOND).max(PAUSE_BITS * self.divisor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_met_within_two_percent_or_refused_with_those_that_are() {
        let rate = Rate::new(115_200, 12_000_000).unwrap();
        assert_eq!((rate.divisor, rate.patience()), (104, 600_000));
        let error = Rate::new(1_800_000, 12_000_000).unwrap_err().to_string();
        assert!(error.contains("the nearest rate is 1714285 baud, 5.0 % off"), "{error}");
        assert!(error.ends_with("576000, 921600, 1000000, 1500000, 2000000, 3000000"), "{error}");
        assert!(Rate::new(4_000_000, 12_000_000).unwrap_err().to_string().contains("3 clocks, at least 4"));
        assert!(Rate::new(300, 100_000_000).unwrap_err().to_string().contains("at most 65535"));
        assert!(Rate::new(0, 12_000_000).unwrap_err().to_string().contains("not a rate"));
        assert!(Rate::new(9600, 20_000).unwrap_err().to_string().contains("none of the usual ones"));
    }

    #[test]
    fn the_time_out_is_at_least_some_bytes_long() {
        assert_eq!(Rate::of_divisor(4).patience(), 8192);
        assert_eq!(Rate::new(9600, 12_000_000).unwrap().patience(), 2048 * 1250);
    }
}
