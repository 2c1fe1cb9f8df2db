//! One file a command: its arguments, its help with an example, and `run`.

pub mod adapter;
pub mod bench;
pub mod brain;
pub mod chat;
pub mod config_docs;
pub mod data;
pub mod doctor;
pub mod eval;
pub mod gateway;
pub mod hub;
mod import;
pub mod ingest;
mod lines;
pub mod logs;
pub mod mcp;
pub mod mlflow;
pub mod model;
pub mod parse;
pub mod plan;
pub mod promote;
pub mod route;
pub mod serve;
pub mod staff;
pub mod train;
mod trim;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Failure,
    config::{Config, Flags, Sources},
    http::server,
    telemetry,
};

/// The configuration of this process, with its log started.
fn configure<const SCOPE: u8>(flags: Flags<SCOPE>) -> Result<Config, Failure> {
    let config = Config::resolve(&Sources::of_process(flags)?)?;
    telemetry::start(&config.log);
    Ok(config)
}

/// The same for commands that talk with a person: what goes well is logged only where LOG was given.
fn configure_quietly<const SCOPE: u8>(flags: Flags<SCOPE>) -> Result<Config, Failure> {
    let sources = Sources::of_process(flags)?;
    let mut config = Config::resolve(&sources)?;
    if !sources.gives("LOG")? {
        config.log.filter = "warn".to_owned();
    }
    telemetry::start(&config.log);
    Ok(config)
}

fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(|error| Failure::new(format!("the program cannot start its threads: {error}")))
}

/// Runs a command's work to its end. What then still runs beside it is not waited for: a model that is being loaded, a
/// line that nobody types.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}

/// Takes a port, or says who should let go of it.
async fn listen(host: IpAddr, port: u16, variable: &str) -> Result<TcpListener, Failure> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(format!("{address} cannot be listened on: {error}")).hint(format!(
            "another program may hold the port; choose one with {variable}=…, or see `gemma-burger doctor`"
        ))
    })
}

/// Where people find what listens at an address.
fn url(listener: &TcpListener) -> String {
    match listener.local_addr() {
        Ok(address) if address.ip().is_loopback() || address.ip().is_unspecified() => {
            format!("http://localhost:{}", address.port())
        }
        Ok(address) => format!("http://{address}"),
        Err(_) => "http://localhost".into(),
    }
}

/// Asks the system for as many open files as `max_connections` may need, a guest's and the brain's end each, and says
/// for how many connections it gave some.
fn connections(config: &Config) -> usize {
    let wanted = config.network.max_connections;
    let spare = 128;
    let files = rlimit::increase_nofile_limit(2 * wanted as u64 + spare).unwrap_or(1024);
    let possible = usize::try_from(files.saturating_sub(spare) / 2).unwrap_or(wanted).max(16);
    if possible < wanted {
        tracing::warn!(wanted, possible, "the system allows fewer connections than MAX_CONNECTIONS; see `ulimit -n`");
    }
    wanted.min(possible)
}

/// Fires when the process is asked to end.
fn closing() -> CancellationToken {
    let closing = CancellationToken::new();
    let fire = closing.clone();
    tokio::spawn(async move {
        server::stop_requested().await;
        tracing::info!("closing");
        fire.cancel();
    });
    closing
}

const fn grace(config: &Config) -> Duration {
    Duration::from_secs(config.network.shutdown_grace_s)
}
