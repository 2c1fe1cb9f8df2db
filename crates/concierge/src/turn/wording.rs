//! Small pieces of plain English that several answers share.

pub(crate) use crate::ledger::listing;
use std::ops::Range;

use crate::{
    menu::{Item, Menu},
    money::{Cents, Currency},
};

/// `$3.99`, or `$3.99 (Regular), $5.49 (Large)`.
pub(crate) fn prices(currency: &Currency, item: &Item) -> String {
    if item.sizes.is_empty() {
        return currency.show(item.price);
    }
    let sizes: Vec<String> =
        item.sizes.iter().map(|size| format!("{} ({})", currency.show(size.price), size.name.to_lowercase())).collect();
    listing(&sizes, "or")
}

/// `$3.99`, or `from $3.99` where sizes differ.
pub(crate) fn price_from(currency: &Currency, item: &Item) -> String {
    let (least, most) = item.price_range();
    if least == most { currency.show(least) } else { format!("from {}", currency.show(least)) }
}

/// `The Gemma Classic for $8.99`.
pub(crate) fn priced(currency: &Currency, item: &Item) -> String {
    let (least, most) = item.price_range();
    let from = if least == most { "for" } else { "from" };
    format!("{} {from} {}", item.name, currency.show(least))
}

/// The names of what is on an item by default.
pub(crate) fn included(menu: &Menu, item: &Item) -> Vec<String> {
    item.includes
        .iter()
        .filter_map(|(group, choice)| menu.choice(group, choice))
        .map(|choice| choice.name.to_lowercase())
        .collect()
}

/// An amount in the menu's currency.
pub(crate) fn money(menu: &Menu, amount: Cents) -> String {
    menu.currency.show(amount)
}

/// The text with an end mark.
pub(crate) fn with_stop(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// The text with its first letter as a capital.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Lower-case words without punctuation, for looking for words of English in a guest's text.
pub(crate) fn plain_words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .replace(['’', '‘'], "'")
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether a word is one of a list, which is written with spaces between.
pub(crate) fn among(word: &str, list: &str) -> bool {
    list.split_whitespace().any(|other| other == word)
}

/// Whether one of the phrases, which are written with ` | ` between, stands in the words. Whole words only.
pub(crate) fn says(words: &[String], phrases: &str) -> bool {
    find(words, phrases).is_some()
}

/// Where the first of such phrases that is said stands in the words.
pub(crate) fn find(words: &[String], phrases: &str) -> Option<Range<usize>> {
    phrases.split('|').find_map(|phrase| {
        let length = phrase.split_whitespace().count();
        let mut windows = words.windows(length.max(1));
        let at = windows.position(|window| window.iter().eq(phrase.split_whitespace()))?;
        Some(at..at + length)
    })
}

/// Whether the words end in one of such phrases.
pub(crate) fn ends_in(words: &[String], phrases: &str) -> bool {
    phrases.split('|').any(|phrase| {
        let end = words.len().saturating_sub(phrase.split_whitespace().count());
        words[end..].iter().eq(phrase.split_whitespace())
    })
}

/// A word without the "s" of its plural or its owner, so that the forms compare equal.
pub(crate) fn singular(word: &str) -> &str {
    word.strip_suffix("'s").or_else(|| word.strip_suffix('s')).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_well() {
        assert_eq!(listing(&["a"], "and"), "a");
        assert_eq!(listing(&["a", "b"], "or"), "a or b");
        assert_eq!(listing(&["a", "b", "c"], "and"), "a, b and c");
    }

    #[test]
    fn phrases_are_found_as_whole_words() {
        let words = plain_words("How’s the Price? Do-you-know");
        assert!(says(&words, "the price | do you") && says(&words, "cost | do you"));
        assert!(!says(&words, "rice | how is") && !says(&words, ""));
        assert_eq!(find(&words, "rice | the price"), Some(1..3));
        assert!(ends_in(&words, "price | you know") && !ends_in(&words, "do you | now"));
    }
}
