//! The body of `POST /v1/chat/completions`, read field by field, so that an error names the field.
//!
//! Fields that could only be ignored fall in two: those that change nothing of the reply's meaning are taken and left
//! (`user`, `metadata`, `top_p` …), those that would (`n`, `logprobs`, penalties …) are refused unless they have the
//! value that changes nothing. Fields that the protocol does not have are refused, as OpenAI does.

use std::sync::Arc;

use concierge::{
    ports::{ChatMessage, Role},
    tools::Functions,
};
use serde_json::{Map, Value};

use super::{error::Refusal, functions};

/// Stop sequences, as many as OpenAI takes.
const STOPS_AT_MOST: usize = 4;
/// Characters of one of them.
const STOP_CHARS_AT_MOST: usize = 256;
/// Messages of a conversation.
const MESSAGES_AT_MOST: usize = 1_024;
/// Characters of a name for the conversation.
const CACHE_KEY_CHARS: usize = 128;

/// Fields that are taken and change nothing here.
const LEFT_ALONE: [&str; 9] = [
    "user",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "parallel_tool_calls",
    "reasoning_effort",
    "verbosity",
    "modalities",
];

/// A completion asked for, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Which model is to answer.
    pub model: String,
    /// What system and developer messages say.
    pub system: String,
    /// The rest of the conversation, oldest first; the last message is the user's.
    pub messages: Vec<ChatMessage>,
    /// Whether the words are wanted as they come.
    pub stream: bool,
    /// Whether a stream ends with what it took.
    pub include_usage: bool,
    /// Texts at which the reply ends; they are not part of it.
    pub stop: Vec<String>,
    /// The most tokens of the reply; none means as many as the model's context leaves.
    pub max_tokens: Option<u32>,
    /// 0 is greedy.
    pub temperature: f32,
    /// Makes sampling repeatable.
    pub seed: Option<u32>,
    /// A GBNF grammar that the reply must follow; llama.cpp's servers have this field too.
    pub grammar: Option<Arc<str>>,
    /// Functions that the reply may call.
    pub functions: Option<Functions>,
    /// A name for the conversation, by which its computed state is found again (`prompt_cache_key`).
    pub conversation: Option<String>,
}

impl Request {
    /// Reads a body.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|_| Refusal::invalid(None, "We could not parse the JSON body of your request."))?;
        let Value::Object(fields) = body else {
            return Err(Refusal::invalid(None, "The body of the request is to be a JSON object."));
        };
        let mut fields = Fields(fields);
        let (system, messages) = messages(fields.take("messages"))?;
        let stream = fields.boolean("stream")?.unwrap_or(false);
        let functions = functions::read(fields.take("tools"), fields.take("tool_choice"))?;
        let with_functions = functions.is_some();
        let request = Self {
            functions,
            model: fields
                .text("model", 512)?
                .ok_or_else(|| Refusal::invalid("model", "You must provide a model parameter."))?,
            system,
            messages,
            stream,
            include_usage: include_usage(&mut fields, stream)?,
            stop: stops(fields.take("stop"))?,
            max_tokens: max_tokens(&mut fields)?,
            temperature: fields.number("temperature", 0.0, 2.0)?.unwrap_or(1.0),
            seed: seed(fields.take("seed"))?,
            grammar: grammar(&mut fields, with_functions)?,
            conversation: fields.text("prompt_cache_key", CACHE_KEY_CHARS)?,
        };
        // Taken, and decided by the engine's own cut of unlikely words.
        fields.number("top_p", 0.0, 1.0)?;
        fields.neutral("n", |value| value.as_u64() == Some(1), "one reply is written at a time: leave it at 1")?;
        fields.neutral("frequency_penalty", is_zero, "penalties are not supported: leave it at 0")?;
        fields.neutral("presence_penalty", is_zero, "penalties are not supported: leave it at 0")?;
        fields.neutral("logit_bias", is_empty, "it is not supported")?;
        fields.neutral("logprobs", |value| value == &Value::Bool(false), "it is not supported")?;
        fields.neutral("top_logprobs", is_zero, "it is not supported")?;
        let as_text = |value: &Value| value.get("type").and_then(Value::as_str) == Some("text");
        fields.neutral("response_format", as_text, "only {\"type\": \"text\"} is supported")?;
        fields.finish()?;
        Ok(request)
    }
}

fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// The fields that were not read yet. JSON's `null` is the same as leaving a field out.
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, Refusal> {
        self.take(name).map(|value| value.as_bool().ok_or_else(|| wrong(name, "true or false is expected"))).transpose()
    }

    fn text(&mut self, name: &'static str, most: usize) -> Result<Option<String>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value {
            Value::String(text) if text.chars().count() <= most => Ok(Some(text)),
            Value::String(_) => Err(wrong(name, format!("at most {most} characters fit"))),
            _ => Err(wrong(name, "a text is expected")),
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "within the small bounds")]
    fn number(&mut self, name: &'static str, least: f64, most: f64) -> Result<Option<f32>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| (least..=most).contains(number));
        number
            .map(|number| Some(number as f32))
            .ok_or_else(|| wrong(name, format!("a number from {least} to {most} is expected")))
    }

    fn count(&mut self, name: &'static str) -> Result<Option<u32>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let count = value.as_u64().filter(|count| *count > 0);
        count
            .map(|count| Some(u32::try_from(count).unwrap_or(u32::MAX)))
            .ok_or_else(|| wrong(name, "a whole number of at least 1 is expected"))
    }

    /// A field that may only have a value that changes nothing.
    fn neutral(&mut self, name: &'static str, fits: impl Fn(&Value) -> bool, why: &str) -> Result<(), Refusal> {
        match self.take(name) {
            Some(value) if !fits(&value) => Err(wrong(name, why.to_owned()).code("unsupported_parameter")),
            _ => Ok(()),
        }
    }

    /// Everything has been read that this protocol knows.
    fn finish(self) -> Result<(), Refusal> {
        match self.0.keys().find(|name| !LEFT_ALONE.contains(&name.as_str())) {
            Some(name) => Err(Refusal::unknown_field(name)),
            None => Ok(()),
        }
    }
}

pub(super) fn wrong(name: &'static str, why: impl std::fmt::Display) -> Refusal {
    Refusal::invalid(name, format!("Invalid value for '{name}': {why}.")).code("invalid_value")
}

fn max_tokens(fields: &mut Fields) -> Result<Option<u32>, Refusal> {
    let (old, new) = (fields.count("max_tokens")?, fields.count("max_completion_tokens")?);
    match (old, new) {
        (Some(_), Some(_)) => Err(wrong("max_tokens", "give max_tokens or max_completion_tokens, not both")),
        (old, new) => Ok(new.or(old)),
    }
}

fn grammar(fields: &mut Fields, with_functions: bool) -> Result<Option<Arc<str>>, Refusal> {
    let grammar = fields.text("grammar", usize::MAX)?;
    if grammar.is_some() && with_functions {
        return Err(wrong("grammar", "tools bring a grammar of their own: give one of the two"));
    }
    Ok(grammar.map(Arc::from))
}

fn include_usage(fields: &mut Fields, stream: bool) -> Result<bool, Refusal> {
    const NAME: &str = "stream_options";
    let Some(value) = fields.take(NAME) else { return Ok(false) };
    if !stream {
        return Err(wrong(NAME, "it is only allowed when 'stream' is true"));
    }
    let Value::Object(mut options) = value else { return Err(wrong(NAME, "an object is expected")) };
    // Pads events against guessing by their length; nothing is lost without it.
    options.remove("include_obfuscation");
    let wanted = options.remove("include_usage").unwrap_or(Value::Bool(false));
    if let Some(name) = options.keys().next() {
        return Err(Refusal::unknown_field(&format!("{NAME}.{name}")));
    }
    wanted.as_bool().ok_or_else(|| wrong(NAME, "include_usage is true or false"))
}

fn stops(value: Option<Value>) -> Result<Vec<String>, Refusal> {
    const NAME: &str = "stop";
    let texts = match value {
        None => return Ok(Vec::new()),
        Some(Value::String(text)) => vec![Value::String(text)],
        Some(Value::Array(texts)) => texts,
        Some(_) => return Err(wrong(NAME, "a text or a list of texts is expected")),
    };
    if texts.len() > STOPS_AT_MOST {
        return Err(wrong(NAME, format!("at most {STOPS_AT_MOST} texts are taken")));
    }
    let fits = |text: &str| !text.is_empty() && text.chars().count() <= STOP_CHARS_AT_MOST;
    let text = |value: Value| value.as_str().filter(|text| fits(text)).map(str::to_owned);
    let read = texts.into_iter().map(text).collect::<Option<Vec<String>>>();
    read.ok_or_else(|| wrong(NAME, format!("each is a text of 1 to {STOP_CHARS_AT_MOST} characters")))
}

