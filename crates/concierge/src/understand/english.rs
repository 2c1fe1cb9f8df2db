//! The English that every guest speaks, whatever the restaurant: the words that order, join, refuse and correct.
//!
//! A phrase stands for a [`Mark`]; what a mark does is decided by the search. Nothing here names a dish.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::tokens::Token;
use crate::order::Amount;

/// What a phrase of plain English does in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    /// "a", "an".
    Article,
    /// "the", "some", "any".
    Some,
    /// "and", "plus".
    And,
    /// "or", "nor".
    Or,
    /// "with", "topped with".
    With,
    /// "add", "put": more of what is being ordered, or something new.
    Put,
    /// "no", "without", "hold the".
    No,
    /// "remove", "cancel": as "no", and for things already ordered too.
    Remove,
    /// "everything but".
    Except,
    /// "instead of".
    InsteadOf,
    /// "plain", "with nothing on it".
    Plain,
    /// "extra", "light".
    Amount(Amount),
    /// "double": more of an option, or two of a counted one.
    Times(u32),
    /// "i'd like", "can i get": an order, or a part of it, begins.
    Verb,
    /// "on it", "for the toppings": options are meant.
    OnIt,
    /// "to drink", "on the side".
    Aside,
    /// "bag of", "side of": a thing by itself is meant.
    Serving,
    /// "shots of", "slices of": a part of a thing is meant.
    Part,
    /// "both", "each", "all of them".
    Each,
    /// "the other one", "the rest".
    Other,
    /// "On one", "on the other": what was said is of one of several.
    OnOne,
    /// "The same size".
    SameSize,
    /// "the same".
    Same,
    /// "no wait", "i mean": what follows takes the place of what was said.
    Fix,
    /// "make it": the last thing changes.
    MakeIt,
    /// A size in plain English, for things whose sizes are not called so.
    Size,
    /// "please", "for my friend": nothing.
    Filler,
    /// What a guest says of themselves in words that may name things as well: "on a diet".
    Remark,
    /// "for": whom or what it is for, not what is ordered.
    For,
    /// "of": binds a number to what it counts.
    Of,
}

/// The phrases, by what they do.
const PHRASES: &str = include_str!("english.txt");

/// The mark of a heading in the file.
fn mark(heading: &str) -> Option<Mark> {
    Some(match heading {
        "article" => Mark::Article,
        "some" => Mark::Some,
        "and" => Mark::And,
        "or" => Mark::Or,
        "with" => Mark::With,
        "put" => Mark::Put,
        "no" => Mark::No,
        "remove" => Mark::Remove,
        "except" => Mark::Except,
        "instead of" => Mark::InsteadOf,
        "plain" => Mark::Plain,
        "extra" => Mark::Amount(Amount::Extra),
        "light" => Mark::Amount(Amount::Light),
        "double" => Mark::Times(2),
        "triple" => Mark::Times(3),
        "quadruple" => Mark::Times(4),
        "verb" => Mark::Verb,
        "on it" => Mark::OnIt,
        "aside" => Mark::Aside,
        "serving" => Mark::Serving,
        "part" => Mark::Part,
        "each" => Mark::Each,
        "other" => Mark::Other,
        "on one" => Mark::OnOne,
        "same size" => Mark::SameSize,
        "same" => Mark::Same,
        "fix" => Mark::Fix,
        "make it" => Mark::MakeIt,
        "size" => Mark::Size,
        "for" => Mark::For,
        "of" => Mark::Of,
        "filler" => Mark::Filler,
        "remark" => Mark::Remark,
        _ => return None,
    })
}

/// Phrases of a file in sections: `[heading]`, then phrases parted by commas; `#` starts a remark.
pub(crate) fn sections(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut heading = "";
    text.lines().filter(|line| !line.starts_with('#')).flat_map(move |line| {
        let name = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        heading = name.unwrap_or(heading);
        let (heading, line) = (heading, if name.is_some() { "" } else { line });
        line.split(',').map(str::trim).filter(|phrase| !phrase.is_empty()).map(move |phrase| (heading, phrase))
    })
}

