//! Errors of reading an array: a hash of a pass's key and a read's number says which reads err (`docs/semantics.md` §9).

use super::dense::GROUP;
use crate::net::ReadErrors;

/// The keys of 32 columns, in parts of 16 bits.
#[derive(Clone, Debug)]
pub(super) struct Keys([[u16; GROUP]; 4]);

impl Keys {
    /// `key` of each column.
    pub fn new(key: impl Fn(usize) -> u64) -> Keys {
        Keys(std::array::from_fn(|part| std::array::from_fn(|column| (key(column) >> (16 * part)) as u16)))
    }

    /// The same key for all.
    pub fn all(key: u64) -> Keys {
        Keys(std::array::from_fn(|part| [(key >> (16 * part)) as u16; GROUP]))
    }
}

/// The key that draws of `code_bits` bits make.
pub(super) fn key(draws: impl Iterator<Item = u32>, code_bits: u32) -> u64 {
    let mut key = 0u128;
    for (u, r) in draws.enumerate() {
        key |= u128::from(r) << (u as u32 * code_bits);
    }
    key as u64
}

/// Which reads err, in an array of so many groups a neuron.
#[derive(Clone, Debug)]
pub(super) struct Errors {
    groups: u32,
    /// Entry n(n + 1)/2 + m: below the first a number means one match less, from the second on one more.
    bounds: Vec<(u32, u32)>,
    /// The widest of them.
    widest: (u32, u32),
}

impl Errors {
    pub fn new(errors: &ReadErrors, groups: usize) -> Errors {
        let bounds: Vec<(u32, u32)> = errors.codes.iter().map(|&(low, high)| (low, (1 << 16) - high)).collect();
        let widest = bounds.iter().fold((0, 1 << 16), |all, one| (all.0.max(one.0), all.1.min(one.1)));
        Errors { groups: groups as u32, bounds, widest }
    }

    /// Changes the matches `m` among `n` live inputs of group `g` in every column, where `row` says which sum at which position it
    /// is for.
    #[inline(always)]
    pub fn apply(
        &self,
        g: usize,
        plane: usize,
        row: impl Fn(usize) -> usize,
        keys: &Keys,
        m: &mut [i16; GROUP],
        n: &[i16; GROUP],
    ) {
        let (mut x, mut y) = ([0u16; GROUP], [0u16; GROUP]);
        for (column, (x, y)) in x.iter_mut().zip(&mut y).enumerate() {
            let number = (row(column) as u32).wrapping_mul(self.groups).wrapping_add(g as u32);
            let number = number.wrapping_add((plane as u32) << 28);
            (*x, *y) = (number as u16, (number >> 16) as u16);
        }
        for round in 0..8 {
            for ((x, y), key) in x.iter_mut().zip(&mut y).zip(&keys.0[round % 4]) {
                *x = x.rotate_right(7).wrapping_add(*y) ^ key ^ round as u16;
                *y = y.rotate_left(2) ^ *x;
            }
        }
        let (low, high) = self.widest;
        if !x.iter().fold(false, |any, &x| any | (u32::from(x) < low) | (u32::from(x) >= high)) {
            return;
        }
        for ((m, &n), x) in m.iter_mut().zip(n).zip(x) {
            let (low, high) = self.bounds[n as usize * (n as usize + 1) / 2 + *m as usize];
            *m += i16::from(u32::from(x) >= high) - i16::from(u32::from(x) < low);
        }
    }
}
