//! Filling the index: what changed is embedded, what is gone is removed, all at once or not at all.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use concierge::{
    menu::Menu,
    ports::{Embedder, RetrieveError},
    store_info::StoreInfo,
};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params};
use serde::Serialize;

use crate::{
    index::{self, SqliteIndex},
    record::{self, Record},
    vectors::to_blob,
};

/// What an ingest did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IngestReport {
    /// Records embedded and written, new or changed.
    pub embedded: usize,
    /// Records that stood there already as they are.
    pub unchanged: usize,
    /// Records that the menu and the store information no longer have.
    pub removed: usize,
}

/// Why nothing was ingested. The index holds what it held before.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Another process writes.
    #[error("{path} is in use by another program that writes to it; stop that one, or try again in a moment")]
    Locked {
        /// The index file.
        path: PathBuf,
    },
    /// No room for it.
    #[error("the disk is full: {path} could not be written and is as it was; make room and ingest again")]
    Full {
        /// The index file.
        path: PathBuf,
    },
    /// The file is none of ours, or broken.
    #[error("{path} is damaged or not a knowledge file ({problem}); delete it and ingest again")]
    Damaged {
        /// The index file.
        path: PathBuf,
        /// What SQLite said.
        problem: String,
    },
    /// It cannot be opened or written.
    #[error("{path} cannot be written: {problem}; check the data directory and its permissions")]
    Store {
        /// The index file.
        path: PathBuf,
        /// What SQLite said.
        problem: String,
    },
    /// The texts could not be embedded.
    #[error(transparent)]
    Embed(#[from] RetrieveError),
}

impl IngestError {
    fn store(path: &Path, error: &rusqlite::Error) -> Self {
        let (path, problem) = (path.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged { path, problem },
            _ => Self::Store { path, problem },
        }
    }
}

/// Brings the index to what the menu and the store information say. A record is known by the hash of all that it
/// holds, so a second run embeds nothing. Searches that run meanwhile see the state before.
///
/// # Errors
/// See [`IngestError`]; after any of them the index is as it was.
pub fn ingest(
    menu: &Menu,
    info: &StoreInfo,
    embedder: &dyn Embedder,
    index: &SqliteIndex,
) -> Result<IngestReport, IngestError> {
    let mut connection = index.writer().map_err(|error| IngestError::store(index.path(), &error))?;
    let report = write(&mut connection, &record::records(menu, info), embedder, index)?;
    tracing::info!(embedded = report.embedded, unchanged = report.unchanged, removed = report.removed, "ingested");
    Ok(report)
}

/// The ingest itself, in one transaction that excludes other writers from the first read on.
pub(crate) fn write(
    connection: &mut Connection,
    records: &[Record],
    embedder: &dyn Embedder,
    index: &SqliteIndex,
) -> Result<IngestReport, IngestError> {
    let store = |error: rusqlite::Error| IngestError::store(index.path(), &error);
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store)?;
    index::create(&change, index.dimensions()).map_err(store)?;
    let mut stored = stored(&change).map_err(store)?;

    let mut changed = Vec::new();
    let mut report = IngestReport::default();
    for record in records {
        let hash = record.hash(index.embedder());
        match stored.remove(&(record.record_type.as_str().to_owned(), record.id.clone())) {
            Some((_, known)) if known == hash => report.unchanged += 1,
            old => changed.push((record, hash, old.map(|(key, _)| key))),
        }
    }
    for (key, _) in stored.into_values() {
        delete(&change, key).map_err(store)?;
        report.removed += 1;
    }

    let texts: Vec<String> = changed.iter().map(|(record, ..)| record.text()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = embedder.embed(&texts)?;
    for ((record, hash, old), vector) in changed.iter().zip(&vectors) {
        if let Some(key) = old {
            delete(&change, *key).map_err(store)?;
        }
        insert(&change, record, hash, vector).map_err(store)?;
        report.embedded += 1;
    }
    index::fill(&change, index.embedder()).map_err(store)?;
    change.commit().map_err(store)?;
    Ok(report)
}

