//! Meals that people would put together themselves: not three drinks for one.

use std::collections::BTreeSet;

use super::{AtMost, Objective, PlanLine, Request, find, lines, subtotal};
use crate::menu::{Course, ItemId, Menu};

/// Lines that fill the sum as well with no more sides, drinks and desserts than there are people, and the request that
/// they answer; none where the lines found hold no more anyway, or where there are none such.
pub(super) fn of(
    menu: &Menu,
    request: &Request,
    limit: Option<usize>,
    found: &[PlanLine],
) -> Option<(Request, Vec<PlanLine>)> {
    let modest = bounded(menu, request, found)?;
    modest.check(menu).ok()?;
    let other = find(menu, &modest, limit).ok()?;
    let lines = lines(menu, &other.field, &other.picks);
    (subtotal(&lines) == subtotal(found)).then_some((modest, lines))
}

/// The request with no more sides, drinks and desserts than there are people, or than were asked for; none where
/// the lines found hold no more of them anyway.
fn bounded(menu: &Menu, request: &Request, found: &[PlanLine]) -> Option<Request> {
    if request.objective != Objective::Fill {
        return None;
    }
    let mut modest = request.clone();
    let mut exceeds = false;
    for (course, each) in
        [(Course::Side, request.sides), (Course::Drink, request.drinks), (Course::Dessert, request.desserts)]
    {
        // An item stands in one bound only; the guest's own go first.
        let bounded = |id: &ItemId| request.at_most.iter().any(|bound| bound.items.contains(id));
        let of_course = menu.items.iter().filter(|item| item.course == course && !bounded(&item.id));
        let items: BTreeSet<ItemId> = of_course.map(|item| item.id.clone()).collect();
        let wanted: u32 = request.must.iter().filter(|must| items.contains(&must.item)).map(|must| must.count).sum();
        let most = (request.party * each.max(1)).max(wanted);
        let planned = found.iter().filter(|line| line.order.item.one().is_some_and(|item| items.contains(item)));
        exceeds |= planned.map(|line| line.order.quantity).sum::<u32>() > most;
        if !items.is_empty() {
            modest.at_most.push(AtMost { items, most });
        }
    }
    exceeds.then_some(modest)
}
