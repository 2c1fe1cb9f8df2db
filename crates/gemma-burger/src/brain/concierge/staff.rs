//! The staff's work on the store.

use concierge::{
    intent::AgentName,
    ledger::{Certainty, Line, OrderId, OrderState, Receipt, conflicts_of_line},
    menu::Menu,
    order::Amount,
    turn::Memory,
};
use store::{Order, SessionId, StaffToken, StoreError, Ticket, TicketId, TicketState};

use super::{
    clock::rfc3339,
    convert,
    decide::with_a_person,
    manner::{AGENTS, AdapterName, MannerView, SelfTest},
    turn::{self, Parts},
};
use crate::{
    brain::{
        orders::missing,
        staff::{
            Conversation, KitchenLine, KitchenOrder, Staff, StaffNews, TicketCard, manner_refusal, sign_in_first,
            wrong_password,
        },
        wire::{self, OrderNews, Person, SessionEvent, StaffWords, TurnId},
    },
    http::{ApiError, ErrorCode},
};

/// Seconds that a served order stays on the board.
const SERVED_SHOWN: i64 = 3_600;
/// Messages of a conversation, and orders of its guest, that the desk shows.
const MESSAGES_SHOWN: u32 = 200;
const ORDERS_SHOWN: u32 = 10;

impl Staff for Parts {
    fn sign_in(&self, name: &str, password: &str, seconds: i64) -> Result<StaffToken, ApiError> {
        let now = self.clock().now().unix;
        self.store.sign_in(name, password, now, now + seconds).map_err(|error| match error {
            StoreError::NotFound(_) => wrong_password(),
            other => refusal(&other),
        })
    }

    fn signed_in(&self, token: &str) -> Result<String, ApiError> {
        self.store.signed_in(token, self.clock().now().unix).map_err(|error| match error {
            StoreError::NotFound(_) => sign_in_first(),
            other => refusal(&other),
        })
    }

    fn sign_out(&self, token: &str) -> Result<(), ApiError> {
        self.store.sign_out(token).map_err(|error| refusal(&error))
    }

    fn board(&self) -> Result<Vec<KitchenOrder>, ApiError> {
        let since = self.clock().now().unix - SERVED_SHOWN;
        let orders = self.store.staff_board(since).map_err(|error| refusal(&error))?;
        let shown = orders.iter().filter(|order| order.state != OrderState::Cancelled);
        Ok(shown.map(|order| kitchen_order(&self.resources.world.menu, order)).collect())
    }

    fn advance(&self, order: OrderId, to: OrderState, by: &str) -> Result<KitchenOrder, ApiError> {
        let menu = &self.resources.world.menu;
        let now = self.clock().now().unix;
        self.news.show_order(|| {
            let (order, guest) = self.store.staff_advance(order, to, by, now).map_err(|error| refusal(&error))?;
            self.tell_guest(&guest, SessionEvent::Order(convert::order(menu, &order)));
            Ok(kitchen_order(menu, &order))
        })
    }

    fn receipt(&self, order: OrderId) -> Result<Receipt, ApiError> {
        let (order, _) = self.store.staff_order(order).map_err(|error| refusal(&error))?;
        Ok(self.receipt_of(&order))
    }

    fn tickets(&self) -> Result<Vec<TicketCard>, ApiError> {
        let tickets = self.store.staff_tickets().map_err(|error| refusal(&error))?;
        Ok(tickets.iter().map(|(ticket, guest)| self.card(ticket, guest)).collect())
    }

    fn ticket(&self, id: TicketId) -> Result<Conversation, ApiError> {
        let conversation = || {
            let (ticket, _, guest) = self.store.staff_ticket(id)?;
            let said = self.store.messages(&guest, MESSAGES_SHOWN)?;
            let orders = self.store.orders(&guest, ORDERS_SHOWN)?;
            Ok(Conversation {
                ticket: self.card(&ticket, &guest),
                messages: said.iter().map(convert::message).collect(),
                orders: orders.iter().map(|order| self.order_for_staff(order)).collect(),
            })
        };
        conversation().map_err(|error: StoreError| refusal(&error))
    }

