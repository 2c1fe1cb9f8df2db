//! A meal within a sum: the planner decides, the reply tells.

use std::collections::BTreeSet;

use super::{
    Answer, Turn,
    heard::Heard,
    memory::{Pending, Wish},
    orders,
    wording::{capital, money, says},
};
use crate::{
    brief::{Act, Step},
    ledger::{Consent, Event, list_words},
    menu::{Course, ItemId, Menu},
    money::Cents,
    order::Edit,
    planner::{self, Diner, Objective, Plan, PlanError, PlanLine, Request, wish},
    tools::Call,
    understand::Form,
};

/// Longer than this, in bytes, a wish is no longer gone on with.
const MOST_WORDS: usize = 1_000;

/// Plans what was asked for, or says what stands in the way.
pub(super) fn answer(turn: &mut Turn<'_>, text: &str) -> Vec<Step> {
    answer_wish(turn, Wish { words: text.to_owned(), limit: None, total: None }, |_, _| {})
}

/// Where the guest goes on with a wish for a meal: "without meat", "cheaper, please", "for three".
pub(super) fn go_on(turn: &mut Turn<'_>, heard: &Heard<'_>) -> Option<Vec<Step>> {
    let mut wish = turn.memory.wish.take()?;
    if heard.reply == Some(Answer::Yes)
        || matches!(heard.form, Form::YesNo | Form::Open)
        || turn.memory.complaint.is_some()
    {
        return None;
    }
    let words = &heard.words;
    let menu = &turn.world.menu;
    let new = wish::read(&turn.world.lexicon, menu, heard.text).request;
    let cheaper = says(words, "cheaper | less expensive | less money | too expensive | too much | costs less");
    let other = says(words, "something else | another | other | different | else");
    let told = new.limit.is_some()
        || new.party > 1
        || (wish.total.is_some() && says(words, "for one | just me | only me | for me | just for me"))
        || !(new.diners.is_empty() && new.must_not.is_empty() && new.courses_not.is_empty())
        || new.sides + new.drinks + new.desserts > 0;
    // Asked for a sum, a guest may order all the same.
    let orders = wish.total.is_none() && new.limit.is_none() && !heard.edits.is_empty();
    if orders
        || !(told || wish.total.is_some() && (cheaper || other))
        || wish.words.len() + heard.text.len() > MOST_WORDS
    {
        return None;
    }
    turn.memory.pending = None;
    wish.words = format!("{}, {}", wish.words, heard.text);
    if new.limit.is_some() {
        wish.limit = new.limit;
    } else if cheaper {
        // A quarter less is felt, and leaves something to eat.
        wish.limit = wish.total.map(|total| Cents(total.0 * 3 / 4));
    }
    let before: Vec<ItemId> = turn.memory.plan.iter().flatten().filter_map(|line| line.item.one()).cloned().collect();
    let steps = answer_wish(turn, wish, |menu, request| {
        if new.party > 1 {
            request.party = new.party;
        }
        if other {
            let mains = before.into_iter().filter(|id| menu.item(id).is_some_and(|item| item.course == Course::Main));
            request.must_not.extend(mains.filter(|id| request.must.iter().all(|must| must.item != *id)));
        }
    });
    Some(steps)
}

fn answer_wish(turn: &mut Turn<'_>, told: Wish, change: impl FnOnce(&Menu, &mut Request)) -> Vec<Step> {
    let menu = &turn.world.menu;
    let wish::Wish { mut request, other_currency } = wish::read(&turn.world.lexicon, menu, &told.words);
    if let Some(code) = other_currency {
        let plain = format!(
            "Our prices are in {}, and I can't change {code}. How much would you like to spend in {}?",
            menu.currency.code(),
            menu.currency.code()
        );
        return vec![
            Step::new(Act::AskBudget)
                .fact(format!("Prices: in {}", menu.currency.code()))
                .point(plain.clone(), [plain]),
        ];
    }
    request.limit = told.limit.or(request.limit);
    change(menu, &mut request);
    if request.limit.is_none() && request.objective != Objective::Cheapest {
        turn.memory.wish = Some(told);
        return vec![ask()];
    }
    let (planned, steps) = plan(turn, request);
    turn.memory.wish = planned.ok().map(|plan| Wish { total: Some(plan.total), ..told });
    steps
}

fn ask() -> Step {
    Step::new(Act::AskBudget).point("How much would you like to spend, and for how many people?", ["how much"])
}

