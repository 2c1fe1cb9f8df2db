//! A guest's side of the protocol.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use futures::StreamExt;
use gemma_burger::http::server::Peer;
use serde_json::{Value, json};
use tower::ServiceExt;

/// A request being put together.
pub struct Ask {
    request: axum::http::request::Builder,
    body: Body,
}

pub fn get(path: &str) -> Ask {
    ask(Method::GET, path)
}

pub fn post(path: &str) -> Ask {
    ask(Method::POST, path)
}

pub fn ask(method: Method, path: &str) -> Ask {
    Ask { request: Request::builder().method(method).uri(path), body: Body::empty() }
}

/// A message as a program sends it, whose reply is streamed.
pub fn say(text: &str) -> Ask {
    post("/chat").json(&json!({"message": text}))
}

impl Ask {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(self, value: &Value) -> Self {
        self.header("content-type", "application/json").body(value.to_string())
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub fn from(mut self, address: &str) -> Self {
        let address: SocketAddr = address.parse().unwrap();
        self.request = self.request.extension(Peer(address));
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn cookie(self, cookie: &str) -> Self {
        self.header("cookie", cookie)
    }

    pub fn wants_json(self) -> Self {
        self.header("accept", "application/json")
    }

    pub async fn send(self, app: &Router) -> Answer {
        let response = app.clone().oneshot(self.request.body(self.body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Body,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub async fn text(self) -> String {
        String::from_utf8(axum::body::to_bytes(self.body, 1 << 24).await.unwrap().to_vec()).unwrap()
    }

    pub async fn value(self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
    }

    /// Checks that this is a refusal of ours, and gives its code.
    pub async fn refusal(self) -> (u16, String) {
        let status = self.status.as_u16();
        let value = self.value().await;
        assert!(value["message"].as_str().is_some_and(|message| message.ends_with(['.', '…'])), "{value}");
        (status, value["code"].as_str().unwrap().to_owned())
    }

    /// The session's cookie as a browser would send it back.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    pub fn events(self) -> Events {
        assert_eq!(self.status, StatusCode::OK);
        assert_eq!(self.headers[header::CONTENT_TYPE], "text/event-stream");
        Events { body: self.body.into_data_stream(), buffer: String::new() }
    }

    pub async fn all_events(self) -> Vec<Event> {
        let mut events = self.events();
        let mut all = Vec::new();
        while let Some(event) = events.next().await {
            all.push(event);
        }
        all
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: Option<u64>,
    pub name: String,
    pub data: Value,
}

/// An event stream being read. Dropping it is the guest leaving.
pub struct Events {
    body: axum::body::BodyDataStream,
    buffer: String,
}

impl Events {
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let event = parse(block);
                self.buffer = rest.to_owned();
                if event.is_some() {
                    return event;
                }
            }
            let chunk = self.body.next().await?.ok()?;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event of this name.
    pub async fn until(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before {name}"));
            if event.name == name {
                return event;
            }
        }
    }
}

fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    let data = field("data:")?;
    Some(Event {
        id: field("id:").map(|id| id.parse().unwrap()),
        name: field("event:").unwrap().to_owned(),
        data: serde_json::from_str(data).unwrap(),
    })
}

/// The reply's words.
pub fn words(events: &[Event]) -> String {
    events.iter().filter(|event| event.name == "token").map(|event| event.data["text"].as_str().unwrap()).collect()
}

/// What `count N` is answered with.
pub fn count(n: usize) -> String {
    (1..=n).map(|n| format!("w{n} ")).collect()
}
