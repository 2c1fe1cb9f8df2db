//! Other meals under the same rules.

use super::{Alternative, PlanLine, Request, explain, find, lines, subtotal};
use crate::{
    menu::{ItemId, Menu},
    order::Pick,
};

/// Different enough to be called another meal: no more than this share of its money is the same.
const SAME_SHARE_MOST: f64 = 0.5;
const ALTERNATIVES: usize = 3;
/// Meals that are looked at for them.
const TRIES: usize = 6;

/// Clearly different meals: each does without what the larger part of the money of those before goes to.
pub(super) fn of(menu: &Menu, request: &Request, limit: Option<usize>, first: &[PlanLine]) -> Vec<Alternative> {
    let mut found: Vec<Alternative> = Vec::new();
    let mut without = request.clone();
    let mut last = first.to_vec();
    for _ in 0..TRIES {
        let dearest = dearest(request, &last);
        let mut barred = without.clone();
        barred.must_not.extend(dearest.iter().cloned());
        let mut next = find(menu, &barred, limit).ok();
        if next.is_none() {
            // The rules need one of them: each is left out by itself where they allow it.
            barred = without.clone();
            for item in &dearest {
                barred.must_not.insert(item.clone());
                match find(menu, &barred, limit) {
                    Ok(found) => next = Some(found),
                    Err(_) => drop(barred.must_not.remove(item)),
                }
            }
        }
        let Some(next) = next else { break };
        let lines = lines(menu, &next.field, &next.picks);
        without = barred;
        // A meal that is too like those before makes no alternative, but the next one does without it too.
        let mut others = std::iter::once(first).chain(found.iter().map(|other| other.lines.as_slice()));
        if others.all(|other| share(other, &lines) <= SAME_SHARE_MOST) {
            let total = explain::paid(menu, request, subtotal(&lines));
            found.push(Alternative { lines: lines.clone(), total });
            if found.len() == ALTERNATIVES {
                break;
            }
        }
        if dearest.is_empty() {
            break;
        }
        last = lines;
    }
    found
}

/// The dearest things of a meal that need not be in it, until they are more than half of its money.
fn dearest(request: &Request, meal: &[PlanLine]) -> Vec<ItemId> {
    let must = |id: &ItemId| request.must.iter().any(|must| must.item == *id);
    let mut lines: Vec<(&ItemId, i64)> = meal
        .iter()
        .filter_map(|line| match &line.order.item {
            Pick::One(id) if !must(id) => Some((id, line.price.0)),
            _ => None,
        })
        .collect();
    lines.sort_by_key(|(_, price)| std::cmp::Reverse(*price));
    let whole = subtotal(meal).0;
    let mut sum = 0;
    let some = lines.into_iter().take_while(|(_, price)| {
        let more = sum * 2 <= whole;
        sum += price;
        more
    });
    some.map(|(id, _)| id.clone()).collect()
}

/// Which share of the money of two meals goes to the same things.
fn share(one: &[PlanLine], other: &[PlanLine]) -> f64 {
    // An item may stand in several lines, in other sizes.
    let of = |meal: &[PlanLine], item: &Pick<ItemId>| -> i64 {
        meal.iter().filter(|line| line.order.item == *item).map(|line| line.price.0).sum()
    };
    let firsts =
        one.iter().enumerate().filter(|(at, line)| one[..*at].iter().all(|other| other.order.item != line.order.item));
    let same: i64 = firsts.map(|(_, line)| of(one, &line.order.item).min(of(other, &line.order.item))).sum();
    let whole = subtotal(one).max(subtotal(other)).0.max(1);
    same as f64 / whole as f64
}
