//! The files of a review, under `DATA_DIR/review`.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{super::read_lines, candidates::Candidate};
use crate::cli::Failure;

/// Where everything of a review lies.
pub struct Shelf {
    folder: PathBuf,
}

/// What the owner said to a candidate. Its words are not kept: they are in the data files, or nowhere.
#[derive(Serialize, Deserialize)]
struct Decided {
    id: String,
    accepted: bool,
}

impl Shelf {
    pub fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("review") }
    }

    /// What waits for the owner.
    pub fn candidates(&self) -> PathBuf {
        self.folder.join("candidates.jsonl")
    }

    /// Where accepted cases go, unless said otherwise.
    pub fn cases(&self) -> PathBuf {
        self.folder.join("cases.jsonl")
    }

    /// Where accepted examples go, unless said otherwise.
    pub fn examples(&self) -> PathBuf {
        self.folder.join("examples.jsonl")
    }

    fn decided(&self) -> PathBuf {
        self.folder.join("decided.jsonl")
    }

    /// Whether anything was ever reviewed here.
    pub fn exists(&self) -> bool {
        self.candidates().exists()
    }

    /// Leaves out what was decided, and writes down what waits. The file is there whole or not at all.
    pub fn wait(&self, mut candidates: Vec<Candidate>) -> Result<Vec<Candidate>, Failure> {
        let decided = self.decisions()?;
        candidates.retain(|candidate| !decided.contains(&candidate.id));
        let lines = candidates.iter().map(line).collect::<Result<String, Failure>>()?;
        let (path, half) = (self.candidates(), self.folder.join("candidates.part"));
        let written = fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(&half, lines))
            .and_then(|()| fs::rename(&half, &path));
        written.map_err(|error| cannot(&path, &error))?;
        Ok(candidates)
    }

    fn decisions(&self) -> Result<BTreeSet<String>, Failure> {
        let path = self.decided();
        // An empty file is what a full disk leaves.
        if fs::metadata(&path).map_or(true, |about| about.len() == 0) {
            return Ok(BTreeSet::new());
        }
        let read = |line: &str| serde_json::from_str::<Decided>(line).map_err(|error| error.to_string());
        Ok(read_lines(&path, read)?.into_iter().map(|decided| decided.id).collect())
    }

    /// Writes down what the owner said.
    pub fn decide(&self, candidate: &Candidate, accepted: bool) -> Result<(), Failure> {
        append(&self.decided(), &line(&Decided { id: candidate.id.clone(), accepted })?)
    }
}

/// Adds a line to a data file, unless one with this id is there.
pub fn add(path: &Path, id: &str, value: &impl Serialize) -> Result<(), Failure> {
    let mark = format!("\"id\":{}", serde_json::to_string(id).map_err(Failure::new)?);
    match fs::read_to_string(path) {
        Ok(text) if text.contains(&mark) => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Failure::new(format!("{} cannot be read: {error}", path.display()))),
    }
    append(path, &line(value)?)
}

fn append(path: &Path, line: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(line.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|error| cannot(path, &error))
}

fn line(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map(|line| line + "\n").map_err(Failure::new)
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {error}", path.display()))
}
