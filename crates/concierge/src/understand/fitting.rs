//! What fits what: questions that the grammar asks of the menu.

use super::implied;
use super::lattice::{Edge, Kind, fits};
use super::lexicon::{PART_NAME, place};
use super::pieces;
use super::search::{Search, Step};
use super::state::{Flush, IMPLIED, NONE, State, open};

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

    /// Whether the same words name an option that the item being said takes, in full or as well as what they name so
    /// well.
    pub(super) fn also_option(&self, edge: &Edge, item: u16, well: f32) -> bool {
        self.lattice.at(edge.from).iter().any(|other| {
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

    /// Whether the words of an edge are a size of the menu as well, and an option that is no item follows.
    pub(super) fn sizes_option(&self, step: &Step) -> bool {
        let edge = &self.lattice.edges[step.edge as usize];
        let at = |at: usize| self.lattice.at(at);
        let size = |other: &Edge| other.to == edge.to && matches!(other.kind, Kind::Sizes(_));
        let item = |other: &Edge| matches!(other.kind, Kind::Items(_)) && other.score > 0.3;
        self.thing_at(edge.to) && at(edge.from).iter().any(size) && !at(edge.to).iter().any(item)
    }

    /// Whether the same words name an item in full.
    pub(super) fn also_item(&self, edge: &Edge) -> bool {
        self.lattice.at(edge.from).iter().any(|other| {
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
        self.lattice.sizes(items, size)
    }
}
