//! Holding the model's words against the facts of the turn, sentence by sentence, before the guest sees them.
//!
//! The check knows no language model and trusts none. A sentence passes where everything in it that could be false is
//! covered: each amount, time, number and code stands in the facts; each item named is one of the facts', with its own
//! price; each promise and each word of substance is backed; nothing is denied unless the brief denies it. What the
//! check cannot place it refuses: the plain words of the brief are always right, so a refusal costs charm, never truth.

mod claims;
mod denial;
mod mentions;
mod speaker;
mod words;

use std::collections::{HashMap, HashSet};

use crate::{
    brief::{Act, Brief, Step},
    menu::{ItemId, Menu},
    money::Cents,
};
use claims::{Claims, claims};
use denial::{denials, denied_list, is_denied_at};
use words::stem;

pub(crate) use claims::number;
pub use mentions::MentionIndex;
pub use speaker::{Speaker, Spoken};

/// Why a sentence is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// An amount of money that no fact holds, or that belongs to another item.
    Amount,
    /// A time of day that no fact holds.
    Time,
    /// A number that neither a fact nor the guest holds.
    Number,
    /// An address, a password or a code that no fact holds.
    Code,
    /// An item of the menu that the facts do not speak of.
    Item,
    /// A denial that the brief does not make, or an offer of what it denies.
    Polarity,
    /// Something done or asked that the brief neither did nor asks.
    Deed,
    /// A promise (a refund, a discount, safety) that no fact makes.
    Promise,
    /// A word of substance that stands in no fact.
    Word,
    /// Parts of the prompt, repetition, or too long to be a sentence of a reply.
    Form,
}

/// Longer sentences are a model that has lost its way.
const MOST_WORDS: usize = 45;

/// Words that promise something. They need a fact, whoever else may have used them.
const PROMISES: [&str; 22] = [
    "refund",
    "discount",
    "voucher",
    "coupon",
    "complimentary",
    "gratis",
    "free",
    "safe",
    "guarantee",
    "promise",
    "compensate",
    "reimburse",
    "replacement",
    "gift",
    "bonus",
    "deal",
    "credit",
    "allergen-free",
    "suitable",
    "risk",
    "trace",
    "contamination",
];

/// Deeds by the words that tell of them, the briefs in which they were done, and those that ask whether to do them.
type Deed = (&'static [&'static str], &'static [Act], &'static [Act]);
const DEEDS: [Deed; 4] = [
    (
        &["added", "i'll add", "i will add", "put it", "put that", "put them", "add it", "add that", "add them"],
        &[Act::ConfirmAdded, Act::ConfirmChanged, Act::TellPlan],
        &[Act::TellPlan, Act::Upsell, Act::Recommend, Act::DeclineUnknown, Act::DeclineSoldOut, Act::WarnAllergy],
    ),
    (
        &["taken off", "took off", "removed", "take off", "took it off", "taken it off"],
        &[Act::ConfirmRemoved, Act::ConfirmChanged, Act::ConfirmCleared],
        &[Act::AskWhich],
    ),
    (
        &["placed", "place it", "place the order", "place your order", "place that"],
        &[Act::ConfirmPlaced, Act::TellCart],
        &[Act::AskPlace],
    ),
    (
        &["noted", "on its way", "recorded", "handed", "booked", "reserved"],
        &[Act::ConfirmPlaced, Act::ConfirmRemedy, Act::Escalate],
        &[],
    ),
];

/// The marks of the prompt's own layout.
const SCAFFOLD: [&str; 9] = [
    "facts:",
    "now:",
    "guest:",
    "the guest says",
    "to ask:",
    "<start_of_turn>",
    "<end_of_turn>",
    "- none",
    "you are rosy",
];

