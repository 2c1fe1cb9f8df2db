//! What holds for every sequence of edits, and for every sequence of events, even one that nobody decided.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::money::{Cents, TaxRate};

const ITEMS: [&str; 8] = ["soup", "stew", "pasta", "tea", "juice", "mystery", "fish", "nothing"];
const GROUPS: [(&str, &[&str]); 5] = [
    ("extras", &["cream", "croutons", "cheese", "herbs", "truffle"]),
    ("spice", &["mild", "hot"]),
    ("sauce", &["pesto", "arrabbiata", "gone"]),
    ("milk", &["whole", "oat"]),
    ("sweet", &["sugar"]),
];
const SIZES: [&str; 5] = ["small", "large", "half", "full", "huge"];

fn picked() -> impl Strategy<Value = (&'static str, ChoicePick)> {
    select(GROUPS.to_vec()).prop_flat_map(|(group, choices)| {
        let choices = vec(select(choices.to_vec()), 1..3);
        (Just(group), choices, any::<bool>()).prop_map(|(group, choices, open)| match (open, &choices[..]) {
            (false, [one, ..]) => (group, ChoicePick::One((*one).into())),
            _ => (group, ChoicePick::AnyOf(choices.into_iter().map(Into::into).collect())),
        })
    })
}

fn an_option() -> impl Strategy<Value = OptionPick> {
    let amount = select(vec![None, None, Some(Amount::Light), Some(Amount::Extra)]);
    let count = select(vec![None, None, None, Some(1), Some(2), Some(3), Some(0), Some(u32::MAX)]);
    (picked(), amount, count).prop_map(|((group, choice), amount, count)| OptionPick {
        group: group.into(),
        choice,
        amount,
        count,
    })
}

fn a_without() -> impl Strategy<Value = Without> {
    picked().prop_map(|(group, choice)| Without { group: group.into(), choice })
}

fn a_quantity() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1..6_u32, 1 => select(vec![0, 49, 50, 51, 1_000_000_000, u32::MAX])]
}

fn a_line() -> impl Strategy<Value = OrderLine> {
    let item = prop_oneof![
        6 => select(ITEMS.to_vec()).prop_map(|id| Pick::One(id.into())),
        1 => vec(select(ITEMS.to_vec()), 0..3).prop_map(|ids| Pick::AnyOf(ids.into_iter().map(Into::into).collect())),
    ];
    let size = prop_oneof![3 => Just(None), 1 => select(SIZES.to_vec()).prop_map(|id| Some(id.into()))];
    (item, a_quantity(), size, vec(an_option(), 0..3), vec(a_without(), 0..2))
        .prop_map(|(item, quantity, size, options, without)| OrderLine { item, quantity, size, options, without })
}

fn a_line_id() -> impl Strategy<Value = LineId> {
    prop_oneof![12 => 1..8_u32, 1 => Just(u32::MAX)].prop_map(LineId)
}

fn an_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        6 => a_line().prop_map(add),
        1 => (a_line_id(), a_quantity()).prop_map(|(line, quantity)| Edit::SetQuantity { line, quantity }),
        1 => (a_line_id(), select(SIZES.to_vec())).prop_map(|(line, size)| Edit::SetSize { line, size: size.into() }),
        2 => (a_line_id(), an_option()).prop_map(|(line, option)| Edit::SetOption { line, option }),
        2 => (a_line_id(), a_without()).prop_map(|(line, without)| Edit::Leave { line, without }),
        1 => (a_line_id(), a_line()).prop_map(|(line, with)| Edit::Replace { line, with }),
        1 => (a_line_id(), prop_oneof![Just(None), a_quantity().prop_map(Some)])
            .prop_map(|(line, quantity)| Edit::Remove { line, quantity }),
        1 => select(vec![Edit::Clear, Edit::Place, Edit::Place]),
    ]
}

