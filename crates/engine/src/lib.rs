//! Gemma, and any other GGUF model with turns, on llama.cpp within this process.
//!
//! ```text
//! Gemma::start ─ template: turns → tokens, oldest turns dropped ─▶ queue (bounded)
//!                                                                   │
//!   one thread:  scheduler ── step: decode rows of all guests + a chunk of somebody's prompt
//!                    │           └─▶ device (llama.cpp) ─▶ sample ─▶ words to each guest
//!                    └── kv: which sequence holds which tokens; beginnings shared, conversations kept
//! ```
//! The crate `gguf` reads a file's header before llama.cpp sees it, as llama.cpp ends the process on some broken files.

mod check;
mod config;
mod device;
mod gemma;
mod guess;
mod kv;
mod metrics;
mod sample;
mod scheduler;
mod template;
mod text;
mod worker;

pub use config::{AdapterError, EngineConfig, LoadError};
pub use gemma::Gemma;
pub use metrics::MetricsSnapshot;
pub use template::ChatTemplate;
