#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::{
    brief::{Act, Step},
    intent::AgentName,
};

fn menu() -> Menu {
    Menu::from_json(
        r#"{"items":[
        {"id":"soup","name":"The Daily Soup","aliases":["soup"],"price":4.50,"category":"Side"},
        {"id":"pie","name":"Apple Pie","aliases":["pie"],"price":3.25,"category":"Dessert"},
        {"id":"roll","name":"Fish Roll","aliases":["roll"],"price":7.00,"category":"Main"}]}"#,
    )
    .unwrap()
}

fn prices() -> Brief {
    Brief::new(
        AgentName::Rosy,
        vec![
            Step::new(Act::TellPrice)
                .item_fact(&"soup".into(), "The Daily Soup: $4.50. Tomato soup with basil.")
                .item_fact(&"pie".into(), "Apple Pie: $3.25. Warm pie with cinnamon.")
                .fact("Total: $7.75.")
                .point("The Daily Soup is $4.50.", ["$4.50"]),
        ],
    )
}

#[track_caller]
fn check(brief: &Brief, guest: &str, sentence: &str) -> Result<(), Fault> {
    let menu = menu();
    let index = index(&menu);
    Checker::new(&index, brief, guest).check(sentence)
}

#[test]
fn what_the_facts_hold_passes() {
    for sentence in [
        "Sure thing!",
        "Our Daily Soup is $4.50, and the Apple Pie is $3.25.",
        "It's a tomato soup with basil, and it's delicious!",
        "The pie comes warm with cinnamon.",
        "Your total is $7.75.",
        "No problem, anything else for you today?",
        "You can't go wrong with our soups!",
    ] {
        assert_eq!(check(&prices(), "how much is the soup and the pie?", sentence), Ok(()), "{sentence}");
    }
}

#[test]
fn what_they_do_not_hold_is_refused() {
    for (sentence, fault) in [
        ("The Daily Soup is $4.00.", Fault::Amount),
        ("The Daily Soup is $3.25.", Fault::Amount),
        ("Apple Pie for $4.50!", Fault::Amount),
        ("We close at 9 PM.", Fault::Time),
        ("You get 3 of them.", Fault::Number),
        ("Write to soup@example.com.", Fault::Code),
        ("Try our Fish Roll!", Fault::Item),
        ("It's on us, completely free.", Fault::Promise),
        ("It is gluten-free.", Fault::Promise),
        ("We don't have the soup.", Fault::Polarity),
        ("The soup contains chicken.", Fault::Word),
        ("Facts: the soup.", Fault::Form),
    ] {
        assert_eq!(check(&prices(), "how much is the soup and the pie?", sentence), Err(fault), "{sentence}");
    }
}

#[test]
fn what_only_the_guest_named_may_only_be_denied() {
    let brief = Brief::new(
        AgentName::Rosy,
        vec![
            Step::new(Act::DeclineUnknown)
                .item_fact(&"soup".into(), "The Daily Soup: $4.50.")
                .or_plain("We don't have that."),
        ],
    );
    assert_eq!(check(&brief, "do you have sushi?", "I'm sorry, we don't have sushi."), Ok(()));
    assert_eq!(check(&brief, "do you have sushi?", "Our sushi is great!"), Err(Fault::Polarity));
    assert_eq!(check(&brief, "do you have sushi?", "How about the Daily Soup for $4.50?"), Ok(()));
}

#[test]
fn a_failed_sentence_is_replaced_by_plain_words() {
    let (menu, brief) = (menu(), prices());
    let index = index(&menu);
    let mut speaker = Speaker::new(Checker::new(&index, &brief, "price of soup?"), &brief);
    assert_eq!(speaker.push("Sure thing! The soup"), Some("Sure thing!".to_owned()));
    assert_eq!(speaker.push(" is $1.00. Enjoy!"), None);
    assert!(speaker.is_over());
    let (last, spoken) = speaker.finish(true);
    assert_eq!(last.unwrap(), " The Daily Soup is $4.50.");
    assert_eq!((spoken.own, spoken.plain, spoken.fault.unwrap().0), (1, 1, Fault::Amount));
    assert_eq!(spoken.text, "Sure thing! The Daily Soup is $4.50.");
}

#[test]
fn what_the_model_left_out_is_added_and_what_it_said_is_not_repeated() {
    let (menu, brief) = (menu(), prices());
    let index = index(&menu);
    let mut speaker = Speaker::new(Checker::new(&index, &brief, "price of soup?"), &brief);
    assert_eq!(speaker.push("That's $4.50! "), Some("That's $4.50!".to_owned()));
    let (last, spoken) = speaker.finish(true);
    assert_eq!((last, spoken.plain), (None, 0));

    let speaker = Speaker::new(Checker::new(&index, &brief, "price of soup?"), &brief);
    assert_eq!(speaker.finish(true).0.unwrap(), "The Daily Soup is $4.50.");
}

