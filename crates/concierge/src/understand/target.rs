//! Which line of the cart the guest speaks of: "the second one", "on the burger", "make the coke large".

use super::carted::{has_options, item_places, options_of, size_id};
use super::lattice::{self, Edge, Kind, Lattice, fits};
use super::replay::Draft;
use super::tokens::Token;
use super::{Lexicon, assemble, cues};
use crate::menu::SizeId;
use crate::order::{LineId, OrderLine};

/// What is aimed at.
pub(crate) enum Target {
    /// These lines; `rest` is what is said of them. `whole` where they are to go.
    Lines { lines: Vec<LineId>, rest: Vec<Token>, whole: bool },
    /// One of these.
    Ambiguous { words: String, lines: Vec<LineId> },
}

/// Lines of the cart that a draft of an item means.
pub(crate) fn lines_of(
    lexicon: &Lexicon,
    cart: &[(LineId, OrderLine)],
    draft: &Draft,
    lattice: &Lattice,
) -> Vec<LineId> {
    let of = |named: &dyn Fn(u16) -> bool| -> Vec<&(LineId, OrderLine)> {
        cart.iter().filter(|(_, line)| item_places(lexicon, line).into_iter().any(named)).collect()
    };
    let mut same = of(&|place| draft.items.iter().any(|(item, _)| *item == place));
    if same.is_empty() {
        same = of(&|place| draft.also.contains(&place));
    }
    narrow(&mut same, |line| {
        draft.size.is_none_or(|edge| size_id(lexicon, lattice, edge, &item_places(lexicon, line)) == line.size)
    });
    narrow(&mut same, |line| has_options(line, &options_of(lexicon, lattice, draft, line)));
    same.into_iter().map(|(id, _)| *id).collect()
}

/// Keeps the lines that fit, where any do.
fn narrow(lines: &mut Vec<&(LineId, OrderLine)>, fits: impl Fn(&OrderLine) -> bool) {
    if lines.len() > 1 && lines.iter().any(|(_, line)| fits(line)) {
        lines.retain(|(_, line)| fits(line));
    }
}

/// Words that point at a line when they stand before "the", "my", "that".
const BEFORE: &[&str] = &[
    "on", "to", "for", "from", "in", "off", "of", "with", "make", "change", "have", "turn", "upgrade", "upsize", "get",
    "and", "put", "remove", "cancel", "delete", "drop", "want",
];
pub(super) const DETERMINERS: &[&str] = &["the", "my", "that", "this", "both", "all", "those", "our"];

/// Finds the line that an utterance aims at and what is left to say of it.
pub(crate) fn find(
    lexicon: &Lexicon,
    tokens: &[Token],
    cart: &[(LineId, OrderLine)],
    touched: Option<LineId>,
) -> Option<Target> {
    if cart.is_empty() {
        return None;
    }
    let removing = removes(tokens);
    for at in 0..tokens.len() {
        let before = at.checked_sub(1).map_or("", |before| tokens[before].text.as_str());
        let determined = DETERMINERS.contains(&tokens[at].text.as_str()) && (at == 0 || BEFORE.contains(&before));
        // "No dressing on salad".
        let bare = matches!(before, "on" | "off");
        if !determined && !bare {
            continue;
        }
        let Some((lines, to)) = named(lexicon, tokens, if determined { at } else { at - 1 }, cart, touched) else {
            continue;
        };
        if lines.is_empty() {
            continue;
        }
        // "Mustard with the pork ones": nothing but an option comes with it.
        let with = before == "with" && at > 1 && changes_only(lexicon, &tokens[..at - 1]);
        let points = with || matches!(before, "on" | "to" | "for" | "from" | "in" | "off");
        // "Two of the first one" of what is ordered says how many it is to be.
        let place = tokens.get(at + 1).is_some_and(|token| cues::ordinal(&token.text).is_some());
        if before == "of"
            && place
            && tokens[..at - 1].iter().all(|token| token.is_count() || cues::is_polite(&token.text))
        {
            let mut rest = super::tokens::tokenize("make it");
            rest.extend(tokens[..at - 1].iter().filter(|token| token.is_count()).cloned());
            let said = rest.len() > 2 && lines.len() == 1 && tokens[to..].iter().all(|t| cues::is_polite(&t.text));
            return said.then_some(Target::Lines { lines, rest, whole: false });
        }
        let from = if at > 0 && !matches!(before, "remove" | "cancel" | "delete" | "drop") { at - 1 } else { at };
        let mut rest: Vec<Token> = tokens[..from].to_vec();
        rest.extend_from_slice(&tokens[to..]);
        let empty = rest.iter().all(|token| cues::is_polite(&token.text) || is_removal(&token.text));
        let several = matches!(tokens[at].text.as_str(), "both" | "all" | "those") || tokens[to - 1].is_plural();
        let unclear = lines.len() > 1 && !several;
        if unclear && removing && !points {
            // Sizes and options may tell which; the search reads them.
            return None;
        }
        if unclear {
            if let Some(touched) = touched.filter(|touched| lines.contains(touched) && !removing) {
                return Some(Target::Lines { lines: vec![touched], rest, whole: false });
            }
            return Some(Target::Ambiguous { words: assemble::words(tokens, at, to), lines });
        }
        if empty {
            let remove = removing || tokens.iter().any(|token| is_removal(&token.text));
            return remove.then_some(Target::Lines { lines, rest, whole: true });
        }
        // "Can I have the fries" orders; "make the fries large" and "no salt on the fries" change.
        let changes = points
            || matches!(before, "make" | "change" | "turn" | "upgrade" | "upsize")
            || (at == 0 && changes_only(lexicon, &tokens[to..]));
        if changes && (points || !removing) {
            let mut rest = rest;
            if matches!(before, "make" | "change" | "turn" | "upgrade" | "upsize") {
                // What is left reads as a correction of the line.
                let mut head = super::tokens::tokenize("make it");
                head.append(&mut rest);
                rest = head;
            }
            return Some(Target::Lines { lines, rest, whole: false });
        }
    }
    None
}

