//! Statistics as scores: how many standard deviations a source is away from an ideal one.

/// Correlation of two sequences of equal length, each about its own mean, times the square root of the length.
pub fn correlation(a: &[bool], b: &[bool]) -> f64 {
    let n = a.len() as f64;
    let ones = |bits: &[bool]| bits.iter().filter(|&&bit| bit).count() as f64;
    let (pa, pb) = (ones(a) / n, ones(b) / n);
    let both = a.iter().zip(b).filter(|&(&a, &b)| a && b).count() as f64 / n;
    (both - pa * pb) / (pa * (1.0 - pa) * pb * (1.0 - pb)).sqrt() * n.sqrt()
}

/// A value of the chi-square distribution with `freedom` degrees of freedom, many of them.
pub fn standard(chi_square: f64, freedom: f64) -> f64 {
    (chi_square - freedom) / (2.0 * freedom).sqrt()
}

/// How evenly values fall into 0 … bins − 1.
pub fn chi_square(values: &[usize], bins: usize) -> f64 {
    let mut counts = vec![0.0; bins];
    values.iter().for_each(|&v| counts[v] += 1.0);
    let expected = values.len() as f64 / bins as f64;
    standard(counts.iter().map(|c| (c - expected) * (c - expected) / expected).sum(), bins as f64 - 1.0)
}

/// As many ones as zeros (NIST SP 800-22, §2.1).
pub fn monobit(bits: &[bool]) -> f64 {
    let ones = bits.iter().filter(|&&bit| bit).count() as f64;
    (2.0 * ones - bits.len() as f64) / (bits.len() as f64).sqrt()
}

/// As many changes as not between neighbouring bits (NIST SP 800-22, §2.3).
pub fn runs(bits: &[bool]) -> f64 {
    let changes: Vec<bool> = bits.windows(2).map(|pair| pair[0] != pair[1]).collect();
    monobit(&changes)
}
