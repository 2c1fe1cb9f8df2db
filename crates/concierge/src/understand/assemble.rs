//! From drafts to order lines: which item is meant, in which size, and how many of it. `picks` settles its options.

use super::lattice::{Edge, Kind, Lattice, fits};
use super::lexicon::{Lexicon, PART_NAME};
use super::picks::{pick, settle_choice, settle_options};
use super::pieces::Count;
use super::replay::{Draft, Replay};
use super::tokens::Token;
use super::{Problem, UnknownThing, nearest, pieces};
use crate::order::{OrderLine, Pick};

/// The most items among which a guest who named none is asked.
const MOST_IMPLIED: usize = 4;

/// The words of a stretch of the utterance.
pub(crate) fn words(tokens: &[Token], from: usize, to: usize) -> String {
    let words: Vec<&str> = tokens.get(from..to).unwrap_or(&[]).iter().map(|token| token.text.as_str()).collect();
    words.join(" ")
}

/// What drafts come to.
#[derive(Default)]
pub(crate) struct Settled {
    /// The lines, each with the draft that it was made from.
    pub lines: Vec<(OrderLine, usize)>,
    /// Words that fit nothing.
    pub unknown: Vec<UnknownThing>,
    /// What cannot be done as said.
    pub problems: Vec<Problem>,
}

/// Settles drafts into lines; one that no item fits is unknown.
pub(crate) fn settle(lexicon: &Lexicon, tokens: &[Token], lattice: &Lattice, replay: &Replay) -> Settled {
    let mut lines: Vec<(OrderLine, usize)> = Vec::new();
    let (mut unknown, mut problems) = (Vec::new(), Vec::new());
    for (place, draft) in replay.lines.iter().enumerate() {
        if sizes_unknown(lattice, replay, draft) {
            continue;
        }
        let mut items = candidates(lexicon, tokens, lattice, draft, lines.last().map(|(line, _)| line));
        let thing = if items.is_empty() { said_as_option(lattice, draft) } else { None };
        let draft = thing.as_ref().unwrap_or(draft);
        if thing.is_some() {
            items = candidates(lexicon, tokens, lattice, draft, lines.last().map(|(line, _)| line));
        }
        if items.is_empty() {
            let said = draft.options.iter().filter_map(|(edge, _)| lattice.edges.get(*edge as usize));
            for edge in said {
                unknown.push(UnknownThing {
                    words: words(tokens, edge.from, edge.to),
                    nearest: Vec::new(),
                    asked: true,
                });
            }
            continue;
        }
        let mut line = settle_line(lexicon, tokens, lattice, draft, &items);
        for (edge, how) in &draft.options {
            // What the thing turns out not to take is said back.
            let edge = &lattice.edges[*edge as usize];
            if !how.negated && settle_choice(lexicon, edge, &items).is_none() {
                let words = words(tokens, edge.from, edge.to);
                unknown.push(UnknownThing { nearest: Vec::new(), asked: true, words });
            }
        }
        if let Err(problem) = portions(lexicon, tokens, lattice, draft, &items, &mut line) {
            problems.push(problem);
            continue;
        }
        if draft.copy
            && let Some((last, _)) = lines.last_mut()
            && same_but_quantity(last, &line)
        {
            last.quantity = last.quantity.saturating_add(line.quantity);
            continue;
        }
        lines.push((line, place));
    }
    for &(from, to, asked) in &replay.unknown {
        let words = words(tokens, from, to);
        unknown.push(UnknownThing { nearest: nearest::items(lexicon, &words), asked, words });
    }
    Settled { lines, unknown, problems }
}

/// A draft of options alone that no item takes together, read as the thing that one of them names as well: "the burger
/// with blue cheese" is a burger, and there is no blue cheese on it.
fn said_as_option(lattice: &Lattice, draft: &Draft) -> Option<Draft> {
    let mut spans = draft.options.iter().filter_map(|(at, _)| Some((*at, lattice.edges.get(*at as usize)?)));
    spans.find_map(|(option, span)| {
        let (at, items) = lattice.edges.iter().enumerate().find_map(|(at, edge)| match &edge.kind {
            Kind::Items(items) if edge.from == span.from && edge.to == span.to => Some((at, items)),
            _ => None,
        })?;
        let mut draft = Draft { items: items.clone(), edge: u16::try_from(at).ok()?, ..draft.clone() };
        draft.options.retain(|(edge, _)| *edge != option);
        Some(draft)
    })
}

