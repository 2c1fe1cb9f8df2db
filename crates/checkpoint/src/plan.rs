//! Which tensors the GGUF file will have, and from what each is made.

use gguf::Writer;
use safetensors::Dtype;

use crate::{ImportError, config::Config, safetensors::Weights};

/// Beyond any real vocabulary.
const VOCABULARY_AT_MOST: u64 = 2 << 20;
/// Parts of a model that see pictures; the engine reads text.
const LEFT_OUT: [&str; 4] =
    ["vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."];
/// Under which names the text model stands: alone, and within one that sees pictures, by three conventions.
const PREFIXES: [&str; 4] = ["model.", "language_model.model.", "model.language_model.", "language_model."];

/// The element types that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    F32,
    F16,
    Bf16,
    /// Blocks of 32 weights of four bits, with a scale and a least value of 16 bits each.
    Q4_1,
}

impl Kind {
    /// As ggml numbers it.
    pub const fn number(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_1 => 3,
            Self::Bf16 => 30,
        }
    }
}

/// How a tensor is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    /// The bytes as they are.
    Copy,
    /// As 32-bit floats, and 1 added: Gemma's norms multiply by `1 + w`, llama.cpp's by `w`.
    Norm,
    /// Packed weights with a scale and a bias for each group.
    Packed { bits: u32, group: u64 },
}

/// A tensor to be written.
#[derive(Clone, Debug)]
pub struct Planned {
    pub name: String,
    /// The fastest dimension first.
    pub shape: [u64; 4],
    pub kind: Kind,
    pub making: Making,
    /// Its name in the checkpoint, without `.weight`.
    pub source: String,
}

impl Planned {
    /// Weights of a row.
    pub const fn columns(&self) -> u64 {
        self.shape[0]
    }

    /// Rows.
    pub const fn rows(&self) -> u64 {
        self.shape[1]
    }

    /// Bytes of its data.
    pub const fn bytes(&self) -> u64 {
        let elements = self.columns() * self.rows();
        match self.kind {
            Kind::F32 => elements * 4,
            Kind::F16 | Kind::Bf16 => elements * 2,
            Kind::Q4_1 => elements / 32 * 20,
        }
    }
}

/// All of it.
#[derive(Debug)]
pub struct Plan {
    pub tensors: Vec<Planned>,
    /// Tokens of the vocabulary: rows of the embedding.
    pub vocabulary: u64,
    pub skipped: usize,
    heads: u64,
    heads_kv: u64,
}

/// The matrices of a layer: names there and here, and lengths of their rows and columns by what they are made of.
#[derive(Clone, Copy)]
enum Length {
    Hidden,
    Heads,
    HeadsKv,
    Inner,
    Head,
}

const MATRICES: [(&str, &str, Length, Length); 7] = [
    ("self_attn.q_proj", "attn_q", Length::Heads, Length::Hidden),
    ("self_attn.k_proj", "attn_k", Length::HeadsKv, Length::Hidden),
    ("self_attn.v_proj", "attn_v", Length::HeadsKv, Length::Hidden),
    ("self_attn.o_proj", "attn_output", Length::Hidden, Length::Heads),
    ("mlp.gate_proj", "ffn_gate", Length::Inner, Length::Hidden),
    ("mlp.up_proj", "ffn_up", Length::Inner, Length::Hidden),
    ("mlp.down_proj", "ffn_down", Length::Hidden, Length::Inner),
];

const NORMS: [(&str, &str, Length); 6] = [
    ("input_layernorm", "attn_norm", Length::Hidden),
    ("self_attn.q_norm", "attn_q_norm", Length::Head),
    ("self_attn.k_norm", "attn_k_norm", Length::Head),
    ("post_attention_layernorm", "post_attention_norm", Length::Hidden),
    ("pre_feedforward_layernorm", "ffn_norm", Length::Hidden),
    ("post_feedforward_layernorm", "post_ffw_norm", Length::Hidden),
];

