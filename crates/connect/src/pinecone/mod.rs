//! Pinecone: the restaurant's vectors in a service that ranks them, spoken to by its API of April 2026.
//!
//! The embedded file stays the source: [`Pinecone`] is told what to hold ([`Vectors::mirror`]) and asked for the nearest
//! ([`Vectors::nearest`]). What is near, said and allowed is joined in `knowledge`, by the ranking that serves without
//! Pinecone too.

mod filter;
mod wire;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use concierge::ports::{Filter, RecordType};
use knowledge::{Entry, Mirrored, Near, Vectors, VectorsError};

use self::wire::{
    CreateIndex, Delete, Done, FetchByMetadata, Fetched, Index, Matches, NoFields, Query, Stats, Upsert, Upserted,
    Vector,
};
use crate::service::{Bounds, Service, ServiceError};

/// The version of the API that requests are written for. Later ones describe an index in another way.
pub const API_VERSION: &str = "2026-04";
/// Where indexes are made and found.
pub const ENDPOINT: &str = "https://api.pinecone.io";

const NAME: &str = "Pinecone";
/// Vectors in one request: some 400 KB, far below what the service takes.
const BATCH: usize = 100;
/// How long a new index may take until it is ready, and new vectors until they are counted.
const READY_WITHIN: Duration = Duration::from_secs(120);
const VISIBLE_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(500);

/// A guest waits: two tries of 850 ms and the pause of 250 ms between them stay below two seconds.
const WAITED_FOR: Bounds = Bounds {
    patience: Duration::from_millis(850),
    tries: 2,
    longest_pause: Duration::from_millis(250),
    answer: 4 << 20,
};

/// Which index, and as whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address of the control plane, normally [`ENDPOINT`].
    pub endpoint: String,
    /// The project's key.
    pub key: String,
    /// The index's name: 1 to 45 lower-case letters, digits and `-`.
    pub index: String,
    /// The part of the index that is this restaurant's.
    pub namespace: String,
    /// Numbers of a vector.
    pub dimensions: usize,
}

/// Why Pinecone does not hold or find what it should.
#[derive(Debug, thiserror::Error)]
pub enum PineconeError {
    /// It refused the key.
    #[error("{0}; set PINECONE_API_KEY to a key of your project that may use the index")]
    Key(#[source] ServiceError),
    /// It cannot be reached, is not well, declined, or answered nonsense.
    #[error(transparent)]
    Service(ServiceError),
    /// The index is for vectors of another length.
    #[error(
        "the Pinecone index \"{index}\" holds vectors of {found} numbers and EMBEDDER makes {wanted}; name another index \
         with PINECONE_INDEX, or delete that one"
    )]
    Dimension {
        /// Its name.
        index: String,
        /// What it holds.
        found: usize,
        /// What the embedder makes.
        wanted: usize,
    },
    /// The index compares in another way.
    #[error(
        "the Pinecone index \"{index}\" is for {found} and \"dense, cosine\" is needed; name another index with \
         PINECONE_INDEX, or delete that one"
    )]
    Kind {
        /// Its name.
        index: String,
        /// Kind of its vectors, and their measure.
        found: String,
    },
    /// The index was made, or found, and does not get ready.
    #[error("the Pinecone index \"{index}\" is \"{state}\" and was not ready in time; it is tried again later")]
    NotReady {
        /// Its name.
        index: String,
        /// What the service says of it.
        state: String,
    },
    /// The index lies at an address to which the key is not sent.
    #[error("the Pinecone index \"{index}\" is said to be at \"{host}\", which is no address for it")]
    Host {
        /// Its name.
        index: String,
        /// What the service said.
        host: String,
    },
    /// A batch was taken in part.
    #[error("Pinecone kept {kept} of {sent} vectors; the rest is sent again later")]
    Half {
        /// Vectors sent.
        sent: usize,
        /// Vectors kept.
        kept: usize,
    },
    /// Asked before the index was looked for.
    #[error("the Pinecone index \"{0}\" was not opened yet")]
    NotOpened(String),
}

impl From<ServiceError> for PineconeError {
    fn from(error: ServiceError) -> Self {
        if matches!(error, ServiceError::Denied { .. }) { Self::Key(error) } else { Self::Service(error) }
    }
}

/// One namespace of one index.
#[derive(Debug)]
pub struct Pinecone {
    settings: Settings,
    control: Service,
    /// The index, once it was found.
    data: Mutex<Option<Data>>,
}

/// The index's own address: for a guest's question, and for the work behind.
#[derive(Clone, Debug)]
struct Data {
    asked: Service,
    kept: Service,
}

