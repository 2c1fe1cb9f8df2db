//! Situations in a made-up restaurant, with facts in the shapes that the product's own steps have.

use super::{
    bank::{Bank, Slots},
    eatery::{Dish, Eatery},
    rng::Rng,
    synth::filled,
};
use crate::{
    brief::{Act, Step},
    money::Cents,
    turn::wording::{listing, price_from, priced, prices},
};

/// What the guest says, what is decided, and the values for the reply's wording.
pub(super) struct Situation {
    pub kind: String,
    pub steps: Vec<Step>,
    pub slots: Slots,
    /// Empty: one of the kind's own wordings.
    pub guest: String,
    /// Which of the bank's records about places it is about.
    pub place: Option<usize>,
}

/// Draws a situation of a kind. None where this restaurant has no such thing.
pub(super) fn draw(bank: &Bank, eatery: &Eatery, rng: &mut Rng, kind: &str) -> Option<Situation> {
    let mut scene = Scene { bank, eatery, rng, slots: Slots::default() };
    let mut guest = String::new();
    let mut place = None;
    let steps = match kind {
        "price" | "price_sizes" | "describe" | "calories" | "diet_yes" | "diet_no" | "diet_unknown" => {
            scene.of_dish(kind)?
        }
        "price_two" | "compare" => scene.of_two(kind)?,
        "extreme" => scene.extreme()?,
        "menu" | "recommend" | "diet_list" => scene.list(kind)?,
        "diet_none" => scene.diet_none(),
        "decline" | "sold_out" => scene.decline(kind)?,
        "added" | "changed" | "removed" | "removed_all" | "cart" | "place" | "placed" | "state" => scene.order(kind)?,
        "added_option" | "added_which" | "added_sold_out" => scene.added_and(kind)?,
        "added_place" => scene.added_place()?,
        "near" => scene.near()?,
        "cleared" => {
            vec![Step::new(Act::ConfirmCleared).point("Your order is empty now. What can I get you?", ["empty"])]
        }
        "which" => scene.which()?,
        "size" | "option" => scene.missing(kind)?,
        "upsell" => scene.upsell()?,
        "rule" => scene.rule()?,
        "plan" => scene.plan()?,
        "steer" => {
            scene.slots.set("topic", scene.rng.text(&bank.topics));
            let house = &eatery.menu.name;
            vec![Step::new(Act::Steer).fact(format!("Restaurant: {house}")).fact("Can help with: the menu, orders, the place").or_plain(
                format!("I'm sorry, I can only help with {house}: our menu, your order and the place. What can I get you?"),
            )]
        }
        "ask_budget" | "impossible" => scene.no_plan(kind),
        "no_order" => {
            vec![Step::new(Act::TellNoOrder).point("You have not ordered anything yet. What can I get you?", ["not"])]
        }
        "empty_cart" => {
            vec![
                Step::new(Act::TellEmptyCart)
                    .point("There is nothing on your order yet. What can I get you?", ["nothing"]),
            ]
        }
        "greet" | "welcome" | "farewell" | "introduce" => vec![scene.pleasantry(kind)],
        "ask_again" => vec![
            Step::new(Act::AskAgain)
                .or_plain("I'm sorry, I didn't quite get that. Could you say it in other words, please?"),
        ],
        "what_else" => vec![Step::new(Act::AskAgain).or_plain("Of course! What would you like to order?")],
        "open_yes" | "open_no" => scene.open_now(kind),
        "store" => {
            let (at, step, words) = scene.place()?;
            place = Some(at);
            guest = words;
            vec![step]
        }
        "unknown" => {
            scene.slots.set("thing", scene.rng.text(&bank.things));
            let plain = "I'm sorry, I don't know that. Let me ask a colleague for you, or please ask at the counter.";
            vec![Step::new(Act::AdmitUnknown).or_plain(plain)]
        }
        _ => scene.complaint(kind)?,
    };
    Some(Situation { kind: kind.to_owned(), steps, slots: scene.slots, guest, place })
}

/// A situation being drawn.
pub(super) struct Scene<'a> {
    pub bank: &'a Bank,
    pub eatery: &'a Eatery,
    pub rng: &'a mut Rng,
    pub slots: Slots,
}

