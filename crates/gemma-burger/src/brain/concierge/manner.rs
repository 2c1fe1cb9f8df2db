//! The staff's trained manner: which adapter each agent speaks with, from the start on and changed while guests are
//! served.
//!
//! An adapter that is named is a folder under `RESOURCES_DIR/adapters` or `DATA_DIR/adapters`; what a request can name
//! is therefore no path. A new one is loaded, says one thing as a test, and stays only if that was a reply; else the
//! one before comes back. Replies that run finish on what they began with: the engine sees to that.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use concierge::{
    brief::{Act, Brief, Step},
    check::{Checker, Fault, MentionIndex, Speaker},
    intent::AgentName,
    ports::{Engine, FinishReason, GenerationEvent},
    prompt::{self, Limits, Personas},
};
use engine::{AdapterError, Gemma};
use futures::StreamExt;
use serde::Serialize;

use crate::config::{AdapterChoice, Adapters};

/// An adapter's file in its folder.
pub const ADAPTER_FILE: &str = "adapter.gguf";
/// Where adapters lie in the folders of resources and of data.
pub const FOLDER: &str = "adapters";
/// Characters of a name.
const NAME_LIMIT: usize = 64;
/// What a guest of the test says, and how long the answer may be, in tokens.
const TEST: &str = "hello";
const TEST_TOKENS: u32 = 80;

/// The staff that a language model speaks for.
pub const AGENTS: [AgentName; 2] = [AgentName::Rosy, AgentName::Gordon];

/// An engine whose adapters can be changed while it runs.
pub trait Tunable: Engine {
    /// Gives an agent an adapter; returns when it is in use. The one before stays where this fails.
    ///
    /// # Errors
    /// What is wrong with the file.
    fn load_adapter(&self, agent: AgentName, path: &Path) -> Result<(), AdapterError>;
    /// Takes an agent's adapter away.
    ///
    /// # Errors
    /// The engine has ended.
    fn unload_adapter(&self, agent: AgentName) -> Result<(), AdapterError>;
}

impl Tunable for Gemma {
    fn load_adapter(&self, agent: AgentName, path: &Path) -> Result<(), AdapterError> {
        Self::load_adapter(self, agent, path)
    }

    fn unload_adapter(&self, agent: AgentName) -> Result<(), AdapterError> {
        Self::unload_adapter(self, agent)
    }
}

/// The name of an adapter's folder: letters, digits, `-`, `_` and `.`, the first a letter or digit. No path is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AdapterName(String);

impl FromStr for AdapterName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        (first && text.len() <= NAME_LIMIT && text.chars().all(known)).then(|| Self(text.to_owned())).ok_or(())
    }
}

impl fmt::Display for AdapterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folders that adapters are taken from.
#[derive(Clone, Debug)]
pub struct Shelf(Vec<PathBuf>);

impl Shelf {
    /// An adapter of the data folder goes before one of the same name that ships.
    #[must_use]
    pub fn new(data: &Path, resources: &Path) -> Self {
        Self(vec![data.join(FOLDER), resources.join(FOLDER)])
    }

    /// The file of an adapter.
    #[must_use]
    pub fn find(&self, name: &AdapterName) -> Option<PathBuf> {
        self.0.iter().map(|folder| folder.join(&name.0).join(ADAPTER_FILE)).find(|path| path.is_file())
    }

    /// All that can be named, in order.
    #[must_use]
    pub fn list(&self) -> Vec<AdapterName> {
        let entries = self.0.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()));
        let mut names: Vec<AdapterName> = names.filter(|name| self.find(name).is_some()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// An adapter to speak with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chosen {
    /// What it is called: its name, or the path that the configuration gave.
    name: String,
    path: PathBuf,
}

/// An agent's adapter and the one before it. None is the model as it is.
#[derive(Clone, Debug, Default)]
struct Voice {
    now: Option<Chosen>,
    before: Option<Option<Chosen>>,
}

/// How things stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MannerView {
    /// The language model.
    pub model: String,
    /// By agent.
    pub agents: Vec<VoiceView>,
    /// What can be named.
    pub available: Vec<AdapterName>,
}

/// An agent's manner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VoiceView {
    /// Whose.
    pub agent: AgentName,
    /// The adapter in use; none means the model as it is.
    pub adapter: Option<String>,
    /// Whether there is one to go back to.
    pub can_roll_back: bool,
    /// That one; none means the model as it is.
    pub before: Option<String>,
}

