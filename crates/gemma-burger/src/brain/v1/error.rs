//! Refusals in the shape that OpenAI's clients read: `{"error": {"message", "type", "param", "code"}}`.

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use concierge::ports::EngineError;
use serde_json::{Value, json};

use crate::http::{ApiError, ErrorCode};

/// A refusal under `/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    kind: &'static str,
    code: Option<Cow<'static, str>>,
    param: Option<Cow<'static, str>>,
    message: Cow<'static, str>,
    retry_after: Option<u32>,
    /// The prompt's length and what fits, under the names that llama.cpp's server has for them.
    lengths: Option<(u32, u32)>,
}

impl Refusal {
    /// Something in the request is wrong, and it will stay so.
    pub fn invalid(param: impl Into<Option<&'static str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "invalid_request_error",
            code: None,
            param: param.into().map(Cow::Borrowed),
            message: message.into(),
            retry_after: None,
            lengths: None,
        }
    }

    /// The same, with a code for programs.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code.into());
        self
    }

    /// A field that this protocol does not have. Its name is quoted, cut short.
    pub fn unknown_field(name: &str) -> Self {
        let name: String = name.chars().take(64).collect();
        let mut refusal = Self::invalid(None, format!("Unrecognized request argument supplied: {name}"));
        refusal.param = Some(name.into());
        refusal.code("unknown_parameter")
    }

    /// A model that is not here.
    #[must_use]
    pub fn no_model() -> Self {
        let message = "This model is not served here; GET /v1/models lists those that are.";
        Self { status: StatusCode::NOT_FOUND, ..Self::invalid("model", message).code("model_not_found") }
    }

    /// A path that is not here.
    #[must_use]
    pub fn not_found() -> Self {
        ApiError::not_found().into()
    }

    /// The key that opens this door is missing or another one.
    #[must_use]
    pub fn wrong_key() -> Self {
        let message = "This server wants its API token: send it as the API key (Authorization: Bearer …).";
        Self { status: StatusCode::UNAUTHORIZED, ..Self::invalid(None, message).code("invalid_api_key") }
    }

    /// As JSON, for the body and for an event in the middle of a stream.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut error = json!({"message": self.message, "type": self.kind, "param": self.param, "code": self.code});
        if let Some((tokens, limit)) = self.lengths {
            error["n_prompt_tokens"] = json!(tokens);
            error["n_ctx"] = json!(limit);
        }
        json!({"error": error})
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        // OpenAI answers 400 to every request whose values make no sense.
        let status = match error.code.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        let kind = match status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        };
        let code = match error.code {
            ErrorCode::RateLimited => Some("rate_limit_exceeded".into()),
            code => serde_json::to_value(code).ok().and_then(|code| Some(code.as_str()?.to_owned().into())),
        };
        Self { status, kind, code, param: None, message: error.message, retry_after: error.retry_after, lengths: None }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error {
            EngineError::Overloaded { retry_after_s } => {
                ApiError::new(ErrorCode::Overloaded, message).retry_after(retry_after_s).into()
            }
            EngineError::NotReady(_) => ApiError::new(ErrorCode::NotReady, message).retry_after(5).into(),
            EngineError::PromptTooLong { tokens, limit } => {
                let refusal = Self::invalid("messages", message).code("context_length_exceeded");
                Self { lengths: Some((tokens, limit)), ..refusal }
            }
            EngineError::Invalid(_) => Self::invalid(None, message),
            EngineError::Failed(_) => ApiError::new(ErrorCode::Internal, message).retry_after(1).into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
