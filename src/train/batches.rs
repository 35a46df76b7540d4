//! Batches of training images: shuffled, shifted, encoded, with outliers beside them.

use super::TrainError;
use super::outliers::outlier;
use crate::data::{Dataset, value};
use crate::model::InputSpec;
use candle_core::{Device, Tensor};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

pub struct Batches<'a> {
    dataset: &'a Dataset,
    batch: usize,
    shift: usize,
    outliers: usize,
    order: Vec<usize>,
    /// What a byte becomes: input values divided by [`input_scale`].
    encoded: [f32; 256],
}

/// Inputs are divided by this in training, so that sums are of ordinary size whatever the bits of an input.
pub fn input_scale(spec: &InputSpec) -> f64 {
    f64::from(1u32 << (spec.bits - 1))
}

impl<'a> Batches<'a> {
    /// Batches of `batch` images, each moved by up to `shift` pixels, and of `outliers` outliers.
    pub fn new(dataset: &'a Dataset, spec: &InputSpec, batch: usize, shift: usize, outliers: usize) -> Self {
        let encoded = std::array::from_fn(|byte| {
            let v = f32::from(value(byte as u8, spec));
            if spec.bits == 1 { 2.0 * v - 1.0 } else { v / input_scale(spec) as f32 }
        });
        Batches { dataset, batch, shift, outliers, order: (0..dataset.len()).collect(), encoded }
    }

    /// Full batches in an epoch. What is left over is another part of the set each time.
    pub fn len(&self) -> usize {
        self.order.len() / self.batch
    }

    /// Images of the whole set.
    pub fn images(&self) -> usize {
        self.order.len()
    }

    pub fn shuffle(&mut self, rng: &mut StdRng) {
        self.order.shuffle(rng);
    }

    /// Inputs (rows × features) and classes of batch `n`; rows beyond the classes are outliers.
    pub fn get(&self, n: usize, rng: &mut StdRng) -> Result<(Tensor, Tensor), TrainError> {
        let (pixels, images) = (self.dataset.pixels(), &self.order[n * self.batch..(n + 1) * self.batch]);
        let rows = images.len() + self.outliers;
        let mut x = Vec::with_capacity(rows * pixels);
        for &image in images {
            self.push_shifted(self.dataset.image(image), rng, &mut x);
        }
        for _ in 0..self.outliers {
            x.extend(outlier(self.dataset, rng).into_iter().map(|byte| self.encoded[usize::from(byte)]));
        }
        let y = images.iter().map(|&i| u32::from(self.dataset.labels[i])).collect();
        let x = Tensor::from_vec(x, (rows, pixels), &Device::Cpu)?;
        Ok((x, Tensor::from_vec(y, images.len(), &Device::Cpu)?))
    }

    /// Pixels that come in from outside are 0.
    fn push_shifted(&self, image: &[u8], rng: &mut StdRng, x: &mut Vec<f32>) {
        let mut offset = || rng.random_range(0..=2 * self.shift);
        let (down, right) = (offset(), offset());
        let source = |at: usize, moved: usize, size: usize| (at + self.shift).checked_sub(moved).filter(|&s| s < size);
        let (width, height) = (self.dataset.width, self.dataset.height);
        for row in 0..height {
            let row = source(row, down, height);
            for column in 0..width {
                let byte = match (row, source(column, right, width)) {
                    (Some(r), Some(c)) => image[r * width + c],
                    _ => 0,
                };
                x.push(self.encoded[usize::from(byte)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Encoding;
    use rand::SeedableRng;

    fn corner() -> (Dataset, InputSpec) {
        let mut images = vec![0; 9];
        images[0] = 1;
        let set = Dataset { name: "corner".into(), width: 3, height: 3, depth: 4, images, labels: vec![7] };
        let encoding = Encoding::Shift { right: 0 };
        (set, InputSpec { features: 9, bits: 2, signed: false, dataset: "corner".into(), encoding, dropout: None })
    }

    #[test]
    fn a_shift_moves_the_image_and_fills_with_zero() {
        let (set, spec) = corner();
        let batches = Batches::new(&set, &spec, 1, 1, 0);
        let mut rng = StdRng::seed_from_u64(1);
        let mut places = [0; 10];
        for _ in 0..900 {
            let (x, _) = batches.get(0, &mut rng).unwrap();
            let x = x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let lit: Vec<usize> = (0..9).filter(|&i| x[i] == 0.5).collect();
            assert!(lit.len() <= 1 && x.iter().filter(|&&v| v != 0.0).count() == lit.len());
            places[lit.first().copied().unwrap_or(9)] += 1;
        }
        // Four of nine moves keep the corner in the image, in the upper left 2×2; five move it out.
        for at in [0, 1, 3, 4] {
            assert!((60..140).contains(&places[at]), "{places:?}");
        }
        assert!((420..580).contains(&places[9]), "{places:?}");
    }
    #[test]
    fn outliers_stand_behind_the_images_and_have_no_class() {
        let (set, spec) = corner();
        let mut rng = StdRng::seed_from_u64(1);
        let (x, y) = Batches::new(&set, &spec, 1, 0, 3).get(0, &mut rng).unwrap();
        assert_eq!((x.dims(), y.dims()), (&[4, 9][..], &[1][..]));
        let x = x.to_vec2::<f32>().unwrap();
        assert_eq!(x[0], [0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        // Two bits, divided by 2.
        assert!(x[1..].iter().flatten().all(|v| [0.0, 0.5, 1.0, 1.5].contains(v)) && x[1] != x[2]);
    }
}
