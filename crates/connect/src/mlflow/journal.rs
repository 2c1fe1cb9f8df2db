//! What a run has to tell, as lines of a file in the run's own folder, so that nothing is lost where the server is away.
//!
//! ```text
//! training ──append──▶ FOLDER/mlflow/1780000000000.jsonl ──courier──▶ MLflow
//!                                               .state.json: what has arrived
//! ```
//! A line is written at once and sent later, by whoever comes: the [`courier`](super::courier) of the run itself, that of
//! the next run, or `gemma-burger mlflow send`.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{DataSet, MlflowError, Pair, RunStatus, sha256_of};

/// Where journals lie within a run's folder.
pub const FOLDER: &str = "mlflow";
/// Bytes of a journal that are read at once.
const PIECE: u64 = 1 << 20;

/// How a journal begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The experiment's name.
    pub experiment: String,
    /// The run's name.
    pub name: String,
    /// When it began, in milliseconds since 1970.
    pub started: i64,
    /// Known to no other journal: a run that was made, and whose answer was lost, is found again by it.
    pub id: String,
}

/// A line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The first line.
    Head(Head),
    /// Parameters.
    Params(Vec<Pair>),
    /// Tags.
    Tags(Vec<Pair>),
    /// Data that the run rests on.
    Data(DataSet),
    /// Metrics at a step.
    Point(Point),
    /// A file for the run's artifacts.
    File(Kept),
    /// The adapter as a logged model and a registered version.
    Model(Model),
    /// The run goes on or has ended.
    Status {
        /// How it stands.
        status: RunStatus,
        /// When that was, in milliseconds since 1970.
        at: i64,
    },
}

/// Metrics at a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Milliseconds since 1970.
    pub at: i64,
    /// The step.
    pub step: i64,
    /// Values by name.
    pub values: BTreeMap<String, f64>,
}

/// A file of the run's folder as it was when the line was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its name within the run's folder, and on the server.
    pub name: String,
    /// Its hash: a file that has changed since belongs to another run.
    pub sha256: String,
}

impl Kept {
    /// A file of the folder.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of(folder: &Path, name: &str) -> Result<Self, MlflowError> {
        Ok(Self { name: name.to_owned(), sha256: sha256_of(&folder.join(name))? })
    }
}

/// A model to log and to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The registered model.
    pub name: String,
    /// The alias that the new version gets.
    pub alias: String,
    /// The step whose adapter it is.
    pub step: i64,
    /// Its files.
    pub files: Vec<Kept>,
    /// Its parameters.
    pub params: Vec<Pair>,
    /// The version's tags.
    pub tags: Vec<Pair>,
}

/// What of a journal has arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Bytes of the journal that are done.
    pub sent: u64,
    /// Whether the run was asked for once.
    pub asked: bool,
    /// The experiment's id.
    pub experiment_id: String,
    /// The run's id; empty until it is made.
    pub run_id: String,
    /// Where the run's files go.
    pub artifact_uri: String,
    /// The logged model's id and place, while its line is being worked on.
    pub model: Option<(String, String)>,
    /// The registered version, once there is one.
    pub version: Option<String>,
}

