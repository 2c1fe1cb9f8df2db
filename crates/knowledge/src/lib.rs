//! What the restaurant knows of itself, made findable: sentence embeddings, the records they are made of, and the
//! SQLite file in which they are searched by meaning and by word.

mod bert;
mod embedder;

pub use embedder::{Embedder, LoadError, MAX_TOKENS};
