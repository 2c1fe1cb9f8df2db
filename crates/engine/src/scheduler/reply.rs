//! A reply from when it is asked for until it ends.

use std::time::{Duration, Instant};

use concierge::{
    intent::AgentName,
    ports::{GenerationEvent, Timings, Usage},
};
use futures::channel::mpsc::UnboundedSender;

use crate::{guess::Boldness, sample::Sampler, template::Prompt, text::Utf8Joiner};

/// A reply asked for.
pub(crate) struct Job {
    pub prompt: Prompt,
    pub adapter: Option<AgentName>,
    pub sampler: Sampler,
    pub max_tokens: u32,
    pub conversation: Option<String>,
    pub events: UnboundedSender<GenerationEvent>,
    pub asked: Instant,
}

impl Job {
    /// Sends a part of the reply. A guest who has left hears nothing; that is noticed at the next step.
    pub fn send(&self, event: GenerationEvent) {
        if self.events.unbounded_send(event).is_err() {
            tracing::trace!("nobody listens to a reply any more");
        }
    }
}

/// A reply that has a place.
pub(super) struct Reply {
    pub job: Job,
    /// The job's adapter, or another agent's that is the same file.
    pub adapter: Option<AgentName>,
    pub sequence: i32,
    /// Prompt tokens whose state was there.
    pub reused: usize,
    /// Chosen and not computed yet.
    pub next: Option<i32>,
    pub boldness: Boldness,
    pub written: u32,
    pub text: Utf8Joiner,
    pub started: Instant,
    pub prompt_read: Option<Instant>,
    /// The step it was last computed in.
    pub stepped: u64,
    pub ended: bool,
}

impl Reply {
    pub fn usage(&self) -> Usage {
        let count = |tokens: usize| u32::try_from(tokens).unwrap_or(u32::MAX);
        Usage {
            prompt_tokens: count(self.job.prompt.tokens.len()),
            cached_tokens: count(self.reused),
            completion_tokens: self.written,
        }
    }

    pub fn timings(&self) -> Timings {
        let now = Instant::now();
        let read = self.prompt_read.unwrap_or(now);
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        Timings {
            queued_ms: milliseconds(self.started - self.job.asked),
            prefill_ms: milliseconds(read - self.started),
            decode_ms: milliseconds(now - read),
        }
    }
}
