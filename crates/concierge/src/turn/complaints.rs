//! Complaints: the manager finds out what happened, and offers what the written policy allows and nothing else.

use std::collections::BTreeSet;

use super::{
    Answer, Ticket, Turn,
    memory::{Complaint, Pending},
    wording::{capital, listing, plain_words, says},
};
use crate::{
    brief::{Act, Step},
    ledger::{
        ComplaintKind, Event, PlacedOrder, RemedyKind,
        remedy::{Advice, Ask, Case, Next},
    },
};

/// Goes on with a complaint, or begins one.
pub(super) fn answer(turn: &mut Turn<'_>, text: &str, reply: Option<Answer>) -> Vec<Step> {
    if turn.memory.handed_over {
        return vec![
            Step::new(Act::Escalate)
                .or_plain("A member of our staff has this and will answer you here.")
                .verbatim(true),
        ];
    }
    let words = plain_words(text);
    let begun = turn.memory.complaint.is_none();
    let mut complaint = turn.memory.complaint.take().unwrap_or_else(|| Complaint {
        kind: ComplaintKind::Other,
        order: None,
        line: None,
        whole_order: false,
        answered: BTreeSet::new(),
        open: None,
        waited_minutes: None,
        asked: 0,
        refused: BTreeSet::new(),
        ticket: false,
    });
    if !begun
        && says(&words, &["never mind", "nevermind", "forget it", "it's fine", "it's ok", "it is fine", "all good"])
    {
        turn.memory.pending = None;
        return vec![
            Step::new(Act::Apologise)
                .or_plain("Thank you for telling me. I am sorry for the trouble. What else can I do for you?"),
        ];
    }
    if let Some(kind) = kind_of(&words).filter(|_| complaint.kind == ComplaintKind::Other || begun) {
        complaint.kind = kind;
    }
    learn(&mut complaint, turn, &words, text);
    if let (Some(Pending::Remedy { offers }), Some(reply)) =
        (turn.memory.pending.clone(), reply.or_else(|| taken(turn, &words)))
    {
        turn.memory.pending = None;
        match reply {
            Answer::Yes => {
                let wanted = named_remedy(&words).filter(|remedy| offers.contains(remedy)).or(offers.first().copied());
                return grant(turn, complaint, wanted);
            }
            Answer::No => complaint.refused.extend(offers.first().copied()),
        }
    }
    advise(turn, complaint, begun)
}

pub(super) fn advise(turn: &mut Turn<'_>, mut complaint: Complaint, begun: bool) -> Vec<Step> {
    let sorry = if begun { "I am very sorry about this. " } else { "" };
    let Some(advice) = with_case(turn, &complaint, |case| turn.world.policy.advise(&turn.world.menu.currency, case))
    else {
        return hand_over(
            turn,
            complaint,
            sorry,
            "I am handing this to a member of our staff, who will answer you here.",
        );
    };
    let first = advice.first_words.clone().filter(|_| begun).map(|words| format!("{words} ")).unwrap_or_default();
    match advice.next.clone() {
        Next::Ask { ask, words } => {
            complaint.open = Some(ask);
            complaint.asked += 1;
            open_ticket(turn, &mut complaint, &advice);
            turn.memory.complaint = Some(complaint);
            vec![
                Step::new(Act::AskComplaint)
                    .fact(format!("Complaint: {}", advice.title))
                    .fact(format!("To ask: {words}"))
                    // What must be said at once, such as whom to call, is no matter of style.
                    .point(format!("{first}{sorry}{words}"), [first.trim().to_owned(), words]),
            ]
        }
        Next::Offer { offers } => {
            open_ticket(turn, &mut complaint, &advice);
            let words: Vec<&str> = offers.iter().map(|offer| offer.words.trim_end_matches('.')).collect();
            let step = offers
                .iter()
                .fold(Step::new(Act::OfferRemedy).fact(format!("Complaint: {}", advice.title)), |step, offer| {
                    step.fact(format!("Remedy: {}", offer.words))
                });
            turn.memory.pending = Some(Pending::Remedy { offers: offers.iter().map(|offer| offer.remedy).collect() });
            turn.memory.complaint = Some(complaint);
            let plain = if let [one] = words.as_slice() {
                format!("{first}{sorry}{one}. Is that all right with you?")
            } else {
                format!(
                    "{first}{sorry}I can offer you one of these. {}. Which may it be?",
                    listing(&words, "Or:").replace(" Or: ", ". Or: ")
                )
            };
            let needs: Vec<String> =
                offers.iter().take(1).map(|offer| offer.words.trim_end_matches('.').to_owned()).collect();
            vec![step.point(plain, needs)]
        }
        Next::HandOver { words, .. } => hand_over(turn, complaint, &format!("{first}{sorry}"), &words),
    }
}

