//! Dishes and courses that must be in a meal, must not, or only so often.

use std::{collections::BTreeSet, ops::Range};

use super::{
    sums::Number,
    words::{Word, at, before, says},
};
use crate::{
    menu::{Course, Item, ItemId, Menu},
    planner::{AtMost, Must, Request},
};

/// Words that keep out what follows them in their clause.
const DENY: [&[&str]; 29] = [
    &["no"],
    &["without"],
    &["without", "any"],
    &["not"],
    &["except"],
    &["skip"],
    &["hold"],
    &["minus"],
    &["leave", "out"],
    &["don't", "want"],
    &["don't", "like"],
    &["don't", "need"],
    &["hate"],
    &["hates"],
    &["don't", "eat"],
    &["do", "not", "like"],
    &["doesn't", "like"],
    &["does", "not", "like"],
    &["doesn't", "eat"],
    &["does", "not", "eat"],
    &["doesn't", "want"],
    &["dislikes"],
    &["nobody", "eats"],
    &["nobody", "wants"],
    &["none", "of"],
    &["anything", "but"],
    &["avoid"],
    &["never"],
    &["nobody", "likes"],
];
/// Words that bound how often something may be in it.
const BOUND: [&[&str]; 9] = [
    &["at", "most"],
    &["no", "more", "than"],
    &["not", "more", "than"],
    &["maximum"],
    &["max"],
    &["only"],
    &["up", "to"],
    &["a", "maximum", "of"],
    &["max", "of"],
];
/// Words for courses, in plain English.
const COURSES: [(Course, &[&str]); 4] = [
    (Course::Drink, &["drink", "drinks", "beverage", "beverages", "to drink", "thirsty"]),
    (Course::Side, &["side", "sides", "side dish", "side dishes", "starter", "starters"]),
    (Course::Dessert, &["dessert", "desserts", "sweet", "sweets", "something sweet", "afters"]),
    (Course::Main, &["main", "mains", "main dish", "main course"]),
];
/// The most words of a dish's name.
const LONGEST_NAME: usize = 6;

fn begins(words: &[Word], place: usize, phrase: &[&str]) -> bool {
    phrase.iter().enumerate().all(|(more, word)| at(words, place + more).replace('\'', "") == word.replace('\'', ""))
}

/// The words that are kept out: for each denial its first word and the end of its clause, or of its list.
pub(super) fn denials(words: &[Word]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for place in 0..words.len() {
        if BOUND.iter().any(|phrase| begins(words, place, phrase)) {
            continue;
        }
        // "Not" and "no" right before a number or "more" are about sums.
        let Some(len) = DENY.iter().filter(|phrase| begins(words, place, phrase)).map(|phrase| phrase.len()).max()
        else {
            continue;
        };
        let from = place + len;
        if matches!(
            at(words, from),
            "more"
                | "too"
                | "over"
                | "sure"
                | "a"
                | "much"
                | "idea"
                | "problem"
                | "be"
                | "cost"
                | "exceed"
                | "go"
                | "spend"
                | "pay"
        ) && !(at(words, from) == "a" && matches!(at(words, place), "without" | "not"))
        {
            continue;
        }
        let clause = words[place].clause;
        let end = (from..words.len())
            .find(|at| {
                words[*at].clause != clause
                    || matches!(
                        words[*at].text.as_str(),
                        "with"
                            | "for"
                            | "under"
                            | "please"
                            | "we're"
                            | "we"
                            | "i"
                            | "must"
                            | "include"
                            | "including"
                            | "plus"
                    )
            })
            .unwrap_or(words.len());
        if from < end {
            found.push((from, end));
        }
    }
    found
}

/// Reads what must be in it, what must not, and how often.
pub(super) fn read(menu: &Menu, words: &[Word], numbers: &[Number], request: &mut Request) {
    let denied = denials(words);
    let is_denied = |place: usize| denied.iter().any(|(from, to)| (*from..*to).contains(&place));
    courses(words, &is_denied, request);
    let spans = named(menu, words);
    for span in &spans {
        let place = span.start;
        let said = text_of(&words[span.clone()]);
        let items = items_named(menu, &said);
        if is_denied(place) {
            request.must_not.extend(items_called(menu, &said));
        } else if let Some(most) = bound(words, place) {
            request.at_most.push(AtMost { items: items_called(menu, &said), most });
        } else if let [item] = items.as_slice() {
            let count = counted(words, numbers, place);
            request.must.push(Must { item: item.id.clone(), count });
        } else {
            wanted(&items, request);
        }
    }
    let categories: BTreeSet<&str> = menu.items.iter().map(|item| item.category.as_str()).collect();
    for (place, word) in words.iter().enumerate().filter(|(place, _)| is_denied(*place)) {
        let named = categories
            .iter()
            .find(|category| same(&word.text, category) && items_named(menu, at(words, place)).is_empty());
        if let Some(category) = named {
            request
                .must_not
                .extend(menu.items.iter().filter(|item| item.category == **category).map(|item| item.id.clone()));
        }
    }
    // "She doesn't like spicy": dishes that are called so. Allergens and whole names are read elsewhere.
    let elsewhere = |place: usize| {
        let word = plain(&words[place].text);
        let allergens = menu.items.iter().flat_map(|item| item.allergens.iter().flatten());
        DENY.iter().any(|phrase| phrase.contains(&word.as_str()))
            || spans.iter().any(|span| span.contains(&place))
            || allergens.into_iter().any(|name| plain(name) == word)
    };
    for (_, word) in words.iter().enumerate().filter(|(place, _)| is_denied(*place) && !elsewhere(*place)) {
        let called = menu.items.iter().filter(|item| is_called(item, &word.text)).map(|item| item.id.clone());
        request.must_not.extend(called);
    }
    // What is wanted by name needs no other of its course.
    for must in &request.must {
        match menu.item(&must.item).map(|item| item.course) {
            Some(Course::Drink) if !says(words, &["a drink", "drinks", "beverage"]) => request.drinks = 0,
            Some(Course::Side) if !says(words, &["a side", "sides"]) => request.sides = 0,
            _ => {}
        }
    }
}

