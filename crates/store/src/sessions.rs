//! Guests' sessions: what was said, and the events of the cart.

use std::{fmt, str::FromStr};

use concierge::ledger::{Cart, Event};
use rusqlite::{OptionalExtension, Transaction, params, types::Type};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Result, Store, StoreError};

/// The longest message, and the largest state and event, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// A guest's session: 128 random bits in hexadecimal. Whoever knows it is the guest.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SessionId(String);

impl SessionId {
    fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// The id as it stands in a cookie.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name for it in files and at a terminal, which lets nobody in.
    #[must_use]
    pub fn label(&self) -> String {
        let hash = Sha256::digest(format!("label of a session: {}", self.0));
        hex::encode(&hash[..6])
    }
}

impl FromStr for SessionId {
    type Err = StoreError;

    /// Takes the form of an id; whether there is such a session is another question.
    fn from_str(text: &str) -> Result<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 32 && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(StoreError::NotFound("session"))
        }
    }
}

impl fmt::Debug for SessionId {
    /// Logs never hold what lets somebody in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({}…)", &self.0[..6])
    }
}

/// How long a member of staff has a conversation after their last word in it, in seconds. Whoever forgets to hand it
/// back leaves no guest without an answer for good.
pub const HOLD_LASTS: i64 = 60 * 60;

/// Who of the staff has a conversation; the agents are silent in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// The member of staff.
    pub staff: String,
    /// When they took it, or wrote in it last.
    pub at: i64,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub created: i64,
    /// When the guest was last heard of.
    pub seen: i64,
    /// What the agents remember, as they wrote it.
    pub state: Option<serde_json::Value>,
    /// Who of the staff took the conversation last and has not handed it back.
    pub hold: Option<Hold>,
}

impl Session {
    /// Who of the staff has the conversation at a time.
    #[must_use]
    pub fn holder(&self, at: i64) -> Option<&str> {
        self.hold.as_ref().filter(|hold| at < hold.at + HOLD_LASTS).map(|hold| hold.staff.as_str())
    }
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The guest.
    Guest,
    /// The clerk.
    Rosy,
    /// The manager.
    Gordon,
    /// A person of the staff.
    Staff,
}

impl Speaker {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Rosy => "rosy",
            Self::Gordon => "gordon",
            Self::Staff => "staff",
        }
    }

    fn read(text: &str) -> rusqlite::Result<Self> {
        let all = [Self::Guest, Self::Rosy, Self::Gordon, Self::Staff];
        all.into_iter()
            .find(|speaker| speaker.as_str() == text)
            .ok_or_else(|| rusqlite::Error::InvalidColumnType(0, "role".to_owned(), Type::Text))
    }
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Ascending within a session.
    pub id: i64,
    /// The turn that it belongs to.
    pub turn: String,
    /// Who said it.
    pub role: Speaker,
    /// Which member of staff said it.
    pub author: Option<String>,
    /// The words.
    pub text: String,
    /// When.
    pub at: i64,
}

/// A session's cart as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartLog {
    /// How many events there are: what the next change must name.
    pub seq: u64,
    /// The events, oldest first.
    pub events: Vec<Event>,
}

impl CartLog {
    /// The cart that the events made.
    #[must_use]
    pub fn cart(&self) -> Cart {
        Cart::fold(&self.events)
    }
}

impl Store {
    /// Begins a session.
    ///
    /// # Errors
    /// Locked or full.
    pub fn create_session(&self, at: i64) -> Result<Session> {
        let id = SessionId::random();
        self.write(|db| {
            db.prepare_cached("INSERT INTO sessions (id, created, seen) VALUES (?1, ?2, ?2)")?
                .execute(params![id.as_str(), at])?;
            Ok(())
        })?;
        Ok(Session { id, created: at, seen: at, state: None, hold: None })
    }

