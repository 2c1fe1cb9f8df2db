//! Listening to what a turn looks up, for its trace.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use concierge::ports::{Embedder, Hit, Query, RetrieveError, Retriever};
use connect::trace::{Kind, Span};
use serde_json::{Value, json};

use super::traced::object;

/// Listens to what a turn looks up.
pub struct Listener {
    /// Whether words are kept.
    pub words: bool,
    /// When it began.
    pub began: Instant,
    /// Each with when it began.
    spans: Mutex<Vec<(Span, Instant)>>,
}

impl Listener {
    /// Begins now.
    #[must_use]
    pub fn new(words: bool) -> Self {
        Self { words, began: Instant::now(), spans: Mutex::default() }
    }

    /// What was heard, each with when it began.
    #[must_use]
    pub fn heard(self) -> Vec<(Span, Instant)> {
        self.spans.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, span: Span, at: Instant) {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).push((span, at));
    }
}

/// An encoder or a store of knowledge with somebody who listens.
pub struct Overheard<'a, T: ?Sized> {
    /// What does the work.
    pub inner: &'a T,
    /// Who listens.
    pub listener: &'a Listener,
}

impl Overheard<'_, dyn Embedder> {
    fn overhear(
        &self,
        texts: &[&str],
        work: impl FnOnce() -> Result<Vec<Vec<f32>>, RetrieveError>,
    ) -> Result<Vec<Vec<f32>>, RetrieveError> {
        let at = Instant::now();
        let vectors = work();
        let mut span = Span::between("embed", Kind::Embedding, at, Instant::now());
        span.set("gemma_burger.texts", texts.len());
        if let Err(error) = &vectors {
            span.fail(error.to_string());
        }
        self.listener.note(span, at);
        vectors
    }
}

impl Embedder for Overheard<'_, dyn Embedder> {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
        self.overhear(texts, || self.inner.embed(texts))
    }

    fn embed_deep(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
        self.overhear(texts, || self.inner.embed_deep(texts))
    }

    fn dimensions(&self) -> usize {
        self.inner.dimensions()
    }
}

impl Retriever for Overheard<'_, dyn Retriever> {
    fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>, RetrieveError> {
        let at = Instant::now();
        let found = self.inner.search(query);
        let mut span = Span::between("retrieve", Kind::Retriever, at, Instant::now());
        let filter = &query.filter;
        let mut asked = vec![
            ("type", json!(filter.record_type)),
            ("category", json!(filter.category)),
            ("diet", json!(filter.diet)),
            ("max_price_cents", json!(filter.max_price.map(|price| price.0))),
            ("limit", json!(query.limit)),
        ];
        if self.listener.words {
            asked.push(("query", json!(query.text)));
        }
        asked.retain(|(_, value)| !value.is_null());
        span.set("mlflow.spanInputs", object(&asked).to_string());
        match &found {
            Ok(hits) => {
                span.set("gemma_burger.entries", hits.len());
                span.set("mlflow.spanOutputs", Value::Array(hits.iter().map(document).collect()).to_string());
            }
            Err(error) => span.fail(error.to_string()),
        }
        self.listener.note(span, at);
        found
    }
}

/// An entry as MLflow shows documents.
fn document(hit: &Hit) -> Value {
    json!({"id": hit.id, "page_content": hit.title, "metadata": {"type": hit.record_type, "score": hit.score}})
}
