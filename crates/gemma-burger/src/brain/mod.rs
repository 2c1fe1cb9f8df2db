//! The tier that answers: turns, their events, and what is behind them.
//!
//! It trusts its caller: the gateway tells which session a request belongs to in [`GUEST_SESSION`], and shows the
//! shared secret where one is set. Guests never reach this tier directly.

pub mod bus;
pub mod concierge;
pub mod events;
pub mod mcp;
mod orders;
mod pace;
pub mod ports;
mod routes;
pub mod sse;
pub mod staff;
pub mod turns;
pub mod v1;
pub mod wire;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{extract::Request, http::HeaderName};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use self::{
    bus::SessionBus,
    ports::{Concierge, Loading},
    turns::Turns,
    wire::{Part, Readiness},
};
use crate::{
    config::{Config, Secret},
    http::{ApiError, ErrorCode, body, metrics::RequestCounts},
};

pub use routes::{interface, router};

/// Which session a request belongs to, as the gateway found it.
pub const GUEST_SESSION: HeaderName = HeaderName::from_static("x-guest-session");
/// The name of the session for its guest: the signed token for clients without cookies. Opaque here.
pub const GUEST_LABEL: HeaderName = HeaderName::from_static("x-guest-label");

/// Everything that the routes of this tier share.
pub struct Brain {
    concierge: RwLock<Slot>,
    turns: Arc<Turns>,
    bus: Arc<SessionBus>,
    sign_ins: staff::SignIns,
    counts: Arc<RequestCounts>,
    token: Option<Secret>,
    max_body_bytes: usize,
    max_message_chars: usize,
    /// When it began, in seconds since 1970.
    opened: u64,
    closing: CancellationToken,
}

enum Slot {
    Loading,
    Ready(Arc<dyn Concierge>),
    Failed(String),
}

impl Brain {
    /// A brain that is not ready yet; see [`Brain::load`]. Once `closing` fires it takes no new messages.
    #[must_use]
    pub fn new(config: &Config, closing: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            concierge: RwLock::new(Slot::Loading),
            turns: Turns::new(Duration::from_secs(config.model.reply_timeout_s)),
            bus: SessionBus::new(),
            sign_ins: staff::SignIns::new(),
            counts: Arc::default(),
            token: config.network.brain_token.clone(),
            max_body_bytes: config.limits.max_body_bytes,
            max_message_chars: config.limits.max_message_chars,
            opened: v1::unix_now(),
            closing,
        })
    }

    /// Waits for the part that answers guests; until then, and if it fails, the brain says that it is not ready.
    /// Tells whether it is there.
    pub async fn load(&self, loading: Loading) -> bool {
        let (slot, ready) = match loading.await {
            Ok(concierge) => {
                info!(tier = "brain", "ready");
                (Slot::Ready(concierge), true)
            }
            Err(reason) => {
                error!(tier = "brain", reason, "not ready");
                (Slot::Failed(reason), false)
            }
        };
        *self.concierge.write().unwrap_or_else(PoisonError::into_inner) = slot;
        ready
    }

    /// Reads a request's JSON body; `expected` shows its shape to whoever sent another one.
    async fn read<T: serde::de::DeserializeOwned>(&self, request: Request, expected: &str) -> Result<T, ApiError> {
        let (parts, body) = request.into_parts();
        wire::parse_json(&body::read_json(&parts.headers, body, self.max_body_bytes).await?, expected)
    }

    /// Where news for sessions is told.
    #[must_use]
    pub fn bus(&self) -> Arc<SessionBus> {
        Arc::clone(&self.bus)
    }

    /// The turns.
    #[must_use]
    pub const fn turns(&self) -> &Arc<Turns> {
        &self.turns
    }

    /// The part that answers guests, once it is there.
    pub fn concierge(&self) -> Result<Arc<dyn Concierge>, ApiError> {
        let not_ready =
            |message: &'static str, seconds| Err(ApiError::new(ErrorCode::NotReady, message).retry_after(seconds));
        match &*self.concierge.read().unwrap_or_else(PoisonError::into_inner) {
            Slot::Ready(concierge) => Ok(Arc::clone(concierge)),
            Slot::Loading => not_ready("We are just opening. Please try again in a moment.", 2),
            Slot::Failed(_) => not_ready("The kitchen is closed: a part of this restaurant could not start.", 30),
        }
    }

    /// Waits until no turn is running, as long as the end may take, and lets go of what is on its way elsewhere.
    pub async fn close(&self, grace: Duration) {
        self.turns.drain(grace).await;
        if let Ok(concierge) = self.concierge() {
            concierge.close().await;
        }
    }

    /// Whether all parts work.
    #[must_use]
    pub fn ready(&self) -> Readiness {
        match &*self.concierge.read().unwrap_or_else(PoisonError::into_inner) {
            Slot::Ready(concierge) => concierge.ready(),
            Slot::Loading => Readiness::all(Part::missing("loading")),
            Slot::Failed(reason) => Readiness::all(Part::missing(reason.as_str())),
        }
    }
}
