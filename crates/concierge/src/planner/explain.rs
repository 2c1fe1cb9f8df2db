//! Why a plan is the best, what a little more would buy, and what would make an impossible wish possible.

use super::{
    Alternative, Found, Objective, Plan, PlanError, PlanLine, Request,
    field::Field,
    least::{By, Least},
    lines,
    request::MAX_SAME,
    subtotal,
};
use crate::{
    ledger::list_words,
    menu::{Course, Menu},
    money::Cents,
};

/// What a meal adds to what is paid: its price, and the tax on it beside what the cart holds.
pub(super) fn paid(menu: &Menu, request: &Request, subtotal: Cents) -> Cents {
    if request.before_tax { subtotal } else { subtotal + tax(menu, request, subtotal) }
}

fn tax(menu: &Menu, request: &Request, subtotal: Cents) -> Cents {
    menu.tax_rate.tax_on(request.in_cart + subtotal) - menu.tax_rate.tax_on(request.in_cart)
}

/// Puts a plan and its reasons together.
pub(super) fn plan(
    menu: &Menu,
    request: &Request,
    found: &Found,
    lines: Vec<PlanLine>,
    alternatives: Vec<Alternative>,
) -> Plan {
    let sum = subtotal(&lines);
    let total = paid(menu, request, sum);
    let cart = paid(menu, &Request { in_cart: Cents::ZERO, ..request.clone() }, request.in_cart);
    let left = request.limit.map(|limit| limit - cart - total);
    Plan {
        why: why(menu, request, found, left),
        next_dollar: next_dollar(menu, request, found, &lines),
        tax: tax(menu, request, sum),
        subtotal: sum,
        total,
        left,
        limit: request.limit,
        feeds: found.feeds,
        lines,
        alternatives,
    }
}

fn why(menu: &Menu, request: &Request, found: &Found, left: Option<Cents>) -> String {
    match (request.objective, left) {
        (Objective::Fill, Some(Cents(0))) => "It uses the sum to the cent; nothing can come nearer.".to_owned(),
        (Objective::Fill, Some(left)) => {
            format!(
                "Every other combination was ruled out: none comes nearer to the sum than {}.",
                menu.currency.show(left)
            )
        }
        (Objective::Cheapest, _) => "Every cheaper combination leaves somebody without what was asked for.".to_owned(),
        (Objective::Feed, _) if found.feeds < request.party => {
            format!("The sum feeds {} of {}; every combination for more costs more.", found.feeds, request.party)
        }
        _ => "No combination within the sum has dishes that our guests like better.".to_owned(),
    }
}

/// What one unit of money more would change, in words.
fn next_dollar(menu: &Menu, request: &Request, found: &Found, now: &[PlanLine]) -> Option<String> {
    let next = lines(menu, &found.field, found.next.as_ref()?);
    let more = paid(menu, request, subtotal(&next)) - paid(menu, request, subtotal(now));
    if more.0 <= 0 {
        return None;
    }
    let new: Vec<String> = next
        .iter()
        .filter_map(|line| {
            let before = now.iter().find(|old| old.name == line.name).map_or(0, |old| old.order.quantity);
            (line.order.quantity > before).then(|| match line.order.quantity - before {
                1 => line.name.clone(),
                count => format!("{count} × {}", line.name),
            })
        })
        .take(3)
        .collect();
    (!new.is_empty())
        .then(|| format!("{} more would allow {} in another combination.", menu.currency.show(more), list_words(&new)))
}

/// Finds the smallest change that would make a request possible.
pub(super) fn impossible(menu: &Menu, request: &Request, limit: usize) -> PlanError {
    let Some(least) = least(menu, request) else { return nothing_fits(menu, request) };
    let with_cart = |subtotal: usize| {
        let whole = request.in_cart + Cents(i64::try_from(subtotal).unwrap_or(i64::MAX / 4));
        if request.before_tax { whole } else { whole + menu.tax_rate.tax_on(whole) }
    };
    let needed = with_cart(least);
    let missing = needed - request.limit.unwrap_or(Cents::ZERO);
    PlanError::TooLittle {
        least: menu.currency.show(needed),
        missing: menu.currency.show(missing),
        instead: cheaper_wish(menu, request, limit).unwrap_or_default(),
    }
}

/// The least subtotal that meets a request, whatever its limit.
fn least(menu: &Menu, request: &Request) -> Option<usize> {
    let same = request.max_same.unwrap_or(MAX_SAME).min(MAX_SAME);
    let field = Field::new(menu, request, false, false, same).ok()?;
    let stages = field.stages.iter().enumerate();
    let costs = stages.map(|(at, stage)| Least::new(&field, at, By::Cost)?.cost(stage.grid.states - 1));
    usize::try_from(costs.sum::<Option<i64>>()?).ok()
}

/// One wish less that would do: a must-have, or one course for each person.
fn cheaper_wish(menu: &Menu, request: &Request, limit: usize) -> Option<String> {
    let fits = |request: &Request| least(menu, request).is_some_and(|least| least <= limit);
    for at in 0..request.must.len() {
        let mut without = request.clone();
        let id = without.must.remove(at).item;
        if fits(&without) {
            return menu.item(&id).map(|item| format!(" (or without {})", item.name));
        }
    }
    let courses = [
        ("dessert", Request { desserts: 0, ..request.clone() }),
        ("a drink", Request { drinks: 0, ..request.clone() }),
        ("a side", Request { sides: 0, ..request.clone() }),
    ];
    for (name, without) in courses {
        if without != *request && fits(&without) {
            return Some(format!(" (or without {name} for each)"));
        }
    }
    None
}

/// Which rule leaves nothing.
fn nothing_fits(menu: &Menu, request: &Request) -> PlanError {
    let same = request.max_same.unwrap_or(MAX_SAME).min(MAX_SAME);
    for diner in &request.diners {
        let alone = Request { party: 1, diners: vec![diner.clone()], must: Vec::new(), ..request.clone() };
        if least(menu, &alone).is_none() {
            let rules: Vec<String> = diner
                .diets
                .iter()
                .cloned()
                .chain(diner.allergens.iter().map(|allergen| format!("no {allergen}")))
                .collect();
            return PlanError::NothingFits(format!("no complete meal is {}", list_words(&rules)));
        }
    }
    if request.courses_not.contains(&Course::Main) {
        return PlanError::NothingFits("each person gets a main, and no mains are wanted".to_owned());
    }
    PlanError::NothingFits(format!("with at most {same} of one thing there is not enough for {} people", request.party))
}
