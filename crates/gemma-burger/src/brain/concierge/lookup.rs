//! Where the restaurant's knowledge is searched: the embedded file, alone or behind a service.

use std::sync::Arc;

use concierge::ports::Retriever;
use connect::pinecone::{Pinecone, Settings};
use knowledge::{Elsewhere, SqliteIndex, Standing};

use crate::{
    brain::wire::Part,
    cli::Failure,
    config::{Config, RetrieverChoice},
    http::metrics::Page,
};

/// A retriever with its state and its figures.
pub trait Lookup: Retriever {
    /// Whether it works.
    fn part(&self) -> Part {
        Part::ready("ingested")
    }
    /// Writes its lines for Prometheus.
    fn measure(&self, _page: &mut Page) {}
}

impl Lookup for SqliteIndex {}

impl Lookup for Elsewhere {
    /// Always ready, as the file answers whatever the service does. Why the service does not is in the log: this page
    /// is open to everybody.
    fn part(&self) -> Part {
        let name = self.name();
        Part::ready(match self.standing() {
            Standing::Answering => format!("ingested; {name} answers"),
            Standing::CatchingUp => format!("ingested; the embedded index answers while {name} catches up"),
            Standing::Away(_) => format!("ingested; the embedded index answers, as {name} does not (see the log)"),
        })
    }

    fn measure(&self, page: &mut Page) {
        let counts = self.counts();
        let answering = i64::from(self.standing() == Standing::Answering);
        page.gauge("gemma_burger_vectors_answering", "Whether the vector service is asked: 0 no, 1 yes.", answering);
        for (name, help, value) in [
            ("searches", "Searches answered with the vector service.", counts.there),
            ("fallbacks", "Searches that the embedded index answered in its place.", counts.here),
            ("failures", "Calls of the vector service that failed.", counts.failures),
        ] {
            let name = format!("gemma_burger_vectors_{name}_total");
            page.head(&name, "counter", help);
            page.value(&name, "", value);
        }
    }
}

/// The index alone, or behind the service that the configuration names.
pub fn retriever(config: &Config, index: SqliteIndex, dimensions: usize) -> Result<Arc<dyn Lookup>, Failure> {
    match config.knowledge.retriever {
        RetrieverChoice::Sqlite => Ok(Arc::new(index)),
        RetrieverChoice::Pinecone => {
            let elsewhere = Elsewhere::start(index, Box::new(pinecone(config, dimensions)?)).map_err(Failure::new)?;
            Ok(Arc::new(elsewhere))
        }
    }
}

/// Refuses a choice that lacks its key, before anything is loaded.
pub fn check(config: &Config) -> Result<(), Failure> {
    if config.knowledge.retriever == RetrieverChoice::Pinecone { key(config).map(|_| ()) } else { Ok(()) }
}

/// Pinecone as configured.
pub fn pinecone(config: &Config, dimensions: usize) -> Result<Pinecone, Failure> {
    let chosen = &config.knowledge;
    Pinecone::new(Settings {
        endpoint: chosen.pinecone_endpoint.clone(),
        key: key(config)?,
        index: chosen.pinecone_index.clone(),
        namespace: chosen.pinecone_namespace.clone(),
        dimensions,
    })
    .map_err(Failure::new)
}

fn key(config: &Config) -> Result<String, Failure> {
    let key = config.knowledge.pinecone_key.as_ref().map(|key| key.reveal().to_owned());
    key.ok_or_else(|| {
        Failure::usage("RETRIEVER is pinecone and PINECONE_API_KEY is not set")
            .hint("set it to a key of your Pinecone project, or set RETRIEVER=sqlite")
    })
}
