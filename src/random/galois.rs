//! The Galois LFSR, shifting right, one step or many at a time.

use super::{RandomError, mask_of, root_from_seed};
use rand_core::{Infallible, SeedableRng, TryRng};

/// A Galois LFSR of 2 to 64 bits that shifts right: `out = s & 1; s >>= 1; if out { s ^= mask }`.
///
/// As a generator of `rand`'s traits, its words are draws: the first bit out is the least significant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Galois {
    bits: u32,
    mask: u64,
    state: u64,
}

impl Galois {
    /// A register of `bits` bits with any mask that makes the step reversible: its highest bit is set.
    ///
    /// Refuses widths outside 2 to 64, other masks, and the states 0 (which never changes) and beyond `bits` bits.
    pub fn new(bits: u32, mask: u64, state: u64) -> Result<Galois, RandomError> {
        check(bits, mask)?;
        if state == 0 || state > ones(bits) {
            return Err(RandomError::State { bits, state });
        }
        Ok(Galois { bits, mask, state })
    }

    /// The register of `bits` bits with the contract's mask: 32, 48 or 64.
    pub fn of_width(bits: u32, state: u64) -> Result<Galois, RandomError> {
        Galois::new(bits, mask_of(bits)?, state)
    }

    pub fn bits(&self) -> u32 {
        self.bits
    }

    pub fn mask(&self) -> u64 {
        self.mask
    }

    pub fn state(&self) -> u64 {
        self.state
    }

    /// One step; returns the bit that comes out.
    pub fn step(&mut self) -> bool {
        let out = self.state & 1 == 1;
        self.state = step(self.mask, self.state);
        out
    }

    /// `steps` steps, for any number of them by [`super::Jump`].
    pub fn jump(&mut self, steps: u128) {
        self.state = super::Jump::new(self.bits, self.mask, steps).apply(self.state);
    }

    /// `k` steps in leaps: what a leap-forward circuit does in one clock.
    pub fn leap(&mut self, k: u32) {
        let mut left = k;
        while left > 0 {
            let now = left.min(64);
            self.draw(now);
            left -= now;
        }
    }

    /// A draw of `k` bits, 0 to 64: `k` steps, the first bit out in bit 0 of the result.
    pub fn draw(&mut self, k: u32) -> u64 {
        debug_assert!(k <= 64);
        // Bits that are XORed in at tap b come out b + 1 steps later: so many steps need only bits already there.
        let stride = self.mask.trailing_zeros() + 1;
        let (mut drawn, mut done) = (0, 0);
        while done < k {
            let now = stride.min(k - done);
            let low = self.state & ones(now);
            drawn |= low << done;
            self.state = self.state.checked_shr(now).unwrap_or(0);
            let mut taps = self.mask;
            while taps != 0 {
                self.state ^= low << (taps.trailing_zeros() + 1 - now);
                taps &= taps - 1;
            }
            done += now;
        }
        drawn
    }
}

impl TryRng for Galois {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.draw(32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.draw(64))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill_with(|| self.draw(8) as u8);
        Ok(())
    }
}

/// Seeds the register of 64 bits; the seed is mixed as `docs/semantics.md` §4 does, so that any seed is good.
impl SeedableRng for Galois {
    type Seed = [u8; 8];

    fn from_seed(seed: [u8; 8]) -> Galois {
        Galois::seed_from_u64(u64::from_le_bytes(seed))
    }

    fn seed_from_u64(seed: u64) -> Galois {
        Galois { bits: 64, mask: super::streams::MASK_64, state: root_from_seed(seed, 64) }
    }
}

/// Refuses widths and masks that make no reversible register.
pub(super) fn check(bits: u32, mask: u64) -> Result<(), RandomError> {
    if !(2..=64).contains(&bits) {
        return Err(RandomError::Width { bits });
    }
    if mask.checked_shr(bits - 1) != Some(1) {
        return Err(RandomError::Mask { bits, mask });
    }
    Ok(())
}

/// The state after one step.
pub(super) fn step(mask: u64, state: u64) -> u64 {
    (state >> 1) ^ (mask & (state & 1).wrapping_neg())
}

/// A word with its `n` lowest bits set, `n` 1 to 64.
pub(super) fn ones(n: u32) -> u64 {
    u64::MAX >> (64 - n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_core::Rng;

    fn any_register() -> impl Strategy<Value = Galois> {
        (2u32..=64, any::<u64>(), any::<u64>()).prop_map(|(bits, mask, state)| {
            let mask = mask & ones(bits) | 1 << (bits - 1);
            Galois::new(bits, mask, (state & ones(bits)).max(1)).unwrap()
        })
    }

    proptest! {
        #[test]
        fn a_draw_is_so_many_steps_least_significant_bit_first(mut lfsr in any_register(), k in 0u32..=64) {
            let mut stepped = lfsr.clone();
            let bits = (0..k).fold(0, |word, i| word | u64::from(stepped.step()) << i);
            prop_assert_eq!(lfsr.draw(k), bits);
            prop_assert_eq!(lfsr, stepped);
        }

        #[test]
        fn a_leap_is_so_many_steps(mut lfsr in any_register(), k in 0u32..300) {
            let mut stepped = lfsr.clone();
            (0..k).for_each(|_| { stepped.step(); });
            lfsr.leap(k);
            prop_assert_eq!(lfsr, stepped);
        }
    }

    #[test]
    fn bad_registers_are_refused() {
        assert_eq!(Galois::new(65, 1, 1), Err(RandomError::Width { bits: 65 }));
        assert_eq!(Galois::new(1, 1, 1), Err(RandomError::Width { bits: 1 }));
        assert_eq!(Galois::new(8, 0x100, 1), Err(RandomError::Mask { bits: 8, mask: 0x100 }));
        assert_eq!(Galois::new(8, 0x71, 1), Err(RandomError::Mask { bits: 8, mask: 0x71 }));
        assert_eq!(Galois::new(8, 0xB8, 0), Err(RandomError::State { bits: 8, state: 0 }));
        assert_eq!(Galois::new(8, 0xB8, 0x100), Err(RandomError::State { bits: 8, state: 0x100 }));
        assert_eq!(Galois::of_width(40, 1), Err(RandomError::UnknownWidth { bits: 40 }));
    }

    #[test]
    fn the_traits_of_rand_give_the_drawn_bits() {
        let mut lfsr = Galois::seed_from_u64(7);
        assert_eq!(lfsr.state(), root_from_seed(7, 64));
        assert_eq!(lfsr, Galois::from_seed(7u64.to_le_bytes()));
        let mut drawn = lfsr.clone();
        assert_eq!(u64::from(lfsr.next_u32()), drawn.draw(32));
        assert_eq!(lfsr.next_u64(), drawn.draw(64));
        let mut bytes = [0; 3];
        lfsr.fill_bytes(&mut bytes);
        assert_eq!(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]), drawn.draw(24) as u32);
    }
}
