//! The routes of the brain, all of them behind the gateway.

use std::sync::Arc;

use axum::{
    Extension, Json, Router,
    extract::{FromRequestParts, Path, Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use tower_http::catch_panic::CatchPanicLayer;

use ::concierge::ports::FinishReason;

use super::{
    Brain, GUEST_LABEL, GUEST_SESSION, orders, sse, staff,
    turns::{Message, Turn},
    v1,
    wire::{ChatRequest, Feedback, Person, SessionEvent, SessionId, TurnId, TurnStarted},
};
use crate::http::{
    ApiError, ErrorCode,
    access::{self, Access, RequestId},
    body,
    error::{method_not_allowed, not_found},
    metrics::Page,
    routes::Routes,
};

/// A comment to a reply, in characters.
const MAX_COMMENT_CHARS: usize = 1_000;
/// The longest key of a message.
const MAX_KEY_BYTES: usize = 200;

/// The brain as a service.
pub fn router(brain: Arc<Brain>) -> Router {
    let access = Access { tier: "brain", trust_ids: true, counts: Arc::clone(&brain.counts) };
    let guarded = guarded().into_router().merge(v1::router());
    let guarded = guarded.route_layer(middleware::from_fn_with_state(Arc::clone(&brain), check_token));
    Router::new()
        .merge(guarded)
        .merge(open().into_router())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(access::panicked))
        .layer(middleware::from_fn_with_state(access, access::log_requests))
        .with_state(brain)
}

/// The routes for whoever knows the shared secret.
fn guarded() -> Routes<Arc<Brain>> {
    Routes::new()
        .post("/chat", post_chat)
        .get("/chat/history", get_history)
        .get("/chat/{turn_id}/events", get_turn_events)
        .post("/chat/{turn_id}/stop", post_stop)
        .post("/chat/{turn_id}/feedback", post_feedback)
        .get("/session/events", get_session_events)
        .get("/metrics", get_metrics)
        .merge(orders::routes())
        .merge(staff::routes())
}

/// The routes for everybody.
fn open() -> Routes<Arc<Brain>> {
    Routes::new().get("/health/live", get_live).get("/health/ready", get_ready)
}

/// Every method and path of this tier, which the gateway's description must hold.
#[must_use]
pub fn interface() -> Vec<(Method, &'static str)> {
    guarded().merge(open()).merge(v1::routes()).list()
}

/// Lets only those in who know the shared secret, where one is set.
async fn check_token(State(brain): State<Arc<Brain>>, request: Request, next: Next) -> Response {
    if brain.token.as_ref().is_some_and(|token| !token.is_shown_by(request.headers())) {
        let error = ApiError::new(ErrorCode::Unauthorized, "The shared secret is missing or wrong.");
        let openai = request.uri().path().starts_with("/v1/");
        return if openai { v1::Refusal::from(error).into_response() } else { error.into_response() };
    }
    next.run(request).await
}

/// The guest of a request, as the gateway tells it.
pub(super) struct Guest {
    pub(super) session: SessionId,
    label: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Guest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let session = text(GUEST_SESSION)
            .and_then(SessionId::parse)
            .ok_or_else(|| ApiError::new(ErrorCode::SessionMissing, "This request belongs to no session."))?;
        let label = text(GUEST_LABEL).unwrap_or(session.as_str()).to_owned();
        Ok(Self { session, label })
    }
}

async fn post_chat(
    State(brain): State<Arc<Brain>>,
    guest: Guest,
    Extension(request_id): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let body = body::read_json(&parts.headers, body, brain.max_body_bytes).await?;
    let chat = ChatRequest::parse(&body, brain.max_message_chars)?;
    if brain.closing.is_cancelled() {
        return Err(ApiError::new(ErrorCode::Closing, "We are closing for a moment. Please try again.").retry_after(5));
    }
    let concierge = brain.concierge()?;
    let text = chat.message.trim().to_owned();
    let claimed = match idempotency_key(&parts.headers)? {
        Some(key) => Some(concierge.claim(&guest.session, key, &text).await?),
        None => None,
    };
    let message = Message { text, request: request_id, claimed };
    let turn = brain.turns.start(concierge, guest.session, guest.label.clone(), message).await?;
    if wants_json(&parts.headers) {
        let started = TurnStarted { turn_id: turn.id().clone(), session_id: guest.label };
        return Ok((StatusCode::ACCEPTED, Json(started)).into_response());
    }
    Ok(stream_turn(&turn, 0))
}

