//! Who is computed when: continuous batching of many replies over one device.
//!
//! A step computes, in one call of the model, one token for every reply being written and a chunk of the oldest
//! prompt that is still being read. So a long prompt delays the others' words by one chunk at a time, and a reply
//! begins as soon as there is a place for it. Where few are being written, a step also computes what they are likely
//! to say next (`guess`). Replies with different adapters cannot share a call: they take turns of a few steps.

mod reply;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use concierge::{
    intent::AgentName,
    ports::{EngineError, FinishReason, GenerationEnd, GenerationEvent, PromptRead},
};
use reply::Reply;

pub(crate) use reply::Job;

use crate::{
    device::{Device, Row},
    guess::{Boldness, guess},
    kv::{Kv, Lease},
    metrics::Metrics,
    text::Utf8Joiner,
};

/// Steps that replies of one adapter have before those of another get theirs.
const ADAPTER_STEPS: u32 = 6;

/// The scheduler's share of the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub slots: usize,
    pub reply_time: Duration,
    pub chunk_busy: usize,
    pub chunk_idle: usize,
    /// Tokens guessed ahead in one step at most, for all replies together.
    pub guesses: usize,
}

/// One reply's share of a step.
struct Part {
    /// Its index among the replies.
    reply: usize,
    tokens: Vec<i32>,
    /// The first of the tokens after which the next one is chosen; those behind it are guesses. All of them, if what
    /// follows the part is still the prompt.
    chooses_from: usize,
}

impl Part {
    fn guesses(&self) -> usize {
        self.tokens.len().saturating_sub(self.chooses_from + 1)
    }
}

pub(crate) struct Scheduler<D> {
    device: D,
    kv: Kv,
    limits: Limits,
    metrics: Arc<Metrics>,
    queue: VecDeque<Job>,
    replies: Vec<Reply>,
    adapter: Option<AgentName>,
    adapter_steps: u32,
    step: u64,
    /// No new replies begin: the adapters are about to change.
    held: bool,
}

impl<D: Device> Scheduler<D> {
    pub fn new(device: D, kv: Kv, limits: Limits, metrics: Arc<Metrics>, queue: VecDeque<Job>) -> Self {
        Self {
            device,
            kv,
            limits,
            metrics,
            queue,
            replies: Vec::new(),
            adapter: None,
            adapter_steps: 0,
            step: 0,
            held: false,
        }
    }

    pub fn push(&mut self, job: Job) {
        self.queue.push_back(job);
    }

    /// Lets no waiting reply begin any more.
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// Replies being written.
    pub fn running(&self) -> usize {
        self.replies.len()
    }

    /// Nothing to do until something is asked.
    pub fn is_idle(&self) -> bool {
        self.replies.is_empty() && self.queue.is_empty()
    }

    /// Ends the scheduler: those that wait go on to the next one.
    pub fn into_queue(self) -> VecDeque<Job> {
        self.queue
    }

    /// Ends every running reply with an error.
    pub fn fail_running(&mut self, reason: &str) {
        for index in 0..self.replies.len() {
            self.fail(index, EngineError::Failed(reason.to_owned()));
        }
        self.clear_ended();
    }

    /// One call of the model, and what comes before and after it.
    pub fn step(&mut self) {
        self.sweep();
        self.admit();
        let Some(adapter) = self.whose_turn() else { return };
        if adapter != self.adapter {
            if let Err(reason) = self.device.set_adapter(adapter) {
                for index in 0..self.replies.len() {
                    if self.replies.get(index).is_some_and(|reply| reply.adapter == adapter) {
                        self.fail(index, EngineError::Failed(reason.clone()));
                    }
                }
                return self.clear_ended();
            }
            self.adapter = adapter;
            self.adapter_steps = 0;
            self.metrics.adapter_switches.fetch_add(1, Relaxed);
        }
        self.adapter_steps += 1;
        self.step += 1;
        let parts = self.plan(adapter);
        self.compute(parts);
        self.clear_ended();
        self.metrics.state_tokens.store(self.kv.used() as u64, Relaxed);
    }

