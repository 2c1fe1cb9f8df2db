use axum::http::Method;
use serde_json::json;

use crate::{
    client::{ask, get, post, say},
    scripted::app,
};

#[tokio::test]
async fn bad_bodies_are_refused_by_name() {
    let app = app().await;
    let deep = format!("{}{}", "[".repeat(8000), "]".repeat(8000));
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("application/json", b"".to_vec(), 400, "malformed"),
        ("application/json", b"{".to_vec(), 400, "malformed"),
        ("application/json", b"null".to_vec(), 400, "malformed"),
        ("application/json", b"[]".to_vec(), 400, "malformed"),
        ("application/json", b"{\"message\": 5}".to_vec(), 400, "malformed"),
        ("application/json", b"{\"msg\": \"hi\"}".to_vec(), 400, "malformed"),
        ("application/json", b"{\"message\": \"hi\", \"price\": 0}".to_vec(), 400, "malformed"),
        ("application/json", b"{\"message\": \"hi\", \"session_id\": 7}".to_vec(), 400, "malformed"),
        ("application/json", b"{\"message\": \"\xff\xfe\"}".to_vec(), 400, "malformed"),
        ("application/json", b"{\"message\": \"\\ud800\"}".to_vec(), 400, "malformed"),
        ("application/json", deep.into_bytes(), 400, "malformed"),
        ("application/json", b"{\"message\": \"\"}".to_vec(), 422, "empty_message"),
        ("application/json", b"{\"message\": \" \\n\\t \"}".to_vec(), 422, "empty_message"),
        ("application/json", json!({"message": "x".repeat(2001)}).to_string().into_bytes(), 422, "message_too_long"),
        ("application/json", json!({"message": "x".repeat(100_000)}).to_string().into_bytes(), 413, "too_large"),
        ("text/plain", b"{\"message\": \"hi\"}".to_vec(), 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded", b"message=hi".to_vec(), 415, "unsupported_media_type"),
        ("", b"{\"message\": \"hi\"}".to_vec(), 415, "unsupported_media_type"),
    ];
    for (kind, body, status, code) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = post("/chat").header("content-type", kind).body(body).send(&app.gateway).await;
        assert_eq!(answer.refusal().await, (status, code.into()), "{kind} {shown}");
    }
    let packed = say("hi").header("content-encoding", "gzip").send(&app.gateway).await;
    assert_eq!(packed.refusal().await, (415, "unsupported_media_type".into()));
    assert!(app.concierge.said.lock().unwrap().is_empty(), "none of it reached the brain");
}

#[tokio::test]
async fn odd_but_honest_messages_pass() {
    let app = app().await;
    let longest = "é".repeat(2000);
    for text in ["hi", " padded ", "naïve 日本語 🍔", "\u{0}\u{7f}", "<script>alert(1)</script>", longest.as_str()]
    {
        let answer = post("/chat")
            .header("content-type", "Application/JSON; charset=utf-8")
            .body(json!({"message": text}).to_string());
        let events = answer.send(&app.gateway).await.all_events().await;
        assert_eq!(crate::client::words(&events), text.trim(), "{text:?}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_in_json() {
    let app = app().await;
    for path in [
        "/nothing",
        "/chat/",
        "/chat/x/y",
        "/kitchen/nothing",
        "/CHAT",
        "//chat",
        "/./",
        "/a/../chat",
        "/%2e%2e/etc/passwd",
    ] {
        assert_eq!(get(path).send(&app.gateway).await.refusal().await, (404, "not_found".into()), "{path}");
    }
    for (method, path) in [
        (Method::GET, "/chat"),
        (Method::DELETE, "/chat"),
        (Method::PUT, "/chat/history"),
        (Method::POST, "/health/live"),
    ] {
        let answer = ask(method, path).send(&app.gateway).await;
        assert!(!answer.header("allow").is_empty());
        assert_eq!(answer.refusal().await, (405, "method_not_allowed".into()), "{path}");
    }
    assert_eq!(post("/").send(&app.gateway).await.status, 405);
}

#[tokio::test]
async fn a_wrong_last_event_id_is_refused() {
    let app = app().await;
    let started = say("hi").wants_json().send(&app.gateway).await.value().await;
    let path = format!("/chat/{}/events", started["turn_id"].as_str().unwrap());
    let token = started["session_id"].as_str().unwrap();
    for wrong in ["x", "-1", "1.5", "99999999999999999999999"] {
        let answer = get(&path).token(token).header("last-event-id", wrong).send(&app.gateway).await;
        assert_eq!(answer.refusal().await, (400, "malformed".into()), "{wrong}");
    }
}
