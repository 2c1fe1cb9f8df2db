//! The settings of a training run, checked before anything begins.

use crate::base::Base;
use crate::data::DataSet;
use crate::error::TrainError;
use crate::export::Precision;
use crate::lora::LoraConfig;
use candle_core::Device;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// How long a run lasts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunLength {
    /// So many steps of the optimiser.
    Steps(usize),
    /// So many passes over the training data.
    Epochs(f64),
}

/// Where the computation happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Processor {
    /// The processor, with fused kernels.
    #[default]
    Cpu,
    /// The first graphics processor of an Apple machine (cargo feature `metal`).
    Metal,
    /// The first graphics processor of NVIDIA's (cargo feature `cuda`).
    Cuda,
}

/// A file by its name and its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name, without the folder.
    pub name: String,
    /// Fingerprint of its bytes.
    pub sha256: String,
}

impl Source {
    /// Reads a file's fingerprint.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        Ok(Self {
            name: file_name(path).display().to_string(),
            sha256: hex::encode(Sha256::digest(std::fs::read(path)?)),
        })
    }
}

fn file_name(path: &Path) -> PathBuf {
    path.file_name().unwrap_or_default().into()
}

/// The settings of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainConfig {
    /// A `.gguf` file or a Hugging Face folder.
    pub base: PathBuf,
    /// Training examples, JSON lines of `prompt` and `reply`.
    pub train: PathBuf,
    /// Validation examples, likewise.
    pub valid: Option<PathBuf>,
    /// The files that the examples were rendered from, for the report: by them one sees what an adapter was made of.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// The folder that receives adapter, checkpoint, curve and report.
    pub out: PathBuf,
    /// An adapter to begin with, so that it learns more; a fresh one when absent.
    pub from: Option<PathBuf>,
    /// The adapter's settings.
    pub lora: LoraConfig,
    /// When to stop.
    pub length: RunLength,
    /// Examples whose gradients are computed together.
    pub batch_size: usize,
    /// Batches whose gradients make one step.
    pub accumulation: usize,
    /// A batch of more tokens is split, to bound memory.
    pub max_batch_tokens: usize,
    /// Longest example allowed, in tokens.
    pub max_tokens: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Steps over which the rate rises.
    pub warmup: usize,
    /// The rate of the last step, as a share of the peak.
    pub final_rate: f64,
    /// AdamW's pull towards zero.
    pub weight_decay: f64,
    /// Longest gradient that is used whole.
    pub clip: f64,
    /// Decides initial weights, order and dropout.
    pub seed: u64,
    /// Steps between validations; the last step always ends with one.
    pub validate_every: usize,
    /// Steps between checkpoints; the last step always ends with one.
    pub checkpoint_every: usize,
    /// Go on from the checkpoint in `out`, if there is one.
    pub resume: bool,
    /// Where to compute.
    pub processor: Processor,
    /// Threads; all cores when absent. Runs repeat bit for bit with the same number.
    pub threads: Option<usize>,
    /// How the adapter's numbers are stored.
    #[serde(skip)]
    pub precision: Precision,
}

impl TrainConfig {
    /// Settings that suit a few hundred to a few thousand short examples on two cores.
    #[must_use]
    pub fn new(base: PathBuf, train: PathBuf, out: PathBuf) -> Self {
        Self {
            base,
            train,
            valid: None,
            sources: Vec::new(),
            out,
            from: None,
            lora: LoraConfig::default(),
            length: RunLength::Epochs(2.0),
            batch_size: 8,
            accumulation: 1,
            max_batch_tokens: 2048,
            max_tokens: 1024,
            learning_rate: 3e-4,
            warmup: 10,
            final_rate: 0.05,
            weight_decay: 0.0,
            clip: 1.0,
            seed: 0,
            validate_every: 50,
            checkpoint_every: 25,
            resume: false,
            processor: Processor::Cpu,
            threads: None,
            precision: Precision::F16,
        }
    }

    pub(crate) fn check(&self) -> Result<(), TrainError> {
        let fault = |setting, reason: &str| Err(TrainError::Setting { setting, reason: reason.to_owned() });
        let LoraConfig { rank, alpha, dropout, ref layers, ref targets } = self.lora;
        if !(1..=1024).contains(&rank) {
            return fault("rank", "must be 1 to 1024");
        }
        if !(alpha.is_finite() && alpha > 0.0) {
            return fault("alpha", "must be more than 0");
        }
        if !(0.0..1.0).contains(&dropout) {
            return fault("dropout", "must be at least 0 and less than 1");
        }
        if targets.is_empty() || *layers == Some(0) {
            return fault("targets", "at least one matrix of one layer must be trained");
        }
        if self.batch_size == 0 || self.accumulation == 0 {
            return fault("batch size", "batch size and accumulation must be at least 1");
        }
        if self.max_tokens < 2 || self.max_batch_tokens < 2 {
            return fault("max tokens", "must be at least 2");
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return fault("learning rate", "must be more than 0");
        }
        if !(self.clip.is_finite() && self.clip > 0.0) {
            return fault("clip", "must be more than 0");
        }
        if !(0.0..=1.0).contains(&self.final_rate) || !(0.0..1.0).contains(&self.weight_decay) {
            return fault("final rate", "final rate and weight decay must lie between 0 and 1");
        }
        if self.validate_every == 0 || self.checkpoint_every == 0 {
            return fault("validate every", "intervals must be at least 1");
        }
        match self.length {
            RunLength::Steps(steps) if steps == 0 || steps > 10_000_000 => fault("steps", "must be 1 to 10 million"),
            RunLength::Epochs(epochs) if !(epochs > 0.0 && epochs <= 1000.0) => {
                fault("epochs", "must be more than 0, at most 1000")
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn step_size(&self) -> usize {
        self.batch_size * self.accumulation
    }

    pub(crate) fn steps(&self, examples: usize) -> usize {
        match self.length {
            RunLength::Steps(steps) => steps,
            RunLength::Epochs(epochs) => {
                let exact = epochs * examples as f64 / self.step_size() as f64;
                (exact.ceil() as usize).max(1)
            }
        }
    }

    /// What a checkpoint must share with the run that continues it.
    pub(crate) fn fingerprint(&self, base: &Base, data: &DataSet, steps: usize) -> String {
        let same = (
            base.name(),
            format!("{:?}", base.shape()),
            data.sha256(),
            (&self.lora, &self.from),
            (steps, self.batch_size, self.accumulation),
            (self.max_batch_tokens, self.warmup, self.seed),
            (self.learning_rate, self.final_rate, self.weight_decay, self.clip),
        );
        hex::encode(Sha256::digest(format!("{same:?}")))
    }

    /// The same with files by their names alone: a report is read elsewhere than where it was made.
    pub(crate) fn without_folders(&self) -> Self {
        Self {
            base: file_name(&self.base),
            train: file_name(&self.train),
            valid: self.valid.as_deref().map(file_name),
            out: file_name(&self.out),
            from: self.from.as_deref().map(file_name),
            ..self.clone()
        }
    }

    pub(crate) fn device(&self) -> Result<Device, TrainError> {
        Ok(match self.processor {
            Processor::Cpu => Device::Cpu,
            Processor::Metal => Device::new_metal(0)?,
            Processor::Cuda => Device::new_cuda(0)?,
        })
    }
}
