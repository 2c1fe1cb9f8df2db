//! The kitchen's board.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use concierge::ledger::{OrderId, OrderState};
use futures::{StreamExt, stream};
use serde::Deserialize;

use super::{Colleague, KitchenEvent, ask, number, over, read, staff};
use crate::{
    brain::{Brain, sse},
    http::ApiError,
};

pub(super) fn routes() -> Router<Arc<Brain>> {
    Router::new().route("/kitchen/events", get(get_events)).route("/kitchen/orders/{order_id}/state", post(post_state))
}

/// The board as it is, then every change. The events have no ids: whoever comes back gets the whole board again.
async fn get_events(State(brain): State<Arc<Brain>>, reader: Colleague) -> Result<Response, ApiError> {
    // Listening begins before the board is read: what happens in between is told twice rather than never.
    let changes = staff(&brain)?.news().kitchen().map(|(_, event)| event);
    let orders = ask(&brain, |staff| staff.board()).await?;
    let board = stream::once(async move { Arc::new(KitchenEvent::Snapshot { orders }) });
    let events = board.chain(changes).take_until(Box::pin(over(brain, reader)));
    Ok(sse::response(events.map(|event| (None, event))))
}

/// The body of `POST /kitchen/orders/{order_id}/state`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    state: OrderState,
}

async fn post_state(
    State(brain): State<Arc<Brain>>,
    colleague: Colleague,
    Path(order_id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let expected = "{\"state\": \"preparing\", \"ready\", \"served\" or \"cancelled\"}";
    let Step { state } = read(&brain, request, expected).await?;
    let order = OrderId(number(&order_id, "order")?);
    let order = ask(&brain, move |staff| staff.advance(order, state, &colleague.name)).await?;
    Ok(Json(order).into_response())
}
