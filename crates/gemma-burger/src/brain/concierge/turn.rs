//! The one implementation of the brain's [`Concierge`]: a restaurant, open.

use std::{
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use concierge::{
    intent::AgentName,
    ledger::{OrderId, PlacedOrder, Receipt},
    ports::{Embedder, FinishReason, Usage},
    prompt::{self, Limits},
    turn::Decision,
};
use store::{Order, SessionId, Speaker, Store, StoreError, Thumb};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    agent::{self, Before},
    clock::Clock,
    convert,
    decide::{Begun, Decided},
    lookup::Lookup,
    manner::{AGENTS, Manner},
    reply,
    restaurant::Resources,
    speech::Speech,
    traced::{Notes, Tracing},
    turn_log::TurnLog,
};
use crate::{
    brain::{
        bus::SessionBus,
        orders::missing,
        ports::{Claimed, Concierge, EventSink, TurnRequest},
        staff::{Staff, StaffNews},
        v1::BareModel,
        wire::{self, Done, Feedback, History, OrderNews, Part, Person, Readiness, TurnEvent, TurnId, TurnTimings},
    },
    http::{ApiError, ErrorCode, metrics::Page},
};

/// Messages of a session that are shown after a reload, and orders.
const HISTORY_SHOWN: u32 = 200;
const ORDERS_SHOWN: u32 = 50;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A restaurant that is open.
pub struct Restaurant {
    inner: Arc<Parts>,
    /// Places of turns that are being decided. Each keeps a core busy, so more at once would only make all slower, and
    /// those who are to be refused wait for a core too.
    deciding: Semaphore,
}

/// What a restaurant is made of.
pub struct Parts {
    /// Its own files.
    pub resources: Resources,
    /// Sessions and orders.
    pub store: Store,
    /// Vectors of the guests' words.
    pub embedder: Arc<dyn Embedder>,
    /// What it knows.
    pub retriever: Arc<dyn Lookup>,
    /// The language model.
    pub engine: Arc<dyn Speech>,
    /// The name under which programs ask for the model itself.
    pub model_name: String,
    /// Whether the model may choose a tool where nothing was understood.
    pub model_tools: bool,
    /// Who has a trained manner.
    pub manner: Manner,
    /// Tokens of a reply.
    pub max_reply_tokens: u32,
    /// Where traces of turns go, if anywhere.
    pub tracing: Option<Tracing>,
    /// What is kept of turns.
    pub turn_log: TurnLog,
    /// News for guests outside of their turns.
    pub bus: Arc<SessionBus>,
    /// News for the staff's screens.
    pub news: StaffNews,
}

impl Restaurant {
    /// Opens with the loaded parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // Some wait for the disk.
        Self { inner: Arc::new(parts), deciding: Semaphore::new(cores + 1) }
    }

    /// Forgets the keys of old messages and old records of turns, now and once a day, for as long as the restaurant is open.
    pub fn forget_daily(&self) -> impl Future<Output = ()> + Send + use<> {
        let parts = Arc::downgrade(&self.inner);
        async move {
            while let Some(parts) = parts.upgrade() {
                let purge = move || {
                    let now = parts.clock().now().unix;
                    parts.turn_log.purge(&parts.store, now);
                    parts.store.purge_keys(now - store::KEYS_KEPT)
                };
                match tokio::task::spawn_blocking(purge).await {
                    Ok(Ok(forgotten)) => tracing::debug!(forgotten, "keys of old messages forgotten"),
                    Ok(Err(error)) => tracing::warn!(%error, "keys of old messages are kept another day"),
                    Err(_) => return,
                }
                tokio::time::sleep(DAY).await;
            }
        }
    }

    /// Runs blocking work on its own thread.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Parts) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let inner = self.inner.clone();
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_) => Err(ApiError::internal()),
        }
    }
}

impl Parts {
    pub(super) fn clock(&self) -> &Clock {
        &self.resources.clock
    }

    /// The receipt of an order as it was placed.
    pub(super) fn receipt_of(&self, order: &Order) -> Receipt {
        Receipt::of(&self.resources.world.menu, &PlacedOrder::from(order), &self.clock().printed(order.placed))
    }
}

#[async_trait]
impl Concierge for Restaurant {
    async fn turn(
        &self,
        turn: TurnRequest,
        events: &EventSink,
        cancelled: CancellationToken,
    ) -> Result<Done, ApiError> {
        let notes = Notes::begin(self.inner.tracing.as_ref(), &turn);
        let outcome = self.answer(&turn, events, cancelled, &notes).await;
        notes.end(&turn, &outcome);
        outcome
    }

    async fn claim(&self, session: &wire::SessionId, key: &str, message: &str) -> Result<Claimed, ApiError> {
        let (session, key, message) = (session_of(session)?, key.to_owned(), message.to_owned());
        self.blocking(move |inner| inner.claim(&session, &key, &message)).await
    }

