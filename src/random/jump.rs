//! Jumps: many steps of an LFSR at once, as a polynomial (cheap to store and to apply) and as a matrix (what to wire).
//!
//! Read bit i of a state as the coefficient of x^(bits−1−i): a step multiplies by x modulo the feedback polynomial
//! P(x) = x^bits + Σ mask_i·x^(bits−1−i). So `e` steps multiply by c(x) = x^e mod P, and since multiplying by x^i is
//! i steps, the state after `e` steps is the XOR of the states after i steps, over all i with c_i = 1
//! (Haramoto, Matsumoto, Nishimura, Panneton, L'Ecuyer: Efficient jump ahead for F2-linear random number generators).

use super::galois::{check, ones, step};

/// The polynomial x^`steps` mod P of the LFSR with `bits` bits and `mask`; coefficient i is bit i.
///
/// The state after `steps` steps is the XOR of the states after i steps, over all i whose bit is set: a circuit that
/// steps `bits` times, and XORs the state into a sum where bit i of this constant is 1, has jumped.
///
/// # Panics
/// If `bits` and `mask` make no reversible LFSR, which [`super::Galois::new`] would refuse.
pub fn jump_polynomial(bits: u32, mask: u64, steps: u128) -> u64 {
    Jump::new(bits, mask, steps).polynomial()
}

/// A number of steps of one LFSR, ready to be applied to many states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    bits: u32,
    mask: u64,
    polynomial: u64,
}

impl Jump {
    /// # Panics
    /// If `bits` and `mask` make no reversible LFSR, which [`super::Galois::new`] would refuse.
    pub fn new(bits: u32, mask: u64, steps: u128) -> Jump {
        assert!(check(bits, mask).is_ok(), "no LFSR of {bits} bits has the mask {mask:#x}");
        let feedback = feedback(bits, mask);
        let mut power = 1;
        for i in (0..128 - steps.leading_zeros()).rev() {
            power = multiply(bits, feedback, power, power);
            if steps >> i & 1 == 1 {
                power = times_x(bits, feedback, power);
            }
        }
        Jump { bits, mask, polynomial: power }
    }

    /// c(x) = x^steps mod P; coefficient i is bit i.
    pub fn polynomial(&self) -> u64 {
        self.polynomial
    }

    /// Twice so many steps.
    pub fn twice(&self) -> Jump {
        let feedback = feedback(self.bits, self.mask);
        Jump { polynomial: multiply(self.bits, feedback, self.polynomial, self.polynomial), ..*self }
    }

    /// The state that follows `state` after so many steps.
    pub fn apply(&self, state: u64) -> u64 {
        let (mut now, mut sum) = (state, 0);
        for i in 0..self.bits {
            sum ^= now & (self.polynomial >> i & 1).wrapping_neg();
            now = step(self.mask, now);
        }
        sum
    }

    /// Takes every one of `states` so many steps on.
    pub fn apply_to_all(&self, states: &mut [u64]) {
        // Many at a time, so that the compiler makes vectors of them.
        for states in states.chunks_mut(32) {
            let (mut now, mut sums) = ([0; 32], [0; 32]);
            now[..states.len()].copy_from_slice(states);
            for i in 0..self.bits {
                let taken = (self.polynomial >> i & 1).wrapping_neg();
                for (sum, now) in sums.iter_mut().zip(&mut now) {
                    *sum ^= *now & taken;
                    *now = step(self.mask, *now);
                }
            }
            states.copy_from_slice(&sums[..states.len()]);
        }
    }
}

/// P without its leading term: x^(bits−1−i) for each bit i of the mask.
fn feedback(bits: u32, mask: u64) -> u64 {
    mask.reverse_bits() >> (64 - bits)
}

/// a·x mod P.
fn times_x(bits: u32, feedback: u64, a: u64) -> u64 {
    let carry = a >> (bits - 1) & 1;
    (a << 1 & ones(bits)) ^ (feedback & carry.wrapping_neg())
}

/// a·b mod P.
fn multiply(bits: u32, feedback: u64, a: u64, b: u64) -> u64 {
    (0..bits).rev().fold(0, |sum, i| times_x(bits, feedback, sum) ^ (a & (b >> i & 1).wrapping_neg()))
}

