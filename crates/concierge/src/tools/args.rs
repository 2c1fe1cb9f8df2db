//! The arguments of the tools. Their doc comments are the descriptions in the schemas, so they speak to whoever calls.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ledger::ComplaintKind,
    menu::{ChoiceId, GroupId, ItemId, SizeId},
    money::Cents,
    order::Amount,
};

/// Arguments of `search_menu`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SearchMenu {
    /// What is looked for, in a few words.
    #[schemars(length(max = 80))]
    pub query: Option<String>,
    /// Only this heading of the menu.
    #[schemars(extend("x-menu" = "categories"))]
    pub category: Option<String>,
    /// Only what suits this diet.
    #[schemars(extend("x-menu" = "diets"))]
    pub diet: Option<String>,
    /// Only what does not list these allergens.
    #[schemars(schema_with = "super::schema::allergens", length(max = 14))]
    pub without_allergens: BTreeSet<String>,
    /// Only what costs at most so much, such as "9.50".
    pub max_price: Option<Cents>,
}

/// Arguments of `item_details`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemDetails {
    /// The item.
    pub item: ItemId,
}

/// Arguments of `view_cart`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ViewCart {}

/// Arguments of `add_to_cart`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddToCart {
    /// The item.
    pub item: ItemId,
    /// How many.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 50))]
    pub quantity: u32,
    /// Its size, where it has sizes; `item_details` names them.
    #[serde(default)]
    pub size: Option<SizeId>,
    /// Options on it.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub options: Vec<Extra>,
    /// What is left out.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub without: Vec<LeftOut>,
    /// The guest was told of an allergen in it and wants it all the same.
    #[serde(default)]
    pub allergy_accepted: bool,
}

/// An option on an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extra {
    /// The option group.
    pub group: GroupId,
    /// The choice in it.
    pub choice: ChoiceId,
    /// Less or more than usual.
    #[serde(default)]
    pub amount: Option<Amount>,
    /// How many, for options that are counted.
    #[serde(default)]
    #[schemars(range(min = 1, max = 9))]
    pub count: Option<u32>,
}

/// Something left out of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The option group.
    pub group: GroupId,
    /// The choice in it.
    pub choice: ChoiceId,
}

/// Arguments of `remove_from_cart`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RemoveFromCart {
    /// The item; the line added last where several lines hold it.
    pub item: Option<ItemId>,
    /// How many of it; all where it is not given.
    #[schemars(range(min = 1, max = 50))]
    pub quantity: Option<u32>,
    /// Take everything off.
    pub everything: bool,
}

/// Arguments of `place_order`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    /// The guest has seen the order and its total, and said yes.
    pub confirmed: bool,
    /// The guest was told of an allergen in it and wants it all the same.
    #[serde(default)]
    pub allergy_accepted: bool,
}

/// Arguments of `order_status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OrderStatus {}

/// Arguments of `store_info`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreFacts {
    /// What is asked, in a few words.
    #[schemars(length(min = 1, max = 80))]
    pub topic: String,
}

/// Arguments of `check_allergens`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CheckAllergens {
    /// The item whose allergens are asked; without it, items that do not list the allergens are looked for.
    pub item: Option<ItemId>,
    /// The allergens that matter.
    #[schemars(schema_with = "super::schema::allergens", length(max = 14))]
    pub allergens: BTreeSet<String>,
}

/// Arguments of `open_ticket`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenTicket {
    /// What the complaint is about.
    pub kind: ComplaintKind,
    /// The number of the guest's own order, where it is about one.
    #[serde(default)]
    #[schemars(range(min = 1, max = 99_999))]
    pub order_number: Option<u32>,
}

/// Arguments of `offer_remedy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferRemedy {
    /// What the complaint is about.
    pub kind: ComplaintKind,
    /// The number of the guest's own order; the last one where it is not given.
    #[serde(default)]
    #[schemars(range(min = 1, max = 99_999))]
    pub order_number: Option<u32>,
    /// The item of the order that it is about.
    #[serde(default)]
    pub item: Option<ItemId>,
    /// It is about everything in the order.
    #[serde(default)]
    pub whole_order: bool,
    /// How long the guest has waited, in minutes.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1440))]
    pub waited_minutes: Option<u32>,
}

const fn one() -> u32 {
    1
}
