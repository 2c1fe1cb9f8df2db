//! Lines of the cart seen through the menu's places.

use std::collections::BTreeSet;

use super::Lexicon;
use super::lattice::{Kind, Lattice, fits};
use super::picks;
use super::replay::Draft;
use crate::menu::{ItemId, SizeId};
use crate::order::{ChoicePick, OptionPick, OrderLine, Pick};

/// How many places of an utterance a line can take as an option or a size.
pub(crate) fn taking(lexicon: &Lexicon, lattice: &Lattice, line: &OrderLine) -> usize {
    let items = item_places(lexicon, line);
    let takes = |kind: &Kind| match kind {
        Kind::Choices(choices) => choices.iter().any(|(group, _, quality)| {
            fits(*quality, choices[0].2) && items.iter().any(|item| lexicon.takes(*item, *group))
        }),
        Kind::Sizes(sizes) => sizes.iter().any(|(item, _)| items.contains(item)),
        _ => false,
    };
    lattice.edges.iter().filter(|edge| takes(&edge.kind)).map(|edge| edge.from).collect::<BTreeSet<_>>().len()
}

/// How many places of an utterance name an option or a size.
pub(crate) fn most(lattice: &Lattice) -> usize {
    let named = |kind: &Kind| matches!(kind, Kind::Choices(_) | Kind::Sizes(_));
    lattice.edges.iter().filter(|edge| named(&edge.kind)).map(|edge| edge.from).collect::<BTreeSet<_>>().len()
}

/// The items of a line, by place in the menu.
pub(crate) fn item_places(lexicon: &Lexicon, line: &OrderLine) -> Vec<u16> {
    let ids: &[ItemId] = match &line.item {
        Pick::One(id) => std::slice::from_ref(id),
        Pick::AnyOf(ids) => ids,
    };
    ids.iter().filter_map(|id| lexicon.place_of(id)).collect()
}

pub(crate) fn size_id(lexicon: &Lexicon, lattice: &Lattice, edge: u16, items: &[u16]) -> Option<SizeId> {
    match &lattice.edges.get(edge as usize)?.kind {
        Kind::Sizes(sizes) => {
            let (item, size) = sizes.iter().find(|(item, _)| items.contains(item))?;
            lexicon.item(*item).sizes.get(*size as usize).map(|size| size.id.clone())
        }
        _ => None,
    }
}

/// Whether one of the choices that an edge names was asked for on a line.
pub(crate) fn has_choice(lexicon: &Lexicon, lattice: &Lattice, edge: u16, line: &OrderLine) -> bool {
    let Some(Kind::Choices(choices)) = lattice.edges.get(edge as usize).map(|edge| &edge.kind) else { return false };
    choices.iter().any(|(group, choice, _)| {
        let id = &lexicon.choice(*group, *choice).id;
        line.options.iter().any(|had| had.choice.one() == Some(id))
    })
}

/// Whether a line has what a draft names.
pub(crate) fn has_options(line: &OrderLine, options: &[OptionPick]) -> bool {
    let overlaps = |a: &ChoicePick, b: &ChoicePick| match (a, b) {
        (ChoicePick::One(a), ChoicePick::One(b)) => a == b,
        (ChoicePick::AnyOf(several), ChoicePick::One(one)) | (ChoicePick::One(one), ChoicePick::AnyOf(several)) => {
            several.contains(one)
        }
        (ChoicePick::AnyOf(a), ChoicePick::AnyOf(b)) => a == b,
    };
    options
        .iter()
        .all(|wanted| line.options.iter().any(|has| has.group == wanted.group && overlaps(&has.choice, &wanted.choice)))
}

/// A draft's options as the line of an item would have them.
pub(crate) fn options_of(lexicon: &Lexicon, lattice: &Lattice, draft: &Draft, line: &OrderLine) -> Vec<OptionPick> {
    let items = item_places(lexicon, line);
    if items.is_empty() { Vec::new() } else { picks::settle_options(lexicon, &[], lattice, draft, &items).0 }
}
