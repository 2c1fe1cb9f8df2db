//! Traces: what a turn did, as a tree of spans that OpenTelemetry collectors and MLflow read.
//!
//! ```text
//! Trace (one turn) ─▶ Tracer::record ─▶ bounded queue ─▶ thread ─▶ OTLP/HTTP (JSON) ─▶ collector | MLflow
//! ```
//! Recording never waits: where the queue is full the trace is dropped and counted. The encoding is OTLP's own JSON, so
//! that no generated protobuf code and no second HTTP client is needed (`docs/ARCHITECTURE.md` has the comparison).

mod export;
mod otlp;

use std::{
    borrow::Cow,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use rand::Rng;

pub use export::{Counts, Sink, Tracer};
pub use otlp::Endpoint;

/// What a span does, in MLflow's words (`mlflow.spanType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole turn.
    Agent,
    /// A step made of others.
    Chain,
    /// Reading words.
    Parser,
    /// Making vectors.
    Embedding,
    /// Looking entries up.
    Retriever,
    /// Using a tool.
    Tool,
    /// The language model.
    ChatModel,
    /// Holding words against facts.
    Guardrail,
    /// Scoring.
    Evaluator,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Chain => "CHAIN",
            Self::Parser => "PARSER",
            Self::Embedding => "EMBEDDING",
            Self::Retriever => "RETRIEVER",
            Self::Tool => "TOOL",
            Self::ChatModel => "CHAT_MODEL",
            Self::Guardrail => "GUARDRAIL",
            Self::Evaluator => "EVALUATOR",
        }
    }
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Words; for MLflow's own attributes, JSON.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Real(f64),
    /// Yes or no.
    Flag(bool),
    /// Words.
    List(Vec<String>),
}

macro_rules! into_value {
    ($($type:ty => |$from:ident| $value:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($from: $type) -> Self { $value }
        })*
    };
}

into_value! {
    String => |text| Self::Text(text);
    &str => |text| Self::Text(text.to_owned());
    u32 => |number| Self::Int(number.into());
    usize => |number| Self::Int(i64::try_from(number).unwrap_or(i64::MAX));
    f64 => |number| Self::Real(number);
    f32 => |number| Self::Real(number.into());
    bool => |flag| Self::Flag(flag);
    Vec<String> => |list| Self::List(list);
}

/// Something that took time.
#[derive(Clone, Debug)]
pub struct Span {
    id: u64,
    parent: Option<u64>,
    name: Cow<'static, str>,
    kind: Kind,
    started: Instant,
    ended: Instant,
    attributes: Vec<(&'static str, Value)>,
    failed: Option<String>,
}

impl Span {
    /// One that begins now.
    #[must_use]
    pub fn begin(name: impl Into<Cow<'static, str>>, kind: Kind) -> Self {
        let now = Instant::now();
        Self::between(name, kind, now, now)
    }

    /// One whose times are known.
    #[must_use]
    pub fn between(name: impl Into<Cow<'static, str>>, kind: Kind, started: Instant, ended: Instant) -> Self {
        let (id, name) = (rand::rng().random_range(1..=u64::MAX), name.into());
        Self { id, parent: None, name, kind, started, ended, attributes: Vec::new(), failed: None }
    }

    /// Notes something of it.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        self.attributes.push((key, value.into()));
    }

    /// Ends now.
    #[must_use]
    pub fn end(mut self) -> Self {
        self.ended = Instant::now();
        self
    }

    /// Puts it below another one than the root.
    #[must_use]
    pub fn under(mut self, parent: &Self) -> Self {
        self.parent = Some(parent.id);
        self
    }

    /// It did not go well.
    pub fn fail(&mut self, reason: impl Into<String>) {
        self.failed = Some(reason.into());
    }
}

/// The spans of one turn.
#[derive(Clone, Debug)]
pub struct Trace {
    id: [u8; 16],
    root: u64,
    /// One moment by both clocks.
    at: (Instant, u64),
    spans: Vec<Span>,
}

impl Trace {
    /// With an id of its own.
    #[must_use]
    pub fn random() -> Self {
        Self::of(rand::rng().random_range(1..=u128::MAX).to_be_bytes())
    }

    /// With the id of 32 hexadecimal digits that a turn has anyhow: what is known of the one leads to the other.
    #[must_use]
    pub fn named(id: &str) -> Option<Self> {
        let digits = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = u128::from_str_radix(id, 16).ok().filter(|id| digits && *id != 0)?;
        Some(Self::of(id.to_be_bytes()))
    }

    fn of(id: [u8; 16]) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = (Instant::now(), u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
        Self { id, root: rand::rng().random_range(1..=u64::MAX), at, spans: Vec::with_capacity(8) }
    }

    /// Adds the span that the others belong to.
    pub fn root(&mut self, mut span: Span) {
        (span.id, span.parent) = (self.root, None);
        self.spans.push(span);
    }

    /// Adds a span.
    pub fn add(&mut self, mut span: Span) {
        span.parent = span.parent.or(Some(self.root));
        self.spans.push(span);
    }

    /// The id under which MLflow keeps it.
    #[must_use]
    pub fn mlflow_id(&self) -> String {
        format!("tr-{}", hex::encode(self.id))
    }

    /// Nanoseconds since 1970.
    fn nanos(&self, moment: Instant) -> u64 {
        let (anchor, at) = self.at;
        let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        match moment.checked_duration_since(anchor) {
            Some(after) => at.saturating_add(nanos(after)),
            None => at.saturating_sub(nanos(anchor.saturating_duration_since(moment))),
        }
    }
}