    /// The scores after a text, outside of any reply.
    pub fn scores_after(&mut self, tokens: &[i32], adapter: Option<AgentName>) -> Result<Vec<f32>, EngineError> {
        let failed = |reason: &str| EngineError::Failed(reason.to_owned());
        if tokens.is_empty() || tokens.len() > self.kv.capacity() {
            return Err(EngineError::Invalid(format!("{} tokens cannot be computed", tokens.len())));
        }
        let adapter = adapter.map(|agent| self.device.voice_of(agent));
        self.device.set_adapter(adapter).map_err(EngineError::Failed)?;
        let lease =
            self.kv.lease(&mut self.device, tokens, adapter, None).ok_or_else(|| failed("no sequence is free"))?;
        let mut result = Err(failed("nothing was computed"));
        let mut position = lease.reused;
        for chunk in tokens.get(lease.reused..).unwrap_or_default().chunks(self.limits.chunk_idle.max(1)) {
            let last = position + chunk.len() == tokens.len();
            let rows = rows(chunk, position, lease.sequence, if last { chunk.len() - 1 } else { chunk.len() });
            if !self.kv.make_room(&mut self.device, chunk.len()) {
                result = Err(failed("the replies being written leave no room"));
                break;
            }
            if let Err(reason) = self.device.decode(&rows) {
                result = Err(EngineError::Failed(reason));
                break;
            }
            self.kv.extend(lease.sequence, chunk);
            position += chunk.len();
            if last {
                result = Ok(self.device.scores(chunk.len() - 1).to_vec());
            }
        }
        self.kv.discard(&mut self.device, lease.sequence);
        self.device.set_adapter(self.adapter).map_err(EngineError::Failed)?;
        result
    }

    /// Ends what nobody waits for any more and what has had its time.
    fn sweep(&mut self) {
        let (metrics, limits) = (&self.metrics, self.limits);
        self.queue.retain(|job| {
            if job.events.is_closed() {
                metrics.queued.fetch_sub(1, Relaxed);
                metrics.cancelled.fetch_add(1, Relaxed);
                return false;
            }
            let waits_too_long = job.asked.elapsed() > limits.reply_time;
            if waits_too_long {
                metrics.queued.fetch_sub(1, Relaxed);
                metrics.refused.fetch_add(1, Relaxed);
                let retry_after_s = metrics.retry_after(u32::try_from(limits.slots).unwrap_or(1));
                job.send(GenerationEvent::Failed(EngineError::Overloaded { retry_after_s }));
            }
            !waits_too_long
        });
        for index in 0..self.replies.len() {
            let Some(reply) = self.replies.get(index) else { break };
            if reply.job.events.is_closed() {
                self.end(index, FinishReason::Cancelled);
            } else if reply.started.elapsed() > self.limits.reply_time {
                self.end(index, FinishReason::Timeout);
            }
        }
        self.clear_ended();
    }

    /// Gives places to those that have waited longest, as long as the state has room for all of what may be written.
    fn admit(&mut self) {
        while !self.held && self.replies.len() < self.limits.slots {
            let Some(job) = self.queue.front() else { return };
            let length = |job: &Job| job.prompt.tokens.len() + job.max_tokens as usize;
            let growth: usize = self
                .replies
                .iter()
                .map(|reply| length(&reply.job).saturating_sub(self.kv.length(reply.sequence)))
                .sum();
            let needed = self.kv.used_by_replies() + growth + length(job);
            if needed > self.kv.capacity() && !self.replies.is_empty() {
                return;
            }
            let Some(job) = self.queue.pop_front() else { return };
            let adapter = job.adapter.map(|agent| self.device.voice_of(agent));
            let lease = self.kv.lease(&mut self.device, &job.prompt.tokens, adapter, job.conversation.as_deref());
            let Some(Lease { sequence, reused }) = lease else { return self.queue.push_front(job) };
            // In this order the sum of both never falls short of the truth.
            self.metrics.running.fetch_add(1, Relaxed);
            self.metrics.queued.fetch_sub(1, Relaxed);
            self.metrics.cached_tokens.fetch_add(reused as u64, Relaxed);
            self.replies.push(Reply {
                job,
                adapter,
                sequence,
                reused,
                next: None,
                boldness: Boldness::default(),
                written: 0,
                text: Utf8Joiner::default(),
                started: Instant::now(),
                prompt_read: None,
                stepped: 0,
                ended: false,
            });
        }
    }

