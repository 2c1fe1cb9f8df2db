//! What is asked of the product: written cases, and conversations that guests had.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};
use store::Store;

use crate::{brain::concierge::turn_log::Entry, cli::Failure, commands::data::read_lines};

/// Turns of a log that are read at once, and at all.
const PAGE: u32 = 500;
const MOST_TURNS: usize = 20_000;

/// Something a guest says, after earlier messages, and what must come of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Names it in reports.
    pub id: String,
    /// The kind of case, by which scores are told.
    pub kind: String,
    /// The guest's earlier messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<String>,
    /// The guest's words.
    pub guest: String,
    /// Words that the guest must read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// The order afterwards, a line each, as `2 x Gemma Classic (no onions)`; in any sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
    /// Whether the reply says no to what is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declines: Option<bool>,
    /// Where it comes from, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A conversation to be held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Talk {
    /// Its title, for people.
    pub title: String,
    /// The guest's messages, each with the case that it is, if any.
    pub turns: Vec<(String, Option<Case>)>,
}

impl Talk {
    fn of(case: Case) -> Self {
        let mut turns: Vec<_> = case.setup.iter().map(|text| (text.clone(), None)).collect();
        let title = case.kind.clone();
        turns.push((case.guest.clone(), Some(case)));
        Self { title, turns }
    }

    /// How many of its turns are cases.
    pub fn cases(&self) -> usize {
        self.turns.iter().filter(|(_, case)| case.is_some()).count()
    }
}

/// Reads a file of written cases.
pub fn written(path: &Path) -> Result<Vec<Talk>, Failure> {
    read_lines(path, |line| serde_json::from_str(line).map(Talk::of).map_err(|error| error.to_string()))
}

/// A kept turn, and whose it was by a label that lets nobody in.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The session's label.
    pub session: String,
    /// The session itself.
    pub id: store::SessionId,
    /// The turn's id.
    pub turn: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// What was kept.
    pub entry: Entry,
}

/// The kept turns, oldest first. Records of another release that cannot be read are left out, and counted.
pub fn kept(store: &Store, since: i64) -> Result<(Vec<Kept>, usize), Failure> {
    let (mut kept, mut after, mut unread) = (Vec::new(), 0, 0);
    loop {
        let page = store.turn_log(since, after, PAGE).map_err(Failure::new)?;
        let Some(last) = page.last() else { return Ok((kept, unread)) };
        after = last.id;
        for logged in page {
            if kept.len() == MOST_TURNS {
                return Ok((kept, unread));
            }
            match serde_json::from_value(logged.record) {
                Ok(entry) => kept.push(Kept {
                    session: logged.session.label(),
                    id: logged.session,
                    turn: logged.turn,
                    at: logged.at,
                    entry,
                }),
                Err(_) => unread += 1,
            }
        }
    }
}

/// The conversations of a log: each is held again, and each of its turns is a case.
pub fn logged(turns: &[Kept]) -> Vec<Talk> {
    let mut talks: BTreeMap<&str, Talk> = BTreeMap::new();
    for Kept { session, entry, .. } in turns {
        let talk = talks.entry(session).or_default();
        talk.title = format!("conversation {session}");
        let case = Case {
            id: format!("log-{session}-{:02}", talk.turns.len() + 1),
            kind: format!("log_{}", entry.intent.as_str().to_lowercase()),
            setup: Vec::new(),
            guest: entry.guest.clone(),
            needs: Vec::new(),
            order: None,
            declines: None,
            note: None,
        };
        talk.turns.push((entry.guest.clone(), Some(case)));
    }
    talks.into_values().collect()
}
