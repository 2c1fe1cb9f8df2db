//! All readings of an utterance: a lattice of spans, each a thing of the menu, a mark of English, a number or a word.

use std::collections::BTreeSet;

use super::english::{self, Mark};
use super::kinds;
use super::lexicon::{Entry, FULL, HEADING, Lexicon, WITHIN, is_link, place};
use super::numbers;
use super::tokens::{Break, Token, tokenize};
use super::vocabulary::Reading;
use super::walk::{self, Found};
use crate::menu::OptionGroup;
use crate::money::Cents;

/// What a span stands for.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Items with their quality, best first.
    Items(Vec<(u16, f32)>),
    /// Choices (group, choice) with their quality, best first.
    Choices(Vec<(u16, u16, f32)>),
    /// Sizes (item, size).
    Sizes(Vec<(u16, u16)>),
    /// A phrase of plain English.
    Mark(Mark),
    /// A number; `None` is out of range.
    Number { value: Option<u32>, after: bool },
    /// A word that says nothing here.
    Word { common: bool },
}

/// A span of the utterance under one reading.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub from: usize,
    pub to: usize,
    pub kind: Kind,
    /// What the reading is worth by itself.
    pub score: f32,
    /// Items that a part of whose name it is, though another's is said in full: in a cart without the other, these.
    pub also: Vec<u16>,
}

/// The lattice: edges by their first word.
#[derive(Debug)]
pub(crate) struct Lattice {
    pub edges: Vec<Edge>,
    /// `starts[i]..starts[i + 1]` are the edges that start at word `i`.
    pub starts: Vec<usize>,
    /// Whether words such as "on the side" or "to drink" start here.
    pub aside: Vec<bool>,
    /// Items that are meant where only a size or options were said ("a large with ham"), each with an edge that stands
    /// nowhere in the utterance.
    pub generic: Vec<(u16, u16)>,
}

impl Lattice {
    /// Adds items that the words are said about; they stand nowhere in the utterance.
    pub(crate) fn push_context(&mut self, items: Vec<u16>) -> u16 {
        let items = items.into_iter().map(|item| (item, 1.0)).collect();
        self.edges.push(Edge { from: 0, to: 0, kind: Kind::Items(items), score: 0.0, also: Vec::new() });
        place(self.edges.len() - 1)
    }
}

/// How much worse a part of one name may be than a part of another to be meant as well.
const APART: f32 = 0.201;
/// Worth of a word well read, and cost of one more span: a longer phrase beats its parts.
const WORD: f32 = 2.0;
const SPAN: f32 = 1.0;

/// What a remark is worth besides, so that nothing is made of its words.
const REMARK: f32 = 1.5;

