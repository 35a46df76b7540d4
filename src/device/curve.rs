//! Measured curves: switching probability against voltage or current, read from a table.

use std::io::Read;
use thiserror::Error;

/// Points of a curve, drive rising; between them it is straight.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    points: Vec<(f64, f64)>,
}

/// What is wrong with a table; lines count from 1, the header among them.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CurveError {
    #[error("{0}")]
    Table(String),
    #[error("line {line}: {text:?} is no number")]
    Number { line: u64, text: String },
    #[error("line {line}: {found} columns; two are read, drive (V or A) and probability")]
    Columns { line: u64, found: usize },
    #[error("line {line}: a probability of {p}; 0 to 1")]
    Probability { line: u64, p: f64 },
    #[error("line {line}: a drive of {drive} after {before}; it has to rise from line to line")]
    Drive { line: u64, drive: f64, before: f64 },
    #[error("line {line}: a probability of {p} after {before}; it must not fall as the drive rises")]
    Falls { line: u64, p: f64, before: f64 },
    #[error("{0} points; at least 2 make a curve")]
    Short(usize),
    #[error("a probability of {p}; the curve goes from {low} to {high}")]
    Outside { p: f64, low: f64, high: f64 },
}

impl Curve {
    /// Reads CSV: a header, then a drive and a probability a line; `#` begins a comment.
    pub fn read(mut reader: impl Read) -> Result<Curve, CurveError> {
        let mut points: Vec<(f64, f64)> = vec![];
        let mut text = String::new();
        reader.read_to_string(&mut text).map_err(|e| CurveError::Table(e.to_string()))?;
        // A CSV reader takes the line of a comment for that of the record behind it.
        let lines = text.lines().zip(1u64..).filter(|(text, _)| !text.trim().is_empty() && !text.starts_with('#'));
        for (record, line) in lines.skip(1) {
            let record: Vec<&str> = record.split(',').map(str::trim).collect();
            if record.len() != 2 {
                return Err(CurveError::Columns { line, found: record.len() });
            }
            let number = |n: usize| match record[n].parse::<f64>() {
                Ok(v) if v.is_finite() => Ok(v),
                _ => Err(CurveError::Number { line, text: record[n].into() }),
            };
            let (drive, p) = (number(0)?, number(1)?);
            if !(0.0..=1.0).contains(&p) {
                return Err(CurveError::Probability { line, p });
            }
            if let Some(&(before, p_before)) = points.last() {
                if drive <= before {
                    return Err(CurveError::Drive { line, drive, before });
                }
                if p < p_before {
                    return Err(CurveError::Falls { line, p, before: p_before });
                }
            }
            points.push((drive, p));
        }
        match points.len() {
            0 | 1 => Err(CurveError::Short(points.len())),
            _ => Ok(Curve { points }),
        }
    }

    /// The probability at `drive`; that of the nearest end outside the table.
    pub fn probability(&self, drive: f64) -> f64 {
        let after = self.points.partition_point(|&(at, _)| at <= drive);
        match (after.checked_sub(1).map(|n| self.points[n]), self.points.get(after)) {
            (Some((x0, p0)), Some(&(x1, p1))) => p0 + (p1 - p0) * (drive - x0) / (x1 - x0),
            (Some((_, p)), None) | (None, Some(&(_, p))) => p,
            (None, None) => 0.0,
        }
    }

    /// The least drive that gives probability `p`.
    ///
    /// # Errors
    /// Where the curve does not reach `p`.
    pub fn drive_for(&self, p: f64) -> Result<f64, CurveError> {
        let (low, high) = (self.points[0].1, self.points[self.points.len() - 1].1);
        if !(low..=high).contains(&p) {
            return Err(CurveError::Outside { p, low, high });
        }
        let at = self.points.partition_point(|&(_, there)| there < p);
        let (x1, p1) = self.points[at];
        Ok(match at.checked_sub(1).map(|n| self.points[n]) {
            Some((x0, p0)) => x0 + (x1 - x0) * (p - p0) / (p1 - p0),
            None => x1,
        })
    }

    /// Change of the probability with the drive around `drive`: the slope of the piece that it lies on, of its right one at a point; 0
    /// outside the table.
    pub fn sensitivity(&self, drive: f64) -> f64 {
        let after = self.points.partition_point(|&(at, _)| at <= drive);
        match (after.checked_sub(1).map(|n| self.points[n]), self.points.get(after)) {
            (Some((x0, p0)), Some(&(x1, p1))) => (p1 - p0) / (x1 - x0),
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Curve, CurveError> {
        Curve::read(text.as_bytes())
    }

    #[test]
    fn a_curve_is_straight_between_its_points() {
        let curve = read("V, P\n# measured\n0.2, 0.0\n0.3, 0.1\n0.5, 0.9\n0.6, 0.9\n").unwrap();
        for (drive, p) in [(0.1, 0.0), (0.25, 0.05), (0.4, 0.5), (0.55, 0.9), (0.9, 0.9)] {
            assert!((curve.probability(drive) - p).abs() < 1e-12, "{drive}");
        }
        for (p, drive) in [(0.0, 0.2), (0.05, 0.25), (0.5, 0.4), (0.9, 0.5)] {
            assert!((curve.drive_for(p).unwrap() - drive).abs() < 1e-12, "{p}");
        }
        assert!((curve.sensitivity(0.35) - 4.0).abs() < 1e-12 && curve.sensitivity(0.7) == 0.0);
        assert_eq!(curve.drive_for(0.95), Err(CurveError::Outside { p: 0.95, low: 0.0, high: 0.9 }));
    }

    #[test]
    fn a_bad_table_is_refused_with_its_line() {
        for (text, expected) in [
            ("V,P\n0.1,0.2\n0.2,0.1\n", "line 3: a probability of 0.1 after 0.2"),
            ("V,P\n0.1,0.2\n0.1,0.3\n", "line 3: a drive of 0.1 after 0.1"),
            ("V,P\n0.1,0.2\n# measured\n\n0.2,0.1\n", "line 5: a probability of 0.1 after 0.2"),
            ("V,P\n0.1,1.2\n", "line 2: a probability of 1.2; 0 to 1"),
            ("V,P\n0.1,0.2\n", "1 points; at least 2"),
            ("", "0 points; at least 2"),
            ("V,P\n0.1,x\n", "line 2: \"x\" is no number"),
            ("V,P\n0.1,nan\n", "line 2: \"nan\" is no number"),
            ("V,P\n0.1,0.2,0.3\n", "line 2: 3 columns"),
        ] {
            let said = read(text).unwrap_err().to_string();
            assert!(said.contains(expected), "`{said}` does not say `{expected}`");
        }
    }
}
