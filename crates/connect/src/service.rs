//! One HTTP service: requests with bounds, tries with pauses between them, errors that say what to do.

use std::{thread, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use ureq::{
    Agent,
    http::{HeaderValue, Method, Request, header},
};

/// The first pause between two tries; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Letters of a refusal that are told.
const TOLD: usize = 300;

/// How long, how much and how often.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Time of one try, from the connection to the last byte.
    pub patience: Duration,
    /// Times that a request is sent. Only what may help is tried again: no connection, 408, 429 and 5xx.
    pub tries: u32,
    /// The longest pause that a service may ask for.
    pub longest_pause: Duration,
    /// Bytes of an answer.
    pub answer: u64,
}

impl Default for Bounds {
    /// For requests that somebody waits for at a terminal.
    fn default() -> Self {
        Self { patience: Duration::from_secs(30), tries: 4, longest_pause: Duration::from_secs(20), answer: 16 << 20 }
    }
}

/// Why a service did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// No connection, or it broke.
    #[error("{service} cannot be reached at {address}: {reason}")]
    Unreachable {
        /// Its name for people.
        service: &'static str,
        /// Where it was looked for.
        address: String,
        /// What the network said.
        reason: String,
    },
    /// The key or token is missing, wrong or expired.
    #[error("{service} does not accept the key (status {status}): {message}")]
    Denied {
        /// Its name for people.
        service: &'static str,
        /// 401 or 403.
        status: u16,
        /// Its own words.
        message: String,
    },
    /// It asks for patience, or is broken, and stayed so over all tries.
    #[error("{service} is not able to answer now (status {status}): {message}")]
    Unwell {
        /// Its name for people.
        service: &'static str,
        /// 408, 429 or 5xx.
        status: u16,
        /// Its own words.
        message: String,
    },
    /// It understood and declined.
    #[error("{service} declined {what} (status {status}): {message}")]
    Declined {
        /// Its name for people.
        service: &'static str,
        /// Method and path.
        what: String,
        /// The status.
        status: u16,
        /// Its own words.
        message: String,
    },
    /// The answer is not what its protocol says.
    #[error("{service} gave an answer to {what} that cannot be read: {reason}")]
    Garbage {
        /// Its name for people.
        service: &'static str,
        /// Method and path.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ServiceError {
    /// The status of a refusal, where there was an answer.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Denied { status, .. } | Self::Unwell { status, .. } | Self::Declined { status, .. } => Some(*status),
            Self::Unreachable { .. } | Self::Garbage { .. } => None,
        }
    }
}

/// A request's body.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// None.
    Empty,
    /// Bytes, and what they are.
    Bytes(&'a [u8], &'static str),
}

/// An answer with a good status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 2xx.
    pub status: u16,
    /// What came.
    pub body: Vec<u8>,
}

/// A service at an address, with what each request to it carries.
#[derive(Clone, Debug)]
pub struct Service {
    name: &'static str,
    base: String,
    agent: Agent,
    headers: Vec<(&'static str, HeaderValue)>,
    bounds: Bounds,
}

impl Service {
    /// A service; `base` is put before every path.
    #[must_use]
    pub fn new(name: &'static str, base: &str, bounds: Bounds) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(bounds.patience))
            .http_status_as_error(false)
            .user_agent("gemma-burger")
            .build()
            .into();
        Self { name, base: base.trim_end_matches('/').to_owned(), agent, headers: Vec::new(), bounds }
    }

    /// Adds a header to every request. One that cannot be sent, such as a key with a line break, is denied here.
    ///
    /// # Errors
    /// [`ServiceError::Denied`].
    pub fn with(mut self, header: &'static str, value: &str) -> Result<Self, ServiceError> {
        let mut value = HeaderValue::from_str(value).map_err(|_| ServiceError::Denied {
            service: self.name,
            status: 401,
            message: format!("the value for {header} has letters that cannot be sent"),
        })?;
        value.set_sensitive(true);
        self.headers.push((header, value));
        Ok(self)
    }

    /// Its name for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What stands before every path.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Asks without a body and reads JSON.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ServiceError> {
        let answer = self.send(&Method::GET, path, Body::Empty)?;
        self.json(&Method::GET, path, &answer)
    }

