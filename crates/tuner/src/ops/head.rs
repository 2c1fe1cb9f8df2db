//! The output head and the loss in one operation: the logits of a large vocabulary never exist at once.

use super::{Values, frozen, fused, slice};
use crate::kernel::{Into, Mat, MatMut, max, product, scale_in_place, sum_with_exp};
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// Vocabulary entries treated at a time: 2048 rows of 640 values fit the second-level cache's share.
const CHUNK: usize = 2048;

/// The frozen `[vocabulary, width]` matrix of the output head.
#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) weight: Tensor,
}

/// The sum over all rows of `-log p(target)`, for hidden states `[rows, width]`.
///
/// With `learn`, the gradient of `hidden` is computed in the same pass over the vocabulary: softmax
/// sums are carried from chunk to chunk and rescaled when a larger logit turns up, so the head is
/// multiplied twice in all (logits, gradient) where a separate backward pass would need three products.
pub(crate) fn cross_entropy(hidden: &Tensor, head: &Head, targets: &Arc<[u32]>, learn: bool) -> Result<Tensor> {
    if fused(hidden) {
        return hidden.contiguous()?.apply_op1(CrossEntropy {
            weight: head.weight.clone(),
            targets: targets.clone(),
            learn,
            gradient: OnceLock::new(),
        });
    }
    let logits = frozen(hidden, &head.weight)?;
    let ids = Tensor::from_slice(targets, (targets.len(), 1), hidden.device())?;
    let chosen = logits.gather(&ids, 1)?.squeeze(1)?;
    (logits.log_sum_exp(1)? - chosen)?.sum_all()
}

struct CrossEntropy {
    weight: Tensor,
    targets: Arc<[u32]>,
    learn: bool,
    /// `d loss / d hidden`, `[rows, width]`, from the forward pass.
    gradient: OnceLock<Vec<f32>>,
}

/// What a row carries from chunk to chunk.
#[derive(Clone, Copy)]
struct Running {
    max: f32,
    /// `Σ e^(logit - max)` so far
    sum: f32,
    target: f32,
}

impl CrossEntropy {
    fn forward(&self, hidden: &[f32], rows: usize, width: usize) -> Result<f32> {
        let head = Values::of(&self.weight)?;
        let vocabulary = self.weight.dim(0)?;
        if self.targets.len() != rows {
            bail!("{rows} rows, {} targets", self.targets.len())
        }
        if let Some(id) = self.targets.iter().find(|&&id| id as usize >= vocabulary) {
            bail!("token {id} is outside the vocabulary of {vocabulary}")
        }
        let mut running = vec![Running { max: f32::NEG_INFINITY, sum: 0.0, target: 0.0 }; rows];
        let mut sums = vec![0.0; if self.learn { rows * width } else { 0 }];
        let mut logits = vec![0.0; rows * CHUNK.min(vocabulary)];
        for first in (0..vocabulary).step_by(CHUNK) {
            let size = CHUNK.min(vocabulary - first);
            let entries = Mat::new(&head[first * width..(first + size) * width], size, width);
            let logits = &mut logits[..rows * size];
            product(
                MatMut::new(logits, rows, size),
                Mat::new(hidden, rows, width),
                entries.t(),
                1.0,
                Into::Overwrite,
                true,
            );
            let update = |row: &mut [f32], state: &mut Running, target: u32| {
                if let Some(&logit) = (target as usize).checked_sub(first).and_then(|i| row.get(i)) {
                    state.target = logit;
                }
                let larger = state.max.max(max(row));
                let shrink = (state.max - larger).exp();
                state.max = larger;
                state.sum = state.sum * shrink + sum_with_exp(row, larger);
                shrink
            };
            let rows_of = logits.par_chunks_mut(size).zip(running.par_iter_mut()).zip(self.targets.par_iter());
            if self.learn {
                rows_of.zip(sums.par_chunks_mut(width)).for_each(|(((row, state), &target), sums)| {
                    let shrink = update(row, state, target);
                    if shrink < 1.0 {
                        scale_in_place(sums, shrink);
                    }
                });
                product(
                    MatMut::new(&mut sums, rows, width),
                    Mat::new(logits, rows, size),
                    entries,
                    1.0,
                    Into::Add,
                    true,
                );
            } else {
                rows_of.for_each(|((row, state), &target)| {
                    update(row, state, target);
                });
            }
        }
        if self.learn {
            // d loss/d hidden = Σ p·e - e_target
            for ((sums, state), &target) in sums.chunks_mut(width).zip(&running).zip(&*self.targets) {
                let target = target as usize * width;
                let share = 1.0 / state.sum;
                for (s, &e) in sums.iter_mut().zip(&head[target..target + width]) {
                    *s = *s * share - e;
                }
            }
            // A second forward pass through the same operation does not happen; the first stays valid.
            let _ = self.gradient.set(sums);
        }
        let loss: f64 =
            running.iter().map(|row| f64::from(row.max) + f64::from(row.sum).ln() - f64::from(row.target)).sum();
        Ok(loss as f32)
    }
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "head-cross-entropy"
    }

    fn cpu_fwd(&self, hidden: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, width) = layout.shape().dims2()?;
        let loss = self.forward(slice(hidden, layout)?, rows, width)?;
        Ok((CpuStorage::F32(vec![loss]), Shape::from(())))
    }

    fn bwd(&self, hidden: &Tensor, _loss: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let Some(gradient) = self.gradient.get() else { bail!("the loss was computed without its gradient") };
        let factor = f64::from(grad.to_dtype(DType::F32)?.to_scalar::<f32>()?);
        let gradient = Tensor::from_slice(gradient, hidden.shape(), hidden.device())?;
        Ok(Some((gradient * factor)?))
    }
}
