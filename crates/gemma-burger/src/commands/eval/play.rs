//! Holding conversations with the product, and noting what became of each case.

use std::collections::BTreeMap;

use concierge::{
    check::Fault,
    intent::AgentName,
    ports::{Engine, Role},
    prompt::Limits,
    turn::World,
};
use connect::judge::{self, Marks, Preference};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::{
    cases::{Case, Talk},
    exchange::Exchange,
    rules::{self, Rule},
};
use crate::{
    brain::concierge::{
        manner::Manner,
        rehearsal::{self, Heard, Rehearsal, Said},
        restaurant::Knowledge,
    },
    cli::Failure,
};

/// The product, with nobody in it.
pub struct Stage<'a> {
    pub world: &'a World,
    pub knowledge: &'a Knowledge,
    pub engine: &'a dyn Engine,
    pub manner: &'a Manner,
    pub runtime: &'a Runtime,
    pub max_tokens: u32,
    pub greedy: bool,
    pub seed: u32,
}

/// A turn as it was held.
pub struct Held {
    pub guest: String,
    pub agent: AgentName,
    pub reply: String,
    pub outcome: Option<Outcome>,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub id: String,
    pub kind: String,
    #[serde(flatten)]
    pub exchange: Exchange,
    /// What the model wrote, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Whether the model was asked: some things are said by rule.
    pub asked: bool,
    /// Why its part ended early, and with which sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<(Fault, String)>,
    /// The order afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// The order as it should be, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_wanted: Option<Vec<String>>,
    /// Which rules it keeps.
    pub rules: BTreeMap<Rule, bool>,
    /// Words and habits of the persona that it shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// The judge's marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Marks>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unjudged: Option<String>,
    /// Which is better, this reply (first) or the earlier run's (second).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<Preference>,
}

impl Outcome {
    /// Whether a rule is broken.
    pub fn fails(&self) -> bool {
        self.rules.values().any(|kept| !kept)
    }
}

impl Stage<'_> {
    /// Holds a conversation. The number decides what is drawn in it.
    pub fn hold(&self, number: usize, talk: &Talk) -> Result<Vec<Held>, Failure> {
        let mut rehearsal = Rehearsal::new(self.world, &self.knowledge.embedder, &self.knowledge.index);
        let mut held = Vec::with_capacity(talk.turns.len());
        for (at, (text, case)) in talk.turns.iter().enumerate() {
            let heard = rehearsal.hear(text);
            let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(u32::try_from(number * 31 + at).unwrap_or(0));
            let limits = Limits { max_tokens: self.max_tokens, seed };
            let speak = rehearsal::speak(self.world, self.engine, &heard, &limits, |request| {
                request.adapter = request.adapter.filter(|agent| self.manner.is_tuned(*agent));
                if self.greedy {
                    request.temperature = 0.0;
                }
            });
            let said = self.runtime.block_on(speak)?;
            let (agent, reply) = (heard.brief.agent, said.spoken.text.clone());
            let outcome = case.as_ref().map(|case| self.outcome(case, &heard, said, rehearsal.order()));
            held.push(Held { guest: text.clone(), agent, reply: reply.clone(), outcome });
            rehearsal.answered(heard, reply);
        }
        Ok(held)
    }

    fn outcome(&self, case: &Case, heard: &Heard, said: Said, order: Vec<String>) -> Outcome {
        let personas = &self.world.personas;
        let (brief, persona) = (&heard.brief, personas.of(heard.brief.agent));
        let rules = rules::kept(case, &said, heard, &order, personas);
        let order_wanted = case.order.clone().filter(|_| rules.get(&Rule::Order) == Some(&false));
        let Said { raw, spoken, asked, .. } = said;
        let said_before = heard.history.iter().map(|message| judge::Said {
            by: if message.role == Role::User { "guest" } else { "staff" }.to_owned(),
            words: message.text.clone(),
        });
        Outcome {
            id: case.id.clone(),
            kind: case.kind.clone(),
            marks: rules::shown(persona, &spoken.text),
            raw: (asked && raw.trim() != spoken.text).then(|| raw.trim().to_owned()),
            exchange: Exchange {
                agent: brief.agent,
                said_before: said_before.collect(),
                guest: case.guest.clone(),
                task: brief.instruction(),
                facts: brief.facts().map(|fact| fact.text.clone()).collect(),
                reply: spoken.text,
            },
            asked,
            fault: spoken.fault,
            order,
            order_wanted,
            rules,
            judged: None,
            unjudged: None,
            preference: None,
        }
    }
}
