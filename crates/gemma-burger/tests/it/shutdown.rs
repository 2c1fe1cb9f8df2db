use std::time::Duration;

use axum::body::Body;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio_util::sync::CancellationToken;

use crate::{client::Answer, scripted::app_with, tiers::on_a_socket};

fn client() -> Client<hyper_util::client::legacy::connect::HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}

async fn send(address: std::net::SocketAddr, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
    let request = axum::http::Request::builder().method(method).uri(format!("http://{address}{path}"));
    let request = request.header("content-type", "application/json").header("cookie", cookie);
    let response = client().request(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: Body::new(body) }
}

#[tokio::test]
async fn live_replies_finish_and_new_ones_are_refused_politely() {
    let app = app_with(Duration::from_millis(30), &[]).await;
    let closing: CancellationToken = app.closing.clone();
    let (address, server) = on_a_socket(app.gateway.clone(), closing.clone()).await;
    let message = "{\"message\": \"count 30\"}";
    let mut streams = Vec::new();
    for _ in 0..50 {
        streams.push(send(address, "POST", "/chat", "", message).await);
    }
    let cookie = streams[0].cookie();
    let news = send(address, "GET", "/session/events", &cookie, "").await;
    assert_eq!(news.status, 200);
    closing.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;

    let late = send(address, "POST", "/chat", "", message).await;
    assert!(!late.header("retry-after").is_empty());
    assert_eq!(late.refusal().await, (503, "closing".into()));
    tokio::time::timeout(Duration::from_secs(2), news.all_events()).await.expect("news end at once");
    let ends = streams
        .into_iter()
        .map(|stream| async { stream.all_events().await.last().unwrap().data["finish_reason"].clone() });
    let ends = futures::future::join_all(ends).await;
    assert!(ends.iter().all(|reason| reason == "stop"), "{ends:?}");
    tokio::time::timeout(Duration::from_secs(3), server).await.expect("the server ends when all is said").unwrap();
}

#[tokio::test]
async fn what_takes_longer_than_the_grace_time_is_dropped() {
    let app = app_with(Duration::from_millis(50), &[]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closing = app.closing.clone();
    let server = tokio::spawn(gemma_burger::http::server::serve(
        listener,
        app.gateway.clone(),
        10,
        closing.clone(),
        Duration::from_millis(300),
    ));
    let mut events = send(address, "POST", "/chat", "", "{\"message\": \"count 1000\"}").await.events();
    events.until("token").await;
    closing.cancel();
    tokio::time::timeout(Duration::from_secs(3), server).await.expect("the grace time ends").unwrap();
    app.brain.turns().drain(Duration::ZERO).await;
    assert_eq!(app.brain.turns().running(), 0);
}
