//! Passing a request on to the brain, and the answer back as it comes.

use std::time::Duration;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header},
    response::Response,
};
use futures::StreamExt;

use super::Gateway;
use crate::{
    brain::{GUEST_LABEL, GUEST_SESSION, wire::SessionId},
    http::{
        ApiError,
        access::{REQUEST_ID, RequestId},
    },
};

/// How long the brain may take to begin an answer. Words come later: an event stream begins at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// What may be passed on of a guest's headers. All others stay here, those that only tiers may use above all.
const INWARD: [HeaderName; 5] = [
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("idempotency-key"),
];

/// What may be passed back of the brain's.
const OUTWARD: [HeaderName; 8] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_DISPOSITION,
    header::CACHE_CONTROL,
    header::RETRY_AFTER,
    header::ALLOW,
    header::SET_COOKIE,
    HeaderName::from_static("x-accel-buffering"),
];

/// The staff's own credentials, which the brain checks: `Authorization` between the tiers is the tiers' secret.
pub const STAFF_AUTHORIZATION: HeaderName = HeaderName::from_static("x-staff-authorization");

/// A request on its way to the brain.
pub struct Relay {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
    patience: Duration,
    /// Whether the answer may be a stream that lasts until somebody ends it.
    lasting: bool,
}

impl Relay {
    /// The request with a body that was read before, so that a slow guest never holds the brain.
    #[must_use]
    pub fn new(request: &RequestHead, body: impl Into<Body>) -> Self {
        let mut headers = HeaderMap::new();
        for name in INWARD {
            if let Some(value) = request.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        headers.insert(REQUEST_ID, request.id.header());
        Self {
            method: request.method.clone(),
            uri: request.uri.clone(),
            headers,
            body: body.into(),
            patience: PATIENCE,
            lasting: false,
        }
    }

    /// Says which guest it is, and by which name the guest knows the session.
    #[must_use]
    pub fn guest(mut self, session: &SessionId, label: &str) -> Self {
        if let (Ok(session), Ok(label)) = (HeaderValue::from_str(session.as_str()), HeaderValue::from_str(label)) {
            self.headers.insert(GUEST_SESSION, session);
            self.headers.insert(GUEST_LABEL, label);
        }
        self
    }

    /// Passes the staff's credentials on.
    #[must_use]
    pub fn staff(mut self, request: &RequestHead) -> Self {
        if let Some(value) = request.headers.get(header::AUTHORIZATION) {
            self.headers.insert(STAFF_AUTHORIZATION, value.clone());
        }
        for value in request.headers.get_all(header::COOKIE) {
            self.headers.append(header::COOKIE, value.clone());
        }
        self
    }

    /// Waits longer for the answer's head.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The answer's stream is ended when the gateway closes.
    #[must_use]
    pub const fn lasting(mut self) -> Self {
        self.lasting = true;
        self
    }

    /// Sends it.
    pub async fn send(self, gateway: &Gateway) -> Result<Response, ApiError> {
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        if let Some(token) = &gateway.brain_token
            && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
        {
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let answer =
            gateway.upstream.send(request, self.patience).await.inspect_err(|_| gateway.upstream_errors.add_one())?;
        let (parts, body) = answer.into_parts();
        let mut response = Response::new(if self.lasting { until_closing(gateway, body) } else { body });
        *response.status_mut() = parts.status;
        for name in OUTWARD {
            for value in parts.headers.get_all(&name) {
                response.headers_mut().append(name.clone(), value.clone());
            }
        }
        let session = parts.headers.get(GUEST_SESSION).and_then(|value| value.to_str().ok());
        if let Some(session) = session.and_then(SessionId::parse) {
            response.extensions_mut().insert(SessionUsed(session));
        }
        Ok(response)
    }
}

fn until_closing(gateway: &Gateway, body: Body) -> Body {
    Body::from_stream(body.into_data_stream().take_until(gateway.closing.clone().cancelled_owned()))
}

/// The session that an answer belongs to, where the brain says so: for this tier only.
#[derive(Clone)]
pub struct SessionUsed(pub SessionId);

/// A guest's request without its body.
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// All headers, none of them to be trusted.
    pub headers: HeaderMap,
    /// Made by this gateway.
    pub id: RequestId,
}

impl RequestHead {
    /// Parts a request.
    pub fn split(request: Request) -> (Self, Body) {
        let (mut parts, body) = request.into_parts();
        let id = parts.extensions.remove::<RequestId>().unwrap_or_else(RequestId::random);
        (Self { method: parts.method, uri: parts.uri, headers: parts.headers, id }, body)
    }
}
