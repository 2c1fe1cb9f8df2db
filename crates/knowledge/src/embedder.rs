//! Sentence embeddings from a BERT encoder (all-MiniLM-L6-v2) on the processor.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use concierge::ports::{self, RetrieveError};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use tokenizers::{Tokenizer, TruncationParams};

use crate::bert::{self, Bert, Config};

/// Tokens of a text that count, the two marks around it included: what the model was trained with.
pub const MAX_TOKENS: usize = 256;

/// Bytes of a text that reach the tokenizer. Far more than [`MAX_TOKENS`] tokens of any writing take, so only
/// hostile texts are shortened, before they cost anything.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Tokens computed together, on one core: the weights are read once for all of them, and their states stay in its cache.
const BATCH_TOKENS: usize = 256;

/// A sentence encoder: mean of the last layer over a text's tokens, normalised to length 1.
pub struct Embedder {
    tokenizer: Tokenizer,
    model: Bert,
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
        let model = bert::weights(weights)
            .and_then(|weights| Bert::load(&weights, &config))
            .map_err(|error| LoadError::Damaged { path, problem: error.to_string() })?;

        Ok(Self { tokenizer, model, dimensions: config.hidden_size, id })
    }

    /// A name for this very model: vectors of two embedders may be compared only where their ids are equal.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    fn embed_at(&self, texts: &[&str], depths: &[usize]) -> Result<Vec<Vec<f32>>, RetrieveError> {
        let encodings = texts
            .iter()
            .map(|text| self.tokenizer.encode_fast(shortened(text), true))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| RetrieveError::Failed(format!("the text cannot be tokenized: {error}")))?;
        let tokens: Vec<&[u32]> = encodings.iter().map(|encoding| encoding.get_ids()).collect();
        let vectors = batches(&tokens).into_par_iter().map(|batch| self.model.forward(batch, depths));
        let vectors = vectors.collect::<candle_core::Result<Vec<_>>>();
        let vectors = vectors.map_err(|error| RetrieveError::Failed(format!("the embedding model failed: {error}")))?;
        Ok(vectors.into_iter().flatten().collect())
    }
}

/// Texts that are computed together.
fn batches<'a, 'b>(texts: &'a [&'b [u32]]) -> Vec<&'a [&'b [u32]]> {
    let (mut batches, mut rest) = (Vec::new(), texts);
    while !rest.is_empty() {
        let mut sum = 0;
        let fitting = rest.iter().take_while(|text| {
            sum += text.len();
            sum <= BATCH_TOKENS
        });
        let (batch, later) = rest.split_at(fitting.count().max(1));
        batches.push(batch);
        rest = later;
    }
    batches
}

impl ports::Embedder for Embedder {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
        self.embed_at(texts, &[self.model.depth()])
    }

    /// A third of the way through the layers, two thirds, and at the end: the words, their order, their sense.
    fn embed_deep(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
        let depth = self.model.depth();
        self.embed_at(texts, &[depth / 3, 2 * depth / 3, depth])
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
    config.check()?;
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
