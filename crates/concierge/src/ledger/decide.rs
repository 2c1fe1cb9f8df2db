//! Decisions: an edit becomes events, or a refusal that changes nothing.

use std::collections::BTreeSet;

use super::{
    Cart, Event, Line, MAX_CART_ITEMS, MAX_DECLARED, MAX_DECLARED_CHARS, MAX_SUBTOTAL, PendingLine, Refusal, Totals,
    conflicts, conflicts_of_line,
    line::{build, check_quantity, includes},
    need, recheck,
};
use crate::{
    menu::{GroupId, ItemId, Menu},
    money::TaxRate,
    order::{ChoicePick, Edit, LineId, OptionPick, OrderLine, Pick, Without},
};

/// Whether the guest was warned of an allergen and wants the edit all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// The guest was not asked, or has not answered yet.
    NotAsked,
    /// The guest said yes to this very edit.
    Given,
}

/// A cart that can be placed as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// What is ordered.
    pub lines: Vec<Line>,
    /// What is to be paid.
    pub totals: Totals,
    /// What the guest must not have; printed on the kitchen's ticket.
    pub allergies: BTreeSet<String>,
    /// Events to store with the order, before it is placed: warnings that the guest accepted.
    pub events: Vec<Event>,
}

impl Cart {
    /// What an edit comes to. No events means that nothing would change. [`Edit::Place`] gives the events of
    /// [`Cart::checkout`]; the order itself is made by whoever stores it.
    ///
    /// # Errors
    /// Whatever keeps the edit from being carried out, in words for the guest. The cart is as before.
    pub fn decide(&self, menu: &Menu, edit: &Edit, consent: Consent) -> Result<Vec<Event>, Refusal> {
        let events = match edit {
            Edit::Add { line } => self.put(menu, None, line, BTreeSet::new(), consent)?,
            Edit::Replace { line, with } => {
                self.known(*line)?;
                self.put(menu, Some(*line), with, BTreeSet::new(), consent)?
            }
            Edit::SetQuantity { line, quantity } => self.set_quantity(menu, *line, *quantity)?,
            Edit::SetSize { line, size } => {
                self.rework(menu, *line, consent, |wanted| wanted.size = Some(size.clone()))?
            }
            Edit::SetOption { line, option } => {
                self.rework(menu, *line, consent, |wanted| set_option(menu, wanted, option))?
            }
            Edit::Leave { line, without } => {
                self.rework(menu, *line, consent, |wanted| leave(menu, wanted, without))?
            }
            Edit::Remove { line, quantity } => self.remove(*line, *quantity)?,
            Edit::Clear if self.is_empty() => Vec::new(),
            Edit::Clear => vec![Event::Cleared],
            Edit::Place => return self.checkout(menu, consent).map(|checkout| checkout.events),
        };
        self.check_limits(&events)?;
        Ok(events)
    }

    /// What would be placed now.
    ///
    /// # Errors
    /// An empty cart, open questions, a menu that changed since the lines were added, and warnings that the guest
    /// has not accepted, in this order.
    pub fn checkout(&self, menu: &Menu, consent: Consent) -> Result<Checkout, Refusal> {
        if self.is_empty() {
            return Err(Refusal::EmptyCart);
        }
        let recheck = recheck::recheck(self, menu);
        if !recheck.changes.is_empty() {
            return Err(Refusal::Changed { changes: recheck.changes, events: recheck.events });
        }
        let needs = self.needs(menu);
        if !needs.is_empty() {
            return Err(Refusal::Open { needs });
        }
        let mut open = conflicts(menu, self);
        open.retain(|conflict| {
            !self.line(conflict.line).is_some_and(|line| line.accepted.contains(&conflict.allergen))
        });
        if consent == Consent::NotAsked && !open.is_empty() {
            return Err(Refusal::AllergyConflict { conflicts: open });
        }
        let accepted = open.into_iter().map(|conflict| Event::ConflictAccepted {
            line: conflict.line,
            allergens: BTreeSet::from([conflict.allergen]),
        });
        let events: Vec<Event> = accepted.collect();
        let mut placed = self.clone();
        events.iter().for_each(|event| placed.apply(event));
        Ok(Checkout {
            totals: self.totals(menu.tax_rate),
            lines: placed.lines().to_vec(),
            allergies: self.allergies().clone(),
            events,
        })
    }

