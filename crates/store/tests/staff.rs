//! Staff, and the tickets that they work on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{AT, file, store};
use concierge::ledger::ComplaintKind;
use store::{HOLD_LASTS, NewTicket, Speaker, Store, StoreError, TicketId, TicketState};

#[test]
fn staff_sign_in_and_out() {
    let (directory, store) = store();
    store.add_staff("Ada", "correct horse", AT).unwrap();
    assert_eq!(store.add_staff("Ada", "another word", AT), Err(StoreError::NameTaken("Ada".into())));
    for (name, password) in [("", "long enough"), (" Ada", "long enough"), ("a;b", "long enough"), ("Bob", "short")] {
        assert!(matches!(store.add_staff(name, password, AT), Err(StoreError::Invalid(_))), "{name}");
    }
    assert_eq!(store.staff().unwrap(), ["Ada"]);
    let wrong = Err(StoreError::NotFound("name with this password"));
    assert_eq!(store.sign_in("Ada", "wrong horse", AT, AT + 10), wrong);
    assert_eq!(store.sign_in("Eve", "nobody, whoever asks", AT, AT + 10), wrong);
    let token = store.sign_in("Ada", "correct horse", AT, AT + 10).unwrap();
    assert_eq!(store.signed_in(token.as_str(), AT + 9).unwrap(), "Ada");
    let out = Err(StoreError::NotFound("sign-in"));
    assert_eq!(store.signed_in(token.as_str(), AT + 10), out);
    assert_eq!(store.signed_in("", AT), out);
    store.sign_out(token.as_str()).unwrap();
    assert_eq!(store.signed_in(token.as_str(), AT), out);
    let token = store.sign_in("Ada", "correct horse", AT, AT + 10).unwrap();
    store.remove_staff("Ada").unwrap();
    assert_eq!(store.signed_in(token.as_str(), AT), out);
    assert_eq!(store.remove_staff("Ada"), Err(StoreError::NotFound("member of staff")));
    assert!(!format!("{token:?}").contains(token.as_str()));
    // Neither the password nor the token stands in the file.
    drop(store);
    for entry in std::fs::read_dir(directory.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in ["correct horse", token.as_str()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
    }
}

#[test]
fn staff_answer_in_the_guests_chat() {
    let (_directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    let new = NewTicket { order: None, kind: ComplaintKind::Rudeness, title: "Rude" };
    let ticket = store.open_ticket(&guest, new, AT).unwrap();
    assert_eq!(store.tickets(&guest).unwrap(), std::slice::from_ref(&ticket));
    store.add_to_ticket(&guest, ticket.id, Speaker::Guest, "he shouted", AT + 1).unwrap();
    assert_eq!(store.staff_answer(ticket.id, "Ada", "t9", "I am sorry", AT + 2).unwrap(), guest);
    let (seen, thread) = store.ticket(&guest, ticket.id).unwrap();
    assert_eq!((seen.state, seen.changed, seen.kind.as_str()), (TicketState::WithStaff, AT + 2, "rudeness"));
    let thread: Vec<_> = thread.into_iter().map(|entry| (entry.author, entry.text, entry.at - AT)).collect();
    assert_eq!(thread, [("guest".into(), "he shouted".into(), 1), ("Ada".into(), "I am sorry".into(), 2)]);
    let said = store.messages(&guest, 10).unwrap();
    assert_eq!((said[0].role, said[0].turn.as_str(), said[0].text.as_str()), (Speaker::Staff, "t9", "I am sorry"));
    assert_eq!(store.staff_tickets().unwrap(), [(seen.clone(), guest.clone())]);
    assert_eq!(store.staff_ticket(ticket.id).unwrap().2, guest);
    assert_eq!(said[0].author.as_deref(), Some("Ada"));
    assert_eq!(store.staff_hand_back(ticket.id, TicketState::Closed, AT + 3).unwrap(), guest);
    assert_eq!(store.staff_tickets().unwrap(), []);
    store.set_ticket(&guest, ticket.id, TicketState::Open, AT + 4).unwrap();
    assert_eq!(store.ticket(&guest, ticket.id).unwrap().0.state, TicketState::Open);
    let long = "x".repeat(70_000);
    assert!(matches!(store.staff_answer(ticket.id, "Ada", "t", &long, AT), Err(StoreError::Invalid(_))));
    assert_eq!(store.messages(&guest, 10).unwrap().len(), 1);
    assert_eq!(store.session(&guest).unwrap().hold, None, "what is refused takes nothing over");
}

#[test]
fn a_conversation_is_held_until_it_is_handed_back_or_forgotten() {
    let (directory, store) = store();
    let (guest, other) = (store.create_session(AT).unwrap().id, store.create_session(AT).unwrap().id);
    let new = NewTicket { order: None, kind: ComplaintKind::Rudeness, title: "Rude" };
    let ticket = store.open_ticket(&guest, new, AT).unwrap().id;
    let holder = |store: &Store, at| store.session(&guest).unwrap().holder(at).map(str::to_owned);
    assert_eq!(holder(&store, AT), None);
    assert_eq!(store.staff_take(ticket, "Ada", AT).unwrap(), guest);
    assert_eq!(store.staff_take(ticket, "Bo", AT + 1).unwrap(), guest);
    assert_eq!(holder(&store, AT + 1).as_deref(), Some("Bo"), "a colleague may take it from a colleague");
    assert_eq!(store.session(&other).unwrap().hold, None);
    drop(store);
    let store = Store::open(&file(&directory)).unwrap();
    assert_eq!(holder(&store, AT + HOLD_LASTS).as_deref(), Some("Bo"), "it survives a restart");
    assert_eq!(holder(&store, AT + 1 + HOLD_LASTS), None, "and does not last for ever");
    store.staff_answer(ticket, "Ada", "t1", "here I am", AT + 100).unwrap();
    assert_eq!(holder(&store, AT + HOLD_LASTS + 50).as_deref(), Some("Ada"), "each answer renews it");
    assert_eq!(store.staff_hand_back(ticket, TicketState::Open, AT + 200).unwrap(), guest);
    assert_eq!(holder(&store, AT + 200), None);
    assert_eq!(store.ticket(&guest, ticket).unwrap().0.state, TicketState::Open);
    store.add_staff("Cy", "long enough", AT).unwrap();
    store.staff_take(ticket, "Cy", AT + 300).unwrap();
    store.remove_staff("Cy").unwrap();
    assert_eq!(holder(&store, AT + 300), None, "nobody is kept waiting for somebody who left");
    assert!(matches!(store.staff_take(TicketId(99), "Ada", AT), Err(StoreError::NotFound(_))));
}
