//! More examples from a large language model behind OpenAI's protocol.

use std::{
    collections::HashSet,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use concierge::{
    check::MentionIndex,
    tuning::{Example, answered, question},
};
use serde::Deserialize;
use serde_json::json;
use ureq::Agent;

use super::json as line;
use crate::{
    cli::{Failure, print, tell},
    config::{Config, Secret},
};

/// Questions under way at once: providers allow few.
const AT_ONCE: usize = 4;
/// Times that one question is asked. The pause before the second time doubles each time.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);
/// A provider that wants a longer pause is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Questions in a row that get no answer before it is given up.
const GIVE_UP_AFTER: usize = 8;
/// Bytes of an answer that are read.
const LONGEST_ANSWER: u64 = 256 * 1024;

/// Where more examples come from.
pub(super) struct Provider {
    agent: Agent,
    url: String,
    model: String,
    key: Option<Secret>,
}

/// Why a question has no answer.
enum Refused {
    /// Asking again, after a while, may help.
    ForNow(String, Option<Duration>),
    /// It will not.
    ForGood(String),
}

/// What became of the questions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    kept: usize,
    refused: usize,
    unanswered: usize,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

impl Provider {
    /// The provider that the configuration names.
    ///
    /// # Errors
    /// What is missing: without it nothing leaves this machine.
    pub(super) fn configured(config: &Config) -> Result<Self, Failure> {
        let provider = &config.provider;
        let (Some(url), Some(model)) = (&provider.url, &provider.model) else {
            return Err(Failure::usage("no provider of more examples is configured; nothing was asked").hint(
                "set PROVIDER_URL (Gemini: https://generativelanguage.googleapis.com/v1beta/openai), PROVIDER_MODEL \
                 and, where it wants one, PROVIDER_KEY",
            ));
        };
        let settings = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
        Ok(Self {
            agent: settings.into(),
            url: format!("{}/chat/completions", url.trim_end_matches('/')),
            model: model.clone(),
            key: provider.key.clone(),
        })
    }

    /// Asks for another example of each draft, prints those that pass the check, and tells how it went.
    pub(super) fn ask(&self, drafts: &[Example], index: &MentionIndex) -> Result<Tally, Failure> {
        let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (answers, inbox) = mpsc::sync_channel(AT_ONCE);
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                let (answers, next, over) = (answers.clone(), &next, &over);
                scope.spawn(move || {
                    while let Some(draft) = drafts.get(next.fetch_add(1, Relaxed)) {
                        if over.load(Relaxed) || answers.send((draft, self.answer(draft, over))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(answers);
            let outcome = keep(&inbox, drafts, index);
            over.store(true, Relaxed);
            // Those that still wait to tell something find nobody and end.
            drop(inbox);
            outcome
        })
    }

    /// Asks, again after a pause where that may help.
    fn answer(&self, draft: &Example, over: &AtomicBool) -> Result<String, String> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            match self.once(draft) {
                Ok(text) => return Ok(text),
                Err(Refused::ForGood(reason)) => return Err(reason),
                Err(Refused::ForNow(reason, wanted)) => {
                    let wait = wanted.unwrap_or(pause);
                    if attempt == ATTEMPTS || wait > LONGEST_PAUSE || over.load(Relaxed) {
                        return Err(reason);
                    }
                    thread::sleep(wait);
                    pause *= 2;
                }
            }
        }
        Err("nothing was asked".to_owned())
    }

    fn once(&self, draft: &Example) -> Result<String, Refused> {
        let question = question(draft);
        let asked: Vec<_> =
            question.messages.iter().map(|message| json!({"role": "user", "content": message.text})).collect();
        let mut messages = vec![json!({"role": "system", "content": question.preamble.as_ref()})];
        messages.extend(asked);
        let body = json!({
            "model": self.model,
            "messages": messages,
            "temperature": question.temperature,
            "max_tokens": question.max_tokens,
        });
        let mut request = self.agent.post(&self.url).header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {}", key.reveal()));
        }
        let mut response = request.send(body.to_string()).map_err(|error| match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => Refused::ForGood(format!("PROVIDER_URL: {error}")),
            other => Refused::ForNow(other.to_string(), None),
        })?;
        let status = response.status().as_u16();
        let wanted = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let read = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string();
        match status {
            200 => {}
            408 | 429 | 500..=599 => {
                return Err(Refused::ForNow(format!("status {status}"), wanted.map(Duration::from_secs)));
            }
            401 | 403 => return Err(Refused::ForGood(format!("status {status}: PROVIDER_KEY is missing or wrong"))),
            404 => return Err(Refused::ForGood("status 404: PROVIDER_URL or PROVIDER_MODEL is wrong".to_owned())),
            _ => return Err(Refused::ForGood(format!("status {status}"))),
        }
        let text = read.map_err(|error| Refused::ForNow(error.to_string(), None))?;
        let completion: Completion = serde_json::from_str(&text)
            .map_err(|error| Refused::ForGood(format!("the answer is not one of OpenAI's protocol: {error}")))?;
        let first = completion.choices.into_iter().next();
        first
            .map(|choice| choice.message.content)
            .ok_or_else(|| Refused::ForNow("the answer is empty".to_owned(), None))
    }
}

/// Keeps what passes the check, until all is told or nobody answers any more.
fn keep(
    inbox: &mpsc::Receiver<(&Example, Result<String, String>)>,
    drafts: &[Example],
    index: &MentionIndex,
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let mut seen: HashSet<String> = drafts.iter().map(Example::asked).collect();
    let mut silent = 0;
    for (draft, answer) in inbox {
        let text = match answer {
            Ok(text) => text,
            Err(reason) => {
                (tally.unanswered, silent) = (tally.unanswered + 1, silent + 1);
                // A draft or two may displease a provider; all of them do not.
                if silent == GIVE_UP_AFTER || silent == drafts.len() {
                    let kept = format!("{} examples were kept", tally.kept);
                    return Err(Failure::new(format!("the provider does not answer: {reason}")).hint(kept));
                }
                continue;
            }
        };
        silent = 0;
        match answered(draft, draft.id.replace("synth", "provider"), &text, index) {
            Ok(example) if seen.insert(example.asked()) => {
                tally.kept += 1;
                print(&line(&example)?)?;
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
        format!("{kept} examples kept, {refused} refused, {unanswered} questions without an answer")
    }
}
