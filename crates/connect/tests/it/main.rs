//! Services that misbehave: what is said about it, what is tried again, and that nothing is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod courier;
mod scripted;
mod service;
mod traces;
