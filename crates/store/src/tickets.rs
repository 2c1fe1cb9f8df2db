//! Complaints as tickets with a thread, and what was given to settle them.

use concierge::ledger::{ComplaintKind, Event, Granted, OrderId, RemedyKind};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::{
    Result, SessionId, Speaker, Store, StoreError,
    orders::owned,
    sessions::{append, bounded, touch},
};

/// A ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketId(pub i64);

/// How far a ticket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketState {
    /// The manager in the chat deals with it.
    Open,
    /// It waits for a person, or a person has taken it.
    WithStaff,
    /// Settled.
    Closed,
}

impl TicketState {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::WithStaff => "with_staff",
            Self::Closed => "closed",
        }
    }

    fn read(text: &str) -> Result<Self> {
        let all = [Self::Open, Self::WithStaff, Self::Closed];
        let state = all.into_iter().find(|state| state.as_str() == text);
        state.ok_or_else(|| StoreError::Failed(format!("\"{text}\" is not a state of a ticket")))
    }
}

/// A ticket to be opened.
#[derive(Clone, Copy, Debug)]
pub struct NewTicket<'a> {
    /// The order that it is about; the guest's own.
    pub order: Option<OrderId>,
    /// What the complaint is.
    pub kind: ComplaintKind,
    /// A name for the desk.
    pub title: &'a str,
}

/// A complaint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ticket {
    /// The ticket.
    pub id: TicketId,
    /// The order that it is about.
    pub order: Option<OrderId>,
    /// What the complaint is, by its name on the wire.
    pub kind: String,
    /// A name for the desk.
    pub title: String,
    /// How far it is.
    pub state: TicketState,
    /// When it was opened.
    pub opened: i64,
    /// When it was changed last.
    pub changed: i64,
}

/// An entry of a ticket's thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TicketMessage {
    /// Who wrote it: a role of the chat, or the name of a member of staff.
    pub author: String,
    /// The words.
    pub text: String,
    /// When.
    pub at: i64,
}

/// Something given to a guest, on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// What.
    pub granted: Granted,
    /// The code of a voucher, shown at the next visit.
    pub voucher: Option<String>,
    /// How many events the cart has since.
    pub seq: u64,
}

const COLUMNS: &str = "id, order_id, kind, title, state, opened, changed";

impl Store {
    /// Opens a ticket for a guest.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] also where the order is another guest's.
    pub fn open_ticket(&self, session: &SessionId, ticket: NewTicket<'_>, at: i64) -> Result<Ticket> {
        let title = bounded(ticket.title.to_owned(), "the title is too long")?;
        self.write(|db| {
            touch(db, session, at)?;
            if let Some(order) = ticket.order {
                owned(db, session, order)?;
            }
            db.prepare_cached(
                "INSERT INTO tickets (session, order_id, kind, title, state, opened, changed)
                 VALUES (?1, ?2, ?3, ?4, 'open', ?5, ?5)",
            )?
            .execute(params![
                session.as_str(),
                ticket.order.map(|id| id.0),
                ticket.kind.as_str(),
                title,
                at
            ])?;
            Ok(Ticket {
                id: TicketId(db.last_insert_rowid()),
                order: ticket.order,
                kind: ticket.kind.as_str().to_owned(),
                title,
                state: TicketState::Open,
                opened: at,
                changed: at,
            })
        })
    }

