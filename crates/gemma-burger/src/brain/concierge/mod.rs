//! Running a turn: where the models, the store and the knowledge come together.

pub mod agent;
mod clock;
mod convert;
mod decide;
pub mod lookup;
pub mod manner;
mod overheard;
pub mod prompts;
mod register;
mod registered;
pub mod rehearsal;
mod reply;
pub mod restaurant;
mod speech;
mod staff;
pub mod tools;
mod traced;
mod turn;
pub mod turn_log;

use std::sync::Arc;

use connect::service::Bounds;
use futures::FutureExt;

use super::{bus::SessionBus, ports::Loading};
use crate::{cli::Failure, config::Config, tracking};

pub use lookup::Lookup;
pub use restaurant::Resources;
pub use speech::Speech;
pub use traced::Tracing;
pub use turn::{Parts, Restaurant};

/// Reads the restaurant's files, which must be right for a start, and returns the rest of the start: loading models
/// and opening the store.
pub fn open(config: &Config, bus: Arc<SessionBus>) -> Result<Loading, Failure> {
    let resources = Resources::read(config)?;
    lookup::check(config)?;
    let (config, followed) = (config.clone(), config.clone());
    let load = tokio::task::spawn_blocking(move || restaurant::load(&config, resources, bus));
    let open = async move {
        let loaded = load.await.map_err(|_| "the start failed".to_owned())?;
        let restaurant = loaded.map_err(|failure| failure.told())?;
        tokio::spawn(restaurant.forget_daily());
        tokio::spawn(registered::follow(&followed, &restaurant.parts()));
        register_prompts(&followed, restaurant.parts());
        Ok(Arc::new(restaurant) as Arc<dyn super::ports::Concierge>)
    };
    Ok(open.boxed())
}

/// Has personas and prompts registered where a server of MLflow is named. Nobody waits for it.
fn register_prompts(config: &Config, parts: Arc<Parts>) {
    let Ok(Some(mlflow)) = tracking::server(config, Bounds::default()) else { return };
    let model = config.mlflow.model.clone();
    tokio::task::spawn_blocking(move || match prompts::register(&mlflow, &parts.resources.world, &model) {
        Ok(versions) => {
            for prompt in versions.iter().filter(|prompt| prompt.is_new) {
                tracing::info!(prompt = prompt.name, version = prompt.version, "prompt registered");
            }
        }
        Err(error) => tracing::warn!(%error, "prompts are not registered"),
    });
}
