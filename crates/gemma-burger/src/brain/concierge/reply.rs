//! Speaking: the model's words through the check to the guest.

use std::time::{Duration, Instant};

use concierge::{
    brief::Brief,
    check::{Checker, MentionIndex, Speaker, Spoken},
    ports::{Engine, EngineError, FinishReason, GenerationEnd, GenerationEvent, GenerationRequest, Timings, Usage},
};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::brain::ports::EventSink;

/// A reply as it was given.
pub struct Reply {
    /// What the guest read, and how it came about.
    pub spoken: Spoken,
    /// What the model wrote, as far as it was heard.
    pub raw: String,
    /// How the model's part ended.
    pub end: GenerationEnd,
    /// When it was heard.
    pub heard: Heard,
}

/// The moments of a reply.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// It was asked for.
    pub began: Instant,
    /// The first word came.
    pub first: Option<Instant>,
    /// The model's part was over; none where no model was asked.
    pub ended: Option<Instant>,
    /// What the check took of it.
    pub checking: Duration,
}

/// Speaks a reply. Whatever becomes of the model, the guest is told what the brief says: a model that is busy, broken
/// or wrong costs its own words only.
pub async fn speak(
    engine: &dyn Engine,
    index: &MentionIndex,
    brief: &Brief,
    guest: &str,
    request: GenerationRequest,
    events: &EventSink,
    cancelled: &CancellationToken,
) -> Reply {
    let mut speaker = Speaker::new(Checker::new(index, brief, guest), brief);
    let mut end = GenerationEnd { reason: FinishReason::Stop, usage: Usage::default(), timings: Timings::default() };
    let (mut read, mut raw) = (Instant::now(), String::new());
    let mut heard = Heard { began: read, first: None, ended: None, checking: Duration::ZERO };
    if !brief.is_verbatim() {
        match engine.start(request) {
            Ok(mut words) => loop {
                let event = tokio::select! {
                    biased;
                    () = cancelled.cancelled() => {
                        end.reason = events.cancel_reason();
                        let spoken = speaker.stop();
                        heard.ended = Some(Instant::now());
                        return Reply { spoken, raw, end, heard };
                    }
                    event = words.next() => event,
                };
                match event {
                    Some(GenerationEvent::Read(prompt)) => {
                        // Kept up here, as the end is not waited for where the check has heard enough.
                        (end.usage, end.timings, read) = (prompt.usage, prompt.timings, Instant::now());
                    }
                    Some(GenerationEvent::Text(text)) => {
                        end.usage.completion_tokens += 1;
                        end.timings.decode_ms = read.elapsed().as_secs_f64() * 1_000.0;
                        raw.push_str(&text);
                        let came = Instant::now();
                        heard.first.get_or_insert(came);
                        let holds = speaker.push(&text);
                        heard.checking += came.elapsed();
                        if let Some(text) = holds {
                            events.token(text);
                        }
                        // Dropping the stream ends the work behind it.
                        if speaker.is_over() {
                            break;
                        }
                    }
                    Some(GenerationEvent::Done(done)) => {
                        end = done;
                        break;
                    }
                    Some(GenerationEvent::Failed(error)) => {
                        note(&error);
                        break;
                    }
                    None => break,
                }
            },
            Err(error) => note(&error),
        }
    }
    let over = Instant::now();
    heard.ended = (!brief.is_verbatim()).then_some(over);
    let complete = end.reason == FinishReason::Stop;
    let (rest, spoken) = speaker.finish(complete);
    heard.checking += over.elapsed();
    events.token(rest.unwrap_or_default());
    // The reply is whole, whoever finished it.
    end.reason = FinishReason::Stop;
    Reply { spoken, raw, end, heard }
}

fn note(error: &EngineError) {
    tracing::warn!(%error, "reply spoken without the model");
}
