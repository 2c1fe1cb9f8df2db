//! The cart: the fold of its events.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Event, Granted, Line, MAX_CART_ITEMS, MAX_DECLARED, MAX_LINE_QUANTITY, Need, OrderId, conflicts_of_line, describe,
};
use crate::{
    menu::{ItemId, Menu},
    money::{Cents, Currency, TaxRate},
    order::{LineId, OrderLine, Pick},
};

/// What a guest has in the cart, has placed, and must not eat. Changed by [`Cart::apply`] only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cart {
    lines: Vec<Line>,
    pending: Vec<PendingLine>,
    /// The number of the line that was added last.
    last_line: u32,
    allergies: BTreeSet<String>,
    diets: BTreeSet<String>,
    offered: Vec<ItemId>,
    declined: BTreeSet<ItemId>,
    orders: Vec<PlacedOrder>,
    remedies: Vec<Granted>,
}

/// A line whose item is open: several fit, and the guest is asked which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingLine {
    /// The number that the line will have.
    pub id: LineId,
    /// What is wanted; its item is [`Pick::AnyOf`].
    pub wanted: OrderLine,
}

impl PendingLine {
    /// What is wanted, now that the item is known: to be put in place of the pending line.
    #[must_use]
    pub fn answered(&self, item: ItemId) -> OrderLine {
        OrderLine { item: Pick::One(item), ..self.wanted.clone() }
    }
}

/// An order that the guest has placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedOrder {
    /// The order.
    pub id: OrderId,
    /// Its number of the day.
    pub number: u32,
    /// Seconds since 1970.
    pub at: i64,
    /// What was ordered.
    pub lines: Vec<Line>,
    /// What was to be paid.
    pub totals: Totals,
}

impl PlacedOrder {
    /// What was paid for a line: its total and its share of the tax, half up.
    #[must_use]
    pub fn paid_for(&self, line: &Line) -> Cents {
        let (total, subtotal) = (line.total(), self.totals.subtotal);
        if subtotal <= Cents::ZERO {
            return Cents::ZERO;
        }
        let wide = |amount: Cents| i128::from(amount.0);
        let share = (2 * wide(total) * wide(self.totals.tax) + wide(subtotal)) / (2 * wide(subtotal));
        total + Cents(i64::try_from(share).unwrap_or(0))
    }
}

/// What a cart comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// All lines.
    pub subtotal: Cents,
    /// Tax on the subtotal, rounded once.
    pub tax: Cents,
    /// What is to be paid.
    pub total: Cents,
}

impl Totals {
    /// The totals of lines at a tax rate.
    #[must_use]
    pub fn of(lines: &[Line], rate: TaxRate) -> Self {
        let subtotal = lines.iter().map(Line::total).sum();
        let tax = rate.tax_on(subtotal);
        Self { subtotal, tax, total: subtotal + tax }
    }
}

