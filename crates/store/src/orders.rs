//! Orders: placed once, whatever the network does, and moved step by step through the kitchen.

use std::collections::BTreeSet;

use concierge::ledger::{Checkout, Event, Line, OrderId, OrderState, PlacedOrder, Totals};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Result, SessionId, Store, StoreError,
    sessions::{append, touch},
};

/// A placed order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// The order.
    pub id: OrderId,
    /// The day that its number counts in, such as `2026-05-31`.
    pub day: String,
    /// Its number of the day, from 1: what guests and kitchen call it.
    pub number: u32,
    /// How far it is.
    pub state: OrderState,
    /// What was ordered.
    pub lines: Vec<Line>,
    /// What the guest must not have.
    pub allergies: BTreeSet<String>,
    /// What was to be paid.
    pub totals: Totals,
    /// When it was placed.
    pub placed: i64,
    /// When its state changed last.
    pub changed: i64,
}

impl From<&Order> for PlacedOrder {
    fn from(order: &Order) -> Self {
        Self { id: order.id, number: order.number, at: order.placed, lines: order.lines.clone(), totals: order.totals }
    }
}

/// A step of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderChange {
    /// The state from then on.
    pub state: OrderState,
    /// Who did it: `guest`, or the name of a member of staff.
    pub by: String,
    /// When.
    pub at: i64,
}

/// An order to be placed.
#[derive(Clone, Copy, Debug)]
pub struct Placement<'a> {
    /// Whose it is.
    pub session: &'a SessionId,
    /// The client's key for this order: sent again, it gives the same answer and no second order.
    pub key: &'a str,
    /// The request as sent, to tell a repetition from another request under the same key.
    pub body: &'a [u8],
    /// How many events the cart had when it was checked out.
    pub expected: u64,
    /// The checked-out cart.
    pub checkout: &'a Checkout,
    /// The restaurant's day, such as `2026-05-31`.
    pub day: &'a str,
    /// When.
    pub at: i64,
}

/// The answer to a placement: it is on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipted {
    /// The order.
    pub order: OrderId,
    /// Its number of the day.
    pub number: u32,
    /// When it was placed.
    pub at: i64,
    /// What is to be paid.
    pub totals: Totals,
    /// How many events the cart has since.
    pub seq: u64,
    /// Whether this is the stored answer to an earlier request with the same key.
    #[serde(skip)]
    pub replayed: bool,
}

const COLUMNS: &str = "id, day, number, state, lines, allergies, totals, placed, changed";

impl Store {
    /// Places an order: its number, its lines, the cart's events and the answer under the key are one transaction.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`] for a known key with another body, [`StoreError::Stale`] where the cart was changed
    /// since it was checked out, not found, locked or full.
    pub fn place(&self, placement: &Placement<'_>) -> Result<Receipted> {
        let Placement { session, key, body, expected, checkout, day, at } = *placement;
        if key.is_empty() || key.len() > 200 {
            return Err(StoreError::Invalid("an idempotency key has 1 to 200 bytes"));
        }
        if checkout.lines.is_empty() || day.is_empty() || day.len() > 20 {
            return Err(StoreError::Invalid("there is nothing to place"));
        }
        let body_hash = Sha256::digest(body);
        self.write(|db| {
            touch(db, session, at)?;
            if let Some(answer) = stored_answer(db, session, key, &body_hash)? {
                return Ok(answer);
            }
            let number: u32 = db
                .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM orders WHERE day = ?1")?
                .query_row([day], |row| row.get(0))?;
            let totals = checkout.totals;
            db.prepare_cached(
                "INSERT INTO orders (session, day, number, state, lines, allergies, totals, total, placed, changed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
            )?
            .execute(params![
                session.as_str(),
                day,
                number,
                OrderState::Received.as_str(),
                serde_json::to_string(&checkout.lines)?,
                serde_json::to_string(&checkout.allergies)?,
                serde_json::to_string(&totals)?,
                totals.total.0,
                at
            ])?;
            let order = OrderId(db.last_insert_rowid());
            note(db, order, OrderState::Received, "guest", at)?;
            let mut events = checkout.events.clone();
            events.push(Event::Placed { order, number, at, totals });
            let seq = append(db, session, expected, &events, at)?;
            let answer = Receipted { order, number, at, totals, seq, replayed: false };
            db.prepare_cached(
                "INSERT INTO idempotency (session, key, body_hash, order_id, answer, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                session.as_str(),
                key,
                body_hash.as_slice(),
                order.0,
                serde_json::to_string(&answer)?,
                at
            ])?;
            Ok(answer)
        })
    }

    /// The order that was placed under a key, if there is one.
    ///
    /// # Errors
    /// The database's.
    pub fn order_under(&self, session: &SessionId, key: &str) -> Result<Option<Order>> {
        self.read(|db| {
            let id = db
                .prepare_cached("SELECT order_id FROM idempotency WHERE session = ?1 AND key = ?2")?
                .query_row(params![session.as_str(), key], |row| row.get(0))
                .optional()?;
            id.map(|id| owned(db, session, OrderId(id))).transpose()
        })
    }

    /// A guest's orders, newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn orders(&self, session: &SessionId, limit: u32) -> Result<Vec<Order>> {
        self.read(|db| {
            let sql = format!("SELECT {COLUMNS} FROM orders WHERE session = ?1 ORDER BY id DESC LIMIT ?2");
            let rows = read_all(db.prepare_cached(&sql)?.query(params![session.as_str(), limit])?)?;
            Ok(rows)
        })
    }

    /// A guest's order.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] also for another guest's.
    pub fn order(&self, session: &SessionId, id: OrderId) -> Result<Order> {
        self.read(|db| owned(db, session, id))
    }

    /// The steps of a guest's order, oldest first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] also for another guest's.
    pub fn order_changes(&self, session: &SessionId, id: OrderId) -> Result<Vec<OrderChange>> {
        self.read(|db| {
            owned(db, session, id)?;
            let mut query =
                db.prepare_cached("SELECT state, by, at FROM order_changes WHERE order_id = ?1 ORDER BY id")?;
            let mut rows = query.query([id.0])?;
            let mut changes = Vec::new();
            while let Some(row) = rows.next()? {
                changes.push(OrderChange { state: state(row, 0)?, by: row.get(1)?, at: row.get(2)? });
            }
            Ok(changes)
        })
    }

    /// Takes a guest's order back, as long as the kitchen has not begun.
    ///
    /// # Errors
    /// [`StoreError::Transition`] afterwards, [`StoreError::NotFound`] also for another guest's.
    pub fn cancel_order(&self, session: &SessionId, id: OrderId, at: i64) -> Result<Order> {
        self.write(|db| {
            let order = owned(db, session, id)?;
            step(db, order, OrderState::Cancelled, "guest", at)
        })
    }

    /// For staff: the orders on the kitchen's board, oldest first: those not finished, and those finished at or after
    /// `since`.
    ///
    /// # Errors
    /// The database's.
    pub fn staff_board(&self, since: i64) -> Result<Vec<Order>> {
        self.read(|db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM orders WHERE state IN ('received', 'preparing', 'ready') OR changed >= ?1
                 ORDER BY id LIMIT 500"
            );
            let rows = read_all(db.prepare_cached(&sql)?.query([since])?)?;
            Ok(rows)
        })
    }

    /// For staff: any order, and whose it is.
    ///
    /// # Errors
    /// Not found.
    pub fn staff_order(&self, id: OrderId) -> Result<(Order, SessionId)> {
        self.read(|db| Ok((any(db, id)?, session_of(db, id)?)))
    }

    /// For staff: moves an order one step, and tells whose it is, so that the guest can be told.
    ///
    /// # Errors
    /// [`StoreError::Transition`] for a step that the order cannot take, not found.
    pub fn staff_advance(&self, id: OrderId, to: OrderState, staff: &str, at: i64) -> Result<(Order, SessionId)> {
        self.write(|db| {
            let order = any(db, id)?;
            Ok((step(db, order, to, staff, at)?, session_of(db, id)?))
        })
    }
}

