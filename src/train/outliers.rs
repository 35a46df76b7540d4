//! Synthetic images that show nothing: what a network learns to be unsure of (outlier exposure, Hendrycks et al., ICLR 2019,
//! without a second data set).

use crate::data::Dataset;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// Tiles along each side of a jigsaw; the smallest images have 8 pixels.
const TILES: [usize; 2] = [2, 4];

/// An outlier of the size of the images of `dataset`, one of four kinds at random.
pub fn outlier(dataset: &Dataset, rng: &mut StdRng) -> Vec<u8> {
    let (width, height) = (dataset.width, dataset.height);
    // Digits have a few pixels of 16; noise needs no more than 15.
    let white = ((1u32 << dataset.depth) - 1) as f64;
    match rng.random_range(0..4) {
        0 => blocks(width, height, 1, white, rng),
        1 => {
            let side = rng.random_range(2..=(width.min(height) / 4).max(2));
            blocks(width, height, side, white, rng)
        }
        2 => blobs(width, height, white, rng),
        _ => {
            let image = dataset.image(rng.random_range(0..dataset.len()));
            let tiles = TILES[rng.random_range(0..TILES.len())];
            jigsaw(image, width, height, tiles, rng)
        }
    }
}

/// Squares of `side` pixels, lit with a probability that is drawn for the image; in half of the images as grey as it
/// comes, in the others white.
fn blocks(width: usize, height: usize, side: usize, white: f64, rng: &mut StdRng) -> Vec<u8> {
    let (density, grey): (f64, bool) = (rng.random(), rng.random());
    let columns = width.div_ceil(side);
    let squares: Vec<u8> = (0..columns * height.div_ceil(side))
        .map(|_| {
            let lit = rng.random::<f64>() < density;
            let level = if grey { rng.random::<f64>() } else { 1.0 };
            if lit { (white * level).round() as u8 } else { 0 }
        })
        .collect();
    (0..width * height).map(|p| squares[p / width / side * columns + p % width / side]).collect()
}

/// Uniform values on a coarse grid with straight lines between them, at an offset and a contrast drawn for the image.
fn blobs(width: usize, height: usize, white: f64, rng: &mut StdRng) -> Vec<u8> {
    let cells = rng.random_range(2..=6usize);
    let grid: Vec<f64> = (0..(cells + 1).pow(2)).map(|_| rng.random()).collect();
    let (level, contrast) = (rng.random_range(0.25..0.75), rng.random_range(1.0..10.0));
    let at = |pixel: usize, size: usize| {
        let place = (pixel as f64 + 0.5) / size as f64 * cells as f64;
        (place as usize, place.fract())
    };
    let value = |p: usize| {
        let ((row, down), (column, right)) = (at(p / width, height), at(p % width, width));
        let corner = |r: usize, c: usize| grid[(row + r) * (cells + 1) + column + c];
        let upper = corner(0, 0) * (1.0 - right) + corner(0, 1) * right;
        let lower = corner(1, 0) * (1.0 - right) + corner(1, 1) * right;
        let smooth = upper * (1.0 - down) + lower * down;
        (white * (0.5 + contrast * (smooth - level)).clamp(0.0, 1.0)).round() as u8
    };
    (0..width * height).map(value).collect()
}

/// The image cut into `tiles` × `tiles` pieces, which change places; what is left over at the right and below stays.
fn jigsaw(image: &[u8], width: usize, height: usize, tiles: usize, rng: &mut StdRng) -> Vec<u8> {
    let mut order: Vec<usize> = (0..tiles * tiles).collect();
    while order.is_sorted() {
        order.shuffle(rng);
    }
    let (wide, high) = (width / tiles, height / tiles);
    let mut out = image.to_vec();
    for (to, from) in order.into_iter().enumerate() {
        let start = |tile: usize| tile / tiles * high * width + tile % tiles * wide;
        for row in 0..high {
            let (to, from) = (start(to) + row * width, start(from) + row * width);
            out[to..to + wide].copy_from_slice(&image[from..from + wide]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    #[test]
    fn blocks_are_of_one_value_and_of_every_density() {
        let mut rng = rng();
        let mut shares = Vec::new();
        for _ in 0..200 {
            let image = blocks(8, 6, 3, 15.0, &mut rng);
            for p in 0..48 {
                let (row, column) = (p / 8 / 3 * 3, p % 8 / 3 * 3);
                assert_eq!(image[p], image[row * 8 + column]);
            }
            assert!(image.iter().all(|&v| v <= 15));
            shares.push(image.iter().filter(|&&v| v > 0).count());
        }
        assert!(shares.iter().any(|&n| n < 8) && shares.iter().any(|&n| n > 40));
    }

    #[test]
    fn blobs_are_connected_and_use_the_whole_range() {
        let mut rng = rng();
        let (mut black, mut white) = (false, false);
        for _ in 0..100 {
            let image = blobs(28, 28, 255.0, &mut rng);
            assert_eq!(image.len(), 784);
            black |= image.contains(&0);
            white |= image.contains(&255);
            let flips = image.windows(2).filter(|w| (w[0] < 128) != (w[1] < 128)).count();
            // Independent pixels would flip 390 times.
            assert!(flips < 200, "{flips}");
        }
        assert!(black && white);
    }

    #[test]
    fn a_jigsaw_has_the_pieces_of_the_image_in_other_places() {
        let mut rng = rng();
        let image: Vec<u8> = (0..81).collect();
        for _ in 0..20 {
            let out = jigsaw(&image, 9, 9, 4, &mut rng);
            assert_ne!(out, image);
            // The ninth row and column are left over.
            assert!((0..9).all(|n| out[8 * 9 + n] == image[8 * 9 + n] && out[n * 9 + 8] == image[n * 9 + 8]));
            let mut sorted = out.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, image);
            // Pairs within a tile stay together.
            assert!((0..8).step_by(2).all(|c| out[c + 1] == out[c] + 1 && out[c + 9] == out[c] + 9));
        }
    }

    #[test]
    fn all_kinds_occur_and_fit_the_data() {
        let images: Vec<u8> = (0..64).map(|p| p % 17).collect();
        let set = Dataset { name: "one".into(), width: 8, height: 8, depth: 4, images, labels: vec![0] };
        let mut rng = rng();
        for _ in 0..100 {
            let image = outlier(&set, &mut rng);
            assert!(image.len() == 64 && image.iter().all(|&v| v <= 16));
        }
    }
}
