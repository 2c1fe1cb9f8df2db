use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::json;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{
    client::{get, post, say},
    scripted::app,
};

/// A log that can be read.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn logs_hold_codes_and_ids_of_both_tiers_and_never_words() {
    let captured = Captured::default();
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(EnvFilter::new("trace")).with_writer(captured.clone()).json();
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let app = app().await;
    let answer = say("CANARY words").send(&app.gateway).await;
    let (cookie, id) = (answer.cookie(), answer.header("x-request-id").to_owned());
    answer.all_events().await;
    say("panic CANARY").send(&app.gateway).await.all_events().await;
    say(&"CANARY".repeat(1000)).send(&app.gateway).await;
    post("/chat").header("content-type", "application/json").body("{\"CANARY").send(&app.gateway).await;
    post("/chat").json(&json!({"message": "hi", "session_id": "CANARY"})).send(&app.gateway).await;
    get("/CANARY?CANARY=CANARY").token("CANARY").send(&app.gateway).await;
    get("/chat/CANARY/events").cookie(&cookie).header("last-event-id", "CANARY").send(&app.gateway).await;
    get("/chat/history").cookie(&cookie).send(&app.gateway).await;

    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(!log.contains("CANARY"), "{}", log.lines().find(|line| line.contains("CANARY")).unwrap());
    assert!(!log.contains(cookie.strip_prefix("gb_session=").unwrap()));
    for tier in ["gateway", "brain"] {
        let line = log.lines().find(|line| line.contains(&id) && line.contains(&format!("\"tier\":\"{tier}\"")));
        assert!(
            line.is_some_and(|line| line.contains("\"status\":200") && line.contains("\"route\":\"/chat\"")),
            "{tier}: {line:?}"
        );
    }
}
