//! OpenAI's protocol: `POST /v1/chat/completions` and `GET /v1/models`.
//!
//! Two kinds of model answer here. [`HOUSE`] is the concierge: the last message is said in the caller's own session, as
//! if it had been sent to `/chat`, and its reply is checked like any other; what was said before, the session
//! remembers. The others are the language model itself, without the restaurant: the whole conversation comes with the
//! request and nothing is kept; it may offer functions of the caller's own, of which a reply calls at most one. `NAME` is the model as it is, `NAME:rosy` and `NAME:gordon` have the staff's manner.

mod error;
mod functions;
mod reply;
mod request;
mod stop;

use std::{sync::Arc, time::SystemTime};

use axum::{
    Json, Router,
    extract::{Path, Request as HttpRequest, State},
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse, Response},
    routing::get,
};
use concierge::{
    intent::AgentName,
    ports::{Engine, GenerationRequest},
};
use serde_json::{Value, json};

pub use error::Refusal;

use self::{
    reply::Reply,
    request::{Request, wrong},
};
use super::{
    Brain, GUEST_SESSION,
    ports::Concierge,
    routes::idempotency_key,
    turns::Message,
    wire::{SessionId, check_message},
};
use crate::http::{
    ApiError, ErrorCode,
    access::RequestId,
    body,
    error::{method_not_allowed, not_found},
    routes::Routes,
};

/// The model that is the restaurant.
pub const HOUSE: &str = "gemma-burger";
/// Bytes of a body: a client sends the whole conversation each time.
pub const BODY_BYTES: usize = 256 * 1024;

/// The language model without the restaurant.
#[derive(Clone)]
pub struct BareModel {
    /// The name that clients ask for.
    pub id: String,
    /// The model.
    pub engine: Arc<dyn Engine>,
    /// Agents that have a trained manner.
    pub adapters: Vec<AgentName>,
}

impl BareModel {
    /// All names under which it answers, with the adapter of each.
    fn names(&self) -> impl Iterator<Item = (String, Option<AgentName>)> {
        let trained = self.adapters.iter().map(|agent| (format!("{}:{agent}", self.id), Some(*agent)));
        std::iter::once((self.id.clone(), None)).chain(trained)
    }
}

/// The routes that are described.
pub fn routes() -> Routes<Arc<Brain>> {
    Routes::new().post("/v1/chat/completions", post_completion).get("/v1/models", get_models)
}

/// All that is below `/v1`.
pub fn router() -> Router<Arc<Brain>> {
    let others =
        Router::new().route("/models/{*id}", get(get_model)).fallback(async || Refusal::from(not_found().await));
    let all = routes().into_router().nest("/v1", others);
    all.method_not_allowed_fallback(async || Refusal::from(method_not_allowed().await))
}

async fn post_completion(State(brain): State<Arc<Brain>>, request: HttpRequest) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let body = body::read_json(&parts.headers, body, BODY_BYTES).await?;
    let request = Request::parse(&body)?;
    if brain.closing.is_cancelled() {
        let closing = ApiError::new(ErrorCode::Closing, "The server is closing. Please try again.").retry_after(5);
        return Err(closing.into());
    }
    let concierge = brain.concierge()?;
    if request.model == HOUSE {
        let id = parts.extensions.get::<RequestId>().cloned().unwrap_or_else(RequestId::random);
        return ask_the_house(&brain, concierge, &parts.headers, id, request).await;
    }
    ask_the_model(concierge.as_ref(), request).await
}

/// A turn in the caller's session, or in a new one, whose name goes back to the gateway.
async fn ask_the_house(
    brain: &Brain,
    concierge: Arc<dyn Concierge>,
    headers: &HeaderMap,
    request_id: RequestId,
    request: Request,
) -> Result<Response, Refusal> {
    if request.functions.is_some() {
        let why = "the restaurant uses tools of its own; the bare models take yours (GET /v1/models lists them)";
        return Err(wrong("tools", why));
    }
    let text = request.messages.last().map(|message| message.text.trim().to_owned()).unwrap_or_default();
    check_message(&text, brain.max_message_chars)?;
    let session = headers.get(GUEST_SESSION).and_then(|value| value.to_str().ok()).and_then(SessionId::parse);
    let session = session.unwrap_or_else(SessionId::random);
    let name = session.to_string();
    let claimed = match idempotency_key(headers)? {
        Some(key) => Some(concierge.claim(&session, key, &text).await?),
        None => None,
    };
    let message = Message { text, request: request_id, claimed };
    let turn = brain.turns.start(concierge, session, name.clone(), message).await?;
    let reply = Reply::new(format!("chatcmpl-{}", turn.id()), request);
    let mut response = reply.send(reply::of_turn(&turn)).await?;
    if let Ok(value) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(GUEST_SESSION, value);
    }
    Ok(response)
}

/// A reply of the language model as it is.
async fn ask_the_model(concierge: &dyn Concierge, request: Request) -> Result<Response, Refusal> {
    let model = concierge.bare_model().ok_or_else(Refusal::no_model)?;
    let (_, adapter) = model.names().find(|(name, _)| *name == request.model).ok_or_else(Refusal::no_model)?;
    let mut preamble = request.system.clone();
    let mut grammar = request.grammar.clone();
    if let Some(functions) = &request.functions {
        let own =
            functions.grammar().ok_or_else(|| wrong("tools", "their schemas are larger than this model can follow"))?;
        grammar = Some(own.into());
        preamble = [preamble.as_str(), &functions.preamble()].join("\n\n").trim().to_owned();
    }
    let ask = GenerationRequest {
        preamble: preamble.into(),
        messages: request.messages.clone(),
        adapter,
        temperature: request.temperature,
        max_tokens: request.max_tokens.unwrap_or(u32::MAX),
        seed: request.seed.unwrap_or_else(rand::random),
        grammar,
        functions: request.functions.clone().map(Arc::new),
        // No guest's own name: those of sessions never begin so.
        conversation: request.conversation.as_ref().map(|name| format!("v1/{name}")),
    };
    let pieces = reply::of_engine(model.engine.as_ref(), ask).await?;
    let id = format!("chatcmpl-{:032x}", rand::random::<u128>());
    Reply::new(id, request).send(pieces).await
}

async fn get_models(State(brain): State<Arc<Brain>>) -> Result<Response, Refusal> {
    Ok(Json(json!({"object": "list", "data": models(&brain)?})).into_response())
}

async fn get_model(State(brain): State<Arc<Brain>>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let model = models(&brain)?.into_iter().find(|model| model["id"] == id.as_str());
    Ok(Json(model.ok_or_else(Refusal::no_model)?).into_response())
}

fn models(brain: &Brain) -> Result<Vec<Value>, ApiError> {
    let bare = brain.concierge()?.bare_model();
    let bare = bare.iter().flat_map(BareModel::names).map(|(name, _)| name);
    let names = std::iter::once(HOUSE.to_owned()).chain(bare);
    let model = |id| json!({"id": id, "object": "model", "created": brain.opened, "owned_by": "gemma-burger"});
    Ok(names.map(model).collect())
}

/// Seconds since 1970.
pub(super) fn unix_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