fn hand_over(turn: &mut Turn<'_>, mut complaint: Complaint, before: &str, words: &str) -> Vec<Step> {
    complaint.ticket = true;
    turn.ticket = Some(Ticket { kind: complaint.kind, order: complaint.order });
    turn.memory.complaint = None;
    turn.memory.handed_over = true;
    let plain = format!("{before}{words}");
    vec![Step::new(Act::Escalate).fact(plain.clone()).point(plain.clone(), [plain.trim_end_matches('.').to_owned()])]
}

fn grant(turn: &mut Turn<'_>, mut complaint: Complaint, wanted: Option<RemedyKind>) -> Vec<Step> {
    let Some(remedy) = wanted else { return advise(turn, complaint, false) };
    let words = offered_words(turn, &complaint, remedy);
    let granted =
        with_case(turn, &complaint, |case| Some(turn.world.policy.grant(&turn.world.menu.currency, case, remedy)));
    match granted {
        Some(Ok(event)) => {
            turn.record(event);
            turn.memory.complaint = None;
            let words = words.unwrap_or_default();
            vec![Step::new(Act::ConfirmRemedy).fact(format!("Done: {words}")).point(
                format!("Thank you. It is recorded: {words} I am sorry once more for the trouble."),
                [words.trim_end_matches('.')],
            )]
        }
        Some(Err(refused)) => {
            complaint.refused.insert(remedy);
            let plain = capital(&format!("{refused}."));
            let mut steps = vec![Step::new(Act::DeclineRule).or_plain(plain)];
            steps.extend(advise(turn, complaint, false));
            steps
        }
        None => advise(turn, complaint, false),
    }
}

fn offered_words(turn: &Turn<'_>, complaint: &Complaint, remedy: RemedyKind) -> Option<String> {
    let advice = with_case(turn, complaint, |case| turn.world.policy.advise(&turn.world.menu.currency, case))?;
    let Next::Offer { offers } = advice.next else { return None };
    offers.into_iter().find(|offer| offer.remedy == remedy).map(|offer| offer.words)
}

fn open_ticket(turn: &mut Turn<'_>, complaint: &mut Complaint, advice: &Advice) {
    if advice.open_ticket && !complaint.ticket {
        complaint.ticket = true;
        turn.ticket = Some(Ticket { kind: complaint.kind, order: complaint.order });
    }
}

fn with_case<T>(turn: &Turn<'_>, complaint: &Complaint, ask: impl FnOnce(&Case<'_>) -> Option<T>) -> Option<T> {
    let order = complaint.order.and_then(|id| turn.cart.orders().iter().find(|order| order.id == id));
    ask(&Case {
        kind: complaint.kind,
        order,
        line: complaint.line,
        whole_order: complaint.whole_order,
        answered: &complaint.answered,
        waited_minutes: complaint.waited_minutes,
        asked: complaint.asked,
        refused: &complaint.refused,
        granted: turn.cart.remedies(),
        now: turn.unix_now,
    })
}

/// Takes from the guest's words what the policy wants to know.
fn learn(complaint: &mut Complaint, turn: &Turn<'_>, words: &[String], text: &str) {
    let orders = turn.cart.orders();
    let numbers: Vec<u32> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let numbered = orders.iter().rev().find(|order| numbers.contains(&order.number));
    if let Some(order) = numbered.or_else(|| orders.last().filter(|_| complaint.order.is_none())) {
        complaint.order = Some(order.id);
        complaint.answered.insert(Ask::Order);
    }
    if let Some(order) = complaint.order.and_then(|id| orders.iter().find(|order| order.id == id)) {
        complaint.answered.insert(Ask::Receipt);
        complaint.whole_order |=
            says(words, &["everything", "whole order", "entire order", "all of it", "whole thing", "all the food"]);
        if let Some(line) = line_named(turn, order, text) {
            complaint.line = Some(line);
            complaint.answered.insert(Ask::Line);
        }
    }
    let minutes = words.windows(2).find_map(|pair| {
        let unit = match pair[1].trim_end_matches('s') {
            "minute" | "min" => 1,
            "hour" | "hr" => 60,
            _ => return None,
        };
        crate::check::number(&pair[0])
            .or(matches!(pair[0].as_str(), "an" | "one" | "a").then_some(1))
            .and_then(|count| u32::try_from(count).ok()?.checked_mul(unit))
    });
    let alone = || numbers.first().copied().filter(|_| complaint.open == Some(Ask::Wait));
    if let Some(minutes) = minutes.or_else(alone) {
        complaint.waited_minutes = Some(minutes.min(24 * 60));
        complaint.answered.insert(Ask::Wait);
    }
    // A question whose answer is free text is answered by whatever the guest says next.
    if let Some(open) = complaint.open.take().filter(|open| !matches!(open, Ask::Order | Ask::Line | Ask::Wait)) {
        complaint.answered.insert(open);
    }
}

