//! The budget planner: an exact optimiser over the menu, in integer cents.
//!
//! The model never does sums. [`plan`] takes a [`Request`] (a sum, a party, diets and allergens as hard rules,
//! must-haves, things in the cart) and finds the best meal there is, or the smallest change that would make one
//! possible. Method and proof of optimality stand in `fill.rs` and `reach.rs` (totals, as bit sets) and in `least.rs`
//! (least cost).
//!
//! What is planned: each person gets one main that they may eat, and the sides, drinks and desserts asked for. Filling a
//! sum may add things beside that, each of which somebody of the party may eat. No item is bought more than
//! `max_same` times; where the guest names no number, variety goes first: the plan with the fewest repetitions that
//! reaches the best total is taken.

mod alternatives;
mod explain;
mod field;
mod fill;
mod large;
mod least;
mod modest;
mod phases;
mod reach;
mod request;
pub mod wish;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    menu::{Course, Menu},
    money::{Cents, TaxRate},
    order::{ChoicePick, OptionPick, OrderLine, Pick as ItemPick},
};
use field::Field;
use least::{By, Least};
use reach::Pick;

pub use large::large;
pub use request::{AtMost, Diner, MAX_LIMIT, MAX_PARTY, MAX_SAME, Must, Objective, PlanError, Request};

/// A meal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What to order, in the menu's order.
    pub lines: Vec<PlanLine>,
    /// What it costs before tax.
    pub subtotal: Cents,
    /// The tax on it, beside what the cart holds.
    pub tax: Cents,
    /// What is to be paid for it.
    pub total: Cents,
    /// What remains of the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Cents>,
    /// The limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Cents>,
    /// How many people it feeds.
    pub feeds: u32,
    /// Why nothing better exists.
    pub why: String,
    /// What the next unit of money would buy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_dollar: Option<String>,
    /// Clearly different meals that keep to the same rules; at most three.
    pub alternatives: Vec<Alternative>,
}

/// A line of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanLine {
    /// What to order.
    #[serde(flatten)]
    pub order: OrderLine,
    /// The item's name, with size and options.
    pub name: String,
    /// Price of one.
    pub unit_price: Cents,
    /// Price of the line.
    pub price: Cents,
}

/// Another meal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alternative {
    /// What to order.
    pub lines: Vec<PlanLine>,
    /// What is to be paid for it.
    pub total: Cents,
}

/// The best meal for a request. Of those that fill a sum equally well, one with no more sides, drinks and desserts than
/// there are people.
///
/// # Errors
/// What keeps it from being possible, and the smallest change that would help.
pub fn plan(menu: &Menu, request: &Request) -> Result<Plan, PlanError> {
    request.check(menu)?;
    let limit = request.limit.map(|limit| subtotal_within(request, menu.tax_rate, limit));
    let best = find(menu, request, limit)?;
    let lines = lines(menu, &best.field, &best.picks);
    let modest = modest::of(menu, request, limit, &lines);
    let (alike, shown) = modest.as_ref().map_or((request, &lines), |(request, lines)| (request, lines));
    let alternatives = alternatives::of(menu, alike, limit, shown);
    let plan = explain::plan(menu, request, &best, lines, alternatives);
    Ok(match modest {
        Some((_, lines)) => Plan { lines, ..plan },
        None => plan,
    })
}

/// The best selection within a subtotal.
fn find(menu: &Menu, request: &Request, limit: Option<usize>) -> Result<Found, PlanError> {
    match request.objective {
        Objective::Fill => fill::fill(menu, request, limit.unwrap_or(0)),
        Objective::Cheapest => least_cost(menu, request, limit, false),
        Objective::Best => least_cost(menu, request, limit, true),
        Objective::Feed => feed(menu, request, limit.unwrap_or(0)),
    }
}

/// What a search found.
struct Found {
    field: Field,
    picks: Vec<Pick>,
    feeds: u32,
    /// What one unit of money more would buy, where that was searched along.
    next: Option<Vec<Pick>>,
}

/// The highest subtotal in cents, beside the cart's, that stays within a limit.
fn subtotal_within(request: &Request, rate: TaxRate, limit: Cents) -> usize {
    let paid = |subtotal: i64| {
        let subtotal = Cents(subtotal) + request.in_cart;
        if request.before_tax { subtotal } else { subtotal + rate.tax_on(subtotal) }
    };
    // Tax never falls as the subtotal rises, so the highest one is found by halving.
    let (mut low, mut high) = (-1_i64, limit.0);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if paid(middle) <= limit { low = middle } else { high = middle - 1 }
    }
    usize::try_from(low).unwrap_or(0)
}

