//! Clocks by PLL: divisors computed within the ranges of the data sheets.
//!
//! | family | input | phase detector | oscillator (VCO) | source |
//! |---|---|---|---|---|
//! | iCE40 | 10–133 MHz | 10–133 MHz | 533–1066 MHz, output 16–275 | Lattice FPGA-TN-02052, iCE40 data sheets |
//! | ECP5 | 8–400 | 10–400 | 400–800, output 3.125–400 | Lattice FPGA-DS-02012, sysCLOCK PLL timing |
//! | GW1NR-9 C6/I5 | 3–400 | 3–400 | 400–1200, output 3.125–600 | Gowin DS117 |
//! | GW2AR-18 C8/I7 | 3–500 | 3–500 | 500–1250, output 3.9–625 | Gowin DS226 |
//! | Xilinx 7, speed -1 | 10–800 | 10–450 | 600–1200, output 4.69–800 | DS181, DS187, UG472 |

use super::Family;
use thiserror::Error;

/// A clock that no PLL setting comes near.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("no setting of the PLL makes {wanted} MHz of the board's {oscillator} MHz{}", nearest(*.below))]
pub struct ClockError {
    pub wanted: f64,
    pub oscillator: u32,
    /// The fastest clock below that it can make.
    pub below: Option<f64>,
}

fn nearest(below: Option<f64>) -> String {
    below.map_or_else(String::new, |mhz| format!("; the next below is {mhz:.3}"))
}

/// Settings of a PLL, as its primitive takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divisors {
    /// SB_PLL40: f = in · (divf + 1) / (2^divq · (divr + 1)).
    Ice40 { divr: u32, divf: u32, divq: u32, filter: u32 },
    /// EHXPLLL: CLKOP only feeds back, at in · feedback / input; the oscillator runs at `multiply` times that, and CLKOS is the
    /// clock, f = in · feedback · multiply / (input · output).
    Ecp5 { input: u32, feedback: u32, multiply: u32, output: u32 },
    /// rPLL: f = in · (fbdiv + 1) / (idiv + 1); the oscillator runs at f · odiv.
    Gowin { idiv: u32, fbdiv: u32, odiv: u32 },
    /// MMCME2: f = in · multiply / (8 · divide) / (output / 8), both in eighths.
    Mmcm { divide: u32, multiply: u32, output: u32 },
}

/// The clock of a design on a board.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    pub mhz: f64,
    /// None where the oscillator itself is the clock.
    pub divisors: Option<Divisors>,
}

struct Ranges {
    detector: (f64, f64),
    vco: (f64, f64),
    output: (f64, f64),
}

impl Family {
    fn ranges(self) -> Ranges {
        let of = |detector, vco, output| Ranges { detector, vco, output };
        match self {
            Family::Ice40Up | Family::Ice40Hx => of((10.0, 133.0), (533.0, 1066.0), (16.0, 275.0)),
            Family::Ecp5 => of((10.0, 400.0), (400.0, 800.0), (3.125, 400.0)),
            Family::Gw1n => of((3.0, 400.0), (400.0, 1200.0), (3.125, 600.0)),
            Family::Gw2a => of((3.0, 500.0), (500.0, 1250.0), (3.906, 625.0)),
            Family::Xilinx7 => of((10.0, 450.0), (600.0, 1200.0), (4.69, 800.0)),
        }
    }
}

fn within(range: (f64, f64), mhz: f64) -> bool {
    range.0 <= mhz + 1e-9 && mhz <= range.1 + 1e-9
}

/// Output divisors that an rPLL has.
const GOWIN_OUTPUTS: [u32; 11] = [2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128];

