//! Tests of the ledger, on a small menu that has every case: sizes with and without a default, required groups,
//! groups of one, counted options, things included, unknown allergens, sold-out entries.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod complaints;
mod edits;
mod papers;
mod properties;
mod questions;

use super::*;
use crate::{
    menu::Menu,
    order::{Amount, ChoicePick, Edit, LineId, OptionPick, OrderLine, Pick, Without},
};

pub(super) const MENU: &str = r#"{"name":"Test Kitchen","currency":"USD","tax_rate":"0.0925","items":[
 {"id":"soup","name":"Tomato Soup","category":"Starter","course":"side","price":4.00,
  "sizes":[{"id":"small","name":"Small","price":4.00},{"id":"large","name":"Large","price":5.50}],"default_size":"small",
  "option_groups":["extras"],"includes":["extras/croutons"],"allergens":["celery","gluten"],"diets":["vegetarian"]},
 {"id":"stew","name":"Bean Stew","category":"Pot","course":"main","price":9.99,"option_groups":["extras","spice"],
  "includes":["extras/cream","extras/croutons"],"allergens":["celery"],"diets":["vegetarian"]},
 {"id":"pasta","name":"Pasta","category":"Pot","course":"main","price":8.00,
  "sizes":[{"id":"half","name":"Half","price":5.00},{"id":"full","name":"Full","price":8.00}],
  "option_groups":["sauce","extras"],"allergens":["gluten"],"diets":["vegetarian","vegan"]},
 {"id":"tea","name":"Black Tea","category":"Drink","course":"drink","price":2.00,"option_groups":["milk","sweet"],
  "allergens":[],"diets":["vegan","vegetarian"]},
 {"id":"juice","name":"Apple Juice","category":"Drink","course":"drink","price":3.00,"allergens":[],"diets":["vegan"]},
 {"id":"mystery","name":"Mystery Pie","category":"Pot","course":"main","price":7.00},
 {"id":"feast","name":"Feast","category":"Pot","course":"main","price":900.00,"allergens":[]},
 {"id":"fish","name":"Fish","category":"Pot","course":"main","price":11.00,"allergens":["fish"],"available":false}],
 "option_groups":[
 {"id":"extras","name":"Extras","max":4,"choices":[
  {"id":"cream","name":"Cream","price":0.50,"allergens":["milk"]},{"id":"croutons","name":"Croutons","price":0.75,"allergens":["gluten"]},
  {"id":"cheese","name":"BBQ Cheese","price":1.25,"allergens":["milk"]},{"id":"herbs","name":"Fresh Herbs","price":0.10},
  {"id":"truffle","name":"Truffle","price":6.00,"allergens":[],"available":false}]},
 {"id":"spice","name":"Spice","max":1,"choices":[{"id":"mild","name":"Mild","allergens":[]},{"id":"hot","name":"Hot","price":0.30,"allergens":[]}]},
 {"id":"sauce","name":"Sauce","min":1,"max":2,"choices":[
  {"id":"pesto","name":"Pesto","price":1.00,"allergens":["nuts"]},{"id":"arrabbiata","name":"Arrabbiata","allergens":[]},
  {"id":"gone","name":"Saffron","allergens":[],"available":false}]},
 {"id":"milk","name":"Milk","max":1,"choices":[{"id":"whole","name":"Whole Milk","allergens":["milk"]},{"id":"oat","name":"Oat Milk","price":0.40,"allergens":["gluten"]}]},
 {"id":"sweet","name":"Sweetener","max":4,"choices":[{"id":"sugar","name":"Sugar","price":0.05,"allergens":[],"counted":true}]}]}"#;

pub(super) fn menu() -> Menu {
    Menu::from_json(MENU).unwrap()
}

/// The menu with some of its text replaced.
pub(super) fn menu_with(from: &str, to: &str) -> Menu {
    assert!(MENU.contains(from), "{from}");
    Menu::from_json(&MENU.replace(from, to)).unwrap()
}