pub(crate) fn build(lexicon: &Lexicon, tokens: &[Token]) -> Lattice {
    let mut readings: Vec<Vec<Reading>> = Vec::with_capacity(tokens.len());
    let mut buffer = Vec::new();
    let mut marked: Vec<Token> = tokens.to_vec();
    for at in 0..tokens.len() {
        lexicon.vocabulary.readings(&tokens[at..], &mut buffer);
        if buffer.is_empty()
            && let Some(word) = lexicon.vocabulary.grammar(&tokens[at])
        {
            marked[at].text = word.to_owned();
        }
        readings.push(buffer.clone());
    }
    let mut lattice = Lattice {
        edges: Vec::with_capacity(tokens.len() * 4),
        starts: Vec::with_capacity(tokens.len() + 1),
        aside: vec![false; tokens.len() + 1],
        generic: Vec::new(),
    };
    let telephone = numbers::telephone(tokens);
    for at in 0..tokens.len() {
        lattice.starts.push(lattice.edges.len());
        if telephone[at] {
            let kind = Kind::Word { common: true };
            lattice.edges.push(Edge { from: at, to: at + 1, kind, score: 0.0, also: Vec::new() });
            continue;
        }
        if !asks(tokens, at) && !counts_none(tokens, at) {
            things(lexicon, tokens, &readings, at, &mut lattice.edges);
        }
        counted_heading(lexicon, tokens, at, &mut lattice.edges);
        superlative(lexicon, tokens, at, &mut lattice.edges);
        all_of(lexicon, tokens, at, &mut lattice.edges);
        measures_out(tokens, at, &mut lattice.edges[lattice.starts[at]..]);
        let mut grammar = false;
        english::marks(&marked[at..], |mark, len| {
            grammar |= len == 1 && !matches!(mark, Mark::Filler | Mark::Size | Mark::Serving | Mark::Part);
            let extra = f32::from(u8::try_from(len).unwrap_or(u8::MAX));
            lattice.aside[at] |= mark == Mark::Aside;
            lattice.edges.push(Edge {
                from: at,
                to: at + len,
                kind: Kind::Mark(mark),
                score: 0.3 * extra - 0.15 + if mark == Mark::Remark { REMARK } else { 0.0 },
                also: Vec::new(),
            });
        });
        if let Some(number) = numbers::read(&marked[at..]) {
            // "A pie for six people" counts who eats it.
            let eaters = at.checked_sub(1).is_some_and(|before| tokens[before].text == "for")
                && tokens.get(at + number.len).is_some_and(|next| is_person(&next.text));
            if eaters {
                let to = at + number.len + 1;
                let kind = Kind::Mark(Mark::Remark);
                lattice.edges.push(Edge { from: at, to, kind, score: REMARK, also: Vec::new() });
            }
            // "(1) with ham, (2) with olives".
            let alone = tokens[at].before != Break::None
                && tokens.get(at + 1).is_some_and(|next| next.before == Break::Comma)
                && tokens[at].is_number();
            if alone {
                let kind = Kind::Mark(Mark::Other);
                lattice.edges.push(Edge { from: at, to: at + 1, kind, score: 0.6, also: Vec::new() });
            }
            // "A 500 ml cola": how big, not how many.
            if tokens.get(at + number.len).is_some_and(|next| english::is_measure(&next.text)) {
                lattice.edges.push(Edge {
                    from: at,
                    to: at + number.len + 1,
                    kind: Kind::Mark(Mark::Size),
                    score: 0.9,
                    also: Vec::new(),
                });
            }
            // "Two dips, garlic and chilli": options begin.
            let heading = tokens.get(at + number.len).filter(|next| {
                !number.after && next.before == Break::None && next.is_plural() && lexicon.is_group(&next.stem)
            });
            if heading.is_some() && tokens.get(at + number.len + 1).is_some_and(|next| next.text != "of") {
                let to = at + number.len + 1;
                lattice.edges.push(Edge { from: at, to, kind: Kind::Mark(Mark::With), score: 1.6, also: Vec::new() });
            }
            let kind = Kind::Number { value: number.value, after: number.after };
            let extra = f32::from(u8::try_from(number.len).unwrap_or(u8::MAX));
            lattice.edges.push(Edge {
                from: at,
                to: at + number.len,
                kind,
                score: 0.45 * extra - 0.05,
                also: Vec::new(),
            });
        }
        let pair = tokens.get(at + 1).filter(|next| {
            next.before == Break::None && kinds::is_whole(&tokens[at].stem, &next.stem)
        });
        if pair.is_some() && lattice.edges[lattice.starts[at]..].iter().all(|edge| edge.to < at + 2) {
            // "A hot dog" where there is none is no dog.
            let kind = Kind::Word { common: false };
            lattice.edges.push(Edge { from: at, to: at + 2, kind, score: -1.2, also: Vec::new() });
        }
        if grammar {
            // A word that joins or refuses is never passed over.
            continue;
        }
        let common = english::is_common(&tokens[at].text);
        // To pass over what has a meaning costs that meaning.
        let meaning = lattice.edges[lattice.starts[at]..].iter().filter(|edge| !matches!(edge.kind, Kind::Mark(_)));
        let lost = meaning.map(|edge| edge.score).fold(0.0, f32::max).min(1.5);
        // A number is no mere filler.
        let score = if common && !tokens[at].is_count() { -0.5 } else { -1.2 - lost };
        lattice.edges.push(Edge { from: at, to: at + 1, kind: Kind::Word { common }, score, also: Vec::new() });
    }
    lattice.starts.push(lattice.edges.len());
    let generic: BTreeSet<u16> = lexicon.generic.iter().copied().collect();
    lattice.generic = generic.into_iter().map(|item| (item, lattice.push_context(vec![item]))).collect();
    lattice
}

/// Whether a word asks rather than names: "and can I also get …" orders no can.
fn asks(tokens: &[Token], at: usize) -> bool {
    let who = tokens.get(at + 1).map_or("", |next| next.text.as_str());
    tokens[at].text == "can" && matches!(who, "i" | "we" | "you" | "he" | "she" | "they")
}

/// Whether a word is the number of no things: "0 colas" are none, though the menu may have a zero cola.
fn counts_none(tokens: &[Token], at: usize) -> bool {
    tokens[at].text == "0" && tokens.get(at + 1).is_some_and(|next| next.before == Break::None && next.is_plural())
}

