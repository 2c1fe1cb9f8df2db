//! The adapter: two small matrices beside each chosen matrix of the frozen model.

use crate::error::AdapterError;
use crate::ops::{Dropout, LoraPair};
use crate::shape::{ModelShape, Target};
use candle_core::{DType, Device, Result as Computed, Tensor, Var};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an adapter updates and how strongly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoraConfig {
    /// Inner width of each update.
    pub rank: usize,
    /// The update is multiplied with `alpha / rank`.
    pub alpha: f64,
    /// Share of an update's inputs that are dropped while training, in `0..1`.
    pub dropout: f32,
    /// Only the last so many blocks; all when absent.
    pub layers: Option<usize>,
    /// The matrices that are updated.
    pub targets: Vec<Target>,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self { rank: 16, alpha: 32.0, dropout: 0.0, layers: None, targets: Target::ALL.to_vec() }
    }
}

impl LoraConfig {
    /// Factor on every update.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank as f64
    }

    /// The first block that is updated in a model of `layers` blocks.
    pub(crate) fn first_layer(&self, layers: usize) -> usize {
        layers - self.layers.unwrap_or(layers).min(layers)
    }
}

/// Where an update belongs: block and matrix.
pub type Place = (usize, Target);

/// A trained (or fresh) adapter for one model shape.
pub struct Adapter {
    /// The settings that it was made with.
    pub config: LoraConfig,
    /// The base model's name.
    pub base: String,
    pairs: BTreeMap<Place, Pair>,
}

/// The two matrices of one update, `a` `[in, rank]` and `b` `[rank, out]`, f32.
pub(crate) struct Pair {
    pub(crate) a: Var,
    pub(crate) b: Var,
}