/// What the sentences of one reply may claim.
pub struct Checker<'a> {
    index: &'a MentionIndex,
    amounts: HashSet<Cents>,
    free_amounts: HashSet<Cents>,
    item_amounts: HashMap<&'a ItemId, HashSet<Cents>>,
    times: HashSet<u16>,
    numbers: HashSet<u64>,
    codes: HashSet<String>,
    items: HashSet<&'a ItemId>,
    fact_words: HashSet<String>,
    guest_words: HashSet<String>,
    /// What the facts deny: the word behind each "no", "not" or "don't".
    denied: HashSet<String>,
    /// Numbers with the word behind them: "6 wings" is a size, and no count of dishes.
    numbered: HashSet<(u64, String)>,
    /// How many of an item the facts speak of.
    counts: HashMap<&'a ItemId, HashSet<u64>>,
    /// What each size costs, by the size's word.
    sizes: HashMap<String, HashSet<Cents>>,
    /// Items that the brief itself says no to.
    sold_out: HashSet<&'a ItemId>,
    /// Items that are only asked about, in a reply that tells of others what was done.
    asked: HashSet<&'a ItemId>,
    acts: Vec<Act>,
    declines: bool,
}

/// Items of the question "which one?" that no other fact speaks of, where something else was done in the same turn: "one of
/// them is added" would be untrue.
fn asked<'a>(index: &'a MentionIndex, brief: &Brief) -> HashSet<&'a ItemId> {
    const DONE: [Act; 3] = [Act::ConfirmAdded, Act::ConfirmChanged, Act::ConfirmRemoved];
    if !brief.steps.iter().any(|step| DONE.contains(&step.act)) {
        return HashSet::new();
    }
    let items = |text: &str| index.find(&claims(text).words).into_iter().flat_map(|mention| mention.items);
    let (asks, tells): (Vec<_>, Vec<_>) = brief.steps.iter().partition(|step| step.act == Act::AskWhich);
    let facts = |steps: &[&Step]| -> HashSet<&'a ItemId> {
        steps.iter().flat_map(|step| &step.facts).flat_map(|fact| items(&fact.text)).collect()
    };
    let told = facts(&tells);
    facts(&asks).into_iter().filter(|item| !told.contains(item)).collect()
}

impl<'a> Checker<'a> {
    /// A checker for the sentences that a brief and a guest's words lead to.
    #[must_use]
    pub fn new(index: &'a MentionIndex, brief: &'a Brief, guest: &str) -> Self {
        let mut checker = Self {
            index,
            amounts: HashSet::new(),
            free_amounts: HashSet::new(),
            item_amounts: HashMap::new(),
            times: HashSet::new(),
            numbers: HashSet::new(),
            codes: HashSet::new(),
            items: HashSet::new(),
            fact_words: HashSet::new(),
            guest_words: stems(&claims(guest)),
            denied: HashSet::new(),
            numbered: HashSet::new(),
            counts: HashMap::new(),
            sizes: HashMap::new(),
            sold_out: HashSet::new(),
            asked: HashSet::new(),
            acts: brief.steps.iter().map(|step| step.act).collect(),
            declines: brief.steps.iter().any(|step| step.act.declines()),
        };
        for fact in brief.facts() {
            checker.learn(&fact.text, fact.item.as_ref());
        }
        // Plain words are ours and right, so they may be said again in other words.
        for point in brief.points() {
            checker.learn(&point.plain, None);
        }
        checker.asked = asked(index, brief);
        checker
            .numbers
            .extend(claims(guest).numbers.into_iter().map(|(_, number)| number).filter(|number| *number <= 100));
        checker
    }

