//! llama.cpp's files: an adapter it can load at run time, and a model with the adapter merged in.

use super::tensors::Precision;
use super::{Found, targets_of};
use crate::error::{AdapterError, TrainError};
use crate::files::write_whole;
use crate::lora::{Adapter, LoraConfig, Place};
use crate::shape::Target;
use candle_core::quantized::gguf_file::{Content, Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

/// Writes an adapter as llama.cpp loads it: `lora_a` `[rank, in]`, `lora_b` `[out, rank]`, and alpha.
///
/// # Errors
/// [`AdapterError`] when a tensor cannot be converted or the file cannot be written.
pub fn save_gguf(adapter: &Adapter, path: &Path, precision: Precision) -> Result<(), AdapterError> {
    let dtype = match precision {
        Precision::F32 => GgmlDType::F32,
        Precision::F16 => GgmlDType::F16,
        Precision::Bf16 => GgmlDType::BF16,
    };
    let mut tensors = Vec::new();
    for ((layer, target), pair) in adapter.pairs() {
        let name = format!("blk.{layer}.{}.weight", target.gguf());
        let turned = |var: &candle_core::Var| QTensor::quantize(&var.as_detached_tensor().t()?.contiguous()?, dtype);
        tensors.push((format!("{name}.lora_a"), turned(&pair.a)?));
        tensors.push((format!("{name}.lora_b"), turned(&pair.b)?));
    }
    let text = |text: &str| Value::String(text.to_owned());
    let metadata = [
        ("general.architecture", text("gemma3")),
        ("general.type", text("adapter")),
        ("general.name", text(&format!("LoRA for {}", adapter.base))),
        ("general.base_model.0.name", text(&adapter.base)),
        ("adapter.type", text("lora")),
        ("adapter.lora.alpha", Value::F32(adapter.config.alpha as f32)),
    ];
    write_gguf(path, &metadata.iter().map(|(k, v)| (*k, v)).collect::<Vec<_>>(), &tensors)
}

/// Reads an adapter that llama.cpp's converter (or [`save_gguf`]) wrote.
///
/// # Errors
/// [`AdapterError`] for a file that is no LoRA adapter of a Gemma 3 model.
pub fn load_gguf(path: &Path) -> Result<Adapter, AdapterError> {
    let damaged = |reason: &dyn std::fmt::Display| AdapterError::damaged(path, reason);
    let mut reader = BufReader::new(File::open(path).map_err(AdapterError::io(path))?);
    let content = Content::read(&mut reader).map_err(|error| damaged(&error))?;
    let text = |key: &str| content.metadata.get(key).and_then(|value| value.to_string().ok());
    if text("general.type").is_none_or(|kind| kind != "adapter") {
        return Err(damaged(&"it is no adapter"));
    }
    let alpha = content.metadata.get("adapter.lora.alpha").and_then(|value| value.to_f32().ok());
    let alpha = alpha.filter(|alpha| alpha.is_finite()).ok_or_else(|| damaged(&"it has no alpha"))?;
    let mut found = Found::default();
    for name in content.tensor_infos.keys() {
        let place = |part: &str| name.strip_suffix(part).and_then(place_of);
        let tensor = content.tensor(&mut reader, name, &Device::Cpu).map_err(|error| damaged(&error))?;
        let turned = tensor.dequantize(&Device::Cpu)?.t()?.contiguous()?;
        match (place(".lora_a"), place(".lora_b")) {
            (Some(place), _) => found.a(place, turned),
            (_, Some(place)) => found.b(place, turned),
            _ => return Err(damaged(&format!("{name} is not a LoRA matrix of a Gemma 3 block"))),
        }
    }
    let rank = found.rank().unwrap_or(0);
    let pairs = found.complete(rank, path)?;
    let config = LoraConfig { rank, alpha: f64::from(alpha), dropout: 0.0, layers: None, targets: targets_of(&pairs) };
    let base = text("general.base_model.0.name").cloned().unwrap_or_default();
    Ok(Adapter::of(config, base, pairs)?)
}

/// How the changed matrices of a merged model are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FusedType {
    /// Two bytes a weight: nothing of the tuning is rounded away.
    #[default]
    F16,
    /// A little more than one byte a weight.
    Q8_0,
}

/// Writes the base model with the adapter merged into its matrices. Matrices that the adapter does not
/// change keep their bytes' values and type.
///
/// # Errors
/// [`TrainError`] when the base cannot be read or the adapter was made for another one.
pub fn fuse(base: &Path, adapter: &Adapter, out: &Path, stored: FusedType) -> Result<(), TrainError> {
    let shape = crate::base::Base::open(base)?.shape().clone();
    adapter.check(&shape)?;
    let fault = |error: candle_core::Error| TrainError::base(base, error);
    let mut reader = BufReader::new(File::open(base).map_err(TrainError::io(base))?);
    let content = Content::read(&mut reader).map_err(fault)?;
    let changed: BTreeMap<Place, Tensor> = adapter
        .pairs()
        .map(|(place, pair)| {
            let update = pair.a.as_detached_tensor().matmul(&pair.b.as_detached_tensor())?.t()?;
            Ok((place, (update * adapter.config.scale())?))
        })
        .collect::<candle_core::Result<_>>()?;
    let dtype = match stored {
        FusedType::F16 => GgmlDType::F16,
        FusedType::Q8_0 => GgmlDType::Q8_0,
    };
    let mut names: Vec<&String> = content.tensor_infos.keys().collect();
    names.sort_by_key(|name| content.tensor_infos[*name].offset);
    let mut tensors = Vec::with_capacity(names.len());
    for name in names {
        let kept = content.tensor(&mut reader, name, &Device::Cpu).map_err(fault)?;
        let tensor = match place_of(name).and_then(|place| changed.get(&place)) {
            Some(update) => {
                let merged = (kept.dequantize(&Device::Cpu)? + update)?;
                QTensor::quantize(&merged, dtype)?
            }
            None => kept,
        };
        tensors.push((name.clone(), tensor));
    }
    let mut metadata: Vec<(&str, &Value)> = content.metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    metadata.sort_by_key(|(key, _)| *key);
    Ok(write_gguf(out, &metadata, &tensors)?)
}

/// `blk.3.attn_q.weight` → its place.
fn place_of(name: &str) -> Option<Place> {
    let (layer, matrix) = name.strip_prefix("blk.")?.strip_suffix(".weight")?.split_once('.')?;
    let target = Target::ALL.into_iter().find(|t| t.gguf() == matrix)?;
    Some((layer.parse().ok()?, target))
}

fn write_gguf(path: &Path, metadata: &[(&str, &Value)], tensors: &[(String, QTensor)]) -> Result<(), AdapterError> {
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    write_whole(path, |file| write(file, metadata, &tensors).map_err(io::Error::other)).map_err(AdapterError::io(path))
}
