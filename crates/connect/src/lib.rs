//! Services that an owner may switch on: experiment tracking, a model hub, a vector store elsewhere, a judge.
//!
//! None is needed to serve guests. Each lives in a module of its own and speaks through one [`service::Service`], which
//! bounds the wait, the size of an answer and the number of tries, and says in words what went wrong.

pub mod chat;
pub mod hub;
pub mod judge;
pub mod mlflow;
pub mod pinecone;
pub mod service;
pub mod trace;

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
fn unix_ms() -> i64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(passed.as_millis()).unwrap_or(i64::MAX)
}
