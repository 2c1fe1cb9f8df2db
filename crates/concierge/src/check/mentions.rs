//! Finding the menu's items in a reply: whole names and aliases, longest first.

use std::collections::HashMap;

use super::words::{Word, stem, words};
use crate::menu::{ItemId, Menu};

/// A name in stems, and the items that bear it.
type Phrase = (Vec<String>, Vec<ItemId>);

/// The names of a menu's items, cut into stems.
#[derive(Debug)]
pub struct MentionIndex {
    /// By first stem, the longest phrase first.
    phrases: HashMap<String, Vec<Phrase>>,
}

/// A place where items are named.
pub(super) struct Mention<'a> {
    /// Index of its first word.
    pub start: usize,
    /// Index behind its last word.
    pub end: usize,
    /// The items it may stand for.
    pub items: Vec<&'a ItemId>,
}

impl MentionIndex {
    /// Reads all names and aliases of a menu.
    #[must_use]
    pub fn new(menu: &Menu) -> Self {
        let mut by_phrase: HashMap<Vec<String>, Vec<ItemId>> = HashMap::new();
        for item in &menu.items {
            for name in std::iter::once(&item.name).chain(&item.aliases) {
                let mut phrase: Vec<String> = words(name).iter().map(|word| stem(&word.text)).collect();
                if phrase.len() > 1 && phrase[0] == stem("the") {
                    phrase.remove(0);
                }
                if phrase.is_empty() {
                    continue;
                }
                let items = by_phrase.entry(phrase).or_default();
                if !items.contains(&item.id) {
                    items.push(item.id.clone());
                }
            }
        }
        let mut phrases: HashMap<String, Vec<Phrase>> = HashMap::new();
        for (phrase, items) in by_phrase {
            phrases.entry(phrase[0].clone()).or_default().push((phrase, items));
        }
        for list in phrases.values_mut() {
            list.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        }
        Self { phrases }
    }

    /// The items that a text names, one entry for each name; several items in it where the name fits several.
    #[must_use]
    pub fn items_in(&self, text: &str) -> Vec<Vec<ItemId>> {
        self.find(&words(text)).into_iter().map(|mention| mention.items.into_iter().cloned().collect()).collect()
    }

    /// The items named, from left to right; a longer name hides the shorter ones inside it.
    pub(super) fn find(&self, words: &[Word]) -> Vec<Mention<'_>> {
        let stems: Vec<String> = words.iter().map(|word| stem(&word.text)).collect();
        let mut found = Vec::new();
        let mut at = 0;
        while at < stems.len() {
            let hit = self
                .phrases
                .get(&stems[at])
                .and_then(|list| list.iter().find(|(phrase, _)| stems[at..].starts_with(phrase)));
            match hit {
                Some((phrase, items)) => {
                    found.push(Mention { start: at, end: at + phrase.len(), items: items.iter().collect() });
                    at += phrase.len();
                }
                None => at += 1,
            }
        }
        found
    }
}
