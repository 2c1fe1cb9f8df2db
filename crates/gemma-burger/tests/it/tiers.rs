use std::{net::SocketAddr, time::Duration};

use axum::Router;
use gemma_burger::{
    brain,
    gateway::{self, Gateway, upstream::Upstream},
    http::server,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Event, count, get, post, say, words},
    scripted::{App, app_with},
};

/// Serves a router on a free port.
pub async fn on_a_socket(router: Router, closing: CancellationToken) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(server::serve(listener, router, 100, closing, Duration::from_secs(5)));
    (address, task)
}

/// A gateway before the same brain, reached through a socket.
async fn apart(app: &App) -> Router {
    let (address, _) = on_a_socket(brain::router(app.brain.clone()), CancellationToken::new()).await;
    let upstream = Upstream::remote(&format!("http://{address}")).unwrap();
    gateway::router(Gateway::new(&app.config, upstream, app.closing.clone()).unwrap())
}

/// What differs from run to run, taken out.
fn steady(mut events: Vec<Event>) -> Vec<Event> {
    for event in &mut events {
        for key in ["turn_id", "session_id", "timings"] {
            event.data.as_object_mut().unwrap().remove(key);
        }
    }
    events
}

#[tokio::test]
async fn two_tiers_answer_as_one_process_does() {
    let app = app_with(Duration::from_millis(2), &[]).await;
    let apart = apart(&app).await;
    for text in ["count 40", "fail", "panic", "hello"] {
        let one = say(text).send(&app.gateway).await.all_events().await;
        let two = say(text).send(&apart).await.all_events().await;
        assert_eq!(steady(one), steady(two), "{text}");
    }
    for path in ["/health/ready", "/health/live", "/chat/history", "/kitchen/nothing"] {
        let (one, two) = (get(path).send(&app.gateway).await, get(path).send(&apart).await);
        assert_eq!(one.status, two.status, "{path}");
        assert_eq!(one.value().await, two.value().await, "{path}");
    }
}

#[tokio::test]
async fn across_a_socket_too_words_come_at_once_and_leaving_ends_the_work() {
    let app = app_with(Duration::from_millis(50), &[]).await;
    let apart = apart(&app).await;
    let started = std::time::Instant::now();
    let mut events = say("count 1000").send(&apart).await.events();
    events.until("token").await;
    assert!(started.elapsed() < Duration::from_secs(1), "nothing is buffered on the way");
    let left = std::time::Instant::now();
    drop(events);
    while app.concierge.cancelled.lock().unwrap().is_empty() {
        assert!(left.elapsed() < Duration::from_secs(3));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = app.concierge.cancelled.lock().unwrap()[0] - left;
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn the_brain_wants_the_secret_where_one_is_set() {
    let app = app_with(Duration::ZERO, &[("BRAIN_TOKEN", "a-long-enough-secret")]).await;
    say("hi").send(&app.gateway).await.all_events().await;
    let brain = brain::router(app.brain.clone());
    for token in ["", "another-long-secret", "a-long-enough-secre"] {
        let refused = post("/chat")
            .header("x-guest-session", &"0".repeat(32))
            .token(token)
            .json(&serde_json::json!({"message": "hi"}));
        assert_eq!(refused.send(&brain).await.refusal().await, (401, "unauthorized".into()), "{token}");
    }
    assert_eq!(get("/health/live").send(&brain).await.status, 200, "health needs no secret");
}

#[tokio::test]
async fn a_slow_or_silent_peer_is_cut_and_others_are_served() {
    let app = app_with(Duration::ZERO, &[]).await;
    let (address, _) = on_a_socket(app.gateway.clone(), CancellationToken::new()).await;
    let started = std::time::Instant::now();
    let cut = |head: &'static str| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        (started.elapsed(), answer)
    };
    let (head, body, quick) = tokio::join!(
        cut("POST /chat HTTP/1.1\r\nhost: x\r\nx-slow: "),
        cut(
            "POST /chat HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{\"m"
        ),
        cut("GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
    );
    assert!(head.0 <= Duration::from_secs(10), "{:?}", head.0);
    assert!(body.0 <= Duration::from_secs(10), "{:?}", body.0);
    assert!(body.1.starts_with("HTTP/1.1 408") && body.1.contains("request_timeout"), "{}", body.1);
    assert!(quick.0 < Duration::from_secs(1) && quick.1.starts_with("HTTP/1.1 200"), "{quick:?}");
}

#[tokio::test]
async fn a_guest_who_hangs_up_on_a_socket_ends_the_work() {
    let app = app_with(Duration::from_millis(50), &[]).await;
    let (address, _) = on_a_socket(app.gateway.clone(), CancellationToken::new()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = "{\"message\": \"count 1000\"}";
    let request = format!(
        "POST /chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("event: token") {
        let mut buffer = [0; 4096];
        let n = stream.read(&mut buffer).await.unwrap();
        seen.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
    }
    let left = std::time::Instant::now();
    drop(stream);
    while app.concierge.cancelled.lock().unwrap().is_empty() {
        assert!(left.elapsed() < Duration::from_secs(3));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = app.concierge.cancelled.lock().unwrap()[0] - left;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(words(&say("count 3").send(&app.gateway).await.all_events().await), count(3));
}
