//! OpenAI's protocol, the part that is spoken here: what is asked, and what is understood of the answers.

use concierge::{
    ports::{FinishReason, GenerationRequest, Role, Usage},
    tools::{self, Function, Functions},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::RemoteError;

/// Letters of an endpoint's own name for a fault that are kept.
const CODE_AT_MOST: usize = 48;

/// The body that asks for a reply.
pub fn body(request: &GenerationRequest, model: &str) -> Vec<u8> {
    let system = (!request.preamble.is_empty()).then(|| json!({"role": "system", "content": &*request.preamble}));
    let said = request.messages.iter().map(|message| {
        let role = match message.role {
            Role::User => "user",
            Role::Model => "assistant",
        };
        json!({"role": role, "content": message.text})
    });
    let messages: Vec<Value> = system.into_iter().chain(said).collect();
    let mut body = json!({
        "model": model,
        "messages": messages,
        "stream": true,
        "stream_options": {"include_usage": true},
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
    });
    if let Some(conversation) = &request.conversation {
        body["prompt_cache_key"] = json!(conversation);
    }
    match (&request.functions, &request.grammar) {
        // A server that has calls of its own holds the model to the schemas itself, and takes no grammar beside them.
        (Some(functions), _) => offer(&mut body, functions),
        (None, Some(grammar)) => body["grammar"] = json!(&**grammar),
        (None, None) => {}
    }
    body.to_string().into_bytes()
}

/// Offers functions as the protocol's tools.
fn offer(body: &mut Value, functions: &Functions) {
    let offered = functions.list.iter().map(|function| {
        let Function { name, description, parameters } = function;
        json!({"type": "function", "function": {"name": name, "description": description, "parameters": parameters}})
    });
    body["tools"] = offered.collect();
    body["tool_choice"] = match &functions.choice {
        tools::Choice::Auto => json!("auto"),
        tools::Choice::Required => json!("required"),
        tools::Choice::Only(name) => json!({"type": "function", "function": {"name": name}}),
    };
}

/// What one event of a stream tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// The next words; may be empty.
    pub text: String,
    /// The next part of a call.
    pub call: Option<CallPart>,
    /// The reply's end.
    pub finish: Option<FinishReason>,
    /// What it took.
    pub usage: Option<Usage>,
}

/// A part of the first call of a reply. Only one is read: whoever asked is told its result, and asks again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallPart {
    /// The function's name, with the first part.
    pub name: Option<String>,
    /// The next of its arguments' JSON.
    pub arguments: String,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Answered>,
    usage: Option<Tokens>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct ToolCall {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    function: CalledFunction,
}

#[derive(Default, Deserialize)]
struct CalledFunction {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u32>,
}

/// Reads one event's data, which is not `[DONE]`.
pub fn told(data: &[u8]) -> Result<Told, RemoteError> {
    let chunk: Chunk = serde_json::from_slice(data).map_err(|_| RemoteError::Garbage("an event is no JSON chunk"))?;
    if chunk.error.is_some_and(|error| !error.is_null()) {
        return Err(RemoteError::Broken(200));
    }
    let mut choice = chunk.choices.into_iter().next();
    let calls = choice.as_mut().and_then(|choice| choice.delta.tool_calls.take()).unwrap_or_default();
    let function = calls.into_iter().find(|call| call.index == 0).map(|call| call.function);
    let finish = choice.as_ref().and_then(|choice| choice.finish_reason.as_deref());
    Ok(Told {
        finish: finish.map(|reason| if reason == "length" { FinishReason::Length } else { FinishReason::Stop }),
        text: choice.and_then(|choice| choice.delta.content).unwrap_or_default(),
        call: function.map(|call| CallPart { name: call.name, arguments: call.arguments.unwrap_or_default() }),
        usage: chunk.usage.map(|tokens| Usage {
            prompt_tokens: tokens.prompt_tokens,
            completion_tokens: tokens.completion_tokens,
            cached_tokens: tokens.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0),
        }),
    })
}

