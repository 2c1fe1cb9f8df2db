//! The folder where fetched models are kept, shared by every checkout of one user.
//!
//! ```text
//! ROOT/models/NAME/manifest.json   what the entry holds: sizes, SHA-256, modification times
//! ROOT/models/NAME/FILE…           the files themselves
//! ROOT/partial/NAME/…              a download under way, or broken off and to be resumed
//! ROOT/locks/NAME.lock             held by the process that is fetching
//! ```
//! An entry appears by one rename, so it is whole or absent. Hashing 250 MB takes a second, so a file is hashed when
//! it arrives and later only if its size or modification time is not the manifest's.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{ModelError, ModelRef, Progress};

const MANIFEST: &str = "manifest.json";
/// No manifest of ours comes near this; a larger one is not ours.
const MANIFEST_LIMIT: u64 = 1 << 20;

/// Where models are kept.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// The files of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFiles {
    /// The reference that led here, for people.
    pub model: String,
    /// All of them; never empty.
    pub files: Vec<ModelFile>,
}

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Its name within the model.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
}

/// An entry of the cache.
#[derive(Clone, Debug, Serialize)]
pub struct CachedModel {
    /// The reference that fetched it.
    pub model: String,
    /// Bytes of all its files.
    pub size: u64,
    /// Its folder.
    pub path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    model: String,
    files: Vec<Stamp>,
}

#[derive(Serialize, Deserialize)]
struct Stamp {
    name: String,
    size: u64,
    sha256: String,
    /// Nanoseconds since 1970.
    modified: u64,
}

impl ModelFiles {
    /// The file of this name.
    pub fn file(&self, name: &str) -> Result<&Path, ModelError> {
        self.files.iter().find(|file| file.name == name).map(|file| file.path.as_path()).ok_or_else(|| self.lacks(name))
    }

    /// The GGUF file.
    pub fn gguf(&self) -> Result<&Path, ModelError> {
        let is_gguf = |file: &&ModelFile| file.path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"));
        // A single file given by path may have any name.
        let only = (self.files.len() == 1).then(|| self.files.first()).flatten();
        self.files.iter().find(is_gguf).or(only).map(|file| file.path.as_path()).ok_or_else(|| self.lacks("GGUF file"))
    }

    fn lacks(&self, wanted: &str) -> ModelError {
        let names: Vec<&str> = self.files.iter().take(12).map(|file| file.name.as_str()).collect();
        ModelError::NoSuchFile { what: self.model.clone(), wanted: wanted.to_owned(), found: names.join(", ") }
    }
}

/// The user's cache folder for this product, as the platform has it.
#[must_use]
pub fn default_cache_dir() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if cfg!(target_os = "macos") {
        set("HOME")?.join("Library/Caches")
    } else if cfg!(windows) {
        set("LOCALAPPDATA")?
    } else {
        // The specification has relative values ignored.
        match set("XDG_CACHE_HOME").filter(|path| path.is_absolute()) {
            Some(path) => path,
            None => set("HOME")?.join(".cache"),
        }
    };
    Some(base.join("gemma-burger"))
}

