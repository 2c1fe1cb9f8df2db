//! Made-up examples: random restaurants that are not ours, random situations, and replies from the bank's wordings.
//! Each example passes the product's own check before it is kept.

use std::collections::HashSet;

use super::{
    bank::{Bank, Slots},
    eatery::Eatery,
    example::Example,
    rng::Rng,
    situation::{self, Situation},
};
use crate::{
    brief::Brief,
    intent::AgentName,
    ports::{ChatMessage, Role},
    turn::wording::capital,
};

/// Examples that one made-up restaurant gives.
const PER_EATERY: usize = 6;
/// An example that fails the check is drawn again so many times.
const TRIES: usize = 40;

/// Kinds that need more examples than the others: they have many shapes.
const WEIGHTS: [(&str, usize); 20] = [
    ("near", 3),
    ("added_option", 2),
    ("store", 7),
    ("added", 3),
    ("decline", 2),
    ("describe", 2),
    ("place", 2),
    ("menu", 2),
    ("offer", 2),
    ("complaint_ask", 2),
    ("price_sizes", 2),
    ("greet", 4),
    ("welcome", 3),
    ("farewell", 3),
    ("introduce", 2),
    ("steer", 3),
    ("diet_yes", 2),
    ("compare", 2),
    ("cart", 2),
    ("what_else", 3),
];

/// Kinds that may stand beside another in one message.
const MIXABLE: [&str; 9] =
    ["price", "describe", "diet_yes", "calories", "store", "decline", "menu", "added", "sold_out"];

/// The result of a run.
#[derive(Debug)]
pub struct Made {
    /// What passed the check.
    pub examples: Vec<Example>,
    /// What did not, with the reason: wordings of the bank to be mended.
    pub refused: Vec<(String, String)>,
}

/// Makes so many examples. The same bank, count and seed give the same examples.
///
/// # Errors
/// What is wrong with the bank.
pub fn synthesise(bank: &Bank, count: usize, seed: u64) -> Result<Made, String> {
    let mut rng = Rng::new(seed);
    let mut kinds: Vec<&str> = Vec::new();
    for kind in bank.kinds.keys() {
        let weight = WEIGHTS.iter().find(|(name, _)| name == kind).map_or(1, |(_, weight)| *weight);
        kinds.extend(std::iter::repeat_n(kind.as_str(), weight));
    }
    if kinds.is_empty() {
        return Err("the bank has no kinds".to_owned());
    }
    let mut made = Made { examples: Vec::with_capacity(count), refused: Vec::new() };
    let mut deck: Vec<&str> = Vec::new();
    let mut seen = HashSet::with_capacity(count);
    let mut failures = 0;
    'eateries: while made.examples.len() < count {
        let eatery = Eatery::open(bank, &mut rng)?;
        for _ in 0..PER_EATERY {
            if made.examples.len() == count {
                break 'eateries;
            }
            if deck.is_empty() {
                deck.clone_from(&kinds);
                rng.shuffle(&mut deck);
            }
            let kind = deck.pop().unwrap_or(kinds[0]);
            let mut draw = Draw { bank, eatery: &eatery, rng: &mut rng };
            let mut failed = None;
            let example = (0..TRIES).find_map(|_| {
                let example = draw.example(kind, made.examples.len())?;
                match example.check(&eatery.index) {
                    Ok(()) => seen.insert(example.asked()).then_some(example),
                    Err(flaw) => {
                        failed = Some((format!("{}: {}", example.kind, example.reply), flaw.to_string()));
                        None
                    }
                }
            });
            made.refused.extend(failed);
            match example {
                Some(example) => made.examples.push(example),
                None => failures += 1,
            }
        }
        if failures > 50 + count {
            return Err(format!("too few examples pass the check; the last one: {:?}", made.refused.last()));
        }
    }
    Ok(made)
}

struct Draw<'a> {
    bank: &'a Bank,
    eatery: &'a Eatery,
    rng: &'a mut Rng,
}

