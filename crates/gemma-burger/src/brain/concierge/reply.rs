//! Speaking: the model's words through the check to the guest.

use std::time::Instant;

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
    if !brief.is_verbatim() {
        match engine.start(request) {
            Ok(mut words) => loop {
                let event = tokio::select! {
                    biased;
                    () = cancelled.cancelled() => {
                        end.reason = events.cancel_reason();
                        let spoken = speaker.stop();
                        return Reply { spoken, raw, end };
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
                        if let Some(text) = speaker.push(&text) {
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
    let complete = end.reason == FinishReason::Stop;
    let (rest, spoken) = speaker.finish(complete);
    events.token(rest.unwrap_or_default());
    // The reply is whole, whoever finished it.
    end.reason = FinishReason::Stop;
    Reply { spoken, raw, end }
}

fn note(error: &EngineError) {
    tracing::warn!(%error, "reply spoken without the model");
}