    /// A guest's tickets, newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn tickets(&self, session: &SessionId) -> Result<Vec<Ticket>> {
        self.read(|db| {
            let sql = format!("SELECT {COLUMNS} FROM tickets WHERE session = ?1 ORDER BY id DESC LIMIT 100");
            let mut query = db.prepare_cached(&sql)?;
            let mut rows = query.query([session.as_str()])?;
            let mut tickets = Vec::new();
            while let Some(row) = rows.next()? {
                tickets.push(ticket(row)?);
            }
            Ok(tickets)
        })
    }

    /// A guest's ticket with its thread.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] also for another guest's.
    pub fn ticket(&self, session: &SessionId, id: TicketId) -> Result<(Ticket, Vec<TicketMessage>)> {
        self.read(|db| {
            let (ticket, owner) = any(db, id)?;
            if owner != *session {
                return Err(StoreError::NotFound("ticket"));
            }
            Ok((ticket, thread(db, id)?))
        })
    }

    /// Adds to the thread of a guest's ticket, as the guest or as an agent of the chat.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] also for another guest's; too long, locked or full.
    pub fn add_to_ticket(&self, session: &SessionId, id: TicketId, by: Speaker, text: &str, at: i64) -> Result<()> {
        self.write(|db| {
            if any(db, id)?.1 != *session {
                return Err(StoreError::NotFound("ticket"));
            }
            add(db, id, by.as_str(), text, at)
        })
    }

    /// Moves a guest's ticket on: handed to staff by the chat, or settled.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] also for another guest's.
    pub fn set_ticket(&self, session: &SessionId, id: TicketId, state: TicketState, at: i64) -> Result<()> {
        self.write(|db| {
            if any(db, id)?.1 != *session {
                return Err(StoreError::NotFound("ticket"));
            }
            set(db, id, state, at)
        })
    }

    /// For staff: the tickets that are not settled, oldest first, and whose they are.
    ///
    /// # Errors
    /// The database's.
    pub fn staff_tickets(&self) -> Result<Vec<(Ticket, SessionId)>> {
        self.read(|db| {
            let sql = format!("SELECT {COLUMNS}, session FROM tickets WHERE state <> 'closed' ORDER BY id LIMIT 500");
            let mut query = db.prepare_cached(&sql)?;
            let mut rows = query.query([])?;
            let mut tickets = Vec::new();
            while let Some(row) = rows.next()? {
                tickets.push((ticket(row)?, row.get::<_, String>(7)?.parse()?));
            }
            Ok(tickets)
        })
    }

    /// For staff: a ticket, its thread and whose it is.
    ///
    /// # Errors
    /// Not found.
    pub fn staff_ticket(&self, id: TicketId) -> Result<(Ticket, Vec<TicketMessage>, SessionId)> {
        self.read(|db| {
            let (ticket, owner) = any(db, id)?;
            Ok((ticket, thread(db, id)?, owner))
        })
    }

    /// For staff: takes over the conversation that a ticket is about, from the agents or from a colleague. Until it is
    /// handed back, or [`HOLD_LASTS`](crate::HOLD_LASTS) is over, the agents are silent in it.
    ///
    /// # Errors
    /// Not found, locked or full.
    pub fn staff_take(&self, id: TicketId, staff: &str, at: i64) -> Result<SessionId> {
        self.write(|db| take(db, id, staff, at))
    }

    /// For staff: takes the conversation over and writes in the ticket's thread and to the guest's chat at once.
    ///
    /// # Errors
    /// Not found, too long, locked or full.
    pub fn staff_answer(&self, id: TicketId, staff: &str, turn: &str, text: &str, at: i64) -> Result<SessionId> {
        self.write(|db| {
            let owner = take(db, id, staff, at)?;
            add(db, id, staff, text, at)?;
            db.prepare_cached(
                "INSERT INTO messages (session, turn, role, text, at, author) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![owner.as_str(), turn, Speaker::Staff.as_str(), text, at, staff])?;
            Ok(owner)
        })
    }

    /// For staff: hands the conversation back to the agents, with the ticket settled or open.
    ///
    /// # Errors
    /// Not found, locked or full.
    pub fn staff_hand_back(&self, id: TicketId, state: TicketState, at: i64) -> Result<SessionId> {
        self.write(|db| {
            let (_, owner) = any(db, id)?;
            set(db, id, state, at)?;
            db.prepare_cached("UPDATE sessions SET holder = NULL, held = NULL WHERE id = ?1")?
                .execute([owner.as_str()])?;
            Ok(owner)
        })
    }

    /// Gives a guest what the policy granted: the ledger's event, the remedy and its voucher are one transaction.
    ///
    /// # Errors
    /// [`StoreError::ExceedsPaid`] where all that was given for the order would be more than was paid for it,
    /// [`StoreError::Stale`] where the cart was changed since, [`StoreError::NotFound`] also for another guest's.
    pub fn grant(
        &self,
        session: &SessionId,
        expected: u64,
        granted: &Granted,
        ticket: Option<TicketId>,
    ) -> Result<Remedy> {
        self.write(|db| {
            if ticket.map(|id| any(db, id)).transpose()?.is_some_and(|(_, owner)| owner != *session) {
                return Err(StoreError::NotFound("ticket"));
            }
            grant(db, session, expected, granted, ticket)
        })
    }

    /// For staff: takes a voucher at the counter, once, and tells its worth.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown code and for one that was taken before.
    pub fn staff_redeem(&self, code: &str, staff: &str, at: i64) -> Result<Granted> {
        let code = code.trim().to_uppercase();
        self.write(|db| {
            let granted = db
                .prepare_cached(
                    "UPDATE remedies SET redeemed = ?2, redeemed_by = ?3 WHERE voucher = ?1 AND redeemed IS NULL
                     RETURNING granted",
                )?
                .query_row(params![code, at, staff], |row| row.get::<_, String>(0))
                .optional()?;
            Ok(serde_json::from_str(&granted.ok_or(StoreError::NotFound("voucher that can still be used"))?)?)
        })
    }
}

