//! Gemma Burger as a program: the command line, the configuration and the two tiers.
//!
//! [`gateway`] is the tier that guests reach: pages, sessions, limits, relay. [`brain`] is the tier behind it: turns and
//! the events of each. They talk HTTP even when both run in one process, so what is tested on the one is true of the
//! other. [`http`] holds what both need.

pub mod brain;
pub mod checkpoints;
pub mod cli;
pub mod commands;
pub mod config;
pub mod gateway;
pub mod http;
pub mod telemetry;
pub mod tracking;
pub mod vocabulary;