    /// A session by its id; it begins where there is none yet. The id was made by whoever signs it for the guest.
    ///
    /// # Errors
    /// Locked or full.
    pub fn open_session(&self, id: &SessionId, at: i64) -> Result<Session> {
        match self.session(id) {
            Err(StoreError::NotFound(_)) => {}
            known => return known,
        }
        self.write(|db| {
            db.prepare_cached("INSERT OR IGNORE INTO sessions (id, created, seen) VALUES (?1, ?2, ?2)")?
                .execute(params![id.as_str(), at])?;
            Ok(())
        })?;
        self.session(id)
    }

    /// A session by its id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is none.
    pub fn session(&self, id: &SessionId) -> Result<Session> {
        let row = self.read(|db| {
            db.prepare_cached("SELECT created, seen, state, holder, held FROM sessions WHERE id = ?1")?
                .query_row([id.as_str()], |row| {
                    let staff: Option<String> = row.get(3)?;
                    let hold =
                        staff.map(|staff| Ok::<_, rusqlite::Error>(Hold { staff, at: row.get(4)? })).transpose()?;
                    Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<String>>(2)?, hold))
                })
                .optional()
                .map_err(StoreError::from)
        })?;
        let (created, seen, state, hold) = row.ok_or(StoreError::NotFound("session"))?;
        let state = state.map(|text| serde_json::from_str(&text)).transpose()?;
        Ok(Session { id: id.clone(), created, seen, state, hold })
    }

    /// Stores what the agents remember, and that the guest was heard of.
    ///
    /// # Errors
    /// Not found, too large, locked or full.
    pub fn save_state(&self, id: &SessionId, state: &serde_json::Value, at: i64) -> Result<()> {
        self.write(|db| save_state(db, id, state, at))
    }

    /// Adds what was said in a turn, in order, and answers with the ids.
    ///
    /// # Errors
    /// Not found, too long, locked or full.
    pub fn add_messages(&self, session: &SessionId, turn: &str, said: &[(Speaker, &str)], at: i64) -> Result<Vec<i64>> {
        self.write(|db| add_messages(db, session, turn, said, at))
    }

    /// The last `limit` messages of a session, oldest first.
    ///
    /// # Errors
    /// Not found where there is no such session.
    pub fn messages(&self, session: &SessionId, limit: u32) -> Result<Vec<Message>> {
        self.read(|db| {
            exists(db, session)?;
            let mut query = db.prepare_cached(
                "SELECT id, turn, role, text, at, author FROM messages WHERE session = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = query.query_map(params![session.as_str(), limit], message)?;
            let mut messages = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            messages.reverse();
            Ok(messages)
        })
    }

    /// What was said in one turn of a session, in order; nothing where there is no such turn.
    ///
    /// # Errors
    /// The database's.
    pub fn turn_messages(&self, session: &SessionId, turn: &str) -> Result<Vec<Message>> {
        self.read(|db| {
            let mut query = db.prepare_cached(
                "SELECT id, turn, role, text, at, author FROM messages WHERE session = ?1 AND turn = ?2 ORDER BY id",
            )?;
            let rows = query.query_map(params![session.as_str(), turn], message)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The events of a session's cart.
    ///
    /// # Errors
    /// Not found where there is no such session.
    pub fn cart(&self, session: &SessionId) -> Result<CartLog> {
        self.read(|db| {
            exists(db, session)?;
            let mut query = db.prepare_cached("SELECT event FROM cart_events WHERE session = ?1 ORDER BY seq")?;
            let texts = query.query_map([session.as_str()], |row| row.get::<_, String>(0))?;
            let mut events = Vec::new();
            for text in texts {
                events.push(serde_json::from_str(&text?)?);
            }
            Ok(CartLog { seq: events.len() as u64, events })
        })
    }

    /// Adds events to a cart that has `expected` of them, and answers how many there are then.
    ///
    /// # Errors
    /// [`StoreError::Stale`] where the cart was changed since it was read: nothing is lost, the caller decides anew.
    pub fn append(&self, session: &SessionId, expected: u64, events: &[Event], at: i64) -> Result<u64> {
        self.write(|db| {
            touch(db, session, at)?;
            append(db, session, expected, events, at)
        })
    }

    /// Deletes what a guest has said. Orders, and what belongs to them, stay: they are the restaurant's books.
    ///
    /// # Errors
    /// Not found, locked or full.
    pub fn forget(&self, session: &SessionId) -> Result<()> {
        self.write(|db| {
            exists(db, session)?;
            for table in ["messages", "feedback", "turn_log", "requests"] {
                db.execute(&format!("DELETE FROM {table} WHERE session = ?1"), [session.as_str()])?;
            }
            db.execute("UPDATE sessions SET state = NULL WHERE id = ?1", [session.as_str()])?;
            Ok(())
        })
    }
}

pub(crate) fn add_messages(
    db: &Transaction<'_>,
    session: &SessionId,
    turn: &str,
    said: &[(Speaker, &str)],
    at: i64,
) -> Result<Vec<i64>> {
    if turn.is_empty() || turn.len() > 100 || said.iter().any(|(_, text)| text.len() > MAX_TEXT) {
        return Err(StoreError::Invalid("the message is too long"));
    }
    touch(db, session, at)?;
    let mut insert =
        db.prepare_cached("INSERT INTO messages (session, turn, role, text, at) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut ids = Vec::with_capacity(said.len());
    for (role, text) in said {
        ids.push(insert.insert(params![session.as_str(), turn, role.as_str(), text, at])?);
    }
    Ok(ids)
}

pub(crate) fn save_state(db: &Transaction<'_>, id: &SessionId, state: &serde_json::Value, at: i64) -> Result<()> {
    let text = bounded(state.to_string(), "the state of a conversation is too large")?;
    let changed = db
        .prepare_cached("UPDATE sessions SET state = ?2, seen = max(seen, ?3) WHERE id = ?1")?
        .execute(params![id.as_str(), text, at])?;
    found(changed)
}

fn message(row: &rusqlite::Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        turn: row.get(1)?,
        role: Speaker::read(&row.get::<_, String>(2)?)?,
        text: row.get(3)?,
        at: row.get(4)?,
        author: row.get(5)?,
    })
}

pub(crate) fn append(
    db: &Transaction<'_>,
    session: &SessionId,
    expected: u64,
    events: &[Event],
    at: i64,
) -> Result<u64> {
    let count = db
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM cart_events WHERE session = ?1")?
        .query_row([session.as_str()], |row| row.get::<_, i64>(0))?;
    let mut seq = count.unsigned_abs();
    if seq != expected {
        return Err(StoreError::Stale { found: seq });
    }
    let mut insert = db.prepare_cached("INSERT INTO cart_events (session, seq, at, event) VALUES (?1, ?2, ?3, ?4)")?;
    for event in events {
        seq += 1;
        let text = bounded(serde_json::to_string(event)?, "the change is too large")?;
        insert.execute(params![session.as_str(), seq.cast_signed(), at, text])?;
    }
    Ok(seq)
}

pub(crate) fn exists(db: &rusqlite::Connection, session: &SessionId) -> Result<()> {
    let there = db.prepare_cached("SELECT 1 FROM sessions WHERE id = ?1")?.exists([session.as_str()])?;
    found(usize::from(there))
}

/// Notes that the guest was heard of.
pub(crate) fn touch(db: &rusqlite::Connection, session: &SessionId, at: i64) -> Result<()> {
    let changed = db
        .prepare_cached("UPDATE sessions SET seen = max(seen, ?2) WHERE id = ?1")?
        .execute(params![session.as_str(), at])?;
    found(changed)
}

fn found(rows: usize) -> Result<()> {
    if rows == 0 { Err(StoreError::NotFound("session")) } else { Ok(()) }
}

pub(crate) fn bounded(text: String, message: &'static str) -> Result<String> {
    if text.len() > MAX_TEXT { Err(StoreError::Invalid(message)) } else { Ok(text) }
}
