//! Where the sign of a neuron changes, as an integer.

use crate::model::BatchNorm;
use crate::net::Direction;

/// Batch norm of one output.
#[derive(Clone, Copy)]
pub struct Neuron<'a> {
    pub norm: &'a BatchNorm,
    pub bias: Option<&'a [f64]>,
    pub output: usize,
}

impl Neuron<'_> {
    /// The integer n of −`bound` to `bound` at which `y(z(n)) ≥ 0` changes, and the direction from there.
    ///
    /// `z` is what batch norm is taken of, and must not fall as n rises. The definition is
    /// `y(z) = gamma·(z + bias − mean)/sqrt(var + eps) + beta ≥ 0`, evaluated in f64 in that order. Every operation of it rounds
    /// monotonically, so y is monotone in n, and bisection finds the exact integer at which its sign changes. Solving for z
    /// instead would be a ulp off at ties.
    ///
    /// gamma > 0 gives `≥ n`, gamma < 0 gives `≤ n`. Constant neurons, gamma = 0 among them, get a threshold just outside
    /// −`bound` to `bound`.
    pub fn threshold(self, bound: i64, z: impl Fn(i64) -> f64) -> (i64, Direction) {
        let Neuron { norm, bias, output: o } = self;
        let bias = bias.map_or(0.0, |b| b[o]);
        let sigma = (norm.var[o] + norm.eps).sqrt();
        let fires = |n: i64| norm.gamma[o] * ((z(n) + bias) - norm.mean[o]) / sigma + norm.beta[o] >= 0.0;
        if norm.gamma[o] < 0.0 {
            (first(-bound, bound + 1, |n| !fires(n)) - 1, Direction::Le)
        } else {
            (first(-bound, bound + 1, fires), Direction::Ge)
        }
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
