//! The command line: one subcommand a role, one way in and one way out.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    commands::{
        adapter, bench, brain, chat, config_docs, data, doctor, eval, gateway, hub, ingest, logs, mcp, mlflow, model,
        parse, plan, promote, route, serve, staff, train,
    },
    config::ConfigError,
};

/// A restaurant concierge that runs a local Gemma model.
#[derive(Debug, Parser)]
#[command(name = "gemma-burger", version, about, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Gateway(gateway::Args),
    Brain(brain::Args),
    Ingest(ingest::Args),
    Parse(parse::Args),
    Route(route::Args),
    Plan(plan::Args),
    Mcp(mcp::Args),
    Chat(chat::Args),
    Bench(bench::Args),
    Model(model::Args),
    Data(data::Args),
    Train(train::Args),
    Adapter(adapter::Args),
    Hub(hub::Args),
    Eval(eval::Args),
    Promote(promote::Args),
    Mlflow(mlflow::Args),
    Logs(logs::Args),
    Staff(staff::Args),
    Doctor(doctor::Args),
    ConfigDocs(config_docs::Args),
}

/// Reads the command line, does what it says and turns the outcome into an exit code: 0, 1 for a failure, 2 for a
/// wrong use.
#[must_use]
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(args) => args.run(),
        Command::Gateway(args) => args.run(),
        Command::Brain(args) => args.run(),
        Command::Ingest(args) => args.run(),
        Command::Parse(args) => args.run(),
        Command::Route(args) => args.run(),
        Command::Plan(args) => args.run(),
        Command::Mcp(args) => args.run(),
        Command::Chat(args) => args.run(),
        Command::Bench(args) => args.run(),
        Command::Model(args) => args.run(),
        Command::Data(args) => args.run(),
        Command::Train(args) => args.run(),
        Command::Adapter(args) => args.run(),
        Command::Hub(args) => args.run(),
        Command::Eval(args) => args.run(),
        Command::Promote(args) => args.run(),
        Command::Mlflow(args) => args.run(),
        Command::Logs(args) => args.run(),
        Command::Staff(args) => args.run(),
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

    /// What went wrong and what to do, in one line, for whoever tells it in another place.
    #[must_use]
    pub fn told(&self) -> String {
        self.hint.as_ref().map_or_else(|| self.message.clone(), |hint| format!("{} ({hint})", self.message))
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
    let mut out = io::stdout().lock();
    // Words of a reply come without their line's end.
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
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