    /// Notes what the guest must not have, for the whole conversation. Lines already in the cart are not touched:
    /// [`conflicts`] tells of them, and placing asks.
    ///
    /// # Errors
    /// A name that cannot be one, or more of them than are kept.
    pub fn declare_allergy(&self, allergen: &str) -> Result<Vec<Event>, Refusal> {
        let known = self.allergies();
        declared(known, allergen, |allergen| Event::AllergyDeclared { allergen })
    }

    /// Takes an allergy back.
    #[must_use]
    pub fn withdraw_allergy(&self, allergen: &str) -> Vec<Event> {
        let allergen = normal(allergen);
        if self.allergies().contains(&allergen) { vec![Event::AllergyWithdrawn { allergen }] } else { Vec::new() }
    }

    /// Notes a diet that the guest eats by; suggestions keep to it.
    ///
    /// # Errors
    /// A name that cannot be one, or more of them than are kept.
    pub fn declare_diet(&self, diet: &str) -> Result<Vec<Event>, Refusal> {
        declared(self.diets(), diet, |diet| Event::DietDeclared { diet })
    }

    /// Takes a diet back.
    #[must_use]
    pub fn withdraw_diet(&self, diet: &str) -> Vec<Event> {
        let diet = normal(diet);
        if self.diets().contains(&diet) { vec![Event::DietWithdrawn { diet }] } else { Vec::new() }
    }

    /// The edit that answers which item a pending line is.
    #[must_use]
    pub fn answer_item(&self, line: LineId, item: &ItemId) -> Option<Edit> {
        let pending = self.pending(line)?;
        Some(Edit::Replace { line, with: pending.answered(item.clone()) })
    }

    fn known(&self, line: LineId) -> Result<(), Refusal> {
        if self.line(line).is_some() || self.pending(line).is_some() { Ok(()) } else { Err(Refusal::NoSuchLine) }
    }

    /// Puts a line in the cart, at the place of another or as a new one. `accepted` are the allergens that the guest
    /// accepts on it.
    fn put(
        &self,
        menu: &Menu,
        at: Option<LineId>,
        wanted: &OrderLine,
        accepted: BTreeSet<String>,
        consent: Consent,
    ) -> Result<Vec<Event>, Refusal> {
        check_quantity(wanted.quantity)?;
        let id = at.unwrap_or_else(|| self.next_line());
        let item = match settle_item(menu, &wanted.item)? {
            Pick::One(item) => menu.item(&item).ok_or(Refusal::NoSuchItem)?,
            Pick::AnyOf(any_of) => {
                let wanted = OrderLine { item: Pick::AnyOf(any_of), ..wanted.clone() };
                return Ok(vec![Event::ItemAsked { line: id, wanted }]);
            }
        };
        let mut line = build(menu, id, item, wanted)?;
        let mut conflicts = conflicts_of_line(menu, &line, self.allergies());
        line.accepted = accepted;
        conflicts.retain(|conflict| !line.accepted.contains(&conflict.allergen));
        if consent == Consent::NotAsked && !conflicts.is_empty() {
            return Err(Refusal::AllergyConflict { conflicts });
        }
        line.accepted.extend(conflicts.into_iter().map(|conflict| conflict.allergen));
        self.merge(menu, at, line)
    }

