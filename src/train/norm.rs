//! Batch norm with the statistics of the batch.
//!
//! One operation with its own gradient: candle's broadcasts and column sums would take longer than the products.

use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor, bail};

/// `gamma·(x − mean)/sqrt(var + eps) + beta` over the rows of `x`; the arguments are `x` (rows × columns), gamma, beta.
pub struct Normalise {
    pub eps: f32,
}

/// Mean and (biased) variance of each column.
pub fn statistics(x: &[f32], columns: usize) -> (Vec<f32>, Vec<f32>) {
    let rows = (x.len() / columns) as f32;
    let mut mean = vec![0f32; columns];
    for row in x.chunks_exact(columns) {
        mean.iter_mut().zip(row).for_each(|(m, x)| *m += x);
    }
    mean.iter_mut().for_each(|m| *m /= rows);
    let mut var = vec![0f32; columns];
    for row in x.chunks_exact(columns) {
        var.iter_mut().zip(row).zip(&mean).for_each(|((v, x), m)| *v += (x - m) * (x - m));
    }
    var.iter_mut().for_each(|v| *v /= rows);
    (mean, var)
}

impl Normalise {
    /// Mean and 1/sqrt(var + eps) of each column.
    fn centre_and_scale(&self, x: &[f32], columns: usize) -> (Vec<f32>, Vec<f32>) {
        let (mean, var) = statistics(x, columns);
        (mean, var.iter().map(|v| 1.0 / (v + self.eps).sqrt()).collect())
    }
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("batch norm: the input must be contiguous"),
    }
}

impl CustomOp3 for Normalise {
    fn name(&self) -> &'static str {
        "batch-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gamma: &CpuStorage,
        gamma_layout: &Layout,
        beta: &CpuStorage,
        beta_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, columns) = x_layout.shape().dims2()?;
        let x = values(x, x_layout)?;
        let (gamma, beta) = (values(gamma, gamma_layout)?, values(beta, beta_layout)?);
        let (mean, inverse) = self.centre_and_scale(x, columns);
        let mut y = x.to_vec();
        for row in y.chunks_exact_mut(columns) {
            for (c, y) in row.iter_mut().enumerate() {
                *y = gamma[c] * ((*y - mean[c]) * inverse[c]) + beta[c];
            }
        }
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    /// With h the normalised x and n rows: `dx = gamma·inverse·(g − mean(g) − h·mean(g·h))`.
    fn bwd(
        &self,
        x: &Tensor,
        gamma: &Tensor,
        _beta: &Tensor,
        _result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (rows, columns) = x.dims2()?;
        let x = x.flatten_all()?.to_vec1::<f32>()?;
        let scale = gamma.to_vec1::<f32>()?;
        let mut gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let (mean, inverse) = self.centre_and_scale(&x, columns);
        let (mut of_gamma, mut of_beta) = (vec![0f32; columns], vec![0f32; columns]);
        for (row, g) in x.chunks_exact(columns).zip(gradient.chunks_exact(columns)) {
            for c in 0..columns {
                of_gamma[c] += g[c] * ((row[c] - mean[c]) * inverse[c]);
                of_beta[c] += g[c];
            }
        }
        let n = rows as f32;
        for (row, g) in x.chunks_exact(columns).zip(gradient.chunks_exact_mut(columns)) {
            for c in 0..columns {
                let h = (row[c] - mean[c]) * inverse[c];
                g[c] = scale[c] * inverse[c] * (g[c] - of_beta[c] / n - h * of_gamma[c] / n);
            }
        }
        let of_x = Tensor::from_vec(gradient, (rows, columns), &Device::Cpu)?;
        let of_gamma = Tensor::from_vec(of_gamma, columns, &Device::Cpu)?;
        let of_beta = Tensor::from_vec(of_beta, columns, &Device::Cpu)?;
        Ok((Some(of_x), Some(of_gamma), Some(of_beta)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    const EPS: f32 = 0.1;

    /// The same from candle's own operations, with candle's own gradients.
    fn composed(x: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(0)?)?;
        let sigma = (centred.sqr()?.mean_keepdim(0)? + f64::from(EPS))?.sqrt()?;
        centred.broadcast_div(&sigma)?.broadcast_mul(gamma)?.broadcast_add(beta)
    }

    #[test]
    fn results_and_gradients_equal_those_of_composed_operations() {
        let device = &Device::Cpu;
        let x = Var::new(&[[1f32, -2.0], [0.5, 3.0], [-1.5, 0.25], [2.0, 1.0]], device).unwrap();
        let gamma = Var::new(&[1.5f32, -0.5], device).unwrap();
        let beta = Var::new(&[0.25f32, 2.0], device).unwrap();
        let upstream = Tensor::new(&[[1f32, 2.0], [-1.0, 0.5], [3.0, -2.0], [0.0, 1.0]], device).unwrap();
        let run = |y: Tensor| {
            let gradients = (&y * &upstream).unwrap().sum_all().unwrap().backward().unwrap();
            let of = |v: &Var| gradients.get(v).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            [y.flatten_all().unwrap().to_vec1().unwrap(), of(&x), of(&gamma), of(&beta)].concat()
        };
        let own = run(x.apply_op3(&gamma, &beta, Normalise { eps: EPS }).unwrap());
        let reference = run(composed(&x, &gamma, &beta).unwrap());
        for (own, reference) in own.iter().zip(&reference) {
            assert!((own - reference).abs() < 1e-5, "{own} for {reference}");
        }
        assert_eq!(own.len(), 8 + 8 + 2 + 2);
    }
}
