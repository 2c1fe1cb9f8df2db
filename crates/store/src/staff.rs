//! Who works here, and who is signed in.

use std::{fmt, sync::LazyLock};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::{Result, Store, StoreError};

/// What a signed-in member of staff carries in a cookie: 256 random bits in hexadecimal. The database holds its
/// hash only.
#[derive(Clone, PartialEq, Eq)]
pub struct StaffToken(String);

impl StaffToken {
    fn random() -> Self {
        Self(format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>()))
    }

    /// The token as it stands in the cookie.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StaffToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaffToken(…)")
    }
}

/// A password that nobody has: checked for unknown names, so that they take as long as known ones.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash("nobody, whoever asks").ok());

impl Store {
    /// Adds a member of staff. The password is hashed with Argon2id; this takes some hundredths of a second.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], and [`StoreError::Invalid`] for a name or a password that will not do.
    pub fn add_staff(&self, name: &str, password: &str, at: i64) -> Result<()> {
        let sign = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
        if name.trim() != name || name.is_empty() || name.len() > 60 || !name.chars().all(sign) {
            return Err(StoreError::Invalid("a name has 1 to 60 letters, digits, spaces, or one of - _ ."));
        }
        if !(8..=200).contains(&password.len()) {
            return Err(StoreError::Invalid("a password has 8 to 200 bytes"));
        }
        let hash = hash(password)?;
        self.write(|db| {
            let added = db
                .prepare_cached("INSERT OR IGNORE INTO staff (name, password, created) VALUES (?1, ?2, ?3)")?
                .execute(params![name, hash, at])?;
            if added == 0 { Err(StoreError::NameTaken(name.to_owned())) } else { Ok(()) }
        })
    }

    /// The names of all staff.
    ///
    /// # Errors
    /// The database's.
    pub fn staff(&self) -> Result<Vec<String>> {
        self.read(|db| {
            let mut query = db.prepare_cached("SELECT name FROM staff ORDER BY name")?;
            let names = query.query_map([], |row| row.get(0))?;
            Ok(names.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Removes a member of staff and signs them out everywhere.
    ///
    /// # Errors
    /// Not found.
    pub fn remove_staff(&self, name: &str) -> Result<()> {
        self.write(|db| {
            // Their conversations go back to the agents.
            db.execute("UPDATE sessions SET holder = NULL, held = NULL WHERE holder = ?1", [name])?;
            match db.execute("DELETE FROM staff WHERE name = ?1", [name])? {
                0 => Err(StoreError::NotFound("member of staff")),
                _ => Ok(()),
            }
        })
    }

    /// Signs a member of staff in until `expires`. Slow on purpose; callers limit how often it is tried.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown name and a wrong password alike.
    pub fn sign_in(&self, name: &str, password: &str, at: i64, expires: i64) -> Result<StaffToken> {
        let stored = self.read(|db| {
            let hash = db
                .prepare_cached("SELECT password FROM staff WHERE name = ?1")?
                .query_row([name], |row| row.get::<_, String>(0))
                .optional()?;
            Ok(hash)
        })?;
        let known = stored.is_some();
        let hash = stored.or_else(|| NOBODY.clone()).unwrap_or_default();
        let right = password.len() <= 200
            && PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        if !(known && right) {
            return Err(StoreError::NotFound("name with this password"));
        }
        let token = StaffToken::random();
        self.write(|db| {
            db.execute("DELETE FROM staff_sessions WHERE expires <= ?1", [at])?;
            db.prepare_cached(
                "INSERT INTO staff_sessions (token_hash, staff, created, expires) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![token_hash(token.as_str()), name, at, expires])?;
            Ok(())
        })?;
        Ok(token)
    }

    /// The member of staff whom a token belongs to.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown token and an expired one alike.
    pub fn signed_in(&self, token: &str, at: i64) -> Result<String> {
        self.read(|db| {
            let name = db
                .prepare_cached("SELECT staff FROM staff_sessions WHERE token_hash = ?1 AND expires > ?2")?
                .query_row(params![token_hash(token), at], |row| row.get(0))
                .optional()?;
            name.ok_or(StoreError::NotFound("sign-in"))
        })
    }

    /// Signs a token out; an unknown one is out already.
    ///
    /// # Errors
    /// Locked or full.
    pub fn sign_out(&self, token: &str) -> Result<()> {
        self.write(|db| {
            db.execute("DELETE FROM staff_sessions WHERE token_hash = ?1", [token_hash(token)])?;
            Ok(())
        })
    }
}

fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

fn hash(password: &str) -> Result<String> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    Ok(hashed.map_err(|error| StoreError::Failed(format!("the password cannot be hashed: {error}")))?.to_string())
}
