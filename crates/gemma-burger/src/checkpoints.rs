//! Models that come as checkpoints (safetensors): made into GGUF files once, and kept beside the models.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use checkpoint::Report;
use models::{ModelFiles, Progress};
use sha2::{Digest, Sha256};

use crate::{cli::Failure, commands::model, config::Config};

/// Changed whenever the same checkpoint gives another file.
const VERSION: &str = "1";

/// The GGUF file of a model: its own, or the one made of its checkpoint, now or earlier.
pub fn gguf(config: &Config, files: &ModelFiles, progress: &mut dyn Progress) -> Result<PathBuf, Failure> {
    let Some(folder) = folder(files) else {
        return Ok(files.gguf().map_err(Failure::new)?.to_owned());
    };
    let target = kept_at(config, files)?;
    if !target.is_file() {
        let report = import(files, folder, &target, progress)?;
        tracing::info!(tensors = report.tensors, rounded = report.rounded, "the model's checkpoint was imported");
    }
    Ok(target)
}

/// The folder of a checkpoint, where the files are one and hold no GGUF file.
pub fn folder(files: &ModelFiles) -> Option<&Path> {
    let folder = files.file("config.json").ok()?.parent()?;
    (files.gguf().is_err() && checkpoint::is_checkpoint(folder)).then_some(folder)
}

/// Where the GGUF file of a checkpoint is kept: another file for other contents.
pub fn kept_at(config: &Config, files: &ModelFiles) -> Result<PathBuf, Failure> {
    let mut key = Sha256::new_with_prefix(VERSION);
    for file in &files.files {
        let modified = fs::metadata(&file.path).and_then(|metadata| metadata.modified()).ok();
        let modified = modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
        key.update(format!("{}\n{}\n{}\n", file.path.display(), file.size, modified.as_nanos()));
    }
    let key = hex::encode(&key.finalize()[..12]);
    let folder = model::cache(config)?.root().join("imported");
    fs::create_dir_all(&folder)
        .map_err(|error| Failure::new(format!("{} cannot be made: {error}", folder.display())))?;
    Ok(folder.join(format!("{key}.gguf")))
}

/// Makes the file.
pub fn import(
    files: &ModelFiles,
    folder: &Path,
    target: &Path,
    progress: &mut dyn Progress,
) -> Result<Report, Failure> {
    let name = Path::new(&files.model).file_name().and_then(|name| name.to_str()).unwrap_or(&files.model);
    progress.start(&format!("importing {name}"), None);
    let report = checkpoint::import(folder, name, target, |done, _| progress.advance(done));
    progress.finish();
    report.map_err(|error| Failure::new(format!("{}: {error}", files.model)))
}
