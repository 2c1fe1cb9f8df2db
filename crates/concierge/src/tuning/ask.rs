//! Asking a large language model for more examples: it gets a situation with its facts and a reply to it, and writes
//! another guest's words and another reply. Nothing that it writes is believed: the product's check decides.

use std::sync::Arc;

use serde::Deserialize;

use super::example::{Example, Flaw};
use crate::{
    brief::Act,
    check::MentionIndex,
    intent::AgentName,
    ports::{ChatMessage, GenerationRequest, Role},
};

/// Tokens of an answer; large models think before they write.
const ANSWER_TOKENS: u32 = 1_200;
/// A guest's message is no longer, in characters.
const MOST_GUEST_CHARS: usize = 300;

const TASK: &str = "You write training examples for the staff of a restaurant's chat. You get one situation: who \
    answers, the facts that may be used, what the reply does, and an example. Write a different guest's message that \
    leads to the same situation, and a different reply to it. Guests are of all kinds: hurried, polite, chatty, with \
    typos, foreigners with simple English. The reply has one to three short sentences and at most 50 words. It uses \
    only the facts given: every price, name, number and time exactly as written, nothing invented, nothing important \
    left out. Rosy is cheerful, with contractions and now and then an exclamation mark. Gordon is polite and formal, \
    without contractions or exclamation marks. Answer with one JSON object and nothing else: \
    {\"guest\": \"…\", \"reply\": \"…\"}";

/// Why an answer was not kept.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// It is no JSON of the shape that was asked for.
    #[error("the answer is not {{\"guest\", \"reply\"}}: {0}")]
    Shape(String),
    /// The guest says what the example said.
    #[error("the guest says nothing new")]
    Same,
    /// Nobody writes so much.
    #[error("the guest's message is empty or longer than {MOST_GUEST_CHARS} characters")]
    Length,
    /// The check refuses the reply.
    #[error(transparent)]
    Flaw(#[from] Flaw),
}

/// The question that asks for another example of a situation.
#[must_use]
pub fn question(example: &Example) -> GenerationRequest {
    let acts: Vec<&str> = example.acts.iter().map(|act: &Act| act.instruction()).collect();
    let facts: String = example.facts.iter().map(|fact| format!("- {}\n", fact.text)).collect();
    let needs: Vec<&str> = example
        .points
        .iter()
        .flat_map(|point| &point.needs)
        .filter(|need| !need.is_empty())
        .map(String::as_str)
        .collect();
    let earlier: String = example
        .history
        .iter()
        .map(|message| format!("{}: {}\n", if message.role == Role::User { "Guest" } else { "Staff" }, message.text))
        .collect();
    let who = match example.agent {
        AgentName::Rosy => "Rosy, the clerk",
        AgentName::Gordon => "Gordon, the manager",
    };
    let text = format!(
        "Who answers: {who}\n{}Facts:\n{}What the reply does: {}\n{}Example guest: {}\nExample reply: {}",
        if earlier.is_empty() { String::new() } else { format!("Said before:\n{earlier}") },
        if facts.is_empty() { "- none\n" } else { &facts },
        acts.join("; then "),
        if needs.is_empty() { String::new() } else { format!("The reply must contain: {}\n", needs.join(" | ")) },
        example.guest,
        example.reply
    );
    GenerationRequest {
        preamble: Arc::from(TASK),
        messages: vec![ChatMessage { role: Role::User, text }],
        adapter: None,
        temperature: 1.0,
        max_tokens: ANSWER_TOKENS,
        seed: 0,
        grammar: None,
        functions: None,
        conversation: None,
    }
}

#[derive(Deserialize)]
struct Answer {
    guest: String,
    reply: String,
}

/// Takes an answer: an example of the same situation, if the check lets it pass.
///
/// # Errors
/// Why it is not kept.
pub fn answered(example: &Example, id: String, text: &str, index: &MentionIndex) -> Result<Example, Rejection> {
    // Models like to put JSON between fences, or a sentence before it.
    let json = text.find('{').zip(text.rfind('}')).and_then(|(from, to)| text.get(from..=to)).unwrap_or(text);
    let answer: Answer = serde_json::from_str(json).map_err(|error| Rejection::Shape(error.to_string()))?;
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (guest, reply) = (one_line(&answer.guest), one_line(&answer.reply));
    if guest.is_empty() || guest.chars().count() > MOST_GUEST_CHARS {
        return Err(Rejection::Length);
    }
    let new = Example { id, guest, reply, ..example.clone() };
    if new.asked() == example.asked() {
        return Err(Rejection::Same);
    }
    new.check(index)?;
    Ok(new)
}
