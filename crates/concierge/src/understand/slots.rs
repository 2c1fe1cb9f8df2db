//! What else an utterance says: how many people, which diets, which allergies, what it asks about.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Lexicon;
use super::lattice::{self, Kind, fits};
use super::numbers;
use super::tokens::{Token, stem, tokenize};
use crate::menu::ItemId;

/// What an utterance says besides an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Slots {
    /// How many people are to be fed.
    pub party: Option<u32>,
    /// Diets asked for, in the menu's own words where it has them.
    pub diets: BTreeSet<String>,
    /// Allergens that a guest says to avoid, in the menu's own words where it has them.
    pub allergies: BTreeSet<String>,
    /// Items named, in the order they are named.
    pub items: Vec<ItemId>,
    /// Headings of the menu named.
    pub categories: Vec<String>,
    /// How it is asked.
    pub form: Form,
}

/// The form of an utterance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// No question.
    #[default]
    Statement,
    /// "Can I get …": an order in a question's clothes.
    Request,
    /// "What", "which", "how much".
    Open,
    /// "Is it", "do you have".
    YesNo,
}

/// Diets as English says them: the name, then how else it is said.
const DIETS: &[(&str, &[&str])] = &[
    ("vegan", &["vegan", "vegans", "plant based", "no animal products", "dont eat animal products"]),
    (
        "vegetarian",
        &[
            "vegetarian",
            "vegetarians",
            "veggie option",
            "veggie options",
            "dont eat meat",
            "doesnt eat meat",
            "do not eat meat",
            "no meat",
            "meat free",
            "meatless",
            "without meat",
            "not eat meat",
        ],
    ),
    ("gluten-free", &["gluten free", "glutenfree", "no gluten", "without gluten", "celiac", "coeliac"]),
    ("dairy-free", &["dairy free", "no dairy", "without dairy", "lactose free"]),
    ("halal", &["halal"]),
    ("kosher", &["kosher"]),
    ("pescatarian", &["pescatarian", "pescetarian"]),
    ("keto", &["keto", "ketogenic", "low carb"]),
    ("nut-free", &["nut free"]),
];

/// Allergens as English says them: the usual name, then words that mean it or hold it.
const ALLERGENS: &[(&str, &[&str])] = &[
    ("milk", &["milk", "dairy", "lactose", "cheese", "cream", "butter", "casein", "whey"]),
    ("gluten", &["gluten", "wheat", "barley", "rye", "celiac", "coeliac", "flour"]),
    ("egg", &["egg", "eggs"]),
    ("peanut", &["peanut", "peanuts", "groundnut", "groundnuts"]),
    (
        "nuts",
        &[
            "nut",
            "nuts",
            "tree nut",
            "tree nuts",
            "almond",
            "almonds",
            "walnut",
            "walnuts",
            "cashew",
            "cashews",
            "hazelnut",
            "hazelnuts",
            "pistachio",
            "pistachios",
            "pecan",
            "pecans",
        ],
    ),
    ("soy", &["soy", "soya", "soybean", "soybeans"]),
    ("fish", &["fish"]),
    (
        "shellfish",
        &[
            "shellfish",
            "shrimp",
            "shrimps",
            "prawn",
            "prawns",
            "crab",
            "lobster",
            "crustacean",
            "crustaceans",
            "seafood",
        ],
    ),
    ("molluscs", &["mollusc", "molluscs", "mussel", "mussels", "oyster", "oysters", "clam", "clams", "squid"]),
    ("sesame", &["sesame", "tahini"]),
    ("mustard", &["mustard"]),
    ("celery", &["celery", "celeriac"]),
    ("lupin", &["lupin", "lupine"]),
    ("sulphites", &["sulphite", "sulphites", "sulfite", "sulfites"]),
];

/// Words that turn a substance into an allergy: before it, or after it.
const BEFORE: &[&str] = &[
    "allergic to",
    "allergy to",
    "allergies to",
    "intolerant to",
    "intolerance to",
    "sensitive to",
    "cant have",
    "cannot have",
    "cant eat",
    "cannot eat",
    "not allowed",
    "react to",
    "reaction to",
    "reacts to",
    "intolerant of",
    "cant tolerate",
    "must avoid",
    "have to avoid",
    "has to avoid",
    "need to avoid",
    "allergic against",
    "not eat any",
    "cant do",
    "cant drink",
    "cannot drink",
    "cant digest",
];
const AFTER: &[&str] = &["allergy", "allergies", "allergic", "intolerant", "intolerance", "sensitivity"];

/// Reads what an utterance says besides an order.
#[must_use]
pub fn slots(lexicon: &Lexicon, text: &str) -> Slots {
    let tokens = tokenize(text);
    let mut slots = Slots {
        party: party(&tokens),
        diets: diets_in(lexicon, &tokens),
        allergies: allergies_in(lexicon, &tokens),
        form: form(&tokens, text),
        ..Slots::default()
    };
    items(lexicon, &tokens, &mut slots);
    categories(lexicon, &tokens, &mut slots);
    slots
}