impl Draw<'_> {
    fn example(&mut self, kind: &str, number: usize) -> Option<Example> {
        let first = self.situation(kind)?;
        let mut history = Vec::new();
        if self.rng.chance(28) {
            for _ in 0..=self.rng.below(2) {
                let kinds = ["price", "menu", "recommend", "describe", "store", "steer", "diet_yes"];
                let at = self.rng.below(kinds.len());
                let earlier = self.situation(kinds[at])?;
                let reply = self.reply(&earlier, AgentName::Rosy)?;
                history.push(ChatMessage { role: Role::User, text: earlier.guest });
                history.push(ChatMessage { role: Role::Model, text: reply });
            }
        }
        let agent = self.agent(kind)?;
        let id = format!("synth-{number:05}");
        if MIXABLE.contains(&kind) && self.rng.chance(16) {
            let other = MIXABLE[self.rng.below(MIXABLE.len())];
            if other == kind {
                return None;
            }
            let second = self.situation(other)?;
            let reply = format!("{} {}", self.reply(&first, agent)?, self.body(&second, agent)?);
            let joiner = [" and ", ". Also, ", ", and ", "? And "][self.rng.below(4)];
            let guest = format!("{}{joiner}{}", first.guest.trim_end_matches(['?', '.']), second.guest);
            let steps = first.steps.into_iter().chain(second.steps).collect();
            return Some(Example::of(
                &Brief::new(agent, steps),
                &format!("{kind}+{other}"),
                id,
                history,
                &guest,
                &reply,
            ));
        }
        let reply = self.reply(&first, agent)?;
        let guest = self.worn(first.guest);
        Some(Example::of(&Brief::new(agent, first.steps), kind, id, history, &guest, &reply))
    }

    fn situation(&mut self, kind: &str) -> Option<Situation> {
        let mut situation = situation::draw(self.bank, self.eatery, self.rng, kind)?;
        if situation.guest.is_empty() {
            let wording = self.rng.text(&self.bank.kinds.get(kind)?.guest);
            situation.guest = situation.slots.fill(wording)?;
        }
        Some(situation)
    }

    /// The manager answers complaints, and now and then a guest's other question.
    fn agent(&mut self, kind: &str) -> Option<AgentName> {
        let words = self.bank.kinds.get(kind)?;
        let of_manager = words.rosy.is_empty() && kind != "store";
        let manager = of_manager || (!words.gordon.is_empty() || kind == "store") && self.rng.chance(12);
        Some(if manager { AgentName::Gordon } else { AgentName::Rosy })
    }

    fn body(&mut self, situation: &Situation, agent: AgentName) -> Option<String> {
        let words = self.bank.kinds.get(situation.kind.as_str())?;
        let (rosy, gordon) = match situation.place {
            Some(at) => (&self.bank.store.get(at)?.rosy, &self.bank.store.get(at)?.gordon),
            None => (&words.rosy, &words.gordon),
        };
        let list = if agent == AgentName::Gordon && !gordon.is_empty() { gordon } else { rosy };
        Some(capital(&situation.slots.fill(self.rng.text(list))?))
    }

    fn reply(&mut self, situation: &Situation, agent: AgentName) -> Option<String> {
        let words = self.bank.kinds.get(situation.kind.as_str())?;
        let body = self.body(situation, agent)?;
        let may_close = words.closer && !body.ends_with('?') && body.split_whitespace().count() < 28;
        let (opener, closer) = self.bank.frame(self.rng, agent, &words.mood, may_close);
        // "Of course! Of course ..." helps nobody.
        let opener = if body.starts_with(opener.trim_end_matches(['!', '.', '?'])) { "" } else { opener };
        let tail = situation.slots.get("tail");
        let tail = if closer.is_empty() && self.rng.chance(60) { tail } else { "" };
        let parts = [opener, body.as_str(), tail, closer];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Some(parts.join(" "))
    }

    /// As people type: small letters, no marks, a slip of the finger.
    fn worn(&mut self, text: String) -> String {
        let mut text = if self.rng.chance(35) { text.to_lowercase() } else { text };
        if self.rng.chance(25) {
            text = text.trim_end_matches(['?', '.', '!']).to_owned();
        }
        if self.rng.chance(10) {
            let chars: Vec<char> = text.chars().collect();
            let at = self.rng.below(chars.len());
            let both_letters = chars
                .get(at)
                .zip(chars.get(at + 1))
                .is_some_and(|(a, b)| a.is_ascii_lowercase() && b.is_ascii_lowercase());
            if both_letters {
                let mut chars = chars;
                chars.swap(at, at + 1);
                text = chars.into_iter().collect();
            }
        }
        text
    }
}

/// Slots for a text that an example copies whole.
pub(super) fn filled(bank: &Bank, rng: &mut Rng, slots: &mut Slots) {
    for (name, list) in &bank.fillers {
        if slots.get(name).is_empty() {
            slots.set(name, rng.text(list));
        }
    }
}
