//! The 8×8 digits, embedded in the program (`data/digits/README.md` names source and licence).

use super::{DataError, Dataset, Split};
use crate::random::SplitMix64;
use flate2::read::GzDecoder;
use std::io::Read;

const FILE: &str = "data/digits/digits.csv.gz";
const PACKED: &[u8] = include_bytes!("../../data/digits/digits.csv.gz");
const IMAGES: usize = 1797;
pub(super) const PIXELS: usize = 64;
const TRAIN: usize = 1097;
const VALIDATION: usize = 200;

/// The file stands writer by writer, so its images are put into a fixed random order first (Fisher–Yates, drawn from
/// SplitMix64 started at 0): images 0 to 1096 of that order train, the next 200 validate, the last 500 test. Writers are
/// not named in the file, so each may occur in all three parts.
pub fn load(split: Split) -> Result<Dataset, DataError> {
    let order = shuffled(IMAGES);
    let range = match split {
        Split::Train => 0..TRAIN,
        Split::Validation => TRAIN..TRAIN + VALIDATION,
        Split::Test => TRAIN + VALIDATION..IMAGES,
    };
    Ok(parse(PACKED)?.select(order[range].iter().copied()))
}

fn parse(packed: &[u8]) -> Result<Dataset, DataError> {
    let invalid = |what: String| DataError::Invalid { file: FILE.into(), what };
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).map_err(|source| DataError::Io { file: FILE.into(), source })?;
    let (mut images, mut labels) = (Vec::with_capacity(IMAGES * PIXELS), Vec::with_capacity(IMAGES));
    for (n, line) in text.lines().enumerate() {
        let values = line.split(',').map(str::parse).collect::<Result<Vec<u8>, _>>();
        match values.as_deref() {
            Ok([pixels @ .., label]) if pixels.len() == PIXELS && pixels.iter().all(|&p| p <= 16) && *label < 10 => {
                images.extend_from_slice(pixels);
                labels.push(*label);
            }
            _ => return Err(invalid(format!("line {}: expected 64 pixels of 0 to 16 and a class", n + 1))),
        }
    }
    if labels.len() != IMAGES {
        return Err(invalid(format!("{} images; expected {IMAGES}", labels.len())));
    }
    Ok(Dataset { name: "digits".into(), width: 8, height: 8, depth: 4, images, labels })
}

fn shuffled(n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut random = SplitMix64::new(0);
    for i in (1..n).rev() {
        order.swap(i, (random.word() % (i as u64 + 1)) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_hold_every_image_once() {
        let all = parse(PACKED).unwrap();
        let mut seen: Vec<(Vec<u8>, u8)> = Vec::new();
        for split in [Split::Train, Split::Validation, Split::Test] {
            let part = load(split).unwrap();
            seen.extend((0..part.len()).map(|n| (part.image(n).to_vec(), part.labels[n])));
        }
        let mut expected: Vec<_> = (0..all.len()).map(|n| (all.image(n).to_vec(), all.labels[n])).collect();
        expected.sort();
        seen.sort();
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_test_part_is_balanced() {
        let test = load(Split::Test).unwrap();
        for class in 0..10 {
            let n = test.labels.iter().filter(|&&l| l == class).count();
            assert!((38..=62).contains(&n), "class {class} has {n} of 500 test images");
        }
    }

    #[test]
    fn a_truncated_file_is_an_error() {
        assert!(parse(&PACKED[..PACKED.len() / 2]).is_err());
    }
}