    /// Joins a line with an equal one, or lets it stand by itself.
    fn merge(&self, menu: &Menu, at: Option<LineId>, line: Line) -> Result<Vec<Event>, Refusal> {
        let settled = need::of_line(menu, &line).is_empty();
        let twin = self.lines().iter().find(|other| settled && line.is_twin(other));
        let Some(twin) = twin else {
            return Ok(match at {
                None => vec![Event::LineAdded { line }],
                Some(id) if self.line(id) == Some(&line) => Vec::new(),
                Some(_) => vec![Event::LineChanged { line }],
            });
        };
        let quantity = twin.quantity + line.quantity;
        check_quantity(quantity)?;
        let accepted = twin.accepted.union(&line.accepted).cloned().collect();
        let joined = Event::LineChanged { line: Line { quantity, accepted, ..twin.clone() } };
        Ok(at.map(|line| Event::LineRemoved { line }).into_iter().chain([joined]).collect())
    }

    /// Changes what is wanted of a line, and builds and prices it anew.
    fn rework(
        &self,
        menu: &Menu,
        id: LineId,
        consent: Consent,
        change: impl FnOnce(&mut OrderLine),
    ) -> Result<Vec<Event>, Refusal> {
        if let Some(PendingLine { wanted, .. }) = self.pending(id) {
            let mut changed = wanted.clone();
            change(&mut changed);
            return Ok(if changed == *wanted {
                Vec::new()
            } else {
                vec![Event::ItemAsked { line: id, wanted: changed }]
            });
        }
        let line = self.line(id).ok_or(Refusal::NoSuchLine)?;
        let mut wanted = line.as_order();
        change(&mut wanted);
        self.put(menu, Some(id), &wanted, line.accepted.clone(), consent)
    }

    fn set_quantity(&self, menu: &Menu, id: LineId, quantity: u32) -> Result<Vec<Event>, Refusal> {
        check_quantity(quantity)?;
        if let Some(pending) = self.pending(id).filter(|pending| pending.wanted.quantity != quantity) {
            let wanted = OrderLine { quantity, ..pending.wanted.clone() };
            return Ok(vec![Event::ItemAsked { line: id, wanted }]);
        }
        self.known(id)?;
        let Some(line) = self.line(id).filter(|line| line.quantity != quantity) else { return Ok(Vec::new()) };
        if quantity > line.quantity && menu.item(&line.item).is_none_or(|item| !item.available) {
            return Err(Refusal::SoldOut { name: line.name.clone() });
        }
        Ok(vec![Event::LineChanged { line: Line { quantity, ..line.clone() } }])
    }

    fn remove(&self, id: LineId, quantity: Option<u32>) -> Result<Vec<Event>, Refusal> {
        if quantity == Some(0) {
            return Err(Refusal::Quantity { asked: 0 });
        }
        let gone = |had: u32| quantity.is_none_or(|quantity| quantity >= had);
        let left = |had: u32| had - quantity.unwrap_or(had);
        let event = if let Some(line) = self.line(id) {
            if gone(line.quantity) {
                Event::LineRemoved { line: id }
            } else {
                Event::LineChanged { line: Line { quantity: left(line.quantity), ..line.clone() } }
            }
        } else {
            let pending = &self.pending(id).ok_or(Refusal::NoSuchLine)?.wanted;
            if gone(pending.quantity) {
                Event::LineRemoved { line: id }
            } else {
                let wanted = OrderLine { quantity: left(pending.quantity), ..pending.clone() };
                Event::ItemAsked { line: id, wanted }
            }
        };
        Ok(vec![event])
    }

    /// The limits of a cart bind what makes it larger.
    fn check_limits(&self, events: &[Event]) -> Result<(), Refusal> {
        let mut after = self.clone();
        events.iter().for_each(|event| after.apply(event));
        if after.item_count() > MAX_CART_ITEMS && after.item_count() > self.item_count() {
            return Err(Refusal::CartFull);
        }
        let subtotal = |cart: &Self| cart.totals(TaxRate::default()).subtotal;
        if subtotal(&after) > MAX_SUBTOTAL && subtotal(&after) > subtotal(self) {
            return Err(Refusal::TooExpensive);
        }
        Ok(())
    }
}

