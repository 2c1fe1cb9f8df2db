use super::*;
use crate::money::Cents;

#[test]
fn a_line_is_priced_with_size_and_options() {
    let cheese = with("soup", 2, &[option("extras", "cheese"), times(option("extras", "cream"), 2)]);
    let guest = Guest::new().says(add(OrderLine { size: Some("large".into()), ..cheese }));
    assert_eq!(guest.shows(), "2 × Tomato Soup (large, BBQ cheese, 2 × cream) = 15.50");
    let totals = guest.cart.totals(guest.menu.tax_rate);
    assert_eq!((totals.tax, totals.total), (Cents(143), Cents(1693)));
}

#[test]
fn what_is_included_is_paid_for() {
    let price = |pick: OptionPick| {
        let guest = Guest::new().says(add(with("stew", 1, &[pick])));
        guest.cart.lines()[0].unit_price.0 - 999
    };
    let cream = || option("extras", "cream");
    assert_eq!(price(cream()), 0);
    assert_eq!(price(amount(cream(), Amount::Light)), 0);
    assert_eq!(price(amount(cream(), Amount::Extra)), 50);
    assert_eq!(price(times(cream(), 3)), 100);
    let cheese = || option("extras", "cheese");
    assert_eq!(price(cheese()), 125);
    assert_eq!(price(amount(cheese(), Amount::Light)), 125);
    assert_eq!(price(amount(cheese(), Amount::Extra)), 125);
    assert_eq!(price(times(cheese(), 2)), 250);
}

#[test]
fn leaving_out_changes_no_price_and_wins_over_an_option() {
    let guest = Guest::new().says(add(lacking("stew", 1, &[without("extras", "cream")])));
    assert_eq!(guest.shows(), "1 × Bean Stew (no cream) = 9.99");
    let both =
        OrderLine { without: vec![without("extras", "cheese")], ..with("stew", 1, &[option("extras", "cheese")]) };
    assert_eq!(Guest::new().says(add(both)).shows(), "1 × Bean Stew (no BBQ cheese) = 9.99");
}

#[test]
fn equal_lines_become_one() {
    let guest = Guest::new()
        .says(add(with("tea", 1, &[option("sweet", "sugar"), option("milk", "oat")])))
        .says(add(line("tea", 1)))
        .says(add(with("tea", 2, &[option("milk", "oat"), option("sweet", "sugar")])));
    assert_eq!(guest.shows(), "3 × Black Tea (oat milk, sugar); 1 × Black Tea = 9.35");
    // A change that makes two lines equal joins them too, at the place of the older one.
    let guest = guest
        .says(Edit::Leave { line: id(1), without: without("milk", "oat") })
        .says(Edit::Leave { line: id(1), without: without("sweet", "sugar") });
    assert_eq!(guest.shows(), "4 × Black Tea = 8.00");
    assert_eq!(guest.cart.lines()[0].id, id(2));
}

#[test]
fn said_twice_counts_only_where_counted() {
    let twice = |pick: OptionPick| with("tea", 1, &[pick.clone(), pick]);
    let guest = Guest::new().says(add(twice(times(option("sweet", "sugar"), 2))));
    assert_eq!(guest.shows(), "1 × Black Tea (4 × sugar) = 2.20");
    let cream = with("soup", 1, &[option("extras", "cream"), amount(option("extras", "cream"), Amount::Light)]);
    assert_eq!(Guest::new().says(add(cream)).shows(), "1 × Tomato Soup (small, light cream) = 4.50");
}

#[test]
fn quantities_are_bounded() {
    for quantity in [0, 51, 1_000_000_000] {
        assert_eq!(Guest::new().refused(add(line("tea", quantity))), Refusal::Quantity { asked: quantity });
        let guest = Guest::new().says(add(line("tea", 1)));
        let set = Edit::SetQuantity { line: id(1), quantity };
        assert_eq!(guest.refused(set), Refusal::Quantity { asked: quantity });
    }
    let guest = Guest::new().says(add(line("tea", 50)));
    assert_eq!(guest.refused(add(line("tea", 1))), Refusal::Quantity { asked: 51 });
    let guest = guest.says(add(line("juice", 50)));
    assert_eq!(guest.cart.item_count(), 100);
    assert_eq!(guest.refused(add(line("soup", 1))), Refusal::CartFull);
    assert_eq!(guest.refused(add(any_item(&["soup", "stew"], 1))), Refusal::CartFull);
    let guest = guest.says(Edit::SetQuantity { line: id(2), quantity: 49 }).says(add(line("soup", 1)));
    assert_eq!(guest.cart.item_count(), 100);
}

