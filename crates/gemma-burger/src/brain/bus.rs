//! News for a session outside of its turns: the kitchen moves an order on, a person of the team says something.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::Stream;

use super::{
    events::EventLog,
    wire::{SessionEvent, SessionId},
};

/// Events kept for a listener who lost the line.
const KEPT: usize = 64;
/// How long a session without listeners is kept.
const IDLE: Duration = Duration::from_secs(600);
/// Sessions beyond which idle ones are looked for at every new one.
const TIDY_ABOVE: usize = 1_024;

/// The sessions that are being listened to. News for other sessions is not kept here: their guests find it in the
/// history.
#[derive(Default)]
pub struct SessionBus {
    sessions: Mutex<HashMap<SessionId, Heard>>,
}

struct Heard {
    log: Arc<EventLog<SessionEvent>>,
    last: Instant,
}

impl SessionBus {
    /// Nobody listens yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Tells a session's listeners, if there are any.
    pub fn publish(&self, session: &SessionId, event: SessionEvent) {
        let log = self
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(session)
            .map(|heard| Arc::clone(&heard.log));
        if let Some(log) = log {
            log.push_over(event);
        }
    }

    /// The news after the id `seen`, or from now on.
    pub fn follow(
        &self,
        session: &SessionId,
        seen: Option<u64>,
    ) -> impl Stream<Item = (u64, Arc<SessionEvent>)> + Send + use<> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() > TIDY_ABOVE {
            // A listener's stream holds the log too.
            sessions.retain(|_, heard| Arc::strong_count(&heard.log) > 1 || heard.last.elapsed() < IDLE);
        }
        let heard = sessions
            .entry(session.clone())
            .or_insert_with(|| Heard { log: Arc::new(EventLog::new(KEPT)), last: Instant::now() });
        heard.last = Instant::now();
        let log = Arc::clone(&heard.log);
        drop(sessions);
        log.follow(seen.unwrap_or_else(|| log.newest()))
    }
}
