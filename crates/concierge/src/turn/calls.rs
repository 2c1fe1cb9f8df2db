//! Calls of tools, carried out: for the understanding step, for the model, and for other programs.
//!
//! Each tool ends in the function that answers a guest who asks for the same in words; what is done is noted once, by
//! that function ([`Turn::using`]), whoever called it.

use serde_json::{Value, json};

use super::{Answer, Decision, Input, Ports, Turn, World, chat, complaints, dishes, orders, place, wording::capital};
use crate::{
    brief::{Act, Step},
    intent::Intent,
    order::Edit,
    ports::{Filter, Hit, Query, RecordType},
    tools::{Call, ToolError, ToolName, Used},
};

/// Entries looked up for one question.
pub(super) const HITS: usize = 6;

/// Whose will is behind a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// The guest's: the words were understood so, or the guest's own program calls.
    Guest,
    /// The model's alone: what changes something is asked first.
    Model,
}

/// What became of a call.
#[derive(Debug)]
pub struct Called {
    /// The result as data.
    pub answer: Result<Value, ToolError>,
    /// The same as a turn's decision: events to store, and what the reply is to do.
    pub decision: Decision,
}

/// Carries out a call within a session. It changes nothing but what the decision says; storing is the caller's.
#[must_use]
pub fn call(world: &World, ports: &Ports<'_>, input: Input<'_>, call: &Call, behind: Behind) -> Called {
    let text = input.text.to_owned();
    let mut turn = Turn::new(world, ports, input);
    let done = if behind == Behind::Model && call.name().asks_first() {
        Ok(turn.ask_first(call))
    } else {
        turn.carry_out(call, &text)
    };
    let (answer, steps) = match done {
        Ok((value, steps)) => (Ok(value), steps),
        // What cannot be done is said plainly, and nothing is put in its place.
        Err(error) => {
            let steps = refused(&error);
            (Err(error), steps)
        }
    };
    let steps = if steps.is_empty() { vec![chat::ask_again()] } else { steps };
    let intent = intent_of(call.name());
    turn.memory.talk_of(orders::items_of(&steps));
    turn.memory.agent = turn.agent(intent, &steps);
    Called { answer, decision: turn.decided(intent, 1.0, steps) }
}

/// Says why a call is not carried out.
pub(super) fn refused(error: &ToolError) -> Vec<Step> {
    let plain = capital(&error.to_string());
    let plain = if plain.ends_with(['.', '?', '!']) { plain } else { format!("{plain}.") };
    vec![Step::new(Act::DeclineRule).fact(plain.clone()).point(plain.clone(), [plain]).verbatim(true)]
}

const fn intent_of(tool: ToolName) -> Intent {
    match tool {
        ToolName::SearchMenu | ToolName::ItemDetails | ToolName::CheckAllergens => Intent::MenuQa,
        ToolName::RecommendMenuByBudget => Intent::Budget,
        ToolName::ViewCart | ToolName::OrderStatus => Intent::History,
        ToolName::AddToCart | ToolName::PlaceOrder => Intent::Order,
        ToolName::RemoveFromCart => Intent::Remove,
        ToolName::StoreInfo => Intent::StoreInfo,
        ToolName::OpenTicket | ToolName::OfferRemedy => Intent::Complaint,
    }
}