/// Gives a remedy within a transaction.
pub(crate) fn grant(
    db: &Transaction<'_>,
    session: &SessionId,
    expected: u64,
    granted: &Granted,
    ticket: Option<TicketId>,
) -> Result<Remedy> {
    touch(db, session, granted.at)?;
    let order = owned(db, session, granted.order)?;
    let before: i64 = db
        .prepare_cached("SELECT coalesce(sum(amount), 0) FROM remedies WHERE order_id = ?1")?
        .query_row([granted.order.0], |row| row.get(0))?;
    if granted.amount.is_negative() || granted.amount.0 > order.totals.total.0 - before {
        return Err(StoreError::ExceedsPaid);
    }
    let event = Event::RemedyGranted { granted: granted.clone() };
    let seq = append(db, session, expected, &[event], granted.at)?;
    let voucher = (granted.remedy == RemedyKind::Voucher).then(voucher_code);
    db.prepare_cached(
        "INSERT INTO remedies (session, order_id, ticket, granted, amount, at, voucher)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        session.as_str(),
        granted.order.0,
        ticket.map(|id| id.0),
        serde_json::to_string(granted)?,
        granted.amount.0,
        granted.at,
        voucher
    ])?;
    Ok(Remedy { granted: granted.clone(), voucher, seq })
}

/// Twelve letters and digits that are not mistaken for each other: 60 bits.
fn voucher_code() -> String {
    const SIGNS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let random = rand::random::<u64>();
    (0..12).map(|at| char::from(SIGNS[(random >> (5 * at) & 31) as usize])).collect()
}

fn any(db: &Connection, id: TicketId) -> Result<(Ticket, SessionId)> {
    let sql = format!("SELECT {COLUMNS}, session FROM tickets WHERE id = ?1");
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query([id.0])?;
    let row = rows.next()?.ok_or(StoreError::NotFound("ticket"))?;
    Ok((ticket(row)?, row.get::<_, String>(7)?.parse()?))
}

fn take(db: &Connection, id: TicketId, staff: &str, at: i64) -> Result<SessionId> {
    let (_, owner) = any(db, id)?;
    set(db, id, TicketState::WithStaff, at)?;
    db.prepare_cached("UPDATE sessions SET holder = ?2, held = ?3 WHERE id = ?1")?.execute(params![
        owner.as_str(),
        staff,
        at
    ])?;
    Ok(owner)
}

fn ticket(row: &Row<'_>) -> Result<Ticket> {
    Ok(Ticket {
        id: TicketId(row.get(0)?),
        order: row.get::<_, Option<i64>>(1)?.map(OrderId),
        kind: row.get(2)?,
        title: row.get(3)?,
        state: TicketState::read(&row.get::<_, String>(4)?)?,
        opened: row.get(5)?,
        changed: row.get(6)?,
    })
}

fn thread(db: &Connection, id: TicketId) -> Result<Vec<TicketMessage>> {
    let mut query =
        db.prepare_cached("SELECT author, text, at FROM ticket_messages WHERE ticket = ?1 ORDER BY id LIMIT 1000")?;
    let rows =
        query.query_map([id.0], |row| Ok(TicketMessage { author: row.get(0)?, text: row.get(1)?, at: row.get(2)? }))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn add(db: &Connection, id: TicketId, author: &str, text: &str, at: i64) -> Result<()> {
    let text = bounded(text.to_owned(), "the message is too long")?;
    db.prepare_cached("INSERT INTO ticket_messages (ticket, author, text, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id.0, author, text, at])?;
    db.prepare_cached("UPDATE tickets SET changed = ?2 WHERE id = ?1")?.execute(params![id.0, at])?;
    Ok(())
}

fn set(db: &Connection, id: TicketId, state: TicketState, at: i64) -> Result<()> {
    db.prepare_cached("UPDATE tickets SET state = ?2, changed = ?3 WHERE id = ?1")?.execute(params![
        id.0,
        state.as_str(),
        at
    ])?;
    Ok(())
}
