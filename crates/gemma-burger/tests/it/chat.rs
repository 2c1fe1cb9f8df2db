use std::time::Duration;

use serde_json::json;

use crate::{
    client::{count, get, post, say, words},
    scripted::{app, app_with},
};

#[tokio::test]
async fn a_message_is_answered_by_a_stream_of_numbered_events() {
    let app = app().await;
    let answer = say("count 5").send(&app.gateway).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let events = answer.all_events().await;
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["turn", "agent", "token", "token", "token", "token", "token", "done"]);
    assert_eq!(events.iter().map(|event| event.id.unwrap()).collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
    assert_eq!(words(&events), count(5));
    assert_eq!(events[1].data, json!({"name": "rosy", "intent": "GREETING"}));
    let done = &events[7].data;
    assert_eq!(done["finish_reason"], "stop");
    assert_eq!(done["usage"]["completion_tokens"], 5);
    assert!(done["timings"]["first_token_ms"].as_f64().unwrap() <= done["timings"]["total_ms"].as_f64().unwrap());
}

#[tokio::test]
async fn who_asks_for_json_gets_the_turn_and_follows_it_elsewhere() {
    let app = app().await;
    let answer = say("count 3").wants_json().send(&app.gateway).await;
    assert_eq!(answer.status, 202);
    let started = answer.value().await;
    let path = format!("/chat/{}/events", started["turn_id"].as_str().unwrap());
    let token = started["session_id"].as_str().unwrap();
    for _ in 0..2 {
        let events = get(&path).token(token).send(&app.gateway).await.all_events().await;
        assert_eq!(words(&events), count(3), "a turn can be read again after its end");
        assert_eq!(events[0].data["turn_id"], started["turn_id"]);
    }
}

#[tokio::test]
async fn the_history_is_the_sessions_own() {
    let app = app().await;
    let empty = get("/chat/history").send(&app.gateway).await;
    assert_eq!(empty.header("set-cookie"), "", "asking makes no session");
    assert_eq!(empty.value().await, json!({"messages": [], "orders": []}));
    let answer = say("hello there").send(&app.gateway).await;
    let cookie = answer.cookie();
    answer.all_events().await;
    let history = get("/chat/history").cookie(&cookie).send(&app.gateway).await.value().await;
    assert_eq!(history["messages"][0]["text"], "hello there");
    assert_eq!(history["cart"]["currency"], "USD");
    assert!(history["session_id"].is_string());
}

#[tokio::test]
async fn feedback_reaches_the_concierge_with_its_turn() {
    let app = app().await;
    let started = say("hi").wants_json().send(&app.gateway).await.value().await;
    let (turn, token) = (started["turn_id"].as_str().unwrap(), started["session_id"].as_str().unwrap());
    let path = format!("/chat/{turn}/feedback");
    let answer = post(&path).token(token).json(&json!({"thumb": "up"})).send(&app.gateway).await;
    assert_eq!(answer.value().await, json!({"kept": true}));
    assert_eq!(app.concierge.feedback.lock().unwrap()[0].1.as_str(), turn);
    let wrong = post(&path).token(token).json(&json!({"thumb": "sideways"})).send(&app.gateway).await;
    assert_eq!(wrong.refusal().await, (400, "malformed".into()));
    let long = json!({"thumb": "down", "comment": "x".repeat(1001)});
    let wrong = post(&path).token(token).json(&long).send(&app.gateway).await;
    assert_eq!(wrong.refusal().await, (422, "message_too_long".into()));
}

#[tokio::test]
async fn news_of_a_session_begins_with_how_things_stand() {
    use gemma_burger::brain::wire::{OrderNews, SessionEvent, SessionId, StaffWords};
    let app = app().await;
    let answer = say("hi").send(&app.gateway).await;
    let cookie = answer.cookie();
    answer.all_events().await;
    let session = app.concierge.said.lock().unwrap().keys().next().unwrap().clone();
    let mut news = get("/session/events").cookie(&cookie).send(&app.gateway).await.events();
    let cart = news.next().await.unwrap();
    assert_eq!((cart.name.as_str(), cart.id), ("cart", None));
    assert_eq!(news.until("person").await.data, serde_json::json!({"name": null}), "the agents answer");
    let order = OrderNews {
        order_id: "o1".into(),
        receipt_url: "/orders/o1/receipt".into(),
        number: 7,
        state: "ready".into(),
        total: concierge::money::Cents(899),
        currency: "USD".into(),
    };
    app.brain
        .bus()
        .publish(&SessionId::random(), SessionEvent::Staff(StaffWords { text: "not for you".into(), name: None }));
    app.brain.bus().publish(&session, SessionEvent::Order(order));
    let event = news.next().await.unwrap();
    assert_eq!(event.name, "order");
    assert_eq!(event.data["total"], "8.99");
    // The line drops; something happens; the guest comes back and has missed nothing.
    let seen = event.id.unwrap().to_string();
    drop(news);
    app.brain.bus().publish(&session, SessionEvent::Staff(StaffWords { text: "A word from us.".into(), name: None }));
    let mut news =
        get("/session/events").cookie(&cookie).header("last-event-id", &seen).send(&app.gateway).await.events();
    assert_eq!(news.until("staff").await.data["text"], "A word from us.");
}

#[tokio::test]
async fn words_are_sent_as_they_come() {
    let app = app_with(Duration::from_millis(150), &[]).await;
    let started = std::time::Instant::now();
    let mut events = say("count 20").send(&app.gateway).await.events();
    events.until("token").await;
    assert!(
        started.elapsed() < Duration::from_millis(1_500),
        "the first word waits for no other: {:?}",
        started.elapsed()
    );
}
