//! The readings of words as things of the menu, with how well they name them: items, choices and sizes.

use std::collections::BTreeSet;

use super::lattice::{APART, Edge, Kind, SPAN, WORD, fits};
use super::lexicon::{Entry, FULL, HEADING, Lexicon, WITHIN, is_link};
use super::tokens::{Break, Token, tokenize};
use super::vocabulary::Reading;
use super::walk::{self, Found};

/// Adds the edges of the menu's things that start at a word.
pub(super) fn add(lexicon: &Lexicon, tokens: &[Token], readings: &[Vec<Reading>], from: usize, edges: &mut Vec<Edge>) {
    let found = walk::find(lexicon, tokens, readings, from);
    if found.is_empty() {
        return;
    }
    let mut ends: Vec<usize> = found.iter().map(|found| found.to).collect();
    ends.sort_unstable();
    ends.dedup();
    for to in ends {
        let kind = |entry: Entry| std::mem::discriminant(&entry);
        // What is called so by itself goes before what only borrows a neighbour's word.
        let here = found.iter().filter(|one| {
            one.to == to
                && (!one.borrowed
                    || !found
                        .iter()
                        .any(|other| !other.borrowed && other.to == to && kind(other.entry) == kind(one.entry)))
        });
        let (mut items, mut choices, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
        let mut words = [0.0_f32; 3];
        let mut full = Vec::new();
        for one in here {
            if let (Entry::Item(item), true) = (one.entry, one.full) {
                full.push(item);
            }
            match one.entry {
                Entry::Item(item) => push(&mut items, item, one, &mut words[0]),
                Entry::Choice(group, choice) => push(&mut choices, (group, choice), one, &mut words[1]),
                Entry::Size(item, size) => push(&mut sizes, (item, size), one, &mut words[2]),
            }
        }
        misspelt(&mut items, &full);
        if items.len() > 1 || choices.len() > 1 {
            let called = lexicon.called(&tokens[from..to]);
            lower(&mut items, |item| called.contains(&Entry::Item(item)));
            lower(&mut choices, |(group, choice)| called.contains(&Entry::Choice(group, choice)));
        }
        // "Garlic bread" that is sold is no garlic.
        if items.iter().any(|(_, quality)| *quality >= FULL) {
            choices.retain(|(_, quality)| *quality >= FULL - 0.005 || *quality < FULL - 0.04);
        }
        // "Three sugars" are sugar, and no colas of null sugar, which may have sugar, too.
        let has = |item: u16| {
            choices.iter().any(|((group, _), quality)| *quality > FULL - 0.1 && lexicon.takes(item, *group))
        };
        items.retain(|(item, quality)| *quality > WITHIN || !has(*item));
        let mut add = |kind: Kind, quality: f32, words: f32, also: Vec<u16>| {
            edges.push(Edge { from, to, kind, score: WORD * quality * words - SPAN, also });
        };
        if let Some(best) = best(&mut items) {
            // A heading's word means what stands under it, unless it is somebody's name.
            let word =
                Some(from + 1).filter(|next| *next == to).and_then(|_| lexicon.vocabulary.get(&tokens[from].stem));
            if best < FULL - 0.1
                && let Some(under) = word.and_then(|word| lexicon.under(word))
            {
                items.retain(|(item, _)| under.contains(item));
            }
            let also = items.iter().filter(|(_, quality)| !fits(*quality, best)).map(|(item, _)| *item).collect();
            items.retain(|(_, quality)| fits(*quality, best));
            add(Kind::Items(items), best, words[0], also);
        }
        if let Some(best) = best(&mut choices) {
            // "Milk" is what is called milk, not all that stands under that heading, unless most of it is not called so:
            // "cheese" is no blue cheese alone among cheddar, swiss and provolone.
            let alone = to == from + 1;
            if alone && tokens[from].is_plural() {
                plurals(lexicon, &tokens[from].stem, &mut choices);
            }
            let mut named: BTreeSet<u16> =
                choices.iter().filter(|(_, quality)| *quality > HEADING).map(|((group, _), _)| *group).collect();
            named.retain(|group| !alone || !headed(lexicon, &tokens[from].stem, *group, &mut choices));
            choices.retain(|((group, _), quality)| *quality > HEADING || !named.contains(group));
            let choices: Vec<(u16, u16, f32)> = choices.into_iter().map(|((g, c), q)| (g, c, q)).collect();
            let before_thing = before_its_thing(lexicon, &tokens[from..to], &choices);
            add(Kind::Choices(choices), best, words[1], Vec::new());
            if !before_thing.is_empty() {
                let score = WORD * (words[1] - 1.0) - SPAN + NAMED_SO;
                let kind = Kind::Choices(before_thing);
                edges.push(Edge { from, to: to - 1, kind, score, also: Vec::new() });
            }
        }
        if let Some(best) = best(&mut sizes) {
            sizes.retain(|(_, quality)| fits(*quality, best));
            // "Two teas, large ones": the pronoun says no more.
            let plural = tokens[to - 1].is_plural();
            let pronoun = tokens
                .get(to)
                .filter(|next| next.text == "ones" || !(plural || many_before(tokens, from)))
                .is_some_and(|next| next.before == Break::None && matches!(next.text.as_str(), "one" | "ones"))
                && tokens
                    .get(to + 1)
                    .is_none_or(|next| is_link(&next.text) || (readings[to + 1].is_empty() && !next.is_count()));
            // "For the little one" tells for whom.
            let whom = tokens[..from].iter().rev().take(2).any(|token| token.text == "for");
            if pronoun && !whom {
                let kind = Kind::Sizes(sizes.iter().map(|(size, _)| *size).collect());
                let score = WORD * best * words[2] - SPAN + 0.5;
                edges.push(Edge { from, to: to + 1, kind, score, also: Vec::new() });
            }
            let kind = Kind::Sizes(sizes.into_iter().map(|(size, _)| size).collect());
            edges.push(Edge { from, to, kind, score: WORD * best * words[2] - SPAN, also: Vec::new() });
        }
    }
}

/// How much better a choice that is called by all of the words is meant than what the first of them may be.
const NAMED_SO: f32 = 0.6;

/// Choices called by words of which the last names the thing that takes them: of a style "cheese pizza", the pizza is the
/// thing and what stands before it the style.
fn before_its_thing(lexicon: &Lexicon, words: &[Token], choices: &[(u16, u16, f32)]) -> Vec<(u16, u16, f32)> {
    let Some((last, _)) = words.split_last().filter(|(_, before)| !before.is_empty()) else { return Vec::new() };
    let things = lexicon.called(std::slice::from_ref(last));
    let generic = things.iter().filter_map(|thing| match thing {
        Entry::Item(item) if lexicon.is_generic(*item) => Some(*item),
        _ => None,
    });
    let taken = |group: u16| generic.clone().any(|item| lexicon.takes(item, group));
    choices.iter().filter(|(group, _, quality)| *quality >= FULL && taken(*group)).copied().collect()
}

/// Whether a number above one stands before a word: in "three large, one with ham" nobody speaks of a large one.
fn many_before(tokens: &[Token], at: usize) -> bool {
    at.checked_sub(1).map(|before| &tokens[before]).is_some_and(|before| {
        matches!(before.text.as_str(), "both" | "all") || (before.is_count() && before.stem != "1")
    })
}

/// "Tomatoes" are no tomato sauce where something is called tomatoes.
fn plurals(lexicon: &Lexicon, word: &str, choices: &mut Vec<((u16, u16), f32)>) {
    let Some(stem) = lexicon.vocabulary.get(word) else { return };
    let ends = |choice: &((u16, u16), f32)| lexicon.ends(Entry::Choice(choice.0.0, choice.0.1), stem);
    let within = |choice: &((u16, u16), f32)| {
        let name = &lexicon.choice(choice.0.0, choice.0.1).name;
        choice.1 < FULL - 0.1 && tokenize(name).iter().any(|token| token.stem == word) && !ends(choice)
    };
    if choices.iter().any(ends) {
        choices.retain(|choice| !within(choice));
    }
}

/// Whether a word means all that stands under an option group's heading, though a few of them are called so: then all are
/// as good as the best.
fn headed(lexicon: &Lexicon, word: &str, group: u16, choices: &mut [((u16, u16), f32)]) -> bool {
    let of_group = |((of, _), _): &&((u16, u16), f32)| *of == group;
    let count = lexicon.menu.option_groups[group as usize].choices.len();
    let best = choices.iter().filter(of_group).map(|(_, quality)| *quality).fold(0.0, f32::max);
    let called = choices.iter().filter(of_group).filter(|(_, quality)| *quality > HEADING).count();
    let whole = best < FULL - 0.1 && called * 2 < count && lexicon.heads_group(group, word);
    for (_, quality) in choices.iter_mut().filter(|((of, _), _)| whole && *of == group) {
        *quality = best;
    }
    whole
}

/// A misspelt name in full is no part of another: "hambuger" is no double hamburger.
fn misspelt<T: PartialEq>(list: &mut [(T, f32)], full: &[T]) {
    let best = list.iter().filter(|(thing, _)| full.contains(thing)).map(|(_, quality)| *quality).fold(0.0, f32::max);
    for (_, quality) in list.iter_mut().filter(|(thing, _)| best > 0.0 && !full.contains(thing)) {
        *quality = quality.min(best - APART);
    }
}

fn push<T: PartialEq>(list: &mut Vec<(T, f32)>, thing: T, found: &Found, words: &mut f32) {
    *words = words.max(found.words);
    match list.iter_mut().find(|(known, _)| *known == thing) {
        Some((_, quality)) => *quality = quality.max(found.quality),
        None => list.push((thing, found.quality)),
    }
}

/// Where some are called exactly as the guest says, the others step back.
fn lower<T: Copy>(list: &mut [(T, f32)], called: impl Fn(T) -> bool) {
    if list.iter().any(|(thing, _)| called(*thing)) {
        for (_, quality) in list.iter_mut().filter(|(thing, _)| !called(*thing)) {
            *quality -= 0.03;
        }
    }
}

fn best<T: Ord>(list: &mut [(T, f32)]) -> Option<f32> {
    list.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    list.first().map(|(_, quality)| *quality)
}
