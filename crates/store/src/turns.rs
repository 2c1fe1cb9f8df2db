//! What a turn leaves behind, in one transaction: after a crash there is all of it or nothing.

use concierge::ledger::Event;

use crate::{
    Result, SessionId, Speaker, Store,
    sessions::{add_messages, append, save_state},
    tickets::grant,
};

/// A turn as it was decided.
#[derive(Clone, Copy, Debug)]
pub struct TurnRecord<'a> {
    /// Whose it is.
    pub session: &'a SessionId,
    /// Its id.
    pub turn: &'a str,
    /// How many events the cart had when it was decided.
    pub expected: u64,
    /// What happens to the cart.
    pub events: &'a [Event],
    /// What was said in it so far.
    pub said: &'a [(Speaker, &'a str)],
    /// What the agents remember from now on.
    pub state: &'a serde_json::Value,
    /// When.
    pub at: i64,
}

impl Store {
    /// Keeps a turn, and answers how many events the cart has then. What was given to settle a complaint is kept as
    /// [`Store::grant`] does.
    ///
    /// # Errors
    /// [`StoreError::Stale`](crate::StoreError::Stale) where the cart was changed since it was read,
    /// [`StoreError::ExceedsPaid`](crate::StoreError::ExceedsPaid) where too much would be given back; not found, too
    /// large, locked or full.
    pub fn keep_turn(&self, record: &TurnRecord<'_>) -> Result<u64> {
        let TurnRecord { session, turn, expected, events, said, state, at } = *record;
        self.write(|db| {
            let mut seq = expected;
            for event in events {
                seq = match event {
                    Event::RemedyGranted { granted } => grant(db, session, seq, granted, None)?.seq,
                    event => append(db, session, seq, std::slice::from_ref(event), at)?,
                };
            }
            add_messages(db, session, turn, said, at)?;
            save_state(db, session, state, at)?;
            Ok(seq)
        })
    }
}
