//! Causal attention within each sequence of a packed batch, over all earlier tokens or a sliding window.
//!
//! The probabilities are not kept: the backward pass computes them anew from queries and keys, block by
//! block, which costs one small product and saves `heads·length²` values a layer.

use super::{Values, fused, slice, tensor_like};
use crate::kernel::{Into, Mat, MatMut, dot, product, softmax_in_place};
use candle_core::{CpuStorage, CustomOp3, D, Device, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;
use std::sync::Arc;

/// Query tokens that are treated together: keys after the block's last token are never touched.
const BLOCK: usize = 64;

/// Attention for `q` `[tokens, heads, dim]`, `k` and `v` `[tokens, kv_heads, dim]` of sequences with
/// these lengths. A token sees itself and the tokens before it, with `window` at most that many.
pub(crate) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    lengths: &Arc<[usize]>,
    window: Option<usize>,
    scale: f64,
) -> Result<Tensor> {
    if fused(q) {
        let op = Attention { lengths: lengths.clone(), window: window.unwrap_or(usize::MAX), scale: scale as f32 };
        return q.contiguous()?.apply_op3(&k.contiguous()?, &v.contiguous()?, op);
    }
    let mut start = 0;
    let mut parts = Vec::with_capacity(lengths.len());
    for &length in lengths.iter() {
        let part = |x: &Tensor| x.narrow(0, start, length)?.transpose(0, 1)?.contiguous();
        parts.push(composed(&part(q)?, &part(k)?, &part(v)?, window, scale)?);
        start += length;
    }
    Tensor::cat(&parts, 0)
}

/// One sequence; `q` is `[heads, length, dim]`, the result `[length, heads, dim]`.
fn composed(q: &Tensor, k: &Tensor, v: &Tensor, window: Option<usize>, scale: f64) -> Result<Tensor> {
    let (heads, length, dim) = q.dims3()?;
    let kv_heads = k.dim(0)?;
    let spread = |x: &Tensor| {
        x.unsqueeze(1)?.broadcast_as((kv_heads, heads / kv_heads, length, dim))?.reshape((heads, length, dim))
    };
    let (k, v) = (spread(k)?, spread(v)?);
    let window = window.unwrap_or(usize::MAX);
    let mask: Vec<f32> = (0..length)
        .flat_map(|t| (0..length).map(move |s| if s <= t && t - s < window { 0.0 } else { f32::NEG_INFINITY }))
        .collect();
    let mask = Tensor::from_vec(mask, (1, length, length), &Device::Cpu)?.to_dtype(q.dtype())?.to_device(q.device())?;
    let scores = (q.matmul(&k.transpose(1, 2)?.contiguous()?)? * scale)?.broadcast_add(&mask)?;
    let shifted = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?;
    let weights = shifted.exp()?;
    let p = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
    p.matmul(&v)?.transpose(0, 1)?.contiguous()
}

struct Attention {
    lengths: Arc<[usize]>,
    window: usize,
    scale: f32,
}

/// Widths of a query row and a key row, and how heads map to products.
#[derive(Clone, Copy)]
struct Heads {
    heads: usize,
    kv_heads: usize,
    dim: usize,
}

/// One product's share of a sequence: with a single key head all query heads go into one product, as
/// rows `token·heads + head`; else each head is taken alone.
#[derive(Clone, Copy)]
struct Unit {
    q_offset: usize,
    q_stride: usize,
    rows_per_token: usize,
    k_offset: usize,
    k_stride: usize,
}

impl Heads {
    fn of(q: &Shape, k: &Shape) -> Result<Self> {
        let ((_, heads, dim), (_, kv_heads, _)) = (q.dims3()?, k.dims3()?);
        if kv_heads == 0 || heads % kv_heads != 0 {
            bail!("{heads} query heads cannot share {kv_heads} key heads")
        }
        Ok(Self { heads, kv_heads, dim })
    }

