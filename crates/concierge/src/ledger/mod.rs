//! The ledger: what a guest has ordered, to the cent.
//!
//! The cart is a sequence of typed [`Event`]s and nothing else; [`Cart`] is their fold. [`Cart::decide`] turns an
//! [`Edit`](crate::order::Edit) into events or a [`Refusal`], and changes nothing itself; [`Cart::apply`] is the only
//! way in which a cart changes. Whoever stores the events can therefore rebuild every cart that ever was.
//!
//! # Rules
//!
//! **Quantity.** 1 to [`MAX_LINE_QUANTITY`] of a line, at most [`MAX_CART_ITEMS`] items in a cart, and a subtotal of
//! at most [`MAX_SUBTOTAL`]. A change that makes the cart smaller is never refused for these limits.
//!
//! **Price.** A line's unit price is the item's price in its size plus its options, as the menu has them when the
//! line is added or reworked. An option costs its price times its count. What the item includes is paid for by the
//! item's price: asked for again it costs nothing, `extra` of it costs one portion. `extra` of something that is not
//! included costs one portion, like the plain option; `light` costs the same as plain. Leaving something out never
//! changes the price. Tax is taken once on the subtotal, half up.
//!
//! **Open questions.** What several entries fit is never guessed. A line whose item is open waits beside the cart as
//! a [`PendingLine`], without a price; a line that lacks a size, a required choice, or has an unsettled one stands
//! in the cart with what is settled. [`Cart::needs`] lists the questions, and nothing is placed before they are
//! answered.
//!
//! **One choice only.** Naming another choice of a group that takes one replaces the former.
//!
//! **Equal lines** (item, size, options, things left out, unit price) become one, unless a question is open on them.
//!
//! **Allergies** hold for the whole conversation. A line that contains a declared allergen, or of which that is not
//! known, is refused until the guest has confirmed it ([`Consent::Given`]); the line then remembers which allergens
//! were accepted. Leaving an ingredient out never clears the item's own declaration.
//!
//! **Placing** checks every line against the menu of that moment. Whatever changed is told ([`Change`]) together
//! with the events that bring the cart up to date, and the guest decides again.

mod allergy;
mod cart;
mod decide;
mod describe;
mod event;
mod line;
mod need;
mod receipt;
mod recheck;
mod refusal;
pub mod remedy;
mod state;
mod upsell;

#[cfg(test)]
mod tests;

pub use allergy::{Certainty, Conflict, conflicts, conflicts_of_line, may_suggest};
pub use cart::{Cart, CartLineView, CartView, PendingLine, PlacedOrder, Totals};
pub use decide::{Checkout, Consent};
pub(crate) use describe::listing;
pub use describe::{describe, describe_line, list_words, or_words};
pub use event::{Event, Granted, OrderId};
pub use line::{LeftOut, Line, LineOption, LineSize};
pub use need::{Need, Question};
pub use receipt::{Receipt, ReceiptLine};
pub use recheck::{Change, Recheck};
pub use refusal::Refusal;
pub use remedy::{ComplaintKind, Policy, RemedyKind};
pub use state::{OrderState, TransitionError};
pub use upsell::{Suggestion, Upsell, UpsellError};

use crate::money::Cents;

/// The most of one line.
pub const MAX_LINE_QUANTITY: u32 = 50;
/// The most items in a cart, over all its lines.
pub const MAX_CART_ITEMS: u32 = 100;
/// The most that a cart may come to before tax.
pub const MAX_SUBTOTAL: Cents = Cents(200_000);
/// The most options, and the most things left out, on one line.
pub const MAX_OPTIONS: usize = 40;
/// The most of one counted option.
pub const MAX_COUNT: u32 = 20;
/// The most allergies, and the most diets, that a conversation keeps.
pub const MAX_DECLARED: usize = 30;
/// The longest name of an allergen or a diet, in characters.
pub const MAX_DECLARED_CHARS: usize = 60;
