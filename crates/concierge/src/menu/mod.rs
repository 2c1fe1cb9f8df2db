//! The menu: typed, checked, and the only place that names a dish.

mod load;

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

pub use load::MenuError;

use crate::money::{Cents, Currency, TaxRate};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as the menu file writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(/// An item's id, unique in its menu.
    ItemId);
id!(/// A size's id, unique in its item.
    SizeId);
id!(/// An option group's id, unique in its menu.
    GroupId);
id!(/// A choice's id, unique in its group.
    ChoiceId);

/// A restaurant's menu. Built by [`Menu::from_json`] only, so every reference in it holds.
#[derive(Clone, Debug)]
pub struct Menu {
    /// The restaurant's name.
    pub name: String,
    /// What prices are in.
    pub currency: Currency,
    /// Tax on the whole of an order.
    pub tax_rate: TaxRate,
    /// All items, in the file's order.
    pub items: Vec<Item>,
    /// All option groups, in the file's order.
    pub option_groups: Vec<OptionGroup>,
    item_index: HashMap<ItemId, usize>,
    group_index: HashMap<GroupId, usize>,
}

/// Something that can be ordered.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// Its name as guests read it.
    pub name: String,
    /// Other ways to say it, lower case. An alias that several items share means that the guest is asked which.
    pub aliases: Vec<String>,
    /// The menu's heading it stands under.
    pub category: String,
    /// Its place in a meal.
    pub course: Course,
    /// A sentence or two for guests.
    pub description: String,
    /// Price of the default size.
    pub price: Cents,
    /// Its sizes; empty where there is one only.
    pub sizes: Vec<Size>,
    /// The size that is meant when none is named; the guest is asked where sizes exist and this is `None`.
    pub default_size: Option<SizeId>,
    /// Option groups that apply to it.
    pub option_groups: Vec<GroupId>,
    /// What is on it unless left out.
    pub includes: Vec<(GroupId, ChoiceId)>,
    /// What it contains of the allergens that the menu declares; `None` is unknown, which is not "none".
    pub allergens: Option<BTreeSet<String>>,
    /// The diets it suits; absent is unknown.
    pub diets: Option<BTreeSet<String>>,
    /// How much guests like it, 0 to 100.
    pub popularity: Option<u8>,
    /// Kilocalories of the default size.
    pub calories: Option<u32>,
    /// False while sold out.
    pub available: bool,
}

/// A size of an item, with the whole price.
#[derive(Clone, Debug)]
pub struct Size {
    /// Its id.
    pub id: SizeId,
    /// Its name.
    pub name: String,
    /// Other ways to say it.
    pub aliases: Vec<String>,
    /// The item's price in this size.
    pub price: Cents,
}

/// Options that belong together.
#[derive(Clone, Debug)]
pub struct OptionGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// The fewest choices a line must name; above zero the guest is asked.
    pub min: u32,
    /// The most choices a line may name.
    pub max: Option<u32>,
    /// The choices.
    pub choices: Vec<Choice>,
}

/// One option.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its id.
    pub id: ChoiceId,
    /// Its name.
    pub name: String,
    /// Other ways to say it.
    pub aliases: Vec<String>,
    /// What it adds to the price, each.
    pub price: Cents,
    /// What it contains; `None` is unknown.
    pub allergens: Option<BTreeSet<String>>,
    /// The diets it suits; `None` is unknown.
    pub diets: Option<BTreeSet<String>>,
    /// Whether it is counted ("two shots").
    pub counted: bool,
    /// False while sold out.
    pub available: bool,
}

/// An item's place in a meal: what the planner needs to know to feed everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Course {
    /// Fills a person.
    Main,
    /// Goes with a main.
    Side,
    /// To drink.
    Drink,
    /// To end with.
    Dessert,
    /// A small thing extra, such as a dip.
    Extra,
}

impl Menu {
    /// Reads a menu file: the full form, or the original's plain list `[{name, price, category, description}]`.
    ///
    /// # Errors
    /// Names the item and the key that is wrong.
    pub fn from_json(text: &str) -> Result<Self, MenuError> {
        load::from_json(text)
    }

    /// An item by id.
    #[must_use]
    pub fn item(&self, id: &ItemId) -> Option<&Item> {
        self.item_index.get(id).map(|&at| &self.items[at])
    }

    /// An option group by id.
    #[must_use]
    pub fn group(&self, id: &GroupId) -> Option<&OptionGroup> {
        self.group_index.get(id).map(|&at| &self.option_groups[at])
    }

    /// A choice by group and id.
    #[must_use]
    pub fn choice(&self, group: &GroupId, choice: &ChoiceId) -> Option<&Choice> {
        self.group(group)?.choices.iter().find(|c| c.id == *choice)
    }
}

impl Item {
    /// Whether the menu marks the item with a diet; where its diets are not known it does not.
    #[must_use]
    pub fn is_marked(&self, diet: &str) -> bool {
        self.diets.as_ref().is_some_and(|diets| diets.contains(diet))
    }

    /// A size by id.
    #[must_use]
    pub fn size(&self, id: &SizeId) -> Option<&Size> {
        self.sizes.iter().find(|size| size.id == *id)
    }

    /// The price in a size, or the plain price.
    #[must_use]
    pub fn price_in(&self, size: Option<&SizeId>) -> Cents {
        size.and_then(|id| self.size(id)).map_or(self.price, |size| size.price)
    }

    /// The price range shown on a menu: of the smallest and the largest size.
    #[must_use]
    pub fn price_range(&self) -> (Cents, Cents) {
        let prices = self.sizes.iter().map(|size| size.price);
        (prices.clone().min().unwrap_or(self.price), prices.max().unwrap_or(self.price))
    }
}
