//! What tools tell as data.

use serde_json::{Value, json};

use super::wording::money;
use crate::menu::{Item, Menu};

/// An item in short.
pub(super) fn summary(menu: &Menu, item: &Item) -> Value {
    let (least, most) = item.price_range();
    json!({"id": item.id, "name": item.name, "category": item.category, "price_from": least, "price_to": most,
        "shown": money(menu, least), "available": item.available})
}

/// Everything about an item.
pub(super) fn item(menu: &Menu, item: &Item) -> Value {
    let groups: Vec<Value> = item
        .option_groups
        .iter()
        .filter_map(|id| menu.group(id))
        .map(|group| {
            let choices: Vec<Value> = group
                .choices
                .iter()
                .filter(|choice| choice.available)
                .map(|choice| json!({"id": choice.id, "name": choice.name, "price": choice.price}))
                .collect();
            json!({"id": group.id, "name": group.name, "min": group.min, "max": group.max, "choices": choices})
        })
        .collect();
    let sizes: Vec<Value> =
        item.sizes.iter().map(|size| json!({"id": size.id, "name": size.name, "price": size.price})).collect();
    json!({
        "id": item.id, "name": item.name, "category": item.category, "course": item.course,
        "description": item.description, "price": item.price, "currency": menu.currency.code(), "sizes": sizes,
        "option_groups": groups, "includes": item.includes.iter().map(|(_, choice)| choice).collect::<Vec<_>>(),
        "allergens": item.allergens, "diets": item.diets, "calories": item.calories, "available": item.available,
    })
}
