//! The file that holds the knowledge: its connections and its tables.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use concierge::ports::{Hit, Query, RecordType, RetrieveError, Retriever};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};

use crate::{
    elsewhere::{Entry, Near},
    search,
    vectors::{self, VectorTable},
};

/// The file's name in the data directory.
pub const FILE_NAME: &str = "knowledge.db";

/// The tables' form. Raise it when they change: a file of another form is filled anew.
const FORM: u32 = 2;

/// How long a connection waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Connections kept open for the next search.
const IDLE_CONNECTIONS: usize = 4;

/// The restaurant's knowledge in one SQLite file: vectors, words (FTS5) and metadata. The vectors are read once for each
/// state of the file and compared in memory.
///
/// Searches run side by side, each on a connection of its own, and see either all of an ingest or nothing of it.
#[derive(Debug)]
pub struct SqliteIndex {
    path: PathBuf,
    embedder: String,
    dimensions: usize,
    idle: Mutex<Vec<Connection>>,
    vectors: Mutex<Option<Arc<VectorTable>>>,
}

/// How many entries there are to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexCounts {
    /// Items of the menu.
    pub menu: u32,
    /// Facts about the place.
    pub info: u32,
}

impl SqliteIndex {
    /// The index in a data directory, searched with the vectors of one embedder: its id and its vectors' length.
    /// Nothing is opened yet; a file that is missing, or was filled with another embedder's vectors, is told by the
    /// first search and mended by [`crate::ingest()`].
    #[must_use]
    pub fn new(data_dir: &Path, embedder: &str, dimensions: usize) -> Self {
        let path = data_dir.join(FILE_NAME);
        Self { path, embedder: embedder.to_owned(), dimensions, idle: Mutex::default(), vectors: Mutex::default() }
    }

    /// Where the knowledge lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many entries there are.
    ///
    /// # Errors
    /// [`RetrieveError::NotReady`] where the file was never filled, or with another embedder's vectors.
    pub fn counts(&self) -> Result<IndexCounts, RetrieveError> {
        self.read(|connection, _| {
            let count = |record_type: RecordType| {
                let sql = "SELECT count(*) FROM record WHERE record_type = ?1";
                connection.query_row(sql, [record_type.as_str()], |row| row.get(0))
            };
            Ok(IndexCounts { menu: count(RecordType::Menu)?, info: count(RecordType::Info)? })
        })
    }

    /// Everything that is held, for a store elsewhere that is to hold the same.
    ///
    /// # Errors
    /// As [`SqliteIndex::counts`].
    pub fn entries(&self) -> Result<Vec<Entry>, RetrieveError> {
        self.read(|connection, _| {
            let mut diets = connection.prepare_cached("SELECT name FROM diet WHERE record = ?1 ORDER BY name")?;
            let mut records = connection.prepare_cached(
                "SELECT key, record_type = 'menu', id, category, price_cents, available, hash, embedding
                 FROM record ORDER BY key",
            )?;
            let rows = records.query_map([], |row| {
                let diets = diets.query_map([row.get::<_, i64>(0)?], |row| row.get(0))?;
                Ok(Entry {
                    record_type: if row.get(1)? { RecordType::Menu } else { RecordType::Info },
                    id: row.get(2)?,
                    category: row.get(3)?,
                    diets: diets.collect::<rusqlite::Result<_>>()?,
                    price_cents: row.get(4)?,
                    available: row.get(5)?,
                    hash: row.get(6)?,
                    embedding: vectors::of_blob(row.get_ref(7)?.as_blob()?),
                })
            })?;
            rows.collect()
        })
    }

    /// Searches with the nearest vectors as another store ranks them, and the words as this file knows them.
    ///
    /// # Errors
    /// As [`Retriever::search`].
    pub fn search_near(&self, query: &Query<'_>, near: &[Near]) -> Result<Vec<Hit>, RetrieveError> {
        self.check(query)?;
        self.read(|connection, _| search::search_near(connection, query, near))
    }

    /// Refuses a question whose vector is none of this embedder's.
    pub(crate) fn check(&self, query: &Query<'_>) -> Result<(), RetrieveError> {
        if query.embedding.len() == self.dimensions && query.embedding.iter().all(|value| value.is_finite()) {
            return Ok(());
        }
        Err(RetrieveError::Failed(format!(
            "the question's vector has {} numbers, or some that are none; {} are expected",
            query.embedding.len(),
            self.dimensions
        )))
    }

    pub(crate) fn embedder(&self) -> &str {
        &self.embedder
    }

    pub(crate) const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// A connection that may write, for an ingest.
    pub(crate) fn writer(&self) -> rusqlite::Result<Connection> {
        let connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        // With a write-ahead log searches go on while an ingest writes.
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        Ok(connection)
    }

