//! The plan that comes nearest to a sum.
//!
//! What is sought is the highest total of all selections that keep to the rules. [`Reach`] finds it by going through
//! all of them. Before that, two short cuts are tried, which lay the people's own dishes down and look only at what
//! may be added beside. They find some selections only, so what they find counts only where it reaches [`ceiling`],
//! above which no selection can come: then nothing better exists, whatever was not looked at. In all other cases the
//! whole search decides.

use std::collections::BTreeSet;

use super::{
    Found, PlanError, Request, explain,
    field::{Candidate, Field, Grid, Stage, eaters},
    reach::{Pick, Reach},
    request::MAX_SAME,
};
use crate::menu::Menu;

/// What the next unit of money would buy is searched along: a hundred cents.
const NEXT: usize = 100;

/// First with each thing once, then with more of the same and with options at a price, as long as that comes nearer.
///
/// # Errors
/// What keeps a plan from being possible.
pub(super) fn fill(menu: &Menu, request: &Request, limit: usize) -> Result<Found, PlanError> {
    let most = request.max_same.unwrap_or(MAX_SAME).min(MAX_SAME);
    let ceiling = ceiling(menu, limit);
    let mut best: Option<(usize, Found)> = None;
    let mut whole = true;
    let repetitions: BTreeSet<u32> = [1, 2, 4, most].into_iter().filter(|same| *same <= most).collect();
    let ways = repetitions.iter().map(|same| (*same, false)).chain(repetitions.last().map(|same| (*same, true)));
    for (same, options) in ways {
        let field = Field::new(menu, request, options, true, same)?;
        let found = match short_cut(&field, limit, ceiling) {
            Some(found) => Some((ceiling, found)),
            None => {
                let reach = Reach::new(&field, limit + NEXT);
                whole = reach.is_some();
                reach.and_then(|reach| {
                    let total = reach.best(limit).filter(|total| best.as_ref().is_none_or(|(most, _)| total > most))?;
                    let next = reach.best(limit + NEXT).filter(|next| *next > total);
                    Some((total, (reach.selection(total), next.map(|next| reach.selection(next)))))
                })
            }
        };
        if let Some((total, (picks, next))) = found {
            best = Some((total, Found { field, picks, feeds: request.party, next }));
            if total == ceiling {
                break;
            }
        }
    }
    match best {
        Some((total, found)) if whole || total == ceiling => Ok(found),
        // Of the last and largest search nothing is known, so nothing is claimed.
        _ if !whole => Err(PlanError::TooComplicated),
        _ => Err(explain::impossible(menu, request, limit)),
    }
}

/// No total within the limit is above it: each is a sum of prices, so whatever divides all prices divides the total.
fn ceiling(menu: &Menu, limit: usize) -> usize {
    let items =
        menu.items.iter().flat_map(|item| std::iter::once(item.price).chain(item.sizes.iter().map(|size| size.price)));
    let choices = menu.option_groups.iter().flat_map(|group| &group.choices).map(|choice| choice.price);
    let divisor = items.chain(choices).fold(0, |divisor, price| divisor_of(divisor, price.0.unsigned_abs() as usize));
    if divisor == 0 { limit } else { limit - limit % divisor }
}

const fn divisor_of(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor_of(b, a % b) }
}

/// What is bought, and what one unit of money more would buy.
type Bought = (Vec<Pick>, Option<Vec<Pick>>);

/// A selection whose total is the ceiling, if laying down the best liked or the cheapest dishes leads to one.
fn short_cut(field: &Field, limit: usize, ceiling: usize) -> Option<Bought> {
    [false, true].into_iter().find_map(|cheap| {
        let (own, rest) = own(field, cheap)?;
        let cost = field.cost(&own);
        let left = ceiling.checked_sub(cost)?;
        let reach = Reach::new(&rest, limit + NEXT - cost)?;
        if reach.best(left) != Some(left) {
            return None;
        }
        let whole = |total: usize| [own.as_slice(), &reach.selection(total)].concat();
        let next = reach.best(limit + NEXT - cost).filter(|next| *next > left);
        Some((whole(left), next.map(whole)))
    })
}

/// Dishes for everybody, what must be there among them, and the field that is left for additions. Those of whom the
/// fewest dishes are fit for choose first. None where that does not serve everybody.
fn own(field: &Field, cheap: bool) -> Option<(Vec<Pick>, Field)> {
    let mut picks = Vec::new();
    let mut rest = field.clone();
    for (at, stage) in field.stages.iter().enumerate() {
        let mut left = stage.grid.demand().to_vec();
        let mut used = vec![0_u32; stage.candidates.len()];
        let order = strictest(stage);
        for (candidate, entry) in stage.candidates.iter().enumerate().filter(|(_, entry)| entry.must > 0) {
            let variant = (0..entry.variants.len()).min_by_key(|variant| entry.variants[*variant].price)?;
            for _ in 0..entry.must {
                picks.push(Pick { stage: at, candidate, variant });
                let eater =
                    order.iter().find(|class| left[**class] > 0 && entry.variants[variant].classes >> **class & 1 == 1);
                if let Some(class) = eater {
                    left[*class] -= 1;
                }
            }
            used[candidate] = entry.must;
        }
        for class in order {
            for _ in 0..left[class] {
                let (candidate, variant) = choose(stage, class, &used, cheap)?;
                used[candidate] += 1;
                picks.push(Pick { stage: at, candidate, variant });
            }
        }
        let free = &mut rest.stages[at];
        free.grid = Grid::within(Vec::new());
        for (candidate, used) in free.candidates.iter_mut().zip(used) {
            candidate.must = 0;
            candidate.most = if candidate.extra { candidate.most - used } else { 0 };
            // Whoever of the party eats it: that somebody may is all that counts beside the people's own.
            candidate.variants.iter_mut().for_each(|variant| variant.classes = 0);
        }
    }
    Some((picks, rest))
}

/// The classes of people, those with the fewest fitting dishes first.
fn strictest(stage: &Stage) -> Vec<usize> {
    let fits = |candidate: &&Candidate, class: usize| {
        candidate.variants.iter().any(|variant| eaters(variant.classes).any(|of| of == class))
    };
    let mut order: Vec<usize> = (0..stage.grid.demand().len()).collect();
    order.sort_by_cached_key(|class| stage.candidates.iter().filter(|candidate| fits(candidate, *class)).count());
    order
}

/// The next dish for somebody: what was taken least often, and of that the best liked or the cheapest.
fn choose(stage: &Stage, class: usize, used: &[u32], cheap: bool) -> Option<(usize, usize)> {
    let fitting = stage.candidates.iter().enumerate().filter_map(|(candidate, entry)| {
        let variants = entry.variants.iter().enumerate().filter(|(_, variant)| variant.classes >> class & 1 == 1);
        let (variant, price) = variants.map(|(at, variant)| (at, variant.price)).min_by_key(|(_, price)| *price)?;
        (used[candidate] < entry.most).then_some((candidate, variant, price))
    });
    let key = |(candidate, _, price): &(usize, usize, usize)| {
        if cheap { (*price, used[*candidate]) } else { (used[*candidate] as usize, *candidate as u32) }
    };
    fitting.min_by_key(key).map(|(candidate, variant, _)| (candidate, variant))
}
