//! Whether guests' questions find the record that answers them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod common;

use concierge::ports::{Filter, RecordType};

/// A question and the record it is about; where several answer it equally well, any of them counts.
const QUESTIONS: &[(RecordType, &str, &[&str])] = &[
    // The place
    (RecordType::Info, "somewhere to leave my car?", &["parking"]),
    (RecordType::Info, "is there a lot where I can put the pickup truck", &["parking"]),
    (RecordType::Info, "what's the wlan password", &["wifi"]),
    (RecordType::Info, "how do i get on the internet here", &["wifi"]),
    (RecordType::Info, "wen do u close", &["hours"]),
    (RecordType::Info, "are you still serving at a quarter past nine in the evening", &["hours"]),
    (RecordType::Info, "open on christmas day?", &["holidays"]),
    (RecordType::Info, "whats your adress", &["location", "directions"]),
    (RecordType::Info, "which bus brings me to you", &["directions"]),
    (RecordType::Info, "id like to ring you up, number please", &["contact"]),
    (RecordType::Info, "my soup was stone cold, I want my money back", &["refund"]),
    (RecordType::Info, "do you take amex", &["payment"]),
    (RecordType::Info, "can I settle with bitcoin", &["payment"]),
    (RecordType::Info, "is vat already in the prices", &["tax"]),
    (RecordType::Info, "can a rider bring it round to my flat", &["delivery"]),
    (RecordType::Info, "I'd rather take it with me than eat in", &["pickup"]),
    (RecordType::Info, "can we book a tabel for tonight", &["reservations"]),
    (RecordType::Info, "we are fifteen people from the office, is that ok", &["groups"]),
    (RecordType::Info, "have you got a seat for a toddler", &["kids"]),
    (RecordType::Info, "where can I change a nappy", &["kids", "restrooms"]),
    (RecordType::Info, "my mother uses a wheelchair, can she get in", &["accessibility"]),
    (RecordType::Info, "wheres the loo", &["restrooms"]),
    (RecordType::Info, "may I bring my labrador", &["pets"]),
    (RecordType::Info, "I can't have peanuts, how careful is the kitchen", &["allergens"]),
    (RecordType::Info, "is the meat blessed according to islamic rules", &["halal-kosher"]),
    (RecordType::Info, "a pint of lager please, do you have any", &["alcohol"]),
    (RecordType::Info, "can I light up on the terrace", &["smoking"]),
    (RecordType::Info, "I think I left my umbrela with you yesterday", &["lost-found"]),
    (RecordType::Info, "are you looking for waiters", &["jobs"]),
    (RecordType::Info, "do you sell vouchers as a present", &["gift-cards"]),
    (RecordType::Info, "any student discount", &["loyalty"]),
    (RecordType::Info, "it's my daughter's birthday, may we bring a cake", &["birthdays"]),
    (RecordType::Info, "my phone is nearly dead, where can I plug it in", &["charging"]),
    (RecordType::Info, "how much gratuity is usual", &["tipping"]),
    (RecordType::Info, "habla alguien espanol", &["languages"]),
    (RecordType::Info, "am I talking to a real person", &["about"]),
    (RecordType::Info, "what do you do with my personal information", &["privacy"]),
    (RecordType::Info, "i need an invoice for my employer", &["receipt"]),
    (RecordType::Info, "how many minutes until the food is ready", &["waiting"]),
    (RecordType::Info, "do you refill drinks", &["outside-food"]),
    // The menu
    (RecordType::Menu, "how much is the double stak", &["gemma-double-stack"]),
    (RecordType::Menu, "what's in your signature burger", &["gemma-classic"]),
    (RecordType::Menu, "something with fish", &["go-fish-burger"]),
    (RecordType::Menu, "anything really fiery", &["firewall-burger"]),
    (RecordType::Menu, "i want rashers on my burger", &["kilobyte-bacon-burger"]),
    (RecordType::Menu, "a burger with no animal products", &["silicon-valley-vege", "root-beet-burger"]),
    (RecordType::Menu, "beetroot", &["root-beet-burger"]),
    (RecordType::Menu, "are the curly chips seasoned", &["python-fries"]),
    (RecordType::Menu, "oinon rings", &["token-rings"]),
    (RecordType::Menu, "pasta with cheese", &["mac-and-cache"]),
    (RecordType::Menu, "cabbage salad", &["raw-data-slaw"]),
    (RecordType::Menu, "salad with anchovies and croutons", &["caesar-cipher-salad"]),
    (RecordType::Menu, "strawbery milkshake", &["neural-shake"]),
    (RecordType::Menu, "shake without dairy", &["open-source-banana-shake"]),
    (RecordType::Menu, "a fizzy drink without sugar", &["null-sugar-cola"]),
    (RecordType::Menu, "i need caffeine, something hot", &["java-coffee"]),
    (RecordType::Menu, "sparkling water", &["clear-cache-water"]),
    (RecordType::Menu, "warm biscuit with chocolate", &["session-cookie"]),
    (RecordType::Menu, "does the brownie have nuts", &["byte-size-brownie"]),
    (RecordType::Menu, "a scoop of vanilla to end with", &["soft-server-ice-cream"]),
    (RecordType::Menu, "poultry, but not fried", &["gradient-grilled-chicken"]),
    (RecordType::Menu, "something small for my five year old", &["little-byte-burger", "grilled-cheese-packet"]),
    (RecordType::Menu, "chiken wngs", &["widget-wings"]),
    (RecordType::Menu, "what pie do you have this season", &["beta-release-pie"]),
];

/// How many questions have their record among the first three; prints those that don't.
fn in_top_three(filter: impl Fn(RecordType) -> Filter) -> usize {
    let (index, _dir) = common::full_index();
    let found = |(record_type, question, ids): &&(RecordType, &str, &[&str])| {
        let hits = common::search(&index, question, filter(*record_type), 3);
        let found = hits.iter().any(|hit| hit.record_type == *record_type && ids.contains(&hit.id.as_str()));
        if !found {
            let got: Vec<_> = hits.iter().map(|hit| format!("{} {:.2}", hit.id, hit.score)).collect();
            eprintln!("{question:?} is about {ids:?} and found {got:?}");
        }
        found
    };
    QUESTIONS.iter().filter(found).count()
}

#[test]
fn questions_find_their_record_among_all() {
    let right = in_top_three(|_| Filter::default());
    eprintln!("{right} of {} without a filter", QUESTIONS.len());
    assert!(right * 60 >= 57 * QUESTIONS.len(), "{right} of {}", QUESTIONS.len());
}

#[test]
fn questions_find_their_record_within_its_type() {
    let right = in_top_three(|record_type| Filter { record_type: Some(record_type), ..Filter::default() });
    eprintln!("{right} of {} within the type", QUESTIONS.len());
    assert!(right * 60 >= 58 * QUESTIONS.len(), "{right} of {}", QUESTIONS.len());
}
