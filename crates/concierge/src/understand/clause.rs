//! One stretch of a guest's words read against the order under way, and what it does: lines that come, go, change or take
//! another's place.

use super::assemble::Settled;
use super::carted::{has_choice, size_id};
use super::dialog::{Dialog, NEAREST};
use super::lattice::{self, Lattice};
use super::lexicon::PART_NAME;
use super::moves::Move;
use super::replay::{Draft, Replay};
use super::tokens::{Break, Token};
use super::{Lexicon, assemble, english, phrases, picks, pieces, target};
use crate::order::{Edit, LineId, OrderLine};

impl Dialog<'_> {
    /// Reads a stretch of words and turns what it says into moves. `adds`: new lines come into the cart, too.
    pub(super) fn clause(&mut self, tokens: &[Token], about: Option<LineId>, adds: bool) {
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
        let mut settled = assemble::settle(self.lexicon, tokens, &lattice, &replay);
        for problem in replay.problems.iter().chain(&settled.problems) {
            self.moves.push(Move::Problem(problem.clone()));
        }
        whole_things(self.lexicon, tokens, &lattice, &replay, &mut settled);
        let again = about.as_ref().filter(|_| replay.again > 0);
        if let Some(new) = again.and_then(|old| self.varied(old, replay.again, tokens, &lattice, &replay)) {
            self.edit(Edit::Add { line: new });
        } else if let Some(line) = line {
            self.context_edits(line, tokens, &lattice, &replay);
            if let Some(old) = again {
                self.edit(Edit::SetQuantity { line, quantity: old.quantity.saturating_add(replay.again) });
            }
        }
        if !adds {
            return;
        }
        if let Some(line) = self.tells_apart(&lattice, &replay, &settled.lines) {
            self.edit(Edit::Remove { line, quantity: None });
        }
        // "A lemonade instead of the shake": the new takes the old one's place.
        let before = self.moves.len();
        let settles = phrases::settles(tokens);
        let mut lines = settled.lines.into_iter();
        let mut replaced = replay.lines.first().is_some_and(|draft| draft.replaces).then_some(line).flatten();
        for (draft, instead) in &replay.dropped {
            let lines = target::lines_of(self.lexicon, &self.context.cart, draft, &lattice);
            match lines.as_slice() {
                [] if *instead => {}
                [] => self.moves.push(Move::NotOrdered { words: named(tokens, &lattice, draft) }),
                // "A lemonade instead of one coke" of three.
                [one] if *instead && self.is_part(*one, draft) => {
                    let quantity = self.cart_line(*one).map_or(1, |of| of.quantity - draft.quantity);
                    self.edit(Edit::SetQuantity { line: *one, quantity });
                }
                [one] if *instead => replaced = Some(*one),
                [one] => self.edit(Edit::Remove { line: *one, quantity: draft.counted.then_some(draft.quantity) }),
                several => {
                    let several = several.to_vec();
                    self.moves.push(Move::Ambiguous { words: named(tokens, &lattice, draft), lines: several });
                }
            }
        }
        if let Some((with, _)) = lines.as_slice().first().filter(|_| replaced.is_none() && phrases::is_instead(tokens))
        {
            replaced = self.in_place_of(with);
        }
        let only = lines.as_slice().is_empty() && replay.lines.is_empty() && line != replaced;
        if let Some(line) = replaced.filter(|_| only) {
            // "Instead of the tea", of what was ordered just before.
            self.edit(Edit::Remove { line, quantity: None });
        } else if let Some(old) = replaced.filter(|_| !self.corrects(&replay, &lattice))
            && let Some((with, _)) = lines.next()
        {
            self.put_in_place(old, with, replay.lines.first().is_some_and(|draft| draft.counted));
        }
        for (with, draft) in lines {
            let draft = &replay.lines[draft];
            let there = target::lines_of(self.lexicon, &self.context.cart, draft, &lattice);
            match there.as_slice() {
                // "Make it three teas", "only two teas": there are teas already, and so many they are to be.
                [one] if draft.fix || (draft.counted && settles) => {
                    let item = self.cart_line(*one).map_or_else(|| with.item.clone(), |line| line.item.clone());
                    self.put_in_place(*one, OrderLine { item, ..with }, draft.counted);
                }
                _ => self.edit(Edit::Add { line: with }),
            }
        }
        let removing = target::removes(tokens);
        let nothing_else = before == self.moves.len();
        for thing in settled.unknown {
            self.moves.push(if removing && nothing_else {
                // What is to go and is nowhere on the menu was not ordered either.
                Move::NotOrdered { words: thing.words }
            } else {
                Move::Unknown(thing)
            });
        }
    }

    /// Whether fewer of a line are spoken of than there are.
    fn is_part(&self, line: LineId, draft: &Draft) -> bool {
        draft.counted && self.cart_line(line).is_some_and(|of| draft.quantity < of.quantity)
    }

    /// Whether the first line said is about a line of the cart that is not the one last touched, or adds another
    /// thing by number: "make it three teas" is no word about the cake before it.
    fn corrects(&self, replay: &Replay, lattice: &Lattice) -> bool {
        replay.lines.first().is_some_and(|draft| {
            draft.fix
                && ((draft.counted && !draft.taken_back)
                    || !target::lines_of(self.lexicon, &self.context.cart, draft, lattice).is_empty())
        })
    }

    /// What the words change of the line that they are about.
    pub(super) fn context_edits(&mut self, line: LineId, tokens: &[Token], lattice: &Lattice, replay: &Replay) {
        let Some(draft) = &replay.context else { return };
        let items: Vec<u16> = draft.items.iter().map(|(item, _)| *item).collect();
        if draft.counted {
            // "Make it twenty" of six pieces is the box of twenty.
            let counts = items.first().map(|item| pieces::count(self.lexicon, *item, draft.quantity));
            match counts {
                Some(pieces::Count::Pieces(Some(size), 1)) => self.edit(Edit::SetSize { line, size }),
                _ => self.edit(Edit::SetQuantity { line, quantity: draft.quantity }),
            }
        }
        if let Some(size) = draft.size.and_then(|edge| size_id(self.lexicon, lattice, edge, &items)) {
            self.edit(Edit::SetSize { line, size });
        }
        let mut draft = draft.clone();
        draft.options.retain(|(edge, how)| !(how.negated && self.removes_line(line, lattice, *edge)));
        for (edge, how) in &mut draft.options {
            // "Instead of" something that was asked for takes it off.
            how.replaced &= !self.cart_line(line).is_some_and(|of| has_choice(self.lexicon, lattice, *edge, of));
        }
        let (options, without) = picks::settle_options(self.lexicon, tokens, lattice, &draft, &items);
        for without in without {
            self.edit(Edit::Leave { line, without });
        }
        for option in options {
            self.edit(Edit::SetOption { line, option });
        }
    }
}

