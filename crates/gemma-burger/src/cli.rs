//! The command line: one subcommand a role, one way in and one way out.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    commands::{brain, config_docs, data, doctor, gateway, ingest, model, parse, plan, route, serve, staff},
        Command::Doctor(args) => args.run(),
        Command::ConfigDocs(args) => args.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Why a command ends without success, told in one line and a hint.
#[derive(Debug)]
pub struct Failure {
    used_wrongly: bool,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// Something went wrong.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { used_wrongly: false, message: message.to_string(), hint: None }
    }

    /// The command was called with something that it cannot take.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { used_wrongly: true, ..Self::new(message) }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    const fn exit_code(&self) -> u8 {
        if self.used_wrongly { 2 } else { 1 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\n hint: {hint}"))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error).hint("`gemma-burger config-docs` lists every variable")
    }
}

/// Writes to standard output. A reader who has seen enough and left is not an error.
pub fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Tells a person how things go, on standard error.
pub fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