/// Where dishes are named by name or alias: the longest name from each word on.
pub(super) fn named(menu: &Menu, words: &[Word]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut place = 0;
    while place < words.len() {
        let longest = (1..=LONGEST_NAME.min(words.len() - place)).rev().find(|len| {
            words[place].clause == words[place + len - 1].clause
                && !items_named(menu, &text_of(&words[place..place + len])).is_empty()
        });
        if let Some(len) = longest {
            found.push(place..place + len);
        }
        place += longest.unwrap_or(1);
    }
    found
}

fn text_of(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// "At most two …": the bound right before a name, where there is one.
fn bound(words: &[Word], place: usize) -> Option<u32> {
    let count = match before(words, place, 1) {
        "one" | "a" | "single" => 1,
        word => u32::try_from(crate::check::number(word)?).ok()?,
    };
    BOUND
        .iter()
        .any(|phrase| place.checked_sub(1 + phrase.len()).is_some_and(|from| begins(words, from, phrase)))
        .then_some(count.min(1_000))
}

/// How many of a dish: the number right before its name, or before "orders of".
fn counted(words: &[Word], numbers: &[Number], place: usize) -> u32 {
    let place = if before(words, place, 1) == "of"
        && matches!(
            before(words, place, 2),
            "orders" | "order" | "portions" | "portion" | "servings" | "plates" | "bowls" | "cups" | "bottles"
        ) {
        place - 2
    } else {
        place
    };
    let size = usize::from(matches!(before(words, place, 1), "large" | "small" | "medium" | "regular" | "big"));
    let end = place - size.min(place);
    numbers.iter().find(|number| number.end() == end).and_then(Number::count).unwrap_or(1).clamp(1, 1_000)
}

/// Courses that each person gets, and those left out.
fn courses(words: &[Word], is_denied: &dyn Fn(usize) -> bool, request: &mut Request) {
    for (course, names) in COURSES {
        let Some((place, _)) = super::words::find(words, names) else { continue };
        if is_denied(place) {
            request.courses_not.insert(course);
        } else {
            want(course, request);
        }
    }
    if says(
        words,
        &["full meal", "complete meal", "full meals", "whole meal", "full dinner", "the works", "three courses"],
    ) {
        (request.sides, request.drinks) = (1, 1);
    }
}

fn want(course: Course, request: &mut Request) {
    match course {
        Course::Drink => request.drinks = 1,
        Course::Side => request.sides = 1,
        Course::Dessert => request.desserts = 1,
        Course::Main | Course::Extra => {}
    }
}

/// A word that fits several dishes of one course asks for the course, not for all of them.
fn wanted(items: &[&Item], request: &mut Request) {
    let course = items[0].course;
    if items.iter().all(|item| item.course == course) {
        want(course, request);
    }
}

/// The items whose name or alias is this text.
fn items_named<'a>(menu: &'a Menu, said: &str) -> Vec<&'a Item> {
    menu.items.iter().filter(|item| names(item).any(|name| same(said, name))).collect()
}

/// The items that may be meant by a word: those with this name or alias, and those whose name or alias ends with it.
/// Where a guest keeps something out, every kind of it stays out.
fn items_called(menu: &Menu, said: &str) -> BTreeSet<ItemId> {
    let plain = plain(said);
    let ends = |name: &str| {
        let name = self::plain(name);
        name == plain || name.strip_suffix(plain.as_str()).is_some_and(|head| head.ends_with(' '))
    };
    if plain.is_empty() {
        return BTreeSet::new();
    }
    menu.items.iter().filter(|item| names(item).any(ends)).map(|item| item.id.clone()).collect()
}

/// Whether a word of substance stands in a dish's name or in an alias.
fn is_called(item: &Item, word: &str) -> bool {
    /// Shorter words, in bytes, say nothing of a taste.
    const SUBSTANCE: usize = 4;
    let word = plain(word);
    word.len() >= SUBSTANCE
        && names(item).flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).any(|other| plain(other) == word)
}

fn names(item: &Item) -> impl Iterator<Item = &str> {
    std::iter::once(item.name.as_str()).chain(item.aliases.iter().map(String::as_str))
}

fn same(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

/// Lower case without articles, hyphens and plural endings.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase().replace(['-', '\''], " ");
    let words = lower.split_whitespace().filter(|word| !matches!(*word, "the" | "a" | "an"));
    let singular = |word: &str| {
        let word = word.strip_suffix("ies").map(|stem| format!("{stem}y")).unwrap_or_else(|| word.to_owned());
        if word.len() > 3 && !word.ends_with("ss") { word.trim_end_matches('s').to_owned() } else { word }
    };
    words.map(singular).collect::<Vec<_>>().join(" ")
}
