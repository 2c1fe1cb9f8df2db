//! One turn: from a guest's words to what is decided and what may be said.
//!
//! [`decide`] reads the words (router and parser), looks up what is asked, lets the ledger decide about the cart, and
//! hands over a [`Decision`]: the events to store and the [`Brief`] of the reply. Nothing here calls the model.

mod asking;
mod budget;
mod calls;
mod chat;
mod clauses;
mod complaints;
mod diets;
mod dishes;
mod facts;
mod grievances;
mod heard;
mod memory;
mod orders;
mod pending;
mod place;
mod settled;
pub(crate) mod wording;
mod world;

use crate::{
    brief::{Act, Brief, Step},
    intent::{AgentName, Intent},
    ledger::{Cart, Checkout, ComplaintKind, Consent, Event, Need, OrderId, PlacedOrder, Question},
    order::Edit,
    ports::{Embedder, RecordType, Retriever},
    store_info::Weekday,
    tools::{Call, ToolName, Used, args::OpenTicket},
    understand::Form,
};
use calls::of_type;
use heard::Heard;
use serde_json::json;
use wording::plain_words;

pub use calls::{Behind, Called, call};
pub use memory::{Complaint, Memory, Pending, Wish};
pub use world::World;

/// The moment of a turn in the restaurant's own time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalNow {
    /// The day.
    pub weekday: Weekday,
    /// Minutes since midnight.
    pub minutes: u16,
}

/// Where placed orders are kept.
pub trait Register {
    /// Stores the turn's events and the order in one transaction. When it returns, the order is on disk.
    ///
    /// # Errors
    /// Why it could not be stored, in words for the guest; nothing was stored then.
    fn place(&self, events: &[Event], checkout: &Checkout) -> Result<PlacedOrder, String>;
    /// How far an order is: `received`, `preparing`, `ready` or `served`.
    fn state(&self, order: OrderId) -> Option<&'static str>;
}

/// What a turn reaches outside for.
pub struct Ports<'a> {
    /// Makes vectors of the guest's words.
    pub embedder: &'a dyn Embedder,
    /// Finds entries of the knowledge.
    pub retriever: &'a dyn Retriever,
    /// Keeps orders.
    pub register: &'a dyn Register,
    /// Time since some moment, by which calls are timed.
    pub stopwatch: &'a dyn Fn() -> std::time::Duration,
}

/// What a turn begins with.
pub struct Input<'a> {
    /// The guest's words, bounded by whoever received them.
    pub text: &'a str,
    /// The cart as stored.
    pub cart: Cart,
    /// The conversation's memory as stored.
    pub memory: Memory,
    /// The time at the restaurant.
    pub now: LocalNow,
    /// Seconds since 1970.
    pub unix_now: i64,
}

/// What a turn decided.
#[derive(Debug)]
pub struct Decision {
    /// What the guest wants, most of all.
    pub intent: Intent,
    /// How sure the router is of it, 0 to 1.
    pub confidence: f32,
    /// What the reply is to do.
    pub brief: Brief,
    /// Events to store; those of a placed order are stored already.
    pub events: Vec<Event>,
    /// The cart after them.
    pub cart: Cart,
    /// The memory to store.
    pub memory: Memory,
    /// The order placed in this turn.
    pub placed: Option<PlacedOrder>,
    /// A ticket to open for the staff.
    pub ticket: Option<Ticket>,
    /// A meal proposed in this turn.
    pub plan: Option<crate::planner::Plan>,
    /// The tools that were used, in this order.
    pub used: Vec<Used>,
    /// Whether the understanding step is at a loss, so that a model may try: nothing was understood or done.
    pub open: bool,
    /// Whether the knowledge could not be searched: answers rest on the menu alone.
    pub degraded: bool,
}

/// A ticket for the staff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// What the complaint is about.
    pub kind: ComplaintKind,
    /// The order, where it is known.
    pub order: Option<OrderId>,
}

/// A yes or a no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
}

