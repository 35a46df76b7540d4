//! The stochastic magnetic tunnel junction: how likely a current pulse switches it, and what that means for a dropout unit
//! (`docs/devices.md`).
//!
//! Macrospin model of thermally activated switching, with the barrier lowered linearly by the current. Its own figures are the
//! junction's; nothing here is fitted to a process.

pub mod crossbar;
mod curve;
mod units;

pub use curve::{Curve, CurveError};
pub use units::{Made, Spread, Switch, Units, UnitsError, code_of};

use thiserror::Error;

/// Shortest pulse for which switching is thermally activated, in seconds; shorter ones precess.
pub const SHORTEST_PULSE: f64 = 10e-9;
/// Temperature at which a junction's stability is stated, in kelvin.
pub const REFERENCE_TEMPERATURE: f64 = 298.15;

/// A magnetic tunnel junction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Junction {
    /// Thermal stability Δ = E / kT at the reference temperature.
    pub stability: f64,
    /// Critical current, in amperes.
    pub critical_current: f64,
    /// Attempt time τ0, in seconds; about 1 ns.
    pub attempt_time: f64,
}

/// A pulse that is to switch a junction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pulse {
    /// Amperes.
    pub current: f64,
    /// Seconds.
    pub width: f64,
}

/// Parameters without a physical meaning.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum DeviceError {
    #[error("{what} is {value}; it must be above 0 and finite")]
    NotPositive { what: &'static str, value: f64 },
    #[error("{what} is {value}; it must be 0 or more and finite")]
    Negative { what: &'static str, value: f64 },
    #[error("groups of {group} word lines; 1 to {most} have tables of read errors")]
    Group { group: usize, most: usize },
    #[error("tiles of {rows} rows, read {group} at once; rows must be a multiple of those, and at least 1 of each")]
    Rows { rows: usize, group: usize },
    #[error("a probability of {0}; it must be above 0 and below 1")]
    Probability(f64),
    #[error("no current switches with probability {p} in {width} s: the barrier would have to be above that at rest")]
    Unreachable { p: f64, width: f64 },
}

/// Where the model does not hold, though it gives a number.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum Warning {
    #[error(
        "a pulse of {0:.3e} s is shorter than 10 ns: below that switching is not thermally activated alone, and the model overstates \
         what it knows"
    )]
    ShortPulse(f64),
    #[error(
        "a current of {0:.3} times the critical one: from there on the junction switches by itself, without a barrier"
    )]
    Overdriven(f64),
    #[error("{units} of {of} units get more than their critical current: they switch by themselves, without a barrier")]
    OverdrivenUnits { units: usize, of: usize },
    #[error(
        "{units} of {of} units would have a probability below 0 or above 1, and have 0 or 1: the spread is no longer normal"
    )]
    LimitedUnits { units: usize, of: usize },
}

impl Junction {
    /// Checks that all parameters are above 0.
    pub fn check(&self) -> Result<(), DeviceError> {
        let all = [
            ("thermal stability", self.stability),
            ("critical current", self.critical_current),
            ("attempt time", self.attempt_time),
        ];
        all.into_iter().try_for_each(|(what, value)| positive(what, value))
    }

    /// The same junction at `temperature` kelvin, with a barrier that stays: stability falls as 1/T.
    pub fn at(self, temperature: f64) -> Result<Junction, DeviceError> {
        positive("temperature", temperature)?;
        Ok(Junction { stability: self.stability * REFERENCE_TEMPERATURE / temperature, ..self })
    }

    /// Mean time to switch under `current`, in seconds: `τ = τ0 · exp(Δ · (1 − I/Ic))`.
    pub fn switching_time(&self, current: f64) -> f64 {
        self.attempt_time * (self.stability * (1.0 - current / self.critical_current)).exp()
    }

    /// Probability that `pulse` switches the junction: `1 − exp(−t/τ)`.
    pub fn switching(&self, pulse: Pulse) -> f64 {
        -(-pulse.width / self.switching_time(pulse.current)).exp_m1()
    }

