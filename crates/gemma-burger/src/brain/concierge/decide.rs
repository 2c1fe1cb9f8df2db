//! A turn before anybody speaks: whose it is, what is decided, and that it is on the disk.

use std::{cell::Cell, time::Instant};

use concierge::{
    brief::Source,
    ports::{ChatMessage, Role},
    turn::{self, Decision, Memory},
};
use store::{Claim, NewTicket, Session, SessionId, Speaker, StoreError, TicketState, TurnRecord};

use super::{
    agent::Before,
    convert,
    register::SessionOrders,
    tools::{self, with_ports},
    traced::Notes,
    turn::Parts,
};
use crate::brain::{
    ports::{Claimed, EventSink},
    wire::{AgentChosen, Cart, OrderNews, Person, SessionEvent, TurnEvent, TurnId},
};

/// Messages of a session that are looked at for a prompt.
const HISTORY_FOR_PROMPT: u32 = 40;

/// What becomes of a message.
pub(super) enum Begun {
    /// The agents answer.
    Decided(Box<Decided>),
    /// A person of the team has the conversation.
    Held(Person),
    /// It was answered before.
    Answered(Box<Answered>),
}

/// What a turn knows before anybody speaks.
pub(super) struct Decided {
    pub decision: Decision,
    /// The state that it was decided on.
    pub before: Before,
    /// How many events the cart's log holds.
    pub expected: u64,
    /// Whether it is on the disk. It is not where the model is asked for a tool first.
    pub kept: bool,
    pub history: Vec<ChatMessage>,
    pub understand_ms: f64,
}

/// What is left of a turn that went before.
pub(super) struct Answered {
    cart: Cart,
    order: Option<OrderNews>,
    words: String,
}

impl Answered {
    /// Tells it again.
    pub fn tell(self, events: &EventSink) {
        events.send(TurnEvent::Cart(self.cart));
        if let Some(order) = self.order {
            events.send(TurnEvent::Order(order));
        }
        events.token(self.words);
    }
}

impl Parts {
    /// Finds or makes the turn that a client's key stands for.
    pub(super) fn claim(&self, session: &SessionId, key: &str, message: &str) -> Result<Claimed, StoreError> {
        let now = self.clock().now().unix;
        self.store.open_session(session, now)?;
        let turn = TurnId::random();
        match self.store.claim(session, key, message.as_bytes(), turn.as_str(), now)? {
            Claim::New => Ok(Claimed { turn, known: false }),
            Claim::Known(text) => {
                let turn = TurnId::parse(&text).ok_or(StoreError::NotFound("turn"))?;
                Ok(Claimed { turn, known: true })
            }
        }
    }

    /// Finds out who answers a message, and decides where it is the agents. What was decided is on the disk when this
    /// returns, but for a turn in which the model is to choose a tool.
    pub(super) fn begin(
        &self,
        session: &SessionId,
        turn: &str,
        text: &str,
        repeated: bool,
        notes: &Notes,
    ) -> Result<Begun, StoreError> {
        if repeated && let Some(answered) = self.answered(session, turn)? {
            return Ok(Begun::Answered(Box::new(answered)));
        }
        let now = self.clock().now().unix;
        let known = self.store.open_session(session, now)?;
        if let Some(name) = known.holder(now) {
            self.hear(&known, turn, text, now)?;
            return Ok(Begun::Held(Person { name: Some(name.to_owned()) }));
        }
        let mut decided = self.decide(&known, turn, text, notes)?;
        if !(decided.decision.open && self.model_tools) {
            self.keep(session, turn, text, &decided.decision, decided.expected)?;
            decided.kept = true;
        }
        Ok(Begun::Decided(Box::new(decided)))
    }

    /// What a turn has left, if it went before this one: its reply, or an order whose reply was lost in a crash.
    fn answered(&self, session: &SessionId, turn: &str) -> Result<Option<Answered>, StoreError> {
        let said = self.store.turn_messages(session, turn)?;
        let order = self.store.order_under(session, turn)?;
        if said.is_empty() && order.is_none() {
            return Ok(None);
        }
        let menu = &self.resources.world.menu;
        let reply = said.into_iter().find(|message| message.role != Speaker::Guest).map(|message| message.text);
        let words = reply.unwrap_or_else(|| match &order {
            Some(order) => {
                let total = menu.currency.show(order.totals.total);
                format!("Your order is placed. Your order number is {}, and the total is {total}.", order.number)
            }
            None => "I have your message already. Your order beside this chat shows how things stand.".to_owned(),
        });
        let cart = self.store.cart(session)?.cart();
        Ok(Some(Answered {
            cart: convert::cart(&cart.view(menu)),
            order: order.map(|order| convert::order(menu, &order)),
            words,
        }))
    }

