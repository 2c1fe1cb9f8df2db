//! From a guest's words to a [`Request`]: the sum, the party, what each gets, and what is best.

use super::{Diner, MAX_PARTY, Objective, Request};
use crate::{
    check::number,
    menu::{Course, Menu},
    money::Cents,
    understand::{self, Lexicon},
};

/// A wish as read, with what is peculiar about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What to plan.
    pub request: Request,
    /// A currency named that is not the menu's.
    pub other_currency: Option<String>,
}

/// Signs and words of currencies, with their codes.
const CURRENCIES: [(&str, &[&str]); 9] = [
    ("USD", &["$", "dollar", "dollars", "buck", "bucks", "usd"]),
    ("EUR", &["€", "euro", "euros", "eur"]),
    ("GBP", &["£", "pound", "pounds", "quid", "gbp"]),
    ("JPY", &["¥", "yen", "jpy"]),
    ("KRW", &["₩", "won", "krw"]),
    ("CNY", &["yuan", "rmb", "cny"]),
    ("INR", &["₹", "rupee", "rupees", "inr"]),
    ("MXN", &["peso", "pesos", "mxn"]),
    ("CHF", &["franc", "francs", "chf"]),
];

/// Words that stand before a sum.
const BEFORE_SUM: [&str; 24] = [
    "under", "below", "within", "than", "max", "maximum", "most", "budget", "spend", "spending", "have", "only",
    "around", "about", "got", "exactly", "to", "limit", "of", "is", "for", "up", "got", "cost",
];

/// Reads a wish. The amounts and numbers are taken as they stand; [`super::plan`] says what is out of bounds.
#[must_use]
pub fn read(lexicon: &Lexicon, menu: &Menu, text: &str) -> Wish {
    let words = tokens(text);
    let mut request = Request::default();
    let mut other_currency = None;
    let (sums, counts) = numbers(&words, menu.currency.code());
    let party = party(&words, &counts).or_else(|| understand::slots(lexicon, text).party);
    request.party = party.unwrap_or(1);
    // Of two sums ("between 20 and 30") the higher one is the limit.
    if let Some(sum) = sums.iter().max_by_key(|sum| sum.cents.0) {
        let each = phrase(
            &words,
            &["each", "per person", "a head", "per head", "apiece", "a person", "everyone has", "everybody has"],
        );
        let times = if each && party.is_some() { i64::from(request.party.clamp(1, MAX_PARTY)) } else { 1 };
        request.limit = Some(Cents(sum.cents.0.saturating_mul(times)));
        other_currency = sum.currency.filter(|code| *code != menu.currency.code()).map(str::to_owned);
    }
    request.before_tax = phrase(&words, &["before tax", "without tax", "plus tax", "excluding tax"]);
    request.objective = objective(&words, request.limit.is_some());
    wants(&words, &mut request);
    diners(lexicon, &words, text, &mut request);
    items(lexicon, menu, text, &mut request);
    Wish { request, other_currency }
}

fn objective(words: &[String], limit: bool) -> Objective {
    if phrase(
        words,
        &[
            "cheapest",
            "as cheap as possible",
            "least money",
            "as little as possible",
            "cheap as",
            "minimum",
            "lowest price",
        ],
    ) {
        Objective::Cheapest
    } else if phrase(
        words,
        &["as many people", "as many of us", "feed as many", "feed the most", "how many people", "how many of us"],
    ) {
        Objective::Feed
    } else if phrase(
        words,
        &["best", "popular", "favorite", "favourite", "favorites", "favourites", "tastiest", "most liked"],
    ) {
        Objective::Best
    } else if !limit
        && phrase(
            words,
            &["cheap", "budget", "inexpensive", "affordable", "broke", "not much money", "little money", "low cost"],
        )
    {
        Objective::Cheapest
    } else {
        Objective::Fill
    }
}

/// Sides, drinks and desserts for each, and courses left out.
fn wants(words: &[String], request: &mut Request) {
    let courses: [(&[&str], Course); 3] = [
        (
            &[
                "drink",
                "drinks",
                "beverage",
                "beverages",
                "shake",
                "shakes",
                "soda",
                "sodas",
                "something to drink",
                "thirsty",
            ],
            Course::Drink,
        ),
        (&["side", "sides", "fries", "starter", "starters"], Course::Side),
        (&["dessert", "desserts", "sweet", "sweets", "something sweet"], Course::Dessert),
    ];
    for (names, course) in courses {
        let denied = names.iter().any(|name| {
            phrase(
                words,
                &[
                    &format!("no {name}"),
                    &format!("without {name}"),
                    &format!("without a {name}"),
                    &format!("don't want {name}"),
                    &format!("without any {name}"),
                    &format!("skip the {name}"),
                    &format!("skip {name}"),
                    &format!("don't need {name}"),
                ],
            )
        });
        if denied {
            request.courses_not.insert(course);
        } else if phrase(words, names) {
            match course {
                Course::Drink => request.drinks = 1,
                Course::Side => request.sides = 1,
                _ => request.desserts = 1,
            }
        }
    }
    if phrase(
        words,
        &[
            "full meal",
            "complete meal",
            "full meals",
            "whole meal",
            "full dinner",
            "burger fries and a drink",
            "main side and drink",
        ],
    ) {
        (request.sides, request.drinks) = (1, 1);
    }
}

