//! From the physics of a crossbar to the integers of its array (`docs/crossbar.md`): how often a group of word lines is misread, what
//! the wires take away, what a column adds.

use super::{DeviceError, positive};
use crate::net::{FULL_GAIN, MAX_ERROR_GROUP, ReadErrors};
use crate::random::SplitMix64;
use thiserror::Error;

/// Errors of two counts or more that are likelier than this are warned about: an array errs by one at most.
pub const LARGE_ERROR: f64 = 1e-4;

/// Conductance of a cell in one of its states: normal, in any unit that both states share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conductance {
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
}

/// Conductances of a junction, parallel and antiparallel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cells {
    /// Of a live input that matches its weight.
    pub parallel: Conductance,
    /// Of a live input that does not.
    pub antiparallel: Conductance,
}

impl Default for Cells {
    /// The published values of the NeuSpin group's device model.
    fn default() -> Cells {
        Cells {
            parallel: Conductance { mean: 0.1357, deviation: 0.0055 },
            antiparallel: Conductance { mean: 0.0532, deviation: 0.0025 },
        }
    }
}

/// How likely a read of a group is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Misread {
    /// Too few matches by one or more.
    pub below: f64,
    /// Too many.
    pub above: f64,
    /// Wrong by two or more, either way.
    pub large: f64,
}

/// What an array cannot say of its cells.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error(
    "{matches} matches among {live} are read wrong by two or more with probability {probability:.1e}, and such errors count as one: \
     read fewer word lines at once, or take cells with less spread"
)]
pub struct LargeErrors {
    pub live: usize,
    pub matches: usize,
    pub probability: f64,
}

impl Cells {
    /// Checks that states can be told apart and deviations are none or more.
    pub fn check(&self) -> Result<(), DeviceError> {
        positive("conductance of an antiparallel cell", self.antiparallel.mean)?;
        positive("difference of the conductances of parallel and antiparallel cells", self.step())?;
        for (what, Conductance { deviation, .. }) in
            [("spread of parallel cells", self.parallel), ("spread of antiparallel cells", self.antiparallel)]
        {
            if !(deviation.is_finite() && deviation >= 0.0) {
                return Err(DeviceError::Negative { what, value: deviation });
            }
        }
        Ok(())
    }

    /// What one match more adds.
    fn step(&self) -> f64 {
        self.parallel.mean - self.antiparallel.mean
    }

    /// How likely `matches` matches among `live` live inputs are read wrong, on a scale without ends: their cells conduct
    /// N(Σµ, Σσ²), which is taken for the nearest number of matches.
    pub fn misread(&self, live: usize, matches: usize) -> Misread {
        let (parallel, antiparallel) = (matches as f64, (live - matches) as f64);
        let variance = parallel * self.parallel.deviation.powi(2) + antiparallel * self.antiparallel.deviation.powi(2);
        let beyond = |steps: f64| match variance > 0.0 {
            true => 0.5 * libm::erfc(steps * self.step() / (2.0 * variance).sqrt()),
            false => 0.0,
        };
        Misread { below: beyond(0.5), above: beyond(0.5), large: 2.0 * beyond(1.5) }
    }

    /// The read errors of groups of `group` word-line pairs; a scale ends at no match and at all live inputs.
    ///
    /// # Errors
    /// For conductances without a meaning, and groups larger than error tables are.
    pub fn read_errors(&self, group: usize) -> Result<(ReadErrors, Vec<LargeErrors>), DeviceError> {
        self.check()?;
        if !(1..=MAX_ERROR_GROUP).contains(&group) {
            return Err(DeviceError::Group { group, most: MAX_ERROR_GROUP });
        }
        let code = |p: f64| (p * 65536.0).round() as u32;
        let (mut codes, mut warnings) = (vec![], vec![]);
        for live in 0..=group {
            for matches in 0..=live {
                let Misread { below, above, large } = self.misread(live, matches);
                let low = if matches == 0 { 0 } else { code(below) };
                let high = if matches == live { 0 } else { code(above) };
                codes.push((low, high.min(65536 - low)));
                if large > LARGE_ERROR {
                    warnings.push(LargeErrors { live, matches, probability: large });
                }
            }
        }
        Ok((ReadErrors { codes }, warnings))
    }

    /// Gains of the groups of a neuron of `inputs` inputs on tiles of `rows` rows, where a cell's length of bit line has `resistance`,
    /// in units of one over the conductance's.
    ///
    /// The sense amplifier stands at row 0 of a tile. A group is driven by itself, as G cells of mean conductance g; its current
    /// passes the d cells of wire up to the group's middle, so that
    ///
    /// ```text
    /// gain = 1 / (1 + resistance · d · G · g),   d = first row of the group in its tile + (G + 1) / 2
    /// ```
    ///
    /// to the nearest 2^-8.
    pub fn wire_gains(
        &self,
        inputs: usize,
        rows: usize,
        group: usize,
        resistance: f64,
    ) -> Result<Vec<u32>, DeviceError> {
        self.check()?;
        if !(resistance.is_finite() && resistance >= 0.0) {
            return Err(DeviceError::Negative { what: "resistance of the wire", value: resistance });
        }
        if group == 0 || rows == 0 || !rows.is_multiple_of(group) {
            return Err(DeviceError::Rows { rows, group });
        }
        let mean = (self.parallel.mean + self.antiparallel.mean) / 2.0;
        let gain = |first: usize| {
            let cells = group.min(inputs - first) as f64;
            let distance = (first % rows) as f64 + (cells + 1.0) / 2.0;
            (f64::from(FULL_GAIN) / (1.0 + resistance * distance * cells * mean)).round() as u32
        };
        Ok((0..inputs).step_by(group).map(gain).collect())
    }
}

