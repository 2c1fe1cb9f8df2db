//! What stands around a word: questions that the grammar asks of the words before and behind it.

use super::english::{self, Mark};
use super::lattice::{Edge, Kind};
use super::pieces;
use super::search::{Search, Step};
use super::state::{Det, Link, NONE};
use super::tokens::{Break, Token, says_of_them};

/// How well a word names an item before which its options stand.
const NAMED: f32 = 0.6;

impl Search<'_> {
    /// Whether an edge's words say a unit themselves: "shots of espresso".
    pub(super) fn measured(&self, edge: &Edge) -> bool {
        let mut unit = false;
        for at in edge.from..edge.to.min(self.tokens.len()) {
            english::marks(&self.tokens[at..=at], |mark, _| unit |= mark == Mark::Part);
        }
        unit
    }

    /// Whether the last refusal before a word was said as "without".
    pub(super) fn says_without(&self, at: usize) -> bool {
        let refuses =
            |token: &&Token| matches!(token.text.as_str(), "without" | "no" | "hold" | "not" | "skip" | "minus");
        self.tokens[..at].iter().rev().find(refuses).is_some_and(|token| token.text == "without")
    }

    /// Whether an amount begins at a word: "extra".
    pub(super) fn says_amount(&self, at: usize) -> bool {
        let mut amount = false;
        english::marks(&self.tokens[at..=at], |mark, _| amount |= matches!(mark, Mark::Amount(_)));
        amount
    }

    /// Whether an edge is the word "one" behind what tells which ("a small one"), and nothing that it could count follows.
    pub(super) fn says_one(&self, step: &Step) -> bool {
        let edge = &self.lattice.edges[step.edge as usize];
        let told = step.state.pre_len > 0 || step.state.size != NONE;
        // "One cold one": a word that says nothing here tells which, too.
        let counted = edge.from.checked_sub(2).is_some_and(|at| self.tokens[at].is_count());
        let word = edge.from.checked_sub(1).map(|at| &self.tokens[at]).is_some_and(|token| {
            counted
                && !token.is_count()
                && !token.is_plural()
                && !matches!(token.text.as_str(), "and" | "or" | "with" | "the" | "of" | "for")
        });
        let which = match step.state.det {
            Det::Article | Det::Some => told,
            Det::Number => word && !step.state.many,
            Det::None => false,
        };
        let which = which && step.state.link != Link::For && self.tokens[edge.from].before == Break::None;
        // "The mint one should be large": what the article makes a thing is not counted.
        let early = step.state.pre[..step.state.pre_len as usize].last();
        let the = early.and_then(|early| self.lattice.edges.get(*early as usize)).is_some_and(|edge| self.is_the(edge));
        let counts = if the { self.item_at(edge.to) } else { self.counts_at(edge.to) };
        which && self.tokens[edge.from].text == "one" && edge.to == edge.from + 1 && !counts
    }

    /// Whether an edge is the word "one" right behind a size, and no thing follows that it counts.
    pub(super) fn is_small_one(&self, step: &Step) -> bool {
        let edge = &self.lattice.edges[step.edge as usize];
        let size = |at: usize| {
            self.lattice.at(at).iter().any(|other| other.to == edge.from && matches!(other.kind, Kind::Sizes(_)))
        };
        let behind = (edge.from.saturating_sub(2)..edge.from).any(size);
        let one = edge.to == edge.from + 1 && self.tokens[edge.from].text == "one";
        one && behind && self.tokens[edge.from].before == Break::None && !self.item_at(edge.to)
    }

    /// The edges that start at a word, where nothing parts it from the one before it.
    fn joined_at(&self, at: usize) -> &[Edge] {
        let joined = self.tokens.get(at).is_some_and(|token| token.before == Break::None);
        if joined { self.lattice.at(at) } else { &[] }
    }

    /// Whether an item is named at a place, or behind a size there.
    pub(super) fn item_at(&self, at: usize) -> bool {
        let item = |edge: &Edge| matches!(edge.kind, Kind::Items(_)) && edge.score > 0.0;
        let sizes = |edge: &&Edge| matches!(edge.kind, Kind::Sizes(_) | Kind::Choices(_));
        let edges = self.joined_at(at);
        edges.iter().any(item) || edges.iter().filter(sizes).any(|edge| self.joined_at(edge.to).iter().any(item))
    }

    /// Whether a thing or a size stands at a place or behind plain words there: "one regular tea".
    pub(super) fn counts_at(&self, at: usize) -> bool {
        let plain = |at: &usize| {
            let token = self.tokens.get(*at);
            token.is_some_and(|token| {
                english::is_common(&token.text)
                    && !matches!(token.text.as_str(), "and" | "with" | "or" | "without" | "no")
            })
        };
        (at..at + 3)
            .find(|at| !plain(at) || self.thing_at(*at) || self.size_at(*at))
            .is_some_and(|at| self.thing_at(at) || self.size_at(at))
    }

    /// Whether an edge stands between "the" and "one": "the mint one".
    pub(super) fn is_the(&self, edge: &Edge) -> bool {
        let the = edge.from.checked_sub(1).is_some_and(|at| self.tokens[at].text == "the");
        the && self.tokens.get(edge.to).is_some_and(|next| next.before == Break::None && next.text == "one")
    }

    /// Whether an edge is the word "one" right behind a thing with its article: "the lentil one with rice".
    pub(super) fn is_the_one(&self, step: &Step) -> bool {
        let edge = &self.lattice.edges[step.edge as usize];
        let Some(item) = self.lattice.edges.get(step.state.item as usize) else { return false };
        let the = item.from.checked_sub(1).is_some_and(|at| self.tokens[at].text == "the");
        the && item.to == edge.from
            && edge.to == edge.from + 1
            && self.tokens[edge.from].text == "one"
            && self.tokens[edge.from].before == Break::None
    }

    /// Whether an edge is "just" or "only", behind which nothing is refused any more.
    pub(super) fn says_just(&self, step: &Step) -> bool {
        let edge = &self.lattice.edges[step.edge as usize];
        edge.to == edge.from + 1 && matches!(self.tokens[edge.from].text.as_str(), "just" | "only")
    }

    /// Whether what refuses stands right before an edge.
    pub(super) fn is_refused(&self, step: &Step) -> bool {
        /// More words than any phrase that refuses.
        const LONGEST: usize = 6;
        let from = self.lattice.edges[step.edge as usize].from;
        let mut refused = false;
        for at in from.saturating_sub(LONGEST)..from {
            english::marks(&self.tokens[at..from], |mark, len| {
                let refuses = matches!(mark, Mark::No | Mark::Remove | Mark::Except | Mark::InsteadOf);
                refused |= refuses && at + len == from;
            });
        }
        refused
    }

    /// Whether "to" stands before an edge: "add bacon to a burger", what was said first is on what follows.
    pub(super) fn is_to(&self, step: &Step) -> bool {
        let from = self.lattice.edges[step.edge as usize].from;
        from.checked_sub(1).is_some_and(|at| self.tokens[at].text == "to")
    }

    /// Whether a number is of pieces, and no thing follows that comes in them: "a large pie, two pieces".
    pub(super) fn says_pieces(&self, step: &Step) -> bool {
        let to = self.lattice.edges[step.edge as usize].to;
        self.tokens.get(to).is_some_and(|token| pieces::is_piece(&token.text)) && !self.thing_at(to + 1)
    }

    /// Whether an edge ends what is said, so that it can only be of what stands before it: "a water three", "a tea with
    /// milk, a large".
    pub(super) fn ends_there(&self, step: &Step) -> bool {
        let edge = &self.lattice.edges[step.edge as usize];
        self.tokens[edge.from].before == Break::None && self.ends_at(edge.to)
    }

    /// Whether what is said ends before a word.
    fn ends_at(&self, at: usize) -> bool {
        self.tokens.get(at).is_none_or(|next| {
            next.before != Break::None || matches!(next.text.as_str(), "and" | "please" | "thanks" | "then")
        })
    }

    /// Whether "of them" stands behind a number and nothing that it could count: "a large tea, three of them".
    pub(super) fn is_of_them(&self, step: &Step) -> bool {
        let to = self.lattice.edges[step.edge as usize].to;
        let with = self.tokens.get(to + 2).is_some_and(|next| next.text == "with");
        says_of_them(self.tokens, to) && (with || self.ends_at(to + 2) || self.size_at(to + 2))
    }

    /// Whether a size is said as "half".
    pub(super) fn says_half(&self, size: u16) -> bool {
        self.lattice.edges.get(size as usize).is_some_and(|edge| self.tokens[edge.from].stem == "half")
    }

    /// Whether a thing of the menu starts at a word that nothing parts from the one before it.
    pub(super) fn thing_at(&self, at: usize) -> bool {
        let thing = |edge: &Edge| matches!(edge.kind, Kind::Items(_) | Kind::Choices(_)) && edge.score > 0.0;
        self.joined_at(at).iter().any(thing)
    }

    /// Whether the words at a place name an item that takes one of the choices, and nothing parts it from the word before.
    pub(super) fn item_taking_at(&self, at: usize, choices: &[(u16, u16, f32)]) -> bool {
        self.thing_at(at)
            && self.lattice.at(at).iter().any(|edge| {
                matches!(&edge.kind, Kind::Items(items) if items.iter().any(|(item, quality)| {
                    *quality > NAMED && self.lexicon.reading(*item, choices).is_some()
                }))
            })
    }

    /// Whether words behind a choice put it on another thing than the one being said: "cheese sauce on a large fries".
    pub(super) fn is_on(&self, at: usize, item: u16, choices: &[(u16, u16, f32)]) -> bool {
        let word = |at: usize| self.tokens.get(at).map_or("", |token| token.text.as_str());
        if word(at) != "on" || !matches!(word(at + 1), "a" | "an" | "the" | "my") {
            return false;
        }
        let other = |edge: &Edge| match &edge.kind {
            Kind::Items(items) => {
                let said = match self.lattice.edges.get(item as usize).map(|edge| &edge.kind) {
                    Some(Kind::Items(said)) => said.as_slice(),
                    _ => &[],
                };
                items.iter().any(|(item, _)| self.lexicon.reading(*item, choices).is_some())
                    && !items.iter().any(|(item, _)| said.iter().any(|(of, _)| of == item))
            }
            _ => false,
        };
        let edges = self.lattice.at(at + 2);
        let mut sizes = edges.iter().filter(|edge| matches!(edge.kind, Kind::Sizes(_)));
        edges.iter().any(other) || sizes.any(|size| self.lattice.at(size.to).iter().any(other))
    }

    /// Whether a size is said at a place, and nothing parts it from the word before.
    pub(super) fn size_at(&self, at: usize) -> bool {
        self.joined_at(at).iter().any(|edge| matches!(edge.kind, Kind::Sizes(_)))
    }

    /// Whether a word that says nothing here stands at a place, and nothing parts it from the one before.
    pub(super) fn unknown_at(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at).filter(|token| token.before == Break::None) else { return false };
        !token.is_number() && self.lattice.at(at).iter().all(|edge| matches!(edge.kind, Kind::Word { common: false }))
    }
}
