//! The routes that guests, staff and programs reach.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    Gateway,
    client::Client,
    relay::{Relay, RequestHead, SessionUsed},
    session::{Guest, Shown, forget_cookie, has_cookie},
};
use crate::{
    brain::{
        v1,
        wire::{ChatRequest, History, Part, Readiness, SessionId},
    },
    http::{
        ApiError, ErrorCode,
        access::{self, Access},
        body,
        error::{method_not_allowed, not_found},
        metrics::Page,
    },
};

/// Names a session in requests and answers under `/v1`, for clients that keep no cookies.
const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-session-token");
/// How long a question about the brain's health may take.
const HEALTH_PATIENCE: Duration = Duration::from_millis(1_800);

/// Sent with every answer. Scripts, styles and connections come from here only, and nobody may frame the pages.
const SECURITY: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), payment=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The gateway as a service.
pub fn router(gateway: Arc<Gateway>) -> Router {
    let access = Access { tier: "gateway", trust_ids: false, counts: Arc::clone(&gateway.counts) };
    Router::new()
        .route("/chat", post(post_chat))
        .route("/chat/history", get(get_history))
        .route("/chat/{turn_id}/events", get(relay_guest))
        .route("/chat/{turn_id}/stop", post(relay_guest))
        .route("/chat/{turn_id}/feedback", post(relay_guest))
        .route("/session/events", get(relay_guest_lasting))
        .route("/orders", get(relay_guest))
        .route("/orders/{*rest}", get(relay_guest))
        .route("/kitchen", any(relay_staff))
        .route("/kitchen/{*rest}", any(relay_staff))
        .route("/desk", any(relay_staff))
        .route("/desk/{*rest}", any(relay_staff))
        .route("/staff/{*rest}", any(relay_staff))
        .route("/admin/{*rest}", any(relay_staff))
        .route("/v1/{*rest}", any(relay_v1))
        .route("/health/live", get(get_live))
        .route("/health/ready", get(get_ready))
        .route("/metrics", get(get_metrics))
        .route("/openapi.json", get(get_openapi))
        .route("/", get(get_asset))
        .fallback(get_asset)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(normal_path))
        .layer(CatchPanicLayer::custom(access::panicked))
        .layer(middleware::map_response(secure))
        .layer(middleware::from_fn_with_state(access, access::log_requests))
        .with_state(gateway)
}

/// Refuses paths with empty or dotted parts, so that no proxy, limit or route can read them in two ways.
async fn normal_path(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let odd = path.contains("//") || path.split('/').any(|part| part == "." || part == "..");
    if odd { ApiError::not_found().into_response() } else { next.run(request).await }
}

