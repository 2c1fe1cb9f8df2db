//! From a checkpoint as Apple's MLX or Hugging Face keep it (safetensors, `config.json`, `tokenizer.json`) to the one
//! GGUF file that the engine loads.
//!
//! No weight loses anything on the way. MLX's 4-bit weights are `scale * q + bias`, one scale and bias for a group of
//! 32, 64 or 128; GGUF's Q4_1 is `d * q + m` for blocks of 32. So a group becomes one, two or four blocks with the same
//! scale and bias, bit for bit, as long as both fit 16-bit floats: [`Report`] counts those that had to be rounded.
//! Weights of 16 and 32 bits are copied as they are.
//!
//! ```text
//! config.rs     what the model is: sizes, windows                      config.json
//! safetensors.rs which tensors there are, and where their bytes lie     *.safetensors, with bounds
//! tokenizer.rs  tokens, their scores and kinds                         tokenizer.json or tokenizer.model
//! plan.rs       each tensor of the GGUF: from what, of which type      shapes are checked here
//! convert.rs    the bytes of one tensor
//! ```

mod config;
mod convert;
mod plan;
mod safetensors;
mod tokenizer;

use std::{
    io,
    path::{Path, PathBuf},
};

use gguf::{GgufError, Writer};

pub use crate::safetensors::{HeaderError, TensorInfo, header};
use crate::{config::Config, plan::Plan, safetensors::Weights, tokenizer::Tokenizer};

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Report {
    /// Tensors of the GGUF file.
    pub tensors: usize,
    /// Tensors whose 4-bit weights went over as they are.
    pub four_bit: usize,
    /// Tensors of other packed widths, unpacked to 16-bit floats.
    pub unpacked: usize,
    /// Tensors of pictures and the like, which were left out.
    pub skipped: usize,
    /// Scales and biases of 4-bit weights.
    pub scales: u64,
    /// Those of them that no 16-bit float holds exactly.
    pub rounded: u64,
    /// The most that a rounding changed a scale or bias by.
    pub largest_change: f32,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why a checkpoint is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file is missing or cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file's contents cannot be.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What cannot be.
        reason: String,
    },
    /// It is a checkpoint of something else.
    #[error("this checkpoint cannot be imported: {0}")]
    Unsupported(String),
    /// A tensor is missing or not as the configuration says.
    #[error("the tensor {name} {reason}")]
    Tensor {
        /// Its name in the checkpoint.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The GGUF file cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The GGUF file cannot be laid out.
    #[error("the GGUF file cannot be laid out: {0}")]
    Layout(#[from] GgufError),
}

/// Whether a folder holds what [`import`] reads.
#[must_use]
pub fn is_checkpoint(folder: &Path) -> bool {
    folder.join("config.json").is_file()
        && (folder.join("model.safetensors").is_file() || folder.join("model.safetensors.index.json").is_file())
}

/// Reads the checkpoint in a folder and writes a GGUF file. `progress` is told the bytes written and their total.
///
/// # Errors
/// [`ImportError`]; no file is left behind then.
pub fn import(
    folder: &Path,
    name: &str,
    target: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, ImportError> {
    let config = Config::read(&folder.join("config.json"))?;
    let weights = Weights::open(folder)?;
    let plan = Plan::new(&config, &weights)?;
    let tokenizer = Tokenizer::read(folder, plan.vocabulary)?;

    let mut writer = Writer::new();
    writer.text("general.architecture", "gemma3").text("general.type", "model").text("general.name", name);
    writer.u32("general.quantization_version", 2);
    plan.describe(&config, &mut writer);
    tokenizer.describe(&mut writer);
    for tensor in &plan.tensors {
        writer.tensor(&tensor.name, tensor.shape, tensor.kind.number())?;
    }
    let total: u64 = plan.tensors.iter().map(|tensor| tensor.bytes()).sum();
    let mut report = Report { tensors: plan.tensors.len(), skipped: plan.skipped, ..Report::default() };
    let mut failure = None;
    let mut written = 0;
    let outcome = writer.write(target, |info, out| {
        let planned = plan.tensors.iter().find(|tensor| tensor.name == info.name);
        let planned = planned.ok_or_else(|| io::Error::other("a tensor that was not planned"))?;
        convert::write(planned, &weights, &mut report, out).map_err(|error| match error {
            convert::Failure::Write(error) => error,
            convert::Failure::Import(error) => {
                failure = Some(error);
                io::Error::other("the checkpoint cannot be read")
            }
        })?;
        written += info.size;
        progress(written, total);
        Ok(())
    });
    if let Some(error) = failure {
        return Err(error);
    }
    outcome.map_err(|source| ImportError::Unwritable { path: target.to_owned(), source })?;
    report.bytes = target.metadata().map_or(0, |metadata| metadata.len());
    Ok(report)
}

/// Reads a file of at most `limit` bytes.
fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, ImportError> {
    use std::io::Read;

    let unreadable = |source| ImportError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(ImportError::Damaged { path: path.to_owned(), reason: format!("it is longer than {limit} bytes") });
    }
    Ok(bytes)
}

/// The same, as JSON.
fn read_json<T: serde::de::DeserializeOwned>(path: &Path, limit: u64) -> Result<T, ImportError> {
    serde_json::from_slice(&read_bounded(path, limit)?)
        .map_err(|error| ImportError::Damaged { path: path.to_owned(), reason: error.to_string() })
}
