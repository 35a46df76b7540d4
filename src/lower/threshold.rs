//! The integer threshold of a neuron.

use crate::model::Dense;
use crate::net::Direction;

/// Threshold and direction of output `o` of `layer`, whose sums lie in −`bound` to `bound`.
///
/// The definition is `y(a) = gamma·(a + bias − mean)/sqrt(var + eps) + beta ≥ 0`, evaluated in f64 in that order. Every
/// operation of it rounds monotonically, so y is monotone in a, and bisection finds the exact integer at which its sign
/// changes. Solving for a instead would be a ulp off at ties.
///
/// gamma > 0 gives `a ≥ t`, gamma < 0 gives `a ≤ t`. Constant neurons, gamma = 0 among them, get a threshold just outside
/// what sums reach.
pub fn of_neuron(layer: &Dense, o: usize, bound: i64) -> (i32, Direction) {
    let norm = &layer.norm;
    let bias = layer.bias.as_ref().map_or(0.0, |b| b[o]);
    let sigma = (norm.var[o] + norm.eps).sqrt();
    let fires = |a: i64| norm.gamma[o] * ((a as f64 + bias) - norm.mean[o]) / sigma + norm.beta[o] >= 0.0;
    // Bounds fit 31 bits: `net::check` and `model::check` limit the fan-in.
    if norm.gamma[o] < 0.0 {
        (first(-bound, bound + 1, |a| !fires(a)) as i32 - 1, Direction::Le)
    } else {
        (first(-bound, bound + 1, fires) as i32, Direction::Ge)
    }
}

/// The least integer of `low` to `high − 1` with `holds`, which holds for all above it; `high` if there is none.
fn first(mut low: i64, mut high: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while low < high {
        let middle = low + (high - low).div_euclid(2);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
