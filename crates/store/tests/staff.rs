//! Staff, and the tickets that they work on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{AT, store};
use concierge::ledger::ComplaintKind;
use store::{NewTicket, Speaker, StoreError, TicketState};

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
    assert_eq!(store.staff_set_ticket(ticket.id, TicketState::Closed, AT + 3).unwrap(), guest);
    assert_eq!(store.staff_tickets().unwrap(), []);
    store.set_ticket(&guest, ticket.id, TicketState::Open, AT + 4).unwrap();
    assert_eq!(store.ticket(&guest, ticket.id).unwrap().0.state, TicketState::Open);
    let long = "x".repeat(70_000);
    assert!(matches!(store.staff_answer(ticket.id, "Ada", "t", &long, AT), Err(StoreError::Invalid(_))));
    assert_eq!(store.messages(&guest, 10).unwrap().len(), 1);
}
