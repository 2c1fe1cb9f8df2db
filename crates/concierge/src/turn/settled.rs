//! What plain words settle, whatever the router made of them: a question orders nothing, a number of dishes is no sum
//! of money, and one odd word is no complaint.

use super::{
    Scene, World, chat, grievances,
    wording::{plain_words, says},
};
use crate::{
    intent::Intent,
    order::Edit,
    route::Route,
    understand::{self, Form, Move},
};

/// Below this, a complaint needs words that complain.
const COMPLAINS: f32 = 0.5;

/// What a message, or a part of it, is about.
pub(super) fn intent(world: &World, scene: &Scene<'_, '_>, text: &str, route: &Route) -> Intent {
    let words = plain_words(text);
    let says = |phrases: &[&str]| says(&words, phrases);
    let complaining = scene.input.memory.complaint.is_some();
    // Whoever wants to speak to somebody of the house does not want to talk to the clerk about it.
    if grievances::asks_for(&words).is_some() {
        return Intent::Complaint;
    }
    if chat::asks_who(&words) {
        return Intent::Greeting;
    }
    let mut intent = route.intent;
    if reports_allergen(world, text, &words) {
        return Intent::Complaint;
    }
    if intent == Intent::Complaint && !complaining && states_allergy(world, text, &words) {
        return next_best(route);
    }
    if intent == Intent::Complaint
        && !complaining
        && route.confidence < COMPLAINS
        && grievances::kind_of(&words).is_none()
    {
        intent = next_best(route);
    }
    if !complaining && asks_to_be_told(world, scene, text, &words, intent) {
        return Intent::MenuQa;
    }
    if asks_day(&words) && matches!(intent, Intent::OffTopic | Intent::Greeting | Intent::Order | Intent::MenuQa) {
        return Intent::StoreInfo;
    }
    if corrects_or_counts(world, scene, text, &words, intent) || finishes(world, scene, text, intent) {
        return Intent::Order;
    }
    let asks_price = says(&["how much", "price", "prices", "cost", "costs", "cheapest", "most expensive"]);
    match intent {
        Intent::Order if asks_price && scene.need.is_none() => Intent::MenuQa,
        Intent::Budget if asks_price => {
            let wish = crate::planner::wish::read(&world.lexicon, &world.menu, text).request;
            let plans = wish.limit.is_some_and(|limit| limit.0 >= 500) && !says(&["how much", "price", "cost"]);
            if plans || wish.party > 1 { Intent::Budget } else { Intent::MenuQa }
        }
        Intent::Budget if !speaks_of_money(world, text, &words) && orders(world, text) => Intent::Order,
        Intent::Complaint if scene.input.cart.orders().is_empty() && !complaining => {
            let rule = says(&[
                "can i get",
                "can i have",
                "what if",
                "do you give",
                "what is your",
                "what's your",
                "is there a",
                "if the",
                "if my",
            ]);
            if rule && understand::slots(&world.lexicon, text).form != Form::Statement {
                Intent::StoreInfo
            } else {
                intent
            }
        }
        Intent::History if says(&["the last order"]) && says(&["time", "when", "until", "late"]) => Intent::StoreInfo,
        _ => intent,
    }
}

/// Whether words order plainly, whatever they sound like: a correction ("make it two"), a thing with its number ("10
/// dumplings"), a thing's full name and no question, or a change of what is in the cart.
fn corrects_or_counts(world: &World, scene: &Scene<'_, '_>, text: &str, words: &[String], intent: Intent) -> bool {
    let far = matches!(intent, Intent::OffTopic | Intent::StoreInfo | Intent::Greeting | Intent::Complaint);
    if !(far || intent == Intent::MenuQa) || scene.input.memory.complaint.is_some() {
        return false;
    }
    if understand::slots(&world.lexicon, text).form != Form::Statement || seeks(words) || words.len() > 25 {
        return false;
    }
    let context = super::heard::context(scene);
    let moves = understand::converse(&world.lexicon, text, &context);
    let unsure = |found: &Move| matches!(found, Move::Unknown(_) | Move::NotOrdered { .. } | Move::Ambiguous { .. });
    if moves.is_empty() || moves.iter().any(unsure) {
        return false;
    }
    let named = !world.mentions.items_in(text).is_empty();
    let counted = words.first().is_some_and(|word| {
        matches!(word.as_str(), "a" | "an")
            || word.bytes().all(|b| b.is_ascii_digit())
            || crate::check::number(word).is_some()
    });
    moves.iter().all(|found| match found {
        Move::Edit(Edit::Add { line }) => (counted && line.item.one().is_some()) || (far && named),
        Move::Edit(Edit::Clear | Edit::Place) => false,
        Move::Edit(_) => true,
        _ => false,
    })
}

/// "What about Sunday?", "and tomorrow?": a day and nothing else.
pub(super) fn asks_day(words: &[String]) -> bool {
    let days = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mondays",
        "tuesdays",
        "wednesdays",
        "thursdays",
        "fridays",
        "saturdays",
        "sundays",
        "tomorrow",
        "weekend",
        "weekends",
        "weekdays",
        "holidays",
    ];
    let lead =
        ["and", "what", "about", "how", "on", "the", "a", "at", "for", "in", "then", "ok", "also", "is", "it", "but"];
    let mut named = 0;
    let only = words.iter().all(|word| {
        let day = days.contains(&word.as_str());
        named += usize::from(day);
        day || lead.contains(&word.as_str())
    });
    only && (1..=2).contains(&named)
}

/// "That's all, thank you" with something on the order: thanks that end it.
fn finishes(world: &World, scene: &Scene<'_, '_>, text: &str, intent: Intent) -> bool {
    intent == Intent::Greeting
        && !scene.input.cart.is_empty()
        && scene.input.memory.complaint.is_none()
        && understand::converse(&world.lexicon, text, &super::heard::context(scene)).contains(&Move::Edit(Edit::Place))
}

