//! A small HTTP server for stand-ins: one function answers everything, and can break off or be late.

use std::{collections::HashMap, convert::Infallible, io, sync::Arc, thread, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Method, Request as HttpRequest, Response},
};
use futures::{StreamExt, stream};

/// A request, read whole.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    /// Its path's parts, unescaped.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    /// By lower-case name.
    pub headers: HashMap<String, String>,
    pub body: Bytes,
}

impl Request {
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// The connection breaks after so many bytes of the body.
    pub cut: Option<usize>,
    /// It comes so much later.
    pub late: Duration,
}

impl Reply {
    pub fn bytes(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", kind.to_owned())];
        Self { status, headers, body: body.into(), cut: None, late: Duration::ZERO }
    }

    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::bytes(status, "application/json", value.to_string())
    }

    pub fn text(status: u16, text: &str) -> Self {
        Self::bytes(status, "text/plain", text)
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Serves on a free port of this machine until the tests end: `127.0.0.1:PORT`.
pub fn serve(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    listener.set_nonblocking(true).unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let router = Router::new().fallback(move |request: HttpRequest<Body>| {
                let answer = Arc::clone(&answer);
                async move { Ok::<_, Infallible>(respond(request, answer.as_ref()).await) }
            });
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await.unwrap();
        });
    });
    address
}

async fn respond(request: HttpRequest<Body>, answer: &(impl Fn(&Request) -> Reply + ?Sized)) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let pairs = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescaped(name), unescaped(&value.replace('+', " ")))
    };
    let request = Request {
        path: parts.uri.path().trim_matches('/').split('/').map(unescaped).collect(),
        query: pairs.map(pair).collect(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()))
            .collect(),
        body: axum::body::to_bytes(body, 1 << 30).await.unwrap_or_default(),
        method: parts.method,
    };
    let reply = answer(&request);
    tokio::time::sleep(reply.late).await;
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    let body = match reply.cut {
        Some(cut) => {
            response = response.header("content-length", reply.body.len());
            let part = Bytes::copy_from_slice(&reply.body[..cut.min(reply.body.len())]);
            // A moment later, so that the head and this part have left before.
            let end = stream::once(async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(io::Error::other("cut"))
            });
            Body::from_stream(stream::iter([Ok(part)]).chain(end))
        }
        // What a HEAD would have got is told in its headers.
        None if request.method == Method::HEAD => Body::empty(),
        None => Body::from(reply.body),
    };
    response.body(body).unwrap()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).unwrap_or(0) as u8;
        bytes.push(if byte == b'%' { digit() * 16 + digit() } else { byte });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
