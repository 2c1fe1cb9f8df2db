//! Teaches a Gemma 3 model a manner of speaking, on the owner's own machine.
//!
//! Low-rank adaptation (LoRA): the base model stays frozen, and beside each of its matrices two small ones
//! are learnt whose product is added. The result is a file of a few megabytes that the engine loads at
//! run time.
//!
//! ```text
//! base (GGUF | Hugging Face) ──┐
//! data (JSON lines → tokens) ──┼─▶ train ──▶ events: step, validation, checkpoint …
//! lora (fresh | resumed) ──────┘      │
//!                                     ▼
//!            adapters.safetensors (MLX-LM) ──▶ PEFT | llama.cpp's GGUF | merged model
//! ```
//!
//! What makes it fast enough for two cores:
//! - a frozen product computes no gradient of its weight, and a LoRA update is one operation with it;
//! - batches are packed: sequences lie end to end, no token is padding;
//! - the output head is computed for reply tokens alone, a piece of the vocabulary at a time, its loss and
//!   gradient in the same pass.
//!
//! ```no_run
//! use tuner::{TrainConfig, train};
//!
//! let config = TrainConfig::new("gemma.gguf".into(), "train.jsonl".into(), "adapters/rosy".into());
//! let report = train(&config, &mut ())?;
//! assert!(report.steps > 0);
//! # Ok::<(), tuner::TrainError>(())
//! ```

mod base;
mod checkpoint;
mod data;
mod error;
mod events;
mod export;
mod files;
mod kernel;
mod lora;
mod measure;
mod model;
mod ops;
mod optim;
mod report;
mod settings;
mod shape;
mod tokenizer;
mod train;

#[cfg(test)]
mod tests;

pub use base::Base;
pub use data::{DataSet, Example};
pub use error::{AdapterError, TrainError};
pub use events::{TrainEvent, TrainListener};
pub use export::{
    FusedType, Precision, fuse, load_adapter, load_gguf, load_mlx, load_peft, save_gguf, save_mlx, save_peft,
};
pub use lora::{Adapter, LoraConfig};
pub use measure::{Load, Measured, measure, step_work};
pub use model::{Gemma, Packed};
pub use report::Curve;
pub use settings::{Processor, RunLength, Source, TrainConfig};
pub use shape::{ModelShape, Target};
pub use tokenizer::{END_OF_TURN, Tokenizer};
pub use train::{TrainReport, evaluate, train};