/// The key that makes a message safe to send again.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()));
    let wrong = || {
        let message = format!("Idempotency-Key has 1 to {MAX_KEY_BYTES} letters, digits or signs.");
        ApiError::new(ErrorCode::Malformed, message)
    };
    key.map(Some).ok_or_else(wrong)
}

/// Whether the client asks for JSON and not for a stream; who asks for nothing gets the stream.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/event-stream")
}

fn stream_turn(turn: &Arc<Turn>, seen: u64) -> Response {
    sse::response(turn.follow(seen).map(|(id, event)| (Some(id), event)))
}

/// The turn that the path names; anything that is not an id names none.
fn turn_of(brain: &Brain, guest: &Guest, turn_id: &str) -> Result<Arc<Turn>, ApiError> {
    let id = TurnId::parse(turn_id).ok_or_else(ApiError::turn_unknown)?;
    brain.turns.of_session(&guest.session, &id)
}

async fn get_turn_events(
    State(brain): State<Arc<Brain>>,
    guest: Guest,
    Path(turn_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let turn = turn_of(&brain, &guest, &turn_id)?;
    Ok(stream_turn(&turn, sse::last_event_id(&headers)?.unwrap_or(0)))
}

/// Ends a reply; one that has ended stays as it is.
async fn post_stop(
    State(brain): State<Arc<Brain>>,
    guest: Guest,
    Path(turn_id): Path<String>,
) -> Result<Response, ApiError> {
    turn_of(&brain, &guest, &turn_id)?.cancel(FinishReason::Cancelled);
    Ok(Json(serde_json::json!({"stopped": true})).into_response())
}

async fn post_feedback(
    State(brain): State<Arc<Brain>>,
    guest: Guest,
    Path(turn_id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let feedback: Feedback = brain.read(request, "{\"thumb\": \"up\" or \"down\", \"comment\"?: \"…\"}").await?;
    if feedback.comment.as_ref().is_some_and(|comment| comment.chars().count() > MAX_COMMENT_CHARS) {
        return Err(ApiError::new(
            ErrorCode::MessageTooLong,
            format!("The comment is too long: at most {MAX_COMMENT_CHARS} characters fit."),
        ));
    }
    let id = TurnId::parse(&turn_id).ok_or_else(ApiError::turn_unknown)?;
    brain.concierge()?.feedback(&guest.session, &id, feedback).await?;
    Ok(Json(serde_json::json!({"kept": true})).into_response())
}

async fn get_history(State(brain): State<Arc<Brain>>, guest: Guest) -> Result<Response, ApiError> {
    let mut history = brain.concierge()?.history(&guest.session).await?;
    history.session_id = Some(guest.label);
    Ok(Json(history).into_response())
}

/// News of the session for as long as the page is open. It begins with how things stand, so that nothing told while
/// nobody listened is missed.
async fn get_session_events(
    State(brain): State<Arc<Brain>>,
    guest: Guest,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let seen = sse::last_event_id(&headers)?;
    // Listening begins before the state is read: what happens in between is told twice rather than never.
    let news = brain.bus.follow(&guest.session, seen);
    let history = brain.concierge()?.history(&guest.session).await?;
    let cart = history.cart.map(SessionEvent::Cart).into_iter();
    // Also where nobody holds the conversation: a page that saw a person there learns that they have left.
    let person = SessionEvent::Person(history.person.unwrap_or(Person { name: None }));
    let now = cart.chain(history.orders.into_iter().map(SessionEvent::Order)).chain([person]);
    let now = stream::iter(now.map(|event| (None, Arc::new(event))).collect::<Vec<_>>());
    let all = now.chain(news.map(|(id, event)| (Some(id), event)));
    Ok(sse::response(all.take_until(brain.closing.clone().cancelled_owned())))
}

async fn get_live() -> Response {
    Json(serde_json::json!({"live": true})).into_response()
}

async fn get_ready(State(brain): State<Arc<Brain>>) -> Response {
    let ready = brain.ready();
    let status = if ready.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ready)).into_response()
}

async fn get_metrics(State(brain): State<Arc<Brain>>) -> Response {
    let mut page = Page::default();
    brain.counts.write("brain", &mut page);
    brain.turns.metrics(&mut page);
    if let Ok(concierge) = brain.concierge() {
        page.append(&concierge.metrics());
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page.finish()).into_response()
}
