//! Sessions, carts and orders as guests see them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{AT, DAY, add, events, file, fill, menu, place, store};
use concierge::{
    ledger::{ComplaintKind, Granted, OrderId, OrderState, RemedyKind},
    money::Cents,
    order::{Edit, LineId},
};
use store::{Claim, KEYS_KEPT, NewTicket, SessionId, Speaker, Store, StoreError, Thumb, TicketState, TurnRecord};

#[test]
fn everything_is_there_after_opening_again() {
    let (directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    store.add_messages(&guest, "t1", &[(Speaker::Guest, "hello"), (Speaker::Rosy, "welcome")], AT).unwrap();
    store
        .add_messages(&guest, "t2", &[(Speaker::Guest, "my tea is cold"), (Speaker::Gordon, "sorry")], AT + 5)
        .unwrap();
    store.save_state(&guest, &serde_json::json!({"agent": "gordon"}), AT + 6).unwrap();
    let filled = fill(&store, &guest, 3);
    let placed = place(&store, &guest, "k", "body", &filled).unwrap();
    drop(store);

    let store = Store::open(&file(&directory)).unwrap();
    let session = store.session(&guest).unwrap();
    assert_eq!((session.created, session.seen), (AT, AT + 6));
    assert_eq!(session.state, Some(serde_json::json!({"agent": "gordon"})));
    let said: Vec<_> = store.messages(&guest, 3).unwrap().into_iter().map(|m| (m.turn, m.role, m.text)).collect();
    let expected =
        [("t1", Speaker::Rosy, "welcome"), ("t2", Speaker::Guest, "my tea is cold"), ("t2", Speaker::Gordon, "sorry")];
    assert_eq!(said, expected.map(|(turn, role, text)| (turn.to_owned(), role, text.to_owned())));
    let log = store.cart(&guest).unwrap();
    assert_eq!(log.seq, placed.seq);
    assert!(log.cart().is_empty());
    let order = store.order(&guest, placed.order).unwrap();
    assert_eq!(log.cart().orders(), [(&order).into()]);
    assert_eq!((order.number, order.day.as_str(), order.state), (1, DAY, OrderState::Received));
    assert_eq!((order.totals.subtotal, order.totals.total), (Cents(600), Cents(660)));
}

#[test]
fn a_session_id_has_one_form() {
    let (_directory, store) = store();
    let id = store.create_session(AT).unwrap().id;
    assert_eq!(id.as_str().parse::<SessionId>().unwrap(), id);
    assert_ne!(store.create_session(AT).unwrap().id, id);
    for text in ["", "x", &"g".repeat(32), &"A".repeat(32), &"a".repeat(33), "' OR 1=1 --"] {
        assert_eq!(text.parse::<SessionId>(), Err(StoreError::NotFound("session")), "{text}");
    }
    assert!(!format!("{id:?}").contains(id.as_str()));
}

#[test]
fn two_tabs_lose_no_change() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    let (first, second) = (store.cart(&guest).unwrap(), store.cart(&guest).unwrap());
    store.append(&guest, first.seq, &events(&first.cart(), &add("tea", 1)), AT).unwrap();
    let late = store.append(&guest, second.seq, &events(&second.cart(), &add("pie", 1)), AT);
    assert_eq!(late, Err(StoreError::Stale { found: 1 }));
    let again = store.cart(&guest).unwrap();
    store.append(&guest, again.seq, &events(&again.cart(), &add("pie", 1)), AT).unwrap();
    let cart = store.cart(&guest).unwrap().cart();
    assert_eq!(cart.totals(menu().tax_rate).subtotal, Cents(950));
    // A checkout that another tab has overtaken is not placed.
    let seen = (again.seq, again.cart().checkout(&menu(), concierge::ledger::Consent::NotAsked).unwrap());
    assert_eq!(place(&store, &guest, "k", "", &seen), Err(StoreError::Stale { found: 2 }));
    assert_eq!(store.orders(&guest, 10).unwrap(), []);
}

