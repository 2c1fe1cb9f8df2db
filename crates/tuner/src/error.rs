//! What can go wrong, said so that the owner of the restaurant knows what to do next.

use std::path::PathBuf;

/// Why a training run did not start or did not finish.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The base model's file cannot be used.
    #[error("the base model {path} cannot be used: {reason}")]
    Base {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A line of a data file is not a training example. Nothing has been trained.
    #[error("{file}, line {line}: {reason}; nothing was trained")]
    Data {
        /// The data file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with the line.
        reason: String,
    },
    /// A data file holds no example.
    #[error("{file} holds no example; one JSON object {{\"prompt\": …, \"reply\": …}} a line is expected")]
    NoData {
        /// The data file.
        file: PathBuf,
    },
    /// A setting is out of its range.
    #[error("{setting}: {reason}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// What it may be.
        reason: String,
    },
    /// The loss or its gradient is no longer a number. The last checkpoint is as good as before.
    #[error(
        "the loss became {what} at step {step}; {} A lower learning rate usually helps",
        match checkpoint {
            Some(path) => format!("the last good checkpoint is {}.", path.display()),
            None => "no checkpoint had been written yet.".to_owned(),
        }
    )]
    NotFinite {
        /// The step that failed, counted from 1.
        step: usize,
        /// "not a number" or "infinite".
        what: &'static str,
        /// The checkpoint to go back to.
        checkpoint: Option<PathBuf>,
    },
    /// A checkpoint cannot be continued with these settings or this data.
    #[error("the checkpoint {path} belongs to another run: {reason}; start afresh in an empty folder")]
    OtherRun {
        /// The checkpoint's file.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// An adapter or checkpoint file is damaged or does not fit.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// A computation failed, most likely for want of memory.
    #[error("the computation failed: {0}")]
    Compute(#[from] candle_core::Error),
}

/// Why an adapter could not be read, written or applied.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// The file is not what its name says.
    #[error("{path} is damaged or not an adapter: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The adapter was made for a model of another shape.
    #[error("the adapter does not fit this base model: {reason}")]
    OtherBase {
        /// The first difference found.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A tensor could not be made or converted.
    #[error("the adapter's numbers cannot be converted: {0}")]
    Compute(#[from] candle_core::Error),
}

impl TrainError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn base(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::Base { path: path.into(), reason: reason.to_string() }
    }
}

impl AdapterError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::Damaged { path: path.into(), reason: reason.to_string() }
    }
}
