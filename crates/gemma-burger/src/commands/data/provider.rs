//! More examples from a large language model.

use std::{collections::HashSet, time::Duration};

use concierge::{
    check::MentionIndex,
    ports::{Engine, EngineError, GenerationEvent},
    tuning::{Example, answered, question},
};
use futures::{StreamExt, stream};

use super::json;
use crate::{
    cli::{Failure, print, tell},
    config::{Config, Secret},
};

/// Questions under way at once: providers allow few.
const AT_ONCE: usize = 4;
/// Times that one question is asked, and the pause before the second time; it doubles.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(2);
/// Questions in a row that get no answer before it is given up.
const GIVE_UP_AFTER: usize = 8;
/// Characters of an answer; more is no example.
const MOST_CHARS: usize = 16_384;

/// What became of the questions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    kept: usize,
    refused: usize,
    unanswered: usize,
}

/// The provider that the configuration names, or what is missing.
pub(super) fn configured(config: &Config) -> Result<remote::RemoteConfig, Failure> {
    let provider = &config.provider;
    let (Some(url), Some(model)) = (&provider.url, &provider.model) else {
        return Err(Failure::usage("no provider of more examples is configured; nothing was asked").hint(
            "set PROVIDER_URL (Gemini: https://generativelanguage.googleapis.com/v1beta/openai), PROVIDER_MODEL and, \
             where it wants one, PROVIDER_KEY",
        ));
    };
    let address = url.parse().map_err(|error| Failure::usage(format!("PROVIDER_URL: {error}")))?;
    Ok(remote::RemoteConfig {
        key: provider.key.as_ref().map(|key: &Secret| key.reveal().to_owned()),
        // Pauses are ours: a provider's limits last longer than an endpoint's hiccups.
        attempts: 1,
        first_word_patience: Duration::from_secs(60),
        word_patience: Duration::from_secs(30),
        reply_time_limit: Duration::from_secs(120),
        ..remote::RemoteConfig::new(vec![address], model.clone())
    })
}

/// Asks for another example of each draft, prints those that pass the check, and tells how it went.
pub(super) async fn ask(
    engine: &dyn Engine,
    drafts: &[Example],
    index: &MentionIndex,
    seed: u32,
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let mut seen: HashSet<String> = drafts.iter().map(Example::asked).collect();
    let mut silent = 0;
    let questions = drafts.iter().enumerate().map(|(at, draft)| async move {
        let seed = seed.wrapping_add(u32::try_from(at).unwrap_or(u32::MAX));
        (at, draft, answer(engine, draft, seed).await)
    });
    let mut answers = stream::iter(questions).buffered(AT_ONCE);
    while let Some((at, draft, answer)) = answers.next().await {
        let text = match answer {
            Ok(text) => text,
            Err(error) => {
                tally.unanswered += 1;
                silent += 1;
                if silent == GIVE_UP_AFTER {
                    return Err(Failure::new(format!("the provider does not answer: {error}")).hint(format!(
                        "{} examples were kept; --seed takes up with others",
                        tally.kept
                    )));
                }
                continue;
            }
        };
        silent = 0;
        match answered(draft, format!("provider-{at:05}"), &text, index) {
            Ok(example) if seen.insert(example.asked()) => {
                tally.kept += 1;
                print(&json(&example)?)?;
            }
            Ok(_) => tally.refused += 1,
            Err(reason) => {
                tally.refused += 1;
                tell(&format!("{}: {reason}", draft.id));
            }
        }
    }
    Ok(tally)
}

impl Tally {
    pub(super) fn told(&self) -> String {
        let Self { kept, refused, unanswered } = self;
        format!("{kept} examples kept, {refused} refused by the check, {unanswered} questions without an answer")
    }
}

/// Asks, again after a pause where that may help.
async fn answer(engine: &dyn Engine, draft: &Example, seed: u32) -> Result<String, EngineError> {
    let mut failed = EngineError::Failed("nothing was asked".to_owned());
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
        }
        match once(engine, draft, seed).await {
            Ok(text) => return Ok(text),
            // A wrong key or model stays wrong.
            Err(error @ (EngineError::Invalid(_) | EngineError::PromptTooLong { .. })) => return Err(error),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

async fn once(engine: &dyn Engine, draft: &Example, seed: u32) -> Result<String, EngineError> {
    let mut words = engine.start(question(draft, seed))?;
    let mut text = String::new();
    while let Some(event) = words.next().await {
        match event {
            GenerationEvent::Text(piece) if text.len() < MOST_CHARS => text.push_str(&piece),
            GenerationEvent::Text(_) => break,
            GenerationEvent::Failed(error) => return Err(error),
            GenerationEvent::Read(_) | GenerationEvent::Done(_) => {}
        }
    }
    Ok(text)
}
