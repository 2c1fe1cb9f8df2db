//! What an utterance says besides an order: people, diets, allergies, what it names and how it asks.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use concierge::menu::Menu;
use concierge::understand::{Form, Lexicon, slots};

const MENU: &str = r#"{"items":[
    {"id":"stew","name":"Bean Stew","category":"Mains","price":9,"allergens":["celery"],"diets":["vegan","vegetarian","gluten-free"]},
    {"id":"pie","name":"Cheese Pie","category":"Mains","price":9,"allergens":["milk","gluten","tree nuts"],"diets":["vegetarian","halal"]},
    {"id":"tart","name":"Nut Tart","category":"Desserts","price":5,"allergens":["peanuts","eggs"],"diets":["vegetarian"]}]}"#;

fn lexicon() -> Lexicon {
    Lexicon::new(&Menu::from_json(MENU).unwrap())
}

#[track_caller]
fn allergies(text: &str, expected: &[&str]) {
    let found: Vec<String> = slots(&lexicon(), text).allergies.into_iter().collect();
    assert_eq!(found, expected, "{text}");
}

#[track_caller]
fn diets(text: &str, expected: &[&str]) {
    let found: Vec<String> = slots(&lexicon(), text).diets.into_iter().collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn allergies_are_heard_and_named_as_the_menu_names_them() {
    allergies("I'm allergic to milk", &["milk"]);
    allergies("I have a peanut allergy", &["peanuts"]);
    allergies("my son can't have gluten", &["gluten"]);
    allergies("I am lactose intolerant", &["milk"]);
    allergies("allergic to dairy, eggs and wheat", &["eggs", "gluten", "milk"]);
    allergies("my daughter is allergic to nuts", &["tree nuts"]);
    allergies("she has a severe nut allergy and i have a sesame allergy", &["sesame", "tree nuts"]);
    allergies("I'm coeliac", &["gluten"]);
    allergies("we cannot eat shellfish or celery", &["celery", "shellfish"]);
    allergies("my wife has allergies to soy and fish", &["fish", "soy"]);
    allergies("gluten intolerance here", &["gluten"]);
}

#[test]
fn what_is_only_ordered_or_asked_is_no_allergy() {
    allergies("a latte with milk please", &[]);
    allergies("no cheese on the pie", &[]);
    allergies("what can i have with nuts", &[]);
    allergies("does the pie contain milk?", &[]);
    allergies("is there anything for allergic people", &[]);
}

#[test]
fn diets_are_heard() {
    diets("something vegan please", &["vegan"]);
    diets("I don't eat meat", &["vegetarian"]);
    diets("we are vegetarians", &["vegetarian"]);
    diets("do you have anything gluten free", &["gluten-free"]);
    diets("is it halal?", &["halal"]);
    diets("kosher and dairy-free", &["dairy-free", "kosher"]);
    diets("a pie", &[]);
}

#[test]
fn people_are_counted() {
    for (text, party) in [
        ("dinner for four people", Some(4)),
        ("we are a party of 6", Some(6)),
        ("there are five of us", Some(5)),
        ("feed 12", Some(12)),
        ("lunch for 3 under $40", Some(3)),
        ("two pies", None),
        ("a table for two", Some(2)),
    ] {
        assert_eq!(slots(&lexicon(), text).party, party, "{text}");
    }
}

#[test]
fn items_headings_and_forms_are_found() {
    let found = slots(&lexicon(), "what is in the bean stew and the tart?");
    assert_eq!(found.items.iter().map(ToString::to_string).collect::<Vec<_>>(), ["stew", "tart"]);
    assert_eq!(found.form, Form::Open);
    assert_eq!(slots(&lexicon(), "which desserts do you have").categories, ["Desserts"]);
    for (text, form) in [
        ("can i get a pie", Form::Request),
        ("Could you bring me a tart please?", Form::Request),
        ("do you have tarts", Form::YesNo),
        ("how much is the pie", Form::Open),
        ("a pie", Form::Statement),
        ("a pie?", Form::YesNo),
    ] {
        assert_eq!(slots(&lexicon(), text).form, form, "{text}");
    }
}