    fn units(self) -> Vec<Unit> {
        let (q_width, k_stride) = (self.heads * self.dim, self.kv_heads * self.dim);
        if self.kv_heads == 1 {
            return vec![Unit { q_offset: 0, q_stride: self.dim, rows_per_token: self.heads, k_offset: 0, k_stride }];
        }
        let group = self.heads / self.kv_heads;
        (0..self.heads)
            .map(|head| Unit {
                q_offset: head * self.dim,
                q_stride: q_width,
                rows_per_token: 1,
                k_offset: head / group * self.dim,
                k_stride,
            })
            .collect()
    }
}

/// A block of query rows and the keys that any of them sees.
struct Block {
    first_token: usize,
    rows: usize,
    keys_from: usize,
    keys: usize,
}

impl Attention {
    fn blocks(&self, length: usize, unit: Unit) -> impl Iterator<Item = Block> + use<> {
        let window = self.window;
        (0..length).step_by(BLOCK).map(move |first_token| {
            let end = length.min(first_token + BLOCK);
            let keys_from = (first_token + 1).saturating_sub(window);
            Block { first_token, rows: (end - first_token) * unit.rows_per_token, keys_from, keys: end - keys_from }
        })
    }

    /// The block's probabilities `[rows, keys]`, zero where a token must not look.
    fn probabilities(&self, block: &Block, unit: Unit, q: Mat<'_>, k: Mat<'_>) -> Vec<f32> {
        let mut p = vec![0.0; block.rows * block.keys];
        product(MatMut::new(&mut p, block.rows, block.keys), q, k.t(), 1.0, Into::Overwrite, false);
        for (row, p) in p.chunks_mut(block.keys).enumerate() {
            let token = block.first_token + row / unit.rows_per_token;
            let from = (token + 1).saturating_sub(self.window) - block.keys_from;
            let to = token + 1 - block.keys_from;
            p[..from].fill(0.0);
            p[to..].fill(0.0);
            softmax_in_place(&mut p[from..to], self.scale);
        }
        p
    }

    fn forward_sequence(&self, heads: Heads, length: usize, [q, k, v]: [&[f32]; 3], out: &mut [f32]) {
        for unit in heads.units() {
            for block in self.blocks(length, unit) {
                let at = unit.q_offset + block.first_token * heads.heads * heads.dim;
                let key_at = unit.k_offset + block.keys_from * unit.k_stride;
                let query = Mat::strided(&q[at..], block.rows, heads.dim, unit.q_stride);
                let key = Mat::strided(&k[key_at..], block.keys, heads.dim, unit.k_stride);
                let value = Mat::strided(&v[key_at..], block.keys, heads.dim, unit.k_stride);
                let p = self.probabilities(&block, unit, query, key);
                product(
                    MatMut::strided(&mut out[at..], block.rows, heads.dim, unit.q_stride),
                    Mat::new(&p, block.rows, block.keys),
                    value,
                    1.0,
                    Into::Overwrite,
                    false,
                );
            }
        }
    }

