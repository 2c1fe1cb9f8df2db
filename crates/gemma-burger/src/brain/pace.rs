//! How long the next guest would wait, foreseen from how turns have ended in a crowd.

use std::time::{Duration, Instant};

/// Turns that are let in whatever was measured: with fewer there is no crowd to measure.
const ALWAYS: usize = 32;
/// Turns that are let in however fast they end. Who finds the model's own queue full is answered without it.
const AT_MOST: usize = 512;
/// The longest wait for the end of a reply that anybody is let in for.
const WAIT_AT_MOST: Duration = Duration::from_secs(6);
/// Time between the ends of two turns in a crowd, before any was measured.
const USUAL: Duration = Duration::from_millis(30);
/// What the newest time counts among those before it.
const NEWEST: f64 = 1.0 / 16.0;

/// The pace at which turns end.
#[derive(Debug)]
pub struct Pace {
    /// A moving average of the time between two ends, while there is a crowd.
    between: Duration,
    last: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { between: USUAL, last: None }
    }
}

impl Pace {
    /// A turn has ended, and so many are left.
    pub fn ended(&mut self, now: Instant, left: usize) {
        let last = self.last.replace(now);
        if left < ALWAYS {
            // The next end says something about whoever comes, not about how fast they are served.
            self.last = None;
        } else if let Some(last) = last {
            self.between = self.between.mul_f64(1.0 - NEWEST) + now.saturating_duration_since(last).mul_f64(NEWEST);
        }
    }

    /// Seconds after which one more may be let in, if it may not now, beside `running` others: each of them ends before it.
    pub fn busy_for(&self, running: usize) -> Option<u32> {
        let wait = self.between.saturating_mul(u32::try_from(running).unwrap_or(u32::MAX));
        let busy = running >= AT_MOST || running >= ALWAYS && wait > WAIT_AT_MOST;
        busy.then(|| seconds(wait.saturating_sub(WAIT_AT_MOST)))
    }
}

fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).clamp(1, 120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_house_lets_fewer_in() {
        let start = Instant::now();
        let after = |ms: u64| start + Duration::from_millis(ms);
        for (ms, running, expected) in [
            (10, 500, None),
            (100, 31, None),
            (100, 59, None),
            (100, 110, Some(5)),
            (2_000, 31, None),
            (2_000, 32, Some(58)),
        ] {
            let mut pace = Pace::default();
            (0..200).for_each(|n| pace.ended(after(n * ms), 40));
            assert_eq!(pace.busy_for(running), expected, "{running} at {ms} ms each");
        }
    }

    #[test]
    fn hours_without_guests_are_no_pace() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        for hour in 0..10 {
            pace.ended(start + Duration::from_secs(3600 * hour), 0);
            pace.ended(start + Duration::from_secs(3600 * hour + 1), 100);
        }
        assert_eq!((pace.busy_for(150), pace.busy_for(512)), (None, Some(10)));
    }
}
