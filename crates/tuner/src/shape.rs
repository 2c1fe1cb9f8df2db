//! The shape of a Gemma 3 text model and the names of its matrices in each file format.

use serde::{Deserialize, Serialize};

/// Sizes and constants of a Gemma 3 text model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelShape {
    /// Transformer blocks.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of the feed-forward block.
    pub feed_forward: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Tokens that a local layer looks back over, itself included.
    pub window: usize,
    /// Every how many-th layer looks back over everything.
    pub global_every: usize,
    /// Base of the turning angles in global layers.
    pub rope_global: f64,
    /// Divisor of positions in global layers (8 in the larger models, else 1).
    pub rope_stretch: f64,
    /// Base of the turning angles in local layers.
    pub rope_local: f64,
    /// Keeps the norms from dividing by zero.
    pub eps: f64,
    /// Factor on attention scores.
    pub query_scale: f64,
}

impl ModelShape {
    /// Whether this layer looks back over everything instead of a window.
    #[must_use]
    pub fn is_global(&self, layer: usize) -> bool {
        (layer + 1).is_multiple_of(self.global_every)
    }

    /// `(out, in)` of a matrix.
    #[must_use]
    pub fn matrix(&self, target: Target) -> (usize, usize) {
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        match target {
            Target::Q => (q, self.hidden),
            Target::K | Target::V => (kv, self.hidden),
            Target::O => (self.hidden, q),
            Target::Gate | Target::Up => (self.feed_forward, self.hidden),
            Target::Down => (self.hidden, self.feed_forward),
        }
    }

    /// Why these sizes cannot be a model, if they cannot.
    pub(crate) fn fault(&self) -> Option<String> {
        let sizes = [
            self.layers,
            self.hidden,
            self.feed_forward,
            self.heads,
            self.kv_heads,
            self.head_dim,
            self.vocabulary,
            self.window,
            self.global_every,
        ];
        if sizes.contains(&0) || sizes.iter().any(|&size| size > 1 << 24) {
            return Some(format!("a size is zero or absurd: {self:?}"));
        }
        if !self.heads.is_multiple_of(self.kv_heads) || !self.head_dim.is_multiple_of(2) {
            return Some(format!(
                "{} query heads over {} key heads of width {}",
                self.heads, self.kv_heads, self.head_dim
            ));
        }
        None
    }
}

/// A matrix of a block that LoRA can update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Queries
    Q,
    /// Keys
    K,
    /// Values
    V,
    /// Attention's output
    O,
    /// The feed-forward gate
    Gate,
    /// The feed-forward input
    Up,
    /// The feed-forward output
    Down,
}

impl Target {
    /// Every matrix, in the order of a block.
    pub const ALL: [Self; 7] = [Self::Q, Self::K, Self::V, Self::O, Self::Gate, Self::Up, Self::Down];

    /// The module's name in Hugging Face, MLX and PEFT files, within `model.layers.N`.
    #[must_use]
    pub fn module(self) -> &'static str {
        match self {
            Self::Q => "self_attn.q_proj",
            Self::K => "self_attn.k_proj",
            Self::V => "self_attn.v_proj",
            Self::O => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }

    /// The tensor's name in GGUF files, within `blk.N`.
    #[must_use]
    pub fn gguf(self) -> &'static str {
        match self {
            Self::Q => "attn_q",
            Self::K => "attn_k",
            Self::V => "attn_v",
            Self::O => "attn_output",
            Self::Gate => "ffn_gate",
            Self::Up => "ffn_up",
            Self::Down => "ffn_down",
        }
    }

    pub(crate) fn from_module(module: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.module() == module)
    }
}

impl std::str::FromStr for Target {
    type Err = String;

    /// `q`, `k`, `v`, `o`, `gate`, `up` or `down`, with or without `_proj`.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().trim_end_matches("_proj");
        Self::ALL
            .into_iter()
            .find(|target| {
                target.module().rsplit('.').next().is_some_and(|module| module.trim_end_matches("_proj") == name)
            })
            .ok_or_else(|| format!("'{text}' is not one of q, k, v, o, gate, up, down"))
    }
}

/// The norms of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NormName {
    BeforeAttention,
    Query,
    Key,
    AfterAttention,
    BeforeFeedForward,
    AfterFeedForward,
}

impl NormName {
    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::BeforeAttention => "input_layernorm",
            Self::Query => "self_attn.q_norm",
            Self::Key => "self_attn.k_norm",
            Self::AfterAttention => "post_attention_layernorm",
            Self::BeforeFeedForward => "pre_feedforward_layernorm",
            Self::AfterFeedForward => "post_feedforward_layernorm",
        }
    }

    pub(crate) fn gguf(self) -> &'static str {
        match self {
            Self::BeforeAttention => "attn_norm",
            Self::Query => "attn_q_norm",
            Self::Key => "attn_k_norm",
            Self::AfterAttention => "post_attention_norm",
            Self::BeforeFeedForward => "ffn_norm",
            Self::AfterFeedForward => "post_ffw_norm",
        }
    }
}