/// Whether a line is a size and nothing else, and the size stands before what fits nothing: "a small cider".
fn sizes_unknown(lattice: &Lattice, replay: &Replay, draft: &Draft) -> bool {
    let size = draft.size.and_then(|edge| lattice.edges.get(edge as usize));
    let said = lattice.edges.get(draft.edge as usize).is_some();
    !said
        && draft.options.is_empty()
        && size.is_some_and(|size| replay.unknown.iter().any(|(from, ..)| *from == size.to))
}

/// Words behind a thing that make its number one of portions: "two nugget boxes".
const PORTIONS: &[&str] = &[
    "box", "boxes", "portion", "portions", "order", "orders", "serving", "servings", "plate", "plates", "pack",
    "packs", "bucket", "buckets", "basket", "baskets",
];

/// Where a line's number stands right before the thing and counts what is in a portion, the line becomes portions.
fn portions(
    lexicon: &Lexicon,
    tokens: &[Token],
    lattice: &Lattice,
    draft: &Draft,
    items: &[u16],
    line: &mut OrderLine,
) -> Result<(), Problem> {
    let (Some(number), Some(thing)) =
        (lattice.edges.get(draft.number as usize), lattice.edges.get(draft.edge as usize))
    else {
        return Ok(());
    };
    let boxed = tokens.get(thing.to).is_some_and(|token| PORTIONS.contains(&token.text.as_str()));
    // "Twelve hot wings", "wings, a dozen".
    let between = |edge: u16| lattice.edges.get(edge as usize).map_or(0, |edge| edge.to - edge.from);
    let early: usize = draft.options.iter().filter(|(_, how)| how.early).map(|(edge, _)| between(*edge)).sum();
    let beside = number.from >= thing.to || number.to + early == thing.from;
    if line.size.is_some() || draft.size.is_some() || !beside || boxed {
        return Ok(());
    }
    let mut counts: Vec<Count> = items.iter().map(|item| pieces::count(lexicon, *item, draft.quantity)).collect();
    counts.dedup();
    match counts.as_slice() {
        [Count::Pieces(size, times)] if draft.quantity == line.quantity => {
            line.size.clone_from(size);
            line.quantity = *times;
            Ok(())
        }
        [Count::Uneven] => Err(Problem::Uneven {
            words: words(tokens, number.from, thing.to),
            item: lexicon.item(items[0]).id.clone(),
        }),
        _ => Ok(()),
    }
}

fn same_but_quantity(a: &OrderLine, b: &OrderLine) -> bool {
    a.item == b.item && a.size == b.size && a.options == b.options && a.without == b.without
}

