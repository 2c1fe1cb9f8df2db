//! Answers to a question: "the first one", "both", "the vegan one", or some of the words that tell one from another.

use std::collections::BTreeSet;

use super::lattice::{self, Kind, fits};
use super::lexicon::is_link;
use super::moves::{Answer, Question};
use super::tokens::{Token, tokenize};
use super::{Lexicon, cues, english, slots};
use crate::menu::{ItemId, SizeId};

/// Reads an answer to the question, if the words are one.
pub(crate) fn to_question(lexicon: &Lexicon, tokens: &[Token], question: &Question) -> Option<Answer> {
    match question {
        Question::WhichItem(items) => which_items(lexicon, tokens, items).map(Answer::Items),
        Question::WhichChoice { group, choices } => {
            let group = lexicon.menu().group(group)?;
            let names: Vec<Vec<String>> = choices
                .iter()
                .map(|id| {
                    group
                        .choices
                        .iter()
                        .find(|choice| choice.id == *id)
                        .map_or_else(Vec::new, |choice| words(&choice.name, &choice.aliases))
                })
                .collect();
            let place = lexicon.menu().option_groups.iter().position(|other| other.id == group.id)?;
            let lattice = lattice::build(lexicon, tokens);
            let known = |at: usize| {
                lattice.edges.iter().any(|edge| match &edge.kind {
                    Kind::Choices(found) => found.iter().any(|(g, c, quality)| {
                        *g as usize == place
                            && fits(*quality, found[0].2)
                            && group.choices.get(*c as usize).is_some_and(|choice| choice.id == choices[at])
                    }),
                    _ => false,
                })
            };
            let picked = which(tokens, &names, known)?;
            Some(Answer::Choices(picked.into_iter().map(|at| choices[at].clone()).collect()))
        }
        Question::WhichSize(item) => which_size(lexicon, tokens, item).map(Answer::Size),
        Question::Place | Question::Offer(_) => None,
    }
}

/// Items of those offered that the words pick: only by place, "both" or a diet, for a name by itself orders anyway.
pub(crate) fn of_offered(lexicon: &Lexicon, tokens: &[Token], offered: &[ItemId]) -> Option<Vec<ItemId>> {
    let told = tokens
        .iter()
        .any(|token| cues::ordinal(&token.text).is_some() || matches!(token.text.as_str(), "one" | "both"));
    let plain = tokens.iter().all(|token| english::is_common(&token.text) || cues::ordinal(&token.text).is_some());
    if told && plain {
        return which_items(lexicon, tokens, offered);
    }
    // "Chocolate", after the shakes were told.
    let around = |token: &&Token| cues::is_polite(&token.text) || matches!(token.text.as_str(), "the" | "one");
    let the = tokens.iter().any(|token| token.text == "the");
    let bare = tokens.iter().filter(|token| !around(token)).count() == 1 && (offered.len() > 1 || the);
    which_items(lexicon, tokens, offered).filter(|picked| bare && picked.len() == 1)
}

/// How many of the one thing that was told of: "give me two", "two please". Nothing else may be said.
pub(crate) fn how_many(tokens: &[Token]) -> Option<u32> {
    let mut numbers = tokens.iter().filter(|token| !is_around(&token.text));
    let number = numbers.next()?;
    let value = if number.text == "one" { 1 } else { crate::check::number(&number.text)? };
    if numbers.next().is_some() {
        return None;
    }
    u32::try_from(value).ok().filter(|value| (1..=crate::ledger::MAX_LINE_QUANTITY).contains(value))
}

/// The size in which the one thing that was told of is taken: "large, please", "the large one". Nothing else may be said.
pub(crate) fn in_size(lexicon: &Lexicon, tokens: &[Token], item: &ItemId) -> Option<SizeId> {
    let item = lexicon.menu().item(item)?;
    let said: Vec<&str> = tokens
        .iter()
        .map(|token| token.text.as_str())
        .filter(|word| !is_around(word) && !matches!(*word, "the" | "a" | "one" | "make" | "it"))
        .collect();
    let said = said.join(" ");
    let called = |name: &String| name.to_lowercase() == said;
    item.sizes.iter().find(|size| called(&size.name) || size.aliases.iter().any(called)).map(|size| size.id.clone())
}

