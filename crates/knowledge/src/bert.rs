//! A BERT encoder laid out for short texts on few cores.
//!
//! candle reads the weights; what is computed with them is here. A guest's sentence has ten tokens, and for so few a
//! library's product of matrices, made for hundreds, leaves most of the processor idle. Several texts stand one after
//! another in one list of states, a token's features side by side; nothing is padded, and only attention looks at one
//! text at a time.

use candle_core::{DType, Device, Error, Result, Shape};
use candle_nn::VarBuilder;
use serde::Deserialize;

use crate::kernel::{Matrix, add_multiple, dot, exp, gelu, normalised};

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
    layer_norm_eps: f32,
    #[serde(rename = "hidden_act")]
    _act: Act,
}

/// The curve between the two halves of a layer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Act {
    Gelu,
}

impl Config {
    /// Refuses sizes that no encoder has, before they are computed with.
    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        if self.num_attention_heads == 0 || !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err("hidden_size is no multiple of num_attention_heads".to_owned());
        }
        if self.hidden_size == 0 {
            return Err("hidden_size is 0".to_owned());
        }
        if self.num_hidden_layers > 100 {
            return Err("num_hidden_layers is above 100".to_owned());
        }
        Ok(())
    }
}

/// The encoder with its weights.
pub(crate) struct Bert {
    features: usize,
    words: Vec<f32>,     // (vocabulary, features)
    positions: Vec<f32>, // (positions, features); the type of a single text is added in
    norm: Norm,
    layers: Vec<Layer>,
}

impl Bert {
    pub(crate) fn load(weights: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let features = config.hidden_size;
        let embeddings = weights.pp("embeddings");
        let table = |name: &str, rows| read(&embeddings, (rows, features), &format!("{name}_embeddings.weight"));
        let kinds = table("token_type", config.type_vocab_size)?;
        let mut positions = table("position", config.max_position_embeddings)?;
        positions.chunks_mut(features).for_each(|position| add_multiple(position, 1.0, &kinds));
        let layers = weights.pp("encoder.layer");
        Ok(Self {
            features,
            words: table("word", config.vocab_size)?,
            positions,
            norm: Norm::load(&embeddings.pp("LayerNorm"), config)?,
            layers: (0..config.num_hidden_layers)
                .map(|at| Layer::load(&layers.pp(at), config))
                .collect::<Result<_>>()?,
        })
    }

    /// A vector for each text, made of its pooled states after each of `depths` many layers.
    pub(crate) fn forward(&self, texts: &[&[u32]], depths: &[usize]) -> Result<Vec<Vec<f32>>> {
        let mut states = Vec::with_capacity(texts.iter().map(|text| text.len()).sum::<usize>() * self.features);
        let row = |at: usize| at * self.features..(at + 1) * self.features;
        for (position, &token) in texts.iter().flat_map(|text| text.iter().enumerate()) {
            let word = self.words.get(row(token as usize));
            let position = self.positions.get(row(position));
            let (word, position) = word.zip(position).ok_or_else(|| Error::msg("a token that the model has not"))?;
            states.extend(word.iter().zip(position).map(|(word, position)| word + position));
        }
        self.norm.apply(&mut states);
        let mut vectors = vec![Vec::with_capacity(depths.len() * self.features); texts.len()];
        for (at, layer) in self.layers.iter().enumerate() {
            layer.apply(&mut states, texts);
            if depths.contains(&(at + 1)) {
                for (vector, states) in vectors.iter_mut().zip(each(texts, &states, self.features)) {
                    vector.extend(pooled(states, self.features));
                }
            }
        }
        Ok(vectors)
    }

    /// How many layers there are.
    pub(crate) fn depth(&self) -> usize {
        self.layers.len()
    }
}

struct Layer {
    features: usize,
    heads: usize,
    /// Query, key and value in one product.
    inward: Matrix,
    outward: Matrix,
    norm: Norm,
    widen: Matrix,
    narrow: Matrix,
    last_norm: Norm,
}

impl Layer {
    fn load(weights: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let (features, wide) = (config.hidden_size, config.intermediate_size);
        let attention = weights.pp("attention.self");
        let (mut rows, mut bias) = (Vec::new(), Vec::new());
        // Attention divides its scores by the root of a head's size: so do the query's weights, once and for all.
        let scale = 1.0 / ((features / config.num_attention_heads) as f32).sqrt();
        for (name, factor) in [("query", scale), ("key", 1.0), ("value", 1.0)] {
            let part = attention.pp(name);
            rows.extend(read(&part, (features, features), "weight")?.into_iter().map(|weight| weight * factor));
            bias.extend(read(&part, features, "bias")?.into_iter().map(|bias| bias * factor));
        }
        Ok(Self {
            features,
            heads: config.num_attention_heads,
            inward: Matrix::new(&rows, bias),
            outward: matrix(&weights.pp("attention.output.dense"), features, features)?,
            norm: Norm::load(&weights.pp("attention.output.LayerNorm"), config)?,
            widen: matrix(&weights.pp("intermediate.dense"), features, wide)?,
            narrow: matrix(&weights.pp("output.dense"), wide, features)?,
            last_norm: Norm::load(&weights.pp("output.LayerNorm"), config)?,
        })
    }

