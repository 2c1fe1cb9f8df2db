//! The word banks and wordings of the made-up examples, as `resources/fine_tuning/synth.yaml` has them.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::rng::Rng;
use crate::{intent::AgentName, turn::wording::capital};

/// Everything that the generator draws from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    pub(super) houses: Vec<String>,
    pub(super) whims: Vec<String>,
    pub(super) courses: BTreeMap<String, CourseBank>,
    pub(super) heads: Vec<String>,
    pub(super) tails: Vec<String>,
    pub(super) sizes: Vec<Vec<String>>,
    pub(super) diets: Vec<String>,
    pub(super) unknown: Vec<String>,
    pub(super) topics: Vec<String>,
    pub(super) openers: HashMap<AgentName, BTreeMap<String, Vec<String>>>,
    pub(super) closers: HashMap<AgentName, Vec<String>>,
    pub(super) kinds: BTreeMap<String, Kind>,
    pub(super) things: Vec<String>,
    pub(super) bad: Vec<String>,
    pub(super) fillers: BTreeMap<String, Vec<String>>,
    pub(super) store: Vec<Place>,
    pub(super) titles: Vec<String>,
    pub(super) questions: Vec<String>,
    pub(super) remedies: Vec<String>,
    pub(super) handovers: Vec<String>,
    pub(super) rules: Vec<String>,
}

/// What dishes of a course are made of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CourseBank {
    pub categories: Vec<String>,
    pub bases: Vec<String>,
    pub forms: Vec<String>,
    pub phrases: Vec<String>,
    pub parts: Vec<String>,
    /// Least and most price.
    pub cents: [i64; 2],
}

/// The wordings of a kind of situation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kind {
    /// How the opener sounds.
    pub mood: String,
    pub guest: Vec<String>,
    #[serde(default)]
    pub rosy: Vec<String>,
    #[serde(default)]
    pub gordon: Vec<String>,
    /// Whether a closer may follow.
    #[serde(default)]
    pub closer: bool,
}

/// A record about a place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    pub title: String,
    pub guest: Vec<String>,
    pub facts: Vec<String>,
    pub rosy: Vec<String>,
    pub gordon: Vec<String>,
}

impl Bank {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Where it is wrong.
    pub fn from_yaml(text: &str) -> Result<Self, String> {
        serde_yaml_ng::from_str(text).map_err(|error| error.to_string())
    }

    /// The opener and the closer of a reply, often empty.
    pub(super) fn frame(&self, rng: &mut Rng, agent: AgentName, mood: &str, may_close: bool) -> (&str, &str) {
        let opener = self.openers.get(&agent).and_then(|moods| moods.get(mood)).map_or("", |list| rng.text(list));
        let close = may_close && rng.chance(45);
        let closer = self.closers.get(&agent).filter(|_| close).map_or("", |list| rng.text(list));
        (opener, closer)
    }
}

/// Values for the slots of a wording.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots(HashMap<String, String>);

impl Slots {
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Fills the slots of a wording. A name with a capital takes the value with its first letter as a capital. None
    /// where a slot has no value: such a wording does not fit here.
    pub fn fill(&self, wording: &str) -> Option<String> {
        let mut text = String::with_capacity(wording.len() * 2);
        let mut rest = wording;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) = after.split_once('}')?;
            text.push_str(before);
            let lower = name.to_lowercase();
            let value = self.0.get(&lower)?;
            if lower == name {
                text.push_str(value)
            } else {
                text.push_str(&capital(value))
            }
            rest = tail;
        }
        text.push_str(rest);
        Some(text)
    }
}
