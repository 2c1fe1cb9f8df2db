//! A turn as a trace: what was understood, looked up, used, asked of the model and checked, with times and counts.
//!
//! Guests' and staff's words are in it only where the owner wants them there (`TRACE_WORDS=on`). What belongs to the
//! restaurant is in it always: intents, acts, the names of entries and tools.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use concierge::{
    ports::{GenerationRequest, Role},
    tools::Used,
    turn::Decision,
};
use connect::{
    mlflow::{
        Mlflow,
        evaluation::{Assessment, AssessmentSource},
    },
    service::Bounds,
    trace::{Endpoint, Kind, Sink, Span, Trace, Tracer},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    overheard::Listener,
    reply::{Heard, Reply},
};
use crate::{
    brain::{
        ports::TurnRequest,
        wire::{Done, Thumb},
    },
    cli::Failure,
    config::{Config, Switch},
    http::{ApiError, metrics::Page},
    tracking,
};

/// How long the end of the program waits for traces that are on their way.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Where traces go.
#[derive(Clone, Debug)]
pub struct Tracing {
    tracer: Arc<Tracer>,
    mlflow: Option<Mlflow>,
    words: bool,
}

impl Tracing {
    /// As the configuration has it; none where no receiver is named.
    ///
    /// # Errors
    /// A key that cannot be sent.
    pub fn start(config: &Config) -> Result<Option<Self>, Failure> {
        let mut sinks = Vec::new();
        let traces = &config.traces;
        let whole = traces.endpoint.as_ref().map(|base| format!("{base}/v1/traces"));
        if let Some(url) = traces.traces_endpoint.clone().or(whole) {
            let headers: Vec<(String, String)> =
                traces.headers.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned())).collect();
            let endpoint = Endpoint::new(&url, &traces.service, &headers, Bounds::once()).map_err(Failure::new)?;
            tracing::info!(to = url, "turns are traced");
            sinks.push(Sink::Collector(endpoint));
        }
        let mlflow = tracking::server(config, Bounds::once())?;
        if let Some(mlflow) = mlflow.clone() {
            tracing::info!(to = mlflow.uri(), experiment = config.mlflow.experiment, "turns are traced");
            sinks.push(Sink::Mlflow(mlflow, config.mlflow.experiment.clone()));
        }
        let words = traces.words == Switch::On;
        Ok((!sinks.is_empty()).then(|| Self { tracer: Arc::new(Tracer::start(sinks)), mlflow, words }))
    }

    /// Sends what waits, for a short while. Blocks.
    pub fn close(&self) {
        if !self.tracer.close(LAST_PATIENCE) {
            tracing::warn!("the last traces were not taken");
        }
    }

    /// Keeps a guest's thumb with the turn's trace, where MLflow has it. Blocks.
    pub fn thumb(&self, turn: &str, thumb: Thumb) {
        let Some(mlflow) = &self.mlflow else { return };
        let verdict = Assessment {
            name: "thumb".to_owned(),
            value: json!(thumb == Thumb::Up),
            rationale: None,
            source: AssessmentSource::Person("guest".to_owned()),
        };
        if let Err(error) = mlflow.assess(&format!("tr-{turn}"), &verdict) {
            tracing::warn!(%error, "a thumb is kept here, and not with its trace");
        }
    }

    /// Writes the lines for Prometheus.
    pub fn measure(&self, page: &mut Page) {
        let counts = self.tracer.counts();
        for (name, help, value) in [
            ("sent", "Traces that their receiver took.", counts.sent),
            ("dropped", "Traces that were not taken, or for which there was no room.", counts.dropped),
        ] {
            let name = format!("gemma_burger_traces_{name}_total");
            page.head(&name, "counter", help);
            page.value(&name, "", value);
        }
    }
}

/// What is noted of one turn; nothing where turns are not traced. All of its copies note the same turn.
#[derive(Clone, Default)]
pub struct Notes(Option<Arc<Noted>>);

struct Noted {
    tracing: Tracing,
    began: Instant,
    trace: Mutex<Trace>,
    /// What was decided, for the whole turn's own span.
    decided: Mutex<Vec<(&'static str, Value)>>,
}

impl Notes {
    /// Begins. The trace has the turn's own id.
    #[must_use]
    pub fn begin(tracing: Option<&Tracing>, turn: &TurnRequest) -> Self {
        let noted = tracing.and_then(|tracing| {
            let trace = Mutex::new(Trace::named(turn.turn.as_str())?);
            Some(Noted { tracing: tracing.clone(), began: Instant::now(), trace, decided: Mutex::default() })
        });
        Self(noted.map(Arc::new))
    }

