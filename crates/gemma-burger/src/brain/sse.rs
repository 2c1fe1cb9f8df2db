//! Events as `text/event-stream`.

use std::{convert::Infallible, time::Duration};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use serde_json::Value;

use crate::http::{ApiError, ErrorCode};

/// A line with nothing on it, so that nobody between takes the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// When a browser comes back after a lost line: before a turn counts as abandoned.
const RETRY: Duration = Duration::from_millis(300);

/// An answer that streams events; those without an id do not move the reader's place.
pub fn response<T: Serialize>(events: impl Stream<Item = (Option<u64>, T)> + Send + 'static) -> Response {
    let head = stream::once(async { Ok::<_, Infallible>(Event::default().retry(RETRY)) });
    let body = head.chain(events.map(|(id, event)| Ok(encode(id, &event))));
    let mut response = Sse::new(body).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Understood by common proxies: pass each event on at once.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// The wire types are tagged `{"event", "data"}`, which are the two fields of an event in a stream.
fn encode<T: Serialize>(id: Option<u64>, event: &T) -> Event {
    let encoded = match serde_json::to_value(event) {
        Ok(tagged) => {
            let name = tagged.get("event").and_then(Value::as_str).unwrap_or("message").to_owned();
            Event::default().event(name).data(tagged.get("data").unwrap_or(&Value::Null).to_string())
        }
        // Only a map with odd keys cannot become JSON, and no wire type has one.
        Err(_) => Event::default().comment("unwritable"),
    };
    match id {
        Some(id) => encoded.id(id.to_string()),
        None => encoded,
    }
}

/// The id of the last event that a returning reader has seen.
pub fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let text = value.to_str().unwrap_or("?").trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        ApiError::new(ErrorCode::Malformed, "Last-Event-ID is not one of our ids, which are whole numbers.")
    })
}
