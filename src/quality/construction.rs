//! What can be said of a source without looking at its bits: its period, and tests that it fails by construction.

use crate::net::{Family, Random};
use crate::random::{RandomError, matrices, power_of_x};

/// The prime factors of 2^bits − 1.
fn primes(bits: u32) -> &'static [u64] {
    match bits {
        8 => &[3, 5, 17],
        16 => &[3, 5, 17, 257],
        32 => &[3, 5, 17, 257, 65_537],
        48 => &[3, 5, 7, 13, 17, 97, 241, 257, 673],
        _ => &[3, 5, 17, 257, 641, 65_537, 6_700_417],
    }
}

/// How many steps the source takes until its state comes again.
pub fn period(random: &Random) -> Result<String, RandomError> {
    let bits = random.lfsr_bits;
    match random.source.family {
        Family::Replay { words } => return Ok(format!("{words} words")),
        Family::Pair => return Ok("(2^33 - 1)(2^31 - 1) steps".into()),
        _ => {}
    }
    let (step, _) = matrices(random.source.family, bits, 1)?;
    let period = u64::MAX >> (64 - bits);
    let power = |polynomial, n: u64| power_of_x(bits, polynomial, n.into());
    let longest = step.polynomial().is_some_and(|polynomial| {
        power(polynomial, period) == 1 && primes(bits).iter().all(|q| power(polynomial, period / q) != 1)
    });
    Ok(match longest {
        true => format!("2^{bits} - 1 steps"),
        false => format!("less than 2^{bits} - 1 steps: the polynomial is not primitive"),
    })
}

/// Why test number `number` of SP 800-22 fails by construction where a network takes runs of `run` bits from one stream.
pub fn fails(number: u32, random: &Random, run: usize) -> Option<String> {
    if matches!(random.source.family, Family::Replay { .. }) {
        return None;
    }
    let bits = random.lfsr_bits;
    match number {
        // At least half of the blocks lie within a run.
        10 if run >= 1000 => Some(format!("linear: runs of {run} bits, of complexity {bits} at most")),
        5 if bits <= 32 && run >= 2048 => {
            Some(format!("linear: each row of a matrix has all {bits} bits of the state"))
        }
        _ => None,
    }
}
