//! The tier that guests reach: pages, sessions, limits, and a relay to the brain.
//!
//! It trusts nothing that comes in: addresses, ids and sessions are its own findings, bodies are bounded and read before
//! the brain is troubled, and of the headers only harmless ones pass.

pub mod assets;
pub mod client;
pub mod limits;
mod relay;
mod routes;
pub mod session;
pub mod upstream;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use self::{
    assets::Assets,
    client::Proxies,
    limits::RateLimits,
    session::{KeyError, Sessions},
    upstream::Upstream,
};
use crate::{
    config::{Config, Secret},
    http::metrics::{Counter, RequestCounts},
};

pub use relay::STAFF_AUTHORIZATION;
pub use routes::router;

/// Everything that the routes of this tier share.
pub struct Gateway {
    upstream: Upstream,
    assets: Assets,
    sessions: Sessions,
    limits: RateLimits,
    proxies: Proxies,
    brain_token: Option<Secret>,
    api_token: Option<Secret>,
    max_body_bytes: usize,
    max_message_chars: usize,
    reply_patience: Duration,
    counts: Arc<RequestCounts>,
    rate_limited: Counter,
    upstream_errors: Counter,
    closing: CancellationToken,
}

impl Gateway {
    /// A gateway before a brain. Lasting streams end when `closing` fires.
    pub fn new(config: &Config, upstream: Upstream, closing: CancellationToken) -> Result<Arc<Self>, KeyError> {
        let lifetime = Duration::from_secs(u64::from(config.limits.session_days) * 24 * 3600);
        Ok(Arc::new(Self {
            upstream,
            assets: Assets::embedded(),
            sessions: Sessions::open(&config.files.data_dir, lifetime)?,
            limits: RateLimits::new(&config.limits),
            proxies: Proxies::new(config.limits.trusted_proxies.clone(), config.limits.secure_cookies),
            brain_token: config.network.brain_token.clone(),
            api_token: config.limits.api_token.clone(),
            max_body_bytes: config.limits.max_body_bytes,
            max_message_chars: config.limits.max_message_chars,
            reply_patience: Duration::from_secs(config.model.reply_timeout_s + 5),
            counts: Arc::default(),
            rate_limited: Counter::default(),
            upstream_errors: Counter::default(),
            closing,
        }))
    }
}