/// The cheapest plan, or the best liked one within a subtotal.
fn least_cost(menu: &Menu, request: &Request, limit: Option<usize>, liked: bool) -> Result<Found, PlanError> {
    let same = request.max_same.unwrap_or(MAX_SAME).min(MAX_SAME);
    let field = Field::new(menu, request, false, false, same)?;
    let everybody: Vec<usize> = field.stages.iter().map(|stage| stage.grid.states - 1).collect();
    match served(&field, &everybody, limit, liked) {
        Ok(picks) => Ok(Found { field, picks, feeds: request.party, next: None }),
        Err(why) => Err(why.told(menu, request, limit.unwrap_or(0))),
    }
}

/// The plan for the people of the given states: the cheapest, or the best liked within a limit and of those the
/// cheapest.
fn served(field: &Field, states: &[usize], limit: Option<usize>, liked: bool) -> Result<Vec<Pick>, NotFound> {
    let by = if liked { By::LikedThenCost } else { By::Cost };
    let stages = searched(field, by)?;
    let picks: Vec<Pick> = stages.iter().zip(states).flat_map(|(stage, state)| stage.selection(*state, 0)).collect();
    let within = |cost: usize| limit.is_none_or(|limit| cost <= limit);
    if stages.iter().zip(states).any(|(stage, state)| stage.cost(*state).is_none()) {
        return Err(NotFound::Impossible);
    }
    // Without regard to the limit nothing is better; where it keeps to the limit, nothing within it is.
    if within(field.cost(&picks)) {
        return Ok(picks);
    }
    if !liked {
        return Err(NotFound::Impossible);
    }
    let stages = searched(field, By::CostOfEachLiked)?;
    // Courses are independent: sums of popularity add up, and so do costs.
    let mut merged: Vec<(usize, usize, Vec<usize>)> = vec![(0, 0, Vec::new())];
    for (stage, state) in stages.iter().zip(states) {
        let mut next: BTreeMap<usize, (usize, Vec<usize>)> = BTreeMap::new();
        for (sum, cost, path) in &merged {
            for (liked, more) in stage.costs(*state) {
                let total = cost + usize::try_from(more).unwrap_or(usize::MAX / 2);
                let known = next.get(&(sum + liked)).map(|(cost, _)| *cost);
                if within(total) && known.is_none_or(|known| total < known) {
                    next.insert(sum + liked, (total, [path.as_slice(), &[liked]].concat()));
                }
            }
        }
        // A plan that is less liked and costs no less than another is never needed.
        merged.clear();
        let mut cheapest = usize::MAX;
        for (sum, (cost, path)) in next.into_iter().rev() {
            if cost < cheapest {
                cheapest = cost;
                merged.push((sum, cost, path));
            }
        }
    }
    let best = merged.into_iter().max_by_key(|(sum, cost, _)| (*sum, std::cmp::Reverse(*cost)));
    let (_, _, path) = best.ok_or(NotFound::Impossible)?;
    let each = stages.iter().zip(states).zip(path);
    Ok(each.flat_map(|((stage, state), liked)| stage.selection(*state, liked)).collect())
}

/// Why a search gives nothing.
enum NotFound {
    /// There is nothing.
    Impossible,
    /// It would take more memory than one search may.
    TooLarge,
}

fn searched(field: &Field, by: By) -> Result<Vec<Least<'_>>, NotFound> {
    let all = (0..field.stages.len()).map(|at| Least::new(field, at, by));
    all.collect::<Option<Vec<_>>>().ok_or(NotFound::TooLarge)
}

/// Feeds as many people as the subtotal allows, everything that was asked for each; then as well liked as it allows.
fn feed(menu: &Menu, request: &Request, limit: usize) -> Result<Found, PlanError> {
    let same = request.max_same.unwrap_or(MAX_SAME).min(MAX_SAME);
    let field = Field::new(menu, request, false, false, same)?;
    let found = feed_most(&field, request, limit).and_then(|(feeds, states)| {
        let picks = served(&field, &states, Some(limit), true)?;
        Ok((feeds, picks))
    });
    match found {
        Ok((feeds, picks)) => Ok(Found { field, picks, feeds, next: None }),
        Err(why) => Err(why.told(menu, request, limit)),
    }
}