/// A journal's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// A new one in a run's folder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn begin(folder: &Path, head: &Head) -> Result<(Self, Pen), MlflowError> {
        let dir = folder.join(FOLDER);
        fs::create_dir_all(&dir).map_err(|error| MlflowError::disk(&dir, &error))?;
        let journal = Self { path: dir.join(format!("{}.jsonl", head.started)) };
        let mut pen = journal.pen()?;
        pen.append(&Entry::Head(head.clone()))?;
        Ok((journal, pen))
    }

    /// All of a run's folder, the oldest first.
    #[must_use]
    pub fn all(folder: &Path) -> Vec<Self> {
        let entries = fs::read_dir(folder.join(FOLDER)).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
        let mut journals: Vec<Self> = paths.map(|path| Self { path }).collect();
        journals.sort_by(|a, b| a.path.cmp(&b.path));
        journals
    }

    /// To write more lines at its end.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn pen(&self) -> Result<Pen, MlflowError> {
        let wrong = |error: std::io::Error| MlflowError::disk(&self.path, &error);
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(&self.path).map_err(wrong)?;
        let length = file.metadata().map_err(wrong)?.len();
        // A line that a crash cut off is closed, so that the next one is whole.
        let mut last = [b'\n'];
        if length > 0 {
            file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(wrong)?;
        }
        let mut pen = Pen { path: self.path.clone(), file, length };
        if last != *b"\n" {
            pen.write(b"\n")?;
        }
        Ok(pen)
    }

    /// The run's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().and_then(Path::parent).unwrap_or(Path::new("."))
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What has arrived. A state that cannot be read counts as none: what arrives twice changes nothing.
    #[must_use]
    pub fn state(&self) -> State {
        let text = fs::read_to_string(self.state_path()).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Whether all of it has arrived.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|meta| meta.len() <= self.state().sent)
    }

    /// How many points have not arrived.
    #[must_use]
    pub fn points_left(&self) -> usize {
        let (mut at, mut points) = (self.state().sent, 0);
        while let Ok(lines) = self.read(at) {
            let Some((_, end)) = lines.last() else { break };
            at = *end;
            points += lines.iter().filter(|(entry, _)| matches!(entry, Some(Entry::Point(_)))).count();
        }
        points
    }

    pub(super) fn head(&self) -> Result<Head, MlflowError> {
        match self.read(0)?.into_iter().next() {
            Some((Some(Entry::Head(head)), _)) => Ok(head),
            _ => Err(MlflowError::disk(&self.path, &"its first line does not say which run it belongs to")),
        }
    }

    /// The whole lines from a place on, each with where it ends. One that cannot be read is none.
    pub(super) fn read(&self, from: u64) -> Result<Vec<(Option<Entry>, u64)>, MlflowError> {
        let wrong = |error: std::io::Error| MlflowError::disk(&self.path, &error);
        let mut file = File::open(&self.path).map_err(wrong)?;
        file.seek(SeekFrom::Start(from)).map_err(wrong)?;
        let mut bytes = Vec::new();
        file.take(PIECE).read_to_end(&mut bytes).map_err(wrong)?;
        let mut end = from;
        let whole = bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
        let lines = whole.map(|line| {
            end += line.len() as u64;
            (serde_json::from_slice(line).ok(), end)
        });
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() && bytes.len() as u64 == PIECE {
            return Err(MlflowError::disk(&self.path, &"it holds a line of more than a megabyte"));
        }
        Ok(lines)
    }

    /// Keeps what has arrived: whole, or as it was before.
    pub(super) fn keep(&self, state: &State) -> Result<(), MlflowError> {
        let path = self.state_path();
        let part = path.with_extension("part");
        let text = serde_json::to_vec(state).map_err(|error| MlflowError::disk(&path, &error))?;
        fs::write(&part, text).and_then(|()| fs::rename(&part, &path)).map_err(|error| MlflowError::disk(&path, &error))
    }

    fn state_path(&self) -> PathBuf {
        self.path.with_extension("state.json")
    }
}

/// Writes lines at a journal's end.
#[derive(Debug)]
pub struct Pen {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Pen {
    /// Writes a line.
    ///
    /// # Errors
    /// The disk is full, or the file is gone.
    pub fn append(&mut self, entry: &Entry) -> Result<(), MlflowError> {
        let mut line = serde_json::to_vec(entry).map_err(|error| MlflowError::disk(&self.path, &error))?;
        line.push(b'\n');
        self.write(&line)
    }

    /// Bytes of the journal.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    fn write(&mut self, line: &[u8]) -> Result<(), MlflowError> {
        self.file.write_all(line).map_err(|error| MlflowError::disk(&self.path, &error))?;
        self.length += line.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn head() -> Head {
        Head { experiment: "e".into(), name: "n".into(), started: 7, id: "i".into() }
    }

    fn point(step: i64) -> Entry {
        Entry::Point(Point { at: 1, step, values: [("loss".to_owned(), 0.5)].into() })
    }

    #[test]
    fn a_line_that_a_crash_cut_off_costs_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, mut pen) = Journal::begin(folder.path(), &head()).unwrap();
        pen.append(&point(1)).unwrap();
        drop(pen);
        let whole = fs::read(journal.path()).unwrap();
        fs::write(journal.path(), [&whole[..], b"{\"point\":{\"at\":1,\"st"].concat()).unwrap();
        assert_eq!(journal.read(0).unwrap().len(), 2, "half a line is not read");
        journal.pen().unwrap().append(&point(2)).unwrap();
        let lines: Vec<_> = journal.read(0).unwrap().into_iter().map(|(entry, _)| entry).collect();
        assert_eq!(lines, [Some(Entry::Head(head())), Some(point(1)), None, Some(point(2))]);
        assert_eq!((journal.points_left(), journal.is_sent()), (2, false));
    }

    #[test]
    fn a_state_is_kept_and_a_broken_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, pen) = Journal::begin(folder.path(), &head()).unwrap();
        let state = State { sent: pen.length(), run_id: "r".into(), ..State::default() };
        journal.keep(&state).unwrap();
        assert_eq!((journal.state(), journal.is_sent()), (state, true));
        fs::write(journal.state_path(), "{").unwrap();
        assert_eq!(journal.state(), State::default());
        assert_eq!(Journal::all(folder.path()), [journal]);
    }
}
