//! What a guest may eat: allergens and diets of dishes. Fixed words only, for they are no matter of style.

use std::collections::BTreeSet;

use super::{
    dishes::{Asked, by_popularity, source},
    headings::category_named,
    wording::{capital, listing, plain_words, price_from, priced},
};
use crate::{
    brief::{Act, Step},
    menu::{Choice, Item, Menu},
};

/// Said once behind whatever is told of allergens.
const ONE_KITCHEN: &str = "Everything is made in one kitchen, so please tell our staff";

/// Allergens are told in fixed words only: they are no matter of style. The warning stands once, behind the last dish.
pub(super) fn allergens(menu: &Menu, items: &[&Item], wanted: &BTreeSet<String>) -> Vec<Step> {
    let of = |item: &&Item| {
        let (act, plain) = match &item.allergens {
            Some(listed) => (
                Act::TellAllergens,
                format!(
                    "{}{}",
                    listed_of(menu, &item.name, listed, wanted),
                    of_its_choices(menu, item, listed, wanted)
                ),
            ),
            None => (
                Act::TellAllergensUnknown,
                format!(
                    "I don't know the allergens of {}: they are not listed. Please ask our staff before you order it.",
                    item.name
                ),
            ),
        };
        Step::new(act).item_fact(&item.id, plain.clone()).or_plain(plain).source(source(item))
    };
    let mut steps: Vec<Step> = items.iter().map(of).collect();
    if let Some(last) = steps.iter_mut().rfind(|step| step.act == Act::TellAllergens) {
        *last = std::mem::take(last).or_plain(format!("{ONE_KITCHEN} if you are allergic."));
    }
    steps
}

/// Which choices of a dish bring an allergen that is asked about and that the dish by itself does not list.
fn of_its_choices(menu: &Menu, item: &Item, listed: &BTreeSet<String>, wanted: &BTreeSet<String>) -> String {
    let mut told = String::new();
    for allergen in wanted.difference(listed) {
        let choices = item.option_groups.iter().filter_map(|id| menu.group(id)).flat_map(|group| &group.choices);
        let with = |choice: &&Choice| choice.allergens.as_ref().is_some_and(|listed| listed.contains(allergen));
        let mut names: Vec<String> =
            choices.filter(|choice| choice.available).filter(with).map(|choice| choice.name.to_lowercase()).collect();
        names.dedup();
        if !names.is_empty() {
            told.push_str(&format!(
                " Of what you can choose with it, these contain {allergen}: {}.",
                listing(&names, "and")
            ));
        }
    }
    told
}

/// What is listed for a dish or a choice, those first that are asked about.
fn listed_of(menu: &Menu, name: &str, listed: &BTreeSet<String>, wanted: &BTreeSet<String>) -> String {
    let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
    let all = if listed.is_empty() {
        format!("{name} has no allergens listed.")
    } else {
        format!("The allergens listed for {name} are {}.", listing(&listed, "and"))
    };
    let known = declared(menu);
    let mut plain = String::new();
    for allergen in wanted {
        if listed.contains(&allergen.as_str()) {
            plain.push_str(&format!("Yes, {name} contains {allergen}. "));
        } else if known.contains(allergen.as_str()) {
            plain.push_str(&format!("{} does not list {allergen}. ", capital(name)));
        } else {
            plain.push_str(&format!("Our menu does not tell about {allergen}, so please ask our staff. "));
        }
    }
    plain.push_str(&all);
    plain
}

/// What a question about a choice is answered with: "is the mayo vegan?", "is there egg in the sauce?".
pub(super) fn of_choice(menu: &Menu, choice: &Choice, asked: &Asked<'_>) -> Step {
    let name = &choice.name;
    if !asked.allergens.is_empty() {
        return match &choice.allergens {
            Some(listed) => Step::new(Act::TellAllergens).or_plain(format!(
                "{} {ONE_KITCHEN} if you are allergic.",
                listed_of(menu, name, listed, &asked.allergens)
            )),
            None => Step::new(Act::TellAllergensUnknown)
                .or_plain(format!("I don't know the allergens of {name}: they are not listed. Please ask our staff.")),
        };
    }
    // "Is the vegan mayo dairy-free?" asks of what its name does not say.
    let said = plain_words(name);
    let more = || asked.diets.iter().filter(|diet| !said.contains(diet));
    let wanted: Vec<&str> =
        asked.diets.iter().filter(|_| more().count() == 0).chain(more()).map(String::as_str).collect();
    let told = listing(&wanted, "and");
    let plain = match &choice.diets {
        None => format!("I don't know whether {name} is {told}; please ask our staff."),
        Some(diets) if wanted.iter().all(|diet| diets.contains(*diet)) => format!("Yes, {name} is {told}."),
        Some(_) => format!("No, {name} is not marked {told}."),
    };
    Step::new(Act::TellDiet).fact(plain.clone()).or_plain(plain).verbatim(true)
}

