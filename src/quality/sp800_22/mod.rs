//! The fifteen tests of NIST SP 800-22 revision 1a, with the parameters that it recommends, over a sequence of bits.

mod complexity;
mod counts;
mod excursions;
mod patterns;
mod spectral;

use statrs::function::gamma::checked_gamma_ur;

/// What a test says of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Its section in SP 800-22, 1 to 15 (of §2).
    pub number: u32,
    pub name: &'static str,
    /// One, or one a template or state; none where the sequence is too short, or its walk returns too seldom.
    pub p_values: Vec<f64>,
    /// Why there is none.
    pub lacks: Option<String>,
}

impl Outcome {
    /// The probability that a random sequence gives a worse result: the smallest p-value times their number.
    pub fn p(&self) -> Option<f64> {
        let least = self.p_values.iter().copied().reduce(f64::min)?;
        Some((least * self.p_values.len() as f64).min(1.0))
    }

    /// At the level of 1 %.
    pub fn passes(&self) -> Option<bool> {
        self.p().map(|p| p >= 0.01)
    }
}

/// Bits that all tests are meant for.
pub const BITS: usize = 1_000_000;

/// Runs all tests. Those that need more bits than there are say so.
pub fn all(bits: &[bool]) -> Vec<Outcome> {
    let n = bits.len();
    let test = |number, name, least: usize, run: &dyn Fn(&[bool]) -> Vec<f64>| {
        let lacks = (n < least).then(|| format!("needs {least} bits"));
        Outcome { number, name, p_values: if lacks.is_none() { run(bits) } else { vec![] }, lacks }
    };
    let walks = excursions::Walk::of(bits);
    let walk = |number, name, p_values: Option<Vec<f64>>| Outcome {
        number,
        name,
        lacks: p_values.is_none().then(|| format!("its walk returns {} times, fewer than 500", walks.cycles)),
        p_values: p_values.unwrap_or_default(),
    };
    vec![
        test(1, "frequency", 100, &|b| vec![counts::frequency(b)]),
        test(2, "frequency in blocks of 128", 12_800, &|b| vec![counts::block_frequency(b, 128)]),
        test(3, "runs", 100, &|b| vec![counts::runs(b)]),
        test(4, "longest run of ones", 128, &|b| vec![counts::longest_run(b)]),
        test(5, "rank of 32 x 32 matrices", 38_912, &|b| vec![complexity::matrix_rank(b)]),
        test(6, "spectral", 1000, &|b| vec![spectral::spectral(b)]),
        test(7, "non-overlapping templates of 9 bits", 100_000, &|b| patterns::non_overlapping(b, 9)),
        test(8, "overlapping template of 9 ones", 1_000_000, &|b| vec![patterns::overlapping(b)]),
        test(9, "Maurer's universal", 387_840, &|b| vec![patterns::universal(b)]),
        test(10, "linear complexity of 500 bits", 100_000, &|b| vec![complexity::linear_complexity(b, 500)]),
        test(11, "serial, 16 bits", 1 << 18, &|b| patterns::serial(b, 16).to_vec()),
        test(12, "approximate entropy, 10 bits", 1 << 15, &|b| vec![patterns::approximate_entropy(b, 10)]),
        test(13, "cumulative sums", 100, &|b| counts::cumulative_sums(b).to_vec()),
        walk(14, "random excursions", walks.excursions()),
        walk(15, "random excursions, variant", walks.variant()),
    ]
}

/// Σ (found − expected)² / expected.
fn chi_square(found: &[u64], expected: impl Iterator<Item = f64>) -> f64 {
    found.iter().zip(expected).map(|(&f, e)| (f as f64 - e).powi(2) / e).sum()
}

