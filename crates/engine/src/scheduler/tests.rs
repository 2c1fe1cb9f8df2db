//! The scheduler over a device that is all bookkeeping: it knows exactly what each sequence must hold, breaks when it
//! is told to, and "answers" with a token that depends on all that came before it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::HashMap;

use futures::channel::mpsc::{UnboundedReceiver, unbounded};

use super::*;
use crate::{kv::Cells, sample::Sampler, template::Prompt};

const VOCABULARY: i32 = 97;
/// Breaks every computation that it is part of.
const BREAKS: i32 = 90;
/// Makes the scores NaN.
const NAN: i32 = 91;
/// Makes the computation panic.
const PANICS: i32 = 92;
const CELLS: u32 = 160;

#[derive(Default)]
struct Fake {
    sequences: HashMap<i32, Vec<i32>>,
    adapter: Option<AgentName>,
    scores: Vec<Vec<f32>>,
    calls: usize,
    longest_call: usize,
    /// Says the same ten tokens over and over, whatever came before.
    repeats: bool,
}

/// The token that follows a history: what any correct schedule must arrive at.
fn follows(history: &[i32], adapter: Option<AgentName>) -> i32 {
    let seed = adapter.map_or(7, |agent| 11 + agent as i64);
    let hash = history.iter().fold(seed, |hash, token| (hash * 31 + i64::from(*token) + 1) % 1_000_003);
    // Token 0 ends a reply and is rare.
    i32::try_from(hash % 40).unwrap()
}

impl Cells for Fake {
    fn share(&mut self, from: i32, to: i32, length: usize) {
        let tokens = self.sequences[&from][..length].to_vec();
        assert!(self.sequences.insert(to, tokens).is_none_or(|old| old.is_empty()), "shared over something");
    }
    fn truncate(&mut self, sequence: i32, length: usize) {
        self.sequences.entry(sequence).or_default().truncate(length);
    }
    fn first_whole(&self, _: i32) -> usize {
        0
    }
}

impl Device for Fake {
    fn decode(&mut self, rows: &[Row]) -> Result<(), String> {
        self.calls += 1;
        self.longest_call = self.longest_call.max(rows.len());
        assert!(!rows.is_empty());
        assert!(!rows.iter().any(|row| row.token == PANICS), "told to");
        if rows.iter().any(|row| row.token == BREAKS) {
            // Half of the work is done when it breaks.
            for row in &rows[..rows.len() / 2] {
                self.sequences.entry(row.sequence).or_default().push(row.token);
            }
            return Err("told to".to_owned());
        }
        self.scores.clear();
        for row in rows {
            let sequence = self.sequences.entry(row.sequence).or_default();
            assert_eq!(sequence.len(), row.position, "a gap in sequence {}", row.sequence);
            sequence.push(row.token);
            let mut scores = vec![0.0; usize::try_from(VOCABULARY).unwrap()];
            if row.scores {
                let next = if self.repeats { 1 + row.token % 10 } else { follows(sequence, self.adapter) };
                scores[usize::try_from(next).unwrap()] = 1.0;
                if row.token == NAN {
                    scores[3] = f32::NAN;
                }
            }
            self.scores.push(scores);
        }
        Ok(())
    }
    fn scores(&self, row: usize) -> &[f32] {
        &self.scores[row]
    }
    fn voice_of(&self, agent: AgentName) -> AgentName {
        agent
    }
    fn set_adapter(&mut self, adapter: Option<AgentName>) -> Result<(), String> {
        self.adapter = adapter;
        Ok(())
    }
    fn is_end(&self, token: i32) -> bool {
        token == 0
    }
    fn piece(&self, token: i32, bytes: &mut Vec<u8>) {
        bytes.extend(format!("{token} ").bytes());
    }
}

fn scheduler(slots: usize) -> Scheduler<Fake> {
    let limits = Limits { slots, reply_time: Duration::from_secs(60), chunk_busy: 4, chunk_idle: 9, guesses: 6 };
    Scheduler::new(Fake::default(), Kv::new(slots + 6, CELLS, Some(8)), limits, Arc::default(), VecDeque::new())
}

type Events = UnboundedReceiver<GenerationEvent>;

fn job(prompt: &[i32], preamble: usize, max_tokens: u32) -> (Job, Events) {
    let (events, stream) = unbounded();
    let job = Job {
        prompt: Prompt { tokens: prompt.to_vec(), preamble },
        adapter: None,
        sampler: Sampler::new(0.0, 0),
        max_tokens,
        conversation: None,
        events,
        asked: Instant::now(),
    };
    (job, stream)
}

fn push(scheduler: &mut Scheduler<Fake>, job: Job) {
    scheduler.metrics.queued.fetch_add(1, Relaxed);
    scheduler.push(job);
}