async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A refusal, and a cookie that goes along with it.
struct Refusal {
    error: ApiError,
    cookie: Option<HeaderValue>,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { error, cookie: None }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.error.into_response();
        if let Some(cookie) = self.cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl Gateway {
    /// Counts refusals by the limits on their way out.
    fn limited<T>(&self, result: Result<T, ApiError>) -> Result<T, ApiError> {
        if matches!(&result, Err(error) if error.code == ErrorCode::RateLimited) {
            self.rate_limited.add_one();
        }
        result
    }

    /// The guest of a request; where the session does not hold any more, its cookie is taken away with the refusal, so
    /// that a browser starts anew next time.
    fn identify(&self, client: Client, headers: &HeaderMap, in_body: Option<&str>) -> Result<Option<Guest>, Refusal> {
        self.sessions.identify(headers, in_body).map_err(|error| {
            let cookie = has_cookie(headers).then(|| forget_cookie(self.proxies.secure_cookie(client))).flatten();
            Refusal { error, cookie }
        })
    }

    /// The guest behind a request under `/v1`: by our own header, else by an API key that is a session's token, else by
    /// the cookie. Clients send some key whether it means anything or not, so only the header can be wrong.
    fn program(&self, headers: &HeaderMap) -> Result<Option<Guest>, ApiError> {
        if let Some(token) = headers.get(SESSION_TOKEN) {
            return self.sessions.identify(headers, Some(token.to_str().unwrap_or_default()));
        }
        let mut cookie = headers.clone();
        cookie.remove(header::AUTHORIZATION);
        let by = |headers| self.sessions.identify(headers, None).ok().flatten();
        Ok(by(headers).or_else(|| by(&cookie)))
    }

    /// By which name a guest knows the session: a program by its token; a browser by the id alone, since its token is
    /// in a cookie that no script may read.
    fn label(&self, guest: &Guest) -> String {
        match guest.shown {
            Shown::Cookie => guest.session.to_string(),
            Shown::Token => self.sessions.token(&guest.session),
        }
    }
}

/// A message. Everything that can be wrong with it is found here, before the brain is troubled.
async fn post_chat(State(gateway): State<Arc<Gateway>>, request: Request) -> Result<Response, Refusal> {
    let client = gateway.proxies.client(&request);
    let (head, body) = RequestHead::split(request);
    gateway.limited(gateway.limits.admit_request(client.address.into()))?;
    let body = body::read_json(&head.headers, body, gateway.max_body_bytes).await?;
    let chat = ChatRequest::parse(&body, gateway.max_message_chars)?;
    let known = gateway.identify(client, &head.headers, chat.session_id.as_deref())?;
    let session = known.as_ref().map(|guest| &guest.session);
    gateway.limited(gateway.limits.admit_message(session, client.address.into()))?;

    let new = known.is_none();
    let guest = known.unwrap_or_else(|| {
        // Browsers, and only they, tell where a request comes from; no script can leave it out.
        let browser = head.headers.contains_key("sec-fetch-site");
        Guest { session: SessionId::random(), shown: if browser { Shown::Cookie } else { Shown::Token }, stale: false }
    });
    if new {
        gateway.limits.first_message(&guest.session);
    }
    let message = serde_json::to_vec(&ChatRequest { message: chat.message, session_id: None }).unwrap_or_default();
    let relay = Relay::new(&head, message).guest(&guest.session, &gateway.label(&guest));
    let mut response = relay.send(&gateway).await?;
    let secure = gateway.proxies.secure_cookie(client);
    if (new || (guest.stale && guest.shown == Shown::Cookie))
        && let Some(cookie) = gateway.sessions.cookie(&guest.session, secure)
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What was said so far. Who has no session has said nothing, and gets none for asking.
async fn get_history(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let anonymous = !has_cookie(request.headers()) && !request.headers().contains_key(header::AUTHORIZATION);
    if anonymous {
        return Json(History::default()).into_response();
    }
    relay_guest(State(gateway), request).await.into_response()
}

async fn relay_guest(State(gateway): State<Arc<Gateway>>, request: Request) -> Result<Response, Refusal> {
    let relay = guest_relay(&gateway, request).await?;
    Ok(relay.send(&gateway).await?)
}

async fn relay_guest_lasting(State(gateway): State<Arc<Gateway>>, request: Request) -> Result<Response, Refusal> {
    let relay = guest_relay(&gateway, request).await?;
    Ok(relay.lasting().send(&gateway).await?)
}

async fn guest_relay(gateway: &Gateway, request: Request) -> Result<Relay, Refusal> {
    let client = gateway.proxies.client(&request);
    let (head, body) = RequestHead::split(request);
    gateway.limited(gateway.limits.admit_request(client.address.into()))?;
    let guest = gateway.identify(client, &head.headers, None)?;
    let missing =
        || ApiError::new(ErrorCode::SessionMissing, "Say something first: a session begins with the first message.");
    let guest = guest.ok_or_else(missing)?;
    let body = body::read(&head.headers, body, gateway.max_body_bytes).await?;
    Ok(Relay::new(&head, body).guest(&guest.session, &gateway.label(&guest)))
}

/// The staff's pages are files; all else of theirs is the brain's, which also asks who they are.
async fn relay_staff(State(gateway): State<Arc<Gateway>>, request: Request) -> Result<Response, ApiError> {
    if let Some(page) = asset(&gateway, request.method(), request.uri(), request.headers()) {
        return Ok(page);
    }
    let client = gateway.proxies.client(&request);
    let (head, body) = RequestHead::split(request);
    gateway.limited(gateway.limits.admit_request(client.address.into()))?;
    if head.uri.path().starts_with("/staff/") && head.method == Method::POST {
        // Signing in, where guesses must be dear.
        gateway.limited(gateway.limits.admit_message(None, client.address.into()))?;
    }
    let body = body::read(&head.headers, body, gateway.max_body_bytes).await?;
    let mut response = Relay::new(&head, body).staff(&head).lasting().send(&gateway).await?;
    if gateway.proxies.secure_cookie(client) {
        secure_cookies(response.headers_mut());
    }
    Ok(response)
}

/// Marks the brain's cookies as for HTTPS only: the brain does not know how the browser came.
fn secure_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).into_iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        let secure = HeaderValue::from_bytes(&[cookie.as_bytes(), b"; Secure"].concat());
        headers.append(header::SET_COOKIE, secure.unwrap_or(cookie));
    }
}