impl Cart {
    /// The cart that a sequence of events made.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut cart = Self::default();
        for event in events {
            cart.apply(event);
        }
        cart
    }

    /// Takes in one event. An event that no decision can have made (a line that isn't there, an impossible
    /// quantity or price) changes nothing, so that no stored sequence can break a cart.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::LineAdded { line } => {
                if line.is_sound() && self.is_new(line.id) && self.has_room() {
                    self.last_line = line.id.0;
                    self.lines.push(line.clone());
                }
            }
            Event::LineChanged { line } => self.change(line),
            Event::ItemAsked { line, wanted } => self.ask_item(*line, wanted),
            Event::LineRemoved { line } => {
                if let Some(gone) = self.line(*line) {
                    self.declined.insert(gone.item.clone());
                }
                self.lines.retain(|other| other.id != *line);
                self.pending.retain(|other| other.id != *line);
            }
            Event::Cleared => {
                self.lines.clear();
                self.pending.clear();
            }
            Event::AllergyDeclared { allergen } => declare(&mut self.allergies, allergen),
            Event::AllergyWithdrawn { allergen } => _ = self.allergies.remove(allergen),
            Event::DietDeclared { diet } => declare(&mut self.diets, diet),
            Event::DietWithdrawn { diet } => _ = self.diets.remove(diet),
            Event::ConflictAccepted { line, allergens } => {
                if let Some(line) = self.lines.iter_mut().find(|other| other.id == *line) {
                    line.accepted.extend(allergens.iter().cloned());
                }
            }
            Event::UpsellOffered { item, .. } => self.offered.push(item.clone()),
            Event::PlanAccepted { .. } => {}
            Event::Placed { order, number, at, totals } => {
                let fits = totals.subtotal == self.totals(TaxRate::default()).subtotal
                    && !totals.tax.is_negative()
                    && totals.total == totals.subtotal + totals.tax;
                if fits && self.orders.iter().all(|other| other.id != *order) {
                    self.pending.clear();
                    let lines = std::mem::take(&mut self.lines);
                    self.orders.push(PlacedOrder { id: *order, number: *number, at: *at, lines, totals: *totals });
                }
            }
            Event::RemedyGranted { granted } => self.grant(granted),
        }
    }

    /// Nothing is given for an order of somebody else's, and never more than was paid.
    fn grant(&mut self, granted: &Granted) {
        let Some(order) = self.orders.iter().find(|order| order.id == granted.order) else { return };
        let before: Cents =
            self.remedies.iter().filter(|other| other.order == granted.order).map(|other| other.amount).sum();
        if !granted.amount.is_negative() && granted.amount <= order.totals.total - before {
            self.remedies.push(granted.clone());
        }
    }

    fn change(&mut self, line: &Line) {
        if !line.is_sound() {
            return;
        }
        if let Some(at) = self.lines.iter().position(|other| other.id == line.id) {
            self.lines[at] = line.clone();
        } else if self.pending(line.id).is_some() {
            self.pending.retain(|other| other.id != line.id);
            let at = self.lines.partition_point(|other| other.id < line.id);
            self.lines.insert(at, line.clone());
        }
    }

    fn ask_item(&mut self, id: LineId, wanted: &OrderLine) {
        if !(1..=MAX_LINE_QUANTITY).contains(&wanted.quantity) {
            return;
        }
        let pending = PendingLine { id, wanted: wanted.clone() };
        if let Some(at) = self.pending.iter().position(|other| other.id == id) {
            self.pending[at] = pending;
        } else if self.line(id).is_some() {
            self.lines.retain(|other| other.id != id);
            self.pending.push(pending);
        } else if self.is_new(id) && self.has_room() {
            self.last_line = id.0;
            self.pending.push(pending);
        }
    }

    fn is_new(&self, id: LineId) -> bool {
        id == self.next_line()
    }

    fn has_room(&self) -> bool {
        self.lines.len() + self.pending.len() < MAX_CART_ITEMS as usize
    }

    /// The lines, in the order of their numbers.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// A line by its number.
    #[must_use]
    pub fn line(&self, id: LineId) -> Option<&Line> {
        self.lines.iter().find(|line| line.id == id)
    }

    /// The lines whose item is open.
    #[must_use]
    pub fn pending_lines(&self) -> &[PendingLine] {
        &self.pending
    }

    /// A line whose item is open, by its number.
    #[must_use]
    pub fn pending(&self, id: LineId) -> Option<&PendingLine> {
        self.pending.iter().find(|line| line.id == id)
    }

    /// Whether there is neither a line nor one to be asked about.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.pending.is_empty()
    }

    /// How many items there are over all lines, those to be asked about included.
    #[must_use]
    pub fn item_count(&self) -> u32 {
        let settled = self.lines.iter().map(|line| line.quantity);
        settled.chain(self.pending.iter().map(|line| line.wanted.quantity)).sum()
    }

    /// What the lines come to. A line with an open question counts with what is settled.
    #[must_use]
    pub fn totals(&self, rate: TaxRate) -> Totals {
        Totals::of(&self.lines, rate)
    }

    /// What the guest must not have, as the menu names it, in lower case.
    #[must_use]
    pub const fn allergies(&self) -> &BTreeSet<String> {
        &self.allergies
    }

    /// The diets that the guest eats by.
    #[must_use]
    pub const fn diets(&self) -> &BTreeSet<String> {
        &self.diets
    }

    /// What was suggested in this conversation.
    #[must_use]
    pub fn offered(&self) -> &[ItemId] {
        &self.offered
    }

    /// What the guest took off the order, and is not offered again.
    #[must_use]
    pub const fn declined(&self) -> &BTreeSet<ItemId> {
        &self.declined
    }

    /// The orders that the guest has placed, oldest first.
    #[must_use]
    pub fn orders(&self) -> &[PlacedOrder] {
        &self.orders
    }

    /// What the guest was given after complaints.
    #[must_use]
    pub fn remedies(&self) -> &[Granted] {
        &self.remedies
    }

    /// The number that the next line gets.
    pub(super) const fn next_line(&self) -> LineId {
        LineId(self.last_line.saturating_add(1))
    }

    /// The cart as the page shows it.
    #[must_use]
    pub fn view(&self, menu: &Menu) -> CartView {
        let needs = self.needs(menu);
        let asked = |id: LineId| needs.iter().filter(|need| need.line == id).map(|need| need.words.clone()).collect();
        let settled = self.lines.iter().map(|line| CartLineView {
            id: line.id,
            item: Some(line.item.clone()),
            name: line.name.clone(),
            details: describe::details(line),
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: line.total(),
            questions: asked(line.id),
            warnings: conflicts_of_line(menu, line, &self.allergies).iter().map(ToString::to_string).collect(),
        });
        let pending = self.pending.iter().map(|line| CartLineView {
            id: line.id,
            item: None,
            name: describe::pending_name(menu, line),
            details: String::new(),
            quantity: line.wanted.quantity,
            unit_price: Cents::ZERO,
            total: Cents::ZERO,
            questions: asked(line.id),
            warnings: Vec::new(),
        });
        CartView {
            lines: settled.chain(pending).collect(),
            totals: self.totals(menu.tax_rate),
            currency: menu.currency.clone(),
            allergies: self.allergies.clone(),
            diets: self.diets.clone(),
        }
    }

    /// The open questions of the cart; see [`Need`].
    #[must_use]
    pub fn needs(&self, menu: &Menu) -> Vec<Need> {
        super::need::needs(self, menu)
    }
}

fn declare(names: &mut BTreeSet<String>, name: &str) {
    if names.len() < MAX_DECLARED {
        names.insert(name.to_owned());
    }
}

/// The cart as the page shows it: the `cart` event of the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CartView {
    /// The lines, those to be asked about last.
    pub lines: Vec<CartLineView>,
    /// `subtotal`, `tax` and `total`.
    #[serde(flatten)]
    pub totals: Totals,
    /// The currency's code.
    pub currency: Currency,
    /// Declared allergies.
    pub allergies: BTreeSet<String>,
    /// Declared diets.
    pub diets: BTreeSet<String>,
}

/// A line as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CartLineView {
    /// Its number.
    pub id: LineId,
    /// The item; absent while the guest is to be asked which.
    pub item: Option<ItemId>,
    /// The item's name, or the names of those that fit.
    pub name: String,
    /// Size, options and what is left out, in words; may be empty.
    pub details: String,
    /// How many.
    pub quantity: u32,
    /// The price of one.
    pub unit_price: Cents,
    /// The price of the line.
    pub total: Cents,
    /// What the guest is still asked about it.
    pub questions: Vec<String>,
    /// What the guest must know about it because of an allergy.
    pub warnings: Vec<String>,
}
