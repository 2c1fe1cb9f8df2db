//! Gemma 3's forward pass over packed sequences, differentiable in the adapter alone.

use crate::base::Base;
use crate::error::TrainError;
use crate::lora::{Adapter, Pass};
use crate::ops::{Head, Rope, add_norm, attention, cross_entropy, frozen, geglu, lora_linear, norm, norm_rope};
use crate::shape::{ModelShape, NormName, Target};
use candle_core::{DType, Device, Result, Tensor};
use std::sync::Arc;

/// Sequences laid end to end, with the places whose next token is asked for.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    /// All tokens of all sequences.
    pub(crate) tokens: Vec<u32>,
    /// Length of each sequence.
    pub(crate) lengths: Vec<usize>,
    /// Positions in `tokens` from which a token is predicted, rising.
    pub(crate) positions: Vec<u32>,
    /// The token that should follow each position.
    pub(crate) targets: Vec<u32>,
}

impl Packed {
    /// Adds a sequence of which the tokens from `first` on are to be predicted; its last token is
    /// only ever predicted, so it is not fed in.
    pub fn push(&mut self, tokens: &[u32], first: usize) {
        let Some((_, input)) = tokens.split_last() else {
            return;
        };
        if input.is_empty() {
            return;
        }
        let start = self.tokens.len();
        for (place, &token) in tokens.iter().enumerate().skip(first.max(1)) {
            self.positions.push((start + place - 1) as u32);
            self.targets.push(token);
        }
        self.tokens.extend_from_slice(input);
        self.lengths.push(input.len());
    }

    /// Tokens fed in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Tokens asked for.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.targets.len()
    }
}

/// A frozen Gemma 3 text model, dequantised.
pub struct Gemma {
    shape: ModelShape,
    embedding: Tensor,
    layers: Vec<Layer>,
    final_norm: Tensor,
    device: Device,
}

struct Layer {
    /// In the order of [`Target::ALL`].
    matrices: Vec<Tensor>,
    before_attention: Tensor,
    query_norm: Tensor,
    key_norm: Tensor,
    after_attention: Tensor,
    before_feed_forward: Tensor,
    after_feed_forward: Tensor,
}

/// What all layers share in one pass.
struct Context<'a> {
    adapter: Option<&'a Adapter>,
    pass: Pass,
    lengths: Arc<[usize]>,
    local: Rope,
    global: Rope,
}

impl Gemma {
    /// Loads and dequantises the weights.
    ///
    /// # Errors
    /// [`TrainError::Base`] when a tensor is missing or has another shape than the model's.
    pub fn load(base: &mut Base, device: &Device) -> std::result::Result<Self, TrainError> {
        Self::load_as(base, device, DType::F32)
    }

    /// [`Self::load`] in another type, for checks against more exact arithmetic.
    pub(crate) fn load_as(base: &mut Base, device: &Device, dtype: DType) -> std::result::Result<Self, TrainError> {
        let shape = base.shape().clone();
        let place = |tensor: Tensor| tensor.to_dtype(dtype)?.to_device(device);
        let mut layers = Vec::with_capacity(shape.layers);
        for layer in 0..shape.layers {
            let matrices = Target::ALL
                .into_iter()
                .map(|target| Ok(place(base.matrix(layer, target)?)?))
                .collect::<std::result::Result<_, TrainError>>()?;
            let mut norm = |name| Ok::<_, TrainError>(place(base.norm(layer, name)?)?);
            layers.push(Layer {
                matrices,
                before_attention: norm(NormName::BeforeAttention)?,
                query_norm: norm(NormName::Query)?,
                key_norm: norm(NormName::Key)?,
                after_attention: norm(NormName::AfterAttention)?,
                before_feed_forward: norm(NormName::BeforeFeedForward)?,
                after_feed_forward: norm(NormName::AfterFeedForward)?,
            });
        }
        Ok(Self {
            embedding: place(base.embedding()?)?,
            final_norm: place(base.final_norm()?)?,
            layers,
            shape,
            device: device.clone(),
        })
    }

    /// The model's sizes.
    #[must_use]
    pub fn shape(&self) -> &ModelShape {
        &self.shape
    }

