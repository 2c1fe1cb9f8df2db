//! A circuit breaker: whether an endpoint is worth a try.

use std::time::{Duration, Instant};

/// Failures in a row after which an endpoint is given up.
pub const FAILURES: u32 = 3;
/// How long it is left alone at first; the time doubles with each trial that fails.
pub const REST: Duration = Duration::from_secs(2);
/// The longest rest.
pub const REST_AT_MOST: Duration = Duration::from_secs(60);

/// Counts failures in a row. Every question takes the time, so that tests need no clock.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    failures: u32,
    /// Set while it is open; a trial is due from then on.
    trial_at: Option<Instant>,
    rests: u32,
}

/// What a breaker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All is well.
    Closed,
    /// A trial is due: one request may pass.
    HalfOpen,
    /// Left alone.
    Open,
}

impl Breaker {
    /// How it stands.
    #[must_use]
    pub fn state(&self, now: Instant) -> State {
        match self.trial_at {
            None => State::Closed,
            Some(at) if now >= at => State::HalfOpen,
            Some(_) => State::Open,
        }
    }

    /// Takes the trial that is due, if one is: until its outcome is known there is no other, unless it takes longer
    /// than a rest.
    pub fn take_trial(&mut self, now: Instant) -> bool {
        let due = self.state(now) == State::HalfOpen;
        if due {
            self.trial_at = Some(now + self.rest());
        }
        due
    }

    /// It worked.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It did not. Says whether the endpoint is given up by this.
    pub fn failed(&mut self, now: Instant) -> bool {
        self.failures += 1;
        if self.failures < FAILURES {
            return false;
        }
        let first = self.trial_at.is_none();
        self.rests = if first { 0 } else { (self.rests + 1).min(16) };
        self.trial_at = Some(now + self.rest());
        first
    }

    fn rest(&self) -> Duration {
        (REST * (1 << self.rests)).min(REST_AT_MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_rests_longer_each_time_and_closes() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        assert!(!breaker.failed(start) && !breaker.failed(start));
        assert_eq!(breaker.state(start), State::Closed, "two failures are no reason yet");
        assert!(breaker.failed(start));
        let mut now = start;
        for rest in [2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(breaker.state(now), State::Open);
            assert!(!breaker.take_trial(now));
            now += Duration::from_secs(rest);
            assert_eq!(breaker.state(now), State::HalfOpen, "after {rest} s");
            assert!(breaker.take_trial(now) && !breaker.take_trial(now), "one trial at a time");
            assert!(!breaker.failed(now), "it was given up before");
        }
        breaker.succeeded();
        assert_eq!(breaker.state(now), State::Closed);
        assert!(!breaker.failed(now), "the count begins anew");
    }
}
