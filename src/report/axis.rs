//! From values to places along an axis, and where its ticks stand.

use super::Axis;

/// A mapping of values to 0 … 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    log: bool,
    percent: bool,
    /// Share of a logarithmic axis that is kept for the value 0.
    zero: f64,
}

/// A place along the axis and what stands there.
pub type Tick = (f64, String);

/// Ticks aimed at.
const TICKS: f64 = 5.0;
/// Of a logarithmic axis with a 0.
const ZERO: f64 = 0.1;

impl Scale {
    /// Holds all values, with some room around them where the axis has no range of its own.
    pub fn new(axis: &Axis, values: impl Iterator<Item = f64> + Clone) -> Scale {
        let mut zero = 0.0;
        let kept = values.clone().filter(|&v| !axis.log || v > 0.0);
        let (mut low, mut high) =
            kept.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if let Some((l, h)) = axis.range.filter(|&(l, h)| l < h && (!axis.log || l > 0.0)) {
            (low, high) = (l, h);
        } else if axis.log {
            if !low.is_finite() {
                (low, high) = (0.1, 1.0);
            }
            if low == high {
                (low, high) = (low / 2.0, high * 2.0);
            }
        } else {
            if !low.is_finite() {
                (low, high) = (0.0, 1.0);
            }
            let room = if low == high { 0.05 * low.abs().max(1e-3) } else { 0.06 * (high - low) };
            // What cannot be below 0 is not drawn as if it could.
            let floor = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
            (low, high) = ((low - room).max(floor), high + room);
        }
        if axis.log && values.clone().any(|v| v == 0.0) {
            zero = ZERO;
        }
        Scale { low, high, log: axis.log, percent: axis.percent, zero }
    }

    /// Where a value stands; outside 0 … 1 if it is outside the range.
    pub fn place(&self, value: f64) -> f64 {
        match self.log {
            true if value <= 0.0 => 0.0,
            true => self.zero + (1.0 - self.zero) * (value / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        }
    }

    pub fn ticks(&self) -> Vec<Tick> {
        if self.log { self.log_ticks() } else { self.linear_ticks() }
    }

    fn shown(&self, value: f64, digits: usize) -> String {
        let value = if value == 0.0 { 0.0 } else { value };
        format!("{value:.digits$}").replace('-', "\u{2212}") + if self.percent { " %" } else { "" }
    }

    fn linear_ticks(&self) -> Vec<Tick> {
        let unit = if self.percent { 100.0 } else { 1.0 };
        let (low, high) = (self.low * unit, self.high * unit);
        let rough = (high - low) / TICKS;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|&s| s >= rough * 0.75).unwrap_or(rough);
        let digits = (-(step.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize;
        let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
        let tick = |n: i64| {
            let value = n as f64 * step;
            (self.place(value / unit), self.shown(value, digits))
        };
        (first..=last).map(tick).collect()
    }

    fn log_ticks(&self) -> Vec<Tick> {
        let unit = if self.percent { 100.0 } else { 1.0 };
        let (low, high) = (self.low * unit, self.high * unit);
        let decades = (high / low).log10();
        let steps: &[f64] = if decades > 3.0 {
            &[1.0]
        } else if decades > 1.5 {
            &[1.0, 3.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let mut ticks = vec![];
        if self.zero > 0.0 {
            ticks.push((0.0, self.shown(0.0, 0)));
        }
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        // Very many decades: not each of them.
        let every = ((last - first) / 6).max(1);
        for power in (first..=last).step_by(every as usize) {
            for step in steps {
                let value = step * 10f64.powi(power);
                if value < low * 0.999 || value > high * 1.001 {
                    continue;
                }
                let text = match power {
                    -3..=4 => self.shown(value, (-power).max(0) as usize),
                    _ => format!("{step}e{power}").replace('-', "\u{2212}") + if self.percent { " %" } else { "" },
                };
                ticks.push((self.place(value / unit), text));
            }
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(axis: &Axis, values: &[f64]) -> Vec<String> {
        Scale::new(axis, values.iter().copied()).ticks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_lie_within() {
        assert_eq!(ticks(&Axis::new(""), &[0.0, 10.0]), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(ticks(&Axis::new("").percent(), &[0.912, 0.957]), ["91 %", "92 %", "93 %", "94 %", "95 %"]);
        assert_eq!(ticks(&Axis::new("").range(-1.0, 1.0), &[]), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        let found = ticks(&Axis::new("").log().percent(), &[0.0, 0.001, 0.1]);
        assert_eq!(found, ["0 %", "0.1 %", "0.3 %", "1 %", "3 %", "10 %"]);
        assert_eq!(
            ticks(&Axis::new("").log(), &[1e-8, 1e-5]),
            ["1e−8", "3e−8", "1e−7", "3e−7", "1e−6", "3e−6", "1e−5"]
        );
        for values in [[0.5, 0.5], [0.0, 0.0], [1e9, 1e9 + 1.0], [1e-12, 2e-12]] {
            let scale = Scale::new(&Axis::new(""), values.into_iter());
            let ticks = scale.ticks();
            assert!(!ticks.is_empty() && ticks.len() < 12, "{values:?}: {ticks:?}");
            assert!(ticks.iter().all(|&(place, _)| (-1e-6..=1.0 + 1e-6).contains(&place)), "{values:?}: {ticks:?}");
        }
    }

    #[test]
    fn places_are_in_order_and_zero_stands_apart_on_a_logarithmic_axis() {
        let scale = Scale::new(&Axis::new("").log(), [0.0, 0.01, 1.0].into_iter());
        assert_eq!((scale.place(0.0), scale.place(0.01)), (0.0, ZERO));
        assert!((scale.place(1.0) - 1.0).abs() < 1e-12);
        assert!((scale.place(0.1) - (ZERO + (1.0 - ZERO) / 2.0)).abs() < 1e-12);
        let linear = Scale::new(&Axis::new("").range(2.0, 4.0), [].into_iter());
        assert_eq!((linear.place(2.0), linear.place(3.0), linear.place(5.0)), (0.0, 0.5, 1.5));
    }
}
