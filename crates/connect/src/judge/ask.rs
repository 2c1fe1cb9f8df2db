//! Asking, within limits, and never twice for the same.

use std::{
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::{
    JudgeError,
    budget::{Budget, Limits, Tokens},
    cache::{self, Cache},
    rubric::{self, Case, Marks, Preference, Question, Winner},
};
use crate::{
    chat::{self, Model, Reply},
    service::ServiceError,
};

/// Part of every key: a change of what is asked or read makes old answers others'.
const VERSION: &str = "1";
/// Questions under way at once: services allow few.
const AT_ONCE: usize = 4;
/// Times that a question is asked whose answer is of no use.
const ATTEMPTS: u32 = 2;
/// Cases in a row without a usable answer before the judge is given up.
const GIVE_UP_AFTER: usize = 8;
/// Tokens of the protocol's own around a question, at most.
const FRAME: u64 = 256;

/// How a judge is asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where answers are kept; none keeps nothing.
    pub cache: Option<PathBuf>,
    /// What must not be passed.
    pub limits: Limits,
    /// Tokens of an answer, thoughts included.
    pub max_tokens: u32,
}

/// What the judge has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Questions that were sent.
    pub asked: usize,
    /// Questions that were answered before.
    pub cached: usize,
    /// Tokens read.
    pub read: u64,
    /// Tokens written.
    pub written: u64,
    /// Cents, rounded up, where there is a price.
    pub cents: Option<u64>,
}

/// A judge. Safe to share between threads.
#[derive(Debug)]
pub struct Judge {
    model: Model,
    cache: Cache,
    budget: Budget,
    max_tokens: u32,
    asked: AtomicUsize,
    cached: AtomicUsize,
    /// Failures in a row.
    failures: AtomicUsize,
    /// Why nothing is asked any more.
    over: Mutex<Option<String>>,
}

impl Judge {
    /// A judge that a model is.
    #[must_use]
    pub fn new(model: Model, settings: Settings) -> Self {
        Self {
            model,
            cache: Cache::new(settings.cache),
            budget: Budget::new(settings.limits),
            max_tokens: settings.max_tokens,
            asked: AtomicUsize::new(0),
            cached: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            over: Mutex::new(None),
        }
    }

    /// The model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.model.name()
    }

    /// Gives marks to a reply.
    ///
    /// # Errors
    /// Why there are none.
    pub fn marks(&self, case: &Case) -> Result<Marks, JudgeError> {
        self.answer(&rubric::marking(case), rubric::read_marks)
    }

    /// Says whether a case's own reply or another one is better, asked in both orders.
    ///
    /// # Errors
    /// Why it is not said; both orders are needed.
    pub fn prefer(&self, case: &Case, other: &str) -> Result<Preference, JudgeError> {
        let ask =
            |swapped| self.answer(&rubric::comparing(case, other, swapped), |text| rubric::read_better(text, swapped));
        let ((one, why), (two, why_swapped)) = (ask(false)?, ask(true)?);
        let consistent = one == two;
        let winner = if consistent { one } else { Winner::Tie };
        Ok(Preference { winner, consistent, reasons: [why, why_swapped] })
    }

    /// Does something for many cases, a few at a time, and answers in their order. `told` hears how many are done.
    pub fn each<C: Sync, T: Send>(
        &self,
        cases: &[C],
        ask: impl Fn(&Self, &C) -> Result<T, JudgeError> + Sync,
        told: impl Fn(usize) + Sync,
    ) -> Vec<Result<T, JudgeError>> {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let answers: Mutex<Vec<(usize, Result<T, JudgeError>)>> = Mutex::default();
        thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(cases.len()) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Relaxed);
                        let Some(case) = cases.get(at) else { break };
                        let answer = ask(self, case);
                        answers.lock().unwrap_or_else(PoisonError::into_inner).push((at, answer));
                        told(done.fetch_add(1, Relaxed) + 1);
                    }
                });
            }
        });
        let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        answers.sort_by_key(|(at, _)| *at);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    /// What it has cost so far.
    #[must_use]
    pub fn spent(&self) -> Spent {
        let (tokens, cents) = self.budget.spent();
        Spent {
            asked: self.asked.load(Relaxed),
            cached: self.cached.load(Relaxed),
            read: tokens.read,
            written: tokens.written,
            cents,
        }
    }

    fn answer<T>(&self, question: &Question, read: impl Fn(&str) -> Result<T, JudgeError>) -> Result<T, JudgeError> {
        let (base, name) = (self.model.base(), self.model.name());
        let key = cache::key(&[VERSION, base, name, question.system, &question.user]);
        if let Some(answer) = self.cache.find(&key).and_then(|text| read(&text).ok()) {
            self.cached.fetch_add(1, Relaxed);
            return Ok(answer);
        }
        if let Some(reason) = self.over.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(JudgeError::GivenUp(reason));
        }
        let mut outcome = Err(JudgeError::Form("nothing was asked".to_owned()));
        for attempt in 0..ATTEMPTS {
            let messages = [question.user.as_str(), rubric::AGAIN];
            let messages = if attempt == 0 { &messages[..1] } else { &messages[..] };
            let text = self.sent(question, messages);
            outcome = text.and_then(|text| read(&text).inspect(|_| self.cache.keep(&key, &text)));
            if !matches!(outcome, Err(JudgeError::Prose(_) | JudgeError::Form(_))) {
                break;
            }
        }
        self.note(outcome.as_ref().err());
        outcome
    }

    /// Sends a question within the limits.
    fn sent(&self, question: &Question, messages: &[&str]) -> Result<String, JudgeError> {
        let schema = question.schema.to_string();
        // A token has at least one byte, so that this is never less than what is read.
        let bytes = question.system.len() + schema.len() + messages.iter().map(|text| text.len()).sum::<usize>();
        let most = Tokens { read: bytes as u64 + FRAME, written: self.max_tokens.into() };
        self.budget.reserve(most).map_err(JudgeError::Limit)?;
        self.asked.fetch_add(1, Relaxed);
        let answer = self.model.ask(&chat::Question {
            system: question.system,
            messages,
            temperature: 0.0,
            max_tokens: self.max_tokens,
            schema: Some(&question.schema),
        });
        let spent = match &answer {
            Ok(Reply { tokens: Some((read, written)), .. }) => Tokens { read: *read, written: *written },
            // Nothing is paid for a refusal.
            Err(ServiceError::Denied { .. } | ServiceError::Declined { .. } | ServiceError::Unwell { .. }) => {
                Tokens::default()
            }
            // Without a word about it, the most is taken.
            Ok(_) | Err(_) => most,
        };
        self.budget.settle(most, spent);
        let reply = answer?;
        if reply.complete { Ok(reply.text) } else { Err(JudgeError::CutOff(self.max_tokens)) }
    }

    /// Counts failures. One that will not change ends the asking at once, others when they are many. A limit is none:
    /// a shorter question may still fit.
    fn note(&self, error: Option<&JudgeError>) {
        let Some(error) = error else {
            self.failures.store(0, Relaxed);
            return;
        };
        let for_good = match error {
            JudgeError::Limit(_) => return,
            JudgeError::Service(ServiceError::Denied { .. }) => true,
            // The address or the model's name.
            JudgeError::Service(error) => error.status() == Some(404),
            _ => false,
        };
        if self.failures.fetch_add(1, Relaxed) + 1 >= GIVE_UP_AFTER || for_good {
            let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
            over.get_or_insert_with(|| error.to_string());
        }
    }
}