/// What a message is heard against.
struct Scene<'a, 'b> {
    input: &'b Input<'a>,
    /// The first question that the cart leaves open.
    need: Option<Need>,
}

impl<'a, 'b> Scene<'a, 'b> {
    fn new(world: &World, input: &'b Input<'a>) -> Self {
        Self { input, need: input.cart.needs(&world.menu).into_iter().next() }
    }
}

/// The turn under way.
struct Turn<'a> {
    world: &'a World,
    ports: &'a Ports<'a>,
    register: &'a dyn Register,
    cart: Cart,
    memory: Memory,
    events: Vec<Event>,
    placed: Option<PlacedOrder>,
    ticket: Option<Ticket>,
    plan: Option<crate::planner::Plan>,
    used: Vec<Used>,
    degraded: bool,
    now: LocalNow,
    unix_now: i64,
}

/// Surer than this, the router's questions about the place are about the place.
const SURE_OF_PLACE: f32 = 0.8;

/// Dishes looked up for one question, and facts about the place.
const HITS: usize = 6;

/// Decides a turn. It always comes to a decision: where the knowledge cannot be searched, the menu still answers.
#[must_use]
pub fn decide(world: &World, ports: &Ports<'_>, input: Input<'_>) -> Decision {
    let mut degraded = false;
    let waiting = input.memory.handed_over;
    let heard = Heard::listen(world, ports, &Scene::new(world, &input), &mut degraded);
    let mut turn = Turn::new(world, ports, input);
    turn.degraded = degraded;
    let mut steps = turn.note_wishes(&heard);
    steps.extend(turn.answer(&heard));
    if steps.is_empty() {
        steps.push(chat::ask_again());
    }
    if waiting {
        // A person has the conversation: what concerns the order is still done and told, but no model speaks.
        steps = steps.into_iter().map(|step| step.verbatim(true)).collect();
    }
    turn.memory.talk_of(orders::items_of(&steps));
    turn.memory.offer(&steps);
    if !heard.edits.is_empty() {
        let changes = |edit: &&Edit| matches!(edit, Edit::SetOption { .. } | Edit::Leave { .. } | Edit::SetSize { .. });
        turn.memory.changed = heard.edits.iter().filter(changes).cloned().collect();
    }
    turn.memory.turns += 1;
    turn.memory.agent = turn.agent(heard.intent, &steps);
    turn.decided(heard.intent, heard.confidence, steps)
}

impl<'a> Turn<'a> {
    fn new(world: &'a World, ports: &'a Ports<'a>, input: Input<'_>) -> Self {
        Self {
            world,
            ports,
            register: ports.register,
            cart: input.cart,
            memory: input.memory,
            events: Vec::new(),
            placed: None,
            ticket: None,
            plan: None,
            used: Vec::new(),
            degraded: false,
            now: input.now,
            unix_now: input.unix_now,
        }
    }

    fn decided(self, intent: Intent, confidence: f32, steps: Vec<Step>) -> Decision {
        // A refusal of a subject, or a question back, and nothing done: that is being at a loss.
        let at_a_loss = |step: &Step| matches!(step.act, Act::AskAgain | Act::Steer | Act::AdmitUnknown);
        Decision {
            intent,
            confidence,
            open: self.events.is_empty() && self.memory.pending.is_none() && steps.iter().all(at_a_loss),
            brief: Brief::new(self.memory.agent, steps),
            events: self.events,
            cart: self.cart,
            memory: self.memory,
            placed: self.placed,
            ticket: self.ticket,
            plan: self.plan,
            used: self.used,
            degraded: self.degraded,
        }
    }
}

