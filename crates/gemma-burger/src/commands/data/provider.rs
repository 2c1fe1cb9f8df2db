//! More examples from a large language model elsewhere.

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
use connect::{
    chat::{Model, Question},
    service::{Bounds, ServiceError},
};

use super::json as line;
use crate::{
    cli::{Failure, print, tell},
    config::Config,
};

/// Questions under way at once: providers allow few.
const AT_ONCE: usize = 4;
/// Nobody waits at a terminal for a single one of many answers.
const BOUNDS: Bounds =
    Bounds { patience: Duration::from_secs(120), tries: 6, longest_pause: Duration::from_secs(60), answer: 256 * 1024 };
/// Questions in a row that get no answer before it is given up.
const GIVE_UP_AFTER: usize = 8;

/// Where more examples come from.
pub(super) struct Provider {
    model: Model,
}

/// What became of the questions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    kept: usize,
    refused: usize,
    unanswered: usize,
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
        let key = provider.key.as_ref().map(|key| key.reveal());
        let model = Model::new("the provider", url, model, key, BOUNDS).map_err(Failure::new)?;
        Ok(Self { model })
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
                        if over.load(Relaxed) || answers.send((draft, self.answer(draft))).is_err() {
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

    fn answer(&self, draft: &Example) -> Result<String, String> {
        let question = question(draft);
        let messages: Vec<&str> = question.messages.iter().map(|message| message.text.as_str()).collect();
        let reply = self.model.ask(&Question {
            system: &question.preamble,
            messages: &messages,
            temperature: question.temperature,
            max_tokens: question.max_tokens,
            schema: None,
        });
        match reply {
            Ok(reply) if reply.text.is_empty() => Err("the answer is empty".to_owned()),
            Ok(reply) => Ok(reply.text),
            Err(error @ ServiceError::Denied { .. }) => Err(format!("{error}; PROVIDER_KEY is missing or wrong")),
            Err(error) if error.status() == Some(404) => {
                Err(format!("{error}; PROVIDER_URL or PROVIDER_MODEL is wrong"))
            }
            Err(error) => Err(error.to_string()),
        }
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
