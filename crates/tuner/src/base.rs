//! The frozen base model's files: a GGUF, or a folder as Hugging Face lays it out.

use crate::error::TrainError;
use crate::shape::{ModelShape, NormName, Target};
use crate::tokenizer::Tokenizer;
use candle_core::quantized::gguf_file::Content;
use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device, Tensor};
use serde::Deserialize;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Characters of a model's name that are kept.
const NAME_LIMIT: usize = 80;

/// An opened base model: its shape and tokenizer are read, its weights are not yet.
pub struct Base {
    path: PathBuf,
    shape: ModelShape,
    tokenizer: Tokenizer,
    weights: Weights,
}

enum Weights {
    Gguf(Box<Content>, BufReader<File>),
    Folder(HuggingFace),
}

struct HuggingFace {
    tensors: MmapedSafetensors,
    /// `model.` in text models, `language_model.model.` in those that also see pictures.
    prefix: &'static str,
}

impl Base {
    /// Opens a `.gguf` file or a folder with `config.json`, `tokenizer.json` and safetensors.
    ///
    /// # Errors
    /// [`TrainError::Base`] when the files are missing, damaged or of another kind of model.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        if path.is_dir() { Self::open_folder(path) } else { Self::open_gguf(path) }
    }

    /// The model's sizes.
    #[must_use]
    pub fn shape(&self) -> &ModelShape {
        &self.shape
    }

    /// The model's own tokenizer.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// What the adapter's configuration calls the model: the name within a GGUF file, else the file's or folder's.
    #[must_use]
    pub fn name(&self) -> String {
        if let Weights::Gguf(content, _) = &self.weights
            && let Some(Ok(name)) = content.metadata.get("general.name").map(|name| name.to_string())
            && !name.trim().is_empty()
        {
            return name.trim().chars().filter(|c| !c.is_control()).take(NAME_LIMIT).collect();
        }
        let stem = if self.path.is_dir() { self.path.file_name() } else { self.path.file_stem() };
        stem.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    fn open_gguf(path: &Path) -> Result<Self, TrainError> {
        let file = File::open(path).map_err(TrainError::io(path))?;
        let mut reader = BufReader::new(file);
        let content = Content::read(&mut reader).map_err(|error| TrainError::base(path, error))?;
        let shape = gguf_shape(&content, path)?;
        let tokenizer = Tokenizer::from_gguf(&content, path)?;
        Ok(Self { path: path.to_owned(), shape, tokenizer, weights: Weights::Gguf(Box::new(content), reader) })
    }

    fn open_folder(path: &Path) -> Result<Self, TrainError> {
        let config = path.join("config.json");
        let text = std::fs::read_to_string(&config).map_err(TrainError::io(&config))?;
        let shape = HfConfig::parse(&text).map_err(|reason| TrainError::base(&config, reason))?.shape();
        if let Some(fault) = shape.fault() {
            return Err(TrainError::base(&config, fault));
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(TrainError::io(path))? {
            let file = entry.map_err(TrainError::io(path))?.path();
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("model") && name.ends_with(".safetensors") {
                files.push(file);
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(TrainError::base(path, "it holds no model*.safetensors"));
        }
        #[allow(unsafe_code, reason = "candle's interface to mapped files")]
        // SAFETY: the files are mapped for reading while the weights are copied out; changing them
        // under a running training would be the user's own doing and yields wrong numbers at worst.
        let tensors = unsafe { MmapedSafetensors::multi(&files) }.map_err(|error| TrainError::base(path, error))?;
        let prefix = ["model.", "language_model.model."]
            .into_iter()
            .find(|prefix| tensors.get(&format!("{prefix}norm.weight")).is_ok())
            .ok_or_else(|| TrainError::base(path, "its tensors are not named like Gemma 3's"))?;
        Ok(Self {
            path: path.to_owned(),
            shape,
            tokenizer: Tokenizer::from_json(&path.join("tokenizer.json"))?,
            weights: Weights::Folder(HuggingFace { tensors, prefix }),
        })
    }

    fn load(&mut self, gguf: &str, module: &str, shape: &[usize], is_norm: bool) -> Result<Tensor, TrainError> {
        let device = Device::Cpu;
        let tensor = match &mut self.weights {
            Weights::Gguf(content, reader) => {
                content.tensor(reader, gguf, &device).and_then(|quantised| quantised.dequantize(&device))
            }
            Weights::Folder(files) => files
                .tensors
                .load(&format!("{}{module}", files.prefix), &device)
                .and_then(|tensor| tensor.to_dtype(DType::F32))
                // Hugging Face stores norm weights as the difference from one.
                .and_then(|tensor| if is_norm { tensor + 1.0 } else { Ok(tensor) }),
        }
        .map_err(|error| TrainError::base(&self.path, error))?;
        if tensor.dims() != shape {
            let found = tensor.dims();
            return Err(TrainError::base(&self.path, format!("{gguf} has the shape {found:?}, expected {shape:?}")));
        }
        Ok(tensor)
    }

    /// The `[vocabulary, hidden]` matrix of embeddings and output head, as f32.
    pub(crate) fn embedding(&mut self) -> Result<Tensor, TrainError> {
        let shape = [self.shape.vocabulary, self.shape.hidden];
        self.load("token_embd.weight", "embed_tokens.weight", &shape, false)
    }

    /// The last norm's weight.
    pub(crate) fn final_norm(&mut self) -> Result<Tensor, TrainError> {
        let shape = [self.shape.hidden];
        self.load("output_norm.weight", "norm.weight", &shape, true)
    }

    /// A norm's weight, as the plain factor.
    pub(crate) fn norm(&mut self, layer: usize, norm: NormName) -> Result<Tensor, TrainError> {
        let width = match norm {
            NormName::Query | NormName::Key => self.shape.head_dim,
            _ => self.shape.hidden,
        };
        self.load(
            &format!("blk.{layer}.{}.weight", norm.gguf()),
            &format!("layers.{layer}.{}.weight", norm.module()),
            &[width],
            true,
        )
    }

    /// A matrix `[out, in]`, as f32.
    pub(crate) fn matrix(&mut self, layer: usize, target: Target) -> Result<Tensor, TrainError> {
        let (out, width) = self.shape.matrix(target);
        self.load(
            &format!("blk.{layer}.{}.weight", target.gguf()),
            &format!("layers.{layer}.{}.weight", target.module()),
            &[out, width],
            false,
        )
    }
}

fn gguf_shape(content: &Content, path: &Path) -> Result<ModelShape, TrainError> {
    let architecture = content
        .metadata
        .get("general.architecture")
        .and_then(|value| value.to_string().ok())
        .map_or("unknown", String::as_str);
    if architecture != "gemma3" {
        return Err(TrainError::base(path, format!("its architecture is '{architecture}'; only gemma3 can be tuned")));
    }
    let number = |key: &str| {
        content
            .metadata
            .get(&format!("gemma3.{key}"))
            .and_then(|value| value.to_u32().ok())
            .map(|value| value as usize)
            .ok_or_else(|| TrainError::base(path, format!("gemma3.{key} is missing")))
    };
    let real = |key: &str, default: f64| {
        content.metadata.get(&format!("gemma3.{key}")).and_then(|value| value.to_f32().ok()).map_or(default, f64::from)
    };
    let vocabulary = content
        .tensor_infos
        .get("token_embd.weight")
        .and_then(|info| info.shape.dims().first().copied())
        .ok_or_else(|| TrainError::base(path, "token_embd.weight is missing"))?;
    let head_dim = number("attention.key_length")?;
    let shape = ModelShape {
        layers: number("block_count")?,
        hidden: number("embedding_length")?,
        feed_forward: number("feed_forward_length")?,
        heads: number("attention.head_count")?,
        kv_heads: number("attention.head_count_kv")?,
        head_dim,
        vocabulary,
        window: number("attention.sliding_window")?,
        global_every: 6,
        rope_global: real("rope.freq_base", 1e6),
        rope_stretch: real("rope.scaling.factor", 1.0),
        rope_local: real("rope.freq_base_swa", 1e4),
        eps: real("attention.layer_norm_rms_epsilon", 1e-6),
        query_scale: 1.0 / (head_dim as f64).sqrt(),
    };
    match shape.fault() {
        Some(fault) => Err(TrainError::base(path, fault)),
        None => Ok(shape),
    }
}

/// The keys of Hugging Face's `config.json` that a Gemma 3 text model needs.
#[derive(Deserialize)]
struct HfConfig {
    num_hidden_layers: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_attention_heads: usize,
    num_key_value_heads: usize,
    head_dim: usize,
    vocab_size: usize,
    sliding_window: usize,
    #[serde(default = "six", alias = "_sliding_window_pattern")]
    sliding_window_pattern: usize,
    #[serde(default = "million")]
    rope_theta: f64,
    #[serde(default = "ten_thousand")]
    rope_local_base_freq: f64,
    rope_scaling: Option<RopeScaling>,
    #[serde(default = "small")]
    rms_norm_eps: f64,
    query_pre_attn_scalar: Option<f64>,
}

#[derive(Deserialize)]
struct RopeScaling {
    factor: Option<f64>,
}

fn six() -> usize {
    6
}
fn million() -> f64 {
    1e6
}
fn ten_thousand() -> f64 {
    1e4
}
fn small() -> f64 {
    1e-6
}

impl HfConfig {
    fn parse(text: &str) -> Result<Self, String> {
        let mut json: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let kind = json["model_type"].as_str().unwrap_or_default().to_owned();
        if !kind.starts_with("gemma3") {
            return Err(format!("its model_type is '{kind}'; only gemma3 can be tuned"));
        }
        let text_config = json["text_config"].take();
        let json = if text_config.is_object() { text_config } else { json };
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    fn shape(self) -> ModelShape {
        let scalar = self.query_pre_attn_scalar.unwrap_or(self.head_dim as f64);
        ModelShape {
            layers: self.num_hidden_layers,
            hidden: self.hidden_size,
            feed_forward: self.intermediate_size,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads,
            head_dim: self.head_dim,
            vocabulary: self.vocab_size,
            window: self.sliding_window,
            global_every: self.sliding_window_pattern,
            rope_global: self.rope_theta,
            rope_stretch: self.rope_scaling.and_then(|s| s.factor).unwrap_or(1.0),
            rope_local: self.rope_local_base_freq,
            eps: self.rms_norm_eps,
            query_scale: 1.0 / scalar.sqrt(),
        }
    }
}