/// Whether words begin by taking something off.
pub(crate) fn removes(tokens: &[Token]) -> bool {
    let polite = tokens.iter().take_while(|token| cues::is_polite(&token.text)).count();
    let tokens = if starts(tokens, &["i", "dont", "want"]) { tokens } else { &tokens[polite..] };
    let verb = tokens.first().map_or("", |token| token.text.as_str());
    matches!(verb, "remove" | "cancel" | "delete" | "drop" | "scratch" | "forget")
        || starts(tokens, &["take", "off"])
        || starts(tokens, &["get", "rid", "of"])
        || starts(tokens, &["i", "dont", "want"])
}

fn is_removal(word: &str) -> bool {
    matches!(
        word,
        "remove"
            | "cancel"
            | "delete"
            | "drop"
            | "scratch"
            | "forget"
            | "take"
            | "off"
            | "get"
            | "rid"
            | "of"
            | "dont"
            | "anymore"
            | "away"
            | "about"
            | "out"
    )
}

pub(super) fn starts(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.text == *word)
}

/// Whether words hold options or sizes and no item.
pub(super) fn changes_only(lexicon: &Lexicon, tokens: &[Token]) -> bool {
    let lattice = lattice::build(lexicon, tokens);
    let item =
        |edge: &Edge| matches!(&edge.kind, Kind::Items(items) if items.iter().any(|(_, quality)| *quality > 0.8));
    let change = |edge: &Edge| matches!(&edge.kind, Kind::Choices(_) | Kind::Sizes(_));
    lattice.edges.iter().any(change) && !lattice.edges.iter().any(item)
}

/// The lines that words from a determiner on name, and where those words end.
pub(super) fn named(
    lexicon: &Lexicon,
    tokens: &[Token],
    at: usize,
    cart: &[(LineId, OrderLine)],
    touched: Option<LineId>,
) -> Option<(Vec<LineId>, usize)> {
    let mut next = at + 1;
    while tokens.get(next).is_some_and(|token| matches!(token.text.as_str(), "the" | "of" | "them" | "my" | "other")) {
        next += 1;
    }
    let place = tokens.get(next).and_then(|token| cues::ordinal(&token.text));
    if place.is_some() {
        next += 1;
    }
    // "The large one", "the large coke"; but in "make both large" the size is what is said of them.
    let sized = size_at(lexicon, &tokens[next..]).filter(|(_, len)| {
        let after = &tokens[next + len..];
        after.first().is_some_and(|token| token.text == "one") || items_at(lexicon, after, cart).is_some()
    });
    if let Some((_, len)) = &sized {
        next += len;
    }
    if let Some(found) = with_option(lexicon, tokens, next, cart) {
        return Some(found);
    }
    if place.is_none() && tokens[next - 1].text == "other" {
        return other(tokens, next, cart, touched);
    }
    let (mut lines, mut to) =
        items_at(lexicon, &tokens[next..], cart).map_or((Vec::new(), next), |(lines, len)| (lines, next + len));
    let one =
        tokens.get(to).is_some_and(|token| matches!(token.text.as_str(), "one" | "ones" | "thing" | "item" | "dish"));
    if let Some((sizes, _)) = &sized {
        let has = |id: &LineId| {
            cart.iter().any(|(line, of)| line == id && of.size.as_ref().is_some_and(|size| sizes.contains(size)))
        };
        if lines.is_empty() && one {
            lines = cart.iter().map(|(id, _)| *id).collect();
            to += 1;
        }
        lines.retain(has);
        if lines.is_empty() {
            return None;
        }
    }
    if lines.is_empty() {
        let both = matches!(tokens[at].text.as_str(), "both" | "all");
        if both {
            let last = if tokens[at].text == "both" { 2 } else { cart.len() };
            return Some((cart.iter().rev().take(last).rev().map(|(id, _)| *id).collect(), next));
        }
        let place = place?;
        lines = cart.iter().map(|(id, _)| *id).collect();
        to = if one { to + 1 } else { to };
        return pick(&lines, place).map(|line| (vec![line], to));
    }
    if let Some(place) = place {
        return pick(&lines, place).map(|line| (vec![line], to));
    }
    to += usize::from(tokens.get(to).is_some_and(|token| matches!(token.text.as_str(), "one" | "ones")));
    if let Some(touched) = touched.filter(|touched| lines.contains(touched) && tokens[at].text == "that") {
        lines = vec![touched];
    }
    Some((lines, to))
}

