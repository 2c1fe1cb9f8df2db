//! One dish: what is asked of it, told from the menu.

use std::collections::BTreeSet;

use super::aspect::Aspect;
use super::diets::fits_diet;
use super::dishes::{Asked, sold_out, source};
use super::extras;
use super::wording::{among, included, listing, plain_words, prices, singular, with_stop};
use crate::{
    brief::{Act, Step},
    menu::{Item, Menu, OptionGroup},
};

/// Whether something may be eaten is asked.
pub(super) const MAY_BE_EATEN: &str = "ok | okay | fine | safe | can i eat | can she eat | can he eat | can they eat | \
    can we eat | can i have | can she have | can he have | can they have";

/// What a guest who told of an allergy should mind of a dish that is told of.
pub(super) fn mind(item: &Item, avoid: &BTreeSet<String>) -> Option<Step> {
    let listed: Vec<&str> = item.allergens.as_ref()?.intersection(avoid).map(String::as_str).collect();
    let plain = format!("Please mind: {} lists {}.", item.name, listing(&listed, "and"));
    (!listed.is_empty()).then(|| Step::new(Act::WarnAllergy).fact(plain.clone()).or_plain(plain).verbatim(true))
}

pub(super) fn about(menu: &Menu, item: &Item, aspect: Aspect, asked: &Asked<'_>) -> Step {
    let price = prices(&menu.currency, item);
    let short = format!("{}: {price}.", item.name);
    if !item.available {
        return sold_out(menu, item, asked);
    }
    if let Some(diet) = asked.diets.iter().next() {
        return fits_diet(item, diet).source(source(item));
    }
    if matches!(aspect, Aspect::Any | Aspect::Contents)
        && let Some(step) = extras::with(menu, item, asked.text)
    {
        return step.source(source(item));
    }
    let step = match aspect {
        Aspect::Price | Aspect::Cheapest | Aspect::Dearest => {
            let (least, most) = item.price_range();
            let needs = [menu.currency.show(least), menu.currency.show(most)];
            Step::new(Act::TellPrice).item_fact(&item.id, short).point(format!("{} is {price}.", item.name), needs)
        }
        Aspect::Calories => match item.calories {
            Some(calories) => Step::new(Act::TellItem)
                .item_fact(&item.id, format!("{short} {calories} kcal."))
                .point(format!("{} has {calories} kcal.", item.name), [calories.to_string()]),
            None => Step::new(Act::AdmitUnknown)
                .or_plain(format!("I'm sorry, I don't have the calories of {}. Please ask at the counter.", item.name)),
        },
        Aspect::Sizes if !item.sizes.is_empty() => Step::new(Act::TellPrice).item_fact(&item.id, short).point(
            format!("{} comes as {}.", item.name, sizes(menu, item)),
            item.sizes.iter().map(|size| menu.currency.show(size.price)),
        ),
        Aspect::Options => options(menu, item),
        Aspect::Any | Aspect::Contents if asks_more_than_told(item, asked.text) => {
            let plain = format!(
                "The menu says nothing of that. {}: {} For more, please ask our staff.",
                item.name,
                with_stop(&item.description)
            );
            Step::new(Act::TellItem).item_fact(&item.id, plain.clone()).or_plain(plain).verbatim(true)
        }
        // What is in a dish matters to those who may not eat it: told whole.
        _ => describe(menu, item).verbatim(aspect == Aspect::Contents),
    };
    step.source(source(item))
}

/// Whether it is asked if something is in a dish, or if a dish is so, of which its name and description
/// tell nothing: "any pork in it?", "is it fried?".
fn asks_more_than_told(item: &Item, text: &str) -> bool {
    const ASKING: &str = "is are does do has have any was";
    const AROUND: &str = "is are does do has have any in it the a an of on with there this that them they these those one \
        you your use used come comes made make and or some really very too also please so ok okay inside contain contains \
        for me us i my not what about kind can get which was all like served be good nice hi hello tell";
    let words = plain_words(text);
    let names = std::iter::once(&item.name).chain(&item.aliases);
    let known: Vec<String> = names
        .chain([&item.description, &item.category])
        .chain(item.diets.iter().flatten())
        .chain(item.allergens.iter().flatten())
        .map(String::as_str)
        .flat_map(plain_words)
        .collect();
    let known = |word: &str| known.iter().any(|other| singular(other) == singular(word));
    let mut more = words.iter().filter(|word| !among(word, AROUND)).peekable();
    let asks = words.iter().take(2).any(|word| among(word, ASKING));
    asks && more.peek().is_some() && !more.any(|word| known(word))
}

/// Name, price and what it is; what is on it where the description may leave it open.
fn describe(menu: &Menu, item: &Item) -> Step {
    let on_it = included(menu, item);
    let mut text = format!("{}: {}. {}", item.name, prices(&menu.currency, item), item.description);
    if !on_it.is_empty() {
        text.push_str(&format!(" Comes with {}.", listing(&on_it, "and")));
    }
    let (least, _) = item.price_range();
    let plain = format!("{}: {} It is {}.", item.name, with_stop(&item.description), prices(&menu.currency, item));
    Step::new(Act::TellItem).item_fact(&item.id, text).point(plain, [item.name.clone(), menu.currency.show(least)])
}

/// "small for $1.99 or large for $2.99".
fn sizes(menu: &Menu, item: &Item) -> String {
    let each: Vec<String> = item
        .sizes
        .iter()
        .map(|size| format!("{} for {}", size.name.to_lowercase(), menu.currency.show(size.price)))
        .collect();
    listing(&each, "or")
}

fn options(menu: &Menu, item: &Item) -> Step {
    let groups: Vec<&OptionGroup> = item.option_groups.iter().filter_map(|id| menu.group(id)).collect();
    if groups.is_empty() {
        return Step::new(Act::TellItem)
            .item_fact(&item.id, format!("{}: no options.", item.name))
            .or_plain(format!("{} comes as it is; there is nothing to choose.", item.name));
    }
    let text = format!("For {} you can choose {}.", item.name, extras::choices_of(menu, &groups).join("; "));
    Step::new(Act::TellItem).item_fact(&item.id, text.clone()).point(text.clone(), [text]).verbatim(true)
}

pub(super) fn compare(menu: &Menu, one: &Item, other: &Item) -> Step {
    let line = |item: &Item| format!("{}: {}. {}", item.name, prices(&menu.currency, item), item.description);
    let needs = [menu.currency.show(one.price_range().0), menu.currency.show(other.price_range().0)];
    Step::new(Act::Compare)
        .item_fact(&one.id, line(one))
        .item_fact(&other.id, line(other))
        .point(format!("{} {}", line(one), line(other)), needs)
        .source(source(one))
        .source(source(other))
}
