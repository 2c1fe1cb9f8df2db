//! All readings of an utterance: a lattice of spans, each a thing of the menu, a mark of English, a number or a word.

use super::english::{self, Mark};
use super::lexicon::{Lexicon, place};
use super::tokens::{Break, Token};
use super::vocabulary::Reading;
use super::{kinds, numbers, spans, things};

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
    /// The edges that start at a word; none behind the last one.
    pub(crate) fn at(&self, at: usize) -> &[Edge] {
        match self.starts.get(at).zip(self.starts.get(at + 1)) {
            Some((from, to)) => self.edges.get(*from..*to).unwrap_or(&[]),
            None => &[],
        }
    }

    /// Whether one of some items takes a choice that an edge names.
    pub(crate) fn takes(&self, lexicon: &Lexicon, items: &[(u16, f32)], edge: u16) -> bool {
        match self.edges.get(edge as usize).map(|edge| &edge.kind) {
            Some(Kind::Choices(choices)) => items.iter().any(|(item, _)| lexicon.reading(*item, choices).is_some()),
            _ => false,
        }
    }

    /// Whether one of some items comes in a size that an edge names.
    pub(crate) fn sizes(&self, items: &[(u16, f32)], edge: u16) -> bool {
        match self.edges.get(edge as usize).map(|edge| &edge.kind) {
            Some(Kind::Sizes(sizes)) => sizes.iter().any(|(of, _)| items.iter().any(|(item, _)| item == of)),
            _ => false,
        }
    }

    /// Whether two edges name the same choices or the same sizes.
    pub(crate) fn alike(&self, one: u16, other: u16) -> bool {
        let kind = |edge: u16| self.edges.get(edge as usize).map(|edge| &edge.kind);
        match (kind(one), kind(other)) {
            (Some(Kind::Choices(one)), Some(Kind::Choices(other))) => one == other,
            (Some(Kind::Sizes(one)), Some(Kind::Sizes(other))) => one == other,
            _ => false,
        }
    }

    /// Adds items that the words are said about; they stand nowhere in the utterance.
    pub(crate) fn push_context(&mut self, items: Vec<u16>) -> u16 {
        let items = items.into_iter().map(|item| (item, 1.0)).collect();
        self.edges.push(Edge { from: 0, to: 0, kind: Kind::Items(items), score: 0.0, also: Vec::new() });
        place(self.edges.len() - 1)
    }
}

/// How much worse a part of one name may be than a part of another to be meant as well.
pub(super) const APART: f32 = 0.201;
/// Worth of a word well read, and cost of one more span: a longer phrase beats its parts.
pub(super) const WORD: f32 = 2.0;
pub(super) const SPAN: f32 = 1.0;

/// What a remark is worth besides, so that nothing is made of its words.
pub(super) const REMARK: f32 = 1.5;

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
        if !spans::asks(tokens, at) && !spans::counts_none(tokens, at) {
            things::add(lexicon, tokens, &readings, at, &mut lattice.edges);
        }
        spans::counted_heading(lexicon, tokens, at, &mut lattice.edges);
        spans::superlative(lexicon, tokens, at, &mut lattice.edges);
        spans::all_of(lexicon, tokens, at, &mut lattice.edges);
        spans::measures_out(tokens, at, &mut lattice.edges[lattice.starts[at]..]);
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
        spans::numbers(lexicon, tokens, &marked, at, &mut lattice.edges);
        let pair = tokens
            .get(at + 1)
            .filter(|next| next.before == Break::None && kinds::is_whole(&tokens[at].stem, &next.stem));
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
    lattice.generic = lexicon.generic.iter().map(|item| (*item, lattice.push_context(vec![*item]))).collect();
    lattice
}

/// Whether a reading stands beside the best one, so that the guest must say which. What is said in full beats a part of
/// a name; parts of several names are all meant.
pub(crate) fn fits(quality: f32, best: f32) -> bool {
    if best >= 0.9 { quality >= best - 0.02 } else { quality > best - APART }
}
