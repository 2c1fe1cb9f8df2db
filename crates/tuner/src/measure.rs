//! How fast training is, as a share of what the machine's matrix products allow.

use crate::base::Base;
use crate::error::TrainError;
use crate::lora::{Adapter, LoraConfig, Pass};
use crate::model::{Gemma, Packed};
use crate::optim::{AdamW, accumulate, global_norm};
use crate::shape::{ModelShape, Target};
use candle_core::{DType, Device, Tensor, Var};
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

/// The batch that is measured: `sequences` of `tokens` each, of which the last `asked` are the reply.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Load {
    /// Sequences in a batch.
    pub sequences: usize,
    /// Tokens of a sequence.
    pub tokens: usize,
    /// Reply tokens among them.
    pub asked: usize,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// The batch.
    pub load: Load,
    /// Tokens fed in, a second, whole optimiser steps counted.
    pub tokens_per_second: f64,
    /// Billions of needed floating-point operations a second, see [`step_work`].
    pub gflops: f64,
    /// The same of candle's plain f32 matmul, timed between the steps.
    pub matmul_gflops: f64,
    /// The first as a share of the second.
    pub share: f64,
}

/// Floating-point operations that a step needs: forward and backward products of the frozen matrices,
/// the adapter, attention over visible pairs, and the head at asked positions. Nothing that a better
/// implementation could leave out is counted (norms, recomputed scores, gradients of frozen weights).
#[must_use]
pub fn step_work(shape: &ModelShape, config: &LoraConfig, batch: &Packed) -> f64 {
    let (all, asked) = (batch.len() as f64, batch.asked() as f64);
    let first = config.first_layer(shape.layers);
    let mut work = 4.0 * asked * (shape.vocabulary * shape.hidden) as f64;
    for layer in 0..shape.layers {
        let window = if shape.is_global(layer) { usize::MAX } else { shape.window };
        let pairs: usize =
            batch.lengths.iter().map(|&length| (1..=length).map(|seen| seen.min(window)).sum::<usize>()).sum();
        let learned = layer >= first;
        let attention = (4 * shape.heads * shape.head_dim * pairs) as f64;
        work += attention * if learned { 3.0 } else { 1.0 };
        for target in Target::ALL {
            let (out, width) = shape.matrix(target);
            let attends = matches!(target, Target::Q | Target::K | Target::V);
            let last = layer + 1 == shape.layers;
            let tokens = if last && !attends { asked } else { all };
            // Nothing before the first adapted block wants a gradient.
            let backward = layer > first || (layer == first && !attends);
            let passes = if backward { 2.0 } else { 1.0 };
            work += 2.0 * passes * tokens * (out * width) as f64;
            if learned && config.targets.contains(&target) {
                work += 6.0 * tokens * (config.rank * (out + width)) as f64;
            }
        }
    }
    work
}

/// Times `steps` whole training steps on made-up tokens, and plain products between them.
///
/// # Errors
/// [`TrainError`] when the base cannot be loaded or a computation fails.
pub fn measure(base: &Path, config: &LoraConfig, load: Load, steps: usize) -> Result<Measured, TrainError> {
    let mut base = Base::open(base)?;
    let device = Device::Cpu;
    let model = Gemma::load(&mut base, &device)?;
    let adapter = Adapter::fresh(config, base.shape(), base.name(), 0, &device)?;
    let vars: Vec<&Var> = adapter.vars().collect();
    let mut adam = AdamW::new(&vars, 0.0)?;
    let mut batch = Packed::default();
    for sequence in 0..load.sequences {
        // One token more: the last is only predicted.
        let tokens: Vec<u32> = (0..=load.tokens)
            .map(|i| ((i * 7919 + sequence * 104_729 + 300) % base.shape().vocabulary) as u32)
            .collect();
        batch.push(&tokens, (load.tokens + 1).saturating_sub(load.asked));
    }
    let (mut spent, mut product) = (Duration::ZERO, Products::new(base.shape(), batch.len())?);
    for step in 0..=steps {
        product.time()?;
        let start = Instant::now();
        let loss = model.loss(&batch, Some(&adapter), Pass::Learn { seed: 0 })?;
        let mut grads = Vec::new();
        accumulate(&mut grads, &loss.backward()?, &vars)?;
        let shrink = 1.0 / global_norm(&grads)?.max(1.0);
        adam.step(&vars, &grads, step, 1e-4, shrink)?;
        if step == 0 {
            // The first step and the first products only warm up.
            (spent, product.spent, product.work) = (Duration::ZERO, Duration::ZERO, 0.0);
        } else {
            spent += start.elapsed();
        }
    }
    let seconds = spent.as_secs_f64() / steps.max(1) as f64;
    let gflops = step_work(base.shape(), config, &batch) / seconds / 1e9;
    let matmul_gflops = product.work / product.spent.as_secs_f64().max(1e-9) / 1e9;
    Ok(Measured {
        load,
        tokens_per_second: batch.len() as f64 / seconds,
        gflops,
        matmul_gflops,
        share: gflops / matmul_gflops,
    })
}

/// Plain products of the model's own feed-forward shapes.
struct Products {
    x: Tensor,
    up: Tensor,
    down: Tensor,
    spent: Duration,
    work: f64,
}

impl Products {
    fn new(shape: &ModelShape, tokens: usize) -> candle_core::Result<Self> {
        let ones = |dims: (usize, usize)| Tensor::ones(dims, DType::F32, &Device::Cpu);
        Ok(Self {
            x: ones((tokens, shape.hidden))?,
            up: ones((shape.hidden, shape.feed_forward))?,
            down: ones((shape.feed_forward, shape.hidden))?,
            spent: Duration::ZERO,
            work: 0.0,
        })
    }

    fn time(&mut self) -> candle_core::Result<()> {
        let start = Instant::now();
        for _ in 0..12 {
            let h = self.x.matmul(&self.up)?;
            let y = h.matmul(&self.down)?;
            self.work += 4.0 * (h.elem_count() * self.up.dim(0)?) as f64;
            drop(y);
        }
        self.spent += start.elapsed();
        Ok(())
    }
}
