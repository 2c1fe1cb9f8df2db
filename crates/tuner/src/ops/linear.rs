//! Products with frozen weights, with and without a LoRA update.
//!
//! candle's own `matmul` would compute the gradient of the weight too, half of all backward work,
//! only to drop it. Here a frozen weight lives inside the operation, where autograd does not see it.

use super::{Values, fused, slice, tensor_like};
use crate::kernel::{Into, Mat, MatMut, product};
use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp3, Device, Layout, MetalStorage, Result, Shape, Storage, Tensor, bail,
};

/// `x·wᵀ` for `x` `[tokens, in]` and a frozen `w` `[out, in]`.
pub(crate) fn frozen(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    x.apply_op1(Frozen { weight: w.clone() })
}

struct Frozen {
    weight: Tensor,
}

impl Frozen {
    fn forward<S: BackendStorage>(
        &self,
        x: &S,
        layout: &Layout,
        weight: &S,
        weight_layout: &Layout,
    ) -> Result<(S, Shape)> {
        let (tokens, width) = layout.shape().dims2()?;
        let out = self.weight.dim(0)?;
        let y = x.matmul(weight, (1, tokens, out, width), layout, &weight_layout.transpose(0, 1)?)?;
        Ok((y, Shape::from((tokens, out))))
    }
}

impl CustomOp1 for Frozen {
    fn name(&self) -> &'static str {
        "frozen-linear"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (storage, weight_layout) = self.weight.storage_and_layout();
        match &*storage {
            Storage::Cpu(w) => self.forward(x, layout, w, weight_layout),
            _ => bail!("the frozen weight is on another device than its input"),
        }
    }

    fn cuda_fwd(&self, x: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let (storage, weight_layout) = self.weight.storage_and_layout();
        match &*storage {
            Storage::Cuda(w) => self.forward(x, layout, w, weight_layout),
            _ => bail!("the frozen weight is on another device than its input"),
        }
    }

    fn metal_fwd(&self, x: &MetalStorage, layout: &Layout) -> Result<(MetalStorage, Shape)> {
        let (storage, weight_layout) = self.weight.storage_and_layout();
        match &*storage {
            Storage::Metal(w) => self.forward(x, layout, w, weight_layout),
            _ => bail!("the frozen weight is on another device than its input"),
        }
    }

    fn bwd(&self, _x: &Tensor, _y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(grad.matmul(&self.weight)?))
    }
}

/// Which inputs of a LoRA update are dropped: decided by a hash of seed and position, so that the
/// backward pass sees the same choice without storing it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropout {
    /// Probability of dropping, in `0..1`.
    pub(crate) rate: f32,
    /// Differs for every matrix and every pass.
    pub(crate) seed: u64,
}