/// OpenAI's seeds have 64 bits and may be negative; both halves count.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the bits are folded")]
fn seed(value: Option<Value>) -> Result<Option<u32>, Refusal> {
    let Some(value) = value else { return Ok(None) };
    let bits = value.as_u64().or_else(|| value.as_i64().map(|seed| seed as u64));
    let bits = bits.ok_or_else(|| wrong("seed", "a whole number of 64 bits is expected"))?;
    Ok(Some((bits ^ (bits >> 32)) as u32))
}

/// The system's words, and the conversation with neighbours of one role joined, as Gemma's turns alternate.
fn messages(value: Option<Value>) -> Result<(String, Vec<ChatMessage>), Refusal> {
    const NAME: &str = "messages";
    let list = match value {
        Some(Value::Array(list)) if !list.is_empty() => list,
        Some(Value::Array(_)) => return Err(wrong(NAME, "at least one message is expected")),
        _ => return Err(wrong(NAME, "a list of messages is expected")),
    };
    if list.len() > MESSAGES_AT_MOST {
        return Err(wrong(NAME, format!("at most {MESSAGES_AT_MOST} messages are taken")));
    }
    let mut system = String::new();
    let mut messages: Vec<ChatMessage> = Vec::new();
    let mut calls = functions::Calls::new();
    for message in &list {
        let mut text = content(message)?;
        let role = match message.get("role").and_then(Value::as_str) {
            Some("system" | "developer") => {
                join(&mut system, &text);
                continue;
            }
            Some("user") => Role::User,
            Some("assistant") => {
                if let Some(call) = functions::called(message, &mut calls)? {
                    join(&mut text, &call);
                }
                Role::Model
            }
            Some("tool") => {
                text = functions::result(message, &text, &calls)?;
                Role::User
            }
            _ => return Err(wrong(NAME, "each has a role: system, developer, user, assistant or tool")),
        };
        match messages.last_mut().filter(|last| last.role == role) {
            Some(last) => join(&mut last.text, &text),
            None => messages.push(ChatMessage { role, text }),
        }
    }
    match messages.last() {
        Some(last) if last.role == Role::User => Ok((system, messages)),
        _ => Err(wrong(NAME, "the last message is to be the user's, or a tool's")),
    }
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

fn content(message: &Value) -> Result<String, Refusal> {
    const NAME: &str = "messages";
    match message.get("content") {
        Some(Value::String(text)) => Ok(text.clone()),
        // An assistant's message that only called a tool.
        None | Some(Value::Null) if message.get("role").and_then(Value::as_str) == Some("assistant") => {
            Ok(String::new())
        }
        Some(Value::Array(parts)) => {
            let text = |part: &Value| {
                let is_text = part.get("type").and_then(Value::as_str) == Some("text");
                part.get("text").and_then(Value::as_str).filter(|_| is_text).map(str::to_owned)
            };
            let texts = parts.iter().map(text).collect::<Option<Vec<String>>>();
            texts.map(|texts| texts.concat()).ok_or_else(|| wrong(NAME, "this model reads text only"))
        }
        _ => Err(wrong(NAME, "each has a content: a text, or a list of {\"type\": \"text\", \"text\": …}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use concierge::tools::Choice;
    use serde_json::json;

    use super::*;

    fn parse(mut extra: Value) -> Result<Request, Value> {
        let fields = extra.as_object_mut().unwrap();
        fields.entry("model").or_insert(json!("m"));
        fields.entry("messages").or_insert(json!([{"role": "user", "content": "hi"}]));
        Request::parse(extra.to_string().as_bytes()).map_err(|refusal| refusal.body()["error"].clone())
    }

    fn function(name: &str) -> Value {
        let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        json!({"type": "function", "function": {"name": name, "description": "What it does.", "parameters": parameters}})
    }

    fn named(name: &str) -> Value {
        json!({"type": "function", "function": {"name": name}})
    }

    #[test]
    fn functions_and_their_results_are_read() {
        let call =
            json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"city\": \"Rome\"}"}});
        let mut body = json!({
            "tools": [function("f"), {"type": "function", "function": {"name": "g", "strict": true}}],
            "messages": [
                {"role": "user", "content": "Weather?"},
                {"role": "assistant", "content": null, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
            ],
        });
        let request = parse(body.clone()).unwrap();
        let said: Vec<_> = request.messages.iter().map(|message| message.text.as_str()).collect();
        assert_eq!(said, ["Weather?", r#"{"tool":"f","arguments":{"city":"Rome"}}"#, "f returned: sunny"]);
        let functions = request.functions.unwrap();
        assert_eq!((functions.list.len(), &functions.choice), (2, &Choice::Auto));
        for (choice, expected) in [
            (json!("required"), Some(Choice::Required)),
            (named("g"), Some(Choice::Only("g".to_owned()))),
            (json!("none"), None),
        ] {
            body["tool_choice"] = choice;
            assert_eq!(parse(body.clone()).unwrap().functions.map(|functions| functions.choice), expected);
        }
    }

    #[test]
    fn what_clients_send_is_read() {
        let plain = parse(json!({})).unwrap();
        assert_eq!((plain.temperature, plain.stream, plain.max_tokens, plain.seed), (1.0, false, None, None));
        let full = parse(json!({
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "two "}, {"type": "text", "text": "parts"}]},
                {"role": "assistant", "content": "yes"},
                {"role": "system", "content": "And kind."},
                {"role": "user", "content": "a", "name": "ann"},
                {"role": "user", "content": "b"},
            ],
            "stream": true, "stream_options": {"include_usage": true}, "stop": "END", "max_completion_tokens": 7,
            "temperature": 0, "seed": -1, "top_p": 0.9, "n": 1, "user": "x", "frequency_penalty": 0, "logprobs": false,
            "response_format": {"type": "text"}, "tools": [], "metadata": {"a": "b"}, "prompt_cache_key": "c",
            "logit_bias": {}, "presence_penalty": null,
        }))
        .unwrap();
        let said: Vec<_> = full.messages.iter().map(|message| message.text.as_str()).collect();
        assert_eq!(said, ["two parts", "yes", "a\n\nb"]);
        assert_eq!(full.system, "Be brief.\n\nAnd kind.");
        assert_eq!((full.stop.len(), full.max_tokens, full.seed), (1, Some(7), Some(0)));
        assert!(full.stream && full.include_usage && full.conversation.as_deref() == Some("c"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, param) in [
            (json!({"model": 3}), "model"),
            (json!({"model": null}), "model"),
            (json!({"messages": []}), "messages"),
            (json!({"messages": "hi"}), "messages"),
            (json!({"messages": [{"role": "user"}]}), "messages"),
            (json!({"messages": [{"role": "king", "content": "x"}]}), "messages"),
            (json!({"messages": [{"role": "assistant", "content": "x"}]}), "messages"),
            (json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}), "messages"),
            (json!({"temperature": 2.1}), "temperature"),
            (json!({"temperature": "hot"}), "temperature"),
            (json!({"max_tokens": 0}), "max_tokens"),
            (json!({"max_tokens": 5, "max_completion_tokens": 5}), "max_tokens"),
            (json!({"stream": "yes"}), "stream"),
            (json!({"stream_options": {"include_usage": true}}), "stream_options"),
            (json!({"stop": ["a", "b", "c", "d", "e"]}), "stop"),
            (json!({"stop": [""]}), "stop"),
            (json!({"n": 2}), "n"),
            (json!({"logprobs": true}), "logprobs"),
            (json!({"tools": [{}]}), "tools"),
            (json!({"tools": {}}), "tools"),
            (json!({"tools": [{"type": "web_search"}]}), "tools"),
            (json!({"tools": [{"type": "function", "function": {"name": "no spaces"}}]}), "tools"),
            (json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]}), "tools"),
            (json!({"tools": [function("f"), function("f")]}), "tools"),
            (json!({"tools": vec![function("f"); 200]}), "tools"),
            (json!({"tool_choice": "required"}), "tool_choice"),
            (json!({"tools": [function("f")], "tool_choice": "always"}), "tool_choice"),
            (json!({"tools": [function("f")], "tool_choice": named("g")}), "tool_choice"),
            (json!({"tools": [function("f")], "grammar": "root ::= \"a\""}), "grammar"),
            (json!({"messages": [{"role": "tool", "content": "x"}]}), "messages"),
            (json!({"messages": [{"role": "tool", "content": "x", "tool_call_id": "unknown"}]}), "messages"),
            (json!({"messages": [{"role": "assistant", "tool_calls": [{"id": 3}]}]}), "messages"),
            (json!({"response_format": {"type": "json_object"}}), "response_format"),
            (json!({"tempreature": 1}), "tempreature"),
            (json!({"seed": 0.5}), "seed"),
        ] {
            let error = parse(body.clone()).unwrap_err();
            assert_eq!(error["param"], param, "{body}: {error}");
            assert_eq!(error["type"], "invalid_request_error");
        }
        for body in ["", "[]", "{", "\u{feff}{}"] {
            assert!(Request::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
