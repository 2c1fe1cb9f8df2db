//! `gemma-burger serve`: both tiers in one process.

use crate::{
    brain::{self, Brain},
    cli::{Failure, tell},
    commands::{block_on, closing, configure, connections, grace, listen, url},
    config::{ALL, Config, Flags},
    gateway::{self, Gateway, upstream::Upstream},
    http::server,
};

/// Serves the restaurant: pages, sessions and replies, in one process.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gemma-burger serve --port 8080 --data-dir /var/lib/gemma-burger")]
pub struct Args {
    #[command(flatten)]
    flags: Flags<ALL>,
}

impl Args {
    /// Serves until asked to end.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags)?;
        block_on(run(config))
    }
}

async fn run(config: Config) -> Result<(), Failure> {
    let closing = closing();
    let brain = Brain::new(&config, closing.clone());
    let loading = brain::concierge::open(&config, brain.bus())?;
    let upstream = Upstream::Local(brain::router(brain.clone()));
    let gateway = Gateway::new(&config, upstream, closing.clone()).map_err(Failure::new)?;
    let listener = listen(config.network.host, config.network.port, "PORT").await?;
    let url = url(&listener);
    tell(&format!("Opening at {url} …"));
    let opening = brain.clone();
    tokio::spawn(async move {
        if opening.load(loading).await {
            tell(&format!("Gemma Burger is open at {url}"));
        }
    });
    server::serve(listener, gateway::router(gateway), connections(&config), closing, grace(&config)).await;
    brain.close(grace(&config)).await;
    Ok(())
}
