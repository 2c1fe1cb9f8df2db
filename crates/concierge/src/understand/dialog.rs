//! Understanding across turns: what a guest's words do to an order that is under way.
//!
//! The same lattice and search read the words; the line that was last touched stands at the start of the search as the
//! thing that options, sizes and numbers may be about. What is found becomes [`Move`]s; the ledger accepts or refuses.

use super::assemble::Settled;
use super::carted::{has_choice, item_places, most, size_id, taking};
use super::cues::{self, Cue};
use super::lattice::{self, Kind, Lattice};
use super::lexicon::PART_NAME;
use super::moves::{DialogContext, Move};
use super::replay::{self, Draft, Replay};
use super::state::Context;
use super::tokens::{Break, Token, tokenize};
use super::{Lexicon, assemble, phrases, picks, pieces, search, target};
use crate::menu::ItemId;
use crate::order::{Edit, LineId, OrderLine, Pick};

/// More stretches than these are read as one.
const MOST_PARTS: usize = 5;
/// Neighbours named for a thing that is not sold.
pub(super) const NEAREST: usize = 3;

/// Reads an utterance within a conversation.
#[must_use]
pub fn converse(lexicon: &Lexicon, text: &str, context: &DialogContext) -> Vec<Move> {
    let tokens = tokenize(text);
    let mut dialog = Dialog { lexicon, context, moves: Vec::new() };
    dialog.utterance(&tokens);
    dialog.moves
}

pub(super) struct Dialog<'a> {
    pub(super) lexicon: &'a Lexicon,
    pub(super) context: &'a DialogContext,
    pub(super) moves: Vec<Move>,
}

