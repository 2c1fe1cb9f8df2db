//! What fits what: questions that the grammar asks of the menu and of the words around.

use super::english::{self, Mark};
use super::implied;
use super::lattice::{Edge, Kind, fits};
use super::lexicon::{PART_NAME, place};
use super::pieces;
use super::search::{Search, Step};
use super::state::{Det, Flush, IMPLIED, Link, NONE, State, open};
use super::tokens::{Break, Token};

/// How well a word names an item before which its options stand.
const NAMED: f32 = 0.6;
/// What it costs that options said by themselves fit no item together.
pub(super) const NOTHING: f32 = 1.0;

impl Search<'_> {
    /// Whether items are among those that a word for several left open.
    pub(super) fn names(&self, open: u16, items: &[(u16, f32)]) -> bool {
        match self.lattice.edges.get(open as usize).map(|edge| &edge.kind) {
            Some(Kind::Items(open)) => {
                items.len() < open.len() && items.iter().all(|(item, _)| open.iter().any(|(of, _)| of == item))
            }
            _ => false,
        }
    }

    /// Whether an item that was named in part is one of several that a word means.
    pub(super) fn is_one_of(&self, item: u16, items: &[(u16, f32)]) -> bool {
        match self.lattice.edges.get(item as usize).map(|edge| &edge.kind) {
            Some(Kind::Items(said)) => {
                items.len() > 1
                    && self.named_in_part(item)
                    && said.first().is_some_and(|(said, _)| items.iter().any(|(item, _)| item == said))
            }
            _ => false,
        }
    }

    /// Whether items stand under the same heading as the one being said.
    pub(super) fn akin(&self, item: u16, items: &[(u16, f32)]) -> bool {
        let heading = |item: u16| &self.lexicon.item(item).category;
        match self.lattice.edges.get(item as usize).map(|edge| &edge.kind) {
            Some(Kind::Items(of)) => {
                of.iter().any(|(of, _)| items.iter().any(|(item, _)| of != item && heading(*of) == heading(*item)))
            }
            _ => false,
        }
    }

    /// Whether an item is one that is asked for by its name, not by what is on it as a pizza is.
    pub(super) fn is_named(&self, item: u16) -> bool {
        match self.lattice.edges.get(item as usize).map(|edge| &edge.kind) {
            Some(Kind::Items(items)) => !items.iter().any(|(item, _)| self.lexicon.is_generic(*item)),
            _ => false,
        }
    }

    /// Whether an item's words are a part of its name only.
    pub(super) fn named_in_part(&self, item: u16) -> bool {
        match self.lattice.edges.get(item as usize).map(|edge| &edge.kind) {
            Some(Kind::Items(items)) => items.first().is_some_and(|(_, quality)| *quality < super::lexicon::PART_NAME),
            _ => false,
        }
    }

    /// Whether an edge's words say a unit themselves: "shots of espresso".
    pub(super) fn measured(&self, edge: &Edge) -> bool {
        let mut unit = false;
        for at in edge.from..edge.to.min(self.tokens.len()) {
            english::marks(&self.tokens[at..=at], |mark, _| unit |= mark == Mark::Part);
        }
        unit
    }

    /// How likely it is that a refusal goes on to these choices: they are on the item, or something else is.
    pub(super) fn refusable(&self, item: u16, at: usize, choices: &[(u16, u16, f32)]) -> f32 {
        let Some(Kind::Items(items)) = self.lattice.edges.get(item as usize).map(|edge| &edge.kind) else { return 0.0 };
        let includes = |(item, _): &(u16, f32)| &self.lexicon.includes[*item as usize];
        let best = choices.first().map_or(0.0, |choice| choice.2);
        let named =
            |(group, choice): &(u16, u16)| choices.iter().any(|(g, c, q)| g == group && c == choice && fits(*q, best));
        match items.first().map(includes) {
            Some(on) if on.iter().any(named) => 0.4,
            // "Without onions and bacon" refuses both; "no onions and bacon" may not.
            Some(on) if !on.is_empty() && !self.says_without(at) => -0.15,
            _ => 0.0,
        }
    }

    /// Whether the last refusal before a word was said as "without".
    fn says_without(&self, at: usize) -> bool {
        let refuses =
            |token: &&Token| matches!(token.text.as_str(), "without" | "no" | "hold" | "not" | "skip" | "minus");
        self.tokens[..at].iter().rev().find(refuses).is_some_and(|token| token.text == "without")
    }

    /// Closes what is pending, as [`open`] does; where it is of the thing said before, that thing stays the one spoken of.
    pub(super) fn open(&self, state: &State) -> (f32, Option<Flush>, State) {
        let (cost, flush, next) = open(state);
        let early = &state.pre[..state.pre_len as usize];
        let takes = |edge: &u16| match &self.lattice.edges[*edge as usize].kind {
            Kind::Choices(choices) => self.fit(state.item, choices).is_some(),
            _ => false,
        };
        let known = next.item == IMPLIED && !matches!(state.item, NONE | IMPLIED) && early.iter().all(takes);
        let cost = if flush.is_some() && !known && self.is_nothing(state) { cost + NOTHING } else { cost };
        // "Sticks, and a large with ham": a size that the thing before has not is another thing's.
        let sizeless = match self.lattice.edges.get(next.item as usize).map(|edge| &edge.kind) {
            Some(Kind::Items(items)) => state.size != NONE && !self.has_size(state.size, items),
            _ => false,
        };
        let next = if flush.is_some() && sizeless { State { item: IMPLIED, ..next } } else { next };
        // "Two rolls, one plain": what several are told apart by is of them.
        let other = state.many && flush.is_some() && !known && !early.is_empty();
        let cost = if other { cost + 1.0 } else { cost };
        let thing = (next.item == IMPLIED && flush.is_some())
            .then(|| implied::thing(self.lexicon, self.lattice, early, state.size))
            .flatten();
        let item = if known { state.item } else { thing.unwrap_or(next.item) };
        let many = next.many || (thing.is_some() && self.is_many(state.number));
        (cost, flush, State { item, many, ..next })
    }

    /// Whether one of the items takes each of the options that wait for their item.
    pub(super) fn all_taken(&self, state: &State, items: &[(u16, f32)]) -> bool {
        state.pre[..state.pre_len as usize].iter().all(|early| match &self.lattice.edges[*early as usize].kind {
            Kind::Choices(choices) => items.iter().any(|(item, _)| self.lexicon.reading(*item, choices).is_some()),
            _ => false,
        })
    }

    /// Whether no item of the menu takes all options that wait for their item, in the size that was said.
    pub(super) fn is_nothing(&self, state: &State) -> bool {
        let early = &state.pre[..state.pre_len as usize];
        let takes = |item: u16| {
            early.iter().all(|edge| match &self.lattice.edges[*edge as usize].kind {
                Kind::Choices(choices) => self.lexicon.reading(item, choices).is_some(),
                _ => false,
            }) && (state.size == NONE || self.has_size(state.size, &[(item, 1.0)]))
        };
        !early.is_empty() && !(0..place(self.lexicon.menu.items.len())).any(takes)
    }

    /// Whether an amount begins at a word: "extra".
    pub(super) fn says_amount(&self, at: usize) -> bool {
        let mut amount = false;
        english::marks(&self.tokens[at..=at], |mark, _| amount |= matches!(mark, Mark::Amount(_)));
        amount
    }

    /// Whether the same words name an option that the item being said takes, in full or as well as what they name so
    /// well.
    pub(super) fn also_option(&self, edge: &Edge, item: u16, well: f32) -> bool {
        self.lattice.edges[self.lattice.starts[edge.from]..self.lattice.starts[edge.from + 1]].iter().any(|other| {
            other.to == edge.to
                && matches!(&other.kind, Kind::Choices(choices)
                if self.fit(item, choices).is_some_and(|(quality, _)| {
                    quality > 0.95 || (well < PART_NAME && quality >= well)
                }))
        })
    }

    /// Whether a number is more than one.
    pub(super) fn is_many(&self, number: u16) -> bool {
        let number = self.lattice.edges.get(number as usize).map(|edge| &edge.kind);
        matches!(number, Some(Kind::Number { value: Some(value), .. }) if *value > 1)
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
            let edges = &self.lattice.edges[self.lattice.starts[at]..self.lattice.starts[at + 1]];
            edges.iter().any(|other| other.to == edge.from && matches!(other.kind, Kind::Sizes(_)))
        };
        let behind = (edge.from.saturating_sub(2)..edge.from).any(size);
        let one = edge.to == edge.from + 1 && self.tokens[edge.from].text == "one";
        one && behind && self.tokens[edge.from].before == Break::None && !self.item_at(edge.to)
    }

    /// Whether an item is named at a place, or behind a size there.
    fn item_at(&self, at: usize) -> bool {
        let edges = |at: usize| match self.tokens.get(at) {
            Some(token) if token.before == Break::None => {
                &self.lattice.edges[self.lattice.starts[at]..self.lattice.starts[at + 1]]
            }
            _ => &[],
        };
        let item = |edge: &Edge| matches!(edge.kind, Kind::Items(_)) && edge.score > 0.0;
        edges(at).iter().any(item)
            || edges(at)
                .iter()
                .filter(|edge| matches!(edge.kind, Kind::Sizes(_) | Kind::Choices(_)))
                .any(|edge| edges(edge.to).iter().any(item))
    }

    /// Whether a thing or a size stands at a place or behind plain words there: "one regular tea".
    fn counts_at(&self, at: usize) -> bool {
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

    /// Whether a number is how many pieces come in a portion of the item being said: "wings, a dozen".
    pub(super) fn holds(&self, step: &Step) -> bool {
        let edge = |at: u16| self.lattice.edges.get(at as usize).map(|edge| &edge.kind);
        match (edge(step.edge), edge(step.state.item)) {
            (Some(Kind::Number { value: Some(value), .. }), Some(Kind::Items(items))) => {
                step.state.untouched
                    && !step.state.sized
                    && !step.state.many
                    && items.iter().all(|(item, _)| pieces::count(self.lexicon, *item, *value).is_portion())
            }
            _ => false,
        }
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
        self.tokens[edge.from].before == Break::None
            && self.tokens.get(edge.to).is_none_or(|next| {
                next.before != Break::None || matches!(next.text.as_str(), "and" | "please" | "thanks" | "then")
            })
    }

    /// Whether "of them" stands behind a number and nothing that it could count: "a large tea, three of them".
    pub(super) fn is_of_them(&self, step: &Step) -> bool {
        let to = self.lattice.edges[step.edge as usize].to;
        let word = |at: usize| self.tokens.get(at).map_or("", |token| token.text.as_str());
        let ends = self.tokens.get(to + 2).is_none_or(|next| {
            next.before != Break::None || matches!(next.text.as_str(), "and" | "please" | "thanks" | "then" | "with")
        });
        let ends = ends || self.size_at(to + 2);
        word(to) == "of" && matches!(word(to + 1), "them" | "those" | "these") && ends
    }

    /// Whether the words of an edge are a size of the menu as well, and an option that is no item follows.
    pub(super) fn sizes_option(&self, step: &Step) -> bool {
        let edge = &self.lattice.edges[step.edge as usize];
        let at = |at: usize| &self.lattice.edges[self.lattice.starts[at]..self.lattice.starts[at + 1]];
        let size = |other: &Edge| other.to == edge.to && matches!(other.kind, Kind::Sizes(_));
        let item = |other: &Edge| matches!(other.kind, Kind::Items(_)) && other.score > 0.3;
        self.thing_at(edge.to) && at(edge.from).iter().any(size) && !at(edge.to).iter().any(item)
    }

    /// Whether a size is said as "half".
    pub(super) fn says_half(&self, size: u16) -> bool {
        self.lattice.edges.get(size as usize).is_some_and(|edge| self.tokens[edge.from].stem == "half")
    }

    /// Whether a thing of the menu starts at a word that nothing parts from the one before it.
    pub(super) fn thing_at(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.before == Break::None)
            && self.lattice.edges[self.lattice.starts[at]..self.lattice.starts[at + 1]]
                .iter()
                .any(|edge| matches!(edge.kind, Kind::Items(_) | Kind::Choices(_)) && edge.score > 0.0)
    }

    /// Whether the words at a place name an item that takes one of the choices, and nothing parts it from the word before.
    pub(super) fn item_taking_at(&self, at: usize, choices: &[(u16, u16, f32)]) -> bool {
        self.thing_at(at)
            && self.lattice.edges[self.lattice.starts[at]..self.lattice.starts[at + 1]].iter().any(|edge| {
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
        let edges = |at: usize| match self.lattice.starts.get(at).zip(self.lattice.starts.get(at + 1)) {
            Some((from, to)) => &self.lattice.edges[*from..*to],
            None => &[],
        };
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
        let sizes = edges(at + 2).iter().filter(|edge| matches!(edge.kind, Kind::Sizes(_)));
        edges(at + 2).iter().any(other) || sizes.into_iter().any(|size| edges(size.to).iter().any(other))
    }

    fn size_at(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.before == Break::None)
            && self.lattice.edges[self.lattice.starts[at]..self.lattice.starts[at + 1]]
                .iter()
                .any(|edge| matches!(edge.kind, Kind::Sizes(_)))
    }

    /// Whether a word that says nothing here stands at a place, and nothing parts it from the one before.
    pub(super) fn unknown_at(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at).filter(|token| token.before == Break::None) else { return false };
        let edges = &self.lattice.edges[self.lattice.starts[at]..self.lattice.starts[at + 1]];
        !token.is_number() && edges.iter().all(|edge| matches!(edge.kind, Kind::Word { common: false }))
    }

    /// Whether the same words name an item in full.
    pub(super) fn also_item(&self, edge: &Edge) -> bool {
        self.lattice.edges[self.lattice.starts[edge.from]..self.lattice.starts[edge.from + 1]].iter().any(|other| {
            other.to == edge.to && matches!(&other.kind, Kind::Items(items) if items.iter().any(|(_, q)| *q >= 0.95))
        })
    }

    /// The best of `choices` that the item takes: quality and group.
    pub(super) fn fit(&self, item: u16, choices: &[(u16, u16, f32)]) -> Option<(f32, u16)> {
        if item == IMPLIED {
            return choices.first().map(|(group, _, quality)| (*quality, *group));
        }
        let Kind::Items(items) = &self.lattice.edges.get(item as usize)?.kind else { return None };
        items.iter().filter_map(|(item, _)| self.lexicon.reading(*item, choices)).max_by(|a, b| a.0.total_cmp(&b.0))
    }

    pub(super) fn has_size(&self, size: u16, items: &[(u16, f32)]) -> bool {
        match &self.lattice.edges[size as usize].kind {
            Kind::Sizes(sizes) => sizes.iter().any(|(of, _)| items.iter().any(|(item, _)| item == of)),
            _ => false,
        }
    }
}
