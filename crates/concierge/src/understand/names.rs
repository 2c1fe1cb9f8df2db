//! What things are called: names and aliases as the menu writes them, and what follows from those by themselves.

use std::collections::{BTreeSet, HashMap};

use super::lexicon::{Entry, place};
use super::tokens::{Token, tokenize};
use super::{english, kinds};
use crate::menu::{Item, Menu};

/// Sizes of plain English and how else they are said.
const SIZES: &[(&str, &[&str])] = &[
    ("small", &["small", "sm", "little", "small sized", "small size", "smaller", "smallest"]),
    ("medium", &["medium", "med", "medium sized", "medium size", "mid size", "middle size", "mid sized"]),
    ("large", &["large", "lg", "lrg", "big", "large sized", "large size", "larger", "largest", "biggest", "big size"]),
    ("extra large", &["extra large", "xl", "x large", "xlarge", "extra big"]),
    ("extra large", &["very large"]),
    ("xl", &["extra large", "xl", "x large"]),
    ("regular", &["regular", "reg", "regular sized", "regular size", "normal", "normal size", "standard"]),
    ("single", &["single", "single patty", "one patty"]),
    ("double", &["double", "doubled", "dbl", "double patty", "two patty"]),
    ("triple", &["triple", "triple patty", "three patty"]),
    ("half", &["half"]),
];

/// So many dishes must have numbers before a number is one's name.
const NUMBERED: usize = 3;

/// Names and aliases as written, with what they stand for.
pub(crate) fn phrases(menu: &Menu) -> Vec<(Entry, String)> {
    let mut phrases = Vec::new();
    let mut called: HashMap<&str, BTreeSet<&String>> = HashMap::new();
    for size in menu.items.iter().flat_map(|item| &item.sizes) {
        called.entry(size.id.as_str()).or_default().extend(&size.aliases);
    }
    let numbers: HashMap<u16, String> = numbered(menu).into_iter().collect();
    for (at, item) in menu.items.iter().enumerate() {
        let entry = Entry::Item(place(at));
        let names = std::iter::once(&item.name).chain(&item.aliases);
        phrases.extend(names.clone().map(|name| (entry, name.clone())));
        phrases.extend(names.clone().filter_map(|name| Some((entry, unbracketed(name)?.0))));
        phrases.extend(names.filter_map(|name| Some((entry, by_kind(name)?))));
        let taken = |name: &&str| menu.items.iter().any(|item| item.name.eq_ignore_ascii_case(name));
        phrases
            .extend(plainly(&item.name).into_iter().filter(|name| !taken(name)).map(|name| (entry, name.to_owned())));
        if numbers.contains_key(&place(at)) {
            phrases.extend(unnumbered(&item.name).map(|name| (entry, name)));
        }
        for (size_at, size) in item.sizes.iter().enumerate() {
            let entry = Entry::Size(place(at), place(size_at));
            // "6 Wings" of the wings is a number and the thing, not a size of whatever was said before.
            let names = size_names(item, size_at);
            let names = names.iter().filter(|name| !super::pieces::names_thing(item, name));
            for name in names {
                phrases.push((entry, name.clone()));
                match name.to_lowercase().strip_suffix(" size") {
                    // "A party sized pizza", "a party pizza".
                    Some(head) => {
                        phrases.push((entry, format!("{head} sized")));
                        phrases.push((entry, head.to_owned()));
                    }
                    None => phrases.extend(["size", "sized"].map(|word| (entry, format!("{name} {word}")))),
                }
            }
            size_synonyms(item, size_at, |phrase| phrases.push((entry, phrase.to_owned())));
            // A size that is called something on one item is called so on all.
            let taken = |alias: &String| item.sizes.iter().any(|s| s.id != size.id && s.aliases.contains(alias));
            let others = called.get(size.id.as_str()).into_iter().flatten().filter(|alias| !taken(alias));
            phrases.extend(others.map(|alias| (entry, (*alias).clone())));
        }
    }
    for (at, group) in menu.option_groups.iter().enumerate() {
        for (choice_at, choice) in group.choices.iter().enumerate() {
            let entry = Entry::Choice(place(at), place(choice_at));
            let names = std::iter::once(&choice.name).chain(&choice.aliases);
            phrases.extend(names.clone().map(|name| (entry, name.clone())));
            phrases.extend(names.clone().filter_map(|name| Some((entry, unbracketed(name)?.0))));
            phrases.extend(names.clone().filter_map(|name| Some((entry, done_in(name)?))));
            let said = |name: &String| group.choices.iter().any(|other| other.name.eq_ignore_ascii_case(name));
            phrases.extend(
                names.clone().flat_map(|name| measured(name)).filter(|name| !said(name)).map(|name| (entry, name)),
            );
            phrases.extend(names.filter_map(|name| Some((entry, by_kind(name)?))));
        }
    }
    phrases
}

