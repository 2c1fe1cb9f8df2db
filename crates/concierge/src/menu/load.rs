//! Reading and checking a menu file. Whatever is wrong is named by item and key, and nothing is loaded.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Deserialize;

use super::{Choice, ChoiceId, Course, GroupId, Item, ItemId, Menu, OptionGroup, Size, SizeId};
use crate::{
    json,
    money::{Cents, Currency, TaxRate},
};

/// More than any restaurant offers; a larger file is a mistake or an attack.
const MAX_ITEMS: usize = 5_000;
const MAX_CHOICES: usize = 20_000;
/// The longest name, alias or id in characters, and the longest description.
const MAX_NAME: usize = 120;
const MAX_DESCRIPTION: usize = 2_000;

/// What is wrong with a menu file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MenuError {
    /// Not JSON, an unknown key, or a value of the wrong kind.
    #[error("the menu cannot be read: {0}")]
    Json(String),
    /// A value that cannot be.
    #[error("{entry}, key \"{key}\": {problem}")]
    Entry {
        /// Which item, group or choice.
        entry: String,
        /// Which of its keys.
        key: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMenu {
    #[serde(default = "unnamed")]
    name: String,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    tax_rate: TaxRate,
    items: Vec<RawItem>,
    #[serde(default)]
    option_groups: Vec<RawGroup>,
}

fn unnamed() -> String {
    "The restaurant".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawItem {
    #[serde(default)]
    id: Option<String>,
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    course: Option<Course>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    price: Option<Cents>,
    #[serde(default)]
    sizes: Vec<RawSize>,
    #[serde(default)]
    default_size: Option<String>,
    #[serde(default)]
    option_groups: Vec<String>,
    #[serde(default)]
    includes: Vec<String>,
    #[serde(default)]
    allergens: Option<BTreeSet<String>>,
    #[serde(default)]
    diets: Option<BTreeSet<String>>,
    #[serde(default)]
    popularity: Option<u8>,
    #[serde(default)]
    calories: Option<u32>,
    #[serde(default = "yes")]
    available: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSize {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    price: Cents,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    min: u32,
    #[serde(default)]
    max: Option<u32>,
    choices: Vec<RawChoice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChoice {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    price: Cents,
    #[serde(default)]
    allergens: Option<BTreeSet<String>>,
    #[serde(default)]
    diets: Option<BTreeSet<String>>,
    #[serde(default)]
    counted: bool,
    #[serde(default = "yes")]
    available: bool,
}

const fn yes() -> bool {
    true
}

pub(super) fn from_json(text: &str) -> Result<Menu, MenuError> {
    let raw = if text.trim_start().starts_with('[') {
        RawMenu {
            name: unnamed(),
            currency: None,
            tax_rate: TaxRate::default(),
            items: json::read(text).map_err(MenuError::Json)?,
            option_groups: Vec::new(),
        }
    } else {
        json::read(text).map_err(MenuError::Json)?
    };
    check(raw)
}

fn check(raw: RawMenu) -> Result<Menu, MenuError> {
    let whole = "the menu".to_owned();
    let currency = match raw.currency {
        None => Currency::default(),
        Some(code) => Currency::new(&code)
            .ok_or_else(|| wrong(&whole, "currency", format!("\"{code}\" must be a three-letter code such as USD")))?,
    };
    check_text(&whole, "name", &raw.name, MAX_NAME)?;
    if raw.items.is_empty() || raw.items.len() > MAX_ITEMS {
        return Err(wrong(&whole, "items", format!("{} items; 1 to {MAX_ITEMS} are allowed", raw.items.len())));
    }
    if raw.option_groups.iter().map(|group| group.choices.len()).sum::<usize>() > MAX_CHOICES {
        return Err(wrong(&whole, "option_groups", format!("more than {MAX_CHOICES} choices")));
    }
    let option_groups = raw.option_groups.into_iter().map(check_group).collect::<Result<Vec<_>, _>>()?;
    let group_index = index(&option_groups, "option group", |group| &group.id)?;
    let items = raw.items.into_iter().map(check_item).collect::<Result<Vec<_>, _>>()?;
    let item_index = index(&items, "item", |item| &item.id)?;
    let menu = Menu { name: raw.name, currency, tax_rate: raw.tax_rate, items, option_groups, item_index, group_index };
    check_references(&menu)?;
    Ok(menu)
}

fn check_group(raw: RawGroup) -> Result<OptionGroup, MenuError> {
    let entry = format!("option group \"{}\"", raw.id);
    check_text(&entry, "id", &raw.id, MAX_NAME)?;
    if raw.max.is_some_and(|max| max < raw.min || max == 0) {
        return Err(wrong(&entry, "max", "must be at least min, and at least 1".to_owned()));
    }
    let mut choices = Vec::with_capacity(raw.choices.len());
    for raw in raw.choices {
        let entry = format!("{entry}, choice \"{}\"", raw.id);
        check_text(&entry, "id", &raw.id, MAX_NAME)?;
        check_price(&entry, raw.price)?;
        let name = raw.name.unwrap_or_else(|| spoken(&raw.id));
        check_text(&entry, "name", &name, MAX_NAME)?;
        choices.push(Choice {
            id: ChoiceId(raw.id),
            name,
            aliases: check_aliases(&entry, raw.aliases)?,
            price: raw.price,
            allergens: raw.allergens,
            diets: raw.diets,
            counted: raw.counted,
            available: raw.available,
        });
    }
    index(&choices, &format!("{entry}, choice"), |choice| &choice.id)?;
    Ok(OptionGroup {
        name: raw.name.unwrap_or_else(|| spoken(&raw.id)),
        id: GroupId(raw.id),
        min: raw.min,
        max: raw.max,
        choices,
    })
}

fn check_item(raw: RawItem) -> Result<Item, MenuError> {
    let id = raw.id.unwrap_or_else(|| slug(&raw.name));
    let entry = format!("item \"{id}\"");
    check_text(&entry, "id", &id, MAX_NAME)?;
    check_text(&entry, "name", &raw.name, MAX_NAME)?;
    if raw.description.chars().count() > MAX_DESCRIPTION {
        return Err(wrong(&entry, "description", format!("longer than {MAX_DESCRIPTION} characters")));
    }
    let mut sizes = Vec::with_capacity(raw.sizes.len());
    for size in raw.sizes {
        let entry = format!("{entry}, size \"{}\"", size.id);
        check_price(&entry, size.price)?;
        let name = size.name.unwrap_or_else(|| spoken(&size.id));
        sizes.push(Size {
            aliases: check_aliases(&entry, size.aliases)?,
            id: SizeId(size.id),
            name,
            price: size.price,
        });
    }
    index(&sizes, &format!("{entry}, size"), |size| &size.id)?;
    let default_size = raw.default_size.map(SizeId);
    if let Some(size) = default_size.as_ref().filter(|id| !sizes.iter().any(|size| size.id == **id)) {
        return Err(wrong(&entry, "default_size", format!("\"{size}\" is not one of its sizes")));
    }
    let of_size = |id: &SizeId| sizes.iter().find(|size| size.id == *id).map(|size| size.price);
    let price = default_size
        .as_ref()
        .and_then(of_size)
        .or(raw.price)
        .or_else(|| sizes.first().map(|size| size.price))
        .ok_or_else(|| wrong(&entry, "price", "is missing".to_owned()))?;
    check_price(&entry, price)?;
    if raw.popularity.is_some_and(|popularity| popularity > 100) {
        return Err(wrong(&entry, "popularity", "must be 0 to 100".to_owned()));
    }
    let category = raw.category.unwrap_or_else(|| "Menu".to_owned());
    let mut includes = Vec::with_capacity(raw.includes.len());
    for include in raw.includes {
        let (group, choice) = include
            .split_once('/')
            .ok_or_else(|| wrong(&entry, "includes", format!("\"{include}\" must be written group/choice")))?;
        includes.push((GroupId::from(group), ChoiceId::from(choice)));
    }
    Ok(Item {
        course: raw.course.unwrap_or_else(|| course_of(&category)),
        aliases: check_aliases(&entry, raw.aliases)?,
        id: ItemId(id),
        name: raw.name,
        category,
        description: raw.description,
        price,
        sizes,
        default_size,
        option_groups: raw.option_groups.into_iter().map(GroupId).collect(),
        includes,
        allergens: raw.allergens,
        diets: raw.diets,
        popularity: raw.popularity,
        calories: raw.calories,
        available: raw.available,
    })
}

fn check_references(menu: &Menu) -> Result<(), MenuError> {
    for item in &menu.items {
        let entry = format!("item \"{}\"", item.id);
        for group in &item.option_groups {
            if menu.group(group).is_none() {
                return Err(wrong(&entry, "option_groups", format!("there is no option group \"{group}\"")));
            }
        }
        for (group, choice) in &item.includes {
            if menu.choice(group, choice).is_none() {
                return Err(wrong(&entry, "includes", format!("there is no choice \"{group}/{choice}\"")));
            }
        }
    }
    Ok(())
}

fn index<T, Id: Clone + Eq + std::hash::Hash + std::fmt::Display>(
    entries: &[T],
    kind: &str,
    id: impl Fn(&T) -> &Id,
) -> Result<HashMap<Id, usize>, MenuError> {
    let mut index = HashMap::with_capacity(entries.len());
    for (at, entry) in entries.iter().enumerate() {
        if index.insert(id(entry).clone(), at).is_some() {
            return Err(wrong(&format!("{kind} \"{}\"", id(entry)), "id", "stands twice; ids must differ".to_owned()));
        }
    }
    Ok(index)
}

fn check_aliases(entry: &str, aliases: Vec<String>) -> Result<Vec<String>, MenuError> {
    let mut seen = HashSet::with_capacity(aliases.len());
    let mut kept = Vec::with_capacity(aliases.len());
    for alias in aliases {
        check_text(entry, "aliases", &alias, MAX_NAME)?;
        let alias = alias.trim().to_lowercase();
        if seen.insert(alias.clone()) {
            kept.push(alias);
        }
    }
    Ok(kept)
}

fn check_text(entry: &str, key: &'static str, text: &str, longest: usize) -> Result<(), MenuError> {
    if text.trim().is_empty() {
        return Err(wrong(entry, key, "is empty".to_owned()));
    }
    if text.chars().count() > longest {
        return Err(wrong(entry, key, format!("is longer than {longest} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong(entry, key, "holds a control character".to_owned()));
    }
    Ok(())
}

fn check_price(entry: &str, price: Cents) -> Result<(), MenuError> {
    if price.is_negative() {
        return Err(wrong(entry, "price", format!("{price} is negative")));
    }
    Ok(())
}

fn wrong(entry: &str, key: &'static str, problem: String) -> MenuError {
    MenuError::Entry { entry: entry.to_owned(), key, problem }
}

/// The course that a heading suggests, for menus that name none. These are words of English, not of a restaurant.
fn course_of(category: &str) -> Course {
    let category = category.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| category.contains(word));
    if has(&["drink", "beverage", "juice", "coffee", "tea", "shake", "soda", "beer", "wine"]) {
        Course::Drink
    } else if has(&["dessert", "sweet", "ice cream", "cake", "cookie"]) {
        Course::Dessert
    } else if has(&["side", "snack", "fries", "chips", "appetizer", "starter", "soup"]) {
        Course::Side
    } else if has(&["sauce", "dip", "extra", "add-on", "topping"]) {
        Course::Extra
    } else {
        Course::Main
    }
}

/// An id made of a name: `The Gemma Classic` becomes `the-gemma-classic`.
fn slug(name: &str) -> String {
    let words: Vec<String> =
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.join("-")
}

/// A name made of an id: `black_beans` becomes `black beans`.
fn spoken(id: &str) -> String {
    id.replace(['_', '-'], " ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const FULL: &str = r#"{"name":"Test","currency":"EUR","tax_rate":"0.07","items":[
        {"id":"soup","name":"Soup","aliases":["Broth"],"category":"Starter","sizes":[{"id":"s","price":3},{"id":"l","price":"4.50"}],
         "option_groups":["extras"],"includes":["extras/bread"],"allergens":["celery"]}],
        "option_groups":[{"id":"extras","max":2,"choices":[{"id":"bread"},{"id":"egg","price":0.5}]}]}"#;

    #[track_caller]
    fn refused(text: &str, message: &str) {
        let error = Menu::from_json(text).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn the_full_form_is_read() {
        let menu = Menu::from_json(FULL).unwrap();
        let soup = menu.item(&"soup".into()).unwrap();
        assert_eq!((soup.price, soup.price_range()), (Cents(300), (Cents(300), Cents(450))));
        assert_eq!((soup.course, soup.aliases[0].as_str()), (Course::Side, "broth"));
        assert_eq!(menu.choice(&"extras".into(), &"egg".into()).unwrap().price, Cents(50));
    }

    #[test]
    fn the_original_list_is_read() {
        let menu =
            Menu::from_json(r#"[{"name":"The Dish","price":8.99,"category":"Drink","description":"Good."}]"#).unwrap();
        assert_eq!(menu.items[0].id.as_str(), "the-dish");
        assert_eq!((menu.items[0].price, menu.items[0].course), (Cents(899), Course::Drink));
        assert_eq!(menu.items[0].allergens, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        refused("{", "cannot be read");
        refused(r#"{"items":[]}"#, "key \"items\"");
        refused(&FULL.replace("\"allergens\"", "\"alergens\""), "alergens");
        refused(
            &FULL.replace("extras/bread", "extras/rice"),
            "item \"soup\", key \"includes\": there is no choice \"extras/rice\"",
        );
        refused(&FULL.replace("[\"extras\"]", "[\"more\"]"), "there is no option group \"more\"");
        refused(&FULL.replace("\"4.50\"", "-4.5"), "item \"soup\", size \"l\", key \"price\": -4.50 is negative");
        refused(&FULL.replace("\"id\":\"l\"", "\"id\":\"s\""), "stands twice");
        refused(&FULL.replace("EUR", "euro"), "three-letter code");
        refused(r#"[{"name":"A","price":1},{"name":"a","price":1}]"#, "item \"a\", key \"id\": stands twice");
        refused(r#"[{"name":"A"}]"#, "item \"a\", key \"price\": is missing");
        refused(r#"[{"name":"A","price":1.999}]"#, "1.999");
    }
}
