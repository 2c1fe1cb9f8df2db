//! Reading the body of a request: bounded in size and in time, and JSON by its header.

use std::{error::Error, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use super::{ApiError, ErrorCode};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(8);

/// The body of a request that must carry JSON.
pub async fn read_json(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::new(
            ErrorCode::UnsupportedMediaType,
            "Send JSON, with the header content-type: application/json.",
        ));
    }
    read(headers, body, limit).await
}

/// The whole body, if it is no longer than `limit` bytes.
pub async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let too_large =
        || ApiError::new(ErrorCode::TooLarge, format!("The body is too large: at most {limit} bytes are taken."));
    // Nothing here unpacks a body, so a packed one could only be misread.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        return Err(ApiError::new(
            ErrorCode::UnsupportedMediaType,
            "Packed bodies are not taken; leave content-encoding out.",
        ));
    }
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    match timeout(PATIENCE, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if over_limit(error.as_ref()) => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::new(ErrorCode::Malformed, "The body ended before it was complete.")),
        Err(_) => Err(ApiError::new(ErrorCode::RequestTimeout, "The body took too long to arrive.")),
    }
}

fn over_limit(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<LengthLimitError>() {
            return true;
        }
        next = error.source();
    }
    false
}
