//! The kitchen and the desk, before a restaurant whose models are all away: orders and complaints do not need them.

use std::{io::Write, process::Stdio, time::Duration};

use axum::http::Method;
use concierge::ledger::ComplaintKind;
use serde_json::json;
use store::{NewTicket, Store};

use crate::{
    cli::program,
    client::{ask, get, post, words},
    house::{AT, House, PASSWORD, house},
};

#[tokio::test]
async fn signing_in_takes_the_right_name_and_password() {
    let house = house().await;
    for (name, password) in [("Ana", "wrong horse"), ("Eve", PASSWORD), ("", PASSWORD), (&"x".repeat(5_000), PASSWORD)]
    {
        let refused = House::login(name, password).send(&house.gateway).await;
        assert_eq!(refused.header("set-cookie"), "");
        assert_eq!(refused.refusal().await, (401, "wrong_password".into()), "{name}");
    }
    let answer = House::login(" Ana ", PASSWORD).send(&house.gateway).await;
    let set = answer.header("set-cookie").to_owned();
    for part in ["gb_staff=", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"));
    let ana = answer.cookie();
    assert_eq!(answer.value().await, json!({"name": "Ana"}));
    assert_eq!(get("/desk/tickets").cookie(&ana).send(&house.gateway).await.value().await, json!({"tickets": []}));

    let by_proxy = House::login("Ana", PASSWORD).from("10.0.0.1:1").header("x-forwarded-proto", "https");
    assert!(by_proxy.send(&house.gateway).await.header("set-cookie").ends_with("; Secure"));

    let out = post("/staff/logout").cookie(&ana).json(&json!({})).send(&house.gateway).await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(get("/desk/tickets").cookie(&ana).send(&house.gateway).await.status, 401);
}

#[tokio::test]
async fn nobody_gets_in_who_is_not_signed_in() {
    let house = house().await;
    let guest = house.guest().await;
    let expired = house.store.sign_in("Ana", PASSWORD, AT, AT + 1).unwrap();
    let expired = format!("gb_staff={}", expired.as_str());
    for cookie in ["", "gb_staff=", "gb_staff=x", &expired, &guest.cookie, &guest.cookie.replace("session", "staff")] {
        for (method, path) in [
            (Method::GET, "/kitchen/events"),
            (Method::POST, "/kitchen/orders/1/state"),
            (Method::GET, "/kitchen/orders/1/receipt"),
            (Method::GET, "/desk/events"),
            (Method::GET, "/desk/tickets"),
            (Method::GET, "/desk/tickets/1"),
            (Method::POST, "/desk/tickets/1/reply"),
            (Method::POST, "/desk/tickets/1/take"),
            (Method::POST, "/desk/tickets/1/hand-back"),
            (Method::POST, "/desk/tickets/1/close"),
            (Method::POST, "/staff/logout"),
        ] {
            let answer = ask(method, path).cookie(cookie).json(&json!({})).send(&house.gateway).await;
            assert_eq!(answer.refusal().await, (401, "sign_in".into()), "{path} {cookie}");
        }
    }
}

#[tokio::test]
async fn guesses_are_limited() {
    let house = house().await;
    for _ in 0..5 {
        assert_eq!(House::login("Eve", "some guess").send(&house.gateway).await.status, 401);
    }
    let refused = House::login("EVE", "some guess").send(&house.gateway).await;
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(refused.refusal().await, (429, "rate_limited".into()));
    // Another name still has its own.
    house.ana().await;
    let mut admitted = 6;
    for n in 0..40 {
        admitted += usize::from(House::login(&format!("Eve {n}"), "guess").send(&house.gateway).await.status == 401);
    }
    assert_eq!(admitted, 30, "all names together");
}

#[tokio::test]
async fn the_board_shows_an_order_and_its_guest_hears_of_each_step() {
    let house = house().await;
    let (guest, stranger, ana) = (house.guest().await, house.guest().await, house.ana().await);
    let (order, number) = house.order(&guest);
    let id = order.0.to_string();
    let mut news = get("/session/events").cookie(&guest.cookie).send(&house.gateway).await.events();
    assert_eq!(news.until("order").await.data["state"], "received");
    let mut other = get("/session/events").cookie(&stranger.cookie).send(&house.gateway).await.events();
    assert_eq!(other.next().await.unwrap().name, "cart");
    assert_eq!(other.next().await.unwrap().name, "person");

    let mut board = get("/kitchen/events").cookie(&ana).send(&house.gateway).await.events();
    let snapshot = board.next().await.unwrap();
    assert_eq!(snapshot.name, "snapshot");
    let shown = &snapshot.data["orders"][0];
    let item = &house.menu.items[0];
    assert_eq!((&shown["order_id"], &shown["number"]), (&json!(id), &json!(number)));
    assert_eq!((&shown["state"], &shown["placed_at"]), (&json!("received"), &json!("2026-05-28T20:26:40Z")));
    assert_eq!(shown["lines"][0]["name"], item.name.as_str());
    assert_eq!(shown["lines"][0]["quantity"], 2);
    let allergen = shown["allergens"][0].as_str().unwrap();
    let note = shown["notes"][0].as_str().unwrap();
    assert!(note.contains(&item.name) && note.contains(allergen) && note.contains("knows"), "{note}");

    for state in ["preparing", "ready", "served"] {
        let moved = house.advance(&ana, &id, state).await.value().await;
        assert_eq!((&moved["order_id"], &moved["state"]), (&json!(id), &json!(state)));
        assert_eq!(board.until("order").await.data, moved, "the board hears what the button is answered");
        let heard = news.until("order").await.data;
        assert_eq!((&heard["number"], &heard["state"]), (&json!(number), &json!(state)));
    }
    assert_eq!(house.history(&guest).await["orders"][0]["state"], "served");
    assert_eq!(house.history(&stranger).await["orders"], json!([]));
    let nothing = tokio::time::timeout(Duration::from_millis(100), other.next()).await;
    assert!(nothing.is_err(), "another guest hears nothing: {nothing:?}");
}

#[tokio::test]
async fn a_step_that_cannot_be_is_refused_and_changes_nothing() {
    let house = house().await;
    let (guest, ana) = (house.guest().await, house.ana().await);
    let id = house.order(&guest).0.0.to_string();
    for state in ["received", "ready", "served"] {
        assert_eq!(house.advance(&ana, &id, state).await.refusal().await, (409, "conflict".into()), "{state}");
    }
    for (state, refusal) in [("burnt", "malformed"), ("", "malformed")] {
        assert_eq!(house.advance(&ana, &id, state).await.refusal().await, (400, refusal.into()));
    }
    for unknown in ["999", "-1", "x", "99999999999999999999"] {
        let refused = house.advance(&ana, unknown, "preparing").await;
        assert_eq!(refused.refusal().await, (404, "not_found".into()), "{unknown}");
    }
    let form = post(&format!("/kitchen/orders/{id}/state")).cookie(&ana).body("{\"state\": \"preparing\"}");
    assert_eq!(form.send(&house.gateway).await.refusal().await, (415, "unsupported_media_type".into()));
    assert_eq!(house.history(&guest).await["orders"][0]["state"], "received");
    assert_eq!(house.advance(&ana, &id, "cancelled").await.status, 200);
    for state in ["preparing", "cancelled"] {
        let refused = house.advance(&ana, &id, state).await;
        assert_eq!(refused.refusal().await, (409, "conflict".into()), "a finished order stays finished");
    }
    let mut board = get("/kitchen/events").cookie(&ana).send(&house.gateway).await.events();
    assert_eq!(board.next().await.unwrap().data, json!({"orders": []}));
}

#[tokio::test]
async fn an_order_of_the_chat_is_on_the_board_at_once() {
    let house = house().await;
    let (guest, ana) = (house.guest().await, house.ana().await);
    let mut board = get("/kitchen/events").cookie(&ana).send(&house.gateway).await.events();
    assert_eq!(board.next().await.unwrap().data, json!({"orders": []}));
    let item = house.menu.items[0].name.clone();
    let (mut placed, mut said) = (None, Vec::new());
    let first = format!("two {item}, please");
    // Something more may be offered in between.
    for text in [first.as_str(), "place my order", "no thanks", "place my order", "yes", "yes"] {
        let events = house.say(&guest, text).await;
        said.push(words(&events));
        placed = events.into_iter().find(|event| event.name == "order");
        if placed.is_some() {
            break;
        }
    }
    let placed = placed.unwrap_or_else(|| panic!("no order was placed: {said:?}")).data;
    let shown = board.until("order").await.data;
    assert_eq!((&shown["order_id"], &shown["number"]), (&placed["order_id"], &placed["number"]));
    assert_eq!((&shown["state"], &shown["lines"][0]["name"]), (&json!("received"), &json!(item)));
}

#[tokio::test]
async fn people_answer_a_complaint_in_the_chat() {
    let house = house().await;
    let (guest, stranger, ana) = (house.guest().await, house.guest().await, house.ana().await);
    let (order, number) = house.order(&guest);
    let new = NewTicket { order: Some(order), kind: ComplaintKind::Rudeness, title: "rudeness" };
    let ticket = house.store.open_ticket(&guest.session, new, AT).unwrap().id.0;
    let mut desk = get("/desk/events").cookie(&ana).send(&house.gateway).await.events();
    let mut news = get("/session/events").cookie(&guest.cookie).send(&house.gateway).await.events();
    assert_eq!(news.until("person").await.data, json!({"name": null}), "the agents answer");
    // The desk hears that the guest goes on, and that the chat answers.
    house.say(&guest, "are you there?").await;
    assert_eq!(desk.until("ticket").await.data["id"], ticket);

    let list = get("/desk/tickets").cookie(&ana).send(&house.gateway).await.value().await;
    let card = &list["tickets"][0];
    assert_eq!((&card["id"], &card["state"], &card["order_number"]), (&json!(ticket), &json!("open"), &json!(number)));
    assert_eq!((&card["title"], &card["kind"]), (&json!("rudeness"), &json!("rudeness")));

    let url = |what: &str| format!("/desk/tickets/{ticket}{what}");
    let reply = post(&url("/reply")).cookie(&ana).json(&json!({"text": "  I am sorry, Ana here. "}));
    assert_eq!(reply.send(&house.gateway).await.value().await["state"], "with_staff");
    assert_eq!(news.until("person").await.data, json!({"name": "Ana"}));
    let heard = news.until("staff").await.data;
    assert_eq!(heard, json!({"text": "I am sorry, Ana here.", "name": "Ana"}));
    let history = house.history(&guest).await;
    let last = history["messages"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["role"], &last["text"]), (&json!("staff"), &json!("I am sorry, Ana here.")));
    assert_eq!((&last["name"], &history["person"]["name"]), (&json!("Ana"), &json!("Ana")));
    assert!(!house.history(&stranger).await.to_string().contains("Ana"), "only the ticket's guest reads it");

    let thread = get(&url("")).cookie(&ana).send(&house.gateway).await.value().await;
    let authors: Vec<_> = thread["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|said| said["name"].as_str().or(said["role"].as_str()).unwrap())
        .collect();
    assert_eq!((authors[0], authors[authors.len() - 1]), ("guest", "Ana"));
    assert_eq!(thread["orders"][0]["number"], number);

    for (text, refusal) in [(" ", "empty_message"), (&*"x".repeat(2_001), "message_too_long")] {
        let refused = post(&url("/reply")).cookie(&ana).json(&json!({"text": text})).send(&house.gateway).await;
        assert_eq!(refused.refusal().await, (422, refusal.into()));
    }
    for what in ["", "/reply", "/take", "/hand-back", "/close"] {
        let method = if what.is_empty() { Method::GET } else { Method::POST };
        let body = if what == "/reply" { json!({"text": "hi"}) } else { json!({}) };
        for id in ["999", "x"] {
            let path = format!("/desk/tickets/{id}{what}");
            let refused = ask(method.clone(), &path).cookie(&ana).json(&body).send(&house.gateway).await;
            assert_eq!(refused.refusal().await, (404, "not_found".into()), "{path}");
        }
        // A guest's own session opens nothing here, not even the guest's own ticket.
        let peek = ask(method, &url(what)).cookie(&guest.cookie).json(&body).send(&house.gateway).await;
        assert_eq!(peek.refusal().await, (401, "sign_in".into()));
    }
    let closed = post(&url("/close")).cookie(&ana).json(&json!({})).send(&house.gateway).await;
    assert_eq!(closed.value().await["state"], "closed");
    let list = get("/desk/tickets").cookie(&ana).send(&house.gateway).await.value().await;
    assert_eq!(list, json!({"tickets": []}));
}

#[tokio::test]
async fn while_a_person_has_the_conversation_the_agents_are_silent() {
    let house = house().await;
    let (guest, stranger, ana) = (house.guest().await, house.guest().await, house.ana().await);
    house.say(&guest, &format!("two {}, please", house.menu.items[0].name)).await;
    // The order waits for a yes when the person comes.
    let mut asked = String::new();
    for text in ["place my order", "no thanks", "place my order"] {
        asked = words(&house.say(&guest, text).await);
        if asked.contains("Shall I place") {
            break;
        }
    }
    assert!(asked.contains("Shall I place"), "{asked}");
    let new = NewTicket { order: None, kind: ComplaintKind::Rudeness, title: "rudeness" };
    let ticket = house.store.open_ticket(&guest.session, new, AT).unwrap().id.0;
    let step = |what: &str| post(&format!("/desk/tickets/{ticket}/{what}")).cookie(&ana).json(&json!({}));
    let mut news = get("/session/events").cookie(&guest.cookie).send(&house.gateway).await.events();
    assert_eq!(news.until("person").await.data, json!({"name": null}), "the agents answer");
    let mut desk = get("/desk/events").cookie(&ana).send(&house.gateway).await.events();
    assert_eq!(step("take").send(&house.gateway).await.value().await["holder"], "Ana");
    assert_eq!(news.until("person").await.data, json!({"name": "Ana"}));
    desk.until("ticket").await;

    let cart = house.history(&guest).await["cart"].clone();
    let events = house.say(&guest, "yes").await;
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["turn", "person", "done"], "nobody else answers");
    assert_eq!(events[1].data, json!({"name": "Ana"}));
    assert_eq!(desk.until("ticket").await.data["id"], ticket, "the desk hears of it at once");
    let thread = get(&format!("/desk/tickets/{ticket}")).cookie(&ana).send(&house.gateway).await.value().await;
    assert_eq!(thread["messages"].as_array().unwrap().last().unwrap()["text"], "yes");
    let history = house.history(&guest).await;
    assert_eq!((&history["cart"], &history["orders"]), (&cart, &json!([])), "a yes to the person places nothing");
    assert!(house.say(&stranger, "hello").await.iter().any(|event| event.name == "token"), "others are served");

    // It is still so after a restart, for everybody who asks.
    let house = house.reopen(|_| {}).await;
    assert_eq!(house.history(&guest).await["person"], json!({"name": "Ana"}));
    let mut news = get("/session/events").cookie(&guest.cookie).send(&house.gateway).await.events();
    assert_eq!(news.until("person").await.data, json!({"name": "Ana"}));
    assert!(house.say(&guest, "hello?").await.iter().all(|event| event.name != "token"));

    let back = post(&format!("/desk/tickets/{ticket}/hand-back")).cookie(&ana).json(&json!({}));
    let card = back.send(&house.gateway).await.value().await;
    assert_eq!((&card["holder"], &card["state"]), (&json!(null), &json!("open")));
    assert_eq!(news.until("person").await.data, json!({"name": null}));
    let events = house.say(&guest, "yes").await;
    assert!(events.iter().any(|event| event.name == "token"), "the agents answer again");
    assert!(events.iter().all(|event| event.name != "order"), "and what was open before the person came is not");
    assert!(house.history(&guest).await.get("person").is_none());

    let odd = post(&format!("/desk/tickets/{ticket}/burn")).cookie(&ana).json(&json!({}));
    assert_eq!(odd.send(&house.gateway).await.refusal().await, (404, "not_found".into()));
}

