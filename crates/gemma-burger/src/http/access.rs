//! One line in the log for each request, and the id by which the two tiers' lines are matched.

use std::{fmt, sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response},
    middleware::Next,
    response::IntoResponse,
};
use tracing::info;

use super::{ApiError, metrics::RequestCounts};

/// Carries the request's id from the gateway to the brain and back to the guest.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:016x}", rand::random::<u64>()).into())
    }

    /// The one that another tier gave, if it looks like one.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(REQUEST_ID)?.to_str().ok()?;
        (text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| Self(text.into()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a header's value.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static("0"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which tier a line is about, and whether its requests bring their ids along.
#[derive(Clone)]
pub struct Access {
    /// `gateway` or `brain`.
    pub tier: &'static str,
    /// The brain trusts the gateway's ids; the gateway makes its own, since a guest could send any.
    pub trust_ids: bool,
    /// Where requests are counted.
    pub counts: Arc<RequestCounts>,
}

/// The middleware. It logs codes, times and ids; the path is logged as the route's pattern, so that nothing a guest
/// typed can stand in it.
pub async fn log_requests(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response<axum::body::Body> {
    let started = Instant::now();
    let id = access
        .trust_ids
        .then(|| RequestId::from_headers(request.headers()))
        .flatten()
        .unwrap_or_else(RequestId::random);
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();

    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id.header());
    let status = response.status();
    access.counts.count(status);
    info!(
        tier = access.tier,
        request_id = id.as_str(),
        method = method.as_str(),
        route,
        status = status.as_u16(),
        ms = started.elapsed().as_millis(),
        "request"
    );
    response
}

/// The answer where a handler panicked: the guest learns that it is our fault, and other requests go on. What the
/// panic said stays unsaid, because it may hold a guest's words.
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response<axum::body::Body> {
    ApiError::internal().into_response()
}
