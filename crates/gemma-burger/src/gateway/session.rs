//! Who a guest is: an unguessable id in a signed token, kept in a cookie or sent by the client itself.
//!
//! A token reads `id.expiry.signature`: 128 random bits, seconds since 1970, and an HMAC-SHA256 over both with a key
//! that only this gateway has. A session therefore needs no table here, and nobody can make one up.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, HeaderValue, header};
use hmac::{Hmac, Mac};
use rand::{TryRngCore, rngs::OsRng};
use sha2::Sha256;

use crate::{
    brain::wire::SessionId,
    http::{ApiError, ErrorCode},
};

/// The cookie's name.
pub const COOKIE: &str = "gb_session";
const KEY_BYTES: usize = 32;
/// Signed along, so that the key can never sign anything else that looks the same.
const PURPOSE: &[u8] = b"guest session 1\n";

/// Makes and checks tokens.
pub struct Sessions {
    key: Hmac<Sha256>,
    lifetime: Duration,
}

/// A guest who is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The session.
    pub session: SessionId,
    /// How the guest showed it.
    pub shown: Shown,
    /// Whether half of the session's time is over, so that a new token is due.
    pub stale: bool,
}

/// Where a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// From a cookie: a browser.
    Cookie,
    /// From a header or the body: a program.
    Token,
}

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system refuses.
    #[error("the sessions' key {path} cannot be read or written: {source}; check the folder's permissions", path = path.display())]
    Io {
        /// The key's file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{path} is not a key of {KEY_BYTES} bytes; delete it to have a new one made (guests then start anew)", path = .0.display())]
    Damaged(PathBuf),
}

impl Sessions {
    /// With the key of a folder; it is made, readable by its owner only, where there is none.
    pub fn open(data_dir: &Path, lifetime: Duration) -> Result<Self, KeyError> {
        let path = data_dir.join("gateway.key");
        let key = read_or_make_key(&path).map_err(|source| KeyError::Io { path: path.clone(), source })?;
        let key: [u8; KEY_BYTES] = key.try_into().map_err(|_| KeyError::Damaged(path))?;
        Ok(Self::with_key(&key, lifetime))
    }

    /// With a given key.
    #[must_use]
    pub fn with_key(key: &[u8; KEY_BYTES], lifetime: Duration) -> Self {
        // HMAC takes keys of any length, so this branch is never another one; a key of zeros would be no key.
        let key = Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Self { key, lifetime }
    }

    /// A token for a session, valid from now on.
    #[must_use]
    pub fn token(&self, session: &SessionId) -> String {
        let claim = format!("{session}.{}", now() + self.lifetime.as_secs());
        let signature = hex::encode(self.mac(&claim).finalize().into_bytes());
        format!("{claim}.{signature}")
    }

    /// The session of a token, and whether a new token is due.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<(SessionId, bool)> {
        // Longer than any token of ours; bounds the work.
        if token.len() > 160 {
            return None;
        }
        let (claim, signature) = token.rsplit_once('.')?;
        self.mac(claim).verify_slice(&hex::decode(signature).ok()?).ok()?;
        let (session, expiry) = claim.split_once('.')?;
        let left = expiry.parse::<u64>().ok()?.checked_sub(now()).filter(|left| *left > 0)?;
        Some((SessionId::parse(session)?, left < self.lifetime.as_secs() / 2))
    }

    fn mac(&self, claim: &str) -> Hmac<Sha256> {
        self.key.clone().chain_update(PURPOSE).chain_update(claim)
    }

    /// The guest of a request: by the token in the body, else in `Authorization`, else in the cookie. A token that does
    /// not hold is refused, and not taken for a new guest, so that nobody loses a cart unawares.
    pub fn identify(&self, headers: &HeaderMap, in_body: Option<&str>) -> Result<Option<Guest>, ApiError> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
        let shown = in_body.or(bearer).map(|token| (token, Shown::Token));
        let cookie = || cookie_of(headers).map(|token| (token, Shown::Cookie));
        let Some((token, shown)) = shown.or_else(cookie) else { return Ok(None) };
        let (session, stale) = self.verify(token).ok_or_else(|| {
            ApiError::new(
                ErrorCode::SessionInvalid,
                "Your session is not valid any more. Send your message again to start a new one.",
            )
        })?;
        Ok(Some(Guest { session, shown, stale }))
    }

    /// The `Set-Cookie` header that gives a browser its session.
    #[must_use]
    pub fn cookie(&self, session: &SessionId, secure: bool) -> Option<HeaderValue> {
        set_cookie(&self.token(session), self.lifetime.as_secs(), secure)
    }
}

/// The `Set-Cookie` header that takes a useless cookie away, so that the next message starts anew.
#[must_use]
pub fn forget_cookie(secure: bool) -> Option<HeaderValue> {
    set_cookie("", 0, secure)
}

fn set_cookie(token: &str, max_age: u64, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}{secure}")).ok()
}

/// Our cookie's value, if the request has one that is not empty.
fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == COOKIE && !value.is_empty()).map(|(_, value)| value)
}

/// Whether a request has our cookie, of whatever value.
#[must_use]
pub fn has_cookie(headers: &HeaderMap) -> bool {
    cookie_of(headers).is_some()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn read_or_make_key(path: &Path) -> io::Result<Vec<u8>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => {
            let mut key = vec![0; KEY_BYTES];
            OsRng.try_fill_bytes(&mut key).map_err(io::Error::other)?;
            file.write_all(&key)?;
            file.sync_all()?;
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mut key = Vec::new();
            fs::File::open(path)?.take(KEY_BYTES as u64 + 1).read_to_end(&mut key)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    fn sessions() -> Sessions {
        Sessions::with_key(&[7; KEY_BYTES], Duration::from_secs(1000))
    }

    #[test]
    fn a_token_names_its_session_and_no_change_of_it_does() {
        let session = SessionId::random();
        let token = sessions().token(&session);
        assert_eq!(sessions().verify(&token), Some((session, false)));
        for at in 0..token.len() {
            for other in ['0', 'f', 'x', '.', '9'] {
                let mut changed = token.clone();
                changed.replace_range(at..=at, &other.to_string());
                if changed != token {
                    assert_eq!(sessions().verify(&changed), None, "{changed}");
                }
            }
            assert_eq!(sessions().verify(&token[..at]), None);
        }
        assert_eq!(Sessions::with_key(&[8; KEY_BYTES], Duration::from_secs(1000)).verify(&token), None);
    }

    #[test]
    fn an_expired_token_is_refused() {
        let none = Sessions::with_key(&[7; KEY_BYTES], Duration::ZERO);
        assert_eq!(sessions().verify(&none.token(&SessionId::random())), None);
    }

    #[test]
    fn a_new_token_is_due_at_half_time() {
        let short = Sessions::with_key(&[7; KEY_BYTES], Duration::from_secs(400));
        let (_, stale) = sessions().verify(&short.token(&SessionId::random())).unwrap();
        assert!(stale);
    }

    #[test]
    fn the_key_is_kept_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let session = SessionId::random();
        let token = Sessions::open(&data, Duration::from_secs(60)).unwrap().token(&session);
        assert_eq!(Sessions::open(&data, Duration::from_secs(60)).unwrap().verify(&token).unwrap().0, session);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(data.join("gateway.key")).unwrap().permissions().mode() & 0o777, 0o600);
        }
        for wrong in [&b""[..], &[1; 31], &[1; 33]] {
            fs::write(data.join("gateway.key"), wrong).unwrap();
            assert!(matches!(Sessions::open(&data, Duration::from_secs(60)), Err(KeyError::Damaged(_))));
        }
    }
}
