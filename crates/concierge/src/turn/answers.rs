//! What each thing that was heard is answered with.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    Answer, Turn, asking,
    aspect::{self, Aspect},
    bill, budget,
    calls::of_type,
    chat, dishes, headings,
    heard::Heard,
    orders, phrases, place, quote, ranking, settled,
    wording::{among, plain_words, says},
};
use crate::{
    brief::{Act, Step},
    intent::{AgentName, Intent},
    ledger::{Consent, Question},
    menu::{Course, ItemId},
    order::Edit,
    ports::RecordType,
    tools::ToolName,
    understand::Form,
};

/// Surer than this, the router's questions about the place are about the place.
const SURE_OF_PLACE: f32 = 0.8;

/// Longer questions, in words, ask of the whole menu.
const MOST_OF_OFFERED: usize = 7;

impl Turn<'_> {
    /// Allergies and diets that the guest states hold for the whole conversation.
    pub(super) fn note_wishes(&mut self, heard: &Heard<'_>) -> Vec<Step> {
        let mut noted = Vec::new();
        for allergen in &heard.allergies {
            if !self.cart.allergies().contains(allergen)
                && let Ok(events) = self.cart.declare_allergy(allergen)
            {
                self.record(events);
                noted.push(allergen.clone());
            }
        }
        let words = &heard.words;
        for diet in heard.diets.iter().filter(|diet| heard.states_diet && !is_of_some(words, diet)) {
            if !self.cart.diets().contains(diet)
                && let Ok(events) = self.cart.declare_diet(diet)
            {
                self.record(events);
            }
        }
        if noted.is_empty() {
            return Vec::new();
        }
        let what = crate::ledger::list_words(&noted);
        let plain = format!(
            "I've noted your allergy: {what}. I'll warn you of every dish that lists it.{}",
            // An answer about dishes says so itself.
            if heard.parts.iter().any(|part| part.intent == Intent::MenuQa) {
                ""
            } else {
                " Please tell our staff as well."
            }
        );
        let mut steps = vec![Step::new(Act::NoteAllergy).or_plain(plain)];
        // What is on the order already is told of at once, not only at placing.
        let conflicts = crate::ledger::conflicts(&self.world.menu, &self.cart);
        if !conflicts.is_empty() {
            let warnings: Vec<String> = conflicts.iter().map(ToString::to_string).collect();
            let plain = format!("Please mind your order: {}.", crate::ledger::list_words(&warnings));
            steps.push(Step::new(Act::WarnAllergy).or_plain(plain));
        }
        steps
    }

    pub(super) fn answer(&mut self, heard: &Heard<'_>) -> Vec<Step> {
        if let Some(steps) = budget::go_on(self, heard) {
            return steps;
        }
        if let Some(steps) = self.answer_pending(heard) {
            return steps;
        }
        if let Some(steps) = self.leave_open(heard) {
            return steps;
        }
        if let Some(edits) = self.left_to_us(heard) {
            return orders::edit(self, edits, Consent::NotAsked);
        }
        if let Some(edit) = self.ranked_offer(heard).or_else(|| self.taken_offer(heard)) {
            return orders::edit(self, vec![edit], Consent::NotAsked);
        }
        if let Some(step) = self.extra_of_told(heard) {
            return vec![step];
        }
        if chat::is_foreign(heard.text) {
            return vec![place::english_only(&self.world.info, &self.world.menu.name)];
        }
        if !self.cart.allergies().is_empty() && says(&heard.words, settled::NOT_ALLERGIC) {
            return vec![self.keeps_allergy()];
        }
        if heard.edits.is_empty() && self.memory.complaint.is_none() && chat::dislikes(heard.text) {
            return vec![chat::leave_out()];
        }
        if chat::makes_prices(heard.text) {
            return vec![chat::fixed_prices()];
        }
        let open = self.memory.complaint.as_ref().is_some_and(|complaint| heard.continues_complaint(complaint));
        if heard.intent == Intent::Complaint || open || (self.memory.handed_over && self.waits_for_staff(heard)) {
            return self.complaint(heard.text, heard.reply);
        }
        let mut steps = Vec::new();
        for (at, part) in heard.parts.iter().enumerate() {
            let words = plain_words(part.text);
            let behind_place = at > 0 && heard.parts[at - 1].intent == Intent::StoreInfo;
            match part.intent {
                // "Is there parking, and is it free?": the record before tells both.
                Intent::MenuQa if behind_place && part.refers_back && part.names_nothing() => {}
                // "Two classics, how much is that?": what was just added was told with its total.
                Intent::MenuQa
                    if at > 0
                        && heard.parts[at - 1].intent == Intent::Order
                        && !heard.edits.is_empty()
                        && part.names_nothing()
                        && Aspect::of(&words) == Aspect::Price => {}
                // "I don't know" to a question about the order: it is asked once more.
                Intent::MenuQa
                    if heard.form == Form::Statement
                        && part.names_nothing()
                        && !self.cart.needs(&self.world.menu).is_empty() =>
                {
                    steps.extend(orders::open_question(self));
                }
                Intent::Order | Intent::Remove | Intent::Cancel => steps.extend(self.order(heard)),
                // "A receipt, please": how orders are told of comes from the house's own record of it.
                Intent::History
                    if says(&words, "receipt | invoice | receipts")
                        || (self.cart.is_empty() && says(&words, "bill")) =>
                {
                    steps.push(self.tell_store(part.text, &part.embedding));
                }
                Intent::History => {
                    let taxed = says(&words, phrases::TAX).then(|| bill::tell_tax(self)).flatten();
                    steps.extend(self.using(ToolName::OrderStatus, json!({}), |turn| {
                        (taxed.map_or_else(|| bill::history(turn), |step| vec![step]), true)
                    }));
                }
                // "Halal?" where no dish is marked so is a question for the house, if it has an answer.
                Intent::MenuQa
                    if part.items.is_empty()
                        && self.no_dish_has(&part.diets)
                        && part.diets.iter().any(|diet| place::knows(&self.world.info, diet)) =>
                {
                    steps.push(self.tell_store(part.text, &part.embedding));
                }
                Intent::MenuQa if settled::says_too_little(part.text) => steps.push(chat::ask_again()),
                // What is no dish, and what dishes are no answer to, may stand in the house's records.
                Intent::MenuQa if self.asks_the_house(part) => {
                    let told = place::names_subject(&self.world.info, &words) || self.memory.told.is_some();
                    steps.push(if told { self.tell_store(part.text, &part.embedding) } else { place::unknown() });
                }
                Intent::MenuQa => {
                    let mut filter = of_type(RecordType::Menu);
                    filter.diet = part.diets.iter().next().cloned();
                    let asked = self.asked(part);
                    let quoted = match Aspect::of(&words) {
                        Aspect::Price => quote::quote(self, part, &words),
                        Aspect::Calories if part.names_nothing() => quote::calories(self, &words),
                        _ => None,
                    };
                    let told = match quoted {
                        Some(step) => vec![step],
                        None => self.tell_dishes(&part.embedding, filter, asked),
                    };
                    self.memory.talk_of(orders::items_of(&told));
                    steps.extend(told);
                }
                // What the router is sure to be about the place is no dish that is not sold.
                Intent::StoreInfo
                    if part.confidence < SURE_OF_PLACE
                        && !phrases::asks_for_tableware(&words)
                        && part.unknown.as_ref().is_some_and(|thing| !place::knows(&self.world.info, thing)) =>
                {
                    let asked = self.asked(part);
                    steps.extend(self.tell_dishes(&part.embedding, of_type(RecordType::Menu), asked));
                }
                Intent::StoreInfo => {
                    steps.push(self.tell_store(part.text, &part.embedding));
                }
                Intent::Budget => steps.extend(budget::answer(self, part.text)),
                Intent::Complaint => steps.extend(self.complaint(part.text, heard.reply)),
                Intent::Greeting if heard.parts.len() > 1 && !chat::asks_who(&words) => {}
                // Whoever leaves with an order that is not placed is asked about it.
                Intent::Greeting
                    if chat::takes_leave(&words) && !self.cart.is_empty() && self.memory.complaint.is_none() =>
                {
                    steps.extend(orders::ask_before_leaving(self));
                }
                Intent::Greeting if chat::asks_help(&words) && orders::open_question(self).is_some() => {
                    steps.extend(orders::open_question(self));
                }
                Intent::Greeting => {
                    let manager = self.memory.complaint.is_some();
                    let persona = self.world.personas.of(if manager { AgentName::Gordon } else { AgentName::Rosy });
                    let first = self.memory.turns == 0;
                    steps.push(chat::greeting(&self.world.menu, persona, manager, part.text, first));
                }
                Intent::OffTopic => {
                    let manager = self.memory.complaint.is_some();
                    steps.push(chat::off_topic(&self.world.menu, manager, self.memory.turns));
                }
            }
        }
        steps.dedup_by(|a, b| a == b);
        steps
    }

    /// An allergy that was told stays noted, whoever at the table has it: forgetting it could hurt somebody.
    fn keeps_allergy(&self) -> Step {
        let kept: Vec<&str> = self.cart.allergies().iter().map(String::as_str).collect();
        let plain = format!(
            "All right. I'll go on warning you of {}, so that nobody at your table gets it by mistake. What would you like?",
            crate::ledger::listing(&kept, "and")
        );
        Step::new(Act::NoteAllergy).or_plain(plain)
    }

    /// A no to "which one would you like?" takes the thing off again, one to "which cheese?" takes the cheese off.
    fn leave_open(&mut self, heard: &Heard<'_>) -> Option<Vec<Step>> {
        if heard.reply != Some(Answer::No) || !heard.edits.is_empty() || self.memory.complaint.is_some() {
            return None;
        }
        // "No, I said sprite" takes nothing off.
        const ONLY_NO: &str = "no nope nah thanks thank you nothing none not now never mind nevermind i don't dont want need any \
            of them it that neither actually anymore sorry please either leave";
        if !heard.words.iter().all(|word| among(word, ONLY_NO)) {
            return None;
        }
        let need = self.cart.needs(&self.world.menu).into_iter().next()?;
        let line = need.line;
        let edit = if matches!(need.question, Question::Item { .. }) {
            Edit::Remove { line, quantity: None }
        } else {
            let wanted = self.cart.line(line)?.as_order();
            let mut with = wanted.clone();
            with.options.retain(|option| option.choice.one().is_some());
            with.without.retain(|left| left.choice.one().is_some());
            // What the dish cannot be made without is asked again.
            (with != wanted).then_some(Edit::Replace { line, with })?
        };
        Some(orders::edit(self, vec![edit], Consent::NotAsked))
    }

    /// Whether a guest who waits for a person says something that the person is to answer.
    fn waits_for_staff(&self, heard: &Heard<'_>) -> bool {
        /// Less sure than this of what is meant, a person had better read it.
        const SURE: f32 = 0.5;
        // "The classic" goes on with what was told, as long as nothing is being ordered.
        let told = || heard.text.trim_start().to_lowercase().starts_with("the ") && !heard.wants();
        match heard.intent {
            Intent::Order if self.cart.is_empty() && (told() || heard.says_nothing_new()) => true,
            _ if heard.confidence < SURE && heard.reply.is_none() => true,
            Intent::OffTopic => true,
            Intent::Greeting => !chat::is_thanks_or_bye(heard.text),
            Intent::History => self.cart.is_empty() && self.cart.orders().is_empty(),
            _ => false,
        }
    }

    /// Whether diets are named that no dish of the menu is marked with.
    fn no_dish_has(&self, diets: &BTreeSet<String>) -> bool {
        let marked = |diet: &String| self.world.menu.items.iter().any(|item| item.is_marked(diet));
        !diets.is_empty() && !diets.iter().any(marked)
    }

    /// Whether the records of the house are to answer a question that the router took for one about dishes.
    fn asks_the_house(&self, part: &asking::Part<'_>) -> bool {
        let words = plain_words(part.text);
        if let Some(thing) = &part.unknown {
            let wants = says(&words, "can i get | can i have | could i get | could i have | i want | i'd like");
            return !wants && place::knows(&self.world.info, thing);
        }
        let of_before = part.goes_on.is_some() || (part.refers_back && !self.memory.talked_of.is_empty());
        let safe = phrases::asks_if_safe(&words) && !self.cart.allergies().is_empty();
        part.names_nothing()
            && !of_before
            && !safe
            && aspect::asks_a_fact(&words)
            && headings::category_named(&self.world.menu, &words).is_none()
    }

    /// What the last reply told of; where it told of nothing, the dish spoken of last.
    fn told_last(&self) -> &[ItemId] {
        let talked_of = &self.memory.talked_of;
        if self.memory.offered.is_empty() { &talked_of[..talked_of.len().min(1)] } else { &self.memory.offered }
    }

    pub(super) fn asked<'b>(&self, part: &'b asking::Part<'_>) -> dishes::Asked<'b> {
        let words = plain_words(part.text);
        let mut named = part.items.clone();
        // "How much are they?", "what's the difference?" of those among which the guest is to choose.
        let open = self.cart.needs(&self.world.menu).into_iter().next().and_then(|need| match need.question {
            Question::Item { any_of } => Some(any_of),
            _ => None,
        });
        let category = headings::category_named(&self.world.menu, &words);
        let free = part.names_nothing() && category.is_none();
        let mut among = Vec::new();
        let whole_order = part.items.is_empty() && says(&words, quote::ORDERED) && !self.cart.lines().is_empty();
        // "Which of them are vegan?" of those to choose from, or of those told of.
        let of_several = part.items.is_empty() && part.unknown.is_none() && category.is_none() && part.compares();
        let sought = free && ranking::sought(&words).is_some();
        if whole_order {
            named = self.cart.lines().iter().map(|line| vec![line.item.clone()]).collect();
            named.dedup();
        } else if (free && Aspect::of(&words).ranks() && words.len() <= MOST_OF_OFFERED) || sought {
            among = open.unwrap_or_else(|| self.memory.offered.clone());
            among.retain(|_| sought || part.compares() || words.len() <= 3);
        } else if let Some(open) = open.filter(|_| of_several) {
            named = vec![open];
        } else if of_several
            && !part.diets.is_empty()
            && self.memory.offered.len() > 1
            && words.len() <= MOST_OF_OFFERED
        {
            named = vec![self.memory.offered.clone()];
        } else if let ([only], true) = (self.told_last(), is_bare_mark(part, &words)) {
            // "Vegan?" of the one thing that was told of.
            named = vec![vec![only.clone()]];
        } else if let Some(item) = phrases::place_of(&words).and_then(|at| self.memory.offered.get(at))
            && named.is_empty()
        {
            named = vec![vec![item.clone()]];
        } else if part.refers_back && says(&words, "come with | comes with | served with | include | includes") {
            // "Does it come with fries?" asks of the dish before, and of fries only as far as they are beside it.
            let menu = &self.world.menu;
            let beside = |id: &ItemId| menu.item(id).is_some_and(|item| item.course != Course::Main);
            if let Some(before) = self.memory.talked_of.first() {
                named.retain(|ids| ids.iter().all(beside) && !ids.contains(before));
                named.insert(0, vec![before.clone()]);
            }
        } else if named.is_empty()
            && part.unknown.is_none()
            && (part.refers_back || (free && (part.goes_on.is_some() || Aspect::of_one_alone(&words))))
        {
            named = self.memory.talked_of.iter().take(1).map(|item| vec![item.clone()]).collect();
        }
        // "What is the difference to the other?" is told of both.
        if let ([ids], Some(before)) = (named.as_slice(), self.memory.talked_of.first())
            && says(
                &words,
                "difference to | difference from | difference with | compared to | compared with | better than",
            )
            && !ids.contains(before)
        {
            named.insert(0, vec![before.clone()]);
        }
        let mut diets = part.diets.clone();
        if named.is_empty() {
            diets.extend(self.cart.diets().iter().cloned());
        }
        let avoid = self.cart.allergies().clone();
        // "Is it safe?" of a guest who told of an allergy.
        let mut allergens = part.allergens.clone();
        if allergens.is_empty() && phrases::asks_if_safe(&words) {
            allergens.clone_from(&avoid);
            named.retain(|_| self.memory.offered.len() < 2);
        }
        dishes::Asked {
            text: part.goes_on.as_deref().filter(|_| category.is_none()).unwrap_or(part.text),
            named,
            hits: &[],
            diets,
            allergens,
            avoid,
            unknown: part.unknown.clone(),
            among,
            about: self.memory.talked_of.first().filter(|_| part.refers_back).cloned(),
            max_price: phrases::price_bound(self.world, part.text, &words),
        }
    }
}

/// Whether a diet is told of some of a party and not of the guest: "we are four, one vegan", but not "we are two vegans".
fn is_of_some(words: &[String], diet: &str) -> bool {
    let counted = |word: &str| word == "one" || crate::check::number(word).is_some();
    let mut pairs = words.windows(2).enumerate();
    pairs.any(|(at, pair)| {
        let of_all = at.checked_sub(1).is_some_and(|before| among(&words[before], "are we're were"));
        counted(&pair[0]) && pair[1].starts_with(diet) && !of_all
    })
}

/// Whether a question is a diet or an allergen and nothing else: "vegan?", "gluten free?".
fn is_bare_mark(part: &asking::Part<'_>, words: &[String]) -> bool {
    const MOST: usize = 2;
    let marked = !part.diets.is_empty() || !part.allergens.is_empty();
    marked && part.items.is_empty() && words.len() <= MOST
}
