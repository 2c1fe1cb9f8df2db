//! A concierge whose words are known, and a product around it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use axum::Router;
use concierge::{
    intent::{AgentName, Intent},
    ledger::{OrderId, Receipt},
    ports::{
        Engine, EngineError, EngineInfo, FinishReason, Generation, GenerationEnd, GenerationEvent, GenerationRequest,
        Timings, Usage,
    },
    tools::opening,
};
use futures::{StreamExt, stream};
use gemma_burger::{
    brain::{
        self, Brain,
        ports::{Claimed, Concierge, EventSink, TurnRequest},
        v1::BareModel,
        wire::{
            AgentChosen, Cart, Done, Feedback, History, OrderNews, Part, PastMessage, Readiness, SessionId, Speaker,
            TurnEvent, TurnId, TurnTimings,
        },
    },
    config::{Config, Sources},
    gateway::{self, Gateway, upstream::Upstream},
    http::{ApiError, ErrorCode},
};
use tokio_util::sync::CancellationToken;

/// Answers `count N` with the words `w1 … wN`, one every `pause`; `fail` with an error, `panic` with a panic, `deaf` by
/// not listening to its cancellation, and anything else by saying it back.
#[derive(Default)]
pub struct Scripted {
    pub pause: Duration,
    pub running: AtomicUsize,
    /// Replies that the language model itself writes.
    pub writing: Arc<AtomicUsize>,
    pub cancelled: Mutex<Vec<Instant>>,
    pub said: Mutex<HashMap<SessionId, Vec<String>>>,
    pub keys: Mutex<HashMap<(SessionId, String), (String, TurnId)>>,
    pub feedback: Mutex<Vec<(SessionId, TurnId, Feedback)>>,
}

struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[async_trait]
impl Concierge for Scripted {
    async fn turn(
        &self,
        turn: TurnRequest,
        events: &EventSink,
        cancelled: CancellationToken,
    ) -> Result<Done, ApiError> {
        self.running.fetch_add(1, SeqCst);
        let _running = Running(&self.running);
        self.said.lock().unwrap().entry(turn.session.clone()).or_default().push(turn.text.clone());
        events.send(TurnEvent::Agent(AgentChosen { name: AgentName::Rosy, intent: Intent::Greeting }));
        let (command, argument) = turn.text.split_once(' ').unwrap_or((&turn.text, ""));
        let words: Vec<String> = match command {
            "count" => (1..=argument.parse().unwrap()).map(|n| format!("w{n} ")).collect(),
            "fail" => return Err(ApiError::new(ErrorCode::Overloaded, "All busy.").retry_after(7)),
            "panic" => panic!("a panic about {}", turn.text),
            "deaf" => std::future::pending().await,
            _ => vec![turn.text.clone()],
        };
        let mut finish_reason = FinishReason::Stop;
        for word in &words {
            tokio::select! {
                () = cancelled.cancelled() => {
                    self.cancelled.lock().unwrap().push(Instant::now());
                    finish_reason = events.cancel_reason();
                    break;
                }
                () = tokio::time::sleep(self.pause) => events.token(word),
            }
        }
        let usage = Usage { completion_tokens: words.len() as u32, ..Usage::default() };
        Ok(Done { finish_reason, usage, timings: TurnTimings::default() })
    }

    async fn claim(&self, session: &SessionId, key: &str, message: &str) -> Result<Claimed, ApiError> {
        let mut keys = self.keys.lock().unwrap();
        let known = keys.get(&(session.clone(), key.to_owned())).cloned();
        let (said, turn) = known.clone().unwrap_or_else(|| (message.to_owned(), TurnId::random()));
        if said != message {
            return Err(ApiError::new(ErrorCode::Conflict, "Another message."));
        }
        keys.insert((session.clone(), key.to_owned()), (said, turn.clone()));
        Ok(Claimed { turn, known: known.is_some() })
    }

    async fn orders(&self, _: &SessionId) -> Result<Vec<OrderNews>, ApiError> {
        Ok(Vec::new())
    }

    async fn receipt(&self, _: &SessionId, _: OrderId) -> Result<Receipt, ApiError> {
        Err(ApiError::not_found())
    }

    async fn history(&self, session: &SessionId) -> Result<History, ApiError> {
        let said = self.said.lock().unwrap();
        let messages = said.get(session).into_iter().flatten().map(|text| PastMessage {
            role: Speaker::Guest,
            name: None,
            text: text.clone(),
            at: "2026-01-01T00:00:00Z".into(),
            turn_id: None,
        });
        let cart = Cart { currency: "USD".into(), ..Cart::default() };
        Ok(History { session_id: None, messages: messages.collect(), cart: Some(cart), ..History::default() })
    }

