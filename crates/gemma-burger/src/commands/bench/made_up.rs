//! A large made-up menu, so that what is measured does not depend on a restaurant's size.

use std::fmt::Write as _;

use concierge::menu::Menu;
use serde_json::{Value, json};

use crate::cli::Failure;

/// Syllables of dishes that nobody sells.
const HEADS: [&str; 20] = [
    "bor", "cal", "dem", "fen", "gal", "hul", "jor", "kel", "lum", "mor", "nel", "pol", "quin", "ros", "sil", "tam",
    "ul", "vor", "wen", "zan",
];
const TAILS: [&str; 15] =
    ["aba", "elo", "ido", "oni", "uva", "asti", "enta", "isco", "olla", "urri", "ami", "ette", "igno", "osta", "ulli"];
/// How many dishes of a hundred are of which course.
const COURSES: [(&str, usize); 5] = [("main", 50), ("side", 20), ("drink", 15), ("dessert", 10), ("extra", 5)];
/// What mains may be with or without.
const TOPPINGS: [&str; 12] = [
    "basil", "olives", "rocket", "capers", "radish", "fennel", "walnuts", "chives", "sprouts", "leek", "dill", "sumac",
];

/// The menu's dishes; as many as there are pairs of syllables.
pub const DISHES: usize = HEADS.len() * TAILS.len();

/// A menu of [`DISHES`] dishes: a third in three sizes, mains with twelve toppings, marked with diets and allergens.
pub fn menu() -> Result<Menu, Failure> {
    let items: Vec<Value> = (0..DISHES).map(item).collect();
    let toppings: Vec<Value> =
        TOPPINGS.iter().map(|name| json!({"id": name, "name": name, "price": "0.50", "allergens": []})).collect();
    let menu = json!({
        "name": "Made up", "currency": "USD", "tax_rate": "0.0925", "items": items,
        "option_groups": [{"id": "toppings", "name": "Toppings", "min": 0, "max": 12, "choices": toppings}],
    });
    Menu::from_json(&menu.to_string()).map_err(|error| Failure::new(format!("the made-up menu: {error}")))
}

fn name(at: usize) -> String {
    let (head, tail) = (HEADS[at % HEADS.len()], TAILS[at / HEADS.len() % TAILS.len()]);
    format!("{head}{tail}")
}

fn course(at: usize) -> &'static str {
    let mut place = at * 37 % 100;
    for (course, share) in COURSES {
        if place < share {
            return course;
        }
        place -= share;
    }
    "main"
}

fn item(at: usize) -> Value {
    let course = course(at);
    // Spread over prices as restaurants have them, all different in cents.
    let cents = 250 + at * 61 % 1_700;
    let price = |cents: usize| format!("{}.{:02}", cents / 100, cents % 100);
    let mut item = json!({
        "id": name(at), "name": name(at), "course": course, "category": course, "price": price(cents),
        "allergens": if at.is_multiple_of(4) { json!(["milk"]) } else { json!([]) },
        "diets": if at.is_multiple_of(3) { json!(["vegan", "vegetarian"]) } else if at % 3 == 1 { json!(["vegetarian"]) } else { json!([]) },
        "popularity": at * 7 % 100,
    });
    if at.is_multiple_of(3) {
        let size = |id: &str, cents: usize| json!({"id": id, "name": id, "price": price(cents)});
        item["sizes"] = json!([size("small", cents), size("medium", cents + 125), size("large", cents + 275)]);
    }
    if course == "main" {
        item["option_groups"] = json!(["toppings"]);
    }
    item
}

/// Things to say to that restaurant: from one dish to a table's whole order, with sizes, options and changes of mind.
pub fn orders() -> Vec<String> {
    (0..60)
        .map(|at| {
            let dish = |step: usize| name((at * 31 + step * 97) % DISHES);
            let topping = TOPPINGS[at % TOPPINGS.len()];
            match at % 6 {
                0 => format!("a {} please", dish(0)),
                1 => format!("can i get two {}s without {topping} and a large {}", dish(0), dish(3)),
                2 => {
                    format!("uh hi id like three small {}s one {} with extra {topping} and thats it", dish(3), dish(1))
                }
                3 => format!("one {}, no wait, make that two {}s, and for my friend the {}", dish(0), dish(1), dish(2)),
                4 => format!("do you have {} or something like {}", dish(4), dish(5)),
                _ => {
                    let mut text = "for the whole table:".to_owned();
                    for step in 0..8 {
                        let _ = write!(text, " {} {}s,", step + 1, dish(step));
                    }
                    text + " everything without " + topping
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use concierge::understand::{Lexicon, parse};

    use super::*;

    #[test]
    fn the_menu_loads_and_its_orders_are_understood() {
        let menu = menu().unwrap();
        assert_eq!((menu.items.len(), DISHES), (300, 300));
        let lexicon = Lexicon::new(&menu);
        let understood = orders().iter().filter(|order| !parse(&lexicon, order).lines.is_empty()).count();
        assert!(understood >= 50, "{understood} of 60");
    }
}
