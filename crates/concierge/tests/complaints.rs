//! Complaints from the first word to what is recorded: what is asked, what is offered, and when a person comes.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod house;

use concierge::{
    brief::Act,
    intent::AgentName,
    ledger::{ComplaintKind, RemedyKind},
    turn::Decision,
};
use house::{Guest, House};

/// What a guest says, the act of the answer's last step, and words that the answer holds (`!word`: does not).
type Say<'a> = (&'a str, Act, &'a [&'a str]);

const ORDERED: [&str; 4] = ["a gemma classic and regular python fries", "that's all", "no", "yes"];

/// Has a guest order and complain; returns the guest and the last decision.
#[track_caller]
fn talk<'a>(house: &'a House, ordered: bool, said: &[Say<'_>]) -> (Guest<'a>, Decision) {
    let mut guest = house.guest();
    if ordered {
        ORDERED.iter().for_each(|text| drop(guest.say(text)));
        assert_eq!(guest.cart.orders().len(), 1);
    }
    let mut last = None;
    for (text, act, words) in said {
        let decision = guest.say(text);
        let plain = decision.brief.plain();
        assert_eq!(decision.brief.steps.last().unwrap().act, *act, "{text}: {plain}");
        for word in *words {
            match word.strip_prefix('!') {
                Some(word) => assert!(!plain.contains(word), "{text} is answered with {word}: {plain}"),
                None => assert!(plain.contains(word), "{text} is not answered with {word}: {plain}"),
            }
        }
        last = Some(decision);
    }
    (guest, last.unwrap())
}

#[test]
fn cold_food_is_refunded_as_the_policy_has_it() {
    let house = House::shipped();
    let said: [Say<'_>; 3] = [
        ("my food was cold", Act::AskComplaint, &["The Gemma Classic", "Python Fries", "sorry"]),
        ("the classic", Act::OfferRemedy, &["refund The Gemma Classic", "or we make", "Which do you prefer?"]),
        ("the refund please", Act::ConfirmRemedy, &["It is recorded: we refund"]),
    ];
    let (guest, decision) = talk(&house, true, &said);
    assert_eq!(decision.brief.agent, AgentName::Gordon);
    let granted = guest.cart.remedies();
    assert_eq!(granted.len(), 1);
    assert_eq!(granted[0].remedy, RemedyKind::RefundLine);
    assert!(guest.memory.complaint.is_none());
}

#[test]
fn who_turns_everything_down_gets_a_person() {
    let house = House::shipped();
    let said: [Say<'_>; 4] = [
        ("the fries were soggy", Act::OfferRemedy, &["!What happened"]),
        ("no", Act::OfferRemedy, &["voucher"]),
        ("that's ridiculous", Act::Escalate, &["member of our staff"]),
        ("hello?", Act::Escalate, &["will answer you here"]),
    ];
    let (guest, _) = talk(&house, true, &said);
    assert!(guest.cart.remedies().is_empty());
    assert!(guest.memory.handed_over);
}

#[test]
fn what_was_told_is_not_asked_again() {
    let house = House::shipped();
    let wrong: [Say<'_>; 2] = [
        ("I got the wrong thing, a salad instead of the fries", Act::OfferRemedy, &["make Python Fries again"]),
        ("yes", Act::ConfirmRemedy, &["we make Python Fries again"]),
    ];
    let (guest, _) = talk(&house, true, &wrong);
    assert_eq!(guest.cart.remedies()[0].remedy, RemedyKind::Replacement);
}

#[test]
fn an_apology_is_given_and_not_offered() {
    let house = House::shipped();
    let said: [Say<'_>; 2] = [
        (
            "I've been waiting for 45 minutes",
            Act::Apologise,
            &["accept our apology", "Your order number 1", "!all right with you"],
        ),
        ("yes", Act::Escalate, &["member of our staff"]),
    ];
    let (guest, decision) = talk(&house, true, &said);
    assert_eq!(decision.ticket.unwrap().kind, ComplaintKind::Delay);
    assert!(guest.memory.handed_over);
    let said: [Say<'_>; 2] = [
        ("I've been waiting for 45 minutes", Act::Apologise, &[]),
        ("no", Act::Apologise, &["What else can I do for you?"]),
    ];
    assert!(talk(&house, true, &said).0.memory.complaint.is_none());
}

