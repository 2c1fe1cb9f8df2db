//! The field on which a plan is sought: what may be bought, by whom it may be eaten, and how many are needed.

use std::collections::BTreeMap;

use super::{
    reach::Pick,
    request::{AtMost, Diner, PlanError, Request},
};
use crate::menu::{Choice, ChoiceId, Course, GroupId, Item, ItemId, Menu, SizeId};

/// Courses in the order in which they are planned.
pub(super) const COURSES: [Course; 5] = [Course::Main, Course::Side, Course::Drink, Course::Dessert, Course::Extra];

/// More combinations of people than this are not searched.
const MAX_STATES: usize = 4_096;

/// One way to buy an item.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    pub item: ItemId,
    pub popularity: usize,
    pub size: Option<SizeId>,
    pub options: Vec<(GroupId, ChoiceId)>,
    /// In cents, above zero.
    pub price: usize,
    /// A bit for each class of people who may have it.
    pub classes: u32,
}

/// An item that may be bought, or several items of which only so many may be bought together.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub variants: Vec<Variant>,
    /// How many must be bought.
    pub must: u32,
    /// How many may be bought.
    pub most: u32,
    /// Whether it may be added beyond the people's own.
    pub extra: bool,
}

/// One course of the search.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// The best liked first.
    pub candidates: Vec<Candidate>,
    pub grid: Grid,
}

/// How many people of each class are served: a mixed-radix number. State 0 is nobody, the last one everybody.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    demand: Vec<usize>,
    strides: Vec<usize>,
    pub states: usize,
}

impl Grid {
    fn new(demand: Vec<usize>) -> Result<Self, PlanError> {
        let states = demand.iter().try_fold(1_usize, |states, count| states.checked_mul(count + 1));
        match states.filter(|states| *states <= MAX_STATES) {
            Some(_) => Ok(Self::within(demand)),
            None => Err(PlanError::TooComplicated),
        }
    }

    /// A grid of no more combinations than one that [`Grid::new`] accepted.
    pub fn within(demand: Vec<usize>) -> Self {
        let mut states = 1;
        let mut strides = Vec::with_capacity(demand.len());
        for count in &demand {
            strides.push(states);
            states *= count + 1;
        }
        Self { demand, strides, states }
    }

    /// How many people each class has.
    pub fn demand(&self) -> &[usize] {
        &self.demand
    }

    /// The state with one more person of a class served, if one is left.
    pub fn serve(&self, state: usize, class: usize) -> Option<usize> {
        (self.served(state, class) < self.demand[class]).then(|| state + self.strides[class])
    }

    /// The state with one person of a class less.
    pub fn unserve(&self, state: usize, class: usize) -> Option<usize> {
        (self.served(state, class) > 0).then(|| state - self.strides[class])
    }

    /// How many people of a class are served.
    pub fn served(&self, state: usize, class: usize) -> usize {
        state / self.strides[class] % (self.demand[class] + 1)
    }

    /// How many people everybody is.
    pub fn people(&self) -> usize {
        self.demand.iter().sum()
    }

    /// The state in which `counts` of each class are served.
    pub fn state_of(&self, counts: &[usize]) -> usize {
        counts.iter().zip(&self.strides).map(|(count, stride)| count * stride).sum()
    }
}

/// Everything a search needs.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub stages: Vec<Stage>,
    /// How many people each class has.
    pub classes: Vec<usize>,
}

impl Field {
    /// Lays the field out. With `options`, an item may also be bought with one option at a price.
    pub fn new(menu: &Menu, request: &Request, options: bool, extras: bool, max_same: u32) -> Result<Self, PlanError> {
        let classes = classes(request);
        let mut stages = Vec::with_capacity(COURSES.len());
        for course in COURSES {
            let wanted = request.per_person(course) as usize;
            let rules = Rules { options, extras, max_same };
            let candidates = candidates(menu, request, &classes, course, rules)?;
            let demand = classes.iter().map(|(_, count)| count * wanted).collect();
            stages.push(Stage { candidates, grid: Grid::new(demand)? });
        }
        Ok(Self { stages, classes: classes.iter().map(|(_, count)| *count).collect() })
    }

    /// What a selection costs.
    pub fn cost(&self, picks: &[Pick]) -> usize {
        let price = |pick: &Pick| self.stages[pick.stage].candidates[pick.candidate].variants[pick.variant].price;
        picks.iter().map(price).sum()
    }

