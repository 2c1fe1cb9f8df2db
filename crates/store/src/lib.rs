//! Everything that must outlive the program: one SQLite file under the data directory.
//!
//! What a method has answered is on the disk (write-ahead log, `synchronous = FULL`). Every method either does all
//! of its work in one transaction or none of it, and blocks: callers on an async runtime go through
//! `spawn_blocking`. A [`Store`] is cheap to clone and safe to share between threads; several programs may have the
//! same file open.
//!
//! **Whose is it?** Every method that serves a guest takes the guest's [`SessionId`], and what belongs to another
//! session is [`StoreError::NotFound`], exactly as if it did not exist. The methods for staff are named so.
//!
//! Times are seconds since 1970 and come from the caller, so that tests need no clock.

mod connection;
mod error;
mod feedback;
mod orders;
mod requests;
mod schema;
mod sessions;
mod staff;
mod tickets;
mod turns;

pub use connection::{Settings, Store};
pub use error::StoreError;
pub use feedback::{LoggedTurn, Thumb};
pub use orders::{Order, OrderChange, Placement, Receipted};
pub use requests::{Claim, KEYS_KEPT};
pub use sessions::{CartLog, HOLD_LASTS, Hold, Message, Session, SessionId, Speaker};
pub use staff::StaffToken;
pub use tickets::{NewTicket, Remedy, Ticket, TicketId, TicketMessage, TicketState};
pub use turns::TurnRecord;

/// The database's name under the data directory.
pub const FILE_NAME: &str = "gemma-burger.db";

type Result<T> = std::result::Result<T, StoreError>;