impl<'a> Scene<'a> {
    pub fn dish(&mut self) -> Option<&'a Dish> {
        self.rng.pick(&self.eatery.dishes)
    }

    pub fn show(&self, cents: Cents) -> String {
        self.eatery.menu.currency.show(cents)
    }

    fn pleasantry(&mut self, kind: &str) -> Step {
        let house = &self.eatery.menu.name;
        self.slots.set("house", house);
        let (act, plain) = match kind {
            "introduce" => {
                let step = Step::new(Act::Introduce)
                    .fact(format!("Rosy, clerk of {house}"))
                    .fact("Can tell about dishes, prices and the place, take an order, plan a meal within a sum");
                return step.or_plain(format!("I'm Rosy, the clerk of {house}. I can take your order."));
            }
            "welcome" => (Act::Welcome, "You're welcome! Is there anything else I can do for you?".to_owned()),
            "farewell" => (Act::Farewell, format!("Thank you for visiting {house}. Goodbye, and see you soon!")),
            _ => (Act::Greet, format!("Welcome to {house}! What can I get you?")),
        };
        Step::new(act).fact(format!("Restaurant: {house}")).or_plain(plain)
    }

    fn of_dish(&mut self, kind: &str) -> Option<Vec<Step>> {
        let sized: Vec<&Dish> =
            self.eatery.dishes.iter().filter(|dish| dish.item.sizes.is_empty() != (kind == "price_sizes")).collect();
        let dish = if kind.starts_with("price") { *self.rng.pick(&sized)? } else { self.dish()? };
        let item = &dish.item;
        let price = prices(&self.eatery.menu.currency, item);
        let short = format!("{}: {price}.", item.name);
        self.slots.set("a", &item.name);
        self.slots.set("p", &price);
        self.slots.set("n", item.sizes.len().to_string());
        let (least, most) = item.price_range();
        let diet = self.rng.text(&self.bank.diets).to_owned();
        self.slots.set("diet", &diet);
        let step = match kind {
            "describe" => {
                self.slots.set("d", &dish.phrase);
                self.slots.set("tail", &dish.tail);
                let plain = format!("{}: {} It is {price}.", item.name, item.description);
                let included = if self.rng.chance(40) {
                    format!(" Comes with {}.", listing(&dish.parts, "and"))
                } else {
                    String::new()
                };
                Step::new(Act::TellItem)
                    .item_fact(&item.id, format!("{short} {}{included}", item.description))
                    .point(plain, [item.name.clone(), self.show(least)])
            }
            "calories" => {
                let calories = item.calories?.to_string();
                self.slots.set("k", &calories);
                Step::new(Act::TellItem)
                    .item_fact(&item.id, format!("{short} {calories} kcal."))
                    .point(format!("{} has {calories} kcal.", item.name), [calories])
            }
            "diet_yes" => Step::new(Act::TellDiet)
                .item_fact(&item.id, format!("{}: {diet}.", item.name))
                .point(format!("Yes, {} is {diet}.", item.name), ["yes".to_owned(), diet]),
            "diet_no" => {
                let plain = format!("No, {} is not marked {diet}.", item.name);
                Step::new(Act::TellDiet).item_fact(&item.id, plain.clone()).point(plain, ["not".to_owned(), diet])
            }
            "diet_unknown" => Step::new(Act::AdmitUnknown)
                .item_fact(&item.id, format!("{}: not known whether it is {diet}.", item.name))
                .or_plain(format!("I don't know whether {} is {diet}; please ask our staff.", item.name)),
            _ => Step::new(Act::TellPrice)
                .item_fact(&item.id, short)
                .point(format!("{} is {price}.", item.name), [self.show(least), self.show(most)]),
        };
        Some(vec![step])
    }

    fn of_two(&mut self, kind: &str) -> Option<Vec<Step>> {
        let single = |dish: &&Dish| kind == "compare" || dish.item.sizes.is_empty();
        let fits: Vec<&Dish> = self.eatery.dishes.iter().filter(single).collect();
        let two: Vec<&Dish> = self.rng.some(&fits, 2).into_iter().copied().collect();
        let [one, other] = two.as_slice() else { return None };
        let currency = &self.eatery.menu.currency;
        for (dish, [name, price, phrase]) in [(one, ["a", "p", "d"]), (other, ["b", "q", "e"])] {
            self.slots.set(name, &dish.item.name);
            self.slots.set(price, prices(currency, &dish.item));
            self.slots.set(phrase, &dish.phrase);
        }
        let line = |dish: &Dish| format!("{}: {}.", dish.item.name, prices(currency, &dish.item));
        if kind == "price_two" {
            let tell = |dish: &Dish| {
                Step::new(Act::TellPrice)
                    .item_fact(&dish.item.id, line(dish))
                    .point(line(dish), [currency.show(dish.item.price_range().0)])
            };
            return Some(vec![tell(one), tell(other)]);
        }
        let whole = |dish: &Dish| format!("{} {}", line(dish), dish.item.description);
        let needs = [currency.show(one.item.price_range().0), currency.show(other.item.price_range().0)];
        Some(vec![
            Step::new(Act::Compare)
                .item_fact(&one.item.id, whole(one))
                .item_fact(&other.item.id, whole(other))
                .point(format!("{} {}", whole(one), whole(other)), needs),
        ])
    }

    fn extreme(&mut self) -> Option<Vec<Step>> {
        let which = ["cheapest", "most expensive"][self.rng.below(2)];
        let item = &self.dish()?.item;
        let price = price_from(&self.eatery.menu.currency, item);
        self.slots.set("which", which);
        self.slots.set("a", &item.name);
        self.slots.set("p", &price);
        Some(vec![
            Step::new(Act::TellPrice)
                .item_fact(&item.id, format!("The {which}: {}, {price}", item.name))
                .point(format!("The {which} is {}, {price}.", item.name), [item.name.clone(), price]),
        ])
    }

    /// Adds a line for each dish to the step, and what the reply says of them to the slots.
    fn offered(&mut self, step: Step, dishes: &[&Dish], joiner: &str) -> Step {
        let currency = &self.eatery.menu.currency;
        let style = self.rng.below(3);
        let names: Vec<String> = dishes
            .iter()
            .map(|dish| match style {
                0 if dishes.len() > 2 => dish.item.name.clone(),
                1 => format!("{} ({})", dish.item.name, price_from(currency, &dish.item)),
                _ => priced(currency, &dish.item),
            })
            .collect();
        self.slots.set("list", listing(&names, joiner));
        dishes.iter().fold(step, |step, dish| {
            step.item_fact(&dish.item.id, format!("{}: {}", dish.item.name, price_from(currency, &dish.item)))
        })
    }

    fn list(&mut self, kind: &str) -> Option<Vec<Step>> {
        let (act, most) = match kind {
            "menu" => (Act::TellMenu, 6),
            "recommend" => (Act::Recommend, 3),
            _ => (Act::TellDiet, 4),
        };
        let count = 1 + self.rng.below(most);
        let mut dishes = self.rng.some(&self.eatery.dishes, count);
        if kind == "menu" {
            let category = &dishes.first()?.item.category;
            dishes = self.eatery.dishes.iter().filter(|dish| dish.item.category == *category).take(count).collect();
            self.slots.set("c", category.to_lowercase());
        }
        let mut step = self.offered(Step::new(act), &dishes, "and");
        let needs: Vec<String> = dishes.iter().take(2).map(|dish| dish.item.name.clone()).collect();
        if kind == "diet_list" {
            let diet = self.rng.text(&self.bank.diets);
            self.slots.set("diet", diet);
            step = step.fact(format!("All of these are {diet}."));
        }
        let plain = format!("We have {}.", self.slots.get("list"));
        Some(vec![step.point(plain, needs)])
    }

    /// What a search for a taste or an ingredient brings: whole dishes.
    fn near(&mut self) -> Option<Vec<Step>> {
        let two: Vec<&Dish> = self.rng.some(&self.eatery.dishes, 2).into_iter().collect();
        let [one, other] = two.as_slice() else { return None };
        let currency = &self.eatery.menu.currency;
        self.slots.set("part", one.parts.first()?);
        let mut step = Step::new(Act::Recommend);
        let mut names = Vec::new();
        for (dish, [name, price, phrase]) in [(one, ["a", "p", "d"]), (other, ["b", "q", "e"])] {
            let cost = price_from(currency, &dish.item);
            step = step.item_fact(&dish.item.id, format!("{}: {cost}. {}", dish.item.name, dish.item.description));
            names.push(format!("{} ({cost}): {}", dish.item.name, dish.item.description));
            self.slots.set(name, &dish.item.name);
            self.slots.set(price, if cost.starts_with("from") { cost } else { format!("for {cost}") });
            self.slots.set(phrase, &dish.phrase);
        }
        let plain = format!("You might like this. {}", names.join(" "));
        Some(vec![step.point(plain, [one.item.name.clone()])])
    }

    fn diet_none(&mut self) -> Vec<Step> {
        let diet = self.rng.text(&self.bank.diets);
        self.slots.set("diet", diet);
        vec![
            Step::new(Act::AdmitUnknown)
                .fact(format!("On the menu: nothing marked {diet}"))
                .or_plain(format!("I'm sorry, I see nothing on our menu that is marked {diet}.")),
        ]
    }

    fn decline(&mut self, kind: &str) -> Option<Vec<Step>> {
        let count = 2 + self.rng.below(2);
        let dishes = self.rng.some(&self.eatery.dishes, count);
        let (first, near) = dishes.split_first()?;
        let sold_out = kind == "sold_out";
        let (mut needs, step, sorry) = if sold_out {
            let name = &first.item.name;
            self.slots.set("x", name);
            let step = Step::new(Act::DeclineSoldOut).item_fact(&first.item.id, format!("{name}: sold out today."));
            (vec!["sold out".to_owned()], step, format!("I'm sorry, {name} is sold out today."))
        } else {
            let unknown = self.rng.text(&self.bank.unknown);
            let bare = unknown.trim_start_matches("a ");
            self.slots.set("u", unknown);
            self.slots.set("un", bare);
            let step = Step::new(Act::DeclineUnknown).fact(format!("Not on our menu: {bare}"));
            (Vec::new(), step, format!("I'm sorry, we don't have {bare}."))
        };
        needs.extend(near.first().map(|dish| dish.item.name.clone()));
        let step = self.offered(step, near, "or");
        let plain = format!("{sorry} How about {}?", self.slots.get("list"));
        Some(vec![step.point(plain, needs)])
    }

    fn open_now(&mut self, kind: &str) -> Vec<Step> {
        filled(self.bank, self.rng, &mut self.slots);
        let (from, to) = (self.slots.get("open").to_owned(), self.slots.get("close").to_owned());
        let hours = format!("from {from} to {to}");
        self.slots.set("hours", &hours);
        let step = Step::new(Act::TellStore);
        vec![if kind == "open_yes" {
            step.fact(format!("Now: open; today {hours}"))
                .point(format!("Yes, we are open now, today {hours}."), ["open".to_owned(), to])
        } else {
            step.fact(format!("Now: closed; today open {hours}"))
                .point(format!("We are closed at this moment; today we are open {hours}."), ["closed".to_owned(), from])
        }]
    }

    fn place(&mut self) -> Option<(usize, Step, String)> {
        let at = self.rng.below(self.bank.store.len());
        let place = self.bank.store.get(at)?;
        filled(self.bank, self.rng, &mut self.slots);
        let facts: Vec<String> = place.facts.iter().filter_map(|fact| self.slots.fill(fact)).collect();
        let values: Vec<String> = facts
            .iter()
            .filter_map(|fact| Some(fact.split_once(": ")?.1.to_owned()))
            .filter(|value| value.split_whitespace().count() <= 3)
            .collect();
        let text = self.slots.fill(place.gordon.first()?)?;
        let all_short = values.len() == facts.len();
        let step = Step::new(Act::TellStore)
            .fact(format!("{}: {}", place.title, facts.join("; ")))
            .point(text, if all_short { values } else { Vec::new() });
        let guest = self.slots.fill(self.rng.text(&place.guest))?;
        Some((at, step, guest))
    }

    fn complaint(&mut self, kind: &str) -> Option<Vec<Step>> {
        let dish = self.dish()?;
        self.slots.set("a", &dish.item.name);
        self.slots.set("bad", self.rng.text(&self.bank.bad));
        self.slots.set("n", self.rng.between(2, 990).to_string());
        filled(self.bank, self.rng, &mut self.slots);
        let title = format!("Complaint: {}", self.rng.text(&self.bank.titles));
        let bare = |words: &str| words.trim_end_matches('.').to_owned();
        let step = match kind {
            "complaint_ask" | "complaint_more" => {
                let ask = self.slots.fill(self.rng.text(&self.bank.questions))?;
                self.slots.set("ask", &ask);
                Step::new(Act::AskComplaint).fact(title).fact(format!("To ask: {ask}")).point(ask.clone(), [ask])
            }
            "offer" | "offers" => {
                let count = if kind == "offer" { 1 } else { 2 + self.rng.below(2) };
                let offers: Vec<String> = self
                    .rng
                    .some(&self.bank.remedies, count)
                    .into_iter()
                    .filter_map(|words| self.slots.fill(words))
                    .collect();
                let first = offers.first()?.clone();
                self.slots.set("offer", &first);
                self.slots.set("offers", offers.join(" Or: "));
                let step = offers
                    .iter()
                    .fold(Step::new(Act::OfferRemedy).fact(title), |step, offer| step.fact(format!("Remedy: {offer}")));
                step.point(offers.join(" Or: "), offers.iter().map(|offer| bare(offer)))
            }
            "granted" => {
                let done = self.slots.fill(self.rng.text(&self.bank.remedies))?;
                self.slots.set("done", &done);
                Step::new(Act::ConfirmRemedy).fact(format!("Done: {done}")).point(done.clone(), [bare(&done)])
            }
            "escalate" => {
                let words = self.rng.text(&self.bank.handovers);
                self.slots.set("words", words);
                Step::new(Act::Escalate).fact(words).point(words, [bare(words)])
            }
            "apologise" => Step::new(Act::Apologise).or_plain("Thank you for telling me. I am sorry for the trouble."),
            _ => return None,
        };
        Some(vec![step])
    }
}
