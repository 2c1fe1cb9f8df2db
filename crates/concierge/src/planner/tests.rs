#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
//! The planner against brute force: every selection of a small menu is tried.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    field::{Candidate, Stage},
    least::{By, Least},
    reach::Reach,
    *,
};
use crate::menu::{Course, Item};

/// A small random number generator (SplitMix64), so that a failing seed can be tried again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

fn random_menu(dice: &mut Dice) -> Menu {
    let courses = ["main", "main", "side", "drink", "dessert", "extra"];
    let items: Vec<String> = (0..2 + dice.roll(4))
        .map(|n| {
            let course = courses[dice.roll(6) as usize];
            let price = 1 + dice.roll(12);
            let sizes = if dice.one_in(4) { format!(r#","sizes":[{{"id":"s","price":0.{price:02}}},{{"id":"l","price":0.{}}}]"#, 10 + dice.roll(20)) } else { String::new() };
            let allergens = match dice.roll(4) {
                0 => String::new(),
                1 => r#","allergens":["milk"]"#.to_owned(),
                _ => r#","allergens":[]"#.to_owned(),
            };
            let diets = if dice.one_in(2) { r#","diets":["vegan"]"# } else { r#","diets":[]"# };
            let groups = if dice.one_in(4) { r#","option_groups":["g"]"# } else { "" };
            format!(
                r#"{{"id":"i{n}","name":"I{n}","course":"{course}","price":0.{price:02}{sizes}{allergens}{diets}{groups},"popularity":{}}}"#,
                dice.roll(5)
            )
        })
        .collect();
    let tax = ["0", "0.0925", "0.25"][dice.roll(3) as usize];
    let allergens = if dice.one_in(2) { r#"["milk"]"# } else { "[]" };
    let diets = if dice.one_in(2) { r#"["vegan"]"# } else { "[]" };
    let choice =
        format!(r#"{{"id":"c","name":"C","price":0.0{},"allergens":{allergens},"diets":{diets}}}"#, dice.roll(4));
    let group = format!(r#"{{"id":"g","name":"G","max":1,"choices":[{choice}]}}"#);
    let text = format!(r#"{{"name":"T","tax_rate":"{tax}","items":[{}],"option_groups":[{group}]}}"#, items.join(","));
    Menu::from_json(&text).unwrap()
}

fn random_request(dice: &mut Dice, menu: &Menu) -> Request {
    let party = 1 + dice.roll(3) as u32;
    let diners = (0..dice.roll(u64::from(party) + 1))
        .map(|_| Diner {
            diets: if dice.one_in(2) { BTreeSet::from(["vegan".to_owned()]) } else { BTreeSet::new() },
            allergens: if dice.one_in(2) { BTreeSet::from(["milk".to_owned()]) } else { BTreeSet::new() },
        })
        .collect();
    let item = |dice: &mut Dice| menu.items[dice.roll(menu.items.len() as u64) as usize].id.clone();
    Request {
        limit: Some(Cents(1 + dice.roll(140) as i64)),
        before_tax: dice.one_in(2),
        party,
        diners,
        sides: u32::from(dice.one_in(4)),
        drinks: u32::from(dice.one_in(4)),
        desserts: 0,
        must: if dice.one_in(4) { vec![Must { item: item(dice), count: 1 + dice.roll(2) as u32 }] } else { Vec::new() },
        must_not: if dice.one_in(4) { BTreeSet::from([item(dice)]) } else { BTreeSet::new() },
        courses_not: if dice.one_in(6) { BTreeSet::from([Course::Dessert]) } else { BTreeSet::new() },
        in_cart: Cents(if dice.one_in(4) { dice.roll(20) as i64 } else { 0 }),
        max_same: Some(1 + dice.roll(2) as u32),
        at_most: random_bound(dice, menu),
        extra_mains: dice.one_in(2),
        objective: [Objective::Fill, Objective::Cheapest, Objective::Best, Objective::Feed][dice.roll(4) as usize],
    }
}

/// At times a bound on two items of one course together.
fn random_bound(dice: &mut Dice, menu: &Menu) -> Vec<AtMost> {
    if !dice.one_in(3) {
        return Vec::new();
    }
    let course = menu.items[dice.roll(menu.items.len() as u64) as usize].course;
    let items = menu.items.iter().filter(|item| item.course == course).take(2).map(|item| item.id.clone());
    vec![AtMost { items: items.collect(), most: dice.roll(3) as u32 }]
}

static NONE: BTreeSet<String> = BTreeSet::new();

/// What brute force compares by: higher is better.
type Score = (i64, i64);

/// Tries every selection and every way to share it out.
struct Brute<'a> {
    menu: &'a Menu,
    request: &'a Request,
    best: Option<Score>,
    /// How many of each item are bought on the path under way.
    bought: Vec<u32>,
}

impl Brute<'_> {
    fn classes(&self) -> Vec<(Diner, usize)> {
        let mut classes: Vec<(Diner, usize)> = Vec::new();
        let others = self.request.party as usize - self.request.diners.len();
        for diner in self.request.diners.iter().cloned().chain(std::iter::repeat_n(Diner::default(), others)) {
            match classes.iter_mut().find(|(other, _)| *other == diner) {
                Some((_, count)) => *count += 1,
                None => classes.push((diner, 1)),
            }
        }
        classes
    }

    fn run(mut self) -> Option<Score> {
        // Feeding counts any part of the party; all else wants everybody.
        let classes = self.classes();
        let parts = if self.request.objective == Objective::Feed {
            subsets(&classes.iter().map(|(_, count)| *count).collect::<Vec<_>>())
        } else {
            vec![classes.iter().map(|(_, count)| *count).collect()]
        };
        for counts in parts.into_iter().filter(|counts| counts.iter().sum::<usize>() > 0) {
            let needs: Vec<(Course, usize, usize)> = field::COURSES
                .iter()
                .flat_map(|course| counts.iter().enumerate().map(move |(class, count)| (*course, class, *count)))
                .map(|(course, class, count)| (course, class, count * self.request.per_person(course) as usize))
                .collect();
            let fed = counts.iter().sum();
            self.buy(0, &classes, needs, (0, 0), fed);
        }
        self.best
    }

    fn buy(
        &mut self,
        at: usize,
        classes: &[(Diner, usize)],
        needs: Vec<(Course, usize, usize)>,
        sum: (i64, i64),
        fed: usize,
    ) {
        if at == self.menu.items.len() {
            if needs.iter().all(|(_, _, left)| *left == 0) {
                self.consider(sum, fed);
            }
            return;
        }
        let item = &self.menu.items[at];
        let must: u32 = self.request.must.iter().filter(|must| must.item == item.id).map(|must| must.count).sum();
        let barred = self.request.must_not.contains(&item.id) || self.request.courses_not.contains(&item.course);
        let most = if must > 0 {
            must.max(self.request.max_same.unwrap())
        } else if barred {
            0
        } else {
            self.request.max_same.unwrap()
        };
        self.copies(at, classes, needs, sum, fed, (must, most, 0, 0));
    }

    fn copies(
        &mut self,
        at: usize,
        classes: &[(Diner, usize)],
        needs: Vec<(Course, usize, usize)>,
        sum: (i64, i64),
        fed: usize,
        (must, most, taken, beside): (u32, u32, u32, u32),
    ) {
        if taken >= must {
            self.buy(at + 1, classes, needs.clone(), sum, fed);
        }
        let bounded = self.request.at_most.iter().any(|bound| {
            let bought = self.menu.items.iter().zip(&self.bought);
            let held: u32 = bought.filter(|(item, _)| bound.items.contains(&item.id)).map(|(_, count)| count).sum();
            bound.items.contains(&self.menu.items[at].id) && held >= bound.most
        });
        if taken == most || bounded {
            return;
        }
        self.bought[at] += 1;
        self.copies_more(at, classes, &needs, sum, fed, (must, most, taken, beside));
        self.bought[at] -= 1;
    }

    fn copies_more(
        &mut self,
        at: usize,
        classes: &[(Diner, usize)],
        needs: &[(Course, usize, usize)],
        sum: (i64, i64),
        fed: usize,
        (must, most, taken, beside): (u32, u32, u32, u32),
    ) {
        let item = &self.menu.items[at];
        let prices: Vec<i64> = if item.sizes.is_empty() {
            vec![item.price.0]
        } else {
            item.sizes.iter().map(|size| size.price.0).collect()
        };
        // Plain, or with one option at a price.
        let choices = item.option_groups.iter().filter_map(|id| self.menu.group(id)).flat_map(|group| &group.choices);
        let choices: Vec<_> = choices.filter(|choice| choice.price.0 > 0).map(Some).collect();
        for (price, choice) in
            prices.iter().flat_map(|price| std::iter::once(&None).chain(&choices).map(move |choice| (*price, *choice)))
        {
            let price = price + choice.map_or(0, |choice| choice.price.0);
            let allergens = [item.allergens.as_ref(), choice.map_or(Some(&NONE), |choice| choice.allergens.as_ref())];
            let diets: Vec<_> =
                std::iter::once(item.diets.as_ref()).chain(choice.map(|choice| choice.diets.as_ref())).collect();
            let may = |diner: &Diner| {
                (diner.allergens.is_empty()
                    || allergens.iter().all(|known| known.is_some_and(|known| known.is_disjoint(&diner.allergens))))
                    && (diner.diets.is_empty()
                        || diets.iter().all(|known| known.is_some_and(|known| diner.diets.is_subset(known))))
            };
            let sum = (sum.0 + price, sum.1 + i64::from(item.popularity.unwrap_or(0)));
            // Popularity counts what people eat, and what must be bought besides.
            if classes.iter().any(|(diner, _)| may(diner))
                && (self.request.objective == Objective::Fill
                    && (item.course != Course::Main || self.request.extra_mains)
                    || beside < must)
            {
                self.copies(at, classes, needs.to_vec(), sum, fed, (must, most, taken + 1, beside + 1));
            }
            for (class, (diner, _)) in classes.iter().enumerate() {
                let slot =
                    needs.iter().position(|(course, of, left)| *course == item.course && *of == class && *left > 0);
                if let Some(slot) = slot.filter(|_| may(diner)) {
                    let mut needs = needs.to_vec();
                    needs[slot].2 -= 1;
                    self.copies(at, classes, needs, sum, fed, (must, most, taken + 1, beside));
                }
            }
        }
    }

    fn consider(&mut self, (cost, liked): (i64, i64), fed: usize) {
        let limit = self.request.limit.unwrap();
        let whole = self.request.in_cart + Cents(cost);
        let paid = if self.request.before_tax { whole } else { whole + self.menu.tax_rate.tax_on(whole) };
        if paid > limit {
            return;
        }
        let score = match self.request.objective {
            Objective::Fill => (cost, 0),
            Objective::Cheapest => (-cost, 0),
            Objective::Best => (liked, -cost),
            Objective::Feed => (fed as i64, 0),
        };
        self.best = self.best.max(Some(score));
    }
}

fn score(menu: &Menu, request: &Request, plan: &Plan) -> Score {
    let liked = plan
        .lines
        .iter()
        .map(|line| {
            i64::from(menu.item(line.order.item.one().unwrap()).unwrap().popularity.unwrap_or(0))
                * i64::from(line.order.quantity)
        })
        .sum();
    match request.objective {
        Objective::Fill => (plan.subtotal.0, 0),
        Objective::Cheapest => (-plan.subtotal.0, 0),
        Objective::Best => (liked, -plan.subtotal.0),
        Objective::Feed => (i64::from(plan.feeds), 0),
    }
}

#[test]
fn plans_equal_brute_force_on_ten_thousand_random_menus() {
    let (mut planned, mut refused) = (0, 0);
    for seed in 0..10_000_u64 {
        let mut dice = Dice(seed.wrapping_mul(0xd134_2543_de82_ef95));
        let menu = random_menu(&mut dice);
        let request = random_request(&mut dice, &menu);
        let brute = Brute { menu: &menu, request: &request, best: None, bought: vec![0; menu.items.len()] }.run();
        match plan(&menu, &request) {
            Ok(plan) => {
                planned += 1;
                assert_eq!(Some(score(&menu, &request, &plan)), brute, "seed {seed}: {request:?} {plan:?}");
                assert_eq!(plan.subtotal, plan.lines.iter().map(|line| line.price).sum::<Cents>());
                assert!(plan.left.unwrap() >= Cents::ZERO, "seed {seed}: {plan:?}");
                for line in &plan.lines {
                    assert_eq!(line.unit_price * line.order.quantity, line.price);
                }
            }
            Err(PlanError::Contradiction(_) | PlanError::TooComplicated) => refused += 1,
            Err(error) => {
                refused += 1;
                assert_eq!(brute, None, "seed {seed}: {error}: {request:?}");
            }
        }
    }
    assert!(planned > 2_000 && refused > 2_000, "{planned} planned, {refused} refused");
}

/// A menu of twelve items and a party of four with up to four kinds of eaters: too many selections to try, few enough
/// for plain sets of what they come to.
fn larger(seed: u64) -> (Menu, Request) {
    let mut dice = Dice(seed.wrapping_mul(0x9e6c_63d0_876a_9a47));
    let courses = ["main", "main", "side"];
    let items: Vec<String> = (0..12)
        .map(|n| {
            let course = courses[dice.roll(3) as usize];
            let allergens = ["[]", r#"["milk"]"#, r#"["nuts"]"#][dice.roll(3) as usize];
            let diets = ["[]", r#"["vegan"]"#][dice.roll(2) as usize];
            let price = 1 + dice.roll(40);
            let sizes = format!(r#"[{{"id":"s","price":0.{price:02}}},{{"id":"l","price":0.{}}}]"#, 41 + dice.roll(30));
            format!(
                r#"{{"id":"i{n}","name":"I{n}","course":"{course}","sizes":{sizes},"allergens":{allergens},"diets":{diets},"popularity":{}}}"#,
                dice.roll(7)
            )
        })
        .collect();
    let menu = Menu::from_json(&format!(r#"{{"name":"T","items":[{}]}}"#, items.join(","))).unwrap();
    let free = |allergen: &str| Diner { allergens: [allergen.to_owned()].into(), ..Diner::default() };
    let vegan = Diner { diets: ["vegan".to_owned()].into(), ..Diner::default() };
    let kinds = [free("milk"), free("nuts"), vegan, Diner::default()];
    let diners = (0..4).map(|_| kinds[dice.roll(4) as usize].clone()).collect();
    let must = if dice.one_in(3) { vec![Must { item: "i0".into(), count: 2 }] } else { Vec::new() };
    let request = Request { party: 4, diners, sides: 1, must, extra_mains: dice.one_in(2), ..Request::default() };
    (menu, request)
}

/// What one course's selections come to: for each state of its grid and popularity sum, the totals.
fn outcomes(stage: &Stage, most: usize) -> HashSet<(usize, usize, usize)> {
    let mut reached = HashSet::from([(0, 0, 0)]);
    for candidate in &stage.candidates {
        let copies = |before: &HashSet<(usize, usize, usize)>, extra: bool| {
            let ways = before.iter().flat_map(|(state, liked, total)| {
                candidate.variants.iter().flat_map(move |variant| {
                    let classes = (0..32).filter(|class| variant.classes >> class & 1 == 1);
                    let served = classes.filter_map(|class| stage.grid.serve(*state, class));
                    let to = served.chain(extra.then_some(*state));
                    to.map(move |to| (to, liked + variant.popularity, total + variant.price))
                })
            });
            ways.filter(|(_, _, total)| *total <= most).collect::<HashSet<_>>()
        };
        let mut layer = reached.clone();
        let mut after = if candidate.must == 0 { reached.clone() } else { HashSet::new() };
        for copy in 1..=candidate.most {
            layer = copies(&layer, candidate.may_be_extra(copy));
            if copy >= candidate.must {
                after.extend(&layer);
            }
        }
        reached = after;
    }
    reached
}

#[test]
fn phases_reach_what_plain_sets_reach() {
    let mut unequal_groups = 0;
    for seed in 0..300 {
        let (menu, request) = larger(seed);
        let Ok(field) = Field::new(&menu, &request, false, true, 1 + (seed % 2) as u32) else { continue };
        let most = 400;
        let mut totals = HashSet::from([0]);
        for stage in &field.stages {
            let whole = outcomes(stage, most).into_iter().filter(|(state, ..)| *state == stage.grid.states - 1);
            let sums: HashSet<usize> = whole.map(|(_, _, total)| total).collect();
            totals = totals.iter().flat_map(|a| sums.iter().map(move |b| a + b)).filter(|sum| *sum <= most).collect();
            let phases = phases::of(stage).0;
            unequal_groups += usize::from(phases.iter().any(|phase| phase.grid.states < stage.grid.states));
        }
        let reach = Reach::new(&field, most).unwrap();
        for total in 0..=most {
            let best = totals.iter().filter(|sum| **sum <= total).max().copied();
            assert_eq!(reach.best(total), best, "seed {seed}, {total}");
            if totals.contains(&total) {
                let picks = reach.selection(total);
                assert_eq!(field.cost(&picks), total, "seed {seed}");
                let bought = |candidate: &Candidate, at: (usize, usize)| {
                    let count = picks.iter().filter(|pick| (pick.stage, pick.candidate) == at).count() as u32;
                    (candidate.must..=candidate.most).contains(&count)
                };
                let stages = field.stages.iter().enumerate();
                assert!(
                    stages
                        .flat_map(|(at, stage)| stage
                            .candidates
                            .iter()
                            .enumerate()
                            .map(move |(n, entry)| (entry, (at, n))))
                        .all(|(entry, at)| bought(entry, at))
                );
            }
        }
    }
    assert!(unequal_groups > 100, "{unequal_groups}");
}

#[test]
fn the_ways_that_are_left_out_are_needed_by_no_best_selection() {
    let mut left_out = 0;
    for seed in 0..300 {
        let (menu, request) = larger(seed);
        let Ok(field) = Field::new(&menu, &request, false, false, 1 + (seed % 5) as u32) else { continue };
        for (at, stage) in field.stages.iter().enumerate() {
            let mut least: HashMap<(usize, usize), usize> = HashMap::new();
            for (state, liked, total) in outcomes(stage, 10_000) {
                let cost = least.entry((state, liked)).or_insert(total);
                *cost = total.min(*cost);
            }
            let by = |by| Least::new(&field, at, by).unwrap();
            let (cost, first, each) = (by(By::Cost), by(By::LikedThenCost), by(By::CostOfEachLiked));
            for state in 0..stage.grid.states {
                let here: Vec<(usize, usize)> = least
                    .iter()
                    .filter(|((of, _), _)| *of == state)
                    .map(|((_, liked), cost)| (*liked, *cost))
                    .collect();
                let cheapest = here.iter().map(|(_, cost)| *cost).min();
                assert_eq!(cost.cost(state).map(|cost| cost as usize), cheapest, "seed {seed}");
                let best = here.iter().copied().max_by_key(|(liked, cost)| (*liked, std::cmp::Reverse(*cost)));
                let picks = first.cost(state).map(|_| first.selection(state, 0));
                let liked = |picks: &[Pick]| -> usize {
                    picks.iter().map(|pick| stage.candidates[pick.candidate].variants[pick.variant].popularity).sum()
                };
                assert_eq!(picks.map(|picks| (liked(&picks), field.cost(&picks))), best, "seed {seed}");
                // Of the costs for each sum of popularity, those that no better liked selection undercuts are there.
                let found: HashMap<usize, i64> = each.costs(state).collect();
                for (sum, cost) in &here {
                    let undercut =
                        here.iter().any(|(other, less)| other >= sum && less <= cost && (other, less) != (sum, cost));
                    let known = found.get(sum).map(|cost| *cost as usize);
                    assert!(known.is_none_or(|known| known >= *cost), "seed {seed}");
                    assert!(undercut || known == Some(*cost), "seed {seed}: {sum} for {cost}, found {known:?}");
                    left_out += usize::from(known != Some(*cost));
                }
            }
        }
    }
    assert!(left_out > 100, "{left_out}");
}

#[test]
fn a_sum_that_no_price_divides_is_filled_as_far_as_prices_go() {
    let menu = Menu::from_json(
        r#"{"name":"T","items":[
        {"id":"a","name":"A","course":"main","price":2.50},{"id":"b","name":"B","course":"side","price":0.75}]}"#,
    )
    .unwrap();
    let plan = plan(&menu, &Request { limit: Some(Cents(1010)), ..Request::default() }).unwrap();
    assert_eq!((plan.total, plan.left), (Cents(1000), Some(Cents(10))));
}

#[test]
fn alternatives_are_other_meals_under_the_same_rules() {
    for seed in 0..5 {
        for objective in [Objective::Fill, Objective::Cheapest, Objective::Best, Objective::Feed] {
            let (menu, request) = large(120, seed, objective).unwrap();
            let plan = plan(&menu, &request).unwrap();
            // Three at the most; among the cheapest meals for four kinds of people few differ by half of their money.
            let least = if objective == Objective::Cheapest { 1 } else { 3 };
            let found = plan.alternatives.len();
            assert!((least..=3).contains(&found), "{objective:?}, seed {seed}: {found}");
            let meals: Vec<&[PlanLine]> = std::iter::once(plan.lines.as_slice())
                .chain(plan.alternatives.iter().map(|other| other.lines.as_slice()))
                .collect();
            for (at, one) in meals.iter().enumerate() {
                let mains =
                    one.iter().filter(|line| menu.item(line.order.item.one().unwrap()).unwrap().course == Course::Main);
                assert!(mains.map(|line| line.order.quantity).sum::<u32>() >= 8);
                assert!(subtotal(one) <= Cents(50_000));
                for other in &meals[..at] {
                    let of = |meal: &[PlanLine], item: &Item| -> i64 {
                        let lines = meal.iter().filter(|line| line.order.item.one() == Some(&item.id));
                        lines.map(|line| line.price.0).sum()
                    };
                    let same = menu.items.iter().map(|item| of(one, item).min(of(other, item)));
                    let whole = subtotal(one).max(subtotal(other)).0;
                    assert!(same.sum::<i64>() * 2 <= whole, "{objective:?}");
                }
            }
        }
    }
}

#[test]
fn what_a_search_may_hold_is_bounded() {
    let (menu, request) = large(300, 1, Objective::Fill).unwrap();
    let kinds = |n: u32| Diner {
        allergens: [if n.is_multiple_of(2) { "milk" } else { "nuts" }.to_owned()].into(),
        ..Diner::default()
    };
    let many =
        Request { party: 20, diners: (0..13).map(kinds).collect(), limit: Some(Cents(200_000)), sides: 1, ..request };
    // So large a sum is filled by a short cut, or refused; never by a table of any size.
    for objective in [Objective::Fill, Objective::Best, Objective::Cheapest, Objective::Feed] {
        let request = Request { objective, ..many.clone() };
        assert!(matches!(plan(&menu, &request), Ok(_) | Err(PlanError::TooComplicated | PlanError::NothingFits(_))));
    }
}

fn burgers() -> Menu {
    Menu::from_json(
        r#"{"name":"T","items":[
        {"id":"a","name":"A","category":"Main","price":8.99,"popularity":9,"diets":["vegan"],"allergens":[]},
        {"id":"b","name":"B","category":"Main","price":12.99,"popularity":5,"diets":[],"allergens":["milk"]},
        {"id":"f","name":"F","category":"Side","price":3.99,"popularity":5,"diets":["vegan"],"allergens":[]},
        {"id":"s","name":"S","category":"Drink","price":5.00,"popularity":5,"diets":[],"allergens":["milk"]}]}"#,
    )
    .unwrap()
}

fn must(id: &str) -> Must {
    Must { item: id.into(), count: 1 }
}

#[track_caller]
fn refused(request: Request, message: &str) {
    let error = plan(&burgers(), &request).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn bad_wishes_get_clear_words() {
    let limit = |cents| Request { limit: Some(Cents(cents)), ..Request::default() };
    refused(Request::default(), "how much");
    refused(limit(0), "buys nothing");
    refused(limit(-500), "buys nothing");
    refused(limit(100_000_000), "up to $2000.00");
    refused(limit(500), "the least is $8.99, $3.99 more");
    refused(Request { party: 0, ..limit(1000) }, "1 to 20");
    refused(Request { party: 4_000_000_000, ..limit(1000) }, "1 to 20");
    refused(Request { must: vec![must("zzz")], ..limit(1000) }, "zzz is not to be had");
    refused(
        Request { must: vec![must("a")], must_not: BTreeSet::from(["a".into()]), ..limit(1000) },
        "in it and not in it",
    );
    refused(Request { must: vec![must("s")], ..limit(1000) }, "(or without S)");
    refused(Request { drinks: 1, ..limit(1000) }, "(or without a drink for each)");
    let vegan = Diner { diets: BTreeSet::from(["kosher".to_owned()]), ..Diner::default() };
    refused(Request { diners: vec![vegan], ..limit(5000) }, "no complete meal is kosher");
}

#[test]
fn a_plan_keeps_to_everybodys_rules() {
    let vegan = Diner { diets: BTreeSet::from(["vegan".to_owned()]), ..Diner::default() };
    let request = Request { limit: Some(Cents(5000)), party: 3, diners: vec![vegan], drinks: 0, ..Request::default() };
    let plan = plan(&burgers(), &request).unwrap();
    let mains: u32 =
        plan.lines.iter().filter(|line| matches!(line.name.as_str(), "A" | "B")).map(|line| line.order.quantity).sum();
    assert!(mains >= 3 && plan.lines.iter().any(|line| line.name == "A"), "{plan:?}");
    assert_eq!(plan.total + plan.left.unwrap(), Cents(5000));
}
