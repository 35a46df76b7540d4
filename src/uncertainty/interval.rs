//! Intervals of 95 % confidence.

use crate::random::SplitMix64;
use rayon::prelude::*;

/// Confidence of every interval.
pub const CONFIDENCE: f64 = 0.95;
/// The normal distribution has this share within ±Z.
const Z: f64 = 1.959_963_984_540_054;
/// Resamples of a bootstrap.
pub const RESAMPLES: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// Cut to what is possible.
    #[must_use]
    pub fn within(self, least: f64, most: f64) -> Interval {
        Interval { low: self.low.clamp(least, most), high: self.high.clamp(least, most) }
    }
}

/// The interval of a share, `hits` of `trials` (at least one), by Wilson (JASA 1927).
pub fn wilson(hits: usize, trials: usize) -> Interval {
    let n = trials as f64;
    let p = hits as f64 / n;
    let square = Z * Z / n;
    let centre = (p + square / 2.0) / (1.0 + square);
    let half = (square * p * (1.0 - p) + square * square / 4.0).sqrt() / (1.0 + square);
    // At the ends the terms cancel but for rounding.
    let low = if hits == 0 { 0.0 } else { centre - half };
    let high = if hits == trials { 1.0 } else { centre + half };
    Interval { low, high }
}

/// Intervals of statistics of images, by resampling the images (Efron 1979).
///
/// `groups` are the numbers of images that are resampled each by itself, none of them 0. `statistics` is told how often
/// each image of each group counts. The interval is that of the percentiles, moved by the mean distance of the resamples
/// from the statistic itself: a calibration error grows with every resampling, and its percentiles alone would often not
/// hold it. The same seed gives the same intervals on any number of threads.
pub fn bootstrap<const GROUPS: usize, const N: usize>(
    groups: [usize; GROUPS],
    seed: u64,
    statistics: impl Fn([&[u32]; GROUPS]) -> [f64; N] + Sync,
) -> [Interval; N] {
    let once = groups.map(|images| vec![1u32; images]);
    let found = statistics(once.each_ref().map(Vec::as_slice));
    let resample = |n: usize| {
        let mut random = SplitMix64::nth(seed, n as u64);
        let times = groups.map(|images| {
            let mut times = vec![0u32; images];
            (0..images).for_each(|_| times[random.below(images as u64) as usize] += 1);
            times
        });
        statistics(times.each_ref().map(Vec::as_slice))
    };
    let resamples: Vec<[f64; N]> = (0..RESAMPLES).into_par_iter().map(resample).collect();
    std::array::from_fn(|s| interval(found[s], resamples.iter().map(|r| r[s]).collect()))
}

fn interval(found: f64, mut resampled: Vec<f64>) -> Interval {
    resampled.sort_unstable_by(f64::total_cmp);
    let tail = ((1.0 - CONFIDENCE) / 2.0 * resampled.len() as f64).round() as usize;
    let (low, high) = (resampled[tail], resampled[resampled.len() - 1 - tail]);
    let bias = resampled.iter().sum::<f64>() / resampled.len() as f64 - found;
    // A statistic can be infinite.
    let bias = if bias.is_finite() { bias } else { 0.0 };
    Interval { low: low - bias, high: high - bias }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Interval, low: f64, high: f64, error: f64) {
        assert!((found.low - low).abs() < error && (found.high - high).abs() < error, "{found:?}, not {low} to {high}");
    }

    #[test]
    fn wilson_gives_the_published_intervals() {
        // Newcombe, Statistics in Medicine 1998, table I, method 3.
        close(wilson(81, 263), 0.2553, 0.3662, 5e-5);
        close(wilson(15, 148), 0.0624, 0.1605, 5e-5);
        close(wilson(0, 20), 0.0, 0.1611, 5e-5);
        close(wilson(1, 29), 0.0061, 0.1718, 5e-5);
        assert_eq!(wilson(0, 20).low, 0.0);
        assert_eq!(wilson(7, 7).high, 1.0);
    }

    /// Mean of `values`, each counted so often.
    fn mean(values: &[f64], times: &[u32]) -> f64 {
        values.iter().zip(times).map(|(v, &t)| v * f64::from(t)).sum::<f64>() / values.len() as f64
    }

    #[test]
    fn the_interval_of_a_mean_is_that_of_the_normal_distribution() {
        // 0, 1, …, 999 have mean 499.5 and standard deviation 288.675; two groups double the variance of their difference.
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let half = Z * 288.675 / 1000f64.sqrt();
        let [one, difference] = bootstrap([1000, 1000], 1, |[a, b]| {
            let a = mean(&values, a);
            [a, a - mean(&values, b)]
        });
        // 1000 resamples leave an error of about 4 % of `half` at either end.
        close(one, 499.5 - half, 499.5 + half, 0.15 * half);
        close(difference, -half * 2f64.sqrt(), half * 2f64.sqrt(), 0.15 * half * 2f64.sqrt());
    }

    #[test]
    fn what_grows_with_resampling_stays_in_its_interval() {
        // |mean| of values with mean 0: every resample is larger.
        let values: Vec<f64> = (0..400).map(|n| if n % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let [found] = bootstrap([400], 1, |[times]| [mean(&values, times).abs()]);
        let found = found.within(0.0, f64::INFINITY);
        assert!(found.low <= 0.0 && found.high > 0.03 && found.high < 0.1, "{found:?}");
    }

    #[test]
    fn the_seed_alone_decides() {
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        let with = |seed, threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bootstrap([50], seed, |[times]| [mean(&values, times)]))
        };
        assert_eq!(with(1, 1), with(1, 3));
        assert_ne!(with(1, 1), with(2, 1));
    }

    #[test]
    fn an_infinite_statistic_has_an_infinite_interval() {
        let [found] = bootstrap([10], 1, |_| [f64::INFINITY]);
        assert_eq!(found, Interval { low: f64::INFINITY, high: f64::INFINITY });
    }
}
