//! A figure with its interval, for people and for programs.

use neuspin::uncertainty::Interval;
use serde_json::{Value, json};

#[derive(Clone, Copy)]
pub struct Figure {
    pub value: f64,
    pub interval: Interval,
}

impl Figure {
    pub fn new(value: f64, interval: Interval) -> Figure {
        Figure { value, interval }
    }

    pub fn json(&self) -> Value {
        json!({ "value": self.value, "low": self.interval.low, "high": self.interval.high })
    }

    /// `97.93 % [97.63, 98.19]`
    pub fn percent(&self) -> String {
        let Interval { low, high } = self.interval;
        format!("{:.2} % [{:.2}, {:.2}]", 100.0 * self.value, 100.0 * low, 100.0 * high)
    }

    /// `0.0712 [0.0660, 0.0767]`
    pub fn plain(&self) -> String {
        format!("{:.4} [{:.4}, {:.4}]", self.value, self.interval.low, self.interval.high)
    }
}
