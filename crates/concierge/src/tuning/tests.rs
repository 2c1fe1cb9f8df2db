#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
use super::*;
use crate::{
    brief::{Act, Brief, Step},
    check,
    intent::AgentName,
    menu::Menu,
    ports::{ChatMessage, GenerationRequest, Role},
    prompt::Personas,
};

const BANK: &str = include_str!("../../../../resources/fine_tuning/synth.yaml");

fn personas() -> Personas {
    let persona = |name: &str| {
        format!(
            "name: {name}\nrole: clerk\nmanner: kind\nprompt: You are {name}.\ntemperature: 0.5\ngreeting: Hi!\nfacts: [menu]\n"
        )
    };
    Personas::from_yaml(&persona("Ann"), &persona("Bob")).unwrap()
}

fn example(reply: &str) -> Example {
    let brief = Brief::new(
        AgentName::Rosy,
        vec![
            Step::new(Act::TellPrice)
                .item_fact(&"soup".into(), "Tomato Soup: $4.50.")
                .point("Tomato Soup is $4.50.", ["$4.50"]),
        ],
    );
    let history = vec![
        ChatMessage { role: Role::User, text: "hi".to_owned() },
        ChatMessage { role: Role::Model, text: "Hello!".to_owned() },
    ];
    Example::of(&brief, "price", "a".to_owned(), history, "how much is the soup?", reply)
}

