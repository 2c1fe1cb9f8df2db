//! Conversations: after every turn the cart is as written. See `orders/dialog.txt`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod support;

use std::fmt::Write as _;

use concierge::menu::Menu;
use concierge::order::{ChoicePick, Edit, LineId, OrderLine};
use concierge::understand::{Answer, DialogContext, Lexicon, Move, Question, converse};
use support::{normal, short};

/// The least of a ledger: what edits do to lines.
#[derive(Default)]
struct Cart {
    context: DialogContext,
    next: u32,
    /// What was said besides edits.
    said: Vec<String>,
}

impl Cart {
    fn turn(&mut self, lexicon: &Lexicon, text: &str) {
        self.said.clear();
        for one in converse(lexicon, text, &self.context) {
            match one {
                Move::Edit(edit) => self.edit(lexicon.menu(), edit),
                Move::Affirm => self.said.push("!yes".into()),
                Move::Deny => self.said.push("!no".into()),
                Move::ShowOrder => self.said.push("!show".into()),
                Move::Choose(Answer::Items(ids)) => self.said.extend(ids.iter().map(|id| format!("!choose {id}"))),
                Move::Choose(Answer::Choices(ids)) => self.said.extend(ids.iter().map(|id| format!("!choose {id}"))),
                Move::Choose(Answer::Size(id)) => self.said.push(format!("!choose {id}")),
                Move::Ambiguous { lines, .. } => self.said.push(format!("!which of {}", lines.len())),
                Move::NotOrdered { .. } => self.said.push("!not ordered".into()),
                Move::Unknown(thing) => self.said.push(format!("!unknown {}", thing.words)),
                Move::Problem(_) => self.said.push("!problem".into()),
            }
        }
        self.context.pending = None;
        self.context.offered.clear();
    }

    fn line(&mut self, id: LineId) -> &mut OrderLine {
        self.context.touched = Some(id);
        &mut self.context.cart.iter_mut().find(|(line, _)| *line == id).expect("edits name lines of the cart").1
    }

    fn edit(&mut self, menu: &Menu, edit: Edit) {
        match edit {
            Edit::Add { line } => {
                self.next += 1;
                self.context.touched = Some(LineId(self.next));
                self.context.cart.push((LineId(self.next), line));
            }
            Edit::SetQuantity { line, quantity } => self.line(line).quantity = quantity,
            Edit::SetSize { line, size } => self.line(line).size = Some(size),
            Edit::SetOption { line, option } => {
                let single = menu.group(&option.group).unwrap().max == Some(1);
                let line = self.line(line);
                line.without.retain(|w| w.group != option.group || w.choice != option.choice);
                line.options.retain(|o| o.group != option.group || (!single && o.choice != option.choice));
                line.options.push(option);
            }
            Edit::Leave { line, without } => {
                let line = self.line(line);
                let count = line.options.len();
                line.options.retain(|o| {
                    let same = match (&o.choice, &without.choice) {
                        (ChoicePick::One(a), ChoicePick::AnyOf(b)) => b.contains(a),
                        (a, b) => a == b,
                    };
                    o.group != without.group || !same
                });
                if line.options.len() == count {
                    line.without.push(without);
                }
            }
            Edit::Replace { line, with } => *self.line(line) = with,
            Edit::Remove { line, quantity } => {
                let left = self.line(line).quantity.saturating_sub(quantity.unwrap_or(u32::MAX));
                self.line(line).quantity = left;
                self.context.cart.retain(|(_, line)| line.quantity > 0);
                self.context.touched = self.context.cart.last().map(|(id, _)| *id);
            }
            Edit::Clear => self.context.cart.clear(),
            Edit::Place => self.said.push("!place".into()),
        }
    }

    fn state(&self) -> Vec<String> {
        let mut all: Vec<String> = self.context.cart.iter().map(|(_, line)| short(line)).collect();
        all.extend(self.said.iter().cloned());
        all.sort();
        all
    }
}

/// `? which a/b`, `? choice group a/b`, `? size item`, `? place`, `? offer item`, `? named a/b`.
fn ask(context: &mut DialogContext, text: &str) {
    let mut words = text.split_whitespace();
    let kind = words.next().unwrap();
    let rest: Vec<&str> = words.collect();
    let last: Vec<&str> = rest.last().map_or(Vec::new(), |ids| ids.split('/').collect());
    context.pending = Some(match kind {
        "which" => Question::WhichItem(last.into_iter().map(Into::into).collect()),
        "choice" => {
            Question::WhichChoice { group: rest[0].into(), choices: last.into_iter().map(Into::into).collect() }
        }
        "size" => Question::WhichSize(rest[0].into()),
        "place" => Question::Place,
        "offer" => Question::Offer(rest[0].into()),
        _ => {
            context.offered = last.into_iter().map(Into::into).collect();
            return;
        }
    });
}

#[test]
fn conversations_keep_the_cart_right() {
    let menus: Vec<(&str, Lexicon)> = [
        ("burger", include_str!("menus/burger.json")),
        ("coffee", include_str!("menus/coffee.json")),
        ("pizza", include_str!("menus/pizza.json")),
        ("breakfast", include_str!("menus/breakfast.json")),
        ("house", include_str!("../../../resources/menu.json")),
    ]
    .map(|(name, text)| (name, Lexicon::new(&Menu::from_json(text).unwrap())))
    .into();
    let mut lexicon = &menus[0].1;
    let (mut cart, mut said, mut wrong, mut count) = (Cart::default(), String::new(), String::new(), 0);
    for line in include_str!("orders/dialog.txt").lines() {
        if let Some(menu) = line.strip_prefix("menu ") {
            lexicon = &menus.iter().find(|(name, _)| *name == menu).unwrap().1;
            cart = Cart::default();
        } else if let Some(question) = line.strip_prefix("? ") {
            ask(&mut cart.context, question);
        } else if let Some(text) = line.strip_prefix("> ") {
            cart.turn(lexicon, text);
            text.clone_into(&mut said);
        } else if let Some(expected) = line.strip_prefix('=') {
            let parts = expected.split(';').map(str::trim).filter(|part| !part.is_empty());
            let mut expected: Vec<String> =
                parts.map(|part| if part.starts_with('!') { part.to_owned() } else { normal(part) }).collect();
            expected.sort();
            count += 1;
            if cart.state() != expected {
                writeln!(wrong, "{said}\n  expected {expected:?}\n  found    {:?}", cart.state()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} turns wrong:\n{wrong}", wrong.lines().count() / 3);
}
