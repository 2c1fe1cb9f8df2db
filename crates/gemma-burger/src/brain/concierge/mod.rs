//! Running a turn: where the models, the store and the knowledge come together.

mod clock;
mod convert;
pub mod manner;
mod register;
pub mod rehearsal;
mod reply;
pub mod restaurant;
mod speech;
mod staff;
mod turn;

use std::sync::Arc;

use futures::FutureExt;

use super::{bus::SessionBus, ports::Loading};
use crate::{cli::Failure, config::Config};

pub use restaurant::Resources;
pub use speech::Speech;
pub use turn::{Parts, Restaurant};

/// Reads the restaurant's files, which must be right for a start, and returns the rest of the start: loading models
/// and opening the store.
pub fn open(config: &Config, bus: Arc<SessionBus>) -> Result<Loading, Failure> {
    let resources = Resources::read(config)?;
    let config = config.clone();
    let load = tokio::task::spawn_blocking(move || -> Result<Arc<dyn super::ports::Concierge>, String> {
        let parts = restaurant::load(&config, resources, bus).map_err(|failure| failure.to_string())?;
        Ok(Arc::new(parts))
    });
    Ok(load.map(|loaded| loaded.map_err(|_| "the start failed".to_owned())?).boxed())
}