    /// Whether words are kept.
    fn words(&self) -> bool {
        self.0.as_ref().is_some_and(|noted| noted.tracing.words)
    }

    fn add(&self, spans: impl IntoIterator<Item = Span>) {
        if let Some(noted) = &self.0 {
            let mut trace = noted.trace.lock().unwrap_or_else(PoisonError::into_inner);
            spans.into_iter().for_each(|span| trace.add(span));
        }
    }

    /// Somebody who listens to what is looked up, where turns are traced.
    #[must_use]
    pub fn listen(&self) -> Option<Listener> {
        self.0.as_ref().map(|noted| Listener::new(noted.tracing.words))
    }

    /// Notes how the words were understood, with all that was looked up and used for it.
    pub fn understood(&self, listener: Option<Listener>, decision: &Decision) {
        let (Some(noted), Some(listener)) = (&self.0, listener) else { return };
        let mut understand = Span::between("understand", Kind::Parser, listener.began, Instant::now());
        understand.set("gemma_burger.intent", decision.intent.to_string());
        understand.set("gemma_burger.confidence", decision.confidence);
        understand.set("gemma_burger.events", decision.events.len());
        understand.set("gemma_burger.degraded", decision.degraded);
        let acts: Vec<Value> = decision.brief.steps.iter().map(|step| json!(step.act)).collect();
        let told = vec![
            ("intent", json!(decision.intent.to_string())),
            ("agent", json!(decision.brief.agent.to_string())),
            ("acts", Value::Array(acts)),
        ];
        understand.set("mlflow.spanOutputs", object(&told).to_string());
        *noted.decided.lock().unwrap_or_else(PoisonError::into_inner) = told;
        let tools: Vec<(Span, [Instant; 2])> =
            decision.used.iter().map(|used| tool(used, listener.began, listener.words, &understand)).collect();
        let looked = listener.heard().into_iter().map(|(span, at)| {
            // What was looked up for a tool lies below it.
            let within = tools.iter().find(|(_, [from, to])| (*from..=*to).contains(&at)).map(|(span, _)| span);
            span.under(within.unwrap_or(&understand))
        });
        let looked: Vec<Span> = looked.collect();
        self.add([understand]);
        self.add(tools.into_iter().map(|(span, _)| span));
        self.add(looked);
    }

    /// Notes how the prompt was made.
    pub fn prompted(&self, began: Instant, request: &GenerationRequest, facts: usize) {
        if self.0.is_none() {
            return;
        }
        let mut span = Span::between("prompt", Kind::Chain, began, Instant::now());
        span.set("gemma_burger.facts", facts);
        span.set("gemma_burger.messages", request.messages.len());
        if self.words() {
            let last = request.messages.last().map(|message| message.text.as_str()).unwrap_or_default();
            span.set("mlflow.spanOutputs", json!({"prompt": last}).to_string());
        }
        self.add([span]);
    }

    /// What of a request the model's own span will tell; none where turns are not traced.
    #[must_use]
    pub fn asked(&self, request: &GenerationRequest, model: &str) -> Option<Asked> {
        self.0.as_ref()?;
        let messages = self.words().then(|| {
            let role = |role: Role| if role == Role::User { "user" } else { "assistant" };
            let system = json!({"role": "system", "content": &*request.preamble});
            let said = request.messages.iter().map(|said| json!({"role": role(said.role), "content": said.text}));
            Value::Array(std::iter::once(system).chain(said).collect())
        });
        let adapter = request.adapter.map(|agent| agent.to_string());
        let (temperature, max_tokens) = (request.temperature, request.max_tokens);
        Some(Asked { model: model.to_owned(), adapter, temperature, max_tokens, messages })
    }

    /// Notes what the model wrote and what became of it.
    pub fn spoken(&self, asked: Option<Asked>, reply: &Reply) {
        let Some(asked) = asked else { return };
        let Heard { began, first, ended, checking } = reply.heard;
        if let Some(ended) = ended {
            self.add([engine(&asked, reply, began, ended)]);
        }
        let spoken = &reply.spoken;
        let mut check = Span::between("check", Kind::Guardrail, first.unwrap_or(began), Instant::now());
        check.set("gemma_burger.check_ms", checking.as_secs_f64() * 1e3);
        check.set("gemma_burger.sentences", spoken.own);
        check.set("gemma_burger.plain_sentences", spoken.plain);
        let fault = spoken.fault.as_ref().map(|(fault, _)| format!("{fault:?}").to_lowercase());
        if let Some(fault) = &fault {
            check.set("gemma_burger.fault", fault.as_str());
        }
        let mut told = vec![("own", json!(spoken.own)), ("plain", json!(spoken.plain)), ("fault", json!(fault))];
        if self.words() {
            told.push(("stopped", json!(spoken.fault.as_ref().map(|(_, sentence)| sentence))));
            told.push(("reply", json!(spoken.text)));
        }
        check.set("mlflow.spanOutputs", object(&told).to_string());
        self.add([check]);
        if let Some(noted) = self.0.as_ref().filter(|noted| noted.tracing.words) {
            let mut decided = noted.decided.lock().unwrap_or_else(PoisonError::into_inner);
            decided.push(("reply", json!(spoken.text)));
        }
    }

