//! Understanding across turns: what a guest's words do to an order that is under way.
//!
//! The same lattice and search read the words; the line that was last touched stands at the start of the search as the
//! thing that options, sizes and numbers may be about. What is found becomes [`Move`]s; the ledger accepts or refuses.

use super::carted::{item_places, most, size_id, taking};
use super::cues::{self, Cue};
use super::lattice::{self, Kind, Lattice};
use super::moves::{DialogContext, Move};
use super::replay::{self, Replay};
use super::state::Context;
use super::tokens::{Break, Token, tokenize};
use super::{Lexicon, answer, assemble, search, target};
use crate::menu::ItemId;
use crate::order::{Edit, LineId, OrderLine, Pick};

/// Reads an utterance within a conversation.
#[must_use]
pub fn converse(lexicon: &Lexicon, text: &str, context: &DialogContext) -> Vec<Move> {
    let tokens = tokenize(text);
    let mut dialog = Dialog { lexicon, context, moves: Vec::new() };
    dialog.utterance(&tokens);
    dialog.moves
}

struct Dialog<'a> {
    lexicon: &'a Lexicon,
    context: &'a DialogContext,
    moves: Vec<Move>,
}

impl Dialog<'_> {
    fn utterance(&mut self, tokens: &[Token]) {
        if tokens.is_empty() || self.whole(tokens) || self.answered(tokens) {
            return;
        }
        let mut rest = tokens;
        if let Some((cue, len)) =
            cues::head(rest, &[Cue::Affirm, Cue::Deny]).filter(|(cue, len)| self.opens(rest, *cue, *len))
        {
            if self.context.pending.is_some() {
                self.moves.push(if cue == Cue::Affirm { Move::Affirm } else { Move::Deny });
            }
            rest = &rest[len..];
            if rest.is_empty() || self.whole(rest) || self.answered(rest) {
                return;
            }
        }
        let place = cues::tail(rest, &[Cue::Place]).filter(|(_, from)| *from > 0);
        let body = place.map_or(rest, |(_, from)| &rest[..from]);
        if !body.iter().all(|token| cues::is_polite(&token.text)) {
            self.body(body);
        }
        if place.is_some() {
            self.edit(Edit::Place);
        }
    }

    fn edit(&mut self, edit: Edit) {
        self.moves.push(Move::Edit(edit));
    }

    /// Utterances that are one cue.
    fn whole(&mut self, tokens: &[Token]) -> bool {
        let Some(cue) = cues::whole(tokens) else { return false };
        match cue {
            // "That one" answers what was offered.
            Cue::Affirm if self.context.pending.is_none() && self.context.offered.len() == 1 => {
                let item = self.context.offered[0].clone();
                self.add_offered(vec![item]);
            }
            Cue::Affirm => self.moves.push(Move::Affirm),
            Cue::Deny => self.moves.push(Move::Deny),
            Cue::Show => self.moves.push(Move::ShowOrder),
            Cue::Clear => self.edit(Edit::Clear),
            Cue::Place => self.edit(Edit::Place),
            Cue::Again => return self.again(1),
        }
        true
    }

    /// Whether "yes" or "no" at the head stands by itself: "no, the large one", but not "no pickles".
    fn opens(&self, tokens: &[Token], cue: Cue, len: usize) -> bool {
        let Some(next) = tokens.get(len) else { return true };
        if cue == Cue::Affirm || next.before != Break::None {
            return true;
        }
        const AFTER: &[&str] = &[
            "thanks", "thank", "thats", "just", "i", "im", "id", "ill", "can", "but", "let", "not", "nothing", "its",
            "make",
        ];
        len > 1 || AFTER.contains(&next.text.as_str()) || (self.context.pending.is_some() && next.text == "the")
    }

    fn add_offered(&mut self, items: Vec<ItemId>) {
        for item in items {
            let line =
                OrderLine { item: Pick::One(item), quantity: 1, size: None, options: Vec::new(), without: Vec::new() };
            self.edit(Edit::Add { line });
        }
    }

    /// Answers to the question, or to what was offered.
    fn answered(&mut self, tokens: &[Token]) -> bool {
        if let Some(question) = &self.context.pending {
            if let Some(answer) = answer::to_question(self.lexicon, tokens, question) {
                self.moves.push(Move::Choose(answer));
                return true;
            }
        } else if !self.context.offered.is_empty()
            && let Some(items) = answer::of_offered(self.lexicon, tokens, &self.context.offered)
        {
            self.add_offered(items);
            return true;
        }
        false
    }

    fn touched(&self) -> Option<&(LineId, OrderLine)> {
        let touched = self.context.touched;
        self.context.cart.iter().find(|(id, _)| Some(*id) == touched).or_else(|| self.context.cart.last())
    }

    /// More of the line last touched.
    fn again(&mut self, more: u32) -> bool {
        let Some((line, quantity)) = self.touched().map(|(id, line)| (*id, line.quantity)) else { return false };
        self.edit(Edit::SetQuantity { line, quantity: quantity.saturating_add(more) });
        true
    }

    fn body(&mut self, tokens: &[Token]) {
        let plain = target::unsplit(tokens);
        let tokens = plain.as_slice();
        if self.more_or_less(tokens) || self.swap(tokens) {
            return;
        }
        let aimed = target::find(self.lexicon, tokens, &self.context.cart, self.touched().map(|(id, _)| *id));
        match aimed {
            Some(target::Target::Lines { lines, rest, whole }) => {
                if whole && !lines.is_empty() {
                    for line in lines {
                        self.edit(Edit::Remove { line, quantity: None });
                    }
                } else {
                    for line in lines {
                        self.clause(&rest, Some(line));
                    }
                }
            }
            Some(target::Target::Ambiguous { words, lines }) => self.moves.push(Move::Ambiguous { words, lines }),
            None => self.clause(tokens, None),
        }
    }

    /// "One less coke", "two more of those", "another burger".
    fn more_or_less(&mut self, tokens: &[Token]) -> bool {
        let Some(found) = target::counted(self.lexicon, tokens, &self.context.cart) else { return false };
        let target::Counted { amount, less, lines, named } = found;
        let line = match (named, lines.as_slice()) {
            (false, _) => self.touched().map(|(id, line)| (*id, line.quantity)),
            (true, [line]) => {
                self.context.cart.iter().find(|(id, _)| id == line).map(|(id, line)| (*id, line.quantity))
            }
            (true, []) if less => {
                self.moves.push(Move::NotOrdered { words: assemble::words(tokens, 0, tokens.len()) });
                return true;
            }
            (true, []) => return false,
            (true, _) => {
                self.moves.push(Move::Ambiguous { words: assemble::words(tokens, 0, tokens.len()), lines });
                return true;
            }
        };
        let Some((line, quantity)) = line else { return false };
        if less {
            self.edit(Edit::Remove { line, quantity: Some(amount).filter(|amount| *amount < quantity) });
        } else {
            self.edit(Edit::SetQuantity { line, quantity: quantity.saturating_add(amount) });
        }
        true
    }

    /// "Swap the shake for a lemonade", "change the fries to large".
    fn swap(&mut self, tokens: &[Token]) -> bool {
        let Some((old, new)) = target::swapped(tokens) else { return false };
        let lattice = lattice::build(self.lexicon, old);
        let replay = self.replay(old, lattice, None);
        let Some(draft) = replay.1.lines.first().filter(|draft| !draft.items.is_empty()) else {
            return self.swap_option(old, new);
        };
        let lines = target::lines_of(self.lexicon, &self.context.cart, draft, &replay.0);
        let words = || assemble::words(old, 0, old.len());
        match lines.as_slice() {
            [] => {
                self.moves.push(Move::NotOrdered { words: words() });
                self.clause(new, None);
            }
            [line] => self.become_new(*line, new),
            several => {
                let several = several.to_vec();
                self.moves.push(Move::Ambiguous { words: words(), lines: several });
            }
        }
        true
    }

    /// A line takes a new item, or a new size, number or options where no item is named.
    fn become_new(&mut self, line: LineId, new: &[Token]) {
        let (lattice, replay) = self.replay(new, lattice::build(self.lexicon, new), self.cart_line(line));
        let (settled, _) = assemble::settle(self.lexicon, new, &lattice, &replay);
        match settled.into_iter().next() {
            Some(with) => self.put_in_place(line, with, replay.lines.first().is_some_and(|draft| draft.counted)),
            None => self.context_edits(line, new, &lattice, &replay),
        }
    }

    /// Puts a line in another's place, or changes it where the item stays. `counted`: the guest said how many.
    fn put_in_place(&mut self, line: LineId, mut with: OrderLine, counted: bool) {
        let Some(old) = self.cart_line(line).cloned() else { return };
        if with.item != old.item {
            if !counted {
                with.quantity = old.quantity;
            }
            self.edit(Edit::Replace { line, with });
            return;
        }
        if counted {
            self.edit(Edit::SetQuantity { line, quantity: with.quantity });
        }
        if let Some(size) = with.size {
            self.edit(Edit::SetSize { line, size });
        }
        for without in with.without {
            self.edit(Edit::Leave { line, without });
        }
        for option in with.options {
            self.edit(Edit::SetOption { line, option });
        }
    }

    /// "Swap the pickles for onions": one option goes, another comes.
    fn swap_option(&mut self, old: &[Token], new: &[Token]) -> bool {
        // "… on the pizza" says which line.
        let aimed = target::find(self.lexicon, new, &self.context.cart, None);
        let (line, new) = match aimed {
            Some(target::Target::Lines { lines, rest, whole: false }) if lines.len() == 1 => (lines[0], rest),
            _ => match self.touched() {
                Some((line, _)) => (*line, new.to_vec()),
                None => return false,
            },
        };
        let Some(cart_line) = self.cart_line(line).cloned() else { return false };
        let (lattice, replay) = self.replay(old, lattice::build(self.lexicon, old), Some(&cart_line));
        let items = item_places(self.lexicon, &cart_line);
        let Some(draft) = replay.context.as_ref().filter(|draft| !draft.options.is_empty() && !items.is_empty()) else {
            return false;
        };
        let mut gone = draft.clone();
        for (_, how) in &mut gone.options {
            how.negated = true;
        }
        let (_, without) = assemble::settle_options(self.lexicon, old, &lattice, &gone, &items);
        for without in without {
            self.edit(Edit::Leave { line, without });
        }
        self.clause(&new, Some(line));
        true
    }

    fn cart_line(&self, line: LineId) -> Option<&OrderLine> {
        self.context.cart.iter().find(|(id, _)| *id == line).map(|(_, line)| line)
    }

    /// Searches words, with a line that they may be about.
    fn replay(&self, tokens: &[Token], mut lattice: Lattice, about: Option<&OrderLine>) -> (Lattice, Replay) {
        let items = about.map(|line| item_places(self.lexicon, line)).filter(|items| !items.is_empty());
        let edge = items.map(|items| lattice.push_context(items));
        let sizable = about.is_some_and(|line| line.size.is_none());
        let path = search::best(self.lexicon, tokens, &lattice, edge.map(|edge| Context { edge, sizable }));
        let replay = replay::replay(self.lexicon, tokens, &lattice, &path, edge);
        (lattice, replay)
    }

    /// Reads a stretch of words and turns what it says into moves.
    fn clause(&mut self, tokens: &[Token], about: Option<LineId>) {
        let lattice = lattice::build(self.lexicon, tokens);
        let line = match about {
            Some(line) => Some(line),
            None => match self.taker(&lattice) {
                Ok(line) => line,
                Err(lines) => {
                    self.moves.push(Move::Ambiguous { words: assemble::words(tokens, 0, tokens.len()), lines });
                    return;
                }
            },
        };
        let about = line.and_then(|line| self.cart_line(line)).cloned();
        let (lattice, replay) = self.replay(tokens, lattice, about.as_ref());
        for problem in &replay.problems {
            self.moves.push(Move::Problem(problem.clone()));
        }
        let (settled, unknown) = assemble::settle(self.lexicon, tokens, &lattice, &replay);
        if let Some(line) = line {
            self.context_edits(line, tokens, &lattice, &replay);
            if replay.again > 0 {
                let quantity = about.as_ref().map_or(1, |line| line.quantity).saturating_add(replay.again);
                self.edit(Edit::SetQuantity { line, quantity });
            }
        }
        // "A lemonade instead of the shake": the new takes the old one's place.
        let mut settled = settled.into_iter();
        let mut replaced = replay.lines.first().is_some_and(|draft| draft.replaces).then_some(line).flatten();
        for (draft, instead) in &replay.dropped {
            let lines = target::lines_of(self.lexicon, &self.context.cart, draft, &lattice);
            match lines.as_slice() {
                [] if *instead => {}
                [] => self.moves.push(Move::NotOrdered { words: assemble::words(tokens, 0, tokens.len()) }),
                [one] if *instead => replaced = Some(*one),
                [one] => self.edit(Edit::Remove { line: *one, quantity: draft.counted.then_some(draft.quantity) }),
                several => {
                    let several = several.to_vec();
                    self.moves
                        .push(Move::Ambiguous { words: assemble::words(tokens, 0, tokens.len()), lines: several });
                }
            }
        }
        if let Some(old) = replaced
            && let Some(with) = settled.next()
        {
            self.put_in_place(old, with, replay.lines.first().is_some_and(|draft| draft.counted));
        }
        for line in settled {
            self.edit(Edit::Add { line });
        }
        self.moves.extend(unknown.into_iter().map(Move::Unknown));
    }

    /// What the words change of the line that they are about.
    fn context_edits(&mut self, line: LineId, tokens: &[Token], lattice: &Lattice, replay: &Replay) {
        let Some(draft) = &replay.context else { return };
        if draft.counted {
            self.edit(Edit::SetQuantity { line, quantity: draft.quantity });
        }
        let items: Vec<u16> = draft.items.iter().map(|(item, _)| *item).collect();
        if let Some(size) = draft.size.and_then(|edge| size_id(self.lexicon, lattice, edge, &items)) {
            self.edit(Edit::SetSize { line, size });
        }
        let (options, without) = assemble::settle_options(self.lexicon, tokens, lattice, draft, &items);
        for without in without {
            self.edit(Edit::Leave { line, without });
        }
        for option in options {
            self.edit(Edit::SetOption { line, option });
        }
    }

    /// Which line options and sizes by themselves are about: the one last touched where it takes them, else the one
    /// that does; several equally good ones are an error.
    fn taker(&self, lattice: &Lattice) -> Result<Option<LineId>, Vec<LineId>> {
        let Some((touched, line)) = self.touched() else { return Ok(None) };
        let named = lattice
            .edges
            .iter()
            .any(|edge| matches!(&edge.kind, Kind::Items(items) if items.iter().any(|(_, q)| *q > 0.8)));
        let best = taking(self.lexicon, lattice, line);
        if named || best == most(lattice) {
            return Ok(Some(*touched));
        }
        let better: Vec<(usize, LineId)> = self
            .context
            .cart
            .iter()
            .map(|(id, line)| (taking(self.lexicon, lattice, line), *id))
            .filter(|(count, _)| *count > best)
            .collect();
        let top = better.iter().map(|(count, _)| *count).max().unwrap_or(0);
        let ids: Vec<LineId> = better.into_iter().filter(|(count, _)| *count == top).map(|(_, id)| id).collect();
        match ids.as_slice() {
            [] => Ok(Some(*touched)),
            [one] => Ok(Some(*one)),
            _ => Err(ids),
        }
    }
}