/// Words that tell how much of a thing a choice stands for; each line means the same.
const MEASURES: &[&[&str]] =
    &[&["no", "without", "hold", "skip", "zero"], &["less", "light", "little", "easy"], &["extra", "more"]];

/// Whether a word at the head of a choice's name says that there is none of what follows: "No Ice".
pub(super) fn is_none(word: &str) -> bool {
    MEASURES[0].contains(&word)
}

/// Other words for a choice that is so much of a thing: "hold the ice" for "No Ice", "easy ice" for "Less Ice".
fn measured(name: &str) -> Vec<String> {
    let tokens = tokenize(name);
    let [first, rest @ ..] = tokens.as_slice() else { return Vec::new() };
    let Some(line) = MEASURES.iter().find(|line| !rest.is_empty() && line.contains(&first.text.as_str())) else {
        return Vec::new();
    };
    let rest = rest.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
    line.iter().filter(|word| **word != first.text).map(|word| format!("{word} {rest}")).collect()
}

/// What things in full are called for short, though a menu has others of the kind: "fries" are no sweet potato fries.
const PLAINLY: &[(&str, &str)] = &[
    ("french fries", "fries"),
    ("bottled water", "water"),
    ("mineral water", "water"),
    ("still water", "water"),
    ("spring water", "water"),
    ("drip coffee", "coffee"),
    ("filter coffee", "coffee"),
    ("brewed coffee", "coffee"),
    ("house coffee", "coffee"),
];

/// What a thing in full is called for short.
fn plainly(name: &str) -> Option<&'static str> {
    let words: Vec<String> = tokenize(name).into_iter().map(|token| token.text).collect();
    PLAINLY.iter().find(|(full, _)| words.join(" ") == *full).map(|(_, short)| *short)
}

/// A name of several words with a kind in place of what is one: "ham and cheese toastie" for ham and cheddar.
fn by_kind(name: &str) -> Option<String> {
    let mut tokens = tokenize(name);
    let at = tokens.iter().position(|token| kinds::called(&token.stem).is_some()).filter(|_| tokens.len() > 1)?;
    let kind = kinds::called(&tokens[at].stem)?;
    if tokens.iter().any(|token| token.text == kind) {
        return None;
    }
    kind.clone_into(&mut tokens[at].text);
    let words: Vec<String> = tokens.into_iter().map(|token| token.text).collect();
    Some(words.join(" "))
}

/// Items whose names begin with a number that no other has, where the menu numbers its dishes: "31. Sweet and Sour".
pub(crate) fn numbered(menu: &Menu) -> Vec<(u16, String)> {
    let number = |item: &Item| {
        let tokens = tokenize(&item.name);
        tokens.first().filter(|first| tokens.len() > 1 && first.is_number()).map(|first| first.stem.clone())
    };
    let all: Vec<(u16, String)> =
        menu.items.iter().enumerate().filter_map(|(at, item)| Some((place(at), number(item)?))).collect();
    let distinct: BTreeSet<&String> = all.iter().map(|(_, number)| number).collect();
    if all.len() < NUMBERED || distinct.len() < all.len() { Vec::new() } else { all }
}