impl Cache {
    /// A cache at this folder, which is made when the first model comes.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What it holds, by name.
    pub fn list(&self) -> Result<Vec<CachedModel>, ModelError> {
        let folder = self.root.join("models");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(ModelError::io(folder, error)),
        };
        let mut models: Vec<CachedModel> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let manifest = read_manifest(&entry.path())?;
                let size = manifest.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size));
                Some(CachedModel { model: manifest.model, size, path: entry.path() })
            })
            .collect();
        models.sort_by(|a, b| a.model.cmp(&b.model));
        Ok(models)
    }

    /// The entry of a model if it is there and whole.
    ///
    /// A file whose size is not the manifest's, or whose bytes have changed, makes the entry absent: it is fetched anew.
    pub fn find(&self, model: &ModelRef) -> Result<Option<ModelFiles>, ModelError> {
        let folder = self.entry(model);
        let Some(mut manifest) = read_manifest(&folder) else { return Ok(None) };
        let mut touched = false;
        for stamp in &mut manifest.files {
            let path = folder.join(&stamp.name);
            let Ok(metadata) = fs::metadata(&path) else { return Ok(None) };
            if metadata.len() != stamp.size {
                return Ok(None);
            }
            if modified(&metadata) != stamp.modified {
                // Copied or restored: its bytes decide.
                if hash_file(&path, &mut crate::Silent)? != stamp.sha256 {
                    return Ok(None);
                }
                stamp.modified = modified(&metadata);
                touched = true;
            }
        }
        if touched {
            // A read-only cache stays usable; it is hashed again next time.
            if let Err(error) = write_manifest(&folder, &manifest) {
                tracing::debug!(%error, "the manifest of a cached model could not be renewed");
            }
        }
        Ok(Some(manifest.into_files(&folder)))
    }

    /// Waits until no other process fetches this model. Released when dropped.
    pub(crate) fn lock(&self, model: &ModelRef) -> Result<File, ModelError> {
        let folder = self.root.join("locks");
        make_folder(&folder)?;
        let path = folder.join(format!("{}.lock", slug(model)));
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| ModelError::io(&path, error))?;
        file.lock().map_err(|error| ModelError::io(&path, error))?;
        Ok(file)
    }

    /// The folder for the bytes of a download that is not complete. Call with the lock held.
    pub(crate) fn partial(&self, model: &ModelRef) -> Result<PathBuf, ModelError> {
        let folder = self.root.join("partial").join(slug(model));
        make_folder(&folder)?;
        Ok(folder)
    }

    /// Makes an entry of files that lie in the partial folder, each with its SHA-256. Call with the lock held.
    pub(crate) fn publish(&self, model: &ModelRef, files: Vec<(PathBuf, String)>) -> Result<ModelFiles, ModelError> {
        let staging = self.partial(model)?.join("entry");
        remove_folder(&staging)?;
        make_folder(&staging)?;
        let mut stamps = Vec::with_capacity(files.len());
        for (path, sha256) in files {
            let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
            let target = staging.join(&name);
            fs::rename(&path, &target).map_err(|error| ModelError::io(&path, error))?;
            let file = File::open(&target).map_err(|error| ModelError::io(&target, error))?;
            // The rename below must not become durable before the bytes do.
            file.sync_all().map_err(|error| ModelError::io(&target, error))?;
            let metadata = file.metadata().map_err(|error| ModelError::io(&target, error))?;
            stamps.push(Stamp { name, size: metadata.len(), sha256, modified: modified(&metadata) });
        }
        let manifest = Manifest { model: model.to_string(), files: stamps };
        write_manifest(&staging, &manifest)?;
        let entry = self.entry(model);
        make_folder(&self.root.join("models"))?;
        remove_folder(&entry)?;
        fs::rename(&staging, &entry).map_err(|error| ModelError::io(&entry, error))?;
        remove_folder(&self.root.join("partial").join(slug(model)))?;
        Ok(manifest.into_files(&entry))
    }

    fn entry(&self, model: &ModelRef) -> PathBuf {
        self.root.join("models").join(slug(model))
    }
}

impl Manifest {
    fn into_files(self, folder: &Path) -> ModelFiles {
        let files = self.files.into_iter().map(|stamp| ModelFile {
            path: folder.join(&stamp.name),
            name: stamp.name,
            size: stamp.size,
        });
        ModelFiles { model: self.model, files: files.collect() }
    }
}

/// A folder name that is legal everywhere and different for different models.
fn slug(model: &ModelRef) -> String {
    let shown = model.to_string();
    if let ModelRef::Known(known) = model {
        return known.name().to_owned();
    }
    let readable: String =
        shown.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).take(80).collect();
    let digest = hex::encode(Sha256::digest(shown.as_bytes()));
    format!("{readable}-{}", digest.get(..8).unwrap_or_default())
}

fn read_manifest(folder: &Path) -> Option<Manifest> {
    let file = File::open(folder.join(MANIFEST)).ok()?;
    let mut text = String::new();
    file.take(MANIFEST_LIMIT).read_to_string(&mut text).ok()?;
    let manifest: Manifest = serde_json::from_str(&text).ok()?;
    let plain = |name: &str| Path::new(name).file_name().is_some_and(|last| last == name);
    (!manifest.files.is_empty() && manifest.files.iter().all(|file| plain(&file.name))).then_some(manifest)
}

fn write_manifest(folder: &Path, manifest: &Manifest) -> Result<(), ModelError> {
    let path = folder.join(MANIFEST);
    let temporary = folder.join(format!("{MANIFEST}.{}", std::process::id()));
    let text =
        serde_json::to_string_pretty(manifest).map_err(|error| ModelError::io(&path, std::io::Error::other(error)))?;
    fs::write(&temporary, text)
        .and_then(|()| fs::rename(&temporary, &path))
        .map_err(|error| ModelError::io(path, error))
}

/// SHA-256 of a file in lower-case hexadecimal digits.
pub(crate) fn hash_file(path: &Path, progress: &mut dyn Progress) -> Result<String, ModelError> {
    let mut file = File::open(path).map_err(|error| ModelError::io(path, error))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        let read = file.read(&mut buffer).map_err(|error| ModelError::io(path, error))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        done += read as u64;
        progress.advance(done);
    }
    Ok(hex::encode(hasher.finalize()))
}

/// Checks a file's hash; a wrong file is deleted.
pub(crate) fn verify(path: &Path, expected: &str, progress: &mut dyn Progress) -> Result<(), ModelError> {
    let got = hash_file(path, progress)?;
    if got.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    fs::remove_file(path).map_err(|error| ModelError::io(path, error))?;
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Err(ModelError::WrongHash { file, expected: expected.to_owned(), got })
}

fn modified(metadata: &fs::Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

pub(crate) fn make_folder(path: &Path) -> Result<(), ModelError> {
    fs::create_dir_all(path).map_err(|error| ModelError::io(path, error))
}

pub(crate) fn remove_folder(path: &Path) -> Result<(), ModelError> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(ModelError::io(path, error)),
    }
}
