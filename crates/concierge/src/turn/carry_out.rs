//! What each tool does when it is called by name: by the model, or by another program.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Ticket, Turn, bill, budget,
    calls::{Done, HITS, of_type},
    complaints, dishes, facts,
    memory::{Complaint, Pending},
    orders,
};
use crate::{
    brief::{Act, Brief, Step},
    intent::AgentName,
    ledger::{Consent, OrderId, remedy::Ask},
    menu::{Item, ItemId, Menu},
    order::{ChoicePick, Edit, LineId, OptionPick, OrderLine, Pick, Without},
    ports::{Filter, RecordType},
    tools::{
        Call, ToolError, ToolName,
        args::{
            AddToCart, CheckAllergens, OfferRemedy, OpenTicket, PlaceOrder, RemoveFromCart, SearchMenu, StoreFacts,
        },
    },
};

impl Turn<'_> {
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
                let step = self.using(call.name(), arguments, |turn| (bill::tell_cart(turn), true));
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
                let steps = self.using(call.name(), arguments, |turn| (bill::history(turn), true));
                Ok((self.order_facts(), steps))
            }
            Call::StoreInfo(args) => self.store_info(args),
            Call::CheckAllergens(args) => self.check_allergens(args, arguments),
            Call::OpenTicket(args) => self.open_ticket(args, arguments),
            Call::OfferRemedy(args) => self.offer_remedy(args, arguments),
        }
    }

    /// Asks the guest whether to do what the model wants to do.
    pub(super) fn ask_first(&mut self, call: &Call) -> (Value, Vec<Step>) {
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
        let step = orders::ask(&question).verbatim(true);
        (json!({"asked": question}), vec![step])
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
                    && args.diet.as_ref().is_none_or(|diet| item.is_marked(diet))
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