/// All settings within the ranges, and the clock of each.
fn settings(family: Family, oscillator: u32) -> Vec<(f64, Divisors)> {
    let fin = f64::from(oscillator);
    let ranges = family.ranges();
    let fits = |detector: f64, vco: f64, out: f64| {
        within(ranges.detector, detector) && within(ranges.vco, vco) && within(ranges.output, out)
    };
    let mut all = vec![];
    match family {
        Family::Ice40Up | Family::Ice40Hx => {
            for divr in 0..16 {
                let detector = fin / f64::from(divr + 1);
                let filter = filter(detector);
                for divf in 0..128 {
                    let vco = detector * f64::from(divf + 1);
                    for divq in 1..7 {
                        let out = vco / f64::from(1u32 << divq);
                        if fits(detector, vco, out) {
                            all.push((out, Divisors::Ice40 { divr, divf, divq, filter }));
                        }
                    }
                }
            }
        }
        Family::Ecp5 => {
            for input in 1..=128 {
                let detector = fin / f64::from(input);
                if !within(ranges.detector, detector) {
                    continue;
                }
                for feedback in 1..=80 {
                    let back = detector * f64::from(feedback);
                    for multiply in 1..=128 {
                        let vco = back * f64::from(multiply);
                        if !fits(detector, vco, back) {
                            continue;
                        }
                        for output in 1..=128 {
                            let out = vco / f64::from(output);
                            if fits(detector, vco, out) {
                                all.push((out, Divisors::Ecp5 { input, feedback, multiply, output }));
                            }
                        }
                    }
                }
            }
        }
        Family::Gw1n | Family::Gw2a => {
            for idiv in 0..64 {
                let detector = fin / f64::from(idiv + 1);
                for fbdiv in 0..64 {
                    let out = detector * f64::from(fbdiv + 1);
                    for odiv in GOWIN_OUTPUTS {
                        if fits(detector, out * f64::from(odiv), out) {
                            all.push((out, Divisors::Gowin { idiv, fbdiv, odiv }));
                        }
                    }
                }
            }
        }
        Family::Xilinx7 => {
            for divide in 1..=106 {
                let detector = fin / f64::from(divide);
                for multiply in (16..=512).step_by(8) {
                    let vco = detector * f64::from(multiply) / 8.0;
                    if !within(ranges.vco, vco) || !within(ranges.detector, detector) {
                        continue;
                    }
                    for output in 8..=1024 {
                        let out = vco * 8.0 / f64::from(output);
                        if fits(detector, vco, out) {
                            all.push((out, Divisors::Mmcm { divide, multiply, output }));
                        }
                    }
                }
            }
        }
    }
    all
}

/// FILTER_RANGE of an iCE40 PLL by the frequency at its phase detector, as icepll has it.
fn filter(detector: f64) -> u32 {
    [17.0, 26.0, 44.0, 66.0, 101.0].iter().position(|&end| detector < end).map_or(6, |n| n as u32 + 1)
}

impl Clock {
    /// The fastest clock that is not above `wanted` MHz and at most 3 % below it; the oscillator itself where it is that.
    ///
    /// # Errors
    /// If the PLL cannot come that near; says the next clock below.
    pub fn new(family: Family, oscillator: u32, wanted: f64) -> Result<Clock, ClockError> {
        if (wanted - f64::from(oscillator)).abs() < 1e-9 {
            return Ok(Clock { mhz: wanted, divisors: None });
        }
        let below = settings(family, oscillator).into_iter().filter(|(mhz, _)| *mhz <= wanted + 1e-9);
        // Of equal clocks that with the fastest phase detector, which jitters least: it comes first.
        let best = below.fold(None, |best: Option<(f64, Divisors)>, next| match best {
            Some(best) if next.0 <= best.0 + 1e-9 => Some(best),
            _ => Some(next),
        });
        match best {
            Some((mhz, divisors)) if mhz >= 0.97 * wanted => Ok(Clock { mhz, divisors: Some(divisors) }),
            best => Err(ClockError { wanted, oscillator, below: best.map(|(mhz, _)| mhz) }),
        }
    }

    /// Clocks a second.
    pub fn hz(&self) -> f64 {
        self.mhz * 1e6
    }
}
