//! A line of the cart: built from what the guest wants, checked against the menu, and priced.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{MAX_COUNT, MAX_LINE_QUANTITY, MAX_OPTIONS, MAX_SUBTOTAL, Refusal};
use crate::{
    menu::{Choice, ChoiceId, GroupId, Item, ItemId, Menu, SizeId},
    money::Cents,
    order::{Amount, ChoicePick, LineId, OptionPick, OrderLine, Pick, Without},
};

/// A line of the cart. Names and prices are kept as the guest saw them, so that a receipt stays true when the menu
/// changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number.
    pub id: LineId,
    /// The item.
    pub item: ItemId,
    /// The item's name.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// The size; absent where the item has one only, or where the guest is still to be asked.
    pub size: Option<LineSize>,
    /// Options asked for, in the order of their groups and choices.
    pub options: Vec<LineOption>,
    /// Things left out, in the same order.
    pub without: Vec<LeftOut>,
    /// Options for which several choices fit: the guest is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<OptionPick>,
    /// Things to leave out of which several are on the line: the guest is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_without: Vec<Without>,
    /// The price of one.
    pub unit_price: Cents,
    /// Declared allergens that the guest was warned of and accepts on this line.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accepted: BTreeSet<String>,
}

/// A size with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSize {
    /// Its id.
    pub id: SizeId,
    /// Its name.
    pub name: String,
}

/// An option with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineOption {
    /// Its group.
    pub group: GroupId,
    /// Its choice.
    pub choice: ChoiceId,
    /// The choice's name.
    pub name: String,
    /// Less or more than usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// How many.
    pub count: u32,
}

/// Something left out, with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its group.
    pub group: GroupId,
    /// Its choice.
    pub choice: ChoiceId,
    /// The choice's name.
    pub name: String,
}

impl Line {
    /// The price of the whole line.
    #[must_use]
    pub fn total(&self) -> Cents {
        self.unit_price * self.quantity
    }

    /// The line as a guest would order it again.
    #[must_use]
    pub fn as_order(&self) -> OrderLine {
        let settled = self.options.iter().map(|option| OptionPick {
            group: option.group.clone(),
            choice: ChoicePick::One(option.choice.clone()),
            amount: option.amount,
            count: (option.count > 1).then_some(option.count),
        });
        let left = self
            .without
            .iter()
            .map(|left| Without { group: left.group.clone(), choice: ChoicePick::One(left.choice.clone()) });
        OrderLine {
            item: Pick::One(self.item.clone()),
            quantity: self.quantity,
            size: self.size.as_ref().map(|size| size.id.clone()),
            options: settled.chain(self.open.iter().cloned()).collect(),
            without: left.chain(self.open_without.iter().cloned()).collect(),
        }
    }

    /// Whether two lines are the same but for their number, their quantity and what was accepted.
    pub(super) fn is_twin(&self, other: &Self) -> bool {
        self.id != other.id
            && self.item == other.item
            && self.size == other.size
            && self.options == other.options
            && self.without == other.without
            && self.open == other.open
            && self.open_without == other.open_without
            && self.unit_price == other.unit_price
            && self.name == other.name
    }

    /// Whether a cart can hold it: what [`build`] makes always can, what was read from elsewhere perhaps not.
    pub(super) fn is_sound(&self) -> bool {
        (1..=MAX_LINE_QUANTITY).contains(&self.quantity)
            && (Cents::ZERO..=MAX_SUBTOTAL).contains(&self.unit_price)
            && self.options.len() + self.open.len() <= MAX_OPTIONS
            && self.options.iter().all(|option| (1..=MAX_COUNT).contains(&option.count))
    }
}

