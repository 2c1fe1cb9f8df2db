//! The two tiers from outside: most tests call the routers without a socket, before a concierge that says scripted
//! words; some run over real sockets, and some run the real program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod client;
mod python;
mod scripted;
#[path = "../../../connect/tests/it/server.rs"]
#[allow(dead_code, reason = "the stand-ins of other services use the rest")]
mod server;

mod adapters;
mod chat;
mod cli;
mod failures;
mod heard;
mod house;
mod hub;
mod input;
mod judge;
mod leaving;
mod limits;
mod logs;
mod mcp;
mod orders;
mod pages;
mod plans;
mod product;
mod provider;
mod resume;
mod review;
mod sessions;
mod shutdown;
mod staff;
mod terminal;
mod tiers;
mod v1;
