//! The desk: people read what guests complain about, and answer in the chat.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::StreamExt;
use serde::Deserialize;
use store::TicketId;

use super::{Colleague, Nothing, ask, number, over, read, staff};
use crate::{
    brain::{Brain, sse},
    http::{ApiError, ErrorCode},
};

pub(super) fn routes() -> Router<Arc<Brain>> {
    Router::new()
        .route("/desk/events", get(get_events))
        .route("/desk/tickets", get(get_tickets))
        .route("/desk/tickets/{ticket_id}", get(get_ticket))
        .route("/desk/tickets/{ticket_id}/reply", post(post_reply))
        .route("/desk/tickets/{ticket_id}/close", post(post_close))
}

/// Which tickets have something new. The events have no ids: whoever comes back asks for the tickets anyway.
async fn get_events(State(brain): State<Arc<Brain>>, reader: Colleague) -> Result<Response, ApiError> {
    let events = staff(&brain)?.news().desk().take_until(Box::pin(over(brain, reader)));
    Ok(sse::response(events.map(|(_, event)| (None, event))))
}

async fn get_tickets(State(brain): State<Arc<Brain>>, _: Colleague) -> Result<Response, ApiError> {
    let tickets = ask(&brain, |staff| staff.tickets()).await?;
    Ok(Json(serde_json::json!({"tickets": tickets})).into_response())
}

async fn get_ticket(
    State(brain): State<Arc<Brain>>,
    _: Colleague,
    Path(ticket_id): Path<String>,
) -> Result<Response, ApiError> {
    let ticket = TicketId(number(&ticket_id, "ticket")?);
    Ok(Json(ask(&brain, move |staff| staff.ticket(ticket)).await?).into_response())
}

/// The body of `POST /desk/tickets/{ticket_id}/reply`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    text: String,
}

async fn post_reply(
    State(brain): State<Arc<Brain>>,
    colleague: Colleague,
    Path(ticket_id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let Words { text } = read(&brain, request, "{\"text\": \"…\"}").await?;
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Err(ApiError::new(ErrorCode::EmptyMessage, "The answer is empty. Please write something."));
    }
    let most = brain.max_message_chars;
    if text.chars().count() > most {
        let message = format!("The answer is too long: at most {most} characters fit.");
        return Err(ApiError::new(ErrorCode::MessageTooLong, message));
    }
    let ticket = TicketId(number(&ticket_id, "ticket")?);
    Ok(Json(ask(&brain, move |staff| staff.reply(ticket, &colleague.name, &text)).await?).into_response())
}

async fn post_close(
    State(brain): State<Arc<Brain>>,
    _: Colleague,
    Path(ticket_id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    Nothing::read(&brain, request).await?;
    let ticket = TicketId(number(&ticket_id, "ticket")?);
    Ok(Json(ask(&brain, move |staff| staff.close(ticket)).await?).into_response())
}
