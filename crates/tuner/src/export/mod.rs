//! Adapters in the layouts that other programs read: MLX-LM, PEFT and llama.cpp, and a merged model.

mod gguf;
mod mlx;
mod peft;
pub(crate) mod tensors;

pub use gguf::{FusedType, fuse, load_gguf, save_gguf};
pub use mlx::{load_mlx, save_mlx};
pub use peft::{load_peft, save_peft};
pub use tensors::Precision;

use crate::error::AdapterError;
use crate::lora::{Adapter, Place};
use crate::shape::Target;
use candle_core::Tensor;
use std::collections::BTreeMap;
use std::path::Path;

/// Reads an adapter: a folder in MLX-LM's or PEFT's layout, told apart by the file that holds the tensors, or a file
/// of llama.cpp's.
///
/// # Errors
/// [`AdapterError`] for a missing, damaged or foreign file.
pub fn load_adapter(folder: &Path) -> Result<Adapter, AdapterError> {
    if folder.is_file() {
        return load_gguf(folder);
    }
    if folder.join(peft::TENSORS).exists() { load_peft(folder) } else { load_mlx(folder) }
}

/// The tensors of an adapter as they are found in a file, `a` and `b` possibly still apart.
#[derive(Default)]
struct Found(BTreeMap<Place, (Option<Tensor>, Option<Tensor>)>);

impl Found {
    fn a(&mut self, place: Place, tensor: Tensor) {
        self.0.entry(place).or_default().0 = Some(tensor);
    }

    fn b(&mut self, place: Place, tensor: Tensor) {
        self.0.entry(place).or_default().1 = Some(tensor);
    }

    /// The inner width of any first matrix, for files that do not tell it.
    fn rank(&self) -> Option<usize> {
        self.0.values().find_map(|(a, _)| a.as_ref()?.dims2().ok().map(|dims| dims.1))
    }

    /// Every place must have both matrices, `[in, rank]` and `[rank, out]`.
    fn complete(self, rank: usize, path: &Path) -> Result<BTreeMap<Place, (Tensor, Tensor)>, AdapterError> {
        if self.0.is_empty() {
            return Err(AdapterError::damaged(path, "it holds no LoRA matrix"));
        }
        let mut pairs = BTreeMap::new();
        for (place, pair) in self.0 {
            let name = format!("layer {} {}", place.0, place.1.module());
            let (Some(a), Some(b)) = pair else {
                let reason = format!("{name} has only one of its two matrices");
                return Err(AdapterError::damaged(path, reason));
            };
            let inner = (a.dims2().map(|d| d.1).ok(), b.dims2().map(|d| d.0).ok());
            if inner != (Some(rank), Some(rank)) {
                let reason =
                    format!("the shapes of {name}, {:?} and {:?}, do not meet in rank {rank}", a.dims(), b.dims());
                return Err(AdapterError::damaged(path, reason));
            }
            pairs.insert(place, (a, b));
        }
        Ok(pairs)
    }
}

/// Splits `layers.3.self_attn.q_proj` (whatever stands before it) into its place.
fn place_of(module: &str) -> Option<Place> {
    let (_, rest) = module.split_once("layers.")?;
    let (layer, module) = rest.split_once('.')?;
    Some((layer.parse().ok()?, Target::from_module(module)?))
}

/// The targets that occur, each once.
fn targets_of(pairs: &BTreeMap<Place, (Tensor, Tensor)>) -> Vec<Target> {
    let mut targets: Vec<Target> = pairs.keys().map(|place| place.1).collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

fn read_config<T: serde::de::DeserializeOwned>(folder: &Path) -> Result<T, AdapterError> {
    let path = folder.join("adapter_config.json");
    let text = std::fs::read_to_string(&path).map_err(AdapterError::io(&path))?;
    serde_json::from_str(&text).map_err(|error| AdapterError::damaged(&path, error))
}

fn write_config(folder: &Path, config: &serde_json::Value) -> Result<(), AdapterError> {
    let path = folder.join("adapter_config.json");
    crate::files::write_whole(&path, |file| serde_json::to_writer_pretty(file, config).map_err(std::io::Error::from))
        .map_err(AdapterError::io(&path))
}
