//! One HTTP service: requests with bounds, tries with pauses between them, errors that say what to do.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use ureq::{
    Agent, AsSendBody, Body as Received,
    http::{HeaderName, HeaderValue, Method, Request, Response, header},
};

/// The first pause between two tries; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Letters of a refusal that are told.
const TOLD: usize = 300;
/// Bytes of a refusal that are read.
const REFUSAL: u64 = 64 << 10;

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

impl Bounds {
    /// For requests of a thread that comes back to them by itself.
    #[must_use]
    pub fn once() -> Self {
        Self { patience: Duration::from_secs(10), tries: 1, ..Self::default() }
    }

    /// For files, which take as long as the line needs.
    #[must_use]
    pub fn files(self) -> Self {
        Self { patience: Duration::from_secs(900), answer: 8 << 30, ..self }
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
    /// A file of this machine cannot be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: String,
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
            Self::Unreachable { .. } | Self::Garbage { .. } | Self::File { .. } => None,
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
    /// A file, sent from its beginning at every try.
    File(&'a Path),
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
    headers: Vec<(HeaderName, HeaderValue)>,
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
    pub fn with(mut self, header: &str, value: &str) -> Result<Self, ServiceError> {
        let unfit = |what: &str| ServiceError::Denied {
            service: self.name,
            status: 401,
            message: format!("{what} has letters that cannot be sent"),
        };
        let name = HeaderName::from_bytes(header.as_bytes()).map_err(|_| unfit("the name of a header"))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| unfit(&format!("the value for {header}")))?;
        value.set_sensitive(true);
        self.headers.push((name, value));
        Ok(self)
    }

    /// Its name for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// How long, how much and how often.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        self.bounds
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
        self.tried(method, path, || self.once(method, path, body))
    }

    /// Fetches a file: `into` holds it where this goes well, and may hold a part of it where it does not.
    ///
    /// # Errors
    /// See [`ServiceError`]; a file that ends early is [`ServiceError::Unreachable`].
    pub fn fetch(&self, path: &str, into: &Path) -> Result<(), ServiceError> {
        self.tried(&Method::GET, path, || self.fetch_once(path, into))
    }

    fn tried<T>(&self, method: &Method, path: &str, once: impl Fn() -> Result<T, Refused>) -> Result<T, ServiceError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let Refused { error, wanted } = match once() {
                Ok(done) => return Ok(done),
                Err(refused) => refused,
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

    fn once(&self, method: &Method, path: &str, body: Body<'_>) -> Result<Answer, Refused> {
        let mut response = self.open(method, path, body)?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(self.bounds.answer).read_to_vec();
        body.map(|body| Answer { status, body }).map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(limit) => {
                self.garbage(method, path, &format!("it has more than {limit} bytes")).into()
            }
            error => self.unreachable(&error).into(),
        })
    }

    fn fetch_once(&self, path: &str, into: &Path) -> Result<(), Refused> {
        let mut response = self.open(&Method::GET, path, Body::Empty)?;
        let mut file = File::create(into).map_err(|error| unusable(into, &error))?;
        let mut body = response.body_mut().with_config().limit(self.bounds.answer).reader();
        let mut piece = vec![0; 1 << 16];
        loop {
            let read = body.read(&mut piece).map_err(|error| self.unreachable(&error))?;
            let Some(read) = piece.get(..read).filter(|read| !read.is_empty()) else { break };
            file.write_all(read).map_err(|error| unusable(into, &error))?;
        }
        file.sync_all().map_err(|error| unusable(into, &error).into())
    }

    /// Sends once, and returns the answer's beginning where its status is good.
    fn open(&self, method: &Method, path: &str, body: Body<'_>) -> Result<Response<Received>, Refused> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        // Without a body nothing is said of its length, which some services mind.
        let mut response = match body {
            Body::Empty => self.run(request.body(()), method, path)?,
            Body::Bytes(bytes, kind) => {
                self.run(request.header(header::CONTENT_TYPE, kind).body(bytes), method, path)?
            }
            Body::File(of) => {
                let file = File::open(of).map_err(|error| unusable(of, &error))?;
                let length = file.metadata().map_err(|error| unusable(of, &error))?.len();
                let request = request.header(header::CONTENT_TYPE, "application/octet-stream");
                self.run(request.header(header::CONTENT_LENGTH, length).body(file), method, path)?
            }
        };
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(response);
        }
        let wanted = response.headers().get(header::RETRY_AFTER);
        let wanted = wanted.and_then(|value| value.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
        // What it says beyond these bytes nobody reads.
        let mut body = Vec::new();
        let _ = response.body_mut().as_reader().take(REFUSAL).read_to_end(&mut body);
        Err(Refused { error: self.refusal(method, path, status, &body), wanted })
    }

    fn run(
        &self,
        request: Result<Request<impl AsSendBody>, ureq::http::Error>,
        method: &Method,
        path: &str,
    ) -> Result<Response<Received>, ServiceError> {
        let request = request.map_err(|error| self.garbage(method, path, &error.to_string()))?;
        self.agent.run(request).map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, reason: &dyn std::fmt::Display) -> ServiceError {
        ServiceError::Unreachable { service: self.name, address: self.base.clone(), reason: reason.to_string() }
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

/// One try that came to nothing, and the pause that the service asks for.
struct Refused {
    error: ServiceError,
    wanted: Option<Duration>,
}

impl From<ServiceError> for Refused {
    fn from(error: ServiceError) -> Self {
        Self { error, wanted: None }
    }
}

fn unusable(path: &Path, error: &io::Error) -> ServiceError {
    ServiceError::File { path: path.to_owned(), reason: error.to_string() }
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
