//! The services' clients against servers that misbehave, and against stand-ins that keep state as the services do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod courier;
mod hub;
mod peers;
mod pinecone;
mod scripted;
mod server;
mod service;
mod traces;
