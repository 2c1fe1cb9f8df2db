//! A reply on its way out: pieces of text from a turn or from the engine, as one answer or as a stream of chunks.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json,
    http::{HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use concierge::ports::{Engine, EngineError, FinishReason, GenerationEvent, GenerationRequest, Usage};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::{Value, json};

use super::{
    error::Refusal,
    functions::{Part, Parts},
    request::Request,
    stop::Stops,
    unix_now,
};
use crate::brain::{turns::Turn, wire::TurnEvent};

/// A comment in a stream, so that nobody between takes it for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a reply is made of: text, then one end.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// What the prompt took, where it is known before the end.
    Read(Usage),
    /// The next words.
    Text(String),
    /// A call of a function begins, with its name.
    Call(String),
    /// The next of a call's arguments, as JSON.
    Arguments(String),
    /// Nothing follows.
    End(FinishReason, Usage),
}

/// A running reply. Dropping it ends the work behind it.
pub type Pieces = BoxStream<'static, Result<Piece, Refusal>>;

/// The words of a turn.
pub fn of_turn(turn: &Arc<Turn>) -> Pieces {
    let pieces = turn.follow(0).filter_map(async |(_, event)| match &*event {
        TurnEvent::Token(words) => Some(Ok(Piece::Text(words.text.clone()))),
        TurnEvent::Done(done) => Some(Ok(Piece::End(done.finish_reason, done.usage))),
        TurnEvent::Error(error) => Some(Err(error.clone().into())),
        _ => None,
    });
    pieces.boxed()
}

/// The words of the language model, once it has begun: one that fails before is told of by a status, after which clients
/// try again by themselves, and not within a stream.
pub async fn of_engine(engine: &dyn Engine, request: GenerationRequest) -> Result<Pieces, EngineError> {
    let mut events = engine.start(request)?;
    let first = match events.next().await {
        Some(GenerationEvent::Failed(error)) => return Err(error),
        first => first,
    };
    let pieces = stream::iter(first).chain(events).map(|event| match event {
        GenerationEvent::Read(prompt) => Ok(Piece::Read(prompt.usage)),
        GenerationEvent::Text(text) => Ok(Piece::Text(text)),
        GenerationEvent::Done(end) => Ok(Piece::End(end.reason, end.usage)),
        GenerationEvent::Failed(error) => Err(error.into()),
    });
    Ok(pieces.boxed())
}

/// Tells calls of functions from words.
fn with_calls(pieces: Pieces) -> Pieces {
    let told = pieces.scan(Parts::default(), |parts, piece| {
        let piece_of = |part: Part| {
            Ok(match part {
                Part::Words(text) => Piece::Text(text),
                Part::Call(name) => Piece::Call(name),
                Part::Arguments(text) => Piece::Arguments(text),
            })
        };
        let out: Vec<Result<Piece, Refusal>> = match piece {
            Ok(Piece::Text(text)) => parts.push(&text).into_iter().map(piece_of).collect(),
            Ok(end @ Piece::End(reason, _)) => {
                let whole = reason == FinishReason::Stop;
                parts.finish(whole).map(piece_of).into_iter().chain([Ok(end)]).collect()
            }
            other => vec![other],
        };
        std::future::ready(Some(stream::iter(out)))
    });
    told.flatten().boxed()
}

/// Ends the pieces at the first stop sequence.
fn until_stop(pieces: Pieces, sequences: Vec<String>) -> Pieces {
    if sequences.is_empty() {
        return pieces;
    }
    let state = (Some(pieces), Stops::new(sequences), Usage::default());
    let cut = stream::unfold(state, |(pieces, mut stops, mut usage)| async move {
        let mut pieces = pieces?;
        let (out, pieces) = match pieces.next().await? {
            Ok(Piece::Read(prompt)) => {
                usage = prompt;
                (Vec::new(), Some(pieces))
            }
            Ok(Piece::Text(text)) => {
                // The engine's own count is lost with its end.
                usage.completion_tokens += 1;
                match stops.push(&text) {
                    (text, true) => (vec![Ok(Piece::Text(text)), Ok(Piece::End(FinishReason::Stop, usage))], None),
                    (text, false) => (vec![Ok(Piece::Text(text))], Some(pieces)),
                }
            }
            Ok(end @ Piece::End(..)) => (vec![Ok(Piece::Text(stops.finish())), Ok(end)], None),
            // Texts at which words end may well stand within arguments.
            Ok(call @ (Piece::Call(_) | Piece::Arguments(_))) => {
                usage.completion_tokens += 1;
                (vec![Ok(call)], Some(pieces))
            }
            Err(error) => (vec![Err(error)], None),
        };
        Some((stream::iter(out), (pieces, stops, usage)))
    });
    cut.flatten().boxed()
}