/// Builds a line: every reference holds, nothing is sold out, no group has too many choices, and it is priced.
pub(super) fn build(menu: &Menu, id: LineId, item: &Item, wanted: &OrderLine) -> Result<Line, Refusal> {
    check_quantity(wanted.quantity)?;
    if !item.available {
        return Err(Refusal::SoldOut { name: item.name.clone() });
    }
    if wanted.options.len() > MAX_OPTIONS || wanted.without.len() > MAX_OPTIONS {
        return Err(Refusal::TooManyOptions { item: item.name.clone(), most: MAX_OPTIONS });
    }
    let (options, open) = options(menu, item, wanted)?;
    let (without, open_without) = without(menu, item, wanted, &options)?;
    // What is left out is not on the line, whatever else was said: for an allergy that is the safe reading.
    let options: Vec<LineOption> = options
        .into_iter()
        .filter(|option| !without.iter().any(|left| left.group == option.group && left.choice == option.choice))
        .collect();
    let size = size(item, wanted.size.as_ref())?;
    check_groups(menu, item, &options, &open)?;
    let unit_price = price(menu, item, size.as_ref(), &options);
    if unit_price > MAX_SUBTOTAL {
        return Err(Refusal::TooExpensive);
    }
    Ok(Line {
        id,
        item: item.id.clone(),
        name: item.name.clone(),
        quantity: wanted.quantity,
        size,
        options,
        without,
        open,
        open_without,
        unit_price,
        accepted: BTreeSet::new(),
    })
}

pub(super) fn check_quantity(quantity: u32) -> Result<(), Refusal> {
    if (1..=MAX_LINE_QUANTITY).contains(&quantity) { Ok(()) } else { Err(Refusal::Quantity { asked: quantity }) }
}

fn size(item: &Item, wanted: Option<&SizeId>) -> Result<Option<LineSize>, Refusal> {
    let Some(id) = wanted.or(item.default_size.as_ref()) else { return Ok(None) };
    match item.size(id) {
        Some(size) => Ok(Some(LineSize { id: size.id.clone(), name: size.name.clone() })),
        None => Err(Refusal::NoSuchSize {
            item: item.name.clone(),
            sizes: item.sizes.iter().map(|size| size.name.clone()).collect(),
        }),
    }
}

type Settled<T, O> = Result<(Vec<T>, Vec<O>), Refusal>;

fn options(menu: &Menu, item: &Item, wanted: &OrderLine) -> Settled<LineOption, OptionPick> {
    let mut settled: Vec<LineOption> = Vec::with_capacity(wanted.options.len());
    let mut open = Vec::new();
    for pick in &wanted.options {
        if pick.count.is_some_and(|count| !(1..=MAX_COUNT).contains(&count)) {
            return Err(Refusal::Count { most: MAX_COUNT });
        }
        let mut fitting = fitting(menu, item, &pick.group, &pick.choice)?;
        let sold_out = fitting[0].name.clone();
        fitting.retain(|choice| choice.available);
        if pick.amount.is_some() && fitting.len() > 1 {
            // "Extra" and "light" speak of what is on it already, if one of the choices is.
            let on_it: Vec<&Choice> =
                fitting.iter().copied().filter(|choice| includes(item, &pick.group, &choice.id)).collect();
            if on_it.len() == 1 {
                fitting = on_it;
            }
        }
        let choice = match fitting[..] {
            [] => return Err(Refusal::SoldOut { name: sold_out }),
            [choice] => choice,
            _ => {
                let any_of = fitting.iter().map(|choice| choice.id.clone()).collect();
                open.push(OptionPick { choice: ChoicePick::AnyOf(any_of), ..pick.clone() });
                continue;
            }
        };
        let twin = settled.iter_mut().find(|option| option.group == pick.group && option.choice == choice.id);
        match twin {
            Some(option) => {
                // Said twice: of a counted choice that many, of any other the last word on its amount.
                option.count = match (choice.counted, pick.count) {
                    (true, count) => option.count + count.unwrap_or(1),
                    (false, Some(count)) => count,
                    (false, None) => option.count,
                };
                if option.count > MAX_COUNT {
                    return Err(Refusal::Count { most: MAX_COUNT });
                }
                option.amount = pick.amount.or(option.amount);
            }
            None => settled.push(LineOption {
                group: pick.group.clone(),
                choice: choice.id.clone(),
                name: choice.name.clone(),
                amount: pick.amount,
                count: pick.count.unwrap_or(1),
            }),
        }
    }
    settled.sort_by(|a, b| (&a.group, &a.choice).cmp(&(&b.group, &b.choice)));
    Ok((settled, open))
}