#[test]
fn an_order_has_a_largest_sum() {
    let guest = Guest::new().says(add(line("feast", 2)));
    assert_eq!(guest.refused(add(line("feast", 1))), Refusal::TooExpensive);
    assert_eq!(guest.refused(Edit::SetQuantity { line: id(1), quantity: 3 }), Refusal::TooExpensive);
    let exact = menu_with("900.00", "1000.00");
    let cart = Cart::default();
    assert!(cart.decide(&exact, &add(line("feast", 2)), Consent::NotAsked).is_ok());
    let dear = menu_with("900.00", "2000.01");
    assert_eq!(cart.decide(&dear, &add(line("feast", 1)), Consent::NotAsked), Err(Refusal::TooExpensive));
}

#[test]
fn a_cart_over_its_limits_can_be_made_smaller() {
    let mut guest = Guest::new().says(add(line("feast", 2)));
    // A line of an older menu, dearer than what may be added today.
    let dear = Line { id: id(2), unit_price: Cents(200_000), quantity: 2, ..guest.cart.lines()[0].clone() };
    guest.take(&[Event::LineAdded { line: dear }]);
    let guest =
        guest.says(Edit::SetQuantity { line: id(2), quantity: 1 }).says(Edit::Remove { line: id(2), quantity: None });
    assert_eq!(guest.shows(), "2 × Feast = 1800.00");
}

