//! A BERT encoder laid out for short texts on few cores.
//!
//! States are kept feature by feature, `(features, tokens)`, so that every product has the large weight matrix on the
//! left, as it lies in memory. The other way round each weight would be repacked for a handful of tokens: for a
//! guest's sentence that costs more than the product itself. Several texts stand side by side in one state; nothing
//! is padded, and only attention looks at one text at a time.

use candle_core::{D, DType, Device, Module, Result, Tensor};
use candle_nn::{Activation, LayerNorm, VarBuilder, ops};
use serde::Deserialize;

/// The keys of `config.json` that shape the network.
#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) max_position_embeddings: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    type_vocab_size: usize,
    layer_norm_eps: f64,
    hidden_act: Activation,
}

impl Config {
    /// Refuses sizes that no encoder has, before they are computed with.
    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        if self.num_attention_heads == 0 || !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err("hidden_size is no multiple of num_attention_heads".to_owned());
        }
        if self.num_hidden_layers > 100 {
            return Err("num_hidden_layers is above 100".to_owned());
        }
        Ok(())
    }
}

/// The encoder with its weights.
pub(crate) struct Bert {
    words: Tensor,     // (vocabulary, features)
    positions: Tensor, // (positions, features); the type of a single text is added in
    norm: LayerNorm,
    layers: Vec<Layer>,
}

impl Bert {
    pub(crate) fn load(weights: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let features = config.hidden_size;
        let embeddings = weights.pp("embeddings");
        let table = |name: &str, rows| embeddings.get((rows, features), &format!("{name}_embeddings.weight"));
        let kind = table("token_type", config.type_vocab_size)?.narrow(0, 0, 1)?;
        let layers = weights.pp("encoder.layer");
        Ok(Self {
            words: table("word", config.vocab_size)?,
            positions: table("position", config.max_position_embeddings)?.broadcast_add(&kind)?,
            norm: candle_nn::layer_norm(features, config.layer_norm_eps, embeddings.pp("LayerNorm"))?,
            layers: (0..config.num_hidden_layers)
                .map(|at| Layer::load(&layers.pp(at), config))
                .collect::<Result<_>>()?,
        })
    }

    /// The states after each of `depths` many layers, `(features, tokens of all texts)` each.
    pub(crate) fn forward(&self, texts: &[&[u32]], depths: &[usize]) -> Result<Vec<Tensor>> {
        let ids: Vec<u32> = texts.concat();
        let at: Vec<u32> = texts.iter().flat_map(|text| (0u32..).take(text.len())).collect();
        let rows = |table: &Tensor, ids: Vec<u32>| table.index_select(&Tensor::new(ids, &Device::Cpu)?, 0);
        let states = (rows(&self.words, ids)? + rows(&self.positions, at)?)?;
        let mut states = self.norm.forward(&states)?.t()?.contiguous()?;
        let mut kept = Vec::with_capacity(depths.len());
        for (at, layer) in self.layers.iter().enumerate() {
            states = layer.forward(&states, texts)?;
            if depths.contains(&(at + 1)) {
                kept.push(states.clone());
            }
        }
        Ok(kept)
    }

    /// How many layers there are.
    pub(crate) fn depth(&self) -> usize {
        self.layers.len()
    }
}

struct Layer {
    /// Query, key and value in one product.
    inward: Linear,
    heads: usize,
    outward: Linear,
    norm: LayerNorm,
    widen: Linear,
    act: Activation,
    narrow: Linear,
    last_norm: LayerNorm,
}

impl Layer {
    fn load(weights: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let (features, wide) = (config.hidden_size, config.intermediate_size);
        let norm = |at: &str| candle_nn::layer_norm(features, config.layer_norm_eps, weights.pp(at));
        let attention = weights.pp("attention.self");
        let part = |name| Linear::load(&attention.pp(name), features, features);
        let (query, key, value) = (part("query")?, part("key")?, part("value")?);
        // Attention divides its scores by the root of a head's size: so do these weights, once and for all.
        let scale = 1.0 / ((features / config.num_attention_heads) as f64).sqrt();
        Ok(Self {
            inward: Linear {
                weight: Tensor::cat(&[(query.weight * scale)?, key.weight, value.weight], 0)?,
                bias: Tensor::cat(&[(query.bias * scale)?, key.bias, value.bias], 0)?,
            },
            heads: config.num_attention_heads,
            outward: Linear::load(&weights.pp("attention.output.dense"), features, features)?,
            norm: norm("attention.output.LayerNorm")?,
            widen: Linear::load(&weights.pp("intermediate.dense"), features, wide)?,
            act: config.hidden_act,
            narrow: Linear::load(&weights.pp("output.dense"), wide, features)?,
            last_norm: norm("output.LayerNorm")?,
        })
    }

    fn forward(&self, states: &Tensor, texts: &[&[u32]]) -> Result<Tensor> {
        let inward = self.inward.forward(states)?;
        let mut seen = Vec::with_capacity(texts.len());
        let mut start = 0;
        for text in texts {
            seen.push(self.attend(&inward.narrow(1, start, text.len())?)?);
            start += text.len();
        }
        let seen = self.outward.forward(&Tensor::cat(&seen, 1)?)?;
        let states = normalised(&self.norm, &(states + seen)?)?;
        let thought = self.narrow.forward(&self.act.forward(&self.widen.forward(&states)?)?)?;
        normalised(&self.last_norm, &(states + thought)?)
    }

    /// What each token of one text takes from the others: `(3 * features, tokens)` to `(features, tokens)`.
    fn attend(&self, inward: &Tensor) -> Result<Tensor> {
        let (rows, tokens) = inward.dims2()?;
        let parts = inward.contiguous()?.reshape((3, self.heads, rows / 3 / self.heads, tokens))?;
        let (query, key, value) = (parts.get(0)?, parts.get(1)?, parts.get(2)?);
        let weights = ops::softmax_last_dim(&query.transpose(1, 2)?.matmul(&key)?)?; // (heads, to, from)
        value.matmul(&weights.t()?)?.reshape((rows / 3, tokens))
    }
}

/// Layer norm wants a token's features side by side.
fn normalised(norm: &LayerNorm, states: &Tensor) -> Result<Tensor> {
    norm.forward(&states.t()?.contiguous()?)?.t()?.contiguous()
}

struct Linear {
    weight: Tensor, // (out, in)
    bias: Tensor,   // (out, 1)
}

impl Linear {
    fn load(weights: &VarBuilder<'_>, from: usize, to: usize) -> Result<Self> {
        Ok(Self { weight: weights.get((to, from), "weight")?, bias: weights.get(to, "bias")?.reshape((to, 1))? })
    }

    fn forward(&self, states: &Tensor) -> Result<Tensor> {
        self.weight.matmul(states)?.broadcast_add(&self.bias)
    }
}

/// Reads the weights as the file holds them.
pub(crate) fn weights(bytes: Vec<u8>) -> Result<VarBuilder<'static>> {
    VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu)
}

/// The mean direction of a text's states, of length 1.
pub(crate) fn pooled(states: &Tensor) -> Result<Vec<f32>> {
    // Dividing by the number of tokens would change nothing after the normalisation.
    let sum = states.sum(D::Minus1)?;
    let length = sum.sqr()?.sum_all()?.sqrt()?;
    sum.broadcast_div(&length)?.to_vec1()
}