impl Dropout {
    /// What the element at this position is multiplied with: 0, or 1/(1 - rate).
    fn factor(self, position: usize) -> f32 {
        // splitmix64's finishing steps: every input bit reaches every output bit.
        let mut z = self.seed.wrapping_add((position as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let uniform = (z >> 40) as f32 / (1u64 << 24) as f32;
        if uniform < self.rate { 0.0 } else { 1.0 / (1.0 - self.rate) }
    }

    fn apply(self, x: &[f32]) -> Vec<f32> {
        x.iter().enumerate().map(|(i, &x)| x * self.factor(i)).collect()
    }

    fn mask(self, like: &Tensor) -> Result<Tensor> {
        let factors: Vec<f32> = (0..like.elem_count()).map(|i| self.factor(i)).collect();
        Tensor::from_vec(factors, like.shape(), &Device::Cpu)?.to_dtype(like.dtype())?.to_device(like.device())
    }
}

/// The two small matrices of one LoRA update and how they are applied.
#[derive(Clone)]
pub(crate) struct LoraPair {
    /// `[in, rank]`
    pub(crate) a: Tensor,
    /// `[rank, out]`
    pub(crate) b: Tensor,
    /// Factor on the update: alpha / rank.
    pub(crate) scale: f64,
    /// Set while training with dropout.
    pub(crate) dropout: Option<Dropout>,
}

/// `x·wᵀ + scale·(x·a)·b` for `x` `[tokens, in]`; `w` is frozen.
pub(crate) fn lora_linear(x: &Tensor, w: &Tensor, lora: &LoraPair) -> Result<Tensor> {
    if fused(x) {
        return x.contiguous()?.apply_op3(
            &lora.a,
            &lora.b,
            LoraLinear { weight: w.clone(), scale: lora.scale as f32, dropout: lora.dropout },
        );
    }
    let dropped = match lora.dropout {
        Some(dropout) => (x * dropout.mask(x)?)?,
        None => x.clone(),
    };
    let update = (dropped.matmul(&lora.a)?.matmul(&lora.b)? * lora.scale)?;
    frozen(x, w)? + update
}

struct LoraLinear {
    weight: Tensor,
    scale: f32,
    dropout: Option<Dropout>,
}

impl CustomOp3 for LoraLinear {
    fn name(&self) -> &'static str {
        "lora-linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (tokens, width) = x_layout.shape().dims2()?;
        let (rank, out) = b_layout.shape().dims2()?;
        let (x, a, b) = (slice(x, x_layout)?, slice(a, a_layout)?, slice(b, b_layout)?);
        let w = Values::of(&self.weight)?;
        let mut y = vec![0.0; tokens * out];
        product(
            MatMut::new(&mut y, tokens, out),
            Mat::new(x, tokens, width),
            Mat::new(&w, out, width).t(),
            1.0,
            Into::Overwrite,
            true,
        );
        let dropped = self.dropout.map(|dropout| dropout.apply(x));
        let mut z = vec![0.0; tokens * rank];
        product(
            MatMut::new(&mut z, tokens, rank),
            Mat::new(dropped.as_deref().unwrap_or(x), tokens, width),
            Mat::new(a, width, rank),
            1.0,
            Into::Overwrite,
            true,
        );
        product(
            MatMut::new(&mut y, tokens, out),
            Mat::new(&z, tokens, rank),
            Mat::new(b, rank, out),
            self.scale,
            Into::Add,
            true,
        );
        Ok((CpuStorage::F32(y), Shape::from((tokens, out))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        a: &Tensor,
        b: &Tensor,
        _y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let (tokens, width) = x.dims2()?;
        let (rank, out) = b.dims2()?;
        let (xs, a_values, b_values) = (Values::of(x)?, Values::of(a)?, Values::of(b)?);
        let (g, w) = (Values::of(&grad)?, Values::of(&self.weight)?);
        let dropped = self.dropout.map(|dropout| dropout.apply(&xs));
        let input = Mat::new(dropped.as_deref().unwrap_or(&xs), tokens, width);
        let g = Mat::new(&g, tokens, out);

        let mut z = vec![0.0; tokens * rank];
        product(MatMut::new(&mut z, tokens, rank), input, Mat::new(&a_values, width, rank), 1.0, Into::Overwrite, true);
        let mut db = vec![0.0; rank * out];
        product(MatMut::new(&mut db, rank, out), Mat::new(&z, tokens, rank).t(), g, self.scale, Into::Overwrite, true);
        // The gradient of x·a takes z's place.
        product(
            MatMut::new(&mut z, tokens, rank),
            g,
            Mat::new(&b_values, rank, out).t(),
            self.scale,
            Into::Overwrite,
            true,
        );
        let dz = Mat::new(&z, tokens, rank);
        let mut da = vec![0.0; width * rank];
        product(MatMut::new(&mut da, width, rank), input.t(), dz, 1.0, Into::Overwrite, true);
        let dx = if x.track_op() {
            let mut dx = vec![0.0; tokens * width];
            let through_a = Mat::new(&a_values, width, rank).t();
            product(MatMut::new(&mut dx, tokens, width), dz, through_a, 1.0, Into::Overwrite, true);
            if let Some(dropout) = self.dropout {
                for (i, d) in dx.iter_mut().enumerate() {
                    *d *= dropout.factor(i);
                }
            }
            product(MatMut::new(&mut dx, tokens, width), g, Mat::new(&w, out, width), 1.0, Into::Add, true);
            Some(tensor_like(dx, x)?)
        } else {
            None
        };
        Ok((dx, Some(tensor_like(da, a)?), Some(tensor_like(db, b)?)))
    }
}
