//! What `config.json` says of the model.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::{ImportError, read_json};

/// Bytes of a configuration; real ones have a few thousand.
const CONFIG_AT_MOST: u64 = 1 << 20;

/// The sizes of the text model. Where a checkpoint leaves one out, it is the one that the family's reference has.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub hidden_size: u64,
    pub num_hidden_layers: u64,
    pub intermediate_size: u64,
    /// Found out from the weights where it is left out.
    pub num_attention_heads: Option<u64>,
    pub num_key_value_heads: Option<u64>,
    #[serde(default = "head_dim")]
    pub head_dim: u64,
    #[serde(default = "rms_norm_eps")]
    pub rms_norm_eps: f32,
    #[serde(default = "sliding_window")]
    pub sliding_window: u32,
    #[serde(default = "max_position_embeddings")]
    pub max_position_embeddings: u32,
    /// Of the layers that look at everything; newer configurations have it in `rope_parameters`.
    rope_theta: Option<f32>,
    rope_scaling: Option<Scaling>,
    rope_parameters: Option<Parameters>,
    attn_logit_softcapping: Option<f32>,
    final_logit_softcapping: Option<f32>,
    sliding_window_pattern: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
struct Scaling {
    factor: Option<f32>,
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f32>,
}

#[derive(Clone, Debug, Deserialize)]
struct Parameters {
    full_attention: Option<Scaling>,
}

const fn head_dim() -> u64 {
    256
}

const fn rms_norm_eps() -> f32 {
    1e-6
}

const fn sliding_window() -> u32 {
    512
}

const fn max_position_embeddings() -> u32 {
    131_072
}

impl Config {
    /// Reads and checks a configuration: that of a text model, or the text part of one that sees pictures too.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let whole: Value = read_json(path, CONFIG_AT_MOST)?;
        let kind = whole.get("model_type").and_then(Value::as_str).unwrap_or("unnamed");
        let text = match kind {
            "gemma3_text" => &whole,
            "gemma3" => whole.get("text_config").unwrap_or(&whole),
            other => {
                let other: String = other.chars().take(40).collect();
                return Err(ImportError::Unsupported(format!("it is of the family \"{other}\", and gemma3 is wanted")));
            }
        };
        let damaged = |reason: String| ImportError::Damaged { path: path.to_owned(), reason };
        let mode = ["quantization", "quantization_config"].iter().find_map(|key| whole.get(key)?.get("mode")?.as_str());
        if let Some(mode) = mode.filter(|mode| *mode != "affine") {
            let mode: String = mode.chars().take(40).collect();
            return Err(ImportError::Unsupported(format!("its weights are packed as \"{mode}\", and affine is read")));
        }
        let config: Self = serde_json::from_value(text.clone()).map_err(|error| damaged(error.to_string()))?;
        for (key, value, most) in [
            ("hidden_size", config.hidden_size, 1 << 16),
            ("num_hidden_layers", config.num_hidden_layers, 512),
            ("intermediate_size", config.intermediate_size, 1 << 20),
            ("head_dim", config.head_dim, 1 << 12),
            ("sliding_window", config.sliding_window.into(), 1 << 20),
            ("max_position_embeddings", config.max_position_embeddings.into(), 1 << 24),
        ] {
            if !(1..=most).contains(&value) {
                return Err(damaged(format!("{key} is {value}, and 1 to {most} makes sense")));
            }
        }
        if config.attn_logit_softcapping.is_some() || config.sliding_window_pattern.is_some_and(|every| every != 6) {
            return Err(ImportError::Unsupported("its attention is not Gemma 3's".to_owned()));
        }
        Ok(config)
    }

    fn scaling(&self) -> Option<&Scaling> {
        self.rope_scaling.as_ref().or_else(|| self.rope_parameters.as_ref()?.full_attention.as_ref())
    }

    /// The base of the rotations in the layers that look at everything.
    pub fn rope_base(&self) -> f32 {
        self.rope_theta.or_else(|| self.scaling()?.rope_theta).unwrap_or(1_000_000.0)
    }

    /// By what positions are stretched in those layers.
    pub fn rope_factor(&self) -> Option<f32> {
        let scaling = self.scaling().filter(|scaling| scaling.rope_type.as_deref() == Some("linear"))?;
        scaling.factor.filter(|factor| factor.is_finite() && *factor > 0.0)
    }

    /// The bound of the scores, where there is one.
    pub fn final_softcapping(&self) -> Option<f32> {
        self.final_logit_softcapping
    }
}