#[test]
fn an_order_that_is_not_here_is_a_matter_for_people() {
    let house = House::shipped();
    let said: [Say<'_>; 2] = [
        ("the burger I had yesterday was terrible", Act::AskComplaint, &["Which order is it?"]),
        ("I don't have a number", Act::Escalate, &["cannot see that order from here"]),
    ];
    talk(&house, false, &said);
}

#[test]
fn grave_matters_begin_with_what_must_be_said() {
    let house = House::shipped();
    for (text, first) in [
        ("my daughter threw up after eating your chicken", "If somebody is in danger, please call 911 now."),
        ("there is a hair in my burger", "Please stop eating it"),
    ] {
        let (_, decision) = talk(&house, false, &[(text, Act::Escalate, &[first])]);
        let plain = decision.brief.plain();
        assert!(decision.brief.is_verbatim() && plain.starts_with(first), "{plain}");
        assert_eq!(plain.matches("member of our staff").count(), 1, "{plain}");
    }
}

#[test]
fn who_asks_for_a_person_gets_one() {
    let house = House::shipped();
    for text in [
        "I want to speak to a person",
        "can I talk to a human please",
        "no, a real human being",
        "is there a real person I can talk to?",
        "connect me with your staff",
        "human",
        "get me someone real, not you",
    ] {
        let (guest, decision) = talk(&house, false, &[(text, Act::Escalate, &["calling a member of our staff"])]);
        assert!(guest.memory.handed_over && decision.ticket.is_some(), "{text}");
        assert_eq!(decision.brief.agent, AgentName::Gordon, "{text}");
    }
    let said: [Say<'_>; 2] = [
        ("can I talk to the manager please", Act::AskComplaint, &["I am Gordon, the manager"]),
        ("no, I want to speak to a real person", Act::Escalate, &["calling a member of our staff"]),
    ];
    talk(&house, false, &said);
    for text in ["are you a person?", "a table for one person", "how many calories per person"] {
        assert!(!house.guest().say(text).memory.handed_over, "{text}");
    }
}

#[test]
fn an_allergy_is_no_complaint() {
    let house = House::shipped();
    for text in ["I am allergic to milk", "my son has a peanut allergy", "I have a nut allergy"] {
        let mut guest = house.guest();
        ORDERED.iter().for_each(|text| drop(guest.say(text)));
        let decision = guest.say(text);
        assert_eq!(decision.brief.agent, AgentName::Rosy, "{text}");
        assert_eq!(decision.brief.steps[0].act, Act::NoteAllergy, "{text}");
    }
    let decision = house.guest().say("I'm allergic to nuts and there were nuts in my food");
    assert_eq!(decision.brief.agent, AgentName::Gordon);
}

#[test]
fn the_manager_stays_until_the_matter_is_settled() {
    let house = House::shipped();
    let mut guest = house.guest();
    ORDERED.iter().for_each(|text| drop(guest.say(text)));
    guest.say("my food was cold");
    for text in ["who are you?", "thanks", "what's the weather like", "when do you close?"] {
        let decision = guest.say(text);
        assert_eq!(decision.brief.agent, AgentName::Gordon, "{text}");
        assert!(!decision.brief.plain().contains("Rosy"), "{text}: {}", decision.brief.plain());
    }
    let decision = guest.say("the classic");
    assert_eq!(decision.brief.steps[0].act, Act::OfferRemedy);
    guest.say("never mind");
    assert_eq!(guest.say("thanks").brief.agent, AgentName::Rosy);
}

#[test]
fn a_placed_order_is_not_cancelled_by_an_agent() {
    let house = House::shipped();
    let said: [Say<'_>; 2] = [
        ("cancel my order", Act::DeclineRule, &["order number 1", "Shall I ask our staff"]),
        ("yes", Act::Escalate, &["our staff"]),
    ];
    let (_, decision) = talk(&house, true, &said);
    assert!(decision.ticket.is_some());
}
