//! Suggestions: from rules in a file, never invented, at most so many a conversation.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Cart, Event, may_suggest};
use crate::{
    menu::{Course, Item, ItemId, Menu},
    money::Cents,
};

/// What is wrong with a file of suggestions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpsellError {
    /// Not YAML, an unknown key, or a value of the wrong kind.
    #[error("the suggestions cannot be read: {0}")]
    Yaml(String),
    /// A value that cannot be.
    #[error("suggestion \"{rule}\", key \"{key}\": {problem}")]
    Rule {
        /// The rule's id.
        rule: String,
        /// Which of its keys.
        key: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
}

/// The rules for suggestions, checked against a menu.
#[derive(Clone, Debug)]
pub struct Upsell {
    per_conversation: usize,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    limits: Limits,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    per_conversation: usize,
    /// The one moment there is; read so that another is refused.
    #[serde(rename = "when")]
    _when: Moment,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Moment {
    BeforeConfirm,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    when: When,
    offer: Vec<ItemId>,
    words: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct When {
    has_items: Option<Vec<ItemId>>,
    has_category: Option<Vec<String>>,
    has_course: Option<Vec<Course>>,
    lacks_items: Option<Vec<ItemId>>,
    lacks_category: Option<Vec<String>>,
    lacks_course: Option<Vec<Course>>,
}

/// Something to suggest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The rule's id.
    pub rule: String,
    /// What.
    pub item: ItemId,
    /// Its price.
    pub price: Cents,
    /// The suggestion in words.
    pub words: String,
}

impl Suggestion {
    /// What is stored when it is made.
    #[must_use]
    pub fn event(&self) -> Event {
        Event::UpsellOffered { rule: self.rule.clone(), item: self.item.clone() }
    }
}

impl Upsell {
    /// Reads the rules, and checks that what they offer is on the menu.
    ///
    /// # Errors
    /// Names the rule and the key that is wrong.
    pub fn from_yaml(text: &str, menu: &Menu) -> Result<Self, UpsellError> {
        let raw: Raw = serde_yaml_ng::from_str(text).map_err(|error| UpsellError::Yaml(error.to_string()))?;
        let mut seen = BTreeMap::new();
        for rule in &raw.rules {
            let wrong = |key, problem| UpsellError::Rule { rule: rule.id.clone(), key, problem };
            if seen.insert(rule.id.clone(), ()).is_some() {
                return Err(wrong("id", "stands twice; ids must differ".to_owned()));
            }
            if rule.offer.is_empty() {
                return Err(wrong("offer", "is empty".to_owned()));
            }
            for (key, items) in [
                ("offer", Some(&rule.offer)),
                ("has_items", rule.when.has_items.as_ref()),
                ("lacks_items", rule.when.lacks_items.as_ref()),
            ] {
                if let Some(unknown) = items.into_iter().flatten().find(|id| menu.item(id).is_none()) {
                    return Err(wrong(key, format!("there is no item \"{unknown}\" on the menu")));
                }
            }
            for (key, categories) in
                [("has_category", &rule.when.has_category), ("lacks_category", &rule.when.lacks_category)]
            {
                let known = |category: &String| menu.items.iter().any(|item| item.category == *category);
                if let Some(unknown) = categories.iter().flatten().find(|category| !known(category)) {
                    return Err(wrong(key, format!("there is no category \"{unknown}\" on the menu")));
                }
            }
        }
        Ok(Self { per_conversation: raw.limits.per_conversation, rules: raw.rules })
    }

    /// The suggestion for this cart: of the first rule that fits, the first item that may be offered. `left` is what
    /// the guest's budget still allows, where there is one.
    #[must_use]
    pub fn suggest(&self, menu: &Menu, cart: &Cart, left: Option<Cents>) -> Option<Suggestion> {
        if cart.offered().len() >= self.per_conversation {
            return None;
        }
        let ordered: Vec<&Item> = cart.lines().iter().filter_map(|line| menu.item(&line.item)).collect();
        let fits = |item: &&Item| {
            may_suggest(menu, item, cart)
                && !cart.offered().contains(&item.id)
                && !ordered.iter().any(|other| other.id == item.id)
                && left.is_none_or(|left| item.price + menu.tax_rate.tax_on(item.price) <= left)
        };
        self.rules.iter().filter(|rule| rule.when.holds(&ordered)).find_map(|rule| {
            let item = rule.offer.iter().filter_map(|id| menu.item(id)).find(fits)?;
            let words = rule.words.replace("{item}", &item.name).replace("{price}", &menu.currency.show(item.price));
            Some(Suggestion { rule: rule.id.clone(), item: item.id.clone(), price: item.price, words })
        })
    }
}

impl When {
    fn holds(&self, ordered: &[&Item]) -> bool {
        fn any<T: PartialEq>(names: Option<&Vec<T>>, ordered: &[&Item], of: impl Fn(&Item) -> &T) -> Option<bool> {
            names.map(|names| ordered.iter().any(|item| names.contains(of(item))))
        }
        let items = |names: &Option<Vec<ItemId>>| any(names.as_ref(), ordered, |item| &item.id);
        let categories = |names: &Option<Vec<String>>| any(names.as_ref(), ordered, |item| &item.category);
        let courses = |names: &Option<Vec<Course>>| any(names.as_ref(), ordered, |item| &item.course);
        let has = [items(&self.has_items), categories(&self.has_category), courses(&self.has_course)];
        let lacks = [items(&self.lacks_items), categories(&self.lacks_category), courses(&self.lacks_course)];
        has.into_iter().flatten().all(|there| there) && !lacks.into_iter().flatten().any(|there| there)
    }
}
