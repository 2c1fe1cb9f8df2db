//! One turn: from a guest's words to what is decided and what may be said.

mod chat;
mod dishes;
mod place;
pub(crate) mod wording;

use crate::store_info::Weekday;

/// The moment of a turn in the restaurant's own time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalNow {
    /// The day.
    pub weekday: Weekday,
    /// Minutes since midnight.
    pub minutes: u16,
}