    /// The device that holds the weights.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The summed loss `Σ -log p(target)` over all asked positions, a scalar.
    pub(crate) fn loss(&self, batch: &Packed, adapter: Option<&Adapter>, pass: Pass) -> Result<Tensor> {
        let hidden = self.hidden(batch, adapter, pass)?;
        let head = Head { weight: self.embedding.clone() };
        let targets: Arc<[u32]> = batch.targets.as_slice().into();
        let learn = matches!(pass, Pass::Learn { .. });
        cross_entropy(&hidden, &head, &targets, learn)
    }

    /// The logits at all asked positions, `[positions, vocabulary]`.
    ///
    /// # Errors
    /// A failed computation.
    pub fn logits(&self, batch: &Packed, adapter: Option<&Adapter>) -> Result<Tensor> {
        frozen(&self.hidden(batch, adapter, Pass::Evaluate)?, &self.embedding)
    }

    /// The normalised hidden states at the asked positions, `[positions, hidden]`.
    fn hidden(&self, batch: &Packed, adapter: Option<&Adapter>, pass: Pass) -> Result<Tensor> {
        let shape = &self.shape;
        let tokens = Tensor::new(batch.tokens.as_slice(), &self.device)?;
        let asked = Tensor::new(batch.positions.as_slice(), &self.device)?;
        let rope = |base, stretch| Rope::new(&batch.lengths, shape.head_dim, base, stretch);
        let context = Context {
            adapter,
            pass,
            lengths: batch.lengths.as_slice().into(),
            local: rope(shape.rope_local, 1.0),
            global: rope(shape.rope_global, shape.rope_stretch),
        };
        let embedded = self.embedding.index_select(&tokens, 0)?;
        let mut x = (embedded * (shape.hidden as f64).sqrt())?;
        for layer in 0..shape.layers {
            // After its attention the last layer has nothing to do for positions nobody asks for.
            let keep = (layer + 1 == shape.layers).then_some(&asked);
            x = self.layer(layer, &x, keep, &context)?;
        }
        norm(&x, &self.final_norm, shape.eps)
    }

    fn layer(&self, index: usize, x: &Tensor, keep: Option<&Tensor>, context: &Context<'_>) -> Result<Tensor> {
        let (layer, shape) = (&self.layers[index], &self.shape);
        let tokens = x.dim(0)?;
        let linear = |x: &Tensor, target: Target| {
            let weight = &layer.matrices[target as usize];
            match context.adapter.and_then(|adapter| adapter.at((index, target), context.pass)) {
                Some(pair) => lora_linear(x, weight, &pair),
                None => frozen(x, weight),
            }
        };
        let (rope, window) =
            if shape.is_global(index) { (&context.global, None) } else { (&context.local, Some(shape.window)) };

        let h = norm(x, &layer.before_attention, shape.eps)?;
        let heads = |x: Tensor, count: usize| x.reshape((tokens, count, shape.head_dim));
        let q = heads(linear(&h, Target::Q)?, shape.heads)?;
        let k = heads(linear(&h, Target::K)?, shape.kv_heads)?;
        let v = heads(linear(&h, Target::V)?, shape.kv_heads)?;
        let q = norm_rope(&q, &layer.query_norm, shape.eps, rope)?;
        let k = norm_rope(&k, &layer.key_norm, shape.eps, rope)?;
        let mixed = attention(&q, &k, &v, &context.lengths, window, shape.query_scale)?
            .reshape((tokens, shape.heads * shape.head_dim))?;
        let (x, mixed) = match keep {
            Some(keep) => (x.index_select(keep, 0)?, mixed.index_select(keep, 0)?),
            None => (x.clone(), mixed),
        };
        let h = linear(&mixed, Target::O)?;
        let x = add_norm(&x, &h, &layer.after_attention, shape.eps)?;

        let h = norm(&x, &layer.before_feed_forward, shape.eps)?;
        let h = geglu(&linear(&h, Target::Gate)?, &linear(&h, Target::Up)?)?;
        let h = linear(&h, Target::Down)?;
        add_norm(&x, &h, &layer.after_feed_forward, shape.eps)
    }
}
