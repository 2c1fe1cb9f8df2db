//! What happens in the restaurant, for the screens that show it.

use std::sync::{Arc, Mutex, PoisonError};

use futures::Stream;
use store::TicketId;

use super::wire::{DeskEvent, KitchenEvent, KitchenOrder, TicketNews};
use crate::brain::events::EventLog;

/// Events kept for a reader who is slow. One who is slower still sees the newer ones.
const KEPT: usize = 256;

/// News for the kitchen and the desk.
pub struct StaffNews {
    kitchen: Arc<EventLog<KitchenEvent>>,
    desk: Arc<EventLog<DeskEvent>>,
    order: Mutex<()>,
}

impl StaffNews {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self { kitchen: Arc::new(EventLog::new(KEPT)), desk: Arc::new(EventLog::new(KEPT)), order: Mutex::new(()) }
    }

    /// Finds out how an order stands, or changes it, and shows it to the kitchen. One at a time, so that the last
    /// state shown is the last one stored.
    ///
    /// # Errors
    /// What the work answers; nothing is shown then.
    pub fn show_order<E>(&self, work: impl FnOnce() -> Result<KitchenOrder, E>) -> Result<KitchenOrder, E> {
        let _turn = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let order = work()?;
        self.kitchen.push_over(KitchenEvent::Order(order.clone()));
        Ok(order)
    }

    /// Tells the desk that there is something new about a ticket.
    pub fn touch_ticket(&self, id: TicketId) {
        self.desk.push_over(DeskEvent::Ticket(TicketNews { id }));
    }

    /// The kitchen's events from now on.
    pub fn kitchen(&self) -> impl Stream<Item = (u64, Arc<KitchenEvent>)> + Send + use<> {
        self.kitchen.follow(self.kitchen.newest())
    }

    /// The desk's events from now on.
    pub fn desk(&self) -> impl Stream<Item = (u64, Arc<DeskEvent>)> + Send + use<> {
        self.desk.follow(self.desk.newest())
    }
}

impl Default for StaffNews {
    fn default() -> Self {
        Self::new()
    }
}
