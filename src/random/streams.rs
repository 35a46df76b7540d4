//! How streams start: masks, spacings and roots of `docs/semantics.md` §4.

use super::{Jump, RandomError, SplitMix64};

/// The widths of registers that are wide enough for a run. Masks and spacings there are for 8 and 16 bits, too.
pub const WIDTHS: [u32; 3] = [32, 48, 64];

pub(super) const MASK_64: u64 = 0xD800_0000_0000_0000;

/// The mask of an LFSR of `bits` bits: every mask gives the longest period, 2^bits − 1 (a test proves it).
pub fn mask_of(bits: u32) -> Result<u64, RandomError> {
    row(bits).map(|(mask, _)| mask)
}

/// Steps between the starts of neighbouring streams.
pub fn spacing_of(bits: u32) -> Result<u64, RandomError> {
    row(bits).map(|(_, spacing)| spacing)
}

fn row(bits: u32) -> Result<(u64, u64), RandomError> {
    match bits {
        64 => Ok((MASK_64, 0x9E3_779B_97F7)),
        48 => Ok((0xC000_0018_0000, 0x9E3_779D)),
        32 => Ok((0xA300_0000, 0x9_E37B)),
        16 => Ok((0xB400, 0x9E3)),
        8 => Ok((0xB8, 0x9E)),
        _ => Err(RandomError::UnknownWidth { bits }),
    }
}

/// The root state of `bits` bits (2 to 64) that a seed gives: one step of SplitMix64, and 1 in place of 0.
pub fn root_from_seed(seed: u64, bits: u32) -> u64 {
    (SplitMix64::new(seed).word() & (u64::MAX >> (64 - bits))).max(1)
}

/// The state in which the stream of `layer` in `pass` starts: the root, (pass·layers + layer)·spacing steps on.
///
/// `layers` counts the layers that have dropout, and `layer` is one of 0 … layers − 1.
pub fn stream_start(root: u64, bits: u32, layers: u32, layer: u32, pass: u32) -> Result<u64, RandomError> {
    let (mask, spacing) = row(bits)?;
    if layer >= layers {
        return Err(RandomError::Layer { layer, layers });
    }
    let stream = u128::from(pass) * u128::from(layers) + u128::from(layer);
    Ok(Jump::new(bits, mask, stream * u128::from(spacing)).apply(root))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Galois;

    #[test]
    fn roots_are_splitmix64() {
        // First output of SplitMix64 seeded with 0 and 1234567 (Vigna's reference implementation).
        assert_eq!(root_from_seed(0, 64), 0xE220_A839_7B1D_CDAF);
        assert_eq!(root_from_seed(1_234_567, 64), 6_457_827_717_110_365_317);
        assert_eq!(root_from_seed(0, 48), 0xA839_7B1D_CDAF);
        assert_eq!(root_from_seed(0, 32), 0x7B1D_CDAF);
    }

    #[test]
    fn a_seed_whose_root_would_be_zero_gives_one() {
        // SplitMix64 is a bijection that takes the seed -0x9E37... to 0.
        assert_eq!(root_from_seed(0u64.wrapping_sub(0x9E37_79B9_7F4A_7C15), 64), 1);
    }

    #[test]
    fn streams_are_spaced_by_pass_then_layer() {
        let root = root_from_seed(3, 32);
        let mut lfsr = Galois::of_width(32, root).unwrap();
        for stream in 0..4 {
            assert_eq!(stream_start(root, 32, 2, stream % 2, stream / 2), Ok(lfsr.state()));
            (0..spacing_of(32).unwrap()).for_each(|_| {
                lfsr.step();
            });
        }
        assert_eq!(stream_start(root, 32, 2, 2, 0), Err(RandomError::Layer { layer: 2, layers: 2 }));
        assert_eq!(stream_start(root, 33, 2, 0, 0), Err(RandomError::UnknownWidth { bits: 33 }));
    }
}
