//! Convolutions as products: what a kernel covers, gathered to rows, and pooling of what comes out.
//!
//! A map of an image stands as the contract has it, (row, column, channel), so that gathered rows are in the order of a model's weights.

use crate::net::Conv;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, bail};

/// From images × values to (images · positions) × taps; 0 where the kernel reaches beyond the map.
pub struct Patches(pub Conv);

/// The largest of each window of positions: from (images · positions of sums) × channels to (images · positions) × channels.
///
/// A maximum before the sign is an OR after it.
pub struct MaxPool(pub Conv);

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("convolution: the input must be contiguous"),
    }
}

impl Patches {
    /// For each tap row (ky, kx) of each position: where its channels stand in the map, if they are inside.
    fn sources(&self) -> Vec<Option<usize>> {
        let Conv { input, kernel, stride, pad, .. } = self.0;
        let (rows, cols) = self.0.summed();
        let mut sources = Vec::with_capacity(rows * cols * kernel.0 * kernel.1);
        for position in 0..rows * cols {
            for tap in 0..kernel.0 * kernel.1 {
                let y = (position / cols * stride.0 + tap / kernel.1).checked_sub(pad.top);
                let x = (position % cols * stride.1 + tap % kernel.1).checked_sub(pad.left);
                sources.push(match (y, x) {
                    (Some(y), Some(x)) if y < input.height && x < input.width => {
                        Some((y * input.width + x) * input.channels)
                    }
                    _ => None,
                });
            }
        }
        sources
    }
}

impl CustomOp1 for Patches {
    fn name(&self) -> &'static str {
        "patches"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (size, channels) = (self.0.input.size(), self.0.input.channels);
        let (sources, taps) = (self.sources(), self.0.taps());
        let x = values(storage, layout)?;
        let mut rows = vec![0f32; x.len() / size * sources.len() * channels];
        for (image, rows) in x.chunks_exact(size).zip(rows.chunks_exact_mut(sources.len() * channels)) {
            for (source, to) in sources.iter().zip(rows.chunks_exact_mut(channels)) {
                if let Some(at) = *source {
                    to.copy_from_slice(&image[at..at + channels]);
                }
            }
        }
        let shape = Shape::from((rows.len() / taps, taps));
        Ok((CpuStorage::F32(rows), shape))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (size, channels) = (self.0.input.size(), self.0.input.channels);
        let sources = self.sources();
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let mut of_x = vec![0f32; x.elem_count()];
        for (image, rows) in of_x.chunks_exact_mut(size).zip(gradient.chunks_exact(sources.len() * channels)) {
            for (source, from) in sources.iter().zip(rows.chunks_exact(channels)) {
                if let Some(at) = *source {
                    image[at..at + channels].iter_mut().zip(from).for_each(|(g, from)| *g += from);
                }
            }
        }
        Ok(Some(Tensor::from_vec(of_x, x.shape(), &Device::Cpu)?))
    }
}

impl MaxPool {
    /// For each position of the activations, the positions of sums in its window.
    fn windows(&self) -> Vec<Vec<usize>> {
        let ((_, width), (rows, cols)) = (self.0.summed(), self.0.positions());
        let Some(pool) = self.0.pool else { return (0..rows * cols).map(|p| vec![p]).collect() };
        let at = |p: usize, n: usize| {
            (p / cols * pool.stride.0 + n / pool.size.1) * width + p % cols * pool.stride.1 + n % pool.size.1
        };
        (0..rows * cols).map(|p| (0..pool.size.0 * pool.size.1).map(|n| at(p, n)).collect()).collect()
    }

