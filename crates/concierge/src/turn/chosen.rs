//! Answers to what the ledger asked: they become the edits that settle it.

use super::{
    Scene, World,
    heard::{Heard, plain_line},
    wording::says,
};
use crate::{
    intent::Intent,
    ledger::Question as Open,
    order::{ChoicePick, Edit, OptionPick, OrderLine, Pick, Without},
    understand::{self, Answer as Choice},
};

/// Words by which several things are meant.
const SEVERAL: &str = "and | both | all | each | one of each | plus";

impl Heard<'_> {
    /// An answer to a question that the ledger asked becomes the edit that settles it.
    pub(super) fn choose(&mut self, world: &World, scene: &Scene<'_, '_>, choice: Choice) {
        let cart = &scene.input.cart;
        let need = scene.need.as_ref().map(|need| (need.line, &need.question));
        // "Three burgers." "Two classics and one firewall": the answer counts anew.
        if let (Choice::Items(items), Some((line, Open::Item { .. }))) = (&choice, need)
            && items.len() > 1
            && let Some(lines) = cart.pending(line).and_then(|pending| counted(world, self.text, &pending.wanted))
        {
            self.edits.push(Edit::Remove { line, quantity: None });
            self.edits.extend(lines);
            return self.take_as_order();
        }
        match (choice, need) {
            // "The cheese one" of two with cheese: between those two it is asked again.
            (Choice::Items(items), Some((line, Open::Item { .. })))
                if items.len() > 1 && !self.text.contains(',') && !says(&self.words, SEVERAL) =>
            {
                self.edits.extend(cart.pending(line).map(|pending| {
                    let with = OrderLine { item: Pick::AnyOf(items), ..pending.wanted.clone() };
                    Edit::Replace { line, with }
                }));
            }
            (Choice::Items(items), Some((line, Open::Item { .. }))) => {
                let mut items = items.into_iter();
                if let Some(first) = items.next()
                    && let Some(edit) = cart.answer_item(line, &first)
                {
                    self.edits.push(edit);
                    // "Small straight" says the size as well.
                    let sized = understand::parse(&world.lexicon, self.text).lines.into_iter();
                    let size = sized.filter(|said| said.item.one() == Some(&first)).find_map(|said| said.size);
                    self.edits.extend(size.map(|size| Edit::SetSize { line, size }));
                }
                self.edits.extend(items.map(|item| Edit::Add { line: plain_line(item, 1) }));
            }
            (Choice::Items(items), _) => {
                self.edits.extend(items.into_iter().map(|item| Edit::Add { line: plain_line(item, 1) }));
            }
            (Choice::Size(size), Some((line, _))) => self.edits.push(Edit::SetSize { line, size }),
            (Choice::Choices(choices), Some((line, Open::Choice { group, .. }))) => {
                self.edits.extend(choices.into_iter().map(|choice| Edit::SetOption {
                    line,
                    option: OptionPick {
                        group: group.clone(),
                        choice: ChoicePick::One(choice),
                        amount: None,
                        count: None,
                    },
                }));
            }
            (Choice::Choices(choices), Some((line, Open::Without { group, .. }))) => {
                self.edits.extend(choices.into_iter().map(|choice| Edit::Leave {
                    line,
                    without: Without { group: group.clone(), choice: ChoicePick::One(choice) },
                }));
            }
            _ => {}
        }
        if !self.edits.is_empty() {
            self.take_as_order();
        }
    }

    /// Whatever the router made of it, the message is about the order.
    pub(super) fn take_as_order(&mut self) {
        self.intent = Intent::Order;
        self.parts.truncate(1);
        if let Some(part) = self.parts.first_mut() {
            part.intent = Intent::Order;
        }
    }
}

/// The lines that words count of what is to be chosen from: "five classics and two firewalls" of ten burgers. What is left of
/// the number stays to be asked about.
fn counted(world: &World, text: &str, wanted: &OrderLine) -> Option<Vec<Edit>> {
    let Pick::AnyOf(any_of) = &wanted.item else { return None };
    let mut lines = understand::parse(&world.lexicon, text).lines;
    let of_them = |line: &OrderLine| line.item.one().is_some_and(|item| any_of.contains(item));
    let told: u32 = lines.iter().map(|line| line.quantity).sum();
    if lines.len() < 2 || !lines.iter().all(of_them) {
        return None;
    }
    if let Some(left) = wanted.quantity.checked_sub(told).filter(|left| *left > 0) {
        lines.push(OrderLine { quantity: left, ..wanted.clone() });
    }
    Some(lines.into_iter().map(|line| Edit::Add { line }).collect())
}