    fn take(&self, id: TicketId, by: &str) -> Result<TicketCard, ApiError> {
        let now = self.clock().now().unix;
        let guest = self.store.staff_take(id, by, now).map_err(|error| refusal(&error))?;
        self.tell_guest(&guest, SessionEvent::Person(Person { name: Some(by.to_owned()) }));
        self.touched(id)
    }

    fn reply(&self, id: TicketId, by: &str, text: &str) -> Result<TicketCard, ApiError> {
        let (turn, now) = (TurnId::random(), self.clock().now().unix);
        let guest = self.store.staff_answer(id, by, turn.as_str(), text, now).map_err(|error| refusal(&error))?;
        self.tell_guest(&guest, SessionEvent::Person(Person { name: Some(by.to_owned()) }));
        let words = StaffWords { text: text.to_owned(), name: Some(by.to_owned()) };
        self.tell_guest(&guest, SessionEvent::Staff(words));
        self.touched(id)
    }

    fn hand_back(&self, id: TicketId) -> Result<TicketCard, ApiError> {
        self.give_back(id, TicketState::Open)
    }

    fn close(&self, id: TicketId) -> Result<TicketCard, ApiError> {
        self.give_back(id, TicketState::Closed)
    }

    fn manner(&self) -> Result<MannerView, ApiError> {
        Ok(self.manner.view())
    }

    fn change_manner(&self, agent: Option<AgentName>, to: Option<&AdapterName>) -> Result<MannerView, ApiError> {
        self.manner.change(&agents(agent), to, &self.self_test()).map_err(|error| manner_refusal(&error))?;
        Ok(self.manner.view())
    }

    fn roll_manner_back(&self, agent: Option<AgentName>) -> Result<MannerView, ApiError> {
        self.manner.roll_back(&agents(agent), &self.self_test()).map_err(|error| manner_refusal(&error))?;
        Ok(self.manner.view())
    }

    fn news(&self) -> &StaffNews {
        &self.news
    }
}

/// The agent that was named, or both.
fn agents(named: Option<AgentName>) -> Vec<AgentName> {
    named.map_or_else(|| AGENTS.to_vec(), |agent| vec![agent])
}

impl Parts {
    fn self_test(&self) -> SelfTest<'_> {
        let world = &self.resources.world;
        SelfTest { personas: &world.personas, mentions: &world.mentions, house: &world.menu.name }
    }

    /// Shows an order to the kitchen that was placed a moment ago. Where that fails, the board finds it when it is
    /// opened next; the guest's turn goes on.
    pub(super) fn show_placed(&self, id: OrderId) {
        let order = || Ok(kitchen_order(&self.resources.world.menu, &self.store.staff_order(id)?.0));
        let shown: Result<KitchenOrder, StoreError> = self.news.show_order(order);
        if let Err(error) = shown {
            tracing::error!(%error, order = id.0, "the kitchen was not told of an order");
        }
    }

    /// Tells the desk that something was said in a conversation of which it has a ticket.
    pub(super) fn tell_desk(&self, session: &SessionId) {
        let tickets = self.store.tickets(session).unwrap_or_default();
        for ticket in tickets.iter().filter(|ticket| ticket.state != TicketState::Closed) {
            self.news.touch_ticket(ticket.id);
        }
    }

    /// Hands a ticket's conversation back to the agents, who begin afresh: what they asked before the person came is
    /// not open any more.
    fn give_back(&self, id: TicketId, state: TicketState) -> Result<TicketCard, ApiError> {
        let now = self.clock().now().unix;
        let back = || {
            let guest = self.store.staff_hand_back(id, state, now)?;
            let memory = Memory { handed_over: false, ..with_a_person(&self.store.session(&guest)?) };
            self.store.save_state(&guest, &serde_json::to_value(memory).unwrap_or_default(), now)?;
            Ok(guest)
        };
        let guest = back().map_err(|error: StoreError| refusal(&error))?;
        self.tell_guest(&guest, SessionEvent::Person(Person { name: None }));
        self.touched(id)
    }

    /// An order with the staff's own way to its receipt.
    fn order_for_staff(&self, order: &Order) -> OrderNews {
        let news = convert::order(&self.resources.world.menu, order);
        OrderNews { receipt_url: format!("/kitchen{}", news.receipt_url), ..news }
    }

    pub(super) fn tell_guest(&self, guest: &SessionId, event: SessionEvent) {
        if let Some(session) = wire::SessionId::parse(guest.as_str()) {
            self.bus.publish(&session, event);
        }
    }

    /// The ticket as it is after a change, of which the desk is told.
    fn touched(&self, id: TicketId) -> Result<TicketCard, ApiError> {
        self.news.touch_ticket(id);
        let (ticket, _, guest) = self.store.staff_ticket(id).map_err(|error| refusal(&error))?;
        Ok(self.card(&ticket, &guest))
    }

    fn card(&self, ticket: &Ticket, guest: &SessionId) -> TicketCard {
        let now = self.clock().now().unix;
        let known = self.store.session(guest).ok();
        let order = ticket.order.and_then(|order| self.store.staff_order(order).ok());
        TicketCard {
            id: ticket.id,
            title: ticket.title.clone(),
            kind: ticket.kind.clone(),
            state: ticket.state,
            opened_at: rfc3339(ticket.opened),
            changed_at: rfc3339(ticket.changed),
            order_number: order.map(|(order, _)| order.number),
            holder: known.and_then(|known| known.holder(now).map(str::to_owned)),
        }
    }
}

