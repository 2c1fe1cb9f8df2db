//! Sentence embeddings from a BERT encoder (all-MiniLM-L6-v2) on the processor.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use concierge::ports::{self, RetrieveError};
use sha2::{Digest, Sha256};
use tokenizers::{Encoding, Tokenizer, TruncationParams};

/// Tokens of a text that count, the two marks around it included: what the model was trained with.
pub const MAX_TOKENS: usize = 256;

/// Bytes of a text that reach the tokenizer. Far more than [`MAX_TOKENS`] tokens of any writing take, so only
/// hostile texts are shortened, before they cost anything.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Texts computed together. More would not be faster on a processor, and this bounds the memory of one step.
const BATCH: usize = 16;

/// A sentence encoder: mean of the last layer over a text's tokens, normalised to length 1.
pub struct Embedder {
    tokenizer: Tokenizer,
    model: BertModel,
    dimensions: usize,
    id: String,
}

/// Why an encoder cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file is missing or cannot be read.
    #[error("the embedding model's file {path} cannot be read: {source}; fetch the models again")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is there and is not what its name says.
    #[error("the embedding model's file {path} is damaged or of another model: {problem}; fetch the models again")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl Embedder {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors` of a BERT sentence encoder.
    ///
    /// # Errors
    /// Names the file that is missing, cut off, or does not fit the others.
    pub fn load(dir: &Path) -> Result<Self, LoadError> {
        let read = |name: &str| {
            let path = dir.join(name);
            match std::fs::read(&path) {
                Ok(bytes) => Ok((path, bytes)),
                Err(source) => Err(LoadError::Read { path, source }),
            }
        };
        let (path, bytes) = read("config.json")?;
        let config = parse_config(&bytes).map_err(|problem| LoadError::Damaged { path, problem })?;

        let (path, bytes) = read("tokenizer.json")?;
        let tokenizer = parse_tokenizer(&bytes, &config).map_err(|problem| LoadError::Damaged { path, problem })?;

        let (path, weights) = read("model.safetensors")?;
        let id = weights_id(&weights);
        let model = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)
            .and_then(|weights| BertModel::load(weights, &config))
            .map_err(|error| LoadError::Damaged { path, problem: error.to_string() })?;

        Ok(Self { tokenizer, model, dimensions: config.hidden_size, id })
    }

    /// A name for this very model: vectors of two embedders may be compared only where their ids are equal.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The vectors of one batch, in the batch's order. Shorter texts are padded, and the padding masked out.
    fn forward(&self, batch: &[&Encoding]) -> candle_core::Result<Vec<Vec<f32>>> {
        let width = batch.iter().map(|text| text.len()).max().unwrap_or(0);
        let padded = |values: fn(&Encoding) -> &[u32]| {
            let mut rows = Vec::with_capacity(batch.len() * width);
            for text in batch {
                rows.extend_from_slice(values(text));
                rows.resize(rows.len() + width - text.len(), 0);
            }
            Tensor::from_vec(rows, (batch.len(), width), &Device::Cpu)
        };
        let ids = padded(Encoding::get_ids)?;
        let mask = padded(Encoding::get_attention_mask)?;
        let hidden = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?; // (texts, width, dimensions)
        let mask = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        let sum = hidden.broadcast_mul(&mask)?.sum(1)?;
        // Dividing by the token count as well would change nothing after the normalisation.
        let norm = sum.sqr()?.sum_keepdim(1)?.sqrt()?;
        sum.broadcast_div(&norm)?.to_vec2()
    }
}

impl ports::Embedder for Embedder {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
        let encodings = texts
            .iter()
            .map(|text| self.tokenizer.encode_fast(shortened(text), true))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| RetrieveError::Failed(format!("the text cannot be tokenized: {error}")))?;
        // Texts of like length go together, so that little of a batch is padding.
        let mut order: Vec<usize> = (0..encodings.len()).collect();
        order.sort_by_key(|&at| encodings[at].len());
        let mut vectors = vec![Vec::new(); encodings.len()];
        for places in order.chunks(BATCH) {
            let batch: Vec<&Encoding> = places.iter().map(|&at| &encodings[at]).collect();
            let computed = self
                .forward(&batch)
                .map_err(|error| RetrieveError::Failed(format!("the embedding model failed: {error}")))?;
            for (&at, vector) in places.iter().zip(computed) {
                vectors[at] = vector;
            }
        }
        Ok(vectors)
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }
}

/// The head of a text that the tokenizer sees, cut between characters.
fn shortened(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Names the weights by the sha256 of their bytes.
fn weights_id(weights: &[u8]) -> String {
    let digest = Sha256::digest(weights);
    digest.iter().take(16).fold(String::from("sha256:"), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

fn parse_config(bytes: &[u8]) -> Result<Config, String> {
    let config: Config = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if config.num_attention_heads == 0 || !config.hidden_size.is_multiple_of(config.num_attention_heads) {
        return Err("hidden_size is no multiple of num_attention_heads".to_owned());
    }
    if config.max_position_embeddings < MAX_TOKENS {
        return Err(format!("max_position_embeddings is below {MAX_TOKENS}"));
    }
    Ok(config)
}

fn parse_tokenizer(bytes: &[u8], config: &Config) -> Result<Tokenizer, String> {
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|error| error.to_string())?;
    let tokens = tokenizer.get_vocab_size(true);
    if tokens > config.vocab_size {
        return Err(format!("it knows {tokens} tokens and the model {}", config.vocab_size));
    }
    // The file's own settings cut at 128 and fill up to 128, whatever the text.
    let truncation = TruncationParams { max_length: MAX_TOKENS, ..TruncationParams::default() };
    tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(|error| error.to_string())?;
    Ok(tokenizer)
}