/// A numbered name without its number.
fn unnumbered(name: &str) -> Option<String> {
    let rest: Vec<String> = tokenize(name).into_iter().skip(1).map(|token| token.text).collect();
    (!rest.is_empty()).then(|| rest.join(" "))
}

/// A name with a remark in brackets: what stands outside and what stands inside, "Large" and `16"` of `Large (16")`.
fn unbracketed(name: &str) -> Option<(String, String)> {
    let (before, rest) = name.split_once('(')?;
    let (inside, after) = rest.split_once(')')?;
    let outside = format!("{} {}", before.trim(), after.trim());
    Some((outside.trim().to_owned(), inside.trim().to_owned())).filter(|(outside, _)| !outside.is_empty())
}

/// What is done with food, and the noun that a menu makes of it.
const DONE: &[(&str, &str)] = &[("wrap", "wrapped"), ("dip", "dipped"), ("coating", "coated"), ("crust", "crusted")];

/// "Wrapped in lettuce" for a lettuce wrap.
fn done_in(name: &str) -> Option<String> {
    let mut words: Vec<String> = tokenize(name).into_iter().map(|token| token.text).collect();
    let last = words.pop().filter(|_| !words.is_empty())?;
    let (_, done) = DONE.iter().find(|(noun, _)| *noun == last)?;
    Some(format!("{done} in {}", words.join(" ")))
}

/// What a size is called: its names, and the parts of `Large (16")` or `Small, 12 oz` that no other size has.
fn size_names(item: &Item, at: usize) -> Vec<String> {
    let parts = |size: &crate::menu::Size| -> Vec<String> {
        let names = std::iter::once(&size.name).chain(&size.aliases);
        let inside = names.clone().filter_map(|name| unbracketed(name)).flat_map(|(outside, inside)| [outside, inside]);
        inside.chain(names.filter_map(|name| unmeasured(name)).flatten()).collect()
    };
    let size = &item.sizes[at];
    let mut names: Vec<String> = std::iter::once(&size.name).chain(&size.aliases).cloned().collect();
    let others: Vec<String> =
        item.sizes.iter().enumerate().filter(|(other, _)| *other != at).flat_map(|(_, other)| parts(other)).collect();
    for part in parts(size) {
        if !others.contains(&part) && !names.contains(&part) {
            names.push(part);
        }
    }
    names
}

/// A size's name that tells a measure as well: the words without it, and the measure.
fn unmeasured(name: &str) -> Option<[String; 2]> {
    let tokens = tokenize(name);
    let at = (1..tokens.len()).find(|at| english::is_measure(&tokens[*at].text) && tokens[at - 1].is_count())?;
    let words = |tokens: &[Token]| tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
    let rest = [words(&tokens[..at - 1]), words(&tokens[at + 1..])].join(" ").trim().to_owned();
    (!rest.is_empty()).then(|| [rest, words(&tokens[at - 1..=at])])
}

/// Other words for a size, where no other size of the item is called so.
fn size_synonyms(item: &Item, at: usize, mut each: impl FnMut(&str)) {
    let names: Vec<Vec<String>> = (0..item.sizes.len()).map(|at| size_names(item, at)).collect();
    let named = |at: usize, word: &str| {
        item.sizes[at].id.as_str() == word || names[at].iter().any(|name| name.eq_ignore_ascii_case(word))
    };
    for (word, synonyms) in SIZES.iter().filter(|(word, _)| named(at, word)) {
        for synonym in *synonyms {
            let taken = (0..names.len()).any(|other| named(other, synonym)) && !named(at, synonym);
            if !taken && synonym != word {
                each(synonym);
            }
        }
    }
}