#[test]
fn many_tabs_at_once_lose_no_change() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    while let Err(error) = {
                        let log = store.cart(&guest).unwrap();
                        store.append(&guest, log.seq, &events(&log.cart(), &add("tea", 1)), AT)
                    } {
                        assert!(matches!(error, StoreError::Stale { .. }), "{error}");
                    }
                }
            });
        }
    });
    assert_eq!(store.cart(&guest).unwrap().cart().item_count(), 40);
}

#[test]
fn a_repeated_request_gives_the_same_answer() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    let filled = fill(&store, &guest, 2);
    let first = place(&store, &guest, "key", "body", &filled).unwrap();
    let again = place(&store, &guest, "key", "body", &filled).unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!(store::Receipted { replayed: false, ..again }, first);
    assert_eq!(place(&store, &guest, "key", "other body", &filled), Err(StoreError::KeyReused));
    assert_eq!(store.orders(&guest, 10).unwrap().len(), 1);
    // The key is the guest's own.
    let other = store.create_session(AT).unwrap().id;
    let filled = fill(&store, &other, 1);
    let theirs = place(&store, &other, "key", "body", &filled).unwrap();
    assert_eq!((theirs.number, theirs.replayed), (2, false));
    assert!(matches!(place(&store, &guest, "", "", &filled), Err(StoreError::Invalid(_))));
    assert!(matches!(place(&store, &guest, &"k".repeat(201), "", &filled), Err(StoreError::Invalid(_))));
}

#[test]
fn a_messages_key_stands_for_one_turn_until_it_is_purged() {
    let (_directory, store) = store();
    let (guest, other) = (store.create_session(AT).unwrap().id, store.create_session(AT).unwrap().id);
    assert_eq!(store.claim(&guest, "key", b"two teas", "t1", AT), Ok(Claim::New));
    assert_eq!(store.claim(&guest, "key", b"two teas", "t2", AT + 1), Ok(Claim::Known("t1".into())));
    assert_eq!(store.claim(&guest, "key", b"three teas", "t3", AT + 1), Err(StoreError::KeyReused));
    assert_eq!(store.claim(&other, "key", b"three teas", "t4", AT + 1), Ok(Claim::New), "a key is the guest's own");
    for wrong in ["", &"k".repeat(201)] {
        assert!(matches!(store.claim(&guest, wrong, b"", "t", AT), Err(StoreError::Invalid(_))));
    }
    let order = place(&store, &guest, "t1", "body", &fill(&store, &guest, 1)).unwrap().order;
    assert_eq!(store.order_under(&guest, "t1").unwrap().unwrap().id, order);
    assert_eq!(store.order_under(&other, "t1").unwrap(), None);
    let later = AT + KEYS_KEPT;
    assert_eq!(store.purge_keys(later - KEYS_KEPT), Ok(0), "nothing goes before its time");
    assert_eq!(store.purge_keys(later + 1 - KEYS_KEPT), Ok(2));
    assert_eq!(store.claim(&guest, "key", b"three teas", "t5", later), Ok(Claim::New));
    assert_eq!(store.claim(&other, "key", b"three teas", "t6", later), Ok(Claim::Known("t4".into())));
    assert_eq!(store.orders(&guest, 10).unwrap().len(), 1, "orders are no keys");
}

#[test]
fn a_turn_is_kept_whole_or_not_at_all() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    let cart = store.cart(&guest).unwrap();
    let events = events(&cart.cart(), &add("tea", 2));
    let state = serde_json::json!({"turns": 1});
    let record = TurnRecord {
        session: &guest,
        turn: "t1",
        expected: cart.seq,
        events: &events,
        said: &[(Speaker::Guest, "two teas")],
        state: &state,
        at: AT,
    };
    let seq = store.keep_turn(&record).unwrap();
    assert_eq!(seq, cart.seq + events.len() as u64);
    assert_eq!(store.turn_messages(&guest, "t1").unwrap()[0].text, "two teas");
    assert_eq!(store.session(&guest).unwrap().state, Some(state.clone()));
    let next = serde_json::json!({"turns": 2});
    let late = TurnRecord { turn: "t2", state: &next, ..record };
    assert!(matches!(store.keep_turn(&late), Err(StoreError::Stale { .. })));
    let long = "x".repeat(70_000);
    let long = TurnRecord { turn: "t3", expected: seq, said: &[(Speaker::Guest, &long)], ..late };
    assert!(matches!(store.keep_turn(&long), Err(StoreError::Invalid(_))));
    assert_eq!(store.cart(&guest).unwrap().seq, seq);
    assert!(store.turn_messages(&guest, "t2").unwrap().is_empty());
    assert_eq!(store.session(&guest).unwrap().state.unwrap()["turns"], 1);
}

