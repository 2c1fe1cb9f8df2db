//! How an engine is set up, and why it may not be.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

/// The settings of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The GGUF file.
    pub model: PathBuf,
    /// Threads of the computation; none means one for each processor.
    pub threads: Option<NonZeroU32>,
    /// Tokens that one conversation may hold, its reply included; at most what the model was trained for.
    pub context_tokens: u32,
    /// Replies written at the same time.
    pub slots: u32,
    /// Replies that may wait for a place; one more is refused at once.
    pub queue: u32,
    /// Where as many replies wait as are written, one more that would wait longer than this for its place, as far as can be
    /// foreseen, is refused at once too.
    pub wait_limit: Duration,
    /// Tokens of computed state held for all conversations together, those kept for their next turn included. It
    /// bounds the memory: for the 270M model a token takes 9.6 KiB.
    pub state_tokens: u32,
    /// Conversations kept between their turns.
    pub kept_conversations: u32,
    /// A reply ends after this long, counted from when it gets a place.
    pub reply_time_limit: Duration,
    /// Layers on the graphics processor; none means as many as fit its free memory.
    pub gpu_layers: Option<u32>,
    /// Tokens of a prompt computed in one step while others are being written to: the longest pause in their streams.
    pub chunk_busy: u32,
    /// The same while nobody is being written to. A guest who leaves is noticed between steps.
    pub chunk_idle: u32,
    /// Tokens guessed ahead in one step, for all replies together, at most 6; 0 guesses nothing. A right guess saves a
    /// step. Numbers are added up in another order then, so where two words are equally likely the other may come.
    pub guesses: u32,
}

impl EngineConfig {
    /// The settings that fit a small model on a few processor cores.
    #[must_use]
    pub fn new(model: impl Into<PathBuf>) -> Self {
        Self {
            model: model.into(),
            threads: None,
            context_tokens: 2048,
            slots: 8,
            queue: 32,
            wait_limit: Duration::from_secs(10),
            state_tokens: 8192,
            kept_conversations: 32,
            reply_time_limit: Duration::from_secs(60),
            gpu_layers: None,
            chunk_busy: 32,
            chunk_idle: 128,
            // Measured: 1.12 times as fast, one greedy reply of ten another (docs/BENCHMARKS.md).
            guesses: 0,
        }
    }
}

/// Why a model was refused.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such file, or it cannot be read.
    #[error("the model file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is no whole GGUF file.
    #[error("the model file {} is damaged or no GGUF file: {source}; fetch it again or name another", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it stops making sense.
        source: gguf::GgufError,
    },
    /// It is a GGUF file of something else than a model that talks.
    #[error("the model file {} cannot be used: {reason}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is, and what is wanted.
        reason: String,
    },
    /// A setting makes no sense for this model.
    #[error("the engine's setting {setting} is wrong: {reason}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// llama.cpp refused it.
    #[error("the model file {} cannot be loaded: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// llama.cpp's reason.
        reason: String,
    },
}

/// Why an adapter was refused. The adapter used before, if any, stays.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// There is no such file, or it cannot be read.
    #[error("the adapter {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is no whole GGUF file.
    #[error("the adapter {} is damaged or no GGUF file: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it stops making sense.
        source: gguf::GgufError,
    },
    /// It was made for another model.
    #[error("the adapter {} does not fit the model: {reason}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Which part, and both shapes.
        reason: String,
    },
    /// llama.cpp refused it.
    #[error("the adapter {} cannot be loaded", .0.display())]
    Refused(PathBuf),
    /// The engine has ended.
    #[error("the language model has ended; restart the server")]
    Ended,
}
