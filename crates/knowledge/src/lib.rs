//! What the restaurant knows of itself, made findable: sentence embeddings, the records they are made of, and the
//! SQLite file in which they are searched by meaning and by word.
//!
//! [`ingest()`] writes the menu's items and the store's facts, [`SqliteIndex`] finds them, and [`Embedder`] gives both
//! their vectors. [`Elsewhere`] lets another store rank the vectors, with the file of this machine behind it.

mod bert;
mod elsewhere;
mod embedder;
mod index;
mod ingest;
mod kernel;
mod record;
mod search;
mod vectors;

pub use elsewhere::{Counts, Elsewhere, Entry, Mirrored, Near, Standing, Vectors, VectorsError};
pub use embedder::{Embedder, LoadError, MAX_TOKENS};
pub use index::{FILE_NAME, IndexCounts, SqliteIndex};
pub use ingest::{IngestError, IngestReport, ingest};
