//! The product in a process of its own, and guests who talk to it over HTTP, watched by their own clock.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{
    report::{ms_since, peak_memory_mb},
    tier::Tier,
};
use crate::{
    cli::Failure,
    config::{ALL, Flags},
    gateway::upstream::Upstream,
};

/// A start that takes longer is no start; fetching models is done before.
const START_PATIENCE: Duration = Duration::from_secs(120);
/// A reply that takes longer is none.
const REPLY_PATIENCE: Duration = Duration::from_secs(120);
/// How long a starting product may take to say how it is.
const ASK_PATIENCE: Duration = Duration::from_secs(5);
/// How often a starting product is asked whether it is ready.
const ASK_AGAIN: Duration = Duration::from_millis(5);

/// A running `serve`; it ends when this is dropped.
pub struct House {
    tier: Tier,
    client: Upstream,
    address: String,
    /// From the start of the process until it said that it is ready.
    pub ready_ms: f64,
}

/// What became of one message.
pub struct Told {
    /// The session's name, for the next message.
    pub session: String,
    /// What the guest was understood to want.
    pub intent: String,
    /// Milliseconds to the cart.
    pub cart_ms: Option<f64>,
    /// Milliseconds to the plan.
    pub plan_ms: Option<f64>,
    /// Milliseconds to the first words.
    pub first_ms: Option<f64>,
    /// Milliseconds to the end.
    pub total_ms: f64,
    /// The `done` event.
    pub done: Value,
}

impl House {
    /// Starts this same program's `serve` on a free port and waits until it is ready.
    pub async fn open(flags: &Flags<ALL>, data_dir: &Path) -> Result<Self, Failure> {
        let mut flags = flags.clone();
        for (name, value) in [
            ("PORT", "0"),
            ("HOST", "127.0.0.1"),
            ("LOG", "error"),
            ("LOG_FORMAT", "text"),
            // One guest asks all questions, as fast as they are answered.
            ("RATE_PER_GUEST_PER_MINUTE", "10000"),
            ("RATE_PER_ADDRESS_PER_MINUTE", "10000"),
        ] {
            flags.set(name, value);
        }
        flags.set("DATA_DIR", &data_dir.display().to_string());
        let started = Instant::now();
        let mut tier = Tier::start("serve", flags.arguments())?;
        let ready = timeout(START_PATIENCE, async {
            let url = tier.url().await?;
            let client = Upstream::remote(&url).map_err(Failure::new)?;
            let address = url.trim_start_matches("http://").to_owned();
            loop {
                if is_ready(&client).await? {
                    return Ok((client, address));
                }
                if tier.has_ended() {
                    return Err(tier.broke_off());
                }
                sleep(ASK_AGAIN).await;
            }
        });
        let opened = ready.await;
        let (client, address) = opened.map_err(|_| tier.broke_off())??;
        Ok(Self { tier, client, address, ready_ms: ms_since(started) })
    }

    /// Where it listens: address and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The most memory that it ever held, in MB.
    pub fn peak_memory_mb(&self) -> Option<f64> {
        self.tier.id().and_then(peak_memory_mb)
    }

    /// Ends it.
    pub async fn close(self) {
        self.tier.end().await;
    }

    /// Says something as the guest of a session, or as a new guest, and listens to the end of the reply.
    pub async fn say(&self, session: Option<&str>, message: &str) -> Result<Told, Failure> {
        let listened = timeout(REPLY_PATIENCE, self.listen(session, message)).await;
        listened.map_err(|_| Failure::new(format!("no end of the reply to \"{message}\"")))?
    }

    async fn listen(&self, session: Option<&str>, message: &str) -> Result<Told, Failure> {
        let mut body = json!({ "message": message });
        if let Some(session) = session {
            body["session_id"] = session.into();
        }
        let request = Request::post("/chat")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream")
            .body(Body::from(body.to_string()))
            .map_err(Failure::new)?;
        let asked = Instant::now();
        let answer = self.client.send(request, REPLY_PATIENCE).await.map_err(|error| Failure::new(error.message))?;
        if answer.status() != StatusCode::OK {
            return Err(refused(message, answer).await);
        }
        let mut told = Told {
            session: String::new(),
            intent: String::new(),
            cart_ms: None,
            plan_ms: None,
            first_ms: None,
            total_ms: 0.0,
            done: Value::Null,
        };
        let mut chunks = answer.into_body().into_data_stream();
        let mut buffer = Vec::new();
        while let Some(chunk) = chunks.next().await {
            buffer.extend_from_slice(&chunk.map_err(Failure::new)?);
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = buffer.drain(..end + 2).collect();
                told.note(&String::from_utf8_lossy(&block), ms_since(asked));
            }
        }
        told.total_ms = ms_since(asked);
        if told.done.is_null() {
            return Err(Failure::new(format!("the reply to \"{message}\" broke off")));
        }
        Ok(told)
    }
}

impl Told {
    /// Takes note of an event that came after `ms`.
    fn note(&mut self, block: &str, ms: f64) {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
        let Some(name) = field("event:") else { return };
        let data: Value = field("data:").and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
        let text = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
        match name {
            "turn" => self.session = text("session_id"),
            "agent" => self.intent = text("intent"),
            "cart" => self.cart_ms = self.cart_ms.or(Some(ms)),
            "plan" => self.plan_ms = self.plan_ms.or(Some(ms)),
            "token" => self.first_ms = self.first_ms.or(Some(ms)),
            "done" => self.done = data,
            _ => {}
        }
    }

    /// Tokens that the model wrote; none means that the reply was spoken without it.
    pub fn model_tokens(&self) -> u64 {
        self.done["usage"]["completion_tokens"].as_u64().unwrap_or(0)
    }
}

/// Whether it is ready; an error where it will never be.
async fn is_ready(client: &Upstream) -> Result<bool, Failure> {
    let request = Request::get("/health/ready").body(Body::empty()).map_err(Failure::new)?;
    let Ok(answer) = client.send(request, ASK_PATIENCE).await else { return Ok(false) };
    if answer.status() == StatusCode::OK {
        return Ok(true);
    }
    let body = axum::body::to_bytes(answer.into_body(), 4_096).await.unwrap_or_default();
    let state: Value = serde_json::from_slice(&body).unwrap_or_default();
    match state["model"]["detail"].as_str() {
        Some("loading") | None => Ok(false),
        Some(reason) => Err(Failure::new(format!("`serve` is not ready: {reason}"))),
    }
}

async fn refused(message: &str, answer: Response<Body>) -> Failure {
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 4_096).await.unwrap_or_default();
    Failure::new(format!("\"{message}\" was answered with {status}: {}", String::from_utf8_lossy(&body)))
}
