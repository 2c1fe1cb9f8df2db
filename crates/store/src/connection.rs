//! One writer, a few readers, and no unbounded wait.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{Result, StoreError, schema};

/// Readers kept open for the next call.
const READERS: usize = 4;

/// The restaurant's records.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// How the file is opened.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a call waits for its turn, within this program and for other ones each.
    pub busy_timeout: Duration,
    /// The largest size of the file in bytes, rounded down to whole pages of 4 KiB; none is the disk's.
    pub max_bytes: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(2), max_bytes: None }
    }
}

struct Inner {
    path: PathBuf,
    settings: Settings,
    /// The one connection that writes; taken out while it is in use.
    writer: Mutex<Option<Connection>>,
    writer_free: Condvar,
    readers: Mutex<Vec<Connection>>,
}

/// A lock is only ever held to move a connection, which a panic elsewhere cannot leave half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the writer back however the work ends.
struct Writing<'a> {
    inner: &'a Inner,
    connection: Option<Connection>,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        *lock(&self.inner.writer) = self.connection.take();
        self.inner.writer_free.notify_one();
    }
}

impl Store {
    /// Opens the file, and makes it where it is missing, its directory included.
    ///
    /// # Errors
    /// A file that is damaged, another program's, of a later release, locked, or cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, Settings::default())
    }

    /// The same with settings of one's own.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(path: &Path, settings: Settings) -> Result<Self> {
        let opened = || -> Result<Connection> {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)
                    .map_err(|error| StoreError::CannotOpen { path: path.to_owned(), reason: error.to_string() })?;
            }
            let mut writer = connect(path, settings)?;
            schema::migrate(&mut writer)?;
            let sound: String = writer.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if sound != "ok" {
                return Err(StoreError::Corrupt { path: path.to_owned(), reason: sound });
            }
            Ok(writer)
        };
        let writer = opened().map_err(|error| error.in_file(path))?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                settings,
                writer: Mutex::new(Some(writer)),
                writer_free: Condvar::new(),
                readers: Mutex::new(Vec::new()),
            }),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Whether the file can be read now; for a health check.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    pub fn check(&self) -> Result<()> {
        self.read(|db| Ok(db.query_row("SELECT count(*) FROM (SELECT 1 FROM sessions LIMIT 1)", [], |_| Ok(()))?))
    }

    /// Runs queries that see one state of the file.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let kept = lock(&self.inner.readers).pop();
        let run = || {
            let mut reader = kept.map_or_else(|| connect(&self.inner.path, self.inner.settings), Ok)?;
            let transaction = reader.transaction()?;
            let answer = work(&transaction);
            drop(transaction);
            let mut readers = lock(&self.inner.readers);
            if readers.len() < READERS {
                readers.push(reader);
            }
            answer
        };
        run().map_err(|error: StoreError| error.in_file(&self.inner.path))
    }

    /// Runs changes as one transaction: all of them are on the disk when this returns `Ok`, else none is made.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let run = || {
            let mut writing = self.writer()?;
            let connection = writing.connection.as_mut().ok_or(StoreError::Locked)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let answer = work(&transaction)?;
            transaction.commit()?;
            Ok(answer)
        };
        run().map_err(|error: StoreError| error.in_file(&self.inner.path))
    }

    fn writer(&self) -> Result<Writing<'_>> {
        let inner = &*self.inner;
        let until = Instant::now() + inner.settings.busy_timeout;
        let mut slot = lock(&inner.writer);
        loop {
            if let Some(connection) = slot.take() {
                return Ok(Writing { inner, connection: Some(connection) });
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(StoreError::Locked);
            }
            slot = inner.writer_free.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn connect(path: &Path, settings: Settings) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(settings.busy_timeout)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A power cut loses nothing that was acknowledged.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    if let Some(bytes) = settings.max_bytes {
        connection.pragma_update(None, "max_page_count", (bytes / 4096).cast_signed())?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
