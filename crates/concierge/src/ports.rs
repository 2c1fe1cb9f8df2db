//! The traits through which the brain sees the world.

use std::sync::Arc;

use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::{intent::AgentName, money::Cents, tools::Functions};

/// Text made by the language model.
///
/// An engine owns its threads; [`Engine::start`] returns at once and the words come through the receiver.
/// Dropping the [`Generation`] ends the work behind it within one decode step.
pub trait Engine: Send + Sync {
    /// Queues a request, or says at once that there is no room.
    fn start(&self, request: GenerationRequest) -> Result<Generation, EngineError>;
    /// How a prompt of turns is written for this model, and how long it is in tokens.
    fn info(&self) -> EngineInfo;
}

/// What an engine tells of itself.
#[derive(Clone, Debug, Serialize)]
pub struct EngineInfo {
    /// A name for people: the file's or the remote model's.
    pub model: String,
    /// How many tokens a conversation may hold, reply included.
    pub context_tokens: u32,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The guest, and the facts put before the guest's words.
    User,
    /// The staff.
    Model,
}

/// One turn of a conversation, in the model's own roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who said it.
    pub role: Role,
    /// The words.
    pub text: String,
}

/// A reply asked of an engine.
#[derive(Clone, Debug)]
pub struct GenerationRequest {
    /// Told to the model before everything else and the same in every prompt of an agent, so that an engine can
    /// keep its computed state. Gemma has no system role: it stands at the head of the first user turn.
    pub preamble: Arc<str>,
    /// The conversation, oldest first; the last one is the user's.
    pub messages: Vec<ChatMessage>,
    /// Which adapter to speak with, by agent; none means the base model.
    pub adapter: Option<AgentName>,
    /// 0 is greedy.
    pub temperature: f32,
    /// The most tokens a reply may have.
    pub max_tokens: u32,
    /// Makes sampling repeatable.
    pub seed: u32,
    /// A GBNF grammar that the reply must follow.
    pub grammar: Option<Arc<str>>,
    /// Functions that the reply may call, for an engine that has calls of its own; it writes one as
    /// [`crate::tools::opening`] says. Others keep to the grammar.
    pub functions: Option<Arc<Functions>>,
    /// The conversation that this belongs to, so that its computed state can be used again in the next turn.
    pub conversation: Option<String>,
}

/// A running reply: its words as they come. The last item is [`GenerationEvent::Done`] or
/// [`GenerationEvent::Failed`]; dropping the stream ends the work behind it.
pub type Generation = BoxStream<'static, GenerationEvent>;

/// A piece of a running reply.
#[derive(Clone, Debug, PartialEq)]
pub enum GenerationEvent {
    /// The prompt is read and the first token is being chosen. It comes at most once, before any text, and may be left
    /// out by an engine that does not know.
    Read(PromptRead),
    /// One token's text, always whole characters: empty where the token ends within one.
    Text(String),
    /// The reply is complete.
    Done(GenerationEnd),
    /// The reply cannot be finished.
    Failed(EngineError),
}

/// What a prompt took: known to a reader who does not wait for the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PromptRead {
    /// Tokens of the prompt; none is written yet.
    pub usage: Usage,
    /// Until now.
    pub timings: Timings,
}

/// How a reply ended, and what it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerationEnd {
    /// Why it ended.
    pub reason: FinishReason,
    /// Tokens read and written.
    pub usage: Usage,
    /// Where the time went.
    pub timings: Timings,
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended its turn.
    Stop,
    /// The token limit was reached.
    Length,
    /// The time limit was reached.
    Timeout,
    /// The guest stopped it or left.
    Cancelled,
}

/// Tokens of one reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Those of them whose state was kept from earlier and not computed again.
    pub cached_tokens: u32,
    /// Tokens of the reply.
    pub completion_tokens: u32,
}

/// Milliseconds of one reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Waiting for a place.
    pub queued_ms: f64,
    /// Reading the prompt.
    pub prefill_ms: f64,
    /// Writing the reply.
    pub decode_ms: f64,
}

/// Why an engine gives no reply.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// The queue is full.
    #[error("all of our staff are busy; please try again in {retry_after_s} seconds")]
    Overloaded {
        /// When a place is likely to be free.
        retry_after_s: u32,
    },
    /// The prompt alone fills the context.
    #[error("the prompt has {tokens} tokens and the model holds {limit}")]
    PromptTooLong {
        /// Its length.
        tokens: u32,
        /// What fits, the reply's share taken off.
        limit: u32,
    },
    /// No model is loaded.
    #[error("the language model is not ready: {0}")]
    NotReady(String),
    /// The request itself is wrong (a broken grammar, an adapter that is not loaded).
    #[error("the request cannot be served: {0}")]
    Invalid(String),
    /// The computation failed; other replies are not touched.
    #[error("the language model failed: {0}")]
    Failed(String),
}

/// Turns texts into vectors of one length, normalised, so that a dot product is the cosine.
pub trait Embedder: Send + Sync {
    /// One vector a text, in order.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError>;
    /// Vectors that tell more of a text than what it is about, such as whether it asks, orders or takes back: what
    /// the router decides by. Each ends with the vector that [`Embedder::embed`] gives, its last
    /// [`dimensions`](Embedder::dimensions) numbers, so that one call serves both. An encoder that knows no more
    /// gives that vector alone.
    ///
    /// # Errors
    /// As for [`Embedder::embed`].
    fn embed_deep(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
        self.embed(texts)
    }
    /// The length of each vector of [`Embedder::embed`].
    fn dimensions(&self) -> usize;
}

/// Finds the entries of the restaurant's knowledge that fit a question.
pub trait Retriever: Send + Sync {
    /// The best entries first. Blocking: an embedded store answers in milliseconds; a remote one bounds its wait.
    fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>, RetrieveError>;
}

/// The two kinds of knowledge, as the records' `type` metadata has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordType {
    /// An item of the menu; its id is the item's.
    Menu,
    /// A fact about the place; its id is the record's in the store information file.
    Info,
}

impl RecordType {
    /// The value in the records' metadata.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Menu => "menu",
            Self::Info => "info",
        }
    }
}

/// What to look for.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// The guest's words.
    pub text: &'a str,
    /// Their vector, made once a turn and shared with the router.
    pub embedding: &'a [f32],
    /// What an entry must satisfy.
    pub filter: Filter,
    /// How many entries at most.
    pub limit: usize,
}

/// Conditions on the records' metadata; an absent one holds for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Menu or store information.
    pub record_type: Option<RecordType>,
    /// The item's category, as the menu writes it.
    pub category: Option<String>,
    /// A diet that the item must be marked with.
    pub diet: Option<String>,
    /// The highest price.
    pub max_price: Option<Cents>,
}

/// An entry found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The item's or the record's id.
    pub id: String,
    /// Which of the two.
    pub record_type: RecordType,
    /// A name for people.
    pub title: String,
    /// Higher is nearer: the cosine of the meanings, and up to 0.2 more for the words that are shared. Where the
    /// question had no vector, it tells the order of one answer's hits and nothing else.
    pub score: f32,
}

/// Why nothing could be looked up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RetrieveError {
    /// The store was never filled, or with other data.
    #[error("the restaurant's knowledge is not ready: {0}; run `gemma-burger ingest`")]
    NotReady(String),
    /// The store or the embedding model failed.
    #[error("looking up the restaurant's knowledge failed: {0}")]
    Failed(String),
}