/// Milliseconds, to the microsecond.
fn millis(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// What a tool told, as data and as steps of the reply.
pub(super) type Done = Result<(Value, Vec<Step>), ToolError>;

impl Turn<'_> {
    /// Does a tool's work and notes the call. The work tells whether the tool answered.
    pub(super) fn using<T>(
        &mut self,
        name: ToolName,
        arguments: Value,
        work: impl FnOnce(&mut Self) -> (T, bool),
    ) -> T {
        let started = (self.ports.stopwatch)();
        let (done, ok) = work(self);
        let ms = millis((self.ports.stopwatch)().saturating_sub(started));
        self.used.push(Used { name, arguments, ok, at_ms: millis(started), ms });
        done
    }

    /// Looks something up; what cannot be searched is noted, and nothing is found then.
    pub(super) fn find(&mut self, text: &str, embedding: &[f32], filter: Filter) -> (Vec<Hit>, bool) {
        match self.ports.retriever.search(&Query { text, embedding, filter, limit: HITS }) {
            Ok(hits) => (hits, true),
            Err(_) => {
                self.degraded = true;
                (Vec::new(), false)
            }
        }
    }

    /// Answers a question about the place.
    pub(super) fn tell_store(&mut self, text: &str, embedding: &[f32]) -> Step {
        self.using(ToolName::StoreInfo, json!({"topic": text}), |turn| {
            let (hits, ok) = turn.find(text, embedding, of_type(RecordType::Info));
            let step = place::answer(&turn.world.info, &hits, text, turn.now, !embedding.is_empty());
            let before = turn.memory.told.take().filter(|_| step.act == Act::AdmitUnknown);
            let step = before.and_then(|told| place::goes_on(&turn.world.info, &told, text)).unwrap_or(step);
            turn.memory.told = step.sources.first().map(|source| source.id.clone());
            let lost = !ok && step.act == Act::AdmitUnknown;
            let plain = "I'm sorry, I can't look that up at the moment. Please ask at the counter.";
            (if lost { Step::new(Act::AdmitUnknown).or_plain(plain).verbatim(true) } else { step }, ok)
        })
    }

    /// Answers a question about dishes.
    pub(super) fn tell_dishes(&mut self, embedding: &[f32], filter: Filter, asked: dishes::Asked<'_>) -> Vec<Step> {
        let (name, arguments) = tool_of(&asked, &filter);
        self.using(name, arguments, |turn| {
            let (hits, ok) = turn.find(asked.text, embedding, filter);
            (dishes::answer(&turn.world.menu, &dishes::Asked { hits: &hits, ..asked }), ok)
        })
    }

    /// Goes on with a complaint, and notes what of it is a tool's work.
    pub(super) fn complaint(&mut self, text: &str, reply: Option<Answer>) -> Vec<Step> {
        let had_ticket = self.ticket.is_some();
        let started = (self.ports.stopwatch)();
        let steps = complaints::answer(self, text, reply);
        let ms = millis((self.ports.stopwatch)().saturating_sub(started));
        let kind = self.memory.complaint.as_ref().map(|complaint| complaint.kind);
        if let Some(kind) = kind.filter(|_| steps.iter().any(|step| step.act == Act::OfferRemedy)) {
            let arguments = json!({"kind": kind});
            self.used.push(Used { name: ToolName::OfferRemedy, arguments, ok: true, at_ms: millis(started), ms });
        }
        if let Some(ticket) = self.ticket.filter(|_| !had_ticket) {
            let arguments = json!({"kind": ticket.kind});
            self.used.push(Used { name: ToolName::OpenTicket, arguments, ok: true, at_ms: millis(started), ms });
        }
        steps
    }
}

/// Which tool a question about dishes is a call of.
fn tool_of(asked: &dishes::Asked<'_>, filter: &Filter) -> (ToolName, Value) {
    match asked.named.as_slice() {
        [ids] if ids.len() == 1 && !asked.allergens.is_empty() => {
            (ToolName::CheckAllergens, json!({"item": ids[0], "allergens": asked.allergens}))
        }
        [ids] if ids.len() == 1 => (ToolName::ItemDetails, json!({"item": ids[0]})),
        _ if !asked.allergens.is_empty() => (ToolName::CheckAllergens, json!({"allergens": asked.allergens})),
        _ => {
            let mut arguments = json!({"query": asked.text});
            if let Some(diet) = &filter.diet {
                arguments["diet"] = json!(diet);
            }
            (ToolName::SearchMenu, arguments)
        }
    }
}

/// The tool and the arguments that an edit of the cart is a call of; changes of a line are no tool's.
pub(super) fn tool_of_edit(turn: &Turn<'_>, edit: &Edit) -> Option<(ToolName, Value)> {
    match edit {
        Edit::Add { line } => Some((ToolName::AddToCart, serde_json::to_value(line).unwrap_or_default())),
        Edit::Remove { line, quantity } => {
            let item = turn.cart.line(*line).map(|line| line.item.clone());
            Some((ToolName::RemoveFromCart, json!({"item": item, "quantity": quantity})))
        }
        Edit::Clear => Some((ToolName::RemoveFromCart, json!({"everything": true}))),
        _ => None,
    }
}

pub(super) fn of_type(record_type: RecordType) -> Filter {
    Filter { record_type: Some(record_type), ..Filter::default() }
}
