//! Eight guests who talk for a long time, one after the other in each of eight places, and of whom some leave in the
//! middle of a reply: memory, pauses, and whether anything is left over.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use concierge::ports::{ChatMessage, Engine as _, GenerationEvent, GenerationRequest, Role};
use engine::Gemma;
use futures::{StreamExt, future::try_join_all};
use tokio::time::sleep;

use super::{
    engine::Script,
    report::{Figure, Limit, memory_mb_now},
};
use crate::cli::{Failure, tell};

/// Guests at once.
const GUESTS: u64 = 8;
/// Memory is read so often; the first share of the readings is the time in which it grows to its working size.
const READING: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Heard {
    replies: u64,
    left: u64,
    failed: u64,
    longest_to_first: Duration,
    longest_pause: Duration,
}

/// Lets them talk for so many minutes.
pub async fn measure(gemma: Gemma, script: &Script, minutes: f64) -> Result<Vec<Figure>, Failure> {
    let until = Instant::now() + Duration::from_secs_f64(minutes.clamp(0.05, 24.0 * 60.0) * 60.0);
    let preamble: Arc<str> = script.preamble.as_str().into();
    let guests = (0..GUESTS).map(|place| talk(&gemma, script, Arc::clone(&preamble), place, until));
    let memory = async {
        let mut readings = Vec::new();
        while Instant::now() < until {
            sleep(READING.min(until.saturating_duration_since(Instant::now()) + Duration::from_millis(1))).await;
            readings.extend(memory_mb_now(std::process::id()));
            let seconds = until.saturating_duration_since(Instant::now()).as_secs();
            tell(&format!("{seconds} s left, {:.0} MB", readings.last().copied().unwrap_or(0.0)));
        }
        Ok(readings)
    };
    // A guest who cannot go on ends it at once.
    let (heard, readings) = futures::try_join!(try_join_all(guests), memory)?;
    // What the last leavers left behind is noticed at the next step.
    for _ in 0..100 {
        if gemma.metrics().running + gemma.metrics().queued == 0 {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let counts = gemma.metrics();
    let longest = |of: fn(&Heard) -> Duration| heard.iter().map(of).max().unwrap_or_default().as_secs_f64() * 1e3;
    let sum = |of: fn(&Heard) -> u64| heard.iter().map(of).sum::<u64>() as f64;
    let fifth = readings.len() / 5;
    let warm = readings.get(fifth).copied();
    let grown = warm.and_then(|warm| Some(readings.last()? - warm));
    Ok(vec![
        Figure::new("replies heard to the end", sum(|heard| heard.replies), ""),
        Figure::new("guests who left within a reply", sum(|heard| heard.left), ""),
        Figure::new("replies that failed", sum(|heard| heard.failed), "").limit(Limit::AtMost(0.0)),
        Figure::new("left over at the end", f64::from(counts.running + counts.queued), "").limit(Limit::AtMost(0.0)),
        Figure::new("longest wait for a first word", longest(|heard| heard.longest_to_first), "ms"),
        Figure::new("longest pause between words", longest(|heard| heard.longest_pause), "ms")
            .limit(Limit::AtMost(2_000.0)),
        Figure::new("memory after a fifth of the time", warm, "MB"),
        Figure::new("memory grown since", grown, "MB").limit(Limit::AtMost(10.0)),
        Figure::new("written", counts.decode_tokens as f64 / (minutes * 60.0), "tokens/s"),
        Figure::new(
            "prompt tokens found computed",
            100.0 * counts.cached_tokens as f64 / (counts.cached_tokens + counts.prefill_tokens).max(1) as f64,
            "%",
        ),
    ])
}

/// One place's guests, one after the other.
async fn talk(
    gemma: &Gemma,
    script: &Script,
    preamble: Arc<str>,
    place: u64,
    until: Instant,
) -> Result<Heard, Failure> {
    let mut heard = Heard::default();
    let mut chance = Chance(place + 1);
    for guest in 0_u64.. {
        let mut messages = Vec::new();
        for _ in 0..=chance.below(6) {
            if Instant::now() >= until {
                return Ok(heard);
            }
            let said = script.turns.iter().chain(&script.guests);
            let text = said.clone().nth(chance.below(said.count() as u64) as usize).cloned().unwrap_or_default();
            messages.push(ChatMessage { role: Role::User, text });
            // One of five leaves within the reply, some of them before its first word.
            let leaves_after = (chance.below(5) == 0).then(|| chance.below(20));
            let request = GenerationRequest {
                preamble: Arc::clone(&preamble),
                messages: messages.clone(),
                adapter: None,
                temperature: 1.0,
                max_tokens: script.reply_tokens,
                seed: chance.below(1 << 31) as u32,
                grammar: None,
                functions: None,
                conversation: Some(format!("place {place}, guest {guest}")),
            };
            match listen(gemma, request, leaves_after, &mut heard).await? {
                Some(text) => messages.push(ChatMessage { role: Role::Model, text }),
                None => break,
            }
        }
    }
    Ok(heard)
}

/// The whole reply; none if the guest left or it failed.
async fn listen(
    gemma: &Gemma,
    request: GenerationRequest,
    leaves_after: Option<u64>,
    heard: &mut Heard,
) -> Result<Option<String>, Failure> {
    let asked = Instant::now();
    let mut events = gemma.start(request).map_err(Failure::new)?;
    let mut text = String::new();
    let mut words = 0;
    let mut last = asked;
    loop {
        if leaves_after == Some(words) {
            heard.left += 1;
            return Ok(None);
        }
        match events.next().await {
            Some(GenerationEvent::Read(_)) => {}
            Some(GenerationEvent::Text(piece)) => {
                let longest = if words == 0 { &mut heard.longest_to_first } else { &mut heard.longest_pause };
                *longest = last.elapsed().max(*longest);
                last = Instant::now();
                words += 1;
                text.push_str(&piece);
            }
            Some(GenerationEvent::Done(_)) => {
                heard.replies += 1;
                return Ok(Some(text));
            }
            Some(GenerationEvent::Failed(_)) | None => {
                heard.failed += 1;
                return Ok(None);
            }
        }
    }
}

/// Repeatable chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }
}