/// Offsets of `neurons` columns: normal with this standard deviation, in units of a sum, to the nearest integer.
///
/// # Errors
/// For a deviation below 0.
pub fn column_offsets(neurons: usize, deviation: f64, random: &mut SplitMix64) -> Result<Vec<i32>, DeviceError> {
    if !(deviation.is_finite() && deviation >= 0.0) {
        return Err(DeviceError::Negative { what: "spread of column offsets", value: deviation });
    }
    Ok((0..neurons).map(|_| (deviation * random.normal()).round() as i32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// METHODS of the published cells: with 8 word lines about 0.8 % of the sums err, with 16 about 6 %; that is where all cells are
    /// parallel, on a scale without ends.
    #[test]
    fn the_published_cells_err_as_often_as_stated() {
        let worst = |live| {
            let Misread { below, above, .. } = Cells::default().misread(live, live);
            below + above
        };
        assert!((worst(8) - 0.008).abs() < 2e-4, "{}", worst(8));
        assert!((worst(16) - 0.06).abs() < 2e-3, "{}", worst(16));
        let (errors, warnings) = Cells::default().read_errors(8).unwrap();
        assert_eq!((errors.codes.len(), warnings.len()), (45, 0));
        // No match and all matches are the ends of the scale.
        assert!((0..=8).all(|n| errors.codes[n * (n + 1) / 2].0 == 0 && errors.codes[n * (n + 3) / 2].1 == 0));
        let all = Cells::default().misread(8, 8).below;
        assert_eq!(errors.codes[44].0, (all * 65536.0).round() as u32);
        assert!(errors.codes[36 + 7].1 > errors.codes[36 + 4].1 && errors.codes[36 + 4].1 > 0, "{errors:?}");
    }

    /// Against cells that are drawn one by one and counted.
    #[test]
    fn errors_are_as_frequent_as_drawn_cells_have_them() {
        let cells = Cells {
            parallel: Conductance { mean: 1.0, deviation: 0.12 },
            antiparallel: Conductance { mean: 0.2, deviation: 0.05 },
        };
        let mut random = SplitMix64::new(5);
        for (live, matches) in [(8, 3), (8, 8), (5, 1), (16, 9)] {
            let runs = 100_000;
            let mut wrong = [0.0; 2];
            for _ in 0..runs {
                let mut conducts = 0.0;
                for cell in 0..live {
                    let Conductance { mean, deviation } =
                        if cell < matches { cells.parallel } else { cells.antiparallel };
                    conducts += mean + deviation * random.normal();
                }
                let count = ((conducts - live as f64 * 0.2) / 0.8).round();
                wrong[usize::from(count > matches as f64)] += f64::from(u8::from(count != matches as f64));
            }
            let Misread { below, above, .. } = cells.misread(live, matches);
            for (found, due) in wrong.into_iter().zip([below, above]) {
                let found = found / f64::from(runs);
                assert!(
                    (found - due).abs() < 5.0 * (due / f64::from(runs)).sqrt() + 1e-4,
                    "{live} {matches}: {found} {due}"
                );
            }
        }
    }

    #[test]
    fn large_errors_are_warned_about_and_nonsense_is_refused() {
        let wide = Cells { parallel: Conductance { mean: 0.1357, deviation: 0.02 }, ..Cells::default() };
        let (errors, warnings) = wide.read_errors(16).unwrap();
        assert!(warnings.iter().any(|w| (w.live, w.matches) == (16, 16)), "{warnings:?}");
        assert!(errors.codes.iter().all(|&(low, high)| low + high <= 65536));
        assert!(warnings[0].to_string().contains("matches among"), "{}", warnings[0]);
        let same = Cells { antiparallel: Cells::default().parallel, ..Cells::default() };
        assert!(matches!(same.read_errors(8), Err(DeviceError::NotPositive { .. })));
        assert!(matches!(Cells::default().read_errors(17), Err(DeviceError::Group { group: 17, most: 16 })));
        let none = Conductance { mean: 0.1, deviation: -1.0 };
        assert!(Cells { parallel: none, ..Cells::default() }.check().is_err());
        assert!(matches!(column_offsets(3, f64::NAN, &mut SplitMix64::new(1)), Err(DeviceError::Negative { .. })));
        assert!(matches!(Cells::default().wire_gains(64, 60, 8, 0.01), Err(DeviceError::Rows { rows: 60, group: 8 })));
    }

    #[test]
    fn wires_take_more_from_rows_further_away_and_every_tile_begins_anew() {
        let gains = Cells::default().wire_gains(72, 32, 8, 0.005).unwrap();
        assert_eq!(gains.len(), 9);
        assert!(
            gains.windows(2).enumerate().all(|(g, w)| if g % 4 == 3 { w[0] < w[1] } else { w[0] > w[1] }),
            "{gains:?}"
        );
        assert_eq!(gains[0], gains[4]);
        // By hand: 256 / (1 + 0.005 · 4.5 · 8 · 0.09445) = 251.7.
        assert_eq!(gains[0], 252);
        assert_eq!(Cells::default().wire_gains(20, 32, 8, 0.0).unwrap(), [256; 3]);
    }

    #[test]
    fn column_offsets_have_their_spread_and_come_again_from_their_seed() {
        let offsets = column_offsets(20_000, 3.0, &mut SplitMix64::new(7)).unwrap();
        let variance = offsets.iter().map(|&o| f64::from(o).powi(2)).sum::<f64>() / 20_000.0;
        // Rounding adds 1/12.
        assert!((variance - 9.0 - 1.0 / 12.0).abs() < 0.4, "{variance}");
        assert_eq!(offsets[..50], column_offsets(50, 3.0, &mut SplitMix64::new(7)).unwrap());
    }
}
