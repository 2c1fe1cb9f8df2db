//! MLX-LM's layout: `adapters.safetensors` with `lora_a` `[in, rank]` and `lora_b` `[rank, out]`, and an
//! `adapter_config.json` whose `scale` is the factor on the update.

use super::tensors::{Precision, TensorFile, write_tensors};
use super::{Found, place_of, read_config, targets_of, write_config};
use crate::error::AdapterError;
use crate::lora::{Adapter, LoraConfig};
use crate::shape::ModelShape;
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

const TENSORS: &str = "adapters.safetensors";

/// Writes an adapter as MLX-LM does. MLX-LM updates the last `num_layers` blocks, so `shape` says how many
/// the model has.
///
/// # Errors
/// [`AdapterError`] when the adapter does not fit the shape or a file cannot be written.
pub fn save_mlx(
    adapter: &Adapter,
    folder: &Path,
    shape: &ModelShape,
    precision: Precision,
) -> Result<(), AdapterError> {
    adapter.check(shape)?;
    std::fs::create_dir_all(folder).map_err(AdapterError::io(folder))?;
    let first = adapter.pairs().map(|((layer, _), _)| layer).min();
    let mut tensors = Vec::new();
    for ((layer, target), pair) in adapter.pairs() {
        let name = format!("model.layers.{layer}.{}", target.module());
        let stored = |var: &candle_core::Var| var.as_detached_tensor().to_dtype(precision.dtype());
        tensors.push((format!("{name}.lora_a"), stored(&pair.a)?));
        tensors.push((format!("{name}.lora_b"), stored(&pair.b)?));
    }
    let config = &adapter.config;
    let keys: Vec<&str> = config.targets.iter().map(|target| target.module()).collect();
    let json = json!({
        "fine_tune_type": "lora",
        "model": adapter.base,
        "num_layers": shape.layers - first.unwrap_or(0),
        "lora_parameters": {
            "rank": config.rank,
            "scale": config.scale(),
            "dropout": config.dropout,
            "keys": keys,
        },
    });
    write_tensors(&folder.join(TENSORS), &tensors, &[("format", "mlx")])?;
    write_config(folder, &json)
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    model: String,
    #[serde(default = "lora")]
    fine_tune_type: String,
    lora_parameters: Parameters,
}

#[derive(Deserialize)]
struct Parameters {
    rank: usize,
    scale: f64,
    #[serde(default)]
    dropout: f32,
}

fn lora() -> String {
    "lora".to_owned()
}

/// Reads a folder that MLX-LM (or [`save_mlx`]) wrote.
///
/// # Errors
/// [`AdapterError`] for missing or damaged files, or another kind of tuning than LoRA.
pub fn load_mlx(folder: &Path) -> Result<Adapter, AdapterError> {
    let config: Config = read_config(folder)?;
    let path = folder.join(TENSORS);
    let Parameters { rank, scale, dropout } = config.lora_parameters;
    if config.fine_tune_type != "lora" || rank == 0 || !scale.is_finite() {
        let reason = "its configuration is not one of LoRA with a rank and a scale";
        return Err(AdapterError::damaged(folder, reason));
    }
    let file = TensorFile::read(&path)?;
    let mut found = Found::default();
    for name in file.names() {
        let parts = name.rsplit_once('.').and_then(|(module, part)| Some((place_of(module)?, part)));
        match parts {
            Some((place, "lora_a")) => found.a(place, file.tensor(&name)?),
            Some((place, "lora_b")) => found.b(place, file.tensor(&name)?),
            _ => {
                let reason = format!("{name} is not a LoRA matrix of a Gemma 3 block");
                return Err(AdapterError::damaged(&path, reason));
            }
        }
    }
    let pairs = found.complete(rank, &path)?;
    let config_of_adapter =
        LoraConfig { rank, alpha: scale * rank as f64, dropout, layers: None, targets: targets_of(&pairs) };
    Ok(Adapter::of(config_of_adapter, config.model, pairs)?)
}
