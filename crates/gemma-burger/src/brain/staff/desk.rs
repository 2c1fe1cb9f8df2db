//! The desk: people read what guests complain about, and answer in the chat.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde::Deserialize;
use store::TicketId;

use super::{Colleague, Nothing, ask, over, staff};
use crate::{
    brain::{Brain, orders::number, sse},
    http::{ApiError, ErrorCode, routes::Routes},
};

pub(super) fn routes() -> Routes<Arc<Brain>> {
    Routes::new()
        .get("/desk/events", get_events)
        .get("/desk/tickets", get_tickets)
        .get("/desk/tickets/{ticket_id}", get_ticket)
        .post("/desk/tickets/{ticket_id}/reply", post_reply)
        .post("/desk/tickets/{ticket_id}/{step}", post_step)
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
    let Words { text } = brain.read(request, "{\"text\": \"…\"}").await?;
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

/// Who has the conversation: `take` it, `hand-back`, or `close` the ticket.
async fn post_step(
    State(brain): State<Arc<Brain>>,
    colleague: Colleague,
    Path((ticket_id, step)): Path<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    Nothing::read(&brain, request).await?;
    let ticket = TicketId(number(&ticket_id, "ticket")?);
    let card = match step.as_str() {
        "take" => ask(&brain, move |staff| staff.take(ticket, &colleague.name)).await,
        "hand-back" => ask(&brain, move |staff| staff.hand_back(ticket)).await,
        "close" => ask(&brain, move |staff| staff.close(ticket)).await,
        _ => Err(ApiError::not_found()),
    };
    Ok(Json(card?).into_response())
}
