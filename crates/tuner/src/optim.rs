//! AdamW, the learning rate's course, and clipping.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The learning rate at a step: a straight rise over `warmup` steps, then a cosine down to `floor`
/// times the peak at the last one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) peak: f64,
    pub(crate) warmup: usize,
    pub(crate) steps: usize,
    pub(crate) floor: f64,
}

impl Schedule {
    /// `step` counts from 0.
    pub(crate) fn rate(&self, step: usize) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        let span = self.steps.saturating_sub(self.warmup).max(1);
        let progress = ((step - self.warmup) as f64 / span as f64).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        self.peak * (self.floor + (1.0 - self.floor) * cosine)
    }
}

/// Adds the gradients of one batch to those of the step.
pub(crate) fn accumulate(sums: &mut Vec<Tensor>, grads: &GradStore, vars: &[&Var]) -> Result<()> {
    let first = sums.is_empty();
    for (i, var) in vars.iter().enumerate() {
        let grad = match grads.get(var) {
            Some(grad) => grad.detach(),
            None => var.zeros_like()?,
        };
        if first {
            sums.push(grad);
        } else {
            sums[i] = (&sums[i] + grad)?;
        }
    }
    Ok(())
}

/// The length of all gradients taken as one vector.
pub(crate) fn global_norm(grads: &[Tensor]) -> Result<f64> {
    let mut sum = 0.0;
    for grad in grads {
        sum += f64::from(grad.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    Ok(sum.sqrt())
}

/// First and second moments of every trained matrix.
pub(crate) struct AdamW {
    pub(crate) mean: Vec<Tensor>,
    pub(crate) square: Vec<Tensor>,
    pub(crate) weight_decay: f64,
}

impl AdamW {
    pub(crate) fn new(vars: &[&Var], weight_decay: f64) -> Result<Self> {
        let zeros = || vars.iter().map(|var| var.zeros_like()).collect::<Result<Vec<_>>>();
        Ok(Self { mean: zeros()?, square: zeros()?, weight_decay })
    }

    /// One step; `step` counts from 0, gradients are first multiplied with `shrink` (clipping).
    pub(crate) fn step(&mut self, vars: &[&Var], grads: &[Tensor], step: usize, rate: f64, shrink: f64) -> Result<()> {
        let t = i32::try_from(step + 1).unwrap_or(i32::MAX);
        let (fix1, fix2) = (1.0 - BETA1.powi(t), 1.0 - BETA2.powi(t));
        for (i, (var, grad)) in vars.iter().zip(grads).enumerate() {
            let grad = (grad * shrink)?;
            self.mean[i] = ((&self.mean[i] * BETA1)? + (&grad * (1.0 - BETA1))?)?;
            self.square[i] = ((&self.square[i] * BETA2)? + (grad.sqr()? * (1.0 - BETA2))?)?;
            let root = ((&self.square[i] / fix2)?.sqrt()? + EPSILON)?;
            let update = ((&self.mean[i] * (rate / fix1))? / root)?;
            let kept = (var.as_detached_tensor() * (1.0 - rate * self.weight_decay))?;
            var.set(&(kept - update)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_rate_rises_then_falls_to_its_floor() {
        let schedule = Schedule { peak: 1.0, warmup: 4, steps: 104, floor: 0.1 };
        assert_eq!(schedule.rate(0), 0.25);
        assert_eq!(schedule.rate(3), 1.0);
        assert_eq!(schedule.rate(4), 1.0);
        assert!((schedule.rate(54) - 0.55).abs() < 1e-9);
        assert!((schedule.rate(104) - 0.1).abs() < 1e-9);
        assert!((schedule.rate(900) - 0.1).abs() < 1e-9);
    }

    #[test]
    fn the_first_step_moves_every_weight_by_the_rate() {
        // Adam's first step is rate·sign(gradient), whatever the gradient's size.
        let var = Var::from_slice(&[1.0f32, -1.0], 2, &Device::Cpu).unwrap();
        let grads = [Tensor::new(&[0.3f32, -70.0], &Device::Cpu).unwrap()];
        let mut adam = AdamW::new(&[&var], 0.0).unwrap();
        adam.step(&[&var], &grads, 0, 0.01, 1.0).unwrap();
        let after = var.to_vec1::<f32>().unwrap();
        assert!((after[0] - 0.99).abs() < 1e-6 && (after[1] + 0.99).abs() < 1e-6);
    }
}
