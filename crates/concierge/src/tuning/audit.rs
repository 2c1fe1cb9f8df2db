//! What a set of examples is worth: duplicates, replies that the product's check refuses, length, balance.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::example::Example;
use crate::check::MentionIndex;

/// A kind of act with fewer examples is hardly learnt.
const FEW: usize = 5;

/// The report on a set of examples.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Audit {
    /// How many there are.
    pub examples: usize,
    /// Pairs of ids that ask the same with the same facts; the second is to go.
    pub duplicates: Vec<(String, String)>,
    /// Replies with a flaw: the id and the reason.
    pub flawed: Vec<(String, String)>,
    /// Words of a reply, on average.
    pub mean_reply_words: f64,
    /// Words of the longest reply.
    pub longest_reply_words: usize,
    /// Examples with a conversation before them.
    pub with_history: usize,
    /// Examples by who answers.
    pub by_agent: BTreeMap<String, usize>,
    /// Examples by kind of situation.
    pub by_kind: BTreeMap<String, usize>,
    /// Examples by what the reply does; one that does two things counts twice.
    pub by_act: BTreeMap<String, usize>,
    /// Acts with so few examples that they are hardly learnt.
    pub rare_acts: Vec<String>,
}

impl Audit {
    /// Looks at examples. The index tells dishes of the menu apart; examples of other menus need none.
    #[must_use]
    pub fn of(examples: &[Example], index: &MentionIndex) -> Self {
        let mut audit = Self { examples: examples.len(), ..Self::default() };
        let mut seen: HashMap<String, &str> = HashMap::with_capacity(examples.len());
        let mut ids: HashMap<&str, &str> = HashMap::with_capacity(examples.len());
        let mut words = 0;
        for example in examples {
            let same = seen.insert(example.asked(), &example.id);
            if let Some(first) = same.or_else(|| ids.insert(&example.id, &example.id)) {
                audit.duplicates.push((first.to_owned(), example.id.clone()));
            }
            if let Err(flaw) = example.check(index) {
                audit.flawed.push((example.id.clone(), flaw.to_string()));
            }
            let length = example.reply.split_whitespace().count();
            words += length;
            audit.longest_reply_words = audit.longest_reply_words.max(length);
            audit.with_history += usize::from(!example.history.is_empty());
            *audit.by_agent.entry(example.agent.to_string()).or_default() += 1;
            *audit.by_kind.entry(example.kind.clone()).or_default() += 1;
            for act in &example.acts {
                *audit.by_act.entry(act.instruction().to_owned()).or_default() += 1;
            }
        }
        if !examples.is_empty() {
            #[expect(clippy::cast_precision_loss, reason = "counts of words")]
            let mean = words as f64 / examples.len() as f64;
            audit.mean_reply_words = (mean * 10.0).round() / 10.0;
        }
        audit.rare_acts = audit.by_act.iter().filter(|(_, count)| **count < FEW).map(|(act, _)| act.clone()).collect();
        audit
    }

    /// Whether nothing must be mended before training.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.duplicates.is_empty() && self.flawed.is_empty()
    }
}
