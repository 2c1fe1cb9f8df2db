//! What guests thought of an answer, and the log of turns, which is kept only where the owner turned it on.

use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::{
    Result, SessionId, Store, StoreError,
    sessions::{bounded, touch},
};

/// A guest's thumb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thumb {
    /// The answer helped.
    Up,
    /// It did not.
    Down,
}

/// A record of a turn, as it was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedTurn {
    /// Ascending.
    pub id: i64,
    /// Whose turn it was.
    pub session: SessionId,
    /// The turn.
    pub turn: String,
    /// When.
    pub at: i64,
    /// What was kept of it.
    pub record: serde_json::Value,
}

impl Thumb {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl Store {
    /// Notes what a guest thought of a turn; the last word counts.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the guest has no such turn.
    pub fn rate(&self, session: &SessionId, turn: &str, thumb: Thumb, at: i64) -> Result<()> {
        self.write(|db| {
            let mut query = db.prepare_cached("SELECT 1 FROM messages WHERE session = ?1 AND turn = ?2 LIMIT 1")?;
            if !query.exists(params![session.as_str(), turn])? {
                return Err(StoreError::NotFound("answer"));
            }
            db.prepare_cached(
                "INSERT INTO feedback (session, turn, thumb, at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET thumb = excluded.thumb, at = excluded.at",
            )?
            .execute(params![session.as_str(), turn, thumb.as_str(), at])?;
            Ok(())
        })
    }

    /// For staff: how many thumbs went up and down since a time.
    ///
    /// # Errors
    /// The database's.
    pub fn staff_ratings(&self, since: i64) -> Result<(u64, u64)> {
        self.read(|db| {
            let counts = db.query_row(
                "SELECT count(*) FILTER (WHERE thumb = 'up'), count(*) FILTER (WHERE thumb = 'down')
                 FROM feedback WHERE at >= ?1",
                [since],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
            )?;
            Ok((counts.0.unsigned_abs(), counts.1.unsigned_abs()))
        })
    }

    /// For staff: what guests thought of which turns since a time.
    ///
    /// # Errors
    /// The database's.
    pub fn staff_thumbs(&self, since: i64) -> Result<Vec<(SessionId, String, Thumb)>> {
        self.read(|db| {
            let mut query = db.prepare_cached("SELECT session, turn, thumb FROM feedback WHERE at >= ?1")?;
            let mut rows = query.query([since])?;
            let mut thumbs = Vec::new();
            while let Some(row) = rows.next()? {
                let thumb = if row.get::<_, String>(2)? == Thumb::Up.as_str() { Thumb::Up } else { Thumb::Down };
                thumbs.push((row.get::<_, String>(0)?.parse()?, row.get(1)?, thumb));
            }
            Ok(thumbs)
        })
    }

    /// Adds a record of a turn.
    ///
    /// # Errors
    /// Not found, too large, locked or full.
    pub fn log_turn(&self, session: &SessionId, turn: &str, record: &serde_json::Value, at: i64) -> Result<()> {
        let record = bounded(record.to_string(), "the record of a turn is too large")?;
        self.write(|db| {
            touch(db, session, at)?;
            db.prepare_cached("INSERT INTO turn_log (session, turn, record, at) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![session.as_str(), turn, record, at])?;
            Ok(())
        })
    }

    /// The records of turns since a time that come after another one, 0 for the first; oldest first.
    ///
    /// # Errors
    /// The database's.
    pub fn turn_log(&self, since: i64, after: i64, limit: u32) -> Result<Vec<LoggedTurn>> {
        self.read(|db| {
            let mut query = db.prepare_cached(
                "SELECT id, session, turn, at, record FROM turn_log WHERE at >= ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            )?;
            let mut rows = query.query(params![since, after, limit])?;
            let mut turns = Vec::new();
            while let Some(row) = rows.next()? {
                turns.push(LoggedTurn {
                    id: row.get(0)?,
                    session: row.get::<_, String>(1)?.parse()?,
                    turn: row.get(2)?,
                    at: row.get(3)?,
                    record: serde_json::from_str(&row.get::<_, String>(4)?)?,
                });
            }
            Ok(turns)
        })
    }

    /// The sessions of which there are records.
    ///
    /// # Errors
    /// The database's.
    pub fn logged_sessions(&self) -> Result<Vec<SessionId>> {
        self.read(|db| {
            let mut query = db.prepare_cached("SELECT DISTINCT session FROM turn_log")?;
            let mut rows = query.query([])?;
            let mut sessions = Vec::new();
            while let Some(row) = rows.next()? {
                sessions.push(row.get::<_, String>(0)?.parse()?);
            }
            Ok(sessions)
        })
    }

    /// Deletes the records of a session's turns, and tells how many.
    ///
    /// # Errors
    /// Locked or full.
    pub fn delete_turn_log(&self, session: &SessionId) -> Result<usize> {
        self.write(|db| Ok(db.execute("DELETE FROM turn_log WHERE session = ?1", [session.as_str()])?))
    }

    /// Deletes the records of turns before a time, and tells how many.
    ///
    /// # Errors
    /// Locked or full.
    pub fn purge_turn_log(&self, before: i64) -> Result<usize> {
        self.write(|db| Ok(db.execute("DELETE FROM turn_log WHERE at < ?1", [before])?))
    }
}
