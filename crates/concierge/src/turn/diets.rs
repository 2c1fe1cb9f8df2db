//! What a guest may eat: allergens and diets of dishes. Fixed words only, for they are no matter of style.

use std::collections::BTreeSet;

use super::{
    dishes::{Asked, by_popularity, category_named, source},
    wording::{capital, listing, plain_words, priced},
};
use crate::{
    brief::{Act, Step},
    menu::{Item, Menu},
};

/// Allergens are told in fixed words only: they are no matter of style.
pub(super) fn allergens(menu: &Menu, item: &Item, wanted: &BTreeSet<String>) -> Step {
    let Some(listed) = &item.allergens else {
        let plain = format!(
            "I don't know the allergens of {}: they are not listed. Please ask our staff before you order it.",
            item.name
        );
        return Step::new(Act::TellAllergensUnknown)
            .item_fact(&item.id, plain.clone())
            .or_plain(plain)
            .source(source(item));
    };
    let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
    let all = if listed.is_empty() {
        format!("{} has no allergens listed.", item.name)
    } else {
        format!("The allergens listed for {} are {}.", item.name, listing(&listed, "and"))
    };
    let known = declared(menu);
    let mut plain = String::new();
    for allergen in wanted {
        if listed.contains(&allergen.as_str()) {
            plain.push_str(&format!("Yes, {} contains {allergen}. ", item.name));
        } else if known.contains(allergen.as_str()) {
            plain.push_str(&format!("{} does not list {allergen}. ", capital(&item.name)));
        } else {
            plain.push_str(&format!("Our menu does not tell about {allergen}, so please ask our staff. "));
        }
    }
    plain.push_str(&all);
    plain.push_str(" Everything is made in one kitchen, so please tell our staff if you are allergic.");
    Step::new(Act::TellAllergens).item_fact(&item.id, plain.clone()).or_plain(plain).source(source(item))
}

/// What can be eaten without some allergens.
pub(super) fn free_of(menu: &Menu, asked: &Asked<'_>) -> Step {
    let wanted: Vec<&str> = asked.allergens.iter().map(String::as_str).collect();
    let category = category_named(menu, &plain_words(asked.text));
    let fits: Vec<&Item> = by_popularity(menu, |item| {
        suits(item, asked) && item.allergens.is_some() && category.as_ref().is_none_or(|wanted| wanted.holds(item))
    });
    let without = listing(&wanted, "or");
    if wanted.is_empty() {
        let plain = "Which allergen is it about? I can tell you what each dish lists.";
        return Step::new(Act::TellAllergens).or_plain(plain);
    }
    if fits.is_empty() {
        let plain = format!("I'm sorry, I see no dish that does not list {without}. Please ask our staff.");
        return Step::new(Act::TellAllergens).or_plain(plain);
    }
    let names: Vec<String> = fits.iter().take(5).map(|item| priced(&menu.currency, item)).collect();
    let plain = format!(
        "These do not list {without}: {}. Everything is made in one kitchen, so please tell our staff about it.",
        listing(&names, "and")
    );
    let step = Step::new(Act::TellAllergens).or_plain(plain);
    fits.into_iter().take(5).fold(step, |step, item| step.source(source(item)))
}

pub(super) fn fits_diet(item: &Item, diet: &str) -> Step {
    match item.diets.as_ref() {
        None => Step::new(Act::AdmitUnknown)
            .item_fact(&item.id, format!("{}: not known whether it is {diet}.", item.name))
            .or_plain(format!("I don't know whether {} is {diet}; please ask our staff.", item.name)),
        Some(diets) if diets.contains(diet) => Step::new(Act::TellDiet)
            .item_fact(&item.id, format!("{}: {diet}.", item.name))
            .point(format!("Yes, {} is {diet}.", item.name), [item.name.as_str(), diet]),
        Some(_) => {
            let plain = format!("No, {} is not marked {diet}.", item.name);
            Step::new(Act::TellDiet).item_fact(&item.id, plain.clone()).point(plain, ["not", diet])
        }
    }
}

/// Whether an item is surely fit for the guest: what is not known does not count as fit.
pub(super) fn suits(item: &Item, asked: &Asked<'_>) -> bool {
    item.available
        && asked.diets.iter().all(|diet| item.is_marked(diet))
        && (asked.allergens.is_empty() && asked.avoid.is_empty()
            || item
                .allergens
                .as_ref()
                .is_some_and(|listed| listed.is_disjoint(&asked.allergens) && listed.is_disjoint(&asked.avoid)))
}

/// All allergens that the menu speaks of at all.
fn declared(menu: &Menu) -> BTreeSet<&str> {
    menu.items.iter().filter_map(|item| item.allergens.as_ref()).flatten().map(String::as_str).collect()
}