/// The upper incomplete gamma function, regularized: igamc of SP 800-22.
fn igamc(a: f64, x: f64) -> f64 {
    if x <= 0.0 { 1.0 } else { checked_gamma_ur(a, x).unwrap_or(f64::NAN) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;

    /// Bits from a text of 0 and 1.
    pub fn bits(text: &str) -> Vec<bool> {
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c == '1').collect()
    }

    pub fn assert_near(found: f64, expected: f64, what: &str) {
        assert!((found - expected).abs() < 2e-6, "{what}: {found}, but SP 800-22 says {expected}");
    }

    /// The first 100 binary digits of π, an example of SP 800-22.
    pub fn pi_100() -> Vec<bool> {
        bits("1100100100001111110110101010001000100001011010001100001000110100110001001100011001100010100010111000")
    }

    /// p and q of 1/(a+1) + 1/((a+1)(a+2)) + … up to b, as p/q.
    fn series(a: u32, b: u32) -> (BigUint, BigUint) {
        if b - a == 1 {
            return (1u32.into(), b.into());
        }
        let middle = a.midpoint(b);
        let ((p, q), (r, s)) = (series(a, middle), series(middle, b));
        (p * &s + r, q * s)
    }

    /// The first million binary digits of e, which SP 800-22 tests in its appendix B.
    fn e() -> Vec<bool> {
        // 90,000! is greater than 2^1,300,000.
        let (p, q) = series(0, 90_000);
        let digits = BITS as u64 - 2;
        let one = BigUint::from(1u32) << digits;
        let value = &one + (p << digits) / q;
        (0..BITS as u64).rev().map(|i| value.bit(i)).collect()
    }

    /// Probabilities of §2.8 before their correction.
    const APPROXIMATE: [f64; 6] = [0.36787944, 0.18393972, 0.13795479, 0.09963402, 0.06993512, 0.14065691];

    #[test]
    fn a_million_digits_of_e_give_the_published_values() {
        let e = e();
        assert_eq!(e[..20], bits("10101101111110000101"), "e = 10.1011 0111 1110 0001 01...");
        let p: Vec<Vec<f64>> = all(&e).into_iter().map(|outcome| outcome.p_values).collect();
        // Appendix B; of the templates 000000001, of the excursions +1, of their variant -1.
        for (found, published, what) in [
            (p[0][0], 0.953749, "frequency"),
            (p[1][0], 0.211072, "block frequency"),
            (p[2][0], 0.561917, "runs"),
            (p[3][0], 0.718945, "longest run"),
            (p[4][0], 0.306156, "rank"),
            (p[5][0], 0.847187, "spectral"),
            (p[6][0], 0.078790, "non-overlapping template"),
            // Printed with the probabilities that §3.8 corrects.
            (patterns::overlapping_with(&e, APPROXIMATE), 0.110434, "overlapping template"),
            (p[8][0], 0.282568, "universal"),
            // NIST's program has 0.01047 for the first probability, a digit short.
            (complexity::linear_complexity_with(&e, 500, 0.01047), 0.826335, "linear complexity"),
            (p[10][0], 0.766182, "serial"),
            (p[11][0], 0.700073, "approximate entropy"),
            (p[12][0], 0.669886, "cumulative sums, forward"),
            (p[12][1], 0.724265, "cumulative sums, backward"),
            (p[13][4], 0.786868, "random excursions"),
            (p[14][8], 0.826009, "random excursions, variant"),
        ] {
            println!("{what}: {found:.6}, published {published}");
            // The template's probabilities are rounded where they are printed.
            let error = if what == "overlapping template" { 5e-6 } else { 2e-6 };
            assert!((found - published).abs() < error, "{what}: {found}, published {published}");
        }
    }

    #[test]
    fn short_and_constant_sequences_are_told() {
        let short = all(&[true; 50]);
        assert!(short.iter().all(|outcome| outcome.p().is_none() && outcome.lacks.is_some()));
        let constant = all(&vec![true; 100_000]);
        assert!(constant[..13].iter().filter_map(Outcome::passes).all(|passes| !passes));
    }
}
