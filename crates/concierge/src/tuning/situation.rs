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
    turn::wording::{capital, listing, price_from, priced, prices},
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
        "price" | "price_sizes" | "describe" | "calories" | "diet_yes" | "diet_no" | "diet_unknown" => scene.of_dish(kind)?,
        "price_two" | "compare" => scene.of_two(kind)?,
        "extreme" => scene.extreme()?,
        "menu" | "recommend" | "diet_list" => scene.list(kind)?,
        "diet_none" => scene.diet_none(),
        "decline" | "sold_out" => scene.decline(kind)?,
        "added" | "changed" | "removed" | "removed_all" | "cart" | "place" | "placed" | "state" => scene.order(kind)?,
        "cleared" => vec![Step::new(Act::ConfirmCleared).point("Your order is empty now. What can I get you?", ["empty"])],
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

struct Scene<'a> {
    bank: &'a Bank,
    eatery: &'a Eatery,
    rng: &'a mut Rng,
    slots: Slots,
}

impl<'a> Scene<'a> {
    fn dish(&mut self) -> Option<&'a Dish> {
        self.rng.pick(&self.eatery.dishes)
    }

    fn show(&self, cents: Cents) -> String {
        self.eatery.menu.currency.show(cents)
    }

    fn of_dish(&mut self, kind: &str) -> Option<Vec<Step>> {
        let sized: Vec<&Dish> = self.eatery.dishes.iter().filter(|dish| dish.item.sizes.is_empty() != (kind == "price_sizes")).collect();
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
                let included = if self.rng.chance(40) { format!(" Comes with {}.", listing(&dish.parts, "and")) } else { String::new() };
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

    /// Lines of an order in the ledger's words, their sums, and how the reply names them.
    fn lines(&mut self, most: usize) -> (Vec<(&'a Dish, String, Cents)>, String) {
        let count = 1 + self.rng.below(most);
        let dishes = self.rng.some(&self.eatery.dishes, count);
        let mut spoken = Vec::new();
        let lines = dishes
            .into_iter()
            .map(|dish| {
                let quantity = if self.rng.chance(60) { 1 } else { self.rng.between(2, 9) };
                let size = self.rng.pick(&dish.item.sizes);
                let size_word = size.map(|size| size.name.to_lowercase());
                let mut details: Vec<String> = size_word.iter().cloned().collect();
                if self.rng.chance(25) {
                    let part = self.rng.text(&dish.parts);
                    details.push(match self.rng.below(3) {
                        0 => format!("no {part}"),
                        1 => format!("extra {part}"),
                        _ => part.to_owned(),
                    });
                }
                let name = &dish.item.name;
                let count = if quantity == 1 { "one".to_owned() } else { quantity.to_string() };
                spoken.push(match (details.as_slice(), &size_word) {
                    ([], _) => format!("{count} {name}"),
                    ([_], Some(size)) if !size.contains(' ') => format!("{count} {size} {name}"),
                    _ => format!("{count} {name} ({})", details.join(", ")),
                });
                let words = if details.is_empty() {
                    format!("{quantity} × {name}")
                } else {
                    format!("{quantity} × {name} ({})", details.join(", "))
                };
                let each = size.map_or(dish.item.price, |size| size.price);
                (dish, words, Cents(each.0 * quantity))
            })
            .collect();
        (lines, listing(&spoken, "and"))
    }

    fn order(&mut self, kind: &str) -> Option<Vec<Step>> {
        let (lines, spoken) = self.lines(if matches!(kind, "removed" | "removed_all" | "changed") { 1 } else { 4 });
        let words: Vec<String> = lines.iter().map(|(_, words, _)| words.clone()).collect();
        let names: Vec<String> = lines.iter().map(|(dish, ..)| dish.item.name.clone()).collect();
        let own: Cents = lines.iter().map(|(.., sum)| *sum).sum();
        // Other lines may be on the order already.
        let before = if matches!(kind, "cart" | "place" | "placed" | "state") || self.rng.chance(50) { 0 } else { self.rng.between(200, 3000) };
        let before = if kind == "removed" { before.max(480) } else { before };
        let net = if kind == "removed" { Cents(before) } else { Cents(own.0 + before) };
        let total = Cents(net.0 + self.eatery.menu.tax_rate.tax_on(net).0);
        let tax = total != net;
        let total = self.show(total);
        let all = listing(&words, "and");
        self.slots.set("a", names.first()?);
        self.slots.set("lines", &spoken);
        self.slots.set("order", &spoken);
        self.slots.set("t", if tax && !matches!(kind, "placed" | "state") && self.rng.chance(40) { format!("{total} with tax") } else { total.clone() });
        let number = self.rng.between(2, 990).to_string();
        self.slots.set("n", &number);
        let label = match kind {
            "added" => "Added: ",
            "changed" => "Changed: ",
            _ => "",
        };
        let act = match kind {
            "added" => Act::ConfirmAdded,
            "changed" => Act::ConfirmChanged,
            "removed" | "removed_all" => Act::ConfirmRemoved,
            "cart" => Act::TellCart,
            "place" => Act::AskPlace,
            "placed" => Act::ConfirmPlaced,
            _ => Act::TellOrderState,
        };
        let step = Step::new(act);
        let told = format!("Your total is {total}{}", if tax { " with tax" } else { "" });
        let with_lines = |step: Step| {
            lines.iter().fold(step, |step, (dish, words, sum)| {
                step.item_fact(&dish.item.id, format!("{label}{words}: {}", self.show(*sum)))
            })
        };
        let with_total = |step: Step| step.fact(told.clone()).point(format!("{told}."), [total.clone()]);
        let step = match kind {
            "added" | "changed" => with_total(with_lines(step).point(format!("I've added {all}."), names)),
            "removed" => with_total(step.fact(format!("Taken off: {all}")).point(format!("I've taken off {all}."), names)),
            "removed_all" => step.fact(format!("Taken off: {all}")).point(format!("I've taken off {all}."), names),
            "cart" => with_total(with_lines(step).point(format!("Your order: {all}."), names)),
            "place" => with_total(with_lines(step).point(format!("Your order: {all}."), names)).point("Shall I place the order?", ["?"]),
            "placed" => step
                .fact(format!("Order number: {number}"))
                .fact(format!("Placed: {all}"))
                .fact(format!("Total: {total}"))
                .point(format!("Your order is placed. Your order number is {number}, and the total is {total}."), [number, total]),
            _ => {
                let states = [("received", "received by the kitchen"), ("preparing", "being prepared"), ("ready", "ready"), ("served", "served")];
                let (state, words) = states[self.rng.below(states.len())];
                self.slots.set("s", words);
                step.fact(format!("Order {number}: {all}; total {total}; state: {state}"))
                    .point(format!("Order number {number} is {words}: {all}, {total} in all."), [number, total])
            }
        };
        Some(vec![step])
    }

    fn which(&mut self) -> Option<Vec<Step>> {
        let count = 2 + self.rng.below(3);
        let dishes = self.rng.some(&self.eatery.dishes, count);
        let names: Vec<String> = dishes.iter().map(|dish| dish.item.name.clone()).collect();
        self.slots.set("names", listing(&names, "or"));
        self.slots.set("w", names.first()?.split(' ').next_back()?.to_lowercase());
        let ask = format!("which one would you like: {}?", listing(&names, "or"));
        Some(vec![Step::new(Act::AskWhich).fact(format!("To ask: {ask}")).point(capital(&ask), names)])
    }

    fn missing(&mut self, kind: &str) -> Option<Vec<Step>> {
        let dish = self.dish()?;
        let name = &dish.item.name;
        self.slots.set("a", name);
        let (names, ask) = if kind == "size" {
            let names: Vec<String> = dish.item.sizes.iter().map(|size| size.name.clone()).collect();
            (names.clone(), format!("which size of {name}: {}?", listing(&names, "or")))
        } else {
            let group = ["sauce", "dressing", "bread", "topping", "side", "glaze"][self.rng.below(6)];
            let parts = &self.bank.courses.get("main")?.parts;
            let count = 2 + self.rng.below(3);
            let names: Vec<String> = self.rng.some(parts, count).into_iter().map(|part| capital(part)).collect();
            self.slots.set("g", group);
            (names.clone(), format!("which {group} for {name}: {}?", listing(&names, "or")))
        };
        if names.len() < 2 {
            return None;
        }
        self.slots.set("names", listing(&names, "or"));
        Some(vec![Step::new(Act::AskOption).fact(format!("To ask: {ask}")).point(capital(&ask), names)])
    }

    fn upsell(&mut self) -> Option<Vec<Step>> {
        let item = &self.dish()?.item;
        let price = self.show(item.price);
        self.slots.set("a", &item.name);
        self.slots.set("p", &price);
        Some(vec![
            Step::new(Act::Upsell)
                .item_fact(&item.id, format!("{}: {price}", item.name))
                .point(format!("Would you like {} with that, for {price}?", item.name), [item.name.clone(), price]),
        ])
    }

    fn rule(&mut self) -> Option<Vec<Step>> {
        let dish = self.dish()?;
        self.slots.set("a", &dish.item.name);
        self.slots.set("part", self.rng.text(&dish.parts));
        let sizes: Vec<String> = dish.item.sizes.iter().map(|size| size.name.clone()).collect();
        if !sizes.is_empty() {
            self.slots.set("names", listing(&sizes, "and"));
        }
        filled(self.bank, self.rng, &mut self.slots);
        let words = self.slots.fill(self.rng.text(&self.bank.rules))?;
        self.slots.set("rule", &words);
        let needs = [words.trim_end_matches(['.', '?']).to_owned()];
        Some(vec![Step::new(Act::DeclineRule).fact(words.clone()).point(format!("I'm sorry: {words}"), needs)])
    }

    fn plan(&mut self) -> Option<Vec<Step>> {
        let (lines, spoken) = self.lines(4);
        let net: Cents = lines.iter().map(|(.., sum)| *sum).sum();
        let total = Cents(net.0 + self.eatery.menu.tax_rate.tax_on(net).0);
        let limit = Cents((total.0 / 100 + self.rng.between(1, 9)) * 100);
        let tax = if total == net { "" } else { " with tax" };
        let (left, total) = (self.show(Cents(limit.0 - total.0)), self.show(total));
        self.slots.set("lines", &spoken);
        self.slots.set("tax", tax);
        self.slots.set("t", &total);
        self.slots.set("left", &left);
        self.slots.set("sum", self.show(limit).trim_end_matches(".00"));
        self.slots.set("n", self.rng.between(2, 6).to_string());
        let step = lines.iter().fold(Step::new(Act::TellPlan), |step, (dish, words, sum)| {
            step.item_fact(&dish.item.id, format!("{words}: {}", self.show(*sum)))
        });
        let names = lines.iter().map(|(dish, ..)| dish.item.name.clone());
        Some(vec![
            step.fact(format!("Total: {total}{tax}; left: {left}"))
                .point(format!("How about {spoken}? That is {total}{tax}, and {left} is left."), names.chain([total, left]))
                .point("Shall I add it to your order?", ["?"]),
        ])
    }

    fn open_now(&mut self, kind: &str) -> Vec<Step> {
        filled(self.bank, self.rng, &mut self.slots);
        let (from, to) = (self.slots.get("open").to_owned(), self.slots.get("close").to_owned());
        let hours = format!("from {from} to {to}");
        self.slots.set("hours", &hours);
        let step = Step::new(Act::TellStore);
        vec![if kind == "open_yes" {
            step.fact(format!("Now: open; today {hours}")).point(format!("Yes, we are open now, today {hours}."), ["open".to_owned(), to])
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
        let values: Vec<String> =
            facts.iter().filter_map(|fact| Some(fact.split_once(": ")?.1.to_owned())).filter(|value| value.split_whitespace().count() <= 3).collect();
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
                let offers: Vec<String> =
                    self.rng.some(&self.bank.remedies, count).into_iter().filter_map(|words| self.slots.fill(words)).collect();
                let first = offers.first()?.clone();
                self.slots.set("offer", &first);
                self.slots.set("offers", offers.join(" Or: "));
                let step = offers.iter().fold(Step::new(Act::OfferRemedy).fact(title), |step, offer| step.fact(format!("Remedy: {offer}")));
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