/// Why a manner was not changed. Everybody speaks as before.
#[derive(Debug, thiserror::Error)]
pub enum MannerError {
    /// There is no such folder, or no adapter in it.
    #[error("There is no adapter called \"{0}\". GET /admin/adapters lists those that there are.")]
    Unknown(String),
    /// The file cannot be used with this model.
    #[error("{0}. Everybody speaks as before.")]
    Refused(#[from] AdapterError),
    /// It loads, and says nothing of use.
    #[error("The adapter was loaded and taken back: {0}. Everybody speaks as before.")]
    Useless(String),
    /// Nothing was changed yet.
    #[error("There is no earlier adapter to go back to.")]
    NothingBefore,
}

/// Who speaks how.
pub struct Manner {
    engine: Arc<dyn Tunable>,
    shelf: Shelf,
    /// Held while something changes: one change at a time.
    voices: Mutex<BTreeMap<AgentName, Voice>>,
    /// Agents that have an adapter, for the turns, which never wait for a change.
    tuned: RwLock<Vec<AgentName>>,
}

impl Manner {
    /// Loads what the configuration names, or what ships for the model.
    ///
    /// # Errors
    /// An adapter that is not there or does not fit.
    pub fn open(engine: Arc<dyn Tunable>, shelf: Shelf, wanted: &Adapters, model: &str) -> Result<Self, MannerError> {
        let mut voices = BTreeMap::new();
        for agent in AGENTS {
            let now = match wanted.of(agent) {
                AdapterChoice::Off => None,
                AdapterChoice::Named(name) => Some(named(&shelf, name)?),
                AdapterChoice::Shipped => {
                    let shipped = model.parse().ok().and_then(|name| Some((shelf.find(&name)?, name)));
                    shipped.map(|(path, name)| Chosen { name: name.to_string(), path })
                }
            };
            if let Some(chosen) = &now {
                engine.load_adapter(agent, &chosen.path)?;
            } else {
                tracing::info!(%agent, "no trained manner; the model speaks as it is");
            }
            voices.insert(agent, Voice { now, before: None });
        }
        let manner = Self { engine, shelf, voices: Mutex::new(voices), tuned: RwLock::default() };
        manner.settle(&manner.lock());
        Ok(manner)
    }

    /// For a language model that runs elsewhere: the adapters of its agents, if they have any, are kept there.
    #[must_use]
    pub fn elsewhere(engine: Arc<dyn Tunable>, shelf: Shelf) -> Self {
        let voices = AGENTS.into_iter().map(|agent| (agent, Voice::default())).collect();
        Self { engine, shelf, voices: Mutex::new(voices), tuned: RwLock::new(AGENTS.to_vec()) }
    }

    /// Whether an agent has an adapter.
    #[must_use]
    pub fn is_tuned(&self, agent: AgentName) -> bool {
        self.tuned.read().unwrap_or_else(PoisonError::into_inner).contains(&agent)
    }

    /// How things stand.
    #[must_use]
    pub fn view(&self) -> MannerView {
        let name = |chosen: &Option<Chosen>| chosen.as_ref().map(|chosen| chosen.name.clone());
        let voices = self.lock();
        let agents = voices.iter().map(|(&agent, voice)| VoiceView {
            agent,
            adapter: name(&voice.now),
            can_roll_back: voice.before.is_some(),
            before: voice.before.as_ref().and_then(name),
        });
        MannerView { agents: agents.collect(), model: self.engine.info().model, available: self.shelf.list() }
    }

    /// Gives agents another adapter, or none. Blocks until the replies that run have ended.
    ///
    /// # Errors
    /// Why it is not taken; then nothing has changed, for none of them.
    pub fn change(
        &self,
        agents: &[AgentName],
        wanted: Option<&AdapterName>,
        test: &SelfTest<'_>,
    ) -> Result<(), MannerError> {
        let wanted = wanted.map(|name| named_on(&self.shelf, name)).transpose()?;
        self.exchange(agents, test, |_| Ok(wanted.clone()), |old| Some(old.now.clone()))
    }

    /// Gives agents back what they spoke with before the last change.
    ///
    /// # Errors
    /// Why it is not possible; then nothing has changed, for none of them.
    pub fn roll_back(&self, agents: &[AgentName], test: &SelfTest<'_>) -> Result<(), MannerError> {
        let before = |voice: &Voice| voice.before.clone().ok_or(MannerError::NothingBefore);
        // What is left behind is not worth coming back to.
        self.exchange(agents, test, before, |_| None)
    }

