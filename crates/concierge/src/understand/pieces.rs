//! "Ten nuggets" of a thing that comes by the box: the number counts what is in it.

use super::lexicon::Lexicon;
use super::numbers;
use super::tokens::{Token, tokenize};
use crate::menu::{Item, SizeId};

/// What a number before an item counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// So many of the item as it comes.
    Items,
    /// What is in a size, so many times.
    Pieces(Option<SizeId>, u32),
    /// A number of pieces that no size holds.
    Uneven,
}

impl Count {
    /// Whether it is what one portion holds.
    pub(crate) const fn is_portion(&self) -> bool {
        matches!(self, Self::Pieces(Some(_), 1))
    }
}

/// Words for one of several in a portion.
const PIECE: &[&str] = &["piece", "pieces", "pc", "pcs", "pce", "count", "ct"];

/// Whether a word is for one of several in a portion.
pub(crate) fn is_piece(word: &str) -> bool {
    PIECE.contains(&word)
}

/// What a number of an item counts. A number below the smallest portion counts portions: nobody orders two nuggets.
pub(crate) fn count(lexicon: &Lexicon, item: u16, said: u32) -> Count {
    let item = lexicon.item(item);
    let sizes: Vec<(u32, &SizeId)> = item
        .sizes
        .iter()
        .filter_map(|size| {
            let names = std::iter::once(&size.name).chain(&size.aliases);
            Some((names.filter_map(|name| holds(item, name)).next()?, &size.id))
        })
        .collect();
    let Some(least) = sizes.iter().map(|(count, _)| *count).min() else {
        let told = [&item.name, &item.description].into_iter().filter_map(|text| holds(item, text)).next();
        return if told == Some(said) { Count::Pieces(None, 1) } else { Count::Items };
    };
    if said < least {
        return Count::Items;
    }
    let fitting = sizes.iter().filter(|(count, _)| said.is_multiple_of(*count)).max_by_key(|(count, _)| *count);
    fitting.map_or(Count::Uneven, |(count, size)| Count::Pieces(Some((*size).clone()), said / count))
}

/// Whether a size's name is a number and the thing itself: "6 Wings".
pub(crate) fn names_thing(item: &Item, name: &str) -> bool {
    let tokens = tokenize(name);
    let number = numbers::read(&tokens).filter(|number| number.value.is_some() && !number.after);
    number.is_some_and(|number| matches!(&tokens[number.len..], [only] if names(item, only)))
}

/// The number of pieces that a text tells: "6 Pieces", or "6 wings" where the item is called wings.
fn holds(item: &Item, text: &str) -> Option<u32> {
    let tokens = tokenize(text);
    (0..tokens.len()).find_map(|at| {
        let number = numbers::read(&tokens[at..]).filter(|number| !number.after)?;
        let value = number.value.filter(|value| *value > 1)?;
        let next = tokens.get(at + number.len)?;
        (PIECE.contains(&next.text.as_str()) || names(item, next)).then_some(value)
    })
}

/// Whether a plural is what an item is called.
fn names(item: &Item, token: &Token) -> bool {
    token.is_plural()
        && std::iter::once(&item.name)
            .chain(&item.aliases)
            .any(|name| tokenize(name).last().is_some_and(|last| last.stem == token.stem))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::menu::Menu;

    #[test]
    fn a_number_counts_what_is_in_the_box() {
        let menu = r#"{"items":[
            {"id":"puffs","name":"Cheese Puffs","sizes":[{"id":"s","name":"4 Pieces","price":3},{"id":"l","name":"Twelve puffs","price":8}]},
            {"id":"sticks","name":"Bread Sticks","description":"Five sticks with a dip.","price":4},
            {"id":"long","name":"Long Roll","sizes":[{"id":"s","name":"6 inch","price":3},{"id":"l","name":"12 inch","price":8}]}]}"#;
        let lexicon = Lexicon::new(&Menu::from_json(menu).unwrap());
        let size = |id: &str, times| Count::Pieces(Some(id.into()), times);
        for (item, said, expected) in [
            (0, 4, size("s", 1)),
            (0, 12, size("l", 1)),
            (0, 24, size("l", 2)),
            (0, 8, size("s", 2)),
            (0, 2, Count::Items),
            (0, 7, Count::Uneven),
            (1, 5, Count::Pieces(None, 1)),
            (1, 3, Count::Items),
            (2, 6, Count::Items),
        ] {
            assert_eq!(count(&lexicon, item, said), expected, "{item} {said}");
        }
    }
}