fn without(menu: &Menu, item: &Item, wanted: &OrderLine, options: &[LineOption]) -> Settled<LeftOut, Without> {
    let mut settled: Vec<LeftOut> = Vec::with_capacity(wanted.without.len());
    let mut open = Vec::new();
    for left in &wanted.without {
        let fitting = fitting(menu, item, &left.group, &left.choice)?;
        let on_it: Vec<&Choice> = fitting
            .iter()
            .copied()
            .filter(|choice| {
                includes(item, &left.group, &choice.id)
                    || options.iter().any(|option| option.group == left.group && option.choice == choice.id)
            })
            .collect();
        if on_it.len() > 1 {
            let any_of = on_it.iter().map(|choice| choice.id.clone()).collect();
            open.push(Without { group: left.group.clone(), choice: ChoicePick::AnyOf(any_of) });
            continue;
        }
        // "No dressing" on a salad that comes without: there is nothing to leave out.
        if on_it.is_empty() && fitting.len() > 2 && !item.includes.is_empty() {
            continue;
        }
        // None of them is on it: the kitchen is told to leave out each, which is right under every reading.
        for choice in if on_it.is_empty() { fitting } else { on_it } {
            if !settled.iter().any(|left_out| left_out.group == left.group && left_out.choice == choice.id) {
                settled.push(LeftOut {
                    group: left.group.clone(),
                    choice: choice.id.clone(),
                    name: choice.name.clone(),
                });
            }
        }
    }
    settled.sort_by(|a, b| (&a.group, &a.choice).cmp(&(&b.group, &b.choice)));
    Ok((settled, open))
}

/// The choices that a word of the guest may mean on this item, at least one.
fn fitting<'a>(menu: &'a Menu, item: &Item, group: &GroupId, choice: &ChoicePick) -> Result<Vec<&'a Choice>, Refusal> {
    let ids = match choice {
        ChoicePick::One(id) => std::slice::from_ref(id),
        ChoicePick::AnyOf(ids) => &ids[..],
    };
    let distinct: BTreeSet<&ChoiceId> = ids.iter().collect();
    let known: Vec<&Choice> = distinct.into_iter().filter_map(|id| menu.choice(group, id)).collect();
    let on_item = item.option_groups.contains(group) || ids.iter().any(|id| includes(item, group, id));
    if known.is_empty() || !on_item {
        let named = known.first().map(|choice| choice.name.clone()).or_else(|| ids.first().map(ToString::to_string));
        return Err(Refusal::NotOffered { item: item.name.clone(), choice: named.unwrap_or_default() });
    }
    Ok(known)
}

pub(super) fn includes(item: &Item, group: &GroupId, choice: &ChoiceId) -> bool {
    item.includes.iter().any(|(in_group, included)| in_group == group && included == choice)
}

/// No group may have more choices than it takes. An open question stands for as many as it will have.
fn check_groups(menu: &Menu, item: &Item, options: &[LineOption], open: &[OptionPick]) -> Result<(), Refusal> {
    for group in item.option_groups.iter().filter_map(|id| menu.group(id)) {
        let Some(max) = group.max else { continue };
        let settled = options.iter().filter(|option| option.group == group.id).map(|option| option.count);
        let asked = open.iter().filter(|pick| pick.group == group.id).map(|pick| pick.count.unwrap_or(1));
        if settled.chain(asked).sum::<u32>() > max {
            return Err(Refusal::TooManyChoices { item: item.name.clone(), group: group.name.clone(), max });
        }
    }
    Ok(())
}

fn price(menu: &Menu, item: &Item, size: Option<&LineSize>, options: &[LineOption]) -> Cents {
    let extras = options.iter().map(|option| {
        let each = menu.choice(&option.group, &option.choice).map_or(Cents::ZERO, |choice| choice.price);
        each * portions(includes(item, &option.group, &option.choice), option.amount, option.count)
    });
    item.price_in(size.map(|size| &size.id)) + extras.sum()
}

/// How many portions of an option are charged: see the rules of the module.
fn portions(included: bool, amount: Option<Amount>, count: u32) -> u32 {
    match (included, amount) {
        (false, _) | (true, Some(Amount::Extra)) => count,
        (true, _) => count.saturating_sub(1),
    }
}
