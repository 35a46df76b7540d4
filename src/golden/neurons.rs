//! From sums to activations: thresholds, or what a stochastic method puts in their place (`docs/semantics.md` §2 and §3).

use crate::net::{Affine, Direction, Drops, Hidden, Method};

/// How a layer's neurons decide. Sums are those of weights as the layer holds them (see [`Neurons::flips`]).
pub(super) enum Neurons {
    /// `a ≥ t`
    Threshold(Vec<i64>),
    /// Two sets of thresholds, and the code that a draw of the pass is compared with: that of this number.
    Scale {
        kept: Vec<i64>,
        dropped: Vec<i64>,
        code: u32,
        draw: usize,
    },
    Affine(Affine),
    Subset {
        ones: u32,
        half: i64,
        mean: Vec<i64>,
        spread: Vec<i64>,
        limits: Vec<i64>,
        le: Vec<bool>,
    },
}

impl Neurons {
    /// `first` is the layer's first draw among those of its stream. Where `decided`, draws are not compared with a code any more:
    /// they are 0 where something is dropped, and 1 elsewhere.
    pub fn new(layer: &Hidden, first: usize, decided: bool) -> Neurons {
        let flip = |thresholds: &[i32]| flipped(thresholds, &layer.directions);
        let wide = |values: &[i32]| values.iter().map(|&v| v.into()).collect();
        match &layer.method {
            Some(Method::Scale(m)) => {
                let code = if decided { 1 } else { m.code };
                Neurons::Scale { kept: flip(&layer.thresholds), dropped: flip(&m.dropped), code, draw: first }
            }
            Some(Method::Affine(m)) => Neurons::Affine(Affine { code: if decided { 1 } else { m.code }, ..m.clone() }),
            Some(Method::Subset(m)) => Neurons::Subset {
                ones: (1 << m.bits) - 1,
                half: i64::from(m.bits / 2),
                mean: wide(&m.mean),
                spread: wide(&m.spread),
                limits: m.limits.clone(),
                le: layer.directions.iter().map(|&d| d == Direction::Le).collect(),
            },
            _ => Neurons::Threshold(flip(&layer.thresholds)),
        }
    }

    /// Whether neurons that fire at or below a threshold have their weights inverted, so that all fire at or above.
    pub fn flips(&self) -> bool {
        matches!(self, Neurons::Threshold(_) | Neurons::Scale { .. })
    }

    /// Which neurons fire, given the sum of each and draw `u` of the pass; no draws in the deterministic pass.
    pub fn fire(
        &self,
        rows: usize,
        sum: impl Fn(usize) -> i64,
        draw: Option<impl Fn(usize) -> u32>,
        mut set: impl FnMut(usize, bool),
    ) {
        match self {
            Neurons::Threshold(thresholds) => (0..rows).for_each(|o| set(o, sum(o) >= thresholds[o])),
            Neurons::Scale { kept, dropped, code, draw: number } => {
                let drop = draw.is_some_and(|draw| draw(*number) < *code);
                let thresholds = if drop { dropped } else { kept };
                (0..rows).for_each(|o| set(o, sum(o) >= thresholds[o]));
            }
            Neurons::Affine(m) => {
                let drops = |u: usize| draw.as_ref().is_some_and(|draw| draw(u) < m.code);
                let vector = m.drops == Drops::Vector;
                let all = vector.then(|| (drops(0), drops(1)));
                let value = |o: usize| {
                    let (no_gain, no_bias) = all.unwrap_or_else(|| (drops(2 * o), drops(2 * o + 1)));
                    let gain = if no_gain { 1 << m.frac_bits } else { i64::from(m.gain[o]) };
                    gain * sum(o) + if no_bias { 0 } else { i64::from(m.bias[o]) }
                };
                let values: Vec<i64> = (0..rows).map(value).collect();
                let size = rows / m.groups;
                for (g, group) in values.chunks_exact(size).enumerate() {
                    let total: i64 = group.iter().sum();
                    group.iter().enumerate().for_each(|(i, v)| set(g * size + i, size as i64 * v >= total));
                }
            }
            Neurons::Subset { ones, half, mean, spread, limits, le } => (0..rows).for_each(|o| {
                let e = draw.as_ref().map_or(0, |draw| i64::from((draw(o) & ones).count_ones()) - half);
                let product = (mean[o] + spread[o] * e) * sum(o);
                set(o, if le[o] { product <= limits[o] } else { product >= limits[o] });
            }),
        }
    }
}

/// Thresholds for inverted weights where the direction is `le`: `a <= t` is `-a >= -t`.
pub(super) fn flipped(thresholds: &[i32], directions: &[Direction]) -> Vec<i64> {
    let threshold = |(&t, &d): (&i32, &Direction)| if d == Direction::Le { -i64::from(t) } else { i64::from(t) };
    thresholds.iter().zip(directions).map(threshold).collect()
}