    /// The adapter of the next step: the present one for its turn, then that of the reply that has waited longest.
    fn whose_turn(&self) -> Option<Option<AgentName>> {
        let present = self.replies.iter().any(|reply| reply.adapter == self.adapter);
        if present && self.adapter_steps < ADAPTER_STEPS {
            return Some(self.adapter);
        }
        let others = self.replies.iter().filter(|reply| reply.adapter != self.adapter);
        let longest = others.min_by_key(|reply| reply.stepped);
        longest.map(|reply| reply.adapter).or(present.then_some(self.adapter))
    }

    /// A token of each reply being written, and as much of the oldest prompts as a step may hold.
    fn plan(&mut self, adapter: Option<AgentName>) -> Vec<Part> {
        let step = self.step;
        let mut parts = Vec::new();
        let writers = self.replies.iter().filter(|reply| reply.adapter == adapter && reply.next.is_some()).count();
        // Each of many replies fills a row of the call anyway, and a guess costs as much as one of them.
        let mut room = self.limits.guesses.saturating_sub(writers.saturating_sub(1));
        for (index, reply) in self.replies.iter_mut().enumerate().filter(|(_, reply)| reply.adapter == adapter) {
            if let Some(token) = reply.next {
                reply.stepped = step;
                let left = reply.job.max_tokens.saturating_sub(reply.written + 1) as usize;
                let most = reply.boldness.length(room).min(left);
                let guessed = guess(self.kv.tokens(reply.sequence), token, most).iter().copied();
                let mut tokens = vec![token];
                tokens.extend(guessed.take_while(|token| !self.device.is_end(*token)));
                room -= tokens.len() - 1;
                parts.push(Part { reply: index, tokens, chooses_from: 0 });
            }
        }
        let mut budget = if parts.is_empty() { self.limits.chunk_idle } else { self.limits.chunk_busy };
        for (index, reply) in self.replies.iter_mut().enumerate().filter(|(_, reply)| reply.adapter == adapter) {
            if reply.next.is_some() || budget == 0 {
                continue;
            }
            let done = self.kv.length(reply.sequence);
            let left = reply.job.prompt.tokens.get(done..).unwrap_or_default();
            let chunk = left.get(..budget.min(left.len())).unwrap_or_default();
            budget -= chunk.len();
            reply.stepped = step;
            let chooses_from = if chunk.len() == left.len() { chunk.len() - 1 } else { chunk.len() };
            parts.push(Part { reply: index, tokens: chunk.to_vec(), chooses_from });
        }
        parts
    }

    /// Computes parts together. If that fails, each is tried alone, so that only the guilty one ends.
    fn compute(&mut self, parts: Vec<Part>) {
        let mut all = Vec::new();
        let mut ends = Vec::new();
        for part in &parts {
            let Some(reply) = self.replies.get(part.reply) else { continue };
            all.extend(rows(&part.tokens, self.kv.length(reply.sequence), reply.sequence, part.chooses_from));
            ends.push(all.len());
        }
        let room = self.kv.make_room(&mut self.device, all.len());
        let outcome = if room {
            guarded(|| self.device.decode(&all)).and_then(|outcome| outcome)
        } else {
            Err("the memory for conversations is full".to_owned())
        };
        self.metrics.steps.fetch_add(1, Relaxed);
        match outcome {
            Ok(()) => {
                // The scores are those of this call: all are used before anything is computed again.
                for (part, end) in parts.iter().zip(ends) {
                    self.computed(part, end - part.tokens.len());
                }
            }
            Err(reason) if parts.len() > 1 || parts.iter().any(|part| part.guesses() > 0) => {
                tracing::warn!(%reason, replies = parts.len(), "a step failed; each reply is tried alone");
                for part in &parts {
                    if let Some(reply) = self.replies.get(part.reply) {
                        let length = self.kv.length(reply.sequence);
                        self.kv.rewind(&mut self.device, reply.sequence, length);
                    }
                }
                for mut part in parts {
                    // Without the guesses, which may be what is guilty.
                    part.tokens.truncate(part.chooses_from + 1);
                    self.compute(vec![part]);
                }
            }
            Err(reason) => {
                for part in &parts {
                    self.fail(part.reply, EngineError::Failed(reason.clone()));
                }
            }
        }
    }

