//! The walk of the bits, and how often it visits what is near its start: §2.14 and §2.15.

use super::{chi_square, igamc};
use statrs::function::erf::erfc;

/// Visits of the walk that goes up by one with a 1 and down by one with a 0.
pub struct Walk {
    /// Returns to the start, the end counting as one.
    pub cycles: u64,
    /// Of each of −4 … −1, 1 … 4: cycles with 0, 1, … 4, 5 or more visits.
    visits: [[u64; 6]; 8],
    /// Visits of each of −9 … −1, 1 … 9.
    totals: [u64; 18],
    needed: f64,
}

/// Where states −r … −1, 1 … r stand.
fn place(state: i64, reach: i64) -> Option<usize> {
    let near = state != 0 && state.abs() <= reach;
    near.then(|| (state + reach - i64::from(state > 0)) as usize)
}

impl Walk {
    pub fn of(bits: &[bool]) -> Walk {
        let needed = (0.005 * (bits.len() as f64).sqrt()).max(500.0);
        let mut walk = Walk { cycles: 0, visits: [[0; 6]; 8], totals: [0; 18], needed };
        let (mut at, mut here) = (0i64, [0usize; 8]);
        for (i, &bit) in bits.iter().enumerate() {
            at += if bit { 1 } else { -1 };
            if let Some(state) = place(at, 4) {
                here[state] += 1;
            }
            if let Some(state) = place(at, 9) {
                walk.totals[state] += 1;
            }
            if at == 0 || i + 1 == bits.len() {
                walk.cycles += 1;
                for (visits, here) in walk.visits.iter_mut().zip(&mut here) {
                    visits[std::mem::take(here).min(5)] += 1;
                }
            }
        }
        walk
    }

    fn is_long(&self) -> bool {
        self.cycles as f64 >= self.needed
    }

    /// §2.14: a p-value for each of −4 … −1, 1 … 4.
    pub fn excursions(&self) -> Option<Vec<f64>> {
        let p = |(at, visits): (usize, &[u64; 6])| {
            let state = if at < 4 { 4 - at } else { at - 3 } as f64;
            let leaves = 1.0 / (2.0 * state);
            let share = |k: usize| match k {
                0 => 1.0 - leaves,
                5 => leaves * (1.0 - leaves).powi(4),
                k => leaves * leaves * (1.0 - leaves).powi(k as i32 - 1),
            };
            igamc(2.5, chi_square(visits, (0..6).map(|k| share(k) * self.cycles as f64)) / 2.0)
        };
        self.is_long().then(|| self.visits.iter().enumerate().map(p).collect())
    }

    /// §2.15: a p-value for each of −9 … −1, 1 … 9.
    pub fn variant(&self) -> Option<Vec<f64>> {
        let p = |(at, &total): (usize, &u64)| {
            let state = if at < 9 { 9 - at } else { at - 8 } as f64;
            let cycles = self.cycles as f64;
            erfc((total as f64 - cycles).abs() / (2.0 * cycles * (4.0 * state - 2.0)).sqrt())
        };
        self.is_long().then(|| self.totals.iter().enumerate().map(p).collect())
    }
}
