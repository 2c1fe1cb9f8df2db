use std::{sync::Arc, time::Duration};

use gemma_burger::{
    brain::ports::Concierge,
    gateway::{self, Gateway, upstream::Upstream},
};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{get, say},
    scripted::{app, app_with, config, unloaded},
};

#[tokio::test]
async fn a_panic_ends_its_own_turn_and_no_other() {
    let app = app_with(Duration::from_millis(10), &[]).await;
    let other = say("count 30").send(&app.gateway).await;
    let events = say("panic now").send(&app.gateway).await.all_events().await;
    let last = events.last().unwrap();
    assert_eq!((last.name.as_str(), last.data["code"].as_str().unwrap()), ("error", "internal"));
    assert!(!last.data.to_string().contains("panic now"));
    assert_eq!(other.all_events().await.last().unwrap().data["finish_reason"], "stop");
    assert_eq!(app.brain.turns().running(), 0);
}

#[tokio::test]
async fn an_error_of_a_turn_is_its_last_event() {
    let app = app().await;
    let events = say("fail").send(&app.gateway).await.all_events().await;
    let last = events.last().unwrap();
    assert_eq!(last.name, "error");
    assert_eq!(last.data, serde_json::json!({"code": "overloaded", "message": "All busy.", "retry_after": 7}));
}

#[tokio::test]
async fn a_brain_that_is_not_loaded_says_so() {
    let app = unloaded(Duration::ZERO, &[]);
    let ready = get("/health/ready").send(&app.gateway).await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.value().await["model"]["detail"], "loading");
    let refused = say("hi").send(&app.gateway).await;
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(refused.refusal().await, (503, "not_ready".into()));

    assert!(!app.brain.load(Box::pin(async { Err("gemma.gguf is truncated".to_owned()) })).await);
    let ready = get("/health/ready").send(&app.gateway).await.value().await;
    assert_eq!(ready["model"]["detail"], "gemma.gguf is truncated");
    assert_eq!(get("/health/live").send(&app.gateway).await.status, 200);

    let concierge: Arc<dyn Concierge> = app.concierge.clone();
    app.brain.load(Box::pin(async move { Ok(concierge) })).await;
    assert_eq!(get("/health/ready").send(&app.gateway).await.value().await["ready"], true);
    assert_eq!(say("hi").send(&app.gateway).await.status, 200);
}

#[tokio::test]
async fn a_brain_that_is_away_is_told_within_two_seconds() {
    let data = tempfile::tempdir().unwrap();
    let config = config(data.path(), &[]);
    // A port that was free a moment ago, and an address that swallows what is sent to it.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("http://{free}"), "http://192.0.2.1:9".into()] {
        let upstream = Upstream::remote(&url).unwrap();
        let gateway = gateway::router(Gateway::new(&config, upstream, CancellationToken::new()).unwrap());
        let started = std::time::Instant::now();
        let refused = say("hi").send(&gateway).await;
        assert!(started.elapsed() < Duration::from_secs(2), "{url}");
        assert!(!refused.header("retry-after").is_empty());
        assert_eq!(refused.refusal().await, (502, "brain_unreachable".into()), "{url}");
        let ready = get("/health/ready").send(&gateway).await;
        assert_eq!(ready.status, 503);
        assert_eq!(ready.value().await["ready"], false);
        assert_eq!(get("/health/live").send(&gateway).await.status, 200);
        assert!(get("/metrics").send(&gateway).await.text().await.contains("gemma_burger_upstream_errors_total 2"));
    }
}
