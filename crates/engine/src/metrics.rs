//! What the engine has done and is doing, counted without locks.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use serde::Serialize;

/// The engine's counters, written by its thread and by those that ask for replies.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub queued: AtomicU32,
    pub running: AtomicU32,
    pub replies: AtomicU64,
    pub cancelled: AtomicU64,
    pub failed: AtomicU64,
    pub refused: AtomicU64,
    pub prefill_tokens: AtomicU64,
    pub cached_tokens: AtomicU64,
    pub decode_tokens: AtomicU64,
    pub guessed_tokens: AtomicU64,
    pub guessed_right: AtomicU64,
    pub steps: AtomicU64,
    pub adapter_switches: AtomicU64,
    pub state_tokens: AtomicU64,
    /// A moving average of how long a reply holds its place.
    reply_ms: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MetricsSnapshot {
    /// Replies that wait for a place.
    pub queued: u32,
    /// Replies being written.
    pub running: u32,
    /// Replies that came to their end.
    pub replies: u64,
    /// Replies whose guest left.
    pub cancelled: u64,
    /// Replies that failed.
    pub failed: u64,
    /// Requests refused as the queue was full.
    pub refused: u64,
    /// Prompt tokens computed.
    pub prefill_tokens: u64,
    /// Prompt tokens whose state was there already.
    pub cached_tokens: u64,
    /// Tokens written.
    pub decode_tokens: u64,
    /// Tokens computed on the guess that they come next.
    pub guessed_tokens: u64,
    /// Those of them that came.
    pub guessed_right: u64,
    /// Calls of the model.
    pub steps: u64,
    /// Changes of the adapter between steps.
    pub adapter_switches: u64,
    /// Tokens of state held now.
    pub state_tokens: u64,
}

impl Metrics {
    pub fn snapshot(&self) -> MetricsSnapshot {
        MetricsSnapshot {
            queued: self.queued.load(Relaxed),
            running: self.running.load(Relaxed),
            replies: self.replies.load(Relaxed),
            cancelled: self.cancelled.load(Relaxed),
            failed: self.failed.load(Relaxed),
            refused: self.refused.load(Relaxed),
            prefill_tokens: self.prefill_tokens.load(Relaxed),
            cached_tokens: self.cached_tokens.load(Relaxed),
            decode_tokens: self.decode_tokens.load(Relaxed),
            guessed_tokens: self.guessed_tokens.load(Relaxed),
            guessed_right: self.guessed_right.load(Relaxed),
            steps: self.steps.load(Relaxed),
            adapter_switches: self.adapter_switches.load(Relaxed),
            state_tokens: self.state_tokens.load(Relaxed),
        }
    }

    /// Notes how long a reply held its place. Written by the engine's thread alone.
    pub fn note_reply(&self, took: Duration) {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).min(600_000);
        let before = self.reply_ms.load(Relaxed);
        let average = if before == 0 { took } else { (before * 7 + took) / 8 };
        self.reply_ms.store(average.max(1), Relaxed);
    }

    /// Seconds until a place in the queue is likely to be free.
    pub fn retry_after(&self, slots: u32) -> u32 {
        // Nothing finished yet: a usual reply's time.
        let reply = match self.reply_ms.load(Relaxed) {
            0 => 3000,
            known => known,
        };
        // One of the running replies ends every `reply / slots`, and each of those waiting wants such a moment.
        let waiting = u64::from(self.queued.load(Relaxed)) + 1;
        let wait = (waiting * reply / u64::from(slots.max(1))).div_ceil(1000);
        u32::try_from(wait).unwrap_or(u32::MAX).clamp(1, 120)
    }
}
