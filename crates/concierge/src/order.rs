//! What a guest ordered, as the understanding step hands it over and `gemma-burger parse` prints it.

use serde::{Deserialize, Serialize};

use crate::menu::{ChoiceId, GroupId, ItemId, SizeId};

/// One line of an order: an item, how many, and how it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OrderLine {
    /// The item of the menu.
    #[serde(flatten)]
    pub item: Pick<ItemId>,
    /// How many of it, at least one.
    pub quantity: u32,
    /// The size, where the guest named one.
    pub size: Option<SizeId>,
    /// Options asked for.
    pub options: Vec<OptionPick>,
    /// Things to leave out.
    pub without: Vec<Without>,
}

/// What a word of the guest stands for: one entry, or several among which the guest must choose.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pick<Id> {
    /// Exactly one entry (`"item": id`).
    #[serde(rename = "item")]
    One(Id),
    /// Several fit (`"any_of": [ids]`, sorted): the guest is asked which.
    #[serde(rename = "any_of")]
    AnyOf(Vec<Id>),
}

impl<Id> Pick<Id> {
    /// The entry, where it is settled.
    #[must_use]
    pub const fn one(&self) -> Option<&Id> {
        match self {
            Self::One(id) => Some(id),
            Self::AnyOf(_) => None,
        }
    }
}

/// The same for options, whose key on the wire is `choice`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChoicePick {
    /// Exactly one choice.
    #[serde(rename = "choice")]
    One(ChoiceId),
    /// Several fit, sorted: the guest is asked which.
    #[serde(rename = "any_of")]
    AnyOf(Vec<ChoiceId>),
}

impl ChoicePick {
    /// The choice, where it is settled.
    #[must_use]
    pub const fn one(&self) -> Option<&ChoiceId> {
        match self {
            Self::One(id) => Some(id),
            Self::AnyOf(_) => None,
        }
    }
}

/// An option on a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OptionPick {
    /// The option group.
    pub group: GroupId,
    /// The choice within it.
    #[serde(flatten)]
    pub choice: ChoicePick,
    /// Less or more than usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// How many, for counted options such as shots; absent means one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// Something left out of a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Without {
    /// The option group.
    pub group: GroupId,
    /// The choice within it.
    #[serde(flatten)]
    pub choice: ChoicePick,
}

/// How much of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Amount {
    /// Less than usual.
    Light,
    /// More than usual.
    Extra,
}

/// A line of a cart, numbered in the order of adding and never reused within a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineId(pub u32);

/// A change of the cart, as the understanding step proposes it and the ledger accepts or refuses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum Edit {
    /// Puts a line in the cart.
    Add {
        /// What is added.
        line: OrderLine,
    },
    /// Sets how many of a line.
    SetQuantity {
        /// Which line.
        line: LineId,
        /// How many from now on.
        quantity: u32,
    },
    /// Sets a line's size.
    SetSize {
        /// Which line.
        line: LineId,
        /// The size from now on.
        size: SizeId,
    },
    /// Puts an option on a line, or changes its amount or count.
    SetOption {
        /// Which line.
        line: LineId,
        /// The option from now on.
        option: OptionPick,
    },
    /// Leaves something off a line, or takes an option off it.
    Leave {
        /// Which line.
        line: LineId,
        /// What is left off.
        without: Without,
    },
    /// Puts another line in the place of one ("a shake instead of the fries").
    Replace {
        /// Which line goes.
        line: LineId,
        /// What comes.
        with: OrderLine,
    },
    /// Takes a line off, or some of it.
    Remove {
        /// Which line.
        line: LineId,
        /// How many go; `None` is all.
        quantity: Option<u32>,
    },
    /// Drops everything.
    Clear,
    /// The guest is done: the order is to be placed.
    Place,
}