    fn apply(&self, states: &mut [f32], texts: &[&[u32]]) {
        let inward = self.inward.times(states);
        let mut seen = Vec::with_capacity(states.len());
        for text in each(texts, &inward, 3 * self.features) {
            seen.extend(self.attend(text));
        }
        add_multiple(states, 1.0, &self.outward.times(&seen));
        self.norm.apply(states);
        let mut thought = self.widen.times(states);
        thought.iter_mut().for_each(|value| *value = gelu(*value));
        add_multiple(states, 1.0, &self.narrow.times(&thought));
        self.last_norm.apply(states);
    }

    /// What each token of one text takes from the others: query, key and value of each token become its new features.
    fn attend(&self, inward: &[f32]) -> Vec<f32> {
        let (features, size) = (self.features, self.features / self.heads);
        let tokens = || inward.chunks_exact(3 * features).map(|token| Parts::of(token, features));
        let mut seen = vec![0.0; inward.len() / 3];
        let mut shares = Vec::with_capacity(inward.len() / (3 * features));
        for (to, seen) in tokens().zip(seen.chunks_exact_mut(features)) {
            for (head, seen) in seen.chunks_exact_mut(size).enumerate() {
                let own = head * size..(head + 1) * size;
                shares.clear();
                shares.extend(tokens().map(|from| dot(&to.query[own.clone()], &from.key[own.clone()])));
                softmax(&mut shares);
                for (share, from) in shares.iter().zip(tokens()) {
                    add_multiple(seen, *share, &from.value[own.clone()]);
                }
            }
        }
        seen
    }
}

/// What attention makes of a token.
struct Parts<'a> {
    query: &'a [f32],
    key: &'a [f32],
    value: &'a [f32],
}

impl<'a> Parts<'a> {
    fn of(token: &'a [f32], features: usize) -> Self {
        let (query, rest) = token.split_at(features);
        let (key, value) = rest.split_at(features);
        Self { query, key, value }
    }
}

/// Brings each token's features to mean 0 and variance 1, then to what was learnt.
struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl Norm {
    fn load(weights: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let features = config.hidden_size;
        let (weight, bias) = (read(weights, features, "weight")?, read(weights, features, "bias")?);
        Ok(Self { weight, bias, epsilon: config.layer_norm_eps })
    }

    fn apply(&self, states: &mut [f32]) {
        let features = self.weight.len();
        for token in states.chunks_exact_mut(features) {
            let mean = token.iter().sum::<f32>() / features as f32;
            token.iter_mut().for_each(|value| *value -= mean);
            let factor = (dot(token, token) / features as f32 + self.epsilon).sqrt().recip();
            for ((value, weight), bias) in token.iter_mut().zip(&self.weight).zip(&self.bias) {
                *value = *value * factor * weight + bias;
            }
        }
    }
}

fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|score| *score = exp(*score - most));
    let whole = scores.iter().sum::<f32>().recip();
    scores.iter_mut().for_each(|score| *score *= whole);
}

/// The part of each text in what all of them have, `width` numbers a token.
fn each<'a>(texts: &[&[u32]], all: &'a [f32], width: usize) -> impl Iterator<Item = &'a [f32]> {
    let mut rest = all;
    texts.iter().map(move |text| {
        let (own, later) = rest.split_at(text.len() * width);
        rest = later;
        own
    })
}

/// The mean direction of a text's states, of length 1.
fn pooled(states: &[f32], features: usize) -> Vec<f32> {
    // Dividing by the number of tokens would change nothing after the normalisation.
    let mut sum = vec![0.0; features];
    states.chunks_exact(features).for_each(|token| add_multiple(&mut sum, 1.0, token));
    normalised(&sum)
}

fn matrix(weights: &VarBuilder<'_>, from: usize, to: usize) -> Result<Matrix> {
    Ok(Matrix::new(&read(weights, (to, from), "weight")?, read(weights, to, "bias")?))
}

fn read(weights: &VarBuilder<'_>, shape: impl Into<Shape>, name: &str) -> Result<Vec<f32>> {
    weights.get(shape.into(), name)?.flatten_all()?.to_vec1()
}

/// Reads the weights as the file holds them.
pub(crate) fn weights(bytes: Vec<u8>) -> Result<VarBuilder<'static>> {
    VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu)
}
