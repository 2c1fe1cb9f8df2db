//! GGUF files: reading with bounds, writing, and cutting a vocabulary down.
//!
//! - [`Header`] reads what a file says of itself, and trusts none of it;
//! - [`Writer`] lays a file out and streams its tensors' data;
//! - [`Vocabulary`] turns text into tokens as llama.cpp does for vocabularies with scores;
//! - [`trim`] writes a model with fewer tokens that reads and speaks the same.

mod header;
mod trim;
mod vocabulary;
mod widen;
mod write;

pub use header::{GgufError, Header, KIND_TEXT, KeySpan, TensorInfo, Value, block_of};
pub use trim::{Selection, TrimError, TrimReport, trim};
pub use vocabulary::{TokenKind, Vocabulary};
pub use write::Writer;
