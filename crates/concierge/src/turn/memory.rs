//! What a conversation remembers besides its cart and its words. Kept with the session between turns.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    brief::{Act, Step},
    intent::AgentName,
    ledger::{ComplaintKind, OrderId, RemedyKind, remedy::Ask},
    menu::ItemId,
    money::Cents,
    order::{Edit, LineId, OrderLine},
    tools::Call,
};

/// The state of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Who spoke last.
    pub agent: AgentName,
    /// What the guest was asked and has not answered.
    pub pending: Option<Pending>,
    /// Dishes named in the last replies, the newest first: what "that one" may mean.
    pub talked_of: Vec<ItemId>,
    /// Dishes that the last reply told of or suggested: what "the second one" picks from.
    pub offered: Vec<ItemId>,
    /// Whether the last reply suggested something, so that a bare "yes" takes it.
    pub suggested: bool,
    /// The line touched last: what "make it large" means.
    pub last_line: Option<LineId>,
    /// What the last words changed of a line: what "same for the other one" means.
    pub changed: Vec<Edit>,
    /// The last question about dishes, with which "and the fish?" goes on.
    pub question: Option<String>,
    /// The record of the place that was told of last, about which "is it free?" asks.
    pub told: Option<String>,
    /// The complaint that is not settled.
    pub complaint: Option<Complaint>,
    /// The lines of the last plan, until the guest takes it.
    pub plan: Option<Vec<OrderLine>>,
    /// The wish for a meal that the last reply was about, so that "without meat" or "cheaper, please" goes on with it.
    pub wish: Option<Wish>,
    /// Whether the conversation was handed to the staff. While it is, [`super::decide`] goes on with the order but gives
    /// briefs that need no model, and a complaint gets the word that a person will answer. Whoever gives the
    /// conversation back to the agents sets it to false.
    pub handed_over: bool,
    /// How many turns there were.
    pub turns: u32,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            agent: AgentName::Rosy,
            pending: None,
            talked_of: Vec::new(),
            offered: Vec::new(),
            suggested: false,
            last_line: None,
            changed: Vec::new(),
            question: None,
            told: None,
            complaint: None,
            plan: None,
            wish: None,
            handed_over: false,
            turns: 0,
        }
    }
}

/// A question to the guest that a yes or a no answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "pending", rename_all = "snake_case")]
pub enum Pending {
    /// Shall the order be placed?
    Place,
    /// Edits that conflict with an allergy: all the same?
    Conflict {
        /// What waits for the guest's consent.
        edits: Vec<Edit>,
    },
    /// Something was offered: shall it be added?
    Offered {
        /// What.
        items: Vec<ItemId>,
    },
    /// A plan was proposed: shall it be added?
    Plan,
    /// Remedies were offered: does the guest take the first one?
    Remedy {
        /// In the order of the offer.
        offers: Vec<RemedyKind>,
    },
    /// Shall everything be dropped?
    Clear,
    /// The model wants to use a tool that changes something: may it?
    Call {
        /// What waits for the guest's yes.
        call: Box<Call>,
    },
}

/// A wish for a meal, as far as it was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The guest's words, of all messages about it.
    pub words: String,
    /// A limit that replaces the one in the words.
    pub limit: Option<Cents>,
    /// What the proposed meal costs; none where something is still to be told.
    pub total: Option<Cents>,
}

/// A complaint as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// What it is about.
    pub kind: ComplaintKind,
    /// Which order.
    pub order: Option<OrderId>,
    /// Which of its lines.
    pub line: Option<LineId>,
    /// Whether it is about everything in the order.
    pub whole_order: bool,
    /// What the guest has answered.
    pub answered: BTreeSet<Ask>,
    /// The question that is open.
    pub open: Option<Ask>,
    /// How long the guest has waited.
    pub waited_minutes: Option<u32>,
    /// How many questions were asked.
    pub asked: u32,
    /// What the guest has turned down.
    pub refused: BTreeSet<RemedyKind>,
    /// Whether a ticket was opened.
    pub ticket: bool,
}

/// Dishes that "the third one" may pick from.
const OFFERED_MOST: usize = 10;

/// Dishes kept in mind.
const TALKED_OF_MOST: usize = 6;

impl Memory {
    /// Keeps what a reply tells of or suggests, in place of what the reply before it did. What is confirmed or read from
    /// the order is no offer.
    pub(super) fn offer(&mut self, steps: &[Step]) {
        let suggests = |step: &&Step| matches!(step.act, Act::Recommend | Act::DeclineUnknown | Act::DeclineSoldOut);
        let tells = |step: &&Step| {
            matches!(
                step.act,
                Act::TellItem | Act::TellPrice | Act::TellMenu | Act::TellDiet | Act::TellAllergens | Act::Compare
            )
        };
        self.suggested = steps.last().is_some_and(|step| suggests(&step));
        // "No, not that": the other things that were offered stay so.
        let names_nothing = |step: &Step| step.facts.iter().all(|fact| fact.item.is_none());
        if steps.iter().all(|step| matches!(step.act, Act::AskAgain | Act::AskWhich) && names_nothing(step)) {
            return;
        }
        self.offered.clear();
        let named = steps.iter().filter(|step| suggests(step) || tells(step)).flat_map(|step| &step.facts);
        for item in named.filter_map(|fact| fact.item.as_ref()) {
            if !self.offered.contains(item) && self.offered.len() < OFFERED_MOST {
                self.offered.push(item.clone());
            }
        }
    }

    /// Keeps dishes in mind, the newest first.
    pub fn talk_of(&mut self, items: impl IntoIterator<Item = ItemId>) {
        let mut newest: Vec<ItemId> = Vec::new();
        for item in items.into_iter().chain(std::mem::take(&mut self.talked_of)) {
            if !newest.contains(&item) && newest.len() < TALKED_OF_MOST {
                newest.push(item);
            }
        }
        self.talked_of = newest;
    }
}