/// "All the toppings": every choice of groups that are called so, where none costs anything.
fn all_of(lexicon: &Lexicon, tokens: &[Token], at: usize, edges: &mut Vec<Edge>) {
    if !says_all(&tokens[at]) {
        return;
    }
    let links = tokens[at + 1..].iter().take_while(|token| is_link(&token.text)).count();
    let Some(heading) = tokens.get(at + 1 + links).filter(|heading| heading.is_plural()) else { return };
    let free = |of: &OptionGroup| {
        of.choices.iter().all(|choice| choice.price == Cents::ZERO)
            && of.max.is_none_or(|max| max as usize >= of.choices.len())
    };
    let named = |of: &OptionGroup| tokenize(&of.name).iter().filter(|word| word.stem == heading.stem).count();
    let whole = |of: &OptionGroup| named(of) > 0 && tokenize(&of.name).len() == 1;
    let groups = &lexicon.menu().option_groups;
    // "Toppings" are not the salsa toppings where a group is called just so.
    let exact = groups.iter().any(whole);
    let meant = groups.iter().enumerate().filter(|(_, of)| free(of) && if exact { whole(of) } else { named(of) > 0 });
    let all = meant.flat_map(|(group, of)| (0..of.choices.len()).map(move |choice| (place(group), place(choice), FULL)));
    let all: Vec<(u16, u16, f32)> = all.collect();
    if !all.is_empty() {
        let to = at + links + 2;
        edges.push(Edge { from: at, to, kind: Kind::Choices(all), score: WORD * 2.0 - SPAN, also: Vec::new() });
    }
}

/// Whether a word begins what means every one of several: "all the toppings".
pub(super) fn says_all(token: &Token) -> bool {
    matches!(token.text.as_str(), "all" | "every")
}

/// "In the biggest size": of each thing, the dearest of its sizes, or the cheapest.
fn superlative(lexicon: &Lexicon, tokens: &[Token], at: usize, edges: &mut Vec<Edge>) {
    let most = match tokens[at].text.as_str() {
        "biggest" | "largest" => true,
        "smallest" => false,
        _ => return,
    };
    let items = lexicon.menu().items.iter().enumerate().filter(|(_, item)| item.sizes.len() > 1);
    let sizes = items.filter_map(|(item, of)| {
        let prices = of.sizes.iter().enumerate().map(|(at, size)| (size.price, at));
        let (_, size) = if most { prices.max() } else { prices.min() }?;
        Some((place(item), place(size)))
    });
    let kind = Kind::Sizes(sizes.collect());
    edges.push(Edge { from: at, to: at + 1, kind, score: WORD - SPAN + 0.2, also: Vec::new() });
}

/// "Three drinks: a cola, …": behind a number or a size and before a pause, a heading's plural counts what follows,
/// though it is too common a word to be a thing.
fn counted_heading(lexicon: &Lexicon, tokens: &[Token], at: usize, edges: &mut Vec<Edge>) {
    let told = at.checked_sub(1).is_some_and(|before| {
        let mut size = false;
        english::marks(&tokens[before..at], |mark, _| size |= mark == Mark::Size);
        size || tokens[before].is_count()
    });
    let begins = |next: &Token| matches!(next.text.as_str(), "a" | "an") || next.is_count();
    let paused = tokens.get(at + 1).is_some_and(|next| next.before == Break::Comma || begins(next));
    let under = lexicon.vocabulary.get(&tokens[at].stem).and_then(|word| lexicon.under(word));
    if let Some(under) = under.filter(|_| told && paused && tokens[at].is_plural() && english::is_common(&tokens[at].text))
    {
        let mut items: Vec<(u16, f32)> = under.iter().map(|item| (*item, HEADING)).collect();
        items.sort_by_key(|(item, _)| *item);
        edges.push(Edge { from: at, to: at + 1, kind: Kind::Items(items), score: 0.5, also: Vec::new() });
    }
}

/// What the shot of "two shots of vanilla" costs as a thing of its own.
const UNIT: f32 = 1.5;

/// A word that measures out what follows it is no thing by itself: "two shots of vanilla".
fn measures_out(tokens: &[Token], at: usize, edges: &mut [Edge]) {
    if tokens.get(at + 1).is_none_or(|next| next.text != "of") {
        return;
    }
    let mut part = false;
    english::marks(&tokens[at..=at + 1], |mark, len| part |= len == 2 && matches!(mark, Mark::Part | Mark::Amount(_)));
    for edge in edges.iter_mut().filter(|edge| part && edge.to == at + 1 && matches!(edge.kind, Kind::Choices(_))) {
        edge.score -= UNIT;
    }
}

/// Adds the edges of the menu's things that start at a word.
fn things(lexicon: &Lexicon, tokens: &[Token], readings: &[Vec<Reading>], from: usize, edges: &mut Vec<Edge>) {
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
            add(Kind::Choices(choices.into_iter().map(|((g, c), q)| (g, c, q)).collect()), best, words[1], Vec::new());
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

/// Whether a word is for those who eat.
fn is_person(word: &str) -> bool {
    const PEOPLE: &str = "people person persons adults kids children guests friends of";
    PEOPLE.split(' ').any(|person| person == word)
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

/// Whether a reading stands beside the best one, so that the guest must say which. What is said in full beats a part of
/// a name; parts of several names are all meant.
pub(crate) fn fits(quality: f32, best: f32) -> bool {
    if best >= 0.9 { quality >= best - 0.02 } else { quality > best - APART }
}