/// Verbs that ask for words, not for food.
const TELLING: [&str; 9] = ["list", "show", "see", "compare", "describe", "explain", "recommend", "suggest", "tell"];

/// Whether a question about dishes is one bare verb.
pub(super) fn says_too_little(text: &str) -> bool {
    matches!(plain_words(text).as_slice(), [only] if ["compare", "describe", "explain", "tell", "list", "show"].contains(&only.as_str()))
}

/// Whether an allergy is stated and nothing told that went wrong: no complaint, whatever it sounds like.
fn states_allergy(world: &World, text: &str, words: &[String]) -> bool {
    let happened = [
        "had",
        "got",
        "was",
        "were",
        "came",
        "gave",
        "ate",
        "reaction",
        "refund",
        "asked",
        "told",
        "said",
        "ordered",
        "found",
        "there is",
        "there's",
        "there are",
    ];
    !understand::slots(&world.lexicon, text).allergies.is_empty()
        && grievances::kind_of(words).is_none()
        && !says(words, &happened)
}

/// Whether somebody was served what they are allergic to: too grave to be taken for a question about dishes.
fn reports_allergen(world: &World, text: &str, words: &[String]) -> bool {
    let served =
        ["there was", "there were", "i found", "we found", "was in my", "were in my", "in my food", "gave me", "i ate"];
    says(words, &served) && !understand::slots(&world.lexicon, text).allergies.is_empty()
}

/// The likeliest intent besides a complaint.
fn next_best(route: &Route) -> Intent {
    let others = Intent::ALL.into_iter().filter(|intent| *intent != Intent::Complaint);
    others.max_by(|a, b| route.scores[a.index()].total_cmp(&route.scores[b.index()])).unwrap_or(Intent::OffTopic)
}

/// Whether the guest wants to hear about dishes: "list the desserts", "what can I put on it", "something sweet".
fn asks_to_be_told(world: &World, scene: &Scene<'_, '_>, text: &str, words: &[String], intent: Intent) -> bool {
    let ordering = matches!(intent, Intent::Order | Intent::Remove | Intent::Cancel | Intent::Budget);
    if !(ordering || matches!(intent, Intent::StoreInfo | Intent::OffTopic | Intent::Complaint | Intent::History)) {
        return false;
    }
    // What was ordered is another matter.
    if says(
        words,
        &["my order", "my cart", "my basket", "my bill", "the bill", "so far", "did i", "have i", "do i have"],
    ) {
        return false;
    }
    // Where the house has asked something, a loose word answers it.
    let free = scene.need.is_none();
    if ordering && free && seeks(words) && world.mentions.items_in(text).is_empty() {
        return true;
    }
    let slots = understand::slots(&world.lexicon, text);
    if slots.items.is_empty() && slots.categories.is_empty() {
        return false;
    }
    let lead = [
        "please", "can", "could", "you", "would", "just", "hi", "hello", "hey", "ok", "and", "so", "then", "i", "we",
        "may", "let", "me",
    ];
    let first = words.iter().find(|word| !lead.contains(&word.as_str())).map_or("", String::as_str);
    if TELLING.contains(&first) {
        return true;
    }
    let wishes = says(words, &["how about", "what about", "how many", "how do i", "how long"]);
    let asked = matches!(first, "what" | "what's" | "whats" | "which") && slots.form == Form::Open && !wishes;
    asked && free && (ordering || !world.mentions.items_in(text).is_empty())
}

/// Whether something is sought without being named: "something spicy", "I'd like anything without meat".
pub(super) fn seeks(words: &[String]) -> bool {
    let lead = [
        "i",
        "we",
        "i'd",
        "we'd",
        "id",
        "i'll",
        "want",
        "need",
        "would",
        "like",
        "give",
        "get",
        "me",
        "us",
        "have",
        "can",
        "could",
        "you",
        "please",
        "to",
        "try",
        "eat",
        "order",
        "fancy",
        "for",
        "just",
        "maybe",
        "hmm",
        "um",
        "uh",
        "bring",
        "take",
        "some",
        "do",
        "is",
        "there",
        "got",
        "recommend",
        "suggest",
        "looking",
        "i'm",
        "im",
        "am",
        "feel",
        "in",
        "the",
        "mood",
        "with",
    ];
    words
        .iter()
        .find(|word| !lead.contains(&word.as_str()))
        .is_some_and(|word| matches!(word.as_str(), "something" | "anything" | "sth" | "smth"))
}

/// Whether words speak of a sum, or of feeding people.
fn speaks_of_money(world: &World, text: &str, words: &[String]) -> bool {
    let wish = crate::planner::wish::read(&world.lexicon, &world.menu, text);
    let money = [
        "budget",
        "spend",
        "spending",
        "money",
        "cash",
        "cheap",
        "cheaply",
        "cheaper",
        "afford",
        "affordable",
        "under",
        "below",
        "within",
        "maximum",
        "max",
        "at most",
        "no more than",
        "less than",
        "up to",
        "dollar",
        "dollars",
        "buck",
        "bucks",
        "euro",
        "euros",
        "pounds",
        "quid",
        "cents",
        "broke",
        "worth",
    ];
    text.contains(['$', '€', '£', '¥', '₹', '₩'])
        || says(words, &money)
        || wish.request.party > 1
        || wish.other_currency.is_some()
}

/// Whether the parser finds an order in the words, or a number that none can have.
fn orders(world: &World, text: &str) -> bool {
    let parsed = understand::parse(&world.lexicon, text);
    !parsed.lines.is_empty() || !parsed.problems.is_empty()
}