#[test]
fn fifty_at_once_make_one_order() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    let filled = fill(&store, &guest, 1);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(|| place(&store, &guest, "key", "body", &filled))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert!(answers.iter().all(|answer| answer.order == answers[0].order && answer.number == 1));
    assert_eq!(store.orders(&guest, 10).unwrap().len(), 1);
    assert_eq!(store.cart(&guest).unwrap().cart().orders().len(), 1);
}

#[test]
fn numbers_begin_anew_each_day() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    let mut numbers = Vec::new();
    for (key, day) in [("a", "2026-05-28"), ("b", "2026-05-28"), ("c", "2026-05-29")] {
        let (expected, checkout) = fill(&store, &guest, 1);
        let placement =
            store::Placement { session: &guest, key, body: b"", expected, checkout: &checkout, day, at: AT };
        numbers.push(store.place(&placement).unwrap().number);
    }
    assert_eq!(numbers, [1, 2, 1]);
}

#[test]
fn nothing_of_another_guest_is_found() {
    let (_directory, store) = store();
    let (owner, thief) = (store.create_session(AT).unwrap().id, store.create_session(AT).unwrap().id);
    store.add_messages(&owner, "t1", &[(Speaker::Guest, "secret")], AT).unwrap();
    let placed = place(&store, &owner, "k", "b", &fill(&store, &owner, 1)).unwrap();
    let new = NewTicket { order: Some(placed.order), kind: ComplaintKind::ColdFood, title: "Cold" };
    let ticket = store.open_ticket(&owner, new, AT).unwrap().id;
    let order = Err(StoreError::NotFound("order"));
    assert_eq!(store.order(&thief, placed.order).map(|_| ()), order);
    assert_eq!(store.order_changes(&thief, placed.order).map(|_| ()), order);
    assert_eq!(store.cancel_order(&thief, placed.order, AT).map(|_| ()), order);
    assert_eq!(store.open_ticket(&thief, new, AT).map(|_| ()), order);
    let granted = Granted { order: placed.order, line: None, remedy: RemedyKind::Voucher, amount: Cents(1), at: AT };
    assert_eq!(store.grant(&thief, 0, &granted, None).map(|_| ()), order);
    let no_ticket = Err(StoreError::NotFound("ticket"));
    assert_eq!(store.ticket(&thief, ticket).map(|_| ()), no_ticket);
    assert_eq!(store.add_to_ticket(&thief, ticket, Speaker::Guest, "x", AT), no_ticket);
    assert_eq!(store.set_ticket(&thief, ticket, TicketState::Closed, AT), no_ticket);
    assert_eq!(store.rate(&thief, "t1", Thumb::Up, AT), Err(StoreError::NotFound("answer")));
    assert_eq!(store.messages(&thief, 10).unwrap(), []);
    assert_eq!(store.orders(&thief, 10).unwrap(), []);
    assert_eq!(store.tickets(&thief).unwrap(), []);
    assert_eq!(store.cart(&thief).unwrap().events, []);
    // Unknown sessions have nothing at all.
    let nobody: SessionId = "0".repeat(32).parse().unwrap();
    let none = Err(StoreError::NotFound("session"));
    assert_eq!(store.session(&nobody).map(|_| ()), none);
    assert_eq!(store.messages(&nobody, 1).map(|_| ()), none);
    assert_eq!(store.cart(&nobody).map(|_| ()), none);
    assert_eq!(store.append(&nobody, 0, &[], AT).map(|_| ()), none);
    assert_eq!(store.add_messages(&nobody, "t", &[], AT).map(|_| ()), none);
    assert_eq!(store.save_state(&nobody, &serde_json::Value::Null, AT), none);
    // And the owner still has everything.
    assert_eq!(store.order(&owner, placed.order).unwrap().state, OrderState::Received);
    assert_eq!(store.ticket(&owner, ticket).unwrap().0.state, TicketState::Open);
}

