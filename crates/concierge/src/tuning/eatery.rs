//! A made-up restaurant: its menu as data, and the phrases that its descriptions were made of.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    bank::{Bank, Slots},
    rng::Rng,
};
use crate::{
    check::MentionIndex,
    menu::{Item, Menu},
    turn::wording::capital,
};

/// Dishes of a made-up restaurant.
const DISHES: usize = 14;

/// A restaurant that exists in one or a few examples only.
pub(super) struct Eatery {
    pub menu: Menu,
    pub index: MentionIndex,
    pub dishes: Vec<Dish>,
}

/// What the generator knows of a dish besides its entry in the menu.
#[derive(Clone, Debug)]
pub(super) struct Dish {
    pub item: Item,
    /// The description as a part of a sentence: "grilled leeks over rice".
    pub phrase: String,
    /// A sentence that follows it; may be empty.
    pub tail: String,
    /// Single parts of it.
    pub parts: Vec<String>,
}

impl Eatery {
    /// Opens one. Its menu goes through the loader of real menus.
    ///
    /// # Errors
    /// What the loader says of a menu that the banks led to.
    pub fn open(bank: &Bank, rng: &mut Rng) -> Result<Self, String> {
        let mut names = BTreeSet::new();
        let mut items = Vec::new();
        let mut made = Vec::new();
        let courses: Vec<_> = bank.courses.iter().collect();
        while items.len() < DISHES {
            let Some((course, words)) = rng.pick(&courses) else { return Err("the bank names no course".to_owned()) };
            let (whim, base, form) = (rng.text(&bank.whims), rng.text(&words.bases), rng.text(&words.forms));
            let name = match rng.below(4) {
                0 => format!("{base} {form}"),
                1 => format!("{whim} {form}"),
                _ => format!("{whim} {base} {form}"),
            };
            if !names.insert(name.clone()) {
                continue;
            }
            let parts: Vec<String> = rng.some(&words.parts, 3).into_iter().cloned().collect();
            let mut slots = Slots::default();
            for (slot, part) in ["x", "y", "z"].into_iter().zip(&parts) {
                slots.set(slot, part);
            }
            let phrase = slots.fill(rng.text(&words.phrases)).unwrap_or_default();
            let head = if rng.chance(20) { rng.text(&bank.heads) } else { "" };
            let tail = if rng.chance(35) { rng.text(&bank.tails).to_owned() } else { String::new() };
            let sentence = if head.is_empty() { capital(&phrase) } else { format!("{head}{phrase}") };
            let description = format!("{sentence}. {tail}").trim().to_owned();
            let price = rng.between(words.cents[0], words.cents[1]);
            let sizes = if rng.chance(40) { rng.pick(&bank.sizes).cloned().unwrap_or_default() } else { Vec::new() };
            let step = rng.between(50, 250);
            let id = name.to_lowercase().replace(' ', "-").replace('\'', "");
            let sizes: Vec<_> = (0..).zip(&sizes).map(|(at, size): (i64, &String)| {
                json!({"id": size.to_lowercase().replace(' ', "-"), "name": size, "aliases": [], "price": money(price + at * step)})
            }).collect();
            let diets: Vec<&String> = rng.some(&bank.diets, 3);
            items.push(json!({
                "id": id, "name": name, "aliases": [], "category": rng.text(&words.categories), "course": course,
                "description": description, "price": money(price), "sizes": sizes, "diets": diets, "allergens": [],
                "popularity": rng.below(100), "calories": rng.between(40, 1200),
            }));
            made.push((phrase, tail, parts));
        }
        let tax = if rng.chance(60) { format!("0.{:03}", rng.between(40, 190)) } else { "0".to_owned() };
        let currency = ["USD", "USD", "USD", "EUR", "GBP"][rng.below(5)];
        let file = json!({
            "name": rng.text(&bank.houses), "currency": currency, "tax_rate": tax, "items": items, "option_groups": [],
        });
        let menu = Menu::from_json(&file.to_string()).map_err(|error| error.to_string())?;
        let dishes = menu
            .items
            .iter()
            .cloned()
            .zip(made)
            .map(|(item, (phrase, tail, parts))| Dish { item, phrase, tail, parts })
            .collect();
        Ok(Self { index: crate::check::index(&menu), menu, dishes })
    }
}

fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