    async fn orders(&self, session: &wire::SessionId) -> Result<Vec<OrderNews>, ApiError> {
        let session = session_of(session)?;
        self.blocking(move |inner| {
            let orders = inner.store.orders(&session, ORDERS_SHOWN)?;
            Ok(orders.iter().map(|order| convert::order(&inner.resources.world.menu, order)).collect())
        })
        .await
    }

    async fn receipt(&self, session: &wire::SessionId, order: OrderId) -> Result<Receipt, ApiError> {
        let session = session_of(session)?;
        let found = self.blocking(move |inner| {
            let order = match inner.store.order(&session, order) {
                Err(StoreError::NotFound(_)) => None,
                found => Some(found?),
            };
            Ok(order.map(|order| inner.receipt_of(&order)))
        });
        found.await?.ok_or_else(|| missing("order"))
    }

    async fn history(&self, session: &wire::SessionId) -> Result<History, ApiError> {
        let session = session_of(session)?;
        self.blocking(move |inner| {
            let known = match inner.store.messages(&session, HISTORY_SHOWN) {
                Err(StoreError::NotFound(_)) => return Ok(History::default()),
                other => other?,
            };
            let menu = &inner.resources.world.menu;
            let cart = inner.store.cart(&session)?.cart();
            let orders = inner.store.orders(&session, ORDERS_SHOWN)?;
            let current = orders.iter().enumerate().filter(|(at, order)| *at == 0 || !order.state.is_final()).rev();
            let now = inner.clock().now().unix;
            let holder = inner.store.session(&session)?.holder(now).map(str::to_owned);
            Ok(History {
                session_id: None,
                messages: known.iter().map(convert::message).collect(),
                cart: Some(convert::cart(&cart.view(menu))),
                orders: current.map(|(_, order)| convert::order(menu, order)).collect(),
                person: holder.map(|name| Person { name: Some(name) }),
            })
        })
        .await
    }

    async fn feedback(&self, session: &wire::SessionId, turn: &TurnId, feedback: Feedback) -> Result<(), ApiError> {
        let (session, turn) = (session_of(session)?, turn.to_string());
        let thumb = match feedback.thumb {
            wire::Thumb::Up => Thumb::Up,
            wire::Thumb::Down => Thumb::Down,
        };
        let id = turn.clone();
        self.blocking(move |inner| inner.store.rate(&session, &id, thumb, inner.clock().now().unix)).await?;
        if let Some(tracing) = self.inner.tracing.clone() {
            // The guest does not wait for another server.
            tokio::task::spawn_blocking(move || tracing.thumb(&turn, feedback.thumb));
        }
        Ok(())
    }

    fn ready(&self) -> Readiness {
        let model = self.inner.engine.part();
        let store = match self.inner.store.check() {
            Ok(()) => Part::ready("open"),
            Err(error) => Part::missing(error.to_string()),
        };
        Readiness::of(model, store, self.inner.retriever.part())
    }

    fn staff(&self) -> Option<Arc<dyn Staff>> {
        Some(self.inner.clone())
    }

    fn bare_model(&self) -> Option<BareModel> {
        Some(BareModel {
            id: self.inner.model_name.clone(),
            engine: self.inner.engine.clone(),
            adapters: AGENTS.into_iter().filter(|agent| self.inner.manner.is_tuned(*agent)).collect(),
        })
    }

    fn metrics(&self) -> String {
        let mut page = Page::default();
        self.inner.engine.measure(&mut page);
        self.inner.retriever.measure(&mut page);
        if let Some(tracing) = &self.inner.tracing {
            tracing.measure(&mut page);
        }
        page.finish()
    }

    async fn close(&self) {
        if let Some(tracing) = self.inner.tracing.clone() {
            let _ = tokio::task::spawn_blocking(move || tracing.close()).await;
        }
    }
}

