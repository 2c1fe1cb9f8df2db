//! The gate of the feed-forward block.

use super::{Values, fused, slice, tensor_like};
use crate::kernel::{gelu_tanh, gelu_tanh_slope};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Elements that one task takes.
const BLOCK: usize = 16 * 1024;

/// `gelu(gate) · up`, with GELU in its tanh form.
pub(crate) fn geglu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    if fused(gate) {
        return gate.contiguous()?.apply_op2(&up.contiguous()?, Geglu);
    }
    gate.gelu()? * up
}

struct Geglu;

impl CustomOp2 for Geglu {
    fn name(&self) -> &'static str {
        "geglu"
    }

    fn cpu_fwd(
        &self,
        gate: &CpuStorage,
        layout: &Layout,
        up: &CpuStorage,
        up_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (gate, up) = (slice(gate, layout)?, slice(up, up_layout)?);
        let mut y = vec![0.0; gate.len()];
        y.par_chunks_mut(BLOCK).zip(gate.par_chunks(BLOCK).zip(up.par_chunks(BLOCK))).for_each(|(y, (gate, up))| {
            for ((y, &gate), &up) in y.iter_mut().zip(gate).zip(up) {
                *y = gelu_tanh(gate) * up;
            }
        });
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, gate: &Tensor, up: &Tensor, _y: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let (gates, ups, g) = (Values::of(gate)?, Values::of(up)?, Values::of(&grad)?);
        let (gates, ups, g): (&[f32], &[f32], &[f32]) = (&gates, &ups, &g);
        let (mut d_gate, mut d_up) = (vec![0.0; g.len()], vec![0.0; g.len()]);
        d_gate
            .par_chunks_mut(BLOCK)
            .zip(d_up.par_chunks_mut(BLOCK))
            .zip(gates.par_chunks(BLOCK).zip(ups.par_chunks(BLOCK)))
            .zip(g.par_chunks(BLOCK))
            .for_each(|(((d_gate, d_up), (gate, up)), g)| {
                for i in 0..g.len() {
                    let (value, slope) = gelu_tanh_slope(gate[i]);
                    d_gate[i] = g[i] * up[i] * slope;
                    d_up[i] = g[i] * value;
                }
            });
        Ok((Some(tensor_like(d_gate, gate)?), Some(tensor_like(d_up, up)?)))
    }
}
