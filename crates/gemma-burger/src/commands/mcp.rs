//! `gemma-burger mcp`: the tools for other programs.

use std::{sync::Arc, time::Duration};

use axum::Router;
use rmcp::{
    ServiceExt,
    transport::{
        stdio,
        streamable_http_server::{
            StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
        },
    },
};

use crate::{
    brain::{
        bus::SessionBus,
        concierge::{Parts, Resources, restaurant},
        mcp::Connection,
        wire::SessionId,
    },
    cli::{Failure, tell},
    commands::{closing, configure, connections, grace, listen, runtime, url},
    config::{BRAIN, Config, DATA, Flags},
    gateway::session::Sessions,
    http::server,
};

/// Where the protocol is spoken over HTTP.
const PATH: &str = "/mcp";

/// Offers the restaurant's tools to other programs by the Model Context Protocol, on standard input and output.
///
/// Menu, place and plans are open to all. Cart, orders and tickets are those of one guest: of the token in
/// GUEST_SESSION (over HTTP: of `Authorization: Bearer TOKEN`), else of a new guest for each connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  gemma-burger mcp\n  gemma-burger mcp --http 8765")]
pub struct Args {
    /// Speaks streamable HTTP on this port instead, at /mcp; 0 takes any free one.
    #[arg(long, value_name = "PORT")]
    http: Option<u16>,
    /// The signed token of the guest to act for; `POST /chat` tells it to clients without cookies.
    #[arg(long = "guest", env = "GUEST_SESSION", value_name = "TOKEN", hide_env_values = true)]
    guest: Option<String>,
    #[command(flatten)]
    flags: Flags<{ BRAIN | DATA }>,
}

impl Args {
    /// Serves until the other side leaves, or the process is asked to end.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags)?;
        let resources = Resources::read(&config)?;
        let sessions = Sessions::open(
            &config.files.data_dir,
            Duration::from_secs(u64::from(config.limits.session_days) * 24 * 3_600),
        )
        .map_err(Failure::new)?;
        let guest = match self.guest.as_deref() {
            None => None,
            Some(token) => Some(sessions.verify(token).map(|(guest, _)| guest).ok_or_else(|| {
                Failure::usage("this guest's token is not valid, or not any more")
                    .hint("send a message to get a new one")
            })?),
        };
        let sessions = Arc::new(sessions);
        let parts = Arc::new(restaurant::without_model(&config, resources, SessionBus::new())?);
        runtime()?.block_on(async move {
            match self.http {
                None => over_stdio(parts, sessions, guest).await,
                Some(port) => over_http(parts, sessions, guest, port, &config).await,
            }
        })
    }
}

async fn over_stdio(parts: Arc<Parts>, sessions: Arc<Sessions>, guest: Option<SessionId>) -> Result<(), Failure> {
    let closing = closing();
    let connection = Connection::new(parts, sessions, guest);
    let running = connection.serve(stdio()).await.map_err(Failure::new)?;
    tokio::select! {
        ended = running.waiting() => ended.map(|_| ()).map_err(Failure::new),
        () = closing.cancelled() => Ok(()),
    }
}

async fn over_http(
    parts: Arc<Parts>,
    sessions: Arc<Sessions>,
    guest: Option<SessionId>,
    port: u16,
    config: &Config,
) -> Result<(), Failure> {
    let closing = closing();
    let mut settings = StreamableHttpServerConfig::default();
    settings.cancellation_token = closing.clone();
    settings.max_request_body_bytes = config.limits.max_body_bytes.max(concierge::tools::MAX_ARGUMENTS * 2);
    if !config.network.host.is_loopback() {
        // Whoever opens the door to other machines is known there by another name.
        settings.allowed_hosts.clear();
    }
    let connection = move || Ok(Connection::new(parts.clone(), sessions.clone(), guest.clone()));
    let service = StreamableHttpService::new(connection, Arc::new(LocalSessionManager::default()), settings);
    let listener = listen(config.network.host, port, "--http").await?;
    tell(&format!("The tools are at {}{PATH}", url(&listener)));
    let app = Router::new().nest_service(PATH, service);
    server::serve(listener, app, connections(config), closing, grace(config)).await;
    Ok(())
}
