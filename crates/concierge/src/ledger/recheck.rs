//! The look at the menu just before placing: what is not any more as the guest saw it?

use std::fmt;

use serde::Serialize;

use super::{Cart, Event, Line, line::build};
use crate::{
    menu::Menu,
    money::Cents,
    order::{LineId, OrderLine},
};

/// What the guest is told before an order is placed. Its words go into a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// The item left the menu; the line goes.
    Gone {
        /// The line.
        line: LineId,
        /// The item's name as ordered.
        name: String,
    },
    /// The item is sold out; the line goes.
    SoldOut {
        /// The line.
        line: LineId,
        /// The item's name.
        name: String,
    },
    /// The item has another name now.
    Renamed {
        /// The line.
        line: LineId,
        /// The name as ordered.
        from: String,
        /// The name now.
        to: String,
    },
    /// The size is not to be had any more; the guest is asked for another or gets the usual one.
    SizeGone {
        /// The line.
        line: LineId,
        /// The item's name.
        name: String,
        /// The size's name.
        size: String,
    },
    /// An option is not to be had any more; it goes.
    OptionGone {
        /// The line.
        line: LineId,
        /// The item's name.
        name: String,
        /// The option's name.
        option: String,
    },
    /// The price of one is another now.
    Price {
        /// The line.
        line: LineId,
        /// The item's name.
        name: String,
        /// The price as ordered.
        from: Cents,
        /// The price now.
        to: Cents,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone { name, .. } => write!(f, "{name} is not on our menu any more"),
            Self::SoldOut { name, .. } => write!(f, "{name} is sold out"),
            Self::Renamed { from, to, .. } => write!(f, "{from} is now called {to}"),
            Self::SizeGone { name, size, .. } => write!(f, "{name} is not to be had as {size} any more"),
            Self::OptionGone { name, option, .. } => write!(f, "{name} is not to be had with {option} any more"),
            Self::Price { name, from, to, .. } => write!(f, "{name} costs {to} now and not {from}"),
        }
    }
}

/// The outcome: nothing in it means that the cart is as the menu is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recheck {
    /// What the guest is told.
    pub changes: Vec<Change>,
    /// What brings the cart up to date.
    pub events: Vec<Event>,
}

pub(super) fn recheck(cart: &Cart, menu: &Menu) -> Recheck {
    let mut outcome = Recheck::default();
    for line in cart.lines() {
        let before = outcome.changes.len();
        let now = recheck_line(menu, line, &mut outcome.changes);
        if outcome.changes.len() > before {
            outcome.events.push(match now {
                Some(line) => Event::LineChanged { line },
                None => Event::LineRemoved { line: line.id },
            });
        }
    }
    outcome
}

/// The line as the menu has it now; `None` where it cannot be had any more.
fn recheck_line(menu: &Menu, line: &Line, changes: &mut Vec<Change>) -> Option<Line> {
    let (id, name) = (line.id, line.name.clone());
    let Some(item) = menu.item(&line.item) else {
        changes.push(Change::Gone { line: id, name });
        return None;
    };
    if !item.available {
        changes.push(Change::SoldOut { line: id, name });
        return None;
    }
    if item.name != line.name {
        changes.push(Change::Renamed { line: id, from: name, to: item.name.clone() });
    }
    let name = &item.name;
    let mut wanted = line.as_order();
    if let Some(size) = line.size.as_ref().filter(|size| item.size(&size.id).is_none()) {
        changes.push(Change::SizeGone { line: id, name: name.clone(), size: size.name.clone() });
        wanted.size = None;
    }
    // Each option is tried alone on the bare line: what the menu refuses by itself is gone.
    let bare = OrderLine { options: Vec::new(), without: Vec::new(), ..wanted.clone() };
    let holds = |line: OrderLine| build(menu, id, item, &line).is_ok();
    let names = line.options.iter().map(|option| option.name.as_str()).chain(std::iter::repeat("that option"));
    let (held, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut wanted.options)
        .into_iter()
        .zip(names)
        .partition(|(pick, _)| holds(OrderLine { options: vec![pick.clone()], ..bare.clone() }));
    let gone_words = |option: &str| Change::OptionGone { line: id, name: name.clone(), option: option.to_owned() };
    changes.extend(gone.iter().map(|(_, option)| gone_words(option)));
    wanted.options = held.iter().map(|(pick, _)| pick.clone()).collect();
    // What cannot be left out any more is not on the item: there is nothing to tell.
    wanted.without.retain(|left| holds(OrderLine { without: vec![left.clone()], ..bare.clone() }));
    let now = match build(menu, id, item, &wanted) {
        Ok(now) => now,
        Err(_) => {
            // Each by itself holds, all together do not: a group takes fewer than it did. The guest names them anew.
            changes.extend(held.iter().map(|(_, option)| gone_words(option)));
            build(menu, id, item, &bare).ok()?
        }
    };
    if now.unit_price != line.unit_price {
        changes.push(Change::Price { line: id, name: name.clone(), from: line.unit_price, to: now.unit_price });
    }
    Some(Line { accepted: line.accepted.clone(), ..now })
}
