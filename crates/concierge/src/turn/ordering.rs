//! A message that is about the order: what it does to the cart, and what is asked back.

use serde_json::json;

use super::{
    Answer, Pending, Turn, bill,
    calls::of_type,
    dishes, extras, headings,
    heard::Heard,
    orders, phrases, place,
    wording::{among, listing, plain_words, says},
};
use crate::{
    brief::{Act, Step},
    intent::Intent,
    ledger::{ComplaintKind, Consent},
    order::Edit,
    ports::RecordType,
    tools::{Call, ToolName, args::OpenTicket},
    understand::Form,
};

/// Longer messages, in words, say more than what they are about.
const FEW_WORDS: usize = 4;

impl Turn<'_> {
    /// "Cancel my order" when nothing is in the cart and an order is with the kitchen: a person decides about that.
    fn cancel_placed(&mut self, heard: &Heard<'_>) -> Option<Vec<Step>> {
        let only_clears = heard.edits.iter().all(|edit| *edit == Edit::Clear);
        if heard.intent != Intent::Cancel || !self.cart.is_empty() || !only_clears {
            return None;
        }
        let order = self.cart.orders().last()?;
        let (number, state) = (order.number, self.register.state(order.id).unwrap_or("received"));
        if state == "served" {
            return None;
        }
        let state = bill::state_words(state);
        let call = Call::OpenTicket(OpenTicket { kind: ComplaintKind::Other, order_number: Some(number) });
        self.memory.pending = Some(Pending::Call { call: Box::new(call) });
        let plain = format!(
            "Your order number {number} is placed already and {state}, so I can't cancel it myself. Shall I ask our staff to?"
        );
        Some(vec![Step::new(Act::DeclineRule).or_plain(plain).verbatim(true)])
    }

    pub(super) fn order(&mut self, heard: &Heard<'_>) -> Vec<Step> {
        if let Some(steps) = self.cancel_placed(heard) {
            return steps;
        }
        if let Some(step) = self.one_of_offered(heard) {
            return vec![step];
        }
        let mut steps = Vec::new();
        if !heard.edits.is_empty() {
            steps.extend(orders::edit(self, heard.edits.clone(), Consent::NotAsked));
        }
        if heard.shows_order {
            steps.push(self.using(ToolName::ViewCart, json!({}), |turn| (bill::tell_cart(turn), true)));
        }
        for words in &heard.problems {
            let plain = format!("I can't put {words} on an order. How many would you like?");
            steps.push(Step::new(Act::DeclineRule).fact(plain.clone()).point(plain.clone(), [plain]));
        }
        for unknown in &heard.unknown {
            let asked =
                dishes::Asked { hits: &unknown.near, avoid: self.cart.allergies().clone(), ..dishes::Asked::default() };
            // "Ketchup, please" is no dish, yet the house has it.
            let words = plain_words(&unknown.words);
            steps.push(match extras::named(&self.world.menu, &words) {
                Some(extra) => extras::tell(&self.world.menu, &extra),
                // "And a high chair": a matter for the house.
                None if phrases::asks_for_tableware(&words) => {
                    let embedding = heard.parts.first().map_or(&[][..], |part| &part.embedding);
                    self.tell_store(heard.text, embedding)
                }
                None => dishes::decline(&self.world.menu, &unknown.words, &asked),
            });
        }
        if let Some(question) = &heard.which {
            steps.push(orders::ask(question));
        }
        if steps.is_empty() && heard.intent == Intent::Cancel {
            // What is to go was not said: the order is too much to lose by a guess.
            steps.push(if self.cart.is_empty() {
                bill::tell_cart(self)
            } else {
                self.memory.pending = Some(Pending::Clear);
                Step::new(Act::AskAgain).or_plain("Shall I cancel your whole order?").verbatim(true)
            });
        }
        if steps.is_empty() && heard.intent == Intent::Remove {
            steps.push(bill::tell_cart(self));
        }
        if steps.is_empty() && heard.intent == Intent::Order && heard.form == Form::YesNo {
            // "Can I still change my order?": a question that orders nothing.
            let told = heard.parts.first().map(|part| self.tell_store(part.text, &part.embedding));
            steps.extend(told.filter(|step| step.act == Act::TellStore));
        }
        if steps.is_empty() && heard.intent == Intent::Order {
            steps.extend(self.sizes_of_last(heard));
        }
        if steps.is_empty() && heard.intent == Intent::Order {
            steps.extend(self.nothing_named(heard));
        }
        if steps.is_empty()
            && heard.intent == Intent::Order
            && heard.text.split_whitespace().count() < FEW_WORDS
            && !says(&heard.words, "no | wait | nope")
            && place::names_subject(&self.world.info, &heard.words)
        {
            // "Pay by card": what is on no menu, and the house has a record of it.
            let told = heard.parts.first().map(|part| self.tell_store(part.text, &part.embedding));
            steps.extend(told.filter(|step| step.act == Act::TellStore));
        }
        if steps.is_empty() && heard.intent == Intent::Order {
            // "I'd like to order": nothing named yet.
            steps.push(match orders::open_question(self) {
                Some(step) => step,
                None if self.cart.is_empty() => {
                    Step::new(Act::AskAgain).or_plain("Of course! What would you like to order?")
                }
                None => Step::new(Act::AskAgain).or_plain("Of course! What else would you like?"),
            });
        }
        steps
    }

    /// "Regular" of something that comes small or large: which sizes there are.
    fn sizes_of_last(&self, heard: &Heard<'_>) -> Option<Step> {
        const SIZES: &str = "small medium large regular big little tall short grande venti standard normal";
        const AROUND: &str = "please one a the then ok okay make it size sized i want that";
        let words = &heard.words;
        let size = words.iter().any(|word| among(word, SIZES));
        if !size || !words.iter().all(|word| among(word, SIZES) || among(word, AROUND)) {
            return None;
        }
        let line = self.memory.last_line.and_then(|line| self.cart.line(line))?;
        let item = self.world.menu.item(&line.item)?;
        let has = line.size.as_ref().map(|size| size.name.to_lowercase());
        if let Some(size) = has.filter(|size| words.contains(size)) {
            let plain = format!("{} is {size} already. Anything else?", item.name);
            return Some(Step::new(Act::AskAgain).fact(plain.clone()).or_plain(plain).verbatim(true));
        }
        let sizes: Vec<&str> = item.sizes.iter().map(|size| size.name.as_str()).collect();
        if sizes.is_empty() {
            let plain = format!("{} comes in one size.", item.name);
            return Some(Step::new(Act::DeclineRule).fact(plain.clone()).or_plain(plain).verbatim(true));
        }
        Some(orders::ask(&format!(
            "{} comes as {}. Which would you like?",
            item.name,
            listing(&sizes, "or").to_lowercase()
        )))
    }

    /// "One of those, please", where several were offered: which one is asked.
    fn one_of_offered(&self, heard: &Heard<'_>) -> Option<Step> {
        const ONE: &str = "ok okay yes i i'll i'd take have want like one two of those them these that this it please give me can get try let's \
            do go with";
        let menu = &self.world.menu;
        let words = &heard.words;
        let one = || says(words, "one | two | that | this | it") && words.iter().all(|word| among(word, ONE));
        let open = heard.edits.is_empty() && self.memory.offered.len() > 1 && self.cart.needs(menu).is_empty();
        if !open || !(heard.reply == Some(Answer::Yes) || one()) {
            return None;
        }
        Some(orders::ask_which(menu, "Which one would you like", &self.memory.offered))
    }

    /// What an order that names no dish may mean: the end of the order, a kind of dish.
    fn nothing_named(&mut self, heard: &Heard<'_>) -> Vec<Step> {
        let menu = &self.world.menu;
        let words = &heard.words;
        const NO_MORE: &str = "no nope nah thanks thank you nothing not now that's thats all it please";
        if heard.reply == Some(Answer::No) && !self.cart.is_empty() && words.iter().all(|word| among(word, NO_MORE)) {
            return orders::ask_place(self);
        }
        if !self.cart.is_empty() && self.memory.pending.is_none() && phrases::is_content(words) {
            return orders::ask_place(self);
        }
        let refuses = says(words, "no | not | without | don't | never");
        if !refuses && (heard.form == Form::Statement || heard.wants() || words.len() <= FEW_WORDS) {
            if let Some(extra) = extras::named(menu, words) {
                return vec![extras::tell(menu, &extra)];
            }
            if headings::category_named(menu, words).is_some()
                && let Some(part) = heard.parts.first()
            {
                let asked = self.asked(part);
                return self.tell_dishes(&part.embedding, of_type(RecordType::Menu), asked);
            }
        }
        Vec::new()
    }
}