/// "Two vegans", "one of us is vegan", or a diet for all.
fn diners(lexicon: &Lexicon, words: &[String], text: &str, request: &mut Request) {
    let slots = understand::slots(lexicon, text);
    if slots.diets.is_empty() && slots.allergies.is_empty() {
        return;
    }
    let party = request.party.clamp(1, MAX_PARTY) as usize;
    let count_of = |diet: &str| -> usize {
        let stem = diet.trim_end_matches('s');
        let at = words
            .iter()
            .position(|word| word.trim_end_matches('s') == stem || word.replace('-', " ").starts_with(stem));
        let near = at.map(|at| &words[at.saturating_sub(4)..at]).unwrap_or(&[]);
        let counted = near.iter().rev().find_map(|word| small_number(word));
        let one = phrase(
            near,
            &[
                "one of",
                "my friend",
                "my wife",
                "my husband",
                "my son",
                "my daughter",
                "my girlfriend",
                "my boyfriend",
                "my partner",
                "my mom",
                "my dad",
                "a",
            ],
        );
        match counted {
            Some(count) => (count as usize).min(party),
            None if one && party > 1 => 1,
            None => party,
        }
    };
    let mut diners: Vec<Diner> = Vec::new();
    for diet in &slots.diets {
        let count = count_of(diet);
        // Different diets are different people where there is room for them, and one person's where there is not.
        let room = party.saturating_sub(diners.len());
        if count <= room {
            diners.extend(std::iter::repeat_n(Diner { diets: [diet.clone()].into(), ..Diner::default() }, count));
        } else {
            diners.resize(diners.len().max(count).min(party), Diner::default());
            for diner in diners.iter_mut().take(count) {
                diner.diets.insert(diet.clone());
            }
        }
    }
    // An allergy is kept for everybody: dishes are shared.
    if !slots.allergies.is_empty() {
        diners.resize(party, Diner::default());
        for diner in &mut diners {
            diner.allergens.extend(slots.allergies.iter().cloned());
        }
    }
    request.diners = diners;
}

/// Items named must be in it, or must not.
fn items(lexicon: &Lexicon, menu: &Menu, text: &str, request: &mut Request) {
    for id in understand::slots(lexicon, text).items {
        let Some(item) = menu.item(&id) else { continue };
        // A word such as "fries" or "shake" that fits several dishes asks for a course, not for all of them.
        let named = crate::check::index(menu).items_in(text);
        if !named.iter().any(|ids| ids.len() == 1 && ids[0] == id) {
            continue;
        }
        let lower = text.to_lowercase();
        let name = item
            .aliases
            .iter()
            .chain(std::iter::once(&item.name))
            .map(|name| name.to_lowercase())
            .filter(|name| lower.contains(name.as_str()))
            .max_by_key(String::len);
        let before = name.and_then(|name| lower.find(&name)).map(|at| tokens(&lower[..at])).unwrap_or_default();
        let near = &before[before.len().saturating_sub(3)..];
        if near.iter().any(|word| matches!(word.as_str(), "no" | "without" | "not" | "except" | "don't" | "skip")) {
            request.must_not.insert(id);
        } else {
            let count = near.last().and_then(|word| small_number(word)).unwrap_or(1);
            request.must.push((id, count));
        }
        match item.course {
            Course::Drink if request.drinks == 1 => request.drinks = 0,
            Course::Side if request.sides == 1 => request.sides = 0,
            _ => {}
        }
    }
}

/// A sum of money in the text.
struct Sum {
    cents: Cents,
    currency: Option<&'static str>,
}

/// Numbers that are sums, and the others with their places.
fn numbers(words: &[String], own: &str) -> (Vec<Sum>, Vec<(usize, u32)>) {
    let (mut sums, mut counts) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < words.len() {
        let Some((cents, sign, length)) = amount(&words[at..]) else {
            at += 1;
            continue;
        };
        let next = words.get(at + length).map_or("", String::as_str);
        let before = at.checked_sub(1).map_or("", |before| words[before].as_str());
        let code = |word: &str| CURRENCIES.into_iter().find(|(_, names)| names.contains(&word)).map(|(code, _)| code);
        let currency = sign.and_then(|sign| code(&sign.to_string())).or_else(|| code(next)).or_else(|| code(before));
        let people = matches!(
            next,
            "people"
                | "persons"
                | "guests"
                | "adults"
                | "kids"
                | "children"
                | "friends"
                | "of"
                | "vegans"
                | "vegetarians"
                | "vegan"
                | "vegetarian"
        );
        let cents_word = matches!(next, "cent" | "cents");
        if cents_word {
            sums.push(Sum { cents: Cents(cents.0 / 100), currency: Some(if own == "EUR" { "EUR" } else { "USD" }) });
        } else if currency.is_some() {
            sums.push(Sum { cents, currency });
        } else if !people
            && ((cents.0 % 100 != 0 || cents.0 >= 1_000 || cents.0 <= 0) && BEFORE_SUM.contains(&before)
                || cents.0 >= 1_500 && sums.is_empty())
        {
            sums.push(Sum { cents, currency: None });
        } else if cents.0 % 100 == 0 {
            counts.push((at, u32::try_from(cents.0 / 100).unwrap_or(u32::MAX)));
        }
        at += length;
    }
    (sums, counts)
}

