//! Why the ledger changes nothing, in words for the guest.

use super::{Change, Conflict, Event, MAX_CART_ITEMS, MAX_LINE_QUANTITY, MAX_SUBTOTAL, Need, describe::list_words};

/// Why an edit is not carried out. The message is for the guest and says what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// None, or more than a line may have.
    #[error("I can put 1 to {MAX_LINE_QUANTITY} of an item on your order, not {asked}; how many would you like?")]
    Quantity {
        /// How many were asked for.
        asked: u32,
    },
    /// More than a cart may hold.
    #[error("an order here can hold {MAX_CART_ITEMS} items at most; please call us for more")]
    CartFull,
    /// More than an order may cost.
    #[error("an order here can come to {MAX_SUBTOTAL} at most; please call us for more")]
    TooExpensive,
    /// The cart has no such line.
    #[error("that is not on your order; shall I read out what is?")]
    NoSuchLine,
    /// The menu has no such item (any more).
    #[error("we don't have that on our menu; would you like something else?")]
    NoSuchItem,
    /// Not to be had at the moment.
    #[error("{name} is sold out at the moment; would you like something else instead?")]
    SoldOut {
        /// What.
        name: String,
    },
    /// The item has no such size.
    #[error("{}", no_such_size(.item, .sizes))]
    NoSuchSize {
        /// The item's name.
        item: String,
        /// The names of the sizes that it has.
        sizes: Vec<String>,
    },
    /// The choice does not go with the item.
    #[error("{choice} is not something we can do with {item}; shall I leave it as it is?")]
    NotOffered {
        /// The item's name.
        item: String,
        /// The choice's name.
        choice: String,
    },
    /// A group takes fewer choices.
    #[error("{item} takes at most {max} from {group}; which would you like?")]
    TooManyChoices {
        /// The item's name.
        item: String,
        /// The group's name.
        group: String,
        /// How many it takes.
        max: u32,
    },
    /// A line takes fewer options.
    #[error("{item} can have {most} special wishes at most; which matter most?")]
    TooManyOptions {
        /// The item's name.
        item: String,
        /// How many it takes.
        most: usize,
    },
    /// None, or more than anybody wants, of a counted option.
    #[error("an option can be had 1 to {most} times; how many would you like?")]
    Count {
        /// How many can be had.
        most: u32,
    },
    /// More allergies or diets than a conversation keeps, or one with an impossible name.
    #[error("I cannot note that; please speak to our staff about it before you order")]
    CannotNote,
    /// Something the guest must not have is in it, or may be. The same edit with consent is carried out.
    #[error("{}", warning(.conflicts))]
    AllergyConflict {
        /// What, line by line; never empty.
        conflicts: Vec<Conflict>,
    },
    /// Nothing to place.
    #[error("there is nothing on your order yet; what would you like?")]
    EmptyCart,
    /// Questions are open.
    #[error("before I can place your order: {}", .needs.first().map_or_else(String::new, |need| need.words.clone()))]
    Open {
        /// The questions; never empty.
        needs: Vec<Need>,
    },
    /// The menu is not what it was when the lines were added. The guest is told, and asked again.
    #[error("something changed since you ordered: {}; shall I place it so?", list_words(.changes))]
    Changed {
        /// What the guest is told; never empty.
        changes: Vec<Change>,
        /// What brings the cart up to date; the caller stores them before the guest is asked.
        events: Vec<Event>,
    },
}

fn no_such_size(item: &str, sizes: &[String]) -> String {
    if sizes.is_empty() {
        format!("{item} comes in one size only; is that fine?")
    } else {
        format!("{item} comes in these sizes: {}; which would you like?", list_words(sizes))
    }
}

fn warning(conflicts: &[Conflict]) -> String {
    format!("please be careful: {}; do you want it all the same?", list_words(conflicts))
}
