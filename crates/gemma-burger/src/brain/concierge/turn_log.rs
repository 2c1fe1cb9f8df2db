//! What is kept of turns for their evaluation, where the owner has switched it on: said, decided, written, found wanting.
//!
//! It is the only place beside the conversation itself where guests' words are kept, and they are masked before they
//! reach the disk. `commands/logs.rs` exports and deletes it, the daily purge ends it.

use concierge::{
    brief::{Act, Brief, Fact},
    check::{Fault, Spoken},
    intent::{AgentName, Intent},
    ledger::describe,
    menu::Menu,
    ports::{GenerationEnd, Usage},
    privacy::Mask,
    tools::Used,
    tuning::Point,
    turn::Decision,
};
use serde::{Deserialize, Serialize};
use store::{SessionId, Store};

use super::{reply::Reply, restaurant::Resources};
use crate::config::{Config, Switch};

/// Whether and how turns are kept.
pub struct TurnLog {
    on: bool,
    /// How long, in seconds.
    kept: i64,
    mask: Mask,
}

/// A turn as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The guest's words.
    pub guest: String,
    /// What the guest wanted, as it was understood.
    pub intent: Intent,
    /// How sure that was, 0 to 1.
    pub confidence: f32,
    /// Who answered.
    pub agent: AgentName,
    /// What the reply was to do.
    pub acts: Vec<Act>,
    /// What it might claim.
    pub facts: Vec<Fact>,
    /// What it must not leave out.
    pub points: Vec<Point>,
    /// Tools that were used.
    pub tools: Vec<ToolNote>,
    /// Whether the order was changed.
    pub changed: bool,
    /// The order after it, a line each.
    pub order: Vec<String>,
    /// What the guest read.
    pub reply: String,
    /// What the model wrote, as far as it was heard; none where it was not asked or said just that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Why its part ended early, and with which sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<(Fault, String)>,
    /// The language model's name.
    pub model: String,
    /// Tokens read and written.
    pub tokens: [u32; 2],
    /// Milliseconds of each part.
    pub timings: Times,
}

/// A tool's use without what it was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolNote {
    /// Its name.
    pub name: String,
    /// Whether it answered.
    pub ok: bool,
    /// Milliseconds.
    pub ms: f64,
}

/// Milliseconds of the parts of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Understanding and deciding.
    pub understand_ms: f64,
    /// Waiting for the model.
    pub queued_ms: f64,
    /// The model reading.
    pub prefill_ms: f64,
    /// The model writing.
    pub decode_ms: f64,
}

/// A mask that lets the restaurant's own addresses and numbers stand.
pub fn mask(resources: &Resources) -> Mask {
    Mask::new(resources.world.info.records.iter().map(|record| record.text.as_str()))
}

impl TurnLog {
    /// As the configuration says.
    #[must_use]
    pub fn new(config: &Config, resources: &Resources) -> Self {
        let kept = i64::from(config.turns.days) * 24 * 60 * 60;
        Self { on: config.turns.log == Switch::On, kept, mask: mask(resources) }
    }

    /// What is to be kept of a turn; none where nothing is.
    pub(super) fn entry(
        &self,
        menu: &Menu,
        model: &str,
        guest: &str,
        decision: &Decision,
        reply: &Reply,
        understand_ms: f64,
    ) -> Option<Entry> {
        if !self.on {
            return None;
        }
        let Reply { spoken: Spoken { text, fault, .. }, raw, end, .. } = reply;
        let GenerationEnd { usage: Usage { prompt_tokens, completion_tokens, .. }, timings, .. } = end;
        let Decision { intent, confidence, brief, events, cart, used, .. } = decision;
        Some(
            Entry {
                guest: guest.to_owned(),
                intent: *intent,
                confidence: *confidence,
                agent: brief.agent,
                acts: brief.steps.iter().map(|step| step.act).collect(),
                facts: brief.facts().cloned().collect(),
                points: points(brief),
                tools: used.iter().map(note).collect(),
                changed: !events.is_empty(),
                order: describe(menu, cart),
                reply: text.clone(),
                raw: (!raw.is_empty() && raw.trim() != text).then(|| raw.trim().to_owned()),
                fault: fault.clone(),
                model: model.to_owned(),
                tokens: [*prompt_tokens, *completion_tokens],
                timings: Times {
                    understand_ms,
                    queued_ms: timings.queued_ms,
                    prefill_ms: timings.prefill_ms,
                    decode_ms: timings.decode_ms,
                },
            }
            .masked(&self.mask),
        )
    }

    /// Writes an entry. A log that cannot be written costs the guest nothing.
    pub(super) fn keep(store: &Store, session: &SessionId, turn: &str, entry: &Entry, at: i64) {
        let kept = serde_json::to_value(entry)
            .map_err(|error| error.to_string())
            .and_then(|record| store.log_turn(session, turn, &record, at).map_err(|error| error.to_string()));
        if let Err(error) = kept {
            tracing::warn!(%error, "a turn is missing in the log of turns");
        }
    }

    /// Ends what is older than it may be. Also where nothing is kept any more: what was, has its time as well.
    pub(super) fn purge(&self, store: &Store, now: i64) {
        match store.purge_turn_log(now - self.kept) {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "old records of turns deleted"),
            Err(error) => tracing::warn!(%error, "old records of turns are kept another day"),
        }
    }
}

impl Entry {
    fn masked(mut self, mask: &Mask) -> Self {
        let words = [&mut self.guest, &mut self.reply].into_iter();
        let words = words.chain(&mut self.raw).chain(self.fault.as_mut().map(|(_, sentence)| sentence));
        let words = words.chain(self.facts.iter_mut().map(|fact| &mut fact.text));
        let words = words
            .chain(self.points.iter_mut().flat_map(|point| std::iter::once(&mut point.plain).chain(&mut point.needs)));
        for word in words {
            *word = mask.apply(word);
        }
        self
    }
}

fn points(brief: &Brief) -> Vec<Point> {
    brief.points().map(|point| Point { plain: point.plain.clone(), needs: point.needs.clone() }).collect()
}

fn note(used: &Used) -> ToolNote {
    ToolNote { name: used.name.as_str().to_owned(), ok: used.ok, ms: used.ms }
}
