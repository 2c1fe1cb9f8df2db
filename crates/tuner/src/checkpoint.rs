//! The state of a run in one file: the adapter, the optimiser's moments, and how far it has come.

use crate::error::{AdapterError, TrainError};
use crate::export::tensors::{TensorFile, write_tensors};
use crate::lora::{Adapter, Place};
use crate::optim::AdamW;
use crate::report::Curve;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const FILE: &str = "checkpoint.safetensors";
const STATE: &str = "state";

/// What a run must remember beside its tensors.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// Fingerprint of settings, base and data: a checkpoint continues no other run.
    pub(crate) run: String,
    /// Steps done.
    pub(crate) step: usize,
    /// Tokens fed in so far.
    pub(crate) tokens: usize,
    /// Seconds spent so far.
    pub(crate) seconds: f64,
    /// Losses so far.
    pub(crate) curve: Curve,
}

/// Where the checkpoint of a run lies.
pub(crate) fn path_in(out: &Path) -> PathBuf {
    out.join(FILE)
}

fn name(place: Place, part: &str) -> String {
    format!("{}.{}.{part}", place.0, place.1.module())
}

/// In the order of [`Adapter::vars`].
fn names(adapter: &Adapter) -> Vec<String> {
    adapter.pairs().flat_map(|(place, _)| [name(place, "a"), name(place, "b")]).collect()
}

pub(crate) fn save(out: &Path, adapter: &Adapter, adam: &AdamW, state: &State) -> Result<PathBuf, TrainError> {
    let path = path_in(out);
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    for (i, (name, var)) in names(adapter).iter().zip(adapter.vars()).enumerate() {
        tensors.push((format!("lora.{name}"), var.as_detached_tensor()));
        tensors.push((format!("mean.{name}"), adam.mean[i].clone()));
        tensors.push((format!("square.{name}"), adam.square[i].clone()));
    }
    let state = serde_json::to_string(state).map_err(|error| TrainError::io(&path)(std::io::Error::other(error)))?;
    write_tensors(&path, &tensors, &[(STATE, &state)])?;
    Ok(path)
}

/// Puts a checkpoint's state into a fresh adapter and optimiser; `None` when there is no checkpoint.
pub(crate) fn load(out: &Path, run: &str, adapter: &Adapter, adam: &mut AdamW) -> Result<Option<State>, TrainError> {
    let path = path_in(out);
    if !path.exists() {
        return Ok(None);
    }
    let file = TensorFile::read(&path)?;
    let state: State = file
        .metadata(STATE)
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| AdapterError::damaged(&path, "it holds no state of a run"))?;
    if state.run != run {
        return Err(TrainError::OtherRun { path, reason: "settings, data or base model differ".to_owned() });
    }
    let device = adapter.vars().next().map(|var| var.device().clone());
    let device = device.unwrap_or(candle_core::Device::Cpu);
    for (i, (name, var)) in names(adapter).iter().zip(adapter.vars()).enumerate() {
        let tensor = |part: &str| -> Result<Tensor, TrainError> {
            let tensor = file.tensor(&format!("{part}.{name}"))?;
            if tensor.dims() != var.dims() {
                let reason = format!("{part}.{name} has another shape");
                return Err(AdapterError::damaged(&path, reason).into());
            }
            Ok(tensor.to_device(&device)?)
        };
        var.set(&tensor("lora")?)?;
        adam.mean[i] = tensor("mean")?;
        adam.square[i] = tensor("square")?;
    }
    Ok(Some(state))
}