    /// `given` holds q, k, v and the gradient of the result; `d` receives the gradients of q, k, v.
    fn backward_sequence(&self, heads: Heads, length: usize, [q, k, v, g]: [&[f32]; 4], [dq, dk, dv]: [&mut [f32]; 3]) {
        for unit in heads.units() {
            for block in self.blocks(length, unit) {
                let at = unit.q_offset + block.first_token * heads.heads * heads.dim;
                let key_at = unit.k_offset + block.keys_from * unit.k_stride;
                let query = Mat::strided(&q[at..], block.rows, heads.dim, unit.q_stride);
                let grad = Mat::strided(&g[at..], block.rows, heads.dim, unit.q_stride);
                let key = Mat::strided(&k[key_at..], block.keys, heads.dim, unit.k_stride);
                let value = Mat::strided(&v[key_at..], block.keys, heads.dim, unit.k_stride);
                let p = self.probabilities(&block, unit, query, key);
                product(
                    MatMut::strided(&mut dv[key_at..], block.keys, heads.dim, unit.k_stride),
                    Mat::new(&p, block.rows, block.keys).t(),
                    grad,
                    1.0,
                    Into::Add,
                    false,
                );
                let mut ds = vec![0.0; p.len()];
                product(MatMut::new(&mut ds, block.rows, block.keys), grad, value.t(), 1.0, Into::Overwrite, false);
                for (ds, p) in ds.chunks_mut(block.keys).zip(p.chunks(block.keys)) {
                    let mean = dot(ds, p);
                    for (ds, &p) in ds.iter_mut().zip(p) {
                        *ds = p * (*ds - mean) * self.scale;
                    }
                }
                let ds = Mat::new(&ds, block.rows, block.keys);
                product(
                    MatMut::strided(&mut dq[at..], block.rows, heads.dim, unit.q_stride),
                    ds,
                    key,
                    1.0,
                    Into::Overwrite,
                    false,
                );
                product(
                    MatMut::strided(&mut dk[key_at..], block.keys, heads.dim, unit.k_stride),
                    ds.t(),
                    query,
                    1.0,
                    Into::Add,
                    false,
                );
            }
        }
    }

    /// Cuts a packed buffer into its sequences, `width` values a token.
    fn cut<'a>(&self, values: &'a [f32], width: usize) -> Vec<&'a [f32]> {
        let mut rest = values;
        self.lengths
            .iter()
            .map(|&length| {
                let (head, tail) = rest.split_at(length * width);
                rest = tail;
                head
            })
            .collect()
    }

    fn cut_mut<'a>(&self, values: &'a mut [f32], width: usize) -> Vec<&'a mut [f32]> {
        let mut rest = values;
        self.lengths
            .iter()
            .map(|&length| {
                let (head, tail) = std::mem::take(&mut rest).split_at_mut(length * width);
                rest = tail;
                head
            })
            .collect()
    }
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "packed-attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let heads = Heads::of(q_layout.shape(), k_layout.shape())?;
        let (q_width, k_width) = (heads.heads * heads.dim, heads.kv_heads * heads.dim);
        let q = self.cut(slice(q, q_layout)?, q_width);
        let k = self.cut(slice(k, k_layout)?, k_width);
        let v = self.cut(slice(v, v_layout)?, k_width);
        let mut out = vec![0.0; q_layout.shape().elem_count()];
        self.cut_mut(&mut out, q_width).into_par_iter().enumerate().for_each(|(i, out)| {
            self.forward_sequence(heads, self.lengths[i], [q[i], k[i], v[i]], out);
        });
        Ok((CpuStorage::F32(out), q_layout.shape().clone()))
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        _out: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let heads = Heads::of(q.shape(), k.shape())?;
        let (q_width, k_width) = (heads.heads * heads.dim, heads.kv_heads * heads.dim);
        let (qs, ks, vs) = (Values::of(q)?, Values::of(k)?, Values::of(v)?);
        let g = Values::of(&grad)?;
        let given = [self.cut(&qs, q_width), self.cut(&ks, k_width), self.cut(&vs, k_width), self.cut(&g, q_width)];
        let mut dq = vec![0.0; qs.len()];
        let mut dk = vec![0.0; ks.len()];
        let mut dv = vec![0.0; vs.len()];
        self.cut_mut(&mut dq, q_width)
            .into_par_iter()
            .zip(self.cut_mut(&mut dk, k_width))
            .zip(self.cut_mut(&mut dv, k_width))
            .enumerate()
            .for_each(|(i, ((dq, dk), dv))| {
                let given = [given[0][i], given[1][i], given[2][i], given[3][i]];
                self.backward_sequence(heads, self.lengths[i], given, [dq, dk, dv]);
            });
        Ok((Some(tensor_like(dq, q)?), Some(tensor_like(dk, k)?), Some(tensor_like(dv, v)?)))
    }
}
