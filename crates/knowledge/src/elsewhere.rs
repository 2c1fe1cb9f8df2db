//! Vectors that a service elsewhere ranks, with the file of this machine behind it.
//!
//! The file is always filled and always right. The service is given the same entries and is asked for the nearest
//! vectors; words, filters and the ranking itself stay here, so that both ways find the same. The first failure sends
//! every search to the file, and a thread brings the service up to date again before it is asked once more: a guest
//! waits for it once at most.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use concierge::ports::{Filter, Hit, Query, RecordType, RetrieveError, Retriever};
use serde::Serialize;

use crate::{SqliteIndex, search::depth};

/// Pauses between tries to bring the service up to date: the first, and the longest that it grows to.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(120)];

/// What went wrong elsewhere, in words for the owner.
pub type VectorsError = Box<dyn std::error::Error + Send + Sync>;

/// An entry as the file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Menu or store information.
    pub record_type: RecordType,
    /// The item's or the record's id; both types may have the same.
    pub id: String,
    /// An item's category, lower case.
    pub category: Option<String>,
    /// An item's diets, lower case.
    pub diets: Vec<String>,
    /// The price of an item's smallest size.
    pub price_cents: Option<i64>,
    /// Whether it can be had today.
    pub available: bool,
    /// Changes whenever the entry or the embedding model does: sha256, in hexadecimal.
    pub hash: String,
    /// Its vector.
    pub embedding: Vec<f32>,
}

/// An entry that is near to a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    /// Menu or store information.
    pub record_type: RecordType,
    /// The item's or the record's id.
    pub id: String,
    /// The cosine of the two vectors.
    pub cosine: f32,
}

/// What a service was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Mirrored {
    /// Entries sent, new or changed.
    pub sent: usize,
    /// Entries that it held already as they are.
    pub unchanged: usize,
    /// Entries that are gone here and were removed there.
    pub removed: usize,
}

/// A service that keeps vectors and ranks them.
pub trait Vectors: Send + Sync + 'static {
    /// Its name for people.
    fn name(&self) -> &'static str;

    /// The `count` entries nearest to a vector that the filter lets through, the nearest first. Blocking, with a short
    /// bound: a guest waits.
    ///
    /// # Errors
    /// The service does not answer, or answers nonsense.
    fn nearest(&self, embedding: &[f32], filter: &Filter, count: usize) -> Result<Vec<Near>, VectorsError>;

    /// Makes it hold these entries and no other ones of ours. What it holds already is not sent again; after a failure
    /// the next try goes on.
    ///
    /// # Errors
    /// The service does not answer, or cannot hold them.
    fn mirror(&self, entries: &[Entry]) -> Result<Mirrored, VectorsError>;
}

/// Where searches are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// By the file, until the service holds the same.
    CatchingUp,
    /// By the service and the file together.
    Answering,
    /// By the file, as the service failed: why.
    Away(String),
}

/// Searches since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answered with the service's vectors.
    pub there: u64,
    /// Answered by the file alone.
    pub here: u64,
    /// Searches and tries to catch up that failed at the service.
    pub failures: u64,
}

/// A retriever that asks a service for the nearest vectors and has the file to fall back on.
pub struct Elsewhere {
    shared: Arc<Shared>,
}

struct Shared {
    index: SqliteIndex,
    vectors: Box<dyn Vectors>,
    state: Mutex<State>,
    changed: Condvar,
    there: AtomicU64,
    here: AtomicU64,
    failures: AtomicU64,
}

struct State {
    standing: Standing,
    closed: bool,
}

impl Elsewhere {
    /// Begins to bring the service up to date in a thread of its own, which ends with this value. Until then the file
    /// answers.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(index: SqliteIndex, vectors: Box<dyn Vectors>) -> std::io::Result<Self> {
        let state = State { standing: Standing::CatchingUp, closed: false };
        let shared = Arc::new(Shared {
            index,
            vectors,
            state: Mutex::new(state),
            changed: Condvar::new(),
            there: AtomicU64::new(0),
            here: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        });
        let keeper = Arc::clone(&shared);
        thread::Builder::new().name("vectors".to_owned()).spawn(move || keeper.keep())?;
        Ok(Self { shared })
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.shared.vectors.name()
    }

    /// Where searches are answered now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.shared.state().standing.clone()
    }

    /// What was answered where.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let Shared { there, here, failures, .. } = self.shared.as_ref();
        Counts { there: there.load(Relaxed), here: here.load(Relaxed), failures: failures.load(Relaxed) }
    }
}

