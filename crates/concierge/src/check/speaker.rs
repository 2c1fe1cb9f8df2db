//! Turning the model's stream into what the guest reads: sentences that hold, and plain words for the rest.

use super::{Checker, Fault, words::Sentences};
use crate::brief::Brief;

/// A reply longer than this is cut after the sentence: staff do not lecture.
const MOST_REPLY_WORDS: usize = 70;

/// Speaks one reply.
pub struct Speaker<'a> {
    checker: Checker<'a>,
    brief: &'a Brief,
    sentences: Sentences,
    said: Vec<String>,
    fault: Option<(Fault, String)>,
    full: bool,
}

/// What became of a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Spoken {
    /// The whole reply as the guest read it.
    pub text: String,
    /// How many sentences are the model's.
    pub own: usize,
    /// How many are plain ones put in by the check.
    pub plain: usize,
    /// Why a sentence of the model was not sent, and the sentence: for the owner's evaluation, never for the log.
    pub fault: Option<(Fault, String)>,
}

impl<'a> Speaker<'a> {
    /// Begins a reply.
    #[must_use]
    pub fn new(checker: Checker<'a>, brief: &'a Brief) -> Self {
        Self { checker, brief, sentences: Sentences::default(), said: Vec::new(), fault: None, full: false }
    }

    /// Takes the model's next piece of text and returns what may be sent now.
    pub fn push(&mut self, piece: &str) -> Option<String> {
        if self.is_over() {
            return None;
        }
        let done = self.sentences.push(piece);
        self.accept(done)
    }

    /// Whether the model need not go on: a sentence failed, or enough was said.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.fault.is_some() || self.full
    }

    /// Ends the reply: the last words of the model if they hold, then what it left out, plainly.
    pub fn finish(mut self, complete: bool) -> (Option<String>, Spoken) {
        let mut out = String::new();
        if !self.is_over() {
            // A sentence that a limit cut off is not one.
            let rest: Vec<String> = self.sentences.finish().into_iter().filter(|_| complete).collect();
            if let Some(text) = self.accept(rest) {
                out.push_str(&text);
            }
        }
        let own = self.said.len();
        let mut plain = 0;
        let heard = normal(&self.said.join(" "));
        for point in self.brief.points() {
            let told = if point.needs.is_empty() {
                own > 0
            } else {
                // "The" is part of some names and left out in speaking: nothing need be said twice for that.
                point.needs.iter().map(|need| normal(need)).all(|need| heard.contains(need.trim_start_matches("the ")))
            };
            if !told {
                if !self.said.is_empty() {
                    out.push(' ');
                }
                out.push_str(&point.plain);
                self.said.push(point.plain.clone());
                plain += 1;
            }
        }
        let spoken = Spoken { text: self.said.join(" "), own, plain, fault: self.fault };
        ((!out.is_empty()).then_some(out), spoken)
    }

    /// Ends the reply where it stands: the guest has stopped it.
    #[must_use]
    pub fn stop(self) -> Spoken {
        Spoken { text: self.said.join(" "), own: self.said.len(), plain: 0, fault: self.fault }
    }

    fn accept(&mut self, sentences: Vec<String>) -> Option<String> {
        let mut out = String::new();
        for sentence in sentences {
            if self.is_over() {
                break;
            }
            if self.asks_beside(&sentence) {
                continue;
            }
            let verdict = if self.said.contains(&sentence) { Err(Fault::Form) } else { self.checker.check(&sentence) };
            match verdict {
                Ok(()) => {
                    if !self.said.is_empty() {
                        out.push(' ');
                    }
                    out.push_str(&sentence);
                    self.said.push(sentence);
                    let words: usize = self.said.iter().map(|said| said.split_whitespace().count()).sum();
                    self.full = words > MOST_REPLY_WORDS;
                }
                Err(fault) => self.fault = Some((fault, sentence)),
            }
        }
        (!out.is_empty()).then_some(out)
    }
}

impl Speaker<'_> {
    /// Whether a sentence asks beside the question that the brief has: before it, and of nothing that it asks ("Which
    /// would you like?"), or once more. It is no fault, and the guest is spared it.
    fn asks_beside(&self, sentence: &str) -> bool {
        let is_question = |text: &str| text.ends_with('?');
        let mut asked = self.brief.points().filter(|point| is_question(&point.plain) && !point.needs.is_empty());
        let Some(point) = asked.next().filter(|_| is_question(sentence)) else { return false };
        let holds = |text: &str, need: &String| normal(text).contains(normal(need).trim_start_matches("the "));
        let told = |text: &str| point.needs.iter().all(|need| holds(text, need));
        let once_more = self.said.iter().any(|said| is_question(said) && told(said));
        // A need of several sentences is heard one by one, and "Oysters?" is but an echo.
        const ECHO: usize = 3;
        let part_of = |need: &String| normal(need).contains(&normal(sentence));
        let of_nothing = sentence.split_whitespace().count() > ECHO
            && !point.needs.iter().any(|need| holds(sentence, need) || part_of(need));
        asked.next().is_none() && (once_more || of_nothing)
    }
}

/// For finding a need in what was said: lower case, single spaces, straight quotes.
fn normal(text: &str) -> String {
    text.to_lowercase().replace(['’', '‘'], "'").split_whitespace().collect::<Vec<_>>().join(" ")
}
