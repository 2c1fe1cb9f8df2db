//! Adapters that are versions of a registered model: `mlflow:NAME@ALIAS`.
//!
//! A version is taken to `DATA_DIR/adapters/NAME-vNUMBER`, checked by its hash, and is an adapter like any other from
//! then on: staff can name it, and go back from it. Which version an alias stood for last is kept there too, so that the
//! restaurant opens while the server is away.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use concierge::intent::AgentName;
use connect::{
    mlflow::{Mlflow, MlflowError, Reference, Taken},
    service::Bounds,
};

use super::{
    manner::{AGENTS, AdapterName, FOLDER, Shelf},
    turn::Parts,
};
use crate::{
    brain::staff::Staff,
    cli::Failure,
    config::{AdapterChoice, Adapters, Config},
    tracking,
};

/// How the configuration writes one.
const SCHEME: &str = "mlflow:";
/// Which version each alias stood for last.
const KNOWN: &str = "mlflow.json";

/// The configuration's choices with every registered model's version on the shelf, under its name there.
///
/// # Errors
/// A version that is not there, or is not what was registered; a server that is away, where nothing was taken before.
pub fn resolve(config: &Config) -> Result<Adapters, Failure> {
    config.model.adapters.resolved(|choice| match reference(choice)? {
        Some(wanted) => Ok(AdapterChoice::Named(take(config, &wanted)?.to_string())),
        None => Ok(choice.clone()),
    })
}

fn reference(choice: &AdapterChoice) -> Result<Option<Reference>, Failure> {
    match choice {
        AdapterChoice::Named(text) => text.strip_prefix(SCHEME).map(str::parse).transpose().map_err(Failure::usage),
        AdapterChoice::Shipped | AdapterChoice::Off => Ok(None),
    }
}

/// Brings a version to the shelf. Where the server is away, the one that the alias stood for last does.
fn take(config: &Config, wanted: &Reference) -> Result<AdapterName, Failure> {
    let mlflow = tracking::wanted(config)?;
    let data = &config.files.data_dir;
    match fetch(&mlflow, data, wanted) {
        Ok(name) => Ok(name),
        Err(error) => {
            let known = known(data).remove(&wanted.to_string()).and_then(|name| name.parse::<AdapterName>().ok());
            let shelf = Shelf::new(data, &config.files.resources_dir);
            let known = known.filter(|name| matches!(error, MlflowError::Service(_)) && shelf.find(name).is_some());
            let Some(name) = known else { return Err(tracking::failure(error)) };
            tracing::warn!(%error, adapter = %name, "the adapter that was taken last is used");
            Ok(name)
        }
    }
}

fn fetch(mlflow: &Mlflow, data: &Path, wanted: &Reference) -> Result<AdapterName, MlflowError> {
    let version = mlflow.version_of(wanted)?;
    let name = format!("{}-v{}", version.name, version.version);
    let missing = || MlflowError::NoVersion { model: version.name.clone(), alias: version.version.clone() };
    let name: AdapterName = name.parse().map_err(|()| missing())?;
    let taken = mlflow.take_adapter(&version, &data.join(FOLDER).join(name.to_string()))?;
    if taken == Taken::Fetched {
        tracing::info!(adapter = %name, from = %wanted, "adapter taken from MLflow");
    }
    let mut all = known(data);
    all.insert(wanted.to_string(), name.to_string());
    let path = place(data);
    let part = path.with_extension("part");
    let text = serde_json::to_vec_pretty(&all).unwrap_or_default();
    let kept = fs::write(&part, text).and_then(|()| fs::rename(&part, &path));
    kept.map_err(|error| MlflowError::Disk { path, reason: error.to_string() })?;
    Ok(name)
}

fn place(data: &Path) -> PathBuf {
    data.join(FOLDER).join(KNOWN)
}

fn known(data: &Path) -> BTreeMap<String, String> {
    fs::read(place(data)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// An alias that is followed, for whom.
struct Followed {
    wanted: Reference,
    agents: Vec<AgentName>,
    /// The version that was tried last: one that is no good is not tried again until the alias moves on.
    seen: Option<AdapterName>,
}

/// Looks at the aliases again and again, for as long as the restaurant is open, and gives the staff what they stand for.
/// An adapter that is no good changes nothing.
pub fn follow(config: &Config, parts: &Arc<Parts>) -> impl Future<Output = ()> + Send + use<> {
    let every = Duration::from_secs(config.mlflow.follow_s);
    let mut followed: Vec<Followed> = Vec::new();
    for agent in AGENTS.into_iter().filter(|_| !every.is_zero()) {
        let Ok(Some(wanted)) = reference(config.model.adapters.of(agent)) else { continue };
        match followed.iter_mut().find(|other| other.wanted == wanted) {
            Some(other) => other.agents.push(agent),
            None if wanted.is_alias => {
                let seen = known(&config.files.data_dir).get(&wanted.to_string()).and_then(|name| name.parse().ok());
                followed.push(Followed { wanted, agents: vec![agent], seen });
            }
            None => {}
        }
    }
    let mlflow = tracking::server(config, Bounds::once()).ok().flatten();
    let (data, parts) = (config.files.data_dir.clone(), Arc::downgrade(parts));
    async move {
        let Some(mlflow) = mlflow.filter(|_| !followed.is_empty()) else { return };
        loop {
            tokio::time::sleep(every).await;
            let (Some(parts), mlflow, data) = (parts.upgrade(), mlflow.clone(), data.clone()) else { return };
            let looked = tokio::task::spawn_blocking(move || {
                for one in &mut followed {
                    one.look(&mlflow, &data, parts.as_ref());
                }
                followed
            });
            let Ok(back) = looked.await else { return };
            followed = back;
        }
    }
}

impl Followed {
    fn look(&mut self, mlflow: &Mlflow, data: &Path, staff: &dyn Staff) {
        let name = match fetch(mlflow, data, &self.wanted) {
            Ok(name) => name,
            Err(error) => {
                tracing::warn!(%error, alias = %self.wanted, "the alias could not be looked at; everybody speaks as before");
                return;
            }
        };
        if self.seen.as_ref() == Some(&name) {
            return;
        }
        // Both agents at once, or one after the other: what is refused changes nobody's manner.
        let agent = if self.agents.len() == AGENTS.len() { None } else { self.agents.first().copied() };
        match staff.change_manner(agent, Some(&name)) {
            Ok(_) => tracing::info!(adapter = %name, alias = %self.wanted, "manner changed"),
            Err(error) => tracing::warn!(adapter = %name, error = %error, "the new adapter is not used"),
        }
        self.seen = Some(name);
    }
}
