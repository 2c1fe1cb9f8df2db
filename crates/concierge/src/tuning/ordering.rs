//! Situations around an order: what is on it, what it lacks, what it comes to, and plans within a sum.

use super::{eatery::Dish, situation::Scene, synth::filled};
use crate::{
    brief::{Act, Step},
    money::Cents,
    turn::wording::{capital, listing},
};

impl<'a> Scene<'a> {
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

    pub fn order(&mut self, kind: &str) -> Option<Vec<Step>> {
        let (lines, spoken) = self.lines(if matches!(kind, "removed" | "removed_all" | "changed") { 1 } else { 4 });
        let words: Vec<String> = lines.iter().map(|(_, words, _)| words.clone()).collect();
        let names: Vec<String> = lines.iter().map(|(dish, ..)| dish.item.name.clone()).collect();
        let own: Cents = lines.iter().map(|(.., sum)| *sum).sum();
        // Other lines may be on the order already.
        let before = if matches!(kind, "cart" | "place" | "placed" | "state") || self.rng.chance(50) {
            0
        } else {
            self.rng.between(200, 3000)
        };
        let before = if kind == "removed" { before.max(480) } else { before };
        let net = if kind == "removed" { Cents(before) } else { Cents(own.0 + before) };
        let total = Cents(net.0 + self.eatery.menu.tax_rate.tax_on(net).0);
        let tax = total != net;
        let total = self.show(total);
        let all = listing(&words, "and");
        self.slots.set("a", names.first()?);
        self.slots.set("lines", &spoken);
        self.slots.set("order", &spoken);
        self.slots.set(
            "t",
            if tax && !matches!(kind, "placed" | "state") && self.rng.chance(40) {
                format!("{total} with tax")
            } else {
                total.clone()
            },
        );
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
            "removed" => {
                with_total(step.fact(format!("Taken off: {all}")).point(format!("I've taken off {all}."), names))
            }
            "removed_all" => step.fact(format!("Taken off: {all}")).point(format!("I've taken off {all}."), names),
            "cart" => with_total(with_lines(step).point(format!("Your order: {all}."), names))
                .point("It is not placed yet.", ["not"]),
            "place" => with_total(with_lines(step).point(format!("Your order: {all}."), names))
                .point("Shall I place the order?", ["?"]),
            "placed" => step
                .fact(format!("Order number: {number}"))
                .fact(format!("Placed: {all}"))
                .fact(format!("Total: {total}"))
                .point(
                    format!("Your order is placed. Your order number is {number}, and the total is {total}."),
                    [number, total],
                ),
            _ => {
                let states = [
                    ("received", "received by the kitchen"),
                    ("preparing", "being prepared"),
                    ("ready", "ready"),
                    ("served", "served"),
                ];
                let (state, words) = states[self.rng.below(states.len())];
                self.slots.set("s", words);
                step.fact(format!("Order {number}: {all}; total {total}; state: {state}"))
                    .point(format!("Order number {number} is {words}: {all}, {total} in all."), [number, total])
            }
        };
        Some(vec![step])
    }

    /// What was added, and what has to be asked or refused in the same breath.
    pub fn added_and(&mut self, kind: &str) -> Option<Vec<Step>> {
        let mut steps = self.order("added")?;
        let name = self.slots.get("a").to_owned();
        match kind {
            "added_option" => {
                let (group, names) = self.choices()?;
                let ask = format!("which {group} for {name}: {names}?");
                let each: Vec<String> = names.replace(" or ", ", ").split(", ").map(str::to_owned).collect();
                steps.push(Step::new(Act::AskOption).fact(format!("To ask: {ask}")).point(capital(&ask), each));
            }
            "added_which" => steps.extend(self.which()?),
            _ => {
                let other = self.dish().filter(|dish| dish.item.name != name)?;
                let words = format!(
                    "{} is sold out at the moment; would you like something else instead?",
                    capital(&other.item.name)
                );
                self.slots.set("b", &other.item.name);
                self.slots.set("words", &words);
                let needs = [words.trim_end_matches('?').to_owned()];
                let step = Step::new(Act::DeclineSoldOut).fact(words.clone());
                steps.push(step.point(format!("I'm sorry. {words}"), needs));
            }
        }
        Some(steps)
    }

    /// A suggestion was taken: it is added, and the whole order is read.
    pub fn added_place(&mut self) -> Option<Vec<Step>> {
        let mut steps = self.order("place")?;
        let read = steps.first_mut()?;
        let last = read.facts.iter().rfind(|fact| fact.item.is_some())?.clone();
        let name = last.text.split_once(" × ")?.1.split([':', '(']).next()?.trim().to_owned();
        let total = read.facts.pop()?;
        let mut added = Step::new(Act::ConfirmAdded);
        added.facts.push(crate::brief::Fact { text: format!("Added: {}", last.text), item: last.item });
        added.facts.push(total);
        self.slots.set("a", &name);
        steps.insert(0, added.point(format!("I've added {name}."), [name]));
        Some(steps)
    }

    /// A group of choices and their names, as a question lists them.
    fn choices(&mut self) -> Option<(&'static str, String)> {
        let group = ["sauce", "dressing", "bread", "topping", "side", "glaze"][self.rng.below(6)];
        let parts = &self.bank.courses.get("main")?.parts;
        let count = 2 + self.rng.below(3);
        let names: Vec<String> = self.rng.some(parts, count).into_iter().map(|part| capital(part)).collect();
        self.slots.set("g", group);
        self.slots.set("names", listing(&names, "or"));
        Some((group, listing(&names, "or")))
    }

    pub fn which(&mut self) -> Option<Vec<Step>> {
        let count = 2 + self.rng.below(3);
        let dishes = self.rng.some(&self.eatery.dishes, count);
        let names: Vec<String> = dishes.iter().map(|dish| dish.item.name.clone()).collect();
        self.slots.set("names", listing(&names, "or"));
        self.slots.set("w", names.first()?.split(' ').next_back()?.to_lowercase());
        let ask = format!("which one would you like: {}?", listing(&names, "or"));
        Some(vec![Step::new(Act::AskWhich).fact(format!("To ask: {ask}")).point(capital(&ask), names)])
    }

    pub fn missing(&mut self, kind: &str) -> Option<Vec<Step>> {
        let dish = self.dish()?;
        let name = &dish.item.name;
        self.slots.set("a", name);
        let (names, ask) = if kind == "size" {
            let names: Vec<String> = dish.item.sizes.iter().map(|size| size.name.clone()).collect();
            (names.clone(), format!("which size of {name}: {}?", listing(&names, "or")))
        } else {
            let (group, listed) = self.choices()?;
            let names: Vec<String> = listed.replace(" or ", ", ").split(", ").map(str::to_owned).collect();
            (names, format!("which {group} for {name}: {listed}?"))
        };
        if names.len() < 2 {
            return None;
        }
        self.slots.set("names", listing(&names, "or"));
        Some(vec![Step::new(Act::AskOption).fact(format!("To ask: {ask}")).point(capital(&ask), names)])
    }

    pub fn upsell(&mut self) -> Option<Vec<Step>> {
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

    pub fn rule(&mut self) -> Option<Vec<Step>> {
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

    pub fn plan(&mut self) -> Option<Vec<Step>> {
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
                .point(
                    format!("How about {spoken}? That is {total}{tax}, and {left} is left."),
                    names.chain([total, left]),
                )
                .point("Shall I add it to your order?", ["?"]),
        ])
    }

    pub fn no_plan(&mut self, kind: &str) -> Vec<Step> {
        self.slots.set("n", self.rng.between(2, 9).to_string());
        let (sum, more) = (Cents(self.rng.between(1, 9) * 100), Cents(self.rng.between(30, 900)));
        self.slots.set("sum", self.show(sum).trim_end_matches(".00"));
        if kind == "ask_budget" {
            let plain = "How much would you like to spend, and for how many people?";
            return vec![Step::new(Act::AskBudget).point(plain, ["how much"])];
        }
        let least = self.show(Cents(sum.0 + more.0));
        let words = format!("That is not enough: the least is {least}, {} more.", self.show(more));
        self.slots.set("words", &words);
        let needs = [words.trim_end_matches('.').to_owned()];
        let plain = format!("I'm sorry. {words}");
        vec![Step::new(Act::TellPlanImpossible).fact(words).point(plain, needs)]
    }
}
