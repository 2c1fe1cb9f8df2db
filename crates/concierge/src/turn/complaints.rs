//! Complaints: the manager finds out what happened, and offers what the written policy allows and nothing else.

use std::collections::BTreeSet;

use super::{
    Answer, Ticket, Turn, bill,
    grievances::{Wanted, asks_for, disputes, kind_of, refused_remedy, tells_what_came, wanted_remedy},
    memory::{Complaint, Pending},
    wording::{capital, listing, plain_words, says},
};
use crate::{
    brief::{Act, Step},
    ledger::{
        ComplaintKind, Event, PlacedOrder, RemedyKind,
        remedy::{Advice, Ask, Case, Next, Offer},
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
    if !begun && says(&words, "never mind | nevermind | forget it | it's fine | it's ok | it is fine | all good") {
        return settled(turn);
    }
    if let Some(step) = asked_for(turn, &mut complaint, &words, begun) {
        return step;
    }
    if let Some(kind) = kind_of(&words).filter(|_| complaint.kind == ComplaintKind::Other || begun) {
        complaint.kind = kind;
    }
    let asked = complaint.open;
    learn(&mut complaint, turn, &words, text);
    if asked == Some(Ask::Order) && complaint.order.is_none() {
        // Asking once more would not find it.
        let words = "I cannot see that order from here, so I am handing this to a member of our staff, who will answer you here.";
        return hand_over(turn, complaint, "Thank you. ", words);
    }
    if let Some(step) = ask_of_what_was_ordered(turn, &mut complaint, text) {
        return vec![step];
    }
    let reply = taken(turn, &words).or(reply).or_else(|| disputes(&words).then_some(Answer::No));
    if let (Some(Pending::Remedy { offers }), Some(reply)) = (turn.memory.pending.clone(), reply) {
        turn.memory.pending = None;
        match reply {
            // Words were all that could be given; a person is what is offered besides.
            Answer::Yes if offers == [RemedyKind::Escalate] => {
                let words = "I am handing this to a member of our staff, who will answer you here.";
                return hand_over(turn, complaint, "Certainly. ", words);
            }
            Answer::No if offers == [RemedyKind::Escalate] => return settled(turn),
            Answer::Yes => {
                let wanted = wanted_remedy(&words, &offers).or(offers.first().copied());
                return grant(turn, complaint, wanted);
            }
            Answer::No => complaint.refused.extend(refused_remedy(&words, &offers)),
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
            let words = if ask == Ask::Line { which_line(turn, &complaint, words) } else { words };
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
            vec![offer(turn, complaint, &advice.title, &format!("{first}{sorry}"), &offers)]
        }
        Next::HandOver { words, .. } => hand_over(turn, complaint, &format!("{first}{sorry}"), &words),
    }
}

/// The question about the item, with the items to choose from.
fn which_line(turn: &Turn<'_>, complaint: &Complaint, words: String) -> String {
    /// More names than this are no help.
    const MOST: usize = 6;
    let order = order_of(turn, complaint);
    let Some(order) = order.filter(|order| (2..=MOST).contains(&order.lines.len())) else { return words };
    let mut names: Vec<&str> = order.lines.iter().map(|line| line.name.as_str()).collect();
    names.dedup();
    format!("{}: {}?", words.trim_end_matches('?'), listing(&names, "or"))
}

/// Offers what the policy allows. An apology is given, not offered: where there is nothing else, a person is.
fn offer(turn: &mut Turn<'_>, complaint: Complaint, title: &str, before: &str, offers: &[Offer]) -> Step {
    let (words_only, given): (Vec<&Offer>, Vec<&Offer>) =
        offers.iter().partition(|offer| offer.remedy == RemedyKind::Apology);
    let sorry = words_only.first().map(|apology| format!("{} ", apology.words)).unwrap_or_default();
    let state = order_state(turn, &complaint);
    if given.is_empty() {
        turn.memory.pending = Some(Pending::Remedy { offers: vec![RemedyKind::Escalate] });
        turn.memory.complaint = Some(complaint);
        let plain = format!("{before}{sorry}{state}Shall I ask a member of our staff to look into it with you?");
        return Step::new(Act::Apologise).fact(plain.clone()).point(plain.clone(), [plain]).verbatim(true);
    }
    let step = given.iter().fold(Step::new(Act::OfferRemedy).fact(format!("Complaint: {title}")), |step, offer| {
        step.fact(format!("Remedy: {}", offer.words))
    });
    let words: Vec<String> = given.iter().map(|offer| uncapital(offer.words.trim_end_matches('.'))).collect();
    let plain = match words.as_slice() {
        [one] => format!("{before}{sorry}{state}{}. Is that all right with you?", capital(one)),
        several => {
            format!("{before}{sorry}{state}You may choose: {}. Which do you prefer?", several.join(", or "))
        }
    };
    let needs = given.first().map(|offer| offer.words.trim_end_matches('.').to_owned());
    turn.memory.pending = Some(Pending::Remedy { offers: given.iter().map(|offer| offer.remedy).collect() });
    turn.memory.complaint = Some(complaint);
    step.point(plain, needs)
}

/// The placed order that a complaint is about.
fn order_of<'t>(turn: &'t Turn<'_>, complaint: &Complaint) -> Option<&'t PlacedOrder> {
    complaint.order.and_then(|id| turn.cart.orders().iter().find(|order| order.id == id))
}

/// How far the order is, where the complaint is about waiting for it.
fn order_state(turn: &Turn<'_>, complaint: &Complaint) -> String {
    let order = order_of(turn, complaint);
    match order.filter(|_| complaint.kind == ComplaintKind::Delay) {
        Some(order) => {
            let state = turn.register.state(order.id).unwrap_or("received");
            format!("Your order number {} is {}. ", order.number, bill::state_words(state))
        }
        None => String::new(),
    }
}

/// A guest who asks for somebody gets them: the manager is here, and a person is called.
fn asked_for(turn: &mut Turn<'_>, complaint: &mut Complaint, words: &[String], begun: bool) -> Option<Vec<Step>> {
    match asks_for(words)? {
        Wanted::Manager if begun && kind_of(words).is_none() => {
            complaint.open = Some(Ask::Details);
            complaint.asked += 1;
            turn.memory.complaint = Some(complaint.clone());
            let plain = turn.world.personas.gordon.greeting.clone();
            Some(vec![Step::new(Act::AskComplaint).or_plain(plain).verbatim(true)])
        }
        Wanted::Manager if begun => None,
        Wanted::Manager | Wanted::Person => {
            turn.memory.pending = None;
            let words = "I am calling a member of our staff, who will answer you here. You may tell me already what it is about.";
            Some(hand_over(turn, complaint.clone(), "Certainly. ", words))
        }
    }
}

/// The guest lets the matter rest.
fn settled(turn: &mut Turn<'_>) -> Vec<Step> {
    turn.memory.pending = None;
    turn.memory.complaint = None;
    vec![
        Step::new(Act::Apologise)
            .or_plain("Thank you for telling me. I am sorry for the trouble. What else can I do for you?"),
    ]
}

/// The text with its first letter small, to stand within a sentence.
fn uncapital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn hand_over(turn: &mut Turn<'_>, mut complaint: Complaint, before: &str, words: &str) -> Vec<Step> {
    complaint.ticket = true;
    turn.ticket = Some(Ticket { kind: complaint.kind, order: complaint.order });
    turn.memory.complaint = None;
    turn.memory.handed_over = true;
    let plain = format!("{before}{words}");
    vec![Step::new(Act::Escalate).fact(plain.clone()).or_plain(plain)]
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
                format!("Thank you. It is recorded: {} I am sorry once more for the trouble.", uncapital(&words)),
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
    let order = order_of(turn, complaint);
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
            says(words, "everything | whole order | entire order | all of it | whole thing | all the food");
        if let Some(line) = line_named(turn, order, complaint.kind, text) {
            complaint.line = Some(line);
            complaint.answered.insert(Ask::Line);
        }
    }
    // What was told already is not asked for again.
    let told = match complaint.kind {
        ComplaintKind::Quality => words.len() >= 3,
        ComplaintKind::Rudeness | ComplaintKind::Other => words.len() >= 8,
        _ => false,
    };
    if told {
        complaint.answered.insert(Ask::Details);
    }
    let left_in = says(words, "i said no | asked for no | told you no | said without | asked for without");
    if complaint.kind == ComplaintKind::WrongItem && (left_in || tells_what_came(words)) {
        complaint.answered.insert(Ask::Received);
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

/// A complaint about a dish that was not ordered: which one is meant is asked before anything is offered.
fn ask_of_what_was_ordered(turn: &mut Turn<'_>, complaint: &mut Complaint, text: &str) -> Option<Step> {
    let order = order_of(turn, complaint)?;
    let named: Vec<_> = turn.world.items_named(text).into_iter().flatten().collect();
    let ordered = || order.lines.iter().any(|line| named.contains(&line.item));
    let known = complaint.line.is_some() || complaint.whole_order || complaint.kind == ComplaintKind::WrongItem;
    if named.is_empty() || known || complaint.asked > 0 || ordered() {
        return None;
    }
    let lines: Vec<String> = order.lines.iter().map(crate::ledger::describe_line).collect();
    let plain = format!(
        "I am sorry about this. Order number {} has {}. Which of it is it about?",
        order.number,
        listing(&lines, "and")
    );
    complaint.open = Some(Ask::Line);
    complaint.asked += 1;
    turn.memory.complaint = Some(complaint.clone());
    Some(Step::new(Act::AskComplaint).fact(plain.clone()).point(plain.clone(), [plain]).verbatim(true))
}

/// The line that a complaint is about. Where only one was ordered it is that one, unless something is named that was not.
fn line_named(turn: &Turn<'_>, order: &PlacedOrder, kind: ComplaintKind, text: &str) -> Option<crate::order::LineId> {
    let named: Vec<_> = turn.world.items_named(text).into_iter().flatten().collect();
    let mut lines = order.lines.iter().filter(|line| named.contains(&line.item));
    match (lines.next(), lines.next(), order.lines.as_slice()) {
        (Some(line), None, _) => Some(line.id),
        (None, _, [only]) if named.is_empty() || kind == ComplaintKind::WrongItem => Some(only.id),
        _ => None,
    }
}

/// A remedy that the guest names is a yes to it.
fn taken(turn: &Turn<'_>, words: &[String]) -> Option<Answer> {
    let Some(Pending::Remedy { offers }) = &turn.memory.pending else { return None };
    wanted_remedy(words, offers).map(|_| Answer::Yes)
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
