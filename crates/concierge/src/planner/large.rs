//! A large menu and a demanding wish, made up from a number: what the planner is timed with.

use serde_json::{Value, json};

use super::{Diner, Objective, Request};
use crate::{
    menu::{Menu, MenuError},
    money::Cents,
};

/// A menu of so many items, every third with three sizes and every second with options at a price, and a wish of 500
/// in its currency for a party of eight with two diets and an allergy, a side and a drink for each. Another seed gives
/// other prices and rules.
///
/// # Errors
/// None for up to some thousand items; the menu is checked like any other.
pub fn large(items: u32, seed: u64, objective: Objective) -> Result<(Menu, Request), MenuError> {
    let mut state = seed;
    let mut roll = move |sides: u64| {
        // SplitMix64: repeatable, and nothing more is needed.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    };
    let amount = |cents: u64| Cents(i64::try_from(cents).unwrap_or(0)).to_string();
    let courses = ["main", "main", "side", "drink", "dessert", "extra"];
    let entries: Vec<Value> = (0..items)
        .map(|number| {
            let price = 199 + roll(2_300);
            let mut item = json!({
                "id": format!("item-{number}"), "name": format!("Item {number}"), "category": "All",
                "course": courses[usize::try_from(roll(6)).unwrap_or(0)], "price": amount(price),
                "popularity": roll(100), "allergens": if roll(3) == 0 { json!(["milk"]) } else { json!([]) },
                "diets": match roll(3) { 0 => json!(["vegan", "vegetarian"]), 1 => json!(["vegetarian"]), _ => json!([]) },
            });
            if number % 3 == 0 {
                item["sizes"] = json!([
                    {"id": "small", "name": "Small", "price": amount(price)},
                    {"id": "medium", "name": "Medium", "price": amount(price + 50 + roll(200))},
                    {"id": "large", "name": "Large", "price": amount(price + 300 + roll(300))},
                ]);
            }
            if number % 2 == 0 {
                item["option_groups"] = json!(["extras"]);
            }
            item
        })
        .collect();
    let choices: Vec<Value> = (0..8)
        .map(|number| {
            let price = amount(25 + 50 * number + roll(25));
            json!({"id": format!("extra-{number}"), "name": format!("Extra {number}"), "price": price,
                "allergens": [], "diets": ["vegan", "vegetarian"]})
        })
        .collect();
    let menu = json!({"name": "Large", "currency": "USD", "tax_rate": "0.0925", "items": entries,
        "option_groups": [{"id": "extras", "name": "Extras", "min": 0, "max": 4, "choices": choices}]});
    let diner = |diet: &str| Diner { diets: [diet.to_owned()].into(), ..Diner::default() };
    let careful = Diner { allergens: ["milk".to_owned()].into(), ..diner("vegetarian") };
    let request = Request {
        limit: Some(Cents(50_000)),
        party: 8,
        diners: vec![diner("vegan"), diner("vegan"), diner("vegetarian"), careful],
        sides: 1,
        drinks: 1,
        objective,
        ..Request::default()
    };
    Ok((Menu::from_json(&menu.to_string())?, request))
}
