//! The services' clients against stand-ins that keep state as the services do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod hub;
mod peers;
mod pinecone;
mod server;
