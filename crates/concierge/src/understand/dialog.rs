//! Understanding across turns: what a guest's words do to an order that is under way.
//!
//! The same lattice and search read the words; the line that was last touched stands at the start of the search as the
//! thing that options, sizes and numbers may be about. What is found becomes [`Move`]s; the ledger accepts or refuses.

use super::carted::{item_places, most, taking};
use super::cues::{self, Cue};
use super::lattice::{self, Kind, Lattice};
use super::moves::{DialogContext, Move};
use super::replay::{self, Replay};
use super::state::Context;
use super::tokens::{Break, Token, tokenize};
use super::{Lexicon, phrases, search, target};
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
        let corrected;
        let mut rest = tokens;
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
        let ordered =
            |item: &u16| self.context.cart.iter().any(|(_, line)| item_places(self.lexicon, line).contains(item));
        let first = lattice.starts.get(1).copied().unwrap_or(0);
        lattice.edges[..first].iter().any(|edge| match &edge.kind {
            Kind::Items(items) => {
                items.iter().all(|(item, _)| !ordered(item)) && items.iter().any(|(item, _)| kin(item))
            }
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

    /// Which line options and sizes by themselves are about: the one last touched where it takes them, else the one
    /// that does; several equally good ones are an error.
    pub(super) fn taker(&self, lattice: &Lattice) -> Result<Option<LineId>, Vec<LineId>> {
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
