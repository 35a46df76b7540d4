//! From sums to activations (`docs/semantics.md` §2 and §3), for sums that no network without faults would have.

use crate::net::{Direction, Drops, Hidden, Method, Place};

/// The crossbar that the draws of a pass choose, among `count`.
pub(super) fn chosen(count: usize, draws: &[u32], code_bits: u32) -> usize {
    if count == 1 { 0 } else { (draws[0] as usize * count) >> code_bits }
}

/// The activations of one pass from the sums of the chosen crossbar: 1, −1, or 0 where nothing is added.
pub(super) fn activations(layer: &Hidden, crossbar: usize, sums: &[i64], draws: &[u32]) -> Vec<i8> {
    let sign = |fires: bool| if fires { 1 } else { -1 };
    let fires = |o: usize, limit: i128, value: i128, directions: &[Direction]| match directions[o] {
        Direction::Ge => value >= limit,
        Direction::Le => value <= limit,
    };
    let compared = |thresholds: &[i32], directions: &[Direction]| -> Vec<i8> {
        let of = |(o, &a): (usize, &i64)| sign(fires(o, thresholds[o].into(), a.into(), directions));
        sums.iter().enumerate().map(of).collect()
    };
    match &layer.method {
        None => compared(&layer.thresholds, &layer.directions),
        Some(Method::Spindrop(m)) => {
            let mut active = compared(&layer.thresholds, &layer.directions);
            let dropped = if m.place == Place::BeforeSign { 1 } else { 0 };
            active.iter_mut().zip(draws).filter(|(_, r)| **r < m.code).for_each(|(x, _)| *x = dropped);
            active
        }
        Some(Method::Scale(m)) => {
            compared(if draws[0] < m.code { &m.dropped } else { &layer.thresholds }, &layer.directions)
        }
        Some(Method::Affine(m)) => {
            let drop = |u: usize| draws[u] < m.code;
            let value = |(o, &a): (usize, &i64)| {
                let (no_gain, no_bias) = match m.drops {
                    Drops::Vector => (drop(0), drop(1)),
                    Drops::Element => (drop(2 * o), drop(2 * o + 1)),
                };
                let gain = if no_gain { 1 << m.frac_bits } else { i128::from(m.gain[o]) };
                gain * i128::from(a) + if no_bias { 0 } else { i128::from(m.bias[o]) }
            };
            let values: Vec<i128> = sums.iter().enumerate().map(value).collect();
            let size = values.len() / m.groups;
            let group = |group: &[i128]| -> Vec<i8> {
                let total: i128 = group.iter().sum();
                group.iter().map(|v| sign(size as i128 * v >= total)).collect()
            };
            values.chunks(size).flat_map(group).collect()
        }
        Some(Method::Subset(m)) => {
            let mask = (1u32 << m.bits) - 1;
            let of = |(o, &a): (usize, &i64)| {
                let e = i128::from((draws[o] & mask).count_ones()) - i128::from(m.bits / 2);
                let scale = i128::from(m.mean[o]) + i128::from(m.spread[o]) * e;
                sign(fires(o, m.limits[o].into(), scale * i128::from(a), &layer.directions))
            };
            sums.iter().enumerate().map(of).collect()
        }
        Some(Method::Spinbayes(m)) => match crossbar.checked_sub(1) {
            None => compared(&layer.thresholds, &layer.directions),
            Some(other) => compared(&m.others[other].thresholds, &m.others[other].directions),
        },
    }
}