pub(super) fn line(item: &str, quantity: u32) -> OrderLine {
    OrderLine { item: Pick::One(item.into()), quantity, size: None, options: Vec::new(), without: Vec::new() }
}

pub(super) fn any_item(items: &[&str], quantity: u32) -> OrderLine {
    OrderLine { item: Pick::AnyOf(items.iter().map(|id| (*id).into()).collect()), ..line("", quantity) }
}

pub(super) fn option(group: &str, choice: &str) -> OptionPick {
    OptionPick { group: group.into(), choice: ChoicePick::One(choice.into()), amount: None, count: None }
}

pub(super) fn any_option(group: &str, choices: &[&str]) -> OptionPick {
    let ids = choices.iter().map(|id| (*id).into()).collect();
    OptionPick { choice: ChoicePick::AnyOf(ids), ..option(group, "") }
}

pub(super) fn without(group: &str, choice: &str) -> Without {
    Without { group: group.into(), choice: ChoicePick::One(choice.into()) }
}

pub(super) fn any_without(group: &str, choices: &[&str]) -> Without {
    Without { group: group.into(), choice: ChoicePick::AnyOf(choices.iter().map(|id| (*id).into()).collect()) }
}

pub(super) fn with(item: &str, quantity: u32, options: &[OptionPick]) -> OrderLine {
    OrderLine { options: options.to_vec(), ..line(item, quantity) }
}

pub(super) fn lacking(item: &str, quantity: u32, without: &[Without]) -> OrderLine {
    OrderLine { without: without.to_vec(), ..line(item, quantity) }
}

pub(super) fn amount(pick: OptionPick, amount: Amount) -> OptionPick {
    OptionPick { amount: Some(amount), ..pick }
}

pub(super) fn times(pick: OptionPick, count: u32) -> OptionPick {
    OptionPick { count: Some(count), ..pick }
}

pub(super) fn add(line: OrderLine) -> Edit {
    Edit::Add { line }
}

/// A conversation in a test: a menu and the events so far.
#[derive(Clone)]
pub(super) struct Guest {
    pub menu: Menu,
    pub cart: Cart,
}

impl Guest {
    pub fn new() -> Self {
        Self { menu: menu(), cart: Cart::default() }
    }

    #[track_caller]
    pub fn says(mut self, edit: Edit) -> Self {
        let events = self.cart.decide(&self.menu, &edit, Consent::NotAsked).unwrap();
        self.take(&events);
        self
    }

    #[track_caller]
    pub fn confirms(mut self, edit: Edit) -> Self {
        let events = self.cart.decide(&self.menu, &edit, Consent::Given).unwrap();
        self.take(&events);
        self
    }

    #[track_caller]
    pub fn refused(&self, edit: Edit) -> Refusal {
        self.cart.decide(&self.menu, &edit, Consent::NotAsked).unwrap_err()
    }

    pub fn allergic(mut self, allergen: &str) -> Self {
        let events = self.cart.declare_allergy(allergen).unwrap();
        self.take(&events);
        self
    }

    pub fn take(&mut self, events: &[Event]) {
        events.iter().for_each(|event| self.cart.apply(event));
    }

    /// Places what is in the cart as order `id`, and gives the order.
    #[track_caller]
    pub fn places(mut self, id: i64) -> Self {
        let checkout = self.cart.checkout(&self.menu, Consent::NotAsked).unwrap();
        let placed = Event::Placed { order: OrderId(id), number: 7, at: 1_000_000, totals: checkout.totals };
        self.take(&[placed]);
        self
    }

    /// The lines in words, and the subtotal.
    pub fn shows(&self) -> String {
        let lines = describe(&self.menu, &self.cart).join("; ");
        format!("{lines} = {}", self.cart.totals(self.menu.tax_rate).subtotal)
    }

    pub fn questions(&self) -> Vec<String> {
        self.cart.needs(&self.menu).into_iter().map(|need| need.words).collect()
    }
}

pub(super) const fn id(number: u32) -> LineId {
    LineId(number)
}