/// OpenAI's protocol, within the limits of the chat.
async fn relay_v1(State(gateway): State<Arc<Gateway>>, request: Request) -> Result<Response, v1::Refusal> {
    let client = gateway.proxies.client(&request);
    let (head, body) = RequestHead::split(request);
    gateway.limited(gateway.limits.admit_request(client.address.into()))?;
    if gateway.api_token.as_ref().is_some_and(|token| !token.is_shown_by(&head.headers)) {
        return Err(v1::Refusal::wrong_key());
    }
    let guest = gateway.program(&head.headers)?;
    let body = if head.method == Method::POST {
        gateway
            .limited(gateway.limits.admit_message(guest.as_ref().map(|guest| &guest.session), client.address.into()))?;
        body::read_json(&head.headers, body, v1::BODY_BYTES).await?
    } else {
        Bytes::new()
    };
    let mut relay = Relay::new(&head, body).patience(gateway.reply_patience);
    if let Some(guest) = &guest {
        relay = relay.guest(&guest.session, &gateway.label(guest));
    }
    let mut response = relay.send(&gateway).await?;
    if let Some(SessionUsed(session)) = response.extensions_mut().remove() {
        if guest.is_none() {
            gateway.limits.first_message(&session);
            let cookie = gateway.sessions.cookie(&session, gateway.proxies.secure_cookie(client));
            cookie.map(|cookie| response.headers_mut().append(header::SET_COOKIE, cookie));
        }
        if let Ok(token) = HeaderValue::from_str(&gateway.sessions.token(&session)) {
            response.headers_mut().insert(SESSION_TOKEN, token);
        }
    }
    Ok(response)
}

async fn get_live() -> Response {
    Json(serde_json::json!({"live": true})).into_response()
}

async fn get_ready(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (head, _) = RequestHead::split(request);
    match Relay::new(&head, Body::empty()).patience(HEALTH_PATIENCE).send(&gateway).await {
        Ok(response) => response,
        Err(error) => {
            let readiness = Readiness::all(Part::missing(error.message));
            (StatusCode::SERVICE_UNAVAILABLE, Json(readiness)).into_response()
        }
    }
}

/// Both tiers' figures on one page; without the brain, the gateway's own.
async fn get_metrics(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (head, _) = RequestHead::split(request);
    let mut page = Page::default();
    gateway.counts.write("gateway", &mut page);
    page.counter("gemma_burger_rate_limited_total", "Requests refused by a rate limit.", &gateway.rate_limited);
    page.counter(
        "gemma_burger_upstream_errors_total",
        "Requests that did not reach the brain.",
        &gateway.upstream_errors,
    );
    let answer = Relay::new(&head, Body::empty()).patience(HEALTH_PATIENCE).send(&gateway).await;
    if let Ok(answer) = answer
        && answer.status() == StatusCode::OK
        && let Ok(text) = axum::body::to_bytes(answer.into_body(), 1 << 20).await
    {
        page.append(&String::from_utf8_lossy(&text));
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page.finish()).into_response()
}

async fn get_openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("openapi.json")).into_response()
}

async fn get_asset(State(gateway): State<Arc<Gateway>>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    match asset(&gateway, &method, &uri, &headers) {
        Some(response) => response,
        None => not_found().await.into_response(),
    }
}

fn asset(gateway: &Gateway, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let reads = method == Method::GET || method == Method::HEAD;
    let mut response = reads.then(|| gateway.assets.get(uri.path(), headers)).flatten()?;
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    Some(response)
}
