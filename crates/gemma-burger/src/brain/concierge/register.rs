//! Placing orders: the turn's view of the store.

use std::cell::Cell;

use concierge::{
    ledger::{Checkout, Event, OrderId, PlacedOrder},
    turn::Register,
};
use store::{Placement, SessionId, Store, StoreError};

use super::clock::Moment;

/// The orders of one session, during one turn.
pub struct SessionOrders<'a> {
    pub store: &'a Store,
    pub session: &'a SessionId,
    /// The turn's id: a turn that runs again places no second order.
    pub turn: &'a str,
    /// How many events the cart's log has; grows with what is stored here.
    pub sequence: Cell<u64>,
    pub now: Moment,
}

impl Register for SessionOrders<'_> {
    fn place(&self, events: &[Event], checkout: &Checkout) -> Result<PlacedOrder, String> {
        self.try_place(events, checkout).map_err(|error| match error {
            StoreError::Stale { .. } => {
                "Your order was changed in another window. Please look at it and tell me again.".to_owned()
            }
            _ => {
                "I'm sorry, the order could not be stored. Nothing was placed; please try again in a moment.".to_owned()
            }
        })
    }

    fn state(&self, order: OrderId) -> Option<&'static str> {
        self.store.order(self.session, order).ok().map(|order| order.state.as_str())
    }
}

impl SessionOrders<'_> {
    fn try_place(&self, events: &[Event], checkout: &Checkout) -> Result<PlacedOrder, StoreError> {
        // The checkout's own events come with the placement.
        let earlier = &events[..events.len().saturating_sub(checkout.events.len())];
        if !earlier.is_empty() {
            self.sequence.set(self.store.append(self.session, self.sequence.get(), earlier, self.now.unix)?);
        }
        let receipt = self.store.place(&Placement {
            session: self.session,
            key: self.turn,
            body: self.turn.as_bytes(),
            expected: self.sequence.get(),
            checkout,
            day: &self.now.day.to_string(),
            at: self.now.unix,
        })?;
        self.sequence.set(receipt.seq);
        Ok(PlacedOrder {
            id: receipt.order,
            number: receipt.number,
            at: receipt.at,
            lines: checkout.lines.clone(),
            totals: receipt.totals,
        })
    }
}