    fn exchange(
        &self,
        agents: &[AgentName],
        test: &SelfTest<'_>,
        wanted: impl Fn(&Voice) -> Result<Option<Chosen>, MannerError>,
        before: impl Fn(&Voice) -> Option<Option<Chosen>>,
    ) -> Result<(), MannerError> {
        let mut voices = self.lock();
        let old = voices.clone();
        let mut outcome = Ok(());
        for agent in agents {
            let voice = old.get(agent).cloned().unwrap_or_default();
            outcome = wanted(&voice).and_then(|chosen| {
                self.apply(*agent, chosen.as_ref())?;
                voices.insert(*agent, Voice { before: before(&voice), now: chosen.clone() });
                chosen.map_or(Ok(()), |_| test.run(self.engine.as_ref(), *agent))
            });
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_err() {
            for agent in agents {
                let voice = old.get(agent).cloned().unwrap_or_default();
                if voices.get(agent).is_some_and(|now| now.now != voice.now)
                    && let Err(error) = self.apply(*agent, voice.now.as_ref())
                {
                    tracing::error!(%error, %agent, "the adapter before could not be loaded again");
                }
            }
            *voices = old;
        }
        self.settle(&voices);
        outcome
    }

    fn apply(&self, agent: AgentName, chosen: Option<&Chosen>) -> Result<(), AdapterError> {
        match chosen {
            Some(chosen) => self.engine.load_adapter(agent, &chosen.path),
            None => self.engine.unload_adapter(agent),
        }
    }

    fn settle(&self, voices: &BTreeMap<AgentName, Voice>) {
        let tuned = voices.iter().filter(|(_, voice)| voice.now.is_some()).map(|(&agent, _)| agent).collect();
        *self.tuned.write().unwrap_or_else(PoisonError::into_inner) = tuned;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<AgentName, Voice>> {
        self.voices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An adapter as the configuration names it: a name, a file or a folder.
fn named(shelf: &Shelf, text: &str) -> Result<Chosen, MannerError> {
    if let Some(found) = text.parse().ok().and_then(|name| named_on(shelf, &name).ok()) {
        return Ok(found);
    }
    let path = PathBuf::from(text);
    let path = if path.is_dir() { path.join(ADAPTER_FILE) } else { path };
    if path.is_file() { Ok(Chosen { name: text.to_owned(), path }) } else { Err(MannerError::Unknown(text.to_owned())) }
}

fn named_on(shelf: &Shelf, name: &AdapterName) -> Result<Chosen, MannerError> {
    let path = shelf.find(name).ok_or_else(|| MannerError::Unknown(name.to_string()))?;
    Ok(Chosen { name: name.to_string(), path })
}

/// What a new adapter must be able to do: say hello and come to an end.
pub struct SelfTest<'a> {
    /// The staff's files.
    pub personas: &'a Personas,
    /// The menu's names.
    pub mentions: &'a MentionIndex,
    /// What the restaurant is called.
    pub house: &'a str,
}

impl SelfTest<'_> {
    /// Blocks; outside of asynchronous code only.
    fn run(&self, engine: &dyn Tunable, agent: AgentName) -> Result<(), MannerError> {
        let useless = |reason: &str| MannerError::Useless(reason.to_owned());
        let step = Step::new(Act::Greet).fact(format!("Restaurant: {}", self.house));
        let brief = Brief::new(agent, vec![step]);
        let limits = Limits { max_tokens: TEST_TOKENS, seed: 0 };
        let mut request = prompt::request(self.personas, &brief, &[], TEST, &limits, None);
        request.temperature = 0.0;
        let mut reply = engine.start(request).map_err(|error| MannerError::Useless(error.to_string()))?;
        let (mut text, mut reason) = (String::new(), None);
        tokio::runtime::Handle::current().block_on(async {
            while let Some(event) = reply.next().await {
                match event {
                    GenerationEvent::Read(_) => {}
                    GenerationEvent::Text(piece) => text.push_str(&piece),
                    GenerationEvent::Done(end) => reason = Some(end.reason),
                    GenerationEvent::Failed(error) => tracing::warn!(%error, "an adapter's test failed"),
                }
            }
        });
        if reason != Some(FinishReason::Stop) {
            return Err(useless("asked to say hello, it did not come to an end"));
        }
        let mut speaker = Speaker::new(Checker::new(self.mentions, &brief, TEST), &brief);
        speaker.push(&text);
        let (_, spoken) = speaker.finish(true);
        match spoken.fault {
            Some((Fault::Form, _)) => Err(useless("asked to say hello, it repeated itself or its orders")),
            _ if text.trim().is_empty() => Err(useless("asked to say hello, it said nothing")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
    use super::*;

    #[test]
    fn a_name_is_never_a_path() {
        for name in ["rosy", "gemma-3-270m", "A_1.b"] {
            assert_eq!(name.parse::<AdapterName>().unwrap().to_string(), name);
        }
        let long = "a".repeat(65);
        for name in ["", ".", "..", "../rosy", "a/b", "a\\b", "/etc", "a b", ".hidden", "-x", "é", "a\0", &long] {
            assert!(name.parse::<AdapterName>().is_err(), "{name}");
        }
    }

    #[test]
    fn the_data_folder_goes_first_and_folders_without_an_adapter_are_none() {
        let (data, resources) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (dir, name) in [(&data, "mine"), (&data, "both"), (&resources, "both"), (&resources, "ours")] {
            let folder = dir.path().join(FOLDER).join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(ADAPTER_FILE), b"x").unwrap();
        }
        fs::create_dir_all(data.path().join(FOLDER).join("empty")).unwrap();
        let shelf = Shelf::new(data.path(), resources.path());
        let names: Vec<String> = shelf.list().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["both", "mine", "ours"]);
        assert!(shelf.find(&"both".parse().unwrap()).unwrap().starts_with(data.path()));
    }
}
