//! What the linear families promise: the longest period, and streams that no short relation ties.

use crate::algebra::{berlekamp_massey, is_prime};
use neuspin::random::{Family, Generator, matrices, power_of_x};

/// Families and widths whose period is 2^bits − 1.
const LONGEST: [(Family, u32); 12] = [
    (Family::Galois, 8),
    (Family::Galois, 16),
    (Family::Galois, 32),
    (Family::Galois, 48),
    (Family::Galois, 64),
    (Family::Fibonacci, 32),
    (Family::Fibonacci, 48),
    (Family::Fibonacci, 64),
    (Family::Automaton, 32),
    (Family::Automaton, 64),
    (Family::Xorshift, 32),
    (Family::Xorshift, 64),
];
const LUT: [(Family, u32); 2] = [(Family::Lut, 32), (Family::Lut, 64)];

/// The prime factors of 2^bits − 1.
fn primes(bits: u32) -> &'static [u64] {
    match bits {
        8 => &[3, 5, 17],
        16 => &[3, 5, 17, 257],
        31 => &[2_147_483_647],
        32 => &[3, 5, 17, 257, 65_537],
        33 => &[7, 23, 89, 599_479],
        48 => &[3, 5, 7, 13, 17, 97, 241, 257, 673],
        _ => &[3, 5, 17, 257, 641, 65_537, 6_700_417],
    }
}

/// Whether x^bits + `lower` is primitive: the order of x is 2^bits − 1.
fn is_primitive(bits: u32, lower: u64) -> bool {
    let period = u64::MAX >> (64 - bits);
    let mut rest = period;
    for q in primes(bits) {
        assert!(is_prime(*q));
        while rest.is_multiple_of(*q) {
            rest /= q;
        }
    }
    assert_eq!(rest, 1, "the factors of 2^{bits} - 1 are not all there");
    let power = |n: u64| power_of_x(bits, lower, n.into());
    lower & 1 == 1 && power(period) == 1 && primes(bits).iter().all(|q| power(period / q) != 1)
}

fn polynomial(family: Family, bits: u32) -> u64 {
    matrices(family, bits, 1).unwrap().0.polynomial().unwrap()
}

#[test]
fn every_register_has_the_longest_period() {
    for (family, bits) in LONGEST.into_iter().chain(LUT) {
        assert!(is_primitive(bits, polynomial(family, bits)), "{family:?}, {bits} bits");
    }
}

#[test]
fn a_pair_has_registers_of_the_longest_periods_and_coprime_ones() {
    let (first, second) = (1 << 13 | 1, 1 << 3 | 1);
    assert!(is_primitive(33, first) && is_primitive(31, second));
    let (first, second) = (u128::from(1u64 << 33 | first), u128::from(1u64 << 31 | second));
    let product = (0..34).filter(|i| first >> i & 1 == 1).fold(0, |sum, i| sum ^ second << i);
    assert_eq!(u128::from(polynomial(Family::Pair, 64)) | 1 << 64, product);
    assert!(primes(33).iter().all(|q| !primes(31).contains(q)));
}

#[test]
fn taps_that_are_not_primitive_are_known() {
    // A rotation, and x^64 + x + 1: no trinomial whose degree is a multiple of 8 is irreducible (Swan 1962).
    for mask in [1 << 63, 0xC000_0000_0000_0000] {
        assert!(!is_primitive(64, polynomial(Family::Taps { mask }, 64)), "{mask:#x}");
    }
    assert!(is_primitive(16, polynomial(Family::Taps { mask: 0xB400 }, 16)));
}

/// The number of terms of the shortest linear relation between streams.
fn terms(family: Family, bits: u32) -> u32 {
    let generator = Generator::new(family.into(), bits, 16, &[]).unwrap();
    let starts = generator.starts(generator.legal(1), 4 * bits as usize);
    let sequence: Vec<bool> = starts.iter().map(|state| state & 1 == 1).collect();
    let (polynomial, length) = berlekamp_massey(&sequence);
    assert!(length <= bits);
    polynomial.count_ones()
}

#[test]
fn no_short_relation_ties_streams() {
    for (family, bits) in LONGEST.into_iter().chain(LUT).filter(|(_, bits)| *bits >= 32) {
        let terms = terms(family, bits);
        println!("{family:?} {bits}: {terms}");
        assert!(terms >= 15, "{family:?}, {bits} bits: a relation of {terms} streams");
    }
    let terms = terms(Family::Pair, 64);
    println!("pair: {terms}");
    assert!(terms >= 15, "pair: a relation of {terms} streams");
}

#[test]
fn spacings_are_prime_to_the_periods() {
    for (family, bits) in LONGEST.into_iter().chain(LUT) {
        let spacing = Generator::new(family.into(), bits, 1, &[]).unwrap().spacing();
        assert!(primes(bits).iter().all(|q| !spacing.is_multiple_of(*q)), "{family:?}, {bits} bits");
    }
    let spacing = Generator::new(Family::Pair.into(), 64, 1, &[]).unwrap().spacing();
    assert!(primes(33).iter().chain(primes(31)).all(|q| !spacing.is_multiple_of(*q)));
}