fn joined(tokens: &[Token]) -> String {
    let mut text = String::with_capacity(tokens.len() * 6 + 2);
    text.push(' ');
    for token in tokens {
        text.push_str(&token.text);
        text.push(' ');
    }
    text
}

fn contains(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, _)| text[..at].ends_with(' ') && text[at + phrase.len()..].starts_with(' '))
}

/// "For four people", "party of six", "there are five of us", "my wife and I" is left to the planner.
fn party(tokens: &[Token]) -> Option<u32> {
    for at in 0..tokens.len() {
        let Some(number) = numbers::read(&tokens[at..]).filter(|number| !number.after) else { continue };
        let Some(value) = number.value else { continue };
        let word = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |token| token.text.as_str());
        let after = word(Some(at + number.len));
        let (one, two) = (word(at.checked_sub(1)), word(at.checked_sub(2)));
        let people = matches!(
            after,
            "people"
                | "persons"
                | "person"
                | "guests"
                | "guest"
                | "adults"
                | "friends"
                | "kids"
                | "children"
                | "folks"
                | "mouths"
                | "diners"
                | "pax"
                | "heads"
        );
        let of_us = after == "of" && matches!(word(Some(at + number.len + 1)), "us" | "them" | "you");
        let party_of = one == "of" && matches!(two, "party" | "group" | "table" | "family" | "team" | "crowd");
        let feeds =
            matches!(one, "feed" | "feeds" | "serve" | "serves") || (matches!(one, "are" | "were") && after.is_empty());
        let meal_for = one == "for"
            && matches!(
                two,
                "dinner"
                    | "lunch"
                    | "breakfast"
                    | "meal"
                    | "food"
                    | "table"
                    | "enough"
                    | "menu"
                    | "order"
                    | "something"
            );
        if people || of_us || party_of || feeds || meal_for {
            return Some(value);
        }
    }
    None
}

/// The menu's name of a diet or allergen, or the usual one.
fn own_name(names: &BTreeSet<&str>, usual: &str, words: &[&str]) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], " ");
    names
        .iter()
        .find(|name| plain(name) == plain(usual))
        .or_else(|| {
            names.iter().find(|name| {
                let name = plain(name);
                words.iter().any(|word| *word == name || stem(word) == stem(&name))
            })
        })
        .map(|name| (*name).to_owned())
}

pub(crate) fn diets_in(lexicon: &Lexicon, tokens: &[Token]) -> BTreeSet<String> {
    let text = joined(tokens);
    let names: BTreeSet<&str> =
        lexicon.menu().items.iter().filter_map(|item| item.diets.as_ref()).flatten().map(String::as_str).collect();
    let mut found = BTreeSet::new();
    for (usual, phrases) in DIETS {
        if phrases.iter().any(|phrase| contains(&text, phrase)) {
            found.insert(own_name(&names, usual, phrases).unwrap_or_else(|| (*usual).to_owned()));
        }
    }
    let plain = |name: &&str| contains(&text, &name.to_lowercase().replace(['-', '_'], " "));
    found.extend(names.iter().filter(|name| plain(name)).map(|name| (*name).to_owned()));
    found
}

fn allergies_in(lexicon: &Lexicon, tokens: &[Token]) -> BTreeSet<String> {
    let names = allergen_names(lexicon);
    let mut found = BTreeSet::new();
    for at in 0..tokens.len() {
        for (name, len) in substances(&names, &tokens[at..]) {
            if stated(tokens, at, at + len) {
                found.insert(name);
            }
        }
    }
    let text = joined(tokens);
    if (contains(&text, "celiac") || contains(&text, "coeliac"))
        && let Some((usual, words)) = ALLERGENS.iter().find(|(_, words)| words.contains(&"celiac"))
    {
        found.insert(own_name(&names, usual, words).unwrap_or_else(|| (*usual).to_owned()));
    }
    found
}

/// Allergens that the words begin with, and how many words name them.
fn substances(names: &BTreeSet<&str>, tokens: &[Token]) -> Vec<(String, usize)> {
    let begins = |phrase: &str| {
        let words = tokenize(phrase);
        (!words.is_empty() && words.len() <= tokens.len() && words.iter().zip(tokens).all(|(a, b)| a.stem == b.stem))
            .then_some(words.len())
    };
    let mut found = Vec::new();
    for (usual, words) in ALLERGENS {
        if let Some(len) = words.iter().filter_map(|word| begins(word)).max() {
            found.push((own_name(names, usual, words).unwrap_or_else(|| (*usual).to_owned()), len));
        }
    }
    for name in names {
        if let Some(len) = begins(name).filter(|_| found.iter().all(|(known, _)| known != name)) {
            found.push(((*name).to_owned(), len));
        }
    }
    found
}

