//! Open questions, allergies, placing, and the look at a menu that changed.

use std::collections::BTreeSet;

use super::*;
use crate::money::Cents;

#[test]
fn an_item_that_is_open_waits_beside_the_cart() {
    let guest = Guest::new().says(add(any_item(&["tea", "juice", "fish"], 2))).says(add(line("soup", 1)));
    assert_eq!(guest.shows(), "1 × Tomato Soup (small); 2 × Apple Juice or Black Tea = 4.00");
    assert_eq!(guest.questions(), ["which one would you like: Apple Juice or Black Tea?"]);
    assert_eq!(guest.cart.item_count(), 3);
    let refused = guest.refused(Edit::Place);
    assert_eq!(
        refused.to_string(),
        "before I can place your order: which one would you like: Apple Juice or Black Tea?"
    );
    // Every edit works on it, and what is known of it is kept when it is answered.
    let guest = guest
        .says(Edit::SetQuantity { line: id(1), quantity: 4 })
        .says(Edit::Remove { line: id(1), quantity: Some(1) })
        .says(Edit::SetOption { line: id(1), option: option("milk", "oat") });
    let answer = guest.cart.answer_item(id(1), &"tea".into()).unwrap();
    let guest = guest.says(answer);
    assert_eq!(guest.shows(), "3 × Black Tea (oat milk); 1 × Tomato Soup (small) = 11.20");
    assert_eq!(guest.cart.lines()[0].id, id(1));
    assert!(guest.questions().is_empty());
    assert_eq!(guest.cart.answer_item(id(1), &"tea".into()), None);
}

#[test]
fn an_open_item_can_go_and_can_come_back() {
    let guest =
        Guest::new().says(add(any_item(&["tea", "juice"], 2))).says(Edit::Remove { line: id(1), quantity: Some(2) });
    assert!(guest.cart.is_empty());
    let guest =
        guest.says(add(line("tea", 1))).says(Edit::Replace { line: id(2), with: any_item(&["soup", "stew"], 1) });
    assert_eq!((guest.cart.lines().len(), guest.cart.pending_lines()[0].id), (0, id(2)));
    let guest = guest.says(Edit::Replace { line: id(2), with: any_item(&["soup"], 1) });
    assert_eq!(guest.shows(), "1 × Tomato Soup (small) = 4.00");
    let guest = guest.says(add(any_item(&["tea", "juice"], 1))).says(Edit::Clear);
    assert!(guest.cart.is_empty() && guest.cart.pending(id(3)).is_none());
}

#[test]
fn a_size_without_a_default_is_asked_for() {
    let guest = Guest::new().says(add(with("pasta", 1, &[option("sauce", "pesto")])));
    assert_eq!(guest.questions(), ["which size of Pasta: Half or Full?"]);
    assert!(matches!(guest.refused(Edit::Place), Refusal::Open { needs } if needs.len() == 1));
    let guest = guest.says(Edit::SetSize { line: id(1), size: "half".into() });
    assert_eq!(guest.shows(), "1 × Pasta (half, pesto) = 6.00");
    assert!(guest.questions().is_empty());
}

#[test]
fn a_required_choice_is_asked_for() {
    let half = || OrderLine { size: Some("half".into()), ..line("pasta", 1) };
    let guest = Guest::new().says(add(half())).says(add(half()));
    // Two lines with open questions stay two: they may be answered differently. What is sold out is no answer.
    assert_eq!(guest.questions(), ["which sauce for Pasta: Pesto or Arrabbiata?"; 2]);
    let Question::Choice { missing, any_of, .. } = &guest.cart.needs(&guest.menu)[0].question else { panic!() };
    assert_eq!((*missing, any_of.len()), (1, 2));
    let guest = guest
        .says(Edit::SetOption { line: id(1), option: option("sauce", "pesto") })
        .says(Edit::SetOption { line: id(2), option: option("sauce", "pesto") });
    assert_eq!(guest.shows(), "2 × Pasta (half, pesto) = 12.00");
    assert!(guest.questions().is_empty());
}

