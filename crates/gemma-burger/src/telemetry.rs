//! The log: lines on standard error, of codes, times and ids, never of words.

use std::{
    io::{self, IsTerminal},
    panic,
};

use tracing::{Level, error, level_filters::LevelFilter};
use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt};

use crate::config::{Log, LogFormat};

/// Crates whose own lines may hold parts of what is sent through them; they are heard only when they warn.
const QUIET: [&str; 8] = ["hyper", "hyper_util", "axum", "tower", "tower_http", "tokenizers", "llama_cpp_2", "mio"];

/// llama.cpp's own lines warn of choices that this product made on purpose; they are heard when they are asked for by
/// this name.
const LLAMA: &str = "llama-cpp-2";

/// Starts the log of this process. A second call in one process changes nothing.
pub fn start(log: &Log) {
    let llama = (!log.filter.contains(LLAMA)).then(|| format!("{LLAMA}=error"));
    let directives = QUIET.iter().map(|name| format!("{name}=warn")).chain(llama);
    let filter = directives.fold(filter(&log.filter), |filter, directive| {
        directive.parse().map_or_else(|_| EnvFilter::default(), |directive| filter.add_directive(directive))
    });
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    // Colours are for people: a file of lines is read by programs too.
    let lines = lines.with_ansi(io::stderr().is_terminal());
    let _ = match log.format {
        LogFormat::Text => lines.finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init(),
    };
    panic::set_hook(Box::new(|info| {
        // The message of a panic may quote the text it was about: only the place is told.
        let place = info.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
        error!(place, "a part of the program failed");
    }));
}

fn filter(text: &str) -> EnvFilter {
    EnvFilter::try_new(text)
        .unwrap_or_else(|_| EnvFilter::default().add_directive(LevelFilter::from_level(Level::INFO).into()))
}