/// Whether words between `from` and `to` are said to be avoided by somebody, not only left out of a dish.
fn stated(tokens: &[Token], from: usize, to: usize) -> bool {
    let text = |tokens: &[Token]| tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
    let tail = text(&tokens[to..tokens.len().min(to + 3)]);
    let head = tail.split(' ').next().unwrap_or("");
    if AFTER.contains(&head) || AFTER.iter().any(|word| tail.ends_with(&format!("or {word}"))) {
        return true;
    }
    // The nearest such words before, with only a list between: "allergic to milk, eggs and nuts".
    let start = from.saturating_sub(12);
    let before = text(&tokens[start..from]);
    let Some((at, phrase)) = BEFORE.iter().filter_map(|phrase| before.rfind(phrase).map(|at| (at, phrase))).max()
    else {
        return false;
    };
    let between = before[at + phrase.len()..].trim();
    between.split_whitespace().all(|word| {
        matches!(word, "and" | "or" | "any" | "the" | "all" | "also" | "to" | "a" | "some" | "either" | "nor")
            || ALLERGENS
                .iter()
                .any(|(_, words)| words.iter().any(|known| known.split(' ').any(|known| stem(known) == stem(word))))
    })
}

fn form(tokens: &[Token], text: &str) -> Form {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let first = tokens
        .iter()
        .position(|token| {
            !super::cues::is_polite(&token.text) || matches!(token.text.as_str(), "can" | "could" | "would")
        })
        .unwrap_or(0);
    match (word(first), word(first + 1), word(first + 2)) {
        ("can" | "could" | "may", "i" | "we", "get" | "have" | "order" | "please" | "also" | "take")
        | ("can" | "could" | "would", "you", "get" | "give" | "bring" | "make" | "please" | "add") => Form::Request,
        ("what" | "which" | "how" | "where" | "when" | "who" | "why" | "whats" | "wheres" | "hows" | "whose", ..) => {
            Form::Open
        }
        (
            "is" | "are" | "do" | "does" | "did" | "can" | "could" | "would" | "will" | "has" | "have" | "any" | "am"
            | "isnt" | "arent" | "dont" | "doesnt",
            ..,
        ) => Form::YesNo,
        _ if text.trim_end().ends_with('?') => Form::YesNo,
        _ => Form::Statement,
    }
}

fn items(lexicon: &Lexicon, tokens: &[Token], slots: &mut Slots) {
    let lattice = lattice::build(lexicon, tokens);
    let mut at = 0;
    while at < tokens.len() {
        let edges = &lattice.edges[lattice.starts[at]..lattice.starts[at + 1]];
        let best =
            edges.iter().filter(|edge| matches!(edge.kind, Kind::Items(_))).max_by(|a, b| a.score.total_cmp(&b.score));
        let other = edges
            .iter()
            .filter(|edge| matches!(edge.kind, Kind::Choices(_) | Kind::Mark(_)))
            .map(|edge| edge.score)
            .fold(0.0, f32::max);
        let Some(edge) = best.filter(|edge| edge.score >= other && edge.score > 0.0) else {
            at += 1;
            continue;
        };
        if let Kind::Items(found) = &edge.kind {
            let top = found.first().map_or(0.0, |item| item.1);
            for (item, _) in found.iter().filter(|(_, quality)| fits(*quality, top)) {
                let id = &lexicon.item(*item).id;
                if !slots.items.contains(id) {
                    slots.items.push(id.clone());
                }
            }
        }
        at = edge.to;
    }
}

fn categories(lexicon: &Lexicon, tokens: &[Token], slots: &mut Slots) {
    for item in &lexicon.menu().items {
        if slots.categories.contains(&item.category) {
            continue;
        }
        let words = tokenize(&item.category);
        let said = tokens
            .windows(words.len().max(1))
            .any(|window| !words.is_empty() && window.iter().zip(&words).all(|(a, b)| a.stem == b.stem));
        if said {
            slots.categories.push(item.category.clone());
        }
    }
}

/// The allergens that a text names, whatever it says of them, in the menu's own words where it has them.
#[must_use]
pub fn allergens_named(lexicon: &Lexicon, text: &str) -> BTreeSet<String> {
    let tokens = tokenize(text);
    let names = allergen_names(lexicon);
    (0..tokens.len()).flat_map(|at| substances(&names, &tokens[at..])).map(|(name, _)| name).collect()
}

/// The allergens that the menu speaks of.
fn allergen_names(lexicon: &Lexicon) -> BTreeSet<&str> {
    let menu = lexicon.menu();
    let choices =
        menu.option_groups.iter().flat_map(|group| &group.choices).filter_map(|choice| choice.allergens.as_ref());
    menu.items.iter().filter_map(|item| item.allergens.as_ref()).chain(choices).flatten().map(String::as_str).collect()
}
