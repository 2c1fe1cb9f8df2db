//! Calls of tools, carried out: for the understanding step, for the model, and for other programs.
//!
//! Each tool ends in the function that answers a guest who asks for the same in words; what is done is noted once, by
//! that function ([`Turn::using`]), whoever called it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Answer, Decision, HITS, Input, Ports, Ticket, Turn, World, budget, chat, complaints, dishes, facts,
    memory::{Complaint, Pending},
    orders, place,
    wording::capital,
};
use crate::{
    brief::{Act, Brief, Step},
    intent::{AgentName, Intent},
    ledger::{Consent, OrderId, remedy::Ask},
    menu::{Item, ItemId, Menu},
    order::{ChoicePick, Edit, LineId, OptionPick, OrderLine, Pick, Without},
    ports::{Filter, Hit, Query, RecordType},
    tools::{
        Call, ToolError, ToolName, Used,
        args::{
            AddToCart, CheckAllergens, OfferRemedy, OpenTicket, PlaceOrder, RemoveFromCart, SearchMenu, StoreFacts,
        },
    },
};

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

type Done = Result<(Value, Vec<Step>), ToolError>;

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

    /// Carries out a call, whoever made it.
    pub(super) fn carry_out(&mut self, call: &Call, text: &str) -> Done {
        let arguments = call.arguments();
        match call {
            Call::SearchMenu(args) => self.search_menu(args, arguments),
            Call::ItemDetails(args) => {
                let menu = &self.world.menu;
                let item = known(menu, &args.item)?;
                let asked = dishes::Asked { text, named: vec![vec![item.id.clone()]], ..dishes::Asked::default() };
                Ok(self
                    .using(call.name(), arguments, |_| ((facts::item(menu, item), dishes::answer(menu, &asked)), true)))
            }
            Call::RecommendMenuByBudget(request) => {
                let (planned, steps) = budget::plan(self, request.clone());
                let plan = planned.map_err(|error| ToolError::Refused(error.to_string()))?;
                Ok((serde_json::to_value(plan).unwrap_or_default(), steps))
            }
            Call::ViewCart(_) => {
                let step = self.using(call.name(), arguments, |turn| (orders::tell_cart(turn), true));
                Ok((self.cart_facts(), vec![step]))
            }
            Call::AddToCart(args) => {
                let edit = Edit::Add { line: line_of(args) };
                let consent = if args.allergy_accepted { Consent::Given } else { Consent::NotAsked };
                self.edited(edit, consent)
            }
            Call::RemoveFromCart(args) => {
                let edit = self.removal(args)?;
                self.edited(edit, Consent::NotAsked)
            }
            Call::PlaceOrder(args) => self.place_order(args),
            Call::OrderStatus(_) => {
                let steps = self.using(call.name(), arguments, |turn| (orders::history(turn), true));
                Ok((self.order_facts(), steps))
            }
            Call::StoreInfo(args) => self.store_info(args),
            Call::CheckAllergens(args) => self.check_allergens(args, arguments),
            Call::OpenTicket(args) => self.open_ticket(args, arguments),
            Call::OfferRemedy(args) => self.offer_remedy(args, arguments),
        }
    }

    /// Asks the guest whether to do what the model wants to do.
    fn ask_first(&mut self, call: &Call) -> (Value, Vec<Step>) {
        let menu = &self.world.menu;
        let name = |id: &ItemId| menu.item(id).map_or_else(|| id.to_string(), |item| item.name.clone());
        let question = match call {
            Call::AddToCart(args) => format!("Shall I add {} × {} to your order?", args.quantity, name(&args.item)),
            Call::RemoveFromCart(RemoveFromCart { item: Some(item), .. }) => {
                format!("Shall I take {} off your order?", name(item))
            }
            Call::RemoveFromCart(_) => "Shall I take everything off your order?".to_owned(),
            // The order is read out first, as whenever it is to be placed.
            Call::PlaceOrder(_) => return (json!({"asked": true}), orders::ask_place(self)),
            _ => "Shall I ask our staff to look at this?".to_owned(),
        };
        self.memory.pending = Some(Pending::Call { call: Box::new(call.clone()) });
        let step = Step::new(Act::AskWhich).fact(format!("To ask: {question}"));
        (json!({"asked": question}), vec![step.point(question.clone(), [question]).verbatim(true)])
    }

    fn embed(&mut self, text: &str) -> Vec<f32> {
        self.ports.embedder.embed(&[text]).ok().and_then(|mut vectors| vectors.pop()).unwrap_or_default()
    }

    fn search_menu(&mut self, args: &SearchMenu, arguments: Value) -> Done {
        let query = args.query.clone().unwrap_or_default();
        let filter = Filter {
            category: args.category.clone(),
            diet: args.diet.clone(),
            max_price: args.max_price,
            ..of_type(RecordType::Menu)
        };
        let embedding = if query.is_empty() { Vec::new() } else { self.embed(&query) };
        self.using(ToolName::SearchMenu, arguments, |turn| {
            let named = turn.world.items_named(&query);
            let (hits, ok) =
                if embedding.is_empty() { (Vec::new(), true) } else { turn.find(&query, &embedding, filter) };
            if !ok {
                return (Err(ToolError::Failed("the menu cannot be searched at the moment".to_owned())), false);
            }
            let menu = &turn.world.menu;
            let fits = |item: &&Item| {
                args.category.as_ref().is_none_or(|category| item.category == *category)
                    && args.diet.as_ref().is_none_or(|diet| item.diets.as_ref().is_some_and(|all| all.contains(diet)))
                    && args.max_price.is_none_or(|most| item.price_range().0 <= most)
                    && (args.without_allergens.is_empty()
                        || item.allergens.as_ref().is_some_and(|all| all.is_disjoint(&args.without_allergens)))
            };
            // What is named comes first, then what is near; without words everything that fits, the best liked first.
            let ids: Vec<ItemId> =
                named.iter().flatten().cloned().chain(hits.iter().map(|hit| hit.id.as_str().into())).collect();
            let mut found: Vec<&Item> = Vec::new();
            for item in ids.iter().filter_map(|id| menu.item(id)).filter(fits) {
                if !found.iter().any(|other| other.id == item.id) {
                    found.push(item);
                }
            }
            if query.is_empty() {
                found = menu.items.iter().filter(fits).collect();
                found.sort_by_key(|item| std::cmp::Reverse(item.popularity.unwrap_or(0)));
            }
            found.truncate(HITS);
            let step = dishes::tell_items(menu, &found);
            let told: Vec<Value> = found.iter().map(|item| facts::summary(menu, item)).collect();
            (Ok((json!({"items": told}), vec![step])), true)
        })
    }

    fn store_info(&mut self, args: &StoreFacts) -> Done {
        let embedding = self.embed(&args.topic);
        let step = self.tell_store(&args.topic, &embedding);
        if self.used.last().is_some_and(|used| !used.ok) {
            return Err(ToolError::Failed("the facts about the place cannot be searched at the moment".to_owned()));
        }
        let records = step.sources.iter().filter_map(|source| self.world.info.record(&source.id));
        let records = records
            .map(|record| json!({"id": record.id, "title": record.title, "text": record.text, "facts": record.facts}));
        Ok((json!({"records": records.collect::<Vec<_>>()}), vec![step]))
    }

    fn check_allergens(&mut self, args: &CheckAllergens, arguments: Value) -> Done {
        let menu = &self.world.menu;
        let item = args.item.as_ref().map(|id| known(menu, id)).transpose()?;
        let asked = dishes::Asked {
            text: "allergens",
            named: item.into_iter().map(|item| vec![item.id.clone()]).collect(),
            allergens: args.allergens.clone(),
            ..dishes::Asked::default()
        };
        let result = match item {
            Some(item) => json!({"item": item.id, "name": item.name, "allergens": item.allergens,
                "contains": item.allergens.as_ref().map(|all| all.intersection(&args.allergens).collect::<Vec<_>>())}),
            None => {
                let fits = |item: &&Item| {
                    item.available && item.allergens.as_ref().is_some_and(|all| all.is_disjoint(&args.allergens))
                };
                json!({"without": args.allergens, "items": menu.items.iter().filter(fits).map(|item| &item.id).collect::<Vec<_>>()})
            }
        };
        Ok(self.using(ToolName::CheckAllergens, arguments, |turn| {
            ((result, dishes::answer(&turn.world.menu, &asked)), true)
        }))
    }

    fn removal(&self, args: &RemoveFromCart) -> Result<Edit, ToolError> {
        match &args.item {
            None if args.everything => Ok(Edit::Clear),
            None => Err(ToolError::Arguments("\"item\" or \"everything\": true is needed".to_owned())),
            Some(id) => {
                let line = self.cart.lines().iter().rev().find(|line| line.item == *id).map(|line| line.id);
                let line = line.ok_or_else(|| {
                    ToolError::Refused(format!(
                        "{} is not on the order",
                        known(&self.world.menu, id).map_or_else(|_| id.to_string(), |item| item.name.clone())
                    ))
                })?;
                Ok(Edit::Remove { line, quantity: args.quantity })
            }
        }
    }

    /// Lets the ledger decide about an edit.
    fn edited(&mut self, edit: Edit, consent: Consent) -> Done {
        let steps = orders::edit(self, vec![edit], consent);
        if self.used.last().is_some_and(|used| !used.ok) {
            return Err(ToolError::Refused(plain(&steps)));
        }
        Ok((self.cart_facts(), steps))
    }

    fn place_order(&mut self, args: &PlaceOrder) -> Done {
        if !args.confirmed {
            return Err(ToolError::Refused("the guest must see the order and say yes first".to_owned()));
        }
        let consent = if args.allergy_accepted { Consent::Given } else { Consent::NotAsked };
        let steps = orders::place(self, consent);
        match &self.placed {
            Some(order) => Ok((
                json!({"order_number": order.number, "state": "received", "total": order.totals.total,
                    "currency": self.world.menu.currency.code()}),
                steps,
            )),
            None => Err(ToolError::Refused(plain(&steps))),
        }
    }

    fn own_order(&self, number: Option<u32>) -> Result<Option<OrderId>, ToolError> {
        let orders = self.cart.orders();
        match number {
            None => Ok(orders.last().map(|order| order.id)),
            Some(number) => match orders.iter().rev().find(|order| order.number == number) {
                Some(order) => Ok(Some(order.id)),
                None => Err(ToolError::Refused(format!("this guest has placed no order with the number {number}"))),
            },
        }
    }

    fn open_ticket(&mut self, args: &OpenTicket, arguments: Value) -> Done {
        let order = self.own_order(args.order_number)?;
        Ok(self.using(ToolName::OpenTicket, arguments, |turn| {
            turn.ticket = Some(Ticket { kind: args.kind, order });
            let plain = "I've written it down for our staff. A member of the team will look at it and answer you here.";
            let step = Step::new(Act::Escalate).fact(plain).point(plain, [plain]).verbatim(true);
            ((json!({"opened": true, "kind": args.kind}), vec![step]), true)
        }))
    }

    fn offer_remedy(&mut self, args: &OfferRemedy, arguments: Value) -> Done {
        let order = self.own_order(args.order_number)?;
        let line: Option<LineId> = order.and_then(|id| {
            let order = self.cart.orders().iter().find(|order| order.id == id)?;
            order.lines.iter().find(|line| Some(&line.item) == args.item.as_ref()).map(|line| line.id)
        });
        let answered: BTreeSet<Ask> = [
            order.map(|_| Ask::Order),
            order.map(|_| Ask::Receipt),
            line.map(|_| Ask::Line),
            args.waited_minutes.map(|_| Ask::Wait),
        ]
        .into_iter()
        .flatten()
        .collect();
        let complaint = Complaint {
            kind: args.kind,
            order,
            line,
            whole_order: args.whole_order,
            answered,
            open: None,
            waited_minutes: args.waited_minutes,
            asked: 0,
            refused: BTreeSet::new(),
            ticket: false,
        };
        Ok(self.using(ToolName::OfferRemedy, arguments, |turn| {
            let steps = complaints::advise(turn, complaint, true);
            let offers = match &turn.memory.pending {
                Some(Pending::Remedy { offers }) => offers.clone(),
                _ => Vec::new(),
            };
            ((json!({"kind": args.kind, "offers": offers, "words": plain(&steps)}), steps), true)
        }))
    }

    fn cart_facts(&self) -> Value {
        serde_json::to_value(self.cart.view(&self.world.menu)).unwrap_or_default()
    }

    fn order_facts(&self) -> Value {
        let orders = self.cart.orders().iter().rev().map(|order| {
            let state = self.register.state(order.id).unwrap_or("received");
            let lines: Vec<String> = order.lines.iter().map(crate::ledger::describe_line).collect();
            json!({"number": order.number, "state": state, "total": order.totals.total, "lines": lines})
        });
        json!({"orders": orders.take(5).collect::<Vec<_>>(), "not_placed": self.cart.lines().len()})
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

fn known<'a>(menu: &'a Menu, id: &ItemId) -> Result<&'a Item, ToolError> {
    menu.item(id).ok_or_else(|| ToolError::Refused("we don't have that on our menu".to_owned()))
}

fn line_of(args: &AddToCart) -> OrderLine {
    let one = |choice: &crate::menu::ChoiceId| ChoicePick::One(choice.clone());
    OrderLine {
        item: Pick::One(args.item.clone()),
        quantity: args.quantity,
        size: args.size.clone(),
        options: args
            .options
            .iter()
            .map(|option| OptionPick {
                group: option.group.clone(),
                choice: one(&option.choice),
                amount: option.amount,
                count: option.count,
            })
            .collect(),
        without: args
            .without
            .iter()
            .map(|left| Without { group: left.group.clone(), choice: one(&left.choice) })
            .collect(),
    }
}

/// What the steps say in plain words.
fn plain(steps: &[Step]) -> String {
    Brief::new(AgentName::Rosy, steps.to_vec()).plain()
}