    /// The current that switches with probability `p` in a pulse of `width` seconds: `I/Ic = 1 − ln((t/τ0) / −ln(1 − p)) / Δ`.
    ///
    /// # Errors
    /// For a probability that is none, a width that is not above 0, and where the current would have to flow backwards.
    pub fn current_for(&self, p: f64, width: f64) -> Result<f64, DeviceError> {
        self.check()?;
        positive("pulse width", width)?;
        if !(p > 0.0 && p < 1.0) {
            return Err(DeviceError::Probability(p));
        }
        let ratio = 1.0 - (width / self.attempt_time / -(-p).ln_1p()).ln() / self.stability;
        match ratio > 0.0 {
            true => Ok(ratio * self.critical_current),
            false => Err(DeviceError::Unreachable { p, width }),
        }
    }

    /// Change of the switching probability with the current, in units of the critical one, where that probability is `p`:
    /// `dP/d(I/Ic) = Δ · (1 − P) · (−ln(1 − P))`.
    pub fn sensitivity(&self, p: f64) -> f64 {
        self.stability * (1.0 - p) * -(-p).ln_1p()
    }

    /// Probability that a cell at rest loses its state within `time` seconds.
    pub fn retention_loss(&self, time: f64) -> f64 {
        -(-time / self.switching_time(0.0)).exp_m1()
    }

    /// Where the model does not hold for `pulse`.
    pub fn warnings(&self, pulse: Pulse) -> Vec<Warning> {
        let ratio = pulse.current / self.critical_current;
        let short = (pulse.width < SHORTEST_PULSE).then_some(Warning::ShortPulse(pulse.width));
        let over = (ratio >= 1.0).then_some(Warning::Overdriven(ratio));
        short.into_iter().chain(over).collect()
    }
}

/// A dropout unit's cycle of SET, READ and RESET, in which a RESET may fail: what it reads over many cycles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cycle {
    /// Probability that a SET switches a junction that was reset.
    pub set: f64,
    /// Probability that a RESET succeeds.
    pub reset: f64,
}

impl Cycle {
    /// Probability of reading a 1: `p / (1 − (1 − Pr)(1 − p))`.
    pub fn probability(&self) -> f64 {
        self.set / (1.0 - self.correlation())
    }

    /// Correlation of one cycle with the next: `(1 − Pr)(1 − p)`.
    pub fn correlation(&self) -> f64 {
        (1.0 - self.reset) * (1.0 - self.set)
    }
}