impl Restaurant {
    /// Answers a message.
    async fn answer(
        &self,
        turn: &TurnRequest,
        events: &EventSink,
        cancelled: CancellationToken,
        notes: &Notes,
    ) -> Result<Done, ApiError> {
        let session = session_of(&turn.session)?;
        let (text, id, key, repeated) = (turn.text.clone(), turn.turn.to_string(), session.clone(), turn.repeated);
        let noting = notes.clone();
        let place = self.deciding.acquire().await.map_err(|_| ApiError::internal())?;
        let begun = self.blocking(move |inner| inner.begin(&key, &id, &text, repeated, &noting)).await?;
        drop(place);
        let Decided { decision, before, expected, kept, history, understand_ms } = match begun {
            Begun::Decided(decided) => *decided,
            Begun::Held(person) => {
                events.send(TurnEvent::Person(person));
                return Ok(without_model());
            }
            Begun::Answered(answered) => {
                answered.tell(events);
                return Ok(without_model());
            }
        };
        let decision = if kept {
            decision
        } else {
            self.choose_tools(&session, turn, decision, before, expected, &cancelled).await?
        };
        self.inner.announce(&session, &decision, events);
        let world = &self.inner.resources.world;
        let limits = Limits { max_tokens: self.inner.max_reply_tokens, seed: seed(&turn.turn) };
        let prompting = Instant::now();
        let mut request = prompt::request(
            &world.personas,
            &decision.brief,
            &history,
            &turn.text,
            &limits,
            Some(turn.session.to_string()),
        );
        // An agent without a trained manner speaks with the model as it is.
        request.adapter = request.adapter.filter(|agent| self.inner.manner.is_tuned(*agent));
        notes.prompted(prompting, &request, decision.brief.facts().count());
        let asked = notes.asked(&request, &self.inner.model_name);
        let reply = reply::speak(
            self.inner.engine.as_ref(),
            &world.mentions,
            &decision.brief,
            &turn.text,
            request,
            events,
            &cancelled,
        )
        .await;
        notes.spoken(asked, &reply);
        let speaker = match decision.brief.agent {
            AgentName::Rosy => Speaker::Rosy,
            AgentName::Gordon => Speaker::Gordon,
        };
        let (words, id) = (reply.spoken.text.clone(), turn.turn.to_string());
        let menu = &world.menu;
        let entry =
            self.inner.turn_log.entry(menu, &self.inner.model_name, &turn.text, &decision, &reply, understand_ms);
        if !words.is_empty() {
            self.blocking(move |inner| {
                let now = inner.clock().now().unix;
                inner.store.add_messages(&session, &id, &[(speaker, &words)], now)?;
                inner.tell_desk(&session);
                if let Some(entry) = entry {
                    TurnLog::keep(&inner.store, &session, &id, &entry, now);
                }
                Ok(())
            })
            .await?;
        }
        tracing::info!(
            request = turn.request.as_str(),
            turn = turn.turn.short(),
            intent = %decision.intent,
            confidence = decision.confidence,
            own = reply.spoken.own,
            plain = reply.spoken.plain,
            fault = reply.spoken.fault.as_ref().map(|(fault, _)| tracing::field::debug(*fault)),
            degraded = decision.degraded,
            "turn spoken"
        );
        Ok(Done {
            finish_reason: reply.end.reason,
            usage: reply.end.usage,
            timings: TurnTimings {
                understand_ms,
                queued_ms: reply.end.timings.queued_ms,
                prefill_ms: reply.end.timings.prefill_ms,
                decode_ms: reply.end.timings.decode_ms,
                ..TurnTimings::default()
            },
        })
    }

    /// Lets the model choose tools where nothing was understood, and stores what came of it.
    async fn choose_tools(
        &self,
        session: &SessionId,
        turn: &TurnRequest,
        mut decision: Decision,
        before: Before,
        expected: u64,
        cancelled: &CancellationToken,
    ) -> Result<Decision, ApiError> {
        let chosen = tokio::select! {
            chosen = agent::choose(&self.inner, decision.brief.agent, &turn.text, before) => chosen,
            () = cancelled.cancelled() => None,
        };
        if let Some(mut chosen) = chosen {
            chosen.memory.turns = decision.memory.turns;
            decision = chosen;
        }
        let (text, id, session) = (turn.text.clone(), turn.turn.to_string(), session.clone());
        self.blocking(move |inner| inner.keep(&session, &id, &text, &decision, expected).map(|()| decision)).await
    }

    /// What it is made of.
    #[must_use]
    pub fn parts(&self) -> Arc<Parts> {
        self.inner.clone()
    }

    /// Where news for guests goes that comes from outside a turn.
    #[must_use]
    pub fn bus(&self) -> &Arc<SessionBus> {
        &self.inner.bus
    }
}

/// The end of a turn in which no model spoke.
fn without_model() -> Done {
    Done { finish_reason: FinishReason::Stop, usage: Usage::default(), timings: TurnTimings::default() }
}

fn session_of(id: &wire::SessionId) -> Result<SessionId, ApiError> {
    SessionId::from_str(id.as_str())
        .map_err(|_| ApiError::new(ErrorCode::SessionInvalid, "This session is not known. Please start a new one."))
}

/// Sampling is repeatable for one turn and differs between turns.
fn seed(turn: &TurnId) -> u32 {
    u32::from_str_radix(turn.short(), 16).unwrap_or(0)
}

/// What of a store's trouble a guest is told.
pub(super) fn refusal(error: &StoreError) -> ApiError {
    match error {
        StoreError::NotFound(_) => ApiError::turn_unknown(),
        StoreError::Stale { .. } => {
            ApiError::new(ErrorCode::Conflict, "Your order was changed in another window. Please try again.")
        }
        StoreError::KeyReused => {
            ApiError::new(ErrorCode::Conflict, "This Idempotency-Key came with another message before. Use a new key.")
        }
        other => {
            tracing::error!(error = %other, "the store refused");
            ApiError::new(ErrorCode::NotReady, "We can't write things down at the moment. Please try again shortly.")
                .retry_after(5)
        }
    }
}