/// An amount at the start of the words: digits, or number words such as "a hundred and twenty".
fn amount(words: &[String]) -> Option<(Cents, Option<char>, usize)> {
    let first = words.first()?;
    let negative = first.starts_with('-');
    let bare = first.trim_start_matches('-');
    let sign = bare.chars().next().filter(|c| "$€£¥₩₹".contains(*c));
    let digits = bare.trim_start_matches(['$', '€', '£', '¥', '₩', '₹', '-']).replace(',', "");
    let tail = digits.trim_end_matches(['$', '€', '£']);
    let sign = sign.or_else(|| digits.chars().last().filter(|c| "$€£".contains(*c)));
    if tail.starts_with(|c: char| c.is_ascii_digit()) {
        // A number too long for money is still a sum: far too much.
        let cents = Cents::parse(tail).unwrap_or(if tail.bytes().all(|b| b.is_ascii_digit()) {
            Cents(Cents::MAX_ABS)
        } else {
            return None;
        });
        return Some((if negative { -cents } else { cents }, sign, 1));
    }
    let (mut value, mut length, mut any) = (0_u64, 0, false);
    let mut here = words.iter();
    while let Some(word) = here.next() {
        let small = if word == "zero" {
            Some(0)
        } else if word == "one" {
            Some(1)
        } else {
            number(word)
        };
        match word.as_str() {
            "a" if !any && here.clone().next().is_some_and(|next| matches!(next.as_str(), "hundred" | "thousand")) => {
                value = 1
            }
            "hundred" if any || value == 1 => value = value.max(1).saturating_mul(100),
            "thousand" if any || value == 1 => value = value.max(1).saturating_mul(1_000),
            "and" if any && value >= 100 && here.clone().next().is_some_and(|next| number(next).is_some()) => {}
            "dozen" if any => value = value.saturating_mul(12),
            _ => match small {
                Some(small) if !any || (value >= 20 && small < 10 && value % 10 == 0) || value % 100 == 0 => {
                    value += small
                }
                _ => break,
            },
        }
        any = true;
        length += 1;
    }
    let cents = i64::try_from(value.min(10_000_000)).ok()? * 100;
    any.then_some((Cents(cents), None, length))
}

/// How many people: "for three", "three of us", "my wife and I", "a couple".
fn party(words: &[String], counts: &[(usize, u32)]) -> Option<u32> {
    for (at, count) in counts {
        let before = at.checked_sub(1).map_or("", |at| words[at].as_str());
        let next = words.get(at + 1).map_or("", String::as_str);
        let after_next = words.get(at + 2).map_or("", String::as_str);
        let people = matches!(
            next,
            "people" | "persons" | "guests" | "adults" | "kids" | "children" | "friends" | "mouths" | "hungry"
        );
        let of_us = next == "of" && matches!(after_next, "us" | "them");
        if people
            || of_us
            || matches!(before, "for" | "are" | "we're" | "feed" | "feeding" | "party")
            || (before == "of"
                && at
                    .checked_sub(2)
                    .is_some_and(|at| matches!(words[at].as_str(), "party" | "group" | "family" | "team")))
        {
            return Some(*count);
        }
    }
    let pairs = [
        "my wife and i",
        "my husband and i",
        "me and my wife",
        "me and my husband",
        "me and my friend",
        "my friend and i",
        "me and my girlfriend",
        "me and my boyfriend",
        "the two of us",
        "both of us",
        "for two",
        "date night",
        "my girlfriend and i",
        "my boyfriend and i",
        "us two",
        "a couple",
    ];
    if phrase(words, &pairs) {
        return Some(2);
    }
    phrase(words, &["for me", "for myself", "just me", "for one", "alone"]).then_some(1)
}

fn small_number(word: &str) -> Option<u32> {
    if word == "one" {
        Some(1)
    } else {
        number(word).and_then(|count| u32::try_from(count).ok()).filter(|count| *count <= 100)
    }
}

fn tokens(text: &str) -> Vec<String> {
    text.to_lowercase()
        .replace(['’', '‘'], "'")
        .split(|c: char| c.is_whitespace() || matches!(c, '?' | '!' | ';' | ':' | '(' | ')' | '"' | '/'))
        .map(|word| word.trim_matches(|c: char| matches!(c, ',' | '.' | '\'' | '~')).to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

fn phrase(words: &[String], phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        words.windows(phrase.len()).any(|window| window.iter().zip(&phrase).all(|(word, wanted)| word == wanted))
    })
}
