//! Words, receipts, suggestions, states of an order, and the stored form of events.

use super::*;
use crate::money::Cents;

#[test]
fn lists_read_like_sentences() {
    assert_eq!(list_words::<&str>(&[]), "");
    assert_eq!(list_words(&["a"]), "a");
    assert_eq!(list_words(&["a", "b"]), "a and b");
    assert_eq!(list_words(&["a", "b", "c"]), "a, b and c");
    assert_eq!(describe::or_words(&["a", "b", "c"]), "a, b or c");
    assert_eq!(describe::or_words(&["x"; 8]), "x, x, x, x, x, x, x or x");
    assert_eq!(describe::or_words(&["x"; 9]), "x, x, x, x, x, x, x, x or another");
}

fn receipt() -> Receipt {
    let pasta = with("pasta", 2, &[option("sauce", "pesto"), option("extras", "cheese"), option("extras", "cream")]);
    let guest = Guest::new()
        .says(add(OrderLine { size: Some("full".into()), ..pasta }))
        .says(add(with("tea", 1, &[times(option("sweet", "sugar"), 2)])))
        .says(add(line("juice", 1)))
        .places(1);
    Receipt::of(&guest.menu, &guest.cart.orders()[0], "2026-05-28 12:30")
}

#[test]
fn a_receipt_in_text() {
    let expected = "              Test Kitchen
Order 7                 2026-05-28 12:30
----------------------------------------
2 x Pasta                          21.50
    full, BBQ cheese, cream, pesto
1 x Black Tea                       2.10
    2 × sugar
1 x Apple Juice                     3.00
----------------------------------------
Subtotal                           26.60
Tax                                 2.46
========================================
Total                             $29.06
";
    assert_eq!(receipt().text(), expected);
}

#[test]
fn long_names_keep_within_the_paper() {
    let mut receipt = receipt();
    receipt.restaurant = "A very long name of a restaurant that needs two rows".to_owned();
    receipt.lines[0].name = format!("Pasta {} al forno della casa con tutto", "m".repeat(60));
    receipt.lines[0].details = "no this, no that, extra of everything that there is, and more of it".to_owned();
    receipt.placed = "x".repeat(60);
    let text = receipt.text();
    assert!(text.lines().all(|row| row.chars().count() <= 40), "{text}");
    assert!(text.contains(&"m".repeat(33)) || text.matches('m').count() >= 60, "{text}");
    assert!(
        text.contains("    no this, no that, extra of\n    everything that there is, and more\n    of it\n"),
        "{text}"
    );
    let full = receipt_line_exact();
    assert_eq!(full.lines().nth(3).unwrap().chars().count(), 40);
}

/// A name that fills its row to the last column stays on one row.
fn receipt_line_exact() -> String {
    let mut receipt = receipt();
    receipt.lines[0].name = "n".repeat(30);
    receipt.text()
}

#[test]
fn a_receipt_as_data_and_as_a_page() {
    let mut receipt = receipt();
    let data = serde_json::to_value(&receipt).unwrap();
    assert_eq!(data["number"], 7);
    assert_eq!(data["total"], "29.06");
    assert_eq!(data["currency"], "USD");
    assert_eq!(data["lines"][0]["unit_price"], "10.75");
    receipt.restaurant = "Tom & Jerry's <b>\"Place\"</b>".to_owned();
    receipt.lines[0].name = "<script>alert(1)</script>".to_owned();
    receipt.lines[0].details = "a<b>".to_owned();
    let page = receipt.html();
    assert!(!page.contains("<script") && !page.contains("a<b>"));
    assert!(page.contains("Tom &amp; Jerry&#39;s &lt;b&gt;&quot;Place&quot;&lt;/b&gt;"));
    assert!(page.contains("<td><b>$29.06</b></td>") && page.contains("<td>$2.46</td>") && page.contains("Order 7"));
}

#[test]
fn the_page_sees_the_cart() {
    let guest = Guest::new()
        .says(add(with("soup", 2, &[option("extras", "cheese")])))
        .says(add(any_item(&["tea", "juice"], 3)));
    let view = serde_json::to_value(guest.cart.view(&guest.menu)).unwrap();
    assert_eq!(view["lines"][0]["id"], 1);
    assert_eq!(view["lines"][0]["details"], "small, BBQ cheese");
    assert_eq!((&view["lines"][0]["total"], &view["lines"][0]["unit_price"]), (&"10.50".into(), &"5.25".into()));
    assert_eq!(view["lines"][0]["questions"].as_array().unwrap().len(), 0);
    assert_eq!((&view["lines"][1]["id"], &view["lines"][1]["quantity"]), (&2.into(), &3.into()));
    assert_eq!(view["lines"][1]["name"], "Apple Juice or Black Tea");
    assert_eq!(view["lines"][1]["questions"][0], "which one would you like: Apple Juice or Black Tea?");
    assert_eq!((&view["subtotal"], &view["tax"], &view["total"]), (&"10.50".into(), &"0.97".into(), &"11.47".into()));
    assert_eq!(view["currency"], "USD");
}

