//! What a text says no to.

use super::words::{Word, stem, words};

/// Words that deny.
const NEGATIONS: [&str; 14] = [
    "no",
    "not",
    "none",
    "never",
    "without",
    "unfortunately",
    "sadly",
    "regrettably",
    "nothing",
    "unable",
    "cannot",
    "unavailable",
    "neither",
    "nor",
];

/// Words between a denial and what it denies.
const BETWEEN: [&str; 15] =
    ["have", "has", "had", "got", "sell", "serve", "offer", "carry", "any", "a", "an", "the", "on", "our", "menu"];

/// Turns of phrase that hold a denial and deny nothing.
const HARMLESS: [&str; 15] = [
    "no, sorry",
    "no problem",
    "no worries",
    "not a problem",
    "not at all",
    "why not",
    "don't hesitate",
    "do not hesitate",
    "can't go wrong",
    "can't wait",
    "no trouble",
    "don't worry",
    "do not worry",
    "if not",
    "or not",
];

/// Whether a word stands in the reach of a denial: "we don't have pizza or *nuggets*", "no pizza, *nuggets* or pie".
pub(super) fn is_denied_at(words: &[Word], at: usize) -> bool {
    for back in (0..at).rev() {
        let word = &words[back];
        if word.text == "but" || (words[back + 1].clause_start && back + 1 != at) {
            return false;
        }
        if is_denial(&word.text) {
            return true;
        }
    }
    false
}

/// What a fact denies as a list: "Not taken: checks, cryptocurrency".
pub(super) fn denied_list(text: &str) -> Vec<String> {
    let plain = text.to_lowercase();
    let lists = plain.split(['.', ';', '(', ')']).filter_map(|part| part.split_once(':'));
    let denied = lists.filter(|(head, _)| words(head).iter().any(|word| is_denial(&word.text)));
    denied.flat_map(|(_, list)| words(list)).map(|word| stem(&word.text)).collect()
}

fn is_denial(word: &str) -> bool {
    NEGATIONS.contains(&word) || word.ends_with("n't")
}

/// What a text denies: the stem of the first word behind each denial that says what, or an empty one where it ends.
/// In "we don't have any pizza" that is the pizza, so that it backs no denial of anything else that is had.
pub(super) fn denials(text: &str) -> Vec<String> {
    let mut plain = text.to_lowercase().replace('’', "'");
    for harmless in HARMLESS {
        plain = plain.replace(harmless, "");
    }
    let words = words(&plain);
    let behind = |at: usize| {
        let what = words[at + 1..].iter().find(|word| !BETWEEN.contains(&word.text.as_str()));
        what.map(|word| stem(&word.text)).unwrap_or_default()
    };
    let mut denied: Vec<String> =
        words.iter().enumerate().filter(|(_, word)| is_denial(&word.text)).map(|(at, _)| behind(at)).collect();
    if plain.contains("sold out") || plain.contains("out of stock") {
        denied.push("sold out".to_owned());
    }
    denied
}