impl Retriever for Elsewhere {
    fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>, RetrieveError> {
        let Shared { index, vectors, .. } = self.shared.as_ref();
        index.check(query)?;
        if self.standing() == Standing::Answering && query.limit > 0 {
            match vectors.nearest(query.embedding, &query.filter, depth(query.limit)) {
                Ok(near) => {
                    self.shared.there.fetch_add(1, Relaxed);
                    return index.search_near(query, &near);
                }
                Err(error) => self.shared.fail(&error),
            }
        }
        self.shared.here.fetch_add(1, Relaxed);
        index.search(query)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a failure; it is told once until the service works again.
    fn fail(&self, error: &VectorsError) {
        self.failures.fetch_add(1, Relaxed);
        let mut state = self.state();
        if !matches!(state.standing, Standing::Away(_)) {
            tracing::warn!(service = self.vectors.name(), %error, "the embedded store answers in its place");
        }
        state.standing = Standing::Away(error.to_string());
        self.changed.notify_all();
    }

    /// Brings the service up to date, then waits until it fails. Between tries it waits longer and longer, unless a
    /// search was answered meanwhile.
    fn keep(&self) {
        let mut pause = PAUSES[0];
        let mut answered = 0;
        loop {
            match self.index.entries().map_err(VectorsError::from).and_then(|entries| self.vectors.mirror(&entries)) {
                Ok(Mirrored { sent, unchanged, removed }) => {
                    tracing::info!(service = self.vectors.name(), sent, unchanged, removed, "vectors are up to date");
                    self.state().standing = Standing::Answering;
                }
                Err(error) => self.fail(&error),
            }
            let working = |state: &mut State| state.standing == Standing::Answering && !state.closed;
            let state = self.changed.wait_while(self.state(), working).unwrap_or_else(PoisonError::into_inner);
            let there = self.there.load(Relaxed);
            pause = if there > answered { PAUSES[0] } else { pause };
            answered = there;
            let open = |state: &mut State| !state.closed;
            let waited = self.changed.wait_timeout_while(state, pause, open).unwrap_or_else(PoisonError::into_inner);
            if waited.0.closed {
                return;
            }
            pause = (pause * 2).min(PAUSES[1]);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use std::{sync::atomic::AtomicBool, time::Instant};

    use concierge::ports::Embedder;

    use super::*;
    use crate::{
        ingest::write,
        record::{Metadata, Record},
    };

    struct ByLength;

    impl Embedder for ByLength {
        fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
            Ok(texts.iter().map(|text| (0..8).map(|place| ((text.len() + place) as f32).sin()).collect()).collect())
        }

        fn dimensions(&self) -> usize {
            8
        }
    }

    /// Says that "far" is nearest, while it works.
    #[derive(Clone, Default)]
    struct Contrary(Arc<AtomicBool>);

    impl Vectors for Contrary {
        fn name(&self) -> &'static str {
            "contrary"
        }

        fn nearest(&self, _: &[f32], _: &Filter, _: usize) -> Result<Vec<Near>, VectorsError> {
            if self.0.load(Relaxed) {
                return Err("torn".into());
            }
            let near = |id: &str, cosine| Near { record_type: RecordType::Info, id: id.to_owned(), cosine };
            Ok(vec![near("gone", 0.99), near("far", 0.9), near("near", 0.1), near("near", f32::NAN)])
        }

        fn mirror(&self, entries: &[Entry]) -> Result<Mirrored, VectorsError> {
            if self.0.load(Relaxed) {
                Err("torn".into())
            } else {
                Ok(Mirrored { sent: entries.len(), ..Mirrored::default() })
            }
        }
    }

    fn wait_for(elsewhere: &Elsewhere, wanted: impl Fn(&Standing) -> bool) {
        let started = Instant::now();
        while !wanted(&elsewhere.standing()) {
            assert!(started.elapsed() < Duration::from_secs(20), "{:?}", elsewhere.standing());
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_service_that_fails_is_replaced_at_once_and_taken_back_when_it_works() {
        let dir = tempfile::tempdir().unwrap();
        let index = SqliteIndex::new(dir.path(), "by length", 8);
        let record = |id: &str, title: &str| Record {
            id: id.to_owned(),
            record_type: RecordType::Info,
            title: title.to_owned(),
            aliases: String::new(),
            body: String::new(),
            metadata: Metadata::default(),
        };
        let records = [record("near", "12345"), record("far", "12345678")];
        write(&mut index.writer().unwrap(), &records, &ByLength, &index).unwrap();
        let entries = index.entries().unwrap();
        assert_eq!((entries[0].id.as_str(), entries[0].embedding.len()), ("near", 8));
        let embedding = entries[0].embedding.clone();

        let contrary = Contrary::default();
        let elsewhere = Elsewhere::start(index, Box::new(contrary.clone())).unwrap();
        let first = || {
            let query = Query { text: "", embedding: &embedding, filter: Filter::default(), limit: 2 };
            elsewhere.search(&query).unwrap()[0].id.clone()
        };
        wait_for(&elsewhere, |standing| *standing == Standing::Answering);
        assert_eq!(first(), "far");
        contrary.0.store(true, Relaxed);
        assert_eq!((first(), first()), ("near".to_owned(), "near".to_owned()));
        assert_eq!(elsewhere.standing(), Standing::Away("torn".to_owned()));
        assert_eq!(elsewhere.counts(), Counts { there: 1, here: 2, failures: 1 });
        contrary.0.store(false, Relaxed);
        wait_for(&elsewhere, |standing| *standing == Standing::Answering);
        assert_eq!(first(), "far");
    }
}
