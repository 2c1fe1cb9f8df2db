//! The file that holds the knowledge: its connections and its tables.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use concierge::ports::{Hit, Query, RecordType, RetrieveError, Retriever};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, auto_extension::RawAutoExtension, ffi};

use crate::{
    elsewhere::{Entry, Near},
    search::{self, vector_of_blob},
};

/// The file's name in the data directory.
pub const FILE_NAME: &str = "knowledge.db";

/// The tables' form. Raise it when they change: a file of another form is filled anew.
const FORM: u32 = 1;

/// How long a connection waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Connections kept open for the next search.
const IDLE_CONNECTIONS: usize = 4;

/// The restaurant's knowledge in one SQLite file: vectors (`sqlite-vec`), words (FTS5) and metadata.
///
/// Searches run side by side, each on a connection of its own, and see either all of an ingest or nothing of it.
#[derive(Debug)]
pub struct SqliteIndex {
    path: PathBuf,
    embedder: String,
    dimensions: usize,
    idle: Mutex<Vec<Connection>>,
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
        let idle = Mutex::default();
        Self { path: data_dir.join(FILE_NAME), embedder: embedder.to_owned(), dimensions, idle }
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
        self.read(|connection| {
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
        self.read(|connection| {
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
                    embedding: vector_of_blob(&row.get::<_, Vec<u8>>(7)?),
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
        self.read(|connection| search::search_near(connection, query, near))
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
    /// file. The connection is kept for the next search; after a failure a fresh one is opened.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, RetrieveError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.open_reader()?,
        };
        let state = connection.transaction().map_err(failed)?;
        match filled_with(&state).map_err(failed)? {
            Some(embedder) if embedder == self.embedder => {}
            Some(_) => return Err(RetrieveError::NotReady("it was filled for another embedding model".to_owned())),
            None => return Err(RetrieveError::NotReady(format!("{} is empty", self.path.display()))),
        }
        let found = read(&state).map_err(failed)?;
        state.finish().map_err(failed)?;
        let mut idle = idle();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
        Ok(found)
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
        self.read(|connection| search::search(connection, query))
    }
}

/// Makes the tables where there are none of this form; what another form held is dropped.
pub(crate) fn create(connection: &Connection, dimensions: usize) -> rusqlite::Result<()> {
    let form = format!("{FORM}/{dimensions}");
    if filled_form(connection)?.as_deref() == Some(&form) {
        return Ok(());
    }
    connection.execute_batch(&format!(
        "DROP TABLE IF EXISTS about;
         DROP TABLE IF EXISTS diet;
         DROP TABLE IF EXISTS sketch;
         DROP TABLE IF EXISTS words;
         DROP TABLE IF EXISTS record;
         CREATE TABLE about (form TEXT NOT NULL, embedder TEXT NOT NULL) STRICT;
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
         CREATE VIRTUAL TABLE sketch USING vec0 (bits bit[{dimensions}]);
         CREATE VIRTUAL TABLE words USING fts5 (
             title, aliases, body, tokenize = 'porter unicode61 remove_diacritics 2'
         );"
    ))?;
    connection.execute("INSERT INTO about (form, embedder) VALUES (?1, '')", [form])?;
    Ok(())
}

/// Which embedder's vectors the file holds, once it was filled.
fn filled_with(connection: &Connection) -> rusqlite::Result<Option<String>> {
    about(connection, "SELECT embedder FROM about WHERE embedder <> ''")
}

fn filled_form(connection: &Connection) -> rusqlite::Result<Option<String>> {
    about(connection, "SELECT form FROM about")
}

/// One value of the table `about`, which a new file lacks.
fn about(connection: &Connection, sql: &str) -> rusqlite::Result<Option<String>> {
    if !connection.table_exists(None, "about")? {
        return Ok(None);
    }
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    load_sqlite_vec(&connection)?;
    Ok(connection)
}

/// Adds the vector functions and `vec0` tables to a connection.
#[allow(unsafe_code, reason = "the binding declares the extension's entry point without its arguments")]
fn load_sqlite_vec(connection: &Connection) -> rusqlite::Result<()> {
    // SAFETY: `sqlite3_vec_init` is an SQLite extension's entry point and has the type that SQLite gives to these; it
    // is linked in with `SQLITE_CORE`, so it never reads the third argument. The handle is of an open connection that
    // nothing else uses meanwhile.
    let code = unsafe {
        let init = std::mem::transmute::<*const (), RawAutoExtension>(sqlite_vec::sqlite3_vec_init as *const ());
        init(connection.handle(), std::ptr::null_mut(), std::ptr::null())
    };
    match code {
        ffi::SQLITE_OK => Ok(()),
        code => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some("sqlite-vec did not start".to_owned()))),
    }
}

fn failed(error: rusqlite::Error) -> RetrieveError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            RetrieveError::NotReady(format!("its file is damaged ({error}); delete it"))
        }
        _ => RetrieveError::Failed(error.to_string()),
    }
}
