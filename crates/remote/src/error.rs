//! What can go wrong between here and an endpoint.

use concierge::ports::EngineError;

/// Why an endpoint gave no reply, or not all of it. Nothing of the conversation stands in it: it is logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// Nobody answers at the address.
    #[error("the endpoint cannot be reached; check ENGINE_URLS and that its server runs")]
    Unreachable,
    /// It took too long.
    #[error("the endpoint did not {0} in time")]
    Slow(&'static str),
    /// It has no room now.
    #[error("the endpoint is busy for {retry_after_s} s")]
    Busy {
        /// When to come again, as it says.
        retry_after_s: u32,
    },
    /// It wants another key.
    #[error("the endpoint refuses the key; set ENGINE_KEY")]
    KeyRefused,
    /// It does not serve the model.
    #[error("the endpoint does not serve this model; set MODEL to a name that it lists")]
    ModelUnknown,
    /// The conversation is longer than it takes.
    #[error("the endpoint takes {limit} tokens and the prompt has {tokens}")]
    TooLong {
        /// The prompt's length, as it says.
        tokens: u32,
        /// What it takes.
        limit: u32,
    },
    /// It says that the request is wrong.
    #[error("the endpoint refuses the request: status {status}, {code}")]
    Refused {
        /// HTTP's.
        status: u16,
        /// Its own name of the fault; letters only.
        code: String,
    },
    /// It failed.
    #[error("the endpoint failed: status {0}")]
    Broken(u16),
    /// The line was cut before the reply's end.
    #[error("the endpoint's line was cut")]
    Cut,
    /// What it sends is not the protocol.
    #[error("the endpoint does not speak the protocol: {0}")]
    Garbage(&'static str),
}

impl RemoteError {
    /// Whether the endpoint itself is in a bad way: such failures count towards giving it up.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::TooLong { .. } | Self::Refused { .. } => false,
            Self::Unreachable
            | Self::Slow(_)
            | Self::KeyRefused
            | Self::ModelUnknown
            | Self::Broken(_)
            | Self::Cut
            | Self::Garbage(_) => true,
        }
    }

    /// Whether another endpoint, or the same one later, may do better.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        !matches!(self, Self::TooLong { .. } | Self::Refused { .. })
    }

    /// As the caller of an engine knows it. `said` tells that words have gone out already.
    #[must_use]
    pub fn for_caller(self, said: bool) -> EngineError {
        let text = self.to_string();
        match self {
            _ if said => EngineError::Failed(text),
            Self::Busy { retry_after_s } => EngineError::Overloaded { retry_after_s },
            Self::TooLong { tokens, limit } => EngineError::PromptTooLong { tokens, limit },
            Self::Refused { .. } => EngineError::Invalid(text),
            Self::Unreachable | Self::KeyRefused | Self::ModelUnknown => EngineError::NotReady(text),
            Self::Slow(_) | Self::Broken(_) | Self::Cut | Self::Garbage(_) => EngineError::Failed(text),
        }
    }
}