    /// No selection costs more.
    pub fn dearest(&self) -> usize {
        let candidates = self.stages.iter().flat_map(|stage| &stage.candidates);
        let most = |candidate: &Candidate| {
            let dearest = candidate.variants.iter().map(|variant| variant.price).max().unwrap_or(0);
            dearest.saturating_mul(candidate.most as usize)
        };
        candidates.fold(0, |sum, candidate| sum.saturating_add(most(candidate)))
    }
}

/// The classes of a mask.
pub(super) fn eaters(classes: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |class| classes >> class & 1 == 1)
}

impl Candidate {
    /// Whether the copy with this number may be beyond the people's own. Copies are alike, so those that must be
    /// bought and have no eater are counted first.
    pub const fn may_be_extra(&self, copy: u32) -> bool {
        self.extra || copy <= self.must
    }

    /// How well liked the best of it is.
    pub fn popularity(&self) -> usize {
        self.variants.iter().map(|variant| variant.popularity).max().unwrap_or(0)
    }
}

/// How a field is laid out.
#[derive(Clone, Copy)]
struct Rules {
    /// An item may be bought with one option at a price.
    options: bool,
    /// Things may be added beyond the people's own.
    extras: bool,
    /// The most of one item.
    max_same: u32,
}

/// People who keep to the same things, and how many they are.
fn classes(request: &Request) -> Vec<(Diner, usize)> {
    let mut classes: BTreeMap<Diner, usize> = BTreeMap::new();
    for diner in &request.diners {
        *classes.entry(diner.clone()).or_default() += 1;
    }
    let others = (request.party as usize).saturating_sub(request.diners.len());
    if others > 0 {
        *classes.entry(Diner::default()).or_default() += others;
    }
    classes.into_iter().collect()
}

fn candidates(
    menu: &Menu,
    request: &Request,
    classes: &[(Diner, usize)],
    course: Course,
    rules: Rules,
) -> Result<Vec<Candidate>, PlanError> {
    let extra = rules.extras && (course != Course::Main || request.extra_mains);
    let needed = request.per_person(course) > 0 && !request.courses_not.contains(&course);
    let mut found = Vec::new();
    let mut bounded: Vec<(&AtMost, Vec<Variant>)> = Vec::new();
    for item in menu.items.iter().filter(|item| item.available && item.course == course) {
        let must = request.must.iter().filter(|must| must.item == item.id).map(|must| must.count).sum();
        let barred = request.must_not.contains(&item.id) || request.courses_not.contains(&course);
        let allowed = !barred && (needed || extra);
        if must == 0 && !allowed {
            continue;
        }
        let variants = variants(menu, item, classes, rules.options);
        if variants.is_empty() && must > 0 {
            return Err(PlanError::NothingFits(format!("nobody of the party may have {}", item.name)));
        }
        if variants.is_empty() {
            continue;
        }
        let bound = request.at_most.iter().find(|bound| bound.items.contains(&item.id));
        let most = rules.max_same.max(must);
        match bound {
            None => found.push(Candidate { variants, must, most, extra }),
            Some(bound) if bound.items.len() == 1 => {
                found.push(Candidate { variants, must, most: most.min(bound.most), extra });
            }
            // What must be there is bought by itself; the rest of the bound is shared with the others.
            Some(bound) => {
                if must > 0 {
                    found.push(Candidate { variants: variants.clone(), must, most: must, extra });
                }
                match bounded.iter_mut().find(|(other, _)| std::ptr::eq(*other, bound)) {
                    Some((_, all)) => all.extend(variants),
                    None => bounded.push((bound, variants)),
                }
            }
        }
    }
    for (bound, variants) in bounded {
        let must: u32 =
            request.must.iter().filter(|must| bound.items.contains(&must.item)).map(|must| must.count).sum();
        // A bound on one item beside one on several together is more than the layers below count.
        if request.max_same.is_some_and(|same| same < bound.most) {
            return Err(PlanError::TooComplicated);
        }
        found.push(Candidate { variants, must: 0, most: bound.most.saturating_sub(must), extra });
    }
    found.retain(|candidate| candidate.most > 0);
    found.sort_by_key(|candidate| (candidate.must == 0, std::cmp::Reverse(candidate.popularity())));
    Ok(found)
}