    async fn feedback(&self, session: &SessionId, turn: &TurnId, feedback: Feedback) -> Result<(), ApiError> {
        self.feedback.lock().unwrap().push((session.clone(), turn.clone(), feedback));
        Ok(())
    }

    fn ready(&self) -> Readiness {
        Readiness::all(Part::ready("scripted"))
    }

    fn bare_model(&self) -> Option<BareModel> {
        let engine = Arc::new(Counting { pause: self.pause, writing: self.writing.clone() });
        Some(BareModel { id: "small".into(), engine, adapters: vec![AgentName::Rosy] })
    }

    fn metrics(&self) -> String {
        "# HELP scripted_one One.\n# TYPE scripted_one gauge\nscripted_one 1\n".into()
    }
}

/// A language model that counts, one word every `pause`; with an adapter it says whose it is first. `call NAME JSON`
/// calls a function, letter by letter. `long` and `busy` are refused.
struct Counting {
    pause: Duration,
    writing: Arc<AtomicUsize>,
}

struct Writing(Arc<AtomicUsize>);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Engine for Counting {
    fn start(&self, request: GenerationRequest) -> Result<Generation, EngineError> {
        let text = &request.messages.last().unwrap().text;
        match text.as_str() {
            "long" => return Err(EngineError::PromptTooLong { tokens: 9, limit: 5 }),
            "busy" => return Err(EngineError::Overloaded { retry_after_s: 3 }),
            _ => {}
        }
        let wanted = text.strip_prefix("count ").and_then(|n| n.parse().ok()).unwrap_or(1);
        let said = request.adapter.map(|agent| format!("{agent} "));
        let call = text.strip_prefix("call ").and_then(|call| call.split_once(' '));
        let said: Vec<String> = match call {
            Some((name, arguments)) => format!("{}{arguments}}}", opening(name)).chars().map(String::from).collect(),
            None => said.into_iter().chain((1..=wanted).map(|n| format!("w{n} "))).collect(),
        };
        let most = request.max_tokens as usize;
        let reason = if said.len() > most { FinishReason::Length } else { FinishReason::Stop };
        let said: Vec<String> = said.into_iter().take(most).collect();
        let usage = Usage { prompt_tokens: 7, cached_tokens: 0, completion_tokens: said.len() as u32 };
        let end = GenerationEvent::Done(GenerationEnd { reason, usage, timings: Timings::default() });
        let events: Vec<_> = said.into_iter().map(GenerationEvent::Text).chain([end]).collect();
        self.writing.fetch_add(1, SeqCst);
        let (pause, writing) = (self.pause, Writing(self.writing.clone()));
        let stream = stream::iter(events).then(move |event| {
            let _held = &writing;
            async move {
                tokio::time::sleep(pause).await;
                event
            }
        });
        Ok(stream.boxed())
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { model: "small".into(), context_tokens: 100 }
    }
}

/// The product around a scripted concierge.
pub struct App {
    pub gateway: Router,
    pub brain: Arc<Brain>,
    pub concierge: Arc<Scripted>,
    pub closing: CancellationToken,
    pub config: Config,
    _data: tempfile::TempDir,
}

/// A product with nothing special about it.
pub async fn app() -> App {
    app_with(Duration::ZERO, &[]).await
}

/// A product that takes `pause` for each word, with other values for some variables.
pub async fn app_with(pause: Duration, values: &[(&'static str, &str)]) -> App {
    let app = unloaded(pause, values);
    let concierge: Arc<dyn Concierge> = app.concierge.clone();
    assert!(app.brain.load(Box::pin(async move { Ok(concierge) })).await);
    app
}

/// A product whose models are not loaded yet.
pub fn unloaded(pause: Duration, values: &[(&'static str, &str)]) -> App {
    let data = tempfile::tempdir().unwrap();
    let config = config(data.path(), values);
    let closing = CancellationToken::new();
    let brain = Brain::new(&config, closing.clone());
    let concierge = Arc::new(Scripted { pause, ..Scripted::default() });
    let upstream = Upstream::Local(brain::router(brain.clone()));
    let gateway = gateway::router(Gateway::new(&config, upstream, closing.clone()).unwrap());
    App { gateway, brain, concierge, closing, config, _data: data }
}

/// A configuration for tests: generous limits, a data folder of its own.
pub fn config(data: &std::path::Path, values: &[(&'static str, &str)]) -> Config {
    let data = data.to_str().unwrap();
    let mut all =
        vec![("DATA_DIR", data), ("RATE_PER_GUEST_PER_MINUTE", "1000"), ("RATE_PER_ADDRESS_PER_MINUTE", "1000")];
    all.extend(values);
    Config::resolve(&Sources::of_values(&all)).unwrap()
}
