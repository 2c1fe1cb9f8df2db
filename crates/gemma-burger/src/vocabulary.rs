//! Which file of the language model is used: the one that was fetched, or one cut to the tokens that the restaurant
//! needs. The cut file lies in the cache beside the models, named by everything it was made from, so it is made once
//! for a menu and again when the menu changes.

use std::{
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use gguf::{Selection, TrimReport};
use models::{Catalogue, ModelRef};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    cli::Failure,
    commands::model,
    config::{Config, VocabularyChoice},
};

/// Counts up when the same texts are to give another file.
const FORMAT: u8 = 2;
/// Cut files kept in the cache: those of the restaurants used last.
const KEPT: usize = 4;
/// English, as tokens.
const ENGLISH: &str = "vocabulary/english.txt";
/// What the restaurant's turns are made of.
const TEXTS: [&str; 8] = [
    "menu.json",
    "store_info.json",
    "policies.yaml",
    "upsell.yaml",
    "personas/rosy.yaml",
    "personas/gordon.yaml",
    "fine_tuning/train.jsonl",
    "fine_tuning/calls.jsonl",
];

/// The files that a selection is made from, read.
pub struct Texts {
    /// English, as tokens.
    english: String,
    /// The restaurant's files: name and contents. Those that are not there are left out.
    files: Vec<(String, String)>,
}

impl Texts {
    /// Reads the restaurant's files, and further ones.
    pub fn read(resources: &Path, more: &[PathBuf]) -> Result<Self, Failure> {
        let read = |path: &Path| {
            fs::read_to_string(path)
                .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))
        };
        let own = TEXTS.iter().map(|name| resources.join(name)).filter(|path| path.is_file());
        let files = own.chain(more.iter().cloned());
        Ok(Self {
            english: read(&resources.join(ENGLISH))?,
            files: files.map(|path| Ok((path.display().to_string(), read(&path)?))).collect::<Result<_, Failure>>()?,
        })
    }

    /// What a model's vocabulary is to hold for them.
    #[must_use]
    pub fn selection(&self) -> Selection {
        let mut texts = Vec::new();
        for (name, contents) in &self.files {
            split(Path::new(name), contents, &mut texts);
        }
        texts.sort_unstable();
        texts.dedup();
        let after_space: Vec<String> = texts.iter().map(|text| format!(" {text}")).collect();
        texts.extend(after_space);
        Selection { tokens: self.english.lines().map(str::to_owned).collect(), texts }
    }

    /// Every text of every file in a folder and those below it, once: what a vocabulary is checked with.
    pub fn all_within(folder: &Path) -> Result<Vec<String>, Failure> {
        let unreadable =
            |path: &Path, error: std::io::Error| Failure::new(format!("{} cannot be read: {error}", path.display()));
        let (mut texts, mut folders) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))? {
                let path = entry.map_err(|error| unreadable(&folder, error))?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if ["json", "jsonl", "yaml", "md"]
                    .iter()
                    .any(|end| path.extension().is_some_and(|is| is == *end))
                {
                    let contents = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
                    split(&path, &contents, &mut texts);
                }
            }
        }
        texts.sort_unstable();
        texts.dedup();
        Ok(texts)
    }

    /// A name for what a source cut to these texts becomes.
    fn key(&self, source: &Path) -> Result<String, Failure> {
        let unreadable = |error| Failure::new(format!("{} cannot be read: {error}", source.display()));
        let metadata = fs::metadata(source).map_err(unreadable)?;
        let modified = metadata.modified().map_err(unreadable)?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update([FORMAT]);
        hash.update(source.as_os_str().as_encoded_bytes());
        hash.update(metadata.len().to_le_bytes());
        hash.update(modified.as_nanos().to_le_bytes());
        for text in self.files.iter().map(|(_, contents)| contents).chain([&self.english]) {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        Ok(hex::encode(&hash.finalize()[..8]))
    }
}

/// The texts of a file. What the model reads is the strings within it, each at the beginning of a line or after a space.
fn split(path: &Path, contents: &str, texts: &mut Vec<String>) {
    match path.extension().and_then(|end| end.to_str()) {
        Some("json") => collect(contents, texts),
        Some("jsonl") => contents.lines().for_each(|line| collect(line, texts)),
        _ => texts.push(contents.to_owned()),
    }
}

/// Every text of a JSON document.
fn collect(document: &str, texts: &mut Vec<String>) {
    fn walk(value: Value, texts: &mut Vec<String>) {
        match value {
            Value::String(text) => texts.push(text),
            Value::Array(values) => values.into_iter().for_each(|value| walk(value, texts)),
            Value::Object(fields) => fields.into_iter().for_each(|(_, value)| walk(value, texts)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    // A document that is no JSON is refused where it is used; here there is only nothing to learn from it.
    if let Ok(value) = serde_json::from_str(document) {
        walk(value, texts);
    }
}

/// The file to load for the configured model.
pub fn model_file(config: &Config, fetched: &Path) -> Result<PathBuf, Failure> {
    let is_default =
        config.model.model.parse::<ModelRef>().is_ok_and(|model| model == ModelRef::Known(Catalogue::Gemma3));
    let wanted = match config.model.vocabulary {
        VocabularyChoice::Full => false,
        VocabularyChoice::Trimmed => true,
        VocabularyChoice::Auto => is_default && config.files.resources_dir.join(ENGLISH).is_file(),
    };
    if !wanted {
        return Ok(fetched.to_owned());
    }
    match cut(config, fetched) {
        Err(failure) if config.model.vocabulary == VocabularyChoice::Auto => {
            tracing::warn!(%failure, "the model's vocabulary was not trimmed; the whole one serves, more slowly");
            Ok(fetched.to_owned())
        }
        outcome => outcome,
    }
}

fn cut(config: &Config, fetched: &Path) -> Result<PathBuf, Failure> {
    let texts = Texts::read(&config.files.resources_dir, &[])?;
    let folder = model::cache(config)?.root().join("trimmed");
    let target = folder.join(format!("{}.gguf", texts.key(fetched)?));
    if target.is_file() {
        return Ok(target);
    }
    fs::create_dir_all(&folder)
        .map_err(|error| Failure::new(format!("{} cannot be made: {error}", folder.display())))?;
    let TrimReport { tokens_before, tokens_after, .. } =
        gguf::trim(fetched, &target, &texts.selection()).map_err(Failure::new)?;
    tracing::info!(tokens_before, tokens_after, "the model's vocabulary was cut to what the restaurant needs");
    forget_old(&folder);
    Ok(target)
}

/// Removes cut files beyond those made last. One that another process uses stays readable to it.
fn forget_old(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let dated = entries
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())));
    let mut files: Vec<_> = dated.collect();
    files.sort_unstable_by(|a, b| b.cmp(a));
    for (_, path) in files.into_iter().skip(KEPT) {
        if let Err(error) = fs::remove_file(&path) {
            tracing::debug!(%error, path = %path.display(), "an old file stays");
        }
    }
}
