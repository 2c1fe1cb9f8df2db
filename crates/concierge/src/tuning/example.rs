//! One training example, its line in a file, and the prompt and reply that the trainer reads.

use serde::{Deserialize, Serialize};

use crate::{
    brief::{Act, Brief, Fact, Step},
    check::{Checker, Fault, MentionIndex, Speaker},
    intent::AgentName,
    ports::{ChatMessage, GenerationRequest, Role},
    prompt::{self, Limits, Personas},
};

/// A longer reply is a lecture; staff do not hold any.
const MOST_REPLY_WORDS: usize = 70;

/// What the staff is to say in one situation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Names it in reports.
    pub id: String,
    /// The kind of situation, for balance.
    pub kind: String,
    /// Who answers.
    pub agent: AgentName,
    /// What the reply does, in order.
    pub acts: Vec<Act>,
    /// What it may claim.
    pub facts: Vec<Fact>,
    /// What it must not leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
    /// What was said before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<ChatMessage>,
    /// The guest's words.
    pub guest: String,
    /// The staff's.
    pub reply: String,
}

/// [`crate::brief::Point`] as the file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// In plain words.
    pub plain: String,
    /// The words by which one sees that it was said.
    pub needs: Vec<String>,
}

/// What the trainer reads: text with the control tokens written out. The loss counts the reply alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rendered {
    /// Everything up to where the model begins.
    pub prompt: String,
    /// The reply with its end.
    pub reply: String,
}

/// What is wrong with an example.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The product's own check refuses a sentence.
    #[error("the check refuses \"{sentence}\" ({fault:?})")]
    Refused {
        /// Why.
        fault: Fault,
        /// What.
        sentence: String,
    },
    /// Something that must be said is missing.
    #[error("the reply leaves out: {0}")]
    LeftOut(String),
    /// Nothing is asked or answered.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// Nobody wants to read so much.
    #[error("the reply has {words} words; {MOST_REPLY_WORDS} are the most")]
    TooLong {
        /// Its length.
        words: usize,
    },
}

impl Example {
    /// Reads a line.
    ///
    /// # Errors
    /// Why it is no example.
    pub fn parse(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    /// The order that the reply fulfils, as the running product gives it.
    #[must_use]
    pub fn brief(&self) -> Brief {
        let mut steps: Vec<Step> = self.acts.iter().copied().map(Step::new).collect();
        if let Some(first) = steps.first_mut() {
            first.facts.clone_from(&self.facts);
            first.points = self
                .points
                .iter()
                .map(|point| crate::brief::Point { plain: point.plain.clone(), needs: point.needs.clone() })
                .collect();
        }
        Brief::new(self.agent, steps)
    }

    /// The example of a brief.
    #[must_use]
    pub fn of(brief: &Brief, kind: &str, id: String, history: Vec<ChatMessage>, guest: &str, reply: &str) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
            agent: brief.agent,
            acts: brief.steps.iter().map(|step| step.act).collect(),
            facts: brief.facts().cloned().collect(),
            points: brief
                .points()
                .map(|point| Point { plain: point.plain.clone(), needs: point.needs.clone() })
                .collect(),
            history,
            guest: guest.to_owned(),
            reply: reply.to_owned(),
        }
    }

    /// All that the model is given, without regard to case and spaces: two examples that agree in it are one.
    #[must_use]
    pub fn asked(&self) -> String {
        let facts = self.facts.iter().map(|fact| fact.text.as_str());
        let said = self.history.iter().map(|message| message.text.as_str());
        let acts = self.acts.iter().map(|act| act.instruction());
        let all: Vec<&str> = facts.chain(acts).chain(said).chain([self.agent.as_str(), self.guest.as_str()]).collect();
        all.join("\n").to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Holds the reply against the facts with the product's own check: nothing refused, nothing left out.
    ///
    /// # Errors
    /// The first flaw.
    pub fn check(&self, index: &MentionIndex) -> Result<(), Flaw> {
        for (what, empty) in [
            ("guest's message", self.guest.trim().is_empty()),
            ("reply", self.reply.trim().is_empty()),
            ("list of acts", self.acts.is_empty()),
        ] {
            if empty {
                return Err(Flaw::Empty(what));
            }
        }
        let words = self.reply.split_whitespace().count();
        if words > MOST_REPLY_WORDS {
            return Err(Flaw::TooLong { words });
        }
        let brief = self.brief();
        let mut speaker = Speaker::new(Checker::new(index, &brief, &self.guest), &brief);
        speaker.push(&self.reply);
        let (_, spoken) = speaker.finish(true);
        if let Some((fault, sentence)) = spoken.fault {
            return Err(Flaw::Refused { fault, sentence });
        }
        if spoken.plain > 0 {
            let left: Vec<&str> = self
                .points
                .iter()
                .map(|point| point.plain.as_str())
                .filter(|plain| spoken.text.contains(plain))
                .collect();
            return Err(Flaw::LeftOut(left.join(" ")));
        }
        Ok(())
    }

    /// The prompt, made by the code that makes the running product's, and the reply.
    #[must_use]
    pub fn render(&self, personas: &Personas) -> Rendered {
        let limits = Limits { max_tokens: 0, seed: 0 };
        let request = prompt::request(personas, &self.brief(), &self.history, &self.guest, &limits, None);
        Rendered { prompt: gemma_prompt(&request), reply: format!("{}<end_of_turn>", self.reply.trim()) }
    }
}

/// A request in Gemma's turn format, as the engine lays it out: no system turn, the preamble heads the first user turn.
#[must_use]
pub fn gemma_prompt(request: &GenerationRequest) -> String {
    let mut text = String::from("<start_of_turn>user\n");
    if !request.preamble.is_empty() {
        text.push_str(&request.preamble);
        text.push_str("\n\n");
    }
    for (at, message) in request.messages.iter().enumerate() {
        match (at, message.role) {
            (0, Role::User) => {}
            (0, Role::Model) => text.push_str("<end_of_turn>\n<start_of_turn>model\n"),
            (_, Role::User) => text.push_str("<start_of_turn>user\n"),
            (_, Role::Model) => text.push_str("<start_of_turn>model\n"),
        }
        text.push_str(message.text.trim());
        text.push_str("<end_of_turn>\n");
    }
    text.push_str("<start_of_turn>model\n");
    text
}