#[test]
fn sold_out_is_refused_by_name() {
    let sold_out = |name: &str| Refusal::SoldOut { name: name.to_owned() };
    let guest = Guest::new();
    assert_eq!(guest.refused(add(line("fish", 1))), sold_out("Fish"));
    assert_eq!(guest.refused(add(with("soup", 1, &[option("extras", "truffle")]))), sold_out("Truffle"));
    assert_eq!(guest.refused(add(any_item(&["fish"], 1))), sold_out("Fish"));
    assert!(guest.refused(add(line("fish", 1))).to_string().contains("Fish is sold out"));
    // Of what is in the cart already there can be less, not more.
    let mut guest = guest.says(add(line("tea", 2)));
    guest.menu = menu_with(r#""price":2.00,"#, r#""price":2.00,"available":false,"#);
    assert_eq!(guest.refused(Edit::SetQuantity { line: id(1), quantity: 3 }), sold_out("Black Tea"));
    assert_eq!(guest.says(Edit::SetQuantity { line: id(1), quantity: 1 }).shows(), "1 × Black Tea = 2.00");
}

#[test]
fn what_does_not_belong_to_the_item_is_refused() {
    let guest = Guest::new();
    let not_offered = |item: &str, choice: &str| Refusal::NotOffered { item: item.into(), choice: choice.into() };
    assert_eq!(guest.refused(add(with("juice", 1, &[option("extras", "cream")]))), not_offered("Apple Juice", "Cream"));
    assert_eq!(guest.refused(add(with("soup", 1, &[option("extras", "gold")]))), not_offered("Tomato Soup", "gold"));
    assert_eq!(guest.refused(add(with("soup", 1, &[any_option("extras", &[])]))), not_offered("Tomato Soup", ""));
    assert_eq!(guest.refused(add(lacking("tea", 1, &[without("extras", "cream")]))), not_offered("Black Tea", "Cream"));
    assert_eq!(guest.refused(add(line("cake", 1))), Refusal::NoSuchItem);
    assert_eq!(guest.refused(add(any_item(&["cake", "pudding"], 1))), Refusal::NoSuchItem);
    let sized = |item: &str| OrderLine { size: Some("huge".into()), ..line(item, 1) };
    assert_eq!(
        guest.refused(add(sized("soup"))).to_string(),
        "Tomato Soup comes in these sizes: Small and Large; which would you like?"
    );
    assert_eq!(guest.refused(add(sized("tea"))).to_string(), "Black Tea comes in one size only; is that fine?");
}

#[test]
fn groups_take_so_many() {
    let guest = Guest::new();
    let sugar = |count| with("tea", 1, &[times(option("sweet", "sugar"), count)]);
    let too_many = Refusal::TooManyChoices { item: "Black Tea".into(), group: "Sweetener".into(), max: 4 };
    assert_eq!(guest.refused(add(sugar(5))), too_many);
    assert_eq!(guest.refused(add(sugar(0))), Refusal::Count { most: 20 });
    assert_eq!(guest.refused(add(sugar(21))), Refusal::Count { most: 20 });
    let doubled = with("tea", 1, &[times(option("sweet", "sugar"), 20), times(option("sweet", "sugar"), 1)]);
    assert_eq!(guest.refused(add(doubled)), Refusal::Count { most: 20 });
    let twenty = with("tea", 1, &[times(option("sweet", "sugar"), 19), times(option("sweet", "sugar"), 1)]);
    assert!(matches!(guest.refused(add(twenty)), Refusal::TooManyChoices { max: 4, .. }));
    let open = with("pasta", 1, &[option("sauce", "pesto"), times(any_option("sauce", &["pesto", "arrabbiata"]), 2)]);
    assert!(matches!(guest.refused(add(open)), Refusal::TooManyChoices { max: 2, .. }));
    let many = vec![option("extras", "cream"); MAX_OPTIONS + 1];
    assert_eq!(
        guest.refused(add(with("soup", 1, &many))),
        Refusal::TooManyOptions { item: "Tomato Soup".into(), most: 40 }
    );
    let many = vec![without("extras", "cream"); MAX_OPTIONS + 1];
    assert!(matches!(guest.refused(add(lacking("soup", 1, &many))), Refusal::TooManyOptions { .. }));
    let guest = guest.says(add(sugar(4))).says(add(with("soup", 1, &many_ok())));
    assert_eq!(guest.cart.item_count(), 2);
}

fn many_ok() -> Vec<OptionPick> {
    vec![option("extras", "cream"); MAX_OPTIONS]
}

#[test]
fn a_group_of_one_takes_the_last_word() {
    let guest = Guest::new()
        .says(add(with("tea", 1, &[option("milk", "whole")])))
        .says(Edit::SetOption { line: id(1), option: option("milk", "oat") });
    assert_eq!(guest.shows(), "1 × Black Tea (oat milk) = 2.40");
    let guest = guest.says(Edit::SetOption { line: id(1), option: option("sweet", "sugar") });
    assert_eq!(guest.shows(), "1 × Black Tea (oat milk, sugar) = 2.45");
}

#[test]
fn lines_change() {
    let guest = Guest::new()
        .says(add(with("soup", 2, &[option("extras", "cream")])))
        .says(Edit::SetSize { line: id(1), size: "large".into() })
        .says(Edit::SetOption { line: id(1), option: times(option("extras", "cream"), 2) })
        .says(Edit::Leave { line: id(1), without: without("extras", "croutons") });
    assert_eq!(guest.shows(), "2 × Tomato Soup (large, no croutons, 2 × cream) = 13.00");
    // What was left out comes back when it is asked for.
    let guest = guest
        .says(Edit::SetOption { line: id(1), option: option("extras", "croutons") })
        .says(Edit::Leave { line: id(1), without: without("extras", "cream") });
    assert_eq!(guest.shows(), "2 × Tomato Soup (large, croutons) = 11.00");
    let guest = guest.says(Edit::Replace { line: id(1), with: line("tea", 3) });
    assert_eq!(guest.shows(), "3 × Black Tea = 6.00");
    assert_eq!(guest.cart.lines()[0].id, id(1));
    assert_eq!(guest.refused(Edit::SetSize { line: id(9), size: "large".into() }), Refusal::NoSuchLine);
    assert_eq!(guest.refused(Edit::Replace { line: id(9), with: line("tea", 1) }), Refusal::NoSuchLine);
    assert_eq!(guest.refused(Edit::SetQuantity { line: id(9), quantity: 1 }), Refusal::NoSuchLine);
    assert_eq!(guest.refused(Edit::Remove { line: id(9), quantity: None }), Refusal::NoSuchLine);
}

#[test]
fn an_option_that_is_included_and_chosen_can_be_left_off() {
    let guest = Guest::new()
        .says(add(with("stew", 1, &[amount(option("extras", "cream"), Amount::Extra)])))
        .says(Edit::Leave { line: id(1), without: without("extras", "cream") });
    assert_eq!(guest.shows(), "1 × Bean Stew (no cream) = 9.99");
    // What is not on it is noted for the kitchen, once.
    let guest = guest
        .says(Edit::Leave { line: id(1), without: without("extras", "cheese") })
        .says(Edit::Leave { line: id(1), without: without("extras", "cheese") });
    assert_eq!(guest.shows(), "1 × Bean Stew (no BBQ cheese, no cream) = 9.99");
}

#[test]
fn lines_go() {
    let guest = Guest::new().says(add(line("tea", 5))).says(add(line("juice", 1)));
    assert_eq!(guest.refused(Edit::Remove { line: id(1), quantity: Some(0) }), Refusal::Quantity { asked: 0 });
    let guest = guest.says(Edit::Remove { line: id(1), quantity: Some(2) });
    assert_eq!(guest.shows(), "3 × Black Tea; 1 × Apple Juice = 9.00");
    assert!(guest.cart.declined().is_empty());
    let guest = guest.says(Edit::Remove { line: id(1), quantity: Some(3) });
    assert_eq!(guest.shows(), "1 × Apple Juice = 3.00");
    assert!(guest.cart.declined().contains(&"tea".into()));
    let guest = guest.says(Edit::Remove { line: id(2), quantity: Some(9) });
    assert!(guest.cart.is_empty());
    // Numbers are never used again.
    let guest = guest.says(add(line("tea", 1)));
    assert_eq!(guest.cart.lines()[0].id, id(3));
    let guest = guest.says(Edit::Clear);
    assert!(guest.cart.is_empty());
    assert_eq!(guest.cart.decide(&guest.menu, &Edit::Clear, Consent::NotAsked), Ok(vec![]));
}

#[test]
fn no_change_makes_no_event() {
    let guest =
        Guest::new().says(add(with("tea", 2, &[option("milk", "oat")]))).says(add(any_item(&["tea", "juice"], 2)));
    for edit in [
        Edit::SetQuantity { line: id(1), quantity: 2 },
        Edit::SetQuantity { line: id(2), quantity: 2 },
        Edit::SetOption { line: id(1), option: option("milk", "oat") },
    ] {
        assert_eq!(guest.cart.decide(&guest.menu, &edit, Consent::NotAsked), Ok(vec![]), "{edit:?}");
    }
}

#[test]
fn an_order_is_taken_in_only_as_what_the_cart_comes_to() {
    let guest = Guest::new().says(add(line("tea", 3)));
    let right = guest.cart.totals(guest.menu.tax_rate);
    let cent = Cents(1);
    for wrong in [
        Totals { subtotal: right.subtotal - cent, total: right.total - cent, ..right },
        Totals { tax: -cent, total: right.subtotal - cent, ..right },
        Totals { total: right.total - cent, ..right },
    ] {
        let mut guest = guest.clone();
        guest.take(&[Event::Placed { order: OrderId(1), number: 1, at: 0, totals: wrong }]);
        assert_eq!((guest.cart.orders().len(), guest.cart.lines().len()), (0, 1), "{wrong:?}");
    }
    let mut guest = guest.places(1).says(add(line("tea", 3)));
    guest.take(&[Event::Placed { order: OrderId(1), number: 2, at: 0, totals: right }]);
    assert_eq!(guest.cart.orders().len(), 1, "an order is placed once");
}

#[test]
fn what_one_order_was_given_does_not_count_for_another() {
    let mut guest = Guest::new().says(add(line("tea", 3))).places(1).says(add(line("tea", 3))).places(2);
    let whole = guest.cart.orders()[0].totals.total;
    let give = |order: i64, amount: Cents| Event::RemedyGranted {
        granted: Granted { order: OrderId(order), line: None, remedy: RemedyKind::Voucher, amount, at: 0 },
    };
    guest.take(&[give(1, whole), give(1, Cents(1)), give(3, Cents(1)), give(2, Cents(-1)), give(2, whole)]);
    let given: Vec<_> = guest.cart.remedies().iter().map(|granted| (granted.order.0, granted.amount)).collect();
    assert_eq!(given, [(1, whole), (2, whole)]);
}

#[test]
fn an_answered_line_stands_where_it_was_asked() {
    let guest =
        Guest::new().says(add(line("tea", 1))).says(add(any_item(&["soup", "stew"], 1))).says(add(line("juice", 1)));
    let answer = guest.cart.answer_item(id(2), &"stew".into()).unwrap();
    assert_eq!(guest.says(answer).shows(), "1 × Black Tea; 1 × Bean Stew; 1 × Apple Juice = 14.99");
}