    fn learn(&mut self, text: &str, item: Option<&'a ItemId>) {
        let found = claims(text);
        let amounts = found.amounts.iter().map(|(_, cents)| *cents);
        match item {
            Some(item) => {
                self.items.insert(item);
                self.item_amounts.entry(item).or_default().extend(amounts.clone());
            }
            None => {
                // Amounts of a line that names items belong to those items; totals stand in lines that name none.
                let named: Vec<&'a ItemId> =
                    self.index.find(&found.words).into_iter().flat_map(|mention| mention.items).collect();
                if named.is_empty() {
                    self.free_amounts.extend(amounts.clone());
                }
                self.items.extend(named);
            }
        }
        self.amounts.extend(amounts);
        self.times.extend(found.times.iter().map(|(_, time)| *time));
        self.numbers.extend(found.numbers.iter().map(|(_, number)| *number));
        let behind = |at: usize| found.words.get(at + 1).map(|word| stem(&word.text));
        self.numbered.extend(found.numbers.iter().filter_map(|(at, number)| Some((*number, behind(*at)?))));
        self.codes.extend(found.codes.iter().map(|(_, code)| code.clone()));
        self.denied.extend(denials(text));
        self.denied.extend(denied_list(text));
        // "$5.49 (large)": an amount with the size that it is for.
        for pair in found.amounts.iter().filter_map(|(at, cents)| Some((found.words.get(at + 1)?, cents))) {
            if pair.0.opens_bracket {
                self.sizes.entry(stem(&pair.0.text)).or_default().insert(*pair.1);
            }
        }
        if let Some(item) = item {
            let count = text.split_once(" × ").and_then(|(head, _)| claims::number(head.rsplit([' ', ':']).next()?));
            if let Some(count) = count {
                self.counts.entry(item).or_default().insert(count);
            }
            if text.contains("sold out") {
                self.sold_out.insert(item);
            }
        }
        self.fact_words.extend(stems(&found));
    }

    /// Whether a sentence may be sent.
    ///
    /// # Errors
    /// The first fault found.
    pub fn check(&self, sentence: &str) -> Result<(), Fault> {
        let lower = sentence.to_lowercase();
        let found = claims(sentence);
        if found.words.is_empty() || found.words.len() > MOST_WORDS || SCAFFOLD.iter().any(|mark| lower.contains(mark))
        {
            return Err(Fault::Form);
        }
        self.check_values(&found)?;
        self.check_items(&found, sentence.trim_end().ends_with('?'))?;
        self.check_deeds(&lower)?;
        let denials = denials(sentence);
        if !denials.is_empty() {
            let backed = denials.iter().all(|word| self.denied.contains(word));
            let offered = self.index.find(&found.words).into_iter().filter(|mention| {
                mention.items.iter().any(|item| self.item_amounts.contains_key(item))
                    && !mention.items.iter().any(|item| self.sold_out.contains(item))
            });
            let offered: Vec<usize> = offered.map(|mention| mention.start).collect();
            // What the facts offer is not denied in the same breath as what they decline.
            let spoilt = offered.iter().any(|at| is_denied_at(&found.words, *at));
            if spoilt || (!backed && (!self.declines || !offered.is_empty())) {
                return Err(Fault::Polarity);
            }
        }
        self.check_words(&found, !denials.is_empty())
    }

    /// A sentence may speak of a deed only where the brief says that it was done, and ask for a yes only where the
    /// brief asks.
    fn check_deeds(&self, lower: &str) -> Result<(), Fault> {
        let asks = lower.trim_end().ends_with('?');
        for (words, done, asked) in DEEDS {
            let allowed: &[Act] = if asks { asked } else { done };
            if words.iter().any(|deed| lower.contains(deed)) && !self.acts.iter().any(|act| allowed.contains(act)) {
                return Err(Fault::Deed);
            }
        }
        Ok(())
    }

    fn check_values(&self, found: &Claims) -> Result<(), Fault> {
        if found.amounts.iter().any(|(_, cents)| !self.amounts.contains(cents)) {
            return Err(Fault::Amount);
        }
        if found.times.iter().any(|(_, time)| !self.times.contains(time)) {
            return Err(Fault::Time);
        }
        if found.numbers.iter().any(|(_, number)| !self.numbers.contains(number)) {
            return Err(Fault::Number);
        }
        if found.codes.iter().any(|(_, code)| !self.codes.contains(code) && !self.fact_words.contains(&stem(code))) {
            return Err(Fault::Code);
        }
        Ok(())
    }