/// The ways to buy an item that differ in price or in who may have it; of equal ones the plainest.
fn variants(menu: &Menu, item: &Item, classes: &[(Diner, usize)], options: bool) -> Vec<Variant> {
    let Some(required) = required(menu, item) else { return Vec::new() };
    let mut ways: Vec<(Option<SizeId>, i64)> =
        item.sizes.iter().map(|size| (Some(size.id.clone()), size.price.0)).collect();
    if ways.is_empty() {
        ways.push((None, item.price.0));
    }
    let mut variants: Vec<Variant> = Vec::new();
    let extra = if options { priced(menu, item, &required) } else { Vec::new() };
    for (size, price) in ways {
        for addition in std::iter::once(None).chain(extra.iter().map(Some)) {
            let chosen: Vec<&(GroupId, &Choice)> = required.iter().chain(addition).collect();
            let price = price + chosen.iter().map(|(_, choice)| choice.price.0).sum::<i64>();
            let eaters = who_may(item, &chosen, classes);
            let Some(price) = usize::try_from(price).ok().filter(|price| *price > 0) else { continue };
            if eaters == 0
                || variants.iter().any(|other| other.price == price && other.classes | eaters == other.classes)
            {
                continue;
            }
            let options = chosen.iter().map(|(group, choice)| (group.clone(), choice.id.clone())).collect();
            variants.push(Variant {
                item: item.id.clone(),
                popularity: usize::from(item.popularity.unwrap_or(0)),
                size: size.clone(),
                options,
                price,
                classes: eaters,
            });
        }
    }
    variants
}

/// The cheapest choices that the item's groups require; `None` where one cannot be met.
fn required<'a>(menu: &'a Menu, item: &Item) -> Option<Vec<(GroupId, &'a Choice)>> {
    let mut required = Vec::new();
    for group in item.option_groups.iter().filter_map(|id| menu.group(id)).filter(|group| group.min > 0) {
        let included = item.includes.iter().filter(|(id, _)| *id == group.id).count();
        let missing = (group.min as usize).saturating_sub(included);
        let mut choices: Vec<&Choice> = group.choices.iter().filter(|choice| choice.available).collect();
        choices.sort_by_key(|choice| choice.price);
        if choices.len() < missing {
            return None;
        }
        required.extend(choices.into_iter().take(missing).map(|choice| (group.id.clone(), choice)));
    }
    Some(required)
}

/// Options at a price that are not on the item already.
fn priced<'a>(menu: &'a Menu, item: &Item, required: &[(GroupId, &'a Choice)]) -> Vec<(GroupId, &'a Choice)> {
    let has = |group: &GroupId, choice: &Choice| {
        item.includes.iter().any(|(in_group, id)| in_group == group && *id == choice.id)
            || required.iter().any(|(in_group, other)| in_group == group && other.id == choice.id)
    };
    let room = |group: &GroupId, max: Option<u32>| {
        let taken = item.includes.iter().filter(|(id, _)| id == group).count()
            + required.iter().filter(|(id, _)| id == group).count();
        max.is_none_or(|max| taken < max as usize)
    };
    item.option_groups
        .iter()
        .filter_map(|id| menu.group(id))
        .filter(|group| room(&group.id, group.max))
        .flat_map(|group| group.choices.iter().map(move |choice| (group.id.clone(), choice)))
        .filter(|(group, choice)| choice.available && choice.price.0 > 0 && !has(group, choice))
        .collect()
}

/// A bit for each class whose people may have the item with these options. What is not known is not for them.
fn who_may(item: &Item, chosen: &[&(GroupId, &Choice)], classes: &[(Diner, usize)]) -> u32 {
    let mut eaters = 0;
    for (at, (diner, _)) in classes.iter().enumerate() {
        let fits = |allergens: &Option<std::collections::BTreeSet<String>>,
                    diets: &Option<std::collections::BTreeSet<String>>| {
            (diner.allergens.is_empty() || allergens.as_ref().is_some_and(|known| known.is_disjoint(&diner.allergens)))
                && (diner.diets.is_empty() || diets.as_ref().is_some_and(|known| diner.diets.is_subset(known)))
        };
        if fits(&item.allergens, &item.diets) && chosen.iter().all(|(_, choice)| fits(&choice.allergens, &choice.diets))
        {
            eaters |= 1 << at;
        }
    }
    eaters
}
