//! Safetensors files, written whole and read with suspicion.

use crate::error::AdapterError;
use crate::files::write_whole;
use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};
use safetensors::tensor::{Metadata, TensorView};
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Largest file that is taken for an adapter or a checkpoint.
const SIZE_LIMIT: u64 = 4 << 30;

/// How an adapter's numbers are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Four bytes, exactly as trained.
    F32,
    /// Two bytes with ten bits of fraction: what adapters ship in.
    #[default]
    F16,
    /// Two bytes with seven bits of fraction and the range of f32.
    Bf16,
}

impl Precision {
    pub(crate) fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }
}

fn bytes_of(tensor: &Tensor) -> candle_core::Result<(Dtype, Vec<u8>)> {
    let flat = tensor.to_device(&Device::Cpu)?.flatten_all()?;
    Ok(match flat.dtype() {
        DType::F16 => {
            let values = flat.to_vec1::<f16>()?;
            let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            (Dtype::F16, bytes)
        }
        DType::BF16 => {
            let values = flat.to_vec1::<bf16>()?;
            let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            (Dtype::BF16, bytes)
        }
        _ => {
            let values = flat.to_dtype(DType::F32)?.to_vec1::<f32>()?;
            let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            (Dtype::F32, bytes)
        }
    })
}

/// Writes tensors and text entries; the file appears only when it is complete.
pub(crate) fn write_tensors(
    path: &Path,
    tensors: &[(String, Tensor)],
    metadata: &[(&str, &str)],
) -> Result<(), AdapterError> {
    let data = tensors
        .iter()
        .map(|(name, tensor)| {
            let (dtype, bytes) = bytes_of(tensor)?;
            Ok((name.as_str(), tensor.dims().to_vec(), dtype, bytes))
        })
        .collect::<candle_core::Result<Vec<_>>>()?;
    let views = data
        .iter()
        .map(|(name, dims, dtype, bytes)| TensorView::new(*dtype, dims.clone(), bytes).map(|view| (*name, view)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| AdapterError::damaged(path, error))?;
    let metadata: HashMap<String, String> =
        metadata.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(|error| AdapterError::damaged(path, error))?;
    write_whole(path, |file| file.write_all(&bytes)).map_err(AdapterError::io(path))
}

/// A safetensors file in memory.
pub(crate) struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
    header: Metadata,
    /// Where the tensors' bytes begin.
    start: usize,
}

impl TensorFile {
    pub(crate) fn read(path: &Path) -> Result<Self, AdapterError> {
        let size = std::fs::metadata(path).map_err(AdapterError::io(path))?.len();
        if size > SIZE_LIMIT {
            return Err(AdapterError::damaged(path, format!("{size} bytes are too many")));
        }
        let bytes = std::fs::read(path).map_err(AdapterError::io(path))?;
        let damaged = |error| AdapterError::damaged(path, error);
        // This also checks that the tensors fill the file exactly, without holes or overlaps.
        SafeTensors::deserialize(&bytes).map_err(damaged)?;
        let (length, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
        Ok(Self { path: path.to_owned(), start: length + size_of::<u64>(), header, bytes })
    }

    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        self.header.metadata().as_ref()?.get(key).map(String::as_str)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.header.tensors().into_keys().collect()
    }

    /// A tensor as f32; one that holds anything but finite numbers is refused.
    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor, AdapterError> {
        let fault = |reason: String| AdapterError::damaged(&self.path, reason);
        let view = self.header.info(name).ok_or_else(|| fault(format!("{name} is missing")))?;
        let (from, to) = view.data_offsets;
        let data = self
            .bytes
            .get(self.start + from..self.start + to)
            .ok_or_else(|| fault(format!("{name} lies outside the file")))?;
        let values: Vec<f32> = match view.dtype {
            Dtype::F32 => data.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
            Dtype::F16 => data.as_chunks::<2>().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
            Dtype::BF16 => data.as_chunks::<2>().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32()).collect(),
            other => return Err(fault(format!("{name} holds {other:?}, not floats"))),
        };
        if values.iter().any(|value| !value.is_finite()) {
            return Err(fault(format!("{name} holds values that are not numbers")));
        }
        Ok(Tensor::from_vec(values, view.shape.as_slice(), &Device::Cpu)?)
    }
}