/// What must hold of every cart that decisions made.
fn check(menu: &Menu, cart: &Cart) -> Result<(), TestCaseError> {
    let totals = cart.totals(menu.tax_rate);
    let lines: i64 = cart.lines().iter().map(|line| i64::from(line.quantity) * line.unit_price.0).sum();
    prop_assert_eq!(totals.subtotal.0, lines);
    prop_assert_eq!(totals.total, totals.subtotal + totals.tax);
    prop_assert!(totals.subtotal >= Cents::ZERO && totals.subtotal <= MAX_SUBTOTAL && totals.tax >= Cents::ZERO);
    prop_assert!(cart.item_count() <= MAX_CART_ITEMS);
    let ids: Vec<u32> = cart.lines().iter().map(|line| line.id.0).collect();
    prop_assert!(ids.is_sorted_by(|a, b| a < b), "{:?}", ids);
    for line in cart.lines() {
        prop_assert!((1..=MAX_LINE_QUANTITY).contains(&line.quantity));
        let item = menu.item(&line.item).unwrap();
        prop_assert!(item.available && line.unit_price >= item.price_range().0);
        // The price is that of building the same line anew: nothing that a guest says can change it.
        let again = Cart::default().decide(menu, &add(line.as_order()), Consent::Given);
        let Ok([Event::LineAdded { line: built }]) = again.as_deref() else { panic!("{again:?}") };
        prop_assert_eq!(built.unit_price, line.unit_price);
        prop_assert_eq!(&built.options, &line.options);
        for option in &line.options {
            prop_assert!(item.option_groups.contains(&option.group));
            prop_assert!(!line.without.iter().any(|left| left.group == option.group && left.choice == option.choice));
        }
        // Equal lines without a question are one.
        let settled = need::of_line(menu, line).is_empty();
        prop_assert!(!(settled && cart.lines().iter().any(|other| line.is_twin(other))));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_conversation_keeps_the_books(
        edits in vec((an_edit(), any::<bool>()), 1..40),
        allergies in vec(select(vec!["milk", "gluten", "nuts", "kiwi"]), 0..2),
    ) {
        let menu = menu();
        let mut events: Vec<Event> = allergies.iter().map(|name| Event::AllergyDeclared { allergen: (*name).into() }).collect();
        let mut cart = Cart::fold(&events);
        for (edit, confirmed) in edits {
            let consent = if confirmed { Consent::Given } else { Consent::NotAsked };
            let before = cart.clone();
            let Ok(decided) = cart.decide(&menu, &edit, consent) else {
                prop_assert_eq!(&cart, &before);
                continue;
            };
            decided.iter().for_each(|event| cart.apply(event));
            events.extend(decided);
            if edit == Edit::Place {
                let checkout = cart.checkout(&menu, consent).unwrap();
                prop_assert_eq!(&checkout.lines[..], cart.lines());
                let placed = Event::Placed { order: OrderId(events.len() as i64), number: 1, at: 0, totals: checkout.totals };
                cart.apply(&placed);
                events.push(placed);
            }
            check(&menu, &cart)?;
            // Adding says how many more there are, whether lines merge or not.
            if let Edit::Add { line } = &edit {
                prop_assert_eq!(cart.item_count(), before.item_count() + line.quantity);
            }
            // A declared allergen gets into the cart by a yes only.
            let unasked = |conflict: &Conflict| !cart.line(conflict.line).unwrap().accepted.contains(&conflict.allergen);
            prop_assert!(!conflicts(&menu, &cart).iter().any(unasked));
        }
        // The cart is what its events make, also after they were stored and read.
        let stored = serde_json::to_string(&events).unwrap();
        let read: Vec<Event> = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(&Cart::fold(&read), &cart);
        for order in cart.orders() {
            prop_assert_eq!(order.totals, Totals::of(&order.lines, menu.tax_rate));
            let paid: i64 = order.lines.iter().map(|line| order.paid_for(line).0).sum();
            prop_assert!((paid - order.totals.total.0).abs() <= order.lines.len() as i64);
        }
        let text = cart.orders().first().map(|order| Receipt::of(&menu, order, "today").text()).unwrap_or_default();
        prop_assert!(text.lines().all(|row| row.chars().count() <= 40), "{}", text);
    }

    #[test]
    fn no_sequence_of_events_breaks_a_cart(events in vec(any_event(), 0..60)) {
        let menu = menu();
        let mut cart = Cart::default();
        for (n, event) in events.iter().enumerate() {
            match event {
                // Half of the orders are what the cart comes to; of the other half hardly one is.
                Event::Placed { number, .. } if n % 2 == 0 => {
                    let (order, totals) = (OrderId(1 + n as i64 % 3), cart.totals(menu.tax_rate));
                    cart.apply(&Event::Placed { order, number: *number, at: i64::MIN, totals });
                }
                event => cart.apply(event),
            }
            let totals = cart.totals(TaxRate::parse("1").unwrap());
            prop_assert!(totals.subtotal >= Cents::ZERO && totals.total >= totals.subtotal);
            prop_assert!(cart.lines().len() + cart.pending_lines().len() <= MAX_CART_ITEMS as usize);
            for order in cart.orders() {
                let given: Cents = cart.remedies().iter().filter(|granted| granted.order == order.id).map(|granted| granted.amount).sum();
                prop_assert!(given <= order.totals.total);
                prop_assert_eq!(order.totals.subtotal, Totals::of(&order.lines, TaxRate::default()).total);
                prop_assert_eq!(order.totals.total, order.totals.subtotal + order.totals.tax);
                prop_assert_eq!(cart.orders().iter().filter(|other| other.id == order.id).count(), 1);
            }
        }
        let _ = (cart.needs(&menu), cart.view(&menu), describe(&menu, &cart), cart.checkout(&menu, Consent::NotAsked));
    }
}

/// Events with whatever a damaged or hostile store may hold.
fn any_event() -> impl Strategy<Value = Event> {
    let wild = prop_oneof![3 => 0..2_000_i64, 1 => select(vec![-1, -Cents::MAX_ABS, Cents::MAX_ABS])].prop_map(Cents);
    let line =
        (1..6_u32, a_quantity(), wild.clone(), vec(an_option(), 0..3), vec(a_without(), 0..2), select(ITEMS.to_vec()))
            .prop_map(|(number, quantity, unit_price, open, open_without, item)| Line {
                id: id(number),
                item: item.into(),
                name: "x".into(),
                quantity,
                size: None,
                options: open
                    .iter()
                    .filter_map(|pick| {
                        let choice = pick.choice.one()?.clone();
                        Some(LineOption {
                            group: pick.group.clone(),
                            choice,
                            name: String::new(),
                            amount: pick.amount,
                            count: pick.count.unwrap_or(7),
                        })
                    })
                    .collect(),
                without: Vec::new(),
                open,
                open_without,
                unit_price,
                accepted: std::collections::BTreeSet::new(),
            })
            .boxed();
    let totals =
        (wild.clone(), wild.clone(), wild.clone()).prop_map(|(subtotal, tax, total)| Totals { subtotal, tax, total });
    prop_oneof![
        3 => line.clone().prop_map(|line| Event::LineAdded { line }),
        2 => line.prop_map(|line| Event::LineChanged { line }),
        1 => (a_line_id(), a_line()).prop_map(|(line, wanted)| Event::ItemAsked { line, wanted }),
        1 => a_line_id().prop_map(|line| Event::LineRemoved { line }),
        1 => Just(Event::Cleared),
        1 => a_line_id().prop_map(|line| Event::ConflictAccepted { line, allergens: ["milk".to_owned()].into() }),
        1 => totals.prop_map(|totals| Event::Placed { order: OrderId(1), number: 1, at: i64::MIN, totals }),
        1 => wild.prop_map(|amount| Event::RemedyGranted {
            granted: Granted { order: OrderId(1), line: None, remedy: RemedyKind::Voucher, amount, at: i64::MAX },
        }),
    ]
}
