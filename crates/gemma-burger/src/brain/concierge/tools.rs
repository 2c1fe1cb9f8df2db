//! The one executor of tools: agents, the protocol for other programs and whoever comes next call it here.

use std::{cell::Cell, time::Instant};

use concierge::{
    ledger::{Cart, Checkout, Event, OrderId, PlacedOrder},
    ports::{Embedder, Retriever},
    tools::{Call, Effect, ToolError, Used},
    turn::{self, Behind, Called, Memory, Ports, Register},
};
use serde_json::Value;
use store::{SessionId, StoreError};

use super::{
    agent::Before,
    decide::memory,
    overheard::{Listener, Overheard},
    register::SessionOrders,
    turn::Parts,
};

/// What came of a call from outside a turn.
pub struct Answered {
    /// The tool's answer.
    pub answer: Result<Value, ToolError>,
    /// How it went.
    pub used: Vec<Used>,
}

/// A till for calls that belong to no session: nothing can be placed at it.
pub(super) struct NoTill;

impl Register for NoTill {
    fn place(&self, _: &[Event], _: &Checkout) -> Result<PlacedOrder, String> {
        Err("An order belongs to a guest's session; there is none here.".to_owned())
    }

    fn state(&self, _: OrderId) -> Option<&'static str> {
        None
    }
}

/// A register's ports with a stopwatch that started now, and with somebody who listens, where there is one.
pub(super) fn with_ports<T>(
    parts: &Parts,
    register: &dyn Register,
    listener: Option<&Listener>,
    work: impl FnOnce(&Ports<'_>) -> T,
) -> T {
    let started = Instant::now();
    let stopwatch = || started.elapsed();
    let (embedder, retriever): (&dyn Embedder, &dyn Retriever) = (parts.embedder.as_ref(), parts.retriever.as_ref());
    let Some(listener) = listener else {
        return work(&Ports { embedder, retriever, register, stopwatch: &stopwatch });
    };
    let embedder = Overheard { inner: embedder, listener };
    let retriever = Overheard { inner: retriever, listener };
    work(&Ports { embedder: &embedder, retriever: &retriever, register, stopwatch: &stopwatch })
}

impl Parts {
    /// Reads a call and carries it out: what anybody may know without a session, all else within this guest's own.
    /// `key` names the call: the same one again places no second order.
    ///
    /// # Errors
    /// What the store refuses. What the tool refuses stands in the answer.
    pub fn call(
        &self,
        session: Option<&SessionId>,
        key: &str,
        name: &str,
        arguments: &Value,
    ) -> Result<Answered, StoreError> {
        let call = match self.resources.tools.parse(name, arguments) {
            Ok(call) => call,
            Err(error) => return Ok(Answered { answer: Err(error), used: Vec::new() }),
        };
        let called = match session {
            None if call.name().effect() == Effect::Public => self.call_publicly(&call),
            None => {
                let error = ToolError::Refused(format!("{} belongs to a guest's session; there is none", name));
                return Ok(Answered { answer: Err(error), used: Vec::new() });
            }
            Some(session) => {
                let now = self.clock().now();
                let known = self.store.open_session(session, now.unix)?;
                let log = self.store.cart(session)?;
                let before = Before { cart: log.cart(), memory: memory(&known), now };
                let register =
                    SessionOrders { store: &self.store, session, turn: key, sequence: Cell::new(log.seq), now };
                let called = with_ports(self, &register, None, |ports| {
                    turn::call(&self.resources.world, ports, before.input(""), &call, Behind::Guest)
                });
                if let Some(order) = &called.decision.placed {
                    self.show_placed(order.id);
                }
                self.keep(session, key, "", &called.decision, register.sequence.get())?;
                called
            }
        };
        if session.is_none() {
            log(key, &called.decision.used);
        }
        Ok(Answered { answer: called.answer, used: called.decision.used })
    }

    fn call_publicly(&self, call: &Call) -> Called {
        let before = Before { cart: Cart::default(), memory: Memory::default(), now: self.clock().now() };
        with_ports(self, &NoTill, None, |ports| {
            turn::call(&self.resources.world, ports, before.input(""), call, Behind::Guest)
        })
    }
}

/// Notes calls in the log: names and times, and of the arguments only their names, as values may be a guest's words.
pub(super) fn log(turn: &str, used: &[Used]) {
    let turn = turn.get(..8).unwrap_or(turn);
    for call in used {
        let fields: Vec<&str> =
            call.arguments.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        tracing::info!(
            turn,
            tool = call.name.as_str(),
            arguments = fields.join(","),
            ok = call.ok,
            ms = call.ms,
            "tool used"
        );
    }
}