    /// Runs `read` on a connection whose file is known to hold our embedder's vectors, all of it on one state of the
    /// file, whose number is handed over. The connection is kept for the next search; after a failure a fresh one is
    /// opened.
    fn read<T>(&self, read: impl FnOnce(&Connection, i64) -> rusqlite::Result<T>) -> Result<T, RetrieveError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.open_reader()?,
        };
        let view = connection.transaction().map_err(failed)?;
        let state = match filled_with(&view, self.dimensions).map_err(failed)? {
            Some((embedder, state)) if embedder == self.embedder => state,
            Some(_) => return Err(RetrieveError::NotReady("it was filled for another embedding model".to_owned())),
            None => return Err(RetrieveError::NotReady(self.unfilled(&view).map_err(failed)?)),
        };
        let found = read(&view, state).map_err(failed)?;
        view.finish().map_err(failed)?;
        let mut idle = idle();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
        Ok(found)
    }

    /// The vectors of the state that a connection sees, read where they are not known yet.
    fn vectors(&self, connection: &Connection, state: i64) -> rusqlite::Result<Arc<VectorTable>> {
        let known = || self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = known().as_ref().filter(|vectors| vectors.state() == state).cloned();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let read = Arc::new(VectorTable::read(connection, state, self.dimensions)?);
        *known() = Some(Arc::clone(&read));
        Ok(read)
    }

    /// Why a file has nothing for this index.
    fn unfilled(&self, connection: &Connection) -> rusqlite::Result<String> {
        let other = filled_form(connection)?.is_some_and(|known| known != form(self.dimensions));
        let why = if other { "was filled by another release, or with vectors of another length" } else { "is empty" };
        Ok(format!("{} {why}", self.path.display()))
    }

    fn open_reader(&self) -> Result<Connection, RetrieveError> {
        if !self.path.exists() {
            return Err(RetrieveError::NotReady(format!("{} is missing", self.path.display())));
        }
        // A write-ahead log can only be read by a connection that may write its index.
        let connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
        connection.execute_batch("PRAGMA query_only = ON").map_err(failed)?;
        Ok(connection)
    }
}

impl Retriever for SqliteIndex {
    fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>, RetrieveError> {
        self.check(query)?;
        self.read(|connection, state| {
            let vectors = self.vectors(connection, state)?;
            search::search(connection, &vectors, query)
        })
    }
}

/// Makes the tables where there are none of this form; what another form held is dropped. Of the first form one table is
/// left that takes an extension to drop; nothing reads it.
pub(crate) fn create(connection: &Connection, dimensions: usize) -> rusqlite::Result<()> {
    let form = form(dimensions);
    if filled_form(connection)?.as_deref() == Some(&form) {
        return Ok(());
    }
    connection.execute_batch(
        "DROP TABLE IF EXISTS about;
         DROP TABLE IF EXISTS diet;
         DROP TABLE IF EXISTS words;
         DROP TABLE IF EXISTS record;
         CREATE TABLE about (form TEXT NOT NULL, embedder TEXT NOT NULL, state INTEGER NOT NULL) STRICT;
         CREATE TABLE record (
             key INTEGER PRIMARY KEY,
             record_type TEXT NOT NULL CHECK (record_type IN ('menu', 'info')),
             id TEXT NOT NULL,
             title TEXT NOT NULL,
             category TEXT,
             price_cents INTEGER,
             available INTEGER NOT NULL,
             hash TEXT NOT NULL,
             embedding BLOB NOT NULL,
             UNIQUE (record_type, id)
         ) STRICT;
         CREATE TABLE diet (
             record INTEGER NOT NULL REFERENCES record ON DELETE CASCADE,
             name TEXT NOT NULL,
             PRIMARY KEY (record, name)
         ) STRICT, WITHOUT ROWID;
         CREATE VIRTUAL TABLE words USING fts5 (
             title, aliases, body, tokenize = 'porter unicode61 remove_diacritics 2'
         );",
    )?;
    connection.execute("INSERT INTO about (form, embedder, state) VALUES (?1, '', 0)", [form])?;
    Ok(())
}

/// Notes whose vectors the file holds, at the end of an ingest, and that it holds others than before: a random number
/// tells states apart also where a file was deleted and made anew.
pub(crate) fn fill(connection: &Connection, embedder: &str) -> rusqlite::Result<()> {
    connection.execute("UPDATE about SET embedder = ?1, state = random()", [embedder])?;
    Ok(())
}

/// Which embedder's vectors the file holds, and in which state it is, once it was filled in this form.
fn filled_with(connection: &Connection, dimensions: usize) -> rusqlite::Result<Option<(String, i64)>> {
    if filled_form(connection)?.is_none_or(|known| known != form(dimensions)) {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached("SELECT embedder, state FROM about WHERE embedder <> ''")?;
    statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// The form of a file's tables; a new file has none.
fn filled_form(connection: &Connection) -> rusqlite::Result<Option<String>> {
    if !connection.table_exists(None, "about")? {
        return Ok(None);
    }
    connection.prepare_cached("SELECT form FROM about")?.query_row([], |row| row.get(0)).optional()
}

fn form(dimensions: usize) -> String {
    format!("{FORM}/{dimensions}")
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

fn failed(error: rusqlite::Error) -> RetrieveError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            RetrieveError::NotReady(format!("its file is damaged ({error}); delete it"))
        }
        _ => RetrieveError::Failed(error.to_string()),
    }
}
