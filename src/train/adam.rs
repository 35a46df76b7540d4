//! Adam (Kingma and Ba 2015), in one sweep a step.
//!
//! candle's own takes fourteen temporary tensors a variable, which costs as much as the products of the network.

use super::TrainError;
use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPS: f32 = 1e-8;

pub struct Adam {
    slots: Vec<Slot>,
    steps: i32,
}

/// A variable with its moments.
struct Slot {
    variable: Variable,
    first: Vec<f32>,
    second: Vec<f32>,
}

/// What Adam changes.
#[derive(Clone)]
pub struct Variable {
    pub var: Var,
    /// Values are kept within `low` to `high`.
    pub low: f32,
    pub high: f32,
}

impl Variable {
    pub fn free(var: &Var) -> Variable {
        Variable { var: var.clone(), low: f32::NEG_INFINITY, high: f32::INFINITY }
    }
}

impl Adam {
    pub fn new(variables: Vec<Variable>) -> Adam {
        let slot = |variable: Variable| {
            let zeros = vec![0.0; variable.var.elem_count()];
            Slot { variable, first: zeros.clone(), second: zeros }
        };
        Adam { slots: variables.into_iter().map(slot).collect(), steps: 0 }
    }

    /// Moves every variable against its gradient.
    pub fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<(), TrainError> {
        self.steps += 1;
        let first_scale = (1.0 / (1.0 - BETA_1.powi(self.steps))) as f32;
        let second_scale = (1.0 / (1.0 - BETA_2.powi(self.steps))) as f32;
        let (b1, b2, rate) = (BETA_1 as f32, BETA_2 as f32, learning_rate as f32);
        for Slot { variable: Variable { var, low, high }, first, second } in &mut self.slots {
            let Some(gradient) = gradients.get(var) else { continue };
            let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
            let mut values = var.flatten_all()?.to_vec1::<f32>()?;
            for (((v, g), m1), m2) in values.iter_mut().zip(gradient).zip(first).zip(second) {
                *m1 = b1 * *m1 + (1.0 - b1) * g;
                *m2 = b2 * *m2 + (1.0 - b2) * g * g;
                let step = rate * (*m1 * first_scale) / ((*m2 * second_scale).sqrt() + EPS);
                *v = (*v - step).clamp(*low, *high);
            }
            var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_nn::{AdamW, Optimizer, ParamsAdamW};

    /// Five steps down Σ(v − target)² from the same start.
    fn descend(mut step: impl FnMut(&Tensor, usize), v: &Var) -> Vec<f32> {
        let target = Tensor::new(&[1f32, -2.0, 0.5], &Device::Cpu).unwrap();
        for n in 0..5 {
            let loss = (v.as_tensor() - &target).unwrap().sqr().unwrap().sum_all().unwrap();
            step(&loss, n);
        }
        v.to_vec1().unwrap()
    }

    #[test]
    fn steps_equal_those_of_candle() {
        let start = || Var::new(&[0f32, 0.0, 0.0], &Device::Cpu).unwrap();
        let rate = |n: usize| 0.1 / (n + 1) as f64;
        let (own, reference) = (start(), start());
        let mut adam = Adam::new(vec![Variable::free(&own)]);
        let own = descend(|loss, n| adam.step(&loss.backward().unwrap(), rate(n)).unwrap(), &own);
        let mut candle =
            AdamW::new(vec![reference.clone()], ParamsAdamW { weight_decay: 0.0, ..Default::default() }).unwrap();
        let descend_with_candle = |loss: &Tensor, n: usize| {
            candle.set_learning_rate(rate(n));
            candle.backward_step(loss).unwrap();
        };
        let reference = descend(descend_with_candle, &reference);
        for (own, reference) in own.iter().zip(&reference) {
            // Five steps in f32, rounded in another order.
            assert!((own - reference).abs() < 1e-5, "{own} for {reference}");
        }
    }

    #[test]
    fn values_stay_within_their_limits() {
        let v = Var::new(&[0f32, 0.0, 0.0], &Device::Cpu).unwrap();
        let mut adam = Adam::new(vec![Variable { var: v.clone(), low: -0.3, high: 0.2 }]);
        let found = descend(|loss, _| adam.step(&loss.backward().unwrap(), 0.2).unwrap(), &v);
        assert_eq!(found, [0.2, -0.3, 0.2]);
    }
}
