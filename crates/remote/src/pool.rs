//! The endpoints, how each is, and which one is asked next.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};

use crate::{
    Address, RemoteError,
    breaker::{Breaker, State},
};

/// One endpoint.
pub struct Endpoint {
    pub address: Address,
    breaker: Mutex<Breaker>,
    /// The names that it lists.
    models: Mutex<HashSet<String>>,
    running: AtomicU32,
    replies: AtomicU64,
    failures: AtomicU64,
}

/// An endpoint at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSnapshot {
    /// Where it is.
    pub address: String,
    /// Whether it is asked.
    pub state: State,
    /// Replies under way.
    pub running: u32,
    /// Replies that came to their end.
    pub replies: u64,
    /// Requests that failed, those that were tried again included.
    pub failures: u64,
}

impl Endpoint {
    fn new(address: Address) -> Self {
        Self {
            address,
            breaker: Mutex::default(),
            models: Mutex::default(),
            running: AtomicU32::new(0),
            replies: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn models(&self) -> MutexGuard<'_, HashSet<String>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it lists a model of this name.
    pub fn lists(&self, model: &str) -> bool {
        self.models().contains(model)
    }

    /// A reply came to its end.
    pub fn replied(&self) {
        self.replies.fetch_add(1, Relaxed);
        self.well();
    }

    /// It does what it should.
    pub fn well(&self) {
        let mut breaker = self.breaker();
        if breaker.state(Instant::now()) != State::Closed {
            tracing::info!(endpoint = %self.address, "an endpoint is back");
        }
        breaker.succeeded();
    }

    /// It answers, and this is what it serves.
    pub fn serves(&self, models: Vec<String>) {
        *self.models() = models.into_iter().collect();
        self.well();
    }

    /// It does not. A fault of the request or a full house does not count against it.
    pub fn failed(&self, error: &RemoteError) {
        self.failures.fetch_add(1, Relaxed);
        if error.is_fault() && self.breaker().failed(Instant::now()) {
            tracing::warn!(endpoint = %self.address, %error, "an endpoint is given up for now");
        }
    }

    /// Whether it may be asked how it is: not while it is left alone.
    pub fn may_be_looked_at(&self) -> bool {
        let (mut breaker, now) = (self.breaker(), Instant::now());
        breaker.state(now) == State::Closed || breaker.take_trial(now)
    }

    fn snapshot(&self) -> EndpointSnapshot {
        EndpointSnapshot {
            address: self.address.to_string(),
            state: self.breaker().state(Instant::now()),
            running: self.running.load(Relaxed),
            replies: self.replies.load(Relaxed),
            failures: self.failures.load(Relaxed),
        }
    }
}

/// An endpoint with a reply under way; counted until it is dropped.
pub struct Lease(pub Arc<Endpoint>);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

/// All endpoints.
pub struct Pool {
    endpoints: Vec<Arc<Endpoint>>,
    turn: AtomicUsize,
}

impl Pool {
    pub fn new(addresses: Vec<Address>) -> Self {
        let endpoints = addresses.into_iter().map(|address| Arc::new(Endpoint::new(address))).collect();
        Self { endpoints, turn: AtomicUsize::new(0) }
    }

    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    /// The next endpoint to ask: of those that are well the one with the fewest replies under way, by turns among
    /// equals, and one that was not tried for this reply before one that was; else one whose trial is due.
    pub fn choose(&self, tried: &[Address]) -> Option<Lease> {
        let now = Instant::now();
        let first = self.turn.fetch_add(1, Relaxed);
        let count = self.endpoints.len().max(1);
        let in_turn = || (0..count).filter_map(|step| self.endpoints.get((first + step) % count));
        let well = in_turn().filter(|endpoint| endpoint.breaker().state(now) == State::Closed);
        let least = well.min_by_key(|endpoint| (tried.contains(&endpoint.address), endpoint.running.load(Relaxed)));
        // A trial is better than an endpoint that has just failed this very reply.
        let least = least.filter(|endpoint| !tried.contains(&endpoint.address));
        let trial = || in_turn().find(|endpoint| endpoint.breaker().take_trial(now));
        let again = || in_turn().find(|endpoint| endpoint.breaker().state(now) == State::Closed);
        let chosen = least.or_else(trial).or_else(again)?;
        chosen.running.fetch_add(1, Relaxed);
        Some(Lease(Arc::clone(chosen)))
    }

    pub fn snapshot(&self) -> Vec<EndpointSnapshot> {
        self.endpoints.iter().map(|endpoint| endpoint.snapshot()).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    fn pool(count: usize) -> Pool {
        Pool::new((0..count).map(|n| format!("http://box{n}").parse().unwrap()).collect())
    }

    #[test]
    fn the_least_busy_is_chosen_by_turns_among_equals() {
        let pool = pool(3);
        let leases: Vec<Lease> = (0..7).map(|_| pool.choose(&[]).unwrap()).collect();
        let running: Vec<u32> = pool.snapshot().iter().map(|endpoint| endpoint.running).collect();
        assert_eq!((running.iter().sum::<u32>(), running.iter().max()), (7, Some(&3)), "{running:?}");
        drop(leases);
        assert!(pool.snapshot().iter().all(|endpoint| endpoint.running == 0));
    }

    #[test]
    fn one_that_fails_gets_nothing_and_another_takes_over() {
        let pool = pool(2);
        let bad = Arc::clone(&pool.endpoints()[0]);
        for _ in 0..crate::breaker::FAILURES {
            bad.failed(&RemoteError::Unreachable);
        }
        for _ in 0..10 {
            assert_ne!(pool.choose(&[]).unwrap().0.address, bad.address);
        }
        pool.endpoints()[1].failed(&RemoteError::Busy { retry_after_s: 1 });
        assert_eq!(pool.snapshot()[1].state, State::Closed, "a full house is no fault");
        let tried = [pool.endpoints()[1].address.clone()];
        assert_eq!(pool.choose(&tried).unwrap().0.address, tried[0], "the only one that is well is tried again");
    }
}