impl Pinecone {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`PineconeError::Key`] for a key that cannot be sent.
    pub fn new(settings: Settings) -> Result<Self, PineconeError> {
        let control = service(&settings.endpoint, &settings.key, Bounds::default())?;
        Ok(Self { settings, control, data: Mutex::default() })
    }

    /// Finds the index, makes it where it is missing, and waits until it is ready.
    fn open(&self) -> Result<Data, PineconeError> {
        let path = format!("/indexes/{}", self.settings.index);
        let found = match self.control.get(&path) {
            Err(ServiceError::Declined { status: 404, .. }) => self.create(&path)?,
            found => found?,
        };
        self.fits(&found)?;
        let host = self.ready(found, &path)?;
        let base = self.base(&host)?;
        let key = &self.settings.key;
        let data = Data { asked: service(&base, key, WAITED_FOR)?, kept: service(&base, key, Bounds::default())? };
        *self.data.lock().unwrap_or_else(PoisonError::into_inner) = Some(data.clone());
        Ok(data)
    }

    fn create(&self, path: &str) -> Result<Index, PineconeError> {
        let wanted = CreateIndex::serverless(&self.settings.index, self.settings.dimensions);
        match self.control.post("/indexes", &wanted) {
            // Another brain was faster, or an answer was lost and the request was sent again.
            Err(ServiceError::Declined { status: 409, .. }) => Ok(self.control.get(path)?),
            made => Ok(made?),
        }
    }

    fn fits(&self, found: &Index) -> Result<(), PineconeError> {
        let index = self.settings.index.clone();
        let wanted = self.settings.dimensions;
        if found.vector_type != "dense" || found.metric != "cosine" {
            return Err(PineconeError::Kind { index, found: format!("{}, {}", found.vector_type, found.metric) });
        }
        match found.dimension {
            Some(found) if found != wanted => Err(PineconeError::Dimension { index, found, wanted }),
            _ => Ok(()),
        }
    }

    fn ready(&self, mut found: Index, path: &str) -> Result<String, PineconeError> {
        let started = Instant::now();
        while !found.status.ready {
            if found.status.state == "InitializationFailed" || started.elapsed() > READY_WITHIN {
                return Err(PineconeError::NotReady { index: found.name, state: found.status.state });
            }
            thread::sleep(POLL);
            found = self.control.get(path)?;
        }
        Ok(found.host)
    }

    /// The index's address. The key goes where the control plane says, and never from HTTPS to plain HTTP.
    fn base(&self, host: &str) -> Result<String, PineconeError> {
        let scheme = self.settings.endpoint.split_once("://").map_or("https", |(scheme, _)| scheme);
        let (said, bare) = host.split_once("://").unwrap_or((scheme, host));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        if said != scheme || bare.is_empty() || !bare.chars().all(plain) {
            return Err(PineconeError::Host {
                index: self.settings.index.clone(),
                host: host.chars().take(100).collect(),
            });
        }
        Ok(format!("{scheme}://{bare}"))
    }

    /// The hash of every vector of ours that is there, by id.
    fn held(&self, data: &Data) -> Result<HashMap<String, String>, PineconeError> {
        let mut held = HashMap::new();
        let mut page = None;
        loop {
            let wanted = FetchByMetadata {
                namespace: &self.settings.namespace,
                filter: filter::ours(),
                limit: BATCH,
                pagination_token: page,
            };
            let fetched: Fetched = data.kept.post("/vectors/fetch_by_metadata", &wanted)?;
            let hash = |vector: Vector| vector.metadata.map(|metadata| metadata.hash).unwrap_or_default();
            held.extend(fetched.vectors.into_iter().map(|(id, vector)| (id, hash(vector))));
            page = fetched.pagination.and_then(|pagination| pagination.next).filter(|next| !next.is_empty());
            if page.is_none() {
                return Ok(held);
            }
        }
    }

    fn upsert(&self, data: &Data, entries: &[(String, &Entry)]) -> Result<(), PineconeError> {
        for batch in entries.chunks(BATCH) {
            let vectors = batch.iter().map(|(id, entry)| Vector::of(id.clone(), entry)).collect();
            let wanted = Upsert { vectors, namespace: &self.settings.namespace };
            let kept: Upserted = data.kept.post("/vectors/upsert", &wanted)?;
            if kept.upserted_count != batch.len() {
                return Err(PineconeError::Half { sent: batch.len(), kept: kept.upserted_count });
            }
        }
        Ok(())
    }

    fn delete(&self, data: &Data, ids: &[String]) -> Result<(), PineconeError> {
        for ids in ids.chunks(BATCH) {
            let _: Done = data.kept.post("/vectors/delete", &Delete { ids, namespace: &self.settings.namespace })?;
        }
        Ok(())
    }

    /// Waits until as many vectors are counted as there should be: what was written is found a little later. Counts
    /// lag too, so that time alone is no failure.
    fn visible(&self, data: &Data, count: usize) -> Result<(), PineconeError> {
        let started = Instant::now();
        loop {
            let stats: Stats = data.kept.post("/describe_index_stats", &NoFields {})?;
            let counted = stats.namespaces.get(&self.settings.namespace).map_or(0, |space| space.vector_count);
            if counted >= count {
                return Ok(());
            }
            if started.elapsed() > VISIBLE_WITHIN {
                tracing::warn!(counted, count, "Pinecone does not count all vectors yet; the last ones may be missed");
                return Ok(());
            }
            thread::sleep(POLL);
        }
    }
}

