//! Training examples: one JSON object a line, `{"prompt": "…", "reply": "…"}`.
//!
//! Both are rendered text, control tokens such as `<start_of_turn>` written out: the product's own
//! prompt code makes it, so that what is learnt is what is used. The loss counts the reply alone.

use crate::error::TrainError;
use crate::model::Packed;
use crate::tokenizer::{END_OF_TURN, Tokenizer};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Longest line that is read: a rendered prompt has a few thousand characters.
const LINE_LIMIT: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    prompt: String,
    reply: String,
}

/// A prompt and its reply as tokens.
#[derive(Clone, Debug)]
pub struct Example {
    tokens: Vec<u32>,
    prompt: usize,
}

impl Example {
    /// All tokens: the beginning of text, the prompt, the reply and its end.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Tokens of the reply, its end included.
    #[must_use]
    pub fn reply_len(&self) -> usize {
        self.tokens.len() - self.prompt
    }
}

/// A data file, read whole.
#[derive(Clone, Debug)]
pub struct DataSet {
    examples: Vec<Example>,
    sha256: String,
}

impl DataSet {
    /// Reads every line before anything is trained. Blank lines are passed over.
    ///
    /// # Errors
    /// [`TrainError::Data`] with file, line and reason for the first line that is not an example or
    /// is longer than `max_tokens`; [`TrainError::NoData`] for an empty file.
    pub fn read(path: &Path, tokenizer: &Tokenizer, max_tokens: usize) -> Result<Self, TrainError> {
        let bytes = std::fs::read(path).map_err(TrainError::io(path))?;
        let mut examples = Vec::new();
        for (number, line) in bytes.split(|&b| b == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let example = parse(line, tokenizer, max_tokens).map_err(|reason| TrainError::Data {
                file: path.to_owned(),
                line: number + 1,
                reason,
            })?;
            examples.push(example);
        }
        if examples.is_empty() {
            return Err(TrainError::NoData { file: path.to_owned() });
        }
        Ok(Self { examples, sha256: hex::encode(Sha256::digest(&bytes)) })
    }

    /// The examples in the file's order.
    #[must_use]
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// Tokens that the loss counts.
    #[must_use]
    pub fn reply_tokens(&self) -> usize {
        self.examples.iter().map(Example::reply_len).sum()
    }

    /// All tokens.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.examples.iter().map(|e| e.tokens.len()).sum()
    }

    /// Fingerprint of the file's bytes.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The examples of one step, `count` of them. The order of each pass over the data comes from
    /// seed and pass alone, so that a resumed run sees what an unbroken one would have seen.
    pub(crate) fn step(&self, seed: u64, step: usize, count: usize) -> Vec<&Example> {
        let size = self.examples.len();
        let mut order: (usize, Vec<usize>) = (usize::MAX, Vec::new());
        (step * count..(step + 1) * count)
            .filter_map(|place| {
                let pass = place / size;
                if order.0 != pass {
                    order = (pass, shuffled(size, seed, pass));
                }
                self.examples.get(order.1[place % size])
            })
            .collect()
    }
}

fn shuffled(size: usize, seed: u64, pass: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..size).collect();
    let stream = seed.wrapping_add((pass as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    order.shuffle(&mut StdRng::seed_from_u64(stream));
    order
}

fn parse(line: &[u8], tokenizer: &Tokenizer, max_tokens: usize) -> Result<Example, String> {
    if line.len() > LINE_LIMIT {
        return Err(format!("longer than {LINE_LIMIT} bytes"));
    }
    let line: Line =
        serde_json::from_slice(line).map_err(|error| format!("not {{\"prompt\": …, \"reply\": …}}: {error}"))?;
    if line.prompt.trim().is_empty() {
        return Err("the prompt is empty".to_owned());
    }
    if line.reply.trim_end_matches(END_OF_TURN).trim().is_empty() {
        return Err("the reply is empty".to_owned());
    }
    let prompt = line.prompt.strip_prefix("<bos>").unwrap_or(&line.prompt);
    let mut tokens = vec![tokenizer.bos()];
    tokens.extend(tokenizer.encode(prompt)?);
    let prompt = tokens.len();
    let reply = line.reply.trim_end_matches('\n');
    tokens.extend(tokenizer.encode(reply)?);
    if tokens.last() != Some(&tokenizer.end_of_turn()) {
        tokens.push(tokenizer.end_of_turn());
    }
    if tokens.len() > max_tokens {
        return Err(format!("{} tokens, more than the limit of {max_tokens}", tokens.len()));
    }
    Ok(Example { tokens, prompt })
}

/// Packs examples into batches of at most `max_tokens` (one long example may exceed it alone).
pub(crate) fn pack(examples: &[&Example], max_tokens: usize) -> Vec<Packed> {
    let mut batches: Vec<Packed> = Vec::new();
    for example in examples {
        match batches.last_mut() {
            Some(batch) if batch.len() + example.tokens.len() <= max_tokens => {
                batch.push(&example.tokens, example.prompt);
            }
            _ => {
                let mut batch = Packed::default();
                batch.push(&example.tokens, example.prompt);
                batches.push(batch);
            }
        }
    }
    batches
}
