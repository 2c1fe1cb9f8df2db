//! The cart in words, made without the model.

use std::fmt::{Display, Write};

use super::{Cart, Line, PendingLine};
use crate::{
    menu::Menu,
    order::{Amount, Pick},
};

/// More names than this in one question are not listened to.
const MAX_NAMES: usize = 8;

/// "What did I order?": a line for each line of the cart, such as `2 × Tomato Soup (large, no croutons)`.
#[must_use]
pub fn describe(menu: &Menu, cart: &Cart) -> Vec<String> {
    let settled = cart.lines().iter().map(describe_line);
    let pending = cart.pending_lines().iter();
    settled.chain(pending.map(|line| format!("{} × {}", line.wanted.quantity, pending_name(menu, line)))).collect()
}

/// A line with its quantity: `2 × Tomato Soup (large, no croutons)`.
#[must_use]
pub fn describe_line(line: &Line) -> String {
    let details = details(line);
    if details.is_empty() {
        format!("{} × {}", line.quantity, line.name)
    } else {
        format!("{} × {} ({details})", line.quantity, line.name)
    }
}

/// Size, things left out and options of a line: `large, no croutons, extra cream, 2 × ginger shot`.
pub(super) fn details(line: &Line) -> String {
    let size = line.size.iter().map(|size| lower(&size.name));
    let without = line.without.iter().map(|left| format!("no {}", lower(&left.name)));
    let options = line.options.iter().map(|option| {
        let mut words = String::new();
        if option.count > 1 {
            _ = write!(words, "{} × ", option.count);
        }
        words.push_str(match option.amount {
            Some(Amount::Extra) => "extra ",
            Some(Amount::Light) => "light ",
            None => "",
        });
        words + &lower(&option.name)
    });
    size.chain(without).chain(options).collect::<Vec<_>>().join(", ")
}

/// The names of the items among which the guest must choose.
pub(super) fn pending_name(menu: &Menu, line: &PendingLine) -> String {
    let ids = match &line.wanted.item {
        Pick::One(id) => std::slice::from_ref(id),
        Pick::AnyOf(ids) => &ids[..],
    };
    let names: Vec<&str> = ids.iter().filter_map(|id| menu.item(id)).map(|item| item.name.as_str()).collect();
    or_words(&names)
}

/// `a`, `a or b`, `a, b or c`; long lists end in `or another`.
#[must_use]
pub fn or_words(names: &[&str]) -> String {
    if names.len() > MAX_NAMES {
        return format!("{} or another", names[..MAX_NAMES].join(", "));
    }
    listing(names, "or")
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list_words<T: Display>(parts: &[T]) -> String {
    listing(&parts.iter().map(ToString::to_string).collect::<Vec<_>>(), "and")
}

/// `a`, `a or b`, `a, b or c`, with a joiner of choice.
#[must_use]
pub(crate) fn listing<S: AsRef<str>>(parts: &[S], last_word: &str) -> String {
    let mut words = String::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            words.push_str(if at + 1 == parts.len() { " " } else { ", " });
            if at + 1 == parts.len() {
                words.push_str(last_word);
                words.push(' ');
            }
        }
        words.push_str(part.as_ref());
    }
    words
}

/// A menu's name within a sentence: words with a capital at their head only lose it; `AI` or `BBQ` stay.
fn lower(name: &str) -> String {
    let word = |word: &str| {
        if word.chars().skip(1).any(char::is_uppercase) { word.to_owned() } else { word.to_lowercase() }
    };
    name.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
