//! The language model on other machines: [`concierge::ports::Engine`] over any endpoints that speak OpenAI's protocol,
//! such as vLLM, llama-server, Ollama, mlx_lm.server or the brain of another instance of this product.
//!
//! ```text
//! Remote::start ─ room? ─▶ task: pool chooses the least busy endpoint that is well
//!                            └─▶ call: POST …/chat/completions, words as they come
//!                                  fails before the first word ─▶ another endpoint, or the same after a pause
//!                                  fails after it ─▶ the reply fails: words cannot be taken back
//! health task: GET …/models of each endpoint every few seconds, also the probe of one that was given up
//! ```
//! An endpoint that fails several times in a row gets no more replies for a while ([`breaker`]). Dropping a reply's
//! stream closes its connection, which ends the work at the other side.

mod address;
pub mod breaker;
mod call;
mod engine;
mod error;
mod events;
mod pool;
mod protocol;

use std::time::Duration;

pub use address::{Address, BadAddress};
pub use engine::{Remote, Snapshot};
pub use error::RemoteError;
pub use pool::EndpointSnapshot;

/// The settings of remote engines.
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// Where they are.
    pub addresses: Vec<Address>,
    /// The model's name there. An agent's adapter is asked for as `NAME:agent`, where an endpoint lists that name.
    pub model: String,
    /// Sent as the bearer token.
    pub key: Option<String>,
    /// Tokens that a conversation may hold there, for those who ask.
    pub context_tokens: u32,
    /// Replies under way at once, over all endpoints; one more is refused.
    pub replies: u32,
    /// How long a connection may take to be made.
    pub connect_patience: Duration,
    /// How long the first word may take: the endpoint's queue and its reading of the prompt.
    pub first_word_patience: Duration,
    /// The longest pause between words.
    pub word_patience: Duration,
    /// A reply ends after this long.
    pub reply_time_limit: Duration,
    /// Times that a reply is tried before its first word.
    pub attempts: u32,
    /// The pause before an endpoint is tried again; it doubles each time.
    pub backoff: Duration,
    /// How often each endpoint's health is looked at.
    pub health_interval: Duration,
}

impl RemoteConfig {
    /// Settings that fit endpoints within one network.
    #[must_use]
    pub fn new(addresses: Vec<Address>, model: impl Into<String>) -> Self {
        Self {
            addresses,
            model: model.into(),
            key: None,
            context_tokens: 2048,
            replies: 36,
            connect_patience: Duration::from_millis(1_500),
            first_word_patience: Duration::from_secs(15),
            word_patience: Duration::from_secs(10),
            reply_time_limit: Duration::from_secs(60),
            attempts: 3,
            backoff: Duration::from_millis(150),
            health_interval: Duration::from_secs(5),
        }
    }
}