fn stored_answer(db: &Connection, session: &SessionId, key: &str, hash: &[u8]) -> Result<Option<Receipted>> {
    let stored = db
        .prepare_cached("SELECT body_hash, answer FROM idempotency WHERE session = ?1 AND key = ?2")?
        .query_row(params![session.as_str(), key], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    match stored {
        None => Ok(None),
        Some((stored, _)) if stored != hash => Err(StoreError::KeyReused),
        Some((_, answer)) => Ok(Some(Receipted { replayed: true, ..serde_json::from_str(&answer)? })),
    }
}

fn step(db: &Transaction<'_>, order: Order, to: OrderState, by: &str, at: i64) -> Result<Order> {
    let to = order.state.step(to)?;
    db.prepare_cached("UPDATE orders SET state = ?2, changed = ?3 WHERE id = ?1")?.execute(params![
        order.id.0,
        to.as_str(),
        at
    ])?;
    note(db, order.id, to, by, at)?;
    Ok(Order { state: to, changed: at, ..order })
}

fn note(db: &Transaction<'_>, order: OrderId, state: OrderState, by: &str, at: i64) -> Result<()> {
    db.prepare_cached("INSERT INTO order_changes (order_id, state, by, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![order.0, state.as_str(), by, at])?;
    Ok(())
}

/// A guest's order; another guest's is not found.
pub(crate) fn owned(db: &Connection, session: &SessionId, id: OrderId) -> Result<Order> {
    let sql = format!("SELECT {COLUMNS} FROM orders WHERE id = ?1 AND session = ?2");
    let rows = read_all(db.prepare_cached(&sql)?.query(params![id.0, session.as_str()])?)?;
    rows.into_iter().next().ok_or(StoreError::NotFound("order"))
}

fn any(db: &Connection, id: OrderId) -> Result<Order> {
    let sql = format!("SELECT {COLUMNS} FROM orders WHERE id = ?1");
    let rows = read_all(db.prepare_cached(&sql)?.query([id.0])?)?;
    rows.into_iter().next().ok_or(StoreError::NotFound("order"))
}

fn session_of(db: &Connection, id: OrderId) -> Result<SessionId> {
    let session = db
        .prepare_cached("SELECT session FROM orders WHERE id = ?1")?
        .query_row([id.0], |row| row.get::<_, String>(0))
        .optional()?;
    session.ok_or(StoreError::NotFound("order"))?.parse()
}

fn read_all(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Order>> {
    let mut orders = Vec::new();
    while let Some(row) = rows.next()? {
        orders.push(Order {
            id: OrderId(row.get(0)?),
            day: row.get(1)?,
            number: row.get(2)?,
            state: state(row, 3)?,
            lines: serde_json::from_str(&row.get::<_, String>(4)?)?,
            allergies: serde_json::from_str(&row.get::<_, String>(5)?)?,
            totals: serde_json::from_str(&row.get::<_, String>(6)?)?,
            placed: row.get(7)?,
            changed: row.get(8)?,
        });
    }
    Ok(orders)
}

fn state(row: &Row<'_>, at: usize) -> Result<OrderState> {
    row.get::<_, String>(at)?.parse().map_err(StoreError::Failed)
}
