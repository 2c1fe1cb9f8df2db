//! The kitchen's board.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use concierge::ledger::{OrderId, OrderState};
use futures::{StreamExt, stream};
use serde::Deserialize;

use super::{Colleague, KitchenEvent, ask, over, staff};
use crate::{
    brain::{
        Brain,
        orders::{Form, number},
        sse,
    },
    http::{ApiError, routes::Routes},
};

pub(super) fn routes() -> Routes<Arc<Brain>> {
    Routes::new()
        .get("/kitchen/events", get_events)
        .post("/kitchen/orders/{order_id}/state", post_state)
        .get("/kitchen/orders/{order_id}/{receipt}", get_receipt)
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
    let Step { state } = brain.read(request, expected).await?;
    let order = OrderId(number(&order_id, "order")?);
    let order = ask(&brain, move |staff| staff.advance(order, state, &colleague.name)).await?;
    Ok(Json(order).into_response())
}

/// A receipt, for a guest who wants it printed.
async fn get_receipt(
    State(brain): State<Arc<Brain>>,
    _: Colleague,
    Path((order_id, receipt)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let form: Form = receipt.parse()?;
    let order = OrderId(number(&order_id, "order")?);
    Ok(form.show(&ask(&brain, move |staff| staff.receipt(order)).await?))
}