/// Key and hash of each record that is there, by type and id.
type Stored = HashMap<(String, String), (i64, String)>;

fn stored(change: &Transaction<'_>) -> rusqlite::Result<Stored> {
    let mut statement = change.prepare("SELECT record_type, id, key, hash FROM record")?;
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?))))?;
    rows.collect()
}

fn delete(change: &Transaction<'_>, key: i64) -> rusqlite::Result<()> {
    for table in ["words WHERE rowid", "record WHERE key"] {
        change.prepare_cached(&format!("DELETE FROM {table} = ?1"))?.execute([key])?;
    }
    Ok(())
}

fn insert(change: &Transaction<'_>, record: &Record, hash: &str, vector: &[f32]) -> rusqlite::Result<()> {
    let metadata = &record.metadata;
    change
        .prepare_cached(
            "INSERT INTO record (record_type, id, title, category, price_cents, available, hash, embedding)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            record.record_type.as_str(),
            record.id,
            record.title,
            metadata.category,
            metadata.price_cents,
            metadata.available,
            hash,
            to_blob(vector)
        ])?;
    let key = change.last_insert_rowid();
    for diet in &metadata.diets {
        change
            .prepare_cached("INSERT OR IGNORE INTO diet (record, name) VALUES (?1, ?2)")?
            .execute(params![key, diet])?;
    }
    change
        .prepare_cached("INSERT INTO words (rowid, title, aliases, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![key, record.title, record.aliases, record.body])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use concierge::ports::{Filter, Query, RecordType, Retriever as _};

    /// Puts every text in the direction of its length.
    struct ByLength;

    impl Embedder for ByLength {
        fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
            Ok(texts.iter().map(|text| (0..8).map(|place| ((text.len() + place) as f32).sin()).collect()).collect())
        }

        fn dimensions(&self) -> usize {
            8
        }
    }

    struct Broken;

    impl Embedder for Broken {
        fn embed(&self, _: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
            Err(RetrieveError::Failed("no".to_owned()))
        }

        fn dimensions(&self) -> usize {
            8
        }
    }

    fn records(number: usize, body: &str) -> Vec<Record> {
        (0..number)
            .map(|at| Record {
                id: format!("r{at}"),
                record_type: RecordType::Info,
                title: format!("Record {at}"),
                aliases: String::new(),
                body: body.to_owned(),
                metadata: record::Metadata::default(),
            })
            .collect()
    }

    /// Whatever stops an ingest half way, the index is found as it was before.
    #[test]
    fn a_full_disk_or_a_failing_embedder_leaves_no_half() {
        let dir = tempfile::tempdir().unwrap();
        let index = SqliteIndex::new(dir.path(), "by length", 8);
        write(&mut index.writer().unwrap(), &records(5, "first"), &ByLength, &index).unwrap();
        let before = index.counts().unwrap();

        let mut small = index.writer().unwrap();
        small.query_row("PRAGMA max_page_count = 60", [], |_| Ok(())).unwrap();
        let many = records(500, &"second ".repeat(200));
        let error = write(&mut small, &many, &ByLength, &index).unwrap_err();
        assert!(matches!(error, IngestError::Full { .. }), "{error}");
        let error = write(&mut index.writer().unwrap(), &many, &Broken, &index).unwrap_err();
        assert!(matches!(error, IngestError::Embed(_)), "{error}");

        assert_eq!(index.counts().unwrap(), before);
        let query = Query { text: "first", embedding: &[0.5; 8], filter: Filter::default(), limit: 100 };
        assert_eq!(index.search(&query).unwrap().len(), 5);
        assert_eq!(write(&mut index.writer().unwrap(), &many, &ByLength, &index).unwrap().embedded, 500);
    }
}
