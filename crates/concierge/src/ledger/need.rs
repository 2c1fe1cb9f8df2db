//! Questions that must be answered before an order can be placed.

use serde::Serialize;

use super::{Cart, Line, describe};
use crate::{
    menu::{ChoiceId, GroupId, ItemId, Menu, OptionGroup, SizeId},
    order::{ChoicePick, LineId, Pick},
};

/// An open question about a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The line.
    pub line: LineId,
    /// What is open.
    pub question: Question,
    /// The question in words, such as "which size of Soup: Small or Large?".
    pub words: String,
}

/// What is open about a line, and the answers that fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Question {
    /// Which item is meant.
    Item {
        /// Those that fit.
        any_of: Vec<ItemId>,
    },
    /// Which size.
    Size {
        /// Those there are.
        any_of: Vec<SizeId>,
    },
    /// Which choice, or how many more of a group that requires some.
    Choice {
        /// The group.
        group: GroupId,
        /// Those that fit and can be had.
        any_of: Vec<ChoiceId>,
        /// How many are to be named.
        missing: u32,
    },
    /// Which of several things on the line is left out.
    Without {
        /// The group.
        group: GroupId,
        /// Those on the line.
        any_of: Vec<ChoiceId>,
    },
}

/// The open questions of a cart, lines with an open item first.
pub(super) fn needs(cart: &Cart, menu: &Menu) -> Vec<Need> {
    let items = cart.pending_lines().iter().filter_map(|line| {
        let Pick::AnyOf(any_of) = &line.wanted.item else { return None };
        let words = format!("which one would you like: {}?", describe::pending_name(menu, line));
        Some(Need { line: line.id, question: Question::Item { any_of: any_of.clone() }, words })
    });
    items.chain(cart.lines().iter().flat_map(|line| of_line(menu, line))).collect()
}

/// The open questions of a line.
pub(super) fn of_line(menu: &Menu, line: &Line) -> Vec<Need> {
    // An item that left the menu is told at placing; there is nothing to ask about it.
    let Some(item) = menu.item(&line.item) else { return Vec::new() };
    let mut needs = Vec::new();
    let mut ask = |question, words| needs.push(Need { line: line.id, question, words });
    if line.size.is_none() && !item.sizes.is_empty() {
        let names: Vec<&str> = item.sizes.iter().map(|size| size.name.as_str()).collect();
        let any_of = item.sizes.iter().map(|size| size.id.clone()).collect();
        ask(Question::Size { any_of }, format!("which size of {}: {}?", line.name, describe::or_words(&names)));
    }
    for pick in &line.open {
        let ChoicePick::AnyOf(any_of) = &pick.choice else { continue };
        let question =
            Question::Choice { group: pick.group.clone(), any_of: any_of.clone(), missing: pick.count.unwrap_or(1) };
        ask(question, format!("which would you like with {}: {}?", line.name, choices(menu, &pick.group, any_of)));
    }
    for left in &line.open_without {
        let ChoicePick::AnyOf(any_of) = &left.choice else { continue };
        let question = Question::Without { group: left.group.clone(), any_of: any_of.clone() };
        ask(question, format!("which shall we leave out of {}: {}?", line.name, choices(menu, &left.group, any_of)));
    }
    for group in item.option_groups.iter().filter_map(|id| menu.group(id)) {
        // A group with an unsettled choice is asked about already.
        if line.open.iter().any(|pick| pick.group == group.id) {
            continue;
        }
        let missing = group.min.saturating_sub(named(line, group, &item.includes));
        if missing > 0 {
            let any_of: Vec<ChoiceId> =
                group.choices.iter().filter(|choice| choice.available).map(|choice| choice.id.clone()).collect();
            let words = format!(
                "which {} for {}: {}?",
                group.name.to_lowercase(),
                line.name,
                choices(menu, &group.id, &any_of)
            );
            ask(Question::Choice { group: group.id.clone(), any_of, missing }, words);
        }
    }
    needs
}

/// How many choices of a group a line has: those named, and those that the item includes and nobody left out.
fn named(line: &Line, group: &OptionGroup, includes: &[(GroupId, ChoiceId)]) -> u32 {
    let named = line.options.iter().filter(|option| option.group == group.id).map(|option| option.count);
    let included = includes.iter().filter(|(in_group, choice)| {
        *in_group == group.id
            && !line.without.iter().any(|left| left.group == group.id && left.choice == *choice)
            && !line.options.iter().any(|option| option.group == group.id && option.choice == *choice)
    });
    named.chain(included.map(|_| 1)).sum()
}

fn choices(menu: &Menu, group: &GroupId, any_of: &[ChoiceId]) -> String {
    let names: Vec<&str> =
        any_of.iter().map(|id| menu.choice(group, id).map_or(id.as_str(), |choice| choice.name.as_str())).collect();
    describe::or_words(&names)
}
