//! What the guest was asked or told of last, taken up: an answer, a number of it, another thing named in its place.

use super::carted::{most, taking};
use super::dialog::{Dialog, plain};
use super::lattice::{self, Kind};
use super::lexicon::PART_NAME;
use super::moves::{Move, Question};
use super::tokens::{Break, Token, tokenize};
use super::{answer, assemble, cues, picks, pieces, target};
use crate::menu::ItemId;
use crate::order::{Edit, OrderLine, Pick};

impl Dialog<'_> {
    /// "No fries, just the burger" to an offer of fries: the offered thing is turned down, and the rest says no more.
    pub(super) fn declines_offer(&self, tokens: &[Token]) -> bool {
        let Some(Question::Offer(offered)) = &self.context.pending else { return false };
        let end = tokens.iter().skip(1).position(|token| token.before != Break::None).map_or(tokens.len(), |at| at + 1);
        let rest = tokens.get(end).map_or("", |token| token.text.as_str());
        if tokens[0].text != "no" || end < 2 || !matches!(rest, "" | "just" | "only" | "thanks" | "thank") {
            return false;
        }
        let lattice = lattice::build(self.lexicon, &tokens[1..end]);
        let names = |edge: &lattice::Edge| {
            let of = |item: u16| self.lexicon.item(item).id == *offered;
            matches!(&edge.kind, Kind::Items(items) if items.iter().any(|(item, _)| of(*item)))
                || edge.also.iter().any(|item| of(*item))
        };
        lattice.edges[..lattice.starts[1]].iter().any(names)
    }

    /// Whether words that follow a "yes" without a pause name another thing than the one that was suggested: "yes, classic
    /// for all" takes no fries.
    pub(super) fn names_another(&self, tokens: &[Token]) -> bool {
        let Some(Question::Offer(offered)) = &self.context.pending else { return false };
        if tokens.first().is_none_or(|token| token.before != Break::None) {
            return false;
        }
        let lattice = lattice::build(self.lexicon, tokens);
        lattice.edges[..lattice.starts[1]].iter().any(|edge| match &edge.kind {
            Kind::Items(items) => {
                items.iter().any(|(_, quality)| *quality > PART_NAME)
                    && items.iter().all(|(item, _)| self.lexicon.item(*item).id != *offered)
            }
            _ => false,
        })
    }

    pub(super) fn add_offered(&mut self, items: Vec<ItemId>) {
        for item in items {
            self.edit(Edit::Add { line: plain(item) });
        }
    }

    /// Answers to the question, or to what was offered.
    pub(super) fn answered(&mut self, tokens: &[Token]) -> bool {
        if let Some(question) = &self.context.pending {
            // "Remove the last thing" chooses none.
            if !target::removes(tokens)
                && !self.names_other_than(question, tokens)
                && let Some(answer) = answer::to_question(self.lexicon, tokens, question)
            {
                self.moves.push(Move::Choose(answer));
                return true;
            }
        } else if let [offered] = self.context.offered.as_slice()
            && let Some(size) = answer::in_size(self.lexicon, tokens, offered)
        {
            self.edit(Edit::Add { line: OrderLine { size: Some(size), ..plain(offered.clone()) } });
            return true;
        } else if let [offered] = self.context.offered.as_slice()
            && let Some(quantity) = answer::how_many(tokens)
        {
            self.so_many(&offered.clone(), quantity, tokens);
            return true;
        } else if let Some(line) = self.told_with(tokens) {
            self.edit(Edit::Add { line });
            return true;
        } else if let Some(item) = self.touched().and_then(|(_, line)| line.item.one().cloned())
            && let Some(quantity) = answer::how_many(tokens)
            && let Some(place) = self.lexicon.place_of(&item)
            && matches!(pieces::count(self.lexicon, place, quantity), pieces::Count::Pieces(Some(_), _))
        {
            // "Twenty" of the nuggets just ordered.
            self.so_many(&item, quantity, tokens);
            return true;
        } else if let [_, _, ..] = self.context.offered.as_slice()
            && let Some(quantity) = answer::how_many(tokens).filter(|quantity| *quantity > 1)
        {
            // "Give me two" of several that were told of: two of which?
            let item = picks::pick(self.context.offered.clone(), Pick::One, Pick::AnyOf);
            self.edit(Edit::Add { line: OrderLine { item, quantity, ..plain(self.context.offered[0].clone()) } });
            return true;
        } else if !self.context.offered.is_empty()
            && let Some(items) = answer::of_offered(self.lexicon, tokens, &self.context.offered)
        {
            self.add_offered(items);
            return true;
        }
        false
    }

    /// "Without jalapeños then", of the one thing that was told of, where nothing ordered takes it.
    fn told_with(&self, tokens: &[Token]) -> Option<OrderLine> {
        let [offered] = self.context.offered.as_slice() else { return None };
        let said = tokens.iter().find(|token| !cues::is_polite(&token.text))?;
        if !matches!(said.text.as_str(), "with" | "without" | "but" | "extra") {
            return None;
        }
        let lattice = lattice::build(self.lexicon, tokens);
        if self.touched().is_some_and(|(_, line)| taking(self.lexicon, &lattice, line) > 0) {
            return None;
        }
        let told = plain(offered.clone());
        let (lattice, replay) = self.replay(tokens, lattice, Some(&told));
        let varied = self.varied(&told, 1, tokens, &lattice, &replay);
        varied.filter(|_| replay.lines.is_empty() && replay.unknown.is_empty())
    }

    /// Whether words name a dish in full in answer to what is to be on another: "and for me the spicy burger".
    pub(super) fn names_other_than(&self, question: &Question, tokens: &[Token]) -> bool {
        let Question::WhichChoice { .. } = question else { return false };
        let lattice = lattice::build(self.lexicon, tokens);
        let longest = |of: &dyn Fn(&Kind) -> bool| {
            lattice.edges.iter().filter(|edge| of(&edge.kind)).map(|edge| edge.to - edge.from).max().unwrap_or(0)
        };
        let item =
            longest(&|kind| matches!(kind, Kind::Items(items) if items.iter().any(|(_, quality)| *quality >= 0.95)));
        item > 1 && item > longest(&|kind| matches!(kind, Kind::Choices(_)))
    }

    /// "I'll have one without cheese" with the one thing that was told of put in place of "one".
    pub(super) fn named_thing(&self, tokens: &[Token]) -> Option<Vec<Token>> {
        let [offered] = self.context.offered.as_slice() else { return None };
        let at = tokens.iter().position(|token| matches!(token.text.as_str(), "one" | "it" | "that"))?;
        let before = tokens[..at].iter().all(|token| answer::is_around(&token.text));
        let behind =
            tokens.get(at + 1).is_some_and(|next| matches!(next.text.as_str(), "with" | "without" | "but" | "no"));
        let name = &self.lexicon.item(self.lexicon.place_of(offered)?).name;
        let said = |from, to| assemble::words(tokens, from, to);
        // "The kids one with nuggets" speaks of nuggets, which go on nothing.
        let rest = lattice::build(self.lexicon, &tokens[at + 1..]);
        let goes_on_it = most(&rest) == 0 || taking(self.lexicon, &rest, &plain(offered.clone())) > 0;
        let names = |edge: &lattice::Edge| matches!(&edge.kind, Kind::Items(items) if items.iter().any(|(_, quality)| *quality > PART_NAME));
        let behind = behind && goes_on_it && (most(&rest) > 0 || !rest.edges.iter().any(names));
        (before && behind).then(|| tokenize(&format!("{} {name} {}", said(0, at), said(at + 1, tokens.len()))))
    }
}