impl Vectors for Pinecone {
    fn name(&self) -> &'static str {
        NAME
    }

    fn nearest(&self, embedding: &[f32], filter: &Filter, count: usize) -> Result<Vec<Near>, VectorsError> {
        let data = self.data.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let data = data.ok_or_else(|| PineconeError::NotOpened(self.settings.index.clone()))?;
        let query = Query {
            namespace: &self.settings.namespace,
            vector: embedding,
            top_k: count,
            filter: filter::translated(filter),
            include_metadata: false,
            include_values: false,
        };
        let found: Matches = data.asked.post("/query", &query).map_err(PineconeError::from)?;
        let near = |found: wire::Match| {
            let (record_type, id) = record_of(&found.id)?;
            Some(Near { record_type, id, cosine: found.score })
        };
        Ok(found.matches.into_iter().filter_map(near).collect())
    }

    fn mirror(&self, entries: &[Entry]) -> Result<Mirrored, VectorsError> {
        let data = self.open()?;
        let mut held = self.held(&data)?;
        let mut changed = Vec::new();
        let mut report = Mirrored::default();
        for entry in entries {
            let id = id_of(entry.record_type, &entry.id);
            match held.remove(&id) {
                Some(hash) if hash == entry.hash => report.unchanged += 1,
                _ => changed.push((id, entry)),
            }
        }
        let mut gone: Vec<String> = held.into_keys().collect();
        gone.sort_unstable();
        self.upsert(&data, &changed)?;
        self.delete(&data, &gone)?;
        (report.sent, report.removed) = (changed.len(), gone.len());
        if report.sent > 0 {
            self.visible(&data, entries.len())?;
        }
        Ok(report)
    }
}

fn service(base: &str, key: &str, bounds: Bounds) -> Result<Service, ServiceError> {
    Service::new(NAME, base, bounds).with("Api-Key", key)?.with("X-Pinecone-Api-Version", API_VERSION)
}

/// A vector's id: `menu#gemma-classic`. Pinecone takes ASCII only, so that other bytes are written as `%E2`.
fn id_of(record_type: RecordType, id: &str) -> String {
    let mut name = format!("{}#", record_type.as_str());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

/// The way back; none for an id that is none of ours.
fn record_of(name: &str) -> Option<(RecordType, String)> {
    let (kind, id) = name.split_once('#')?;
    let record_type = [RecordType::Menu, RecordType::Info].into_iter().find(|known| known.as_str() == kind)?;
    let mut bytes = Vec::with_capacity(id.len());
    let mut rest = id.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let value = if byte == b'%' { digit(rest.next())? * 16 + digit(rest.next())? } else { byte.into() };
        bytes.push(u8::try_from(value).ok()?);
    }
    Some((record_type, String::from_utf8(bytes).ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ids_go_there_and_come_back() {
        for (id, name) in [
            ("gemma-classic", "menu#gemma-classic"),
            ("crème brûlée #2%", "menu#cr%C3%A8me%20br%C3%BBl%C3%A9e%20%232%25"),
            ("", "menu#"),
        ] {
            assert_eq!(id_of(RecordType::Menu, id), name);
            assert_eq!(record_of(name).unwrap(), (RecordType::Menu, id.to_owned()));
        }
        for foreign in ["", "menu", "dish#x", "menu#%4", "menu#%zz", "menu#%FF"] {
            assert_eq!(record_of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn the_key_goes_to_no_other_kind_of_address() {
        let pinecone = |endpoint: &str| {
            let settings = Settings {
                endpoint: endpoint.to_owned(),
                key: "k".to_owned(),
                index: "i".to_owned(),
                namespace: "n".to_owned(),
                dimensions: 3,
            };
            Pinecone::new(settings).unwrap()
        };
        let secure = pinecone(ENDPOINT);
        assert_eq!(secure.base("i-1.svc.pinecone.io").unwrap(), "https://i-1.svc.pinecone.io");
        assert_eq!(secure.base("https://i-1.svc.pinecone.io").unwrap(), "https://i-1.svc.pinecone.io");
        for wrong in ["http://i-1.svc.pinecone.io", "", "evil.example/x?", "a@b", "https://a/b"] {
            assert!(matches!(secure.base(wrong), Err(PineconeError::Host { .. })), "{wrong}");
        }
        assert_eq!(pinecone("http://127.0.0.1:5080").base("localhost:5081").unwrap(), "http://localhost:5081");
    }
}