/// The same of a kind of choices: "does the bun have sesame?".
pub(super) fn of_choices(choices: &[&Choice], asked: &Asked<'_>) -> Step {
    let names = |which: &dyn Fn(&Choice) -> bool| {
        let names: Vec<String> =
            choices.iter().filter(|choice| which(choice)).map(|choice| choice.name.to_lowercase()).collect();
        if names.is_empty() { "none of them".to_owned() } else { listing(&names, "and") }
    };
    let wanted: Vec<&str> = asked.allergens.union(&asked.diets).map(String::as_str).collect();
    let kept = listing(&wanted, "or");
    if asked.allergens.is_empty() {
        let kept_by = |choice: &Choice| {
            choice.diets.as_ref().is_some_and(|diets| asked.diets.iter().all(|diet| diets.contains(diet)))
        };
        let plain = format!("Marked {kept}: {}.", names(&kept_by));
        return Step::new(Act::TellDiet).fact(plain.clone()).or_plain(plain).verbatim(true);
    }
    let lists = |choice: &Choice| choice.allergens.as_ref().is_none_or(|listed| !listed.is_disjoint(&asked.allergens));
    let plain = format!(
        "With {kept}: {}. Without it, as far as is listed: {}. Ask me about a dish for all that is in it. {ONE_KITCHEN} if you are allergic.",
        names(&lists),
        names(&|choice| !lists(choice))
    );
    Step::new(Act::TellAllergens).or_plain(plain)
}

/// Those of some dishes that a guest with an allergy may have, as far as their lists tell.
pub(super) fn without_allergens(menu: &Menu, several: &[&Item], asked: &Asked<'_>) -> Step {
    let avoided: Vec<&str> = asked.avoid.iter().map(String::as_str).collect();
    let avoided = listing(&avoided, "or");
    let fits: Vec<&Item> = several.iter().filter(|item| suits(item, asked)).copied().collect();
    let names: Vec<String> = fits.iter().map(|item| priced(&menu.currency, item)).collect();
    let told = if names.is_empty() {
        let names: Vec<&str> = several.iter().map(|item| item.name.as_str()).collect();
        format!("I can't offer you any of these, because of {avoided}: {}.", listing(&names, "and"))
    } else {
        format!("Of these, the ones that do not list {avoided}: {}.", listing(&names, "and"))
    };
    let plain = format!("{told} {ONE_KITCHEN} about it.");
    let step = fits.iter().fold(Step::new(Act::TellAllergens), |step, item| {
        step.item_fact(&item.id, format!("{}: {}", item.name, price_from(&menu.currency, item))).source(source(item))
    });
    step.or_plain(plain)
}

/// What can be eaten without some allergens.
pub(super) fn free_of(menu: &Menu, asked: &Asked<'_>) -> Step {
    let wanted: Vec<&str> = asked.allergens.iter().map(String::as_str).collect();
    let category = category_named(menu, &plain_words(asked.text));
    let mut fits: Vec<&Item> = by_popularity(menu, |item| {
        suits(item, asked) && item.allergens.is_some() && category.as_ref().is_none_or(|wanted| wanted.holds(item))
    });
    let without = listing(&wanted, "or");
    // "My kid can't have milk": where nothing of a kind will do, the rest of the menu may.
    if fits.is_empty() && category.is_some() {
        fits = by_popularity(menu, |item| suits(item, asked) && item.allergens.is_some());
    }
    if wanted.is_empty() {
        let plain = "Which allergen is it about? I can tell you what each dish lists.";
        return Step::new(Act::TellAllergens).or_plain(plain);
    }
    if fits.is_empty() {
        let plain = format!("I'm sorry, I see no dish that does not list {without}. Please ask our staff.");
        return Step::new(Act::TellAllergens).or_plain(plain);
    }
    let names: Vec<String> = fits.iter().take(5).map(|item| priced(&menu.currency, item)).collect();
    let plain = format!("These do not list {without}: {}. {ONE_KITCHEN} about it.", listing(&names, "and"));
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