fn menu() -> Menu {
    Menu::from_json(r#"{"items":[{"id":"soup","name":"Tomato Soup","price":4.50,"category":"Side"}]}"#).unwrap()
}

#[test]
fn an_example_is_rendered_as_the_product_asks() {
    let rendered = example("It is $4.50!").render(&personas());
    assert_eq!(
        rendered.prompt,
        "<start_of_turn>user\nYou are Ann.\n\nhi<end_of_turn>\n<start_of_turn>model\nHello!<end_of_turn>\n\
         <start_of_turn>user\nFacts:\n- Tomato Soup: $4.50.\nNow: tell the price\nGuest: how much is the soup?\
         <end_of_turn>\n<start_of_turn>model\n"
    );
    assert_eq!(rendered.reply, "It is $4.50!<end_of_turn>");
}

#[test]
fn a_conversation_that_the_staff_begin_keeps_the_preamble_in_the_guests_turn() {
    let message = |role, text: &str| ChatMessage { role, text: text.to_owned() };
    let request = GenerationRequest {
        preamble: "P".into(),
        messages: vec![message(Role::Model, "Hi!"), message(Role::User, "hello")],
        adapter: None,
        temperature: 0.0,
        max_tokens: 1,
        seed: 1,
        grammar: None,
        functions: None,
        conversation: None,
    };
    assert_eq!(
        gemma_prompt(&request),
        "<start_of_turn>user\nP\n\n<end_of_turn>\n<start_of_turn>model\nHi!<end_of_turn>\n\
         <start_of_turn>user\nhello<end_of_turn>\n<start_of_turn>model\n"
    );
}

#[test]
fn a_reply_is_held_against_its_facts() {
    let index = check::index(&menu());
    assert_eq!(example("The soup is $4.50!").check(&index), Ok(()));
    assert!(matches!(example("The soup is $5.40!").check(&index), Err(Flaw::Refused { .. })));
    assert!(matches!(example("Good question!").check(&index), Err(Flaw::LeftOut(_))));
    assert!(matches!(example(" ").check(&index), Err(Flaw::Empty(_))));
    assert!(matches!(example(&"Sure! ".repeat(80)).check(&index), Err(Flaw::TooLong { .. })));
}

#[test]
fn an_audit_finds_what_is_asked_twice_and_what_is_wrong() {
    let mut twice = example("That is $4.50.");
    twice.id = "b".to_owned();
    let audit = Audit::of(&[example("The soup is $5.40!"), twice], &check::index(&menu()));
    assert_eq!(audit.duplicates, [("a".to_owned(), "b".to_owned())]);
    assert_eq!(audit.flawed.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(!audit.is_clean());
    assert_eq!(audit.rare_acts, ["tell the price"]);
}

#[test]
fn lines_survive_writing_and_reading() {
    let written = serde_json::to_string(&example("It is $4.50!")).unwrap();
    assert_eq!(Example::parse(&written).unwrap(), example("It is $4.50!"));
    assert!(Example::parse(r#"{"id": "a"}"#).is_err());
    assert!(Example::parse("not json").is_err());
}

#[test]
fn made_up_examples_repeat_by_seed_and_pass_the_check() {
    let bank = Bank::from_yaml(BANK).unwrap();
    let made = synthesise(&bank, 300, 11).unwrap();
    assert_eq!(made.examples.len(), 300);
    assert_eq!(made.examples, synthesise(&bank, 300, 11).unwrap().examples);
    assert_ne!(made.examples, synthesise(&bank, 300, 12).unwrap().examples);
    // Wordings that the check refuses are drawn again; many of them would mean that the bank is wrong.
    assert!(made.refused.len() < 30, "{:?}", &made.refused[..5]);
    // No menu is needed to hold most of a reply against its facts.
    let audit = Audit::of(&made.examples, &check::index(&menu()));
    assert_eq!(audit.flawed, []);
    assert!(audit.by_kind.len() > 40 && audit.with_history > 30);
}

#[test]
fn each_kind_is_measured_and_nothing_is_lost() {
    let bank = Bank::from_yaml(BANK).unwrap();
    let all = synthesise(&bank, 400, 3).unwrap().examples;
    let (train, valid) = split(all.clone(), 40, 5);
    assert_eq!((train.len(), valid.len()), (360, 40));
    assert!(valid.iter().all(|held| train.iter().all(|example| example.id != held.id)));
    let kinds: std::collections::BTreeSet<_> = valid.iter().map(|example| &example.kind).collect();
    assert!(kinds.len() > 30, "{kinds:?}");
    assert_eq!(split(all, 40, 5), (train, valid));
    assert_eq!(split(vec![example("a")], 10, 1).0.len(), 1);
}

#[test]
fn a_bank_without_kinds_makes_nothing() {
    let mut bank = Bank::from_yaml(BANK).unwrap();
    bank.kinds.clear();
    assert!(synthesise(&bank, 1, 1).is_err());
    assert!(Bank::from_yaml("houses: 3").is_err());
}

#[test]
fn an_answer_is_kept_only_if_the_check_lets_it_pass() {
    let (index, draft) = (check::index(&menu()), example("It is $4.50!"));
    let asked = question(&draft).messages[0].text.clone();
    for piece in ["Rosy", "Said before:\nGuest: hi", "- Tomato Soup: $4.50.", "tell the price", "must contain: $4.50"] {
        assert!(asked.contains(piece), "{piece}: {asked}");
    }
    let answer = |text: &str| answered(&draft, "new".to_owned(), text, &index);
    let kept =
        answer("Sure:\n```json\n{\"guest\": \"soup,\\n what price?\", \"reply\": \"The Tomato Soup is $4.50!\"}\n```")
            .unwrap();
    assert_eq!((kept.id.as_str(), kept.guest.as_str()), ("new", "soup, what price?"));
    assert_eq!((&kept.facts, &kept.history), (&draft.facts, &draft.history));
    let json = |guest: &str, reply: &str| serde_json::json!({"guest": guest, "reply": reply}).to_string();
    assert!(matches!(answer("no idea"), Err(Rejection::Shape(_))));
    assert!(matches!(answer("{\"guest\": \"soup?\"}"), Err(Rejection::Shape(_))));
    assert_eq!(answer(&json("How much is the soup?", "It is $4.50.")), Err(Rejection::Same));
    assert_eq!(answer(&json(" ", "It is $4.50.")), Err(Rejection::Length));
    assert_eq!(answer(&json(&"so ".repeat(200), "It is $4.50.")), Err(Rejection::Length));
    assert!(matches!(answer(&json("soup?", "It is $5.40.")), Err(Rejection::Flaw(Flaw::Refused { .. }))));
    assert!(matches!(answer(&json("soup?", "Good choice!")), Err(Rejection::Flaw(Flaw::LeftOut(_)))));
}
