//! A guest's orders: how far they are, and their receipts. What belongs to another guest is not found, exactly as if
//! it did not exist.

use std::{str::FromStr, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use concierge::ledger::{OrderId, Receipt};

use super::{Brain, routes::Guest};
use crate::http::{ApiError, ErrorCode, routes::Routes};

pub(super) fn routes() -> Routes<Arc<Brain>> {
    Routes::new()
        .get("/orders", get_orders)
        .get("/orders/{order_id}", get_order)
        .get("/orders/{order_id}/{receipt}", get_receipt)
}

/// The forms of a receipt.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// A page to print.
    Page,
    /// Text of forty columns.
    Text,
    /// Data.
    Json,
}

impl FromStr for Form {
    type Err = ApiError;

    /// Takes the last part of a receipt's path.
    fn from_str(name: &str) -> Result<Self, ApiError> {
        match name {
            "receipt" => Ok(Self::Page),
            "receipt.txt" => Ok(Self::Text),
            "receipt.json" => Ok(Self::Json),
            _ => Err(ApiError::not_found()),
        }
    }
}

impl Form {
    /// A receipt in this form.
    pub(super) fn show(self, receipt: &Receipt) -> Response {
        match self {
            Self::Page => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], receipt.html()).into_response(),
            Self::Text => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], receipt.text()).into_response(),
            Self::Json => Json(receipt).into_response(),
        }
    }
}

/// The number that a path names; anything else names nothing.
pub(super) fn number(text: &str, what: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_: std::num::ParseIntError| missing(what))
}

/// The refusal of what is not there, or is not this guest's.
pub(super) fn missing(what: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("There is no such {what}."))
}

async fn get_orders(State(brain): State<Arc<Brain>>, guest: Guest) -> Result<Response, ApiError> {
    let orders = brain.concierge()?.orders(&guest.session).await?;
    Ok(Json(serde_json::json!({"orders": orders})).into_response())
}

async fn get_order(
    State(brain): State<Arc<Brain>>,
    guest: Guest,
    Path(order_id): Path<String>,
) -> Result<Response, ApiError> {
    let id = number(&order_id, "order")?.to_string();
    let orders = brain.concierge()?.orders(&guest.session).await?;
    let order = orders.into_iter().find(|order| order.order_id == id).ok_or_else(|| missing("order"))?;
    Ok(Json(order).into_response())
}

async fn get_receipt(
    State(brain): State<Arc<Brain>>,
    guest: Guest,
    Path((order_id, receipt)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let form: Form = receipt.parse()?;
    let order = OrderId(number(&order_id, "order")?);
    Ok(form.show(&brain.concierge()?.receipt(&guest.session, order).await?))
}
