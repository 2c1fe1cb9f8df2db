//! One request to one endpoint.

use std::time::{Duration, Instant};

use bytes::Bytes;
use concierge::{
    ports::{FinishReason, GenerationEnd, GenerationEvent, GenerationRequest, Timings, Usage},
    tools::opening,
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, Response, body::Incoming, header};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{sync::mpsc::Sender, time::timeout};

use crate::{RemoteConfig, RemoteError, events::Events, pool::Endpoint, protocol};

/// Bytes of a refusal that are looked at.
const REFUSAL_AT_MOST: usize = 16 * 1024;
/// Bytes of a list of models.
const MODELS_AT_MOST: usize = 256 * 1024;
/// Bytes of a whole reply, for an endpoint that does not keep to the limit of tokens.
const REPLY_AT_MOST: usize = 1 << 20;
/// How long an endpoint may take to tell how it is.
const HEALTH_PATIENCE: Duration = Duration::from_secs(2);

/// Speaks to endpoints.
pub struct Caller {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    config: RemoteConfig,
}

/// How far a failed call had come.
#[derive(Debug)]
pub struct Failure {
    pub error: RemoteError,
    /// Words have gone out.
    pub said: bool,
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        Self { error, said: false }
    }
}

impl Caller {
    pub fn new(config: RemoteConfig) -> Result<Self, rustls::Error> {
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(config.connect_patience));
        http.set_nodelay(true);
        http.enforce_http(false);
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Shorter than the time after which common servers close an idle connection.
            .pool_idle_timeout(Duration::from_secs(4))
            .build(https);
        Ok(Self { client, config })
    }

    /// Asks for a reply and passes its words on. Dropping this future closes the connection.
    pub async fn reply(
        &self,
        endpoint: &Endpoint,
        request: &GenerationRequest,
        words: &Sender<GenerationEvent>,
    ) -> Result<GenerationEnd, Failure> {
        let started = Instant::now();
        let tuned = request.adapter.map(|agent| format!("{}:{agent}", self.config.model));
        let model = tuned.filter(|name| endpoint.lists(name)).unwrap_or_else(|| self.config.model.clone());
        let body = protocol::body(request, &model);
        let patience = self.config.first_word_patience;
        let response = timeout(patience, self.send(Method::POST, endpoint, "/chat/completions", body))
            .await
            .map_err(|_| RemoteError::Slow("answer"))??;
        let mut body = self.accepted(response).await?;

        let (mut events, mut data) = (Events::default(), Vec::new());
        let mut reply = Progress::default();
        loop {
            let patience = match reply.first_word {
                Some(_) => self.config.word_patience,
                None => patience.saturating_sub(started.elapsed()),
            };
            let failed = |error, reply: &Progress| Failure { error, said: reply.first_word.is_some() };
            let frame = timeout(patience, body.frame())
                .await
                .map_err(|_| failed(RemoteError::Slow("go on"), &reply))?
                .transpose()
                .map_err(|_| failed(RemoteError::Cut, &reply))?;
            let over = frame.is_none();
            match frame.and_then(|frame| frame.into_data().ok()) {
                Some(bytes) => events
                    .push(&bytes, &mut data)
                    .map_err(|_| failed(RemoteError::Garbage("an event has no end"), &reply))?,
                None if over => events.finish(&mut data),
                None => {}
            }
            for event in data.drain(..) {
                let done = reply.take(&event, words).await.map_err(|error| failed(error, &reply))?;
                if done {
                    return Ok(reply.end(started));
                }
            }
            if over {
                // Some servers leave `[DONE]` out; none leaves the reason of the end out.
                let end = reply.finish.is_some();
                return if end { Ok(reply.end(started)) } else { Err(failed(RemoteError::Cut, &reply)) };
            }
        }
    }

    /// Asks an endpoint how it is, and keeps what it says.
    pub async fn look_at(&self, endpoint: &Endpoint) -> Result<(), RemoteError> {
        let look = async {
            let response = self.send(Method::GET, endpoint, "/models", Vec::new()).await?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), MODELS_AT_MOST).collect().await;
            let body = body.map_err(|_| RemoteError::Garbage("its list of models has no end"))?.to_bytes();
            match status {
                200 => Ok(protocol::models(&body)),
                // It answers, and keeps no list.
                404 | 405 => Ok(Vec::new()),
                _ => Err(protocol::refusal(status, None, &body)),
            }
        };
        match timeout(HEALTH_PATIENCE, look).await.unwrap_or(Err(RemoteError::Slow("tell how it is"))) {
            Ok(models) => {
                endpoint.serves(models);
                Ok(())
            }
            Err(error) => {
                // Who is still loading says so, and is no good for replies yet.
                let counted = if matches!(error, RemoteError::Busy { .. }) { RemoteError::Broken(503) } else { error };
                endpoint.failed(&counted);
                Err(counted)
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        endpoint: &Endpoint,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Response<Incoming>, RemoteError> {
        let mut request = Request::builder().method(method).uri(endpoint.address.join(path));
        if let Some(key) = &self.config.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        // Both are checked where the settings are read.
        let request = request.body(Full::new(body.into())).map_err(|_| RemoteError::KeyRefused)?;
        self.client.request(request).await.map_err(|error| {
            tracing::debug!(endpoint = %endpoint.address, connecting = error.is_connect(), "no answer");
            if error.is_connect() { RemoteError::Unreachable } else { RemoteError::Cut }
        })
    }

    /// The body of an answer that is a stream of events.
    async fn accepted(&self, response: Response<Incoming>) -> Result<Incoming, RemoteError> {
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        if status == 200 {
            let stream = header(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/event-stream"));
            return if stream { Ok(response.into_body()) } else { Err(RemoteError::Garbage("it does not stream")) };
        }
        let retry_after = header(header::RETRY_AFTER).and_then(|text| text.parse().ok());
        let body = timeout(HEALTH_PATIENCE, Limited::new(response.into_body(), REFUSAL_AT_MOST).collect()).await;
        let body = body.ok().and_then(Result::ok).map(|body| body.to_bytes()).unwrap_or_default();
        Err(protocol::refusal(status, retry_after, &body))
    }
}

/// A call as far as it has come; it goes on as text of one form.
#[derive(Default)]
enum Call {
    #[default]
    None,
    Named,
    Filled,
    Closed,
}

impl Call {
    /// The text of the next part; at the reply's end, of what closes it.
    fn text(&mut self, part: Option<protocol::CallPart>, over: bool) -> String {
        let mut text = String::new();
        if let Some(part) = part {
            if matches!(self, Self::None)
                && let Some(name) = part.name
            {
                text.push_str(&opening(&name));
                *self = Self::Named;
            }
            if !part.arguments.is_empty() && matches!(self, Self::Named | Self::Filled) {
                text.push_str(&part.arguments);
                *self = Self::Filled;
            }
        }
        if over {
            match self {
                Self::Named => text.push_str("{}}"),
                Self::Filled => text.push('}'),
                Self::None | Self::Closed => {}
            }
            *self = Self::Closed;
        }
        text
    }
}

/// A reply as far as it has come.
#[derive(Default)]
struct Progress {
    first_word: Option<Instant>,
    call: Call,
    bytes: usize,
    pieces: u32,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

impl Progress {
    /// Takes one event; says whether it was the last.
    async fn take(&mut self, data: &[u8], words: &Sender<GenerationEvent>) -> Result<bool, RemoteError> {
        if data == b"[DONE]" {
            return if self.finish.is_some() { Ok(true) } else { Err(RemoteError::Cut) };
        }
        let mut told = protocol::told(data)?;
        self.usage = told.usage.or(self.usage);
        told.text.push_str(&self.call.text(told.call.take(), told.finish.is_some()));
        if !told.text.is_empty() {
            self.bytes += told.text.len();
            self.pieces += 1;
            self.first_word.get_or_insert_with(Instant::now);
            // Who does not listen any more has dropped this future too.
            let _unheard = words.send(GenerationEvent::Text(told.text)).await;
        }
        self.finish = self.finish.or(told.finish);
        if self.bytes > REPLY_AT_MOST {
            self.finish = Some(FinishReason::Length);
            return Ok(true);
        }
        Ok(false)
    }

    fn end(&self, started: Instant) -> GenerationEnd {
        let first = self.first_word.unwrap_or_else(Instant::now);
        GenerationEnd {
            reason: self.finish.unwrap_or(FinishReason::Stop),
            // Where the endpoint does not count, pieces are tokens, all but a few.
            usage: self.usage.unwrap_or(Usage { completion_tokens: self.pieces, ..Usage::default() }),
            timings: Timings {
                queued_ms: 0.0,
                prefill_ms: first.duration_since(started).as_secs_f64() * 1e3,
                decode_ms: first.elapsed().as_secs_f64() * 1e3,
            },
        }
    }
}
