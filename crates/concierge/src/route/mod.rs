//! Which of ten things a guest wants, and who answers: decided in a fraction of a millisecond, without the
//! language model.
//!
//! The router blends two trained experts ([`Head`]), one over the embedding of the message
//! ([`Embedder::embed_deep`](crate::ports::Embedder::embed_deep)) and one over its words, adds what the conversation
//! tells ([`RouteHints`]), and says how sure it is. The head is trained by [`train`] from the utterances in
//! `resources/routing`.

mod data;
mod features;
mod fit;
mod head;
mod kernel;
mod train;

pub use data::{DataError, Utterance, parse_utterances};
pub use head::{Head, HeadError};
pub use train::{Evaluation, Example, TrainConfig, TrainError, Trained, train};

use crate::intent::{AgentName, Intent};
use head::{CLASSES, log_softmax};

/// What is known of the conversation when a message comes; the default knows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteHints {
    /// How many items, sizes and options of the loaded menu the message names.
    pub menu_terms: usize,
    /// The staff has asked the guest something about the order, such as which size.
    pub order_question_open: bool,
    /// A complaint is not settled yet: the manager stays.
    pub complaint_open: bool,
}

/// The router's decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Route {
    /// What the guest most probably wants.
    pub intent: Intent,
    /// Who answers.
    pub agent: AgentName,
    /// How probable that is, between 0 and 1; calibrated on utterances that training had not seen.
    pub confidence: f32,
    /// The probability of each intent, in the order of [`Intent::ALL`]; they sum to 1.
    pub scores: [f32; CLASSES],
}

/// Decides what a guest wants.
#[derive(Clone, Debug)]
pub struct Router {
    head: Head,
}

/// A message that names something on the menu is rarely about another subject or a mere pleasantry: so much is
/// taken off those two logits. Enough to settle a doubt, not enough to overrule a clear message.
const MENU_TERM: f32 = 1.0;

/// An answer to a question about the order continues the order, unless its words clearly say something else.
const OPEN_QUESTION: f32 = 1.5;

impl Router {
    /// A router that decides by a trained head.
    #[must_use]
    pub fn new(head: Head) -> Self {
        Self { head }
    }

    /// How many numbers an embedding must have to be looked at.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.head.dimensions()
    }

    /// Decides. Any text is fine. An embedding that is empty, of another length or not finite is left aside, and
    /// the words alone decide.
    #[must_use]
    pub fn route(&self, text: &str, embedding: &[f32], hints: RouteHints) -> Route {
        let probabilities = self.head.probabilities(embedding, &features::sparse(text));
        let mut logits = probabilities.map(|probability| probability.max(f32::MIN_POSITIVE).ln());
        if hints.menu_terms > 0 {
            logits[Intent::OffTopic.index()] -= MENU_TERM;
            logits[Intent::Greeting.index()] -= MENU_TERM;
        }
        if hints.order_question_open {
            logits[Intent::Order.index()] += OPEN_QUESTION;
        }
        let scores = log_softmax(logits).map(f32::exp);
        let (intent, confidence) = train::best(&scores);
        Route { intent, agent: agent(intent, hints), confidence, scores }
    }
}

/// The manager hears complaints, and whatever else is said until they are settled.
fn agent(intent: Intent, hints: RouteHints) -> AgentName {
    if intent == Intent::Complaint || hints.complaint_open { AgentName::Gordon } else { AgentName::Rosy }
}

#[cfg(test)]
mod tests;