fn run(scheduler: &mut Scheduler<Fake>) {
    for _ in 0..10_000 {
        if scheduler.is_idle() {
            return;
        }
        scheduler.step();
    }
    panic!("it never came to rest");
}

fn outcome(mut events: Events) -> Result<(String, GenerationEnd), EngineError> {
    let mut text = String::new();
    while let Ok(event) = events.try_recv() {
        match event {
            GenerationEvent::Read(_) => {}
            GenerationEvent::Text(piece) => text.push_str(&piece),
            GenerationEvent::Done(end) => return Ok((text, end)),
            GenerationEvent::Failed(error) => return Err(error),
        }
    }
    panic!("no end after {text:?}")
}

/// The reply that the fake must give, worked out without a scheduler.
fn expected(prompt: &[i32], adapter: Option<AgentName>, max_tokens: u32) -> String {
    let mut history = prompt.to_vec();
    let mut text = String::new();
    for _ in 0..max_tokens {
        let token = follows(&history, adapter);
        if token == 0 {
            break;
        }
        text.push_str(&format!("{token} "));
        history.push(token);
    }
    text
}

#[test]
fn any_mixture_of_guests_gets_the_right_replies() {
    let mut state = 12345_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let adapters = [None, Some(AgentName::Rosy), Some(AgentName::Gordon)];
    for _ in 0..40 {
        let mut scheduler = scheduler(3);
        let mut asked = Vec::new();
        for _ in 0..60 {
            // Few beginnings, so that much is shared; conversations come again with the same and with other words.
            let adapter = adapters[usize::try_from(random(3)).unwrap()];
            let mut prompt: Vec<i32> = (0..6).map(|i| 41 + i).collect();
            prompt.extend((0..random(30)).map(|i| i32::try_from(50 + (i * random(2)) % 30).unwrap()));
            let max_tokens = u32::try_from(random(12) + 1).unwrap();
            let (mut job, events) = job(&prompt, 6, max_tokens);
            job.adapter = adapter;
            job.conversation = (random(2) == 0).then(|| format!("guest {}", random(8)));
            push(&mut scheduler, job);
            if random(7) == 0 {
                drop(events);
            } else {
                asked.push((prompt, adapter, max_tokens, events));
            }
            for _ in 0..random(6) {
                scheduler.step();
            }
            assert!(scheduler.kv.used() <= CELLS as usize);
        }
        run(&mut scheduler);
        for (prompt, adapter, max_tokens, events) in asked {
            let (text, end) = outcome(events).unwrap();
            assert_eq!(text, expected(&prompt, adapter, max_tokens));
            assert_eq!(end.usage.prompt_tokens as usize, prompt.len());
        }
        let metrics = scheduler.metrics.snapshot();
        assert_eq!((metrics.queued, metrics.running, metrics.failed), (0, 0, 0));
        assert!(metrics.cached_tokens > 0);
        assert_eq!(scheduler.kv.used_by_replies(), 0);
    }
}

#[test]
fn a_broken_computation_costs_the_guilty_reply_alone() {
    for guilty in [BREAKS, NAN, PANICS] {
        let mut scheduler = scheduler(4);
        let good: [&[i32]; 3] = [&[41, 42], &[43, 44, 45, 46, 47, 48], &[49]];
        let (bad, bad_events) = job(&[50, 51, guilty], 0, 8);
        let mut events = Vec::new();
        for (index, prompt) in good.iter().enumerate() {
            let (job, stream) = job(prompt, 0, 8);
            push(&mut scheduler, job);
            events.push(stream);
            if index == 0 {
                scheduler.step();
            }
        }
        push(&mut scheduler, bad);
        run(&mut scheduler);
        assert!(matches!(outcome(bad_events), Err(EngineError::Failed(_))));
        for (prompt, stream) in good.iter().zip(events) {
            assert_eq!(outcome(stream).unwrap().0, expected(prompt, None, 8), "with {guilty}");
        }
        assert_eq!(scheduler.metrics.snapshot().failed, 1);
        // And its state is not gone on from.
        let (again, stream) = job(&[50, 51, 52], 0, 4);
        push(&mut scheduler, again);
        run(&mut scheduler);
        assert_eq!(outcome(stream).unwrap().0, expected(&[50, 51, 52], None, 4));
    }
}

#[test]
fn a_long_prompt_delays_others_by_chunks_only() {
    let mut scheduler = scheduler(2);
    let (writer, mut words) = job(&[41], 0, 40);
    push(&mut scheduler, writer);
    scheduler.step();
    let long: Vec<i32> = (0..60).map(|i| 50 + i % 30).collect();
    let (reader, stream) = job(&long, 0, 2);
    push(&mut scheduler, reader);
    while words.try_recv().is_ok() {}
    scheduler.device.longest_call = 0;
    // While the long prompt is read, every step writes a word to the other.
    for _ in 0..10 {
        scheduler.step();
        assert!(matches!(words.try_recv(), Ok(GenerationEvent::Text(_))));
    }
    assert!(scheduler.device.longest_call <= 1 + scheduler.limits.chunk_busy + scheduler.limits.guesses);
    run(&mut scheduler);
    assert_eq!(outcome(stream).unwrap().0, expected(&long, None, 2));
}

