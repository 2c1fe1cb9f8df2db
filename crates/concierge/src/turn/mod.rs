//! One turn: from a guest's words to what is decided and what may be said.
//!
//! [`decide`] reads the words (router and parser), looks up what is asked, lets the ledger decide about the cart, and
//! hands over a [`Decision`]: the events to store and the [`Brief`] of the reply. Nothing here calls the model.

mod answers;
mod asking;
mod aspect;
mod bill;
mod budget;
mod calls;
mod carry_out;
mod chat;
mod chosen;
mod clauses;
mod complaints;
mod diets;
mod dish;
mod dishes;
mod extras;
mod facts;
mod grievances;
mod headings;
mod heard;
mod memory;
mod offers;
mod ordering;
mod orders;
mod pending;
mod phrases;
mod place;
mod quote;
mod ranking;
mod settled;
pub(crate) mod wording;
mod world;

use crate::{
    brief::{Act, Brief, Step},
    intent::{AgentName, Intent},
    ledger::{Cart, Checkout, ComplaintKind, Event, Need, OrderId, PlacedOrder},
    order::Edit,
    ports::{Embedder, Retriever},
    store_info::Weekday,
    tools::Used,
};
use heard::Heard;

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
    /// Those behind it.
    needs_behind: Vec<Need>,
}

impl<'a, 'b> Scene<'a, 'b> {
    fn new(world: &World, input: &'b Input<'a>) -> Self {
        let mut needs = input.cart.needs(&world.menu).into_iter();
        Self { input, need: needs.next(), needs_behind: needs.collect() }
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
    // "Is the cookie vegan? Remove it then": the line of the one dish that was told of.
    if let ([told], true) = (turn.memory.offered.as_slice(), heard.edits.is_empty())
        && let Some(line) = turn.cart.lines().iter().rev().find(|line| line.item == *told)
    {
        turn.memory.last_line = Some(line.id);
    }
    turn.memory.question = heard.question();
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
}