    /// Keeps a message that is for the person who has the conversation.
    fn hear(&self, known: &Session, turn: &str, text: &str, at: i64) -> Result<(), StoreError> {
        let cart = self.store.cart(&known.id)?;
        let state = serde_json::to_value(with_a_person(known)).unwrap_or_default();
        self.store.keep_turn(&TurnRecord {
            session: &known.id,
            turn,
            expected: cart.seq,
            events: &[],
            said: &[(Speaker::Guest, text)],
            state: &state,
            at,
        })?;
        self.tell_desk(&known.id);
        Ok(())
    }

    fn decide(&self, known: &Session, turn: &str, text: &str, notes: &Notes) -> Result<Decided, StoreError> {
        let started = Instant::now();
        let now = self.clock().now();
        let session = &known.id;
        let log = self.store.cart(session)?;
        let messages = self.store.messages(session, HISTORY_FOR_PROMPT)?;
        let register = SessionOrders { store: &self.store, session, turn, sequence: Cell::new(log.seq), now };
        let before = Before { cart: log.cart(), memory: memory(known), now };
        let listener = notes.listen();
        let decision = with_ports(self, &register, listener.as_ref(), |ports| {
            turn::decide(&self.resources.world, ports, before.clone().input(text))
        });
        notes.understood(listener, &decision);
        if let Some(order) = &decision.placed {
            // It is on the disk whatever becomes of the rest of this turn.
            self.show_placed(order.id);
        }
        let history = messages
            .iter()
            .map(|message| ChatMessage {
                role: if message.role == Speaker::Guest { Role::User } else { Role::Model },
                text: message.text.clone(),
            })
            .collect();
        let understand_ms = started.elapsed().as_secs_f64() * 1_000.0;
        Ok(Decided { decision, before, expected: register.sequence.get(), kept: false, history, understand_ms })
    }

    /// Stores what was decided. A call from outside has no words.
    pub(super) fn keep(
        &self,
        session: &SessionId,
        turn: &str,
        text: &str,
        decision: &Decision,
        expected: u64,
    ) -> Result<(), StoreError> {
        let at = self.clock().now().unix;
        let state = serde_json::to_value(&decision.memory).unwrap_or_default();
        let words = [(Speaker::Guest, text)];
        self.store.keep_turn(&TurnRecord {
            session,
            turn,
            expected,
            events: &decision.events,
            said: if text.is_empty() { &[] } else { &words },
            state: &state,
            at,
        })?;
        self.keep_ticket(session, text, decision, at)?;
        tools::log(turn, &decision.used);
        Ok(())
    }

    /// Opens the ticket that was decided on; where the desk has one of this kind, it is the one that is handed over.
    fn keep_ticket(&self, session: &SessionId, text: &str, decision: &Decision, at: i64) -> Result<(), StoreError> {
        if let Some(ticket) = decision.ticket {
            let kind = ticket.kind.as_str();
            let mut open = self.store.tickets(session)?.into_iter().filter(|other| other.state != TicketState::Closed);
            let id = match open.find(|other| other.kind == kind) {
                Some(other) => other.id,
                None => {
                    let title = kind.replace('_', " ");
                    let new = NewTicket { kind: ticket.kind, order: ticket.order, title: &title };
                    self.store.open_ticket(session, new, at)?.id
                }
            };
            if !text.is_empty() {
                self.store.add_to_ticket(session, id, Speaker::Guest, text, at)?;
            }
            if decision.memory.handed_over {
                self.store.set_ticket(session, id, TicketState::WithStaff, at)?;
            }
        }
        self.tell_desk(session);
        Ok(())
    }

    /// Tells what was decided, before the first word; what changed, to the guest's other windows as well.
    pub(super) fn announce(&self, session: &SessionId, decision: &Decision, events: &EventSink) {
        let menu = &self.resources.world.menu;
        let cart = convert::cart(&decision.cart.view(menu));
        if !decision.events.is_empty() || decision.placed.is_some() {
            self.tell_guest(session, SessionEvent::Cart(cart.clone()));
        }
        events.send(TurnEvent::Agent(AgentChosen { name: decision.brief.agent, intent: decision.intent }));
        for used in &decision.used {
            events.send(TurnEvent::Tool(convert::tool(used)));
        }
        events.send(TurnEvent::Cart(cart));
        if let Some(plan) = &decision.plan {
            events.send(TurnEvent::Plan(convert::plan(menu, plan)));
        }
        if let Some(order) = &decision.placed {
            let news = convert::placed(menu, order);
            self.tell_guest(session, SessionEvent::Order(news.clone()));
            events.send(TurnEvent::Order(news));
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

/// What the agents remember of a conversation.
pub(super) fn memory(known: &Session) -> Memory {
    known.state.clone().and_then(|state| serde_json::from_value(state).ok()).unwrap_or_default()
}

/// The same once a person has it: a "yes" to the person must not place an order for the agents, and the complaint is
/// the person's.
pub(super) fn with_a_person(known: &Session) -> Memory {
    Memory { pending: None, complaint: None, plan: None, handed_over: true, ..memory(known) }
}
