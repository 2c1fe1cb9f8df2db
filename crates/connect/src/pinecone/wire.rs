//! What is sent to Pinecone and what comes back: the fields that are used, by the names of its API of April 2026.

use std::collections::HashMap;

use knowledge::Entry;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::filter::KEEPER;

/// Where a new index lies. Every plan has this region; an index made beforehand may lie anywhere.
const CLOUD: &str = "aws";
const REGION: &str = "us-east-1";

#[derive(Serialize)]
pub(super) struct CreateIndex<'a> {
    name: &'a str,
    dimension: usize,
    metric: &'static str,
    vector_type: &'static str,
    spec: Spec,
    deletion_protection: &'static str,
}

#[derive(Serialize)]
struct Spec {
    serverless: Serverless,
}

#[derive(Serialize)]
struct Serverless {
    cloud: &'static str,
    region: &'static str,
}

impl<'a> CreateIndex<'a> {
    pub(super) const fn serverless(name: &'a str, dimension: usize) -> Self {
        let spec = Spec { serverless: Serverless { cloud: CLOUD, region: REGION } };
        Self { name, dimension, metric: "cosine", vector_type: "dense", spec, deletion_protection: "disabled" }
    }
}

#[derive(Deserialize)]
pub(super) struct Index {
    pub(super) name: String,
    /// Absent for an index of sparse vectors.
    pub(super) dimension: Option<usize>,
    pub(super) metric: String,
    pub(super) vector_type: String,
    pub(super) host: String,
    pub(super) status: Status,
}

#[derive(Deserialize)]
pub(super) struct Status {
    pub(super) ready: bool,
    pub(super) state: String,
}

#[derive(Serialize)]
pub(super) struct Upsert<'a> {
    pub(super) vectors: Vec<Vector>,
    pub(super) namespace: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Upserted {
    #[serde(default)]
    pub(super) upserted_count: usize,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Vector {
    id: String,
    #[serde(default)]
    values: Vec<f32>,
    pub(super) metadata: Option<Metadata>,
}

/// What a filter may ask of a vector, and how it is known again.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Metadata {
    kept_by: String,
    pub(super) hash: String,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diets: Vec<String>,
    /// A number: Pinecone gives numbers back as floating point.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_cents: Option<f64>,
    available: bool,
}

impl Vector {
    pub(super) fn of(id: String, entry: &Entry) -> Self {
        let metadata = Metadata {
            kept_by: KEEPER.to_owned(),
            hash: entry.hash.clone(),
            r#type: entry.record_type.as_str().to_owned(),
            category: entry.category.clone(),
            diets: entry.diets.clone(),
            price_cents: entry.price_cents.map(|cents| cents as f64),
            available: entry.available,
        };
        Self { id, values: entry.embedding.clone(), metadata: Some(metadata) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FetchByMetadata<'a> {
    pub(super) namespace: &'a str,
    pub(super) filter: Value,
    pub(super) limit: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pagination_token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Fetched {
    #[serde(default)]
    pub(super) vectors: HashMap<String, Vector>,
    pub(super) pagination: Option<Pagination>,
}

#[derive(Deserialize)]
pub(super) struct Pagination {
    pub(super) next: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Delete<'a> {
    pub(super) ids: &'a [String],
    pub(super) namespace: &'a str,
}

/// An answer that says nothing but that it was done.
#[derive(Deserialize)]
pub(super) struct Done {}

#[derive(Serialize)]
pub(super) struct NoFields {}

#[derive(Deserialize)]
pub(super) struct Stats {
    #[serde(default)]
    pub(super) namespaces: HashMap<String, Namespace>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Namespace {
    #[serde(default)]
    pub(super) vector_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Query<'a> {
    pub(super) namespace: &'a str,
    pub(super) vector: &'a [f32],
    pub(super) top_k: usize,
    pub(super) filter: Value,
    pub(super) include_metadata: bool,
    pub(super) include_values: bool,
}

#[derive(Deserialize)]
pub(super) struct Matches {
    #[serde(default)]
    pub(super) matches: Vec<Match>,
}

#[derive(Deserialize)]
pub(super) struct Match {
    pub(super) id: String,
    #[serde(default)]
    pub(super) score: f32,
}
