//! `gemma-burger gateway`: the tier that guests reach, before a brain elsewhere.

use crate::{
    cli::{Failure, tell},
    commands::{block_on, closing, configure, connections, grace, listen, url},
    config::{Config, Flags, GATEWAY},
    gateway::{self, Gateway, upstream::Upstream},
    http::server,
};

/// Serves pages and sessions, and relays to a brain elsewhere.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gemma-burger gateway --brain http://10.0.0.2:8000 --port 3000")]
pub struct Args {
    #[command(flatten)]
    flags: Flags<GATEWAY>,
}

impl Args {
    /// Serves until asked to end.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags)?;
        block_on(run(config))
    }
}

async fn run(config: Config) -> Result<(), Failure> {
    let address = config.network.brain_url.clone().ok_or_else(|| {
        Failure::usage("the gateway needs to know where the brain is")
            .hint("give --brain http://HOST:PORT or set BRAIN_URL")
    })?;
    let closing = closing();
    let upstream = Upstream::remote(&address).map_err(Failure::usage)?;
    let gateway = Gateway::new(&config, upstream, closing.clone()).map_err(Failure::new)?;
    let listener = listen(config.network.host, config.network.port, "PORT").await?;
    tell(&format!("Gemma Burger's gateway is open at {}, its brain is {address}", url(&listener)));
    server::serve(listener, gateway::router(gateway), connections(&config), closing, grace(&config)).await;
    Ok(())
}
