//! What both tiers need to speak HTTP: errors, ids and logs of requests, the server loop.

pub mod access;
pub mod body;
pub mod error;
pub mod metrics;
pub mod routes;
pub mod server;
pub mod stalled;
pub mod window;

pub use error::{ApiError, ErrorCode};
