//! Allergens and diets: hard rules from the menu's data. What is not known is never taken for safe.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;

use super::{Cart, Line, line::includes};
use crate::{
    menu::{Item, Menu},
    order::LineId,
};

/// Something that a guest must not have, on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The line.
    pub line: LineId,
    /// The line's item.
    pub name: String,
    /// The allergen.
    pub allergen: String,
    /// Whether it is in it.
    pub certainty: Certainty,
}

/// What the menu says about an allergen on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// The item or an option declares it.
    Certain,
    /// Nothing is declared, which means nothing: staff must be asked.
    Unknown,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, allergen, .. } = self;
        match self.certainty {
            Certainty::Certain => write!(f, "{name} contains {allergen}"),
            Certainty::Unknown => {
                write!(f, "we don't know whether {name} contains {allergen}, please ask our staff")
            }
        }
    }
}

/// All conflicts of a cart with the allergies declared in it.
#[must_use]
pub fn conflicts(menu: &Menu, cart: &Cart) -> Vec<Conflict> {
    cart.lines().iter().flat_map(|line| conflicts_of_line(menu, line, cart.allergies())).collect()
}

/// The conflicts of one line with declared allergies.
///
/// What counts is what the item declares (whatever is left out of it), what it includes unless that is left out, and
/// what the options declare. An item or an option that declares nothing, and an allergen that this menu never names,
/// are unknown. Options still to be settled are looked at when they are.
#[must_use]
pub fn conflicts_of_line(menu: &Menu, line: &Line, allergies: &BTreeSet<String>) -> Vec<Conflict> {
    let conflict = |allergen: &String| {
        let certainty = certainty(menu, line, allergen)?;
        Some(Conflict { line: line.id, name: line.name.clone(), allergen: allergen.clone(), certainty })
    };
    allergies.iter().filter_map(conflict).collect()
}

fn certainty(menu: &Menu, line: &Line, allergen: &str) -> Option<Certainty> {
    let Some(item) = menu.item(&line.item) else { return Some(Certainty::Unknown) };
    let included = item
        .includes
        .iter()
        .filter(|(group, choice)| !line.without.iter().any(|left| left.group == *group && left.choice == *choice))
        .filter_map(|(group, choice)| menu.choice(group, choice)?.allergens.as_ref());
    let mut declared: Vec<Option<&BTreeSet<String>>> = vec![item.allergens.as_ref()];
    declared.extend(included.map(Some));
    declared.extend(line.options.iter().map(|option| {
        // What the item includes is covered by the item's own declaration.
        let own = menu.choice(&option.group, &option.choice).and_then(|choice| choice.allergens.as_ref());
        if includes(item, &option.group, &option.choice) { own.or(item.allergens.as_ref()) } else { own }
    }));
    judge(menu, &declared, allergen)
}

fn judge(menu: &Menu, declared: &[Option<&BTreeSet<String>>], allergen: &str) -> Option<Certainty> {
    if declared.iter().flatten().any(|names| has(names, allergen)) {
        Some(Certainty::Certain)
    } else if declared.contains(&None) || !menu_names(menu, allergen) {
        Some(Certainty::Unknown)
    } else {
        None
    }
}

fn has(names: &BTreeSet<String>, allergen: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(allergen))
}

/// Whether any entry of the menu declares the allergen. If none does, its absence says nothing about a dish.
fn menu_names(menu: &Menu, allergen: &str) -> bool {
    let of_items = menu.items.iter().filter_map(|item| item.allergens.as_ref());
    let of_choices =
        menu.option_groups.iter().flat_map(|group| &group.choices).filter_map(|choice| choice.allergens.as_ref());
    of_items.chain(of_choices).any(|names| has(names, allergen))
}

/// Whether an item may be suggested to this guest: it can be had, nothing in it conflicts with a declared allergy or
/// might, it suits every declared diet, and the guest has not taken it off the order.
#[must_use]
pub fn may_suggest(menu: &Menu, item: &Item, cart: &Cart) -> bool {
    let included = item.includes.iter().filter_map(|(group, choice)| menu.choice(group, choice)?.allergens.as_ref());
    let mut declared = vec![item.allergens.as_ref()];
    declared.extend(included.map(Some));
    let suits = |diet: &String| item.diets.as_ref().is_some_and(|diets| has(diets, diet));
    item.available
        && !cart.declined().contains(&item.id)
        && cart.allergies().iter().all(|allergen| judge(menu, &declared, allergen).is_none())
        && cart.diets().iter().all(suits)
}
