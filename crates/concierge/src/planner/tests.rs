#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
//! The planner against brute force: every selection of a small menu is tried.

use super::*;
use crate::menu::Course;

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
            format!(
                r#"{{"id":"i{n}","name":"I{n}","course":"{course}","price":0.{price:02}{sizes}{allergens}{diets},"popularity":{}}}"#,
                dice.roll(5)
            )
        })
        .collect();
    let tax = ["0", "0.0925", "0.25"][dice.roll(3) as usize];
    Menu::from_json(&format!(r#"{{"name":"T","tax_rate":"{tax}","items":[{}]}}"#, items.join(","))).unwrap()
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
        let may = |diner: &Diner| {
            (diner.allergens.is_empty()
                || item.allergens.as_ref().is_some_and(|known| known.is_disjoint(&diner.allergens)))
                && (diner.diets.is_empty() || item.diets.as_ref().is_some_and(|known| diner.diets.is_subset(known)))
        };
        let prices: Vec<i64> = if item.sizes.is_empty() {
            vec![item.price.0]
        } else {
            item.sizes.iter().map(|size| size.price.0).collect()
        };
        for price in prices {
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
