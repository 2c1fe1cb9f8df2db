use serde_json::json;

use crate::{
    client::{get, post, say},
    scripted::{app, app_with},
};

#[tokio::test]
async fn a_browser_gets_a_cookie_and_no_token() {
    let app = app().await;
    let answer = say("hi").wants_json().header("sec-fetch-site", "same-origin").send(&app.gateway).await;
    let set = answer.header("set-cookie").to_owned();
    for part in ["gb_session=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"));
    let cookie = answer.cookie();
    let started = answer.value().await;
    let name = started["session_id"].as_str().unwrap().to_owned();
    assert_eq!(name.len(), 32);
    let events = format!("/chat/{}/events", started["turn_id"].as_str().unwrap());
    get(&events).cookie(&cookie).send(&app.gateway).await.all_events().await;
    assert!(cookie.contains(&name), "the cookie belongs to the session named");
    let stolen = say("hi").token(&name).send(&app.gateway).await;
    assert_eq!(stolen.refusal().await, (401, "session_invalid".into()), "the name alone opens nothing");
    let again = say("hi again").wants_json().cookie(&cookie).send(&app.gateway).await;
    assert_eq!(again.header("set-cookie"), "", "a fresh cookie is not given anew");
    assert_eq!(again.value().await["session_id"], name.as_str());
}

#[tokio::test]
async fn a_program_gets_a_token_for_the_body_or_the_header() {
    let app = app().await;
    let first = say("hi").send(&app.gateway).await.all_events().await;
    let token = first[0].data["session_id"].as_str().unwrap().to_owned();
    let in_body = post("/chat").json(&json!({"message": "two", "session_id": token})).send(&app.gateway).await;
    in_body.all_events().await;
    say("three").token(&token).send(&app.gateway).await.all_events().await;
    let history = get("/chat/history").token(&token).send(&app.gateway).await.value().await;
    let said: Vec<_> = history["messages"].as_array().unwrap().iter().map(|message| message["text"].clone()).collect();
    assert_eq!(said, ["hi", "two", "three"]);
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused_everywhere() {
    let app = app().await;
    let answer = say("hi").send(&app.gateway).await;
    let cookie = answer.cookie();
    answer.all_events().await;
    let token = cookie.strip_prefix("gb_session=").unwrap().to_owned();
    let (id, rest) = token.split_once('.').unwrap();
    let (expiry, mac) = rest.split_once('.').unwrap();
    let other_mac = format!("{}{}", if mac.starts_with('0') { '1' } else { '0' }, &mac[1..]);
    let forged = [
        format!("{id}.{expiry}.{other_mac}"),
        format!("{id}.99999999999.{mac}"),
        format!("{}.{expiry}.{mac}", "0".repeat(32)),
        format!("{id}.{expiry}."),
        format!("{id}.{expiry}"),
        format!("{id}..{mac}"),
        "eyJhbGciOiJub25lIn0.e30.".into(),
        "é".into(),
        "x".repeat(4000),
    ];
    for token in forged {
        let by_body = post("/chat").json(&json!({"message": "hi", "session_id": token})).send(&app.gateway).await;
        assert_eq!(by_body.refusal().await, (401, "session_invalid".into()), "{token}");
        if !token.is_ascii() {
            continue;
        }
        let by_cookie = say("hi").cookie(&format!("gb_session={token}")).send(&app.gateway).await;
        assert!(by_cookie.header("set-cookie").contains("Max-Age=0"), "a browser must be able to start anew");
        assert_eq!(by_cookie.refusal().await, (401, "session_invalid".into()), "{token}");
        for path in ["/chat/history", "/session/events", "/chat/00000000000000000000000000000000/events"] {
            assert_eq!(get(path).token(&token).send(&app.gateway).await.status, 401, "{path} {token}");
        }
    }
    assert_eq!(app.concierge.said.lock().unwrap().len(), 1, "no forged request reached the brain");
}

#[tokio::test]
async fn the_tiers_own_headers_are_not_taken_from_guests() {
    let app = app().await;
    let answer = say("mine").send(&app.gateway).await;
    answer.all_events().await;
    let victim = app.concierge.said.lock().unwrap().keys().next().unwrap().clone();
    let peek = get("/chat/history").header("x-guest-session", victim.as_str()).send(&app.gateway).await;
    assert_eq!(peek.value().await, json!({"messages": [], "orders": []}));
    let spoof = say("spoofed")
        .header("x-guest-session", victim.as_str())
        .header("x-request-id", "0123456789abcdef")
        .send(&app.gateway)
        .await;
    assert_ne!(spoof.header("x-request-id"), "0123456789abcdef");
    spoof.all_events().await;
    assert_eq!(app.concierge.said.lock().unwrap()[&victim], ["mine"]);
}

#[tokio::test]
async fn guests_see_nothing_of_each_other() {
    let app = app().await;
    let mine = say("my secret").wants_json().send(&app.gateway).await.value().await;
    let theirs = say("hi").wants_json().send(&app.gateway).await.value().await;
    let turn = mine["turn_id"].as_str().unwrap();
    let token = theirs["session_id"].as_str().unwrap();
    let unknown = (404, "turn_unknown".to_owned());
    assert_eq!(get(&format!("/chat/{turn}/events")).token(token).send(&app.gateway).await.refusal().await, unknown);
    assert_eq!(post(&format!("/chat/{turn}/stop")).token(token).send(&app.gateway).await.refusal().await, unknown);
    assert_eq!(
        get(&format!("/chat/{}/events", "0".repeat(32))).token(token).send(&app.gateway).await.refusal().await,
        unknown
    );
    let history = get("/chat/history").token(token).send(&app.gateway).await.text().await;
    assert!(!history.contains("secret"));
}

#[tokio::test]
async fn without_a_session_there_is_nothing_to_see() {
    let app = app().await;
    let turn = "0".repeat(32);
    for ask in [get(&format!("/chat/{turn}/events")), post(&format!("/chat/{turn}/stop")), get("/session/events")] {
        assert_eq!(ask.send(&app.gateway).await.refusal().await, (401, "session_missing".into()));
    }
}

#[tokio::test]
async fn cookies_are_secure_where_the_guest_came_by_https() {
    let values = [("TRUSTED_PROXIES", "10.0.0.1")];
    let app = app_with(std::time::Duration::ZERO, &values).await;
    let by_proxy = say("hi").from("10.0.0.1:1").header("x-forwarded-proto", "https").send(&app.gateway).await;
    assert!(by_proxy.header("set-cookie").contains("; Secure"));
    let claimed = say("hi").from("10.0.0.2:1").header("x-forwarded-proto", "https").send(&app.gateway).await;
    assert!(!claimed.header("set-cookie").contains("; Secure"));
}
