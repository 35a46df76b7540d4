//! Primes and linear recurrences.

/// By trial division.
pub fn is_prime(n: u64) -> bool {
    n > 1 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}

/// The shortest linear recurrence over GF(2) of a sequence: its polynomial (bit i set: the i-th bit back takes part) and
/// its length (Massey, IEEE Trans. Inf. Theory 15(1), 1969). The length must stay below 128.
pub fn berlekamp_massey(sequence: &[bool]) -> (u128, u32) {
    let (mut now, mut before) = (1u128, 1u128);
    let (mut length, mut since) = (0, 1);
    // The newest bit of the sequence in bit 0.
    let mut recent = 0u128;
    for (n, &bit) in sequence.iter().enumerate() {
        recent = recent << 1 | u128::from(bit);
        if (recent & now).count_ones().is_multiple_of(2) {
            since += 1;
            continue;
        }
        let last = now;
        now ^= before << since;
        if 2 * length <= n as u32 {
            length = n as u32 + 1 - length;
            before = last;
            since = 1;
        } else {
            since += 1;
        }
    }
    (now, length)
}