fn kitchen_order(menu: &Menu, order: &Order) -> KitchenOrder {
    KitchenOrder {
        order_id: order.id.0.to_string(),
        number: order.number,
        state: order.state,
        placed_at: rfc3339(order.placed),
        lines: order.lines.iter().map(kitchen_line).collect(),
        allergens: order.allergies.iter().cloned().collect(),
        notes: order.lines.iter().flat_map(|line| notes(menu, order, line)).collect(),
    }
}

fn kitchen_line(line: &Line) -> KitchenLine {
    let options = line.options.iter().map(|option| {
        let count = if option.count > 1 { format!("{} × ", option.count) } else { String::new() };
        let amount = match option.amount {
            Some(Amount::Extra) => "extra ",
            Some(Amount::Light) => "light ",
            None => "",
        };
        format!("{count}{amount}{}", option.name)
    });
    KitchenLine {
        quantity: line.quantity,
        name: line.name.clone(),
        size: line.size.as_ref().map(|size| size.name.clone()),
        options: options.collect(),
        without: line.without.iter().map(|left| left.name.clone()).collect(),
    }
}

/// What the cook must know of a line when its guest has an allergy.
fn notes(menu: &Menu, order: &Order, line: &Line) -> Vec<String> {
    let conflicts = conflicts_of_line(menu, line, &order.allergies).into_iter();
    conflicts
        .map(|conflict| {
            let (name, allergen) = (&conflict.name, &conflict.allergen);
            match conflict.certainty {
                Certainty::Certain if line.accepted.contains(allergen) => {
                    format!("{name} contains {allergen}: the guest knows and wants it")
                }
                Certainty::Certain => format!("{name} contains {allergen}: ask the guest before making it"),
                Certainty::Unknown => format!("{name} may contain {allergen}: check before making it"),
            }
        })
        .collect()
}

/// What of a store's trouble the staff are told.
fn refusal(error: &StoreError) -> ApiError {
    match error {
        StoreError::NotFound(what) => missing(what),
        StoreError::Transition(step) => ApiError::new(ErrorCode::Conflict, sentence(&step.to_string())),
        StoreError::Invalid(why) => ApiError::new(ErrorCode::Invalid, sentence(why)),
        other => turn::refusal(other),
    }
}

/// A reason as a whole sentence.
fn sentence(reason: &str) -> String {
    let mut signs = reason.chars();
    signs.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), signs.as_str()))
}