impl Turn<'_> {
    /// Who answers: the manager takes complaints and keeps them until they are settled.
    fn agent(&self, intent: Intent, steps: &[Step]) -> AgentName {
        let serious = steps.iter().any(|step| {
            matches!(
                step.act,
                Act::AskComplaint | Act::OfferRemedy | Act::ConfirmRemedy | Act::Escalate | Act::Apologise
            )
        });
        if intent == Intent::Complaint || self.memory.complaint.is_some() || serious {
            AgentName::Gordon
        } else {
            AgentName::Rosy
        }
    }

    /// Allergies and diets that the guest states hold for the whole conversation.
    fn note_wishes(&mut self, heard: &Heard<'_>) -> Vec<Step> {
        let mut noted = Vec::new();
        for allergen in &heard.allergies {
            if !self.cart.allergies().contains(allergen)
                && let Ok(events) = self.cart.declare_allergy(allergen)
            {
                self.record(events);
                noted.push(allergen.clone());
            }
        }
        for diet in heard.diets.iter().filter(|_| heard.states_diet) {
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

    fn answer(&mut self, heard: &Heard<'_>) -> Vec<Step> {
        if let Some(steps) = budget::go_on(self, heard) {
            return steps;
        }
        if let Some(steps) = self.answer_pending(heard) {
            return steps;
        }
        if let Some(steps) = self.leave_open(heard) {
            return steps;
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
            let behind_place = at > 0 && heard.parts[at - 1].intent == Intent::StoreInfo;
            match part.intent {
                // "Is there parking, and is it free?": the record before tells both.
                Intent::MenuQa if behind_place && part.refers_back && part.names_nothing() => {}
                // "I don't know" to a question about the order: it is asked once more.
                Intent::MenuQa
                    if heard.form == Form::Statement
                        && part.names_nothing()
                        && !self.cart.needs(&self.world.menu).is_empty() =>
                {
                    steps.extend(orders::open_question(self));
                }
                Intent::Order | Intent::Remove | Intent::Cancel => steps.extend(self.order(heard)),
                Intent::History => {
                    steps.extend(self.using(ToolName::OrderStatus, json!({}), |turn| (orders::history(turn), true)));
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
                Intent::MenuQa => {
                    let mut filter = of_type(RecordType::Menu);
                    filter.diet = part.diets.iter().next().cloned();
                    let asked = self.asked(part);
                    let told = self.tell_dishes(&part.embedding, filter, asked);
                    // What the next part of the message calls "it".
                    self.memory.talk_of(orders::items_of(&told));
                    steps.extend(told);
                }
                // What the router is sure to be about the place is no dish that is not sold.
                Intent::StoreInfo
                    if part.confidence < SURE_OF_PLACE
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
                Intent::Greeting if heard.parts.len() > 1 && !chat::asks_who(&plain_words(part.text)) => {}
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

    /// A no to "which one would you like?" takes the thing off again.
    fn leave_open(&mut self, heard: &Heard<'_>) -> Option<Vec<Step>> {
        if heard.reply != Some(Answer::No) || !heard.edits.is_empty() || self.memory.complaint.is_some() {
            return None;
        }
        let need = self.cart.needs(&self.world.menu).into_iter().next()?;
        let undecided = matches!(need.question, Question::Item { .. });
        undecided.then(|| orders::edit(self, vec![Edit::Remove { line: need.line, quantity: None }], Consent::NotAsked))
    }

    /// Whether a guest who waits for a person says something that the person is to answer.
    fn waits_for_staff(&self, heard: &Heard<'_>) -> bool {
        /// Less sure than this of what is meant, a person had better read it.
        const SURE: f32 = 0.5;
        // "The classic" goes on with what was told, as long as nothing is being ordered.
        let told = || heard.text.trim_start().to_lowercase().starts_with("the ") && !heard.wants();
        match heard.intent {
            Intent::Order if self.cart.is_empty() && told() => true,
            _ if heard.confidence < SURE && heard.reply.is_none() => true,
            Intent::OffTopic => true,
            Intent::Greeting => !chat::is_thanks_or_bye(heard.text),
            Intent::History => self.cart.is_empty() && self.cart.orders().is_empty(),
            _ => false,
        }
    }

    /// Whether diets are named that no dish of the menu is marked with.
    fn no_dish_has(&self, diets: &std::collections::BTreeSet<String>) -> bool {
        let marked = |diet: &String| {
            self.world.menu.items.iter().filter_map(|item| item.diets.as_ref()).any(|diets| diets.contains(diet))
        };
        !diets.is_empty() && !diets.iter().any(marked)
    }

    fn asked<'b>(&self, part: &'b asking::Part<'_>) -> dishes::Asked<'b> {
        let mut named = part.items.clone();
        // "How much are they?", "what's the difference?" of those among which the guest is to choose.
        let among = self.cart.needs(&self.world.menu).into_iter().next().and_then(|need| match need.question {
            Question::Item { any_of } => Some(any_of),
            _ => None,
        });
        if let Some(among) = among.filter(|_| part.names_nothing() && part.compares()) {
            named = vec![among];
        } else if named.is_empty() && part.refers_back {
            named = self.memory.talked_of.iter().take(1).map(|item| vec![item.clone()]).collect();
        }
        let mut diets = part.diets.clone();
        if named.is_empty() {
            diets.extend(self.cart.diets().iter().cloned());
        }
        let avoid = self.cart.allergies().clone();
        dishes::Asked {
            text: part.text,
            named,
            hits: &[],
            diets,
            allergens: part.allergens.clone(),
            avoid,
            unknown: part.unknown.clone(),
        }
    }

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
        let state = orders::state_words(state);
        let call = Call::OpenTicket(OpenTicket { kind: ComplaintKind::Other, order_number: Some(number) });
        self.memory.pending = Some(Pending::Call { call: Box::new(call) });
        let plain = format!(
            "Your order number {number} is placed already and {state}, so I can't cancel it myself. Shall I ask our staff to?"
        );
        Some(vec![Step::new(Act::DeclineRule).or_plain(plain).verbatim(true)])
    }

    fn order(&mut self, heard: &Heard<'_>) -> Vec<Step> {
        if let Some(steps) = self.cancel_placed(heard) {
            return steps;
        }
        let mut steps = Vec::new();
        if !heard.edits.is_empty() {
            steps.extend(orders::edit(self, heard.edits.clone(), Consent::NotAsked));
        }
        if heard.shows_order {
            steps.push(self.using(ToolName::ViewCart, json!({}), |turn| (orders::tell_cart(turn), true)));
        }
        for words in &heard.problems {
            let plain = format!("I can't put {words} on an order. How many would you like?");
            steps.push(Step::new(Act::DeclineRule).fact(plain.clone()).point(plain.clone(), [plain]));
        }
        for unknown in &heard.unknown {
            let asked =
                dishes::Asked { hits: &unknown.near, avoid: self.cart.allergies().clone(), ..dishes::Asked::default() };
            steps.push(dishes::decline(&self.world.menu, &unknown.words, &asked));
        }
        if let Some(question) = &heard.which {
            steps.push(
                Step::new(Act::AskWhich)
                    .fact(format!("To ask: {question}"))
                    .point(question.clone(), [question.clone()]),
            );
        }
        if steps.is_empty() && heard.intent == Intent::Cancel {
            // What is to go was not said: the order is too much to lose by a guess.
            steps.push(if self.cart.is_empty() {
                orders::tell_cart(self)
            } else {
                self.memory.pending = Some(Pending::Clear);
                Step::new(Act::AskAgain).or_plain("Shall I cancel your whole order?").verbatim(true)
            });
        }
        if steps.is_empty() && heard.intent == Intent::Remove {
            steps.push(orders::tell_cart(self));
        }
        if steps.is_empty() && heard.intent == Intent::Order && heard.form == Form::YesNo {
            // "Can I still change my order?": a question that orders nothing.
            let told = heard.parts.first().map(|part| self.tell_store(part.text, &part.embedding));
            steps.extend(told.filter(|step| step.act == Act::TellStore));
        }
        if steps.is_empty() && heard.intent == Intent::Order {
            // "I'd like to order": nothing named yet.
            steps.push(match orders::open_question(self) {
                Some(step) => step,
                None => Step::new(Act::AskAgain).or_plain("Of course! What would you like to order?"),
            });
        }
        steps
    }
}
