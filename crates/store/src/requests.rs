//! Keys that clients give their messages, so that a message sent twice is answered once.

use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::{Result, SessionId, Store, StoreError, sessions::touch};

/// How long a key and the answer under it are kept, in seconds: seven days. Afterwards it counts as a new one.
pub const KEYS_KEPT: i64 = 7 * 24 * 60 * 60;

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It was not known; it stands for the turn that was named.
    New,
    /// The same message was sent before: it has this turn.
    Known(String),
}

impl Store {
    /// Claims a key for a message and the turn that answers it.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`] for a known key with another body; invalid, no such session, locked or full.
    pub fn claim(&self, session: &SessionId, key: &str, body: &[u8], turn: &str, at: i64) -> Result<Claim> {
        if key.is_empty() || key.len() > 200 {
            return Err(StoreError::Invalid("an idempotency key has 1 to 200 bytes"));
        }
        let hash = Sha256::digest(body);
        self.write(|db| {
            touch(db, session, at)?;
            let known = db
                .prepare_cached("SELECT body_hash, turn FROM requests WHERE session = ?1 AND key = ?2")?
                .query_row(params![session.as_str(), key], |row| {
                    Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?))
                })
                .optional()?;
            match known {
                Some((stored, _)) if stored != hash.as_slice() => Err(StoreError::KeyReused),
                Some((_, turn)) => Ok(Claim::Known(turn)),
                None => {
                    db.prepare_cached(
                        "INSERT INTO requests (session, key, body_hash, turn, at) VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![session.as_str(), key, hash.as_slice(), turn, at])?;
                    Ok(Claim::New)
                }
            }
        })
    }

    /// Deletes the keys from before a time, of messages and of orders, and tells how many. The orders stay.
    ///
    /// # Errors
    /// Locked or full.
    pub fn purge_keys(&self, before: i64) -> Result<usize> {
        self.write(|db| {
            let requests = db.execute("DELETE FROM requests WHERE at < ?1", [before])?;
            Ok(requests + db.execute("DELETE FROM idempotency WHERE at < ?1", [before])?)
        })
    }
}