#[test]
fn orders_go_one_step_at_a_time() {
    use OrderState::{Cancelled, Preparing, Ready, Received, Served};
    let allowed = [(Received, Preparing), (Preparing, Ready), (Ready, Served), (Received, Cancelled)];
    for from in OrderState::ALL {
        for to in OrderState::ALL {
            let expected = if allowed.contains(&(from, to)) { Ok(to) } else { Err(TransitionError { from, to }) };
            assert_eq!(from.step(to), expected);
        }
        assert_eq!(from.as_str().parse(), Ok(from));
        assert_eq!(from.to_string(), from.as_str());
        assert_eq!(serde_json::to_value(from).unwrap(), from.as_str());
        assert_eq!(from.is_final(), matches!(from, Served | Cancelled));
    }
    assert!("eaten".parse::<OrderState>().unwrap_err().contains("received, preparing, ready, served, cancelled"));
    assert_eq!(
        Served.step(Received).unwrap_err().to_string(),
        "an order that is served cannot become received; it is finished"
    );
    assert!(Preparing.step(Cancelled).unwrap_err().to_string().ends_with("; it can only go one step on"));
    assert!(Received.step(Ready).unwrap_err().to_string().ends_with("; it can be begun or cancelled"));
}

#[test]
fn events_keep_their_stored_form() {
    let stored = r#"{"type":"line_added.v1","line":{"id":1,"item":"soup","name":"Tomato Soup","quantity":2,"size":{"id":"small","name":"Small"},"options":[{"group":"extras","choice":"cheese","name":"BBQ Cheese","amount":"extra","count":1}],"without":[{"group":"extras","choice":"croutons","name":"Croutons"}],"unit_price":"5.25"}}"#;
    let wanted = OrderLine {
        without: vec![without("extras", "croutons")],
        ..with("soup", 2, &[amount(option("extras", "cheese"), Amount::Extra)])
    };
    let guest = Guest::new();
    let events = guest.cart.decide(&guest.menu, &add(wanted), Consent::NotAsked).unwrap();
    assert_eq!(serde_json::to_string(&events[0]).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Event>(stored).unwrap(), events[0]);
    for (text, event) in [
        (r#"{"type":"cleared.v1"}"#, Event::Cleared),
        (r#"{"type":"line_removed.v1","line":3}"#, Event::LineRemoved { line: id(3) }),
        (
            r#"{"type":"upsell_offered.v1","rule":"r","item":"tea"}"#,
            Event::UpsellOffered { rule: "r".into(), item: "tea".into() },
        ),
        (
            r#"{"type":"plan_accepted.v1","limit":null,"total":"9.00"}"#,
            Event::PlanAccepted { limit: None, total: Cents(900) },
        ),
        (
            r#"{"type":"placed.v1","order":5,"number":2,"at":9,"totals":{"subtotal":"1.00","tax":"0.10","total":"1.10"}}"#,
            Event::Placed {
                order: OrderId(5),
                number: 2,
                at: 9,
                totals: Totals { subtotal: Cents(100), tax: Cents(10), total: Cents(110) },
            },
        ),
    ] {
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
        assert_eq!(serde_json::from_str::<Event>(text).unwrap(), event);
    }
    assert!(serde_json::from_str::<Event>(r#"{"type":"line_added.v9"}"#).is_err());
}

const RULES: &str = r#"
limits: {per_conversation: 1, when: before_confirm}
rules:
  - {id: side, when: {has_category: [Pot], lacks_course: [side]}, offer: [fish, soup], words: "{item} for {price}?"}
  - {id: drink, when: {has_course: [main], lacks_items: [juice]}, offer: [tea, juice], words: "a {item}?"}
  - {id: dish, when: {has_items: [tea], lacks_category: [Pot]}, offer: [stew], words: "a {item}?"}
"#;

fn suggested(guest: &Guest) -> Option<String> {
    let rules = Upsell::from_yaml(RULES, &guest.menu).unwrap();
    rules.suggest(&guest.menu, &guest.cart, None).map(|suggestion| format!("{}: {}", suggestion.rule, suggestion.words))
}

#[test]
fn suggestions_come_from_the_rules() {
    let says = |items: &[&str]| items.iter().fold(Guest::new(), |guest, item| guest.says(add(line(item, 1))));
    assert_eq!(suggested(&Guest::new()), None);
    // The first of the rule's items is sold out.
    assert_eq!(suggested(&says(&["stew"])).unwrap(), "side: Tomato Soup for $4.00?");
    assert_eq!(suggested(&says(&["stew", "soup"])).unwrap(), "drink: a Black Tea?");
    assert_eq!(suggested(&says(&["stew", "soup", "juice"])), None);
    assert_eq!(suggested(&says(&["stew", "soup", "tea"])).unwrap(), "drink: a Apple Juice?");
    assert_eq!(suggested(&says(&["tea"])).unwrap(), "dish: a Bean Stew?");
}

#[test]
fn a_suggestion_is_made_once_and_never_against_the_guest() {
    let mut guest = Guest::new().says(add(line("stew", 1)));
    let rules = Upsell::from_yaml(RULES, &guest.menu).unwrap();
    let first = rules.suggest(&guest.menu, &guest.cart, None).unwrap();
    assert_eq!((first.item.as_str(), first.price), ("soup", Cents(400)));
    // Taken off before: not offered.
    let removed = Guest::new()
        .says(add(line("stew", 1)))
        .says(add(line("soup", 1)))
        .says(Edit::Remove { line: id(2), quantity: None });
    assert_eq!(suggested(&removed).unwrap(), "drink: a Black Tea?");
    // An allergy, and a diet.
    let allergic = Guest::new().says(add(line("stew", 1))).allergic("gluten");
    assert_eq!(suggested(&allergic).unwrap(), "drink: a Black Tea?");
    let unknown = Guest::new().says(add(line("stew", 1))).allergic("kiwi");
    assert_eq!(suggested(&unknown), None);
    let mut vegan = Guest::new().says(add(line("stew", 1)));
    let events = vegan.cart.declare_diet("vegan").unwrap();
    vegan.take(&events);
    assert_eq!(suggested(&vegan).unwrap(), "drink: a Black Tea?");
    // What the purse holds, tax included.
    let left = |cents| rules.suggest(&guest.menu, &guest.cart, Some(Cents(cents))).map(|suggestion| suggestion.rule);
    assert_eq!((left(437).as_deref(), left(436).as_deref(), left(100)), (Some("side"), Some("drink"), None));
    guest.take(&[first.event()]);
    assert_eq!(guest.cart.offered(), ["soup".into()]);
    assert_eq!(suggested(&guest), None);
    let twice = Upsell::from_yaml(&RULES.replace("per_conversation: 1", "per_conversation: 2"), &guest.menu).unwrap();
    assert_eq!(twice.suggest(&guest.menu, &guest.cart, None).unwrap().rule, "drink");
}

#[test]
fn included_things_count_when_something_is_suggested() {
    let guest = Guest::new().allergic("milk");
    let fits = |item: &str| may_suggest(&guest.menu, guest.menu.item(&item.into()).unwrap(), &guest.cart);
    // The stew itself declares no milk, the cream in it does. Of the pie nothing is known; the fish is sold out.
    assert_eq!([fits("tea"), fits("stew"), fits("mystery"), fits("fish")], [true, false, false, false]);
}

#[test]
fn wrong_rules_are_named() {
    let menu = menu();
    let error = |from: &str, to: &str| {
        assert!(RULES.contains(from), "{from}");
        Upsell::from_yaml(&RULES.replace(from, to), &menu).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        error("[fish, soup]", "[cake]"),
        "suggestion \"side\", key \"offer\": there is no item \"cake\" on the menu"
    );
    assert_eq!(error("[fish, soup]", "[]"), "suggestion \"side\", key \"offer\": is empty");
    assert_eq!(
        error("has_items: [tea]", "has_items: [mate]"),
        "suggestion \"dish\", key \"has_items\": there is no item \"mate\" on the menu"
    );
    assert_eq!(
        error("lacks_items: [juice]", "lacks_items: [x]"),
        "suggestion \"drink\", key \"lacks_items\": there is no item \"x\" on the menu"
    );
    assert!(
        error("has_category: [Pot]", "has_category: [Pan]")
            .contains("key \"has_category\": there is no category \"Pan\"")
    );
    assert!(error("lacks_category: [Pot]", "lacks_category: [Pan]").contains("key \"lacks_category\""));
    assert!(error("id: dish", "id: side").contains("stands twice"));
    assert!(error("before_confirm", "always").contains("cannot be read"));
    assert!(error("offer: [stew]", "offers: [stew]").contains("cannot be read"));
}
