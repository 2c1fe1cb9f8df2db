//! What goes over the wire between guest and brain. These types live at the edge only: inside, the restaurant's own
//! types are used.

use std::fmt;

use concierge::{
    brief::Source,
    intent::{AgentName, Intent},
    money::Cents,
    ports::{FinishReason, Usage},
};
use serde::{Deserialize, Serialize};

use crate::http::{ApiError, ErrorCode};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// A new one: 128 random bits.
            #[must_use]
            pub fn random() -> Self {
                Self(format!("{:032x}", rand::random::<u128>()))
            }

            /// Reads 32 lower-case hexadecimal digits.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                (text.len() == 32 && digits).then(|| Self(text.into()))
            }

            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Its first digits: enough to follow it in a log, not enough to use it.
            #[must_use]
            pub fn short(&self) -> &str {
                self.0.get(..8).unwrap_or_default()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, &'static str> {
                Self::parse(&text).ok_or("an id has 32 hexadecimal digits")
            }
        }
    )*};
}

ids! {
    /// A guest's session, known to the gateway and the brain.
    SessionId,
    /// One message and the reply to it.
    TurnId
}

/// The body of `POST /chat`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatRequest {
    /// What the guest says.
    pub message: String,
    /// The token of the session, for clients without cookies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

impl ChatRequest {
    /// Reads a body and checks the message's length, counted in characters.
    pub fn parse(body: &[u8], max_chars: usize) -> Result<Self, ApiError> {
        let request: Self = parse_json(body, "{\"message\": \"…\"}")?;
        check_message(&request.message, max_chars)?;
        Ok(request)
    }
}

/// Refuses a message without words, and one of more than `max_chars` characters.
pub fn check_message(message: &str, max_chars: usize) -> Result<(), ApiError> {
    if message.trim().is_empty() {
        return Err(ApiError::new(ErrorCode::EmptyMessage, "The message is empty. Please write something."));
    }
    if message.chars().count() > max_chars {
        return Err(ApiError::new(
            ErrorCode::MessageTooLong,
            format!("The message is too long: at most {max_chars} characters fit."),
        ));
    }
    Ok(())
}

/// Reads a JSON body; the error names what is expected and quotes nothing of what came.
pub fn parse_json<T: serde::de::DeserializeOwned>(body: &[u8], expected: &str) -> Result<T, ApiError> {
    let wrong = |what: &str| ApiError::new(ErrorCode::Malformed, format!("{what}; {expected} is expected."));
    let text = std::str::from_utf8(body).map_err(|_| wrong("The body is not valid UTF-8"))?;
    serde_json::from_str(text).map_err(|error| {
        wrong(match error.classify() {
            serde_json::error::Category::Data => "The body is JSON of another shape",
            _ => "The body is not JSON",
        })
    })
}

/// The answer to a message that is followed elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnStarted {
    /// Where its events are: `/chat/{turn_id}/events`.
    pub turn_id: TurnId,
    /// The name of the session: for clients without cookies the token to send back.
    pub session_id: String,
}

/// Everything that a turn tells the guest, in the order in which it happens. A turn begins with `turn` and ends with
/// exactly one `done` or `error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum TurnEvent {
    /// The turn has begun.
    Turn(TurnStarted),
    /// Who answers, and as what the message was understood.
    Agent(AgentChosen),
    /// A person of the team has the conversation: the message is theirs to answer, and no reply follows.
    Person(Person),
    /// The order so far.
    Cart(Cart),
    /// A meal within a sum.
    Plan(Plan),
    /// A placed order, or how far it is.
    Order(OrderNews),
    /// What the reply rests on.
    Sources(Vec<Source>),
    /// A tool that was used.
    Tool(ToolUse),
    /// The next words.
    Token(Words),
    /// The reply is complete.
    Done(Done),
    /// The reply cannot be completed.
    Error(ApiError),
}

impl TurnEvent {
    /// Words of the reply.
    pub fn token(text: impl Into<String>) -> Self {
        Self::Token(Words { text: text.into() })
    }

    /// Whether nothing follows.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Error(_))
    }
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentChosen {
    /// The staff member.
    pub name: AgentName,
    /// What the guest was understood to want.
    pub intent: Intent,
}

/// A piece of the reply's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Whole characters, to be put after those before.
    pub text: String,
}

/// The order that is being put together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// What is in it, in the order of asking.
    pub lines: Vec<CartLine>,
    /// Before tax.
    pub subtotal: Cents,
    /// The tax.
    pub tax: Cents,
    /// What is to be paid.
    pub total: Cents,
    /// ISO 4217.
    pub currency: String,
    /// What holds for the whole visit, such as an allergy.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One line of a cart, priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// The item's id on the menu.
    pub item: String,
    /// Its name.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// The size's name.
    pub size: Option<String>,
    /// Options and things left out, in words.
    pub options: Vec<String>,
    /// Of one, options included.
    pub unit_price: Cents,
    /// Of the line.
    pub total: Cents,
    /// What the guest should be careful about.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// A placed order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderNews {
    /// Its id.
    pub order_id: String,
    /// The number that is called out.
    pub number: u32,
    /// `received`, `preparing`, `ready`, `served` or `cancelled`.
    pub state: String,
    /// What is to be paid.
    pub total: Cents,
    /// ISO 4217.
    pub currency: String,
    /// Where its receipt is: a page; with `.txt` or `.json` after it, text or data.
    pub receipt_url: String,
}

