//! What things are called besides their names: by their kind, by the heading they stand under, the other way round.

use std::collections::HashSet;

use super::lexicon::{Entry, FULL, HEADING, LONGEST, Lexicon, MANY, family, place};
use super::synonyms::variants;
use super::tokens::tokenize;
use super::vocabulary::Word;
use super::{english, kinds, partial};
use crate::menu::Item;

/// What is joined in a name, the other way round: "cheese and ham".
const SWAPPED: f32 = 0.97;
/// A choice by the kind of thing that it is: "cheese" for cheddar.
const KIND: f32 = 0.6;
/// A choice by the first word of its name and its heading: "white bread" for a white bloomer.
const HEADED: f32 = 0.85;
/// A name without its heading, where that stands first: "latte" for a caffè latte among the coffees.
const UNHEADED: f32 = 0.95;

/// Words before a name that only say that it is the usual one of its kind.
const USUAL: &[&str] = &["caffe", "cafe", "regular", "standard", "normal"];

impl Lexicon {
    /// "A latte" where there are a caffè latte and a chai latte.
    pub(super) fn usual_one(&mut self, entry: Entry, words: &[Word]) {
        let (Entry::Item(item), [first, rest @ ..]) = (entry, words) else { return };
        let heading = self.menu.items[item as usize].category.clone();
        // A heading's word is no dish: "a burger" is not the regular burger.
        if !rest.is_empty() && USUAL.contains(&self.vocabulary.text(*first)) && self.words(&heading) != rest {
            self.insert(entry, rest, FULL - 0.02);
        }
    }

    /// The words of names without a special word, by family: where there is a sausage, a veggie sausage is not meant by
    /// that word.
    pub(super) fn usual(&self, all: &[(Entry, Vec<Word>)]) -> HashSet<(Option<u16>, Word)> {
        let special = |word: &Word| partial::is_special(self.vocabulary.text(*word));
        let usual = all.iter().filter(|(_, words)| !words.iter().any(special));
        usual.flat_map(|(entry, words)| words.iter().map(|word| (family(*entry), *word))).collect()
    }

    /// A choice of one word is also called by its kind.
    pub(super) fn by_kind(&mut self, entry: Entry, words: &[Word]) {
        if let (Entry::Choice(..), [word]) = (entry, words)
            && let Some(kind) = kinds::called(self.vocabulary.text(*word))
        {
            let kind = self.vocabulary.add(kind);
            self.insert(entry, &[kind], KIND);
        }
    }

    /// "Cheese and ham" for "ham and cheese".
    pub(super) fn swap(&mut self, entry: Entry, words: &[Word]) {
        let and = |word: &Word| self.vocabulary.text(*word) == "and";
        let mut joints = (0..words.len()).filter(|at| and(&words[*at]));
        let (Some(at), None) = (joints.next(), joints.next()) else { return };
        if at == 0 || at + 1 >= words.len() || matches!(entry, Entry::Size(..)) {
            return;
        }
        let mut swapped = words.to_vec();
        swapped.swap(at - 1, at + 1);
        self.insert(entry, &swapped, SWAPPED);
        swapped.remove(at);
        self.insert(entry, &swapped, SWAPPED);
    }

    /// "A shake" is any item under the heading "Shakes", "dressing" any choice of that group.
    pub(super) fn headings(&mut self) {
        let names: HashSet<Word> = self
            .menu
            .items
            .iter()
            .filter_map(|item| match tokenize(&item.name).as_slice() {
                [only] => self.vocabulary.get(&only.stem),
                _ => None,
            })
            .collect();
        for at in 0..self.menu.items.len() {
            let heading = self.menu.items[at].category.clone();
            let words = self.words(&heading);
            self.unheaded(place(at), &words);
            // "Beer and cider": what is called a cider is that, and a stout is none.
            let union = words.len() > 1 && tokenize(&heading).iter().any(|token| token.text == "and");
            let last = words.last().copied().filter(|word| {
                let called = |(other, item): (usize, &Item)| {
                    item.category == heading && self.ends(Entry::Item(place(other)), *word)
                };
                !union || !self.menu.items.iter().enumerate().any(called)
            });
            if let Some(word) = last {
                self.under.entry(word).or_default().insert(place(at));
            }
            if let Some(word) = last.filter(|word| !english::is_common(self.vocabulary.text(*word))) {
                if self.next(0, word).is_some_and(|node| self.at(node).contains(&(Entry::Item(place(at)), FULL))) {
                    self.generic.insert(place(at));
                }
                self.insert(Entry::Item(place(at)), &[word], HEADING);
                self.vocabulary.add_heading(word, |other| names.contains(&other));
            }
        }
        for at in 0..self.menu.option_groups.len() {
            let (heading, count) =
                (self.menu.option_groups[at].name.clone(), self.menu.option_groups[at].choices.len());
            let last = self.words(&heading).last().copied();
            self.group_words.push(last);
            let last = last.filter(|word| !english::is_common(self.vocabulary.text(*word)));
            let Some(word) = last else { continue };
            // "Eggs over easy", "bread sourdough".
            for choice in 0..count {
                let words = self.words(&self.menu.option_groups[at].choices[choice].name.clone());
                if let [first, _, ..] = words[..]
                    && english::is_common(self.vocabulary.text(first))
                {
                    self.insert(Entry::Choice(place(at), place(choice)), &[first, word], HEADED);
                }
                if !self.stands_alone(word) && !words.contains(&word) {
                    let headed: Vec<Word> = std::iter::once(word).chain(words).take(LONGEST).collect();
                    self.insert(Entry::Choice(place(at), place(choice)), &headed, FULL - 0.02);
                }
            }
            for choice in (0..count).filter(|_| count <= MANY) {
                self.insert(Entry::Choice(place(at), place(choice)), &[word], HEADING);
            }
        }
    }

    /// "Latte" for a "Caffè Latte" under the heading "Coffee".
    fn unheaded(&mut self, item: u16, heading: &[Word]) {
        let Some(heading) = heading.last().map(|word| self.vocabulary.text(*word).to_owned()) else { return };
        let words = self.words(&self.menu.items[item as usize].name.clone());
        let [first, rest @ ..] = words.as_slice() else { return };
        let first = self.vocabulary.text(*first);
        let same = first == heading || variants(&heading).flatten().any(|other| other == first);
        if same && !rest.is_empty() {
            let rest = rest.to_vec();
            self.insert(Entry::Item(item), &rest, UNHEADED);
        }
    }
}