impl Adapter {
    /// A fresh adapter that changes nothing yet: `a` uniform within ±1/√in, `b` zero.
    pub(crate) fn fresh(
        config: &LoraConfig,
        shape: &ModelShape,
        base: String,
        seed: u64,
        device: &Device,
    ) -> Computed<Self> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut pairs = BTreeMap::new();
        for layer in config.first_layer(shape.layers)..shape.layers {
            for target in Target::ALL {
                if !config.targets.contains(&target) {
                    continue;
                }
                let (out, width) = shape.matrix(target);
                let bound = 1.0 / (width as f32).sqrt();
                let a: Vec<f32> = (0..width * config.rank).map(|_| random.random_range(-bound..bound)).collect();
                let a = Tensor::from_vec(a, (width, config.rank), &Device::Cpu)?;
                let pair = Pair {
                    a: Var::from_tensor(&a.to_device(device)?)?,
                    b: Var::zeros((config.rank, out), DType::F32, device)?,
                };
                pairs.insert((layer, target), pair);
            }
        }
        Ok(Self { config: config.clone(), base, pairs })
    }

    /// An adapter of given matrices, `a` `[in, rank]` and `b` `[rank, out]`.
    pub(crate) fn of(config: LoraConfig, base: String, tensors: BTreeMap<Place, (Tensor, Tensor)>) -> Computed<Self> {
        let pairs = tensors
            .into_iter()
            .map(|(place, (a, b))| {
                let pair = Pair {
                    a: Var::from_tensor(&a.to_dtype(DType::F32)?.contiguous()?)?,
                    b: Var::from_tensor(&b.to_dtype(DType::F32)?.contiguous()?)?,
                };
                Ok((place, pair))
            })
            .collect::<Computed<_>>()?;
        Ok(Self { config, base, pairs })
    }

    /// Takes over another adapter's numbers: both must update the same matrices with the same rank and strength.
    pub(crate) fn begin_with(&self, other: &Self) -> Result<(), AdapterError> {
        let differs = |reason: String| Err(AdapterError::OtherBase { reason });
        let (ours, theirs) = (self.config.scale(), other.config.scale());
        if (ours - theirs).abs() > 1e-6 {
            return differs(format!("alpha / rank is {theirs} in the adapter to begin with, {ours} in the settings"));
        }
        if self.pairs.len() != other.pairs.len() {
            let (ours, theirs) = (self.pairs.len(), other.pairs.len());
            return differs(format!("the adapter to begin with updates {theirs} matrices, the settings name {ours}"));
        }
        for (place, pair) in &self.pairs {
            let name = format!("layer {} {}", place.0, place.1.module());
            let Some(known) = other.pairs.get(place) else {
                return differs(format!("the adapter to begin with does not update {name}"));
            };
            for (to, from) in [(&pair.a, &known.a), (&pair.b, &known.b)] {
                if to.dims() != from.dims() {
                    let (ours, theirs) = (to.dims(), from.dims());
                    return differs(format!("{name} is {theirs:?} in the adapter to begin with, {ours:?} wanted"));
                }
                to.set(&from.as_detached_tensor().to_device(to.device())?)?;
            }
        }
        Ok(())
    }

    /// The same adapter for checks in more exact arithmetic.
    #[cfg(test)]
    pub(crate) fn to_f64(&self) -> Computed<Self> {
        let exact = |var: &Var| Var::from_tensor(&var.as_detached_tensor().to_dtype(DType::F64)?);
        let pairs = self
            .pairs
            .iter()
            .map(|(&place, pair)| {
                let (a, b) = (exact(&pair.a)?, exact(&pair.b)?);
                Ok((place, Pair { a, b }))
            })
            .collect::<Computed<_>>()?;
        Ok(Self { config: self.config.clone(), base: self.base.clone(), pairs })
    }

    /// Refuses a model of another shape.
    ///
    /// # Errors
    /// [`AdapterError::OtherBase`] naming the first matrix that does not fit.
    pub fn check(&self, shape: &ModelShape) -> Result<(), AdapterError> {
        for (&(layer, target), pair) in &self.pairs {
            let place = format!("layer {layer} {}", target.module());
            if layer >= shape.layers {
                return Err(AdapterError::OtherBase {
                    reason: format!("it updates {place}, the model has {} layers", shape.layers),
                });
            }
            let (out, width) = shape.matrix(target);
            let found = (pair.b.dims().last().copied(), pair.a.dims().first().copied());
            if found != (Some(out), Some(width)) {
                return Err(AdapterError::OtherBase {
                    reason: format!(
                        "{place} is {out} × {width} in the model, {} × {} in the adapter",
                        found.0.unwrap_or(0),
                        found.1.unwrap_or(0)
                    ),
                });
            }
        }
        Ok(())
    }

    /// Numbers that training can change.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.vars().map(|var| var.elem_count()).sum()
    }

    /// The matrices by place.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (Place, &Pair)> {
        self.pairs.iter().map(|(&place, pair)| (place, pair))
    }

    /// All trained matrices, always in the same order.
    pub(crate) fn vars(&self) -> impl Iterator<Item = &Var> {
        self.pairs.values().flat_map(|pair| [&pair.a, &pair.b])
    }

    /// What the forward pass needs at a place.
    pub(crate) fn at(&self, place: Place, pass: Pass) -> Option<LoraPair> {
        let pair = self.pairs.get(&place)?;
        let tensor = |var: &Var| match pass {
            Pass::Learn { .. } => var.as_tensor().clone(),
            Pass::Evaluate => var.as_detached_tensor(),
        };
        let dropout = match pass {
            Pass::Learn { seed } if self.config.dropout > 0.0 => Some(Dropout {
                rate: self.config.dropout,
                // Apart from every other matrix of the pass.
                seed: seed ^ ((place.0 as u64 * 8 + place.1 as u64 + 1) << 40),
            }),
            _ => None,
        };
        Some(LoraPair { a: tensor(&pair.a), b: tensor(&pair.b), scale: self.config.scale(), dropout })
    }
}

/// What a forward pass is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pass {
    /// Gradients will be asked for; the seed decides what dropout drops.
    Learn {
        /// Differs from pass to pass.
        seed: u64,
    },
    /// Only the result counts.
    Evaluate,
}