/// Whether a word stands around what is taken of the things told of.
pub(crate) fn is_around(word: &str) -> bool {
    const AROUND: &str = "i ill id will want take have get like would please then give me us can could may of them those \
        these for add yes ok okay";
    AROUND.split_whitespace().any(|around| around == word)
}

fn which_items(lexicon: &Lexicon, tokens: &[Token], items: &[ItemId]) -> Option<Vec<ItemId>> {
    let entries: Vec<_> = items.iter().filter_map(|id| lexicon.menu().item(id)).collect();
    if entries.len() != items.len() {
        return None;
    }
    let names: Vec<Vec<String>> = entries.iter().map(|item| words(&item.name, &item.aliases)).collect();
    let lattice = lattice::build(lexicon, tokens);
    let known = |at: usize| {
        lattice.edges.iter().any(|edge| match &edge.kind {
            Kind::Items(found) => {
                found.iter().any(|(item, _)| lexicon.item(*item).id == items[at]) && found.len() < items.len()
            }
            _ => false,
        })
    };
    if let Some(picked) = which(tokens, &names, known) {
        return Some(picked.into_iter().map(|at| items[at].clone()).collect());
    }
    let diets = slots::diets_in(lexicon, tokens);
    if diets.is_empty() {
        return None;
    }
    let suited: Vec<ItemId> = entries
        .iter()
        .filter(|item| diets.iter().all(|diet| item.is_marked(diet)))
        .map(|item| item.id.clone())
        .collect();
    (suited.len() == 1).then_some(suited)
}

fn which_size(lexicon: &Lexicon, tokens: &[Token], item: &ItemId) -> Option<SizeId> {
    let place = lexicon.place_of(item)?;
    let lattice = lattice::build(lexicon, tokens);
    let mut best: Option<(f32, u16)> = None;
    for edge in &lattice.edges {
        if let Kind::Sizes(sizes) = &edge.kind
            && let Some((_, size)) = sizes.iter().find(|(of, _)| *of == place)
            && best.is_none_or(|(score, _)| edge.score > score)
        {
            best = Some((edge.score, *size));
        }
    }
    lexicon.item(place).sizes.get(best?.1 as usize).map(|size| size.id.clone())
}

fn words(name: &str, aliases: &[String]) -> Vec<String> {
    std::iter::once(name).chain(aliases.iter().map(String::as_str)).flat_map(tokenize).map(|token| token.stem).collect()
}

/// The candidates that words pick. `known` tells whether the menu's own names pick one.
fn which(tokens: &[Token], names: &[Vec<String>], known: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
    let count = names.len();
    let has = |word: &str| tokens.iter().any(|token| token.text == word);
    // A long answer is an order or a question of its own.
    if tokens.len() > 12 {
        return None;
    }
    let picked: Vec<usize> = (0..count).filter(|at| known(*at)).collect();
    if !picked.is_empty() && picked.len() < count {
        return Some(picked);
    }
    // A place in the list says more than words that names have by chance: "two of the first one".
    if let Some(place) = tokens.iter().find_map(|token| cues::ordinal(&token.text)) {
        let place = if place == usize::MAX { count.checked_sub(1)? } else { place };
        return (place < count).then(|| vec![place]);
    }
    let scores: Vec<usize> = names
        .iter()
        .map(|words| {
            let telling = tokens.iter().filter(|token| !is_link(&token.text)).map(|token| &token.stem);
            telling.filter(|stem| words.contains(stem)).collect::<BTreeSet<_>>().len()
        })
        .collect();
    let best = scores.iter().copied().max().unwrap_or(0);
    if best > 0 {
        let top: Vec<usize> = (0..count).filter(|at| scores[*at] == best).collect();
        if top.len() < count || count == 1 {
            return Some(top);
        }
    }
    // "All with fries" speaks of something else.
    let few = |word: &str| {
        is_around(word) || cues::is_polite(word) || matches!(word, "both" | "all" | "each" | "one" | "the")
    };
    if !tokens.iter().all(|token| few(&token.text)) {
        return None;
    }
    if has("both") && count >= 2 {
        return Some(vec![0, 1]);
    }
    if (has("all") || has("each")) && count >= 2 {
        return Some((0..count).collect());
    }
    None
}
