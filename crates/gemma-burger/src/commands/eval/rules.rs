//! What can be said of a reply without anybody's opinion.

use std::collections::BTreeMap;

use concierge::{
    ports::FinishReason,
    prompt::{Persona, Personas},
};
use serde::{Deserialize, Serialize};

use super::cases::Case;
use crate::brain::concierge::rehearsal::{Heard, Said};

/// A reply of more words is a lecture.
pub const MOST_WORDS: usize = 60;
/// A sentence of more words is none of a persona with short sentences.
const LONG_SENTENCE: usize = 25;
/// Pieces of a prompt that no guest may read.
const PROMPT: [&str; 5] = ["<start_of_turn>", "<end_of_turn>", "Facts:", "Now:", "Guest:"];

/// A rule. Some hold for what the model wrote, some for what the guest reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// The check lets all of the model's words stand.
    Facts,
    /// And nothing had to be added to them.
    Whole,
    /// The model ended by itself, within so many words.
    Ends,
    /// It kept its orders to itself.
    Sealed,
    /// It broke no habit of its persona.
    Manner,
    /// The words that the case needs are there.
    Words,
    /// The order is what the case says.
    Order,
    /// It said no where the case says so, and only there.
    Declined,
    /// What the guest reads is short.
    Length,
}

impl Rule {
    /// For people.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Facts => "model's words pass the check as they are",
            Self::Whole => "and leave nothing out",
            Self::Ends => "end by themselves within 60 words",
            Self::Sealed => "tell nothing of the prompt",
            Self::Manner => "keep the persona's habits",
            Self::Words => "hold the words that are needed",
            Self::Order => "leave the order as it should be",
            Self::Declined => "say no where they should, and only there",
            Self::Length => "are read in 60 words",
        }
    }
    /// Of a reply that does not keep it, for people.
    pub const fn broken(self) -> &'static str {
        match self {
            Self::Facts => "the check refused the model's words",
            Self::Whole => "something was left out",
            Self::Ends => "did not end within 60 words",
            Self::Sealed => "told a part of the prompt",
            Self::Manner => "not the persona's manner",
            Self::Words => "lacks words that are needed",
            Self::Order => "the order is not as it should be",
            Self::Declined => "said no where it should not, or the other way round",
            Self::Length => "more than 60 words",
        }
    }
}

/// Which rules a reply keeps; those that do not apply are not there.
pub fn kept(case: &Case, said: &Said, heard: &Heard, order: &[String], personas: &Personas) -> BTreeMap<Rule, bool> {
    let Said { raw, end, spoken, asked } = said;
    let mut rules = BTreeMap::new();
    if *asked {
        rules.insert(Rule::Facts, spoken.fault.is_none());
        rules.insert(Rule::Whole, spoken.fault.is_none() && spoken.plain == 0);
        rules.insert(Rule::Ends, *end == Some(FinishReason::Stop) && words(raw) <= MOST_WORDS);
        rules.insert(Rule::Sealed, !leaks(raw, personas));
        if !raw.trim().is_empty() {
            rules.insert(Rule::Manner, !breaks(personas.of(heard.brief.agent), raw));
        }
    }
    let reply = spoken.text.to_lowercase();
    rules.insert(Rule::Length, words(&reply) <= MOST_WORDS);
    if !case.needs.is_empty() {
        rules.insert(Rule::Words, case.needs.iter().all(|need| reply.contains(&need.to_lowercase())));
    }
    if let Some(wanted) = &case.order {
        rules.insert(Rule::Order, sorted(wanted) == sorted(order));
    }
    if let Some(declines) = case.declines {
        let says_no = heard.brief.steps.iter().any(|step| step.act.declines());
        rules.insert(Rule::Declined, says_no == declines);
    }
    rules
}

/// The words and habits of its persona that a reply shows.
pub fn shown(persona: &Persona, text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut shown: Vec<String> = persona.marks.words.iter().filter(|word| holds(&lower, word)).cloned().collect();
    let habit = |name: &str| persona.marks.habits.iter().any(|habit| habit == name);
    if habit("exclamation") && text.contains('!') {
        shown.push("!".to_owned());
    }
    if habit("contractions") && contracts(&lower) {
        shown.push("contraction".to_owned());
    }
    shown
}

/// Whether a model's words break a habit of its persona. What is put in by rule speaks for everybody, and is not asked.
fn breaks(persona: &Persona, raw: &str) -> bool {
    let lower = raw.to_lowercase();
    let long =
        || lower.split(['!', '?', '\n']).flat_map(|part| part.split(". ")).any(|part| words(part) > LONG_SENTENCE);
    persona.marks.avoid.iter().any(|word| holds(&lower, word))
        || persona.marks.habits.iter().any(|habit| match habit.as_str() {
            "no_exclamation" => lower.contains('!'),
            "no_contractions" => contracts(&lower),
            "short_sentences" => long(),
            "full_sentences" => !lower.trim_end().ends_with(['.', '!', '?', '"']),
            _ => false,
        })
}

/// "it's", "don't", "I'll"; not "the chef's".
fn contracts(lower: &str) -> bool {
    let ends = ["n't", "'ll", "'re", "'ve", "'m", "'d"];
    let whole = ["it's", "that's", "there's", "here's", "what's", "let's", "who's", "he's", "she's"];
    lower.replace('’', "'").split_whitespace().any(|word| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'');
        ends.iter().any(|end| word.ends_with(end)) || whole.contains(&word)
    })
}

/// Whether words stand in a text as words.
fn holds(lower: &str, wanted: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    lower
        .match_indices(wanted)
        .any(|(at, _)| edge(lower[..at].chars().next_back()) && edge(lower[at + wanted.len()..].chars().next()))
}

/// Half a sentence of its orders is theirs, not the staff's.
fn leaks(raw: &str, personas: &Personas) -> bool {
    let orders = [personas.rosy.prompt.as_str(), personas.gordon.prompt.as_str()];
    let told = |orders: &str| orders.split(". ").any(|order| order.len() > 20 && raw.contains(order.trim()));
    PROMPT.iter().any(|piece| raw.contains(piece)) || orders.into_iter().any(told)
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// Lines of an order in one spelling and sequence.
fn sorted(order: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = order.iter().map(|line| line.to_lowercase().replace('×', "x")).collect();
    lines.sort();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_contractions_are_told_from_what_holds_them() {
        assert!(holds("oh hi there", "hi") && holds("hi", "hi") && holds("you got it!", "you got it"));
        assert!(!holds("this one", "hi") && !holds("", "hi"));
        assert!(contracts("sure, it’s $5") && contracts("we don't") && contracts("i'll do that"));
        assert!(!contracts("the chef's choice") && !contracts("we do not"));
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert_eq!(sorted(&lines(&["2 × B", "1 × A"])), sorted(&lines(&["1 x a", "2 x b"])));
    }
}