/// Marks by their words.
struct Table {
    phrases: HashMap<&'static str, Mark>,
    words: HashSet<&'static str>,
    /// Words that measure out: "sprinkle" of "a sprinkle of".
    units: HashSet<&'static str>,
    longest: usize,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { phrases: HashMap::new(), words: HashSet::new(), units: HashSet::new(), longest: 1 };
        for (heading, phrase) in sections(PHRASES) {
            if let Some(mark) = mark(heading) {
                table.phrases.entry(phrase).or_insert(mark);
                table.longest = table.longest.max(phrase.split(' ').count());
            }
            if heading == "remark" {
                continue;
            }
            table.words.extend(phrase.split(' '));
            if matches!(heading, "part" | "light" | "extra") {
                table.units.extend(phrase.strip_suffix(" of").and_then(|phrase| phrase.rsplit(' ').next()));
            }
        }
        table
    })
}

/// Every mark that starts at the head of `tokens`, with how many words it takes.
pub(crate) fn marks(tokens: &[Token], mut each: impl FnMut(Mark, usize)) {
    let table = table();
    let mut phrase = String::with_capacity(64);
    for (at, token) in tokens.iter().take(table.longest).enumerate() {
        if at > 0 {
            if token.before == super::tokens::Break::Stop {
                break;
            }
            phrase.push(' ');
        }
        phrase.push_str(&token.text);
        if let Some(mark) = table.phrases.get(phrase.as_str()) {
            each(*mark, at + 1);
        }
    }
}

/// Whether a word is plain English that names nothing on a menu, so that it is never taken for a misspelt dish.
pub(crate) fn is_common(word: &str) -> bool {
    table().words.contains(word)
}

/// Whether a word is one that English has, whatever it is about: "catch" is no misspelt "cache".
pub(crate) fn is_word(word: &str) -> bool {
    static WORDS: OnceLock<HashSet<&'static str>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        let lines = include_str!("words.txt").lines().filter(|line| !line.starts_with('#'));
        lines.flat_map(str::split_ascii_whitespace).collect()
    });
    words.contains(word)
}

/// Whether a stem is a word that measures out, so that it may be a thing's name as well: "sprinkles", "drizzle".
pub(crate) fn is_unit(stem: &str) -> bool {
    table().units.contains(stem)
}

/// Whether a word after a number tells how big something is.
pub(crate) fn is_measure(word: &str) -> bool {
    matches!(
        word,
        "liter"
            | "liters"
            | "litre"
            | "litres"
            | "l"
            | "ml"
            | "milliliter"
            | "milliliters"
            | "millilitre"
            | "cl"
            | "oz"
            | "ounce"
            | "ounces"
            | "fluid"
            | "inch"
            | "inches"
            | "in"
            | "cm"
            | "centimeter"
            | "gram"
            | "grams"
            | "g"
            | "kg"
            | "lb"
            | "lbs"
            | "pound"
            | "percent"
            | "gallon"
            | "quart"
            | "pint"
            | "foot"
    )
}

/// The grammar words that are worth recognising when misspelt.
pub(crate) const CORRECTED: &[&str] = &[
    "with",
    "without",
    "extra",
    "light",
    "please",
    "small",
    "medium",
    "large",
    "double",
    "triple",
    "instead",
    "would",
    "could",
    "everything",
    "except",
    "nothing",
    "three",
    "seven",
    "eight",
    "eleven",
    "twelve",
    "dozen",
    "couple",
    "another",
    "thank",
    "actually",
    "cancel",
    "remove",
    "order",
    "glass",
    "bottle",
    "portion",
    "pieces",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_heading_is_known_and_every_phrase_plain() {
        for (heading, phrase) in sections(PHRASES) {
            assert!(heading == "common" || mark(heading).is_some(), "[{heading}]");
            let plain: Vec<String> =
                crate::understand::tokens::tokenize(phrase).into_iter().map(|token| token.text).collect();
            assert_eq!(plain.join(" "), phrase, "[{heading}]");
        }
    }
}
