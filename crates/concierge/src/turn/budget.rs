//! A meal within a sum: the planner decides, the reply tells.

use super::{
    Turn,
    memory::Pending,
    orders,
    wording::{capital, money},
};
use crate::{
    brief::{Act, Step},
    ledger::{Consent, Event, list_words},
    order::Edit,
    planner::{self, Diner, Objective, PlanError, PlanLine, wish},
};

/// Plans what was asked for, or says what stands in the way.
pub(super) fn answer(turn: &mut Turn<'_>, text: &str) -> Vec<Step> {
    let menu = &turn.world.menu;
    let wish::Wish { mut request, other_currency } = wish::read(&turn.world.lexicon, menu, text);
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
    if request.limit.is_none() && request.objective != Objective::Cheapest {
        return vec![
            Step::new(Act::AskBudget).point("How much would you like to spend, and for how many people?", ["how much"]),
        ];
    }
    // What holds for the conversation holds for every plan.
    let keeps = Diner { diets: turn.cart.diets().clone(), allergens: turn.cart.allergies().clone() };
    if keeps != Diner::default() {
        let party = request.party.clamp(1, planner::MAX_PARTY) as usize;
        request.diners.resize(party, Diner::default());
        for diner in &mut request.diners {
            diner.allergens.extend(keeps.allergens.iter().cloned());
        }
        if let Some(first) = request.diners.first_mut() {
            first.diets.extend(keeps.diets.iter().cloned());
        }
    }
    // What is ordered counts towards the sum, unless it exceeds it already: then the sum is meant for something new.
    let ordered = turn.cart.totals(menu.tax_rate);
    if request.limit.is_some_and(|limit| ordered.total < limit) {
        request.in_cart = ordered.subtotal;
    }
    match planner::plan(menu, &request) {
        Ok(plan) => {
            let step = tell(turn, &plan);
            turn.memory.plan = Some(plan.lines.iter().map(|line| line.order.clone()).collect());
            turn.memory.pending = Some(Pending::Plan);
            turn.plan = Some(plan);
            vec![step]
        }
        Err(PlanError::NoLimit) => vec![
            Step::new(Act::AskBudget).point("How much would you like to spend, and for how many people?", ["how much"]),
        ],
        Err(error) => {
            let words = capital(&error.to_string());
            let plain = if words.ends_with(['?', '.']) { words } else { format!("{words}.") };
            vec![
                Step::new(Act::TellPlanImpossible)
                    .fact(plain.clone())
                    .point(format!("I'm sorry. {plain}"), [plain.trim_end_matches('.').to_owned()]),
            ]
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
    let mut sum = format!("Total: {total}{tax}");
    let mut plain = format!("How about {}? That is {total}{tax}", list_words(&words));
    if let Some(left) = plan.left {
        sum.push_str(&format!("; left: {}", money(menu, left)));
        plain.push_str(&format!(", and {} is left", money(menu, left)));
    }
    let needs =
        plan.lines.iter().map(|line| line.name.split(" (").next().unwrap_or_default().to_owned()).chain([total]);
    step.fact(sum).point(format!("{plain}."), needs).point("Shall I add it to your order?", ["?"])
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
