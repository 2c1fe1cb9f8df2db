use std::time::Duration;

use crate::{
    client::{Event, count, get, say, words},
    scripted::app_with,
};

#[tokio::test]
async fn a_line_may_drop_after_any_event_without_a_lost_or_doubled_word() {
    let app = app_with(Duration::from_millis(15), &[]).await;
    let sessions: Vec<_> = (1..=13).collect();
    let runs = sessions.into_iter().map(|cut| {
        let gateway = app.gateway.clone();
        async move {
            let answer = say("count 10").send(&gateway).await;
            let cookie = answer.cookie();
            let mut events = answer.events();
            let mut all: Vec<Event> = Vec::new();
            while all.len() < cut {
                all.push(events.next().await.unwrap());
            }
            drop(events);
            let turn = all[0].data["turn_id"].as_str().unwrap().to_owned();
            let seen = all.last().unwrap().id.unwrap().to_string();
            let path = format!("/chat/{turn}/events");
            let rest =
                get(&path).cookie(&cookie).header("last-event-id", &seen).send(&gateway).await.all_events().await;
            all.extend(rest);
            assert_eq!(words(&all), count(10), "cut after {cut}");
            let ids: Vec<_> = all.iter().map(|event| event.id.unwrap()).collect();
            assert_eq!(ids, (1..=13).collect::<Vec<_>>(), "cut after {cut}");
            assert_eq!(all.last().unwrap().data["finish_reason"], "stop");
        }
    });
    futures::future::join_all(runs).await;
}

#[tokio::test]
async fn a_line_that_drops_again_and_again_is_mended_each_time() {
    let app = app_with(Duration::from_millis(10), &[]).await;
    let answer = say("count 30").send(&app.gateway).await;
    let cookie = answer.cookie();
    let mut all = vec![answer.events().next().await.unwrap()];
    let path = format!("/chat/{}/events", all[0].data["turn_id"].as_str().unwrap());
    while all.last().unwrap().name != "done" {
        let seen = all.last().unwrap().id.unwrap().to_string();
        let mut events = get(&path).cookie(&cookie).header("last-event-id", &seen).send(&app.gateway).await.events();
        for _ in 0..3 {
            all.extend(events.next().await);
        }
    }
    assert_eq!(words(&all), count(30));
}

#[tokio::test]
async fn several_readers_see_the_same() {
    let app = app_with(Duration::from_millis(5), &[]).await;
    let answer = say("count 20").wants_json().send(&app.gateway).await;
    let started = answer.value().await;
    let path = format!("/chat/{}/events", started["turn_id"].as_str().unwrap());
    let token = started["session_id"].as_str().unwrap();
    let readers = (0..5).map(|_| async { get(&path).token(token).send(&app.gateway).await.all_events().await });
    for events in futures::future::join_all(readers).await {
        assert_eq!(words(&events), count(20));
    }
}
