use std::{
    sync::atomic::Ordering::SeqCst,
    time::{Duration, Instant},
};

use crate::{
    client::{get, post, say},
    scripted::{App, app_with},
};

async fn slow() -> App {
    app_with(Duration::from_millis(50), &[]).await
}

async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(5), "{what} never came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_guest_who_leaves_ends_the_work_within_a_second() {
    let app = slow().await;
    let mut events = say("count 1000").send(&app.gateway).await.events();
    events.until("token").await;
    let left = Instant::now();
    drop(events);
    wait_until("the cancellation", || !app.concierge.cancelled.lock().unwrap().is_empty()).await;
    let took = app.concierge.cancelled.lock().unwrap()[0] - left;
    assert!(took < Duration::from_secs(1), "{took:?}");
    wait_until("the end", || app.brain.turns().running() == 0).await;
}

#[tokio::test]
async fn a_hundred_guests_leave_and_nothing_is_left_behind() {
    let app = slow().await;
    let staying = say("count 30").send(&app.gateway).await;
    let mut leaving = Vec::new();
    for _ in 0..100 {
        let mut events = say("count 1000").send(&app.gateway).await.events();
        events.until("turn").await;
        leaving.push(events);
    }
    wait_until("all turns", || app.concierge.running.load(SeqCst) == 101).await;
    let left = Instant::now();
    drop(leaving);
    let done = staying.all_events().await;
    assert_eq!(done.last().unwrap().data["finish_reason"], "stop", "who stays is served to the end");
    wait_until("the end of all turns", || app.concierge.running.load(SeqCst) == 0).await;
    let last = *app.concierge.cancelled.lock().unwrap().iter().max().unwrap();
    assert!(last - left < Duration::from_secs(1), "{:?}", last - left);
    assert_eq!(app.brain.turns().running(), 0);
}

#[tokio::test]
async fn a_turn_that_nobody_has_followed_yet_goes_on() {
    let app = slow().await;
    let started = say("count 30").wants_json().send(&app.gateway).await.value().await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let path = format!("/chat/{}/events", started["turn_id"].as_str().unwrap());
    let events = get(&path).token(started["session_id"].as_str().unwrap()).send(&app.gateway).await.all_events().await;
    assert_eq!(events.last().unwrap().data["finish_reason"], "stop");
}

#[tokio::test]
async fn stop_ends_a_reply_with_what_was_said() {
    let app = slow().await;
    let answer = say("count 1000").send(&app.gateway).await;
    let cookie = answer.cookie();
    let mut events = answer.events();
    let turn = events.until("turn").await.data["turn_id"].as_str().unwrap().to_owned();
    events.until("token").await;
    for _ in 0..2 {
        let stop = post(&format!("/chat/{turn}/stop")).cookie(&cookie).send(&app.gateway).await;
        assert_eq!(stop.value().await["stopped"], true, "stopping twice is stopping");
    }
    assert_eq!(events.until("done").await.data["finish_reason"], "cancelled");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_concierge_that_does_not_listen_is_dropped() {
    let app = slow().await;
    let answer = say("deaf").send(&app.gateway).await;
    let cookie = answer.cookie();
    let mut events = answer.events();
    let turn = events.until("turn").await.data["turn_id"].as_str().unwrap().to_owned();
    post(&format!("/chat/{turn}/stop")).cookie(&cookie).send(&app.gateway).await;
    let asked = Instant::now();
    assert_eq!(events.until("done").await.data["finish_reason"], "cancelled");
    assert!(asked.elapsed() < Duration::from_secs(3));
    assert_eq!(app.concierge.running.load(SeqCst), 0);
}

#[tokio::test]
async fn a_reply_that_takes_too_long_is_ended() {
    let app = app_with(Duration::from_millis(50), &[("REPLY_TIMEOUT_S", "1")]).await;
    let events = say("count 1000").send(&app.gateway).await.all_events().await;
    assert_eq!(events.last().unwrap().data["finish_reason"], "timeout");
}

#[tokio::test]
async fn a_session_has_one_turn_at_a_time() {
    let app = slow().await;
    let answer = say("count 1000").send(&app.gateway).await;
    let cookie = answer.cookie();
    let mut first = answer.events();
    first.until("token").await;
    let second = say("hi").cookie(&cookie).send(&app.gateway).await;
    assert!(!second.header("retry-after").is_empty());
    assert_eq!(second.refusal().await, (409, "turn_running".into()));
    // Once the first one is being left, a new message does not wait for the full grace.
    drop(first);
    let events = say("hi").cookie(&cookie).send(&app.gateway).await.all_events().await;
    assert_eq!(events.last().unwrap().data["finish_reason"], "stop");
    assert_eq!(app.concierge.cancelled.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_next_message_may_follow_the_end_at_once() {
    let app = app_with(Duration::ZERO, &[]).await;
    let answer = say("hi").send(&app.gateway).await;
    let cookie = answer.cookie();
    answer.all_events().await;
    for _ in 0..50 {
        say("hi").cookie(&cookie).send(&app.gateway).await.all_events().await;
    }
}
