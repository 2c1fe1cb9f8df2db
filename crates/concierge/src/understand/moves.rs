//! What a conversation hands to the understanding and gets back from it.

use super::{Problem, UnknownThing};
use crate::menu::{ChoiceId, GroupId, ItemId, SizeId};
use crate::order::{Edit, LineId, OrderLine};

/// What the conversation has come to.
#[derive(Clone, Debug, Default)]
pub struct DialogContext {
    /// The cart, in order.
    pub cart: Vec<(LineId, OrderLine)>,
    /// The line that the last turn was about.
    pub touched: Option<LineId>,
    /// What the guest's last words changed of a line.
    pub changed: Vec<Edit>,
    /// The question that the last reply asked.
    pub pending: Option<Question>,
    /// Items that the last reply told of or suggested.
    pub offered: Vec<ItemId>,
    /// Whether it suggested them, so that a bare "yes" takes the only one.
    pub suggested: bool,
}

/// A question put to the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which of these items is meant.
    WhichItem(Vec<ItemId>),
    /// Which of these choices of a group is meant.
    WhichChoice {
        /// The group.
        group: GroupId,
        /// The choices.
        choices: Vec<ChoiceId>,
    },
    /// In which size an item is wanted.
    WhichSize(ItemId),
    /// Whether the order may be placed.
    Place,
    /// Whether an item offered is wanted.
    Offer(ItemId),
}

/// What the guest's words do.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// A change of the cart.
    Edit(Edit),
    /// "Yes" to the question.
    Affirm,
    /// "No" to the question.
    Deny,
    /// The guest asks what is ordered so far.
    ShowOrder,
    /// The answer to the question.
    Choose(Answer),
    /// Words that fit several lines: the guest is asked which.
    Ambiguous {
        /// The guest's words.
        words: String,
        /// The lines.
        lines: Vec<LineId>,
    },
    /// Something is to go that was never ordered.
    NotOrdered {
        /// The guest's words.
        words: String,
    },
    /// Words that fit nothing.
    Unknown(UnknownThing),
    /// What cannot be done as said.
    Problem(Problem),
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// These items; several for "both".
    Items(Vec<ItemId>),
    /// These choices of the group.
    Choices(Vec<ChoiceId>),
    /// This size.
    Size(SizeId),
}
