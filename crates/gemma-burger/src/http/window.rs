//! How often something may be done in a minute.
//!
//! Each key has a list of the times of its last admitted requests. That is exact: in no sixty seconds, wherever they
//! begin, is more than the limit admitted. (A token bucket would admit up to twice as many around a pause.)

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    time::{Duration, Instant},
};

use super::{ApiError, ErrorCode};

const WINDOW: Duration = Duration::from_secs(60);
/// Keys remembered for each limit. Beyond it the one that was quiet for longest is forgotten.
const KEYS_AT_MOST: usize = 16_384;

/// The times of admitted requests by key.
pub struct Window<K> {
    limit: usize,
    keys: HashMap<K, VecDeque<Instant>>,
    next_tidy: usize,
}

impl<K: Hash + Eq + Clone> Window<K> {
    /// Admits `limit` requests of each key in any sixty seconds.
    pub fn new(limit: usize) -> Self {
        Self { limit, keys: HashMap::new(), next_tidy: 1_024 }
    }

    /// How long until the key has room; zero when it has some.
    pub fn wait(&mut self, key: &K, now: Instant) -> Duration {
        let Some(times) = self.keys.get_mut(key) else { return Duration::ZERO };
        while times.front().is_some_and(|time| now.duration_since(*time) >= WINDOW) {
            times.pop_front();
        }
        match times.front() {
            Some(oldest) if times.len() >= self.limit => {
                WINDOW.saturating_sub(now.duration_since(*oldest)).max(Duration::from_nanos(1))
            }
            _ => Duration::ZERO,
        }
    }

    /// Counts a request that was admitted.
    pub fn take(&mut self, key: K, now: Instant) {
        if self.keys.len() >= self.next_tidy && !self.keys.contains_key(&key) {
            self.tidy(now);
        }
        self.keys.entry(key).or_default().push_back(now);
    }

    /// Forgets keys that are quiet, and if there are too many all the same, the quietest quarter of them: rarely, so
    /// that a flood of keys costs little each.
    fn tidy(&mut self, now: Instant) {
        self.keys.retain(|_, times| times.back().is_some_and(|time| now.duration_since(*time) < WINDOW));
        if self.keys.len() >= KEYS_AT_MOST {
            let mut last: Vec<(Instant, K)> =
                self.keys.iter().filter_map(|(key, times)| Some((*times.back()?, key.clone()))).collect();
            last.sort_unstable_by_key(|(time, _)| *time);
            for (_, key) in last.into_iter().take(KEYS_AT_MOST / 4) {
                self.keys.remove(&key);
            }
        }
        self.next_tidy = (self.keys.len() * 2).clamp(1_024, KEYS_AT_MOST);
    }
}

/// The refusal, with the time to wait.
pub fn too_many(wait: Duration) -> ApiError {
    let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(60).max(1);
    ApiError::new(ErrorCode::RateLimited, format!("That was a lot at once. Please try again in {seconds} seconds."))
        .retry_after(seconds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    /// What a window admits of requests at the given milliseconds.
    fn admitted(limit: usize, times: impl Iterator<Item = u64>) -> Vec<u64> {
        let start = Instant::now();
        let mut window = Window::new(limit);
        let admit = |at: &u64| {
            let now = start + Duration::from_millis(*at);
            let free = window.wait(&"key", now) == Duration::ZERO;
            if free {
                window.take("key", now);
            }
            free
        };
        times.filter(admit).collect()
    }

    #[test]
    fn no_minute_admits_more_than_the_limit_wherever_it_begins() {
        // Bursts around a pause, which a token bucket would let through twice.
        let times = (0..200).chain((59_000..61_000).step_by(7)).chain((90_000..200_000).step_by(93));
        let admitted = admitted(20, times);
        for (i, first) in admitted.iter().enumerate() {
            let within = admitted[i..].iter().take_while(|time| *time - first < 60_000).count();
            assert!(within <= 20, "{within} from {first}");
        }
        assert_eq!(admitted.iter().filter(|time| **time < 60_000).count(), 20);
        assert_eq!(
            admitted.iter().filter(|time| (60_000..120_000).contains(*time)).count(),
            20,
            "the limit is reached"
        );
    }

    #[test]
    fn the_wait_is_exact() {
        let start = Instant::now();
        let mut window = Window::new(1);
        window.take(1, start);
        assert_eq!(window.wait(&1, start + Duration::from_secs(17)), Duration::from_secs(43));
        assert_eq!(window.wait(&1, start + WINDOW), Duration::ZERO);
        assert_eq!(window.wait(&2, start), Duration::ZERO);
    }

    #[test]
    fn memory_is_bounded() {
        let start = Instant::now();
        let mut window = Window::new(3);
        for key in 0..200_000_u64 {
            window.take(key, start + Duration::from_micros(key));
        }
        assert!(window.keys.len() <= KEYS_AT_MOST, "{}", window.keys.len());
        assert!(window.keys.contains_key(&199_999), "the newest are kept");
    }
}