    /// Ends the turn, and hands its trace over. It never waits.
    pub fn end(self, turn: &TurnRequest, outcome: &Result<Done, ApiError>) {
        let Some(noted) = &self.0 else { return };
        let mut span = Span::between("turn", Kind::Agent, noted.began, Instant::now());
        // The session's own id would let its reader into the session of a brain without a gateway.
        let session = hex::encode(&Sha256::digest(turn.session.as_str())[..8]);
        span.set("session.id", session.as_str());
        span.set("gen_ai.conversation.id", session);
        span.set("gemma_burger.request_id", turn.request.as_str());
        let asked = if noted.tracing.words { json!(turn.text) } else { json!({"letters": turn.text.chars().count()}) };
        span.set("mlflow.spanInputs", json!({"guest": asked}).to_string());
        let decided = noted.decided.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, agent)) = decided.iter().find(|(name, _)| *name == "agent") {
            span.set("gen_ai.agent.name", agent.as_str().unwrap_or_default());
        }
        span.set("mlflow.spanOutputs", object(&decided).to_string());
        match outcome {
            Ok(done) => span.set("gemma_burger.finish_reason", word(&json!(done.finish_reason))),
            Err(error) => span.fail(error.message.clone()),
        }
        let mut trace = noted.trace.lock().unwrap_or_else(PoisonError::into_inner).clone();
        trace.root(span);
        noted.tracing.tracer.record(trace);
    }
}

/// What was asked of the model.
pub struct Asked {
    model: String,
    adapter: Option<String>,
    temperature: f32,
    max_tokens: u32,
    messages: Option<Value>,
}

fn engine(asked: &Asked, reply: &Reply, began: Instant, ended: Instant) -> Span {
    let (usage, timings) = (reply.end.usage, reply.end.timings);
    let mut span = Span::between("engine", Kind::ChatModel, began, ended);
    span.set("gen_ai.provider.name", "gemma-burger");
    span.set("gen_ai.request.model", asked.model.as_str());
    if let Some(adapter) = &asked.adapter {
        span.set("gemma_burger.adapter", adapter.as_str());
    }
    span.set("gen_ai.request.temperature", asked.temperature);
    span.set("gen_ai.request.max_tokens", asked.max_tokens);
    span.set("gen_ai.usage.input_tokens", usage.prompt_tokens);
    span.set("gen_ai.usage.output_tokens", usage.completion_tokens);
    span.set("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens);
    let tokens = json!({"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens, "cache_read_input_tokens": usage.cached_tokens});
    span.set("mlflow.chat.tokenUsage", tokens.to_string());
    span.set("gen_ai.response.finish_reasons", vec![word(&json!(reply.end.reason))]);
    span.set("gemma_burger.queued_ms", timings.queued_ms);
    span.set("gemma_burger.prefill_ms", timings.prefill_ms);
    span.set("gemma_burger.decode_ms", timings.decode_ms);
    if let Some(messages) = &asked.messages {
        span.set("mlflow.spanInputs", json!({"messages": messages}).to_string());
        let said = json!({"choices": [{"message": {"role": "assistant", "content": reply.raw}}]});
        span.set("mlflow.spanOutputs", said.to_string());
    }
    span
}

/// A tool's span, and from when to when it is.
fn tool(used: &Used, began: Instant, words: bool, below: &Span) -> (Span, [Instant; 2]) {
    let time = |ms: f64| Duration::from_secs_f64((ms / 1e3).clamp(0.0, 1e6));
    let from = began + time(used.at_ms);
    let to = from + time(used.ms);
    let mut span = Span::between(format!("tool {}", used.name.as_str()), Kind::Tool, from, to).under(below);
    span.set("gen_ai.tool.name", used.name.as_str());
    // Values may be a guest's words.
    let arguments: Value = if words {
        used.arguments.clone()
    } else {
        used.arguments.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    };
    span.set("mlflow.spanInputs", json!({"arguments": arguments}).to_string());
    if !used.ok {
        span.fail("it gave no answer");
    }
    (span, [from, to])
}

pub(super) fn object(fields: &[(&'static str, Value)]) -> Value {
    fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
