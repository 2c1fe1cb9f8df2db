//! Large language models elsewhere: the one client for all who ask them, whichever of two protocols they speak.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::service::{Bounds, Service, ServiceError};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What the model is to be.
    pub system: &'a str,
    /// What it is told, each a message of the user.
    pub messages: &'a [&'a str],
    /// 0 is the likeliest words.
    pub temperature: f32,
    /// Tokens of the answer, thoughts included.
    pub max_tokens: u32,
    /// A JSON schema that the answer must follow, where the service can hold a model to it. One that cannot is asked
    /// without: whoever needs the form checks it.
    pub schema: Option<&'a Value>,
}

/// What a model answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Its words; may be empty.
    pub text: String,
    /// Whether they end where the model ended them, and not at the limit.
    pub complete: bool,
    /// Tokens that it read and wrote, where the service tells.
    pub tokens: Option<(u64, u64)>,
}

/// How a service is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// `POST /chat/completions`.
    OpenAi,
    /// `POST /models/{model}:generateContent`.
    Gemini,
}

/// What a service has turned out not to take. Kept for all later questions, by all clones.
#[derive(Debug, Default)]
struct Dislikes {
    /// `response_format`, or Gemini's `responseJsonSchema`.
    schema: AtomicBool,
    /// `max_tokens`: newer models want it under another name.
    max_tokens: AtomicBool,
    /// `temperature`.
    temperature: AtomicBool,
}

/// A language model at a service.
#[derive(Clone, Debug)]
pub struct Model {
    service: Service,
    protocol: Protocol,
    name: String,
    dislikes: Arc<Dislikes>,
}

impl Model {
    /// The model of a name at the base of a service. A base that ends with Gemini's own version (`…/v1beta`) is spoken
    /// to in Gemini's protocol, every other one in OpenAI's.
    ///
    /// # Errors
    /// [`ServiceError::Denied`] for a key that cannot be sent.
    pub fn new(
        service: &'static str,
        base: &str,
        name: &str,
        key: Option<&str>,
        bounds: Bounds,
    ) -> Result<Self, ServiceError> {
        let last = base.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let protocol = if last.starts_with("v1beta") { Protocol::Gemini } else { Protocol::OpenAi };
        let mut service = Service::new(service, base, bounds);
        if let Some(key) = key {
            service = match protocol {
                Protocol::OpenAi => service.with("authorization", &format!("Bearer {key}"))?,
                Protocol::Gemini => service.with("x-goog-api-key", key)?,
            };
        }
        Ok(Self { service, protocol, name: name.to_owned(), dislikes: Arc::default() })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    #[must_use]
    pub fn base(&self) -> &str {
        self.service.base()
    }

    /// Asks. What a service says it does not take is left out, and the question asked again.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub fn ask(&self, question: &Question<'_>) -> Result<Reply, ServiceError> {
        loop {
            let answer = match self.protocol {
                Protocol::OpenAi => {
                    self.service.post("/chat/completions", &self.for_openai(question)).map(Completion::reply)
                }
                Protocol::Gemini => {
                    let path = format!("/models/{}:generateContent", self.name);
                    self.service.post(&path, &self.for_gemini(question)).map(Generated::reply)
                }
            };
            match answer {
                Err(ServiceError::Declined { service, what, status, message }) => {
                    if self.learn(&message, question) {
                        continue;
                    }
                    // Gemini has 400 for a key that it does not know.
                    if message.contains("API key not valid") || message.contains("API_KEY_INVALID") {
                        return Err(ServiceError::Denied { service, status, message });
                    }
                    return Err(ServiceError::Declined { service, what, status, message });
                }
                other => return other,
            }
        }
    }

    fn for_openai(&self, question: &Question<'_>) -> Value {
        let mut messages = vec![json!({"role": "system", "content": question.system})];
        messages.extend(question.messages.iter().map(|text| json!({"role": "user", "content": text})));
        let mut body = Map::new();
        body.insert("model".into(), self.name.as_str().into());
        body.insert("messages".into(), messages.into());
        if !self.dislikes.temperature.load(Relaxed) {
            body.insert("temperature".into(), json!(question.temperature));
        }
        let limit = if self.dislikes.max_tokens.load(Relaxed) { "max_completion_tokens" } else { "max_tokens" };
        body.insert(limit.into(), question.max_tokens.into());
        if let Some(schema) = question.schema.filter(|_| !self.dislikes.schema.load(Relaxed)) {
            let schema = json!({"name": "answer", "strict": true, "schema": schema});
            body.insert("response_format".into(), json!({"type": "json_schema", "json_schema": schema}));
        }
        body.into()
    }

    fn for_gemini(&self, question: &Question<'_>) -> Value {
        let parts: Vec<Value> = question.messages.iter().map(|text| json!({"text": text})).collect();
        let mut settings = Map::new();
        settings.insert("temperature".into(), json!(question.temperature));
        settings.insert("maxOutputTokens".into(), question.max_tokens.into());
        if let Some(schema) = question.schema.filter(|_| !self.dislikes.schema.load(Relaxed)) {
            settings.insert("responseMimeType".into(), "application/json".into());
            settings.insert("responseJsonSchema".into(), schema.clone());
        }
        json!({
            "systemInstruction": {"parts": [{"text": question.system}]},
            "contents": [{"role": "user", "parts": parts}],
            "generationConfig": settings,
        })
    }

    /// Notes what a refusal is about, if it is something that can be left out and was not yet.
    fn learn(&self, message: &str, question: &Question<'_>) -> bool {
        let (openai, schema) = (self.protocol == Protocol::OpenAi, question.schema.is_some());
        let known = [
            (&["response_format", "json_schema", "responseJsonSchema"][..], schema, &self.dislikes.schema),
            (&["max_tokens"], openai, &self.dislikes.max_tokens),
            (&["temperature"], openai, &self.dislikes.temperature),
        ];
        for (names, sent, dislike) in known {
            if sent && names.iter().any(|name| message.contains(name)) && !dislike.swap(true, Relaxed) {
                tracing::debug!(model = self.name, left_out = names[0], "the service does not take this");
                return true;
            }
        }
        false
    }
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
    /// What some services say in place of words that they will not say.
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl Completion {
    fn reply(self) -> Reply {
        let tokens = self.usage.map(|usage| (usage.prompt_tokens, usage.completion_tokens));
        let Some(first) = self.choices.into_iter().next() else {
            return Reply { text: String::new(), complete: true, tokens };
        };
        let text = first.message.content.or(first.message.refusal).unwrap_or_default();
        Reply { text, complete: first.finish_reason.as_deref() != Some("length"), tokens }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generated {
    #[serde(default)]
    candidates: Vec<Candidate>,
    #[serde(default)]
    usage_metadata: Option<UsageMetadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    content: Content,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
    /// A summary of what it thought is no part of the answer.
    #[serde(default)]
    thought: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageMetadata {
    #[serde(default)]
    prompt_token_count: u64,
    #[serde(default)]
    candidates_token_count: u64,
    #[serde(default)]
    thoughts_token_count: u64,
}

impl Generated {
    fn reply(self) -> Reply {
        let tokens = self.usage_metadata.map(|usage| {
            (usage.prompt_token_count, usage.candidates_token_count.saturating_add(usage.thoughts_token_count))
        });
        let Some(first) = self.candidates.into_iter().next() else {
            return Reply { text: String::new(), complete: true, tokens };
        };
        let text = first.content.parts.into_iter().filter(|part| !part.thought).map(|part| part.text).collect();
        Reply { text, complete: first.finish_reason.as_deref() != Some("MAX_TOKENS"), tokens }
    }
}
