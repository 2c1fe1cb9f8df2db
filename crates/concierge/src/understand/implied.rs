//! Lines whose item was not said: "two teas, one green", "a large with ham", "two vanilla and one mint".

use super::lattice::{Kind, Lattice};
use super::lexicon::Lexicon;
use super::parting;
use super::replay::{Draft, Replayer};
use super::state::{Flush, How, NONE};
use super::tokens::says_of_them;

/// The edge of the thing that a size means without its name, "a large with ham": the only one of those that head their
/// kind which comes in it and takes all options.
pub(super) fn thing(lexicon: &Lexicon, lattice: &Lattice, options: &[u16], size: u16) -> Option<u16> {
    let takes_all = |(item, _): &&(u16, u16)| {
        let item = [(*item, 1.0)];
        lattice.sizes(&item, size) && options.iter().all(|option| lattice.takes(lexicon, &item, *option))
    };
    let mut found = lattice.generic.iter().filter(takes_all);
    found.next().filter(|_| found.next().is_none()).map(|(_, edge)| *edge)
}

impl Replayer<'_> {
    /// A line whose item was not said: part of the line before, another of its kind, or what its options imply.
    pub(super) fn flush(&mut self, flush: Flush) {
        self.without_it();
        let mut draft = self.draft(NONE, flush.number, flush.size);
        draft.thing = flush.thing;
        let early = std::mem::take(&mut self.early);
        self.scope = None;
        let all_taken =
            |replayer: &Self, items: &[(u16, f32)]| early.iter().all(|(edge, _)| replayer.takes(items, *edge));
        let head = parting::head(self.lexicon, &self.out.lines, draft.quantity);
        if let Some(items) = head.map(|head| self.out.lines[head].items.clone()).filter(|items| all_taken(self, items))
        {
            // "Three pizzas, one hawaiian, one margherita and one with ham": it is one of the three.
            self.clause = 0;
            self.out.lines.push(Draft { items, options: early, ..draft });
            return;
        }
        if self.sizes_last(flush, &draft, &early) {
            return;
        }
        if let Some(at) = self.spoken_of(flush, &early) {
            let mut line = self.out.lines.remove(at);
            for other in &mut self.out.lines {
                other.split = other.split.filter(|of| *of != at).map(|of| of - usize::from(of > at));
            }
            line.size = Some(flush.size).filter(|size| *size != NONE).or(line.size);
            self.clause = line.options.len();
            self.out.lines.push(line);
            return;
        }
        let root = self.out.lines.iter().rposition(|line| line.split.is_none()).filter(|&at| {
            let root = &self.out.lines[at];
            // "Two mint, one large and one small", of a thing that only has flavours.
            let flavour = root.items.is_empty() && !root.options.is_empty() && root.size.is_none();
            let apart = flavour && early.is_empty() && draft.counted && root.said > 1;
            apart || (all_taken(self, &root.items) && draft.size.is_none_or(|edge| self.sizes(&root.items, edge)))
        });
        let number = self.lattice.edges.get(flush.number as usize);
        let of_them = flush.of_them || number.is_some_and(|number| says_of_them(self.tokens, number.to));
        if let Some(at) = root {
            draft = self.of_root(at, draft, &early, of_them);
        } else if let Some(items) = self.out.context.as_ref().map(|context| context.items.clone())
            && all_taken(self, &items)
            && draft.size.is_none_or(|edge| self.sizes(&items, edge))
        {
            draft.items = items;
        } else {
            let options: Vec<u16> = early.iter().map(|(edge, _)| *edge).collect();
            let thing = thing(self.lexicon, self.lattice, &options, flush.size);
            if let Some(Kind::Items(items)) = thing.map(|edge| &self.lattice.edges[edge as usize].kind) {
                draft.items.clone_from(items);
            }
        }
        if let Some(before) = self.out.lines.last_mut().filter(|before| of_them && before.items.is_empty())
            && draft.items.is_empty()
            && before.quantity > draft.quantity
        {
            // "Three mint, one of them with nuts", of a thing that only has flavours.
            before.quantity -= draft.quantity;
            draft.size = draft.size.or(before.size);
        }
        self.clause = draft.options.len();
        draft.options.extend(early);
        self.out.lines.push(draft);
    }

    /// "Tea please, two large": a number and a size of the bare thing before them.
    fn sizes_last(&mut self, flush: Flush, said: &Draft, early: &[(u16, How)]) -> bool {
        let at = |edge: u16| self.lattice.edges.get(edge as usize);
        let word = |at: usize| self.tokens.get(at).map_or("", |token| token.text.as_str());
        let before = |edge: u16| at(edge).and_then(|edge| edge.from.checked_sub(1)).map_or("", word);
        let Some(last) = self.out.lines.last().filter(|_| said.counted && flush.size != NONE) else { return false };
        let bare = !last.counted && last.size.is_none() && last.options.is_empty() && !last.copy;
        let apart = matches!(before(last.edge), "a" | "an") || matches!(before(flush.number), "and" | "plus" | "also");
        if !bare || apart || !early.is_empty() || last.items.is_empty() || !self.sizes(&last.items, flush.size) {
            return false;
        }
        if let Some(last) = self.out.lines.last_mut() {
            let Draft { quantity, size, .. } = *said;
            *last = Draft { quantity, said: quantity, counted: true, size, ..last.clone() };
        }
        true
    }

    /// The line said before that words are about: "the large gets ham", "the mint one should be large".
    fn spoken_of(&self, flush: Flush, early: &[(u16, How)]) -> Option<usize> {
        let said = early.iter().map(|(edge, _)| *edge).chain([flush.size]);
        let from = said.filter_map(|edge| self.lattice.edges.get(edge as usize)).map(|edge| edge.from).min()?;
        let the = from.checked_sub(1).is_some_and(|before| self.tokens[before].text == "the");
        let says_one = self.lattice.edges.get(flush.size as usize).is_some_and(|edge| {
            let last = edge.to.checked_sub(1).and_then(|at| self.tokens.get(at));
            last.is_some_and(|last| matches!(last.text.as_str(), "one" | "ones"))
        });
        let fits = |line: &Draft| {
            let has = |(said, _): &(u16, How)| {
                line.options.iter().any(|(had, how)| !how.negated && self.lattice.alike(*had, *said))
            };
            match early {
                // "The large one with ham", whatever it has in common with others.
                [] => {
                    (line.options.is_empty() || says_one)
                        && line.size.is_some_and(|had| self.lattice.alike(had, flush.size))
                }
                early => early.iter().all(has),
            }
        };
        let mut found = (0..self.out.lines.len()).filter(|at| fits(&self.out.lines[*at]));
        let only = found.next().filter(|_| found.next().is_none());
        only.filter(|_| the && !flush.thing)
    }

    /// A line as a part of one before it, or as another of the same item.
    fn of_root(&mut self, at: usize, mut draft: Draft, early: &[(u16, How)], of_them: bool) -> Draft {
        let several = self.out.lines.len() > at + 1;
        // What the line before turned out to be by its options, this one is, too.
        let root = &self.out.lines[at];
        let takes_all = |item: &&(u16, f32)| root.options.iter().all(|(edge, _)| self.takes(&[**item], *edge));
        let kept: Vec<(u16, f32)> = root.items.iter().filter(takes_all).copied().collect();
        draft.items = if kept.is_empty() { root.items.clone() } else { kept };
        // "Two vanilla and one mint": what has another in its only place is no part of them, unless it says so.
        let other = |had: &(u16, How)| early.iter().any(|one| self.excludes(&root.items, had, one));
        let sized = draft.size.is_none() || root.size.is_none();
        let part = sized && (of_them || !root.options.iter().any(other));
        // "Two plain teas and one with milk" are three.
        let number = self.lattice.edges.get(draft.number as usize);
        let before = number.and_then(|number| number.from.checked_sub(1)).map_or("", |at| &self.tokens[at].text);
        let more = matches!(before, "and" | "plus" | "also") && root.quantity == root.said && root.plain && !of_them;
        if more || !part || (root.quantity <= draft.quantity && (root.quantity < draft.quantity || !several)) {
            return draft;
        }
        let options = root.options.iter().filter(|had| !other(had)).copied().collect();
        let size = draft.size.or(root.size);
        let part = Draft { split: Some(at), quantity: draft.quantity, options, size, ..root.clone() };
        self.out.lines[at].quantity -= draft.quantity;
        part
    }

    /// Whether two options, both said before their item, are for a place that takes one.
    fn excludes(&self, items: &[(u16, f32)], had: &(u16, How), one: &(u16, How)) -> bool {
        let group = |edge: u16| match &self.lattice.edges[edge as usize].kind {
            Kind::Choices(choices) => items.iter().find_map(|(item, _)| self.lexicon.reading(*item, choices)),
            _ => None,
        };
        let wanted = |(_, how): &(u16, How)| !how.negated && how.early;
        let Some(((_, a), (_, b))) = group(had.0).zip(group(one.0)) else { return false };
        a == b && self.lexicon.menu.option_groups[a as usize].max == Some(1) && wanted(had) && wanted(one)
    }
}
