//! Root-mean-square normalisation with a frozen weight, alone and joined to the residual stream.

use super::{Values, fused, slice, tensor_like};
use crate::kernel::{dot, sum_of_squares};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Rows that one task takes: enough that handing it to a thread costs little beside.
pub(super) const ROWS_PER_TASK: usize = 32;

/// `x / rms(x) · weight` along the last dimension; the weight is the plain factor (Hugging Face's + 1).
pub(crate) fn norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    if fused(x) {
        return x.contiguous()?.apply_op1(Norm { weight: weight.clone(), eps: eps as f32 });
    }
    composed(x, weight, eps)
}

/// `residual + norm(x)`.
pub(crate) fn add_norm(residual: &Tensor, x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    if fused(x) {
        let op = Norm { weight: weight.clone(), eps: eps as f32 };
        return x.contiguous()?.apply_op2(&residual.contiguous()?, op);
    }
    residual + composed(x, weight, eps)?
}

pub(super) fn composed(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(mean + eps)?.sqrt()?)?.broadcast_mul(weight)
}

/// `1 / rms(row)`
pub(super) fn inverse_rms(row: &[f32], eps: f32) -> f32 {
    1.0 / (sum_of_squares(row) / row.len() as f32 + eps).sqrt()
}

/// The gradient of `row` for the gradient `g` of its normalised form: with r = 1/rms,
/// `r·(w·g) - row·r³/n·Σ w·g·row`. `weighted` must hold `w·g`; the result is written over it.
pub(super) fn backward_row(row: &[f32], weighted: &mut [f32], eps: f32) {
    let r = inverse_rms(row, eps);
    let pull = dot(weighted, row) * r * r * r / row.len() as f32;
    for (d, &x) in weighted.iter_mut().zip(row) {
        *d = *d * r - x * pull;
    }
}

struct Norm {
    weight: Tensor,
    eps: f32,
}

impl Norm {
    fn forward(&self, x: &[f32], residual: Option<&[f32]>) -> Result<Vec<f32>> {
        let w = Values::of(&self.weight)?;
        let w: &[f32] = &w;
        let width = w.len();
        let mut y = match residual {
            Some(residual) => residual.to_vec(),
            None => vec![0.0; x.len()],
        };
        y.par_chunks_mut(width).zip(x.par_chunks(width)).with_min_len(ROWS_PER_TASK).for_each(|(y, x)| {
            let r = inverse_rms(x, self.eps);
            for ((y, &x), &w) in y.iter_mut().zip(x).zip(w) {
                *y += x * r * w;
            }
        });
        Ok(y)
    }

    fn backward(&self, x: &Tensor, grad: &Tensor) -> Result<Tensor> {
        let grad = grad.contiguous()?;
        let (xs, g, w) = (Values::of(x)?, Values::of(&grad)?, Values::of(&self.weight)?);
        let (xs, g, w): (&[f32], &[f32], &[f32]) = (&xs, &g, &w);
        let width = w.len();
        let mut dx = vec![0.0; xs.len()];
        dx.par_chunks_mut(width)
            .zip(xs.par_chunks(width).zip(g.par_chunks(width)))
            .with_min_len(ROWS_PER_TASK)
            .for_each(|(dx, (x, g))| {
                for ((d, &g), &w) in dx.iter_mut().zip(g).zip(w) {
                    *d = g * w;
                }
                backward_row(x, dx, self.eps);
            });
        tensor_like(dx, x)
    }
}

impl CustomOp1 for Norm {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = self.forward(slice(x, layout)?, None)?;
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.backward(x, grad)?))
    }
}

impl CustomOp2 for Norm {
    fn name(&self) -> &'static str {
        "add-rms-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let residual = slice(residual, residual_layout)?;
        let y = self.forward(slice(x, layout)?, Some(residual))?;
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        _residual: &Tensor,
        _y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(self.backward(x, grad)?), Some(grad.clone())))
    }
}
