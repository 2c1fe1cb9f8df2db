//! A list of events with ids 1, 2, 3… that any number of readers follow, each from the id it has seen last. It is what
//! makes a dropped line resumable without a lost or doubled event.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{Stream, stream};
use tokio::sync::watch;

/// The list. It keeps at most `capacity` events.
pub struct EventLog<T> {
    state: Mutex<State<T>>,
    changed: watch::Sender<()>,
    capacity: usize,
}

struct State<T> {
    kept: VecDeque<Arc<T>>,
    /// How many events are no longer kept; the first kept one has the id `gone + 1`.
    gone: u64,
    closed: bool,
}

impl<T> State<T> {
    fn after(&self, seen: u64) -> Option<(u64, Arc<T>)> {
        let index = seen.saturating_sub(self.gone);
        let event = self.kept.get(usize::try_from(index).ok()?)?;
        Some((self.gone + index + 1, Arc::clone(event)))
    }
}

impl<T> EventLog<T> {
    /// An empty list.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let state = State { kept: VecDeque::new(), gone: 0, closed: false };
        Self { state: Mutex::new(state), changed: watch::Sender::new(()), capacity }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // The state is consistent between any two statements, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event, unless the list is full or closed; says whether it was added.
    pub fn push(&self, event: T) -> bool {
        self.add(event, false)
    }

    /// Adds an event and drops the oldest where the list is full.
    pub fn push_over(&self, event: T) {
        let mut state = self.state();
        if state.kept.len() >= self.capacity && state.kept.pop_front().is_some() {
            state.gone += 1;
        }
        state.kept.push_back(Arc::new(event));
        drop(state);
        self.changed.send_replace(());
    }

    /// Adds the last event, for which there is always room, and ends the list for its readers.
    pub fn close_with(&self, event: T) {
        self.add(event, true);
    }

    fn add(&self, event: T, last: bool) -> bool {
        let mut state = self.state();
        if state.closed || (state.kept.len() >= self.capacity && !last) {
            return false;
        }
        state.kept.push_back(Arc::new(event));
        state.closed = last;
        drop(state);
        self.changed.send_replace(());
        true
    }

    /// Whether the last event is there.
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// The id of the newest event; 0 when there is none.
    pub fn newest(&self) -> u64 {
        let state = self.state();
        state.gone + state.kept.len() as u64
    }

    /// The events after the id `seen`, those to come included, until the list is closed.
    pub fn follow(self: &Arc<Self>, seen: u64) -> impl Stream<Item = (u64, Arc<T>)> + Send + use<T>
    where
        T: Send + Sync + 'static,
    {
        let seen = seen.min(self.newest());
        stream::unfold((Arc::clone(self), self.changed.subscribe(), seen), |(log, mut changed, seen)| async move {
            loop {
                changed.mark_unchanged();
                let (next, closed) = {
                    let state = log.state();
                    (state.after(seen), state.closed)
                };
                match next {
                    Some((id, event)) => return Some(((id, event), (log, changed, id))),
                    None if closed => return None,
                    None => changed.changed().await.ok()?,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn readers_start_anywhere_and_miss_nothing() {
        let log = Arc::new(EventLog::new(100));
        let writer = Arc::clone(&log);
        let writing = tokio::spawn(async move {
            for n in 1..=50 {
                assert!(writer.push(n));
                if n % 3 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            writer.close_with(51);
        });
        let late = log.follow(0).map(|(id, n)| (id, *n)).collect::<Vec<(u64, u64)>>();
        assert_eq!(late.await, (1..=51).map(|n| (n, n)).collect::<Vec<_>>());
        writing.await.unwrap();
        for seen in 0..=51 {
            let rest: Vec<_> = log.follow(seen).map(|(_, n)| *n).collect().await;
            assert_eq!(rest, (seen + 1..=51).collect::<Vec<_>>());
        }
        assert_eq!(log.follow(99).count().await, 0, "an id from the future gets nothing, not everything");
    }

    #[tokio::test]
    async fn a_full_list_takes_only_its_end() {
        let log = Arc::new(EventLog::new(2));
        assert!(log.push(1) && log.push(2) && !log.push(3));
        log.close_with(4);
        assert!(!log.push(5));
        let all: Vec<_> = log.follow(0).map(|(id, n)| (id, *n)).collect().await;
        assert_eq!(all, [(1, 1), (2, 2), (3, 4)]);
    }

    #[tokio::test]
    async fn a_ring_keeps_the_newest_with_their_ids() {
        let log = Arc::new(EventLog::new(2));
        for n in 1..=5 {
            log.push_over(n);
        }
        let two: Vec<_> = log.follow(0).take(2).map(|(id, n)| (id, *n)).collect().await;
        assert_eq!(two, [(4, 4), (5, 5)]);
    }
}
