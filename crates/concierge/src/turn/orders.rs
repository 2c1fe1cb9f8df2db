//! The order: what the guest's moves do to the cart, and how that is told.

use serde_json::json;

use super::{
    Turn,
    bill::{empty_cart, read_cart, total},
    calls::tool_of_edit,
    memory::Pending,
    wording::{capital, listing, money},
};
use crate::{
    brief::{Act, Step},
    ledger::{Conflict, Consent, Event, Line, Question, Refusal, describe_line, list_words},
    menu::{ItemId, Menu},
    order::{ChoicePick, Edit, LineId},
    tools::ToolName,
};

/// What a turn's edits did, collected so that it is told once.
#[derive(Default)]
struct Changes {
    added: Vec<LineId>,
    changed: Vec<LineId>,
    removed: Vec<String>,
    cleared: bool,
    /// A line went of which it was not known yet what it was to be.
    undecided_gone: bool,
    /// Sizes and options that the edits named, in lower case.
    named: Vec<String>,
}

/// Carries out edits and tells what became of them.
pub(super) fn edit(turn: &mut Turn<'_>, edits: Vec<Edit>, consent: Consent) -> Vec<Step> {
    let named = edits.iter().flat_map(|edit| named_by(turn, edit)).collect();
    let mut changes = Changes { named, ..Changes::default() };
    let mut refusals = Vec::new();
    let mut conflicts: (Vec<Conflict>, Vec<Edit>) = Default::default();
    let mut place = false;
    for edit in edits {
        if edit == Edit::Place {
            place = true;
            continue;
        }
        let decided = match tool_of_edit(turn, &edit) {
            Some((tool, arguments)) => turn.using(tool, arguments, |turn| {
                let decided = turn.cart.decide(&turn.world.menu, &edit, consent);
                let ok = decided.is_ok();
                (decided, ok)
            }),
            None => turn.cart.decide(&turn.world.menu, &edit, consent),
        };
        match decided {
            Ok(events) => note(turn, &events, &mut changes),
            Err(Refusal::AllergyConflict { conflicts: found }) => {
                conflicts.0.extend(found);
                conflicts.1.push(edit);
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    let mut steps = told(turn, &changes);
    for refusal in refusals {
        steps.push(refused(&refusal));
    }
    if !conflicts.1.is_empty() {
        let warning = Refusal::AllergyConflict { conflicts: conflicts.0 };
        turn.memory.pending = Some(Pending::Conflict { edits: conflicts.1 });
        steps.push(Step::new(Act::WarnAllergy).or_plain(capital(&warning.to_string())));
        return steps;
    }
    if let Some(step) = open_question(turn) {
        steps.push(step);
    } else if place {
        steps.extend(ask_place(turn));
    } else if steps.iter().any(|step| matches!(step.act, Act::ConfirmAdded | Act::ConfirmChanged)) {
        anything_else(&mut steps);
    }
    steps
}

/// What an edit of a line names: its size, or what is to be on it or off it, in lower case.
fn named_by(turn: &Turn<'_>, edit: &Edit) -> Vec<String> {
    let menu = &turn.world.menu;
    let choice = |group, pick: &ChoicePick| {
        pick.one().and_then(|choice| menu.choice(group, choice)).map(|choice| choice.name.to_lowercase())
    };
    match edit {
        Edit::SetOption { option, .. } => choice(&option.group, &option.choice).into_iter().collect(),
        Edit::Leave { without, .. } => choice(&without.group, &without.choice).into_iter().collect(),
        Edit::SetSize { line, size } => {
            let item = turn.cart.line(*line).and_then(|line| menu.item(&line.item));
            // "Ten pieces" may be said for "10 pieces".
            let name = item.and_then(|item| item.size(size)).map(|size| size.name.to_lowercase());
            name.filter(|name| !name.contains(|c: char| c.is_ascii_digit())).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Says what a refusal says. The ledger's words are made for guests.
fn refused(refusal: &Refusal) -> Step {
    let act = match refusal {
        Refusal::SoldOut { .. } => Act::DeclineSoldOut,
        Refusal::NoSuchItem => Act::DeclineUnknown,
        Refusal::EmptyCart => Act::TellEmptyCart,
        _ => Act::DeclineRule,
    };
    let words = capital(&refusal.to_string());
    let words = if words.ends_with(['?', '.', '!']) { words } else { format!("{words}.") };
    Step::new(act).fact(words.clone()).point(format!("I'm sorry. {words}"), [words.trim_end_matches(['.', '?'])])
}

fn note(turn: &mut Turn<'_>, events: &[Event], changes: &mut Changes) {
    for event in events {
        match event {
            Event::LineAdded { line } => {
                changes.added.push(line.id);
                turn.memory.last_line = Some(line.id);
                turn.memory.talk_of([line.item.clone()]);
            }
            Event::LineChanged { line } => {
                if !changes.added.contains(&line.id) {
                    changes.changed.push(line.id);
                }
                turn.memory.last_line = Some(line.id);
            }
            Event::LineRemoved { line } => match turn.cart.line(*line) {
                Some(line) => changes.removed.push(describe_line(line)),
                None => changes.undecided_gone = true,
            },
            Event::Cleared => changes.cleared = true,
            _ => {}
        }
    }
    turn.record(events.iter().cloned());
}

fn told(turn: &Turn<'_>, changes: &Changes) -> Vec<Step> {
    let mut steps = Vec::new();
    let lines = |ids: &[LineId]| -> Vec<Line> { ids.iter().filter_map(|id| turn.cart.line(*id)).cloned().collect() };
    let (added, mut changed) = (lines(&changes.added), lines(&changes.changed));
    changed.dedup_by_key(|line| line.id);
    if changes.cleared {
        let step = Step::new(Act::ConfirmCleared);
        steps.push(step.point("Your order is empty now. What can I get you?", ["empty"]));
    }
    if !changes.removed.is_empty() {
        let what = list_words(&changes.removed);
        steps.push(
            Step::new(Act::ConfirmRemoved)
                .fact(format!("Taken off: {what}"))
                .point(format!("I've taken off {what}."), names_of(&changes.removed))
                .verbatim(true),
        );
    }
    if changes.undecided_gone && added.is_empty() {
        let empty = if turn.cart.is_empty() { " What can I get you?" } else { "" };
        steps.push(Step::new(Act::ConfirmRemoved).point(format!("All right, I've left that out.{empty}"), ["left"]));
    }
    if !changed.is_empty() {
        steps.push(lines_step(turn, Act::ConfirmChanged, "Changed", "Now it is", &changed, &changes.named));
    }
    if !added.is_empty() {
        steps.push(lines_step(turn, Act::ConfirmAdded, "Added", "I've added", &added, &[]));
    }
    // What was taken from one line and put in another is told word for word: a number left out would be wrong.
    if steps.len() > 1 && steps.iter().any(|step| step.act == Act::ConfirmChanged) {
        steps = steps.into_iter().map(|step| step.verbatim(true)).collect();
    }
    let minded = unmarked(turn, &added);
    if !turn.cart.lines().is_empty()
        && let Some(last) = steps.last_mut()
    {
        let step = std::mem::take(last);
        *last = total(turn, step);
    }
    steps.splice(0..0, minded);
    steps
}

/// What a guest who keeps a diet should mind of the lines added: those that the menu does not mark so.
fn unmarked(turn: &Turn<'_>, added: &[Line]) -> Option<Step> {
    let kept = |diet: &str, line: &Line| turn.world.menu.item(&line.item).is_some_and(|item| item.is_marked(diet));
    let diet = turn.cart.diets().iter().find(|diet| added.iter().any(|line| !kept(diet, line)))?;
    let names: Vec<&str> = added.iter().filter(|line| !kept(diet, line)).map(|line| line.name.as_str()).collect();
    let are = if names.len() > 1 { "are" } else { "is" };
    let plain = format!("Please note that {} {are} not marked {diet}.", crate::ledger::listing(&names, "and"));
    Some(Step::new(Act::TellDiet).fact(plain.clone()).point(plain.clone(), [plain]).verbatim(true))
}

/// What a removed line's words must show up as: its name, without quantity and details.
fn names_of(removed: &[String]) -> Vec<String> {
    removed
        .iter()
        .map(|line| line.split_once(" × ").map_or(line.as_str(), |(_, name)| name))
        .map(|name| name.split(" (").next().unwrap_or(name).to_owned())
        .collect()
}

fn lines_step(turn: &Turn<'_>, act: Act, label: &str, lead: &str, lines: &[Line], named: &[String]) -> Step {
    let words: Vec<String> = lines.iter().map(describe_line).collect();
    let step = lines.iter().zip(&words).fold(Step::new(act), |step, (line, words)| {
        step.item_fact(&line.item, format!("{label}: {words}: {}", money(&turn.world.menu, line.total())))
    });
    // What was asked for on a line, or left out, the guest wants to hear.
    let details = named.iter().filter(|name| words.iter().any(|words| words.to_lowercase().contains(*name)));
    let names = lines.iter().map(|line| line.name.clone());
    step.point(format!("{lead} {}.", list_words(&words)), names.chain(details.cloned()))
}

fn anything_else(steps: &mut [Step]) {
    if let Some(step) = steps.last_mut() {
        let taken = std::mem::take(step);
        *step = taken.or_plain("Anything else?");
    }
}

/// Asks a question of ours, word for word.
pub(super) fn ask(question: &str) -> Step {
    Step::new(Act::AskWhich).fact(format!("To ask: {question}")).point(question, [question])
}

/// Asks which of some dishes is meant.
pub(super) fn ask_which(menu: &Menu, lead: &str, dishes: &[ItemId]) -> Step {
    let names: Vec<&str> = dishes.iter().filter_map(|id| menu.item(id)).map(|item| item.name.as_str()).collect();
    ask(&format!("{lead}: {}?", listing(&names, "or")))
}

/// The first question that the cart leaves open.
pub(super) fn open_question(turn: &Turn<'_>) -> Option<Step> {
    let need = turn.cart.needs(&turn.world.menu).into_iter().next()?;
    let menu = &turn.world.menu;
    let names: Vec<String> = match &need.question {
        Question::Item { any_of } => {
            any_of.iter().filter_map(|id| menu.item(id)).map(|item| item.name.clone()).collect()
        }
        Question::Size { any_of } => {
            let item = turn.cart.line(need.line).and_then(|line| menu.item(&line.item));
            any_of.iter().filter_map(|id| item?.size(id)).map(|size| size.name.clone()).collect()
        }
        Question::Choice { group, any_of, .. } | Question::Without { group, any_of } => {
            any_of.iter().filter_map(|id| menu.choice(group, id)).map(|choice| choice.name.clone()).collect()
        }
    };
    let act = if matches!(need.question, Question::Item { .. }) { Act::AskWhich } else { Act::AskOption };
    let step = Step::new(act).fact(format!("To ask: {}", need.words));
    Some(step.point(capital(&need.words), names.into_iter().take(4)))
}

/// Reads the order and asks whether to place it; before that, once a conversation, offers one thing more.
pub(super) fn ask_place(turn: &mut Turn<'_>) -> Vec<Step> {
    if turn.cart.is_empty() {
        return vec![empty_cart()];
    }
    if let Some(step) = open_question(turn) {
        return vec![step];
    }
    if let Some(suggestion) = turn.world.upsell.suggest(&turn.world.menu, &turn.cart, None) {
        turn.record([suggestion.event()]);
        turn.memory.pending = Some(Pending::Offered { items: vec![suggestion.item.clone()] });
        let name = turn.world.menu.item(&suggestion.item).map(|item| item.name.clone()).unwrap_or_default();
        return vec![
            Step::new(Act::Upsell)
                .item_fact(&suggestion.item, format!("{name}: {}", money(&turn.world.menu, suggestion.price)))
                .point(suggestion.words, [name, money(&turn.world.menu, suggestion.price)]),
        ];
    }
    turn.memory.pending = Some(Pending::Place);
    vec![read_cart(turn, Act::AskPlace).point("Shall I place the order?", ["?"])]
}

/// Asks a guest who is leaving whether to place what is in the cart.
pub(super) fn ask_before_leaving(turn: &mut Turn<'_>) -> Vec<Step> {
    if let Some(step) = open_question(turn) {
        return vec![step];
    }
    turn.memory.pending = Some(Pending::Place);
    vec![read_cart(turn, Act::AskPlace).point("It is not placed yet. Shall I place the order?", ["not", "?"])]
}

/// Places the order, or says what stands in the way.
pub(super) fn place(turn: &mut Turn<'_>, consent: Consent) -> Vec<Step> {
    turn.using(ToolName::PlaceOrder, json!({"confirmed": true}), |turn| {
        let steps = check_out(turn, consent);
        let placed = turn.placed.is_some();
        (steps, placed)
    })
}

fn check_out(turn: &mut Turn<'_>, consent: Consent) -> Vec<Step> {
    let checkout = match turn.cart.checkout(&turn.world.menu, consent) {
        Ok(checkout) => checkout,
        Err(Refusal::Changed { changes, events }) => {
            turn.record(events);
            let words = list_words(&changes);
            turn.memory.pending = Some(Pending::Place);
            let step =
                Step::new(Act::DeclineRule).fact(words.clone()).point(format!("One moment, please: {words}."), [words]);
            let mut steps = vec![step];
            steps.extend(if turn.cart.is_empty() {
                vec![empty_cart()]
            } else {
                vec![read_cart(turn, Act::AskPlace).point("Shall I place it like this?", ["?"])]
            });
            return steps;
        }
        Err(Refusal::Open { .. }) => return open_question(turn).into_iter().collect(),
        Err(refusal @ Refusal::AllergyConflict { .. }) => {
            turn.memory.pending = Some(Pending::Conflict { edits: vec![Edit::Place] });
            return vec![Step::new(Act::WarnAllergy).or_plain(capital(&refusal.to_string()))];
        }
        Err(refusal) => return vec![refused(&refusal)],
    };
    turn.record(checkout.events.iter().cloned());
    let lines: Vec<String> = checkout.lines.iter().map(describe_line).collect();
    match turn.register.place(&turn.events, &checkout) {
        Ok(placed) => {
            let number = placed.number;
            turn.placed = Some(placed.clone());
            // The register has stored the events of this turn with the order.
            turn.events.clear();
            turn.cart.apply(&Event::Placed { order: placed.id, number, at: placed.at, totals: checkout.totals });
            turn.memory.last_line = None;
            let total = money(&turn.world.menu, checkout.totals.total);
            vec![
                Step::new(Act::ConfirmPlaced)
                    .fact(format!("Order number: {number}"))
                    .fact(format!("Placed: {}", list_words(&lines)))
                    .fact(format!("Total: {total}"))
                    .point(
                        format!("Your order is placed. Your order number is {number}, and the total is {total}. I'll tell you here when it is ready."),
                        [number.to_string(), total],
                    ),
            ]
        }
        Err(problem) => vec![Step::new(Act::DeclineRule).fact(problem.clone()).point(problem.clone(), [problem])],
    }
}

/// Which items a step's facts speak of.
pub(super) fn items_of(steps: &[Step]) -> Vec<ItemId> {
    let mut items: Vec<ItemId> = Vec::new();
    for fact in steps.iter().flat_map(|step| &step.facts) {
        if let Some(item) = fact.item.as_ref().filter(|item| !items.contains(item)) {
            items.push(item.clone());
        }
    }
    items
}