#[test]
fn what_an_item_includes_counts_for_a_required_group() {
    let menu =
        menu_with(r#"{"id":"extras","name":"Extras","max":4"#, r#"{"id":"extras","name":"Extras","min":2,"max":4"#);
    let mut guest = Guest { menu, ..Guest::new() };
    guest = guest.says(add(line("stew", 1)));
    assert!(guest.questions().is_empty());
    let missing = |guest: &Guest| match &guest.cart.needs(&guest.menu)[..] {
        [Need { question: Question::Choice { missing, .. }, .. }] => *missing,
        other => panic!("{other:?}"),
    };
    guest = guest.says(Edit::Leave { line: id(1), without: without("extras", "cream") });
    assert_eq!(missing(&guest), 1);
    // The included choice named again is no second one.
    guest = guest.says(Edit::SetOption { line: id(1), option: option("extras", "croutons") });
    assert_eq!(missing(&guest), 1);
    guest = guest.says(Edit::SetOption { line: id(1), option: option("extras", "herbs") });
    assert!(guest.questions().is_empty());
}

#[test]
fn an_unsettled_option_is_asked_about() {
    let open = || times(any_option("extras", &["cheese", "herbs", "truffle"]), 2);
    let guest = Guest::new().says(add(with("soup", 1, &[open()])));
    assert_eq!(guest.shows(), "1 × Tomato Soup (small) = 4.00");
    assert_eq!(guest.questions(), ["which would you like with Tomato Soup: BBQ Cheese or Fresh Herbs?"]);
    let Question::Choice { missing, .. } = &guest.cart.needs(&guest.menu)[0].question else { panic!() };
    assert_eq!(*missing, 2);
    // The answer keeps what was said before.
    let guest = guest.says(Edit::SetOption { line: id(1), option: option("extras", "cheese") });
    assert_eq!(guest.shows(), "1 × Tomato Soup (small, 2 × BBQ cheese) = 6.50");
    assert!(guest.questions().is_empty());
    let light = amount(any_option("extras", &["cheese", "herbs"]), Amount::Light);
    let guest = Guest::new()
        .says(add(with("soup", 1, &[light])))
        .says(Edit::SetOption { line: id(1), option: option("extras", "cream") });
    assert_eq!(guest.questions().len(), 1, "another option is no answer");
    let guest = guest.says(Edit::SetOption { line: id(1), option: option("extras", "herbs") });
    assert_eq!(guest.shows(), "1 × Tomato Soup (small, cream, light fresh herbs) = 4.60");
    // A group with an open choice is not asked about twice.
    let pasta =
        OrderLine { size: Some("full".into()), ..with("pasta", 1, &[any_option("sauce", &["pesto", "arrabbiata"])]) };
    assert_eq!(Guest::new().says(add(pasta)).questions().len(), 1);
}

#[test]
fn a_plain_line_does_not_join_one_with_a_question() {
    let open = || any_option("milk", &["whole", "oat"]);
    let guest = Guest::new().says(add(with("tea", 1, &[open()]))).says(add(line("tea", 1)));
    assert_eq!((guest.cart.lines().len(), guest.questions().len()), (2, 1));
    let left = lacking("stew", 1, &[any_without("extras", &["cream", "croutons"])]);
    let guest = Guest::new().says(add(left)).says(add(line("stew", 1)));
    assert_eq!((guest.cart.lines().len(), guest.questions().len()), (2, 1));
    // The same choice said twice is no question.
    let same = with("tea", 1, &[any_option("milk", &["oat", "oat"])]);
    assert_eq!(Guest::new().says(add(same)).shows(), "1 × Black Tea (oat milk) = 2.40");
}

#[test]
fn several_that_fit_are_settled_where_only_one_can_be_meant() {
    let one_left = with("soup", 1, &[any_option("extras", &["cheese", "truffle", "unheard"])]);
    assert_eq!(Guest::new().says(add(one_left)).shows(), "1 × Tomato Soup (small, BBQ cheese) = 5.25");
    // "Extra" speaks of what is on it; without an amount it is a question.
    let extra = amount(any_option("extras", &["croutons", "cheese"]), Amount::Extra);
    let guest = Guest::new().says(add(with("soup", 1, &[extra])));
    assert_eq!(guest.shows(), "1 × Tomato Soup (small, extra croutons) = 4.75");
    let plain = any_option("extras", &["croutons", "cheese"]);
    assert_eq!(Guest::new().says(add(with("soup", 1, &[plain]))).questions().len(), 1);
    let two_on_it = amount(any_option("extras", &["croutons", "cream"]), Amount::Extra);
    assert_eq!(Guest::new().says(add(with("stew", 1, &[two_on_it]))).questions().len(), 1);
    let none_left = with("soup", 1, &[any_option("extras", &["truffle", "unheard"])]);
    assert_eq!(Guest::new().refused(add(none_left)), Refusal::SoldOut { name: "Truffle".into() });
}

#[test]
fn what_is_left_out_is_asked_about_only_where_several_are_on_it() {
    let both = lacking("stew", 1, &[any_without("extras", &["cream", "croutons", "herbs"])]);
    let guest = Guest::new().says(add(both));
    assert_eq!(guest.questions(), ["which shall we leave out of Bean Stew: Cream or Croutons?"]);
    assert!(matches!(guest.cart.needs(&guest.menu)[0].question, Question::Without { .. }));
    let guest = guest.says(Edit::Leave { line: id(1), without: without("extras", "cream") });
    assert_eq!(guest.shows(), "1 × Bean Stew (no cream) = 9.99");
    assert!(guest.questions().is_empty());
    let one = lacking("soup", 1, &[any_without("extras", &["cream", "croutons"])]);
    assert_eq!(Guest::new().says(add(one)).shows(), "1 × Tomato Soup (small, no croutons) = 4.00");
    let chosen = OrderLine {
        without: vec![any_without("extras", &["cheese", "herbs"])],
        ..with("soup", 1, &[option("extras", "cheese")])
    };
    assert_eq!(Guest::new().says(add(chosen)).shows(), "1 × Tomato Soup (small, no BBQ cheese) = 4.00");
    let none = lacking("soup", 1, &[any_without("extras", &["cream", "herbs"]), without("extras", "cream")]);
    assert_eq!(Guest::new().says(add(none)).shows(), "1 × Tomato Soup (small, no cream, no fresh herbs) = 4.00");
    // A whole kind of things, none of which is on it: there is nothing to leave out.
    let kind = lacking("soup", 1, &[any_without("extras", &["cream", "herbs", "cheese"])]);
    assert_eq!(Guest::new().says(add(kind)).shows(), "1 × Tomato Soup (small) = 4.00");
    // By an edit: a question, and then an answer about another group leaves it open.
    let guest = Guest::new()
        .says(add(line("stew", 1)))
        .says(Edit::Leave { line: id(1), without: any_without("extras", &["cream", "croutons"]) });
    assert_eq!(guest.questions().len(), 1);
    let guest = guest.says(Edit::Leave { line: id(1), without: without("spice", "hot") });
    assert_eq!(guest.questions().len(), 1);
}

fn conflict(line: u32, name: &str, allergen: &str, certainty: Certainty) -> Conflict {
    Conflict { line: id(line), name: name.into(), allergen: allergen.into(), certainty }
}

#[test]
fn a_conflicting_line_needs_a_yes() {
    let guest = Guest::new().allergic(" Milk ");
    assert_eq!(guest.cart.allergies(), &BTreeSet::from(["milk".to_owned()]));
    let cheese = || add(with("soup", 1, &[option("extras", "cheese")]));
    let refused = guest.refused(cheese());
    let expected = conflict(1, "Tomato Soup", "milk", Certainty::Certain);
    assert_eq!(refused, Refusal::AllergyConflict { conflicts: vec![expected.clone()] });
    assert_eq!(refused.to_string(), "please be careful: Tomato Soup contains milk; do you want it all the same?");
    let guest = guest.confirms(cheese());
    assert_eq!(conflicts(&guest.menu, &guest.cart), [expected]);
    // Once accepted on a line it is not asked again, neither when the line changes nor at placing.
    let guest = guest.says(Edit::SetSize { line: id(1), size: "large".into() });
    assert!(guest.cart.checkout(&guest.menu, Consent::NotAsked).is_ok());
    assert_eq!(guest.cart.view(&guest.menu).lines[0].warnings, ["Tomato Soup contains milk"]);
    // Another line is asked about, and so is a new allergen on this one.
    assert!(matches!(guest.refused(cheese()), Refusal::AllergyConflict { .. }));
    let guest = guest.allergic("celery");
    let changed = Edit::SetSize { line: id(1), size: "small".into() };
    let celery = conflict(1, "Tomato Soup", "celery", Certainty::Certain);
    assert_eq!(guest.refused(changed), Refusal::AllergyConflict { conflicts: vec![celery] });
}

#[test]
fn accepted_allergens_survive_a_merge() {
    let guest = Guest::new().allergic("milk");
    let cheese = || add(with("soup", 1, &[option("extras", "cheese")]));
    let guest = guest.confirms(cheese()).confirms(cheese());
    assert_eq!(guest.shows(), "2 × Tomato Soup (small, BBQ cheese) = 10.50");
    assert_eq!(guest.cart.lines()[0].accepted, BTreeSet::from(["milk".to_owned()]));
    // A replaced line starts anew.
    let replaced = Edit::Replace { line: id(1), with: with("stew", 1, &[]) };
    assert!(matches!(guest.refused(replaced), Refusal::AllergyConflict { .. }));
}

#[test]
fn an_allergy_declared_late_is_asked_about_at_placing() {
    let guest = Guest::new().says(add(line("soup", 1))).says(add(line("tea", 1))).allergic("gluten");
    let gluten = conflict(1, "Tomato Soup", "gluten", Certainty::Certain);
    assert_eq!(guest.refused(Edit::Place), Refusal::AllergyConflict { conflicts: vec![gluten] });
    let checkout = guest.cart.checkout(&guest.menu, Consent::Given).unwrap();
    let accepted = BTreeSet::from(["gluten".to_owned()]);
    assert_eq!(checkout.events, [Event::ConflictAccepted { line: id(1), allergens: accepted.clone() }]);
    assert_eq!(checkout.lines[0].accepted, accepted);
    assert_eq!(checkout.allergies, accepted);
    assert!(checkout.lines[1].accepted.is_empty());
    let guest = guest.confirms(Edit::Place);
    assert!(guest.cart.checkout(&guest.menu, Consent::NotAsked).is_ok());
}

#[test]
fn unknown_is_never_safe() {
    let certainty = |line: OrderLine, allergen: &str| {
        let guest = Guest::new().confirms(add(line)).allergic(allergen);
        conflicts(&guest.menu, &guest.cart).first().map(|conflict| conflict.certainty)
    };
    let unknown = Some(Certainty::Unknown);
    assert_eq!(certainty(line("mystery", 1), "milk"), unknown);
    assert_eq!(certainty(line("tea", 1), "milk"), None);
    // An allergen that this menu never names.
    assert_eq!(certainty(line("tea", 1), "kiwi"), unknown);
    // An option that declares nothing.
    assert_eq!(certainty(with("soup", 1, &[option("extras", "herbs")]), "milk"), unknown);
    assert_eq!(certainty(with("soup", 1, &[option("extras", "herbs")]), "celery"), Some(Certainty::Certain));
    let guest = Guest::new().allergic("milk");
    assert_eq!(
        guest.refused(add(line("mystery", 1))).to_string(),
        "please be careful: we don't know whether Mystery Pie contains milk, please ask our staff; do you want it all the same?"
    );
}

#[test]
fn leaving_out_clears_only_what_comes_with_the_choice() {
    let conflicting = |line: OrderLine, allergen: &str| {
        let guest = Guest::new().confirms(add(line)).allergic(allergen);
        !conflicts(&guest.menu, &guest.cart).is_empty()
    };
    // The stew declares celery; milk comes with the cream that it includes, gluten with the croutons.
    assert!(conflicting(line("stew", 1), "milk"));
    assert!(!conflicting(lacking("stew", 1, &[without("extras", "cream")]), "milk"));
    assert!(conflicting(lacking("stew", 1, &[without("extras", "cream")]), "gluten"));
    // The soup itself declares gluten, whatever is left out of it.
    assert!(conflicting(lacking("soup", 1, &[without("extras", "croutons")]), "gluten"));
    assert!(conflicting(with("tea", 1, &[option("milk", "oat")]), "gluten"));
    assert!(!conflicting(with("tea", 1, &[option("milk", "oat")]), "milk"));
    // An item that the menu has lost is unknown.
    let mut guest = Guest::new().says(add(line("juice", 1))).allergic("milk");
    guest.menu = menu_with(r#""id":"juice""#, r#""id":"nectar""#);
    assert_eq!(conflicts(&guest.menu, &guest.cart)[0].certainty, Certainty::Unknown);
}

#[test]
fn allergies_and_diets_are_noted_and_taken_back() {
    let mut guest = Guest::new().allergic("milk");
    assert_eq!(guest.cart.declare_allergy("MILK"), Ok(vec![]));
    for name in ["", "  ", "a\nb", &"x".repeat(61)] {
        assert_eq!(guest.cart.declare_allergy(name), Err(Refusal::CannotNote), "{name:?}");
        assert_eq!(guest.cart.declare_diet(name), Err(Refusal::CannotNote), "{name:?}");
    }
    assert!(guest.cart.declare_allergy(&"x".repeat(60)).is_ok());
    assert_eq!(guest.cart.withdraw_allergy("fish"), []);
    let events = guest.cart.withdraw_allergy("Milk");
    guest.take(&events);
    assert!(guest.cart.allergies().is_empty());
    let events = guest.cart.declare_diet("Vegan").unwrap();
    guest.take(&events);
    assert_eq!(guest.cart.diets(), &BTreeSet::from(["vegan".to_owned()]));
    assert_eq!(guest.cart.withdraw_diet("kosher"), []);
    let events = guest.cart.withdraw_diet(" vegan");
    guest.take(&events);
    assert!(guest.cart.diets().is_empty());
    for n in 0..MAX_DECLARED {
        guest = guest.allergic(&format!("allergen {n}"));
    }
    assert_eq!(guest.cart.declare_allergy("one more"), Err(Refusal::CannotNote));
    guest.take(&[Event::AllergyDeclared { allergen: "one more".into() }]);
    assert_eq!(guest.cart.allergies().len(), MAX_DECLARED);
}

#[test]
fn placing_makes_an_order_of_the_cart() {
    let guest = Guest::new();
    assert_eq!(guest.refused(Edit::Place), Refusal::EmptyCart);
    let guest = guest.says(add(line("tea", 3)));
    assert_eq!(guest.cart.decide(&guest.menu, &Edit::Place, Consent::NotAsked), Ok(vec![]));
    let guest = guest.places(11);
    assert!(guest.cart.is_empty());
    let [order] = guest.cart.orders() else { panic!() };
    assert_eq!((order.id, order.number, order.at, order.lines.len()), (OrderId(11), 7, 1_000_000, 1));
    assert_eq!((order.totals.subtotal, order.totals.tax, order.totals.total), (Cents(600), Cents(56), Cents(656)));
    assert_eq!(guest.refused(Edit::Place), Refusal::EmptyCart);
}

#[test]
fn a_changed_menu_is_told_before_placing() {
    let soup = || OrderLine { size: Some("large".into()), ..with("soup", 1, &[option("extras", "cheese")]) };
    let changes = |from: &str, to: &str, line: OrderLine| {
        let mut guest = Guest::new().says(add(line)).says(add(line_of_juice()));
        guest.menu = menu_with(from, to);
        let Refusal::Changed { changes, events } = guest.refused(Edit::Place) else { panic!("no change") };
        guest.take(&events);
        // Told once, the cart is as the menu is.
        assert!(!matches!(guest.cart.checkout(&guest.menu, Consent::NotAsked), Err(Refusal::Changed { .. })));
        (list_words(&changes), guest.shows())
    };
    let told = |words: &str, cart: &str| (words.to_owned(), cart.to_owned());
    assert_eq!(
        changes(r#""price":5.50"#, r#""price":6.00"#, soup()),
        told("Tomato Soup costs 7.25 now and not 6.75", "1 × Tomato Soup (large, BBQ cheese); 1 × Apple Juice = 10.25")
    );
    assert_eq!(
        changes(r#""price":1.25"#, r#""price":1.00"#, soup()),
        told("Tomato Soup costs 6.50 now and not 6.75", "1 × Tomato Soup (large, BBQ cheese); 1 × Apple Juice = 9.50")
    );
    assert_eq!(
        changes(r#""id":"soup""#, r#""id":"broth""#, soup()),
        told("Tomato Soup is not on our menu any more", "1 × Apple Juice = 3.00")
    );
    assert_eq!(
        changes(r#""id":"soup","#, r#""id":"soup","available":false,"#, soup()),
        told("Tomato Soup is sold out", "1 × Apple Juice = 3.00")
    );
    assert_eq!(
        changes("Tomato Soup", "Red Soup", soup()),
        told("Tomato Soup is now called Red Soup", "1 × Red Soup (large, BBQ cheese); 1 × Apple Juice = 9.75")
    );
    assert_eq!(
        changes(r#""id":"large""#, r#""id":"huge""#, soup()),
        told(
            "Tomato Soup is not to be had as Large any more and Tomato Soup costs 5.25 now and not 6.75",
            "1 × Tomato Soup (small, BBQ cheese); 1 × Apple Juice = 8.25"
        )
    );
    assert_eq!(
        changes(r#""id":"cheese","#, r#""id":"cheese","available":false,"#, soup()),
        told(
            "Tomato Soup is not to be had with BBQ Cheese any more and Tomato Soup costs 5.50 now and not 6.75",
            "1 × Tomato Soup (large); 1 × Apple Juice = 8.50"
        )
    );
    // Two that a group does not hold together any more.
    let sweet = with("pasta", 1, &[option("sauce", "pesto"), option("sauce", "arrabbiata")]);
    let pasta = OrderLine { size: Some("half".into()), ..sweet };
    assert_eq!(
        changes(r#""min":1,"max":2"#, r#""min":1,"max":1"#, pasta),
        told(
            "Pasta is not to be had with Arrabbiata any more, Pasta is not to be had with Pesto any more and \
             Pasta costs 5.00 now and not 6.00",
            "1 × Pasta (half); 1 × Apple Juice = 8.00"
        )
    );
}

fn line_of_juice() -> OrderLine {
    line("juice", 1)
}

#[test]
fn what_did_not_change_is_not_told() {
    let mut guest = Guest::new()
        .says(add(lacking("stew", 1, &[without("extras", "cream"), without("extras", "cheese")])))
        .says(add(with("tea", 2, &[option("milk", "oat")])));
    // A choice that was only left out is gone: there is nothing to tell.
    guest.menu = menu_with(r#""id":"cheese""#, r#""id":"gouda""#);
    assert!(guest.cart.checkout(&guest.menu, Consent::NotAsked).is_ok());
    // A rise of something that the guest did not order.
    guest.menu = menu_with("\"price\":3.00", "\"price\":3.50");
    assert!(guest.cart.checkout(&guest.menu, Consent::NotAsked).is_ok());
}

#[test]
fn an_accepted_warning_survives_a_new_price() {
    let mut guest = Guest::new().allergic("celery").confirms(add(line("stew", 1)));
    guest.menu = menu_with(r#""price":9.99"#, r#""price":10.99"#);
    let Refusal::Changed { events, .. } = guest.refused(Edit::Place) else { panic!() };
    guest.take(&events);
    assert_eq!(guest.places(1).cart.orders()[0].totals.subtotal, Cents(1099));
}