fn line_named(turn: &Turn<'_>, order: &PlacedOrder, text: &str) -> Option<crate::order::LineId> {
    let named: Vec<_> = turn.world.items_named(text).into_iter().flatten().collect();
    let mut lines = order.lines.iter().filter(|line| named.contains(&line.item));
    match (lines.next(), lines.next(), order.lines.as_slice()) {
        (Some(line), None, _) => Some(line.id),
        (None, _, [only]) => Some(only.id),
        _ => None,
    }
}

/// A remedy that the guest names is a yes to it.
fn taken(turn: &Turn<'_>, words: &[String]) -> Option<Answer> {
    let Some(Pending::Remedy { offers }) = &turn.memory.pending else { return None };
    named_remedy(words).filter(|remedy| offers.contains(remedy)).map(|_| Answer::Yes)
}

fn named_remedy(words: &[String]) -> Option<RemedyKind> {
    if says(words, &["refund", "money back", "my money", "the money"]) {
        Some(RemedyKind::RefundLine)
    } else if says(words, &["replacement", "replace", "new one", "make it again", "another one", "remake", "again"]) {
        Some(RemedyKind::Replacement)
    } else if says(words, &["voucher", "coupon", "credit"]) {
        Some(RemedyKind::Voucher)
    } else {
        None
    }
}

/// What a complaint is about, by the words of English that people use for it; the gravest first.
pub(super) fn kind_of(words: &[String]) -> Option<ComplaintKind> {
    const KINDS: [(ComplaintKind, &[&str]); 10] = [
        (
            ComplaintKind::Illness,
            &[
                "sick",
                "ill",
                "food poisoning",
                "poisoned",
                "vomit",
                "vomited",
                "threw up",
                "throwing up",
                "stomach",
                "allergic reaction",
                "hospital",
                "rash",
                "diarrhea",
            ],
        ),
        (
            ComplaintKind::ForeignObject,
            &[
                "hair",
                "plastic",
                "glass",
                "bug",
                "insect",
                "fly",
                "cockroach",
                "metal",
                "stone",
                "worm",
                "fingernail",
                "bone",
            ],
        ),
        (
            ComplaintKind::Overcharge,
            &[
                "overcharged",
                "overcharge",
                "charged twice",
                "charged me twice",
                "double charged",
                "charged too much",
                "charged me",
                "bill is wrong",
                "wrong bill",
                "wrong amount",
                "wrong price",
                "wrong change",
            ],
        ),
        (
            ComplaintKind::Rudeness,
            &[
                "rude",
                "attitude",
                "yelled",
                "shouted",
                "disrespectful",
                "unfriendly",
                "impolite",
                "ignored",
                "rolled her eyes",
                "rolled his eyes",
                "insulted",
                "mean to",
            ],
        ),
        (
            ComplaintKind::MissingItem,
            &[
                "missing",
                "forgot",
                "forgotten",
                "didn't get",
                "did not get",
                "never got",
                "never came",
                "left out",
                "wasn't in the bag",
                "not in the bag",
                "without my",
            ],
        ),
        (
            ComplaintKind::WrongItem,
            &[
                "wrong",
                "not what i ordered",
                "didn't order",
                "did not order",
                "someone else's",
                "instead of what",
                "mixed up",
                "i asked for no",
                "i said no",
            ],
        ),
        (ComplaintKind::ColdFood, &["cold", "lukewarm", "ice cold", "frozen", "not hot", "not warm", "barely warm"]),
        (
            ComplaintKind::Spilled,
            &["spilled", "spilt", "spill", "leaked", "leaking", "crushed", "smashed", "fell apart"],
        ),
        (
            ComplaintKind::Delay,
            &[
                "waiting",
                "waited",
                "wait",
                "late",
                "slow",
                "forever",
                "ages",
                "taking so long",
                "took so long",
                "so long",
                "delay",
                "delayed",
                "an hour",
                "minutes",
            ],
        ),
        (
            ComplaintKind::Quality,
            &[
                "soggy",
                "burnt",
                "burned",
                "raw",
                "undercooked",
                "overcooked",
                "tasteless",
                "bland",
                "dry",
                "stale",
                "disgusting",
                "gross",
                "awful",
                "terrible",
                "horrible",
                "disappointed",
                "disappointing",
                "greasy",
                "salty",
                "worst",
                "bad",
                "better",
                "tough",
                "chewy",
                "hard",
            ],
        ),
    ];
    KINDS.into_iter().find(|(_, phrases)| says(words, phrases)).map(|(kind, _)| kind)
}

impl Turn<'_> {
    /// Notes an event of this turn and applies it.
    pub(super) fn record(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.cart.apply(&event);
            self.events.push(event);
        }
    }
}
