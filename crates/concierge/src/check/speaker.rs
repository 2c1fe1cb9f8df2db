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
    /// A question of the model's that waits until what it left out is said: "Anything else?" comes last.
    held: Option<String>,
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
        Self { checker, brief, sentences: Sentences::default(), said: Vec::new(), fault: None, full: false, held: None }
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
        let held = self.held.take();
        let mut own = self.said.len();
        let spoke = own > 0 || held.is_some();
        let mut plain = 0;
        let heard = normal(&self.said.iter().chain(&held).map(String::as_str).collect::<Vec<_>>().join(" "));
        for point in self.brief.points() {
            let told = if point.needs.is_empty() { spoke } else { meets(&heard, &point.needs) };
            if !told {
                self.say(&mut out, point.plain.clone());
                plain += 1;
            }
        }
        // Where the brief asks something itself, that question comes last.
        let asks = self.said.last().is_some_and(|last| plain > 0 && last.ends_with('?'));
        if let Some(question) = held.filter(|_| !asks) {
            self.say(&mut out, question);
            own += 1;
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
                Ok(()) if self.comes_last(&sentence) => self.held = Some(sentence),
                Ok(()) => {
                    self.say(&mut out, sentence);
                    let words: usize = self.said.iter().map(|said| said.split_whitespace().count()).sum();
                    self.full = words > MOST_REPLY_WORDS;
                }
                Err(fault) => self.fault = Some((fault, sentence)),
            }
        }
        (!out.is_empty()).then_some(out)
    }
}

/// Whether words, made [`normal`], hold what is needed. "The" is part of some names and left out in speaking: nothing need
/// be said twice for that.
fn holds(heard: &str, need: &str) -> bool {
    heard.contains(normal(need).trim_start_matches("the "))
}

/// Whether words hold all that a point needs.
fn meets(heard: &str, needs: &[String]) -> bool {
    needs.iter().all(|need| holds(heard, need))
}

impl Speaker<'_> {
    fn say(&mut self, out: &mut String, sentence: String) {
        if !self.said.is_empty() {
            out.push(' ');
        }
        out.push_str(&sentence);
        self.said.push(sentence);
    }

    /// Whether a question stands before something that is still to be told.
    fn comes_last(&self, sentence: &str) -> bool {
        let heard = normal(&format!("{} {sentence}", self.said.join(" ")));
        // "Which order is it? Its number is on your receipt" is said sentence by sentence.
        let part = normal(sentence);
        let owed = |point: &crate::brief::Point| {
            !point.needs.is_empty()
                && !point.plain.ends_with('?')
                && !meets(&heard, &point.needs)
                && !point.needs.iter().any(|need| normal(need).contains(&part))
        };
        sentence.ends_with('?') && self.held.is_none() && self.brief.points().any(owed)
    }

    /// Whether a sentence asks beside the question that the brief has: before it, and of nothing that it asks ("Which
    /// would you like?"), or once more. It is no fault, and the guest is spared it.
    fn asks_beside(&self, sentence: &str) -> bool {
        let is_question = |text: &str| text.ends_with('?');
        let mut asked = self.brief.points().filter(|point| is_question(&point.plain) && !point.needs.is_empty());
        let Some(point) = asked.next().filter(|_| is_question(sentence)) else { return false };
        let once_more = self.said.iter().any(|said| is_question(said) && meets(&normal(said), &point.needs));
        // A need of several sentences is heard one by one, and "Oysters?" is but an echo.
        const ECHO: usize = 3;
        let heard = normal(sentence);
        let of_nothing = sentence.split_whitespace().count() > ECHO
            && !point.needs.iter().any(|need| holds(&heard, need) || normal(need).contains(&heard));
        asked.next().is_none() && (once_more || of_nothing)
    }
}

/// For finding a need in what was said: lower case, single spaces, straight quotes.
fn normal(text: &str) -> String {
    text.to_lowercase().replace(['’', '‘'], "'").split_whitespace().collect::<Vec<_>>().join(" ")
}
