//! Sign with a straight-through gradient, of latent weights and of activations.

use crate::net::Place;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, bail};

/// The weight nearest to a latent one among 2^planes levels from −1 to 1, in units of the largest; with one plane `sign(w)`, and
/// `sign(0) = +1`. Its gradient is that of the identity (Courbariaux et al. 2016). The optimiser keeps latent weights within ±1.
pub struct WeightLevel {
    /// Bit planes of a weight.
    pub planes: u32,
}

/// `sign(x)`, and SpinDrop without scaling what is kept: a dropped activation is 0 after the sign; before it, x is 0 and so
/// the activation +1.
///
/// Gradients pass where |x| ≤ 1 and the activation is live.
pub struct ActivationSign {
    /// 1 for live and 0 for dropped, one a value; none where nothing is dropped.
    pub live: Option<Vec<f32>>,
    pub place: Place,
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("sign: the input must be contiguous"),
    }
}

fn sign(x: f32) -> f32 {
    if x >= 0.0 { 1.0 } else { -1.0 }
}

impl WeightLevel {
    /// The weight of a latent one in −1 to 1: an odd integer, one of 2^planes levels of equal width.
    pub fn of(&self, latent: f32) -> i32 {
        let levels = 1i32 << self.planes;
        let level = ((latent + 1.0) * 0.5 * levels as f32).floor() as i32;
        2 * level.clamp(0, levels - 1) - (levels - 1)
    }

    /// Largest weight.
    pub fn most(&self) -> i32 {
        (1 << self.planes) - 1
    }
}

impl CustomOp1 for WeightLevel {
    fn name(&self) -> &'static str {
        "levels-of-weights"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let most = self.most() as f32;
        let levels = values(storage, layout)?.iter().map(|&x| self.of(x) as f32 / most).collect();
        Ok((CpuStorage::F32(levels), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(gradient.clone()))
    }
}

impl CustomOp1 for ActivationSign {
    fn name(&self) -> &'static str {
        "sign-of-activations"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut signs: Vec<f32> = values(storage, layout)?.iter().map(|&x| sign(x)).collect();
        if let Some(live) = &self.live {
            let dropped = if self.place == Place::BeforeSign { sign(0.0) } else { 0.0 };
            signs.iter_mut().zip(live).filter(|(_, live)| **live == 0.0).for_each(|(s, _)| *s = dropped);
        }
        Ok((CpuStorage::F32(signs), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let inside = x.flatten_all()?.to_vec1::<f32>()?;
        let mut passed = gradient.flatten_all()?.to_vec1::<f32>()?;
        passed.iter_mut().zip(inside).for_each(|(g, x)| *g *= f32::from(u8::from(x.abs() <= 1.0)));
        if let Some(live) = &self.live {
            passed.iter_mut().zip(live).for_each(|(g, live)| *g *= live);
        }
        Ok(Some(Tensor::from_vec(passed, x.shape(), &Device::Cpu)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    /// Signs of seven values, and their gradients where those of the signs are 1 to 7.
    fn sign_and_gradient(op: impl CustomOp1 + Send + Sync + 'static) -> (Vec<f32>, Vec<f32>) {
        let x = Var::new(&[-2f32, -1.0, -0.25, 0.0, 0.5, 1.0, 1.5], &Device::Cpu).unwrap();
        let upstream = Tensor::new(&[1f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], &Device::Cpu).unwrap();
        let y = x.apply_op1(op).unwrap();
        let gradients = (&y * upstream).unwrap().sum_all().unwrap().backward().unwrap();
        (y.to_vec1().unwrap(), gradients.get(&x).unwrap().to_vec1().unwrap())
    }

    #[test]
    fn gradients_of_weights_pass_everywhere() {
        let (levels, gradients) = sign_and_gradient(WeightLevel { planes: 2 });
        let third = 1.0 / 3.0;
        assert_eq!(levels, [-1.0, -1.0, -third, third, 1.0, 1.0, 1.0]);
        assert_eq!(gradients, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        let (signs, gradients) = sign_and_gradient(WeightLevel { planes: 1 });
        assert_eq!(signs, [-1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(gradients, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    }

    #[test]
    fn gradients_of_activations_pass_within_one_of_zero() {
        let (signs, gradients) = sign_and_gradient(ActivationSign { live: None, place: Place::AfterSign });
        assert_eq!(signs, [-1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(gradients, [0.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0]);
    }

    #[test]
    fn dropped_activations_are_zero_and_kept_ones_not_scaled() {
        let live = Some(vec![1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0]);
        let (signs, gradients) = sign_and_gradient(ActivationSign { live, place: Place::AfterSign });
        assert_eq!(signs, [-1.0, 0.0, -1.0, 0.0, 1.0, 1.0, 1.0]);
        assert_eq!(gradients, [0.0, 0.0, 3.0, 0.0, 5.0, 6.0, 0.0]);
    }

    #[test]
    fn what_is_dropped_before_the_sign_is_the_sign_of_zero() {
        let live = Some(vec![0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        let (signs, gradients) = sign_and_gradient(ActivationSign { live, place: Place::BeforeSign });
        assert_eq!(signs, [1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(gradients, [0.0, 0.0, 3.0, 0.0, 5.0, 0.0, 0.0]);
    }
}
