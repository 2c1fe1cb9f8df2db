//! Set phrases that change an order under way: more and less of a line, a part of it, one thing for another.

use super::carted::{has_choice, item_places, size_id};
use super::dialog::{Dialog, NEAREST, plain};
use super::lattice::{self, Kind, Lattice};
use super::moves::Move;
use super::replay::Replay;
use super::tokens::Token;
use super::{Problem, UnknownThing, assemble, cues, numbers, phrases, picks, pieces, target};
use crate::menu::ItemId;
use crate::order::{Edit, LineId, OrderLine, Pick};

impl Dialog<'_> {
    /// "Two of those", "I take two of this", of the one thing that the last reply told of; of several, the guest is told
    /// so.
    pub(super) fn of_those(&mut self, tokens: &[Token]) -> bool {
        let orders = |word: &str| matches!(word, "ill" | "take" | "want" | "have" | "get" | "give" | "need" | "id");
        let start = tokens.iter().take_while(|token| cues::is_polite(&token.text) || orders(&token.text)).count();
        let Some(number) = tokens.get(start..).and_then(numbers::read).filter(|number| !number.after) else {
            return false;
        };
        let text = |at: usize| tokens.get(start + number.len + at).map_or("", |token| token.text.as_str());
        let points = text(0) == "of" && matches!(text(1), "those" | "them" | "these" | "that" | "this" | "it");
        let rest = tokens.get(start + number.len + 2..).unwrap_or_default();
        let (Some(quantity), true) = (number.value, points && rest.iter().all(|token| cues::is_polite(&token.text)))
        else {
            return false;
        };
        match self.context.offered.as_slice() {
            [] => return false,
            [item] => self.so_many(&item.clone(), quantity, tokens),
            several => {
                let words = assemble::words(tokens, 0, tokens.len());
                let nearest = several.iter().take(NEAREST).cloned().collect();
                self.moves.push(Move::Unknown(UnknownThing { words, nearest, asked: true }));
            }
        }
        true
    }

    /// So many of the one thing that was told of; of what comes by the box, the box that holds as many.
    pub(super) fn so_many(&mut self, item: &ItemId, quantity: u32, tokens: &[Token]) {
        let count = self.lexicon.place_of(item).map(|place| pieces::count(self.lexicon, place, quantity));
        let add = |quantity, size| Edit::Add { line: OrderLine { quantity, size, ..plain(item.clone()) } };
        match count {
            Some(pieces::Count::Uneven) => self.moves.push(Move::Problem(Problem::Uneven {
                words: assemble::words(tokens, 0, tokens.len()),
                item: item.clone(),
            })),
            Some(pieces::Count::Pieces(Some(size), times)) => match self.touched() {
                // "Twelve" of the nuggets just ordered says how many they are to be.
                Some((line, of)) if of.quantity == 1 && of.item.one() == Some(item) => {
                    let line = *line;
                    self.edit(Edit::SetSize { line, size });
                    if times > 1 {
                        self.edit(Edit::SetQuantity { line, quantity: times });
                    }
                }
                _ => self.edit(add(times, Some(size))),
            },
            Some(pieces::Count::Pieces(None, times)) => self.edit(add(times, None)),
            Some(pieces::Count::Items) | None => self.edit(add(quantity, None)),
        }
    }

    /// "One still, one sparkling" of two waters that nothing was said of: they are those two, and no others.
    pub(super) fn tells_apart(&self, lattice: &Lattice, replay: &Replay, new: &[(OrderLine, usize)]) -> Option<LineId> {
        let (id, old) = self.touched()?;
        let bare = old.quantity > 1 && old.options.is_empty() && old.without.is_empty();
        let implied = |draft: usize| lattice.edges.get(replay.lines[draft].edge as usize).is_none();
        let all = new.len() > 1 && new.iter().all(|(line, draft)| implied(*draft) && line.item == old.item);
        let sum: u32 = new.iter().map(|(line, _)| line.quantity).sum();
        (bare && all && sum == old.quantity).then_some(*id)
    }

    /// "One less coke", "two more of those", "another burger".
    pub(super) fn more_or_less(&mut self, tokens: &[Token]) -> bool {
        let Some(found) = phrases::counted(self.lexicon, tokens, &self.context.cart) else { return false };
        let phrases::Counted { amount, less, lines, named } = found;
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

    /// "No tomato on one of them", "make one coke a water": of a line of several, so many become a line of their own.
    pub(super) fn part_of_line(&mut self, tokens: &[Token]) -> bool {
        if let Some((count, lines, new)) = phrases::part_of_named(self.lexicon, tokens, &self.context.cart)
            && let [line] = lines.as_slice()
            && let Some(old) = self.cart_line(*line).filter(|old| count < old.quantity).cloned()
        {
            return self.part(*line, &old, count, new);
        }
        let Some((line, old)) = self.touched().cloned() else { return false };
        if let ([_], Some((place, rest))) = (self.context.cart.as_slice(), phrases::one_by_place(tokens))
            && old.quantity > 1
            && (place == usize::MAX || place < old.quantity as usize)
        {
            return self.part(line, &old, 1, &rest);
        }
        let Some((count, rest)) = phrases::part(tokens).filter(|(count, _)| *count < old.quantity) else {
            return false;
        };
        if self.part(line, &old, count, &rest) {
            return true;
        }
        // "One with fries" of two burgers: fries come beside it, and the burgers stay two.
        let behind = rest.first().is_some_and(|token| token.text == "with").then(|| &rest[1..]);
        let beside = behind.filter(|behind| {
            let (_, replay) = self.replay(behind, lattice::build(self.lexicon, behind), Some(&old));
            !replay.lines.is_empty() && replay.context.as_ref().is_none_or(|draft| draft.options.is_empty())
        });
        let Some(beside) = beside else { return false };
        self.clause(beside, None, true);
        true
    }

    /// So many of a line become what words say: another thing, or the same in another way.
    fn part(&mut self, line: LineId, old: &OrderLine, count: u32, words: &[Token]) -> bool {
        let (lattice, replay) = self.replay(words, lattice::build(self.lexicon, words), Some(old));
        // "With fries" comes beside a thing, and is not what it becomes.
        let beside = words.first().is_some_and(|token| token.text == "with");
        if let ([draft], false) = (replay.lines.as_slice(), beside) {
            let counted = draft.counted;
            let settled = assemble::settle(self.lexicon, words, &lattice, &replay);
            let Some((with, _)) = settled.lines.into_iter().next().filter(|(with, _)| with.item != old.item) else {
                return false;
            };
            self.edit(Edit::SetQuantity { line, quantity: old.quantity - count });
            self.edit(Edit::Add { line: OrderLine { quantity: if counted { with.quantity } else { count }, ..with } });
            return true;
        }
        let varied = self.varied(old, count, words, &lattice, &replay).filter(|_| replay.lines.is_empty());
        let Some(new) = varied else { return false };
        self.edit(Edit::SetQuantity { line, quantity: old.quantity - count });
        self.edit(Edit::Add { line: new });
        true
    }

    /// So many of a line's like, in the other way that words say: "the same but without pickles".
    pub(super) fn varied(
        &self,
        old: &OrderLine,
        quantity: u32,
        words: &[Token],
        lattice: &Lattice,
        replay: &Replay,
    ) -> Option<OrderLine> {
        let draft = replay.context.as_ref()?;
        let items = item_places(self.lexicon, old);
        let size = draft.size.and_then(|edge| size_id(self.lexicon, lattice, edge, &items));
        // "The same but ten" of nuggets that come by the box.
        let counts =
            items.first().filter(|_| draft.counted).map(|item| pieces::count(self.lexicon, *item, draft.quantity));
        let (size, quantity) = match counts {
            Some(pieces::Count::Pieces(held, times)) => (held.or(size), times),
            Some(_) => (size, draft.quantity),
            None => (size, quantity),
        };
        let (options, without) = picks::settle_options(self.lexicon, words, lattice, draft, &items);
        if options.is_empty() && without.is_empty() && size.is_none() {
            return None;
        }
        let mut new = OrderLine { quantity, size: size.or(old.size.clone()), ..old.clone() };
        new.options.retain(|had| without.iter().all(|left| left.group != had.group || left.choice != had.choice));
        new.options.extend(options);
        new.without.extend(without);
        Some(new)
    }

    /// "Swap the shake for a lemonade", "change the fries to large".
    pub(super) fn swap(&mut self, tokens: &[Token]) -> bool {
        let Some((old, new)) = phrases::swapped(tokens) else { return false };
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
                self.clause(new, None, true);
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
        let settled = assemble::settle(self.lexicon, new, &lattice, &replay);
        match settled.lines.into_iter().next() {
            Some((with, _)) => self.put_in_place(line, with, replay.lines.first().is_some_and(|draft| draft.counted)),
            None => self.context_edits(line, new, &lattice, &replay),
        }
    }

    /// The line whose place a new one takes where the guest says no more than "instead": the one last touched or the
    /// only one that stands under the same heading, else of the same course.
    pub(super) fn in_place_of(&self, with: &OrderLine) -> Option<LineId> {
        let of = |line: &OrderLine| {
            let item = item_places(self.lexicon, line).first().map(|item| self.lexicon.item(*item));
            item.map(|item| (item.category.clone(), item.course))
        };
        let (category, course) = of(with)?;
        let only = |akin: &dyn Fn(&OrderLine) -> bool| {
            let touched = self.touched().filter(|(_, line)| akin(line)).map(|(id, _)| *id);
            let mut all = self.context.cart.iter().filter(|(_, line)| akin(line)).map(|(id, _)| *id);
            touched.or_else(|| all.next().filter(|_| all.next().is_none()))
        };
        only(&|line| of(line).is_some_and(|of| of.0 == category))
            .or_else(|| only(&|line| of(line).is_some_and(|of| of.1 == course)))
    }

    /// Puts a line in another's place, or changes it where the item stays. `counted`: the guest said how many.
    pub(super) fn put_in_place(&mut self, line: LineId, mut with: OrderLine, counted: bool) {
        let Some(old) = self.cart_line(line).cloned() else { return };
        // "The large shake instead": of several that the word fits, the one that is there.
        if matches!((&with.item, &old.item), (Pick::AnyOf(several), Pick::One(one)) if several.contains(one)) {
            with.item = old.item.clone();
        }
        if with.item != old.item {
            if !counted {
                with.quantity = old.quantity;
            }
            // "Make it a coffee" of a large tea is a large coffee, where there is one.
            if with.size.is_none() {
                let of = with.item.one().and_then(|item| self.lexicon.menu().item(item));
                with.size = old.size.filter(|size| of.is_some_and(|item| item.size(size).is_some()));
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
        let (_, without) = picks::settle_options(self.lexicon, old, &lattice, &gone, &items);
        for without in without {
            self.edit(Edit::Leave { line, without });
        }
        self.clause(&new, Some(line), true);
        true
    }

    /// "Same for the second one", "and on the tea": what the last words changed is for another line, too.
    pub(super) fn same_for(&mut self, tokens: &[Token]) -> bool {
        if self.context.changed.is_empty() {
            return false;
        }
        let touched = self.touched().map(|(id, _)| *id);
        let Some(lines) = phrases::likewise(self.lexicon, tokens, &self.context.cart, touched) else { return false };
        for line in lines {
            for edit in self.context.changed.clone() {
                match edit {
                    Edit::SetOption { option, .. } => self.edit(Edit::SetOption { line, option }),
                    Edit::Leave { without, .. } => self.edit(Edit::Leave { line, without }),
                    Edit::SetSize { size, .. } => self.edit(Edit::SetSize { line, size }),
                    _ => {}
                }
            }
        }
        true
    }

    /// "No peas" with a pie that has none: the peas of the order go, where it has some.
    pub(super) fn removes_line(&mut self, line: LineId, lattice: &Lattice, option: u16) -> bool {
        let Some(edge) = lattice.edges.get(option as usize) else { return false };
        let Some(of) = self.cart_line(line) else { return false };
        let places = item_places(self.lexicon, of);
        let Kind::Choices(choices) = &edge.kind else { return false };
        let included = choices.iter().any(|(group, choice, _)| {
            places.iter().any(|item| self.lexicon.includes[*item as usize].contains(&(*group, *choice)))
        });
        let has = included || has_choice(self.lexicon, lattice, option, of);
        let same = |other: &&lattice::Edge| other.from == edge.from && other.to == edge.to;
        let items = lattice.edges.iter().filter(same).find_map(|other| match &other.kind {
            Kind::Items(items) => Some(items),
            _ => None,
        });
        let Some(items) = items.filter(|_| !has) else { return false };
        // "No cookie" of a cookie that takes cookie crumble: the thing is named better than what may be on it.
        let whole = items.first().zip(choices.first()).is_some_and(|(item, choice)| item.1 > choice.2);
        let named = |(id, other): &&(LineId, OrderLine)| {
            (*id != line || whole)
                && item_places(self.lexicon, other).iter().any(|place| items.iter().any(|(item, _)| item == place))
        };
        let Some(gone) = self.context.cart.iter().find(named).map(|(id, _)| *id) else { return false };
        self.edit(Edit::Remove { line: gone, quantity: None });
        true
    }
}
