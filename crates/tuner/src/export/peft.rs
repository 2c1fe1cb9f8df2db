//! PEFT's layout: `adapter_model.safetensors` with `lora_A.weight` `[rank, in]` and `lora_B.weight`
//! `[out, rank]`, and `lora_alpha` in the configuration.

use super::tensors::{Precision, TensorFile, write_tensors};
use super::{Found, place_of, read_config, targets_of, write_config};
use crate::error::AdapterError;
use crate::lora::{Adapter, LoraConfig};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

/// The file that tells PEFT's layout from MLX-LM's.
pub(super) const TENSORS: &str = "adapter_model.safetensors";
const PREFIX: &str = "base_model.model.model.layers";

/// Writes an adapter as PEFT's `save_pretrained` does.
///
/// # Errors
/// [`AdapterError`] when a file cannot be written.
pub fn save_peft(adapter: &Adapter, folder: &Path, precision: Precision) -> Result<(), AdapterError> {
    std::fs::create_dir_all(folder).map_err(AdapterError::io(folder))?;
    let mut tensors = Vec::new();
    for ((layer, target), pair) in adapter.pairs() {
        let name = format!("{PREFIX}.{layer}.{}", target.module());
        let turned = |var: &candle_core::Var| var.as_detached_tensor().t()?.contiguous()?.to_dtype(precision.dtype());
        tensors.push((format!("{name}.lora_A.weight"), turned(&pair.a)?));
        tensors.push((format!("{name}.lora_B.weight"), turned(&pair.b)?));
    }
    let config = &adapter.config;
    let modules: Vec<&str> = config.targets.iter().filter_map(|target| target.module().rsplit('.').next()).collect();
    let mut layers: Vec<usize> = adapter.pairs().map(|((layer, _), _)| layer).collect();
    layers.dedup();
    let json = json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": adapter.base,
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": config.dropout,
        "target_modules": modules,
        "layers_to_transform": layers,
        "layers_pattern": "layers",
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "use_rslora": false,
        "use_dora": false,
    });
    write_tensors(&folder.join(TENSORS), &tensors, &[("format", "pt")])?;
    write_config(folder, &json)
}

#[derive(Deserialize)]
struct Config {
    peft_type: String,
    #[serde(default)]
    base_model_name_or_path: Option<String>,
    r: usize,
    lora_alpha: f64,
    #[serde(default)]
    lora_dropout: f32,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
}

/// Reads a folder that PEFT (or [`save_peft`]) wrote.
///
/// # Errors
/// [`AdapterError`] for missing or damaged files, or a variant of LoRA that is not plain.
pub fn load_peft(folder: &Path) -> Result<Adapter, AdapterError> {
    let config: Config = read_config(folder)?;
    if config.peft_type != "LORA" || config.use_dora || config.r == 0 {
        let reason = "its configuration is not one of plain LoRA";
        return Err(AdapterError::damaged(folder, reason));
    }
    let path = folder.join(TENSORS);
    let file = TensorFile::read(&path)?;
    let mut found = Found::default();
    for name in file.names() {
        let turned = |name: &str| Ok::<_, AdapterError>(file.tensor(name)?.t()?.contiguous()?);
        let a = name.strip_suffix(".lora_A.weight").and_then(place_of);
        let b = name.strip_suffix(".lora_B.weight").and_then(place_of);
        match (a, b) {
            (Some(place), _) => found.a(place, turned(&name)?),
            (_, Some(place)) => found.b(place, turned(&name)?),
            _ => {
                let reason = format!("{name} is not a LoRA matrix of a Gemma 3 block");
                return Err(AdapterError::damaged(&path, reason));
            }
        }
    }
    let pairs = found.complete(config.r, &path)?;
    // Rank-stabilised LoRA divides by the rank's square root.
    let alpha = if config.use_rslora { config.lora_alpha * (config.r as f64).sqrt() } else { config.lora_alpha };
    let settings =
        LoraConfig { rank: config.r, alpha, dropout: config.lora_dropout, layers: None, targets: targets_of(&pairs) };
    let base = config.base_model_name_or_path.unwrap_or_default();
    Ok(Adapter::of(settings, base, pairs)?)
}