    /// For each result the number of the value that it is; the first of equal ones.
    fn chosen(&self, x: &[f32], channels: usize) -> Vec<usize> {
        let windows = self.windows();
        let (rows, cols) = self.0.summed();
        let size = rows * cols * channels;
        let mut chosen = Vec::with_capacity(x.len() / size * windows.len() * channels);
        for image in 0..x.len() / size {
            for window in &windows {
                for channel in 0..channels {
                    let at = |p: &usize| image * size + p * channels + channel;
                    let larger = |best: usize, next: usize| if x[next] > x[best] { next } else { best };
                    chosen.extend(window.iter().map(at).reduce(larger));
                }
            }
        }
        chosen
    }
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "max-pool"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, channels) = layout.shape().dims2()?;
        let x = values(storage, layout)?;
        let pooled: Vec<f32> = self.chosen(x, channels).into_iter().map(|at| x[at]).collect();
        let shape = Shape::from((pooled.len() / channels, channels));
        Ok((CpuStorage::F32(pooled), shape))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, channels) = x.dims2()?;
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let mut of_x = vec![0f32; x.elem_count()];
        let chosen = self.chosen(&x.flatten_all()?.to_vec1::<f32>()?, channels);
        chosen.into_iter().zip(gradient).for_each(|(at, g)| of_x[at] += g);
        Ok(Some(Tensor::from_vec(of_x, x.shape(), &Device::Cpu)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Map, Pad, Pool, PoolKind};
    use candle_core::Var;

    /// Two channels of 4 × 5, a kernel of 3 × 2, one row and column that are never live above and on the left.
    fn conv() -> Conv {
        let pool = Pool { kind: PoolKind::Or, size: (2, 2), stride: (2, 2) };
        Conv {
            input: Map { height: 4, width: 5, channels: 2 },
            kernel: (3, 2),
            stride: (1, 1),
            pad: Pad { top: 1, left: 1, bottom: 0, right: 0 },
            pool: Some(pool),
        }
    }

    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|n| ((n * 37 + 11) % 101) as f32 / 50.0 - 1.0).collect()
    }

    /// Sums and gradients equal those of candle's own convolution, which has its channels first.
    #[test]
    fn products_of_patches_are_the_convolution_of_candle() {
        let conv = conv();
        let x = Var::from_vec(numbers(2 * 40), (2, 40), &Device::Cpu).unwrap();
        let w = Var::from_vec(numbers(12 * 3), (12, 3), &Device::Cpu).unwrap();
        let upstream = Tensor::from_vec(numbers(2 * 15 * 3), (30, 3), &Device::Cpu).unwrap();
        let own = x.apply_op1(Patches(conv)).unwrap().matmul(&w).unwrap();
        let reference = {
            let image = x.reshape((2, 4, 5, 2)).unwrap().permute((0, 3, 1, 2)).unwrap();
            let image = image.pad_with_zeros(2, 1, 0).unwrap().pad_with_zeros(3, 1, 0).unwrap().contiguous().unwrap();
            // candle's kernels are square: a third column of zeros on the right, and of the image.
            let image = image.pad_with_zeros(3, 0, 1).unwrap().contiguous().unwrap();
            let kernel = w.reshape((3, 2, 2, 3)).unwrap().permute((3, 2, 0, 1)).unwrap();
            let kernel = kernel.pad_with_zeros(3, 0, 1).unwrap().contiguous().unwrap();
            let y = image.conv2d(&kernel, 0, 1, 1, 1).unwrap();
            y.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap().reshape((30, 3)).unwrap()
        };
        let all = |y: &Tensor| {
            let gradients = (y * &upstream).unwrap().sum_all().unwrap().backward().unwrap();
            let of = |v: &Var| gradients.get(v).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            [y.flatten_all().unwrap().to_vec1().unwrap(), of(&x), of(&w)].concat()
        };
        let (own, reference) = (all(&own), all(&reference));
        assert_eq!(own.len(), 90 + 80 + 36);
        for (own, reference) in own.iter().zip(&reference) {
            assert!((own - reference).abs() < 1e-4, "{own} for {reference}");
        }
    }

    #[test]
    fn pooling_takes_the_largest_of_each_window_and_its_gradient_goes_there() {
        // Sums at 3 × 5 positions; windows at 1 × 2.
        let x = Var::from_vec(numbers(15 * 2), (15, 2), &Device::Cpu).unwrap();
        let y = x.apply_op1(MaxPool(conv())).unwrap();
        let gradients = y.sum_all().unwrap().backward().unwrap();
        let of_x = gradients.get(&x).unwrap().to_vec2::<f32>().unwrap();
        let (x, y) = (x.to_vec2::<f32>().unwrap(), y.to_vec2::<f32>().unwrap());
        for channel in 0..2 {
            for (window, found) in y.iter().enumerate() {
                let places = [0, 1, 5, 6].map(|p| p + 2 * window);
                let largest = places.iter().map(|&p| x[p][channel]).fold(f32::NEG_INFINITY, f32::max);
                assert_eq!(found[channel], largest);
                let passed: f32 = places.iter().map(|&p| of_x[p][channel]).sum();
                assert_eq!(passed, 1.0);
            }
        }
        assert_eq!(y.len(), 2);
    }
}