/// A meal within a sum, and what else would fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What to order.
    pub lines: Vec<PlanLine>,
    /// What it costs.
    pub total: Cents,
    /// What remains of the sum.
    pub left: Cents,
    /// The sum, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Cents>,
    /// ISO 4217.
    pub currency: String,
    /// Why this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What a little more would buy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_dollar: Option<String>,
    /// Other meals that fit.
    #[serde(default)]
    pub alternatives: Vec<Alternative>,
}

/// Another meal that fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// What to order.
    pub lines: Vec<PlanLine>,
    /// What it costs.
    pub total: Cents,
}

/// One line of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLine {
    /// The item's id on the menu.
    pub item: String,
    /// Its name.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Of the line.
    pub price: Cents,
}

/// A tool's use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolUse {
    /// Which tool.
    pub name: String,
    /// What it was asked.
    pub arguments: serde_json::Value,
    /// Whether it answered.
    pub ok: bool,
    /// How long it took.
    pub ms: f64,
}

/// The end of a reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Tokens read and written.
    pub usage: Usage,
    /// Where the time went.
    pub timings: TurnTimings,
}

/// Milliseconds of a turn. `first_token_ms` and `total_ms` are measured where events leave the brain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnTimings {
    /// Finding out what the guest wants.
    pub understand_ms: f64,
    /// Looking up the restaurant's knowledge.
    pub retrieve_ms: f64,
    /// Waiting for the model.
    pub queued_ms: f64,
    /// Reading the prompt.
    pub prefill_ms: f64,
    /// Writing the reply.
    pub decode_ms: f64,
    /// From the message to the first words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<f64>,
    /// From the message to the end.
    pub total_ms: f64,
}

/// What happens to a session outside of its turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum SessionEvent {
    /// The kitchen moved the order on.
    Order(OrderNews),
    /// The cart was changed elsewhere.
    Cart(Cart),
    /// A person of the team takes the conversation, or hands it back.
    Person(Person),
    /// A person of the team says something.
    Staff(StaffWords),
}

/// Who has the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The member of the team; none means that the agents answer.
    pub name: Option<String>,
}

/// Words of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffWords {
    /// What they say.
    pub text: String,
    /// Who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The answer of `GET /chat/history`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The name of the session; none where there is no session yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What was said, oldest first.
    pub messages: Vec<PastMessage>,
    /// The order so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cart: Option<Cart>,
    /// The orders that are not finished, and the last one, oldest first.
    #[serde(default)]
    pub orders: Vec<OrderNews>,
    /// The person of the team who has the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
}

/// Something that was said earlier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastMessage {
    /// Who said it.
    pub role: Speaker,
    /// The name of a person of the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The words.
    pub text: String,
    /// When, as RFC 3339.
    pub at: String,
    /// The turn that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
}

/// Who speaks in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The guest.
    Guest,
    /// The clerk.
    Rosy,
    /// The manager.
    Gordon,
    /// A person of the team.
    Staff,
}

/// The body of `POST /chat/{turn_id}/feedback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// Whether the reply was good.
    pub thumb: Thumb,
    /// Why, in the guest's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Good or bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thumb {
    /// Good.
    Up,
    /// Bad.
    Down,
}

/// The answer of `GET /health/ready`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether messages are answered: all parts are ready.
    pub ready: bool,
    /// The language model.
    pub model: Part,
    /// The database.
    pub store: Part,
    /// The restaurant's knowledge.
    pub knowledge: Part,
}

impl Readiness {
    /// Ready when all parts are.
    #[must_use]
    pub fn of(model: Part, store: Part, knowledge: Part) -> Self {
        Self { ready: model.ready && store.ready && knowledge.ready, model, store, knowledge }
    }

    /// All parts in the same state.
    #[must_use]
    pub fn all(part: Part) -> Self {
        Self::of(part.clone(), part.clone(), part)
    }
}

/// One part of the product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Whether it works.
    pub ready: bool,
    /// What it is, or why it does not work.
    pub detail: String,
}

impl Part {
    /// It works.
    pub fn ready(detail: impl Into<String>) -> Self {
        Self { ready: true, detail: detail.into() }
    }

    /// It does not, and why.
    pub fn missing(detail: impl Into<String>) -> Self {
        Self { ready: false, detail: detail.into() }
    }
}