#[test]
fn orders_go_through_the_kitchen() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    let first = place(&store, &guest, "1", "", &fill(&store, &guest, 1)).unwrap().order;
    let second = place(&store, &guest, "2", "", &fill(&store, &guest, 2)).unwrap().order;
    let board = |since| store.staff_board(since).unwrap().into_iter().map(|order| order.id).collect::<Vec<_>>();
    assert_eq!(board(AT + 100), [first, second]);
    for (state, at) in [(OrderState::Preparing, AT + 1), (OrderState::Ready, AT + 2), (OrderState::Served, AT + 3)] {
        let (order, owner) = store.staff_advance(first, state, "Ada", at).unwrap();
        assert_eq!((order.state, order.changed, owner), (state, at, guest.clone()));
    }
    assert_eq!((board(AT + 3), board(AT + 4)), (vec![first, second], vec![second]));
    let after = store.staff_advance(first, OrderState::Preparing, "Ada", AT + 9);
    assert!(matches!(after, Err(StoreError::Transition(_))));
    assert!(matches!(store.cancel_order(&guest, first, AT), Err(StoreError::Transition(_))));
    assert_eq!(store.cancel_order(&guest, second, AT + 4).unwrap().state, OrderState::Cancelled);
    let changes = store.order_changes(&guest, first).unwrap();
    let steps: Vec<_> =
        changes.iter().map(|change| (change.state.as_str(), change.by.as_str(), change.at - AT)).collect();
    assert_eq!(steps, [("received", "guest", 0), ("preparing", "Ada", 1), ("ready", "Ada", 2), ("served", "Ada", 3)]);
    assert_eq!(store.staff_order(second).unwrap().0.state, OrderState::Cancelled);
    assert_eq!(store.staff_order(OrderId(99)).map(|_| ()), Err(StoreError::NotFound("order")));
}

#[test]
fn remedies_stay_within_what_was_paid() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    let placed = place(&store, &guest, "k", "", &fill(&store, &guest, 1)).unwrap();
    let new = NewTicket { order: Some(placed.order), kind: ComplaintKind::Quality, title: "Taste" };
    let ticket = store.open_ticket(&guest, new, AT).unwrap().id;
    let granted =
        |remedy, amount| Granted { order: placed.order, line: Some(LineId(1)), remedy, amount: Cents(amount), at: AT };
    let voucher = store.grant(&guest, placed.seq, &granted(RemedyKind::Voucher, 120), Some(ticket)).unwrap();
    let refund = granted(RemedyKind::RefundLine, 101);
    assert_eq!(store.grant(&guest, voucher.seq, &refund, None), Err(StoreError::ExceedsPaid));
    let minus = granted(RemedyKind::RefundLine, -1);
    assert_eq!(store.grant(&guest, voucher.seq, &minus, None), Err(StoreError::ExceedsPaid));
    let stale = store.grant(&guest, placed.seq, &granted(RemedyKind::RefundLine, 100), None);
    assert_eq!(stale, Err(StoreError::Stale { found: voucher.seq }));
    let last = store.grant(&guest, voucher.seq, &granted(RemedyKind::RefundLine, 100), None).unwrap();
    assert_eq!(last.voucher, None);
    let cart = store.cart(&guest).unwrap().cart();
    assert_eq!(cart.remedies().iter().map(|granted| granted.amount.0).sum::<i64>(), 220);
    // The voucher is good once.
    let code = voucher.voucher.unwrap();
    assert_eq!(code.len(), 12);
    assert_eq!(store.staff_redeem(&code.to_lowercase(), "Ada", AT).unwrap().amount, Cents(120));
    assert!(matches!(store.staff_redeem(&code, "Ada", AT), Err(StoreError::NotFound(_))));
    assert!(matches!(store.staff_redeem("NONE", "Ada", AT), Err(StoreError::NotFound(_))));
}