/// The words that name a draft's thing.
fn named(tokens: &[Token], lattice: &Lattice, draft: &Draft) -> String {
    match lattice.edges.get(draft.edge as usize) {
        Some(edge) => assemble::words(tokens, edge.from, edge.to),
        None => assemble::words(tokens, 0, tokens.len()),
    }
}

/// An unknown word that belongs to a thing's name makes the whole of it unknown: a "lamb burger" is none of the
/// burgers there are, and a "root beer" nothing called root. What is named in full stands: "vodka and lemonade".
fn whole_things(lexicon: &Lexicon, tokens: &[Token], lattice: &Lattice, replay: &Replay, settled: &mut Settled) {
    let mut unknown = std::mem::take(&mut settled.unknown);
    settled.lines.retain(|(line, draft)| {
        let draft = &replay.lines[*draft];
        let Some(edge) = lattice.edges.get(draft.edge as usize) else { return true };
        let quality = draft.items.first().map_or(0.0, |item| item.1);
        let joined = |from: usize, to: usize| tokens.get(from.max(to)).is_none_or(|token| token.before == Break::None);
        let Some(run) = replay.unknown.iter().find(|(from, to, asked)| {
            // "Turkey burger": English has the word, so that it is no slip of the hand.
            let meant = *asked || to.checked_sub(1).is_some_and(|last| english::is_word(&tokens[last].text));
            let before = *to == edge.from && meant && joined(*to, 0) && line.item.one().is_none();
            let after = *from == edge.to && joined(*from, 0) && quality < PART_NAME;
            before || after
        }) else {
            return true;
        };
        let whole = assemble::words(tokens, run.0.min(edge.from), run.1.max(edge.to));
        let part = assemble::words(tokens, run.0, run.1);
        if let Some(thing) = unknown.iter_mut().find(|thing| thing.words == part) {
            thing.words = whole;
            thing.asked = true;
            let items = draft.items.iter().map(|(item, _)| item);
            thing.nearest = items.take(NEAREST).map(|item| lexicon.item(*item).id.clone()).collect();
        }
        false
    });
    settled.unknown = unknown;
}
