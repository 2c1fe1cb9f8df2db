//! The one implementation of the brain's [`Concierge`]: a restaurant, open.

use std::{cell::Cell, str::FromStr, sync::Arc, time::Instant};

use async_trait::async_trait;
use concierge::{
    brief::Source,
    intent::AgentName,
    ledger::Event,
    ports::{ChatMessage, Embedder, Retriever, Role},
    prompt::{self, Limits},
    turn::{self, Decision, Input, Memory, Ports},
};
use store::{NewTicket, SessionId, Speaker, Store, StoreError, Thumb, TicketState};
use tokio_util::sync::CancellationToken;

use super::{
    clock::{Clock, Moment},
    convert,
    manner::{AGENTS, Manner},
    register::SessionOrders,
    reply,
    restaurant::Resources,
    speech::Speech,
};
use crate::{
    brain::{
        bus::SessionBus,
        ports::{Concierge, EventSink, TurnRequest},
        staff::{Staff, StaffNews},
        v1::BareModel,
        wire::{self, AgentChosen, Done, Feedback, History, Part, Readiness, TurnEvent, TurnId, TurnTimings},
    },
    http::{ApiError, ErrorCode, metrics::Page},
};

/// Messages of a session that are looked at for a prompt, and shown after a reload.
const HISTORY_FOR_PROMPT: u32 = 40;
const HISTORY_SHOWN: u32 = 200;

/// A restaurant that is open.
pub struct Restaurant {
    inner: Arc<Parts>,
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
    pub retriever: Arc<dyn Retriever>,
    /// The language model.
    pub engine: Arc<dyn Speech>,
    /// The name under which programs ask for the model itself.
    pub model_name: String,
    /// Who has a trained manner.
    pub manner: Manner,
    /// Tokens of a reply.
    pub max_reply_tokens: u32,
    /// News for guests outside of their turns.
    pub bus: Arc<SessionBus>,
    /// News for the staff's screens.
    pub news: StaffNews,
}

/// What a turn knows before anybody speaks.
struct Decided {
    decision: Decision,
    history: Vec<ChatMessage>,
    understand_ms: f64,
}

impl Restaurant {
    /// Opens with the loaded parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { inner: Arc::new(parts) }
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

    /// Understands and decides, and stores what was decided, before anybody speaks.
    fn decide(&self, session: &SessionId, turn: &str, text: &str) -> Result<Decided, StoreError> {
        let started = Instant::now();
        let now = self.clock().now();
        let state = self.store.open_session(session, now.unix)?;
        let memory: Memory = state.state.and_then(|state| serde_json::from_value(state).ok()).unwrap_or_default();
        let log = self.store.cart(session)?;
        let messages = self.store.messages(session, HISTORY_FOR_PROMPT)?;
        let register = SessionOrders { store: &self.store, session, turn, sequence: Cell::new(log.seq), now };
        let ports = Ports { embedder: self.embedder.as_ref(), retriever: self.retriever.as_ref(), register: &register };
        let input = Input { text, cart: log.cart(), memory, now: now.local, unix_now: now.unix };
        let decision = turn::decide(&self.resources.world, &ports, input);
        if let Some(order) = &decision.placed {
            // It is on the disk whatever becomes of the rest of this turn.
            self.show_placed(order.id);
        }
        self.keep(session, turn, text, &decision, register.sequence.get(), now)?;
        let history = messages
            .iter()
            .map(|message| ChatMessage {
                role: if message.role == Speaker::Guest { Role::User } else { Role::Model },
                text: message.text.clone(),
            })
            .collect();
        Ok(Decided { decision, history, understand_ms: started.elapsed().as_secs_f64() * 1_000.0 })
    }