/// The items that a draft may be: those that take all that was said of it, where any do.
fn candidates(
    lexicon: &Lexicon,
    tokens: &[Token],
    lattice: &Lattice,
    draft: &Draft,
    before: Option<&OrderLine>,
) -> Vec<u16> {
    let takes_all = |item: u16| {
        let options = draft.options.iter().all(|(edge, _)| match &lattice.edges[*edge as usize].kind {
            Kind::Choices(choices) => lexicon.reading(item, choices).is_some(),
            _ => false,
        });
        options && draft.size.is_none_or(|edge| size_of(lattice, edge, item).is_some())
    };
    if !draft.items.is_empty() {
        let best = draft.items[0].1;
        let all: Vec<u16> =
            draft.items.iter().filter(|(_, quality)| fits(*quality, best)).map(|(item, _)| *item).collect();
        let fitting: Vec<u16> = all.iter().copied().filter(|item| takes_all(*item)).collect();
        return if fitting.is_empty() { all } else { fitting };
    }
    if draft.options.is_empty() && draft.size.is_none() {
        return Vec::new();
    }
    let count = super::lexicon::place(lexicon.menu.items.len());
    let all: Vec<u16> = (0..count).filter(|item| takes_all(*item)).collect();
    // "A side of black beans" where there is a side of beans that takes them.
    let akin = |item: &u16| {
        draft.options.iter().any(|(edge, _)| shares_word(lexicon, tokens, &lattice.edges[*edge as usize], *item))
    };
    let kin: Vec<u16> = all.iter().copied().filter(akin).collect();
    let all = if kin.len() == 1 && draft.thing { kin } else { all };
    // "A large with ham" where there are pizzas of all names and one that is just called so.
    let mut generic: Vec<u16> = all.iter().copied().filter(|item| lexicon.is_generic(*item)).collect();
    if generic.len() > 1 {
        // The one that heads others, not one that stands alone under its heading.
        let of = |item: &u16| &lexicon.item(*item).category;
        generic.retain(|item| all.iter().any(|other| other != item && of(other) == of(item)));
    }
    let all = if generic.len() == 1 && (draft.thing || draft.size.is_some()) { generic } else { all };
    // A byname of an option does not tell a thing: "nachos" are no fries with nacho cheese.
    let named = draft.options.iter().any(|(edge, _)| match &lattice.edges[*edge as usize].kind {
        Kind::Choices(choices) => choices
            .iter()
            .any(|(group, choice, quality)| *quality >= PART_NAME || lexicon.choice(*group, *choice).counted),
        _ => false,
    });
    let before = before.and_then(|line| line.item.one());
    let again = all.iter().any(|item| Some(&lexicon.item(*item).id) == before);
    // Who says only what is not to be on it names no thing.
    let says_no = |edge: u16| {
        let first = lattice.edges.get(edge as usize).map(|edge| tokens[edge.from].text.as_str());
        matches!(first, Some("no" | "without" | "not"))
    };
    let refused = !draft.options.is_empty() && draft.options.iter().all(|(edge, how)| how.negated || says_no(*edge));
    if refused || (draft.size.is_none() && !named && !(draft.thing && again)) {
        return Vec::new();
    }
    match all.iter().find(|item| Some(&lexicon.item(**item).id) == before) {
        Some(item) => vec![*item],
        // After other things, an option by itself is no thing of its own; and what nearly everything takes says nothing.
        None if draft.size.is_none()
            && ((before.is_some() && !(draft.thing && all.len() == 1))
                || (all.len() > 1 && draft.options.len() == 1 && !draft.counted)) =>
        {
            Vec::new()
        }
        None if all.len() > MOST_IMPLIED => Vec::new(),
        None => all,
    }
}

/// Whether an option is said with a word of an item's name.
fn shares_word(lexicon: &Lexicon, tokens: &[Token], option: &Edge, item: u16) -> bool {
    tokens[option.from..option.to].iter().any(|token| lexicon.is_called(item, &token.stem))
}

fn size_of(lattice: &Lattice, edge: u16, item: u16) -> Option<u16> {
    match &lattice.edges.get(edge as usize)?.kind {
        Kind::Sizes(sizes) => sizes.iter().find(|(of, _)| *of == item).map(|(_, size)| *size),
        _ => None,
    }
}

fn settle_line(lexicon: &Lexicon, tokens: &[Token], lattice: &Lattice, draft: &Draft, items: &[u16]) -> OrderLine {
    let item = items[0];
    let named = |item: u16| {
        let size = draft.size.and_then(|edge| size_of(lattice, edge, item))?;
        lexicon.item(item).sizes.get(size as usize).map(|size| &size.id)
    };
    // Of several things, a size that all of them have in common is theirs.
    let size = named(item).filter(|size| items.iter().all(|item| named(*item) == Some(*size)));
    let (options, without) = settle_options(lexicon, tokens, lattice, draft, items);
    OrderLine {
        item: pick(items.iter().map(|item| lexicon.item(*item).id.clone()).collect(), Pick::One, Pick::AnyOf),
        quantity: draft.quantity,
        size: size.cloned(),
        options,
        without,
    }
}
