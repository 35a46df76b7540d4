//! From physics to codes: what the dropout units of a layer are like, as integers of the contract (`docs/semantics.md` §8).

use super::{Curve, CurveError, DeviceError, Junction, Pulse, REFERENCE_TEMPERATURE, Warning};
use crate::net::{Cycle, Device, Walk};
use crate::random::SplitMix64;
use thiserror::Error;

/// Smallest share of its nominal value that a spread leaves of a unit's stability, critical current or drive.
const LEAST_SHARE: f64 = 1e-3;

/// What the units of a layer are like. All spreads are standard deviations of normal distributions; 0 for none.
#[derive(Clone, Debug, PartialEq)]
pub struct Units {
    /// What makes a probability of a pulse.
    pub switch: Switch,
    /// Of the chip, in kelvin. The pulse was chosen for [`REFERENCE_TEMPERATURE`].
    pub temperature: f64,
    pub spread: Spread,
    /// Probability that a unit never switches, and that it always does.
    pub stuck: (f64, f64),
    /// Standard deviation of a unit's probability from draw to draw.
    pub jitter: f64,
    /// Change of the probability from image to image, and how far it goes.
    pub walk: Option<(f64, f64)>,
    /// SET, READ, RESET: probability that a RESET succeeds, and that a READ gives the other value.
    pub cycle: Option<(f64, f64)>,
}

/// What makes a probability of a pulse.
#[derive(Clone, Debug, PartialEq)]
pub enum Switch {
    /// Nothing that is known: units have the probability that is asked for.
    Ideal,
    /// A junction, and pulses of so many seconds.
    Junction { junction: Junction, width: f64 },
    /// A measured curve.
    Curve(Curve),
}

/// Device-to-device spread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// Of the probability itself.
    pub probability: f64,
    /// Of the critical current, as a share of it.
    pub critical_current: f64,
    /// Of the thermal stability, as a share of it.
    pub stability: f64,
    /// Of the current or voltage that reaches a unit, as a share of it.
    pub drive: f64,
}

/// Units as the contract has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub device: Device,
    /// Where the model does not hold for some of them.
    pub warnings: Vec<Warning>,
}