    fn keep(
        &self,
        session: &SessionId,
        turn: &str,
        text: &str,
        decision: &Decision,
        sequence: u64,
        now: Moment,
    ) -> Result<(), StoreError> {
        let mut sequence = sequence;
        for event in &decision.events {
            // A remedy is stored with what it grants: a voucher's code, and the ticket that it settles.
            sequence = match event {
                Event::RemedyGranted { granted } => self.store.grant(session, sequence, granted, None)?.seq,
                event => self.store.append(session, sequence, std::slice::from_ref(event), now.unix)?,
            };
        }
        self.store.add_messages(session, turn, &[(Speaker::Guest, text)], now.unix)?;
        if let Some(ticket) = decision.ticket {
            let title = ticket.kind.as_str().replace('_', " ");
            let opened = self.store.open_ticket(
                session,
                NewTicket { kind: ticket.kind, order: ticket.order, title: &title },
                now.unix,
            )?;
            self.store.add_to_ticket(session, opened.id, Speaker::Guest, text, now.unix)?;
            if decision.memory.handed_over {
                self.store.set_ticket(session, opened.id, TicketState::WithStaff, now.unix)?;
            }
        }
        self.tell_desk(session);
        let memory = serde_json::to_value(&decision.memory).unwrap_or_default();
        self.store.save_state(session, &memory, now.unix)
    }

    /// Tells what was decided, before the first word.
    fn announce(&self, decision: &Decision, events: &EventSink) {
        let menu = &self.resources.world.menu;
        events.send(TurnEvent::Agent(AgentChosen { name: decision.brief.agent, intent: decision.intent }));
        events.send(TurnEvent::Cart(convert::cart(&decision.cart.view(menu))));
        if let Some(plan) = &decision.plan {
            events.send(TurnEvent::Plan(convert::plan(menu, plan)));
        }
        if let Some(order) = &decision.placed {
            events.send(TurnEvent::Order(convert::placed(menu, order)));
        }
        let mut sources: Vec<Source> = Vec::new();
        for source in decision.brief.steps.iter().flat_map(|step| &step.sources) {
            if !sources.contains(source) {
                sources.push(source.clone());
            }
        }
        if !sources.is_empty() {
            events.send(TurnEvent::Sources(sources));
        }
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
        let session = session_of(&turn.session)?;
        let (text, id, key) = (turn.text.clone(), turn.turn.to_string(), session.clone());
        let Decided { decision, history, understand_ms } =
            self.blocking(move |inner| inner.decide(&key, &id, &text)).await?;
        self.inner.announce(&decision, events);
        let world = &self.inner.resources.world;
        let limits = Limits { max_tokens: self.inner.max_reply_tokens, seed: seed(&turn.turn) };
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
        let speaker = match decision.brief.agent {
            AgentName::Rosy => Speaker::Rosy,
            AgentName::Gordon => Speaker::Gordon,
        };
        let (words, id) = (reply.spoken.text.clone(), turn.turn.to_string());
        if !words.is_empty() {
            self.blocking(move |inner| {
                inner.store.add_messages(&session, &id, &[(speaker, &words)], inner.clock().now().unix)?;
                inner.tell_desk(&session);
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

    async fn history(&self, session: &wire::SessionId) -> Result<History, ApiError> {
        let session = session_of(session)?;
        self.blocking(move |inner| {
            let known = match inner.store.messages(&session, HISTORY_SHOWN) {
                Err(StoreError::NotFound(_)) => return Ok(History::default()),
                other => other?,
            };
            let menu = &inner.resources.world.menu;
            let cart = inner.store.cart(&session)?.cart();
            let order = inner.store.orders(&session, 1)?;
            Ok(History {
                session_id: None,
                messages: known.iter().map(convert::message).collect(),
                cart: Some(convert::cart(&cart.view(menu))),
                order: order.first().map(|order| convert::order(menu, order)),
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
        self.blocking(move |inner| inner.store.rate(&session, &turn, thumb, inner.clock().now().unix)).await
    }

    fn ready(&self) -> Readiness {
        let model = self.inner.engine.part();
        let store = match self.inner.store.check() {
            Ok(()) => Part::ready("open"),
            Err(error) => Part::missing(error.to_string()),
        };
        Readiness::of(model, store, Part::ready("ingested"))
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
        page.finish()
    }
}

impl Restaurant {
    /// Where news for guests goes that comes from outside a turn.
    #[must_use]
    pub fn bus(&self) -> &Arc<SessionBus> {
        &self.inner.bus
    }
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
        other => {
            tracing::error!(error = %other, "the store refused");
            ApiError::new(ErrorCode::NotReady, "We can't write things down at the moment. Please try again shortly.")
                .retry_after(5)
        }
    }
}
