//! Running a turn: where the models, the store and the knowledge come together.

pub mod agent;
mod clock;
mod convert;
mod decide;
pub mod lookup;
pub mod manner;
mod register;
pub mod rehearsal;
mod reply;
pub mod restaurant;
mod speech;
mod staff;
pub mod tools;
mod turn;
pub mod turn_log;

use std::sync::Arc;

use futures::FutureExt;

use super::{bus::SessionBus, ports::Loading};
use crate::{cli::Failure, config::Config};

pub use lookup::Lookup;
pub use restaurant::Resources;
pub use speech::Speech;
pub use turn::{Parts, Restaurant};

/// Reads the restaurant's files, which must be right for a start, and returns the rest of the start: loading models
/// and opening the store.
pub fn open(config: &Config, bus: Arc<SessionBus>) -> Result<Loading, Failure> {
    let resources = Resources::read(config)?;
    lookup::check(config)?;
    let config = config.clone();
    let load = tokio::task::spawn_blocking(move || restaurant::load(&config, resources, bus));
    let open = async {
        let loaded = load.await.map_err(|_| "the start failed".to_owned())?;
        let restaurant = loaded.map_err(|failure| failure.told())?;
        tokio::spawn(restaurant.forget_daily());
        Ok(Arc::new(restaurant) as Arc<dyn super::ports::Concierge>)
    };
    Ok(open.boxed())
}