/// What no units can be made of.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum UnitsError {
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Curve(#[from] CurveError),
    #[error("{what} is {value}; a number of 0 to 1")]
    Share { what: &'static str, value: f64 },
    #[error("{what} is {value}; a finite number of at least 0")]
    Negative { what: &'static str, value: f64 },
    #[error("{what}, but {why}")]
    Unknown { what: &'static str, why: &'static str },
    #[error("units that never switch ({off}) and always do ({on}) are more than all")]
    Stuck { off: f64, on: f64 },
    #[error(
        "{what} of {value} is less than half a step of {step:.3e} at {code_bits} bits; use more code bits, or none of it"
    )]
    Fine { what: &'static str, value: f64, step: f64, code_bits: u32 },
    #[error("a walk by {step} within ±{limit}; the step is at most the limit")]
    Walk { step: f64, limit: f64 },
    #[error("code {code}; at {code_bits} bits a code is 0 to 2^{code_bits}, of 1 to 16 bits")]
    Code { code: u32, code_bits: u32 },
}

impl Default for Units {
    /// Ideal ones.
    fn default() -> Units {
        Units {
            switch: Switch::Ideal,
            temperature: REFERENCE_TEMPERATURE,
            spread: Spread::default(),
            stuck: (0.0, 0.0),
            jitter: 0.0,
            walk: None,
            cycle: None,
        }
    }
}

/// The code of `code_bits` bits that is nearest to probability `p`; those of 0 and 1 beyond.
pub fn code_of(p: f64, code_bits: u32) -> u32 {
    let full = f64::from(1u32 << code_bits);
    (p * full).round().clamp(0.0, full) as u32
}

impl Units {
    /// Units for a stream whose unit u is to drop with code `codes[u]` of `code_bits` bits ([`crate::net::Network::unit_codes`] has
    /// them). Unit u is the same for all numbers of units, and the same but for the size of a spread at all sizes.
    ///
    /// Where a junction or a curve is given, the drive of each code is that of the nominal device at [`REFERENCE_TEMPERATURE`]. Codes
    /// of probabilities 0 and 1 have no such drive: they are no pulse and a certain one, and do not deviate.
    ///
    /// # Errors
    /// For values without a meaning, and for what the switch knows nothing of.
    pub fn device(&self, codes: &[u32], code_bits: u32, seed: u64) -> Result<Made, UnitsError> {
        self.check()?;
        let full = if (1..=16).contains(&code_bits) { 1u32 << code_bits } else { 0 };
        if let Some(&code) = codes.iter().find(|&&code| code > full || full == 0) {
            return Err(UnitsError::Code { code, code_bits });
        }
        let mut warnings = vec![];
        let (mut overdriven, mut limited) = (0, 0);
        let (mut deviations, mut stuck) = (vec![], vec![]);
        for (u, &code) in codes.iter().enumerate() {
            let mut random = SplitMix64::nth(seed, u as u64);
            let coin = random.unit();
            let (off, on) = self.stuck;
            stuck.push(if coin < off { Some(false) } else { (coin >= 1.0 - on).then_some(true) });
            let [probability, critical_current, stability, drive] = [(); 4].map(|()| random.normal());
            let share = |spread: f64, normal: f64| (1.0 + spread * normal).max(LEAST_SHARE);
            let wanted = f64::from(code) / f64::from(full);
            let drive = share(self.spread.drive, drive);
            let p = match &self.switch {
                _ if code == 0 || code == full => wanted,
                Switch::Ideal => wanted,
                Switch::Curve(curve) => curve.probability(curve.drive_for(wanted)? * drive),
                Switch::Junction { junction, width } => {
                    let current = junction.current_for(wanted, *width)? * drive;
                    let unit = Junction {
                        critical_current: junction.critical_current
                            * share(self.spread.critical_current, critical_current),
                        stability: junction.stability * share(self.spread.stability, stability),
                        ..*junction
                    };
                    overdriven += usize::from(current >= unit.critical_current);
                    unit.at(self.temperature)?.switching(Pulse { current, width: *width })
                }
            };
            let p = p + self.spread.probability * probability;
            limited += usize::from(!(0.0..=1.0).contains(&p));
            deviations.push(code_of(p, code_bits) as i32 - code as i32);
        }
        if let Switch::Junction { width, .. } = self.switch
            && width < super::SHORTEST_PULSE
        {
            warnings.push(Warning::ShortPulse(width));
        }
        let of = codes.len();
        warnings.extend((overdriven > 0).then_some(Warning::OverdrivenUnits { units: overdriven, of }));
        warnings.extend((limited > 0).then_some(Warning::LimitedUnits { units: limited, of }));
        if deviations.iter().all(|&d| d == 0) {
            deviations.clear();
        }
        if stuck.iter().all(Option::is_none) {
            stuck.clear();
        }
        let device = Device {
            deviations,
            stuck,
            jitter: self.jitter(code_bits)?,
            walk: self.walk(code_bits)?,
            cycle: self.cycle.map(|(reset, misread)| Cycle {
                reset: code_of(reset, code_bits),
                misread: code_of(misread, code_bits),
            }),
        };
        Ok(Made { device, warnings })
    }

    fn check(&self) -> Result<(), UnitsError> {
        let Units { switch, temperature, spread, stuck: (off, on), .. } = self;
        super::positive("temperature", *temperature)?;
        let spreads = [
            ("the spread of the probability", spread.probability),
            ("the spread of the critical current", spread.critical_current),
            ("the spread of the thermal stability", spread.stability),
            ("the spread of the drive", spread.drive),
            ("the jitter", self.jitter),
        ];
        let walk = self.walk.map(|(step, limit)| [("the step of a walk", step), ("the limit of a walk", limit)]);
        for (what, value) in spreads.into_iter().chain(walk.into_iter().flatten()) {
            if !(value.is_finite() && value >= 0.0) {
                return Err(UnitsError::Negative { what, value });
            }
        }
        let cycle = self
            .cycle
            .map(|(reset, misread)| [("the probability of a RESET", reset), ("the probability of a misread", misread)]);
        let stuck =
            [("the probability of a unit that never switches", *off), ("the probability of one that always does", *on)];
        for (what, value) in stuck.into_iter().chain(cycle.into_iter().flatten()) {
            if !(0.0..=1.0).contains(&value) {
                return Err(UnitsError::Share { what, value });
            }
        }
        if off + on > 1.0 {
            return Err(UnitsError::Stuck { off: *off, on: *on });
        }
        let junction = spread.critical_current > 0.0 || spread.stability > 0.0 || *temperature != REFERENCE_TEMPERATURE;
        match switch {
            Switch::Junction { junction, width } => {
                junction.check()?;
                Ok(super::positive("pulse width", *width)?)
            }
            _ if junction => Err(UnitsError::Unknown {
                what: "a temperature, or a spread of critical current or stability",
                why: "there is no junction that says what follows of it; give one, or a spread of the probability",
            }),
            Switch::Ideal if spread.drive > 0.0 => Err(UnitsError::Unknown {
                what: "a spread of the drive",
                why: "there is neither a junction nor a curve that says what follows of it",
            }),
            _ => Ok(()),
        }
    }

    /// A jitter in codes: what one random bit more or less of the B that are counted moves.
    fn jitter(&self, code_bits: u32) -> Result<u32, UnitsError> {
        let bits = f64::from(code_bits / 2 * 2);
        // A jitter of 1 moves a code by √B / 2.
        steps("a jitter", self.jitter, bits.sqrt() / 2.0 / f64::from(1u32 << code_bits), code_bits)
    }

    fn walk(&self, code_bits: u32) -> Result<Option<Walk>, UnitsError> {
        let Some((step, limit)) = self.walk.filter(|&(step, _)| step > 0.0) else { return Ok(None) };
        if step > limit {
            return Err(UnitsError::Walk { step, limit });
        }
        let of = |what, value| steps(what, value, 1.0 / f64::from(1u32 << code_bits), code_bits);
        Ok(Some(Walk { step: of("a walk", step)?, limit: of("the limit of a walk", limit)? }))
    }
}

/// `value` in whole steps, at least one but for 0.
fn steps(what: &'static str, value: f64, step: f64, code_bits: u32) -> Result<u32, UnitsError> {
    let count = (value / step).round();
    match value > 0.0 && (count < 1.0 || step == 0.0) {
        true => Err(UnitsError::Fine { what, value, step, code_bits }),
        false => Ok(if value > 0.0 { count as u32 } else { 0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUNCTION: Junction = Junction { stability: 60.0, critical_current: 50e-6, attempt_time: 1e-9 };
    const N: usize = 20_000;

    fn junction() -> Switch {
        Switch::Junction { junction: JUNCTION, width: 10e-9 }
    }

    /// Mean and standard deviation of the units' probabilities.
    fn probabilities(units: &Units, code: u32) -> (f64, f64) {
        let made = units.device(&vec![code; N], 16, 7).unwrap();
        let p = |&d: &i32| f64::from(code as i32 + d) / 65536.0;
        let mean = made.device.deviations.iter().map(p).sum::<f64>() / N as f64;
        let squares: f64 = made.device.deviations.iter().map(|d| (p(d) - mean).powi(2)).sum();
        (mean, (squares / N as f64).sqrt())
    }

    #[test]
    fn ideal_units_are_ideal() {
        let made = Units::default().device(&[0, 1, 9830, 65536], 16, 1).unwrap();
        assert_eq!(made, Made { device: Device::default(), warnings: vec![] });
        let by_junction = Units { switch: junction(), ..Units::default() };
        assert_eq!(by_junction.device(&[0, 1, 9830, 65536], 16, 1).unwrap(), made);
    }

    #[test]
    fn a_spread_of_the_probability_is_that_of_the_codes() {
        let units = Units { spread: Spread { probability: 0.03, ..Spread::default() }, ..Units::default() };
        let (mean, sigma) = probabilities(&units, 19_661);
        // 4.5 standard deviations of a mean, and of a standard deviation.
        assert!((mean - 0.3).abs() < 4.5 * 0.03 / (N as f64).sqrt(), "{mean}");
        assert!((sigma / 0.03 - 1.0).abs() < 4.5 / (2.0 * N as f64).sqrt(), "{sigma}");
    }

    /// Small spreads go through the slopes of the model: dP/dI of the junction, and dP/dΔ = P' · (1 − I/Ic) / Δ by hand.
    #[test]
    fn spreads_of_a_junction_go_through_its_slopes() {
        let p = 0.5;
        let ratio = JUNCTION.current_for(p, 10e-9).unwrap() / JUNCTION.critical_current;
        let slope = JUNCTION.sensitivity(p);
        let cases = [
            (Spread { critical_current: 1e-3, ..Spread::default() }, 1e-3 * ratio * slope),
            (Spread { drive: 1e-3, ..Spread::default() }, 1e-3 * ratio * slope),
            (Spread { stability: 1e-2, ..Spread::default() }, 1e-2 * (1.0 - ratio) * slope),
        ];
        for (spread, expected) in cases {
            let (mean, sigma) = probabilities(&Units { switch: junction(), spread, ..Units::default() }, 32768);
            assert!((mean - p).abs() < 4.5 * expected / (N as f64).sqrt() + 1e-3, "{spread:?}: {mean}");
            assert!((sigma / expected - 1.0).abs() < 0.04, "{spread:?}: {sigma}, not {expected}");
        }
    }

    #[test]
    fn temperature_moves_all_codes_alike() {
        let at = |celsius: f64| {
            let units = Units { switch: junction(), temperature: celsius + 273.15, ..Units::default() };
            let deviations = units.device(&[32768; 3], 16, 1).unwrap().device.deviations;
            assert!(deviations.windows(2).all(|w| w[0] == w[1]));
            deviations.first().map_or(0.5, |&d| f64::from(32768 + d) / 65536.0)
        };
        assert!((at(85.0) - 0.66).abs() < 5e-3 && (at(-40.0) - 0.28).abs() < 5e-3 && at(25.0) == 0.5);
    }

    #[test]
    fn a_measured_curve_is_followed() {
        let curve = Curve::read("V,p\n1.0,0.0\n2.0,1.0\n".as_bytes()).unwrap();
        let spread = Spread { drive: 0.01, ..Spread::default() };
        let (mean, sigma) = probabilities(&Units { switch: Switch::Curve(curve), spread, ..Units::default() }, 32768);
        assert!((mean - 0.5).abs() < 4.5 * 0.015 / (N as f64).sqrt(), "{mean}");
        assert!((sigma / 0.015 - 1.0).abs() < 4.5 / (2.0 * N as f64).sqrt(), "{sigma}");
    }

    #[test]
    fn stuck_units_are_as_many_as_said_and_the_same_at_more_units() {
        let units = Units { stuck: (0.1, 0.05), ..Units::default() };
        let stuck = units.device(&vec![9; N], 16, 3).unwrap().device.stuck;
        let share = |v| stuck.iter().filter(|&&s| s == Some(v)).count() as f64 / N as f64;
        for (v, p) in [(false, 0.1f64), (true, 0.05)] {
            assert!((share(v) - p).abs() < 4.5 * (p * (1.0 - p) / N as f64).sqrt(), "{v}: {}", share(v));
        }
        let fewer = units.device(&[9; 100], 16, 3).unwrap().device.stuck;
        assert_eq!(fewer[..], stuck[..100]);
    }

    #[test]
    fn what_moves_is_counted_in_steps() {
        let units = Units { jitter: 0.02, walk: Some((0.001, 0.05)), cycle: Some((0.9, 0.01)), ..Units::default() };
        let device = units.device(&[9830], 16, 1).unwrap().device;
        // √16 / 2 = 2 codes a step.
        assert_eq!(device.jitter, (0.02 * 65536.0 / 2.0f64).round() as u32);
        assert_eq!(device.walk, Some(Walk { step: 66, limit: 3277 }));
        assert_eq!(device.cycle, Some(Cycle { reset: 58982, misread: 655 }));
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        let refused = |units: Units| units.device(&[100], 8, 1).unwrap_err().to_string();
        let spread = |spread| Units { spread, ..Units::default() };
        let told = refused(spread(Spread { probability: -0.1, ..Spread::default() }));
        assert_eq!(told, "the spread of the probability is -0.1; a finite number of at least 0");
        assert!(refused(spread(Spread { stability: 0.1, ..Spread::default() })).contains("there is no junction"));
        assert!(refused(spread(Spread { drive: 0.1, ..Spread::default() })).contains("neither a junction nor a curve"));
        assert!(refused(Units { temperature: 358.0, ..Units::default() }).contains("there is no junction"));
        assert!(refused(Units { temperature: f64::NAN, ..Units::default() }).contains("temperature is NaN"));
        assert!(refused(Units { stuck: (0.6, 0.6), ..Units::default() }).contains("are more than all"));
        assert!(refused(Units { cycle: Some((1.1, 0.0)), ..Units::default() }).contains("a RESET is 1.1"));
        assert!(
            refused(Units { jitter: 1e-4, ..Units::default() }).contains("less than half a step of 5.524e-3 at 8 bits")
        );
        assert!(refused(Units { walk: Some((0.2, 0.1)), ..Units::default() }).contains("at most the limit"));
        assert!(matches!(Units::default().device(&[300], 8, 1), Err(UnitsError::Code { code: 300, .. })));
        assert!(matches!(Units::default().device(&[1], 0, 1), Err(UnitsError::Code { .. })));
    }

    #[test]
    fn units_that_the_model_cannot_know_are_counted() {
        let spread = Spread { critical_current: 0.1, ..Spread::default() };
        let units = Units { switch: Switch::Junction { junction: JUNCTION, width: 5e-9 }, spread, ..Units::default() };
        let warnings = units.device(&[32768; 1000], 16, 1).unwrap().warnings;
        assert_eq!(warnings[0], Warning::ShortPulse(5e-9));
        assert!(matches!(warnings[1], Warning::OverdrivenUnits { units: 250..450, of: 1000 }), "{warnings:?}");
        let spread = Spread { probability: 0.5, ..Spread::default() };
        let warnings = Units { spread, ..Units::default() }.device(&[32768; 1000], 16, 1).unwrap().warnings;
        assert!(matches!(warnings[..], [Warning::LimitedUnits { units: 250..400, of: 1000 }]), "{warnings:?}");
    }
}
