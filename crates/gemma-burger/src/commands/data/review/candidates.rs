//! What conversations teach: turns that guests corrected, disliked or liked, and complaints that a person answered.

use std::collections::BTreeMap;

use concierge::{
    brief::Act,
    check::MentionIndex,
    intent::AgentName,
    ports::{ChatMessage, Role},
    privacy::Mask,
    tuning::Example,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Message, SessionId, Speaker, Thumb};

use crate::commands::eval::cases::{Case, Kept};

/// An order that is changed within so many seconds was perhaps not heard rightly; later it is a change of mind.
const SOON: i64 = 120;

/// Where a candidate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The order was changed right after it was heard.
    Correction,
    /// A person answered a complaint.
    StaffAnswer,
    /// The guest disliked the reply.
    ThumbDown,
    /// The guest liked it.
    ThumbUp,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Correction => "correction",
            Self::StaffAnswer => "staff_answer",
            Self::ThumbDown => "thumb_down",
            Self::ThumbUp => "thumb_up",
        }
    }

    /// For people.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Correction => "The order was changed right after it was heard.",
            Self::StaffAnswer => "A person answered the complaint.",
            Self::ThumbDown => "The guest disliked the reply.",
            Self::ThumbUp => "The guest liked the reply.",
        }
    }
}

/// Something to learn from, once the owner agrees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Names it; the same each time.
    pub id: String,
    pub source: Source,
    /// The conversation, by its label.
    pub session: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// What the guest read.
    pub read: String,
    /// What happened then, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<String>,
    /// A case for `eval`.
    pub case: Case,
    /// An example for `train`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Example>,
    /// Why the example cannot be kept with the reply that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flaw: Option<String>,
}

/// What is known of the guests beside the kept turns.
pub struct Known<'a> {
    pub thumbs: Vec<(SessionId, String, Thumb)>,
    /// All messages of a session.
    pub messages: &'a dyn Fn(&SessionId) -> Vec<Message>,
    pub mask: &'a Mask,
    pub index: &'a MentionIndex,
}

/// The candidates of the kept turns, oldest first.
pub fn collect(turns: &[Kept], known: &Known<'_>) -> Vec<Candidate> {
    let thumbs: BTreeMap<(&SessionId, &str), Thumb> =
        known.thumbs.iter().map(|(session, turn, thumb)| ((session, turn.as_str()), *thumb)).collect();
    let mut sessions: BTreeMap<&SessionId, Vec<&Kept>> = BTreeMap::new();
    for turn in turns {
        sessions.entry(&turn.id).or_default().push(turn);
    }
    let mut found = Vec::new();
    for (session, turns) in sessions {
        for (at, turn) in turns.iter().enumerate() {
            let before = &turns[..at];
            match thumbs.get(&(session, turn.turn.as_str())) {
                Some(Thumb::Up) => found.push(liked(before, turn, known)),
                Some(Thumb::Down) => found.push(disliked(before, turn)),
                None => {}
            }
            found.extend(turns.get(at + 1).and_then(|next| corrected(before, turn, next)));
        }
        found.extend(answered(&turns, &(known.messages)(session), known));
    }
    found.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    found
}

fn liked(before: &[&Kept], turn: &Kept, known: &Known<'_>) -> Candidate {
    let mut candidate = Candidate::new(Source::ThumbUp, before, turn);
    candidate.offer(example(before, turn), known.index);
    candidate
}

/// The reply was no good, so that an example wants another one.
fn disliked(before: &[&Kept], turn: &Kept) -> Candidate {
    let mut candidate = Candidate::new(Source::ThumbDown, before, turn);
    candidate.case.note = Some(format!("the guest disliked: {}", turn.entry.reply));
    candidate.example = Some(example(before, turn));
    candidate.flaw = Some("the guest disliked this reply; an example needs another one".to_owned());
    candidate
}

/// What the guest ended up with is perhaps what the first words meant.
fn corrected(before: &[&Kept], turn: &Kept, next: &Kept) -> Option<Candidate> {
    let heard = [Act::ConfirmAdded, Act::ConfirmChanged];
    let mended = [Act::ConfirmChanged, Act::ConfirmRemoved, Act::ConfirmCleared];
    let did = |turn: &Kept, acts: &[Act]| turn.entry.changed && turn.entry.acts.iter().any(|act| acts.contains(act));
    if !did(turn, &heard) || !did(next, &mended) || next.at - turn.at > SOON {
        return None;
    }
    let mut candidate = Candidate::new(Source::Correction, before, turn);
    candidate.case.order = Some(next.entry.order.clone());
    candidate.case.note = Some(format!("then the guest said: {}", next.entry.guest));
    candidate.then = Some(format!("{} ─▶ {}", next.entry.guest, next.entry.reply));
    Some(candidate)
}