/// Plans within the session: what the guest keeps to and what is ordered already count.
pub(super) fn plan(turn: &mut Turn<'_>, mut request: Request) -> (Result<Plan, PlanError>, Vec<Step>) {
    let menu = &turn.world.menu;
    keep_to(&mut request, turn.cart.diets(), turn.cart.allergies());
    // What is ordered counts towards the sum, unless it exceeds it already: then the sum is meant for something new.
    let ordered = turn.cart.totals(menu.tax_rate);
    if request.limit.is_some_and(|limit| ordered.total < limit) {
        request.in_cart = ordered.subtotal;
    }
    let call = Call::RecommendMenuByBudget(request.clone());
    let planned = turn.using(call.name(), call.arguments(), |_| {
        let planned = planner::plan(menu, &request);
        let ok = planned.is_ok();
        (planned, ok)
    });
    let steps = match &planned {
        Ok(plan) => {
            let step = tell(turn, plan);
            turn.memory.plan = Some(plan.lines.iter().map(|line| line.order.clone()).collect());
            turn.memory.pending = Some(Pending::Plan);
            turn.plan = Some(plan.clone());
            step
        }
        Err(PlanError::NoLimit) => ask(),
        Err(error) => {
            let words = capital(&error.to_string());
            let plain = if words.ends_with(['?', '.']) { words } else { format!("{words}.") };
            Step::new(Act::TellPlanImpossible)
                .fact(plain.clone())
                .point(format!("I'm sorry. {plain}"), [plain.trim_end_matches('.').to_owned()])
        }
    };
    (planned, vec![steps])
}

/// What holds for the conversation holds for every plan. An allergy or a diet that this request gives to some of the
/// party is theirs; any other allergy that was told is kept from everybody's plate, as dishes are shared.
fn keep_to(request: &mut Request, diets: &BTreeSet<String>, allergies: &BTreeSet<String>) {
    let told = |kept: &dyn Fn(&Diner) -> bool| request.diners.iter().any(kept);
    let allergies: Vec<&String> =
        allergies.iter().filter(|name| !told(&|diner| diner.allergens.contains(*name))).collect();
    let diets: Vec<&String> = diets.iter().filter(|name| !told(&|diner| diner.diets.contains(*name))).collect();
    let party = request.party.clamp(1, planner::MAX_PARTY) as usize;
    if !allergies.is_empty() {
        request.diners.resize(party, Diner::default());
        for diner in &mut request.diners {
            diner.allergens.extend(allergies.iter().copied().cloned());
        }
    }
    if !diets.is_empty() {
        if request.diners.is_empty() {
            request.diners.push(Diner::default());
        }
        if let Some(first) = request.diners.first_mut() {
            first.diets.extend(diets.into_iter().cloned());
        }
    }
}

fn tell(turn: &Turn<'_>, plan: &planner::Plan) -> Step {
    let menu = &turn.world.menu;
    let words: Vec<String> = plan.lines.iter().map(in_words).collect();
    let total = money(menu, plan.total);
    let step = plan.lines.iter().zip(&words).fold(Step::new(Act::TellPlan), |step, (line, words)| {
        match line.order.item.one() {
            Some(item) => step.item_fact(item, format!("{words}: {}", money(menu, line.price))),
            None => step,
        }
    });
    let tax = if plan.tax.0 > 0 { " with tax" } else { "" };
    let sum = format!("Total: {total}{tax}");
    let (sum, told) = match plan.left {
        None => (sum, format!("That is {total}{tax}.")),
        Some(left) => {
            let left = money(menu, left);
            let told =
                if plan.left == Some(Cents::ZERO) { "to the cent".to_owned() } else { format!("and {left} is left") };
            (format!("{sum}; left: {left}"), format!("That is {total}{tax}, {told}."))
        }
    };
    let names = plan.lines.iter().map(|line| line.name.split(" (").next().unwrap_or_default().to_owned());
    step.fact(sum)
        .point(format!("How about {}?", list_words(&words)), names)
        .point(told, [total])
        .point("Shall I add it to your order?", ["?"])
}

fn in_words(line: &PlanLine) -> String {
    format!("{} × {}", line.order.quantity, line.name)
}

/// The guest takes the plan: its lines become the cart's.
pub(super) fn accept(turn: &mut Turn<'_>) -> Vec<Step> {
    let Some(lines) = turn.memory.plan.take() else { return Vec::new() };
    let before = turn.cart.totals(turn.world.menu.tax_rate).total;
    let edits = lines.into_iter().map(|line| Edit::Add { line }).collect();
    let steps = orders::edit(turn, edits, Consent::NotAsked);
    let total = turn.cart.totals(turn.world.menu.tax_rate).total - before;
    turn.record([Event::PlanAccepted { limit: None, total }]);
    steps
}