impl Dialog<'_> {
    fn utterance(&mut self, tokens: &[Token]) {
        if tokens.is_empty() || self.whole(tokens) || self.answered(tokens) {
            return;
        }
        if self.declines_offer(tokens) {
            self.moves.push(Move::Deny);
            return;
        }
        let (mut rest, corrected);
        rest = tokens;
        if let Some((cue, len)) =
            cues::head(rest, &[Cue::Affirm, Cue::Take, Cue::Deny]).filter(|(cue, len)| self.opens(rest, *cue, *len))
        {
            if self.context.pending.is_some() && !(cue == Cue::Affirm && self.names_another(&rest[len..])) {
                self.moves.push(if cue == Cue::Deny { Move::Deny } else { Move::Affirm });
            }
            rest = &rest[len..];
            if cue == Cue::Deny && self.context.pending.is_none() && self.names_new(rest) {
                // "No, the plain one": in place of what was just ordered.
                corrected = [tokenize("actually").as_slice(), rest].concat();
                rest = &corrected;
            }
            if rest.is_empty() || self.whole(rest) || self.answered(rest) {
                return;
            }
        }
        // "Remove it and give me a tea".
        let undo = cues::head(rest, &[Cue::Undo]).filter(|(_, len)| {
            *len < rest.len() && matches!(rest[*len].text.as_str(), "and" | "then") && self.context.pending.is_none()
        });
        if let Some((_, len)) = undo.filter(|(_, len)| self.whole(&rest[..*len])) {
            rest = &rest[len + 1..];
        }
        if self.of_those(rest) {
            return;
        }
        // "Forget all that, start again."
        let clear = cues::tail(rest, &[Cue::Clear]).filter(|(_, from)| *from > 0 && rest[*from].before != Break::None);
        if clear.is_some() {
            self.edit(Edit::Clear);
            return;
        }
        let place = cues::tail(rest, &[Cue::Place]).filter(|(_, from)| {
            // "A burger, well done" says how it is to be, "the water can go" that it is to go.
            let said = *from > 0 && !matches!(rest[*from - 1].text.as_str(), "well" | "can" | "to");
            said && self.lexicon.called(rest).is_empty()
        });
        let body = place.map_or(rest, |(_, from)| &rest[..from]);
        if !body.iter().all(|token| cues::is_polite(&token.text)) {
            self.body(body);
        }
        if place.is_some() {
            self.edit(Edit::Place);
        }
    }

    pub(super) fn edit(&mut self, edit: Edit) {
        self.moves.push(Move::Edit(edit));
    }

    /// Utterances that are one cue.
    fn whole(&mut self, tokens: &[Token]) -> bool {
        // What the menu calls so is that: "well done" ends no order where steaks are.
        let Some(cue) = cues::whole(tokens).filter(|_| self.lexicon.called(tokens).is_empty()) else { return false };
        match cue {
            // "That one" takes what was named, "yes" what was suggested.
            Cue::Affirm | Cue::Take
                if self.context.pending.is_none()
                    && self.context.offered.len() == 1
                    && (cue == Cue::Take || self.context.suggested) =>
            {
                let item = self.context.offered[0].clone();
                self.add_offered(vec![item]);
            }
            Cue::Affirm | Cue::Take => self.moves.push(Move::Affirm),
            Cue::Deny => self.moves.push(Move::Deny),
            Cue::Show => self.moves.push(Move::ShowOrder),
            Cue::Clear => self.edit(Edit::Clear),
            Cue::Place => self.edit(Edit::Place),
            Cue::Again => return self.again(1),
            Cue::Undo => match self.touched().map(|(line, _)| *line) {
                Some(line) if self.context.pending.is_none() => self.edit(Edit::Remove { line, quantity: None }),
                _ => self.moves.push(Move::Deny),
            },
        }
        true
    }

    /// Whether "yes" or "no" at the head stands by itself: "no, the large one", but not "no pickles".
    fn opens(&self, tokens: &[Token], cue: Cue, len: usize) -> bool {
        let Some(next) = tokens.get(len) else { return true };
        if cue == Cue::Affirm || next.before != Break::None || (cue == Cue::Take && next.text == "and") {
            return true;
        }
        const AFTER: &[&str] = &[
            "thanks", "thank", "thats", "just", "i", "im", "id", "ill", "can", "but", "let", "not", "nothing", "its",
            "make",
        ];
        let the = next.text == "the" && (self.context.pending.is_some() || self.names_new(&tokens[len..]));
        len > 1 || AFTER.contains(&next.text.as_str()) || the
    }

    /// Whether "the …" names a thing that is not ordered yet and stands under a heading with the one that was last: "the
    /// plain one".
    fn names_new(&self, tokens: &[Token]) -> bool {
        let Some((_, last)) = self.touched().filter(|_| tokens.first().is_some_and(|token| token.text == "the")) else {
            return false;
        };
        let lattice = lattice::build(self.lexicon, &tokens[1..]);
        let last = item_places(self.lexicon, last);
        let category = |item: &u16| &self.lexicon.item(*item).category;
        let kin = |item: &u16| last.iter().any(|last| category(last) == category(item)) && !last.contains(item);
        let ordered = |item: &u16| self.context.cart.iter().any(|(_, line)| item_places(self.lexicon, line).contains(item));
        let first = lattice.starts.get(1).copied().unwrap_or(0);
        lattice.edges[..first].iter().any(|edge| match &edge.kind {
            Kind::Items(items) => items.iter().all(|(item, _)| !ordered(item)) && items.iter().any(|(item, _)| kin(item)),
            _ => false,
        })
    }

    pub(super) fn touched(&self) -> Option<&(LineId, OrderLine)> {
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
        let named = self.named_thing(tokens);
        let plain = phrases::unsplit(named.as_deref().unwrap_or(tokens));
        let tokens = plain.as_slice();
        if self.parts(tokens)
            || self.more_or_less(tokens)
            || self.same_for(tokens)
            || self.part_of_line(tokens)
            || self.swap(tokens)
        {
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
                    // What is new in the words is new once, whatever else they say of several lines.
                    for (at, line) in lines.into_iter().enumerate() {
                        self.clause(&rest, Some(line), at == 0);
                    }
                }
            }
            Some(target::Target::Ambiguous { words, lines }) => self.moves.push(Move::Ambiguous { words, lines }),
            None => self.clause(tokens, None, true),
        }
    }

    pub(super) fn cart_line(&self, line: LineId) -> Option<&OrderLine> {
        self.context.cart.iter().find(|(id, _)| *id == line).map(|(_, line)| line)
    }

    /// Searches words, with a line that they may be about.
    pub(super) fn replay(
        &self,
        tokens: &[Token],
        mut lattice: Lattice,
        about: Option<&OrderLine>,
    ) -> (Lattice, Replay) {
        let items = about.map(|line| item_places(self.lexicon, line)).filter(|items| !items.is_empty());
        let edge = items.map(|items| lattice.push_context(items));
        let sizable = about.is_some_and(|line| line.size.is_none());
        let path = search::best(self.lexicon, tokens, &lattice, edge.map(|edge| Context { edge, sizable }));
        let replay = replay::replay(self.lexicon, tokens, &lattice, &path, edge);
        (lattice, replay)
    }

    /// Words with pauses in which one stretch speaks of a line of the cart and another does not are read one by one.
    fn parts(&mut self, tokens: &[Token]) -> bool {
        let starts: Vec<usize> =
            (0..tokens.len()).filter(|&at| at == 0 || tokens[at].before != Break::None).chain([tokens.len()]).collect();
        let touched = self.touched().map(|(id, _)| *id);
        let aims = |tokens: &[Token]| {
            let found = target::find(self.lexicon, &phrases::unsplit(tokens), &self.context.cart, touched);
            matches!(found, Some(target::Target::Lines { .. }))
        };
        let parts: Vec<&[Token]> = starts.windows(2).map(|pair| &tokens[pair[0]..pair[1]]).collect();
        let aiming = parts.iter().filter(|part| aims(part)).count();
        if !(2..=MOST_PARTS).contains(&parts.len()) || aiming == 0 || aiming == parts.len() {
            return false;
        }
        for part in parts {
            self.body(part);
        }
        true
    }

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

/// One of an item and nothing else said.
pub(super) const fn plain(item: ItemId) -> OrderLine {
    OrderLine { item: Pick::One(item), quantity: 1, size: None, options: Vec::new(), without: Vec::new() }
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
            let meant = *asked || to.checked_sub(1).is_some_and(|last| super::english::is_word(&tokens[last].text));
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