/// What people wrote after the manager's last turn, once a turn.
fn answered(turns: &[&Kept], messages: &[Message], known: &Known<'_>) -> Vec<Candidate> {
    let mut found: BTreeMap<usize, Candidate> = BTreeMap::new();
    for (place, answer) in messages.iter().enumerate().filter(|(_, message)| message.role == Speaker::Staff) {
        let Some(at) = turns.iter().rposition(|turn| turn.at <= answer.at) else { continue };
        let turn = turns[at];
        if turn.entry.agent != AgentName::Gordon {
            continue;
        }
        // Words that the guest wrote to the person, if there are any since.
        let own = messages[..place].iter().rev().take_while(|message| message.turn != turn.turn);
        let own = own.filter(|message| message.role == Speaker::Guest).map(|message| message.text.as_str()).next();
        let mut candidate = Candidate::new(Source::StaffAnswer, &turns[..at], turn);
        let words = known.mask.apply(&answer.text);
        let mut example = Example { reply: words.clone(), ..example(&turns[..at], turn) };
        if let Some(own) = own {
            candidate.case.setup.push(turn.entry.guest.clone());
            candidate.case.guest = known.mask.apply(own);
            example.history.push(ChatMessage { role: Role::User, text: turn.entry.guest.clone() });
            example.history.push(ChatMessage { role: Role::Model, text: turn.entry.reply.clone() });
            example.guest.clone_from(&candidate.case.guest);
        }
        candidate.at = answer.at;
        candidate.case.note = Some(format!("a person answered: {words}"));
        candidate.then = Some(words);
        candidate.offer(example, known.index);
        found.entry(at).or_insert(candidate);
    }
    found.into_values().collect()
}

impl Candidate {
    fn new(source: Source, before: &[&Kept], turn: &Kept) -> Self {
        let hash = Sha256::digest(format!("{} {} {}", turn.session, turn.turn, source.as_str()));
        let id = hex::encode(&hash[..5]);
        Self {
            case: Case {
                id: format!("guest-{id}"),
                kind: source.as_str().to_owned(),
                setup: before.iter().map(|turn| turn.entry.guest.clone()).collect(),
                guest: turn.entry.guest.clone(),
                needs: Vec::new(),
                order: None,
                declines: None,
                note: None,
            },
            id,
            source,
            session: turn.session.clone(),
            at: turn.at,
            read: turn.entry.reply.clone(),
            then: None,
            example: None,
            flaw: None,
        }
    }

    /// Offers an example, with what the product's check has against it.
    fn offer(&mut self, mut example: Example, index: &MentionIndex) {
        example.id.clone_from(&self.case.id);
        example.kind.clone_from(&self.case.kind);
        self.flaw = example.check(index).err().map(|flaw| flaw.to_string());
        self.example = Some(example);
    }

    /// The example with another reply, if the check lets it pass.
    ///
    /// # Errors
    /// Why it does not, in words.
    pub fn with_reply(&self, reply: &str, mask: &Mask, index: &MentionIndex) -> Result<Example, String> {
        let example = self.example.clone().ok_or("it offers no example, only a case; leave the reply out")?;
        let example =
            Example { id: self.case.id.clone(), kind: self.case.kind.clone(), reply: mask.apply(reply), ..example };
        example.check(index).map(|()| example).map_err(|flaw| flaw.to_string())
    }
}

/// The turn as the model met it.
fn example(before: &[&Kept], turn: &Kept) -> Example {
    let entry = &turn.entry;
    let history = before.iter().flat_map(|turn| {
        let said = [(Role::User, &turn.entry.guest), (Role::Model, &turn.entry.reply)];
        said.map(|(role, text)| ChatMessage { role, text: text.clone() })
    });
    Example {
        id: String::new(),
        kind: String::new(),
        agent: entry.agent,
        acts: entry.acts.clone(),
        facts: entry.facts.clone(),
        points: entry.points.clone(),
        history: history.collect(),
        guest: entry.guest.clone(),
        reply: entry.reply.clone(),
    }
}