    /// Takes note of a part that is computed; `row` is its first.
    fn computed(&mut self, part: &Part, row: usize) {
        let Some(reply) = self.replies.get_mut(part.reply) else { return };
        let before = self.kv.length(reply.sequence);
        self.kv.extend(reply.sequence, &part.tokens);
        if reply.next.take().is_none() {
            self.metrics.prefill_tokens.fetch_add(part.tokens.len() as u64, Relaxed);
        }
        if part.chooses_from == part.tokens.len() {
            return;
        }
        if reply.prompt_read.is_none() {
            reply.prompt_read = Some(Instant::now());
            reply.job.send(GenerationEvent::Read(PromptRead { usage: reply.usage(), timings: reply.timings() }));
            self.kv.keep_preamble(&mut self.device, reply.sequence, reply.job.prompt.preamble);
        }
        let mut chosen = Vec::new();
        let mut failure = None;
        for place in part.chooses_from..part.tokens.len() {
            let (device, sampler) = (&self.device, &mut reply.job.sampler);
            match guarded(|| sampler.sample(device.scores(row + place))) {
                Ok(Ok(token)) => chosen.push(token),
                Ok(Err(error)) => failure = Some(format!("no next token: {error:?}")),
                Err(reason) => failure = Some(reason),
            }
            // What was computed beyond holds only if the guess was right.
            if failure.is_some() || part.tokens.get(place + 1) != chosen.last() {
                break;
            }
        }
        let right = chosen.len().saturating_sub(1);
        reply.boldness.learn(part.guesses(), right);
        self.metrics.guessed_tokens.fetch_add(part.guesses() as u64, Relaxed);
        self.metrics.guessed_right.fetch_add(right as u64, Relaxed);
        if right < part.guesses() {
            self.kv.rewind(&mut self.device, reply.sequence, before + part.chooses_from + chosen.len().max(1));
        }
        for token in chosen {
            self.write(part.reply, token);
        }
        if let Some(reason) = failure {
            self.fail(part.reply, EngineError::Failed(reason));
        }
    }

    /// Sends a chosen token's words, or ends the reply.
    fn write(&mut self, index: usize, token: i32) {
        if self.device.is_end(token) {
            return self.end(index, FinishReason::Stop);
        }
        let Some(reply) = self.replies.get_mut(index) else { return };
        reply.written += 1;
        self.metrics.decode_tokens.fetch_add(1, Relaxed);
        let mut bytes = Vec::new();
        self.device.piece(token, &mut bytes);
        let text = reply.text.push(&bytes);
        reply.job.send(GenerationEvent::Text(text));
        if reply.written >= reply.job.max_tokens {
            self.end(index, FinishReason::Length);
        } else {
            reply.next = Some(token);
        }
    }

    fn end(&mut self, index: usize, reason: FinishReason) {
        let Some(reply) = self.replies.get_mut(index).filter(|reply| !reply.ended) else { return };
        reply.ended = true;
        let rest = reply.text.finish();
        if !rest.is_empty() {
            reply.job.send(GenerationEvent::Text(rest));
        }
        let end = GenerationEnd { reason, usage: reply.usage(), timings: reply.timings() };
        reply.job.send(GenerationEvent::Done(end));
        if reason == FinishReason::Cancelled {
            self.metrics.cancelled.fetch_add(1, Relaxed);
        } else {
            self.metrics.replies.fetch_add(1, Relaxed);
            self.metrics.note_reply(reply.started.elapsed());
        }
        self.kv.finish(&mut self.device, reply.sequence);
    }

    fn fail(&mut self, index: usize, error: EngineError) {
        let Some(reply) = self.replies.get_mut(index).filter(|reply| !reply.ended) else { return };
        tracing::warn!(%error, "a reply failed");
        reply.ended = true;
        reply.job.send(GenerationEvent::Failed(error));
        self.metrics.failed.fetch_add(1, Relaxed);
        self.kv.discard(&mut self.device, reply.sequence);
    }

    fn clear_ended(&mut self) {
        self.replies.retain(|reply| !reply.ended);
        self.metrics.running.store(u32::try_from(self.replies.len()).unwrap_or(u32::MAX), Relaxed);
    }
}

fn rows(tokens: &[i32], position: usize, sequence: i32, scores_from: usize) -> Vec<Row> {
    let row = |(index, token): (usize, &i32)| Row {
        token: *token,
        position: position + index,
        sequence,
        scores: index >= scores_from,
    };
    tokens.iter().enumerate().map(row).collect()
}

/// A panic of the computation is a failure like any other.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "the computation broke off".to_owned())
}

#[cfg(test)]
mod tests;