impl Plan {
    /// Finds every tensor that the configuration asks for, with the shape that it asks for.
    pub fn new(config: &Config, weights: &Weights) -> Result<Self, ImportError> {
        let prefix = PREFIXES.into_iter().find(|prefix| weights.get(&format!("{prefix}embed_tokens.weight")).is_some());
        let prefix = prefix.ok_or_else(|| tensor("embed_tokens.weight", "is not there"))?;
        let embedding = format!("{prefix}embed_tokens");
        let rows = |source: &str| {
            let found = weights.get(&format!("{source}.weight")).and_then(|tensor| tensor.shape.first().copied());
            found.ok_or_else(|| tensor(source, "is not there"))
        };
        let vocabulary = rows(&embedding)?;
        if !(1..=VOCABULARY_AT_MOST).contains(&vocabulary) {
            return Err(tensor(&embedding, "has a row for each of too many tokens"));
        }
        let heads = |source: &str, told: Option<u64>| {
            let found = rows(&format!("{prefix}layers.0.{source}"))? / config.head_dim;
            let fits = (1..=1024).contains(&found) && told.is_none_or(|told| told == found);
            fits.then_some(found).ok_or_else(|| tensor(source, "has not the number of heads that config.json tells"))
        };
        let mut plan = Self {
            tensors: Vec::new(),
            vocabulary,
            skipped: weights.names().filter(|name| LEFT_OUT.iter().any(|part| name.starts_with(part))).count(),
            heads: heads("self_attn.q_proj", config.num_attention_heads)?,
            heads_kv: heads("self_attn.k_proj", config.num_key_value_heads)?,
        };
        plan.matrix(weights, "token_embd", embedding, vocabulary, config.hidden_size)?;
        plan.norm(weights, "output_norm", format!("{prefix}norm"), config.hidden_size)?;
        let head = ["lm_head", "language_model.lm_head"];
        if let Some(head) = head.into_iter().find(|name| weights.get(&format!("{name}.weight")).is_some()) {
            plan.matrix(weights, "output", head.to_owned(), vocabulary, config.hidden_size)?;
        }
        for layer in 0..config.num_hidden_layers {
            for (there, here, length) in NORMS {
                let length = plan.length(config, length);
                plan.norm(weights, &format!("blk.{layer}.{here}"), format!("{prefix}layers.{layer}.{there}"), length)?;
            }
            for (there, here, rows, columns) in MATRICES {
                let (rows, columns) = (plan.length(config, rows), plan.length(config, columns));
                let source = format!("{prefix}layers.{layer}.{there}");
                plan.matrix(weights, &format!("blk.{layer}.{here}"), source, rows, columns)?;
            }
        }
        let beyond = format!("{prefix}layers.{}.", config.num_hidden_layers);
        match weights.names().find(|name| name.starts_with(&beyond)) {
            Some(name) => Err(tensor(name, "is of a layer that config.json does not tell of")),
            None => Ok(plan),
        }
    }

    /// The sizes as GGUF's keys have them.
    #[allow(clippy::cast_possible_truncation, reason = "bounded where they were read")]
    pub fn describe(&self, config: &Config, writer: &mut Writer) {
        for (key, value) in [
            ("context_length", config.max_position_embeddings),
            ("embedding_length", config.hidden_size as u32),
            ("block_count", config.num_hidden_layers as u32),
            ("feed_forward_length", config.intermediate_size as u32),
            ("attention.head_count", self.heads as u32),
            ("attention.head_count_kv", self.heads_kv as u32),
            ("attention.key_length", config.head_dim as u32),
            ("attention.value_length", config.head_dim as u32),
            ("attention.sliding_window", config.sliding_window),
        ] {
            writer.u32(&format!("gemma3.{key}"), value);
        }
        writer.f32("gemma3.attention.layer_norm_rms_epsilon", config.rms_norm_eps);
        writer.f32("gemma3.rope.freq_base", config.rope_base());
        if let Some(factor) = config.rope_factor() {
            writer.text("gemma3.rope.scaling.type", "linear").f32("gemma3.rope.scaling.factor", factor);
        }
        if let Some(bound) = config.final_softcapping() {
            writer.f32("gemma3.final_logit_softcapping", bound);
        }
    }

