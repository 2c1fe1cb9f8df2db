//! Phrases that speak about the order as a whole, or about a line of it, rather than name food.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::english;
use super::tokens::Token;

/// What a phrase about the order asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cue {
    Affirm,
    /// "I'll take it": what was named is wanted.
    Take,
    Deny,
    Show,
    Clear,
    Place,
    /// The last line once more.
    Again,
    /// The last line goes.
    Undo,
}

struct Table {
    cues: HashMap<&'static str, Cue>,
    polite: HashSet<&'static str>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { cues: HashMap::new(), polite: HashSet::new() };
        for (heading, phrase) in english::sections(include_str!("cues.txt")) {
            let cue = match heading {
                "affirm" => Cue::Affirm,
                "take" => Cue::Take,
                "deny" => Cue::Deny,
                "show" => Cue::Show,
                "clear" => Cue::Clear,
                "place" => Cue::Place,
                "again" => Cue::Again,
                "undo" => Cue::Undo,
                _ => {
                    table.polite.insert(phrase);
                    continue;
                }
            };
            table.cues.entry(phrase).or_insert(cue);
        }
        table
    })
}

/// Whether a word is mere politeness.
pub(crate) fn is_polite(word: &str) -> bool {
    table().polite.contains(word)
}

/// The cue that the whole of the words is, politeness aside.
pub(crate) fn whole(tokens: &[Token]) -> Option<Cue> {
    if tokens.is_empty() {
        return None;
    }
    let text = |tokens: &[Token]| tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
    if let Some(cue) = find(&text(tokens)) {
        return Some(cue);
    }
    // Trim politeness from both ends, one word at a time, as long as words are left.
    let polite = |token: &&Token| is_polite(&token.text);
    let tail = tokens.iter().rev().take_while(polite).count();
    let head = tokens.iter().take_while(polite).count();
    for from in 0..=head.min(tokens.len() - 1) {
        for to in (from + 1..=tokens.len()).rev().take(tail + 1) {
            if let Some(cue) = find(&text(&tokens[from..to])) {
                return Some(cue);
            }
        }
    }
    None
}

fn find(text: &str) -> Option<Cue> {
    table().cues.get(text).copied()
}

/// A cue that the words begin with, and how many words it takes.
pub(crate) fn head(tokens: &[Token], wanted: &[Cue]) -> Option<(Cue, usize)> {
    (1..=tokens.len().min(6)).rev().find_map(|len| {
        let text = tokens[..len].iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        find(&text).filter(|cue| wanted.contains(cue)).map(|cue| (cue, len))
    })
}

/// A cue that the words end with, and where it starts; politeness after it is allowed.
pub(crate) fn tail(tokens: &[Token], wanted: &[Cue]) -> Option<(Cue, usize)> {
    let end = tokens.len() - tokens.iter().rev().take_while(|token| is_polite(&token.text)).count();
    [tokens.len(), end].into_iter().find_map(|end| {
        (end.saturating_sub(6)..end).find_map(|from| {
            let text = tokens[from..end].iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
            find(&text).filter(|cue| wanted.contains(cue)).map(|cue| (cue, from))
        })
    })
}

/// "first", "second", … "last" as a place in a list; the last one is `usize::MAX`.
pub(crate) fn ordinal(word: &str) -> Option<usize> {
    const WORDS: [&str; 10] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    match word {
        "last" | "latter" => Some(usize::MAX),
        "former" => Some(0),
        "1st" => Some(0),
        word => WORDS.iter().position(|ordinal| *ordinal == word),
    }
}
