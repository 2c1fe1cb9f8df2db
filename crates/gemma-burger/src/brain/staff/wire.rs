//! What goes over the wire between the staff's screens and the brain.

use concierge::ledger::OrderState;
use serde::{Deserialize, Serialize};
use store::{TicketId, TicketState};

use crate::brain::wire::{OrderNews, PastMessage};

/// What the kitchen's stream tells. It begins with a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum KitchenEvent {
    /// The whole board.
    Snapshot {
        /// Oldest first.
        orders: Vec<KitchenOrder>,
    },
    /// An order as it is now: new, or moved on.
    Order(KitchenOrder),
}

/// An order as the kitchen sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitchenOrder {
    /// Its id.
    pub order_id: String,
    /// The number that is called out.
    pub number: u32,
    /// How far it is.
    pub state: OrderState,
    /// When it was placed, as RFC 3339.
    pub placed_at: String,
    /// What to make.
    pub lines: Vec<KitchenLine>,
    /// What the guest must not have.
    pub allergens: Vec<String>,
    /// What to look out for, line by line.
    pub notes: Vec<String>,
}

/// A line of an order in the kitchen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitchenLine {
    /// How many.
    pub quantity: u32,
    /// The item's name.
    pub name: String,
    /// The size's name.
    pub size: Option<String>,
    /// What is added or chosen, in words.
    pub options: Vec<String>,
    /// What is left out.
    pub without: Vec<String>,
}

/// What the desk's stream tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum DeskEvent {
    /// Something about a ticket is new; ask for it again.
    Ticket(TicketNews),
}

/// Which ticket has news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketNews {
    /// The ticket.
    pub id: TicketId,
}

/// A ticket in the desk's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketCard {
    /// The ticket.
    pub id: TicketId,
    /// A name for it.
    pub title: String,
    /// What the complaint is.
    pub kind: String,
    /// How far it is.
    pub state: TicketState,
    /// When it was opened, as RFC 3339.
    pub opened_at: String,
    /// When it was changed last, as RFC 3339.
    pub changed_at: String,
    /// The number of the order that it is about.
    pub order_number: Option<u32>,
    /// Who of the staff has the conversation.
    pub holder: Option<String>,
}

/// A ticket with everything that staff need to answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The ticket.
    pub ticket: TicketCard,
    /// What was said in the guest's chat, oldest first.
    pub messages: Vec<PastMessage>,
    /// The guest's last orders, newest first.
    pub orders: Vec<OrderNews>,
}