    /// Sends JSON and reads JSON.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub fn ask<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ServiceError> {
        let bytes = serde_json::to_vec(body).map_err(|error| self.garbage(method, path, &error.to_string()))?;
        let answer = self.send(method, path, Body::Bytes(&bytes, "application/json"))?;
        self.json(method, path, &answer)
    }

    /// Sends JSON with POST and reads JSON.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ServiceError> {
        self.ask(&Method::POST, path, body)
    }

    /// Sends a request until it is answered for good. A caller whose requests must not be repeated sets one try.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub fn send(&self, method: &Method, path: &str, body: Body<'_>) -> Result<Answer, ServiceError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let (error, wanted) = match self.once(method, path, body) {
                Ok(answer) => return Ok(answer),
                Err(refusal) => refusal,
            };
            let wait = wanted.unwrap_or(pause);
            let again = matches!(error, ServiceError::Unreachable { .. } | ServiceError::Unwell { .. });
            if !again || attempt >= self.bounds.tries || wait > self.bounds.longest_pause {
                return Err(error);
            }
            tracing::debug!(service = self.name, path, attempt, %error, "trying again");
            thread::sleep(wait);
            pause *= 2;
        }
        Err(self.garbage(method, path, "it was never sent"))
    }

    fn once(&self, method: &Method, path: &str, body: Body<'_>) -> Result<Answer, (ServiceError, Option<Duration>)> {
        let (bytes, kind) = match body {
            Body::Empty => (&[][..], None),
            Body::Bytes(bytes, kind) => (bytes, Some(kind)),
        };
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let unreachable =
            |reason: String| ServiceError::Unreachable { service: self.name, address: self.base.clone(), reason };
        // Without a body nothing is said of its length, which some services mind.
        let sent = match kind {
            None => request.body(()).map_err(|e| e.to_string()).map(|request| self.agent.run(request)),
            Some(_) => request.body(bytes).map_err(|e| e.to_string()).map(|request| self.agent.run(request)),
        };
        let mut response = sent
            .map_err(|reason| (self.garbage(method, path, &reason), None))?
            .map_err(|error| (unreachable(error.to_string()), None))?;
        let status = response.status().as_u16();
        let wanted = response.headers().get(header::RETRY_AFTER);
        let wanted = wanted.and_then(|value| value.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
        let read = response.body_mut().with_config().limit(self.bounds.answer).read_to_vec();
        let body = match read {
            Ok(body) => body,
            Err(ureq::Error::BodyExceedsLimit(limit)) => {
                return Err((self.garbage(method, path, &format!("it has more than {limit} bytes")), None));
            }
            Err(error) => return Err((unreachable(error.to_string()), None)),
        };
        if (200..300).contains(&status) {
            return Ok(Answer { status, body });
        }
        Err((self.refusal(method, path, status, &body), wanted))
    }

    fn json<T: DeserializeOwned>(&self, method: &Method, path: &str, answer: &Answer) -> Result<T, ServiceError> {
        // An empty answer is what some services say instead of `{}`.
        let body = if answer.body.is_empty() { b"{}" } else { answer.body.as_slice() };
        serde_json::from_slice(body).map_err(|error| self.garbage(method, path, &error.to_string()))
    }

    /// What a status means. The service's own words are cut: an error page is no message.
    fn refusal(&self, method: &Method, path: &str, status: u16, body: &[u8]) -> ServiceError {
        let (service, message) = (self.name, told(body));
        match status {
            401 | 403 => ServiceError::Denied { service, status, message },
            408 | 429 | 500..=599 => ServiceError::Unwell { service, status, message },
            _ => ServiceError::Declined { service, what: what(method, path), status, message },
        }
    }

    fn garbage(&self, method: &Method, path: &str, reason: &str) -> ServiceError {
        ServiceError::Garbage { service: self.name, what: what(method, path), reason: reason.to_owned() }
    }
}

/// Method and path, without the query, which may hold what no log should.
fn what(method: &Method, path: &str) -> String {
    format!("{method} {}", path.split('?').next().unwrap_or(path))
}

/// The message of a refusal: `{"message"}`, `{"error": {"message"}}`, `{"error"}`, or the text as it is.
fn told(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let parsed: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let message = parsed.as_ref().and_then(|value| {
        let error = value.get("error");
        let places = [value.get("message"), error.and_then(|error| error.get("message")), error, value.get("detail")];
        places.into_iter().flatten().find_map(|value| value.as_str())
    });
    let message = message.unwrap_or(text.trim());
    if message.is_empty() { "no reason given".to_owned() } else { message.chars().take(TOLD).collect() }
}
