//! Tests of the whole crate on a random model small enough for finite differences.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod export;
mod fixture;
mod gradient;
mod run;
mod text;
