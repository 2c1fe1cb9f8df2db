//! Answers that were paid for once, each in a file named by a hash of all that was asked.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use sha2::{Digest, Sha256};

/// A larger file is none of ours.
const MOST_BYTES: u64 = 64 * 1024;

/// The folder of the answers; none keeps nothing.
#[derive(Debug)]
pub(super) struct Cache {
    folder: Option<PathBuf>,
    written: AtomicU64,
}

/// Names all that an answer depends on.
pub(super) fn key(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

impl Cache {
    pub const fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, written: AtomicU64::new(0) }
    }

    /// The answer under a key. A file that cannot be read is as good as none: the question is asked again.
    pub fn find(&self, key: &str) -> Option<String> {
        let path = self.path(key)?;
        let fits = fs::metadata(&path).ok().filter(|about| about.is_file() && about.len() <= MOST_BYTES);
        fits.and_then(|_| fs::read_to_string(path).ok())
    }

    /// Keeps an answer. A folder that cannot be written costs money later, and nothing now.
    pub fn keep(&self, key: &str, answer: &str) {
        let Some(path) = self.path(key) else { return };
        if let Err(error) = self.write(&path, answer) {
            tracing::warn!(%error, path = %path.display(), "the judge's answer is not kept");
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(key.get(..2)?).join(key).with_extension("json"))
    }

    /// The file is there whole or not at all.
    fn write(&self, path: &Path, answer: &str) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let count = self.written.fetch_add(1, Relaxed);
        let half = path.with_extension(format!("{}-{count}.part", std::process::id()));
        fs::write(&half, answer)?;
        fs::rename(&half, path)
    }
}
