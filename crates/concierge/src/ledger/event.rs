//! What can happen to a guest's order.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{cart::Totals, line::Line, remedy::RemedyKind};
use crate::{
    menu::ItemId,
    money::Cents,
    order::{LineId, OrderLine},
};

/// A placed order, unique over all guests and days. Guests read the number of the day instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub i64);

/// Something that happened. The `type` carries a version for each kind by itself: an event that needs other fields
/// gets a new type, and the old one stays readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    /// A line came into the cart.
    #[serde(rename = "line_added.v1")]
    LineAdded {
        /// The line, with names and prices as the guest saw them.
        line: Line,
    },
    /// A line, or one whose item was open, is now this.
    #[serde(rename = "line_changed.v1")]
    LineChanged {
        /// The whole line after the change.
        line: Line,
    },
    /// Several items fit what the guest wants; the guest is asked which.
    #[serde(rename = "item_asked.v1")]
    ItemAsked {
        /// The number that the line will have.
        line: LineId,
        /// What is wanted, its item still open.
        wanted: OrderLine,
    },
    /// A line went.
    #[serde(rename = "line_removed.v1")]
    LineRemoved {
        /// Which.
        line: LineId,
    },
    /// Every line went.
    #[serde(rename = "cleared.v1")]
    Cleared,
    /// The guest must not have something.
    #[serde(rename = "allergy_declared.v1")]
    AllergyDeclared {
        /// The allergen, as the menu names it.
        allergen: String,
    },
    /// The guest took that back.
    #[serde(rename = "allergy_withdrawn.v1")]
    AllergyWithdrawn {
        /// The allergen.
        allergen: String,
    },
    /// The guest eats by a diet.
    #[serde(rename = "diet_declared.v1")]
    DietDeclared {
        /// The diet, as the menu names it.
        diet: String,
    },
    /// The guest took that back.
    #[serde(rename = "diet_withdrawn.v1")]
    DietWithdrawn {
        /// The diet.
        diet: String,
    },
    /// The guest still wants a line after the warning.
    #[serde(rename = "conflict_accepted.v1")]
    ConflictAccepted {
        /// Which line.
        line: LineId,
        /// The allergens of the warning.
        allergens: BTreeSet<String>,
    },
    /// A suggestion was made.
    #[serde(rename = "upsell_offered.v1")]
    UpsellOffered {
        /// The rule's id.
        rule: String,
        /// What was suggested.
        item: ItemId,
    },
    /// The guest took a proposed meal; its lines are events of their own.
    #[serde(rename = "plan_accepted.v1")]
    PlanAccepted {
        /// The sum that it was to stay within.
        limit: Option<Cents>,
        /// What it came to.
        total: Cents,
    },
    /// The cart became an order.
    #[serde(rename = "placed.v1")]
    Placed {
        /// The order.
        order: OrderId,
        /// Its number of the day.
        number: u32,
        /// Seconds since 1970.
        at: i64,
        /// What is to be paid.
        totals: Totals,
    },
    /// The guest was given something after a complaint.
    #[serde(rename = "remedy_granted.v1")]
    RemedyGranted {
        /// What.
        granted: Granted,
    },
}

/// Something given to a guest after a complaint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// For which order.
    pub order: OrderId,
    /// For which of its lines; absent where it is about the whole order.
    pub line: Option<LineId>,
    /// What.
    pub remedy: RemedyKind,
    /// Its worth; zero for words and for food that is made again.
    pub amount: Cents,
    /// Seconds since 1970.
    pub at: i64,
}