#[test]
fn forgetting_keeps_the_books() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    store.add_messages(&guest, "t1", &[(Speaker::Guest, "hello")], AT).unwrap();
    store.rate(&guest, "t1", Thumb::Up, AT).unwrap();
    store.log_turn(&guest, "t1", &serde_json::json!({"words": "hello"}), AT).unwrap();
    place(&store, &guest, "k", "", &fill(&store, &guest, 1)).unwrap();
    store.forget(&guest).unwrap();
    assert_eq!(store.messages(&guest, 10).unwrap(), []);
    assert!(store.turn_log(0, 0, 10).unwrap().is_empty());
    assert_eq!(store.staff_ratings(0).unwrap(), (0, 0));
    assert_eq!(store.orders(&guest, 10).unwrap().len(), 1);
}

#[test]
fn feedback_and_the_log_of_turns() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    store.add_messages(&guest, "t1", &[(Speaker::Guest, "hello")], AT).unwrap();
    assert_eq!(store.rate(&guest, "t9", Thumb::Up, AT), Err(StoreError::NotFound("answer")));
    store.rate(&guest, "t1", Thumb::Up, AT).unwrap();
    store.rate(&guest, "t1", Thumb::Down, AT + 1).unwrap();
    assert_eq!((store.staff_ratings(0).unwrap(), store.staff_ratings(AT + 2).unwrap()), ((0, 1), (0, 0)));
    for n in 0..4 {
        store.log_turn(&guest, "t1", &serde_json::json!(n), AT + n).unwrap();
    }
    assert_eq!(store.purge_turn_log(AT + 2).unwrap(), 2);
    let kept = store.turn_log(0, 0, 10).unwrap();
    assert_eq!(
        kept.iter().map(|turn| &turn.record).collect::<Vec<_>>(),
        [&serde_json::json!(2), &serde_json::json!(3)]
    );
    assert_eq!((&kept[0].session, kept[0].turn.as_str(), kept[0].at), (&guest, "t1", AT + 2));
    assert_eq!(store.turn_log(0, kept[0].id, 10).unwrap(), kept[1..]);
    assert_eq!(store.staff_thumbs(AT).unwrap(), [(guest.clone(), "t1".to_owned(), Thumb::Down)]);
    let other = store.create_session(AT).unwrap().id;
    store.log_turn(&other, "t1", &serde_json::json!(9), AT).unwrap();
    let mut logged = [guest.clone(), other.clone()];
    logged.sort();
    assert_eq!(store.logged_sessions().unwrap(), logged);
    assert_eq!(store.delete_turn_log(&guest).unwrap(), 2);
    assert_eq!(store.logged_sessions().unwrap(), std::slice::from_ref(&other));
    // A label says nothing of the id.
    assert!(other.label().len() == 12 && !other.as_str().contains(&other.label()) && other.label() != guest.label());
}

#[test]
fn what_is_too_long_is_refused() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    let long = "x".repeat(64 * 1024 + 1);
    assert!(matches!(store.add_messages(&guest, "t", &[(Speaker::Guest, &long)], AT), Err(StoreError::Invalid(_))));
    assert!(matches!(store.add_messages(&guest, "", &[], AT), Err(StoreError::Invalid(_))));
    let state = serde_json::json!(long);
    assert!(matches!(store.save_state(&guest, &state, AT), Err(StoreError::Invalid(_))));
    assert!(matches!(store.log_turn(&guest, "t", &state, AT), Err(StoreError::Invalid(_))));
    store.add_messages(&guest, "t", &[(Speaker::Guest, &long[1..])], AT).unwrap();
    let gone = Edit::Remove { line: LineId(1), quantity: None };
    assert!(store.cart(&guest).unwrap().cart().decide(&menu(), &gone, concierge::ledger::Consent::NotAsked).is_err());
}
