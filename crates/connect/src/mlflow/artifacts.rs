//! Files of runs and models, through the server's artifact proxy.

use std::{fs, fs::File, io::Read, path::Path};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use ureq::http::Method;

use super::{Mlflow, MlflowError, encoded};
use crate::service::Body;

/// The proxy's paths.
const PROXY: &str = "/api/2.0/mlflow-artifacts/artifacts";
/// How the server names what goes through its proxy.
const SCHEME: &str = "mlflow-artifacts:";

/// A file or a folder that the server holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Listed {
    /// Its name within its folder.
    pub path: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Bytes of a file.
    #[serde(default)]
    pub file_size: Option<u64>,
}

#[derive(Deserialize)]
struct Files {
    #[serde(default)]
    files: Vec<Listed>,
}

impl Mlflow {
    /// Stores a file at `name` below a run's or model's `root`, and looks whether all of it arrived.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn put_file(&self, root: &str, name: &str, file: &Path) -> Result<(), MlflowError> {
        self.files.send(&Method::PUT, &place(root, name)?, Body::File(file))?;
        let sent = fs::metadata(file).map_err(|error| MlflowError::disk(file, &error))?.len();
        self.check_size(root, name, sent)
    }

    /// Stores bytes, likewise.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn put_bytes(&self, root: &str, name: &str, bytes: &[u8]) -> Result<(), MlflowError> {
        self.files.send(&Method::PUT, &place(root, name)?, Body::Bytes(bytes, "application/octet-stream"))?;
        self.check_size(root, name, bytes.len() as u64)
    }

    /// What lies in a folder below `root`; an empty name is the root itself.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn list_files(&self, root: &str, folder: &str) -> Result<Vec<Listed>, MlflowError> {
        let below = proxied(root)?;
        let whole = if folder.is_empty() { below.to_owned() } else { format!("{below}/{folder}") };
        let listed: Files = self.api.get(&format!("{PROXY}?path={}", encoded(&whole)))?;
        Ok(listed.files)
    }

    /// Fetches a file.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn get_file(&self, root: &str, name: &str, into: &Path) -> Result<(), MlflowError> {
        Ok(self.files.fetch(&place(root, name)?, into)?)
    }

    fn check_size(&self, root: &str, name: &str, sent: u64) -> Result<(), MlflowError> {
        let (folder, leaf) = name.rsplit_once('/').unwrap_or(("", name));
        let listed = self.list_files(root, folder)?;
        let held = listed.iter().find(|file| file.path == leaf).and_then(|file| file.file_size).unwrap_or(0);
        if held == sent { Ok(()) } else { Err(MlflowError::Half { file: name.to_owned(), held, sent }) }
    }
}

/// The path of a file at the proxy.
fn place(root: &str, name: &str) -> Result<String, MlflowError> {
    let parts = proxied(root)?.split('/').chain(name.split('/')).map(encoded);
    Ok(format!("{PROXY}/{}", parts.collect::<Vec<_>>().join("/")))
}

/// `mlflow-artifacts:/1/RUN/artifacts` or `mlflow-artifacts://HOST/1/RUN/artifacts`, without what stands before.
fn proxied(root: &str) -> Result<&str, MlflowError> {
    let path = root.strip_prefix(SCHEME).ok_or_else(|| MlflowError::NotProxied(root.to_owned()))?;
    let path = path.strip_prefix("//").map_or(path, |rest| rest.split_once('/').map_or("", |(_, path)| path));
    Ok(path.trim_matches('/'))
}

/// SHA-256 of a file, in hexadecimal digits.
///
/// # Errors
/// It cannot be read.
pub fn sha256_of(path: &Path) -> Result<String, MlflowError> {
    let wrong = |error: std::io::Error| MlflowError::disk(path, &error);
    let mut file = File::open(path).map_err(wrong)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut piece).map_err(wrong)?;
        let Some(read) = piece.get(..read).filter(|read| !read.is_empty()) else { break };
        hash.update(read);
    }
    Ok(hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_goes_through_the_proxy_has_a_path() {
        for (root, path) in [
            ("mlflow-artifacts:/1/ab/artifacts", "1/ab/artifacts"),
            ("mlflow-artifacts://host:5001/1/ab/artifacts", "1/ab/artifacts"),
        ] {
            assert_eq!(proxied(root).ok(), Some(path));
        }
        for root in ["s3://bucket/1", "file:///tmp/1", "/tmp/1", ""] {
            assert!(matches!(proxied(root), Err(MlflowError::NotProxied(_))), "{root}");
        }
        assert_eq!(
            place("mlflow-artifacts:/1/ab", "a dir/ü.txt").ok().as_deref(),
            Some("/api/2.0/mlflow-artifacts/artifacts/1/ab/a%20dir/%C3%BC.txt")
        );
    }
}