#[test]
fn deeds_and_counts_are_only_told_as_they_are() {
    let added = Brief::new(
        AgentName::Rosy,
        vec![
            Step::new(Act::ConfirmAdded)
                .item_fact(&"soup".into(), "Added: 2 × The Daily Soup (no basil): $9.00")
                .point("I've added 2 × The Daily Soup (no basil).", ["The Daily Soup"]),
        ],
    );
    for (sentence, verdict) in [
        ("I've added two Daily Soups with no basil.", Ok(())),
        ("I've added 3 Daily Soups.", Err(Fault::Number)),
        ("Your order is placed!", Err(Fault::Deed)),
        ("Shall I place the order?", Err(Fault::Deed)),
        ("Sorry, the Daily Soup is not on our menu.", Err(Fault::Polarity)),
    ] {
        assert_eq!(check(&added, "two soups without basil", sentence), verdict, "{sentence}");
    }
    let unfit = Brief::new(AgentName::Rosy, vec![Step::new(Act::TellDiet).fact("No, Fish Roll is not marked vegan.")]);
    assert_eq!(check(&unfit, "is the roll vegan?", "No, sorry, the Fish Roll is not marked vegan."), Ok(()));
    assert_eq!(check(&unfit, "is the roll vegan?", "No, sorry, we never have it."), Err(Fault::Polarity));
    let sized = Brief::new(
        AgentName::Rosy,
        vec![Step::new(Act::ConfirmAdded).item_fact(&"roll".into(), "Added: 1 × Fish Roll (6 rolls, hot): $7.00")],
    );
    // A size with a number is no count of dishes.
    assert_eq!(check(&sized, "some rolls", "The Fish Roll is 6 rolls, hot, for $7.00."), Ok(()));
    assert_eq!(check(&sized, "some rolls", "I've added 6 Fish Rolls."), Err(Fault::Number));
    let declined = Brief::new(
        AgentName::Rosy,
        vec![
            Step::new(Act::DeclineUnknown)
                .fact("Not on our menu: sushi")
                .item_fact(&"soup".into(), "The Daily Soup: $4.50."),
        ],
    );
    assert_eq!(check(&declined, "sushi?", "I'm sorry, we don't have sushi."), Ok(()));
    assert_eq!(check(&declined, "sushi?", "Sorry, we don't have the Daily Soup."), Err(Fault::Polarity));
    assert_eq!(check(&declined, "sushi?", "I've added it!"), Err(Fault::Deed));
}

#[test]
fn a_no_to_one_thing_is_no_no_to_what_is_offered() {
    let declined = Brief::new(
        AgentName::Rosy,
        vec![
            Step::new(Act::DeclineUnknown)
                .fact("Not on our menu: sushi")
                .item_fact(&"soup".into(), "The Daily Soup: $4.50.")
                .point("I'm sorry, we don't have sushi.", ["sushi"])
                .point("How about The Daily Soup for $4.50?", ["The Daily Soup"]),
        ],
    );
    let named_alike = Brief::new(
        AgentName::Rosy,
        vec![
            Step::new(Act::DeclineUnknown)
                .fact("Not on our menu: onion soup")
                .item_fact(&"pie".into(), "Apple Pie: $3.25.")
                .point("I'm sorry, we don't have onion soup.", ["onion soup"]),
        ],
    );
    assert_eq!(check(&named_alike, "onion soup?", "Sorry, we don't have onion soup."), Ok(()));
    assert_eq!(check(&named_alike, "onion soup?", "Sorry, we don't have Apple Pie."), Err(Fault::Polarity));
    let taken = Brief::new(
        AgentName::Rosy,
        vec![
            Step::new(Act::TellStore)
                .fact("Payment: cards: Visa; not taken: checks, cryptocurrency. Service charge: none."),
        ],
    );
    assert_eq!(check(&taken, "bitcoin?", "We take Visa, but not cryptocurrency."), Ok(()));
    assert_eq!(check(&taken, "service?", "The service charge is none."), Ok(()));
    assert_eq!(check(&taken, "visa?", "Sorry, we take no Visa."), Err(Fault::Polarity));
    for (sentence, verdict) in [
        ("I'm sorry, we don't have any sushi.", Ok(())),
        ("Sushi is not on our menu, I'm afraid.", Ok(())),
        ("We don't have sushi, but the Daily Soup is $4.50.", Ok(())),
        ("No sushi here, how about the Daily Soup?", Ok(())),
        ("I'm sorry, we don't have the Daily Soup.", Err(Fault::Polarity)),
        ("The Daily Soup is not on our menu.", Err(Fault::Polarity)),
        ("We don't have sushi or the Daily Soup.", Err(Fault::Polarity)),
        ("Sorry, no sushi, Daily Soup or anything else.", Err(Fault::Polarity)),
    ] {
        assert_eq!(check(&declined, "sushi?", sentence), verdict, "{sentence}");
    }
}
