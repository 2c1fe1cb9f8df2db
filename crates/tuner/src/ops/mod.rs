//! Operations with their own gradients, for candle's autograd.
//!
//! Each exists in two forms that compute the same: a fused kernel for `f32` on the processor, and a
//! composition of candle's operations for graphics processors and for `f64` (which the tests hold
//! against finite differences). All token matrices are *packed*: the sequences of a batch lie end to end,
//! `[tokens, width]`, with no padding; only attention and positions know where one sequence ends.

mod attention;
mod geglu;
mod head;
mod linear;
mod norm;
mod rope;

pub(crate) use attention::attention;
pub(crate) use geglu::geglu;
pub(crate) use head::{Head, cross_entropy};
pub(crate) use linear::{Dropout, LoraPair, frozen, lora_linear};
pub(crate) use norm::{add_norm, norm};
pub(crate) use rope::{Rope, norm_rope};

use candle_core::{CpuStorage, DType, Layout, Result, Storage, Tensor, bail};
use std::ops::Deref;

/// Whether the fused kernel applies; the composition does otherwise.
fn fused(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// The values of a contiguous `f32` tensor on the processor.
struct Values<'a> {
    storage: candle_core::StorageRef<'a>,
    start: usize,
    end: usize,
}

impl<'a> Values<'a> {
    fn of(tensor: &'a Tensor) -> Result<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("a fused operation was given a tensor that is not contiguous")
        };
        match &*storage {
            Storage::Cpu(CpuStorage::F32(_)) => Ok(Self { storage, start, end }),
            _ => bail!("a fused operation was given something else than f32 on the processor"),
        }
    }
}

impl Deref for Values<'_> {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(data)) => &data[self.start..self.end],
            _ => &[],
        }
    }
}

/// The values of an operation's argument, in its forward pass.
fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(data), Some((start, end))) => Ok(&data[start..end]),
        _ => bail!("a fused operation needs contiguous f32 tensors"),
    }
}

/// A tensor like `like` of these values.
fn tensor_like(values: Vec<f32>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, like.shape(), like.device())
}