/// "The one with tofu", "the iced one": lines by what is on them.
fn with_option(
    lexicon: &Lexicon,
    tokens: &[Token],
    at: usize,
    cart: &[(LineId, OrderLine)],
) -> Option<(Vec<LineId>, usize)> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let behind = matches!(text(at), "one" | "ones") && text(at + 1) == "with";
    let from = if behind { at + 2 } else { at };
    let rest = tokens.get(from..)?;
    let lattice = lattice::build(lexicon, rest);
    let edges = lattice.edges.get(..*lattice.starts.get(1)?)?;
    let has = |line: &OrderLine, choices: &[(u16, u16, f32)]| {
        line.options.iter().any(|option| {
            choices.iter().any(|(group, choice, quality)| {
                fits(*quality, choices[0].2)
                    && lexicon.menu.option_groups[*group as usize].id == option.group
                    && option.choice.one() == Some(&lexicon.choice(*group, *choice).id)
            })
        })
    };
    edges.iter().rev().find_map(|edge| {
        let Kind::Choices(choices) = &edge.kind else { return None };
        let before = !behind && matches!(text(from + edge.to), "one" | "ones");
        let lines: Vec<LineId> = cart.iter().filter(|(_, line)| has(line, choices)).map(|(id, _)| *id).collect();
        ((behind || before) && !lines.is_empty()).then_some((lines, from + edge.to + usize::from(before)))
    })
}

/// "The other one": of two lines of a thing, the one that the last words were not about.
fn other(
    tokens: &[Token],
    at: usize,
    cart: &[(LineId, OrderLine)],
    touched: Option<LineId>,
) -> Option<(Vec<LineId>, usize)> {
    let (touched, line) = cart.iter().find(|(id, _)| Some(*id) == touched)?;
    let mut others = cart.iter().filter(|(id, other)| id != touched && other.item == line.item);
    let (one, more) = (others.next()?, others.next());
    let to = at + usize::from(tokens.get(at).is_some_and(|token| token.text == "one"));
    more.is_none().then(|| (vec![one.0], to))
}

/// The sizes that words begin with, and how many words.
fn size_at(lexicon: &Lexicon, tokens: &[Token]) -> Option<(Vec<SizeId>, usize)> {
    let lattice = lattice::build(lexicon, tokens.get(..tokens.len().min(3))?);
    let edges = lattice.edges.get(..*lattice.starts.get(1)?)?;
    edges.iter().rev().find_map(|edge| match &edge.kind {
        Kind::Sizes(sizes) => {
            let ids = sizes
                .iter()
                .filter_map(|(item, size)| lexicon.item(*item).sizes.get(*size as usize))
                .map(|size| size.id.clone());
            Some((ids.collect(), edge.to))
        }
        _ => None,
    })
}

fn pick(lines: &[LineId], place: usize) -> Option<LineId> {
    if place == usize::MAX { lines.last().copied() } else { lines.get(place).copied() }
}

/// Lines of the cart whose item the words begin with, and how many words name it.
pub(super) fn items_at(
    lexicon: &Lexicon,
    tokens: &[Token],
    cart: &[(LineId, OrderLine)],
) -> Option<(Vec<LineId>, usize)> {
    let lattice = lattice::build(lexicon, tokens);
    let first = lattice.starts.get(..2)?;
    let edges = &lattice.edges[first[0]..first[1]];
    let mut best: Option<(f32, Vec<LineId>, usize)> = None;
    for edge in edges {
        let Kind::Items(items) = &edge.kind else { continue };
        let top = items.first().map_or(0.0, |item| item.1);
        let of = |named: &dyn Fn(u16) -> bool| -> Vec<LineId> {
            cart.iter()
                .filter(|(_, line)| item_places(lexicon, line).into_iter().any(named))
                .map(|(id, _)| *id)
                .collect()
        };
        let mut lines = of(&|place| items.iter().any(|(item, quality)| fits(*quality, top) && *item == place));
        if lines.is_empty() {
            lines = of(&|place| edge.also.contains(&place));
        }
        if !lines.is_empty() && best.as_ref().is_none_or(|(score, ..)| edge.score > *score) {
            best = Some((edge.score, lines, edge.to));
        }
    }
    best.map(|(_, lines, len)| (lines, len))
}