/// The same as a matrix over GF(2): row i says which bits of a state XOR into bit i of the state after the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JumpMatrix {
    rows: Vec<u64>,
}

impl JumpMatrix {
    /// # Panics
    /// If `bits` and `mask` make no reversible LFSR, which [`super::Galois::new`] would refuse.
    pub fn new(bits: u32, mask: u64, steps: u128) -> JumpMatrix {
        assert!(check(bits, mask).is_ok(), "no LFSR of {bits} bits has the mask {mask:#x}");
        let row = |i: u32| (if i + 1 < bits { 1 << (i + 1) } else { 0 }) | (mask >> i & 1);
        let one_step = JumpMatrix { rows: (0..bits).map(row).collect() };
        let mut power = JumpMatrix { rows: (0..bits).map(|i| 1 << i).collect() };
        for i in (0..128 - steps.leading_zeros()).rev() {
            power = power.after(&power);
            if steps >> i & 1 == 1 {
                power = power.after(&one_step);
            }
        }
        power
    }

    /// One mask of state bits for each bit of the new state.
    pub fn rows(&self) -> &[u64] {
        &self.rows
    }

    pub fn apply(&self, state: u64) -> u64 {
        let bit = |row: &u64| u64::from((row & state).count_ones() & 1);
        self.rows.iter().enumerate().fold(0, |next, (i, row)| next | bit(row) << i)
    }

    /// The matrix of `first`, then `self`.
    fn after(&self, first: &JumpMatrix) -> JumpMatrix {
        let combine = |row: &u64| {
            let (mut left, mut sum) = (*row, 0);
            while left != 0 {
                sum ^= first.rows[left.trailing_zeros() as usize];
                left &= left - 1;
            }
            sum
        };
        JumpMatrix { rows: self.rows.iter().map(combine).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Galois, WIDTHS, mask_of};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn polynomial_and_matrix_and_stepping_agree(
            bits in 2u32..=64, mask in any::<u64>(), state in any::<u64>(), steps in 0u32..5000,
        ) {
            let mask = mask & ones(bits) | 1 << (bits - 1);
            let state = (state & ones(bits)).max(1);
            let mut lfsr = Galois::new(bits, mask, state).unwrap();
            (0..steps).for_each(|_| { lfsr.step(); });
            prop_assert_eq!(Jump::new(bits, mask, steps.into()).apply(state), lfsr.state());
            prop_assert_eq!(JumpMatrix::new(bits, mask, steps.into()).apply(state), lfsr.state());
        }

        #[test]
        fn long_jumps_agree_and_add_up(
            bits in prop::sample::select(&WIDTHS[..]), state in any::<u64>(), a in any::<u64>(), b in any::<u64>(),
        ) {
            let mask = mask_of(bits).unwrap();
            let state = (state & ones(bits)).max(1);
            let (a, b) = (u128::from(a), u128::from(b));
            let there = Jump::new(bits, mask, a + b).apply(state);
            prop_assert_eq!(Jump::new(bits, mask, b).apply(Jump::new(bits, mask, a).apply(state)), there);
            prop_assert_eq!(JumpMatrix::new(bits, mask, a + b).apply(state), there);
            prop_assert_eq!(Jump::new(bits, mask, a).twice(), Jump::new(bits, mask, 2 * a));
            let states: Vec<u64> = (0..37).map(|i| (state ^ i).max(1)).collect();
            let mut all = states.clone();
            Jump::new(bits, mask, a).apply_to_all(&mut all);
            prop_assert!(states.iter().zip(all).all(|(&s, there)| Jump::new(bits, mask, a).apply(s) == there));
        }
    }

    #[test]
    fn a_short_jump_is_a_power_of_x() {
        assert_eq!(jump_polynomial(64, mask_of(64).unwrap(), 0), 1);
        assert_eq!(jump_polynomial(64, mask_of(64).unwrap(), 63), 1 << 63);
        // P = x^64 + x^4 + x^3 + x + 1
        assert_eq!(jump_polynomial(64, mask_of(64).unwrap(), 64), 0b11011);
    }
}