fn positive(what: &'static str, value: f64) -> Result<(), DeviceError> {
    match value.is_finite() && value > 0.0 {
        true => Ok(()),
        false => Err(DeviceError::NotPositive { what, value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    fn junction(stability: f64) -> Junction {
        Junction { stability, critical_current: 50e-6, attempt_time: 1e-9 }
    }

    /// By hand: 1 − ln(10 / −ln(1 − p)) / Δ.
    #[test]
    fn currents_are_those_of_the_formula() {
        for (stability, expected) in [(40.0, [0.886, 0.905, 0.911, 0.933]), (60.0, [0.924, 0.937, 0.941, 0.956])] {
            for (p, expected) in [0.1, 0.2, 0.25, 0.5].into_iter().zip(expected) {
                let current = junction(stability).current_for(p, 10e-9).unwrap();
                assert!((current / 50e-6 - expected).abs() < 6e-4, "{p}: {}", current / 50e-6);
            }
        }
    }

    #[test]
    fn a_current_gives_the_probability_that_it_was_found_for_and_sensitivity_is_its_slope() {
        for stability in [20.0, 40.0, 60.0, 80.0] {
            for p in [1e-6, 0.01, 0.15, 0.5, 0.85, 0.999] {
                for width in [10e-9, 50e-9, 1e-6] {
                    let j = junction(stability);
                    let Ok(current) = j.current_for(p, width) else { continue };
                    let at = |current| j.switching(Pulse { current, width });
                    assert!((at(current) - p).abs() < 1e-9 * p.max(1e-3), "{p}: {}", at(current));
                    let step = 1e-7 * j.critical_current;
                    let slope = (at(current + step) - at(current - step)) / 2e-7;
                    assert!((slope - j.sensitivity(p)).abs() < 1e-4 * j.sensitivity(p), "{slope}");
                }
            }
        }
        assert!((0.01 * junction(40.0).sensitivity(0.5) - 0.139).abs() < 5e-4);
        assert!((0.01 * junction(60.0).sensitivity(0.5) - 0.208).abs() < 5e-4);
    }

    #[test]
    fn temperature_moves_the_probability_and_a_year_the_state() {
        let j = junction(60.0);
        let pulse = Pulse { current: j.current_for(0.5, 10e-9).unwrap(), width: 10e-9 };
        let at = |celsius: f64| j.at(celsius + 273.15).unwrap().switching(pulse);
        assert!((at(85.0) - 0.66).abs() < 5e-3 && (at(-40.0) - 0.28).abs() < 5e-3, "{} {}", at(85.0), at(-40.0));
        let year = 365.25 * 86400.0;
        assert!((junction(40.0).retention_loss(year) - 0.125).abs() < 1e-3);
        assert!((junction(60.0).retention_loss(year) / 2.8e-10 - 1.0).abs() < 0.02);
    }

    /// Against cycles that are drawn one after the other.
    #[test]
    fn incomplete_resets_give_the_stated_probability_and_correlation() {
        let mut rng = StdRng::seed_from_u64(1);
        for cycle in [Cycle { set: 0.2, reset: 0.9 }, Cycle { set: 0.5, reset: 0.6 }, Cycle { set: 0.1, reset: 1.0 }] {
            let n = 400_000;
            let mut state = false;
            let read: Vec<f64> = (0..n)
                .map(|_| {
                    state = state && rng.random::<f64>() >= cycle.reset;
                    state = state || rng.random::<f64>() < cycle.set;
                    f64::from(u8::from(state))
                })
                .collect();
            let mean = read.iter().sum::<f64>() / f64::from(n);
            let variance = mean * (1.0 - mean);
            let lag = read.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum::<f64>() / f64::from(n - 1) / variance;
            // Five standard deviations of independent draws, wider by the correlation.
            let spread = 5.0 * ((1.0 + cycle.correlation()) / (1.0 - cycle.correlation()) / f64::from(n)).sqrt();
            assert!((mean - cycle.probability()).abs() < spread * variance.sqrt(), "{mean}");
            assert!((lag - cycle.correlation()).abs() < spread, "{lag}");
        }
    }

    #[test]
    fn what_has_no_meaning_is_refused_and_what_the_model_cannot_know_is_said() {
        let j = junction(40.0);
        assert!(matches!(j.current_for(1.0, 10e-9), Err(DeviceError::Probability(_))));
        assert!(matches!(j.current_for(f64::NAN, 10e-9), Err(DeviceError::Probability(_))));
        assert!(matches!(j.current_for(0.5, 0.0), Err(DeviceError::NotPositive { what: "pulse width", .. })));
        assert!(matches!(junction(-1.0).check(), Err(DeviceError::NotPositive { what: "thermal stability", .. })));
        assert!(matches!(junction(2.0).current_for(0.1, 1e-6), Err(DeviceError::Unreachable { .. })));
        assert!(j.at(0.0).is_err());
        assert_eq!(j.warnings(Pulse { current: 40e-6, width: 20e-9 }), []);
        assert_eq!(
            j.warnings(Pulse { current: 60e-6, width: 5e-9 }),
            [Warning::ShortPulse(5e-9), Warning::Overdriven(60e-6 / 50e-6)]
        );
    }
}
