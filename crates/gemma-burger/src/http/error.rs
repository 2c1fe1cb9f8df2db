//! Every refusal on the wire: `{"code", "message", "retry_after"?}`.

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

/// What went wrong, for programs. The status follows from it, so the two never disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The body or a header cannot be read.
    Malformed,
    /// No session came with the request.
    SessionMissing,
    /// The session's token was changed, or has expired.
    SessionInvalid,
    /// The other tier's shared secret is missing or wrong.
    Unauthorized,
    /// Nobody of the staff is signed in.
    SignIn,
    /// The staff's name and password do not belong together.
    WrongPassword,
    /// What was asked for is not this guest's to do.
    Forbidden,
    /// There is nothing here.
    NotFound,
    /// There is no such turn, or it is another guest's, or it is too old.
    TurnUnknown,
    /// The path exists, for other methods.
    MethodNotAllowed,
    /// The body took too long to arrive.
    RequestTimeout,
    /// The session's last message is still being answered.
    TurnRunning,
    /// The same request was made before with other contents, or the state has moved on.
    Conflict,
    /// The body is too large.
    TooLarge,
    /// The body is not JSON by its header.
    UnsupportedMediaType,
    /// The message has no words.
    EmptyMessage,
    /// The message has too many.
    MessageTooLong,
    /// The values of a well-formed request make no sense.
    Invalid,
    /// Too many requests.
    RateLimited,
    /// A fault of ours.
    Internal,
    /// The brain cannot be reached.
    BrainUnreachable,
    /// All places are taken.
    Overloaded,
    /// A part of the product is still loading, or missing.
    NotReady,
    /// The process is about to end.
    Closing,
    /// The reply took too long.
    Timeout,
}

impl ErrorCode {
    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::SessionMissing | Self::SessionInvalid | Self::Unauthorized | Self::SignIn | Self::WrongPassword => {
                StatusCode::UNAUTHORIZED
            }
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound | Self::TurnUnknown => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TurnRunning | Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::EmptyMessage | Self::MessageTooLong | Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BrainUnreachable => StatusCode::BAD_GATEWAY,
            Self::Overloaded | Self::NotReady | Self::Closing => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

/// A refusal that a guest may read. It holds no words of any guest and nothing about the inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what happened and what to do.
    pub message: Cow<'static, str>,
    /// Seconds after which to try again, where that helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl ApiError {
    /// An error that trying again does not mend.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    /// Says when to try again, in seconds; at least one.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// A fault of ours, told without details.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(ErrorCode::Internal, "Something went wrong on our side. Please try again.").retry_after(1)
    }

    /// A path that does not exist.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "There is nothing at this address.")
    }

    /// A turn that this guest cannot see.
    #[must_use]
    pub fn turn_unknown() -> Self {
        Self::new(ErrorCode::TurnUnknown, "This reply is not known here, or it is no longer kept.")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after;
        let mut response = (self.code.status(), Json(self)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The answer for unknown paths.
pub async fn not_found() -> ApiError {
    ApiError::not_found()
}

/// The answer for a known path and a method that it does not take.
pub async fn method_not_allowed() -> ApiError {
    ApiError::new(ErrorCode::MethodNotAllowed, "This address does not take this method.")
}
