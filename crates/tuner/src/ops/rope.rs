//! Queries and keys: each head is normalised, then turned by its position.

use super::norm::{ROWS_PER_TASK, backward_row, composed, inverse_rms};
use super::{Values, fused, slice, tensor_like};
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::sync::Arc;

/// The turning angles of every token of a packed batch, as cosines and sines.
#[derive(Clone)]
pub(crate) struct Rope {
    /// `[tokens, head_dim / 2]`, each.
    table: Arc<(Vec<f32>, Vec<f32>)>,
    half: usize,
}

impl Rope {
    /// Angles `position / stretch · base^(-2i/head_dim)`, for the positions of sequences laid end to end.
    pub(crate) fn new(lengths: &[usize], head_dim: usize, base: f64, stretch: f64) -> Self {
        let half = head_dim / 2;
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let frequencies: Vec<f64> = (0..half).map(|i| base.powf(-(i as f64) / half as f64) / stretch).collect();
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for position in 0..longest {
            for frequency in &frequencies {
                let angle = position as f64 * frequency;
                cos.push(angle.cos() as f32);
                sin.push(angle.sin() as f32);
            }
        }
        let lay = |rows: &[f32]| -> Vec<f32> {
            lengths.iter().flat_map(|&length| rows[..length * half].iter().copied()).collect()
        };
        Self { table: Arc::new((lay(&cos), lay(&sin))), half }
    }

    fn rows(&self, token: usize) -> (&[f32], &[f32]) {
        let range = token * self.half..(token + 1) * self.half;
        (&self.table.0[range.clone()], &self.table.1[range])
    }

    /// Cosines and sines as `[tokens, 1, half]` tensors like `x`.
    fn tensors(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let tokens = self.table.0.len() / self.half.max(1);
        let tensor = |values: &[f32]| {
            Tensor::from_slice(values, (tokens, 1, self.half), &Device::Cpu)?.to_dtype(x.dtype())?.to_device(x.device())
        };
        Ok((tensor(&self.table.0)?, tensor(&self.table.1)?))
    }
}

/// `rope(norm(x))` for `x` `[tokens, heads, head_dim]`; the two halves of a head are turned against
/// each other.
pub(crate) fn norm_rope(x: &Tensor, weight: &Tensor, eps: f64, rope: &Rope) -> Result<Tensor> {
    if fused(x) {
        return x.contiguous()?.apply_op1(NormRope { weight: weight.clone(), eps: eps as f32, rope: rope.clone() });
    }
    let y = composed(x, weight, eps)?;
    let (cos, sin) = rope.tensors(x)?;
    let (first, second) = (y.narrow(2, 0, rope.half)?, y.narrow(2, rope.half, rope.half)?);
    let turned_first = (first.broadcast_mul(&cos)? - second.broadcast_mul(&sin)?)?;
    let turned_second = (second.broadcast_mul(&cos)? + first.broadcast_mul(&sin)?)?;
    Tensor::cat(&[turned_first, turned_second], 2)
}

struct NormRope {
    weight: Tensor,
    eps: f32,
    rope: Rope,
}

impl CustomOp1 for NormRope {
    fn name(&self) -> &'static str {
        "norm-rope"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, heads, dim) = layout.shape().dims3()?;
        let x = slice(x, layout)?;
        let w = Values::of(&self.weight)?;
        let (w_first, w_second) = w.split_at(dim / 2);
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(dim).zip(x.par_chunks(dim)).enumerate().with_min_len(ROWS_PER_TASK).for_each(
            |(row, (y, x))| {
                let r = inverse_rms(x, self.eps);
                let (cos, sin) = self.rope.rows(row / heads);
                let (y_first, y_second) = y.split_at_mut(dim / 2);
                let (x_first, x_second) = x.split_at(dim / 2);
                for i in 0..dim / 2 {
                    let first = x_first[i] * r * w_first[i];
                    let second = x_second[i] * r * w_second[i];
                    y_first[i] = first * cos[i] - second * sin[i];
                    y_second[i] = second * cos[i] + first * sin[i];
                }
            },
        );
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let grad = grad.contiguous()?;
        let (_, heads, dim) = x.dims3()?;
        let (xs, g, w) = (Values::of(x)?, Values::of(&grad)?, Values::of(&self.weight)?);
        let (xs, g): (&[f32], &[f32]) = (&xs, &g);
        let (w_first, w_second) = w.split_at(dim / 2);
        let mut dx = vec![0.0; xs.len()];
        dx.par_chunks_mut(dim)
            .zip(xs.par_chunks(dim).zip(g.par_chunks(dim)))
            .enumerate()
            .with_min_len(ROWS_PER_TASK)
            .for_each(|(row, (dx, (x, g)))| {
                let (cos, sin) = self.rope.rows(row / heads);
                let (g_first, g_second) = g.split_at(dim / 2);
                let (d_first, d_second) = dx.split_at_mut(dim / 2);
                // Turned back, then through the weight.
                for i in 0..dim / 2 {
                    d_first[i] = (g_first[i] * cos[i] + g_second[i] * sin[i]) * w_first[i];
                    d_second[i] = (g_second[i] * cos[i] - g_first[i] * sin[i]) * w_second[i];
                }
                backward_row(x, dx, self.eps);
            });
        Ok(Some(tensor_like(dx, x)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn scores_depend_on_distance_alone_and_positions_start_anew() {
        // The same vector at every place of two sequences of 3 and 2 tokens.
        let x: Vec<f32> = (0..5).flat_map(|_| [1.0, 2.0, -0.5, 0.25]).collect();
        let x = Tensor::from_vec(x, (5, 1, 4), &Device::Cpu).unwrap();
        let w = Tensor::ones(4, candle_core::DType::F32, &Device::Cpu).unwrap();
        let rope = Rope::new(&[3, 2], 4, 100.0, 1.0);
        let y: Vec<Vec<f32>> = norm_rope(&x, &w, 1e-6, &rope).unwrap().squeeze(1).unwrap().to_vec2().unwrap();
        let score = |a: usize, b: usize| y[a].iter().zip(&y[b]).map(|(a, b)| a * b).sum::<f32>();
        assert!((score(0, 1) - score(1, 2)).abs() < 1e-5);
        assert!((score(0, 1) - score(0, 2)).abs() > 1e-2);
        assert_eq!(y[0], y[3]);
        assert_eq!(y[1], y[4]);
        // Position 0 is not turned: the values keep the direction of x.
        assert!((y[0][1] / y[0][0] - 2.0).abs() < 1e-6);
    }
}