/// An answer being written.
pub struct Reply {
    id: String,
    created: u64,
    request: Request,
}

impl Reply {
    /// To a request, under an id.
    pub fn new(id: String, request: Request) -> Self {
        Self { id, created: unix_now(), request }
    }

    /// As the request wants it: as a stream, or whole.
    pub async fn send(mut self, pieces: Pieces) -> Result<Response, Refusal> {
        let pieces = if self.request.functions.is_some() { with_calls(pieces) } else { pieces };
        let pieces = until_stop(pieces, std::mem::take(&mut self.request.stop));
        if self.request.stream { Ok(self.stream(pieces)) } else { self.whole(pieces).await }
    }

    async fn whole(self, mut pieces: Pieces) -> Result<Response, Refusal> {
        let mut content = String::new();
        let mut call: Option<(String, String)> = None;
        let mut end = (FinishReason::Stop, Usage::default());
        while let Some(piece) = pieces.next().await {
            match piece? {
                Piece::Read(_) => {}
                Piece::Text(text) => content.push_str(&text),
                Piece::Call(name) => call = Some((name, String::new())),
                Piece::Arguments(text) => call.iter_mut().for_each(|(_, arguments)| arguments.push_str(&text)),
                Piece::End(reason, usage) => end = (reason, usage),
            }
        }
        let mut message = json!({"role": "assistant", "content": content, "refusal": null});
        let called = call.is_some();
        if let Some((name, arguments)) = call {
            let function = json!({"name": name, "arguments": arguments});
            message["tool_calls"] = json!([{"id": self.call_id(), "type": "function", "function": function}]);
            if content.is_empty() {
                message["content"] = Value::Null;
            }
        }
        let choice = json!({
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": finish_reason(end.0, called),
        });
        let mut body = self.object("chat.completion", json!([choice]));
        body["usage"] = usage(end.1);
        Ok(Json(body).into_response())
    }

    fn stream(self, pieces: Pieces) -> Response {
        let head = self.chunk(json!({"role": "assistant", "content": "", "refusal": null}), None);
        let mut called = false;
        let body = pieces.flat_map(move |piece| {
            called |= matches!(piece, Ok(Piece::Call(_)));
            stream::iter(self.events(piece, called))
        });
        let done = stream::once(async { "[DONE]".to_owned() });
        let data = stream::once(async move { head.to_string() }).chain(body).chain(done);
        let events = data.map(|data| Ok::<_, Infallible>(Event::default().data(data)));
        let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        response
    }

    /// A piece as the data of events.
    fn events(&self, piece: Result<Piece, Refusal>, called: bool) -> Vec<String> {
        match piece {
            Ok(Piece::Read(_)) => Vec::new(),
            Ok(Piece::Text(text)) if text.is_empty() => Vec::new(),
            Ok(Piece::Text(text)) => vec![self.chunk(json!({"content": text}), None).to_string()],
            Ok(Piece::Call(name)) => {
                let function = json!({"name": name, "arguments": ""});
                let call = json!({"index": 0, "id": self.call_id(), "type": "function", "function": function});
                vec![self.chunk(json!({"tool_calls": [call]}), None).to_string()]
            }
            Ok(Piece::Arguments(text)) => {
                let call = json!({"index": 0, "function": {"arguments": text}});
                vec![self.chunk(json!({"tool_calls": [call]}), None).to_string()]
            }
            Ok(Piece::End(reason, used)) => {
                let mut events = vec![self.chunk(json!({}), Some(finish_reason(reason, called))).to_string()];
                if self.request.include_usage {
                    let mut last = self.object("chat.completion.chunk", json!([]));
                    last["usage"] = usage(used);
                    events.push(last.to_string());
                }
                events
            }
            Err(refusal) => vec![refusal.body().to_string()],
        }
    }

    fn chunk(&self, delta: Value, finish_reason: Option<&str>) -> Value {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
        let mut chunk = self.object("chat.completion.chunk", json!([choice]));
        if self.request.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    /// A name for the one call of a reply.
    fn call_id(&self) -> String {
        format!("call_{}", self.id.trim_start_matches("chatcmpl-"))
    }

    fn object(&self, object: &str, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.request.model,
            "system_fingerprint": null,
            "choices": choices,
        })
    }
}

/// OpenAI knows two ways in which a text ends, and one for a call; a limit of time is a limit of length.
const fn finish_reason(reason: FinishReason, called: bool) -> &'static str {
    match reason {
        FinishReason::Stop if called => "tool_calls",
        FinishReason::Stop | FinishReason::Cancelled => "stop",
        FinishReason::Length | FinishReason::Timeout => "length",
    }
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    })
}