#[test]
fn preambles_outlive_conversations_and_are_found_again() {
    let mut scheduler = scheduler(2);
    let preamble: Vec<i32> = (0..20).map(|i| 41 + i).collect();
    for guest in 0..30 {
        let prompt: Vec<i32> = preamble.iter().copied().chain([70 + guest % 9, 80, 81, 82]).collect();
        let (mut asked, stream) = job(&prompt, preamble.len(), 6);
        asked.conversation = Some(format!("guest {guest}"));
        push(&mut scheduler, asked);
        run(&mut scheduler);
        let end = outcome(stream).unwrap().1;
        assert!(guest == 0 || end.usage.cached_tokens as usize >= preamble.len(), "guest {guest}: {end:?}");
    }
}

#[test]
fn adapters_take_turns_and_change_between_replies_only() {
    let mut scheduler = scheduler(4);
    let mut streams = Vec::new();
    for (index, adapter) in [None, Some(AgentName::Rosy), Some(AgentName::Gordon), None].into_iter().enumerate() {
        let prompt = [41 + i32::try_from(index).unwrap(), 50];
        let (mut asked, stream) = job(&prompt, 0, 30);
        asked.adapter = adapter;
        push(&mut scheduler, asked);
        streams.push((prompt, adapter, stream));
    }
    run(&mut scheduler);
    let metrics = scheduler.metrics.snapshot();
    assert!(metrics.adapter_switches < metrics.steps / 3, "{metrics:?}");
    for (prompt, adapter, stream) in streams {
        assert_eq!(outcome(stream).unwrap().0, expected(&prompt, adapter, 30));
    }
}

#[test]
fn a_reply_waits_until_the_state_has_room_for_all_of_it() {
    let mut scheduler = scheduler(4);
    let streams: Vec<_> = (0..6)
        .map(|guest| {
            let prompt: Vec<i32> = (0..60).map(|i| 41 + (i * (guest + 2)) % 40).collect();
            let (asked, stream) = job(&prompt, 0, 30);
            push(&mut scheduler, asked);
            (prompt, stream)
        })
        .collect();
    scheduler.step();
    assert_eq!(scheduler.running(), 1, "two of ninety tokens do not fit {CELLS}");
    run(&mut scheduler);
    for (prompt, stream) in streams {
        assert_eq!(outcome(stream).unwrap().0, expected(&prompt, None, 30));
    }
}

#[test]
fn what_is_said_again_is_guessed_and_company_leaves_no_room_for_it() {
    let steps_for = |guesses: usize, guests: usize| {
        let mut scheduler = scheduler(4);
        scheduler.device.repeats = true;
        scheduler.limits.guesses = guesses;
        let mut streams = Vec::new();
        for _ in 0..guests {
            let (job, stream) = job(&[1, 2, 3], 0, 30);
            push(&mut scheduler, job);
            streams.push(stream);
        }
        run(&mut scheduler);
        for stream in streams {
            let (text, end) = outcome(stream).unwrap();
            let expected: String = (0..30).map(|at| format!("{} ", 1 + (at + 3) % 10)).collect();
            assert_eq!((text, end.usage.completion_tokens), (expected, 30));
        }
        let metrics = scheduler.metrics.snapshot();
        assert_eq!(metrics.guessed_tokens > 0, guesses > guests - 1, "{metrics:?}");
        metrics.steps
    };
    // The first ten tokens are new; then each call says as many as were guessed and one.
    assert_eq!(steps_for(0, 1), 30);
    let guessing = steps_for(6, 1);
    assert!(guessing <= 16, "{guessing} steps");
    assert_eq!(steps_for(2, 3), steps_for(0, 3));
}

#[test]
fn ten_thousand_who_wait_are_all_answered_but_for_those_who_leave() {
    let mut scheduler = scheduler(4);
    let mut streams = Vec::new();
    for guest in 0..10_000 {
        let (job, stream) = job(&[41 + guest % 40, 50], 0, 3);
        push(&mut scheduler, job);
        // Every other guest does not wait for it.
        if guest % 2 == 0 {
            streams.push((guest, stream));
        }
    }
    run(&mut scheduler);
    for (guest, stream) in streams {
        assert_eq!(outcome(stream).unwrap().0, expected(&[41 + guest % 40, 50], None, 3));
    }
    let metrics = scheduler.metrics.snapshot();
    assert_eq!((metrics.queued, metrics.running, metrics.cancelled), (0, 0, 5_000));
}