/// The item, or those that fit and can be had.
fn settle_item(menu: &Menu, pick: &Pick<ItemId>) -> Result<Pick<ItemId>, Refusal> {
    let ids = match pick {
        Pick::One(id) => return Ok(Pick::One(id.clone())),
        Pick::AnyOf(ids) => ids,
    };
    let known: Vec<_> = ids.iter().filter_map(|id| menu.item(id)).collect();
    let mut available: Vec<ItemId> = known.iter().filter(|item| item.available).map(|item| item.id.clone()).collect();
    available.sort();
    available.dedup();
    match (&available[..], known.first()) {
        ([one], _) => Ok(Pick::One(one.clone())),
        ([], Some(sold_out)) => Err(Refusal::SoldOut { name: sold_out.name.clone() }),
        ([], None) => Err(Refusal::NoSuchItem),
        _ => Ok(Pick::AnyOf(available)),
    }
}

/// Puts an option on what is wanted: over the same choice, in place of an open question that it answers, and in place
/// of the former choice where the group takes one only.
fn set_option(menu: &Menu, wanted: &mut OrderLine, option: &OptionPick) {
    let mut option = option.clone();
    if let ChoicePick::One(choice) = &option.choice {
        let answers = |pick: &OptionPick| {
            pick.group == option.group && matches!(&pick.choice, ChoicePick::AnyOf(ids) if ids.contains(choice))
        };
        if let Some(at) = wanted.options.iter().position(answers) {
            let asked = wanted.options.remove(at);
            option.amount = option.amount.or(asked.amount);
            option.count = option.count.or(asked.count);
        }
        let is_it = |group: &GroupId, pick: &ChoicePick| *group == option.group && pick.one() == Some(choice);
        wanted.without.retain(|left| !is_it(&left.group, &left.choice));
        wanted.options.retain(|pick| !is_it(&pick.group, &pick.choice));
    }
    if menu.group(&option.group).is_some_and(|group| group.max == Some(1)) {
        wanted.options.retain(|pick| pick.group != option.group);
    }
    wanted.options.push(option);
}

/// Leaves something off what is wanted: an option goes, what the item includes is left out.
fn leave(menu: &Menu, wanted: &mut OrderLine, without: &Without) {
    let ChoicePick::One(choice) = &without.choice else {
        wanted.without.push(without.clone());
        return;
    };
    let is_it = |group: &GroupId, pick: &ChoicePick| *group == without.group && pick.one() == Some(choice);
    let answers = |left: &Without| {
        left.group == without.group && matches!(&left.choice, ChoicePick::AnyOf(ids) if ids.contains(choice))
    };
    if let Some(at) = wanted.without.iter().position(answers) {
        wanted.without.remove(at);
    }
    let had = wanted.options.len();
    wanted.options.retain(|pick| !is_it(&pick.group, &pick.choice));
    let was_option = wanted.options.len() < had;
    let included = match &wanted.item {
        Pick::One(id) => menu.item(id).is_some_and(|item| includes(item, &without.group, choice)),
        Pick::AnyOf(_) => true,
    };
    if (included || !was_option) && !wanted.without.iter().any(|left| is_it(&left.group, &left.choice)) {
        wanted.without.push(without.clone());
    }
}

fn normal(name: &str) -> String {
    name.trim().to_lowercase()
}

fn declared(known: &BTreeSet<String>, name: &str, event: impl FnOnce(String) -> Event) -> Result<Vec<Event>, Refusal> {
    let name = normal(name);
    if known.contains(&name) {
        return Ok(Vec::new());
    }
    let possible = !name.is_empty() && name.chars().count() <= MAX_DECLARED_CHARS && !name.contains(char::is_control);
    if !possible || known.len() >= MAX_DECLARED {
        return Err(Refusal::CannotNote);
    }
    Ok(vec![event(name)])
}
