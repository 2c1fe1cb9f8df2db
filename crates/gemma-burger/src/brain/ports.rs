//! What the brain's HTTP side asks of the part that answers guests.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use concierge::{
    ledger::{OrderId, Receipt},
    ports::FinishReason,
};
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{
    staff::Staff,
    turns::Turn,
    v1::BareModel,
    wire::{Done, Feedback, History, OrderNews, Readiness, SessionId, TurnEvent, TurnId},
};
use crate::http::{ApiError, access::RequestId};

/// A message to be answered.
#[derive(Clone)]
pub struct TurnRequest {
    /// Whose it is.
    pub session: SessionId,
    /// Its own id.
    pub turn: TurnId,
    /// The id in both tiers' logs.
    pub request: RequestId,
    /// What the guest said, trimmed; never empty, and bounded by the configuration.
    pub text: String,
    /// Whether the turn may have been answered before: its client sent the message again.
    pub repeated: bool,
}

/// The turn that a client's key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Its id.
    pub turn: TurnId,
    /// Whether the same message was sent under the key before.
    pub known: bool,
}

/// Answers guests. One value serves all sessions at once.
#[async_trait]
pub trait Concierge: Send + Sync + 'static {
    /// Answers one message: sends what happens to `events` and returns how it ended. The last event (`done`, or
    /// `error` for an `Err` and for a panic) is made from what is returned, so that there is exactly one.
    ///
    /// `cancelled` fires when the guest stops the reply or leaves, at the time limit, and when the process ends; the
    /// turn then returns soon, with [`FinishReason::Cancelled`] or [`FinishReason::Timeout`]. One that does not
    /// return within two seconds is dropped at its next await. Blocking work belongs on its own thread.
    ///
    /// No session has two turns at once.
    async fn turn(&self, turn: TurnRequest, events: &EventSink, cancelled: CancellationToken)
    -> Result<Done, ApiError>;

    /// Finds or makes the turn that a client's key stands for, so that a message sent twice is answered once, also
    /// when the process ended in between. A known key with another message is [`ErrorCode::Conflict`].
    ///
    /// [`ErrorCode::Conflict`]: crate::http::ErrorCode::Conflict
    async fn claim(&self, session: &SessionId, key: &str, message: &str) -> Result<Claimed, ApiError>;

    /// A session's orders, the newest first.
    async fn orders(&self, session: &SessionId) -> Result<Vec<OrderNews>, ApiError>;

    /// The receipt of a session's order; another session's order is not found.
    async fn receipt(&self, session: &SessionId, order: OrderId) -> Result<Receipt, ApiError>;

    /// What a session holds; `session_id` is filled in by the caller. An unknown session is an empty one.
    async fn history(&self, session: &SessionId) -> Result<History, ApiError>;

    /// Keeps what a guest thinks of a reply. A turn of another session is [`ApiError::turn_unknown`].
    async fn feedback(&self, session: &SessionId, turn: &TurnId, feedback: Feedback) -> Result<(), ApiError>;

    /// Whether all parts work.
    fn ready(&self) -> Readiness;

    /// What the staff's screens work with, where there are any.
    fn staff(&self) -> Option<Arc<dyn Staff>> {
        None
    }

    /// The language model without the restaurant, for programs under `/v1`; none where there is no such way in.
    fn bare_model(&self) -> Option<BareModel> {
        None
    }

    /// Lets go of what is on its way elsewhere, for a short while: the program ends.
    async fn close(&self) {}

    /// Lines for Prometheus, each metric with its `# HELP` and `# TYPE`, or nothing.
    fn metrics(&self) -> String;
}

/// Starts a [`Concierge`]: the slow part of a start, such as loading models, done while the brain already answers
/// that it is not ready. An error is shown as the reason for that.
pub type Loading = BoxFuture<'static, Result<Arc<dyn Concierge>, String>>;

/// Where a turn's events go: kept for resuming, and streamed to whoever listens. It never waits.
#[derive(Clone)]
pub struct EventSink {
    turn: Arc<Turn>,
}

impl EventSink {
    pub(super) const fn new(turn: Arc<Turn>) -> Self {
        Self { turn }
    }

    /// Sends an event. The last one is not sent but returned from [`Concierge::turn`].
    pub fn send(&self, event: TurnEvent) {
        self.turn.push(event);
    }

    /// Sends words; empty ones are left out.
    pub fn token(&self, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.send(TurnEvent::token(text));
        }
    }

    /// When the message arrived.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.turn.started()
    }

    /// Why the turn was cancelled: what to return as the reason.
    #[must_use]
    pub fn cancel_reason(&self) -> FinishReason {
        self.turn.cancel_reason()
    }
}
