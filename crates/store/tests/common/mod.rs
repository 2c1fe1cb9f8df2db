//! What the tests of the store share.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::PathBuf;

use concierge::{
    ledger::{Cart, Checkout, Consent, Event},
    menu::Menu,
    order::{Edit, OrderLine, Pick},
};
use store::{FILE_NAME, Placement, Receipted, SessionId, Store, StoreError};
use tempfile::TempDir;

pub const AT: i64 = 1_780_000_000;
pub const DAY: &str = "2026-05-28";

pub fn menu() -> Menu {
    Menu::from_json(r#"{"name":"Test","tax_rate":"0.1","items":[{"id":"tea","name":"Tea","price":2.00,"allergens":[]},{"id":"pie","name":"Pie","price":7.50,"allergens":["gluten"]}]}"#).unwrap()
}

pub fn store() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&file(&directory)).unwrap();
    (directory, store)
}

pub fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("data").join(FILE_NAME)
}

pub fn add(item: &str, quantity: u32) -> Edit {
    let item = Pick::One(item.into());
    Edit::Add { line: OrderLine { item, quantity, size: None, options: Vec::new(), without: Vec::new() } }
}

pub fn events(cart: &Cart, edit: &Edit) -> Vec<Event> {
    cart.decide(&menu(), edit, Consent::NotAsked).unwrap()
}

/// Puts something in a guest's cart, and gives the number of events and what can be placed.
pub fn fill(store: &Store, session: &SessionId, quantity: u32) -> (u64, Checkout) {
    let log = store.cart(session).unwrap();
    let seq = store.append(session, log.seq, &events(&log.cart(), &add("tea", quantity)), AT).unwrap();
    (seq, store.cart(session).unwrap().cart().checkout(&menu(), Consent::NotAsked).unwrap())
}

pub fn place(
    store: &Store,
    session: &SessionId,
    key: &str,
    body: &str,
    (expected, checkout): &(u64, Checkout),
) -> Result<Receipted, StoreError> {
    store.place(&Placement { session, key, body: body.as_bytes(), expected: *expected, checkout, day: DAY, at: AT })
}