    const fn length(&self, config: &Config, length: Length) -> u64 {
        match length {
            Length::Hidden => config.hidden_size,
            Length::Heads => self.heads * config.head_dim,
            Length::HeadsKv => self.heads_kv * config.head_dim,
            Length::Inner => config.intermediate_size,
            Length::Head => config.head_dim,
        }
    }

    fn norm(&mut self, weights: &Weights, name: &str, source: String, length: u64) -> Result<(), ImportError> {
        let found = weights.get(&format!("{source}.weight")).ok_or_else(|| tensor(&source, "is not there"))?;
        plain(found.dtype).ok_or_else(|| tensor(&source, "is of a type that is not read"))?;
        if found.shape != [length] {
            return Err(tensor(&source, format!("has the shape {:?}, and [{length}] is expected", found.shape)));
        }
        let (shape, name) = ([length, 1, 1, 1], format!("{name}.weight"));
        self.tensors.push(Planned { name, shape, kind: Kind::F32, making: Making::Norm, source });
        Ok(())
    }

    fn matrix(
        &mut self,
        weights: &Weights,
        name: &str,
        source: String,
        rows: u64,
        columns: u64,
    ) -> Result<(), ImportError> {
        let found = weights.get(&format!("{source}.weight")).ok_or_else(|| tensor(&source, "is not there"))?;
        let (kind, making) = if found.dtype == Dtype::U32 {
            let (bits, group) = packing(weights, &source, &found.shape, rows, columns)?;
            let kind = if bits == 4 && group.is_multiple_of(32) { Kind::Q4_1 } else { Kind::F16 };
            (kind, Making::Packed { bits, group })
        } else {
            let kind = plain(found.dtype).ok_or_else(|| tensor(&source, "is of a type that is not read"))?;
            if found.shape != [rows, columns] {
                let expected = format!("has the shape {:?}, and [{rows}, {columns}] is expected", found.shape);
                return Err(tensor(&source, expected));
            }
            (kind, Making::Copy)
        };
        let (shape, name) = ([columns, rows, 1, 1], format!("{name}.weight"));
        self.tensors.push(Planned { name, shape, kind, making, source });
        Ok(())
    }
}

/// Bits of a weight and weights of a group, as the shapes tell them: a row of `columns` weights is packed into so many
/// 32-bit words, and has so many scales.
fn packing(
    weights: &Weights,
    source: &str,
    packed: &[u64],
    rows: u64,
    columns: u64,
) -> Result<(u32, u64), ImportError> {
    let side = |what: &str| {
        let name = format!("{source}.{what}");
        let found = weights.get(&name).ok_or_else(|| tensor(&name, "is not there"))?;
        plain(found.dtype).ok_or_else(|| tensor(&name, "is of a type that is not read"))?;
        Ok::<_, ImportError>((found.dtype, found.shape.clone()))
    };
    let (scales, biases) = (side("scales")?, side("biases")?);
    let wrong = || tensor(source, "has scales, biases and packed weights that do not belong together");
    let (&[packed_rows, words], [scale_rows, groups]) = (packed, scales.1.as_slice()) else { return Err(wrong()) };
    if packed_rows != rows
        || *scale_rows != rows
        || scales != biases
        || *groups == 0
        || !columns.is_multiple_of(*groups)
    {
        return Err(wrong());
    }
    let bits = [2_u32, 4, 8].into_iter().find(|bits| words * 32 == columns * u64::from(*bits));
    let bits = bits.ok_or_else(|| tensor(source, "is packed to a width that is not read; 2, 4 and 8 bits are"))?;
    Ok((bits, columns / groups))
}

/// The written type of an unpacked one.
pub fn plain(dtype: Dtype) -> Option<Kind> {
    match dtype {
        Dtype::F32 => Some(Kind::F32),
        Dtype::F16 => Some(Kind::F16),
        Dtype::BF16 => Some(Kind::Bf16),
        _ => None,
    }
}

fn tensor(name: &str, reason: impl Into<String>) -> ImportError {
    ImportError::Tensor { name: name.chars().take(120).collect(), reason: reason.into() }
}