/// What a refusal means: its status, the header that says when to come again, its body.
pub fn refusal(status: u16, retry_after: Option<u32>, body: &[u8]) -> RemoteError {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = body.get("error").unwrap_or(&body);
    let word = |key: &str| {
        let text = error.get(key).and_then(Value::as_str).unwrap_or_default();
        text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(CODE_AT_MOST).collect::<String>()
    };
    let (code, kind) = (word("code"), word("type"));
    let number = |key: &str| error.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    match status {
        401 | 403 => RemoteError::KeyRefused,
        404 => RemoteError::ModelUnknown,
        429 | 503 => RemoteError::Busy { retry_after_s: retry_after.unwrap_or(2).clamp(1, 120) },
        500..=599 => RemoteError::Broken(status),
        _ if code == "context_length_exceeded" || kind == "exceed_context_size_error" => {
            match (number("n_prompt_tokens"), number("n_ctx")) {
                (Some(tokens), Some(limit)) => RemoteError::TooLong { tokens, limit },
                // How long is too long stays its secret.
                _ => RemoteError::Refused { status, code: "context_length_exceeded".to_owned() },
            }
        }
        _ => RemoteError::Refused { status, code: if code.is_empty() { kind } else { code } },
    }
}

/// The names of the models in the answer of `GET /models`; none where it is of another shape.
pub fn models(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let list = body.get("data").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|model| model.get("id").and_then(Value::as_str)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn chunks_of_several_servers_are_read() {
        for (data, text, finish) in [
            (r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}"#, "", None),
            (r#"{"choices":[{"delta":{"content":"hi"},"finish_reason":null}],"usage":null}"#, "hi", None),
            (r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, "", Some(FinishReason::Stop)),
            (r#"{"choices":[{"text":"","finish_reason":"length"}]}"#, "", Some(FinishReason::Length)),
            (r#"{"choices":[],"object":"x","timings":{"a":1}}"#, "", None),
        ] {
            let told = told(data.as_bytes()).unwrap();
            assert_eq!((told.text.as_str(), told.finish), (text, finish), "{data}");
        }
        let delta = r#"{"choices":[{"delta":{"content":null,"tool_calls":[{"index":1,"function":{"name":"b"}},
            {"index":0,"id":"c1","type":"function","function":{"name":"a","arguments":""}}]}}]}"#;
        let first = CallPart { name: Some("a".to_owned()), arguments: String::new() };
        assert_eq!(told(delta.as_bytes()).unwrap().call, Some(first));
        let delta = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]}}]}"#;
        let next = CallPart { name: None, arguments: "{\"x\"".to_owned() };
        assert_eq!(told(delta.as_bytes()).unwrap().call, Some(next));
        let usage = br#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#;
        let expected = Usage { prompt_tokens: 5, cached_tokens: 4, completion_tokens: 2 };
        assert_eq!(told(usage).unwrap().usage, Some(expected));
        for wrong in ["", "[]", "{\"choices\":3}", "{\"error\":{\"message\":\"x\"}}", "hello", "\u{0}"] {
            assert!(told(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let long = br#"{"error":{"code":400,"type":"exceed_context_size_error","n_prompt_tokens":900,"n_ctx":512}}"#;
        for (status, body, error) in [
            (401, &b""[..], RemoteError::KeyRefused),
            (404, b"{}", RemoteError::ModelUnknown),
            (429, b"x", RemoteError::Busy { retry_after_s: 2 }),
            (500, b"", RemoteError::Broken(500)),
            (400, long, RemoteError::TooLong { tokens: 900, limit: 512 }),
            (
                422,
                br#"{"error":{"code":"bad <words>"}}"#,
                RemoteError::Refused { status: 422, code: "badwords".to_owned() },
            ),
        ] {
            assert_eq!(refusal(status, None, body), error);
        }
    }
}