    fn check_items(&self, found: &Claims, asks: bool) -> Result<(), Fault> {
        let mentions = self.index.find(&found.words);
        for mention in &mentions {
            let known = mention.items.iter().any(|item| self.items.contains(item));
            let of_facts =
                || (mention.start..mention.end).all(|at| self.fact_words.contains(&stem(&found.words[at].text)));
            let denied_by_guest = || {
                self.declines
                    && (mention.start..mention.end).all(|at| self.guest_words.contains(&stem(&found.words[at].text)))
            };
            if !known && !of_facts() && !denied_by_guest() {
                return Err(Fault::Item);
            }
        }
        for mention in &mentions {
            let before = mention.start.checked_sub(1).and_then(|at| claims::number(&found.words[at].text));
            let counted = || mention.items.iter().find_map(|item| self.counts.get(item));
            let of_facts = |count| self.numbered.contains(&(count, stem(&found.words[mention.start].text)));
            if let (Some(count), Some(counts)) = (before, counted())
                && !counts.contains(&count)
                && !of_facts(count)
            {
                return Err(Fault::Number);
            }
        }
        // Sizes and amounts named in pairs, in the order of speech, must be pairs of the facts.
        let sizes: Vec<&HashSet<Cents>> =
            found.words.iter().filter_map(|word| self.sizes.get(&stem(&word.text))).collect();
        let pairs = sizes.iter().zip(&found.amounts).all(|(costs, (_, cents))| costs.contains(cents));
        if !sizes.is_empty() && !found.amounts.is_empty() && (sizes.len() != found.amounts.len() || !pairs) {
            return Err(Fault::Amount);
        }
        for (at, cents) in &found.amounts {
            if self.free_amounts.contains(cents) {
                continue;
            }
            let before = mentions.iter().rfind(|mention| mention.end <= *at);
            let nearest = before.or_else(|| mentions.iter().find(|mention| mention.start > *at));
            let Some(mention) = nearest else { continue };
            let mut priced = mention.items.iter().filter_map(|item| self.item_amounts.get(item)).peekable();
            if priced.peek().is_some() && !priced.any(|amounts| amounts.contains(cents)) {
                return Err(Fault::Amount);
            }
        }
        // What the reply only asks about is told of in its question alone.
        let only_asked = |mention: &mentions::Mention<'_>| mention.items.iter().all(|item| self.asked.contains(item));
        if !asks && mentions.iter().any(only_asked) {
            return Err(Fault::Item);
        }
        Ok(())
    }

    fn check_words(&self, found: &Claims, denies: bool) -> Result<(), Fault> {
        let backed = |word: &str| self.fact_words.contains(&stem(word));
        let promises =
            |word: &str| PROMISES.iter().any(|promise| stem(promise) == stem(word)) || word.ends_with("-free");
        if found.words.iter().any(|word| promises(&word.text) && !backed(&word.text)) {
            return Err(Fault::Promise);
        }
        let mut unbacked = false;
        for word in &found.words {
            let text = word.text.as_str();
            let stem = stem(text);
            if backed(text) {
                continue;
            }
            if service_words().contains(&stem) || claims::number(text).is_some() || is_value(text) {
                continue;
            }
            if self.guest_words.contains(&stem) && self.declines {
                unbacked = true;
                continue;
            }
            return Err(Fault::Word);
        }
        // Only the guest spoke of it, so it may be said no to and nothing else.
        if unbacked && !denies { Err(Fault::Polarity) } else { Ok(()) }
    }
}

/// Amounts, times and codes were held against the facts already.
fn is_value(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit())
        || matches!(
            word,
            "am" | "pm" | "a.m" | "p.m" | "o'clock" | "noon" | "midnight" | "dollars" | "dollar" | "cents"
        )
}

fn stems(found: &Claims) -> HashSet<String> {
    let mut stems = HashSet::with_capacity(found.words.len() * 2);
    for word in &found.words {
        stems.insert(stem(&word.text));
        for part in word.text.split('-').filter(|part| part.len() > 2) {
            stems.insert(stem(part));
        }
    }
    stems
}

fn service_words() -> &'static HashSet<String> {
    static WORDS: std::sync::OnceLock<HashSet<String>> = std::sync::OnceLock::new();
    WORDS.get_or_init(|| {
        include_str!("service_words.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(str::split_whitespace)
            .map(stem)
            .collect()
    })
}

/// Builds what the check needs to know of a menu, once.
#[must_use]
pub fn index(menu: &Menu) -> MentionIndex {
    MentionIndex::new(menu)
}

#[cfg(test)]
mod tests;
