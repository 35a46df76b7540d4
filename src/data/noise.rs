//! Noise of the size of real images: pixels that have nothing to do with one another.

use super::Dataset;
use crate::random::SplitMix64;

/// One image of noise for each image of `dataset`, every pixel uniform over 0 to 2^depth − 1.
///
/// To a model with 1-bit inputs this is a fair coin for each pixel.
pub fn uniform(dataset: &Dataset, seed: u64) -> Vec<u8> {
    let mut random = SplitMix64::new(seed);
    dataset.images.iter().map(|_| random.below(1 << dataset.depth) as u8).collect()
}

/// One image of noise for each image of `dataset`, every pixel normal with the mean and the standard deviation of all pixels
/// of `dataset`, rounded and cut to 0 to 2^depth − 1.
///
/// So it is about as bright as the images are, and about as many pixels of it are lit.
pub fn gaussian(dataset: &Dataset, seed: u64) -> Vec<u8> {
    let mut random = SplitMix64::new(seed);
    let (mean, deviation) = moments(&dataset.images);
    let white = ((1u32 << dataset.depth) - 1) as f64;
    let pixel = |_| (mean + deviation * random.normal()).round().clamp(0.0, white) as u8;
    dataset.images.iter().map(pixel).collect()
}

/// Mean and standard deviation.
fn moments(bytes: &[u8]) -> (f64, f64) {
    let n = bytes.len() as f64;
    let mean = bytes.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = bytes.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(depth: u32, images: Vec<u8>) -> Dataset {
        Dataset { name: "set".into(), width: 100, height: 100, depth, labels: vec![0; images.len() / 10_000], images }
    }

    #[test]
    fn uniform_noise_has_every_value_alike() {
        for depth in [4, 8] {
            let values = 1usize << depth;
            let noise = uniform(&set(depth, vec![0; 160_000]), 1);
            let mut counts = vec![0usize; values];
            noise.iter().for_each(|&v| counts[usize::from(v)] += 1);
            let expected = 160_000 / values;
            let error = 5.0 * (expected as f64).sqrt();
            assert!(counts.iter().all(|&n| (n as f64 - expected as f64).abs() < error), "{counts:?}");
        }
    }

    #[test]
    fn gaussian_noise_has_the_moments_of_the_images() {
        // 100 and 140 in turn: mean 120, standard deviation 20; nothing is cut. Rounding adds 1/12 to the variance.
        let images = (0..160_000).map(|n| if n % 2 == 0 { 100 } else { 140 }).collect();
        let (mean, deviation) = moments(&gaussian(&set(8, images), 1));
        assert!((mean - 120.0).abs() < 0.25 && (deviation - 20.0).abs() < 0.2, "{mean} and {deviation}");
        // Pixels of 0 and 15 in turn are far wider than what there is room for.
        let noise = gaussian(&set(4, (0..160_000).map(|n| 15 * (n % 2) as u8).collect()), 1);
        assert!(noise.iter().all(|&v| v <= 15));
        // Mean and standard deviation are 7.5: below 0.5 lies Φ(−7/7.5) = 0.1753.
        let black = noise.iter().filter(|&&v| v == 0).count() as f64 / 160_000.0;
        assert!((black - 0.1753).abs() < 0.005, "{black}");
    }

    #[test]
    fn the_seed_decides() {
        let set = set(8, (0..10_000).map(|n| n as u8).collect());
        for noise in [uniform, gaussian] {
            assert_eq!(noise(&set, 1), noise(&set, 1));
            assert_ne!(noise(&set, 1), noise(&set, 2));
        }
    }
}