#[test]
fn the_owner_says_who_may_sign_in() {
    let data = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], input: &str| {
        let mut process = program(&[&["staff"], arguments].concat());
        process.env("DATA_DIR", data.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = process.spawn().unwrap();
        // A command that does not ask may have ended before the words arrive.
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        let output = process.wait_with_output().unwrap();
        let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code().unwrap(), told.concat())
    };
    assert_eq!(
        run(&["add", "Ana"], "correct horse\nnot read\n"),
        (0, "Ana can sign in at /kitchen and /desk.\n".into())
    );
    for (name, input, code, told) in [
        ("Ana", "another word\n", 1, "already a member of staff called Ana"),
        ("Bo", "short\n", 2, "a password has 8 to 200 bytes"),
        ("Bo", "", 2, "a password has 8 to 200 bytes"),
        ("B;o", "long enough\n", 2, "a name has 1 to 60"),
        ("Gordon", "long enough\n", 2, "already the name of a part in the chat"),
    ] {
        let (status, words) = run(&["add", name], input);
        assert_eq!(status, code, "{words}");
        assert!(words.contains(told), "{words}");
    }
    assert_eq!(run(&["list"], ""), (0, "Ana\n".into()));
    assert_eq!(run(&["list", "--json"], ""), (0, "[\"Ana\"]\n".into()));
    let store = Store::open(&data.path().join(store::FILE_NAME)).unwrap();
    assert!(store.sign_in("Ana", "correct horse", AT, AT + 1).is_ok(), "the first line is the password");
    drop(store);
    assert_eq!(run(&["remove", "Ana"], "").0, 0);
    let (status, words) = run(&["remove", "Ana"], "");
    assert!(status == 1 && words.contains("staff list"), "{words}");
    assert_eq!(run(&["list"], ""), (0, String::new()));
}
