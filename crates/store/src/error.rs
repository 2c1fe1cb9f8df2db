//! What can go wrong, in words for the owner.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the store did not do something. Unless said otherwise nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else holds the database, and did not let go in time. Trying again later is right.
    #[error("the database is in use by another program; try again, or stop the other program")]
    Locked,
    /// No room on the disk. What was stored before is safe.
    #[error("the disk is full, nothing was stored; free some space in the data directory")]
    Full,
    /// The file is not a database, or is damaged.
    #[error("the database {} is damaged or is not ours ({reason}); put a backup in its place or move it away", .path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The file cannot be opened or written.
    #[error("the database {} cannot be opened: {reason}; check that the data directory exists and can be written", .path.display())]
    CannotOpen {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The file was written by a later release.
    #[error("the database has version {found} and this program knows {known}; use the newer program")]
    NewerSchema {
        /// The file's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The cart was changed elsewhere in the meantime, for instance in another tab. Read it again and decide anew.
    #[error("the order was changed in the meantime; please look at it again")]
    Stale {
        /// How many events there are.
        found: u64,
    },
    /// The idempotency key was used for another request.
    #[error("this request was sent before with other contents; send it under a new key")]
    KeyReused,
    /// There is no such thing, or it is another guest's: the two cannot be told apart from outside.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The order cannot take that step.
    #[error(transparent)]
    Transition(#[from] concierge::ledger::TransitionError),
    /// More would be given back than was paid.
    #[error("that is more than was paid for the order")]
    ExceedsPaid,
    /// A name that is taken.
    #[error("there is already a member of staff called {0}")]
    NameTaken(String),
    /// Something that cannot be stored: too long, empty, or with signs that do not belong there.
    #[error("{0}")]
    Invalid(&'static str),
    /// Anything else.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { path: PathBuf::new(), reason: error.to_string() }
            }
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::CannotOpen { path: PathBuf::new(), reason: error.to_string() }
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(format!("a stored record cannot be read: {error}"))
    }
}

impl StoreError {
    /// Names the file where SQLite does not.
    pub(crate) fn in_file(self, file: &std::path::Path) -> Self {
        match self {
            Self::Corrupt { reason, .. } => Self::Corrupt { path: file.to_owned(), reason },
            Self::CannotOpen { reason, .. } => Self::CannotOpen { path: file.to_owned(), reason },
            other => other,
        }
    }
}