/// The most people that can be fed, and of what classes they are: of those as many, the cheapest.
fn feed_most(field: &Field, request: &Request, limit: usize) -> Result<(u32, Vec<usize>), NotFound> {
    let stages = searched(field, By::Cost)?;
    let mut best: Option<(u32, i64, Vec<usize>)> = None;
    for counts in subsets(&field.classes) {
        let states = states(request, field, &counts);
        let costs: Option<Vec<i64>> = stages.iter().zip(&states).map(|(stage, state)| stage.cost(*state)).collect();
        let Some(cost) = costs.map(|costs| costs.iter().sum::<i64>()).filter(|cost| *cost <= limit as i64) else {
            continue;
        };
        let fed = counts.iter().sum::<usize>() as u32;
        if best.as_ref().is_none_or(|(most, least, _)| fed > *most || (fed == *most && cost < *least)) {
            best = Some((fed, cost, states));
        }
    }
    let fed = best.filter(|(feeds, _, _)| *feeds > 0).map(|(feeds, _, states)| (feeds, states));
    fed.ok_or(NotFound::Impossible)
}

impl NotFound {
    /// In words for the guest.
    fn told(self, menu: &Menu, request: &Request, limit: usize) -> PlanError {
        match self {
            Self::Impossible => explain::impossible(menu, request, limit),
            Self::TooLarge => PlanError::TooComplicated,
        }
    }
}

fn states(request: &Request, field: &Field, counts: &[usize]) -> Vec<usize> {
    let each =
        |course: Course| counts.iter().map(|count| count * request.per_person(course) as usize).collect::<Vec<_>>();
    field.stages.iter().zip(field::COURSES).map(|(stage, course)| stage.grid.state_of(&each(course))).collect()
}

/// All numbers of people of each class, from nobody to everybody.
fn subsets(classes: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for most in classes {
        all = all
            .into_iter()
            .flat_map(|counts| (0..=*most).map(move |count| [counts.as_slice(), &[count]].concat()))
            .collect();
    }
    all
}

/// Lines from what was bought, equal things together.
fn lines(menu: &Menu, field: &Field, picks: &[Pick]) -> Vec<PlanLine> {
    let mut counted: Vec<(Pick, u32)> = Vec::new();
    for pick in picks {
        match counted.iter_mut().find(|(other, _)| other == pick) {
            Some((_, count)) => *count += 1,
            None => counted.push((*pick, 1)),
        }
    }
    counted.sort_by_key(|(pick, _)| (pick.stage, pick.candidate, pick.variant));
    let mut lines: Vec<PlanLine> = Vec::with_capacity(counted.len());
    for line in counted.into_iter().filter_map(|(pick, count)| line(menu, field, pick, count)) {
        // What must be there and what was chosen beside it may be the same thing.
        match lines.iter_mut().find(|other| other.name == line.name && other.order.item == line.order.item) {
            Some(other) => {
                other.order.quantity += line.order.quantity;
                other.price = other.price + line.price;
            }
            None => lines.push(line),
        }
    }
    lines
}

fn line(menu: &Menu, field: &Field, pick: Pick, quantity: u32) -> Option<PlanLine> {
    let candidate = &field.stages[pick.stage].candidates[pick.candidate];
    let variant = &candidate.variants[pick.variant];
    let item = menu.item(&variant.item)?;
    let size = variant.size.as_ref().and_then(|id| item.size(id));
    let choices = variant.options.iter().filter_map(|(group, choice)| menu.choice(group, choice));
    let details: Vec<String> = size
        .map(|size| size.name.to_lowercase())
        .into_iter()
        .chain(choices.map(|choice| choice.name.to_lowercase()))
        .collect();
    let name = if details.is_empty() { item.name.clone() } else { format!("{} ({})", item.name, details.join(", ")) };
    let unit_price = Cents(i64::try_from(variant.price).ok()?);
    let options = variant.options.iter().map(|(group, choice)| OptionPick {
        group: group.clone(),
        choice: ChoicePick::One(choice.clone()),
        amount: None,
        count: None,
    });
    Some(PlanLine {
        order: OrderLine {
            item: ItemPick::One(variant.item.clone()),
            quantity,
            size: variant.size.clone(),
            options: options.collect(),
            without: Vec::new(),
        },
        name,
        unit_price,
        price: unit_price * quantity,
    })
}

fn subtotal(lines: &[PlanLine]) -> Cents {
    lines.iter().map(|line| line.price).sum()
}

#[cfg(test)]
mod tests;
