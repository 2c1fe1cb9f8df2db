//! `gemma-burger brain`: the tier that answers, on its own.

use crate::{
    brain::{self, Brain},
    cli::{Failure, tell},
    commands::{block_on, closing, configure, connections, grace, listen, url},
    config::{BRAIN, Config, DATA, Flags},
    http::server,
};

/// Serves the AI tier alone, for a gateway elsewhere.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  BRAIN_TOKEN=… gemma-burger brain --brain-port 8000 --host 10.0.0.2")]
pub struct Args {
    #[command(flatten)]
    flags: Flags<{ BRAIN | DATA }>,
}

impl Args {
    /// Serves until asked to end.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags)?;
        block_on(run(config))
    }
}

async fn run(config: Config) -> Result<(), Failure> {
    if !config.network.host.is_loopback() && config.network.brain_token.is_none() {
        tell(
            "warning: the brain listens beyond this machine and anybody may talk to it; set BRAIN_TOKEN on both tiers",
        );
    }
    let closing = closing();
    let brain = Brain::new(&config, closing.clone());
    let loading = brain::concierge::open(&config, brain.bus())?;
    let listener = listen(config.network.host, config.network.brain_port, "BRAIN_PORT").await?;
    let url = url(&listener);
    tell(&format!("The brain listens at {url} and is loading …"));
    let opening = brain.clone();
    tokio::spawn(async move {
        if opening.load(loading).await {
            tell(&format!("The brain is ready at {url}"));
        }
    });
    server::serve(listener, brain::router(brain.clone()), connections(&config), closing, grace(&config)).await;
    brain.close(grace(&config)).await;
    Ok(())
}
