//! tuner
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
    FusedType, Precision, fuse, load_adapter, load_mlx, load_peft, save_gguf, save_mlx, save_peft,
};
pub use lora::{Adapter, LoraConfig};
pub use measure::{Load, Measured, measure, step_work};
pub use model::{Gemma, Packed};
pub use report::Curve;
pub use shape::{ModelShape, Target};
pub use tokenizer::{END_OF_TURN, Tokenizer};
pub use train::{Place, RunLength, TrainConfig, TrainReport, evaluate, train};
